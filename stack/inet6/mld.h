// stack/inet6/mld.h - the listener's side of group membership (RFC 3810, RFC 2710).
//
// Version 2 until an older querier is heard. At the interface every group is joined for any source;
// filters by source are the sockets'.
#pragma once

#include <memory>
#include <vector>

#include "core/event/timer.h"
#include "core/wire/net/icmpv6.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/ip/ip_protocol.h"

namespace stackyard {

class Inet6;

struct MldCounters {
  uint64_t received = 0, too_short = 0, bad = 0, v1_queries = 0, v2_queries = 0;
  uint64_t general_queries = 0, group_queries = 0, reports = 0, our_reports = 0, sent = 0;
};

struct MldSettings {
  int64_t v1enable = 1, v2enable = 1, max_groups = 4096;
};

class Mld {
 public:
  explicit Mld(Inet6& inet);
  ~Mld();

  // Counted: the last leave leaves. ENOBUFS: there are too many groups.
  Result<> join(Ifnet& interface, const Ipv6Address& group);
  void leave(Ifnet& interface, const Ipv6Address& group);
  bool member(const Ifnet& interface, const Ipv6Address& group) const;
  void forget(const Ifnet& interface);
  void add_link_groups(const Ifnet& interface, std::vector<MacAddress>& to) const;
  std::vector<GroupInfo6> groups() const;

  void receive(Bytes message, const IpContext& context);
  MldCounters& counters() {
    if (!counters_) counters_ = std::make_unique<MldCounters>();
    return *counters_;
  }
  template <class Read>
  uint64_t counted(Read read) const {
    return counters_ ? read(*counters_) : 0;
  }

 private:
  struct Membership {
    Membership(Mld& owner, Ifnet& i, const Ipv6Address& g);
    void due() { mld.report_due(*this); }
    Mld& mld;
    Ifnet* interface;
    Ipv6Address group;  // with its zone
    unsigned uses = 1;
    unsigned unsolicited = 0;  // state-change reports still to be sent
    bool last_reporter = false;
    Timer timer;
  };
  struct Querier {
    Ifnet* interface;
    SimTime until;  // as long as version 1 counts
  };

  Membership* find(const Ifnet& interface, const Ipv6Address& group) const;
  bool reported(const Ipv6Address& group) const;
  bool version1_on(const Ifnet& interface) const;
  void report_due(Membership& m);
  void send_report(Ifnet& interface, const Ipv6Address& group, uint8_t record_type);
  void send(Ifnet& interface, const MldMessage& message, const Ipv6Address& dest);
  void query(const MldMessage& message, Ifnet& interface);
  SimTime random_delay(SimTime most);

  std::unique_ptr<MldCounters> counters_;
  Inet6& inet_;
  std::vector<std::unique_ptr<Membership>> memberships_;
  std::vector<Querier> queriers_;
};

}  // namespace stackyard
