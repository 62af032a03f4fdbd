#include "core/wire/link/arp.h"

#include "core/base/text.h"

namespace stackyard {

Parsed<ArpHeader> parse_arp(Bytes octets) {
  if (octets.size() < sizeof(ArpHeader)) return drops::truncated;
  const auto arp = load<ArpHeader>(octets);
  if (arp.hardware != 1 || arp.protocol != 0x0800) return drops::bad_field;
  if (arp.hardware_size != 6 || arp.protocol_size != 4) return drops::bad_length;
  return arp;
}

std::string describe(const ArpHeader& arp) {
  const std::string sender = to_text(Ipv4Address{arp.sender_ip});
  const std::string target = to_text(Ipv4Address{arp.target_ip});
  switch (arp.operation) {
    case arp_operation::request:
      if (arp.sender_ip == arp.target_ip) return text("Announcement {}", sender);
      if (arp.sender_ip == 0) return text("Probe {}", target);
      return text("Request who-has {} tell {}", target, sender);
    case arp_operation::reply:
      return text("Reply {} is-at {}", sender, to_text(arp.sender_mac));
    default:
      return text("Unknown operation {}", uint16_t(arp.operation));
  }
}

}  // namespace stackyard
