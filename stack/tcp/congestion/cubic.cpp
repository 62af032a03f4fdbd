// stack/tcp/congestion/cubic.cpp - cc_cubic(4): RFC 9438, in integers: octets and nanoseconds.
#include <algorithm>

#include "stack/tcp/congestion/hystart.h"

namespace stackyard {

namespace {

using Wide = __int128;

// C is 0.4 segments per second cubed, beta 0.7 (RFC 9438 s4.6, s5).
constexpr int64_t c_numerator = 4, c_denominator = 10;
constexpr uint32_t beta_numerator = 7, beta_denominator = 10;
constexpr uint32_t mark_numerator = 17, mark_denominator = 20;  // RFC 8511 s3
constexpr Wide second_cubed = Wide(1'000'000'000) * 1'000'000'000 * 1'000'000'000;

// The greatest number whose cube is not above x.
int64_t cube_root(Wide x) {
  int64_t low = 0, high = int64_t(1) << 42;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (Wide(middle) * middle * middle <= x)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

class Cubic final : public CongestionControl {
 public:
  std::string_view name() const override { return "cubic"; }

  void acked(CongestionWindow& w, const CongestionSample& s) override {
    if (w.slow_start()) {
      if (s.limited) w.cwnd += hystart_.growth(w, s);
      return;
    }
    if (!s.limited) {  // s5.8: no growth, and the time does not count
      if (in_epoch_) epoch_ += s.now - last_;
      last_ = s.now;
      return;
    }
    if (!in_epoch_) begin_epoch(w, s.now);
    last_ = s.now;
    // s4.3: what Reno with the same average window would have.
    const uint64_t acked = s.acked;
    const uint64_t alpha_numerator = reno_window_ >= prior_cwnd_ ? 17 : 9;  // 1, or 9/17
    reno_window_ += acked * w.mss * alpha_numerator / 17 / std::max<uint32_t>(w.cwnd, 1);
    const uint64_t now_at = window_at(s.now - epoch_, w.mss);
    if (now_at < reno_window_) {
      w.cwnd = uint32_t(std::max<uint64_t>(w.cwnd, std::min<uint64_t>(reno_window_, UINT32_MAX)));
      return;
    }
    const uint64_t most = uint64_t(w.cwnd) + w.cwnd / 2;
    const uint64_t target =
        std::clamp<uint64_t>(window_at(s.now - epoch_ + s.smoothed_rtt, w.mss), w.cwnd, most);
    // s4.4: (target - cwnd) / cwnd for each segment acknowledged; what is left over is carried on.
    const uint64_t growth = (target - w.cwnd) * acked + carried_;
    carried_ = growth % w.cwnd;
    w.cwnd += uint32_t(growth / w.cwnd);
  }

  void congested(CongestionWindow& w, CongestionEvent event, const CongestionSample& s) override {
    // s4.6: of the flight, so that an idle application's window does not count; but never more
    // than the window.
    const uint32_t window = std::min(w.cwnd, std::max(s.flight, w.mss));
    // s4.7, fast convergence: somebody else needs room.
    w_max_ = window < w_max_ ? uint64_t(window) * 17 / 20 : window;
    prior_cwnd_ = window;
    // RFC 8511 s3: a mark comes sooner than a loss and weighs less.
    const bool marked = event == CongestionEvent::ecn && s.settings->abe;
    w.ssthresh = marked ? reduced(window, mark_numerator, mark_denominator, w.mss)
                        : reduced(window, beta_numerator, beta_denominator, w.mss);
    in_epoch_ = false;
    if (event == CongestionEvent::timeout) hystart_.restart();
    carried_ = 0;
    if (event == CongestionEvent::timeout) w_max_ = std::max<uint64_t>(w_max_, w.ssthresh);
  }

  void lost_after_mark(CongestionWindow& w, const CongestionSettings& c) override {
    if (c.abe && c.abe_frlossreduce)
      w.ssthresh = reduced(w.ssthresh, beta_numerator * mark_denominator,
                           beta_denominator * mark_numerator, w.mss);
  }

  void idle(CongestionWindow&, const CongestionSample&) override { in_epoch_ = false; }

 private:
  void begin_epoch(const CongestionWindow& w, SimTime now) {
    in_epoch_ = true;
    epoch_ = now;
    reno_window_ = w.cwnd;
    if (w_max_ < w.cwnd) w_max_ = w.cwnd;  // s4.2: already beyond, so start at the plateau
    // K = cbrt((w_max - cwnd) / C), in nanoseconds.
    const Wide segments_cubed = Wide(w_max_ - w.cwnd) * c_denominator * second_cubed;
    k_ = cube_root(segments_cubed / (Wide(c_numerator) * w.mss));
  }
  // C (t - K)^3 + w_max (s4.2), in octets; 0 when that is below.
  uint64_t window_at(SimTime t, uint32_t mss) const {
    const Wide off = std::clamp<Wide>(Wide(t.ns()) - k_, -(Wide(1) << 40), Wide(1) << 40);
    const Wide micro = off / 1000;  // a cube of nanoseconds would leave no room for the rest
    const Wide growth = micro * micro * micro / 1'000'000 * mss * c_numerator /
                        (Wide(c_denominator) * 1'000'000 * 1'000'000);
    const Wide window = growth + w_max_;
    return window < 0 ? 0 : uint64_t(std::min<Wide>(window, UINT32_MAX));
  }

  uint64_t w_max_ = 0, prior_cwnd_ = 0, reno_window_ = 0, carried_ = 0;
  int64_t k_ = 0;
  SimTime epoch_, last_;
  Hystart hystart_;
  bool in_epoch_ = false;
};

}  // namespace

constexpr CongestionRecord cubic_record{
    .name = "cubic", .create = [](uint64_t) -> std::unique_ptr<CongestionControl> {
      return std::make_unique<Cubic>();
    }};

}  // namespace stackyard
