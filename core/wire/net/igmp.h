// core/wire/net/igmp.h - Internet Group Management Protocol (v1: RFC 1112, v2: 2236, v3: 3376).
#pragma once

#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/wire/drops.h"

namespace stackyard {

struct IgmpHeader {
  uint8_t type = 0;
  uint8_t max_response = 0;  // tenths of a second in a v2 query; v3: s4.1.1's floating point
  be16 checksum;
  be32 group;
};
static_assert(sizeof(IgmpHeader) == 8 && alignof(IgmpHeader) == 1);

namespace igmp_type {
constexpr uint8_t query = 0x11, v1_report = 0x12, v2_report = 0x16, v2_leave = 0x17,
                  v3_report = 0x22;
}
// Record types of RFC 3376 s4.2.12.
namespace igmp_record {
constexpr uint8_t is_include = 1, is_exclude = 2, to_include = 3, to_exclude = 4, allow = 5,
                  block = 6;
}

struct IgmpRecord {
  uint8_t type = 0;
  Ipv4Address group;
  std::vector<Ipv4Address> sources;
};

// A message of any version, its checksum verified.
struct IgmpMessage {
  uint8_t type = 0;
  uint8_t version = 2;           // of a query: by its length and max_response (RFC 3376 s7.1)
  uint32_t max_response_ms = 0;  // of a query
  Ipv4Address group;
  std::vector<Ipv4Address> sources;  // of a v3 query
  std::vector<IgmpRecord> records;   // of a v3 report
};

Parsed<IgmpMessage> parse_igmp(Bytes message);
std::vector<uint8_t> emit_igmp(const IgmpMessage& message);
std::string describe(const IgmpMessage& message);

}  // namespace stackyard
