// tests/lab/text_edit_test.cpp - edits of a lab's text: they touch their lines only.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "core/base/random.h"
#include "lab/spec/lab_edit.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

using Path = LabText::Path;

// --- values ------------------------------------------------------------------------------------

struct Change {
  const char *name, *before, *after;
  bool (*edit)(LabText&, Problems&);
};

constexpr Change changes[] = {
    {"a scalar keeps its comment", "a:\n  b: 1   # one\n  c: 2\n", "a:\n  b: 7   # one\n  c: 2\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "b"}, "7", p);
     }},
    {"a quoted one, in brackets", "a: {b: \"x, y\", c: 2}  # z\n", "a: {b: 7, c: 2}  # z\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "b"}, "7", p);
     }},
    {"a new key comes last in its map", "a:\n  b: 1  # one\n\n# two\nc: 2\n",
     "a:\n  b: 1  # one\n  d: 7\n\n# two\nc: 2\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "d"}, "7", p);
     }},
    {"a new key in brackets", "a: {b: 1}\n", "a: {b: 1, d: 7}\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "d"}, "7", p);
     }},
    {"in empty brackets", "a: { }\n", "a: {d: 7}\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "d"}, "7", p);
     }},
    {"below an empty key, behind its comment", "a:   # is\nc: 2\n", "a:   # is\n  d: 7\nc: 2\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "d"}, "7", p);
     }},
    {"a null's value", "a: ~\n", "a: {d: 7}\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "d"}, "7", p);
     }},
    {"maps on the way are made", "a:\n  b: {}\n", "a:\n  b: {x: {y: 7}}\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "b", "x", "y"}, "7", p);
     }},
    {"at the top", "a: 1\n", "a: 1\nb:\n  c: 7\n",
     [](LabText& t, Problems& p) {
       return t.set({"b", "c"}, "7", p);
     }},
    {"in an empty text", "# nothing yet\n", "# nothing yet\nb:\n  c: 7\n",
     [](LabText& t, Problems& p) {
       return t.set({"b", "c"}, "7", p);
     }},
    {"a text without a last line end", "a:\n  b: 1", "a:\n  b: 1\n  c: 7",
     [](LabText& t, Problems& p) {
       return t.set({"a", "c"}, "7", p);
     }},
    {"CRLF stays", "a:\r\n  b: 1\r\nc: 2\r\n", "a:\r\n  b: 1\r\n  d: 7\r\nc: 2\r\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "d"}, "7", p);
     }},
    {"letters of several octets", "ä: \"öü\"\nb: {ß: €, c: 1}\n", "ä: \"öü\"\nb: {ß: €, c: 7}\n",
     [](LabText& t, Problems& p) {
       return t.set({"b", "c"}, "7", p);
     }},
    {"behind a block text", "a:\n  b: |\n    x\n\n    y\n\nc: 1\n",
     "a:\n  b: |\n    x\n\n    y\n  d: 7\n\nc: 1\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "d"}, "7", p);
     }},
    {"a block text becomes a word", "a:\n  b: |\n    x\n    y\nc: 1\n", "a:\n  b: 7\nc: 1\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "b"}, "7", p);
     }},
    {"a block map becomes a word", "a:\n  b:\n    x: 1\nc: 1\n", "a:\n  b: 7\nc: 1\n",
     [](LabText& t, Problems& p) {
       return t.set({"a", "b"}, "7", p);
     }},
    {"a value of several lines", "a: one\n  two\nb: 1\n", "a: 7\nb: 1\n",
     [](LabText& t, Problems& p) { return t.set({"a"}, "7", p); }},
    {"an item of a list", "l:\n  - x\n  - {y: 1}  # y\n", "l:\n  - x\n  - {y: 7}  # y\n",
     [](LabText& t, Problems& p) {
       return t.set({"l", "1", "y"}, "7", p);
     }},
    {"a list's new item", "l:\n- x  # is x\n# end\n", "l:\n- x  # is x\n- 7\n# end\n",
     [](LabText& t, Problems& p) { return t.append({"l"}, "7", p); }},
    {"in brackets over several lines", "l: [\n  x,  # is x\n  y   # is y\n]\n",
     "l: [\n  x,  # is x\n  y,   # is y\n  7\n]\n",
     [](LabText& t, Problems& p) { return t.append({"l"}, "7", p); }},
    {"a list that was one word", "l: x\n", "l: [x, 7]\n",
     [](LabText& t, Problems& p) { return t.append({"l"}, "7", p); }},
    {"a list that was not there", "a: 1\n", "a: 1\nl:\n  - 7\n",
     [](LabText& t, Problems& p) { return t.append({"l"}, "7", p); }},
    {"removal takes the line and leaves comments", "a:\n  # b\n  b: {x: 1}  # gone\n  c: 2\n",
     "a:\n  # b\n  c: 2\n",
     [](LabText& t, Problems& p) {
       return t.remove({"a", "b"}, p);
     }},
    {"removal of a block", "a:\n  b:\n    x: 1\n    y: 2\n  c: 2\n", "a:\n  c: 2\n",
     [](LabText& t, Problems& p) {
       return t.remove({"a", "b"}, p);
     }},
    {"removal of the last one", "a:\n  b: 1\nc: 2\n", "a: {}\nc: 2\n",
     [](LabText& t, Problems& p) {
       return t.remove({"a", "b"}, p);
     }},
    {"removal behind a dash", "l:\n  - n: 1\n    m: 2\n", "l:\n  - m: 2\n",
     [](LabText& t, Problems& p) {
       return t.remove({"l", "0", "n"}, p);
     }},
    {"removal in brackets", "a: {b: 1, c: 2, d: 3}\n", "a: {b: 1, d: 3}\n",
     [](LabText& t, Problems& p) {
       return t.remove({"a", "c"}, p);
     }},
    {"of the last in brackets", "a: {b: 1, c: [2]}\n", "a: {b: 1}\n",
     [](LabText& t, Problems& p) {
       return t.remove({"a", "c"}, p);
     }},
    {"of the only one in brackets", "a: {b: 1}\n", "a: {}\n",
     [](LabText& t, Problems& p) {
       return t.remove({"a", "b"}, p);
     }},
    {"a new name", "a:\n  b: {x: 1}  # b\n", "a:\n  seven: {x: 1}  # b\n",
     [](LabText& t, Problems& p) {
       return t.rename({"a", "b"}, "seven", p);
     }},
    {"names become keys", "n: [a, \"b\"]  # two\n", "n: {a: {}, \"b\": {}}  # two\n",
     [](LabText& t, Problems& p) { return t.list_to_map({"n"}, p); }},
    {"names on lines become keys", "n:\n- a  # first\n- b\nl: []\n",
     "n:\n  a: {}  # first\n  b: {}\nl: []\n",
     [](LabText& t, Problems& p) { return t.list_to_map({"n"}, p); }},
    {"several at once", "p: {a: [1, 2]}\n", "p: {a: [3, 4], b: [5, 6], c: [7, 8]}\n",
     [](LabText& t, Problems& p) {
       return t.set_all({"p"}, {{"a", "[3, 4]"}, {"b", "[5, 6]"}, {"c", "[7, 8]"}}, p);
     }},
};

}  // namespace

TEST_CASE("a change of a value touches its lines only", "[spec][text]") {
  for (const Change& change : changes) {
    INFO(change.name);
    LabText text(change.before);
    REQUIRE(text.readable());
    Problems problems;
    const bool done = change.edit(text, problems);
    INFO(problems.text("e"));
    CHECK(done);
    CHECK(text.text() == change.after);
  }
}

TEST_CASE("what cannot be changed in place says where and why, and nothing happens",
          "[spec][text]") {
  LabText text("a: &x {b: 1}\nc: *x\nd: word\n");
  const std::string before = text.text();
  Problems problems;
  CHECK_FALSE(text.set({"c"}, "7", problems));
  CHECK_FALSE(text.set({"d", "e"}, "7", problems));
  CHECK_FALSE(text.set({"d"}, "[7", problems));
  CHECK(problems.text("e") ==
        "e:2:4: this stands for a value elsewhere - change the text itself\n"
        "e:3:4: this cannot be written here - change the text itself\n"
        "e:3:4: this is no map - change the text itself\n");
  CHECK(text.text() == before);
  CHECK_FALSE(LabText("a: [1").readable());
}

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

std::vector<std::filesystem::path> scenario_files() {
  std::filesystem::path root = std::filesystem::path(__FILE__).parent_path();
  while (!std::filesystem::exists(root / "scenarios")) root = root.parent_path();
  std::vector<std::filesystem::path> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "scenarios"))
    if (entry.path().extension() == ".yaml") all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  return all;
}

// As read_yaml sees it, without places.
std::string shape(const Yaml& value) {
  std::string all;
  switch (value.kind) {
    case Yaml::Kind::null:
      return "~";
    case Yaml::Kind::scalar:
      return "<" + value.text + ">";
    case Yaml::Kind::list:
      for (const Yaml& item : value.items) all += shape(item) + ";";
      return "[" + all + "]";
    case Yaml::Kind::map:
      for (const Yaml::Entry& entry : value.entries) all += entry.key + "=" + shape(entry.value);
      return "{" + all + "}";
  }
  return all;
}

std::string shape_of(const std::string& text) {
  Problems problems;
  return shape(read_yaml(text, problems)) + problems.text("e");
}

void all_paths(const TextNode& node, const Path& path, std::vector<Path>& found) {
  for (size_t i = 0; i < node.children.size(); ++i) {
    Path below = path;
    below.push_back(node.is_map() ? node.children[i].key : std::to_string(i));
    found.push_back(below);
    all_paths(node.children[i], below, found);
  }
}

// A value with an anchor, around or inside of one, stands at its aliases too; an alias is not
// changed.
bool shared(const LabText& text, const Path& path) {
  const TextNode* node = &text.tree();
  for (const std::string& step : path) {
    node = node->is_map() ? node->find(step) : &node->children.at(size_t(std::stoi(step)));
    if (node->kind == TextNode::Kind::alias) return true;
    const size_t from = std::min(node->colon, node->begin);
    if (text.text().substr(from, node->begin - from).find('&') != std::string::npos) return true;
  }
  return text.text().substr(node->begin, node->end - node->begin).find(": &") != std::string::npos;
}

// The same change, made to what was read.
Yaml* value_at(Yaml& root, const Path& path) {
  Yaml* value = &root;
  for (const std::string& step : path) {
    Yaml* next = nullptr;
    if (value->is_map()) {
      for (Yaml::Entry& entry : value->entries)
        if (entry.key == step) next = &entry.value;
    } else {
      next = &value->items.at(size_t(std::stoi(step)));
    }
    REQUIRE(next);
    value = next;
  }
  return value;
}

}  // namespace

TEST_CASE("every value of every scenario can be set and removed: what is read is what was edited",
          "[spec][text]") {
  size_t edits = 0;
  for (const auto& file : scenario_files()) {
    INFO(file);
    const std::string before = read_file(file);
    const LabText original(before);
    REQUIRE(original.readable());
    std::vector<Path> paths;
    all_paths(original.tree(), {}, paths);
    for (const Path& path : paths) {
      INFO(join(path, "."));
      if (shared(original, path)) continue;
      Problems none;
      Yaml expected = read_yaml(before, none);
      LabText text(before);
      Problems problems;
      REQUIRE(text.set(path, "\"it's: #7\"", problems));
      *value_at(expected, path) = Yaml{
          .kind = Yaml::Kind::scalar, .place = {}, .text = "it's: #7", .items = {}, .entries = {}};
      CHECK(shape_of(text.text()) == shape(expected));

      LabText shorter(before);
      REQUIRE(shorter.remove(path, problems));
      expected = read_yaml(before, none);
      Yaml* parent = value_at(expected, Path(path.begin(), path.end() - 1));
      if (parent->is_map())
        std::erase_if(parent->entries, [&](const auto& e) { return e.key == path.back(); });
      else
        parent->items.erase(parent->items.begin() + std::stoi(path.back()));
      CHECK(shape_of(shorter.text()) == shape(expected));
      // Nothing but lines of this value has changed: the rest is a beginning and an end of it.
      const std::string& after = shorter.text();
      size_t same = 0;
      while (same < after.size() && same < before.size() && after[same] == before[same]) ++same;
      size_t tail = 0;
      while (tail + same < std::min(after.size(), before.size()) &&
             after[after.size() - 1 - tail] == before[before.size() - 1 - tail])
        ++tail;
      CHECK(after.size() - same - tail <= 3);  // " {}"
      ++edits;
    }
  }
  CHECK(edits > 500);
}

// --- a lab's things ----------------------------------------------------------------------------

namespace {

constexpr const char* office = R"(# An office.
nodes:
  pc1: {}   # Ann's
  pc2:
    routes: [{to: default, via: gw}, {to: 10.9.0.0/16, via: pc1}]
  gw: {kind: router}
  sw: {kind: switch}
  srv:
    jails:
      web: {}
links:
  - pc1 -- sw            # a
  - {name: up, endpoints: "pc2:em0 -- sw"}
  - sw -- gw
  - endpoints: [gw, srv, pc1]
layout: {pc1: [0, 0], pc2: [100, 0]}
captures: [{tap: [up, "pc1:em0"]}]
checks:
  there: {node: pc2, at: 1s, run: ping -c 1 pc1}   # twice
  seen: {eventually: {packet: icmp, on: up}}
)";

using Edit = std::function<bool(LabEdit&)>;

std::string edited(const std::string& before, const Edit& edit) {
  LabSpec spec = spec_of(before);
  LabEdit editing(before, spec);
  const bool done = edit(editing);
  if (!done) return editing.problems().text("e");
  std::string errors;
  spec_of(editing.text(), &errors);
  CHECK(errors == "");
  return editing.text();
}

// The lines that went ("-") and came ("+").
std::string difference(const std::string& before, const std::string& after) {
  const auto a = split(before, '\n'), b = split(after, '\n');
  std::vector<std::vector<size_t>> same(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = a.size(); i-- > 0;)
    for (size_t j = b.size(); j-- > 0;)
      same[i][j] = a[i] == b[j] ? same[i + 1][j + 1] + 1 : std::max(same[i + 1][j], same[i][j + 1]);
  std::string all;
  for (size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      ++i;
      ++j;
    } else if (j >= b.size() || (i < a.size() && same[i + 1][j] >= same[i][j + 1])) {
      all += "-" + a[i++] + "\n";
    } else {
      all += "+" + b[j++] + "\n";
    }
  }
  return all;
}

std::string office_after(const Edit& edit) {
  const std::string after = edited(office, edit);
  return after.starts_with("e:") ? after : difference(office, after);
}

}  // namespace

TEST_CASE("nodes, jails and links come and go in a lab's text", "[spec][text]") {
  CHECK(office_after([](LabEdit& e) { return e.add_node("pc3", "host"); }) == "+  pc3: {}\n");
  CHECK(office_after([](LabEdit& e) { return e.add_node("r2", "router"); }) ==
        "+  r2: {kind: router}\n");
  CHECK(office_after([](LabEdit& e) { return e.add_node("d", "door", "", "tap: tap0"); }) ==
        "+  d: {kind: door, tap: tap0}\n");
  CHECK(office_after([](LabEdit& e) { return e.add_node("db", "jail", "srv"); }) ==
        "+      db: {}\n");
  CHECK(office_after([](LabEdit& e) { return e.add_node("db", "jail", "pc1"); }) ==
        "-  pc1: {}   # Ann's\n+  pc1: {jails: {db: {}}}   # Ann's\n");
  CHECK(office_after([](LabEdit& e) { return e.add_link("pc2 -- gw"); }) == "+  - pc2 -- gw\n");
  CHECK(office_after([](LabEdit& e) { return e.remove({"pc1"}, {}, {}); }) ==
        "-  pc1: {}   # Ann's\n"
        "-    routes: [{to: default, via: gw}, {to: 10.9.0.0/16, via: pc1}]\n"
        "+    routes: [{to: default, via: gw}]\n"
        "-  - pc1 -- sw            # a\n"
        "-  - endpoints: [gw, srv, pc1]\n"
        "-layout: {pc1: [0, 0], pc2: [100, 0]}\n"
        "-captures: [{tap: [up, \"pc1:em0\"]}]\n"
        "+  - endpoints: [gw, srv]\n"
        "+layout: {pc2: [100, 0]}\n"
        "+captures: [{tap: [up]}]\n");
  CHECK(office_after([](LabEdit& e) { return e.remove({"srv/web"}, {}, {}); }) ==
        "-  srv:\n-    jails:\n-      web: {}\n+  srv: {}\n");
  CHECK(office_after([](LabEdit& e) {
          return e.remove({"gw", "srv"}, {}, {});
        }).find("-  - endpoints: [gw, srv, pc1]\n") != std::string::npos);
  const std::string without_route =
      edited(office, [](LabEdit& e) { return e.unset_node("pc2", {"routes"}); });
  CHECK(difference(without_route,
                   edited(without_route, [](LabEdit& e) { return e.remove({}, {1}, {}); })) ==
        "-  - {name: up, endpoints: \"pc2:em0 -- sw\"}\n"
        "-captures: [{tap: [up, \"pc1:em0\"]}]\n"
        "+captures: [{tap: [\"pc1:em0\"]}]\n"
        "-  seen: {eventually: {packet: icmp, on: up}}\n");
}

TEST_CASE("a new name reaches all that use it", "[spec][text]") {
  CHECK(office_after([](LabEdit& e) { return e.rename_node("pc2", "bob"); }) ==
        "-  pc2:\n+  bob:\n"
        "-  - {name: up, endpoints: \"pc2:em0 -- sw\"}\n+  - {name: up, endpoints: \"bob:em0 -- "
        "sw\"}\n"
        "-layout: {pc1: [0, 0], pc2: [100, 0]}\n+layout: {pc1: [0, 0], bob: [100, 0]}\n"
        "-  there: {node: pc2, at: 1s, run: ping -c 1 pc1}   # twice\n"
        "+  there: {node: bob, at: 1s, run: ping -c 1 pc1}   # twice\n");
  CHECK(office_after([](LabEdit& e) { return e.rename_link(1, "uplink"); }) ==
        "-  - {name: up, endpoints: \"pc2:em0 -- sw\"}\n"
        "+  - {name: uplink, endpoints: \"pc2:em0 -- sw\"}\n"
        "-captures: [{tap: [up, \"pc1:em0\"]}]\n+captures: [{tap: [uplink, \"pc1:em0\"]}]\n"
        "-  seen: {eventually: {packet: icmp, on: up}}\n"
        "+  seen: {eventually: {packet: icmp, on: uplink}}\n");
  CHECK(office_after([](LabEdit& e) { return e.rename_link(0, "left"); }) ==
        "-  - pc1 -- sw            # a\n+  - {endpoints: pc1 -- sw, name: left}            # a\n");
  CHECK(office_after([](LabEdit& e) { return e.rename_node("pc1", "gw"); }) ==
        "e:1:1: the name \"gw\" is taken - choose another\n");
}

TEST_CASE("keys of nodes and links, places and notes", "[spec][text]") {
  CHECK(office_after([](LabEdit& e) {
          return e.set_node("pc1", {"interfaces", "em0", "mtu"}, "9000");
        }) == "-  pc1: {}   # Ann's\n+  pc1: {interfaces: {em0: {mtu: 9000}}}   # Ann's\n");
  CHECK(office_after([](LabEdit& e) {
          return e.unset_node("pc2", {"routes", "0"});
        }) ==
        "-    routes: [{to: default, via: gw}, {to: 10.9.0.0/16, via: pc1}]\n"
        "+    routes: [{to: 10.9.0.0/16, via: pc1}]\n");
  CHECK(office_after([](LabEdit& e) {
          return e.set_link(2, {"impair", "delay"}, "5ms");
        }) == "-  - sw -- gw\n+  - {endpoints: sw -- gw, impair: {delay: 5ms}}\n");
  CHECK(office_after([](LabEdit& e) { return e.set_link(3, {"mtu"}, "1400"); }) ==
        "+    mtu: 1400\n");
  CHECK(office_after([](LabEdit& e) {
          return e.move({{"pc2", 7, 8}, {"gw", -1, 2}});
        }) ==
        "-layout: {pc1: [0, 0], pc2: [100, 0]}\n"
        "+layout: {pc1: [0, 0], pc2: [7, 8], gw: [-1, 2]}\n");
  CHECK(edited("nodes: [a, b]  # two\n", [](LabEdit& e) {
          return e.move({{"a", 1, 2}, {"b", 3, 4}});
        }) == "nodes: [a, b]  # two\nlayout:\n  a: [1, 2]\n  b: [3, 4]\n");
  CHECK(edited("nodes: [a, b]  # two\n", [](LabEdit& e) {
          return e.set_node("b", {"kind"}, "router");
        }) == "nodes: {a: {}, b: {kind: router}}  # two\n");
  CHECK(edited("nodes: [a]\n", [](LabEdit& e) { return e.add_node("b", "host"); }) ==
        "nodes: [a, b]\n");
  CHECK(edited("nodes: [a]\n", [](LabEdit& e) { return e.add_note("Mind: the gap", 5, 6); }) ==
        "nodes: [a]\nnotes:\n  - {text: \"Mind: the gap\", at: [5, 6]}\n");
  CHECK(office_after([](LabEdit& e) {
          return e.grow({{"a", "{}"}, {"b", "{kind: hub}"}}, {"a -- b", "{endpoints: [a, sw]}"},
                        {{"a", 1, 1}, {"b", 2, 2}});
        }) ==
        "+  a: {}\n+  b: {kind: hub}\n"
        "-layout: {pc1: [0, 0], pc2: [100, 0]}\n"
        "+  - a -- b\n+  - {endpoints: [a, sw]}\n"
        "+layout: {pc1: [0, 0], pc2: [100, 0], a: [1, 1], b: [2, 2]}\n");
  const std::string many = "nodes: {pc: {count: 2}, sw: {kind: switch}}\nlinks: [pc* -- sw]\n";
  CHECK(edited(many, [](LabEdit& e) { return e.remove({"pc1"}, {}, {}); }) ==
        "e:1:9: pc1 is one of several that are written together - change the text's count\n");
  CHECK(edited(many, [](LabEdit& e) { return e.remove({}, {0}, {}); }) ==
        "e:2:9: link1-1 is one of several that are written together - change the text's link\n");
  CHECK(edited(many, [](LabEdit& e) { return e.set_node("pc2", {"fibs"}, "2"); }) ==
        "nodes: {pc: {count: 2, fibs: 2}, sw: {kind: switch}}\nlinks: [pc* -- sw]\n");
}
