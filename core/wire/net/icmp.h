// core/wire/net/icmp.h - Internet Control Message Protocol (RFC 792, 950, 1122, 1191, 1256, 1812).
#pragma once

#include <string>

#include "core/wire/drops.h"
#include "core/wire/net/ipv4.h"

namespace stackyard {

struct IcmpHeader {
  uint8_t type = 0;
  uint8_t code = 0;
  be16 checksum;
  be32 rest;  // echo: identifier and sequence; unreachable code 4: next-hop MTU; redirect: gateway
};
static_assert(sizeof(IcmpHeader) == 8 && alignof(IcmpHeader) == 1);

namespace icmp_type {
constexpr uint8_t echo_reply = 0, unreachable = 3, source_quench = 4, redirect = 5, echo = 8,
                  router_advert = 9, router_solicit = 10, time_exceeded = 11,
                  parameter_problem = 12, timestamp = 13, timestamp_reply = 14, mask_request = 17,
                  mask_reply = 18;
}
namespace icmp_code {
constexpr uint8_t net_unreachable = 0, host_unreachable = 1, protocol_unreachable = 2,
                  port_unreachable = 3, need_fragment = 4, source_route_failed = 5, net_unknown = 6,
                  host_unknown = 7, net_prohibited = 9, host_prohibited = 10, admin_prohibited = 13;
constexpr uint8_t redirect_net = 0, redirect_host = 1;
constexpr uint8_t ttl_in_transit = 0, ttl_in_reassembly = 1;
}  // namespace icmp_code

// RFC 1122 s3.2.2: errors quote a packet, and no error answers an error.
constexpr bool icmp_is_error(uint8_t type) {
  return type == icmp_type::unreachable || type == icmp_type::source_quench ||
         type == icmp_type::redirect || type == icmp_type::time_exceeded ||
         type == icmp_type::parameter_problem;
}

// An error's quotation: the header of the packet that caused it, and what follows.
struct IcmpQuote {
  Ipv4Header ip;
  Bytes transport;  // at least 8 octets, unless the quoted packet was shorter
};

// Validates the checksum of the whole message.
Parsed<IcmpHeader> parse_icmp(Bytes message);
// `message` is an error's; the quoted header's own checksum and total length are not checked, for
// routers on the way have changed the packet.
Parsed<IcmpQuote> parse_icmp_quote(Bytes message);
// Computes the checksum of the message and stores it.
void finish_icmp(MutableBytes message);

// tcpdump's words after "ICMP ".
std::string describe_icmp(Bytes message);

}  // namespace stackyard
