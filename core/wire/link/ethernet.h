// core/wire/link/ethernet.h - Ethernet II, 802.3 with LLC and SNAP, 802.1Q tags (IEEE 802.3,
// 802.1Q).
#pragma once

#include <string>

#include "core/base/address.h"
#include "core/wire/drops.h"

namespace stackyard {

struct EthernetHeader {
  MacAddress dest;
  MacAddress source;
  be16 type;  // above 0x5ff: an EtherType; up to 1500: a length, and LLC follows (802.3 s3.2.6)
};
static_assert(sizeof(EthernetHeader) == 14 && alignof(EthernetHeader) == 1);

struct VlanTag {
  be16 control;  // PCP (3), DEI (1), VID (12)
  be16 type;
};
static_assert(sizeof(VlanTag) == 4);

namespace ether_type {
constexpr uint16_t ipv4 = 0x0800, arp = 0x0806, vlan = 0x8100, ipv6 = 0x86dd, qinq = 0x88a8;
constexpr uint16_t smallest = 0x0600;
}  // namespace ether_type

// A frame taken apart: with one 802.1Q tag if it has one, and SNAP's EtherType if it is 802.3.
struct EthernetFrame {
  MacAddress dest, source;
  uint16_t type = 0;     // the payload's EtherType; 0: LLC other than SNAP
  uint16_t vlan = 0;     // VID, valid if tagged
  uint8_t priority = 0;  // PCP
  bool tagged = false;
  bool llc = false;  // 802.3: `length` was a length field
  uint8_t dsap = 0, ssap = 0, control = 0;
  size_t header_size = 14;  // octets before `payload`
  Bytes payload;            // 802.3 padding is cut off; Ethernet II keeps it
};

Parsed<EthernetFrame> parse_ethernet(Bytes frame);
std::string ether_type_text(uint16_t type);  // "ARP (0x0806)"

}  // namespace stackyard
