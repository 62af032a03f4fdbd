// core/wire/transport/udp.h - User Datagram Protocol header (RFC 768; for IPv6 RFC 8200 s8.1).
#pragma once

#include "core/wire/drops.h"

namespace stackyard {

struct UdpHeader {  // Exactly the octets on the wire.
  be16 source_port;
  be16 dest_port;
  be16 length;    // header and payload, in octets
  be16 checksum;  // 0 means "none sent"; legal in IPv4 only
};
static_assert(sizeof(UdpHeader) == 8 && alignof(UdpHeader) == 1);

struct UdpDatagram {
  UdpHeader header;
  Bytes payload;
};

// Octets after `length` are padding and are cut off. The checksum is the caller's.
inline Parsed<UdpDatagram> parse_udp(Bytes octets) {
  if (octets.size() < sizeof(UdpHeader)) return drops::truncated;
  const auto header = load<UdpHeader>(octets);
  if (header.length < sizeof(UdpHeader) || header.length > octets.size()) return drops::bad_length;
  return UdpDatagram{header, octets.first(header.length).subspan(sizeof(UdpHeader))};
}

}  // namespace stackyard
