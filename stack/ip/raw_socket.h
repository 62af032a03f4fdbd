// stack/ip/raw_socket.h - raw sockets of both families (ip(4), icmp(4), ip6(4), icmp6(4)). Those of
// IPv4 get whole packets, header included; those of IPv6 what is behind the last header.
#pragma once

#include <memory>
#include <vector>

#include "stack/ip/ip_protocol.h"
#include "stack/kern/socket_ops.h"

namespace stackyard {

class IpStack;
class RawSocket;

// The raw sockets of a vnet.
class RawIp {
 public:
  explicit RawIp(IpStack& ip) : ip_(ip) {}

  // Gives each socket whose protocol and addresses fit a copy of the packet.
  void receive(Packet packet, const IpContext& context);
  bool wants(const IpContext& context) const;
  // EAFNOSUPPORT: this build has not that family.
  Result<std::unique_ptr<SocketOps>> create(IpFamily family, int protocol);
  void closed(RawSocket* socket) { std::erase(sockets_, socket); }

 private:
  IpStack& ip_;
  std::vector<RawSocket*> sockets_;
};

}  // namespace stackyard
