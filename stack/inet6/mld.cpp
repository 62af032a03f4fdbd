#include "stack/inet6/mld.h"

#include <algorithm>

#include "stack/inet6/drops.h"
#include "stack/inet6/inet6.h"

namespace stackyard {

namespace {

constexpr Ipv6Address all_nodes = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 1});
constexpr Ipv6Address all_routers = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 2});
constexpr Ipv6Address v2_routers = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 0x16});
constexpr size_t message_room = 1200;  // octets of records in one report
// RFC 2711: a hop-by-hop header with a router alert of value 0 (MLD), padded.
constexpr uint8_t router_alert[8] = {0, 0, 5, 2, 0, 0, 1, 0};

// RFC 3810 s6.2: a query without the option is not one.
bool has_router_alert(Bytes headers) {
  if (load<Ipv6Header>(headers).next_header != ipv6_next::hop_by_hop) return false;
  const Bytes options = headers.subspan(sizeof(Ipv6Header));
  bool found = false;
  for_each_ipv6_option(options.first(load<Ipv6Extension>(options).size()),
                       [&](uint8_t type, size_t, Bytes) {
                         found |= type == ipv6_option::router_alert;
                         return true;
                       });
  return found;
}

}  // namespace

Mld::Mld(Inet6& inet) : inet_(inet), listener_(*this, inet.net()) {}

int Mld::newest_version() const { return inet_.settings().mld.v2enable ? 2 : 1; }
int64_t Mld::groups_max() const { return inet_.settings().mld.max_groups; }
uint64_t Mld::random_below(uint64_t bound) { return inet_.random().below(bound); }

// RFC 3810 s6: not for all nodes, nor for groups that leave no link.
bool Mld::reported(const Ifnet& interface, const IpAddress& group) const {
  const Ipv6Address g = group.v6();
  return g.scope() > 1 && g.without_zone() != all_nodes && !interface.has_flag(if_flag::loopback) &&
         !inet_.settled_start();
}

std::vector<GroupInfo6> Mld::groups() const {
  std::vector<GroupInfo6> all;
  inet_.net().for_each([&](const Ifnet& i) {
    const int version = listener_.version_on(i);
    listener_.for_each(i, [&](const IpAddress& group, const SourceFilter& filter) {
      GroupInfo6 info{
          .interface = i.name(), .group = group.v6().without_zone(), .include = filter.include};
      for (const IpAddress& s : filter.sources) info.sources.push_back(s.v6().without_zone());
      info.version = version;
      all.push_back(std::move(info));
    });
  });
  return all;
}

void Mld::add_link_groups(const Ifnet& interface, std::vector<MacAddress>& to) const {
  listener_.for_each(interface, [&](const IpAddress& group, const SourceFilter&) {
    to.push_back(ethernet_group(group.v6()));
  });
}

// --- sending -------------------------------------------------------------------------------------

void Mld::send_records(Ifnet& interface, const std::vector<GroupRecord>& records) {
  if (newest_version() < 2) {  // by sysctl
    for (const GroupRecord& r : records) {
      const bool leaves = r.type == group_record::to_include && r.sources.empty();
      if (leaves)
        send_old_leave(interface, r.group, 1);
      else
        send_old_report(interface, r.group, 1);
    }
    return;
  }
  MldMessage message{.type = icmpv6_type::mld2_report};
  size_t room = message_room;
  for (const GroupRecord& r : records) {
    const size_t size = 20 + 16 * r.sources.size();
    if (size > room && !message.records.empty()) {
      send(interface, message, v2_routers);
      message.records.clear();
      room = message_room;
    }
    room -= std::min(room, size);
    MldRecord record{r.type, r.group.v6().without_zone(), {}};
    for (const IpAddress& s : r.sources) record.sources.push_back(s.v6().without_zone());
    message.records.push_back(std::move(record));
  }
  send(interface, message, v2_routers);
}

void Mld::send_old_report(Ifnet& interface, const IpAddress& group, int) {
  const MldMessage report{.type = icmpv6_type::mld_report, .version = 1, .group = group.v6()};
  send(interface, report, group.v6());
}

void Mld::send_old_leave(Ifnet& interface, const IpAddress& group, int) {
  const MldMessage done{.type = icmpv6_type::mld_done, .version = 1, .group = group.v6()};
  send(interface, done, all_routers);
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
  if (context.ttl != 1 || !from_link || !has_router_alert(context.header)) {
    ++counters().bad;
    return;
  }
  if (mld->type == icmpv6_type::mld_query) return query(*mld, context);
  ++counters().reports;
  if (mld->type != icmpv6_type::mld_report) return;
  Ifnet& interface = *context.interface;
  // RFC 2710 s4: somebody else has said it for us.
  if (listener_.heard_report(interface, mld->group.with_zone(interface.index())))
    ++counters().our_reports;
}

void Mld::query(const MldMessage& message, const IpContext& context) {
  Ifnet& interface = *context.interface;
  if (message.version == 1 && !inet_.settings().mld.v1enable) return;
  ++(message.version == 1 ? counters().v1_queries : counters().v2_queries);
  const Ipv6Address group = message.group.with_zone(interface.index());
  const bool general = message.group.is_any();
  const Ipv6Address dest = context.dest.v6();
  // RFC 3810 s5.1.15: a general query to all nodes, another to its group, or to our own address.
  if (general ? dest.without_zone() != all_nodes
              : !message.group.is_multicast() || (dest.is_multicast() && dest != group)) {
    ++counters().bad;
    return;
  }
  ++(general ? counters().general_queries : counters().group_queries);
  GroupQuery asked{
      .version = message.version,
      .response_most = SimTime(std::max<int64_t>(message.max_response_ms, 1) * 1'000'000),
      .group = group,
      .sources = {}};
  for (const Ipv6Address& s : message.sources) asked.sources.push_back(s);
  listener_.query(interface, asked);
}

}  // namespace stackyard
