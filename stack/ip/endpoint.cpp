#include "stack/ip/endpoint.h"

namespace stackyard {

Result<IpAddress> address_of(const IpAddress& address, uint32_t scope, PcbFamily family) {
  if (address.is_v4()) {
    if (family == PcbFamily::v4) return address;
    return Errno::eafnosupport;
  }
  if (family == PcbFamily::v4) return Errno::eafnosupport;
  const Ipv6Address v6 = address.v6();
  if (v6.is_v4_mapped()) {
    if (family == PcbFamily::v6) return Errno::eaddrnotavail;
    return IpAddress(v6.embedded_v4());
  }
  return IpAddress(scope ? v6.with_zone(scope) : v6);
}

Result<Endpoint> endpoint_of(const SockAddr& name, PcbFamily family) {
  if (name.path.is_set()) return Errno::eafnosupport;
  return Endpoint{TRY(address_of(name.address, name.scope, family)), name.port};
}

SockAddr name_of(const Endpoint& end, PcbFamily family) {
  SockAddr name;
  name.port = end.port;
  if (end.address.is_v6()) {
    name.scope = end.address.v6().zone();
    name.address = end.address.v6().without_zone();
  } else if (family == PcbFamily::v4) {
    name.address = end.address;
  } else {
    // Nothing yet is "::", whatever it may become.
    name.address = end.address.is_any() ? Ipv6Address{} : Ipv6Address::mapped(end.address.v4());
  }
  return name;
}

}  // namespace stackyard
