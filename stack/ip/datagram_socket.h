// stack/ip/datagram_socket.h - what UDP and raw sockets share: the receive buffer.
#pragma once

#include <deque>
#include <utility>

#include "stack/ip/inet_socket.h"

namespace stackyard {

class DatagramSocket : public InetSocket {
 public:
  DatagramSocket(IpStack& ip, IpFamily native, int64_t receive_space, int64_t datagram_max)
      : InetSocket(ip, native), receive_limit_(receive_space), send_limit_(datagram_max) {}

  Result<Received> receive(size_t max, const ReceiveOptions& options) override;
  Result<> set_option(SocketOption option, const OptionValue& value) override;
  Result<OptionValue> get_option(SocketOption option) override;
  Readiness readiness() const override {
    return {.readable = !queue_.empty() || error_ != Errno::ok, .writable = true};
  }
  size_t receive_queue() const override { return queued_octets_; }
  size_t octets_to_read() const override { return queued_octets_ - 16 * queue_.size(); }

  // Queues a datagram for the program; false: the receive buffer is full.
  bool deliver(Packet payload, const Endpoint& from, const Endpoint& to, const IpContext& context);
  // RFC 3542 s11.3: an empty datagram tells that the path to `dest` takes `mtu` octets only, to
  // whom wants to know.
  void path_narrowed(const Endpoint& dest, uint32_t mtu);
  void set_error(Errno error) {
    error_ = error;
    changed();
  }

 protected:
  size_t datagram_max() const { return size_t(send_limit_); }
  // What the path told since: whatever call comes next says so (sosend).
  Result<> pending_error() {
    if (error_ == Errno::ok) return {};
    return std::exchange(error_, Errno::ok);
  }

 private:
  struct Datagram {
    Packet payload;
    Endpoint from, to;
    uint8_t ttl, tos;
    uint32_t interface;
    bool group;
    std::unique_ptr<Ancillary> control;  // what few sockets ask for
  };
  std::unique_ptr<Ancillary> control_of(const Endpoint& to, const IpContext& context) const;
  static size_t cost(const Packet& payload) { return payload.size() + 16; }  // with its sockaddr

  std::deque<Datagram> queue_;
  size_t queued_octets_ = 0;
  int64_t receive_limit_;
  int64_t send_limit_;  // of one datagram
  int64_t receive_timeout_ = 0;
  Errno error_ = Errno::ok;
};

}  // namespace stackyard
