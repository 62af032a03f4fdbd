// stack/ip/ip_output.h - how protocols and sockets send by one family of IP. Inet and Inet6 are it;
// IpStack finds the right one.
#pragma once

#include <vector>

#include "core/base/result.h"
#include "stack/ip/ip_protocol.h"
#include "stack/sys/types.h"

namespace stackyard {

// IPV6_PREFER_TEMPADDR: which of a host's addresses a socket likes to speak from.
enum class Temporary : uint8_t { by_sysctl, avoid, prefer };

struct IpSend {
  IpAddress source;  // any: the outgoing interface's
  IpAddress dest;
  uint8_t protocol = 0;
  uint8_t ttl = 0;  // 0: the family's default, or 1 for multicast
  uint8_t tos = 0;
  uint16_t fib = 0;
  bool dont_fragment = false;
  bool allow_broadcast = false;
  bool dont_route = false;          // SO_DONTROUTE: on-link only
  bool multicast_loop = true;       // deliver a copy to ourselves
  bool header_included = false;     // the packet begins with an IP header, in network order
  bool unspecified_source = false;  // IPv6: from :: indeed (DAD)
  bool minimum_mtu = false;         // IPv6: fragments of 1280 octets, whatever the path takes
  uint32_t flow_label = 0;          // IPv6
  bool auto_flow_label = true;      // IPv6: one by the flow's ends, if `flow_label` is 0
  Temporary temporary = Temporary::by_sysctl;
  Ifnet* interface = nullptr;  // leave by this one: of groups, or because the program says so
  // Of the IPv4 header, padded to 4 octets; or IPv6's extension headers, as they go on the wire,
  // the first of which has the type `options_type`.
  Bytes options;
  uint8_t options_type = 0;
  IpAddress next_hop;           // IPv6: the neighbour to send by; any: the route's
  bool ones_broadcast = false;  // IPv4: a broadcast is sent to 255.255.255.255
  bool any_source = false;      // a source that is not this machine's is wanted
};

// The sources of a group that are heard, or that are not; sorted (RFC 3376 s2).
struct SourceFilter {
  bool include = true;
  std::vector<IpAddress> sources;
  bool operator==(const SourceFilter&) const = default;
};

// Why nothing here takes a packet; each family has its ICMP code for it.
enum class Unreachable : uint8_t { port, protocol, prohibited };

// What a routing table says of an address.
struct WayTo {
  Ifnet* interface = nullptr;  // null: nothing
  bool by_default = false;     // by the default route
  bool refused = false;        // a reject or blackhole route
  bool direct = false;         // on a link of ours
  IpAddress gateway;           // any: direct
};

class UpcallReceiver;

class IpOutput {
 public:
  virtual ~IpOutput() = default;
  // EHOSTUNREACH, EACCES (broadcast), EMSGSIZE (DF), ENETDOWN, EHOSTDOWN, ENOBUFS, EADDRNOTAVAIL.
  virtual Result<> output(Packet packet, const IpSend& send) = 0;
  // The address that a packet to `dest` would be sent from.
  virtual Result<IpAddress> source_for(const IpSend& send) = 0;
  virtual bool is_local(const IpAddress& address) const = 0;
  virtual bool is_broadcast(const IpAddress& address) const = 0;
  // EADDRNOTAVAIL: a socket may not be bound to the address, or not yet.
  virtual Result<> may_bind(const IpAddress& address) const = 0;
  // An ICMP error about a packet, given with its IP header.
  virtual void send_unreachable(Packet packet, Unreachable why) = 0;
  // Any ICMP error of the family, by its numbers, with the second word of its header.
  virtual void send_icmp_error(Packet packet, uint8_t type, uint8_t code, uint32_t rest) = 0;
  virtual WayTo way_to(const IpAddress& dest, int fib) = 0;
  // A fragment is kept until its datagram is whole; empty: it is not yet. IPv6's are given back.
  virtual Packet reassemble(Packet packet) = 0;
  // The interface that has the address; the one by which packets to it leave; null: none.
  virtual Ifnet* interface_of(const IpAddress& address) const = 0;
  virtual Ifnet* interface_towards(const IpAddress& dest, int fib) = 0;
  // The host cache's path MTU to an address; 0: none known.
  virtual uint32_t path_mtu(const IpAddress& dest) const = 0;
  // What a packet to `dest` may measure: by the path, the route and the interface; 0: no route.
  virtual uint32_t mtu_towards(const IpAddress& dest, int fib) = 0;
  // The transport heard from `dest` that our packets arrive (RFC 4861 s7.3.1).
  virtual void confirm_reachable(const IpAddress&, int /* fib */) {}
  // What a socket hears of a group on an interface; null: nothing any more. EADDRNOTAVAIL, ENOBUFS.
  virtual Result<> set_group_filter(Ifnet& interface, const IpAddress& group, const void* socket,
                                    const SourceFilter* filter) = 0;
  // MRT_* and MRT6_* by a daemon's socket, and its end.
  virtual Result<> multicast_routing(UpcallReceiver& daemon, SocketOption option,
                                     const OptionValue& value) = 0;
  virtual void multicast_daemon_closed(UpcallReceiver& daemon) = 0;
};

}  // namespace stackyard
