// stack/tcp/congestion/hd.cpp - cc_hd(4): Hamilton Institute's delay-based control (Budzisz and
// others 2009): it gives way by chance as the queue grows, and less where others fill it anyway.
#include <algorithm>

#include "stack/tcp/congestion/chance.h"

namespace stackyard {

namespace {

class Hd final : public CongestionControl {
 public:
  explicit Hd(uint64_t seed) : chance_(seed) {}
  std::string_view name() const override { return "hd"; }

  void acked(CongestionWindow& w, const CongestionSample& s) override {
    if (rounds_.note(s) && gives_way(*s.settings)) {
      w.ssthresh = w.cwnd = reduced(w.cwnd, 1, 2, w.mss);
      counted_ = 0;
      return;
    }
    grow_as_reno(w, s, counted_);
  }
  void congested(CongestionWindow& w, CongestionEvent, const CongestionSample& s) override {
    w.ssthresh = reduced(std::min(w.cwnd, s.flight), 1, 2, w.mss);
    counted_ = 0;
  }

 private:
  // Rises up to the threshold, and falls again behind it: there delay says nothing more.
  bool gives_way(const CongestionSettings& c) {
    const int64_t queue = (rounds_.most - rounds_.least_ever).us();
    const int64_t most = (rounds_.most_ever - rounds_.least_ever).us();
    const int64_t low = c.hd_qmin * 1000, top = c.hd_qthresh * 1000;
    if (queue <= low || top <= 0) return false;
    int64_t share = c.hd_pmax * queue / top;
    if (queue > top) share = most > top ? c.hd_pmax * (most - queue) / (most - top) : 0;
    return chance_.happens(uint64_t(std::max<int64_t>(share, 0)), 100);
  }

  Chance chance_;
  DelayRounds rounds_;
  uint32_t counted_ = 0;
};

}  // namespace

constexpr CongestionRecord hd_record{
    .name = "hd", .create = [](uint64_t seed) -> std::unique_ptr<CongestionControl> {
      return std::make_unique<Hd>(seed);
    }};

}  // namespace stackyard
