// stack/ip/inet_socket.h - what UDP and raw sockets share: options, receive buffer, memberships.
#pragma once

#include <deque>
#include <vector>

#include "stack/ip/ip_output.h"
#include "stack/kern/socket_ops.h"
#include "stack/net/net_stack.h"

namespace stackyard {

class InetSocket : public SocketOps {
 public:
  InetSocket(NetStack& net, IpOutput& ip, uint64_t receive_space, uint64_t datagram_max);
  ~InetSocket() override;

  Result<Received> receive(size_t max, const ReceiveOptions& options) override;
  Result<> set_option(SocketOption option, const OptionValue& value) override;
  Result<OptionValue> get_option(SocketOption option) override;
  Readiness readiness() const override {
    return {.readable = !queue_.empty() || error_ != Errno::ok, .writable = true};
  }
  SockAddr local_name() const override { return local_; }
  SockAddr peer_name() const override { return foreign_; }
  size_t receive_queue() const override { return queued_octets_; }
  size_t octets_to_read() const override { return queued_octets_ - 16 * queue_.size(); }

  // Whether a datagram for a group may be delivered: joined on that interface, source not filtered.
  bool hears(const IpContext& context) const;
  // Queues a datagram for the program; false: the receive buffer is full.
  bool deliver(Packet payload, const SockAddr& from, const SockAddr& to, const IpContext& context);
  void set_error(Errno error) {
    error_ = error;
    changed();
  }

 protected:
  // What the socket's options say about sending to `dest`.
  IpSend make_send(Ipv4Address dest) const;

  NetStack& net_;
  IpOutput& ip_;
  SockAddr local_, foreign_;  // foreign_ with port or address 0: not connected
  bool connected_ = false;
  bool header_included_ = false;
  bool reuse_address_ = false, reuse_port_ = false;
  uint64_t datagram_max_;

 private:
  struct Membership {
    IfRef interface;
    Ipv4Address group;
    std::vector<Ipv4Address> sources;  // listed with include: these only; else: all but these
    bool include = false;
  };
  struct Datagram {
    Packet payload;
    SockAddr from, to;
    uint8_t ttl, tos;
    uint32_t interface;
    bool group;
  };

  Result<> change_membership(SocketOption option, const OptionValue& value);
  Ifnet* membership_interface(const OptionValue& value) const;
  static size_t cost(const Packet& payload) { return payload.size() + 16; }  // with its sockaddr

  std::deque<Datagram> queue_;
  size_t queued_octets_ = 0;
  int64_t receive_limit_;
  int64_t send_limit_;
  int64_t receive_timeout_ = 0;
  Errno error_ = Errno::ok;
  std::vector<Membership> memberships_;
  std::vector<uint8_t> ip_options_;
  IfRef multicast_interface_;
  uint8_t ttl_ = 0, tos_ = 0, min_ttl_ = 0, multicast_ttl_ = 1, fib_ = 0;
  bool broadcast_ = false, dont_route_ = false, dont_fragment_ = false, multicast_loop_ = true;
  bool want_dest_ = false, want_ttl_ = false, want_tos_ = false, want_interface_ = false;
};

}  // namespace stackyard
