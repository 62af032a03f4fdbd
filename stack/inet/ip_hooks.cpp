// stack/inet/ip_hooks.cpp - what packet hooks do to a packet's way (pfil(9), ipfw's fwd).
#include "core/offload/checksum_offload.h"
#include "stack/inet/drops.h"
#include "stack/inet/inet.h"

namespace stackyard {

void Inet::show_arrival(Packet packet, Ifnet& from) {
  HookContext at;
  at.point = HookPoint::inet_in;
  at.in = &from;
  if (pass_in(packet, at)) go_on(std::move(packet), from);
}

bool Inet::pass_in(Packet& packet, HookContext& at) {
  at.site = HookSite::inet;
  // It was on its way out when a hook sent it to this host: it has been seen.
  return forwarding_of(packet) || net_.hooks().run(packet, at).passed;
}

// A hook may have changed anything, its destination too; or it wants it to go elsewhere.
void Inet::go_on(Packet packet, Ifnet& from) {
  const auto parsed = parse_ipv4_header(packet.front(), packet.size());
  if (!parsed) return header_error(packet, parsed.why());
  const auto forwarding = forwarding_of(packet);
  if (!forwarding) return enter(std::move(packet), *parsed, from);
  // To an address of ours: the transport takes it for that address. Else to the next hop, whoever
  // the packet is for.
  if (is_local(forwarding->to.v4())) return deliver(std::move(packet), *parsed, from);
  forward_towards(std::move(packet), *parsed, forwarding->to.v4(), from);
}

void Inet::forward_towards(Packet packet, const Ipv4Header& header, Ipv4Address next, Ifnet& from) {
  if (header.ttl <= 1) {
    drop(packet, drops::ttl_exceeded);
    return icmp_.send_error(std::move(packet), icmp_type::time_exceeded, icmp_code::ttl_in_transit);
  }
  clear_forwarding(packet);
  const Result<Destination> to = towards(next, packet);
  if (!to) {
    ++counters.not_forwardable;
    drop(packet, drops::no_route, to_text(next));
    return icmp_.send_error(std::move(packet), icmp_type::unreachable, icmp_code::host_unreachable);
  }
  forward_hooked(std::move(packet), *to, from);
}

// The way to a neighbour, or to what a changed destination now is.
Result<Inet::Destination> Inet::towards(Ipv4Address next_hop, const Packet& packet) {
  IpSend send;
  send.dest = next_hop;
  send.fib = packet.fib();
  return destination(send);
}

HookVerdict Inet::pass_out(Packet& packet, Destination& to, Ifnet* from) {
  HookContext at;
  at.point = HookPoint::inet_out;
  at.in = from;
  at.out = to.interface;
  at.next_hop = to.next_hop;
  return pass_out(packet, to, at);
}

HookVerdict Inet::pass_out(Packet& packet, Destination& to, HookContext& at) {
  at.site = HookSite::inet;
  const Ipv4Address before = load<Ipv4Header>(packet.front()).dest_address();
  const HookVerdict verdict = net_.hooks().run(packet, at);
  if (!verdict.passed) return verdict;
  const Ipv4Address dest = load<Ipv4Header>(packet.front()).dest_address();
  const auto forwarding = forwarding_of(packet);
  if (!forwarding && dest == before) return verdict;
  const Ipv4Address next = forwarding ? forwarding->to.v4() : dest;
  // It is for ourselves now: in it comes, as from lo0.
  Ifnet* lo = is_local(next) ? net_.find("lo0") : nullptr;
  if (lo) {
    if (!forwarding) set_forwarding(packet, {next, 0});
    (void)net_.loop(std::move(packet), ether_type::ipv4, *lo);
    return HookVerdict::took();
  }
  clear_forwarding(packet);
  const Result<Destination> found = towards(next, packet);
  if (!found) {
    ++counters.no_route;
    drop(packet, drops::no_route, to_text(next));
    return HookVerdict::took(found.error());
  }
  to = *found;
  return verdict;
}

void Inet::forward_hooked(Packet packet, Destination to, Ifnet& from) {
  spend_hop(packet);
  if (!pass_out(packet, to, &from).passed) return;
  const auto header = load<Ipv4Header>(packet.front());
  const uint32_t mtu = to.route && to.route->mtu ? to.route->mtu : to.interface->mtu();
  if (header.total_length > mtu && header.dont_fragment()) {
    ++counters.cant_fragment;
    drop(packet, drops::need_fragment, to.interface->name());
    return icmp_.send_error(std::move(packet), icmp_type::unreachable, icmp_code::need_fragment,
                            mtu);
  }
  finish_forward(std::move(packet), to);
}

void Inet::finish_forward(Packet packet, const Destination& to) {
  if (output_on(std::move(packet), to, false))
    ++counters.forwarded;
  else
    not_forwarded(std::move(packet), to);
}

void Inet::resume_packet(Packet packet, HookContext& at) {
  if (!at.outbound()) {
    if (pass_in(packet, at)) go_on(std::move(packet), *at.in);
    return;
  }
  Destination to{at.out, at.next_hop.v4(), nullptr};
  Route* route = routes(packet.fib()).lookup(to.next_hop);
  if (route && route->interface == at.out) to.route = route;
  if (!pass_out(packet, to, at).passed) return;
  if (at.in) return finish_forward(std::move(packet), to);
  const Ipv4Address dest = load<Ipv4Header>(packet.front()).dest_address();
  const bool broadcast = !dest.is_multicast() && is_broadcast_on(*to.interface, dest);
  const Result<> sent = output_on(std::move(packet), to, broadcast);
  if (!sent && packet) drop(packet, drops::arp_unresolved, to_text(to.next_hop));
}

// --- what filters ask ----------------------------------------------------------------------------

void Inet::send_icmp_error(Packet packet, uint8_t type, uint8_t code, uint32_t rest) {
  icmp_.send_error(std::move(packet), type, code, rest);
}

WayTo Inet::way_to(const IpAddress& dest, int fib) {
  const auto match = routes(fib).match(dest.v4());
  if (!match) return {};
  const Route& route = *match->route;
  return {.interface = route.link ? route.link : route.interface,
          .by_default = match->dest.length == 0,
          .refused = route.has(route_flag::reject | route_flag::blackhole),
          .direct = !route.has(route_flag::gateway),
          .gateway = route.has(route_flag::gateway) ? IpAddress(route.gateway)
                                                    : IpAddress::any(dest.family())};
}

Packet Inet::reassemble(Packet packet) {
  const auto header = load<Ipv4Header>(packet.front());
  if (!header.is_fragment()) return packet;
  ++counters.fragments;
  finish_checksum(packet);
  packet = fragments_.add(std::move(packet), header);
  if (packet) finish_ipv4_header(packet.writable_front());
  return packet;
}

}  // namespace stackyard
