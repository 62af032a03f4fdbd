#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace stackyard {

void check_failed(const char* what, std::source_location where) {
  std::fprintf(stderr, "%s:%u: %s: check failed: %s\n", where.file_name(), unsigned(where.line()),
               where.function_name(), what);
  std::abort();
}

}  // namespace stackyard
