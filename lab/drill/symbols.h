// lab/drill/symbols.h - the names that a script uses for numbers: FreeBSD's, and Linux's words for
// the same things.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "stack/sys/types.h"

namespace stackyard::drill {

// FreeBSD's number of a constant.
std::optional<int64_t> symbol(std::string_view name);
// A name that other systems have: a script that needs it is skipped.
bool is_foreign_symbol(std::string_view name);

// "ECONNREFUSED"; numbers for those that this build never returns.
std::string errno_name(Errno error);
std::optional<Errno> errno_named(std::string_view name);

// What setsockopt(2) calls it: level and name as numbers.
std::optional<SocketOption> socket_option(int64_t level, int64_t name);

}  // namespace stackyard::drill
