// lab/run/pacer.h - how far simulated time may go by the real clock.
#pragma once

#include <chrono>

#include "core/base/time.h"

namespace stackyard {

class Pacer {
 public:
  // From now on: `reached` is this instant, and time goes `speed_nano` / 10^9 times as fast.
  void restart(SimTime reached, int64_t speed_nano);
  // How far simulated time may go now. An engine that lags never jumps: the clock slips, and what
  // was lost counts as lag.
  SimTime target(SimTime reached);
  // The real time until a simulated instant is due; 0: it is.
  std::chrono::nanoseconds until(SimTime when) const;
  // Simulated nanoseconds that were lost to lag so far.
  int64_t lag() const { return lag_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point base_real_ = Clock::now();
  SimTime base_simulated_;
  int64_t speed_nano_ = 1'000'000'000;
  int64_t lag_ = 0;
};

}  // namespace stackyard
