// core/wire/link/arp.h - Address Resolution Protocol for IPv4 over Ethernet (RFC 826).
#pragma once

#include <string>

#include "core/base/address.h"
#include "core/wire/drops.h"

namespace stackyard {

struct ArpHeader {
  be16 hardware = 1;       // Ethernet
  be16 protocol = 0x0800;  // IPv4
  uint8_t hardware_size = 6;
  uint8_t protocol_size = 4;
  be16 operation;
  MacAddress sender_mac;
  be32 sender_ip;
  MacAddress target_mac;
  be32 target_ip;
};
static_assert(sizeof(ArpHeader) == 28 && alignof(ArpHeader) == 1);

namespace arp_operation {
constexpr uint16_t request = 1, reply = 2;
}

// Octets after the header are link padding.
Parsed<ArpHeader> parse_arp(Bytes octets);
// "Request who-has 10.0.0.2 tell 10.0.0.1"
std::string describe(const ArpHeader& arp);

}  // namespace stackyard
