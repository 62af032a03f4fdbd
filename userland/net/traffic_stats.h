// userland/net/traffic_stats.h - what traffic counts: messages, octets, losses, and delays in a
// histogram whose steps are below a hundredth of their value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"

namespace stackyard {

class DelayHistogram {
 public:
  void add(SimTime delay);
  uint64_t count() const { return count_; }
  SimTime least() const { return least_; }
  SimTime most() const { return most_; }
  SimTime mean() const;
  // The delay that `per_mille` thousandths of all do not exceed; none: 0.
  SimTime quantile(uint64_t per_mille) const;

 private:
  std::vector<uint64_t> counts_;  // by value: 128 steps to each power of two
  uint64_t count_ = 0;
  __int128 sum_ = 0;
  SimTime least_, most_;
};

// A delay's quantiles as text has them.
struct DelaySummary {
  SimTime least, half, most_of_them, nearly_all, all_but_few, most, mean;
  static DelaySummary of(const DelayHistogram& histogram);
  std::string text() const;  // "min 1.234, 50% 1.300, ..., max 9.876 ms"
};

// What a receiver knows of one run.
struct TrafficAccount {
  uint64_t messages = 0, octets = 0, out_of_order = 0;
  uint64_t highest = 0;  // of the numbers that came; they begin with 1
  SimTime first, last;   // when the first and the last message were complete
  int64_t jitter_sixteenths = 0;
  std::optional<SimTime> last_delay;
  DelayHistogram delays;

  void take(uint64_t number, uint64_t size, SimTime sent, SimTime now);
};

// The account as it crosses the network.
struct TrafficReport {
  uint64_t messages = 0, octets = 0, out_of_order = 0, highest = 0;
  SimTime first, last, jitter;
  DelaySummary delay;

  static TrafficReport of(const TrafficAccount& account);
  std::string encode() const;
  static std::optional<TrafficReport> decode(const std::string& words);
};

// "1.00 Mbits/sec" of so many octets in a time.
std::string traffic_rate(uint64_t octets, SimTime time);

}  // namespace stackyard
