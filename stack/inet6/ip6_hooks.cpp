// stack/inet6/ip6_hooks.cpp - what packet hooks do to a packet's way (pfil(9), ipfw's fwd).
#include "stack/inet6/drops.h"
#include "stack/inet6/inet6.h"

namespace stackyard {

void Inet6::show_arrival(Packet packet, Ifnet& from) {
  HookContext at;
  at.point = HookPoint::inet6_in;
  at.in = &from;
  if (pass_in(packet, at)) go_on(std::move(packet), from);
}

bool Inet6::pass_in(Packet& packet, HookContext& at) {
  at.site = HookSite::inet6;
  return forwarding_of(packet) || net_.hooks().run(packet, at).passed;
}

void Inet6::go_on(Packet packet, Ifnet& from) {
  const auto parsed = parse_ipv6_header(packet.front(), packet.size());
  if (!parsed) return drop(packet, parsed.why());
  const auto forwarding = forwarding_of(packet);
  if (!forwarding || is_local(forwarding->to.v6())) return enter(std::move(packet), *parsed, from);
  forward_towards(std::move(packet), forwarding->to.v6(), from);
}

Result<Inet6::Destination> Inet6::towards(const Ipv6Address& next_hop, const Packet& packet) {
  IpSend send;
  send.dest = next_hop;
  send.fib = packet.fib();
  return destination(send);
}

void Inet6::forward_towards(Packet packet, const Ipv6Address& next, Ifnet& from) {
  if (load<Ipv6Header>(packet.front()).hop_limit <= 1) {
    drop(packet, drops6::hop_limit);
    return icmp_.send_error(std::move(packet), icmpv6_type::time_exceeded,
                            icmpv6_code::hop_limit_in_transit);
  }
  clear_forwarding(packet);
  const Result<Destination> to = towards(next, packet);
  if (!to) {
    ++counters.not_forwardable;
    drop(packet, drops6::no_route, to_text(next));
    return icmp_.send_error(std::move(packet), icmpv6_type::unreachable, icmpv6_code::no_route);
  }
  forward_hooked(std::move(packet), *to, from);
}

HookVerdict Inet6::pass_out(Packet& packet, Destination& to, Ifnet* from, uint8_t flags) {
  HookContext at;
  at.point = HookPoint::inet6_out;
  at.in = from;
  at.out = to.interface;
  at.next_hop = to.next_hop;
  at.flags = flags;
  return pass_out(packet, to, at);
}

HookVerdict Inet6::pass_out(Packet& packet, Destination& to, HookContext& at) {
  at.site = HookSite::inet6;
  const Ipv6Address before = load<Ipv6Header>(packet.front()).dest;
  const HookVerdict verdict = net_.hooks().run(packet, at);
  if (!verdict.passed) return verdict;
  const Ipv6Address dest = load<Ipv6Header>(packet.front()).dest;
  const auto forwarding = forwarding_of(packet);
  if (!forwarding && dest == before) return verdict;
  const Ipv6Address next = forwarding ? forwarding->to.v6() : dest;
  Ifnet* lo = is_local(next) ? net_.find("lo0") : nullptr;
  if (lo) {
    if (!forwarding) set_forwarding(packet, {next, 0});
    (void)net_.loop(std::move(packet), ether_type::ipv6, *lo);
    return HookVerdict::took();
  }
  clear_forwarding(packet);
  const Result<Destination> found = towards(next, packet);
  if (!found) {
    ++counters.no_route;
    drop(packet, drops6::no_route, to_text(next));
    return HookVerdict::took(found.error());
  }
  to = *found;
  return verdict;
}

void Inet6::forward_hooked(Packet packet, Destination to, Ifnet& from) {
  --packet.writable_front()[7];
  if (!pass_out(packet, to, &from).passed) return;
  const uint32_t mtu = to.route && to.route->mtu ? to.route->mtu : link_mtu(*to.interface);
  if (packet.size() > mtu) {
    ++counters.cant_fragment;
    drop(packet, drops6::too_big, to.interface->name());
    return icmp_.send_error(std::move(packet), icmpv6_type::too_big, 0, mtu);
  }
  finish_forward(std::move(packet), to);
}

void Inet6::finish_forward(Packet packet, const Destination& to) {
  if (hand_to_link(std::move(packet), to))
    ++counters.forwarded;
  else
    not_forwarded(std::move(packet), to);
}

void Inet6::resume_packet(Packet packet, HookContext& at) {
  if (!at.outbound()) {
    if (pass_in(packet, at)) go_on(std::move(packet), *at.in);
    return;
  }
  Destination to{at.out, at.next_hop.v6(), nullptr};
  Route6* route = to.next_hop.is_multicast() ? nullptr : routes(packet.fib()).lookup(to.next_hop);
  if (route && route->interface == at.out) to.route = route;
  const uint8_t flags = at.flags;
  const bool forwarded = at.in != nullptr;
  if (!pass_out(packet, to, at).passed) return;
  if (forwarded) return finish_forward(std::move(packet), to);
  (void)output_on(std::move(packet), to, flags);
}

// --- what filters ask ----------------------------------------------------------------------------

void Inet6::send_icmp_error(Packet packet, uint8_t type, uint8_t code, uint32_t rest) {
  icmp_.send_error(std::move(packet), type, code, rest);
}

WayTo Inet6::way_to(const IpAddress& dest, int fib) {
  const auto match = routes(fib).match(dest.v6());
  if (!match) return {};
  const Route6& route = *match->route;
  return {.interface = route.link ? route.link : route.interface,
          .by_default = match->dest.length == 0,
          .refused = route.has(route_flag::reject | route_flag::blackhole),
          .direct = !route.has(route_flag::gateway),
          .gateway = route.has(route_flag::gateway) ? IpAddress(route.gateway)
                                                    : IpAddress::any(dest.family())};
}

}  // namespace stackyard
