// stack/tcp/congestion/htcp.cpp - cc_htcp(4): H-TCP (draft-leith-tcp-htcp-06). The longer nothing
// was lost, the faster it grows.
#include <algorithm>

#include "stack/tcp/congestion/congestion.h"

namespace stackyard {

namespace {

class Htcp final : public CongestionControl {
 public:
  std::string_view name() const override { return "htcp"; }

  void acked(CongestionWindow& w, const CongestionSample& s) override {
    if (s.rtt > SimTime()) {
      least_rtt_ = std::min(least_rtt_, s.rtt);
      most_rtt_ = std::max(most_rtt_, s.rtt);
    }
    if (w.slow_start() || !s.limited) return grow_as_reno(w, s, counted_);
    carried_ += uint64_t(s.acked) * w.mss * alpha(s);
    const uint64_t unit = uint64_t(w.cwnd) * one;
    w.cwnd += uint32_t(carried_ / unit);
    carried_ %= unit;
  }

  void congested(CongestionWindow& w, CongestionEvent event, const CongestionSample& s) override {
    // s2.2: so much less that the queue just drains, unless the rate has just changed a lot.
    const uint32_t window = std::min(w.cwnd, std::max(s.flight, w.mss));
    const uint64_t change = window > last_window_ ? window - last_window_ : last_window_ - window;
    const bool steady = last_window_ > 0 && change * 5 <= last_window_;
    beta_ = least_beta;
    if (s.settings->htcp_adaptive_backoff && steady && most_rtt_ > SimTime())
      beta_ = std::clamp<uint64_t>(uint64_t(least_rtt_.ns()) * one / uint64_t(most_rtt_.ns()),
                                   least_beta, most_beta);
    if (event == CongestionEvent::timeout) beta_ = least_beta;
    last_window_ = window;
    w.ssthresh = reduced(window, uint32_t(beta_), one, w.mss);
    congested_at_ = s.now;
    most_rtt_ = SimTime();
    carried_ = counted_ = 0;
  }

 private:
  static constexpr uint32_t one = 1024, least_beta = one / 2, most_beta = one * 4 / 5;
  static constexpr SimTime low_speed = 1_s, reference_rtt = 100_ms;

  // s2.1: 1 + 10 (t - 1 s) + ((t - 1 s) / 2)^2, in 1/1024.
  uint64_t alpha(const CongestionSample& s) const {
    const int64_t ms = (s.now - congested_at_ - low_speed).ms();
    uint64_t a = one;
    if (ms > 0) {
      const uint64_t t = uint64_t(std::min<int64_t>(ms, 1'000'000));
      a += t * 10 * one / 1000 + t * t * one / 4'000'000;
    }
    if (s.settings->htcp_rtt_scaling && s.smoothed_rtt > SimTime()) {
      const uint64_t scale = uint64_t(s.smoothed_rtt.ns()) * one / uint64_t(reference_rtt.ns());
      a = a * std::clamp<uint64_t>(scale, one / 2, one * 10) / one;
    }
    return std::max<uint64_t>(2 * (one - beta_) * a / one, one);
  }

  SimTime congested_at_, least_rtt_ = SimTime::max(), most_rtt_;
  uint64_t beta_ = least_beta, carried_ = 0;
  uint32_t last_window_ = 0, counted_ = 0;
};

}  // namespace

constexpr CongestionRecord htcp_record{
    .name = "htcp", .create = [](uint64_t) -> std::unique_ptr<CongestionControl> {
      return std::make_unique<Htcp>();
    }};

}  // namespace stackyard
