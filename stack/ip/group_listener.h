// stack/ip/group_listener.h - the host's side of group membership, for IGMP and MLD alike (RFC 3376
// s3, s5, s7.2; RFC 3810 s4, s6, s8.2).
//
// What the sockets listen to on an interface is merged into one filter for each group; its changes
// are reported, and queries are answered. An older querier brings its version's ways back.
#pragma once

#include <memory>
#include <vector>

#include "core/event/timer.h"
#include "stack/ip/ip_output.h"
#include "stack/net/net_stack.h"

namespace stackyard {

// The record types of both protocols' newest reports.
namespace group_record {
constexpr uint8_t is_include = 1, is_exclude = 2, to_include = 3, to_exclude = 4, allow = 5,
                  block = 6;
}
struct GroupRecord {
  uint8_t type;
  IpAddress group;
  std::vector<IpAddress> sources;
};
struct GroupQuery {
  int version;
  SimTime response_most;
  IpAddress group;                 // any: general
  std::vector<IpAddress> sources;  // none: all
};

// What the two protocols do in their own ways.
class GroupReporter {
 public:
  virtual ~GroupReporter() = default;
  virtual int newest_version() const = 0;
  virtual void send_records(Ifnet& interface, const std::vector<GroupRecord>& records) = 0;
  virtual void send_old_report(Ifnet& interface, const IpAddress& group, int version) = 0;
  virtual void send_old_leave(Ifnet& interface, const IpAddress& group, int version) = 0;
  // False: of groups that are nobody's business, or while nothing is said.
  virtual bool reported(const Ifnet& interface, const IpAddress& group) const = 0;
  virtual int64_t groups_max() const = 0;
  virtual uint64_t random_below(uint64_t bound) = 0;
};

class GroupListener {
 public:
  GroupListener(GroupReporter& reporter, NetStack& net) : reporter_(reporter), net_(net) {}

  // The stack's own memberships, for any source; counted. ENOBUFS: there are too many groups.
  Result<> join(Ifnet& interface, const IpAddress& group);
  void leave(Ifnet& interface, const IpAddress& group);
  // A socket's, of which there is one for each group and interface; null ends it. ENOBUFS.
  Result<> set_filter(Ifnet& interface, const IpAddress& group, const void* socket,
                      const SourceFilter* filter);
  bool member(const Ifnet& interface, const IpAddress& group) const;
  void forget(const Ifnet& interface);

  void query(Ifnet& interface, const GroupQuery& query);
  // Somebody else's report of an old version: ours is not needed. False: no group of ours.
  bool heard_report(const Ifnet& interface, const IpAddress& group);
  int version_on(const Ifnet& interface) const;
  uint64_t refused() const { return refused_; }

  // In order of joining: visit(group, filter of all sockets).
  template <class Visit>
  void for_each(const Ifnet& interface, Visit visit) const {
    for (const auto& g : groups_)
      if (g->interface == &interface && listens(g->now)) visit(g->group, g->now);
  }

 private:
  struct Group {
    Group(GroupListener& o, Ifnet& i, const IpAddress& g);
    void report() { owner.report_change(*this); }
    void respond() { owner.respond(*this); }
    GroupListener& owner;
    Ifnet* interface;
    IpAddress group;
    unsigned uses = 0;  // the stack's own
    std::vector<std::pair<const void*, SourceFilter>> filters;
    SourceFilter now;  // all of them together
    // What is still to be reported: a change of mode so often, changed sources each so often.
    unsigned mode_left = 0;
    std::vector<std::pair<IpAddress, unsigned>> changed;
    std::vector<IpAddress> asked;  // by a query that waits for its answer; none: all
    bool last_reporter = false;
    Timer change, answer;
  };
  struct Link {  // an interface on which somebody asks
    Link(GroupListener& o, Ifnet& i);
    void respond() { owner.respond_all(*interface); }
    GroupListener& owner;
    Ifnet* interface;
    // Until when a querier of version 1 and 2 counts.
    SimTime old_until[2] = {};
    Timer answer;
  };

  static bool listens(const SourceFilter& f) { return !f.include || !f.sources.empty(); }
  Group* find(const Ifnet& interface, const IpAddress& group) const;
  Result<Group*> make(Ifnet& interface, const IpAddress& group);
  Link& link(Ifnet& interface);
  void update(Group& group);
  void report_change(Group& group);
  std::vector<GroupRecord> changes_of(Group& group);
  void respond(Group& group);
  void respond_all(Ifnet& interface);
  void respond_old(Ifnet& interface, const GroupQuery& query);
  void erase_if_done(Group& group);
  SimTime random_delay(SimTime most) {
    return SimTime(1 + int64_t(reporter_.random_below(uint64_t(most.ns()))));
  }
  SimTime now() const { return net_.site().now(); }

  GroupReporter& reporter_;
  NetStack& net_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<std::unique_ptr<Link>> links_;
  uint64_t refused_ = 0;
};

}  // namespace stackyard
