// stack/inet/igmp.h - IGMP's host side: formats and versions (RFC 3376, 2236, 1112). What is
// joined, and when that is said, is GroupListener's.
#pragma once

#include <memory>
#include <vector>

#include "core/wire/net/igmp.h"
#include "stack/inet/api/inet_requests.h"
#include "stack/ip/group_listener.h"
#include "stack/ip/ip_protocol.h"

namespace stackyard {

class Inet;

struct IgmpCounters {
  uint64_t received = 0, too_short = 0, bad_ttl = 0, bad_checksum = 0, old_queries = 0,
           v3_queries = 0, bad_queries = 0, general_queries = 0, group_queries = 0,
           source_queries = 0, reports = 0, bad_reports = 0, our_reports = 0, no_alert = 0,
           sent = 0;
};

struct IgmpSettings {
  int64_t v1enable = 1, v2enable = 1, default_version = 3, send_local = 1, max_groups = 4096;
};

class Igmp final : public IpProtocol, public GroupReporter {
 public:
  explicit Igmp(Inet& inet);

  GroupListener& listener() { return listener_; }
  bool member(const Ifnet& interface, Ipv4Address group) const;
  void add_link_groups(const Ifnet& interface, std::vector<MacAddress>& to) const;
  void forget(const Ifnet& interface) { listener_.forget(interface); }
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
  uint64_t refused() const { return listener_.refused(); }

  int newest_version() const override;
  void send_records(Ifnet& interface, const std::vector<GroupRecord>& records) override;
  void send_old_report(Ifnet& interface, const IpAddress& group, int version) override;
  void send_old_leave(Ifnet& interface, const IpAddress& group, int version) override;
  bool reported(const Ifnet& interface, const IpAddress& group) const override;
  int64_t groups_max() const override;
  uint64_t random_below(uint64_t bound) override { return random_.below(bound); }

 private:
  void send(Ifnet& interface, const IgmpMessage& message, Ipv4Address dest);
  void query(const IgmpMessage& message, const IpContext& context);

  std::unique_ptr<IgmpCounters> counters_;
  Inet& inet_;
  RandomStream random_;
  GroupListener listener_;
};

}  // namespace stackyard
