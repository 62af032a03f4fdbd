// stack/ip/ip_output.h - how protocols and sockets send by IP.
#pragma once

#include "core/base/result.h"
#include "stack/ip/ip_protocol.h"

namespace stackyard {

struct IpSend {
  Ipv4Address source;  // 0: the outgoing interface's
  Ipv4Address dest;
  uint8_t protocol = 0;
  uint8_t ttl = 0;  // 0: net.inet.ip.ttl, or 1 for multicast
  uint8_t tos = 0;
  uint8_t fib = 0;
  bool dont_fragment = false;
  bool allow_broadcast = false;
  bool dont_route = false;       // SO_DONTROUTE: on-link only
  bool multicast_loop = true;    // deliver a copy to ourselves
  bool header_included = false;  // the packet begins with an IP header, in network order
  Ifnet* multicast_interface = nullptr;
  Bytes options;  // of the IP header, padded to 4 octets
};

class IpOutput {
 public:
  virtual ~IpOutput() = default;
  // EHOSTUNREACH, EACCES (broadcast), EMSGSIZE (DF), ENETDOWN, EHOSTDOWN, ENOBUFS, EADDRNOTAVAIL.
  virtual Result<> output(Packet packet, const IpSend& send) = 0;
  // The address that a packet to `dest` would be sent from.
  virtual Result<Ipv4Address> source_for(const IpSend& send) = 0;
  virtual bool is_local(Ipv4Address address) const = 0;
  virtual bool is_broadcast(Ipv4Address address) const = 0;
  virtual void add_protocol(uint8_t number, IpProtocol* protocol) = 0;
  // Sees every packet for this host that ICMP and its like leave to raw sockets.
  virtual void set_raw_input(IpProtocol* raw) = 0;
  // An ICMP error about a packet, given with its IP header.
  virtual void send_unreachable(Packet packet, uint8_t code) = 0;
  virtual Ifnet* interface_of(Ipv4Address address) const = 0;
  // The host cache's path MTU to an address; 0: none known.
  virtual uint32_t path_mtu(Ipv4Address dest) const = 0;
  // The largest packet that the way to the destination takes; 0: there is no way.
  virtual uint32_t mtu_to(const IpSend& send) = 0;
  // Membership of an interface in a group; several sockets may hold the same.
  virtual Result<> join_group(Ifnet& interface, Ipv4Address group) = 0;
  virtual void leave_group(Ifnet& interface, Ipv4Address group) = 0;
};

}  // namespace stackyard
