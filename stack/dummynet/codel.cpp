// stack/dummynet/codel.cpp - controlled delay (RFC 8289), and marking.
#include "core/wire/checksum.h"
#include "core/wire/net/ipv4.h"
#include "core/wire/net/ipv6.h"
#include "stack/dummynet/aqm.h"

namespace stackyard {

bool mark_congestion(HeldPacket& held) {
  constexpr uint8_t experienced = 3;
  const size_t at = held.ip_offset();
  if (held.packet.front().size() < at + sizeof(Ipv4Header)) return false;
  const Bytes seen = held.packet.front().subspan(at);
  const bool v6 = seen[0] >> 4 == 6;
  const uint8_t ecn = v6 ? seen[1] >> 4 & 3 : seen[1] & 3;
  if (ecn == 0) return false;
  if (ecn == experienced) return true;
  const MutableBytes octets = held.packet.writable_front().subspan(at);
  const uint16_t before = load<be16>(octets);
  octets[1] |= v6 ? experienced << 4 : experienced;
  if (!v6) {
    const uint16_t sum = load<be16>(octets.subspan(10));
    store(be16(checksum_update(sum, before, load<be16>(octets))), octets.subspan(10));
  }
  return true;
}

namespace {

constexpr size_t mtu = 1514;  // a queue with less than a frame is no standing queue

uint64_t square_root(uint64_t n) {
  uint64_t root = 0;
  for (uint64_t bit = uint64_t(1) << 31; bit > 0; bit >>= 1)
    if ((root + bit) * (root + bit) <= n) root += bit;
  return root;
}

class Codel final : public Aqm {
 public:
  explicit Codel(const CodelSettings& settings) : settings_(settings) {}

  bool accepts(const HeldQueue&, HeldPacket&, SimTime) override { return true; }

  HeldPacket* take(HeldQueue& queue, SimTime now, ShapedDrops& drops) override {
    bool late = false;
    HeldPacket* held = next(queue, now, late);
    if (!held) {
      dropping_ = false;
      return nullptr;
    }
    if (dropping_) {
      if (!late) dropping_ = false;
      while (dropping_ && now >= drop_next_) {
        ++count_;
        if (settings_.ecn && mark_congestion(*held)) {
          drop_next_ = control_law(drop_next_);
          return held;
        }
        drops.drop(held, drops::dummynet_aqm);
        held = next(queue, now, late);
        if (!held || !late)
          dropping_ = false;
        else
          drop_next_ = control_law(drop_next_);
      }
      return held;
    }
    if (!late) return held;
    // s5.5: go on near the rate that controlled the queue when it was last above the target.
    const uint32_t since = count_ - last_count_;
    const bool recent = now - drop_next_ < settings_.interval * 16;
    count_ = since > 1 && recent ? since : 1;
    last_count_ = count_;
    dropping_ = true;
    drop_next_ = control_law(now);
    if (settings_.ecn && mark_congestion(*held)) return held;
    drops.drop(held, drops::dummynet_aqm);
    bool ignored = false;
    return next(queue, now, ignored);
  }

 private:
  HeldPacket* next(HeldQueue& queue, SimTime now, bool& late) {
    late = false;
    HeldPacket* held = queue.pop();
    if (!held || now - held->arrived < settings_.target || queue.octets() <= mtu) {
      first_above_ = SimTime();
      return held;
    }
    if (first_above_ == SimTime())
      first_above_ = now + settings_.interval;
    else
      late = now >= first_above_;
    return held;
  }
  SimTime control_law(SimTime from) const {
    const uint64_t root = square_root(uint64_t(count_) << 32);  // 16 bits of fraction
    return from +
           SimTime(int64_t((static_cast<unsigned __int128>(settings_.interval.ns()) << 16) / root));
  }

  CodelSettings settings_;
  SimTime first_above_, drop_next_;
  uint32_t count_ = 0, last_count_ = 0;
  bool dropping_ = false;
};

}  // namespace

std::unique_ptr<Aqm> make_codel(const CodelSettings& settings) {
  return std::make_unique<Codel>(settings);
}

}  // namespace stackyard
