// stack/tcp/congestion/chance.h - decisions by chance, and rounds of a round trip, for the
// congestion controls that go by delay.
#pragma once

#include "core/base/random.h"
#include "stack/tcp/congestion/congestion.h"

namespace stackyard {

class Chance {
 public:
  explicit Chance(uint64_t seed) : random_(seed, 0, "congestion control") {}
  // With a probability of `share` in `whole`.
  bool happens(uint64_t share, uint64_t whole) { return whole > 0 && random_.below(whole) < share; }

 private:
  RandomStream random_;
};

// The least and the most round-trip time of each window of data.
class DelayRounds {
 public:
  // True: a round is over, and `least`, `most` are of it.
  bool note(const CongestionSample& s) {
    if (s.rtt > SimTime()) {
      now_least_ = std::min(now_least_, s.rtt);
      now_most_ = std::max(now_most_, s.rtt);
      least_ever = std::min(least_ever, s.rtt);
      most_ever = std::max(most_ever, s.rtt);
    }
    if (begun_ && s.una < end_) return false;
    const bool measured = begun_ && now_most_ > SimTime();
    begun_ = true;
    end_ = s.nxt;
    if (!measured) return false;
    least = now_least_;
    most = now_most_;
    now_least_ = SimTime::max();
    now_most_ = SimTime();
    return true;
  }
  SimTime least, most;
  SimTime least_ever = SimTime::max(), most_ever;

 private:
  SimTime now_least_ = SimTime::max(), now_most_;
  Seq end_;
  bool begun_ = false;
};

}  // namespace stackyard
