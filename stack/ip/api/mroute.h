// stack/ip/api/mroute.h - what a multicast routing daemon and the stack tell each other
// (multicast(4)): the octets of MRT_* and MRT6_* options, and of upcalls. IPv4 addresses are
// mapped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/address6.h"
#include "core/base/ip_address.h"
#include "stack/sys/request.h"

namespace stackyard {

constexpr size_t multicast_interfaces_max = 32;  // MAXVIFS, MAXMIFS

// MRT_ADD_VIF, MRT6_ADD_MIF; MRT_DEL_VIF looks at the number only.
struct MulticastInterface {
  uint32_t number = 0;
  uint32_t interface_index = 0;
  uint8_t threshold = 1;  // packets with a TTL of this and less do not leave by it
};

// MRT_ADD_MFC, MRT_DEL_MFC: the latter looks at the addresses only.
struct MulticastEntry {
  Ipv6Address source, group;
  uint32_t parent = 0;  // the interface by which it must come
  // By interface: the least TTL with which it leaves by it; 0: it does not.
  uint8_t ttls[multicast_interfaces_max] = {};
};

// What the daemon reads from its socket: no packet of its protocol begins with 0.
struct MulticastUpcall {
  enum : uint8_t { no_cache = 1, wrong_interface = 2 };
  uint8_t zero = 0;
  uint8_t type = no_cache;
  uint16_t reserved = 0;
  uint32_t interface = 0;  // its number
  Ipv6Address source, group;
};

// netstat -g.
struct MulticastInterfaceInfo {
  uint32_t number;
  std::string interface;
  unsigned threshold;
  IpAddress local;
  uint64_t packets_in, octets_in, packets_out, octets_out;
};
struct MulticastRouteInfo {
  IpAddress source, group;
  uint32_t parent;
  std::vector<std::pair<uint32_t, unsigned>> out;  // interface and least TTL
  uint64_t packets, octets, wrong_interface;
  size_t waiting;  // packets of a flow that nobody has decided on yet
};
struct MulticastRoutesInfo {
  std::vector<MulticastInterfaceInfo> interfaces;
  std::vector<MulticastRouteInfo> routes;
};
struct ListMulticastRoutes4 : RequestOf<ListMulticastRoutes4> {
  static constexpr RequestKind kind_of{"inet", "list multicast routes", true};
  MulticastRoutesInfo list;
};
struct ListMulticastRoutes6 : RequestOf<ListMulticastRoutes6> {
  static constexpr RequestKind kind_of{"inet6", "list multicast routes", true};
  MulticastRoutesInfo list;
};

}  // namespace stackyard
