// stack/inet/igmp.h - the host side of group membership (RFC 3376, 2236, 1112).
//
// Version 3 until an older querier is heard. At the interface every group is joined for any source;
// filters by source are the sockets'.
#pragma once

#include <memory>
#include <vector>

#include "core/event/timer.h"
#include "core/wire/net/igmp.h"
#include "stack/inet/api/inet_requests.h"
#include "stack/ip/ip_protocol.h"

namespace stackyard {

class Inet;

struct IgmpCounters {
  uint64_t received = 0, too_short = 0, bad_ttl = 0, bad_checksum = 0, old_queries = 0,
           v3_queries = 0, bad_queries = 0, general_queries = 0, group_queries = 0, reports = 0,
           bad_reports = 0, our_reports = 0, sent = 0;
};

class Igmp final : public IpProtocol {
 public:
  explicit Igmp(Inet& inet);
  ~Igmp() override;

  // Counted: the last leave leaves.
  void join(Ifnet& interface, Ipv4Address group);
  void leave(Ifnet& interface, Ipv4Address group);
  bool member(const Ifnet& interface, Ipv4Address group) const;
  void add_link_groups(const Ifnet& interface, std::vector<MacAddress>& to) const;
  void forget(const Ifnet& interface);
  std::vector<GroupInfo> groups() const;

  void receive(Packet packet, const IpContext& context) override;
  // Made at the first increment.
  IgmpCounters& counters() {
    if (!counters_) counters_ = std::make_unique<IgmpCounters>();
    return *counters_;
  }
  template <class Read>
  uint64_t counted(Read read) const {
    return counters_ ? read(*counters_) : 0;
  }

 private:
  std::unique_ptr<IgmpCounters> counters_;
  struct Membership {
    Membership(Igmp& owner, Ifnet& i, Ipv4Address g);
    void due() { igmp.report_due(*this); }
    Igmp& igmp;
    Ifnet* interface;
    Ipv4Address group;
    unsigned uses = 1;
    unsigned unsolicited = 0;  // state-change reports still to be sent
    bool last_reporter = false;
    Timer timer;
  };
  struct Querier {  // the oldest version heard on an interface, and until when that counts
    Ifnet* interface;
    uint8_t version;
    SimTime until;
  };

  Membership* find(const Ifnet& interface, Ipv4Address group) const;
  uint8_t version_on(const Ifnet& interface) const;
  void report_due(Membership& m);
  void send_report(Ifnet& interface, Ipv4Address group, uint8_t record_type);
  void send(Ifnet& interface, const IgmpMessage& message, Ipv4Address dest);
  void query(const IgmpMessage& message, Ifnet& interface);
  SimTime random_delay(SimTime most);

  Inet& inet_;
  RandomStream random_;
  std::vector<std::unique_ptr<Membership>> memberships_;
  std::vector<Querier> queriers_;
};

}  // namespace stackyard
