#include "stack/inet6/mld.h"

#include <algorithm>

#include "stack/inet6/drops.h"
#include "stack/inet6/inet6.h"

namespace stackyard {

namespace {
constexpr Ipv6Address all_nodes = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 1});
constexpr Ipv6Address all_routers = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 2});
constexpr Ipv6Address v2_routers = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 0x16});
constexpr unsigned robustness = 2;
constexpr SimTime unsolicited_interval = 1_s;   // RFC 3810 s9.11
constexpr SimTime old_querier_timeout = 260_s;  // s9.12: 2 x 125 s + 10 s
// RFC 2711: a hop-by-hop header with a router alert of value 0 (MLD), padded.
constexpr uint8_t router_alert[8] = {0, 0, 5, 2, 0, 0, 1, 0};
}  // namespace

Mld::Membership::Membership(Mld& owner, Ifnet& i, const Ipv6Address& g)
    : mld(owner),
      interface(&i),
      group(g),
      timer(i.site().node(), Timer::call<&Membership::due>, this) {}

Mld::Mld(Inet6& inet) : inet_(inet) {}
Mld::~Mld() = default;

Mld::Membership* Mld::find(const Ifnet& interface, const Ipv6Address& group) const {
  for (const auto& m : memberships_)
    if (m->interface == &interface && m->group == group) return m.get();
  return nullptr;
}

bool Mld::member(const Ifnet& interface, const Ipv6Address& group) const {
  return find(interface, group) != nullptr;
}

// RFC 3810 s6: not for all nodes, nor for groups that leave no link.
bool Mld::reported(const Ipv6Address& group) const {
  return group.scope() > 1 && group.without_zone() != all_nodes;
}

SimTime Mld::random_delay(SimTime most) {
  return SimTime(1 + int64_t(inet_.random().below(uint64_t(most.ns()))));
}

Result<> Mld::join(Ifnet& interface, const Ipv6Address& group) {
  if (Membership* m = find(interface, group)) {
    ++m->uses;
    return {};
  }
  if (int64_t(memberships_.size()) >= inet_.settings().mld.max_groups) return Errno::enobufs;
  memberships_.push_back(std::make_unique<Membership>(*this, interface, group));
  if (RouteWatcher* watcher = inet_.net().route_watcher())
    watcher->group_changed(RouteEvent::added, interface, group);
  interface.update_link_groups();
  if (!reported(group) || interface.has_flag(if_flag::loopback) || inet_.settled_start()) return {};
  Membership& m = *memberships_.back();
  m.unsolicited = robustness;
  report_due(m);
  return {};
}

void Mld::leave(Ifnet& interface, const Ipv6Address& group) {
  Membership* m = find(interface, group);
  if (!m || --m->uses > 0) return;
  const bool tell = reported(group) && !interface.has_flag(if_flag::loopback) && interface.up();
  const bool last = m->last_reporter;
  std::erase_if(memberships_, [&](const auto& other) { return other.get() == m; });
  if (RouteWatcher* watcher = inet_.net().route_watcher())
    watcher->group_changed(RouteEvent::removed, interface, group);
  interface.update_link_groups();
  if (!tell) return;
  if (!version1_on(interface)) {
    send_report(interface, group, mld_record::to_include);
  } else if (last) {
    MldMessage done{.type = icmpv6_type::mld_done, .version = 1, .group = group};
    send(interface, done, all_routers);
  }
}

void Mld::forget(const Ifnet& interface) {
  std::erase_if(memberships_, [&](const auto& m) { return m->interface == &interface; });
  std::erase_if(queriers_, [&](const Querier& q) { return q.interface == &interface; });
}

std::vector<GroupInfo6> Mld::groups() const {
  std::vector<GroupInfo6> all;
  inet_.net().for_each([&](const Ifnet& i) {
    for (const auto& m : memberships_)
      if (m->interface == &i) all.push_back({i.name(), m->group.without_zone()});
  });
  return all;
}

void Mld::add_link_groups(const Ifnet& interface, std::vector<MacAddress>& to) const {
  for (const auto& m : memberships_)
    if (m->interface == &interface) to.push_back(ethernet_group(m->group));
}

// --- sending -------------------------------------------------------------------------------------

bool Mld::version1_on(const Ifnet& interface) const {
  if (!inet_.settings().mld.v2enable) return true;
  for (const Querier& q : queriers_)
    if (q.interface == &interface && q.until > inet_.now()) return true;
  return false;
}

void Mld::report_due(Membership& m) {
  if (!m.interface->up()) return;
  m.last_reporter = true;
  const bool change = m.unsolicited > 0;
  send_report(*m.interface, m.group, change ? mld_record::to_exclude : mld_record::is_exclude);
  if (change && --m.unsolicited > 0) m.timer.arm(random_delay(unsolicited_interval));
}

void Mld::send_report(Ifnet& interface, const Ipv6Address& group, uint8_t record_type) {
  if (version1_on(interface)) {
    MldMessage report{.type = icmpv6_type::mld_report, .version = 1, .group = group};
    return send(interface, report, group);
  }
  MldMessage report{.type = icmpv6_type::mld2_report};
  report.records.push_back({record_type, group, {}});
  send(interface, report, v2_routers);
}

// RFC 3590, RFC 3810 s5.2.13: from a link-local address, or from :: as long as there is none.
void Mld::send(Ifnet& interface, const MldMessage& message, const Ipv6Address& dest) {
  ++counters().sent;
  inet_.icmp().send(emit_mld(message), inet_.link_local_on(interface),
                    dest.with_zone(interface.index()), &interface, 1, router_alert);
}

// --- what we receive -----------------------------------------------------------------------------

void Mld::receive(Bytes message, const IpContext& context) {
  ++counters().received;
  const auto mld = parse_mld(message);
  if (!mld) {
    ++counters().too_short;
    return;
  }
  const Ipv6Address source = context.source.v6();
  // RFC 3810 s5.1.14, s5.2.13: hop limit 1, and from a link-local address (or :: in reports).
  const bool from_link =
      source.is_link_local() || (source.is_any() && mld->type != icmpv6_type::mld_query);
  if (context.ttl != 1 || !from_link) {
    ++counters().bad;
    return;
  }
  Ifnet& interface = *context.interface;
  if (mld->type == icmpv6_type::mld_query) return query(*mld, interface);
  ++counters().reports;
  if (mld->type != icmpv6_type::mld_report) return;
  if (Membership* m = find(interface, mld->group.with_zone(interface.index()))) {
    ++counters().our_reports;  // RFC 2710 s4: somebody else has said it for us
    if (m->unsolicited == 0 && version1_on(interface)) m->timer.cancel();
    m->last_reporter = false;
  }
}

void Mld::query(const MldMessage& message, Ifnet& interface) {
  if (message.version == 1) {
    if (!inet_.settings().mld.v1enable) return;
    ++counters().v1_queries;
    std::erase_if(queriers_, [&](const Querier& q) { return q.interface == &interface; });
    queriers_.push_back({&interface, inet_.now() + old_querier_timeout});
  } else {
    ++counters().v2_queries;
  }
  ++(message.group.is_any() ? counters().general_queries : counters().group_queries);
  const Ipv6Address group = message.group.with_zone(interface.index());
  const SimTime most(std::max<int64_t>(message.max_response_ms, 1) * 1'000'000);
  for (const auto& m : memberships_) {
    if (m->interface != &interface || !reported(m->group)) continue;
    if (!message.group.is_any() && m->group != group) continue;
    const bool sooner = m->timer.armed() && m->timer.deadline() <= inet_.now() + most;
    if (!sooner) m->timer.arm(random_delay(most));
  }
}

}  // namespace stackyard
