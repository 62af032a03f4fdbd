// stack/tcp/congestion/bbr.cpp - BBR (draft-cardwell-iccrg-bbr-congestion-control-00, which is what
// FreeBSD's tcp_bbr(4) is, too): it sends as fast as the bottleneck lets data through, and keeps as
// much on its way as the path without queues holds. Neither losses nor full queues tell it that.
//
// Names of procedures are the draft's. Integers: octets, nanoseconds, gains in 1/1000.
#include <algorithm>
#include <array>

#include "core/base/random.h"
#include "stack/tcp/congestion/rate_control.h"
#include "stack/tcp/pacer.h"

namespace stackyard {

namespace {

using Wide = unsigned __int128;

constexpr uint32_t unit = 1000, high_gain = 2885, drain_gain = 346;  // 2 / ln 2, and its inverse
constexpr uint32_t cycle[] = {1250, 750, unit, unit, unit, unit, unit, unit};
constexpr uint32_t cycle_length = std::size(cycle), window_gain = 2000;
constexpr SimTime least_rtt_lasts = 10_s, probe_rtt_lasts = 200_ms;
constexpr uint32_t segments_min = 4;  // BBRMinPipeCwnd

// BBR.BtlBwFilter: the most of the last ten rounds.
class RoundMaximum {
 public:
  void note(uint64_t round, uint64_t value) {
    if (round > round_ + most_.size()) round_ = round - most_.size();
    while (round_ < round) most_[++round_ % most_.size()] = 0;
    uint64_t& most = most_[round % most_.size()];
    most = std::max(most, value);
  }
  uint64_t value() const { return *std::max_element(most_.begin(), most_.end()); }

 private:
  std::array<uint64_t, 10> most_{};
  uint64_t round_ = 0;
};

class Bbr final : public RateControl {
 public:
  explicit Bbr(uint64_t seed) : random_(seed, 0, "bbr") {}
  std::string_view name() const override { return "bbr"; }
  uint64_t pacing_rate() const override { return pacing_rate_; }

  // BBRInitPacingRate.
  void begin(const CongestionWindow& w, const CongestionSample& s) override {
    initial_window_ = w.cwnd;
    least_rtt_at_ = s.now;
    const SimTime rtt = s.smoothed_rtt > SimTime() ? s.smoothed_rtt : 1_ms;
    if (s.smoothed_rtt > SimTime()) least_rtt_ = s.smoothed_rtt;
    pacing_rate_ = uint64_t(Wide(w.cwnd) * high_gain * 1'000'000 / uint64_t(rtt.ns()));
  }

  // BBRUpdateOnACK.
  void measured(CongestionWindow& w, const CongestionSample& s, const RateSample& r) override {
    note_bandwidth(r);
    if (state_ == State::probe_bandwidth && phase_is_over(s, r, w.mss)) next_phase(s.now);
    check_full_pipe();
    check_drain(s, w.mss);
    note_least_rtt(s.now, r);
    check_probe_rtt(w, s, r);
    set_pacing_rate(pacing_gain_);
    set_window(w, s, r);
  }

  // BBRModulateCwndForRecovery: a loss is none of congestion; but in the first round of a recovery
  // no more is sent than arrives, since the path may have become narrower.
  void congested(CongestionWindow& w, CongestionEvent event, const CongestionSample& s) override {
    if (event == CongestionEvent::ecn) return;
    save_window(w);
    recovering_ = true;
    if (event != CongestionEvent::loss) return;
    w.cwnd = s.pipe + std::max(s.acked, w.mss);
    conserving_ = true;
    round_end_ = delivered_;
  }
  void recovered(CongestionWindow& w) override {
    recovering_ = conserving_ = false;
    restore_window(w);
  }

  // BBRHandleRestartFromIdle: what waits in the application does not make the queue longer. Only
  // when the program had nothing to send.
  void idle(CongestionWindow&, const CongestionSample&) override {
    after_idle_ = true;
    if (state_ == State::probe_bandwidth) set_pacing_rate(unit);
  }

 private:
  enum class State : uint8_t { startup, drain, probe_bandwidth, probe_rtt };

  // --- the model ---

  void note_bandwidth(const RateSample& r) {
    delivered_ = r.delivered;
    round_begins_ = r.has_sample && r.delivered_before >= round_end_;
    if (round_begins_) {
      round_end_ = r.delivered;
      ++round_;
      conserving_ = false;  // for one round trip
    }
    limited_ = r.limited || r.delivered_before < low_until_;
    if (r.rate == 0) return;
    if (r.rate >= bandwidth_ || !limited_) most_.note(round_, r.rate);
    bandwidth_ = most_.value();
  }

  void note_least_rtt(SimTime now, const RateSample& r) {
    least_rtt_old_ = now > least_rtt_at_ + least_rtt_lasts;
    if (r.rtt == SimTime() || (r.rtt > least_rtt_ && !least_rtt_old_)) return;
    least_rtt_ = r.rtt;
    least_rtt_at_ = now;
  }

  // BBRInflight: the bandwidth-delay product, and room for bursts at both ends.
  uint32_t inflight(uint32_t gain, uint32_t mss) const {
    if (least_rtt_ == SimTime::max() || bandwidth_ == 0) return initial_window_;
    const Wide product = Wide(bandwidth_) * uint64_t(least_rtt_.ns()) / 1'000'000'000;
    const Wide window = product * gain / unit + 3 * send_quantum(pacing_rate_, mss);
    return uint32_t(std::min<Wide>(window, UINT32_MAX / 2));
  }

  // --- what it does ---

  // While the pipe is not yet full the first estimates are too low.
  void set_pacing_rate(uint32_t gain) {
    const uint64_t rate = uint64_t(Wide(bandwidth_) * gain / unit);
    if (rate > 0 && (pipe_full_ || rate > pacing_rate_)) pacing_rate_ = rate;
  }

  void set_window(CongestionWindow& w, const CongestionSample& s, const RateSample& r) const {
    w.cwnd = std::max(w.cwnd > r.lost ? w.cwnd - r.lost : 0, w.mss);
    if (conserving_) {
      w.cwnd = std::max(w.cwnd, s.pipe + r.acked);
    } else {
      const uint32_t target = inflight(window_gain_, w.mss);
      if (pipe_full_)
        w.cwnd = std::min(w.cwnd + r.acked, target);
      else if (w.cwnd < target || delivered_ < initial_window_)
        w.cwnd += r.acked;
      w.cwnd = std::max(w.cwnd, segments_min * w.mss);
    }
    if (state_ == State::probe_rtt) w.cwnd = std::min(w.cwnd, segments_min * w.mss);
  }

  void save_window(const CongestionWindow& w) {
    const bool usual = !recovering_ && state_ != State::probe_rtt;
    saved_window_ = usual ? w.cwnd : std::max(saved_window_, w.cwnd);
  }
  void restore_window(CongestionWindow& w) const { w.cwnd = std::max(w.cwnd, saved_window_); }

  // --- the states ---

  void enter(State state, uint32_t pacing, uint32_t window) {
    state_ = state;
    pacing_gain_ = pacing;
    window_gain_ = window;
  }

  // BBRCheckFullPipe: three rounds without a quarter more.
  void check_full_pipe() {
    if (pipe_full_ || !round_begins_ || limited_) return;
    if (bandwidth_ * 4 >= full_bandwidth_ * 5) {
      full_bandwidth_ = bandwidth_;
      full_rounds_ = 0;
      return;
    }
    pipe_full_ = ++full_rounds_ >= 3;
  }

  void check_drain(const CongestionSample& s, uint32_t mss) {
    if (state_ == State::startup && pipe_full_) enter(State::drain, drain_gain, high_gain);
    if (state_ == State::drain && s.pipe <= inflight(unit, mss)) enter_probe_bandwidth(s.now);
  }

  // BBREnterProbeBW: flows that begin together do not probe together; nobody begins by draining.
  void enter_probe_bandwidth(SimTime now) {
    enter(State::probe_bandwidth, unit, window_gain);
    phase_ = cycle_length - 1 - uint32_t(random_.below(cycle_length - 1));
    next_phase(now);
  }
  void next_phase(SimTime now) {
    phase_began_ = now;
    phase_ = (phase_ + 1) % cycle_length;
    pacing_gain_ = cycle[phase_];
  }
  bool phase_is_over(const CongestionSample& s, const RateSample& r, uint32_t mss) const {
    const bool lasted = s.now - phase_began_ > least_rtt_;
    if (pacing_gain_ > unit)
      return lasted && (r.lost > 0 || r.flight >= inflight(pacing_gain_, mss));
    if (pacing_gain_ < unit) return lasted || r.flight <= inflight(unit, mss);
    return lasted;
  }

  // BBRCheckProbeRTT: every ten seconds without a shorter round trip, nearly nothing is on its way
  // for a moment, so that all flows see the path without a queue.
  void check_probe_rtt(CongestionWindow& w, const CongestionSample& s, const RateSample& r) {
    if (state_ != State::probe_rtt && least_rtt_old_ && !after_idle_) {
      save_window(w);
      enter(State::probe_rtt, unit, unit);
      probe_rtt_ends_ = SimTime::max();
    }
    if (state_ == State::probe_rtt) probe_rtt(w, s, r);
    if (r.acked > 0) after_idle_ = false;
  }
  void probe_rtt(CongestionWindow& w, const CongestionSample& s, const RateSample& r) {
    low_until_ = r.delivered + s.pipe;  // what is sent now is not as fast as it could be
    if (probe_rtt_ends_ == SimTime::max()) {
      if (s.pipe > segments_min * w.mss) return;
      probe_rtt_ends_ = s.now + probe_rtt_lasts;
      probe_rtt_round_ = false;
      round_end_ = r.delivered;
      return;
    }
    probe_rtt_round_ |= round_begins_;
    if (!probe_rtt_round_ || s.now <= probe_rtt_ends_) return;
    least_rtt_at_ = s.now;
    restore_window(w);
    if (pipe_full_)
      enter_probe_bandwidth(s.now);
    else
      enter(State::startup, high_gain, high_gain);
  }

  RandomStream random_;
  RoundMaximum most_;
  State state_ = State::startup;
  uint32_t pacing_gain_ = high_gain, window_gain_ = high_gain;
  uint64_t pacing_rate_ = 0, bandwidth_ = 0;  // octets per second
  uint64_t delivered_ = 0;
  // Rounds: a round trip of data each.
  uint64_t round_ = 0, round_end_ = 0;
  bool round_begins_ = false;
  bool limited_ = false;    // the present sample says only "at least"
  uint64_t low_until_ = 0;  // ... as do those of what was sent before so much had arrived
  SimTime least_rtt_ = SimTime::max(), least_rtt_at_;
  bool least_rtt_old_ = false;
  bool pipe_full_ = false;
  uint32_t full_rounds_ = 0;
  uint64_t full_bandwidth_ = 0;
  uint32_t phase_ = 0;
  SimTime phase_began_;
  SimTime probe_rtt_ends_ = SimTime::max();
  bool probe_rtt_round_ = false;
  bool recovering_ = false, conserving_ = false, after_idle_ = false;
  uint32_t initial_window_ = 0, saved_window_ = 0;
};

}  // namespace

constexpr CongestionRecord bbr_record{
    .name = "bbr",
    .create = [](uint64_t seed) -> std::unique_ptr<CongestionControl> {
      return std::make_unique<Bbr>(seed);
    },
    .by_rate = true};

}  // namespace stackyard
