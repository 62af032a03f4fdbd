#include "lab/spec/text_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

#include "core/base/text.h"

namespace stackyard {

const TextNode* TextNode::find(const std::string& name) const {
  for (const TextNode& child : children)
    if (child.key == name) return &child;
  return nullptr;
}

size_t offset_of(const std::string& text, Place place) {
  size_t at = 0;
  for (int line = 1; line < place.line; ++line) {
    const size_t end = text.find('\n', at);
    if (end == text.npos) return text.size();
    at = end + 1;
  }
  return std::min(text.size(), at + size_t(place.column - 1));
}

namespace {

struct NoTree {};

// Where values begin, by the parser; where they end is found out afterwards.
class Starts final : public YAML::EventHandler {
 public:
  TextNode take() { return std::move(root_); }
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(TextNode::Kind::null, mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    add(TextNode::Kind::alias, mark);
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    add(TextNode::Kind::scalar, mark, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value style) override {
    open(TextNode::Kind::list, mark, style == YAML::EmitterStyle::Flow);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value style) override {
    open(TextNode::Kind::map, mark, style == YAML::EmitterStyle::Flow);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    TextNode node;
    bool have_key = false;
    std::string key;
    size_t key_begin = 0;
  };
  void open(TextNode::Kind kind, const YAML::Mark& mark, bool flow) {
    if (open_.size() > 64) throw NoTree();
    Open fresh;
    fresh.node.kind = kind;
    fresh.node.begin = size_t(mark.pos);
    fresh.node.flow = flow || (!open_.empty() && open_.back().node.flow);
    open_.push_back(std::move(fresh));
  }
  void close() {
    TextNode done = std::move(open_.back().node);
    open_.pop_back();
    put(std::move(done));
  }
  void add(TextNode::Kind kind, const YAML::Mark& mark, const std::string& value = {}) {
    TextNode node;
    node.kind = kind;
    node.begin = size_t(mark.pos);
    node.text = value;
    put(std::move(node));
  }
  void put(TextNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    node.flow |= parent.node.flow;
    if (parent.node.is_map() && !parent.have_key) {
      if (node.kind != TextNode::Kind::scalar) throw NoTree();
      parent.have_key = true;
      parent.key = node.text;
      parent.key_begin = node.begin;
      return;
    }
    parent.have_key = false;
    node.key = parent.key;
    node.key_begin = parent.key_begin;
    parent.node.children.push_back(std::move(node));
  }
  TextNode root_;
  std::vector<Open> open_;
};

// Goes through the text once, in the order of the values.
class Ends {
 public:
  explicit Ends(const std::string& text) : s_(text) {}

  // `column`: what a block text inside has to be indented by more than.
  void finish(TextNode& node, size_t column) {
    if (node.kind == TextNode::Kind::null) return finish_null(node);
    node.begin = behind_properties(node.begin);
    if (node.kind == TextNode::Kind::alias)
      node.end = std::min(s_.find_first_of(" \t\r\n,]}", node.begin), s_.size());
    else if (node.kind == TextNode::Kind::scalar)
      node.end = end_of_scalar(node.begin, node.text, node.flow, column);
    else
      finish_collection(node);
  }

 private:
  void finish_null(TextNode& node) {
    const size_t at = s_.find_first_not_of(' ', node.colon);
    if (at == node.begin && at < s_.size() && (s_[at] == '~' || s_[at] == 'n' || s_[at] == 'N')) {
      node.end = at + (s_[at] == '~' ? 1 : 4);
      return;
    }
    node.begin = node.end = node.colon;
  }
  void finish_collection(TextNode& node) {
    size_t at = node.begin;
    const bool brackets = s_[at] == '[' || s_[at] == '{';
    if (brackets) ++at;
    for (TextNode& child : node.children) {
      if (node.is_map()) {
        child.key_end = end_of_scalar(child.key_begin, child.key, node.flow, 0);
        child.colon = s_.find(':', child.key_end);
        if (child.colon == s_.npos) throw NoTree();
        ++child.colon;
      } else if (!node.flow) {  // between the one before and this one there is a dash
        child.key_begin = skip_to(at, '-');
        child.key_end = child.colon = child.key_begin + 1;
      } else {
        child.key_begin = child.key_end = child.colon = child.begin;
      }
      finish(child, column_of(child.key_begin));
      at = std::max(at, std::max(child.end, child.colon));
    }
    node.end = at;
    if (brackets) node.end = skip_to(at, s_[node.begin] == '[' ? ']' : '}') + 1;
  }
  size_t column_of(size_t at) const {
    const size_t line = at == 0 ? s_.npos : s_.rfind('\n', at - 1);
    return line == s_.npos ? at : at - line - 1;
  }
  // The next such sign that is in no comment.
  size_t skip_to(size_t at, char sign) const {
    for (; at < s_.size(); ++at) {
      if (s_[at] == sign) return at;
      if (s_[at] == '#') at = s_.find('\n', at);
      if (at == s_.npos) break;
    }
    throw NoTree();
  }
  size_t behind_properties(size_t at) const {
    while (at < s_.size() && (s_[at] == '&' || s_[at] == '!')) {
      at = s_.find_first_of(" \t\r\n", at);
      at = at == s_.npos ? s_.size() : s_.find_first_not_of(" \t\r\n", at);
    }
    if (at >= s_.size()) throw NoTree();
    return at;
  }
  size_t end_of_scalar(size_t at, const std::string& value, bool flow, size_t column) const {
    switch (s_[at]) {
      case '"':
        for (++at; at < s_.size() && s_[at] != '"'; ++at) at += s_[at] == '\\';
        return at + 1;
      case '\'':
        for (++at; at < s_.size(); ++at) {
          if (s_[at] != '\'') continue;
          if (at + 1 >= s_.size() || s_[at + 1] != '\'') return at + 1;
          ++at;
        }
        throw NoTree();
      case '|':
      case '>':
        return end_of_block(at, column);
      default:
        return end_of_plain(at, value, flow);
    }
  }
  // The last line that is indented enough; its line end is not the value's.
  size_t end_of_block(size_t at, size_t column) const {
    size_t line = s_.find('\n', at), end = std::min(line, s_.size());
    while (line != s_.npos && line + 1 < s_.size()) {
      const size_t first = s_.find_first_not_of(' ', line + 1);
      const size_t next = s_.find('\n', line + 1);
      const bool empty = first == s_.npos || s_[first] == '\n' || s_[first] == '\r';
      if (!empty && first - line - 1 <= column) break;
      if (!empty) end = std::min(next, s_.size());
      line = next;
    }
    if (end > at && s_[end - 1] == '\r') --end;
    return end;
  }
  // Up to a comment, or a sign of the collection around it; over several lines, as far as it takes
  // to have the whole value.
  size_t end_of_plain(size_t at, const std::string& value, bool flow) const {
    std::string have;
    while (at < s_.size()) {
      const size_t end = plain_on_line(at, flow);
      have += s_.substr(at, end - at);
      if (have == value) return end;
      size_t breaks = 0;
      at = end;
      while (at < s_.size() && std::string(" \t\r\n").find(s_[at]) != std::string::npos)
        breaks += s_[at++] == '\n';
      if (breaks == 0) break;
      have += breaks == 1 ? std::string(" ") : std::string(breaks - 1, '\n');
    }
    throw NoTree();
  }
  size_t plain_on_line(size_t at, bool flow) const {
    size_t end = at;
    for (; at < s_.size() && s_[at] != '\n' && s_[at] != '\r'; ++at) {
      if (s_[at] == '#' && at > end) break;  // a space is before it
      const char next = at + 1 < s_.size() ? s_[at + 1] : '\n';
      const bool ends = std::string(" \t\r\n").find(next) != std::string::npos;
      if (s_[at] == ':' && (ends || (flow && std::string(",]}").find(next) != std::string::npos)))
        break;
      if (flow && std::string(",[]{}").find(s_[at]) != std::string::npos) break;
      if (s_[at] != ' ' && s_[at] != '\t') end = at + 1;
    }
    return end;
  }

  const std::string& s_;
};

}  // namespace

std::optional<TextNode> text_tree(const std::string& text) {
  Starts starts;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(starts)) return TextNode();
    TextNode root = starts.take();
    if (root.kind == TextNode::Kind::null) return TextNode();
    Ends(text).finish(root, 0);
    return root;
  } catch (const YAML::Exception&) {
  } catch (const NoTree&) {
  }
  return std::nullopt;
}

}  // namespace stackyard
