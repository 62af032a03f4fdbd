// stack/nat/api/nat_requests.h - instances of address translation, as "ipfw nat N config" makes
// them and "ipfw nat show config" shows them.
#pragma once

#include <string>
#include <vector>

#include "core/alias/nat_redirect.h"
#include "stack/sys/request.h"

namespace stackyard {

struct NatConfig {
  uint32_t number = 0;
  std::string interface;  // whose first address is the alias; empty: `address` is
  Ipv4Address address;
  AliasMode mode;
  bool log = false;
  bool skip_global = false;
  uint16_t port_first = 0, port_last = 0;  // 0: the library's own range
  std::vector<NatRedirect> redirects;
};

// Makes an instance, or another one of it: what it knew is forgotten. ENOSPC: too many
// redirections.
struct ConfigureNat : RequestOf<ConfigureNat> {
  static constexpr RequestKind kind_of{"nat", "configure"};
  NatConfig config;
};
// EINVAL: there is none.
struct DeleteNat : RequestOf<DeleteNat> {
  static constexpr RequestKind kind_of{"nat", "delete"};
  uint32_t number = 0;
};

struct NatCounts {
  uint32_t icmp = 0, udp = 0, tcp = 0, sctp = 0, protocols = 0, fragments = 0, total = 0;
};
struct NatInfo {
  NatConfig config;
  NatCounts counts;  // of links, redirections among them
};
// Sorted by number.
struct ListNat : RequestOf<ListNat> {
  static constexpr RequestKind kind_of{"nat", "list", true};
  std::vector<NatInfo> instances;
};

}  // namespace stackyard
