#include "lab/spec/lab_edit.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"

namespace stackyard {

namespace {

using Path = LabText::Path;

Path joined(Path path, const Path& more) {
  path.insert(path.end(), more.begin(), more.end());
  return path;
}

std::string pair_of(int x, int y) { return text("[{}, {}]", x, y); }

// What goes when the last thing in it has gone.
bool is_container(const std::string& key) {
  static constexpr const char* keys[] = {
      "interfaces", "jails",   "routes",  "services", "exec",      "files",  "sysctl", "tunables",
      "params",     "impair",  "links",   "layout",   "notes",     "events", "checks", "captures",
      "forward",    "reverse", "members", "locks",    "addresses", "groups", "ports",  "ifconfig"};
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

}  // namespace

bool LabEdit::refuse(Place place, const std::string& why, const std::string& advice) {
  problems_.error(place, why, advice);
  return false;
}

Path LabEdit::entry_of(const std::string& node, bool& counted) const {
  counted = false;
  const auto found = lab_.node_index.find(node);
  if (found == lab_.node_index.end() || !text_.readable()) return {};
  const NodeSpec& spec = lab_.nodes[found->second];
  const Path path = text_.path_at(spec.place);
  if (path.size() < 2) return path;
  const TextNode* entry = text_.find(path);
  const std::string written =
      text_.find(Path(path.begin(), path.end() - 1))->is_map() ? path.back() : entry->text;
  counted = written != spec.leaf();
  return path;
}

Path LabEdit::item_of(size_t link) const {
  Path path = text_.path_at(lab_.links[link].place);
  if (path.size() > 2) path.resize(2);
  return path;
}

// The entry of a node that is written by itself, as a map's value.
Path LabEdit::alone(const std::string& node) {
  bool counted = false;
  Path path = entry_of(node, counted);
  if (path.size() < 2) {
    refuse({}, stackyard::text("there is no node \"{}\" in the text", node), "read it again");
    return {};
  }
  const Path above(path.begin(), path.end() - 1);
  if (!text_.find(above)->is_map()) {
    if (!text_.list_to_map(above, problems_)) return {};
    path.back() = node.substr(node.rfind('/') + 1);
  }
  return path;
}

bool LabEdit::add_node(const std::string& name, const std::string& kind, const std::string& parent,
                       const std::string& keys) {
  if (!text_.readable()) return refuse({}, "the text is no YAML", "mend it first");
  const Path list = parent.empty() ? Path{"nodes"} : Path{"jails"};
  Path above = parent.empty() ? Path{} : alone(parent);
  if (!parent.empty() && above.empty()) return false;
  above = joined(above, list);
  const bool plain = kind == "host" && keys.empty();
  const TextNode* there = text_.find(above);
  if (plain && there && there->is_list()) return text_.append(above, name, problems_);
  if (!text_.list_to_map(above, problems_)) return false;
  std::string value = plain || kind == "jail" ? "" : "kind: " + kind;
  if (!keys.empty()) value += (value.empty() ? "" : ", ") + keys;
  return text_.set(joined(above, {name}), "{" + value + "}", problems_);
}

bool LabEdit::add_link(const std::string& ends) {
  return text_.append({"links"}, yaml_scalar(ends), problems_);
}

bool LabEdit::grow(const std::vector<std::pair<std::string, std::string>>& nodes,
                   const std::vector<std::string>& links, const std::vector<Position>& places) {
  const LabText before = text_;
  const TextNode* there = text_.readable() ? text_.find({"nodes"}) : nullptr;
  const bool as_names =
      there && there->is_list() &&
      std::all_of(nodes.begin(), nodes.end(), [](const auto& node) { return node.second == "{}"; });
  bool done = text_.readable() || refuse({}, "the text is no YAML", "mend it first");
  if (as_names) {
    for (const auto& node : nodes) done = done && text_.append({"nodes"}, node.first, problems_);
  } else if (!nodes.empty()) {
    done = done && text_.list_to_map({"nodes"}, problems_) &&
           text_.set_all({"nodes"}, nodes, problems_);
  }
  for (const std::string& link : links)
    done = done &&
           text_.append({"links"}, link.starts_with('{') ? link : yaml_scalar(link), problems_);
  done = done && (places.empty() || move(places));
  if (!done) text_ = before;
  return done;
}

// What is empty now, and means nothing so.
bool LabEdit::drop_if_empty(Path path) {
  path.pop_back();
  const TextNode* parent = text_.find(path);
  if (path.empty() || !parent || !parent->children.empty() || !is_container(path.back()))
    return true;
  return text_.remove(path, problems_);
}

// From behind, so that the paths before stay true.
bool LabEdit::remove_paths(std::vector<Path> paths) {
  std::vector<std::pair<size_t, Path>> order;
  for (Path& path : paths)
    if (const TextNode* node = text_.find(path)) order.emplace_back(node->key_begin, path);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second.size() > b.second.size();
  });
  order.erase(std::unique(order.begin(), order.end()), order.end());
  for (const auto& [begin, path] : order) {
    if (!text_.remove(path, problems_)) return false;
    if (!drop_if_empty(path)) return false;
  }
  return true;
}

bool LabEdit::remove(const std::vector<std::string>& nodes, const std::vector<size_t>& links,
                     const std::vector<size_t>& notes) {
  if (!text_.readable()) return refuse({}, "the text is no YAML", "mend it first");
  const LabText before = text_;
  std::vector<Path> gone;
  std::set<Path> ends;  // of segments
  for (const std::string& node : nodes) {
    bool counted = false;
    const Path path = entry_of(node, counted);
    const Place place = path.empty() ? Place{} : lab_.nodes[lab_.node_index.at(node)].place;
    if (counted || path.empty())
      return refuse(place, stackyard::text("{} is one of several that are written together", node),
                    "change the text's count");
    gone.push_back(path);
    for (Reference& reference : node_references(text_, node)) {
      if (reference.path.size() == 4 && reference.path[0] == "links") ends.insert(reference.path);
      gone.push_back(std::move(reference.path));
    }
  }
  // A segment that keeps fewer than two ends goes.
  for (const Path& end : ends) {
    const auto lost = std::count_if(ends.begin(), ends.end(),
                                    [&](const Path& other) { return other[1] == end[1]; });
    const Path item(end.begin(), end.begin() + 2);
    if (text_.find(Path(end.begin(), end.begin() + 3))->children.size() < size_t(lost) + 2) {
      std::erase_if(gone, [&](const Path& p) { return p.size() == 4 && p[1] == end[1]; });
      gone.push_back(item);
    }
  }
  for (const size_t link : links) {
    const LinkSpec& spec = lab_.links[link];
    const bool several =
        std::count_if(lab_.links.begin(), lab_.links.end(),
                      [&](const LinkSpec& other) { return other.place == spec.place; }) > 1;
    if (several)
      return refuse(spec.place,
                    stackyard::text("{} is one of several that are written together", spec.name),
                    "change the text's link");
    gone.push_back(item_of(link));
    for (Reference& reference : link_references(text_, spec.name))
      gone.push_back(std::move(reference.path));
  }
  for (const size_t note : notes) gone.push_back({"notes", stackyard::text("{}", note)});
  // What is inside of what goes needs no removal of its own.
  std::vector<Path> outer;
  for (const Path& path : gone)
    if (std::none_of(gone.begin(), gone.end(), [&](const Path& other) {
          return other.size() < path.size() && std::equal(other.begin(), other.end(), path.begin());
        }))
      outer.push_back(path);
  if (remove_paths(std::move(outer))) return true;
  text_ = before;
  return false;
}

bool LabEdit::rename_references(const std::vector<Reference>& all, const std::string& name) {
  std::string next = text_.text();
  std::vector<std::pair<size_t, size_t>> spans;
  for (const Reference& reference : all) spans.emplace_back(reference.begin, reference.end);
  std::sort(spans.rbegin(), spans.rend());
  spans.erase(std::unique(spans.begin(), spans.end()), spans.end());
  for (const auto& [begin, end] : spans) next.replace(begin, end - begin, name);
  return text_.replace(0, text_.text().size(), next, problems_);
}

bool LabEdit::rename_node(const std::string& node, const std::string& leaf) {
  bool counted = false;
  const Path path = entry_of(node, counted);
  if (path.empty() || counted)
    return refuse(path.empty() ? Place{} : lab_.nodes[lab_.node_index.at(node)].place,
                  stackyard::text("{} is one of several that are written together", node),
                  "rename them in the text");
  const size_t slash = node.rfind('/');
  const std::string name = slash == node.npos ? leaf : node.substr(0, slash + 1) + leaf;
  if (lab_.node_index.contains(name) || lab_.link_index.contains(name))
    return refuse({}, stackyard::text("the name \"{}\" is taken", name), "choose another");
  // References first: their spans are of the text as it is.
  const LabText before = text_;
  auto all = node_references(text_, node);
  const TextNode& entry = *text_.find(path);
  const bool in_map = text_.find(Path(path.begin(), path.end() - 1))->is_map();
  if (!in_map) all.push_back({path, entry.begin, entry.end});
  if (!rename_references(all, name) || (in_map && !text_.rename(path, leaf, problems_))) {
    text_ = before;
    return false;
  }
  return true;
}

bool LabEdit::rename_link(size_t link, const std::string& name) {
  const auto all = link_references(text_, lab_.links[link].name);
  const LabText before = text_;
  if (lab_.node_index.contains(name) || lab_.link_index.contains(name))
    return refuse({}, stackyard::text("the name \"{}\" is taken", name), "choose another");
  // References are behind or before: their spans hold as long as nothing else has changed.
  const Path item = item_of(link);
  if (rename_references(all, name) && set_link(link, {"name"}, yaml_scalar(name))) return true;
  text_ = before;
  return false;
}

bool LabEdit::set_node(const std::string& node, const Path& key, const std::string& yaml) {
  const Path path = alone(node);
  return !path.empty() && text_.set(joined(path, key), yaml, problems_);
}

bool LabEdit::unset_node(const std::string& node, const Path& key) {
  const Path path = alone(node);
  if (path.empty()) return false;
  const Path whole = joined(path, key);
  if (!text_.find(whole)) return true;
  return text_.remove(whole, problems_) && drop_if_empty(whole);
}

bool LabEdit::set_link(size_t link, const Path& key, const std::string& yaml) {
  const Path item = item_of(link);
  const TextNode* node = text_.find(item);
  if (!node) return refuse({}, "there is no such link in the text", "read it again");
  if (node->kind == TextNode::Kind::scalar) {  // "a -- b" becomes a map around it
    const std::string ends = text_.text().substr(node->begin, node->end - node->begin);
    if (!text_.replace(node->begin, node->end, "{endpoints: " + ends + "}", problems_))
      return false;
  }
  return text_.set(joined(item, key), yaml, problems_);
}

bool LabEdit::unset_link(size_t link, const Path& key) {
  const Path whole = joined(item_of(link), key);
  if (!text_.find(whole)) return true;
  return text_.remove(whole, problems_) && drop_if_empty(whole);
}

bool LabEdit::set(const Path& key, const std::string& yaml) {
  return text_.set(key, yaml, problems_);
}

bool LabEdit::unset(const Path& key) {
  if (!text_.readable() || !text_.find(key)) return true;
  return text_.remove(key, problems_) && drop_if_empty(key);
}

bool LabEdit::move(const std::vector<Position>& nodes) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const Position& p : nodes) values.emplace_back(p.node, pair_of(p.x, p.y));
  return text_.set_all({"layout"}, values, problems_);
}

bool LabEdit::add_note(const std::string& words, int x, int y) {
  return text_.append({"notes"},
                      stackyard::text("{{text: {}, at: {}}}", yaml_scalar(words), pair_of(x, y)),
                      problems_);
}

bool LabEdit::set_note(size_t note, const Path& key, const std::string& yaml) {
  return text_.set(joined({"notes", stackyard::text("{}", note)}, key), yaml, problems_);
}

}  // namespace stackyard
