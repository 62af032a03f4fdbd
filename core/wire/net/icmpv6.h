// core/wire/net/icmpv6.h - ICMP for IPv6 (RFC 4443), with Neighbour Discovery's messages and
// options (RFC 4861, 3971's nonce for 7527) and Multicast Listener Discovery's (RFC 2710, 3810).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/wire/net/ipv6.h"

namespace stackyard {

struct Icmpv6Header {
  uint8_t type = 0;
  uint8_t code = 0;
  be16 checksum;
  be32 rest;  // echo: identifier and sequence; too big: MTU; parameter problem: pointer
};
static_assert(sizeof(Icmpv6Header) == 8 && alignof(Icmpv6Header) == 1);

namespace icmpv6_type {
constexpr uint8_t unreachable = 1, too_big = 2, time_exceeded = 3, parameter_problem = 4,
                  echo = 128, echo_reply = 129, mld_query = 130, mld_report = 131, mld_done = 132,
                  router_solicit = 133, router_advert = 134, neighbour_solicit = 135,
                  neighbour_advert = 136, redirect = 137, mld2_report = 143;
}
namespace icmpv6_code {
constexpr uint8_t no_route = 0, prohibited = 1, beyond_scope = 2, address_unreachable = 3,
                  port_unreachable = 4;
constexpr uint8_t hop_limit_in_transit = 0, hop_limit_reassembly = 1;
constexpr uint8_t bad_field = 0, unknown_next_header = 1, unknown_option = 2, incomplete_chain = 3;
}  // namespace icmpv6_code

constexpr bool icmpv6_is_error(uint8_t type) { return type < 128; }

Parsed<Icmpv6Header> parse_icmpv6(Bytes message, const Ipv6Address& source,
                                  const Ipv6Address& dest);
void finish_icmpv6(MutableBytes message, const Ipv6Address& source, const Ipv6Address& dest);

// An error's quotation: the packet that caused it, as far as it goes.
struct Icmpv6Quote {
  Ipv6Header ip;
  uint8_t protocol = 0;
  Bytes transport;  // behind the extension headers; may be empty
};
Parsed<Icmpv6Quote> parse_icmpv6_quote(Bytes message);

// --- Neighbour Discovery -------------------------------------------------------------------------

struct NeighbourSolicit {
  Icmpv6Header icmp{.type = icmpv6_type::neighbour_solicit};
  Ipv6Address target;
};
struct NeighbourAdvert {
  Icmpv6Header icmp{.type = icmpv6_type::neighbour_advert};
  Ipv6Address target;
  static constexpr uint32_t router = 0x80000000, solicited = 0x40000000, override_ = 0x20000000;
};
struct RouterAdvert {
  Icmpv6Header icmp{.type = icmpv6_type::router_advert};  // rest: hop limit, flags, lifetime
  be32 reachable_ms;
  be32 retrans_ms;
  uint8_t hop_limit() const { return uint8_t(uint32_t(icmp.rest) >> 24); }
  uint8_t flags() const { return uint8_t(uint32_t(icmp.rest) >> 16); }
  uint16_t lifetime_s() const { return uint16_t(icmp.rest); }
  static constexpr uint8_t managed = 0x80, other = 0x40;
  // RFC 4191 s2.1: 1 high, 0 medium, -1 low; the reserved value counts as medium.
  int preference() const {
    const int bits = flags() >> 3 & 3;
    return bits == 1 ? 1 : bits == 3 ? -1 : 0;
  }
};
struct Redirect {
  Icmpv6Header icmp{.type = icmpv6_type::redirect};
  Ipv6Address target;  // the better first hop
  Ipv6Address dest;
};
static_assert(sizeof(NeighbourSolicit) == 24 && sizeof(RouterAdvert) == 16 &&
              sizeof(Redirect) == 40);

namespace nd_option {
constexpr uint8_t source_link = 1, target_link = 2, prefix = 3, redirected = 4, mtu = 5, nonce = 14,
                  route = 24, rdnss = 25, dnssl = 31, pref64 = 38;
}
struct NdPrefix {
  uint8_t type = nd_option::prefix;
  uint8_t length = 4;
  uint8_t prefix_length = 64;
  uint8_t flags = 0;
  be32 valid_s;
  be32 preferred_s;
  be32 reserved;
  Ipv6Address prefix;
  static constexpr uint8_t on_link = 0x80, autonomous = 0x40;
};
struct NdMtu {
  uint8_t type = nd_option::mtu;
  uint8_t length = 1;
  be16 reserved;
  be32 mtu;
};
static_assert(sizeof(NdPrefix) == 32 && sizeof(NdMtu) == 8);

// The options that matter, of any ND message.
struct NdOptions {
  std::optional<MacAddress> source_link, target_link;
  std::optional<std::array<uint8_t, 6>> nonce;
  std::optional<uint32_t> mtu;
  std::vector<NdPrefix> prefixes;
  Bytes redirected;  // of a redirect: the packet that caused it
};
// RFC 4861 s4.6: an option of length 0 makes the message void. `octets` are those behind the fixed
// part.
Parsed<NdOptions> parse_nd_options(Bytes octets);
void add_link_option(std::vector<uint8_t>& message, uint8_t type, MacAddress mac);
// RFC 4191 s2.3: `flags` has the preference, as an advertisement's flags have it.
void add_route_option(std::vector<uint8_t>& message, const Ipv6Prefix& prefix, uint8_t flags,
                      uint32_t lifetime_s);
// RFC 8106 s5.1, s5.2.
void add_rdnss_option(std::vector<uint8_t>& message, const std::vector<Ipv6Address>& servers,
                      uint32_t lifetime_s);
void add_dnssl_option(std::vector<uint8_t>& message, const std::vector<std::string>& names,
                      uint32_t lifetime_s);
// RFC 8781 s4; a prefix of 96, 64, 56, 48, 40 or 32. False: it has another length.
bool add_pref64_option(std::vector<uint8_t>& message, const Ipv6Prefix& prefix,
                       uint32_t lifetime_s);
void add_nonce_option(std::vector<uint8_t>& message, const std::array<uint8_t, 6>& nonce);

// --- Multicast Listener Discovery
// ------------------------------------------------------------------

namespace mld_record {
constexpr uint8_t is_include = 1, is_exclude = 2, to_include = 3, to_exclude = 4, allow = 5,
                  block = 6;
}
struct MldRecord {
  uint8_t type = 0;
  Ipv6Address group;
  std::vector<Ipv6Address> sources;
};
struct MldMessage {
  uint8_t type = icmpv6_type::mld_query;
  int version = 2;
  uint32_t max_response_ms = 10000;  // of a query
  Ipv6Address group;                 // of a query, or a message of version 1; any: general
  uint8_t robustness = 2, query_interval_code = 125;
  bool suppress = false;
  std::vector<Ipv6Address> sources;  // of a query
  std::vector<MldRecord> records;    // of a version 2 report
};
Parsed<MldMessage> parse_mld(Bytes message);
// Without its checksum.
std::vector<uint8_t> emit_mld(const MldMessage& message);

// tcpdump's words after "ICMP6, ".
std::string describe_icmpv6(Bytes message);

}  // namespace stackyard
