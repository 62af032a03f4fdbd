// stack/inet6/mld.h - MLD's listener side: formats and versions (RFC 3810, RFC 2710). What is
// joined, and when that is said, is GroupListener's.
#pragma once

#include <memory>
#include <vector>

#include "core/wire/net/icmpv6.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/ip/group_listener.h"
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

class Mld final : public GroupReporter {
 public:
  explicit Mld(Inet6& inet);

  GroupListener& listener() { return listener_; }
  // The stack's own memberships, counted. ENOBUFS: there are too many groups.
  Result<> join(Ifnet& interface, const Ipv6Address& group) {
    return listener_.join(interface, group);
  }
  void leave(Ifnet& interface, const Ipv6Address& group) { listener_.leave(interface, group); }
  bool member(const Ifnet& interface, const Ipv6Address& group) const {
    return listener_.member(interface, group);
  }
  void forget(const Ifnet& interface) { listener_.forget(interface); }
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
  uint64_t refused() const { return listener_.refused(); }

  int newest_version() const override;
  void send_records(Ifnet& interface, const std::vector<GroupRecord>& records) override;
  void send_old_report(Ifnet& interface, const IpAddress& group, int version) override;
  void send_old_leave(Ifnet& interface, const IpAddress& group, int version) override;
  bool reported(const Ifnet& interface, const IpAddress& group) const override;
  int64_t groups_max() const override;
  uint64_t random_below(uint64_t bound) override;

 private:
  void send(Ifnet& interface, const MldMessage& message, const Ipv6Address& dest);
  void query(const MldMessage& message, const IpContext& context);

  std::unique_ptr<MldCounters> counters_;
  Inet6& inet_;
  GroupListener listener_;
};

}  // namespace stackyard
