// stack/dummynet/red.cpp - random early detection (Floyd and Jacobson 1993) and its gentle form,
// in fixed point with 16 bits of fraction.
#include "stack/dummynet/aqm.h"

namespace stackyard {

namespace {

constexpr int scale = 16;
constexpr uint64_t one = uint64_t(1) << scale;
constexpr uint64_t packet_average = 512, packet_most = 1500;  // octets

// (1 - w)^n, for what an average has lost after n idle transmissions.
uint64_t decay(uint64_t w_q, uint64_t n) {
  uint64_t result = one << scale, base = (one - w_q) << scale;  // 32 bits of fraction
  for (; n > 0 && result > 0; n >>= 1) {
    if (n & 1) result = uint64_t((static_cast<unsigned __int128>(result) * base) >> 32);
    base = uint64_t((static_cast<unsigned __int128>(base) * base) >> 32);
  }
  return result >> scale;
}

class Red final : public Aqm {
 public:
  Red(const FlowsetConfig& config, uint64_t bandwidth, RandomStream random)
      : red_(config.aqm.red),
        gentle_(config.aqm.kind == AqmKind::gred),
        ecn_(config.aqm.ecn),
        octets_(config.size_in_octets),
        bandwidth_(bandwidth),
        random_(random) {}

  bool accepts(const HeldQueue& queue, HeldPacket& held, SimTime now) override {
    const uint64_t length = octets_ ? queue.octets() : queue.count();
    if (queue.count() == 0 && average_ > 0) {
      const uint64_t sent = bandwidth_ == 0 ? UINT32_MAX
                                            : uint64_t((now - last_).ns()) / 1000 * bandwidth_ /
                                                  (packet_average * 8 * 1'000'000);
      average_ = average_ * decay(red_.w_q, sent) >> scale;
    }
    last_ = now;
    average_ = uint64_t(int64_t(average_) + (int64_t(length << scale) - int64_t(average_)) *
                                                int64_t(red_.w_q) / int64_t(one));
    const uint64_t low = uint64_t(red_.min_th) << scale, high = uint64_t(red_.max_th) << scale;
    if (average_ < low) {
      count_ = -1;
      return true;
    }
    uint64_t p;
    bool may_mark = ecn_;
    if (average_ >= high) {
      // Between max_th and twice that a gentle queue goes from max_p to 1.
      if (!gentle_ || average_ >= 2 * high) {
        count_ = -1;
        return false;
      }
      p = red_.max_p + (one - red_.max_p) * (average_ - high) / high;
      may_mark = false;
    } else {
      p = uint64_t(red_.max_p) * (average_ - low) / (high - low);
    }
    if (octets_) p = p * held.packet.size() / packet_most;
    if (++count_ == 0) {
      threshold_ = random_.next() & 0xffff;
      return true;
    }
    if (p * uint64_t(count_) <= threshold_) return true;
    count_ = 0;
    threshold_ = random_.next() & 0xffff;
    return may_mark && mark_congestion(held);
  }

 private:
  RedSettings red_;
  bool gentle_, ecn_, octets_;
  uint64_t bandwidth_;
  RandomStream random_;
  uint64_t average_ = 0;    // of the length
  int64_t count_ = -1;      // packets since the last drop
  uint64_t threshold_ = 0;  // the next drop comes when count * p is above it
  SimTime last_;
};

}  // namespace

std::unique_ptr<Aqm> make_red(const FlowsetConfig& config, uint64_t bandwidth,
                              RandomStream random) {
  return std::make_unique<Red>(config, bandwidth, random);
}

}  // namespace stackyard
