#include "core/dissect/dissect.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/wire/link/arp.h"
#include "core/wire/link/bpdu.h"
#include "core/wire/link/ethernet.h"
#include "core/wire/net/icmp.h"
#include "core/wire/net/icmpv6.h"
#include "core/wire/net/igmp.h"
#include "core/wire/net/ipv4.h"
#include "core/wire/transport/tcp.h"
#include "core/wire/transport/udp.h"

namespace stackyard {

namespace {

std::string udp_line(const Ipv4Header& ip, Bytes payload) {
  if (payload.size() < sizeof(UdpHeader))
    return text("{} > {}: [|udp]", to_text(ip.source_address()), to_text(ip.dest_address()));
  const auto udp = load<UdpHeader>(payload);
  return text("{}.{} > {}.{}: UDP, length {}", to_text(ip.source_address()),
              uint16_t(udp.source_port), to_text(ip.dest_address()), uint16_t(udp.dest_port),
              std::max<int>(udp.length, 8) - 8);
}

// tcpdump's, with sequence numbers as they are (-S).
std::string tcp_line(const std::string& source, const std::string& dest, Bytes payload) {
  if (payload.size() < sizeof(TcpHeader)) return text("{} > {}: [|tcp]", source, dest);
  const auto tcp = load<TcpHeader>(payload);
  const size_t size = tcp.header_size();
  std::string line = text("{}.{} > {}.{}: Flags {}", source, uint16_t(tcp.source_port), dest,
                          uint16_t(tcp.dest_port), tcp_flags_text(tcp.flags));
  if (size < sizeof(TcpHeader) || size > payload.size())
    return line + text(" [bad hdr length {} - too {}, {} {}]", size,
                       size > payload.size() ? "long" : "short", size > payload.size() ? ">" : "<",
                       size > payload.size() ? payload.size() : sizeof(TcpHeader));
  const uint32_t length = uint32_t(payload.size() - size);
  const uint32_t first = tcp.sequence;
  if (length > 0)
    line += text(", seq {}:{}", first, first + length);
  else if (tcp.flags & (tcp_flag::syn | tcp_flag::fin | tcp_flag::rst))
    line += text(", seq {}", first);
  if (tcp.flags & tcp_flag::ack) line += text(", ack {}", uint32_t(tcp.acknowledgment));
  line += text(", win {}", uint16_t(tcp.window));
  if (tcp.flags & tcp_flag::urg) line += text(", urg {}", uint16_t(tcp.urgent));
  if (size > sizeof(TcpHeader))
    line += text(", options [{}]",
                 tcp_options_text(payload.subspan(sizeof(TcpHeader), size - sizeof(TcpHeader))));
  return line + text(", length {}", length);
}

std::string transport_line(const Ipv4Header& ip, Bytes payload) {
  const std::string ends =
      text("{} > {}: ", to_text(ip.source_address()), to_text(ip.dest_address()));
  if (ip.fragment_offset() > 0) return ends + text("{}", ip_protocol_name(ip.protocol));
  switch (ip.protocol) {
    case ip_protocol::icmp:
      return ends + text("ICMP {}, length {}", describe_icmp(payload), payload.size());
    case ip_protocol::igmp: {
      const auto igmp = parse_igmp(payload);
      return ends + (igmp ? describe(*igmp) : text("igmp [{}]", igmp.why().name));
    }
    case ip_protocol::udp:
      return udp_line(ip, payload);
    case ip_protocol::tcp:
      return tcp_line(to_text(ip.source_address()), to_text(ip.dest_address()), payload);
    default:
      return ends + text("{} {}", ip_protocol_name(ip.protocol), payload.size());
  }
}

}  // namespace

namespace {

std::string one_line_ip6(Bytes packet, DissectOptions options) {
  if (packet.size() < sizeof(Ipv6Header)) return "IP6 [|ip6]";
  const auto ip = load<Ipv6Header>(packet);
  const size_t whole = std::min(sizeof ip + size_t(ip.payload_length), packet.size());
  const Ipv6Chain chain = walk_ipv6_chain(packet.first(whole));
  const std::string source = to_text(ip.source), dest = to_text(ip.dest);
  const std::string ends = text("{} > {}: ", source, dest);
  const Bytes payload = packet.first(whole).subspan(std::min(chain.offset, whole));
  std::string words = ends;
  if (ip.next_header == ipv6_next::hop_by_hop) words += "HBH ";
  if (chain.fragment) words += text("frag ({}|{}) ", chain.fragment->offset(), payload.size());
  const bool later = chain.fragment && chain.fragment->offset() > 0;
  if (!chain.complete) {
    words += "[|" + ipv6_next_name(chain.protocol) + "]";
  } else if (later || chain.protocol == ipv6_next::none) {
    words += ipv6_next_name(chain.protocol);
  } else if (chain.protocol == ip_protocol::icmpv6) {
    words += text("ICMP6, {}, length {}", describe_icmpv6(payload), payload.size());
  } else if (chain.protocol == ip_protocol::udp && payload.size() >= sizeof(UdpHeader) &&
             words == ends) {
    const auto udp = load<UdpHeader>(payload);
    words = text("{}.{} > {}.{}: UDP, length {}", source, uint16_t(udp.source_port), dest,
                 uint16_t(udp.dest_port), std::max<int>(udp.length, 8) - 8);
  } else if (chain.protocol == ip_protocol::tcp && words == ends) {
    words = tcp_line(source, dest, payload);
  } else {
    words += text("{} {}", ipv6_next_name(chain.protocol), payload.size());
  }
  return options.verbose ? text("IP6 ({}) {}", describe(ip), words) : "IP6 " + words;
}

}  // namespace

std::string one_line_ip(Bytes packet, DissectOptions options) {
  if (!packet.empty() && packet[0] >> 4 == 6) return one_line_ip6(packet, options);
  if (packet.size() < sizeof(Ipv4Header)) return "IP [|ip]";
  const auto ip = load<Ipv4Header>(packet);
  const size_t header_size = ip.header_size();
  if (ip.version_length >> 4 != 4) return text("IP{} [unknown]", ip.version_length >> 4);
  if (header_size < sizeof(Ipv4Header) || header_size > packet.size())
    return text("IP bad-hlen {}", header_size);
  const size_t whole = std::min<size_t>(ip.total_length, packet.size());
  if (whole < header_size) return text("IP bad-len {}", uint16_t(ip.total_length));
  const Bytes payload = packet.first(whole).subspan(header_size);
  std::string fragment;
  if (ip.is_fragment())
    fragment = text(" (frag {}:{}@{}{})", uint16_t(ip.id), payload.size(), ip.fragment_offset(),
                    ip.more_fragments() ? "+" : "");
  if (options.verbose)
    return text("IP ({})\n    {}{}", describe(ip), transport_line(ip, payload), fragment);
  return "IP " + transport_line(ip, payload) + fragment;
}

std::string one_line(Bytes frame, DissectOptions options) {
  const auto ethernet = parse_ethernet(frame);
  if (!ethernet) return text("[{}] length {}", ethernet.why().name, frame.size());
  std::string line;
  if (options.link_header) {
    const std::string dest = ethernet->dest.is_broadcast() ? "Broadcast" : to_text(ethernet->dest);
    line = text("{} > {}, ", to_text(ethernet->source), dest);
    if (ethernet->llc)
      line += text("802.3, length {}: LLC, dsap 0x{:02x}, ssap 0x{:02x}, ", frame.size() - 14,
                   ethernet->dsap, ethernet->ssap);
    else
      line +=
          text("ethertype {}, length {}: ",
               ether_type_text(ethernet->tagged ? ether_type::vlan : ethernet->type), frame.size());
    if (ethernet->tagged)
      line += text("vlan {}, p {}, ethertype {}, ", ethernet->vlan, ethernet->priority,
                   ether_type_text(ethernet->type));
  }
  switch (ethernet->type) {
    case ether_type::ipv4:
    case ether_type::ipv6:
      return line + one_line_ip(ethernet->payload, options);
    case ether_type::arp: {
      const auto arp = parse_arp(ethernet->payload);
      return line + (arp ? text("ARP, {}, length {}", describe(*arp), ethernet->payload.size())
                         : text("ARP [{}]", arp.why().name));
    }
    default:
      if (const auto bpdu = parse_bpdu_frame(frame))
        return line + text("{}, length {}", describe(*bpdu), ethernet->payload.size());
      return line + text("{}, length {}", ether_type_text(ethernet->type), frame.size());
  }
}

namespace {

// Collects one layer's fields; offsets are those of the frame.
class LayerBuilder {
 public:
  LayerBuilder(std::vector<DissectedLayer>& all, std::string name, size_t offset, size_t length)
      : all_(all), layer_{std::move(name), offset, length, {}} {}
  ~LayerBuilder() { all_.push_back(std::move(layer_)); }
  LayerBuilder(const LayerBuilder&) = delete;
  void field(std::string name, std::string value, size_t at, size_t length) {
    layer_.fields.push_back({std::move(name), std::move(value), layer_.offset + at, length});
  }

 private:
  std::vector<DissectedLayer>& all_;
  DissectedLayer layer_;
};

void arp_layer(std::vector<DissectedLayer>& all, Bytes octets, size_t offset) {
  const auto arp = parse_arp(octets);
  if (!arp) return;
  LayerBuilder layer(all, "Address Resolution Protocol", offset, sizeof(ArpHeader));
  layer.field("Opcode", text("{}", uint16_t(arp->operation)), 6, 2);
  layer.field("Sender MAC address", to_text(arp->sender_mac), 8, 6);
  layer.field("Sender IP address", to_text(Ipv4Address{arp->sender_ip}), 14, 4);
  layer.field("Target MAC address", to_text(arp->target_mac), 18, 6);
  layer.field("Target IP address", to_text(Ipv4Address{arp->target_ip}), 24, 4);
}

void bpdu_layer(std::vector<DissectedLayer>& all, Bytes frame, size_t offset) {
  const auto bpdu = parse_bpdu_frame(frame);
  if (!bpdu) return;
  const bool notice = bpdu->kind == BpduKind::topology_change;
  const size_t size = emit_bpdu(*bpdu).size();
  LayerBuilder layer(all, "Spanning Tree Protocol", offset, size);
  layer.field("Summary", describe(*bpdu), 0, size);
  if (notice) return;
  const auto id = [](const BridgeId& b) { return text("{} / {}", b.priority, to_text(b.mac)); };
  layer.field("Root Identifier", id(bpdu->root), 5, 8);
  layer.field("Root Path Cost", text("{}", bpdu->root_cost), 13, 4);
  layer.field("Bridge Identifier", id(bpdu->bridge), 17, 8);
  layer.field("Port Identifier", text("0x{:04x}", bpdu->port), 25, 2);
  const std::pair<const char*, SimTime> times[] = {{"Message Age", bpdu->message_age},
                                                   {"Max Age", bpdu->max_age},
                                                   {"Hello Time", bpdu->hello_time},
                                                   {"Forward Delay", bpdu->forward_delay}};
  size_t at = 27;
  for (const auto& [name, time] : times) {
    layer.field(name, text("{} ms", time.ms()), at, 2);
    at += 2;
  }
}

void tcp_layer(std::vector<DissectedLayer>& all, Bytes payload, size_t offset) {
  const auto tcp = load<TcpHeader>(payload);
  const size_t size = std::min(std::max(tcp.header_size(), sizeof tcp), payload.size());
  LayerBuilder layer(all, "Transmission Control Protocol", offset, size);
  layer.field("Source Port", text("{}", uint16_t(tcp.source_port)), 0, 2);
  layer.field("Destination Port", text("{}", uint16_t(tcp.dest_port)), 2, 2);
  layer.field("Sequence Number", text("{}", uint32_t(tcp.sequence)), 4, 4);
  layer.field("Acknowledgment Number", text("{}", uint32_t(tcp.acknowledgment)), 8, 4);
  layer.field("Header Length", text("{} bytes", tcp.header_size()), 12, 1);
  layer.field("Flags", tcp_flags_text(tcp.flags), 13, 1);
  layer.field("Window", text("{}", uint16_t(tcp.window)), 14, 2);
  layer.field("Checksum", text("0x{:04x}", uint16_t(tcp.checksum)), 16, 2);
  layer.field("Urgent Pointer", text("{}", uint16_t(tcp.urgent)), 18, 2);
  if (size > sizeof tcp)
    layer.field("Options", tcp_options_text(payload.first(size).subspan(sizeof tcp)), sizeof tcp,
                size - sizeof tcp);
}

void transport_layer(std::vector<DissectedLayer>& all, const Ipv4Header& ip, Bytes payload,
                     size_t offset) {
  if (ip.fragment_offset() > 0) return;
  if (ip.protocol == ip_protocol::udp && payload.size() >= sizeof(UdpHeader)) {
    const auto udp = load<UdpHeader>(payload);
    LayerBuilder layer(all, "User Datagram Protocol", offset, sizeof(UdpHeader));
    layer.field("Source Port", text("{}", uint16_t(udp.source_port)), 0, 2);
    layer.field("Destination Port", text("{}", uint16_t(udp.dest_port)), 2, 2);
    layer.field("Length", text("{}", uint16_t(udp.length)), 4, 2);
    layer.field("Checksum", text("0x{:04x}", uint16_t(udp.checksum)), 6, 2);
  } else if (ip.protocol == ip_protocol::tcp && payload.size() >= sizeof(TcpHeader)) {
    tcp_layer(all, payload, offset);
  } else if (ip.protocol == ip_protocol::icmp && payload.size() >= sizeof(IcmpHeader)) {
    const auto icmp = load<IcmpHeader>(payload);
    LayerBuilder layer(all, "Internet Control Message Protocol", offset, payload.size());
    layer.field("Type", text("{} ({})", icmp.type, describe_icmp(payload)), 0, 1);
    layer.field("Code", text("{}", icmp.code), 1, 1);
    layer.field("Checksum", text("0x{:04x}", uint16_t(icmp.checksum)), 2, 2);
    layer.field("Rest", text("0x{:08x}", uint32_t(icmp.rest)), 4, 4);
  } else if (ip.protocol == ip_protocol::igmp) {
    const auto igmp = parse_igmp(payload);
    LayerBuilder layer(all, "Internet Group Management Protocol", offset, payload.size());
    if (igmp) layer.field("Message", describe(*igmp), 0, payload.size());
  }
}

void ipv4_layers(std::vector<DissectedLayer>& all, Bytes octets, size_t offset) {
  const auto ip = parse_ipv4_header(octets);
  if (!ip) return;
  const size_t size = ip->header_size();
  {
    LayerBuilder layer(all, "Internet Protocol Version 4", offset, size);
    layer.field("Version", "4", 0, 1);
    layer.field("Header Length", text("{} bytes", size), 0, 1);
    layer.field("Type of Service", text("0x{:02x}", ip->tos), 1, 1);
    layer.field("Total Length", text("{}", uint16_t(ip->total_length)), 2, 2);
    layer.field("Identification", text("0x{:04x}", uint16_t(ip->id)), 4, 2);
    layer.field("Flags", text("0x{:x}", ip->fragment >> 13), 6, 1);
    layer.field("Fragment Offset", text("{}", ip->fragment_offset()), 6, 2);
    layer.field("Time to Live", text("{}", ip->ttl), 8, 1);
    layer.field("Protocol", text("{} ({})", ip_protocol_name(ip->protocol), ip->protocol), 9, 1);
    layer.field("Header Checksum", text("0x{:04x}", uint16_t(ip->checksum)), 10, 2);
    layer.field("Source Address", to_text(ip->source_address()), 12, 4);
    layer.field("Destination Address", to_text(ip->dest_address()), 16, 4);
    if (size > 20) layer.field("Options", text("{} bytes", size - 20), 20, size - 20);
  }
  transport_layer(all, *ip, octets.first(ip->total_length).subspan(size), offset + size);
}

constexpr uint8_t extension_types[] = {ipv6_next::hop_by_hop, ipv6_next::routing,
                                       ipv6_next::fragment, ipv6_next::dest_options};

void ipv6_layers(std::vector<DissectedLayer>& all, Bytes octets, size_t offset) {
  const auto ip = parse_ipv6_header(octets, octets.size());
  if (!ip) return;
  {
    LayerBuilder layer(all, "Internet Protocol Version 6", offset, sizeof *ip);
    layer.field("Version", "6", 0, 1);
    layer.field("Traffic Class", text("0x{:02x}", ip->traffic_class()), 0, 2);
    layer.field("Flow Label", text("0x{:05x}", ip->flow_label()), 1, 3);
    layer.field("Payload Length", text("{}", uint16_t(ip->payload_length)), 4, 2);
    layer.field("Next Header", text("{} ({})", ipv6_next_name(ip->next_header), ip->next_header), 6,
                1);
    layer.field("Hop Limit", text("{}", ip->hop_limit), 7, 1);
    layer.field("Source Address", to_text(ip->source), 8, 16);
    layer.field("Destination Address", to_text(ip->dest), 24, 16);
  }
  const Bytes packet = octets.first(sizeof *ip + ip->payload_length);
  const Ipv6Chain chain = walk_ipv6_chain(packet);
  size_t at = sizeof *ip;
  for (uint8_t type = ip->next_header; at < chain.offset;) {
    if (std::find(std::begin(extension_types), std::end(extension_types), type) ==
        std::end(extension_types))
      break;
    const auto header = load<Ipv6Extension>(packet.subspan(at));
    const size_t size = type == ipv6_next::fragment ? 8 : header.size();
    LayerBuilder layer(all, "IPv6 " + ipv6_next_name(type) + " Header", offset + at, size);
    layer.field("Next Header", ipv6_next_name(header.next_header), 0, 1);
    if (type == ipv6_next::fragment) {
      const auto fragment = load<Ipv6FragmentHeader>(packet.subspan(at));
      layer.field("Offset", text("{}", fragment.offset()), 2, 2);
      layer.field("More Fragments", fragment.more() ? "yes" : "no", 3, 1);
      layer.field("Identification", text("0x{:08x}", uint32_t(fragment.id)), 4, 4);
    }
    type = header.next_header;
    at += size;
  }
  const Bytes payload = packet.subspan(std::min(chain.offset, packet.size()));
  if (!chain.complete || (chain.fragment && chain.fragment->offset() > 0)) return;
  if (chain.protocol == ip_protocol::icmpv6 && payload.size() >= sizeof(Icmpv6Header)) {
    const auto icmp = load<Icmpv6Header>(payload);
    LayerBuilder layer(all, "Internet Control Message Protocol v6", offset + chain.offset,
                       payload.size());
    layer.field("Type", text("{} ({})", icmp.type, describe_icmpv6(payload)), 0, 1);
    layer.field("Code", text("{}", icmp.code), 1, 1);
    layer.field("Checksum", text("0x{:04x}", uint16_t(icmp.checksum)), 2, 2);
    return;
  }
  // Transports look the same above both.
  Ipv4Header as_v4;
  as_v4.protocol = chain.protocol;
  transport_layer(all, as_v4, payload, offset + chain.offset);
}

}  // namespace

std::vector<DissectedLayer> layers(Bytes frame) {
  std::vector<DissectedLayer> all;
  const auto ethernet = parse_ethernet(frame);
  if (!ethernet) return all;
  {
    LayerBuilder layer(all, ethernet->llc ? "IEEE 802.3 Ethernet" : "Ethernet II", 0,
                       ethernet->header_size);
    layer.field("Destination", to_text(ethernet->dest), 0, 6);
    layer.field("Source", to_text(ethernet->source), 6, 6);
    if (ethernet->tagged) layer.field("VLAN ID", text("{}", ethernet->vlan), 14, 2);
    layer.field("Type", ether_type_text(ethernet->type), ethernet->header_size - 2, 2);
  }
  if (ethernet->llc) bpdu_layer(all, frame, ethernet->header_size);
  if (ethernet->type == ether_type::arp) arp_layer(all, ethernet->payload, ethernet->header_size);
  if (ethernet->type == ether_type::ipv4)
    ipv4_layers(all, ethernet->payload, ethernet->header_size);
  if (ethernet->type == ether_type::ipv6)
    ipv6_layers(all, ethernet->payload, ethernet->header_size);
  return all;
}

std::string hex_dump(Bytes octets, bool with_text) {
  std::string dump;
  for (size_t at = 0; at < octets.size(); at += 16) {
    const Bytes row = octets.subspan(at, std::min<size_t>(16, octets.size() - at));
    std::string hex, letters;
    for (size_t i = 0; i < row.size(); ++i) {
      hex += text("{}{:02x}", i % 2 == 0 ? " " : "", row[i]);
      letters += row[i] >= 0x20 && row[i] < 0x7f ? char(row[i]) : '.';
    }
    dump += text("\t0x{:04x}: {:<40}", at, hex);
    if (with_text) dump += "  " + letters;
    while (dump.back() == ' ') dump.pop_back();
    dump += '\n';
  }
  return dump;
}

}  // namespace stackyard
