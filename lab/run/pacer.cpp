#include "lab/run/pacer.h"

namespace stackyard {

namespace {

constexpr SimTime step_max = 50_ms;  // times the speed

// In 128 bits: a day at 1000x overflows 64.
SimTime scaled(int64_t real_ns, int64_t speed_nano) {
  return SimTime(int64_t(__int128(real_ns) * speed_nano / 1'000'000'000));
}

}  // namespace

void Pacer::restart(SimTime reached, int64_t speed_nano) {
  base_simulated_ = reached;
  base_real_ = Clock::now();
  speed_nano_ = speed_nano;
}

SimTime Pacer::target(SimTime reached) {
  const std::chrono::nanoseconds elapsed = Clock::now() - base_real_;
  const SimTime target = base_simulated_ + scaled(elapsed.count(), speed_nano_);
  const SimTime furthest = reached + scaled(step_max.ns(), speed_nano_);
  if (target <= furthest) return target;
  lag_ += (target - furthest).ns();
  base_simulated_ += furthest - target;
  return furthest;
}

std::chrono::nanoseconds Pacer::until(SimTime when) const {
  if (when <= base_simulated_) return {};
  // A second of real time is as good as more: whoever waits looks again before.
  const __int128 real = __int128((when - base_simulated_).ns()) * 1'000'000'000 / speed_nano_;
  const std::chrono::nanoseconds elapsed = Clock::now() - base_real_;
  const __int128 left = real - elapsed.count();
  return std::chrono::nanoseconds(left <= 0              ? 0
                                  : left > 1'000'000'000 ? 1'000'000'000
                                                         : int64_t(left));
}

}  // namespace stackyard
