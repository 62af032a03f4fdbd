// lab/drill/code.h - %{ code }% of a script: the part of Python that people assert with.
//
// Assertions, assignments, print, if on one line or with an indented block; numbers, texts, lists,
// comparisons and arithmetic, and a few functions. More than that skips the script.
#pragma once

#include <map>
#include <variant>

#include "lab/drill/script.h"

namespace stackyard::drill {

struct CodeValue;
using CodeValues = std::vector<CodeValue>;
struct CodeValue {
  std::variant<std::monostate, int64_t, double, std::string, CodeValues> is;
};

class CodeWorld {
 public:
  CodeWorld();
  void set(const std::string& name, int64_t value) { names_[name].is = value; }
  // Throws Failure for an assertion that does not hold, Skip for what is not understood.
  void run(const std::string& code, int line);
  const std::string& printed() const { return printed_; }

 private:
  std::map<std::string, CodeValue> names_;
  std::string printed_;
};

}  // namespace stackyard::drill
