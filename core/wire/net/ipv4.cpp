#include "core/wire/net/ipv4.h"

#include "core/base/text.h"
#include "core/wire/checksum.h"

namespace stackyard {

Parsed<Ipv4Header> parse_ipv4_header(Bytes octets, size_t packet_size) {
  if (octets.size() < sizeof(Ipv4Header)) return drops::truncated;
  const auto header = load<Ipv4Header>(octets);
  if (header.version_length >> 4 != 4) return drops::bad_version;
  const size_t header_size = header.header_size();
  if (header_size < sizeof(Ipv4Header)) return drops::bad_length;
  if (octets.size() < header_size) return drops::truncated;
  if (header.total_length < header_size || header.total_length > packet_size)
    return drops::bad_length;
  if (internet_checksum(octets.first(header_size)) != 0) return drops::bad_checksum;
  return header;
}

void finish_ipv4_header(MutableBytes octets) {
  auto header = load<Ipv4Header>(octets);
  header.checksum = 0;
  store(header, octets);
  header.checksum = internet_checksum(octets.first(header.header_size()));
  store(header, octets);
}

uint64_t ipv4_pseudo_sum(Ipv4Address source, Ipv4Address dest, uint8_t protocol, size_t length) {
  return uint64_t(source.value >> 16) + (source.value & 0xffff) + (dest.value >> 16) +
         (dest.value & 0xffff) + protocol + length;
}

std::string describe(const Ipv4Header& ip) {
  std::string flags;
  if (ip.dont_fragment()) flags += "DF";
  if (ip.more_fragments()) flags += flags.empty() ? "+" : ", +";
  if (flags.empty()) flags = "none";
  return text("tos 0x{:x}, ttl {}, id {}, offset {}, flags [{}], proto {} ({}), length {}", ip.tos,
              ip.ttl, uint16_t(ip.id), ip.fragment_offset(), flags, ip_protocol_name(ip.protocol),
              ip.protocol, uint16_t(ip.total_length));
}

std::string ip_protocol_name(uint8_t protocol) {
  switch (protocol) {
    case ip_protocol::icmp:
      return "ICMP";
    case ip_protocol::igmp:
      return "IGMP";
    case ip_protocol::tcp:
      return "TCP";
    case ip_protocol::udp:
      return "UDP";
    default:
      return text("protocol {}", protocol);
  }
}

}  // namespace stackyard
