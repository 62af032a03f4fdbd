#include "core/wire/net/igmp.h"

#include "core/base/text.h"
#include "core/wire/checksum.h"

namespace stackyard {

namespace {

// RFC 3376 s4.1.1: above 127 the field is 1 | exponent (3) | mantissa (4).
uint32_t decode_tenths(uint8_t field) {
  if (field < 128) return field;
  return uint32_t((field & 15) | 16) << ((field >> 4 & 7) + 3);
}

bool parse_records(Bytes octets, size_t count, IgmpMessage& message) {
  for (size_t i = 0; i < count; ++i) {
    if (octets.size() < 8) return false;
    IgmpRecord record{.type = octets[0], .group = {load<be32>(octets.subspan(4))}, .sources = {}};
    const size_t sources = load<be16>(octets.subspan(2));
    const size_t size = 8 + sources * 4 + octets[1] * size_t(4);
    if (octets.size() < size) return false;
    for (size_t s = 0; s < sources; ++s)
      record.sources.push_back({load<be32>(octets.subspan(8 + s * 4))});
    message.records.push_back(std::move(record));
    octets = octets.subspan(size);
  }
  return true;
}

}  // namespace

Parsed<IgmpMessage> parse_igmp(Bytes octets) {
  if (octets.size() < sizeof(IgmpHeader)) return drops::truncated;
  if (internet_checksum(octets) != 0) return drops::bad_checksum;
  const auto header = load<IgmpHeader>(octets);
  IgmpMessage message{.type = header.type, .group = {header.group}, .sources = {}, .records = {}};
  if (header.type == igmp_type::query) {
    message.version = octets.size() >= 12 ? 3 : header.max_response == 0 ? 1 : 2;
    const uint32_t tenths =
        message.version == 3 ? decode_tenths(header.max_response) : header.max_response;
    message.max_response_ms = message.version == 1 ? 10'000 : tenths * 100;
    if (message.version == 3) {
      const size_t sources = load<be16>(octets.subspan(10));
      if (octets.size() < 12 + sources * 4) return drops::bad_length;
      for (size_t i = 0; i < sources; ++i)
        message.sources.push_back({load<be32>(octets.subspan(12 + i * 4))});
    }
  } else if (header.type == igmp_type::v3_report) {
    message.version = 3;
    message.group = {};
    if (!parse_records(octets.subspan(8), load<be16>(octets.subspan(6)), message))
      return drops::bad_length;
  }
  return message;
}

std::vector<uint8_t> emit_igmp(const IgmpMessage& message) {
  const auto put16 = [](std::vector<uint8_t>& to, size_t n) {
    to.push_back(uint8_t(n >> 8));
    to.push_back(uint8_t(n));
  };
  const auto put_address = [](std::vector<uint8_t>& to, Ipv4Address a) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(uint8_t(a.value >> shift));
  };
  std::vector<uint8_t> octets{message.type, uint8_t(message.max_response_ms / 100), 0, 0};
  if (message.type == igmp_type::v3_report) {
    octets[1] = 0;
    put16(octets, 0);
    put16(octets, message.records.size());
    for (const IgmpRecord& record : message.records) {
      octets.push_back(record.type);
      octets.push_back(0);
      put16(octets, record.sources.size());
      put_address(octets, record.group);
      for (Ipv4Address source : record.sources) put_address(octets, source);
    }
  } else {
    put_address(octets, message.group);
    if (message.type == igmp_type::query && message.version == 3) {
      octets.insert(octets.end(), {2, 125});  // robustness 2, query interval 125 s
      put16(octets, message.sources.size());
      for (Ipv4Address source : message.sources) put_address(octets, source);
    }
  }
  store(be16(internet_checksum(octets)), MutableBytes(octets).subspan(2));
  return octets;
}

std::string describe(const IgmpMessage& message) {
  const std::string group = to_text(message.group);
  switch (message.type) {
    case igmp_type::query:
      return text("igmp query v{}{}", message.version,
                  message.group.is_any() ? "" : text(" [gaddr {}]", group));
    case igmp_type::v1_report:
      return text("igmp v1 report {}", group);
    case igmp_type::v2_report:
      return text("igmp v2 report {}", group);
    case igmp_type::v2_leave:
      return text("igmp leave {}", group);
    case igmp_type::v3_report: {
      std::string all = text("igmp v3 report, {} group record(s)", message.records.size());
      constexpr const char* names[] = {"?", "is_in", "is_ex", "to_in", "to_ex", "allow", "block"};
      for (const IgmpRecord& record : message.records)
        all += text(" [gaddr {} {}, {} source(s)]", to_text(record.group),
                    names[record.type <= 6 ? record.type : 0], record.sources.size());
      return all;
    }
    default:
      return text("igmp-{}", message.type);
  }
}

}  // namespace stackyard
