// stack/ip/divert_socket.h - divert(4): a filter hands packets to a program, which gives them back,
// changed or not, or makes new ones.
//
// A socket is bound to a port. What it receives has as its sender the rule's number as the port,
// the address of the interface that the packet came by, and that interface as the scope; a packet
// on its way out has neither. Sent to that address, a packet goes on behind the rule.
#pragma once

#include <memory>
#include <vector>

#include "stack/kern/socket_ops.h"
#include "stack/net/packet_hook.h"

namespace stackyard {

class IpStack;
class DivertSocket;

// How a filter's cookie says that a packet comes from a divert socket: behind which rule it is.
struct DivertCookie {
  static constexpr uint64_t kind = uint64_t(2) << 60;
  static constexpr uint64_t of(uint32_t rule) { return kind | uint64_t(rule) << 32; }
};

// The divert sockets of a vnet.
class DivertSockets {
 public:
  explicit DivertSockets(IpStack& ip) : ip_(ip) {}

  // False, and the packet untouched: nobody listens at that port.
  bool deliver(Packet&& packet, uint16_t port, uint32_t rule, const HookContext& at);
  bool listens(uint16_t port) const;
  // The hook that packets come back to; null: they begin their way.
  void set_filter(const PacketHook* filter) { filter_ = filter; }

  Result<std::unique_ptr<SocketOps>> create();

 private:
  friend class DivertSocket;
  DivertSocket* at_port(uint16_t port) const;
  Result<> inject(Bytes octets, uint16_t rule, uint32_t interface);
  Packet ready(Bytes octets, bool inbound);

  IpStack& ip_;
  const PacketHook* filter_ = nullptr;
  std::vector<DivertSocket*> sockets_;
};

}  // namespace stackyard
