// bench/hold.cpp - the hold model: P pending events, each schedules its successor.
//
// usage: hold PENDING EVENTS [ties]. Prints "ns_per_event N". With ties, increments are rounded to
// 64 ns so that many events share an instant.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core/event/simulation.h"

using namespace stackyard;

namespace {

struct Hold {
  Simulation& simulation;
  Node& node;
  uint64_t wanted, mean, tie_mask;
  uint64_t executed = 0, state = 88172645463325252ull;
  std::vector<double> table = std::vector<double>(65536);

  SimTime increment() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const uint64_t ns = 1 + uint64_t(table[(state >> 20) & 65535] * double(mean));
    return SimTime(int64_t((ns + tie_mask) & ~tie_mask));
  }
  static void run(void* object, EventLoad) {
    Hold& hold = *static_cast<Hold*>(object);
    if (++hold.executed >= hold.wanted) return hold.simulation.stop();
    // Arrivals: no timer's wheel, just the ordered queue, as in the other program.
    hold.node.send(hold.node, hold.increment(), event, object, {});
  }
  static constexpr EventClass event{.run = run};
};

}  // namespace

int main(int argc, char** argv) {
  const uint64_t pending = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  const uint64_t wanted = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 5'000'000;
  Simulation simulation;
  Hold hold{simulation, simulation.add_node("hold"), wanted, 1000 * pending,
            argc > 3 ? uint64_t(63) : uint64_t(0)};
  for (size_t i = 0; i < hold.table.size(); ++i)
    hold.table[i] = -std::log((double(i) + 0.5) / 65536.0);
  for (uint64_t i = 0; i < pending; ++i)
    hold.node.send(hold.node, hold.increment(), Hold::event, &hold, {});
  const auto begin = std::chrono::steady_clock::now();
  while (hold.executed < wanted) simulation.run_until(SimTime::max() - 1_s, 100'000);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("ns_per_event %.2f\n", seconds * 1e9 / double(hold.executed));
  std::fflush(stdout);
  std::_Exit(0);
}
