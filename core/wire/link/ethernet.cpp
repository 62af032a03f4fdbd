#include "core/wire/link/ethernet.h"

#include "core/base/text.h"

namespace stackyard {

Parsed<EthernetFrame> parse_ethernet(Bytes frame) {
  if (frame.size() < sizeof(EthernetHeader)) return drops::truncated;
  const auto header = load<EthernetHeader>(frame);
  EthernetFrame parsed{
      .dest = header.dest, .source = header.source, .type = header.type, .payload = {}};
  if (parsed.type == ether_type::vlan) {
    if (frame.size() < parsed.header_size + sizeof(VlanTag)) return drops::truncated;
    const auto tag = load<VlanTag>(frame.subspan(parsed.header_size));
    parsed.tagged = true;
    parsed.vlan = tag.control & 0xfff;
    parsed.priority = uint8_t(tag.control >> 13);
    parsed.type = tag.type;
    parsed.header_size += sizeof(VlanTag);
  }
  parsed.payload = frame.subspan(parsed.header_size);
  if (parsed.type >= ether_type::smallest) return parsed;

  // 802.3: the field is a length and LLC (802.2) follows.
  const size_t length = parsed.type;
  if (length > 1500) return drops::bad_length;
  if (length > parsed.payload.size()) return drops::bad_length;
  if (length < 3) return drops::truncated;
  parsed.llc = true;
  parsed.payload = parsed.payload.first(length);
  parsed.dsap = parsed.payload[0];
  parsed.ssap = parsed.payload[1];
  parsed.control = parsed.payload[2];
  parsed.type = 0;
  const bool snap = parsed.dsap == 0xaa && parsed.ssap == 0xaa && parsed.control == 3;
  const size_t llc_size = snap ? 8 : 3;
  if (length < llc_size) return drops::truncated;
  if (snap) parsed.type = load<be16>(parsed.payload.subspan(6));
  parsed.payload = parsed.payload.subspan(llc_size);
  parsed.header_size += llc_size;
  return parsed;
}

std::string ether_type_text(uint16_t type) {
  const char* name = "Unknown";
  switch (type) {
    case ether_type::ipv4:
      name = "IPv4";
      break;
    case ether_type::arp:
      name = "ARP";
      break;
    case ether_type::vlan:
      name = "802.1Q";
      break;
    case ether_type::ipv6:
      name = "IPv6";
      break;
    case ether_type::qinq:
      name = "802.1Q-QinQ";
      break;
    default:
      break;
  }
  return text("{} (0x{:04x})", name, type);
}

}  // namespace stackyard
