#include "stack/ipfw/detail/packet_view.h"

#include <algorithm>

#include "core/wire/transport/tcp.h"
#include "stack/ipfw/api/rule.h"

namespace stackyard::ipfw {

namespace {

constexpr uint8_t protocol_esp = 50, protocol_ah = 51, protocol_udplite = 136;

// The transport's first octets. RFC 1858, RFC 7112: a first fragment without them is not let
// through, for nobody could say what it is.
ViewProblem look_at_transport(Packet& packet, PacketView& view) {
  const size_t at = view.link_size + view.transport_at;
  const bool tcp = view.protocol == ip_protocol::tcp;
  const bool icmp = view.protocol == ip_protocol::icmp || view.protocol == ip_protocol::icmpv6;
  const bool ports = tcp || view.protocol == ip_protocol::udp ||
                     view.protocol == ip_protocol::sctp || view.protocol == protocol_udplite;
  if (!ports && !icmp) return ViewProblem::none;
  const size_t least = tcp ? sizeof(TcpHeader) : icmp ? 4 : 8;
  if (!packet.pull_up(at + least)) return ViewProblem::truncated;
  const uint8_t* const octets = packet.front().data() + at;
  view.transport = true;
  if (icmp) {
    view.icmp_type = octets[0];
    view.icmp_code = octets[1];
    return ViewProblem::none;
  }
  view.source_port = uint16_t(octets[0] << 8 | octets[1]);
  view.dest_port = uint16_t(octets[2] << 8 | octets[3]);
  if (!tcp) return ViewProblem::none;
  const auto header = load<TcpHeader>(packet.front().subspan(at));
  view.tcp_flags = header.flags;
  view.seq = header.sequence;
  view.ack = header.acknowledgment;
  view.tcp_window = header.window;
  view.tcp_size = uint32_t(header.offset_flags >> 4) * 4;
  return ViewProblem::none;
}

ViewProblem look_at_v4(Packet& packet, PacketView& view) {
  if (!packet.pull_up(view.link_size + sizeof(Ipv4Header))) return ViewProblem::truncated;
  const auto header = load<Ipv4Header>(packet.front().subspan(view.link_size));
  view.transport_at = uint32_t(header.header_size());
  if (header.version_length >> 4 != 4 || view.transport_at < sizeof header ||
      !packet.pull_up(view.link_size + view.transport_at))
    return ViewProblem::truncated;
  view.version = 4;
  view.protocol = header.protocol;
  view.ttl = header.ttl;
  view.tos = header.tos;
  view.id = header.id;
  view.length = header.total_length;
  view.source4 = header.source;
  view.dest4 = header.dest;
  const uint16_t fragment = header.fragment;
  view.fragment_offset = (fragment & 0x1fffu) * 8;
  view.more_fragments = fragment & ipv4_more_fragments;
  view.dont_fragment = fragment & ipv4_dont_fragment;
  view.reserved_bit = fragment & 0x8000;
  return view.fragment() ? ViewProblem::none : look_at_transport(packet, view);
}

// Walks the extension headers up to the transport, or to where a later fragment hides it.
ViewProblem look_at_v6(Packet& packet, const ViewOptions& options, PacketView& view) {
  if (!packet.pull_up(view.link_size + sizeof(Ipv6Header))) return ViewProblem::truncated;
  const auto header = load<Ipv6Header>(packet.front().subspan(view.link_size));
  if (header.version() != 6) return ViewProblem::truncated;
  const uint32_t first = header.version_class_flow;
  view.version = 6;
  view.ttl = header.hop_limit;
  view.tos = uint8_t(first >> 20);
  view.flow = first & 0xfffff;
  view.length = uint32_t(sizeof header + header.payload_length);
  view.source6 = header.source;
  view.dest6 = header.dest;
  uint8_t next = header.next_header;
  size_t at = sizeof header;
  for (;;) {
    const bool options_header = next == ipv6_next::hop_by_hop || next == ipv6_next::dest_options;
    const bool walks = options_header || next == ipv6_next::routing ||
                       next == ipv6_next::fragment || next == protocol_ah;
    if (!walks) break;
    if (!packet.pull_up(view.link_size + at + 8)) return ViewProblem::truncated;
    const uint8_t* const octets = packet.front().data() + view.link_size + at;
    size_t size = (size_t(octets[1]) + 1) * 8;
    if (next == ipv6_next::hop_by_hop) view.extensions |= ext6_bit::hop_options;
    if (next == ipv6_next::dest_options) view.extensions |= ext6_bit::dest_options;
    if (next == protocol_ah) {
      view.extensions |= ext6_bit::ah;
      size = (size_t(octets[1]) + 2) * 4;
    }
    if (next == ipv6_next::routing) {
      view.extensions |= ext6_bit::routing;
      if (octets[2] == 0) view.extensions |= ext6_bit::routing0;
      if (octets[2] == 2) view.extensions |= ext6_bit::routing2;
      if (octets[2] != 0 && octets[2] != 2 && octets[2] != 4 && options.deny_unknown_extensions)
        return ViewProblem::unknown_extension;
    }
    if (next == ipv6_next::fragment) {
      view.extensions |= ext6_bit::fragment;
      const uint16_t word = uint16_t(octets[2] << 8 | octets[3]);
      view.fragment_offset = word & 0xfff8;
      view.more_fragments = word & 1;
      size = 8;
      if (!view.fragment() && !view.more_fragments && !options.permit_lone_fragment)
        return ViewProblem::lone_fragment;
    }
    next = octets[0];
    at += size;
    if (view.fragment()) break;
    if (!packet.pull_up(view.link_size + at)) return ViewProblem::truncated;
  }
  if (next == protocol_esp) view.extensions |= ext6_bit::esp;
  view.protocol = next;
  view.transport_at = uint32_t(at);
  return view.fragment() ? ViewProblem::none : look_at_transport(packet, view);
}

}  // namespace

ViewProblem look_at(Packet& packet, bool ethernet, const ViewOptions& options, PacketView& view) {
  uint16_t type = 0;
  if (ethernet) {
    if (!packet.pull_up(sizeof(EthernetHeader))) return ViewProblem::truncated;
    view.link = load<EthernetHeader>(packet.front());
    view.link_size = sizeof(EthernetHeader);
    view.length = uint32_t(packet.size()) - view.link_size;
    type = view.link.type;
  } else {
    if (packet.front().empty()) return ViewProblem::truncated;
    type = packet.front()[0] >> 4 == 6 ? ether_type::ipv6 : ether_type::ipv4;
  }
  if (type == ether_type::ipv4) return look_at_v4(packet, view);
  if (type == ether_type::ipv6) return look_at_v6(packet, options, view);
  return ViewProblem::none;
}

uint8_t tcp_options_of(Packet& packet, const PacketView& view, uint16_t* mss) {
  if (mss) *mss = 0;
  if (view.protocol != ip_protocol::tcp || !view.transport) return 0;
  const size_t at = view.link_size + view.transport_at;
  if (view.tcp_size < sizeof(TcpHeader) || !packet.pull_up(at + view.tcp_size)) return 0;
  const Bytes octets =
      packet.front().subspan(at + sizeof(TcpHeader), view.tcp_size - sizeof(TcpHeader));
  uint8_t found = 0;
  for (size_t i = 0; i < octets.size();) {
    const uint8_t kind = octets[i];
    if (kind == 0) break;
    if (kind == 1) {
      ++i;
      continue;
    }
    if (i + 1 >= octets.size() || octets[i + 1] < 2 || i + octets[i + 1] > octets.size()) break;
    if (kind == 2) {
      found |= tcp_option_bit::mss;
      if (mss && octets[i + 1] == 4) *mss = uint16_t(octets[i + 2] << 8 | octets[i + 3]);
    }
    if (kind == 3) found |= tcp_option_bit::window;
    if (kind == 4 || kind == 5) found |= tcp_option_bit::sack;
    if (kind == 8) found |= tcp_option_bit::timestamps;
    if (kind >= 11 && kind <= 13) found |= tcp_option_bit::cc;
    i += octets[i + 1];
  }
  return found;
}

uint8_t ip_options_of(Packet& packet, const PacketView& view) {
  if (view.version != 4) return 0;
  uint8_t found = 0;
  const Bytes header = packet.front().subspan(view.link_size, view.transport_at);
  (void)for_each_option(header, [&](const Ipv4Option& option) {
    if (option.type == ipv4_option::loose_source_route) found |= ip_option_bit::lsrr;
    if (option.type == ipv4_option::strict_source_route) found |= ip_option_bit::ssrr;
    if (option.type == ipv4_option::record_route) found |= ip_option_bit::rr;
    if (option.type == ipv4_option::timestamp) found |= ip_option_bit::ts;
  });
  return found;
}

}  // namespace stackyard::ipfw
