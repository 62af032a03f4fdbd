#include "lab/spec/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <sstream>

#include "core/base/text.h"
#include "lab/spec/problems.h"

namespace stackyard {

std::string to_text(Place place) { return text("{}:{}", place.line, place.column); }

const Yaml* Yaml::find(const std::string& key) const {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

namespace {

constexpr size_t depth_max = 64;
constexpr size_t values_max = 4'000'000;

struct TooMuch {
  Place place;
  const char* what;
};

class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(Problems& problems) : problems_(problems) {}
  Yaml take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add({.place = place(mark), .text = {}, .items = {}, .entries = {}}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Yaml copy = anchors_[anchor];
    count(copy, place(mark));
    add(std::move(copy), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    Yaml scalar{.kind = Yaml::Kind::scalar,
                .place = place(mark),
                .quoted = tag == "!",
                .text = value,
                .items = {},
                .entries = {}};
    if (!scalar.quoted && (value == "null" || value == "~")) scalar.kind = Yaml::Kind::null;
    add(std::move(scalar), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(Yaml::Kind::list, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(Yaml::Kind::map, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Yaml value;
    YAML::anchor_t anchor;
    bool have_key = false;
    std::string key;
    Place key_place;
  };

  static Place place(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      problems_.error(place(mark), text("tag \"{}\" is not allowed", tag), "remove it");
  }
  void count(const Yaml& value, Place where) {
    if (++values_ > values_max) throw TooMuch{where, "more than 4,000,000 values"};
    for (const Yaml& item : value.items) count(item, where);
    for (const Yaml::Entry& entry : value.entries) count(entry.value, where);
  }
  void open(Yaml::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= depth_max) throw TooMuch{place(mark), "nested more than 64 deep"};
    open_.push_back(
        {.value = {.kind = kind, .place = place(mark), .text = {}, .items = {}, .entries = {}},
         .anchor = anchor,
         .key = {},
         .key_place = {}});
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.value), done.anchor);
  }
  void add(Yaml value, YAML::anchor_t anchor) {
    if (++values_ > values_max) throw TooMuch{value.place, "more than 4,000,000 values"};
    if (anchor) anchors_[anchor] = value;
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.value.is_list()) {
      parent.value.items.push_back(std::move(value));
    } else if (!parent.have_key) {
      take_key(parent, value);
    } else {
      parent.have_key = false;
      if (!parent.key.starts_with("x-"))
        parent.value.entries.push_back({parent.key, parent.key_place, std::move(value)});
    }
  }
  void take_key(Open& parent, const Yaml& key) {
    parent.have_key = true;
    parent.key = key.is_null() ? "" : key.text;
    parent.key_place = key.place;
    if (!key.is_scalar()) problems_.error(key.place, "a key must be a word");
    if (parent.key == "<<") problems_.error(key.place, "\"<<\" is not allowed", "repeat the keys");
    for (const Yaml::Entry& other : parent.value.entries)
      if (other.key == parent.key && parent.value.entries.size() < 4096)
        problems_.error(key.place,
                        text("duplicate key \"{}\", first at {}", parent.key, to_text(other.place)),
                        "rename one");
  }

  Problems& problems_;
  Yaml root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Yaml> anchors_;
  size_t values_ = 0;
};

// Tabs before the first other character of a line, outside of block texts.
bool find_tabs(const std::string& content, Problems& problems) {
  int line = 0;
  bool found = false;
  for (const std::string& words : split(content, '\n')) {
    ++line;
    const size_t first = words.find_first_not_of(' ');
    if (first == words.npos || words[first] != '\t' || trim(words).empty()) continue;
    problems.error({line, int(first) + 1}, "tab in the indentation", "use spaces");
    found = true;
  }
  return found;
}

}  // namespace

Yaml read_yaml(const std::string& content, Problems& problems) {
  if (content.size() > (size_t(16) << 20)) {
    problems.error({}, "the file is longer than 16 MiB", "make it smaller");
    return {};
  }
  Builder builder(problems);
  try {
    std::istringstream stream(content);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return {};
    Yaml root = builder.take();
    Builder second(problems);
    if (parser.HandleNextDocument(second))
      problems.error(second.take().place, "a second document in the file", "keep one");
    return root;
  } catch (const YAML::Exception& error) {
    if (!find_tabs(content, problems))
      problems.error({error.mark.line + 1, error.mark.column + 1}, error.msg);
  } catch (const TooMuch& error) {
    problems.error(error.place, error.what, "make the file smaller");
  }
  return {};
}

}  // namespace stackyard
