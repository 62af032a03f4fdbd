// stack/tcp/congestion/vegas.cpp - cc_vegas(4): congestion by delay (Brakmo and Peterson 1995).
#include <algorithm>

#include "stack/tcp/congestion/congestion.h"

namespace stackyard {

namespace {

class Vegas final : public CongestionControl {
 public:
  std::string_view name() const override { return "vegas"; }

  // Once in a round trip: the difference between what was expected and what was got says how many
  // segments wait in queues; between alpha and beta is right.
  void acked(CongestionWindow& w, const CongestionSample& s) override {
    if (s.rtt > SimTime()) {
      least_ever_ = std::min(least_ever_, s.rtt);
      least_ = std::min(least_, s.rtt);
    }
    if (begun_ && s.una < round_end_) {
      if (w.slow_start() && odd_round_) grow_as_reno(w, s, counted_);
      return;
    }
    begun_ = true;
    round_end_ = s.nxt;
    odd_round_ = !odd_round_;
    if (least_ == SimTime::max()) return grow_as_reno(w, s, counted_);
    const uint64_t window = w.cwnd / w.mss;
    const uint64_t waiting = window * uint64_t((least_ - least_ever_).us()) /
                             uint64_t(std::max<int64_t>(least_.us(), 1));
    least_ = SimTime::max();
    if (w.slow_start()) {
      if (waiting > slow_start_limit) w.ssthresh = w.cwnd;
      return;
    }
    if (waiting < uint64_t(s.settings->vegas_alpha) && s.limited) w.cwnd += w.mss;
    if (waiting > uint64_t(s.settings->vegas_beta) && w.cwnd > 2 * w.mss) w.cwnd -= w.mss;
  }

  void congested(CongestionWindow& w, CongestionEvent, const CongestionSample& s) override {
    w.ssthresh = reduced(std::min(w.cwnd, s.flight), 1, 2, w.mss);
    counted_ = 0;
    least_ = SimTime::max();
  }

 private:
  static constexpr uint64_t slow_start_limit = 1;  // cc_vegas(4)'s

  SimTime least_ever_ = SimTime::max(), least_ = SimTime::max();
  Seq round_end_;
  uint32_t counted_ = 0;
  bool begun_ = false, odd_round_ = false;
};

}  // namespace

constexpr CongestionRecord vegas_record{
    .name = "vegas", .create = [](uint64_t) -> std::unique_ptr<CongestionControl> {
      return std::make_unique<Vegas>();
    }};

}  // namespace stackyard
