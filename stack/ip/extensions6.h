// stack/ip/extensions6.h - what RFC 3542 lets an IPv6 socket send and receive beside its data.
#pragma once

#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "stack/net/ifnet.h"
#include "stack/sys/types.h"

namespace stackyard {

struct Extensions6 {
  // Headers that go along, as they will be on the wire; the first octet of each is filled in.
  std::vector<uint8_t> hop_options, routing_dest_options, routing, dest_options;
  IpAddress source = Ipv6Address{};  // IPV6_PKTINFO
  IfRef interface;                   // the same
  IpAddress next_hop;                // IPV6_NEXTHOP; any: the route's
  bool want_hop_options = false, want_dest_options = false, want_routing = false;
  bool want_path_mtu = false;
};

// EINVAL: not a whole header of options or of routing; none takes it away.
Result<> set_extension_header(std::vector<uint8_t>& header, Bytes octets);
// EINVAL: type 0 (RFC 5095), or too short.
Result<> check_routing_header(Bytes octets);

// Puts the headers of a datagram into `chain` in RFC 8200 s4.1's order, each with the type of the
// next; `first` is that of the first one. Those of the datagram go before those of the socket.
// Either may be null.
Result<> compose_extensions(const Extensions6* sticky, const PacketOptions* own,
                            std::vector<uint8_t>& chain, uint8_t& first);

// Of the headers of a packet that arrived (from the IPv6 header on): those that are wanted.
void copy_extensions(const Extensions6& want, Bytes headers, Ancillary& control);

}  // namespace stackyard
