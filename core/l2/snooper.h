// core/l2/snooper.h - IGMP and MLD snooping (RFC 4541): which ports want a group. The switch and
// bridge(4) share it. Sans-I/O; frames are given without a VLAN tag, the VLAN beside them.
//
// As long as nobody asks in a VLAN nothing is pruned there: memberships would not be renewed.
#pragma once

#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/l2/group_members.h"

namespace stackyard {

class Snooper {
 public:
  struct Frame {
    enum class Kind : uint8_t { flood, report, data } kind = Kind::flood;
    IpAddress group, source;
  };

  // Learns from a frame that came in by `port`; what it is decides who gets it.
  Frame look(Bytes frame, uint16_t vlan, uint32_t port, SimTime now);
  bool forward_to(const Frame& frame, uint16_t vlan, uint32_t port, SimTime now) const;
  void forget_port(uint32_t port);

  // --- a switch that asks itself, where no router does (RFC 4541 s2.1.1) ---
  // A frame with a query: for a group, or general of a family.
  static std::vector<uint8_t> query_frame(MacAddress from, const GroupTiming& timing,
                                          const IpAddress& group,
                                          const std::vector<IpAddress>& sources);
  // It has asked, so that memberships are current.
  void asked(uint16_t vlan, SimTime now) { asker(vlan) = now + timing_.other_querier(); }
  // Queries about those who left, with their VLANs; nothing is due before `next_due`.
  std::vector<std::pair<uint16_t, GroupMembers::Query>> due(SimTime now);
  SimTime next_due() const;
  bool router_known(uint16_t vlan, SimTime now) const;

  struct Info {
    uint16_t vlan;
    uint32_t port;
    std::optional<GroupMembers::Info> group;  // none: a router's port
    SimTime until;
  };
  std::vector<Info> entries(SimTime now) const;
  const GroupTiming& timing() const { return timing_; }
  uint64_t pruned = 0;   // copies that were not sent
  bool querier = false;  // it asks itself

 private:
  struct Port {
    uint16_t vlan;
    uint32_t port;
    SimTime router_until;  // a router is behind it
    GroupMembers members;
  };
  Port& port(uint16_t vlan, uint32_t number);
  const Port* find(uint16_t vlan, uint32_t number) const;
  SimTime& asker(uint16_t vlan);
  bool somebody_asks(uint16_t vlan, SimTime now) const;
  Frame look4(Bytes packet, uint16_t vlan, uint32_t port, SimTime now);
  Frame look6(Bytes packet, uint16_t vlan, uint32_t port, SimTime now);
  void query(uint16_t vlan, uint32_t port, const IpAddress& from, const IpAddress& group,
             const std::vector<IpAddress>& sources, SimTime now);
  void record(GroupMembers& members, uint8_t type, const IpAddress& group,
              std::vector<IpAddress> sources, SimTime now);
  void router_at(uint16_t vlan, uint32_t port, SimTime now);

  GroupTiming timing_;
  std::vector<Port> ports_;                          // sorted
  std::vector<std::pair<uint16_t, SimTime>> asked_;  // until when somebody asks in a VLAN
};

}  // namespace stackyard
