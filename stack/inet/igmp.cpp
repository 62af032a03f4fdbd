#include "stack/inet/igmp.h"

#include <algorithm>

#include "stack/inet/inet.h"

namespace stackyard {

namespace {
constexpr Ipv4Address all_systems{0xe0000001};  // 224.0.0.1: joined by all, reported by none
constexpr Ipv4Address all_routers{0xe0000002};
constexpr Ipv4Address v3_routers{0xe0000016};
constexpr unsigned robustness = 2;
constexpr SimTime unsolicited_interval = 1_s;   // RFC 3376 s8.11
constexpr SimTime old_querier_timeout = 260_s;  // s8.12: 2 x 125 s + 10 s
constexpr uint8_t router_alert[4] = {148, 4, 0, 0};
}  // namespace

Igmp::Membership::Membership(Igmp& owner, Ifnet& i, Ipv4Address g)
    : igmp(owner),
      interface(&i),
      group(g),
      timer(i.site().node(), Timer::call<&Membership::due>, this) {}

Igmp::Igmp(Inet& inet) : inet_(inet), random_(inet.net().vnet().random("igmp")) {}
Igmp::~Igmp() = default;

Igmp::Membership* Igmp::find(const Ifnet& interface, Ipv4Address group) const {
  for (const auto& m : memberships_)
    if (m->interface == &interface && m->group == group) return m.get();
  return nullptr;
}

bool Igmp::member(const Ifnet& interface, Ipv4Address group) const {
  return group == all_systems || find(interface, group) != nullptr;
}

SimTime Igmp::random_delay(SimTime most) {
  return SimTime(1 + int64_t(random_.below(uint64_t(most.ns()))));
}

void Igmp::join(Ifnet& interface, Ipv4Address group) {
  if (Membership* m = find(interface, group)) {
    ++m->uses;
    return;
  }
  memberships_.push_back(std::make_unique<Membership>(*this, interface, group));
  if (RouteWatcher* watcher = inet_.net().route_watcher())
    watcher->group_changed(RouteEvent::added, interface, group);
  interface.update_link_groups();
  if (group == all_systems || interface.has_flag(if_flag::loopback)) return;
  Membership& m = *memberships_.back();
  m.unsolicited = robustness;
  report_due(m);
}

void Igmp::leave(Ifnet& interface, Ipv4Address group) {
  Membership* m = find(interface, group);
  if (!m || --m->uses > 0) return;
  const bool tell = group != all_systems && !interface.has_flag(if_flag::loopback);
  const bool last_reporter = m->last_reporter;
  std::erase_if(memberships_, [&](const auto& other) { return other.get() == m; });
  if (RouteWatcher* watcher = inet_.net().route_watcher())
    watcher->group_changed(RouteEvent::removed, interface, group);
  interface.update_link_groups();
  if (!tell) return;
  switch (version_on(interface)) {
    case 3:
      send_report(interface, group, igmp_record::to_include);
      break;
    case 2:
      if (last_reporter)
        send(interface, {.type = igmp_type::v2_leave, .group = group, .sources = {}, .records = {}},
             all_routers);
      break;
    default:
      break;
  }
}

void Igmp::forget(const Ifnet& interface) {
  std::erase_if(memberships_, [&](const auto& m) { return m->interface == &interface; });
  std::erase_if(queriers_, [&](const Querier& q) { return q.interface == &interface; });
}

void Igmp::add_link_groups(const Ifnet& interface, std::vector<MacAddress>& to) const {
  bool any = false, all = false;
  for (const auto& m : memberships_) {
    if (m->interface != &interface) continue;
    any = true;
    all |= m->group == all_systems;
    to.push_back(ethernet_group(m->group));
  }
  if (any && !all) to.push_back(ethernet_group(all_systems));
}

std::vector<GroupInfo> Igmp::groups() const {
  std::vector<GroupInfo> all;
  inet_.net().for_each([&](const Ifnet& i) {
    if (!inet_.primary_address(i).is_any()) all.push_back({i.name(), all_systems});
    for (const auto& m : memberships_)
      if (m->interface == &i) all.push_back({i.name(), m->group});
  });
  return all;
}

// --- reports -----------------------------------------------------------------------------------

uint8_t Igmp::version_on(const Ifnet& interface) const {
  uint8_t version = 3;
  for (const Querier& q : queriers_)
    if (q.interface == &interface && q.until > inet_.site().now())
      version = std::min(version, q.version);
  return version;
}

void Igmp::report_due(Membership& m) {
  const bool change = m.unsolicited > 0;
  send_report(*m.interface, m.group, change ? igmp_record::to_exclude : igmp_record::is_exclude);
  m.last_reporter = true;
  if (change && --m.unsolicited > 0) m.timer.arm(random_delay(unsolicited_interval));
}

void Igmp::send_report(Ifnet& interface, Ipv4Address group, uint8_t record_type) {
  const uint8_t version = version_on(interface);
  if (version == 3) {
    send(interface,
         {.type = igmp_type::v3_report, .sources = {}, .records = {{record_type, group, {}}}},
         v3_routers);
  } else {
    const uint8_t type = version == 2 ? igmp_type::v2_report : igmp_type::v1_report;
    send(interface, {.type = type, .group = group, .sources = {}, .records = {}}, group);
  }
}

void Igmp::send(Ifnet& interface, const IgmpMessage& message, Ipv4Address dest) {
  ++counters().sent;
  const std::vector<uint8_t> octets = emit_igmp(message);
  Packet packet = inet_.site().make_packet(octets.size());
  std::copy(octets.begin(), octets.end(), packet.writable_front().begin());
  const IpSend send{.dest = dest,
                    .protocol = ip_protocol::igmp,
                    .ttl = 1,
                    .tos = 0xc0,
                    .multicast_loop = false,
                    .interface = &interface,
                    .options = router_alert};
  (void)inet_.output(std::move(packet), send);
}

// --- what we receive ---------------------------------------------------------------------------

void Igmp::receive(Packet packet, const IpContext& context) {
  ++counters().received;
  const auto message = parse_igmp(packet.octets());
  if (!message) {
    ++(&message.why() == &drops::bad_checksum ? counters().bad_checksum : counters().too_short);
    return inet_.site().note_drop(packet.id(), message.why(), "igmp");
  }
  if (message->type == igmp_type::query) {
    query(*message, *context.interface);
  } else if (message->type == igmp_type::v1_report || message->type == igmp_type::v2_report) {
    ++counters().reports;
    if (Membership* m = find(*context.interface, message->group)) {
      // RFC 2236 s3: somebody else has said it for us.
      ++counters().our_reports;
      if (m->unsolicited == 0) m->timer.cancel();
      m->last_reporter = false;
    }
  }
  inet_.ip().raw().receive(std::move(packet), context);
}

void Igmp::query(const IgmpMessage& message, Ifnet& interface) {
  ++(message.version == 3 ? counters().v3_queries : counters().old_queries);
  if (message.version < 3) {
    std::erase_if(queriers_, [&](const Querier& q) {
      return q.interface == &interface && q.version == message.version;
    });
    queriers_.push_back({&interface, message.version, inet_.site().now() + old_querier_timeout});
  }
  ++(message.group.is_any() ? counters().general_queries : counters().group_queries);
  const SimTime most(std::max<int64_t>(message.max_response_ms, 1) * 1'000'000);
  for (const auto& m : memberships_) {
    if (m->interface != &interface || m->group == all_systems) continue;
    if (!message.group.is_any() && m->group != message.group) continue;
    const bool sooner = m->timer.armed() && m->timer.deadline() <= inet_.site().now() + most;
    if (!sooner) m->timer.arm(random_delay(most));
  }
}

}  // namespace stackyard
