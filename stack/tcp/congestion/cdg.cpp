// stack/tcp/congestion/cdg.cpp - cc_cdg(4): CAIA delay gradient (Hayes and Armitage 2011): it gives
// way to a queue that grows, whatever its length, and tells losses of a full queue from others.
#include <algorithm>
#include <array>

#include "stack/tcp/congestion/chance.h"

namespace stackyard {

namespace {

// A moving average of differences, in microseconds.
class Gradient {
 public:
  int64_t note(SimTime value, int64_t smoothing) {
    const size_t many = size_t(std::clamp<int64_t>(smoothing, 1, int64_t(last_.size())));
    if (known_) {
      sum_ += (value - before_).us();
      last_[at_ % last_.size()] = (value - before_).us();
      if (at_ >= many) sum_ -= last_[(at_ - many) % last_.size()];
      ++at_;
    }
    known_ = true;
    before_ = value;
    return at_ == 0 ? 0 : sum_ / int64_t(std::min(at_, many));
  }

 private:
  std::array<int64_t, 16> last_{};
  int64_t sum_ = 0;
  size_t at_ = 0;
  SimTime before_;
  bool known_ = false;
};

// exp(-x) in 1/65536, x in 1/65536 and not below 0: halvings, and a polynomial for the rest.
uint64_t exp_minus(uint64_t x) {
  constexpr uint64_t one = 65536, ln2 = 45426;
  const uint64_t halvings = x / ln2, r = x % ln2;
  if (halvings > 16) return 0;
  const uint64_t square = r * r / one, cube = square * r / one;
  return (one - r + square / 2 - cube / 6 + cube * r / one / 24) >> halvings;
}

class Cdg final : public CongestionControl {
 public:
  explicit Cdg(uint64_t seed) : chance_(seed) {}
  std::string_view name() const override { return "cdg"; }

  void acked(CongestionWindow& w, const CongestionSample& s) override {
    const bool over = rounds_.note(s);
    if (over) climb(w, *s.settings);
    if (over && gives_way(*s.settings)) {
      shadow_ = std::max(shadow_, w.cwnd);
      w.ssthresh = w.cwnd = reduced(w.cwnd, uint32_t(s.settings->cdg_beta_delay), 100, w.mss);
      counted_ = rounds_climbed_ = 0;
      alpha_ = 1;
      return;
    }
    const uint32_t before = w.cwnd;
    grow_as_reno(w, s, counted_);
    if (!w.slow_start() && w.cwnd == before + w.mss) w.cwnd += (alpha_ - 1) * w.mss;
  }

  void congested(CongestionWindow& w, CongestionEvent event, const CongestionSample& s) override {
    counted_ = rounds_climbed_ = 0;
    alpha_ = 1;
    if (event == CongestionEvent::loss && queue_ != Queue::full && queue_ != Queue::unknown) {
      w.ssthresh = std::max(w.cwnd, 2 * w.mss);  // no queue was full: the link lost it
      return;
    }
    const uint32_t window = std::max(std::min(w.cwnd, s.flight), shadow_);
    w.ssthresh = reduced(window, uint32_t(s.settings->cdg_beta_loss), 100, w.mss);
    shadow_ = 0;
  }

 private:
  // cc_cdg(4), alpha_inc: every so many round trips it grows by a segment more in each.
  void climb(const CongestionWindow& w, const CongestionSettings& c) {
    if (c.cdg_alpha_inc == 0 || w.slow_start() || ++rounds_climbed_ < c.cdg_alpha_inc) return;
    rounds_climbed_ = 0;
    ++alpha_;
  }
  enum class Queue : uint8_t { unknown, full, rising, falling, empty };

  // What the gradients of the least and of the most say about the queue.
  void judge(int64_t least, int64_t most) {
    if (most <= 0 && least > 0)
      queue_ = Queue::full;
    else if (least <= 0 && most < 0)
      queue_ = Queue::falling;
    else if (least > 0 && most > 0)
      queue_ = Queue::rising;
    else if (least < 0)
      queue_ = Queue::empty;
  }

  // With the probability 1 - exp(-gradient / scale), once a round trip. Backing off that does not
  // help is left for a while: then somebody else fills the queue.
  bool gives_way(const CongestionSettings& c) {
    const int64_t least = least_gradient_.note(rounds_.least, c.cdg_smoothing_factor);
    const int64_t most = most_gradient_.note(rounds_.most, c.cdg_smoothing_factor);
    judge(least, most);
    const int64_t gradient = std::max(least, most);
    if (gradient <= 0) {
      in_a_row_ = 0;
      return false;
    }
    const uint64_t x =
        uint64_t(gradient) * 65536 / uint64_t(std::max<int64_t>(c.cdg_exp_backoff_scale, 1) * 1000);
    if (!chance_.happens(65536 - exp_minus(x), 65536)) return false;
    if (held_ > 0) {
      --held_;
      return false;
    }
    if (++in_a_row_ > c.cdg_loss_compete_consec_cong) {
      held_ = c.cdg_loss_compete_hold_backoff;
      in_a_row_ = 0;
      return false;
    }
    return true;
  }

  Chance chance_;
  DelayRounds rounds_;
  Gradient least_gradient_, most_gradient_;
  Queue queue_ = Queue::unknown;
  int64_t in_a_row_ = 0, held_ = 0;
  uint32_t counted_ = 0, shadow_ = 0, alpha_ = 1, rounds_climbed_ = 0;
};

}  // namespace

constexpr CongestionRecord cdg_record{
    .name = "cdg", .create = [](uint64_t seed) -> std::unique_ptr<CongestionControl> {
      return std::make_unique<Cdg>(seed);
    }};

}  // namespace stackyard
