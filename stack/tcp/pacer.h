// stack/tcp/pacer.h - segments at a rate, not all at once: of a connection whose congestion control
// says how fast it may send, or whose program does (SO_MAX_PACING_RATE).
//
// Small bursts and pauses between them (draft-cardwell-iccrg-bbr-congestion-control-00): a
// pause for each segment would be an event for each, and no interface card sends like that.
#pragma once

#include <algorithm>

#include "core/event/timer.h"

namespace stackyard {

// BBRSetSendQuantum: what may leave at once, in octets. `rate` is in octets per second.
inline uint32_t send_quantum(uint64_t rate, uint32_t mss) {
  constexpr uint64_t slow = 1'200'000 / 8, quick = 24'000'000 / 8, most = 65536;
  if (rate < slow) return mss;
  if (rate < quick) return 2 * mss;
  return uint32_t(std::max<uint64_t>(std::min(rate / 1000, most), 2 * mss));
}

class TcpPacer {
 public:
  TcpPacer(Node& node, Timer::Action due, void* owner) : timer(node, due, owner) {}

  // Octets per second, payload only; 0: as fast as the window lets it.
  uint32_t limit = 0;  // the program's
  uint64_t rate = 0;   // the congestion control's
  Timer timer;         // set while something waits for its turn

  // What holds now; 0: nothing.
  uint64_t in_force() const { return limit == 0 || (rate != 0 && rate < limit) ? rate : limit; }
  bool ready(SimTime now) const { return burst_left_ > 0 || now >= next_; }
  void sent(uint32_t octets, SimTime now, uint32_t mss) {
    const uint64_t at = in_force();
    if (at == 0) return;
    if (now >= next_) {
      next_ = now;
      burst_left_ = send_quantum(at, mss);
    }
    burst_left_ -= std::min(burst_left_, octets);
    next_ += SimTime(int64_t(uint64_t(octets) * 1'000'000'000 / at));
  }
  void wait(SimTime now) {
    if (!timer.armed()) timer.arm(next_ - now);
  }

 private:
  SimTime next_;             // when the next burst may begin
  uint32_t burst_left_ = 0;  // of the present one, in octets
};

}  // namespace stackyard
