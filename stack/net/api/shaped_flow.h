// stack/net/api/shaped_flow.h - what a traffic shaper tells packets apart by.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace stackyard {

// IPv4 addresses lie in the first four octets.
struct ShapedFlow {
  uint8_t family = 4;  // 4 or 6
  uint8_t protocol = 0;
  uint16_t source_port = 0, dest_port = 0;
  uint32_t flow_label = 0;
  uint32_t flowset = 0;  // the queue's number, where masks tell queues apart
  std::array<uint8_t, 16> source{}, dest{};
  auto operator<=>(const ShapedFlow&) const = default;
};

enum class ShapedKind : uint8_t { pipe, queue, scheduler };

}  // namespace stackyard
