// stack/inet/ip_input.cpp - what happens to a packet that arrived, in the order of RFC 1812 s5.2.
#include <algorithm>

#include "core/offload/checksum_offload.h"
#include "core/wire/checksum.h"
#include "stack/inet/drops.h"
#include "stack/inet/inet.h"

namespace stackyard {

void Inet::drop(Packet& packet, const DropReason& why, std::string_view detail) {
  site_.note_drop(packet.id(), why, "ip", detail);
}

void Inet::header_error(Packet& packet, const DropReason& why) {
  if (&why == &drops::bad_checksum)
    ++counters.bad_checksum;
  else if (&why == &drops::bad_version)
    ++counters.bad_version;
  else if (&why == &drops::truncated)
    ++counters.too_small;
  else if (packet.size() >= sizeof(Ipv4Header) &&
           load<Ipv4Header>(packet.front()).header_size() < sizeof(Ipv4Header))
    ++counters.bad_header_length;
  else
    ++counters.too_short;
  drop(packet, why);
}

void Inet::ether_receive(Packet packet, Ifnet& from) {
  ++counters.received;
  (void)packet.pull_up(std::min<size_t>(packet.size(), 60));
  const auto parsed = parse_ipv4_header(packet.front(), packet.size());
  if (!parsed) return header_error(packet, parsed.why());
  const Ipv4Header header = *parsed;
  if (packet.size() > header.total_length) packet.trim_to(header.total_length);  // link padding
  const Ipv4Address source = header.source_address();
  const Ipv4Address dest = header.dest_address();
  if (!from.has_flag(if_flag::loopback) && (source.is_loopback() || dest.is_loopback()))
      [[unlikely]] {
    ++counters.bad_address;  // RFC 1122 s3.2.1.3g: 127/8 never appears outside a host
    return drop(packet, drops::bad_address);
  }
  packet.set_fib(uint16_t(from.fib()));
  if (net_.hooked(HookPoint::inet_in)) [[unlikely]]
    return show_arrival(std::move(packet), from);
  received(std::move(packet), header, from);
}

void Inet::enter(Packet packet, const Ipv4Header& header, Ifnet& from) {
  received(std::move(packet), header, from);
}

// What the hooks let pass, or what nobody hooks.
[[gnu::always_inline]] inline void Inet::received(Packet&& packet, Ipv4Header header, Ifnet& from) {
  const Ipv4Address dest = header.dest_address();
  if (header.header_size() > sizeof(Ipv4Header)) [[unlikely]] {
    if (!process_options(packet, header, from)) return;
  }
  if (dest.is_multicast() && multicast_ && multicast_->active()) [[unlikely]] {
    forward_group(packet, header, from);
    // The daemon hears all that is said about groups, whoever it is said to.
    if (header.protocol == ip_protocol::igmp) return deliver(std::move(packet), header, from);
  }
  if (for_this_host(packet, header, from)) return deliver(std::move(packet), header, from);
  if (dest.is_multicast()) {
    ++counters.not_member;
    return drop(packet, drops::unknown_group);
  }
  if (!forwarding()) {
    ++counters.not_forwardable;
    return drop(packet, drops::not_forwarding);
  }
  forward(std::move(packet), header, from);
}

bool Inet::for_this_host(Packet& packet, const Ipv4Header& header, Ifnet& from) const {
  const Ipv4Address dest = header.dest_address();
  if (is_local(dest)) {
    // Weak end system by default: an address of any interface will do (RFC 1122 s3.3.4.2). Routers
    // are weak in any case.
    return !settings().rfc1122_strong_es || forwarding() || from.has_flag(if_flag::loopback) ||
           is_local_on(from, dest);
  }
  if (dest.is_multicast()) return igmp_.member(from, dest);
  if (is_broadcast_on(from, dest)) return true;
  // A host that is still getting its address hears what is broadcast at the link.
  return dest.is_any() && packet.link_broadcast();
}

void Inet::deliver(Packet packet, Ipv4Header header, Ifnet& from) {
  if (header.is_fragment()) {
    ++counters.fragments;
    finish_checksum(packet);
    packet = fragments_.add(std::move(packet), header);
    if (!packet) return;
    header = load<Ipv4Header>(packet.front());
  }
  ++counters.delivered;
  const size_t header_size = header.header_size();
  const Bytes header_octets = packet.front().first(header_size);
  const Ipv4Address dest = header.dest_address();
  // What a hook forwards to this host is for one of its addresses, in effect.
  const bool ip_group = dest.is_multicast() || (!is_local(dest) && !forwarding_of(packet));
  IpContext context{.source = header.source_address(),
                    .dest = dest,
                    .protocol = header.protocol,
                    .ttl = header.ttl,
                    .tos = header.tos,
                    .ip_group = ip_group,
                    .dest_is_group = ip_group || packet.link_group(),
                    .interface = &from,
                    .header = header_octets};
  if (site_.decisions_wanted()) [[unlikely]]
    site_.note_decision({.node = 0,
                         .packet = packet.id(),
                         .kind = DecisionKind::local,
                         .address = dest,
                         .network = {},
                         .by = header.protocol,
                         .by_length = 0,
                         .interface = uint16_t(from.index())});
  if (packet.has_tags()) [[unlikely]]
    note_forwarding(packet, context);
  packet.trim_front(header_size);
  if (IpProtocol* taker = protocol(header.protocol))
    return taker->receive(std::move(packet), context);
  if (ip_.raw().wants(context)) return ip_.raw().receive(std::move(packet), context);
  ++counters.unknown_protocol;
  --counters.delivered;
  drop(packet, drops::unknown_protocol, ip_protocol_name(header.protocol));
  if (context.dest_is_group) return;
  std::copy(header_octets.begin(), header_octets.end(), packet.prepend(header_size).begin());
  send_unreachable(std::move(packet), Unreachable::protocol);
}

IpProtocol* Inet::protocol(uint8_t number) {
  if (number == ip_protocol::icmp) return &icmp_;
  if (number == ip_protocol::igmp) return &igmp_;
  return ip_.protocol(number);
}

// --- forwarding --------------------------------------------------------------------------------

void Inet::note_route(const Packet& packet, Ipv4Address dest, const Route& route) {
  const auto match = routes(packet.fib()).match(dest);
  const Ipv4Prefix by = match ? match->dest : Ipv4Prefix{dest, 32};
  site_.note_decision({.node = 0,
                       .packet = packet.id(),
                       .kind = DecisionKind::route,
                       .address = dest,
                       .network = by.address,
                       .by = 0,
                       .by_length = by.length,
                       .interface = uint16_t(route.interface->index())});
}

void Inet::spend_hop(Packet& packet) {
  const MutableBytes octets = packet.writable_front();
  const uint16_t before = uint16_t(octets[8] << 8 | octets[9]);
  --octets[8];
  const uint16_t after = uint16_t(octets[8] << 8 | octets[9]);
  store(be16(checksum_update(load<be16>(octets.subspan(10)), before, after)), octets.subspan(10));
}

void Inet::forward(Packet packet, const Ipv4Header& header, Ifnet& from) {
  const Ipv4Address dest = header.dest_address();
  const Ipv4Address source = header.source_address();
  // RFC 1812 s5.3.4, s5.3.7: what was broadcast, what has no one source, what is local by nature.
  if (packet.link_group() || source.is_any() || source.is_multicast() || source.is_broadcast() ||
      dest.is_any() || dest.is_experimental() || source.is_link_local() || dest.is_link_local()) {
    ++counters.not_forwardable;
    return drop(packet, drops::not_forwardable);
  }
  if (header.ttl <= 1) {
    drop(packet, drops::ttl_exceeded);
    return icmp_.send_error(std::move(packet), icmp_type::time_exceeded, icmp_code::ttl_in_transit);
  }
  Route* route = routes(packet.fib()).lookup(dest, [&] { return flow_of(packet.front(), header); });
  if (!route || route->has(route_flag::reject | route_flag::blackhole)) {
    const DropReason& why = !route                              ? drops::no_route
                            : route->has(route_flag::blackhole) ? drops::blackhole_route
                                                                : drops::reject_route;
    ++counters.not_forwardable;
    if (!route) note_miss(packet.fib(), dest);
    drop(packet, why, to_text(dest));
    if (route && route->has(route_flag::blackhole)) return;
    return icmp_.send_error(std::move(packet), icmp_type::unreachable, icmp_code::host_unreachable);
  }
  ++route->uses;
  if (site_.decisions_wanted()) [[unlikely]]
    note_route(packet, dest, *route);
  const Destination to{route->interface, route->next_hop(dest), route};
  if (is_broadcast_on(*route->interface, dest)) {
    ++counters.not_forwardable;  // directed broadcasts stay outside (RFC 2644)
    return drop(packet, drops::not_forwardable);
  }
  if (settings().redirect && route->interface == &from)
    maybe_redirect(packet, header, from, *route);
  if (net_.hooked(HookPoint::inet_out)) [[unlikely]]
    return forward_hooked(std::move(packet), to, from);
  const uint32_t mtu = route->mtu ? route->mtu : route->interface->mtu();
  if (header.total_length > mtu && header.dont_fragment()) {
    ++counters.cant_fragment;
    drop(packet, drops::need_fragment, route->interface->name());
    return icmp_.send_error(std::move(packet), icmp_type::unreachable, icmp_code::need_fragment,
                            mtu);
  }
  spend_hop(packet);
  const Result<> sent = output_on(std::move(packet), to, false);
  if (sent) {
    ++counters.forwarded;
    return;
  }
  not_forwarded(std::move(packet), to);
}

// The link would not take it; an empty handle: it said why.
void Inet::not_forwarded(Packet packet, const Destination& to) {
  ++counters.not_forwardable;
  if (!packet) return;
  drop(packet, drops::arp_unresolved, to_text(to.next_hop));
  icmp_.send_error(std::move(packet), icmp_type::unreachable, icmp_code::host_unreachable);
}

// RFC 1812 s5.2.7.2, as FreeBSD's ip_forward: the next hop is on the network the packet came from,
// and so is the sender; never for the default route.
void Inet::maybe_redirect(Packet& packet, const Ipv4Header& header, Ifnet& from,
                          const Route& route) {
  const bool fit = !route.has(route_flag::dynamic | route_flag::modified);
  const bool neighbour = on_link(from, header.source_address());
  const bool source_routed = header.header_size() > sizeof(Ipv4Header);
  if (!fit || !neighbour || source_routed) return;
  const auto match = routes(packet.fib()).match(header.dest_address());
  if (!match || match->dest.length == 0) return;
  ++counters.redirects_sent;
  icmp_.send_error(packet.clone(), icmp_type::redirect, icmp_code::redirect_host,
                   route.next_hop(header.dest_address()).value);
}

}  // namespace stackyard
