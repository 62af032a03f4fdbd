// core/wire/net/ipv6.h - the Internet Protocol, version 6, and its extension headers (RFC 8200).
#pragma once

#include <optional>
#include <string>

#include "core/base/address6.h"
#include "core/wire/drops.h"
#include "core/wire/net/ip_pseudo.h"

namespace stackyard {

struct Ipv6Header {
  be32 version_class_flow = 0x60000000;  // version (4), traffic class (8), flow label (20)
  be16 payload_length;                   // extension headers and what follows
  uint8_t next_header = 0;
  uint8_t hop_limit = 64;
  Ipv6Address source;
  Ipv6Address dest;

  uint8_t version() const { return uint8_t(uint32_t(version_class_flow) >> 28); }
  uint8_t traffic_class() const { return uint8_t(uint32_t(version_class_flow) >> 20); }
  uint32_t flow_label() const { return uint32_t(version_class_flow) & 0xfffff; }
  static constexpr uint32_t first_word(uint8_t traffic_class, uint32_t flow_label) {
    return 0x60000000u | uint32_t(traffic_class) << 20 | (flow_label & 0xfffff);
  }
};
static_assert(sizeof(Ipv6Header) == 40 && alignof(Ipv6Header) == 1);

constexpr uint32_t ipv6_mtu_least = 1280;

namespace ipv6_next {
constexpr uint8_t hop_by_hop = 0, routing = 43, fragment = 44, esp = 50, auth = 51, none = 59,
                  dest_options = 60;
}

// What every extension header but ESP begins with; the length is in units of 8 octets, the first
// 8 not counted (of AH in units of 4, the first 8 octets not counted).
struct Ipv6Extension {
  uint8_t next_header = 0;
  uint8_t length = 0;
  size_t size() const { return (size_t(length) + 1) * 8; }
};

struct Ipv6FragmentHeader {
  uint8_t next_header = 0;
  uint8_t reserved = 0;
  be16 offset_and_flags;  // offset in units of 8 octets (13), reserved (2), more fragments (1)
  be32 id;
  uint32_t offset() const { return uint32_t(offset_and_flags) & 0xfff8; }  // in octets
  bool more() const { return offset_and_flags & 1; }
};
static_assert(sizeof(Ipv6FragmentHeader) == 8 && alignof(Ipv6FragmentHeader) == 1);

struct Ipv6RoutingHeader {
  uint8_t next_header = 0;
  uint8_t length = 0;
  uint8_t type = 0;
  uint8_t segments_left = 0;
};

// Validates version and length. Octets after the payload are padding, which the caller cuts off.
Parsed<Ipv6Header> parse_ipv6_header(Bytes octets, size_t packet_size);

// --- options of hop-by-hop and destination headers (RFC 8200 s4.2) -------------------------------

namespace ipv6_option {
constexpr uint8_t pad1 = 0, padn = 1, router_alert = 5, jumbo = 0xc2;
}
// What a node does that does not know an option: its type's two highest bits.
enum class UnknownOption : uint8_t { skip, discard, report, report_unless_group };
constexpr UnknownOption unknown_option(uint8_t type) { return UnknownOption(type >> 6); }

// Walks the options of a whole header: visit(type, offset of the type, data). `visit` returns false
// to stop. The offset of the octet that is malformed, or 0.
template <class Visit>
size_t for_each_ipv6_option(Bytes header, Visit visit) {
  for (size_t at = 2; at < header.size();) {
    const uint8_t type = header[at];
    if (type == ipv6_option::pad1) {
      ++at;
      continue;
    }
    if (at + 1 >= header.size()) return at;
    const size_t length = header[at + 1];
    if (at + 2 + length > header.size()) return at + 1;
    if (type != ipv6_option::padn && !visit(type, at, header.subspan(at + 2, length))) return 0;
    at += 2 + length;
  }
  return 0;
}

// The chain of headers from an IPv6 header on, as far as it is there.
struct Ipv6Chain {
  uint8_t protocol = ipv6_next::none;  // of what follows, or of the header that is cut
  size_t offset = 0;                   // of it, from the IPv6 header
  size_t headers = 0;                  // extension headers
  bool complete = false;               // the octets reach beyond the chain
  std::optional<Ipv6FragmentHeader> fragment;
  size_t fragment_offset = 0;  // of the fragment header
};
Ipv6Chain walk_ipv6_chain(Bytes packet);

// tcpdump -v's part in brackets.
std::string describe(const Ipv6Header& ip);
std::string ipv6_next_name(uint8_t next_header);  // "ICMPv6", "UDP", "DSTOPT"

}  // namespace stackyard
