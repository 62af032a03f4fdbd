// stack/udp/udp_socket.h - one UDP socket.
#pragma once

#include "stack/udp/udp.h"

namespace stackyard {

class UdpSocket final : public DatagramSocket {
 public:
  UdpSocket(Udp& udp, IpFamily native);
  ~UdpSocket() override;

  Result<> bind(const SockAddr& address) override;
  // A port 0 and address 0 dissolve the association.
  Result<> connect(const SockAddr& address) override;
  Result<size_t> send(Bytes octets, const SendOptions& options) override;
  std::string protocol_name() const override { return std::string("udp") + family_digits(); }
  SocketType type() const override { return SocketType::datagram; }

 private:
  Result<> bind_if_needed();

  Udp& udp_;
  bool any_local_ = true;  // bind(2) gave no address: connect(2) chooses it each time
};

}  // namespace stackyard
