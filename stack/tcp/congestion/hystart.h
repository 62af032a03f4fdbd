// stack/tcp/congestion/hystart.h - HyStart++: leaving slow start before the queue overflows
// (RFC 9406).
#pragma once

#include <algorithm>

#include "stack/tcp/congestion/congestion.h"

namespace stackyard {

// Slow start ends when a round's least RTT rises; first it only becomes slower (CSS), since the
// rise may have been jitter.
class Hystart {
 public:
  // Octets by which cwnd grows for this acknowledgment. Ends slow start by setting ssthresh.
  uint32_t growth(CongestionWindow& w, const CongestionSample& s) {
    if (!begun_ || s.una >= round_end_) next_round(w, s);
    if (s.rtt > SimTime()) {
      least_ = std::min(least_, s.rtt);
      ++samples_;
    }
    const uint32_t slow = std::min(s.acked, s.growth_max);
    if (samples_ >= samples_wanted && least_ < SimTime::max()) judge();
    return in_css() ? std::max<uint32_t>(slow / css_divisor, 1) : slow;
  }
  bool in_css() const { return css_baseline_ < SimTime::max(); }
  void restart() { *this = Hystart(); }

 private:
  static constexpr uint32_t samples_wanted = 8, css_divisor = 4, css_rounds_max = 5;
  static constexpr SimTime threshold_min = 4_ms, threshold_max = 16_ms;

  void next_round(CongestionWindow& w, const CongestionSample& s) {
    begun_ = true;
    round_end_ = s.nxt;
    last_ = least_;
    least_ = SimTime::max();
    samples_ = 0;
    if (in_css() && ++css_rounds_ >= css_rounds_max) {
      w.ssthresh = w.cwnd;
      css_baseline_ = SimTime::max();
    }
  }
  void judge() {
    if (in_css()) {
      if (least_ < css_baseline_) css_baseline_ = SimTime::max();  // it was jitter
      return;
    }
    if (last_ == SimTime::max()) return;
    if (least_ < last_ + std::clamp(last_ / 8, threshold_min, threshold_max)) return;
    css_baseline_ = least_;
    css_rounds_ = 0;
  }

  bool begun_ = false;
  Seq round_end_;
  SimTime last_ = SimTime::max(), least_ = SimTime::max(), css_baseline_ = SimTime::max();
  uint32_t samples_ = 0, css_rounds_ = 0;
};

}  // namespace stackyard
