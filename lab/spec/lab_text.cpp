#include "lab/spec/lab_text.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

namespace {

constexpr size_t line_most = 100;  // a list in brackets goes on in a new line behind it

std::optional<size_t> child_at(const TextNode& node, const std::string& step) {
  if (node.is_map()) {
    for (size_t i = 0; i < node.children.size(); ++i)
      if (node.children[i].key == step) return i;
    return std::nullopt;
  }
  const auto index = parse_int(step);
  if (!node.is_list() || !index || *index < 0 || size_t(*index) >= node.children.size())
    return std::nullopt;
  return size_t(*index);
}

Place place_of(const std::string& text, size_t at) {
  at = std::min(at, text.size());
  const size_t line = at == 0 ? text.npos : text.rfind('\n', at - 1);
  const auto lines = std::count(text.begin(), text.begin() + ptrdiff_t(at), '\n');
  return {int(lines) + 1, int(line == text.npos ? at : at - line - 1) + 1};
}

// "{a: {b: VALUE}}" of the path's rest behind its first key.
std::string nested(const LabText::Path& path, size_t from, const std::string& yaml) {
  std::string all = yaml;
  for (size_t i = path.size(); i-- > from;) all = "{" + yaml_scalar(path[i]) + ": " + all + "}";
  return all;
}

}  // namespace

std::string yaml_scalar(const std::string& s) {
  const auto plain = [&] {
    if (s.empty() || s == "null" || s == "~" || s.front() == ' ' || s.back() == ' ') return false;
    if (std::string("-?:,[]{}#&*!|>'\"%@`=").find(s.front()) != s.npos) return false;
    if (s.find_first_of(",[]{}\n\r\t") != s.npos || s.back() == ':') return false;
    return s.find(": ") == s.npos && s.find(" #") == s.npos && s != "Null" && s != "NULL";
  };
  if (plain()) return s;
  std::string quoted = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n')
      quoted += "\\n";
    else if (c == '\t')
      quoted += "\\t";
    else if (c == '\r')
      quoted += "\\r";
    else
      quoted += c;
  }
  return quoted + '"';
}

std::string yaml_flow(const Yaml& value) {
  std::vector<std::string> parts;
  switch (value.kind) {
    case Yaml::Kind::null:
      return "~";
    case Yaml::Kind::scalar:
      return yaml_scalar(value.text);
    case Yaml::Kind::list:
      for (const Yaml& item : value.items) parts.push_back(yaml_flow(item));
      return "[" + join(parts, ", ") + "]";
    case Yaml::Kind::map:
      for (const Yaml::Entry& entry : value.entries)
        parts.push_back(yaml_scalar(entry.key) + ": " + yaml_flow(entry.value));
      return "{" + join(parts, ", ") + "}";
  }
  return {};
}

LabText::LabText(std::string text) : text_(std::move(text)), tree_(text_tree(text_)) {}

const TextNode* LabText::find(const Path& path) const {
  size_t known = 0;
  const TextNode* node = deepest(path, known);
  return known == path.size() ? node : nullptr;
}

const TextNode* LabText::deepest(const Path& path, size_t& known) const {
  if (!tree_) return nullptr;
  const TextNode* node = &*tree_;
  for (known = 0; known < path.size(); ++known) {
    const auto child = child_at(*node, path[known]);
    if (!child) break;
    node = &node->children[*child];
  }
  return node;
}

LabText::Path LabText::path_at(Place place) const {
  Path path;
  if (!tree_) return path;
  const size_t at = offset_of(text_, place);
  const TextNode* node = &*tree_;
  while (true) {
    // The last child that begins there or before.
    size_t found = node->children.size();
    for (size_t i = 0; i < node->children.size() && node->children[i].key_begin <= at; ++i)
      found = i;
    if (found == node->children.size()) return {};
    path.push_back(node->is_map() ? node->children[found].key : stackyard::text("{}", found));
    const bool list = node->is_list();
    node = &node->children[found];
    if (node->key_begin == at || (list && node->begin == at)) return path;
    if (at >= node->end) return {};
  }
}

// --- single changes of the text ----------------------------------------------------------------

bool LabText::refuse(size_t at, const std::string& why, Problems& problems) {
  problems.error(place_of(text_, at), why, "change the text itself");
  return false;
}

// Nothing is believed: what comes out is read again.
bool LabText::put(size_t at, size_t removed, const std::string& inserted, Problems& problems) {
  std::string next = text_;
  next.replace(at, removed, inserted);
  auto tree = text_tree(next);
  if (!tree) return refuse(at, "this cannot be written here", problems);
  text_ = std::move(next);
  tree_ = std::move(tree);
  return true;
}

bool LabText::replace(size_t begin, size_t end, const std::string& with, Problems& problems) {
  return put(begin, end - begin, with, problems);
}

size_t LabText::line_of(size_t at) const {
  const size_t before = at == 0 ? text_.npos : text_.rfind('\n', at - 1);
  return before == text_.npos ? 0 : before + 1;
}

// Before the line's end, which may be CRLF.
size_t LabText::end_of_line(size_t at) const {
  size_t end = std::min(text_.find('\n', at), text_.size());
  if (end > at && text_[end - 1] == '\r') --end;
  return end;
}

size_t LabText::columns_before(size_t at) const { return at - line_of(at); }

std::string LabText::indent_of(size_t at) const { return std::string(columns_before(at), ' '); }

// How deep this text indents.
size_t LabText::step() const {
  for (const TextNode& child : tree_->children)
    if (child.is_map() && !child.flow && !child.children.empty())
      return child.children[0].key_begin - line_of(child.children[0].key_begin);
  return 2;
}

bool LabText::insert_flow(const TextNode& parent, const std::string& entry, Problems& problems) {
  if (parent.end == 0 || parent.begin >= text_.size() ||
      (text_[parent.begin] != '[' && text_[parent.begin] != '{'))
    return refuse(parent.begin, "this is written without brackets", problems);
  if (parent.children.empty())
    return put(parent.begin + 1, parent.end - parent.begin - 2, entry, problems);
  const TextNode& last = parent.children.back();
  const size_t at = std::max(last.end, last.colon);
  const size_t line = line_of(at), eol = end_of_line(at);
  // A line for each, if it is so for the first two.
  const bool own_line = parent.children.size() > 1 ? line_of(parent.children[0].key_begin) !=
                                                         line_of(parent.children[1].key_begin)
                                                   : line_of(parent.begin) != line;
  if (!own_line && at - line + entry.size() + 4 <= line_most)
    return put(at, 0, ", " + entry, problems);
  // A line that is full goes on in the next one, below the first; a comment stays where it is.
  const std::string below = (text_.find("\r\n") != text_.npos ? "\r\n" : "\n") +
                            std::string(columns_before(parent.children.front().key_begin), ' ') +
                            entry;
  if (eol >= parent.end) return put(at, 0, "," + below, problems);
  const std::string rest = text_.substr(at, eol - at);
  return put(at, eol - at, (rest.starts_with(',') ? "" : ",") + rest + below, problems);
}

bool LabText::insert_block(const TextNode& parent, const std::string& entry, Problems& problems) {
  const TextNode& last = parent.children.back();
  const size_t end = end_of_line(std::max(last.end, last.colon));
  const std::string line_end = text_.find("\r\n") != text_.npos ? "\r\n" : "\n";
  return put(end, 0, line_end + indent_of(parent.children.front().key_begin) + entry, problems);
}

// `entry` is "key: value", or an item.
bool LabText::insert(const TextNode& parent, const std::string& entry, bool item,
                     Problems& problems) {
  const bool kind = item ? parent.is_list() : parent.is_map();
  const std::string line_end = text_.find("\r\n") != text_.npos ? "\r\n" : "\n";
  if (kind && parent.flow) return insert_flow(parent, entry, problems);
  if (kind) return insert_block(parent, item ? "- " + entry : entry, problems);
  if (parent.kind != TextNode::Kind::null)
    return refuse(parent.begin, item ? "this is no list" : "this is no map", problems);
  if (&parent == &*tree_)  // an empty text
    return put(text_.size(), 0,
               (text_.empty() || text_.ends_with('\n') ? "" : line_end) + entry + line_end,
               problems);
  const std::string brackets = item ? "[" + entry + "]" : "{" + entry + "}";
  if (parent.written()) return put(parent.begin, parent.end - parent.begin, brackets, problems);
  if (parent.flow) return put(parent.colon, 0, " " + brackets, problems);
  // Below its key, behind what the line says beside it.
  return put(end_of_line(parent.colon), 0,
             line_end + indent_of(parent.key_begin) + std::string(step(), ' ') +
                 (item ? "- " : "") + entry,
             problems);
}

bool LabText::replace_value(const TextNode& node, const std::string& yaml, Problems& problems) {
  if (node.kind == TextNode::Kind::alias)
    return refuse(node.begin, "this stands for a value elsewhere", problems);
  const bool beside = node.written() && line_of(node.begin) == line_of(node.colon);
  if (beside) return put(node.begin, node.end - node.begin, yaml, problems);
  // What others mean by an alias keeps its anchor.
  const std::string between = text_.substr(node.colon, node.begin - node.colon);
  std::string anchor;
  if (const size_t mark = between.find('&'); mark != between.npos)
    anchor = between.substr(mark, between.find_first_of(" \r\n", mark) - mark) + " ";
  return put(node.colon, node.end - node.colon, " " + anchor + yaml, problems);
}

// --- edits -------------------------------------------------------------------------------------

bool LabText::set(const Path& path, const std::string& yaml, Problems& problems) {
  return set_all(Path(path.begin(), path.end() - 1), {{path.back(), yaml}}, problems);
}

bool LabText::set_all(const Path& map,
                      const std::vector<std::pair<std::string, std::string>>& values,
                      Problems& problems) {
  if (!tree_) return refuse(0, "the text is no YAML", problems);
  const std::string before = text_;
  const auto back = [&] {
    text_ = before;
    tree_ = text_tree(text_);
    return false;
  };
  // What is there already: from behind, so that places stay true; read once.
  std::string missing;
  const TextNode* there = find(map);
  std::vector<std::pair<const TextNode*, const std::string*>> known;
  std::vector<const std::pair<std::string, std::string>*> fresh;
  for (const auto& value : values) {
    const auto child = there ? child_at(*there, value.first) : std::nullopt;
    if (child)
      known.emplace_back(&there->children[*child], &value.second);
    else
      fresh.push_back(&value);
  }
  std::sort(known.begin(), known.end(),
            [](const auto& a, const auto& b) { return a.first->begin > b.first->begin; });
  if (known.size() == 1) {
    if (!replace_value(*known[0].first, *known[0].second, problems)) return back();
  } else if (known.size() > 1) {
    std::string next = text_;
    for (const auto& [node, yaml] : known) {
      if (!node->written() || node->kind == TextNode::Kind::alias)
        return refuse(node->begin, "this cannot be changed with others", problems);
      next.replace(node->begin, node->end - node->begin, *yaml);
    }
    if (!put(0, text_.size(), next, problems)) return back();
  }
  if (fresh.empty()) return true;
  size_t have = 0;
  const TextNode* parent = deepest(map, have);
  // A place in a lab's layout, and whatever else is new at the top, is a line of its own.
  if (parent->is_list() || parent->kind == TextNode::Kind::scalar)
    return refuse(parent->begin, "this is no map", problems) || back();
  if (have + 1 == map.size() && have == 0 && !parent->flow) {
    const auto& [key, yaml] = *fresh[0];
    const std::string line_end = text_.find("\r\n") != text_.npos ? "\r\n" : "\n";
    const std::string entry = yaml_scalar(map[0]) + ":" + line_end + std::string(step(), ' ') +
                              yaml_scalar(key) + ": " + yaml;
    if (!insert(*parent, entry, false, problems)) return back();
    fresh.erase(fresh.begin());
  } else if (have < map.size()) {
    const auto& [key, yaml] = *fresh[0];
    Path rest(map.begin() + ptrdiff_t(have) + 1, map.end());
    rest.push_back(key);
    if (!insert(*parent, yaml_scalar(map[have]) + ": " + nested(rest, 0, yaml), false, problems))
      return back();
    fresh.erase(fresh.begin());
  }
  if (fresh.empty()) return true;
  if (fresh.size() > 1 && !find(map)->flow && find(map)->is_map()) {  // all at once
    const TextNode& in = *find(map);
    const std::string line_end = text_.find("\r\n") != text_.npos ? "\r\n" : "\n";
    std::string all;
    for (const auto* value : fresh)
      all += (all.empty() ? "" : line_end + indent_of(in.children.front().key_begin)) +
             yaml_scalar(value->first) + ": " + value->second;
    return insert_block(in, all, problems) || back();
  }
  for (const auto* value : fresh)
    if (!insert(*find(map), yaml_scalar(value->first) + ": " + value->second, false, problems))
      return back();
  return true;
}

bool LabText::append(const Path& list, const std::string& yaml, Problems& problems) {
  if (!tree_) return refuse(0, "the text is no YAML", problems);
  size_t have = 0;
  const TextNode* parent = deepest(list, have);
  if (have == list.size()) {
    if (parent->kind != TextNode::Kind::scalar) return insert(*parent, yaml, true, problems);
    // One scalar may stand for a list of one.
    return put(parent->begin, parent->end - parent->begin,
               "[" + text_.substr(parent->begin, parent->end - parent->begin) + ", " + yaml + "]",
               problems);
  }
  if (have == 0 && list.size() == 1 && !parent->flow) {
    const std::string line_end = text_.find("\r\n") != text_.npos ? "\r\n" : "\n";
    return insert(*parent, list[0] + ":" + line_end + std::string(step(), ' ') + "- " + yaml, false,
                  problems);
  }
  return set(list, "[" + yaml + "]", problems);
}

bool LabText::remove(const Path& path, Problems& problems) {
  const TextNode* node = find(path);
  if (!node || path.empty()) return refuse(0, "there is no such value", problems);
  const Path above(path.begin(), path.end() - 1);
  const TextNode& parent = *find(above);
  const size_t child = *child_at(parent, path.back());
  if (parent.flow) return remove_flow(parent, child, problems);
  return remove_block(parent, child, problems);
}

bool LabText::remove_flow(const TextNode& parent, size_t child, Problems& problems) {
  const TextNode& node = parent.children[child];
  size_t begin = node.key_begin, end = std::max(node.end, node.colon);
  if (child + 1 < parent.children.size()) {
    end = text_.find(',', end) + 1;
    while (end < text_.size() && text_[end] == ' ') ++end;
    // The last one of its line, which may have a comment: the next line keeps its place.
    const bool line_ends = end_of_line(end) == end;
    if (line_ends && line_of(begin) > parent.begin &&
        text_.find_first_not_of(' ', line_of(begin)) == begin) {
      begin = line_of(begin);
      end = std::min(text_.size(), text_.find('\n', end) + 1);
    }
  } else if (child > 0) {
    begin = std::max(parent.children[child - 1].end, parent.children[child - 1].colon);
    // A comment behind the one before stays.
    const size_t comma = text_.find(',', begin);
    const std::string between = text_.substr(comma + 1, node.key_begin - comma - 1);
    if (between.find('#') != between.npos) begin = node.key_begin;
  }
  return put(begin, end - begin, "", problems);
}

bool LabText::remove_block(const TextNode& parent, size_t child, Problems& problems) {
  const TextNode& node = parent.children[child];
  const bool alone = parent.children.size() == 1;
  const size_t begin = line_of(node.key_begin);
  const bool first_on_line = text_.find_first_not_of(' ', begin) == node.key_begin;
  if (!first_on_line) {  // behind a dash: the next one moves up
    if (alone) return refuse(node.key_begin, "nothing would be left", problems);
    return put(node.key_begin, parent.children[child + 1].key_begin - node.key_begin, "", problems);
  }
  const size_t end = text_.find('\n', std::max(node.end, node.colon));
  const size_t behind = end == text_.npos ? text_.size() : end + 1;
  if (alone && &parent != &*tree_)  // an empty collection is still there
    return put(parent.colon, std::max(node.end, node.colon) - parent.colon,
               parent.is_list() ? " []" : " {}", problems);
  if (end == text_.npos && begin > 0)  // the text's last line has no end: its forerunner's goes
    return put(begin - 1, behind - begin + 1, "", problems);
  return put(begin, behind - begin, "", problems);
}

bool LabText::rename(const Path& path, const std::string& key, Problems& problems) {
  const TextNode* node = find(path);
  if (!node) return refuse(0, "there is no such value", problems);
  if (path.size() == 1 || find(Path(path.begin(), path.end() - 1))->is_map())
    return put(node->key_begin, node->key_end - node->key_begin, yaml_scalar(key), problems);
  return put(node->begin, node->end - node->begin, yaml_scalar(key), problems);
}

bool LabText::list_to_map(const Path& path, Problems& problems) {
  const TextNode* node = find(path);
  if (!node || node->is_map() || node->kind == TextNode::Kind::null) return true;
  std::vector<const TextNode*> names;
  if (node->is_list())
    for (const TextNode& child : node->children) names.push_back(&child);
  else
    names.push_back(node);
  std::string next = text_;
  for (size_t i = names.size(); i-- > 0;) {
    const TextNode& name = *names[i];
    if (name.kind != TextNode::Kind::scalar) return refuse(name.begin, "this is no name", problems);
    if (node->is_list() && !node->flow) {  // "- pc1" becomes "pc1: {}", as deep as a map would be
      next.replace(name.end, 0, ":" + std::string(" {}"));
      next.replace(name.key_begin, name.begin - name.key_begin,
                   name.key_begin > line_of(name.key_begin) ? "" : std::string(step(), ' '));
    } else {
      next.insert(name.end, ": {}");
    }
  }
  if (node->is_list() && node->flow) {
    const auto shift = ptrdiff_t(next.size()) - ptrdiff_t(text_.size());
    next[node->begin] = '{';
    next[size_t(ptrdiff_t(node->end) + shift) - 1] = '}';
  } else if (!node->is_list()) {
    next.insert(node->end + 4, "}");
    next.insert(node->begin, "{");
  }
  return put(0, text_.size(), next, problems);
}

}  // namespace stackyard
