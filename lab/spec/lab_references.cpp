// lab/spec/lab_references.cpp - where a lab's text names its nodes and links.
#include <algorithm>

#include "core/base/text.h"
#include "lab/spec/lab_edit.h"

namespace stackyard {

namespace {

using Path = LabText::Path;

Path below(Path path, const std::string& step) {
  path.push_back(step);
  return path;
}

class Finder {
 public:
  Finder(const LabText& text, std::string name, bool link)
      : text_(text), name_(std::move(name)), link_(link) {}

  std::vector<Reference> find() {
    const TextNode& root = text_.tree();
    if (!link_) {
      if (const TextNode* nodes = root.find("nodes")) in_nodes(*nodes, {"nodes"});
      if (const TextNode* groups = root.find("groups")) in_groups(*groups);
      if (const TextNode* links = root.find("links")) in_links(*links);
      if (const TextNode* layout = root.find("layout")) in_layout(*layout);
    }
    for (const char* section : {"events", "checks", "captures"})
      if (const TextNode* all = root.find(section)) in_section(*all, section);
    if (const TextNode* lesson = root.find("lesson"))
      if (const TextNode* locks = lesson->find("locks")) in_list(*locks, {"lesson", "locks"});
    return std::move(found_);
  }

 private:
  // The name, or what is inside of it.
  bool names(const std::string& word) const {
    if (!word.starts_with(name_)) return false;
    if (word.size() == name_.size()) return true;
    return !link_ && (word[name_.size()] == '/' || word[name_.size()] == ':');
  }
  // `from`: where in the scalar's text the name begins.
  void note(const TextNode& scalar, size_t from, Path path) {
    const std::string& s = text_.text();
    const bool quoted = s[scalar.begin] == '"' || s[scalar.begin] == '\'';
    const size_t begin = scalar.begin + from + quoted;
    if (s.compare(begin, name_.size(), name_) == 0)
      found_.push_back({std::move(path), begin, begin + name_.size()});
  }
  void in_scalar(const TextNode& scalar, const Path& path) {
    if (scalar.kind == TextNode::Kind::scalar && names(scalar.text)) note(scalar, 0, path);
  }
  void in_list(const TextNode& list, const Path& path) {
    if (!list.is_list()) return in_scalar(list, path);
    for (size_t i = 0; i < list.children.size(); ++i)
      in_scalar(list.children[i], below(path, text("{}", i)));
  }
  void in_nodes(const TextNode& nodes, const Path& path) {
    for (const TextNode& node : nodes.children) {
      const Path here = below(path, node.key);
      if (const TextNode* routes = node.find("routes"))
        for (size_t i = 0; i < routes->children.size(); ++i)
          if (const TextNode* via = routes->children[i].find("via"))
            in_scalar(*via, below(below(here, "routes"), text("{}", i)));
      if (const TextNode* jails = node.find("jails")) in_nodes(*jails, below(here, "jails"));
    }
  }
  void in_groups(const TextNode& groups) {
    for (const TextNode& group : groups.children)
      if (const TextNode* members = group.find("members"))
        in_list(*members, {"groups", group.key, "members"});
  }
  void in_links(const TextNode& links) {
    if (!links.is_list()) return in_ends(links, {"links"});
    for (size_t i = 0; i < links.children.size(); ++i) {
      const TextNode& item = links.children[i];
      const Path path{"links", text("{}", i)};
      if (!item.is_map())
        in_ends(item, path);
      else if (const TextNode* ends = item.find("endpoints"))
        in_ends(*ends, path);
    }
  }
  // Of "a:em0 -- b", or of a segment's list, which goes on without one of three ends.
  void in_ends(const TextNode& ends, const Path& path) {
    if (ends.is_list()) {
      const bool goes_on = ends.children.size() > 2;
      for (size_t i = 0; i < ends.children.size(); ++i)
        in_scalar(ends.children[i],
                  goes_on ? below(below(path, "endpoints"), text("{}", i)) : path);
      return;
    }
    if (ends.kind != TextNode::Kind::scalar) return;
    const size_t middle = ends.text.find(" -- ");
    if (names(std::string(trim(ends.text.substr(0, middle))))) note(ends, 0, path);
    if (middle != ends.text.npos && names(std::string(trim(ends.text.substr(middle + 4)))))
      note(ends, ends.text.find_first_not_of(' ', middle + 4), path);
  }
  void in_layout(const TextNode& layout) {
    for (const TextNode& place : layout.children)
      if (names(place.key)) {
        TextNode key = place;
        key.begin = place.key_begin;
        note(key, 0, {"layout", place.key});
      }
  }
  void in_section(const TextNode& all, const std::string& section) {
    for (size_t i = 0; i < all.children.size(); ++i)
      in_item(all.children[i], {section, all.is_map() ? all.children[i].key : text("{}", i)});
  }
  void in_item(const TextNode& value, const Path& item) {
    for (const TextNode& child : value.children) {
      const auto is = [&](const char* key) { return child.key == key; };
      const bool of_node = is("node") || is("from") || is("to");
      if (is("on") || is("tap") || (link_ ? is("link") : of_node)) {
        if (child.is_list() && child.children.size() > 1)
          in_list(child, below(item, child.key));
        else if (child.is_list())
          in_scalar(child.children.at(0), item);
        else
          in_scalar(child, item);
      } else if (child.is_map()) {
        in_item(child, item);
      }
    }
  }

  const LabText& text_;
  std::string name_;
  bool link_;
  std::vector<Reference> found_;
};

}  // namespace

std::vector<Reference> node_references(const LabText& text, const std::string& node) {
  return Finder(text, node, false).find();
}

std::vector<Reference> link_references(const LabText& text, const std::string& link) {
  return Finder(text, link, true).find();
}

}  // namespace stackyard
