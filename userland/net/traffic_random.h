// userland/net/traffic_random.h - distributions of sizes and times, in integers: the same draws in
// every build.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/base/random.h"

namespace stackyard {

// Of whole numbers: octets, or nanoseconds.
struct Distribution {
  enum class Kind : uint8_t { fixed, uniform, exponential, pareto };
  Kind kind = Kind::fixed;
  int64_t mean = 0;           // of all but uniform
  int64_t low = 0, high = 0;  // of uniform, both included
  int64_t shape_nano = 0;     // of Pareto: above 1, else there is no mean
  int64_t most = INT64_MAX;   // what is above is drawn as this

  int64_t sample(RandomStream& random) const;
};

// "N", "uniform:LOW:HIGH", "exp:MEAN" or "pareto:SHAPE:MEAN[:MOST]"; `number` reads their units.
std::optional<Distribution> parse_distribution(
    const std::string& words, const std::function<std::optional<int64_t>(std::string)>& number);

// "500ms", "1.5s", "20us": nanoseconds; without a unit: seconds.
std::optional<int64_t> parse_duration(std::string word);

// -log2(u / 2^64) in units of 2^-32, for u > 0.
uint64_t minus_log2(uint64_t u);
// x * 2^e, e in units of 2^-32; INT64_MAX when it does not fit.
int64_t times_power_of_two(int64_t x, uint64_t e);

}  // namespace stackyard
