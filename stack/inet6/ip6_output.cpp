// stack/inet6/ip6_output.cpp - from a protocol's payload to the link, fragments included.
#include <algorithm>

#include "core/offload/checksum_offload.h"
#include "stack/inet6/drops.h"
#include "stack/inet6/inet6.h"
#include "stack/ip/flow_hash.h"

namespace stackyard {

namespace {

// RFC 8200 s4.5: hop-by-hop options and what is up to a routing header are in each fragment, what
// is for the end only is not. The octets of it, and where its last next-header field is.
std::pair<size_t, size_t> unfragmentable_part(Bytes packet) {
  std::pair<size_t, size_t> part{sizeof(Ipv6Header), 6};
  uint8_t type = packet[6];
  size_t at = sizeof(Ipv6Header);
  while (type == ipv6_next::hop_by_hop || type == ipv6_next::dest_options ||
         type == ipv6_next::routing) {
    const auto header = load<Ipv6Extension>(packet.subspan(at));
    if (type != ipv6_next::dest_options) part = {at + header.size(), at};
    type = header.next_header;
    at += header.size();
  }
  return part;
}

}  // namespace

Result<Inet6::Destination> Inet6::group_destination(const IpSend& send) {
  const Ipv6Address dest = send.dest.v6();
  Ifnet* interface = send.interface;
  if (!interface && dest.zone()) interface = net_.by_index(dest.zone());
  if (!interface && dest.has_zone()) interface = net_.resolve(default_interface_);
  if (!interface) {
    const Route6* route = routes(send.fib).lookup(dest);
    if (route) interface = route->interface;
  }
  if (!interface) return Errno::ehostunreach;
  return Destination{interface, dest.with_zone(interface->index()), nullptr};
}

// Ports count where they stand right behind the header; of others the flow label says it (RFC
// 6438).
uint32_t Inet6::flow_of(Bytes packet, const Ipv6Header& header) const {
  const uint64_t seed = ip_.flow_seed() + (header.version_class_flow & 0xfffff);
  return flow_hash(seed, header.source, header.dest, header.next_header,
                   packet.subspan(std::min(packet.size(), sizeof header)));
}

Result<Inet6::Destination> Inet6::destination(const IpSend& send, Bytes payload) {
  const Ipv6Address dest = send.dest.v6();
  if (dest.is_multicast()) return group_destination(send);
  // RFC 3542 s6.5: by a neighbour that the program names.
  if (send.next_hop.is_v6() && !send.next_hop.is_any()) {
    const Ipv6Address hop = send.next_hop.v6();
    Route6* towards = routes(send.fib).lookup(hop);
    if (!towards || towards->has(route_flag::gateway)) return Errno::ehostunreach;
    if (send.interface && towards->interface != send.interface) return Errno::ehostunreach;
    return Destination{towards->interface, hop, nullptr};
  }
  Ipv6Address to = dest;
  if (dest.is_link_local() && dest.zone() == 0 && send.interface)
    to = dest.with_zone(send.interface->index());
  if (to.is_link_local() && to.zone() == 0)
    if (const Ifnet* by_default = net_.resolve(default_interface_))
      to = dest.with_zone(by_default->index());
  Route6* route = routes(send.fib).lookup(to, [&] {
    return flow_hash(ip_.flow_seed() + send.flow_label, send.source, to, send.protocol, payload);
  });
  if (to.is_link_local() && to.zone() != 0 && !route) return Errno::ehostunreach;
  if (!route) return Errno::ehostunreach;
  if (route->has(route_flag::reject))
    return route->has(route_flag::host) ? Errno::ehostunreach : Errno::enetunreach;
  // IPV6_PKTINFO and IPV6_MULTICAST_IF's kin: by this interface, or not at all.
  if (send.interface && route->interface != send.interface && route->link != send.interface)
    return Errno::ehostunreach;
  if (send.dont_route && route->has(route_flag::gateway)) return Errno::enetunreach;
  return Destination{route->interface, route->next_hop(to), route};
}

Result<IpAddress> Inet6::source_for(const IpSend& send) {
  const Destination to = TRY(destination(send));
  if (to.route && to.route->has(route_flag::host) && is_local(to.next_hop))
    return IpAddress(to.next_hop);
  const Ifnet& outgoing = to.route && to.route->link ? *to.route->link : *to.interface;
  const Ipv6Address wanted = send.dest.v6().with_zone(outgoing.index());
  const Address* source = select_source(wanted, outgoing, send.temporary);
  if (!source) {
    ++counters.no_source;
    return Errno::eaddrnotavail;
  }
  return IpAddress(source->address);
}

// RFC 6437 s3: a number for each flow that nobody can guess, from its ends; none without ports.
uint32_t Inet6::flow_label(const Packet& packet, const IpSend& send,
                           const Ipv6Address& source) const {
  const bool ports = send.protocol == ip_protocol::tcp || send.protocol == ip_protocol::udp;
  if (!ports || !send.auto_flow_label || !settings().auto_flowlabel) return 0;
  const Bytes head = packet.front();
  if (head.size() < 4) return 0;
  std::array<uint8_t, 37> flow{};
  std::copy(source.octets.begin(), source.octets.end(), flow.begin());
  const Ipv6Address dest = send.dest.v6();
  std::copy(dest.octets.begin(), dest.octets.end(), flow.begin() + 16);
  std::copy_n(head.begin(), 4, flow.begin() + 32);
  flow[36] = send.protocol;
  const uint32_t label = uint32_t(siphash(flow_key_, flow)) & 0xfffff;
  return label ? label : 1;
}

void Inet6::build_header(Packet& packet, const IpSend& send, const Ipv6Address& source,
                         const Ifnet& outgoing) {
  const size_t options = send.options.size();
  const Link* link = link_if_there(outgoing);
  const bool group = send.dest.is_multicast();
  const uint8_t by_default = link && link->hop_limit ? link->hop_limit : uint8_t(settings().hlim);
  const uint32_t label = send.flow_label ? send.flow_label : flow_label(packet, send, source);
  const MutableBytes octets = packet.prepend(sizeof(Ipv6Header) + options);
  Ipv6Header header{.version_class_flow = Ipv6Header::first_word(send.tos, label),
                    .payload_length = uint16_t(packet.size() - sizeof(Ipv6Header)),
                    .next_header = options ? send.options_type : send.protocol,
                    .hop_limit = send.ttl ? send.ttl
                                 : group  ? uint8_t(1)
                                          : by_default,
                    .source = source.without_zone(),
                    .dest = send.dest.v6().without_zone()};
  store(header, octets);
  if (!options) return;
  std::copy(send.options.begin(), send.options.end(), octets.begin() + sizeof header);
  // The last of the extension headers leads to the payload.
  const MutableBytes chain = octets.subspan(sizeof header);
  size_t at = 0;
  while (at + (size_t(chain[at + 1]) + 1) * 8 < chain.size()) at += (size_t(chain[at + 1]) + 1) * 8;
  chain[at] = send.protocol;
}

Result<> Inet6::output(Packet packet, const IpSend& send) {
  packet.set_fib(send.fib);
  const Ipv6Address dest = send.dest.v6();
  Result<Destination> found = destination(send, packet.front());
  if (!found) {
    ++counters.no_route;
    note_miss(send.fib, dest);
    drop(packet, found.error() == Errno::ehostunreach ? drops6::no_route : drops6::reject_route,
         to_text(dest));
    return found.error();
  }
  Destination& to = *found;
  if (to.route) {
    ++to.route->uses;
    if (site_.decisions_wanted()) [[unlikely]]
      note_route(packet, dest, *to.route);
    if (to.route->has(route_flag::blackhole)) {
      drop(packet, drops6::blackhole_route, to_text(dest));
      return {};
    }
  }
  if (!enabled(*to.interface)) {
    drop(packet, drops6::disabled, to.interface->name());
    return Errno::enetdown;
  }
  Ipv6Address source = send.source.is_v6() ? send.source.v6() : Ipv6Address{};
  if (source.is_any() && !send.unspecified_source) source = TRY(source_for(send)).v6();
  // RFC 4007 s9: a link-local source leaves by its own link only.
  if (source.zone() && source.zone() != to.interface->index() &&
      !to.interface->has_flag(if_flag::loopback)) {
    ++counters.bad_scope;
    drop(packet, drops6::bad_scope);
    return Errno::ehostunreach;
  }
  if (packet.size() + send.options.size() > 65535) {
    drop(packet, drops6::too_big);
    return Errno::emsgsize;
  }
  build_header(packet, send, source, *to.interface);
  ++counters.sent;
  const uint8_t hop_limit = packet.front()[7];
  const bool loopback = to.interface->has_flag(if_flag::loopback);
  if (dest.is_multicast() && send.multicast_loop && !loopback &&
      mld_.member(*to.interface, to.next_hop)) {
    Packet copy = packet.clone();
    copy.set_link_cast(false, true);
    (void)net_.loop(std::move(copy), ether_type::ipv6, *to.interface);
  }
  if (dest.is_multicast() && (hop_limit == 0 || dest.scope() == 1) && !loopback) return {};
  const uint8_t flags = uint8_t((send.dont_fragment ? send_dont_fragment : 0) |
                                (send.minimum_mtu ? send_minimum_mtu : 0));
  if (net_.hooked(HookPoint::inet6_out)) [[unlikely]] {
    const HookVerdict verdict = pass_out(packet, to, nullptr, flags);
    if (!verdict.passed) return verdict.error == Errno::ok ? Result<>() : verdict.error;
  }
  return output_on(std::move(packet), to, flags);
}

Result<> Inet6::output_on(Packet packet, const Destination& to, uint8_t flags) {
  uint32_t mtu = to.route && to.route->mtu ? to.route->mtu : link_mtu(*to.interface);
  if (!path_mtus_.empty()) {
    const Ipv6Address dest = load<Ipv6Header>(packet.front()).dest;
    const uint32_t path = path_mtu(dest.with_zone(to.interface->index()));
    if (path) mtu = std::min(mtu, path);
  }
  if (flags & send_minimum_mtu) mtu = std::min(mtu, ipv6_mtu_least);
  if (packet.size() > mtu) {
    if (flags & send_dont_fragment) {
      ++counters.cant_fragment;
      drop(packet, drops6::too_big, to.interface->name());
      return Errno::emsgsize;
    }
    const auto [unfragmentable, next_at] = unfragmentable_part(packet.octets());
    return fragment(std::move(packet), to, mtu, unfragmentable, next_at);
  }
  const Result<> sent = hand_to_link(std::move(packet), to);
  if (!sent && packet) drop(packet, drops6::neighbour_limit, to_text(to.next_hop));
  return sent;
}

Result<> Inet6::hand_to_link(Packet&& packet, const Destination& to) {
  Ifnet& interface = *to.interface;
  // To an address of ours that has a zone: as if it had come from there, so that it has one again.
  if (interface.has_flag(if_flag::loopback) && to.next_hop.zone() &&
      to.next_hop.zone() != interface.index()) {
    if (Ifnet* own = net_.by_index(to.next_hop.zone())) {
      packet.set_link_cast(false, false);
      return net_.loop(std::move(packet), ether_type::ipv6, *own);
    }
  }
  if (!interface.has_link_addresses())
    return interface.output(std::move(packet), ether_type::ipv6, {});
  if (to.next_hop.is_multicast())
    return interface.output(std::move(packet), ether_type::ipv6, ethernet_group(to.next_hop));
  return neighbours_.output(std::move(packet), interface, to.next_hop, to.route);
}

// RFC 8200 s4.5. Fragments share the datagram's octets.
Result<> Inet6::fragment(Packet packet, const Destination& to, uint32_t mtu, size_t unfragmentable,
                         size_t next_at) {
  finish_checksum(packet);
  const Bytes whole = packet.octets();
  const size_t head = unfragmentable + sizeof(Ipv6FragmentHeader);
  if (mtu < head + 8) {
    ++counters.cant_fragment;
    drop(packet, drops6::too_big, to.interface->name());
    return Errno::emsgsize;
  }
  ++counters.fragmented;
  const uint32_t id = uint32_t(random_.next());  // RFC 7739: not to be guessed
  const size_t payload = whole.size() - unfragmentable;
  const size_t room = (mtu - head) / 8 * 8;
  Result<> result;
  for (size_t at = 0; at < payload; at += room) {
    const size_t size = std::min(room, payload - at);
    Packet piece = site_.make_packet(head);
    const MutableBytes octets = piece.writable_front();
    std::copy_n(whole.begin(), unfragmentable, octets.begin());
    const bool more = at + size < payload;
    store(Ipv6FragmentHeader{.next_header = whole[next_at],
                             .offset_and_flags = uint16_t(at | (more ? 1 : 0)),
                             .id = id},
          octets.subspan(unfragmentable));
    octets[next_at] = ipv6_next::fragment;
    store(be16(uint16_t(head - sizeof(Ipv6Header) + size)), octets.subspan(4));
    piece.share_tail(packet, unfragmentable + at, size);
    piece.set_cause(packet.id());
    piece.set_fib(packet.fib());
    ++counters.fragments_created;
    const Result<> sent = hand_to_link(std::move(piece), to);
    if (!sent) result = sent;
  }
  return result;
}

void Inet6::send_unreachable(Packet packet, Unreachable why) {
  switch (why) {
    case Unreachable::port:
      return icmp_.send_error(std::move(packet), icmpv6_type::unreachable,
                              icmpv6_code::port_unreachable);
    case Unreachable::prohibited:
      return icmp_.send_error(std::move(packet), icmpv6_type::unreachable, icmpv6_code::prohibited);
    case Unreachable::protocol:
      return icmp_.send_error(std::move(packet), icmpv6_type::parameter_problem,
                              icmpv6_code::unknown_next_header, 6);
  }
}

void Inet6::confirm_reachable(const IpAddress& address, int fib) {
  const Ipv6Address to = address.v6();
  const Route6* route = routes(fib).lookup(to);
  if (route) neighbours_.confirm(*route->interface, route->next_hop(to));
}

Result<> Inet6::set_group_filter(Ifnet& interface, const IpAddress& group, const void* socket,
                                 const SourceFilter* filter) {
  if (filter && !interface.has_flag(if_flag::multicast)) return Errno::eaddrnotavail;
  const Ipv6Address zoned = group.v6().with_zone(interface.index());
  return mld_.listener().set_filter(interface, zoned, socket, filter);
}

}  // namespace stackyard
