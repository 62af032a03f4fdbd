// stack/tcp/congestion/chd.cpp - cc_chd(4): CAIA-Hamilton delay (Hayes and Armitage 2010): it gives
// way to delay as hd does, once a round trip; a loss without delay is none of congestion; and a
// shadow window remembers what a loss-based flow would have, for when there is one beside it.
#include <algorithm>

#include "stack/tcp/congestion/chance.h"

namespace stackyard {

namespace {

class Chd final : public CongestionControl {
 public:
  explicit Chd(uint64_t seed) : chance_(seed) {}
  std::string_view name() const override { return "chd"; }

  void acked(CongestionWindow& w, const CongestionSample& s) override {
    const bool over = rounds_.note(s);
    if (over && shadow_ > 0) shadow_ += w.mss;
    if (over && gives_way(*s.settings)) {
      shadow_ = std::max(shadow_, w.cwnd);
      w.ssthresh = w.cwnd = reduced(w.cwnd, 1, 2, w.mss);
      counted_ = 0;
      return;
    }
    grow_as_reno(w, s, counted_);
  }
  void congested(CongestionWindow& w, CongestionEvent event, const CongestionSample& s) override {
    counted_ = 0;
    const bool delayed = queue(*s.settings) > s.settings->chd_qthresh * 1000;
    if (event == CongestionEvent::loss && !delayed && rounds_.most > SimTime()) {
      w.ssthresh = std::max(w.cwnd, 2 * w.mss);  // not of congestion
      return;
    }
    uint32_t window = std::min(w.cwnd, s.flight);
    if (s.settings->chd_loss_fair) window = std::max(window, shadow_);
    w.ssthresh = reduced(window, 1, 2, w.mss);
    shadow_ = 0;
  }

 private:
  int64_t queue(const CongestionSettings& c) const {
    return ((c.chd_use_max ? rounds_.most : rounds_.least) - rounds_.least_ever).us();
  }
  bool gives_way(const CongestionSettings& c) {
    const int64_t q = queue(c), most = (rounds_.most_ever - rounds_.least_ever).us();
    const int64_t low = c.chd_qmin * 1000, top = c.chd_qthresh * 1000;
    if (q <= low || top <= 0) return false;
    int64_t share = c.chd_pmax * q / top;
    if (q > top) share = most > top ? c.chd_pmax * (most - q) / (most - top) : 0;
    return chance_.happens(uint64_t(std::max<int64_t>(share, 0)), 100);
  }

  Chance chance_;
  DelayRounds rounds_;
  uint32_t counted_ = 0, shadow_ = 0;
};

}  // namespace

constexpr CongestionRecord chd_record{
    .name = "chd", .create = [](uint64_t seed) -> std::unique_ptr<CongestionControl> {
      return std::make_unique<Chd>(seed);
    }};

}  // namespace stackyard
