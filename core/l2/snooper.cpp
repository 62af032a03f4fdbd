#include "core/l2/snooper.h"

#include <algorithm>

#include "core/wire/link/ethernet.h"
#include "core/wire/net/icmpv6.h"
#include "core/wire/net/igmp.h"
#include "core/wire/net/ipv4.h"

namespace stackyard {

namespace {

constexpr uint8_t protocol_pim = 103;
constexpr Ipv4Address all_systems{0xe0000001};
constexpr Ipv6Address all_nodes = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 1});
constexpr uint8_t router_alert6[8] = {58, 0, 5, 2, 0, 0, 1, 0};  // ICMPv6 follows

}  // namespace

Snooper::Port& Snooper::port(uint16_t vlan, uint32_t number) {
  const auto at = std::lower_bound(
      ports_.begin(), ports_.end(), std::pair(vlan, number),
      [](const Port& p, const auto& key) { return std::pair(p.vlan, p.port) < key; });
  if (at != ports_.end() && at->vlan == vlan && at->port == number) return *at;
  return *ports_.insert(at, Port{vlan, number, {}, GroupMembers(timing_)});
}

const Snooper::Port* Snooper::find(uint16_t vlan, uint32_t number) const {
  for (const Port& p : ports_)
    if (p.vlan == vlan && p.port == number) return &p;
  return nullptr;
}

SimTime& Snooper::asker(uint16_t vlan) {
  for (auto& [own, until] : asked_)
    if (own == vlan) return until;
  return asked_.emplace_back(vlan, SimTime()).second;
}

bool Snooper::somebody_asks(uint16_t vlan, SimTime now) const {
  return std::any_of(asked_.begin(), asked_.end(),
                     [&](const auto& a) { return a.first == vlan && a.second > now; });
}

void Snooper::forget_port(uint32_t number) {
  std::erase_if(ports_, [&](const Port& p) { return p.port == number; });
}

void Snooper::router_at(uint16_t vlan, uint32_t number, SimTime now) {
  port(vlan, number).router_until = now + timing_.other_querier();
}

// RFC 4541 s2.1.1: a query says where a router is, unless it is a proxy's, from 0.0.0.0; and who
// does not answer one about a group does not want it.
void Snooper::query(uint16_t vlan, uint32_t number, const IpAddress& from, const IpAddress& group,
                    const std::vector<IpAddress>& sources, SimTime now) {
  asker(vlan) = now + timing_.other_querier();
  if (!from.is_any()) router_at(vlan, number, now);
  if (!group.is_multicast()) return;
  for (Port& p : ports_)
    if (p.vlan == vlan) p.members.asked(group, sources, now);
}

// Who leaves has a little time left, in which others behind the port answer the querier's question:
// a router's, or our own.
void Snooper::record(GroupMembers& members, uint8_t type, const IpAddress& group,
                     std::vector<IpAddress> sources, SimTime now) {
  members.record(type, group, std::move(sources), now);
  if (!querier) members.forget_queries();
}

Snooper::Frame Snooper::look4(Bytes packet, uint16_t vlan, uint32_t number, SimTime now) {
  const auto ip = parse_ipv4_header(packet, packet.size());
  if (!ip || !ip->dest_address().is_multicast()) return {};
  const Ipv4Address group = ip->dest_address();
  if (ip->protocol == ip_protocol::igmp && !ip->is_fragment()) {
    const auto message =
        parse_igmp(packet.subspan(ip->header_size(), ip->total_length - ip->header_size()));
    if (!message) return {};
    GroupMembers& members = port(vlan, number).members;
    switch (message->type) {
      case igmp_type::query: {
        std::vector<IpAddress> sources(message->sources.begin(), message->sources.end());
        query(vlan, number, ip->source_address(), message->group, sources, now);
        return {};
      }
      case igmp_type::v1_report:
      case igmp_type::v2_report:
        record(members, igmp_record::is_exclude, message->group, {}, now);
        return {Frame::Kind::report, {}, {}};
      case igmp_type::v2_leave:
        record(members, igmp_record::to_include, message->group, {}, now);
        return {Frame::Kind::report, {}, {}};
      case igmp_type::v3_report:
        for (const IgmpRecord& r : message->records)
          record(members, r.type, r.group, {r.sources.begin(), r.sources.end()}, now);
        return {Frame::Kind::report, {}, {}};
      default:
        return {};
    }
  }
  if (ip->protocol == protocol_pim) router_at(vlan, number, now);
  // s2.1.2: 224.0.0.0/24 is for everybody.
  if ((group.value & 0xffffff00) == 0xe0000000) return {};
  return {Frame::Kind::data, group, ip->source_address()};
}

Snooper::Frame Snooper::look6(Bytes packet, uint16_t vlan, uint32_t number, SimTime now) {
  const auto ip = parse_ipv6_header(packet, packet.size());
  if (!ip || !ip->dest.is_multicast()) return {};
  const Bytes whole = packet.first(sizeof(Ipv6Header) + ip->payload_length);
  const Ipv6Chain chain = walk_ipv6_chain(whole);
  if (chain.complete && chain.protocol == ip_protocol::icmpv6 && !chain.fragment &&
      chain.offset < whole.size()) {
    const Bytes octets = whole.subspan(chain.offset);
    const bool listens =
        octets[0] == icmpv6_type::mld_query || octets[0] == icmpv6_type::mld_report ||
        octets[0] == icmpv6_type::mld_done || octets[0] == icmpv6_type::mld2_report;
    const auto message = listens && parse_icmpv6(octets, ip->source, ip->dest)
                             ? parse_mld(octets)
                             : Parsed<MldMessage>(drops::truncated);
    if (listens && message) {
      GroupMembers& members = port(vlan, number).members;
      switch (message->type) {
        case icmpv6_type::mld_query: {
          std::vector<IpAddress> sources(message->sources.begin(), message->sources.end());
          query(vlan, number, ip->source, message->group, sources, now);
          return {};
        }
        case icmpv6_type::mld_report:
          record(members, mld_record::is_exclude, message->group, {}, now);
          break;
        case icmpv6_type::mld2_report:
          for (const MldRecord& r : message->records)
            record(members, r.type, r.group, {r.sources.begin(), r.sources.end()}, now);
          break;
        default:  // done
          record(members, mld_record::to_include, message->group, {}, now);
          break;
      }
      return {Frame::Kind::report, {}, {}};
    }
  }
  // s3: what neighbour discovery needs is never pruned.
  if (ip->dest.scope() <= 2) return {};
  return {Frame::Kind::data, ip->dest, ip->source};
}

Snooper::Frame Snooper::look(Bytes frame, uint16_t vlan, uint32_t number, SimTime now) {
  if (frame.size() < sizeof(EthernetHeader)) return {};
  const uint16_t type = load<EthernetHeader>(frame).type;
  const Bytes packet = frame.subspan(sizeof(EthernetHeader));
  if (type == ether_type::ipv4) return look4(packet, vlan, number, now);
  if (type == ether_type::ipv6) return look6(packet, vlan, number, now);
  return {};
}

bool Snooper::forward_to(const Frame& frame, uint16_t vlan, uint32_t number, SimTime now) const {
  if (frame.kind == Frame::Kind::flood) return true;
  const Port* to = find(vlan, number);
  const bool router = to && to->router_until > now;
  if (frame.kind == Frame::Kind::report) {
    // s2.1.1: to routers alone, so that hosts of old versions do not hold their own reports back.
    return router || !router_known(vlan, now);
  }
  if (!somebody_asks(vlan, now)) return true;
  return router || (to && to->members.wants(frame.group, frame.source, now));
}

std::vector<std::pair<uint16_t, GroupMembers::Query>> Snooper::due(SimTime now) {
  std::vector<std::pair<uint16_t, GroupMembers::Query>> all;
  for (Port& p : ports_)
    for (GroupMembers::Query& q : p.members.due(now)) all.emplace_back(p.vlan, std::move(q));
  return all;
}

SimTime Snooper::next_due() const {
  SimTime next = SimTime::max();
  for (const Port& p : ports_) next = std::min(next, p.members.next_due());
  return next;
}

bool Snooper::router_known(uint16_t vlan, SimTime now) const {
  return std::any_of(ports_.begin(), ports_.end(),
                     [&](const Port& p) { return p.vlan == vlan && p.router_until > now; });
}

// From 0.0.0.0, as nobody's router; MLD needs a link-local address.
std::vector<uint8_t> Snooper::query_frame(MacAddress from, const GroupTiming& timing,
                                          const IpAddress& group,
                                          const std::vector<IpAddress>& sources) {
  const bool general = group.is_any();
  const uint32_t response_ms = uint32_t((general ? timing.response : timing.last_member).ms());
  std::vector<uint8_t> frame;
  if (group.is_v4()) {
    IgmpMessage query{.type = igmp_type::query,
                      .version = 3,
                      .max_response_ms = response_ms,
                      .group = group.v4(),
                      .sources = {},
                      .records = {}};
    for (const IpAddress& s : sources) query.sources.push_back(s.v4());
    const std::vector<uint8_t> igmp = emit_igmp(query);
    const Ipv4Address dest = general ? all_systems : group.v4();
    constexpr size_t options = 4;
    frame.resize(sizeof(EthernetHeader) + sizeof(Ipv4Header) + options);
    store(EthernetHeader{ethernet_group(dest), from, ether_type::ipv4}, frame);
    const MutableBytes ip = MutableBytes(frame).subspan(sizeof(EthernetHeader));
    store(Ipv4Header{.version_length = 0x46,
                     .tos = 0xc0,
                     .total_length = uint16_t(sizeof(Ipv4Header) + options + igmp.size()),
                     .ttl = 1,
                     .protocol = ip_protocol::igmp,
                     .dest = dest.value},
          ip);
    ip[20] = 148;  // RFC 2113
    ip[21] = 4;
    finish_ipv4_header(ip);
    frame.insert(frame.end(), igmp.begin(), igmp.end());
    return frame;
  }
  MldMessage query;
  query.max_response_ms = response_ms;
  query.group = group.v6();
  for (const IpAddress& s : sources) query.sources.push_back(s.v6());
  std::vector<uint8_t> mld = emit_mld(query);
  const Ipv6Address source = with_eui64(Ipv6Address::of({0xfe80, 0, 0, 0, 0, 0, 0, 0}), from);
  const Ipv6Address dest = general ? all_nodes : group.v6();
  finish_icmpv6(mld, source, dest);
  frame.resize(sizeof(EthernetHeader) + sizeof(Ipv6Header));
  store(EthernetHeader{ethernet_group(dest), from, ether_type::ipv6}, frame);
  store(Ipv6Header{.payload_length = uint16_t(sizeof router_alert6 + mld.size()),
                   .next_header = ipv6_next::hop_by_hop,
                   .hop_limit = 1,
                   .source = source,
                   .dest = dest},
        MutableBytes(frame).subspan(sizeof(EthernetHeader)));
  frame.insert(frame.end(), std::begin(router_alert6), std::end(router_alert6));
  frame.insert(frame.end(), mld.begin(), mld.end());
  return frame;
}

std::vector<Snooper::Info> Snooper::entries(SimTime now) const {
  std::vector<Info> all;
  for (const Port& p : ports_) {
    if (p.router_until > now) all.push_back({p.vlan, p.port, std::nullopt, p.router_until});
    for (const GroupMembers::Info& g : p.members.groups(now))
      all.push_back({p.vlan, p.port, g, g.until});
  }
  return all;
}

}  // namespace stackyard
