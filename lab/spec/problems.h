// lab/spec/problems.h - everything that is wrong with a file, at once, with its place.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "lab/spec/yaml.h"

namespace stackyard {

class Problems {
 public:
  static constexpr size_t shown_max = 100;

  // `suggestion` says what to do; empty: nothing is known.
  void error(Place place, const std::string& message, const std::string& suggestion = "");
  void warning(Place place, const std::string& message);
  bool any_errors() const { return errors_ > 0; }
  // "FILE:LINE:COL: MESSAGE - SUGGESTION" lines, sorted by place.
  std::string text(const std::string& file) const;
  struct Problem {
    Place place;
    std::string message;  // with its suggestion
    auto operator<=>(const Problem&) const = default;
    bool is_warning() const { return message.starts_with("warning: "); }
  };
  // By place.
  const std::set<Problem>& all() const { return problems_; }

 private:
  std::set<Problem> problems_;
  size_t errors_ = 0;
};

// "did you mean "a" or "b"?": the nearest valid words, or "WHAT: a, b, c, d, e, ...".
std::string suggest(const std::string& word, std::vector<std::string> valid,
                    const std::string& what);

}  // namespace stackyard
