// stack/inet/icmp.h - ICMP for hosts and routers (RFC 792, 1122 s3.2.2, 1812 s4.3; icmp(4)).
#pragma once

#include <memory>

#include "core/base/random.h"
#include "core/table/sparse_counts.h"
#include "core/wire/net/icmp.h"
#include "stack/ip/ip_protocol.h"

namespace stackyard {

class Inet;

struct IcmpCounters {
  uint64_t errors_called = 0, old_icmp = 0;
  uint64_t bad_code = 0, too_short = 0, bad_checksum = 0, bad_length = 0;
  uint64_t group_echo_ignored = 0, group_timestamp_ignored = 0, reflected = 0;
  uint64_t bad_return = 0, no_return_route = 0, limited = 0;
  SparseCounts out, in;  // by type
};

struct IcmpSettings {
  int64_t icmplim = 200, icmplim_jitter = 16, bmcastecho = 0, tstamprepl = 1, maskrepl = 0,
          drop_redirect = 0;
  int64_t log_redirect = 0, quotelen = 8, reply_from_interface = 0, redirtimeout = 600;
};

class Icmp final : public IpProtocol {
 public:
  explicit Icmp(Inet& inet);

  void receive(Packet packet, const IpContext& context) override;
  // Answers the packet (with its IP header) by an error, if the rules allow one. `rest` is the
  // header's second word: MTU, pointer or gateway.
  void send_error(Packet packet, uint8_t type, uint8_t code, uint32_t rest = 0);

  // Made at the first increment.
  IcmpCounters& counters() {
    if (!counters_) counters_ = std::make_unique<IcmpCounters>();
    return *counters_;
  }
  template <class Read>
  uint64_t counted(Read read) const {
    return counters_ ? read(*counters_) : 0;
  }

  struct Limit {  // of one class of answers
    const char* name;
    int64_t second = -1;
    int64_t count = 0, jitter = 0;
  };
  // Answers of other protocols are limited in the same way.
  bool within_limit(Limit& limit);

 private:
  std::unique_ptr<IcmpCounters> counters_;
  const IcmpSettings& settings() const;
  bool answerable(Packet& packet, const Ipv4Header& header);
  Ipv4Address error_source(const Packet& packet, const Ipv4Header& header) const;
  // Gives the packet to raw sockets, for what ICMP itself did not answer.
  void to_raw(Packet packet, const IpContext& context);
  void answer_echo(Packet packet, const IpContext& context);
  void answer_timestamp(Packet packet, const IpContext& context);
  void reflect(Packet packet, const IpContext& context);
  void notify(const IcmpHeader& icmp, Bytes message);
  void redirected(const IcmpHeader& icmp, Bytes message, const IpContext& context);
  void drop(const Packet& packet, const DropReason& why);

  Inet& inet_;
  RandomStream random_;
  Limit error_limit_{.name = "icmp unreach"};
  Limit echo_limit_{.name = "icmp ping"};
};

}  // namespace stackyard
