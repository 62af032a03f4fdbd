// userland/net/route.h - the words of route(8), for both families.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stack/sys/sys.h"

namespace stackyard {

struct RouteWords {
  std::string jail, command;
  std::vector<std::string> operands;  // destination, gateway, netmask
  bool net = false, host = false, interface = false, numeric = false, quiet = false;
  bool inet6 = false;  // -6, or an address says so
  uint32_t flags = 0;
  int64_t mtu = 0, fib = -1;
  std::optional<Ipv4Address> netmask;
  std::optional<int64_t> prefix_length;
  std::string error;
};

// "add net 10.0.0.0/8: gateway 10.0.0.1".
std::string said(const RouteWords& r, const std::string& gateway);
// "<UP,GATEWAY>".
std::string flag_words(uint32_t flags);
// add, change, delete, get and flush of IPv6 routes.
Task<int> route6(Sys& sys, RouteWords words);

}  // namespace stackyard
