// stack/tcp/udp_tunnel.h - TCP in UDP datagrams, as FreeBSD has it: net.inet.tcp.udp_tunneling_port
// and TCP_REMOTE_UDP_ENCAPS_PORT.
#pragma once

#include <memory>

#include "stack/kern/socket_ops.h"

namespace stackyard {

class Tcp;

// The sockets that hear such datagrams: callback sockets, one for each family.
class TcpUdpTunnel {
 public:
  explicit TcpUdpTunnel(Tcp& tcp) : tcp_(tcp) {}
  // 0: none. A port that somebody else has is not listened to.
  void listen_at(uint16_t port);
  uint16_t port() const { return port_; }

 private:
  struct Ear final : SocketListener {
    Ear(Tcp& t, std::unique_ptr<SocketOps> s) : tcp(t), socket(std::move(s)) {
      socket->listen_to(this);
    }
    void socket_changed() override;
    Tcp& tcp;
    std::unique_ptr<SocketOps> socket;
  };
  Tcp& tcp_;
  uint16_t port_ = 0;
  std::unique_ptr<Ear> ears_[2];
};

}  // namespace stackyard
