// core/wire/net/ipv4.h - the Internet Protocol, version 4 (RFC 791, RFC 2474, RFC 3168).
#pragma once

#include <string>

#include "core/base/address.h"
#include "core/wire/drops.h"

namespace stackyard {

struct Ipv4Header {
  uint8_t version_length = 0x45;  // version (4), header length in 32-bit words (4)
  uint8_t tos = 0;
  be16 total_length;
  be16 id;
  be16 fragment;  // flags (3), offset in units of 8 octets (13)
  uint8_t ttl = 64;
  uint8_t protocol = 0;
  be16 checksum;
  be32 source;
  be32 dest;

  size_t header_size() const { return size_t(version_length & 15) * 4; }
  Ipv4Address source_address() const { return {source}; }
  Ipv4Address dest_address() const { return {dest}; }
  bool dont_fragment() const { return fragment & 0x4000; }
  bool more_fragments() const { return fragment & 0x2000; }
  uint32_t fragment_offset() const { return (fragment & 0x1fffu) * 8; }  // in octets
  bool is_fragment() const { return fragment & 0x3fff; }
};
static_assert(sizeof(Ipv4Header) == 20 && alignof(Ipv4Header) == 1);

constexpr uint16_t ipv4_dont_fragment = 0x4000;
constexpr uint16_t ipv4_more_fragments = 0x2000;

namespace ip_protocol {
constexpr uint8_t icmp = 1, igmp = 2, tcp = 6, udp = 17, icmpv6 = 58, sctp = 132, divert = 254,
                  raw = 255;
}

// Validates version, lengths and header checksum. Octets after the total length are padding, which
// the caller cuts off. `octets` needs to hold the header only; `packet_size` is the whole.
Parsed<Ipv4Header> parse_ipv4_header(Bytes octets, size_t packet_size);
inline Parsed<Ipv4Header> parse_ipv4_header(Bytes octets) {
  return parse_ipv4_header(octets, octets.size());
}
// Computes the checksum of the header at the front of `octets` and stores it there.
void finish_ipv4_header(MutableBytes octets);
// The sum of the pseudo header (RFC 768), to start a transport checksum with.
uint64_t ipv4_pseudo_sum(Ipv4Address source, Ipv4Address dest, uint8_t protocol, size_t length);

// --- options (RFC 791 s3.1) --------------------------------------------------------------------

namespace ipv4_option {
constexpr uint8_t end = 0, nop = 1, record_route = 7, timestamp = 68, loose_source_route = 131,
                  strict_source_route = 137, router_alert = 148;
}

// One option; `data` covers type, length and content within the header's octets.
struct Ipv4Option {
  uint8_t type = 0;
  size_t offset = 0;  // of the type octet, from the header's start
  size_t length = 1;
  bool copied() const { return type & 0x80; }
};

// Walks the options of a header (with its options in `header`): calls visit(option) for each but
// end and nop. Returns the offset of the malformed octet, or 0 when all is well.
template <class Visit>
size_t for_each_option(Bytes header, Visit visit) {
  for (size_t at = sizeof(Ipv4Header); at < header.size();) {
    const uint8_t type = header[at];
    if (type == ipv4_option::end) return 0;
    if (type == ipv4_option::nop) {
      ++at;
      continue;
    }
    if (at + 1 >= header.size()) return at;
    const size_t length = header[at + 1];
    if (length < 2 || at + length > header.size()) return at + 1;
    visit(Ipv4Option{type, at, length});
    at += length;
  }
  return 0;
}

// "10.0.0.1 > 10.0.0.2: ICMP ..." is made by core/dissect; this is tcpdump -v's part in brackets.
std::string describe(const Ipv4Header& ip);
std::string ip_protocol_name(uint8_t protocol);  // "ICMP", "protocol 99"

}  // namespace stackyard
