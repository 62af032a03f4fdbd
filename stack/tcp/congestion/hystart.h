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
    const CongestionSettings& c = *s.settings;
    if (samples_ >= c.hystart_samples && least_ < SimTime::max()) judge(c);
    return in_css() ? std::max<uint32_t>(slow / uint32_t(c.hystart_growth_div), 1) : slow;
  }
  bool in_css() const { return css_baseline_ < SimTime::max(); }
  void restart() { *this = Hystart(); }

 private:
  void next_round(CongestionWindow& w, const CongestionSample& s) {
    begun_ = true;
    round_end_ = s.nxt;
    last_ = least_;
    least_ = SimTime::max();
    samples_ = 0;
    if (in_css() && ++css_rounds_ >= s.settings->hystart_rounds) {
      w.ssthresh = w.cwnd;
      css_baseline_ = SimTime::max();
    }
  }
  void judge(const CongestionSettings& c) {
    if (in_css()) {
      if (least_ < css_baseline_) css_baseline_ = SimTime::max();  // it was jitter
      return;
    }
    if (last_ == SimTime::max()) return;
    const SimTime threshold = std::max(SimTime(c.hystart_minrtt_us * 1000),
                                       std::min(last_ / 8, SimTime(c.hystart_maxrtt_us * 1000)));
    if (least_ < last_ + threshold) return;
    css_baseline_ = least_;
    css_rounds_ = 0;
  }

  bool begun_ = false;
  Seq round_end_;
  SimTime last_ = SimTime::max(), least_ = SimTime::max(), css_baseline_ = SimTime::max();
  int64_t samples_ = 0, css_rounds_ = 0;
};

}  // namespace stackyard
