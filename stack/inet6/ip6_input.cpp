// stack/inet6/ip6_input.cpp - what happens to a packet that arrived (RFC 8200).
#include <algorithm>

#include "core/offload/checksum_offload.h"
#include "stack/inet6/drops.h"
#include "stack/inet6/inet6.h"

namespace stackyard {

void Inet6::drop(const Packet& packet, const DropReason& why, std::string_view detail) {
  site_.note_drop(packet.id(), why, "ip6", detail);
}

// Whether the addresses are possible where the packet came from.
bool Inet6::plausible(Packet& packet, const Ipv6Header& header, Ifnet& from) {
  const Ipv6Address &source = header.source, &dest = header.dest;
  const bool loopback = from.has_flag(if_flag::loopback);
  // RFC 4291 s2.5.3, s2.7: nobody's source, nobody's destination, or of one host only.
  const bool impossible = source.is_multicast() || dest.is_any() || source.is_v4_mapped() ||
                          dest.is_v4_mapped() || (dest.is_multicast() && dest.scope() == 0) ||
                          (!loopback && (source.is_loopback() || dest.is_loopback() ||
                                         (dest.is_multicast() && dest.scope() == 1)));
  if (impossible) {
    ++counters.bad_scope;
    drop(packet, drops6::bad_address);
    return false;
  }
  // On the wire nothing stands where we keep the zone.
  if ((source.is_link_local() && source.zone()) || (dest.has_zone() && dest.zone())) {
    ++counters.bad_scope;
    drop(packet, drops6::bad_scope);
    return false;
  }
  return true;
}

void Inet6::ether_receive(Packet packet, Ifnet& from) {
  ++counters.received;
  (void)packet.pull_up(std::min<size_t>(packet.size(), sizeof(Ipv6Header)));
  const auto parsed = parse_ipv6_header(packet.front(), packet.size());
  if (!parsed) {
    ++(&parsed.why() == &drops::truncated     ? counters.too_small
       : &parsed.why() == &drops::bad_version ? counters.bad_version
                                              : counters.too_short);
    return drop(packet, parsed.why());
  }
  const Ipv6Header& header = *parsed;
  if (packet.size() > sizeof header + header.payload_length)
    packet.trim_to(sizeof header + header.payload_length);  // link padding
  if (!enabled(from)) [[unlikely]]
    return drop(packet, drops6::disabled);
  if (!plausible(packet, header, from)) return;
  packet.set_fib(uint16_t(from.fib()));
  if (net_.hooked(HookPoint::inet6_in)) [[unlikely]]
    return show_arrival(std::move(packet), from);
  received(std::move(packet), header, from);
}

void Inet6::enter(Packet packet, const Ipv6Header& header, Ifnet& from) {
  received(std::move(packet), header, from);
}

// What the hooks let pass, or what nobody hooks.
[[gnu::always_inline]] inline void Inet6::received(Packet&& packet, const Ipv6Header& header,
                                                   Ifnet& from) {
  Arrival a{.source = header.source.with_zone(from.index()),
            .dest = header.dest.with_zone(from.index()),
            .from = from,
            .protocol = header.next_header};
  a.group = a.dest.is_multicast();
  a.local = a.group ? mld_.member(from, a.dest) : is_local(a.dest);
  // What a hook forwards to this host, whoever it is for.
  if (!a.local && !a.group && forwarding_of(packet)) [[unlikely]]
    a.local = true;
  // Strong end system (RFC 1122 s3.3.4.2): hosts only, as routers have addresses for all their
  // links.
  if (settings().rfc1122_strong_es && a.local && !a.group && !forwarding() &&
      !from.has_flag(if_flag::loopback) && !find_on(from, a.dest))
    a.local = false;
  if (header.next_header == ipv6_next::hop_by_hop) [[unlikely]] {
    if (!hop_by_hop(packet, a)) return;
  }
  if (a.group && multicast_ && multicast_->active()) [[unlikely]] {
    forward_group(packet, header, from);
    // The daemon hears all that is said about groups, whoever it is said to.
    const Bytes behind = packet.octets().subspan(a.headers);
    const bool mld = a.protocol == ip_protocol::icmpv6 && !behind.empty() &&
                     (behind[0] == icmpv6_type::mld_report || behind[0] == icmpv6_type::mld_done ||
                      behind[0] == icmpv6_type::mld2_report || behind[0] == icmpv6_type::mld_query);
    if (mld) return deliver(std::move(packet), a);
  }
  if (a.local) return deliver(std::move(packet), a);
  if (a.group) {
    ++counters.not_member;
    return drop(packet, drops6::unknown_group);
  }
  if (find_on(from, a.dest)) return drop(packet, drops6::tentative);
  if (!forwarding()) {
    ++counters.not_forwardable;
    return drop(packet, drops6::not_forwarding);
  }
  forward(std::move(packet), header, a);
}

// RFC 8200 s4.4 and RFC 4443 s3.4: the packet dies, and its sender hears where it is wrong.
void Inet6::problem(Packet packet, const DropReason& why, uint8_t code, size_t pointer) {
  drop(packet, why);
  icmp_.send_error(std::move(packet), icmpv6_type::parameter_problem, code, uint32_t(pointer));
}

// --- extension headers ---------------------------------------------------------------------------

// RFC 8200 s4.3: the only one that every node on the way looks at. False: the packet is gone.
bool Inet6::hop_by_hop(Packet& packet, Arrival& a) {
  const Bytes octets = packet.octets().subspan(a.headers);
  if (octets.size() < 8 || load<Ipv6Extension>(octets).size() > octets.size()) {
    ++counters.too_small;
    drop(packet, drops::truncated);
    return false;
  }
  return options_header(packet, a, load<Ipv6Extension>(octets).size()) == Step::next;
}

// RFC 8200 s4.2. Hop-by-hop or destination options of `size` octets.
Inet6::Step Inet6::options_header(Packet& packet, Arrival& a, size_t size) {
  const Bytes header = packet.octets().subspan(a.headers, size);
  size_t refused = 0;
  uint8_t refused_type = 0;
  const size_t wrong = for_each_ipv6_option(header, [&](uint8_t type, size_t at, Bytes data) {
    if (type == ipv6_option::router_alert && data.size() == 2) return true;
    if (unknown_option(type) == UnknownOption::skip) return true;
    refused = at;
    refused_type = type;
    return false;
  });
  if (wrong) {
    ++counters.bad_options;
    problem(std::move(packet), drops::bad_option, icmpv6_code::bad_field, a.headers + wrong);
    return Step::done;
  }
  if (refused) {
    ++counters.bad_options;
    const UnknownOption action = unknown_option(refused_type);
    const bool report = action == UnknownOption::report ||
                        (action == UnknownOption::report_unless_group && !a.group);
    if (report)
      problem(std::move(packet), drops6::unknown_option, icmpv6_code::unknown_option,
              a.headers + refused);
    else
      drop(packet, drops6::unknown_option);
    return Step::done;
  }
  a.protocol_at = a.headers;
  a.protocol = header[0];
  a.headers += size;
  return Step::next;
}

// RFC 8200 s4.4, RFC 5095 s3: none is followed; one that has been is skipped.
Inet6::Step Inet6::routing_header(Packet& packet, Arrival& a, size_t size) {
  const auto header = load<Ipv6RoutingHeader>(packet.octets().subspan(a.headers));
  if (header.segments_left != 0) {
    ++counters.bad_options;
    problem(std::move(packet), drops6::source_routed, icmpv6_code::bad_field, a.headers + 2);
    return Step::done;
  }
  a.protocol_at = a.headers;
  a.protocol = header.next_header;
  a.headers += size;
  return Step::next;
}

Inet6::Step Inet6::fragment_header(Packet& packet, Arrival& a) {
  ++counters.fragments;
  finish_checksum(packet);
  const Bytes octets = packet.octets();
  const auto header = load<Ipv6FragmentHeader>(octets.subspan(a.headers));
  const size_t size = sizeof header;
  // RFC 6946: an atomic fragment is a whole datagram, whatever else has its id.
  if (header.offset() == 0 && !header.more()) {
    a.protocol_at = a.headers;
    a.protocol = header.next_header;
    a.headers += size;
    a.reassembled = true;
    return Step::next;
  }
  // RFC 7112 s5: the first fragment has all the headers, so that they can be looked at.
  if (header.offset() == 0) {
    const Ipv6Chain chain = walk_ipv6_chain(octets);
    const size_t least = chain.protocol == ip_protocol::tcp ? 20 : 8;
    const bool none = chain.protocol == ipv6_next::none;
    if (!chain.complete || (!none && octets.size() < chain.offset + least)) {
      problem(std::move(packet), drops6::header_chain, icmpv6_code::incomplete_chain, 0);
      return Step::done;
    }
  }
  const Fragments6::Key key{a.source, a.dest, header.id};
  packet = fragments_.add(std::move(packet), key, a.headers, a.protocol_at);
  if (!packet) return Step::done;
  // What the fragment header led to now stands in its place.
  a.protocol = packet.octets()[a.protocol_at];
  a.reassembled = true;
  return Step::next;
}

Inet6::Step Inet6::extension(Packet& packet, Arrival& a) {
  const bool known = a.protocol == ipv6_next::hop_by_hop || a.protocol == ipv6_next::routing ||
                     a.protocol == ipv6_next::fragment || a.protocol == ipv6_next::dest_options;
  if (!known) return Step::final;
  if (a.protocol == ipv6_next::hop_by_hop) {
    // RFC 8200 s4.1: behind the IPv6 header only, where it has been seen.
    problem(std::move(packet), drops6::header_order, icmpv6_code::unknown_next_header,
            a.protocol_at);
    return Step::done;
  }
  const Bytes octets = packet.octets().subspan(a.headers);
  if (octets.size() < 8) {
    ++counters.too_small;
    drop(packet, drops::truncated);
    return Step::done;
  }
  if (a.protocol == ipv6_next::fragment) return fragment_header(packet, a);
  const size_t size = load<Ipv6Extension>(octets).size();
  if (size > octets.size()) {
    ++counters.too_small;
    drop(packet, drops::truncated);
    return Step::done;
  }
  return a.protocol == ipv6_next::routing ? routing_header(packet, a, size)
                                          : options_header(packet, a, size);
}

void Inet6::deliver(Packet packet, Arrival& a) {
  for (int64_t nesting = 0;; ++nesting) {
    if (nesting > settings().hdrnestlimit) {
      ++counters.too_many_headers;
      return drop(packet, drops6::header_limit);
    }
    const Step step = extension(packet, a);
    if (step == Step::done) return;
    if (step == Step::final) return to_protocol(std::move(packet), a);
  }
}

void Inet6::to_protocol(Packet packet, const Arrival& a) {
  ++counters.delivered;
  (void)packet.pull_up(a.headers);
  const auto header = load<Ipv6Header>(packet.front());
  const Bytes headers = packet.front().first(a.headers);
  IpContext context{.source = a.source,
                    .dest = a.dest,
                    .protocol = a.protocol,
                    .ttl = header.hop_limit,
                    .tos = header.traffic_class(),
                    .ip_group = a.group,
                    .dest_is_group = a.group || packet.link_group(),
                    .reassembled = a.reassembled,
                    .interface = &a.from,
                    .header = headers};
  if (site_.decisions_wanted()) [[unlikely]]
    site_.note_decision({.node = 0,
                         .packet = packet.id(),
                         .kind = DecisionKind::local,
                         .address = a.dest,
                         .network = {},
                         .by = a.protocol,
                         .by_length = 0,
                         .interface = uint16_t(a.from.index())});
  if (a.protocol == ipv6_next::none) return;
  if (packet.has_tags()) [[unlikely]]
    note_forwarding(packet, context);
  packet.trim_front(a.headers);
  if (a.protocol == ip_protocol::icmpv6) return icmp_.receive(std::move(packet), context);
  // ICMP and IGMP are IPv4's alone.
  const bool v4_only = a.protocol == ip_protocol::icmp || a.protocol == ip_protocol::igmp;
  if (IpProtocol* taker = v4_only ? nullptr : ip_.protocol(a.protocol))
    return taker->receive(std::move(packet), context);
  if (ip_.raw().wants(context)) return ip_.raw().receive(std::move(packet), context);
  ++counters.unknown_protocol;
  --counters.delivered;
  drop(packet, drops6::unknown_protocol, ipv6_next_name(a.protocol));
  if (a.group) return;
  std::copy(headers.begin(), headers.end(), packet.prepend(headers.size()).begin());
  icmp_.send_error(std::move(packet), icmpv6_type::parameter_problem,
                   icmpv6_code::unknown_next_header, uint32_t(a.protocol_at));
}

// --- forwarding ----------------------------------------------------------------------------------

void Inet6::note_route(const Packet& packet, const Ipv6Address& dest, const Route6& route) {
  const auto match = routes(packet.fib()).match(dest);
  const Ipv6Prefix by = match ? match->dest : Ipv6Prefix{dest, 128};
  site_.note_decision({.node = 0,
                       .packet = packet.id(),
                       .kind = DecisionKind::route,
                       .address = dest,
                       .network = by.address,
                       .by = 0,
                       .by_length = by.length,
                       .interface = uint16_t(route.interface->index())});
}

void Inet6::forward(Packet packet, const Ipv6Header& header, const Arrival& a) {
  if (packet.link_group() || header.source.is_any()) {
    ++counters.not_forwardable;
    return drop(packet, drops6::not_forwardable);
  }
  if (header.hop_limit <= 1) {
    drop(packet, drops6::hop_limit);
    return icmp_.send_error(std::move(packet), icmpv6_type::time_exceeded,
                            icmpv6_code::hop_limit_in_transit);
  }
  Route6* route =
      routes(packet.fib()).lookup(a.dest, [&] { return flow_of(packet.front(), header); });
  if (!route) note_miss(packet.fib(), a.dest);
  if (!route || route->has(route_flag::reject | route_flag::blackhole)) {
    ++counters.not_forwardable;
    drop(packet,
         !route                              ? drops6::no_route
         : route->has(route_flag::blackhole) ? drops6::blackhole_route
                                             : drops6::reject_route,
         to_text(a.dest));
    if (route && route->has(route_flag::blackhole)) return;
    return icmp_.send_error(std::move(packet), icmpv6_type::unreachable, icmpv6_code::no_route);
  }
  ++route->uses;
  if (site_.decisions_wanted()) [[unlikely]]
    note_route(packet, a.dest, *route);
  if (route->interface->has_flag(if_flag::loopback) && !a.from.has_flag(if_flag::loopback)) {
    ++counters.not_forwardable;  // an address of ours that is not in use
    return drop(packet, drops6::tentative);
  }
  // RFC 4007 s9: a link-local source does not leave its link.
  if (header.source.is_link_local() && route->interface != &a.from) {
    ++counters.not_forwardable;
    ++counters.bad_scope;
    drop(packet, drops6::beyond_scope);
    return icmp_.send_error(std::move(packet), icmpv6_type::unreachable, icmpv6_code::beyond_scope);
  }
  if (net_.hooked(HookPoint::inet6_out)) [[unlikely]] {
    if (settings().redirect && route->interface == &a.from)
      maybe_redirect(packet, header, a, *route);
    return forward_hooked(std::move(packet), {route->interface, route->next_hop(a.dest), route},
                          a.from);
  }
  const uint32_t mtu = route->mtu ? route->mtu : link_mtu(*route->interface);
  if (packet.size() > mtu) {
    ++counters.cant_fragment;
    drop(packet, drops6::too_big, route->interface->name());
    return icmp_.send_error(std::move(packet), icmpv6_type::too_big, 0, mtu);
  }
  if (settings().redirect && route->interface == &a.from) maybe_redirect(packet, header, a, *route);
  --packet.writable_front()[7];
  const Destination to{route->interface, route->next_hop(a.dest), route};
  const Result<> sent = hand_to_link(std::move(packet), to);
  if (sent) {
    ++counters.forwarded;
    return;
  }
  not_forwarded(std::move(packet), to);
}

// The link would not take it; an empty handle: it said why.
void Inet6::not_forwarded(Packet packet, const Destination& to) {
  ++counters.not_forwardable;
  if (!packet) return;
  drop(packet, drops6::neighbour_limit, to_text(to.next_hop));
  icmp_.send_error(std::move(packet), icmpv6_type::unreachable, icmpv6_code::address_unreachable);
}

// RFC 4861 s8.2: the next hop is on the link the packet came from, and so is the sender.
void Inet6::maybe_redirect(Packet& packet, const Ipv6Header& header, const Arrival& a,
                           const Route6& route) {
  if (route.has(route_flag::dynamic | route_flag::modified)) return;
  Ifnet& from = a.from;
  if (!on_link(from, a.source) || header.source.is_any()) return;
  const Ipv6Address target = route.next_hop(a.dest);
  // s8.2: a router is named by its link-local address, a host by the destination itself.
  if (!target.is_link_local() && target != a.dest) return;
  const Ipv6Address own = link_local_on(from);
  if (own.is_any()) return;
  ++counters.redirects_sent;
  Redirect redirect;
  redirect.target = target.without_zone();
  redirect.dest = a.dest.without_zone();
  std::vector<uint8_t> message(sizeof redirect);
  store(redirect, message);
  // The packet itself, as far as the least MTU allows, in whole units of 8 octets.
  const Bytes octets = packet.octets();
  const size_t room = ipv6_mtu_least - sizeof(Ipv6Header) - sizeof redirect - 8;
  const size_t quoted = std::min(octets.size(), room) / 8 * 8;
  message.insert(message.end(), {nd_option::redirected, uint8_t(quoted / 8 + 1), 0, 0, 0, 0, 0, 0});
  message.insert(message.end(), octets.begin(), octets.begin() + std::ptrdiff_t(quoted));
  icmp_.send(std::move(message), own, a.source, &from, 255);
}

}  // namespace stackyard
