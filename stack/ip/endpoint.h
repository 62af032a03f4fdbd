// stack/ip/endpoint.h - one end of a conversation as the kernel sees it, and as programs do.
#pragma once

#include "core/base/ip_address.h"
#include "stack/sys/types.h"

namespace stackyard {

// The address carries its zone, and is never IPv4-mapped: that is an IPv4 address here.
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

// What a socket speaks: IPv4, IPv6, or both by an IPv6 socket (IPV6_V6ONLY off, RFC 3493 s3.7).
enum class PcbFamily : uint8_t { v4, v6, both };

constexpr bool speaks(PcbFamily family, IpFamily of) {
  return family == PcbFamily::both || (family == PcbFamily::v4) == (of == IpFamily::v4);
}
constexpr IpFamily native(PcbFamily family) {
  return family == PcbFamily::v4 ? IpFamily::v4 : IpFamily::v6;
}

// As a program gave it. EAFNOSUPPORT: not of the socket's family; EADDRNOTAVAIL: IPv4-mapped, and
// the socket is for IPv6 only.
Result<Endpoint> endpoint_of(const SockAddr& name, PcbFamily family);
Result<IpAddress> address_of(const IpAddress& address, uint32_t scope, PcbFamily family);
// As a program sees it.
SockAddr name_of(const Endpoint& end, PcbFamily family);

}  // namespace stackyard
