// stack/tcp/rtt.h - the round-trip time, and the retransmission timeout that follows from it
// (RFC 6298, with FreeBSD's bounds: net.inet.tcp.rexmit_*).
#pragma once

#include <algorithm>

#include "core/base/time.h"

namespace stackyard {

struct RtoBounds {
  SimTime initial, least, slop;
  static constexpr SimTime most = 64_s;
};

class TcpRtt {
 public:
  bool known() const { return smoothed_ > SimTime(); }
  SimTime smoothed() const { return smoothed_; }
  SimTime variation() const { return variation_; }
  SimTime least() const { return least_; }

  void sample(SimTime rtt) {
    rtt = std::max(rtt, 1_us);
    least_ = least_ == SimTime() ? rtt : std::min(least_, rtt);
    if (!known()) {  // RFC 6298 (2.2)
      smoothed_ = rtt;
      variation_ = rtt / 2;
      return;
    }
    const SimTime off = rtt > smoothed_ ? rtt - smoothed_ : smoothed_ - rtt;  // (2.3)
    variation_ = (variation_ * 3 + off) / 4;
    smoothed_ = (smoothed_ * 7 + rtt) / 8;
  }

  // Of an earlier connection to the same host.
  void assume(SimTime smoothed, SimTime variation) {
    smoothed_ = smoothed;
    variation_ = variation;
  }

  // After `shift` timeouts in a row.
  SimTime timeout(const RtoBounds& bounds, unsigned shift) const {
    constexpr unsigned shift_max = 9;  // FreeBSD's tcp_backoff ends at 512
    const SimTime base = known() ? smoothed_ + variation_ * 4 : bounds.initial;
    if (!known() && shift == 0) return base;
    const SimTime backed_off = base * (int64_t(1) << std::min(shift, shift_max));
    return std::clamp(backed_off + bounds.slop, bounds.least, bounds.most);
  }

 private:
  SimTime smoothed_, variation_, least_;
};

}  // namespace stackyard
