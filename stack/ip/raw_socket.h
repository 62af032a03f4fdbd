// stack/ip/raw_socket.h - raw sockets of IPv4 (ip(4), icmp(4)): whole packets, header included.
#pragma once

#include <vector>

#include "stack/ip/inet_socket.h"

namespace stackyard {

class RawSocket;

// The raw sockets of a vnet.
class RawIp final : public IpProtocol {
 public:
  RawIp(NetStack& net, IpOutput& ip) : net_(net), ip_(ip) { ip_.set_raw_input(this); }

  // Gives each socket whose protocol and addresses fit a copy of the packet, with its IP header.
  void receive(Packet packet, const IpContext& context) override;
  void path_event(const PathEvent&) override {}
  bool wants(const IpContext& context) const;
  std::unique_ptr<SocketOps> create(int protocol);
  void closed(RawSocket* socket) { std::erase(sockets_, socket); }

 private:
  NetStack& net_;
  IpOutput& ip_;
  std::vector<RawSocket*> sockets_;
};

}  // namespace stackyard
