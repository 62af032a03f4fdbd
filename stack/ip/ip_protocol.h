// stack/ip/ip_protocol.h - what IP needs from a protocol above it, and what it gives.
#pragma once

#include "core/base/ip_address.h"
#include "core/packet/packet.h"
#include "stack/net/ifnet.h"

namespace stackyard {

// Of a packet that arrived: what its header said. Valid during the call. Addresses carry their
// zone.
struct IpContext {
  IpAddress source, dest;
  uint8_t protocol = 0;
  uint8_t ttl = 0;             // or hop limit
  uint8_t tos = 0;             // or traffic class
  bool ip_group = false;       // sent to a group or to a broadcast address
  bool dest_is_group = false;  // ... or at the link layer to one
  bool reassembled = false;    // it came in fragments
  Ifnet* interface = nullptr;
  // A filter gives it to this address of ours (and port, if it is not 0), whoever it is for.
  bool forwarded = false;
  uint16_t forwarded_port = 0;
  IpAddress forwarded_to;
  Bytes header;  // with options or extension headers; reassembled: of the first fragment
};

// What ICMP told us about a packet that we sent.
enum class PathEventKind : uint8_t {
  net_unreachable,
  host_unreachable,
  protocol_unreachable,
  port_unreachable,
  too_big,  // `mtu` is the next hop's
  prohibited,
  parameter_problem,
  ttl_exceeded,
};
struct PathEvent {
  PathEventKind kind;
  IpAddress source, dest;  // of our packet
  Bytes transport;         // its first octets behind the IP header, 8 at least
  uint32_t mtu = 0;
};
// The errno that a socket shows for it; ok: none (FreeBSD's inetctlerrmap).
Errno path_event_errno(PathEventKind kind);

class Pcb;
struct Endpoint;

class IpProtocol {
 public:
  virtual ~IpProtocol() = default;
  // The IP header is stripped; it is in the context.
  virtual void receive(Packet packet, const IpContext& context) = 0;
  virtual void path_event(const PathEvent&) {}
  // The socket that a packet with these ends is of; null: none.
  virtual const Pcb* socket_of(const Endpoint& /* local */, const Endpoint& /* foreign */) const {
    return nullptr;
  }
};

}  // namespace stackyard
