// core/wire/net/ip_pseudo.h - the pseudo header that transport checksums begin with (RFC 768, RFC
// 8200 s8.1), for either family.
#pragma once

#include "core/base/ip_address.h"
#include "core/wire/checksum.h"
#include "core/wire/net/ipv4.h"

namespace stackyard {

// Zones are not part of it. RFC 8200 s8.1: `protocol` is that of the transport header, and `dest`
// the final one, whatever extension headers say.
inline uint64_t ipv6_pseudo_sum(const Ipv6Address& source, const Ipv6Address& dest,
                                uint8_t protocol, size_t length) {
  uint64_t sum = length + protocol;
  sum = checksum_add(sum, source.without_zone().octets);
  return checksum_add(sum, dest.without_zone().octets);
}

inline uint64_t ip_pseudo_sum(const IpAddress& source, const IpAddress& dest, uint8_t protocol,
                              size_t length) {
  return source.is_v4() ? ipv4_pseudo_sum(source.v4(), dest.v4(), protocol, length)
                        : ipv6_pseudo_sum(source.v6(), dest.v6(), protocol, length);
}

}  // namespace stackyard
