// hw/link/impairments.h - what one direction of a link does to frames, in netem's words.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace stackyard {

// A probability in units of 2^-32; 1 << 32 is certain.
using Share = uint64_t;
constexpr Share share_of_one = Share(1) << 32;

// A queue's limit: in frames or in octets.
struct QueueLimit {
  uint64_t amount = 1000;
  bool in_octets = false;
  bool operator==(const QueueLimit&) const = default;
};

struct Impairments {
  SimTime delay = 1_us;
  SimTime jitter;  // uniform, plus or minus; at most delay
  Share loss = 0, corrupt = 0, duplicate = 0, reorder = 0;
  uint64_t rate = 1'000'000'000;  // bits per second; 0: unlimited
  QueueLimit queue;
  bool operator==(const Impairments&) const = default;
};

}  // namespace stackyard
