// stack/ip/inet_socket.h - what all sockets of IP share: their ends, and the options of IP's levels
// (ip(4), ip6(4)), for either family.
#pragma once

#include <memory>
#include <vector>

#include "stack/ip/extensions6.h"
#include "stack/ip/ip_stack.h"
#include "stack/ip/memberships.h"
#include "stack/ip/pcb.h"
#include "stack/kern/socket_ops.h"

namespace stackyard {

class InetSocket : public SocketOps, public Pcb {
 public:
  // `native` is that of socket(2)'s address family.
  InetSocket(IpStack& ip, IpFamily native);
  ~InetSocket() override = default;

  void set_jail(int jid) override { jail = jid; }
  Result<> set_option(SocketOption option, const OptionValue& value) override;
  Result<OptionValue> get_option(SocketOption option) override;
  SockAddr local_name() const override { return name_of(local_, family); }
  SockAddr peer_name() const override;

  // Whether a datagram for a group may be delivered: joined on that interface, source not filtered.
  bool hears(const IpContext& context) const;

 protected:
  // What the socket's options say about sending to `dest`.
  IpSend make_send(const IpAddress& dest) const;
  // The same with what goes along with one datagram; `headers` keeps what the result refers to.
  // EINVAL, ENXIO, EADDRNOTAVAIL: the sender's own options are wrong.
  Result<IpSend> make_send(const IpAddress& dest, const SendOptions& options,
                           std::vector<uint8_t>& headers) const;
  const Extensions6* extensions() const { return extensions_.get(); }
  // The source that it will have. ENETUNREACH and the like: there is no way to `dest`.
  Result<IpAddress> choose_source(const IpSend& send) { return ip_.source_for(jail, send); }
  uint16_t fib() const { return fib_; }
  uint8_t min_ttl() const { return min_ttl_; }
  // Protocol names of sockstat(1): "udp" and "4", "6" or "46".
  const char* family_digits() const {
    return family == PcbFamily::v4 ? "4" : family == PcbFamily::v6 ? "6" : "46";
  }

  IpStack& ip_;
  bool header_included_ = false;
  bool want_dest_ = false, want_ttl_ = false, want_tos_ = false, want_interface_ = false;
  bool want_original_ = false;
  bool ones_broadcast_ = false;

 private:
  enum class Outcome : uint8_t { not_mine, done };
  Result<Outcome> set_general(SocketOption option, const OptionValue& value);
  Result<Outcome> set_ipv4(SocketOption option, const OptionValue& value);
  Result<Outcome> set_ipv6(SocketOption option, const OptionValue& value);
  Result<Outcome> set_extension(SocketOption option, const OptionValue& value);
  Result<> set_multicast_interface(const OptionValue& value);
  Extensions6& own_extensions() {
    if (!extensions_) extensions_ = std::make_unique<Extensions6>();
    return *extensions_;
  }
  std::optional<int64_t> number_of_option(SocketOption option) const;
  std::optional<int64_t> flag_of_option(SocketOption option) const;

  std::unique_ptr<Memberships> memberships_;
  std::unique_ptr<Extensions6> extensions_;  // null: no option of RFC 3542 is set
  std::vector<uint8_t> ip_options_;
  IfRef multicast_interface_;
  uint8_t ttl_ = 0, tos_ = 0, min_ttl_ = 0, multicast_ttl_ = 1;
  uint16_t fib_ = 0;
  int8_t minimum_mtu_ = -1;
  bool auto_flow_label_ = true;
  Temporary temporary_ = Temporary::by_sysctl;
  bool broadcast_ = false, dont_route_ = false, dont_fragment_ = false, multicast_loop_ = true;
};

}  // namespace stackyard
