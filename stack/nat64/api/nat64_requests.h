// stack/nat64/api/nat64_requests.h - instances of IPv6/IPv4 and prefix translation, as ipfw(8)
// makes, shows and ends them.
#pragma once

#include <string>
#include <vector>

#include "core/base/address6.h"
#include "stack/sys/request.h"

namespace stackyard {

enum class Nat64Kind : uint8_t {
  stateful,   // nat64lsn (RFC 6146)
  stateless,  // nat64stl (RFC 7915)
  customer,   // nat64clat (RFC 6877)
  prefix      // nptv6 (RFC 6296)
};
constexpr std::string_view nat64_names[] = {"nat64lsn", "nat64stl", "nat64clat", "nptv6"};

// 64:ff9b::/96 (RFC 6052 s2.1)
constexpr Ipv6Prefix nat64_well_known{Ipv6Address::of({0x64, 0xff9b, 0, 0, 0, 0, 0, 0}), 96};

struct Nat64Config {
  Nat64Kind kind{};
  std::string name;
  bool log = false, allow_private = false;
  Ipv6Prefix prefix6 = nat64_well_known;  // of the IPv4 world; a customer's plat_prefix
  // stateful
  Ipv4Prefix prefix4;
  uint32_t host_age = 3600, ports_age = 900, tcp_syn_age = 10, tcp_close_age = 180,
           tcp_est_age = 7200, udp_age = 120, icmp_age = 60;  // seconds
  // stateless
  std::string table4, table6;
  // customer
  Ipv6Prefix clat_prefix;
  // prefix
  Ipv6Prefix internal, external;
  std::string external_interface;  // whose prefix is the external one
  bool operator==(const Nat64Config&) const = default;
};

struct Nat64Stats {
  uint64_t to_6 = 0, to_4 = 0, dropped = 0;
  uint64_t hosts = 0, states = 0, port_groups = 0;
};

// EEXIST; EINVAL: prefixes that cannot be.
struct CreateNat64 : RequestOf<CreateNat64> {
  static constexpr RequestKind kind_of{"nat64", "create"};
  Nat64Config config;
};
// Changes ages, log and allow_private. ESRCH.
struct ConfigureNat64 : RequestOf<ConfigureNat64> {
  static constexpr RequestKind kind_of{"nat64", "configure"};
  Nat64Config config;
};
// ESRCH. An empty name: all of that kind.
struct DestroyNat64 : RequestOf<DestroyNat64> {
  static constexpr RequestKind kind_of{"nat64", "destroy"};
  Nat64Kind kind{};
  std::string name;
};
struct ResetNat64 : RequestOf<ResetNat64> {  // counters. ESRCH
  static constexpr RequestKind kind_of{"nat64", "reset"};
  Nat64Kind kind{};
  std::string name;
};
struct Nat64Info {
  Nat64Config config;
  Nat64Stats stats;
};
// By name.
struct ListNat64 : RequestOf<ListNat64> {
  static constexpr RequestKind kind_of{"nat64", "list", true};
  Nat64Kind kind{};
  std::vector<Nat64Info> instances;
};

}  // namespace stackyard
