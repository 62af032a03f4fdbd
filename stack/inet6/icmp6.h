// stack/inet6/icmp6.h - ICMPv6 for hosts and routers (RFC 4443, RFC 4884's cautions; icmp6(4)).
#pragma once

#include <memory>

#include "core/table/sparse_counts.h"
#include "core/wire/net/icmpv6.h"
#include "stack/ip/ip_protocol.h"

namespace stackyard {

class Inet6;

struct Icmp6Counters {
  uint64_t errors_called = 0, cant_error = 0, limited = 0, bad_code = 0, too_short = 0;
  uint64_t bad_checksum = 0, bad_length = 0, reflected = 0, bad_ns = 0, bad_na = 0, bad_rs = 0;
  uint64_t bad_ra = 0, bad_redirect = 0, too_many_nd_options = 0, path_mtu_changed = 0;
  SparseCounts out, in;  // by type
};

struct Icmp6Settings {
  int64_t errppslimit = 100, rediraccept = 1, redirtimeout = 600, log_redirect = 0;
};

class Icmp6 final : public IpProtocol {
 public:
  explicit Icmp6(Inet6& inet) : inet_(inet) {}

  void receive(Packet packet, const IpContext& context) override;
  // Answers the packet (with its IPv6 header) by an error, if the rules allow one. `rest` is the
  // header's second word: MTU or pointer.
  void send_error(Packet packet, uint8_t type, uint8_t code, uint32_t rest = 0);
  // Sends a message with its checksum, from `source` (any: what fits).
  void send(std::vector<uint8_t> message, const Ipv6Address& source, const Ipv6Address& dest,
            Ifnet* interface, uint8_t hop_limit, Bytes options = {});

  // Made at the first increment.
  Icmp6Counters& counters() {
    if (!counters_) counters_ = std::make_unique<Icmp6Counters>();
    return *counters_;
  }
  template <class Read>
  uint64_t counted(Read read) const {
    return counters_ ? read(*counters_) : 0;
  }

 private:
  bool within_limit();
  bool answerable(Packet& packet);
  void answer_echo(Packet packet, const IpContext& context);
  void notify(const Icmpv6Header& icmp, Bytes message, const IpContext& context);
  bool neighbour_discovery(const Icmpv6Header& icmp, Bytes message, const IpContext& context);
  void redirected(Bytes message, const NdOptions& options, const IpContext& context);
  void drop(const Packet& packet, const DropReason& why);

  std::unique_ptr<Icmp6Counters> counters_;
  Inet6& inet_;
  int64_t second_ = -1, in_second_ = 0;
};

}  // namespace stackyard
