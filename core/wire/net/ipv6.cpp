#include "core/wire/net/ipv6.h"

#include "core/base/text.h"

namespace stackyard {

Parsed<Ipv6Header> parse_ipv6_header(Bytes octets, size_t packet_size) {
  if (octets.size() < sizeof(Ipv6Header)) return drops::truncated;
  const auto header = load<Ipv6Header>(octets);
  if (header.version() != 6) return drops::bad_version;
  if (sizeof(Ipv6Header) + header.payload_length > packet_size) return drops::bad_length;
  return header;
}

Ipv6Chain walk_ipv6_chain(Bytes packet) {
  Ipv6Chain chain;
  if (packet.size() < sizeof(Ipv6Header)) return chain;
  chain.protocol = load<Ipv6Header>(packet).next_header;
  chain.offset = sizeof(Ipv6Header);
  for (;;) {
    const Bytes rest = packet.subspan(chain.offset);
    const bool extension =
        chain.protocol == ipv6_next::hop_by_hop || chain.protocol == ipv6_next::routing ||
        chain.protocol == ipv6_next::dest_options || chain.protocol == ipv6_next::fragment ||
        chain.protocol == ipv6_next::auth;
    if (!extension) {
      chain.complete = true;
      return chain;
    }
    if (rest.size() < 8) return chain;
    const auto header = load<Ipv6Extension>(rest);
    size_t size = header.size();
    if (chain.protocol == ipv6_next::auth) size = (size_t(header.length) + 2) * 4;
    if (chain.protocol == ipv6_next::fragment) {
      size = sizeof(Ipv6FragmentHeader);
      chain.fragment = load<Ipv6FragmentHeader>(rest);
      chain.fragment_offset = chain.offset;
    }
    if (size > rest.size()) return chain;
    ++chain.headers;
    chain.protocol = header.next_header;
    chain.offset += size;
    if (chain.fragment && chain.fragment->offset() > 0) {  // no header follows, but its middle
      chain.complete = true;
      return chain;
    }
  }
}

std::string ipv6_next_name(uint8_t next_header) {
  switch (next_header) {
    case ipv6_next::hop_by_hop:
      return "Options";
    case ipv6_next::routing:
      return "Routing";
    case ipv6_next::fragment:
      return "Fragment";
    case ipv6_next::none:
      return "none";
    case ipv6_next::dest_options:
      return "Destination Options";
    case ip_protocol::icmpv6:
      return "ICMPv6";
    case ip_protocol::udp:
      return "UDP";
    case ip_protocol::tcp:
      return "TCP";
    default:
      return text("unknown {}", next_header);
  }
}

std::string describe(const Ipv6Header& ip) {
  std::string words;
  if (ip.traffic_class()) words += text("class 0x{:02x}, ", ip.traffic_class());
  if (ip.flow_label()) words += text("flowlabel 0x{:05x}, ", ip.flow_label());
  return words + text("hlim {}, next-header {} ({}) payload length: {}", ip.hop_limit,
                      ipv6_next_name(ip.next_header), ip.next_header, uint16_t(ip.payload_length));
}

}  // namespace stackyard
