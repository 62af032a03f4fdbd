// lab/spec/lab_text.h - a YAML text that is changed value by value: only the lines of what changes
// are touched; comments, order, quotes and line ends stay.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lab/spec/problems.h"
#include "lab/spec/text_tree.h"

namespace stackyard {

class LabText {
 public:
  // The keys, and numbers from 0 of a list's items, that lead to a value.
  using Path = std::vector<std::string>;

  explicit LabText(std::string text);
  const std::string& text() const { return text_; }
  // False: no YAML; no edit is possible.
  bool readable() const { return tree_.has_value(); }
  const TextNode& tree() const { return *tree_; }
  const TextNode* find(const Path& path) const;
  // The path of the value whose key (or item) begins at a place; empty: none.
  Path path_at(Place place) const;

  // Each is done wholly, or not at all and says why. `yaml` is a value on one line.
  //
  // Gives a key its value; maps on the way that are missing are made.
  bool set(const Path& path, const std::string& yaml, Problems& problems);
  // Several keys of one map.
  bool set_all(const Path& map, const std::vector<std::pair<std::string, std::string>>& values,
               Problems& problems);
  // An item behind a list's last one; the list is made when it is missing.
  bool append(const Path& list, const std::string& yaml, Problems& problems);
  // A key with its value, or an item. What has nothing left is written as {} or [].
  bool remove(const Path& path, Problems& problems);
  bool rename(const Path& path, const std::string& key, Problems& problems);
  // Octets of a scalar, as they are written.
  bool replace(size_t begin, size_t end, const std::string& with, Problems& problems);
  // A list of names becomes a map of empty values, as `nodes: [a, b]` and `nodes: {a: {}, b: {}}`.
  bool list_to_map(const Path& path, Problems& problems);

 private:
  bool put(size_t at, size_t removed, const std::string& inserted, Problems& problems);
  bool refuse(size_t at, const std::string& why, Problems& problems);
  bool insert(const TextNode& parent, const std::string& entry, bool item, Problems& problems);
  bool insert_flow(const TextNode& parent, const std::string& entry, Problems& problems);
  bool insert_block(const TextNode& parent, const std::string& entry, Problems& problems);
  bool replace_value(const TextNode& node, const std::string& yaml, Problems& problems);
  bool remove_flow(const TextNode& parent, size_t child, Problems& problems);
  bool remove_block(const TextNode& parent, size_t child, Problems& problems);
  const TextNode* deepest(const Path& path, size_t& known) const;
  size_t end_of_line(size_t at) const;
  size_t line_of(size_t at) const;
  size_t columns_before(size_t at) const;
  std::string indent_of(size_t at) const;
  size_t step() const;

  std::string text_;
  std::optional<TextNode> tree_;
};

// A text as a YAML scalar on one line: plain where that gives the same text back, else quoted.
std::string yaml_scalar(const std::string& text);
// A value on one line, in brackets.
std::string yaml_flow(const Yaml& value);

}  // namespace stackyard
