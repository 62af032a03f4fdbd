// core/base/check.h - assertions about our own code: always on, in every build.
#pragma once

#include <source_location>

namespace stackyard {

[[noreturn]] void check_failed(const char* what, std::source_location where);

// Ends the program, naming the place, when `ok` is false: a bug of ours, never of a lab's author.
inline void check(bool ok, const char* what,
                  std::source_location where = std::source_location::current()) {
  if (!ok) [[unlikely]]
    check_failed(what, where);
}

}  // namespace stackyard
