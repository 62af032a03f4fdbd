#include "stack/inet/igmp.h"

#include <algorithm>

#include "stack/inet/drops.h"
#include "stack/inet/inet.h"

namespace stackyard {

namespace {

constexpr Ipv4Address all_systems{0xe0000001};  // 224.0.0.1: joined by all, reported by none
constexpr Ipv4Address all_routers{0xe0000002};
constexpr Ipv4Address v3_routers{0xe0000016};
constexpr uint8_t router_alert[4] = {148, 4, 0, 0};
constexpr size_t message_room = 1400;  // octets of records in one report

// RFC 2113: versions 2 and 3 always have the option.
bool has_router_alert(Bytes header) {
  bool found = false;
  for_each_option(header, [&](const Ipv4Option& option) { found |= option.type == 148; });
  return found;
}

}  // namespace

Igmp::Igmp(Inet& inet)
    : inet_(inet), random_(inet.net().vnet().random("igmp")), listener_(*this, inet.net()) {}

bool Igmp::member(const Ifnet& interface, Ipv4Address group) const {
  return group == all_systems || listener_.member(interface, group);
}

void Igmp::add_link_groups(const Ifnet& interface, std::vector<MacAddress>& to) const {
  bool any = false, all = false;
  listener_.for_each(interface, [&](const IpAddress& group, const SourceFilter&) {
    any = true;
    all |= group.v4() == all_systems;
    to.push_back(ethernet_group(group.v4()));
  });
  if (any && !all) to.push_back(ethernet_group(all_systems));
}

std::vector<GroupInfo> Igmp::groups() const {
  std::vector<GroupInfo> all;
  inet_.net().for_each([&](const Ifnet& i) {
    const int version = listener_.version_on(i);
    if (!inet_.primary_address(i).is_any())
      all.push_back({.interface = i.name(), .group = all_systems, .version = version});
    listener_.for_each(i, [&](const IpAddress& group, const SourceFilter& filter) {
      GroupInfo info{.interface = i.name(), .group = group.v4(), .include = filter.include};
      for (const IpAddress& s : filter.sources) info.sources.push_back(s.v4());
      info.version = version;
      all.push_back(std::move(info));
    });
  });
  return all;
}

// --- reports -----------------------------------------------------------------------------------

int Igmp::newest_version() const { return int(inet_.settings().igmp.default_version); }
int64_t Igmp::groups_max() const { return inet_.settings().igmp.max_groups; }

bool Igmp::reported(const Ifnet& interface, const IpAddress& group) const {
  const bool local = (group.v4().value & 0xffffff00) == 0xe0000000;  // 224.0.0.0/24
  return group.v4() != all_systems && !interface.has_flag(if_flag::loopback) &&
         (!local || inet_.settings().igmp.send_local);
}

void Igmp::send_records(Ifnet& interface, const std::vector<GroupRecord>& records) {
  if (newest_version() < 3) {  // by sysctl
    for (const GroupRecord& r : records) {
      const bool leaves = r.type == group_record::to_include && r.sources.empty();
      if (leaves)
        send_old_leave(interface, r.group, newest_version());
      else
        send_old_report(interface, r.group, newest_version());
    }
    return;
  }
  IgmpMessage message{.type = igmp_type::v3_report, .sources = {}, .records = {}};
  size_t room = message_room;
  for (const GroupRecord& r : records) {
    const size_t size = 8 + 4 * r.sources.size();
    if (size > room && !message.records.empty()) {
      send(interface, message, v3_routers);
      message.records.clear();
      room = message_room;
    }
    room -= std::min(room, size);
    IgmpRecord record{r.type, r.group.v4(), {}};
    for (const IpAddress& s : r.sources) record.sources.push_back(s.v4());
    message.records.push_back(std::move(record));
  }
  send(interface, message, v3_routers);
}

void Igmp::send_old_report(Ifnet& interface, const IpAddress& group, int version) {
  const uint8_t type = version == 1 ? igmp_type::v1_report : igmp_type::v2_report;
  send(interface, {.type = type, .group = group.v4(), .sources = {}, .records = {}}, group.v4());
}

void Igmp::send_old_leave(Ifnet& interface, const IpAddress& group, int version) {
  if (version == 1) return;  // RFC 1112: who leaves is silent
  send(interface, {.type = igmp_type::v2_leave, .group = group.v4(), .sources = {}, .records = {}},
       all_routers);
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
  if (context.ttl != 1) {  // RFC 3376 s4: from this link only
    ++counters().bad_ttl;
    return inet_.site().note_drop(packet.id(), drops::igmp_ignored, "igmp");
  }
  if (message->type == igmp_type::query) {
    query(*message, context);
  } else if (message->type == igmp_type::v1_report || message->type == igmp_type::v2_report) {
    ++counters().reports;
    if (!message->group.is_multicast() || context.dest.v4() != message->group)
      ++counters().bad_reports;
    else if (listener_.heard_report(*context.interface, message->group))
      ++counters().our_reports;  // RFC 2236 s3: somebody else has said it for us
  }
  inet_.ip().raw().receive(std::move(packet), context);
}

void Igmp::query(const IgmpMessage& message, const IpContext& context) {
  ++(message.version == 3 ? counters().v3_queries : counters().old_queries);
  const IgmpSettings& settings = inet_.settings().igmp;
  if ((message.version == 1 && !settings.v1enable) || (message.version == 2 && !settings.v2enable))
    return;
  const bool general = message.group.is_any();
  // s9.1: a general query to all systems, another to its group, or to our own address.
  const bool to_right_one = general ? context.dest.v4() == all_systems
                                    : message.group.is_multicast() &&
                                          (context.dest.v4() == message.group || !context.ip_group);
  if (!to_right_one || (message.version == 1 && !general)) {
    ++counters().bad_queries;
    return;
  }
  if (message.version == 3 && !has_router_alert(context.header)) {
    ++counters().no_alert;
    return;
  }
  ++(general                   ? counters().general_queries
     : message.sources.empty() ? counters().group_queries
                               : counters().source_queries);
  GroupQuery asked{
      .version = message.version,
      .response_most = SimTime(std::max<int64_t>(message.max_response_ms, 1) * 1'000'000),
      .group = message.group,
      .sources = {}};
  for (Ipv4Address s : message.sources) asked.sources.push_back(s);
  listener_.query(*context.interface, asked);
}

}  // namespace stackyard
