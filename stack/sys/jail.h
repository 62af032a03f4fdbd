// stack/sys/jail.h - jail_set(2) and jail_get(2): parameters as names and texts.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace stackyard {

// Parameters in the words of jail(8): {"name", "web"}, {"path", "/jails/web"}, {"children.max",
// "3"}. A boolean one has the value "true" or "false" ({"persist", "true"}, {"allow.raw_sockets",
// "false"}), one that decides about a subsystem "new", "inherit" or "disable" ({"vnet", "new"},
// {"ip4", "inherit"}); lists are joined by commas ({"ip4.addr", "10.0.0.1,10.0.0.2"}).
using JailParams = std::vector<std::pair<std::string, std::string>>;

// The value of one of them; null: it is not there.
inline const std::string* jail_param(const JailParams& params, std::string_view name) {
  for (const auto& [key, value] : params)
    if (key == name) return &value;
  return nullptr;
}

// Flags of jail_set(2); `dying` has no effect, since our jails never linger.
namespace jail_flag {
constexpr unsigned create = 1, update = 2, attach = 4, dying = 8;
}

}  // namespace stackyard
