// stack/net/api/route_requests.h - routes as netstat(1) and route(8) list them.
#pragma once

#include <string>
#include <vector>

#include "core/base/ip_address.h"
#include "core/base/time.h"
#include "stack/sys/request.h"

namespace stackyard {

// Bits of rt_flags (route.h).
namespace route_flag {
constexpr uint32_t up = 0x1, gateway = 0x2, host = 0x4, reject = 0x8, dynamic = 0x10,
                   modified = 0x20, done = 0x40, static_ = 0x800, blackhole = 0x1000,
                   proto2 = 0x4000, proto1 = 0x8000, proto3 = 0x40000, fixed_mtu = 0x80000,
                   pinned = 0x100000, local = 0x200000, sticky = 0x10000000;
// Those that a program may give to a route (RTF_FMASK and what an addition needs).
constexpr uint32_t settable =
    host | reject | static_ | blackhole | proto1 | proto2 | proto3 | fixed_mtu | sticky | gateway;
// Those that RTM_CHANGE may toggle.
constexpr uint32_t changeable = proto1 | proto2 | proto3 | blackhole | reject | static_ | sticky;
}  // namespace route_flag

// netstat(1)'s letters: "UGHS".
std::string route_flag_letters(uint32_t flags);

// One path of a route. Addresses are as programs see them: without zones, which are named beside.
struct RouteInfo {
  IpPrefix dest;
  std::string dest_zone;  // the interface on whose link it is; empty: global
  uint32_t flags = 0;
  IpAddress gateway;  // with route_flag::gateway
  std::string gateway_zone;
  std::string interface;         // by which packets leave
  uint32_t link_index = 0;       // without gateway: of the interface shown as link#N
  uint32_t path = 0, group = 0;  // numbers of the next hop, and of the group of a multipath route
  uint32_t mtu = 0, weight = 1;
  uint64_t uses = 0;
  SimTime expires;  // in; 0: never
};

// sysctl(3)'s NET_RT_DUMP: by destination, then prefix length; the paths of a route in turn.
struct ListRoutes : RequestOf<ListRoutes> {
  static constexpr RequestKind kind_of{"net", "list routes", true};
  IpFamily family = IpFamily::v4;
  int fib = 0;
  std::vector<RouteInfo> routes;
};

// NET_RT_NHGRP: the groups of multipath routes, with the share of each path.
struct PathGroupInfo {
  uint32_t number = 0, uses = 0;  // by so many prefixes
  struct Path {
    uint32_t number, weight, slots;
    std::string gateway, interface;
  };
  std::vector<Path> paths;
};
struct ListPathGroups : RequestOf<ListPathGroups> {
  static constexpr RequestKind kind_of{"net", "list path groups", true};
  IpFamily family = IpFamily::v4;
  int fib = 0;
  std::vector<PathGroupInfo> groups;
};

}  // namespace stackyard
