#include "core/base/ip_address.h"

namespace stackyard {

std::optional<IpAddress> parse_ip(std::string_view s) {
  if (const auto v4 = parse_ipv4(s)) return *v4;
  if (const auto v6 = parse_ipv6(s)) return *v6;
  return std::nullopt;
}

std::optional<IpPrefix> parse_ip_prefix(std::string_view s) {
  if (const auto v4 = parse_ipv4_prefix(s)) return *v4;
  if (const auto v6 = parse_ipv6_prefix(s)) return *v6;
  return std::nullopt;
}

}  // namespace stackyard
