// lab/spec/text_tree.h - a YAML text as a tree of spans: which octets every key and value takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/spec/yaml.h"

namespace stackyard {

struct TextNode {
  enum class Kind { null, scalar, list, map, alias };
  Kind kind = Kind::null;
  bool flow = false;                  // written in brackets, or inside of some
  size_t begin = 0, end = 0;          // of the value, behind an anchor; equal: nothing is there
  size_t key_begin = 0, key_end = 0;  // of the key, if it is a map's; else of the dash
  size_t colon = 0;                   // behind the key's colon, or behind the dash
  std::string key, text;              // of a map's value; of a scalar
  std::vector<TextNode> children;

  bool is_list() const { return kind == Kind::list; }
  bool is_map() const { return kind == Kind::map; }
  // Written, not empty: "~" is.
  bool written() const { return end > begin; }
  const TextNode* find(const std::string& name) const;
};

// Nothing, if the text is no YAML or has what a lab file may not have (complex keys).
std::optional<TextNode> text_tree(const std::string& text);

// Where a line and column are in a text, in octets from its beginning.
size_t offset_of(const std::string& text, Place place);

}  // namespace stackyard
