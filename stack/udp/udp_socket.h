// stack/udp/udp_socket.h - one UDP socket.
#pragma once

#include "stack/udp/udp.h"

namespace stackyard {

class UdpSocket final : public InetSocket {
 public:
  explicit UdpSocket(Udp& udp);
  ~UdpSocket() override;

  Result<> bind(const SockAddr& address) override;
  // A port 0 and address 0 dissolve the association.
  Result<> connect(const SockAddr& address) override;
  Result<size_t> send(Bytes octets, const SendOptions& options) override;
  std::string protocol_name() const override { return "udp4"; }
  SocketType type() const override { return SocketType::datagram; }

 private:
  friend class Udp;
  Result<> bind_if_needed();

  Udp& udp_;
};

}  // namespace stackyard
