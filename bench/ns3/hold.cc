// bench/ns3/hold.cc - the hold model on ns-3: the same increments, random numbers and count as
// bench/hold.cpp. Prints "ns_per_event N".
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "ns3/core-module.h"

namespace {
uint64_t executed, wanted, mean, state = 88172645463325252ull;
std::vector<double> table(65536);
uint64_t Increment() {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return 1 + uint64_t(table[(state >> 20) & 65535] * double(mean));
}
void Event() {
  if (++executed >= wanted) return ns3::Simulator::Stop();
  ns3::Simulator::Schedule(ns3::NanoSeconds(Increment()), &Event);
}
}  // namespace

int main(int argc, char** argv) {
  std::string scheduler = "ns3::MapScheduler";
  uint32_t pending = 1000;
  ns3::CommandLine line;
  line.AddValue("scheduler", "", scheduler);
  line.AddValue("pending", "", pending);
  line.AddValue("events", "", wanted);
  line.Parse(argc, argv);
  for (size_t i = 0; i < table.size(); ++i) table[i] = -std::log((double(i) + 0.5) / 65536.0);
  mean = uint64_t(1000) * pending;
  ns3::Simulator::SetScheduler(ns3::ObjectFactory(scheduler));
  for (uint32_t i = 0; i < pending; ++i)
    ns3::Simulator::Schedule(ns3::NanoSeconds(Increment()), &Event);
  const auto begin = std::chrono::steady_clock::now();
  ns3::Simulator::Run();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("ns_per_event %.2f\n", seconds * 1e9 / double(executed));
  std::fflush(stdout);
  _Exit(0);
}
