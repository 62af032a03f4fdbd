// stack/dummynet/pie.cpp - proportional integral controller enhanced (RFC 8033), in fixed point.
//
// The probability is brought up to date when a packet comes or goes, once for each tupdate that
// has passed: a queue that nobody uses needs no timer.
#include <algorithm>

#include "stack/dummynet/aqm.h"

namespace stackyard {

namespace {

constexpr int64_t probability_one = int64_t(1) << 29;
constexpr uint64_t rate_threshold = 16 * 1024;  // octets of a cycle that measures the rate
constexpr size_t packet_average = 1024;
constexpr int64_t updates_most = 64;  // by then, an empty queue's probability is gone

class Pie final : public Aqm {
 public:
  Pie(const PieSettings& settings, size_t limit, RandomStream random)
      : settings_(settings),
        random_(random),
        activation_(limit / 3),
        burst_(settings.max_burst),
        active_(!settings.onoff) {}

  bool accepts(const HeldQueue& queue, HeldPacket& held, SimTime now) override {
    update(queue, now);
    if (settings_.onoff && !active_ && queue.count() >= activation_) {
      active_ = true;
      burst_ = settings_.max_burst;
      probability_ = 0;
      last_update_ = now;
    }
    if (!active_ || burst_ > SimTime()) return true;
    // s4.1: nothing dies while the queue is short and was so, or holds less than two packets.
    const bool calm = delay_old_ < settings_.target / 2 && probability_ < probability_one / 5;
    if (calm || queue.octets() <= 2 * packet_average) {
      if (probability_ == 0) accumulated_ = 0;
      return true;
    }
    if (!early()) return true;
    const bool may_mark = probability_ * 1000 < int64_t(settings_.max_ecnth) * probability_one;
    return settings_.ecn && may_mark && mark_congestion(held);
  }

  HeldPacket* take(HeldQueue& queue, SimTime now, ShapedDrops&) override {
    HeldPacket* held = queue.pop();
    if (!held) return nullptr;
    if (settings_.departure_rate)
      measure(queue, *held, now);
    else
      delay_ = now - held->arrived;
    update(queue, now);
    return held;
  }

 private:
  // s4.1, and s5.4: drops are spread, neither too close together nor too far apart.
  bool early() {
    if (settings_.derandomize) {
      accumulated_ += probability_;
      if (accumulated_ < probability_one * 85 / 100) return false;
      if (accumulated_ >= probability_one * 17 / 2) {
        accumulated_ = 0;
        return true;
      }
    }
    if (int64_t(random_.below(uint64_t(probability_one))) >= probability_) return false;
    accumulated_ = 0;
    return true;
  }

  void update(const HeldQueue& queue, SimTime now) {
    if (last_update_ == SimTime()) last_update_ = now;
    int64_t due = (now - last_update_) / settings_.tupdate;
    if (due == 0) return;
    last_update_ = last_update_ + settings_.tupdate * due;
    if (settings_.departure_rate && rate_ > 0)
      delay_ = SimTime(int64_t(queue.octets() * 1'000'000'000 / rate_));
    if (queue.count() == 0) delay_ = SimTime();
    for (due = std::min(due, updates_most); due > 0; --due) step();
  }

  // s4.2
  void step() {
    const auto share = [](SimTime time, uint32_t thousandths) {
      return int64_t(static_cast<__int128>(time.ns()) * thousandths * probability_one /
                     (1000 * int64_t(1'000'000'000)));
    };
    int64_t change = share(delay_ - settings_.target, settings_.alpha) +
                     share(delay_ - delay_old_, settings_.beta);
    // The smaller the probability, the smaller the steps.
    int64_t divisor = 2048;
    for (int64_t bound = probability_one / 1'000'000; divisor > 1 && probability_ >= bound;
         bound *= 10)
      divisor /= 4;
    if (divisor > 1) change /= divisor;
    if (settings_.capdrop && probability_ >= probability_one / 10)
      change = std::min(change, probability_one / 50);
    probability_ += change;
    if (delay_ == SimTime() && delay_old_ == SimTime()) probability_ = probability_ * 98 / 100;
    probability_ = std::clamp<int64_t>(probability_, 0, probability_one);
    burst_ = std::max(SimTime(), burst_ - settings_.tupdate);
    const bool calm =
        probability_ == 0 && delay_ < settings_.target / 2 && delay_old_ < settings_.target / 2;
    if (calm) burst_ = settings_.max_burst;
    if (calm && settings_.onoff) active_ = false;
    delay_old_ = delay_;
  }

  // s5.2: how fast the queue empties, from stretches of 16 KiB that it had in full.
  void measure(const HeldQueue& queue, const HeldPacket& held, SimTime now) {
    if (measuring_) {
      departed_ += held.packet.size();
      if (departed_ >= rate_threshold && now > measure_start_) {
        const uint64_t rate = departed_ * 1'000'000'000 / uint64_t((now - measure_start_).ns());
        rate_ = rate_ == 0 ? rate : (rate_ * 7 + rate) / 8;
        measuring_ = false;
      }
    }
    if (!measuring_ && queue.octets() >= rate_threshold) {
      measuring_ = true;
      measure_start_ = now;
      departed_ = 0;
    }
  }

  PieSettings settings_;
  RandomStream random_;
  size_t activation_;  // packets that switch it on
  SimTime burst_, delay_, delay_old_, last_update_, measure_start_;
  int64_t probability_ = 0, accumulated_ = 0;
  uint64_t rate_ = 0, departed_ = 0;  // octets/s, octets
  bool active_, measuring_ = false;
};

}  // namespace

std::unique_ptr<Aqm> make_pie(const PieSettings& settings, size_t limit, RandomStream random) {
  return std::make_unique<Pie>(settings, limit, random);
}

}  // namespace stackyard
