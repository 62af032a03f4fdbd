// lab/spec/yaml.h - a YAML file as a tree whose every value knows its place.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace stackyard {

struct Place {
  int line = 1, column = 1;  // from 1, in characters
  auto operator<=>(const Place&) const = default;
  Place right(size_t characters) const { return {line, column + int(characters)}; }
};
std::string to_text(Place place);  // "1:9"

struct Yaml {
  enum class Kind { null, scalar, list, map };
  struct Entry;
  Kind kind = Kind::null;
  Place place;
  bool quoted = false;
  std::string text;            // of a scalar
  std::vector<Yaml> items;     // of a list
  std::vector<Entry> entries;  // of a map, in file order

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_list() const { return kind == Kind::list; }
  bool is_map() const { return kind == Kind::map; }
  // The value of a key, or null.
  const Yaml* find(const std::string& key) const;
  // Where the text of a scalar begins: behind its quote.
  Place text_place() const { return quoted ? place.right(1) : place; }
};
struct Yaml::Entry {
  std::string key;
  Place place;
  Yaml value;
};

class Problems;

// Reads one document. What is wrong goes to `problems`; a syntax error ends the reading.
Yaml read_yaml(const std::string& content, Problems& problems);

}  // namespace stackyard
