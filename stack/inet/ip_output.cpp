// stack/inet/ip_output.cpp - from a protocol's payload to the link, fragments included.
#include <algorithm>

#include "core/offload/checksum_offload.h"
#include "stack/inet/drops.h"
#include "stack/inet/inet.h"
#include "stack/ip/flow_hash.h"

namespace stackyard {

// What a NIC's receive hash would be: of addresses, protocol and ports, and of the addresses alone
// where the ports are not in every packet of the flow (fragments).
uint32_t Inet::flow_of(Bytes packet, const Ipv4Header& header) const {
  const size_t at = header.header_size();
  const bool ports = !header.is_fragment() && packet.size() >= at + 4;
  return flow_hash(ip_.flow_seed(), header.source_address(), header.dest_address(), header.protocol,
                   ports ? packet.subspan(at) : Bytes());
}

Result<Inet::Destination> Inet::destination(const IpSend& send, Bytes payload) {
  const Ipv4Address dest = send.dest.v4();
  if (send.interface) return Destination{send.interface, dest, nullptr};
  if (send.dont_route) {
    Ifnet* link = is_local(dest) ? net_.find("lo0") : link_of(dest);
    if (!link) return Errno::enetunreach;
    return Destination{link, dest, routes(send.fib).lookup(dest)};
  }
  Route* route = routes(send.fib).lookup(
      dest, [&] { return flow_hash(ip_.flow_seed(), send.source, dest, send.protocol, payload); });
  if (!route) return Errno::ehostunreach;
  if (route->has(route_flag::reject))
    return route->has(route_flag::host) ? Errno::ehostunreach : Errno::enetunreach;
  // The limited broadcast stays on the link, whatever the route's gateway is.
  const Ipv4Address next_hop =
      dest.is_broadcast() || dest.is_multicast() ? dest : route->next_hop(dest);
  return Destination{route->interface, next_hop, route};
}

Result<IpAddress> Inet::source_for(const IpSend& send) {
  return IpAddress(TRY(source_of(TRY(destination(send)), send.dest.v4())));
}

Result<Ipv4Address> Inet::source_of(const Destination& to, Ipv4Address dest) const {
  if (to.route && to.route->has(route_flag::host) && is_local(dest)) return dest;
  const Ipv4Address source = to.route && !to.route->source.is_any()
                                 ? to.route->source
                                 : source_on(*to.interface, to.next_hop);
  if (source.is_any()) return Errno::eaddrnotavail;
  return source;
}

void Inet::build_header(Packet& packet, const IpSend& send, Ipv4Address source, Ipv4Address dest) {
  const size_t size = sizeof(Ipv4Header) + send.options.size();
  const MutableBytes octets = packet.prepend(size);
  Ipv4Header header{.version_length = uint8_t(0x40 | size / 4),
                    .tos = send.tos,
                    .total_length = uint16_t(packet.size()),
                    .ttl = send.ttl              ? send.ttl
                           : dest.is_multicast() ? uint8_t(1)
                                                 : uint8_t(settings().ttl),
                    .protocol = send.protocol,
                    .source = source.value,
                    .dest = dest.value};
  if (send.dont_fragment) header.fragment = ipv4_dont_fragment;
  // RFC 6864: the field means nothing where fragments are forbidden.
  if (!send.dont_fragment || !settings().rfc6864) header.id = next_id();
  store(header, octets);
  std::copy(send.options.begin(), send.options.end(), octets.begin() + sizeof header);
  finish_ipv4_header(octets);
}

Result<> Inet::output(Packet packet, const IpSend& send) {
  packet.set_fib(send.fib);
  const Ipv4Address dest = send.dest.v4();
  Result<Destination> found = destination(send, packet.front());
  if (!found) {
    ++counters.no_route;
    note_miss(send.fib, dest);
    drop(packet, found.error() == Errno::ehostunreach ? drops::no_route : drops::reject_route,
         to_text(dest));
    return found.error();
  }
  Destination& to = *found;
  if (to.route) {
    ++to.route->uses;
    if (site_.decisions_wanted()) [[unlikely]]
      note_route(packet, dest, *to.route);
    if (to.route->has(route_flag::blackhole)) {
      drop(packet, drops::blackhole_route, to_text(dest));
      return {};
    }
  }
  const bool multicast = dest.is_multicast();
  const bool broadcast = !multicast && is_broadcast_on(*to.interface, dest);
  if (broadcast && !send.allow_broadcast) {
    drop(packet, drops::broadcast_refused);
    return Errno::eacces;
  }
  if (send.header_included) {
    ++counters.raw_sent;
    const MutableBytes octets = packet.writable_front();
    auto header = load<Ipv4Header>(octets);
    header.total_length = uint16_t(packet.size());
    if (header.id == 0) header.id = next_id();
    if (header.source == 0) header.source = source_of(to, dest).value_or(Ipv4Address()).value;
    store(header, octets);
    finish_ipv4_header(octets);
  } else {
    if (packet.size() + sizeof(Ipv4Header) + send.options.size() > 65535) return Errno::emsgsize;
    Ipv4Address source = send.source.v4();
    if (source.is_any()) source = source_of(to, dest).value_or(Ipv4Address());
    // IP_ONESBCAST: a network's broadcast address finds the way, and this is on the wire.
    const bool ones = broadcast && send.ones_broadcast;
    build_header(packet, send, source, ones ? Ipv4Address{0xffffffff} : dest);
  }
  if (dest.is_loopback() && !to.interface->has_flag(if_flag::loopback)) {
    ++counters.bad_address;
    drop(packet, drops::bad_address);
    return Errno::eaddrnotavail;
  }
  ++counters.sent;
  const uint8_t ttl = load<Ipv4Header>(packet.front()).ttl;
  // What goes to a group that we are in comes back to ourselves, too.
  const bool hear_it = (multicast && send.multicast_loop && igmp_.member(*to.interface, dest)) ||
                       (broadcast && to.interface->has_flag(if_flag::simplex));
  if (hear_it && !to.interface->has_flag(if_flag::loopback)) {
    Packet copy = packet.clone();
    copy.set_link_cast(broadcast, multicast);
    (void)net_.loop(std::move(copy), ether_type::ipv4, *to.interface);
  }
  if (multicast && ttl == 0) return {};  // stays in this host
  if (net_.hooked(HookPoint::inet_out)) [[unlikely]] {
    const HookVerdict verdict = pass_out(packet, to, nullptr);
    if (!verdict.passed) return verdict.error == Errno::ok ? Result<>() : verdict.error;
  }
  const Result<> sent = output_on(std::move(packet), to, broadcast);
  if (!sent && packet) drop(packet, drops::arp_unresolved, to_text(to.next_hop));
  return sent;
}

Result<> Inet::output_on(Packet&& packet, const Destination& to, bool broadcast) {
  const uint32_t mtu = to.route && to.route->mtu ? to.route->mtu : to.interface->mtu();
  if (packet.size() <= mtu) [[likely]]
    return hand_to_link(std::move(packet), to, broadcast);
  if (broadcast || load<Ipv4Header>(packet.front()).dont_fragment()) {
    ++counters.cant_fragment;
    drop(packet, drops::need_fragment, to.interface->name());
    return Errno::emsgsize;
  }
  return fragment(std::move(packet), to, mtu, broadcast);
}

Result<> Inet::hand_to_link(Packet&& packet, const Destination& to, bool broadcast) {
  Ifnet& interface = *to.interface;
  if (!interface.has_link_addresses())
    return interface.output(std::move(packet), ether_type::ipv4, {});
  if (broadcast)
    return interface.output(std::move(packet), ether_type::ipv4, MacAddress::broadcast());
  if (to.next_hop.is_multicast())
    return interface.output(std::move(packet), ether_type::ipv4, ethernet_group(to.next_hop));
  if (to.route) return arp_.output(std::move(packet), interface, to.next_hop, *to.route);
  Route none;
  none.interface = &interface;
  return arp_.output(std::move(packet), interface, to.next_hop, none);
}

// RFC 791 s3.2. Fragments share the datagram's octets; the options that are not to be copied are
// only in the first.
Result<> Inet::fragment(Packet packet, const Destination& to, uint32_t mtu, bool broadcast) {
  finish_checksum(packet);
  const Bytes whole = packet.octets();
  const auto header = load<Ipv4Header>(whole);
  const size_t header_size = header.header_size();
  const Bytes first_header = whole.first(header_size);
  std::vector<uint8_t> later_header(first_header.begin(),
                                    first_header.begin() + sizeof(Ipv4Header));
  for_each_option(first_header, [&](const Ipv4Option& option) {
    if (!option.copied()) return;
    const Bytes octets = first_header.subspan(option.offset, option.length);
    later_header.insert(later_header.end(), octets.begin(), octets.end());
  });
  later_header.resize((later_header.size() + 3) / 4 * 4, ipv4_option::end);
  later_header[0] = uint8_t(0x40 | later_header.size() / 4);
  if (mtu < header_size + 8) {
    ++counters.cant_fragment;
    drop(packet, drops::need_fragment, to.interface->name());
    return Errno::emsgsize;
  }
  ++counters.fragmented;
  const size_t payload = whole.size() - header_size;
  Result<> result;
  for (size_t at = 0; at < payload;) {
    const Bytes own = at == 0 ? first_header : Bytes(later_header);
    const size_t room = (mtu - own.size()) / 8 * 8;
    const size_t size = std::min(room, payload - at);
    const bool more = at + size < payload || header.more_fragments();
    Packet piece = site_.make_packet(own.size());
    const MutableBytes octets = piece.writable_front();
    std::copy(own.begin(), own.end(), octets.begin());
    auto piece_header = load<Ipv4Header>(octets);
    piece_header.total_length = uint16_t(own.size() + size);
    piece_header.fragment =
        uint16_t((header.fragment_offset() + at) / 8 | (more ? ipv4_more_fragments : 0));
    store(piece_header, octets);
    finish_ipv4_header(octets);
    piece.share_tail(packet, header_size + at, size);
    piece.set_cause(packet.id());
    piece.set_fib(packet.fib());
    ++counters.fragments_created;
    const Result<> sent = hand_to_link(std::move(piece), to, broadcast);
    if (!sent) result = sent;
    at += size;
  }
  return result;
}

void Inet::send_unreachable(Packet packet, Unreachable why) {
  const uint8_t code = why == Unreachable::port       ? icmp_code::port_unreachable
                       : why == Unreachable::protocol ? icmp_code::protocol_unreachable
                                                      : icmp_code::admin_prohibited;
  icmp_.send_error(std::move(packet), icmp_type::unreachable, code);
}

Ifnet* Inet::interface_towards(const IpAddress& dest, int fib) {
  const Route* route = routes(fib).lookup(dest.v4());
  return route ? route->interface : nullptr;
}

uint32_t Inet::mtu_towards(const IpAddress& dest, int fib) {
  const Route* route = routes(fib).lookup(dest.v4());
  if (!route) return 0;
  const uint32_t by_route = route->mtu ? route->mtu : route->interface->mtu();
  const uint32_t by_path = path_mtu(dest);
  return by_path ? std::min(by_path, by_route) : by_route;
}

Result<> Inet::set_group_filter(Ifnet& interface, const IpAddress& group, const void* socket,
                                const SourceFilter* filter) {
  if (filter && !interface.has_flag(if_flag::multicast)) return Errno::eaddrnotavail;
  return igmp_.listener().set_filter(interface, group, socket, filter);
}

}  // namespace stackyard
