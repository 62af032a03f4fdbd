// lab/spec/read_lab.cpp - the top of a lab file: variables, simulation, pools, lesson, layout.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/text.h"
#include "lab/spec/lab_reader.h"

namespace stackyard {

namespace {

std::vector<std::string> top_keys() {
  return {"name",  "version", "sim",    "vars",     "hosts",  "addressing", "defaults", "groups",
          "nodes", "links",   "events", "captures", "checks", "lesson",     "layout",   "notes"};
}

}  // namespace

bool matches_pattern(const std::string& pattern, const std::string& name) {
  size_t p = 0, n = 0, star = pattern.npos, mark = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = n;
    } else if (p < pattern.size() &&
               (pattern[p] == name[n] || (pattern[p] == '?' && name[n] != '/'))) {
      ++p;
      ++n;
    } else if (star != pattern.npos && name[mark] != '/') {
      p = star + 1;
      n = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

LabSpec LabReader::read(const std::string& content, const std::string& file_name) {
  Yaml root = read_yaml(content, r_.problems);
  if (root.is_null()) {
    if (!r_.problems.any_errors())
      r_.problems.error({}, "the file describes no lab", "write nodes: [pc1, pc2]");
    return {};
  }
  if (!r_.is_map(root, "a lab")) return {};
  for (const std::string& addition : options_.additions) add_to(root, addition);
  read_vars(root);
  for (Yaml::Entry& entry : root.entries)
    if (entry.key != "vars") substitute(entry.value, {}, false);
  read_top(root, file_name);
  return std::move(lab_);
}

namespace {

// The value of a key, made if it is missing.
Yaml& value_of(Yaml& map, const std::string& key, Yaml::Kind kind) {
  for (Yaml::Entry& entry : map.entries)
    if (entry.key == key) return entry.value;
  map.entries.push_back({key, {}, Yaml{.kind = kind, .items = {}, .entries = {}}});
  return map.entries.back().value;
}

}  // namespace

void LabReader::add_to(Yaml& root, const std::string& addition) {
  Yaml more = read_yaml(addition, r_.problems);
  if (!r_.map(more, "an addition", {.known = {"nodes", "links"}})) return;
  for (Yaml::Entry& entry : more.entries) {
    const bool nodes = entry.key == "nodes";
    Yaml& all = value_of(root, entry.key, nodes ? Yaml::Kind::map : Yaml::Kind::list);
    if (!nodes) {
      for (Yaml& link : entry.value.items) all.items.push_back(std::move(link));
      continue;
    }
    for (Yaml* names : {&all, &entry.value}) {  // a list of names is a map without values
      for (const Yaml& name : names->items)
        names->entries.push_back({name.text, name.place, Yaml{.items = {}, .entries = {}}});
      names->items.clear();
      names->kind = Yaml::Kind::map;
    }
    for (Yaml::Entry& node : entry.value.entries) {
      if (all.find(node.key))
        r_.problems.error(node.place, text("there is a node \"{}\" already", node.key));
      else
        all.entries.push_back(std::move(node));
    }
  }
}

void LabReader::read_top(const Yaml& root, const std::string& file_name) {
  r_.map(root, "a lab",
         {.known = top_keys(),
          .reserved = {"include", "import", "kinds", "plots", "scripts", "journal"}});
  const std::string stem = std::filesystem::path(file_name).stem().string();
  lab_.name = r_.word(root.find("name"), "the name").value_or(stem);
  if (const Yaml* version = root.find("version")) {
    const auto n = r_.integer(version, 1, INT32_MAX);
    if (n && *n > 1)
      r_.problems.error(version->place, text("version {} is newer than this program's 1", *n),
                        "update Stackyard");
  }
  lab_.hosts = r_.boolean(root.find("hosts")).value_or(true);
  read_sim(root.find("sim"));
  read_addressing(root.find("addressing"));
  defaults_ = root.find("defaults");
  if (defaults_)
    r_.map(*defaults_, "defaults",
           {.known = {"node", "host", "router", "switch", "hub", "door", "jail", "link",
                      "interface"}});
  read_nodes(root);
  read_links(root.find("links"));
  read_wiring();
  read_events(root.find("events"));
  read_captures(root.find("captures"));
  read_checks(root.find("checks"));
  read_lesson(root.find("lesson"));
  read_layout(root.find("layout"));
  read_notes(root.find("notes"));
}

// --- variables ---------------------------------------------------------------------------------

void LabReader::read_vars(const Yaml& root) {
  if (const Yaml* vars = root.find("vars"); vars && r_.is_map(*vars, "vars")) {
    for (const Yaml::Entry& entry : vars->entries) {
      if (entry.key.find('.') != entry.key.npos)
        r_.problems.error(entry.place, "dots in the names of variables are reserved", "use -");
      if (const auto value = r_.word(&entry.value, "a variable")) lab_.vars[entry.key] = *value;
    }
  }
  for (const auto& [name, value] : options_.set) {
    const auto found = lab_.vars.find(name);
    if (found != lab_.vars.end()) {
      found->second = value;
      continue;
    }
    std::vector<std::string> names;
    for (const auto& [known, unused] : lab_.vars) names.push_back(known);
    r_.problems.error({}, text("--set {}: the lab has no such variable", name),
                      suggest(name, names, "variables"));
  }
}

std::string LabReader::substitute_text(const std::string& s, Place place, const Numbers& numbers,
                                       bool final, bool lenient) {
  std::string out;
  for (size_t at = 0; at < s.size();) {
    if (s.compare(at, 3, "$${") == 0 && final) {
      out += "${";
      at += 3;
      continue;
    }
    if (s.compare(at, 3, "$${") == 0) {
      out += "$${";
      at += 3;
      continue;
    }
    const size_t end = s.compare(at, 2, "${") == 0 ? s.find('}', at) : s.npos;
    if (end == s.npos) {
      out += s[at++];
      continue;
    }
    const std::string name = s.substr(at + 2, end - at - 2);
    const auto number = std::find_if(numbers.begin(), numbers.end(),
                                     [&](const auto& n) { return n.first == name; });
    const auto variable = lab_.vars.find(name);
    if (number != numbers.end()) {
      out += number->second;
    } else if (variable != lab_.vars.end()) {
      out += variable->second;
    } else {
      out += s.substr(at, end + 1 - at);
      const bool maybe_number = !final && (name == "i" || name == "j");
      if (!lenient && !maybe_number) {
        std::vector<std::string> names;
        for (const auto& [known, unused] : lab_.vars) names.push_back(known);
        r_.problems.error(place.right(at), text("unknown variable \"{}\"", name),
                          names.empty() ? "declare it in vars" : suggest(name, names, "variables"));
      }
    }
    at = end + 1;
  }
  return out;
}

void LabReader::substitute(Yaml& value, const Numbers& numbers, bool final, bool lenient) {
  if (value.is_scalar() && value.text.find('$') != value.text.npos)
    value.text = substitute_text(value.text, value.text_place(), numbers, final, lenient);
  for (Yaml& item : value.items) substitute(item, numbers, final, lenient);
  for (Yaml::Entry& entry : value.entries) {
    if (entry.key.find('$') != entry.key.npos)
      entry.key = substitute_text(entry.key, entry.place, numbers, final, lenient);
    const bool shell =
        entry.key == "exec" || entry.key == "run" || entry.key == "files" || entry.key == "text";
    substitute(entry.value, numbers, final, lenient || shell);
  }
}

// --- small sections ----------------------------------------------------------------------------

void LabReader::read_sim(const Yaml* sim) {
  if (!sim) return;
  r_.map(*sim, "sim", {.known = {"seed", "stop", "pace", "bring_up"}});
  lab_.seed = uint64_t(r_.integer(sim->find("seed"), 0, INT64_MAX).value_or(1));
  lab_.stop = r_.duration(sim->find("stop"));
  if (const Yaml* pace = sim->find("pace")) {
    const auto s = r_.word(pace, "the pace");
    const bool times = s && s->ends_with('x') && parse_decimal_nano(s->substr(0, s->size() - 1));
    if (s && (*s == "fast" || times))
      lab_.pace = *s;
    else if (s && (*s == "lockstep" || *s == "paused"))
      r_.not_yet(pace->place, *s);
    else if (s)
      r_.problems.error(pace->place, text("unknown pace \"{}\"", *s),
                        "write fast, 1x, 10x, lockstep or paused");
  }
  const auto bring_up = r_.one_of(sim->find("bring_up"), "bring_up", {"settled"});
  lab_.settled = bring_up.has_value();
}

void LabReader::read_addressing(const Yaml* addressing) {
  lab_.pools["lan"] = {.ipv4 = parse_ipv4_prefix("10.0.0.0/9"), .prefix = 24, .ipv6 = {}};
  lab_.pools["p2p"] = {.ipv4 = parse_ipv4_prefix("10.128.0.0/9"), .prefix = 30, .ipv6 = {}};
  if (!addressing || !r_.is_map(*addressing, "addressing")) return;
  for (const Yaml::Entry& entry : addressing->entries) {
    const std::string what = text("pool \"{}\"", entry.key);
    r_.map(entry.value, what, {.known = {"ipv4", "prefix", "ipv6", "prefix6"}});
    LabSpec::Pool& pool = lab_.pools[entry.key];
    if (const Yaml* ipv4 = entry.value.find("ipv4")) {
      const auto prefix = r_.cidr(*ipv4);
      if (prefix && prefix->address.is_v6())
        r_.problems.error(ipv4->place, "\"ipv4\" needs an IPv4 network", "write 10.0.0.0/9");
      else if (prefix)
        pool.ipv4 = prefix->v4().canonical();
    }
    if (const Yaml* ipv6 = entry.value.find("ipv6")) {
      const auto prefix = r_.cidr(*ipv6);
      if (prefix && prefix->address.is_v4())
        r_.problems.error(ipv6->place, "\"ipv6\" needs an IPv6 network", "write 2001:db8::/48");
      else if (prefix)
        pool.ipv6 = prefix->v6().canonical();
    }
    const int length6 = pool.ipv6 ? pool.ipv6->length : 0;
    pool.prefix6 = int(r_.integer(entry.value.find("prefix6"), length6, 127)
                           .value_or(std::max(pool.prefix6, length6)));
    const int length = pool.ipv4 ? pool.ipv4->length : 0;
    pool.prefix = int(r_.integer(entry.value.find("prefix"), length, 31).value_or(pool.prefix));
  }
}

std::optional<std::string> LabReader::local_path(const Yaml& value) {
  const auto path = r_.word(&value, "a path");
  if (!path) return std::nullopt;
  const std::filesystem::path folder = std::filesystem::weakly_canonical(options_.folder);
  const std::filesystem::path whole = std::filesystem::weakly_canonical(folder / *path);
  const auto [end, unused] =
      std::mismatch(folder.begin(), folder.end(), whole.begin(), whole.end());
  if (path->starts_with('/') || end != folder.end()) {
    r_.problems.error(value.place, text("\"{}\" leaves the lab's folder", *path),
                      "keep files beside the lab");
    return std::nullopt;
  }
  std::error_code error;
  if (!std::filesystem::exists(whole, error)) {
    r_.problems.error(value.place, text("there is no file \"{}\"", *path), "check its name");
    return std::nullopt;
  }
  return whole.string();
}

namespace {
std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}
}  // namespace

std::optional<std::string> LabReader::local_text(const Yaml* value) {
  if (!value || value->is_null()) return std::nullopt;
  if (!value->is_map()) return r_.word(value, "a text");
  r_.map(*value, "a text", {.known = {"file"}});
  const Yaml* file = value->find("file");
  const auto path = file ? local_path(*file) : std::nullopt;
  return path ? std::optional(content_of(*path)) : std::nullopt;
}

void LabReader::read_lesson(const Yaml* lesson) {
  if (!lesson) return;
  r_.map(*lesson, "lesson", {.known = {"title", "text", "locks", "expect_hash"}});
  LabSpec::Lesson read;
  read.title = r_.word(lesson->find("title"), "the title").value_or("");
  read.text = local_text(lesson->find("text")).value_or("");
  read.expect_hash = r_.word(lesson->find("expect_hash"), "the hash").value_or("");
  const std::vector<std::string> top = top_keys();
  for (const Yaml* lock : r_.list(lesson->find("locks"), "locks")) {
    const auto name = r_.word(lock, "a lock");
    if (!name) continue;
    const bool known = lab_.node_index.contains(*name) || lab_.link_index.contains(*name) ||
                       std::find(top.begin(), top.end(), *name) != top.end();
    if (known) {
      read.locks.push_back(*name);
      continue;
    }
    std::vector<std::string> names = top;
    for (const auto& [node, index] : lab_.node_index) names.push_back(node);
    r_.problems.error(lock->place, text("unknown node, link or key \"{}\"", *name),
                      suggest(*name, names, "known"));
  }
  lab_.lesson = read;
}

void LabReader::read_layout(const Yaml* layout) {
  if (!layout || !r_.is_map(*layout, "layout")) return;
  for (const Yaml::Entry& entry : layout->entries) {
    if (!lab_.node_index.contains(entry.key))
      r_.problems.warning(entry.place, text("layout names an unknown node \"{}\"", entry.key));
    const bool pair = entry.value.is_list() && entry.value.items.size() == 2;
    if (!pair) {
      r_.problems.error(entry.value.place, "a position must be a list of two", "write [100, 200]");
      continue;
    }
    const auto x = r_.integer(&entry.value.items[0], -1'000'000, 1'000'000);
    const auto y = r_.integer(&entry.value.items[1], -1'000'000, 1'000'000);
    if (x && y) lab_.layout[entry.key] = {double(*x), double(*y)};
  }
}

void LabReader::read_notes(const Yaml* notes) {
  for (const Yaml* note : r_.list(notes, "notes")) {
    if (!r_.map(*note, "a note", {.known = {"text", "at"}})) continue;
    LabSpec::Note read;
    read.text = r_.word(note->find("text"), "a text").value_or("");
    const Yaml* at = note->find("at");
    if (at && at->is_list() && at->items.size() == 2) {
      read.x = double(r_.integer(&at->items[0], -1'000'000, 1'000'000).value_or(0));
      read.y = double(r_.integer(&at->items[1], -1'000'000, 1'000'000).value_or(0));
    }
    lab_.notes.push_back(read);
  }
}

LabSpec read_lab(const std::string& content, const std::string& file_name,
                 const ReadOptions& options, Problems& problems) {
  LabReader reader(options, problems);
  LabSpec lab = reader.read(content, file_name);
  if (problems.any_errors()) return lab;
  assign_addresses(lab, problems);
  // `reachable` asks for a node's first address, whether or not /etc/hosts knows the node.
  for (CheckSpec& c : lab.checks) {
    const auto to = lab.node_index.find(c.predicate.target_name);
    if (to != lab.node_index.end()) {
      if (const auto address = lab.first_address(to->second))
        c.predicate.target = *address;
      else if (const auto address6 = lab.first_address6(to->second))
        c.predicate.target = *address6;
    }
  }
  return lab;
}

}  // namespace stackyard
