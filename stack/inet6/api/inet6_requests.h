// stack/inet6/api/inet6_requests.h - what ifconfig, route, ndp and netstat ask about IPv6.
//
// Addresses are as programs see them: without a zone inside; where one matters the interface is
// named beside them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/address6.h"
#include "core/base/time.h"
#include "stack/sys/request.h"

namespace stackyard {

// Bits of in6_ifaddr's flags (in6_var.h).
namespace in6_flag {
constexpr uint32_t anycast = 0x1, tentative = 0x2, duplicated = 0x4, detached = 0x8,
                   deprecated = 0x10, no_dad = 0x20, autoconf = 0x40, temporary = 0x80,
                   prefer_source = 0x100;
// Those that a program may give.
constexpr uint32_t settable = anycast | deprecated | no_dad | autoconf | prefer_source;
}  // namespace in6_flag

// Bits of an interface's ND flags (nd6.h).
namespace nd6_flag {
constexpr uint32_t perform_nud = 0x1, accept_rtadv = 0x2, prefer_source = 0x4, disabled = 0x8,
                   dont_set_ifroute = 0x10, auto_linklocal = 0x20, no_radr = 0x40,
                   no_prefer_iface = 0x80, no_dad = 0x100, stableaddr = 0x800;
}

constexpr uint32_t lifetime_infinite = 0xffffffff;  // seconds

struct InterfaceAddress6 {
  std::string interface;
  uint32_t index = 0;  // its scope id, where the address has a zone
  Ipv6Prefix address;
  uint32_t flags = 0;
  uint32_t preferred_s = lifetime_infinite, valid_s = lifetime_infinite;  // left
};
struct ListAddresses6 : RequestOf<ListAddresses6> {
  static constexpr RequestKind kind_of{"inet6", "list addresses", true};
  std::vector<InterfaceAddress6> addresses;
};
// Adds, or changes what is there. EINVAL: impossible address, length or lifetimes. ENXIO.
struct AddAddress6 : RequestOf<AddAddress6> {
  static constexpr RequestKind kind_of{"inet6", "add address"};
  std::string interface;
  Ipv6Prefix address;
  uint32_t flags = 0;  // of in6_flag::settable
  uint32_t preferred_s = lifetime_infinite, valid_s = lifetime_infinite;
};
// EADDRNOTAVAIL.
struct DeleteAddress6 : RequestOf<DeleteAddress6> {
  static constexpr RequestKind kind_of{"inet6", "delete address"};
  std::string interface;
  Ipv6Address address;
};

struct NdInterface {
  std::string name;
  uint32_t flags = 0;
  uint32_t link_mtu = 0, hop_limit = 64;
  SimTime base_reachable, reachable, retrans;
};
struct ListNdInterfaces : RequestOf<ListNdInterfaces> {
  static constexpr RequestKind kind_of{"inet6", "list nd interfaces", true};
  std::vector<NdInterface> interfaces;
};
struct SetNdFlags : RequestOf<SetNdFlags> {
  static constexpr RequestKind kind_of{"inet6", "set nd flags"};
  std::string interface;
  uint32_t set = 0, clear = 0;
};

// ND6_LLINFO_*, and RFC 7048's unreachable.
enum class NudState : uint8_t { incomplete, reachable, stale, delay, probe, unreachable };

struct NeighbourInfo6 {
  Ipv6Address address;
  std::string interface;
  uint32_t index = 0;
  std::optional<MacAddress> mac;
  NudState state = NudState::incomplete;
  bool permanent = false, router = false, proxy = false;
  int64_t expires_s = 0;
  int64_t asked = 0;
};
struct ListNeighbours6 : RequestOf<ListNeighbours6> {
  static constexpr RequestKind kind_of{"inet6", "list neighbours", true};
  std::vector<NeighbourInfo6> entries;
};
// ENETUNREACH: on no link of ours.
struct SetNeighbour6 : RequestOf<SetNeighbour6> {
  static constexpr RequestKind kind_of{"inet6", "set neighbour"};
  Ipv6Address address;
  uint32_t scope = 0;
  MacAddress mac;
  bool temporary = false, proxy = false;
};
// ENOENT.
struct DeleteNeighbour6 : RequestOf<DeleteNeighbour6> {
  static constexpr RequestKind kind_of{"inet6", "delete neighbour"};
  std::optional<Ipv6Address> address;  // none: all but permanent ones
  uint32_t scope = 0;
};

struct RouterInfo6 {
  Ipv6Address address;
  std::string interface;
  uint8_t flags = 0;  // of its advertisement
  int preference = 0;
  int64_t expires_s = 0;
  bool installed = false;  // the default route
};
struct ListRouters6 : RequestOf<ListRouters6> {
  static constexpr RequestKind kind_of{"inet6", "list routers", true};
  std::vector<RouterInfo6> routers;
};
struct PrefixInfo6 {
  Ipv6Prefix prefix;
  std::string interface;
  bool on_link = false, autonomous = false, detached = false;
  uint32_t valid_s = lifetime_infinite, preferred_s = lifetime_infinite;  // as advertised
  int64_t expires_s = -1;                                                 // -1: never
  uint32_t addresses = 0;
  std::vector<Ipv6Address> advertisers;
};
struct ListPrefixes6 : RequestOf<ListPrefixes6> {
  static constexpr RequestKind kind_of{"inet6", "list prefixes", true};
  std::vector<PrefixInfo6> prefixes;
};
// ndp -P and -R.
struct FlushDiscovered6 : RequestOf<FlushDiscovered6> {
  static constexpr RequestKind kind_of{"inet6", "flush discovered"};
  bool routers = false, prefixes = false;
};

// ndp -I: link-local addresses without a zone are of this interface's link. ENXIO.
struct DefaultInterface6 : RequestOf<DefaultInterface6> {
  static constexpr RequestKind kind_of{"inet6", "default interface"};
  bool change = false;
  std::string name;  // the new one, empty: none; filled in
};

struct PolicyInfo6 {
  Ipv6Prefix prefix;
  int precedence = 0, label = 0;
  uint64_t uses = 0;
};
struct ListPolicies6 : RequestOf<ListPolicies6> {
  static constexpr RequestKind kind_of{"inet6", "list policies", true};
  std::vector<PolicyInfo6> policies;
};
// EEXIST, EINVAL, ENOBUFS.
struct AddPolicy6 : RequestOf<AddPolicy6> {
  static constexpr RequestKind kind_of{"inet6", "add policy"};
  PolicyInfo6 policy;
};
// ESRCH.
struct DeletePolicy6 : RequestOf<DeletePolicy6> {
  static constexpr RequestKind kind_of{"inet6", "delete policy"};
  std::optional<Ipv6Prefix> prefix;  // none: all
};

struct GroupInfo6 {
  std::string interface;
  Ipv6Address group;
};
struct ListGroups6 : RequestOf<ListGroups6> {
  static constexpr RequestKind kind_of{"inet6", "list groups", true};
  std::vector<GroupInfo6> groups;
};

}  // namespace stackyard
