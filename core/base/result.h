// core/base/result.h - the outcome of a call that the simulated world may refuse.
#pragma once

#include <tl/expected.hpp>

#include "core/base/errno.h"

namespace stackyard {

// A value or an Errno. Errors of the simulated world only: our own bugs are check().
template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Errno> {
 public:
  using tl::expected<T, Errno>::expected;
  Result(Errno error) : tl::expected<T, Errno>(tl::unexpect, error) {}
};

namespace detail {
template <class T>
T take_value(Result<T>& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}  // namespace detail

// Evaluates to the value of a Result, or returns its error from this function. Not for coroutines.
#define TRY(...)                                  \
  ({                                              \
    auto try_result_ = (__VA_ARGS__);             \
    if (!try_result_) return try_result_.error(); \
    ::stackyard::detail::take_value(try_result_); \
  })
}  // namespace stackyard
