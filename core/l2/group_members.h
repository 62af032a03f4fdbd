// core/l2/group_members.h - who wants which group on one link: the router's side of IGMPv3 and
// MLDv2, older versions included (RFC 3376 s6, RFC 3810 s7). A router has one for each link, a
// snooping bridge one for each port and VLAN. Sans-I/O: time passes as it is told.
#pragma once

#include <vector>

#include "core/base/ip_address.h"
#include "core/base/time.h"

namespace stackyard {

// RFC 3376 s8.
struct GroupTiming {
  unsigned robustness = 2;
  SimTime query_interval = SimTime(125'000'000'000);
  SimTime response = SimTime(10'000'000'000);
  SimTime last_member = SimTime(1'000'000'000);
  SimTime membership() const { return query_interval * int64_t(robustness) + response; }
  SimTime other_querier() const { return query_interval * int64_t(robustness) + response / 2; }
  SimTime last_member_time() const { return last_member * int64_t(robustness); }
};

class GroupMembers {
 public:
  static constexpr size_t groups_max = 4096, sources_max = 64;

  explicit GroupMembers(const GroupTiming& timing) : timing_(timing) {}

  // A record of a report; type as in reports of the newest version. An older report is is_exclude
  // with no sources, an older leave to_include with none.
  void record(uint8_t type, const IpAddress& group, std::vector<IpAddress> sources, SimTime now);
  // What has to be asked, because somebody left: a query for a group, perhaps with sources.
  struct Query {
    IpAddress group;
    std::vector<IpAddress> sources;
    unsigned left;  // how often it is still to be sent
    SimTime at;
  };
  // Those that are due, each to be sent again later as often as is left.
  std::vector<Query> due(SimTime now);
  SimTime next_due() const;
  void forget_queries() { queries_.clear(); }  // somebody else asks
  // Somebody else asked for a group: who does not answer soon is gone.
  void asked(const IpAddress& group, const std::vector<IpAddress>& sources, SimTime now);

  bool wants(const IpAddress& group, const IpAddress& source, SimTime now) const;
  bool has_group(const IpAddress& group, SimTime now) const;
  struct Info {
    IpAddress group;
    bool include;
    SimTime until;  // of the group, or of its last source
    std::vector<IpAddress> sources;
  };
  std::vector<Info> groups(SimTime now) const;
  uint64_t refused() const { return refused_; }  // beyond a limit

 private:
  struct Source {
    IpAddress address;
    SimTime until;  // in the past: excluded, in exclude mode
  };
  struct Group {
    IpAddress group;
    bool include = true;
    SimTime until;                // of exclude mode
    std::vector<Source> sources;  // sorted
  };
  Group* find(const IpAddress& group);
  const Group* find(const IpAddress& group) const;
  void settle(Group& group, SimTime now);
  void sweep(SimTime now);
  bool run(Group& group, const IpAddress& source, SimTime until);
  void ask(const Group& group, std::vector<IpAddress> sources, SimTime now);
  void exclude(Group& group, const std::vector<IpAddress>& sources, bool change, SimTime now);

  GroupTiming timing_;
  std::vector<Group> groups_;  // sorted
  std::vector<Query> queries_;
  uint64_t refused_ = 0;
};

}  // namespace stackyard
