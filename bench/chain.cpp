// bench/chain.cpp - a UDP chain of routers: full stacks, real headers, lookups, TTL and checksums.
//
// usage: chain PACKETS [decisions | v6] [capture FILE]. Prints "ns_per_hop N" and "received N".
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "core/base/text.h"
#include "lab/build/lab.h"
#include "lab/run/captures.h"
#include "lab/spec/problems.h"
#include "stack/kern/socket_ops.h"

using namespace stackyard;

namespace {

constexpr int routers = 10;
constexpr size_t payload = 1000;

// The same with IPv6: no pool, since routes need no name.
std::string chain6_yaml() {
  std::string yaml =
      "name: chain\nhosts: false\nsim: {bring_up: settled}\nnodes:\n"
      "  src: {interfaces: {em0: {addresses: [\"fd00::1/64\"]}}, routes: [{to: default, via: "
      "\"fd00::2\"}]}\n";
  for (int i = 1; i <= routers; ++i)
    yaml += text(
        "  r{0}: {{kind: router, interfaces: {{em0: {{addresses: [\"fd00:0:0:{1:x}::2/64\"]}}, "
        "em1: "
        "{{addresses: [\"fd00:0:0:{0:x}::1/64\"]}}}}, routes: [{{to: default, via: "
        "\"fd00:0:0:{0:x}::2\"}}]}}\n",
        i, i - 1);
  yaml +=
      text("  dst: {{interfaces: {{em0: {{addresses: [\"fd00:0:0:{:x}::2/64\"]}}}}}}\n", routers);
  yaml += "defaults: {link: {impair: {rate: 10gbit, delay: 1us}}}\nlinks:\n  - src:em0 -- r1:em0\n";
  for (int i = 1; i < routers; ++i) yaml += text("  - r{}:em1 -- r{}:em0\n", i, i + 1);
  return yaml + text("  - r{}:em1 -- dst:em0\n", routers);
}

std::string chain_yaml(bool capture) {
  std::string yaml = "name: chain\nhosts: false\nnodes:\n  src: {}\n";
  for (int i = 1; i <= routers; ++i)
    yaml += text(
        "  r{}: {{kind: router, interfaces: {{em0: {{addresses: [10.0.{}.2/30]}}, em1: "
        "{{addresses: [10.0.{}.1/30]}}}}, routes: [{{to: default, via: 10.0.{}.2}}]}}\n",
        i, i - 1, i, i);
  yaml += text("  dst: {{interfaces: {{em0: {{addresses: [10.0.{}.2/30]}}}}}}\n", routers);
  yaml = text(
      "{}defaults: {{link: {{impair: {{rate: 10gbit, delay: 1us}}}}}}\nlinks:\n"
      "  - src:em0 -- r1:em0\n",
      yaml);
  for (int i = 1; i < routers; ++i) yaml += text("  - r{}:em1 -- r{}:em0\n", i, i + 1);
  yaml += text("  - r{}:em1 -- dst:em0\n", routers);
  yaml.replace(yaml.find("src: {}"), 7,
               "src: {interfaces: {em0: {addresses: [10.0.0.1/30]}}, routes: [{to: default, via: "
               "10.0.0.2}]}");
  if (capture) {
    yaml += "captures: [{file: all.pcapng, tap: [src, dst";
    for (int i = 1; i <= routers; ++i) yaml += text(", r{}", i);
    yaml += "]}]\n";
  }
  return yaml;
}

// Sends a datagram every `gap` by a socket without a process.
struct Source {
  Source(Node& node, SocketOps& s, uint64_t n, SimTime g)
      : socket(s), left(n), gap(g), timer(node, Timer::call<&Source::send>, this) {}
  void send() {
    (void)socket.send(octets, {});
    if (--left > 0) timer.arm(gap);
  }
  SocketOps& socket;
  uint64_t left;
  SimTime gap;
  Timer timer;
  std::vector<uint8_t> octets = std::vector<uint8_t>(payload);
};

struct Sink final : SocketListener {
  explicit Sink(SocketOps& s) : socket(s) { socket.listen_to(this); }
  void socket_changed() override {
    while (socket.receive(65536, {})) ++received;
  }
  SocketOps& socket;
  uint64_t received = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const uint64_t packets = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000;
  const std::string mode = argc > 2 ? argv[2] : "";
  const bool v6 = mode == "v6";
  Problems problems;
  ReadOptions options;
  LabSpec spec =
      read_lab(v6 ? chain6_yaml() : chain_yaml(mode == "capture"), "chain.yaml", options, problems);
  if (problems.any_errors()) {
    std::fputs(problems.text("chain.yaml").c_str(), stderr);
    return 2;
  }
  Lab lab(std::move(spec));
  Captures captures(lab);
  if (mode == "capture") {
    lab.add_observer(&captures);
    if (const std::string wrong = captures.open(argc > 3 ? argv[3] : "."); !wrong.empty()) return 3;
  }
  lab.want_decisions(mode == "decisions");
  Simulation& simulation = lab.simulation();
  simulation.run_until(1_ms);
  Machine& src = lab.machine("src");
  Machine& dst = lab.machine("dst");
  const Af family = v6 ? Af::inet6 : Af::inet;
  auto out = *src.vnet().socket(family, SocketType::datagram, 0);
  auto in = *dst.vnet().socket(family, SocketType::datagram, 0);
  SockAddr at, to;
  at.port = to.port = 9;
  to.address = Ipv4Address{0x0a000002u | routers << 8};
  if (v6) {
    at.address = Ipv6Address{};
    to.address = Ipv6Address::of({0xfd00, 0, 0, routers, 0, 0, 0, 2});
  }
  (void)in->bind(at);
  (void)out->connect(to);
  Sink sink(*in);
  Source source(src.site().node(), *out, packets, SimTime(int64_t((payload + 30) * 8 / 8)));
  simulation.at_barrier(2_ms, EventKind::outside, [&] { source.send(); });
  const auto begin = std::chrono::steady_clock::now();
  while (!simulation.run_until(60_s, 50'000)) {
  }
  (void)captures.flush();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double hops = double(sink.received) * (routers + 1);
  std::printf("ns_per_hop %.1f\nreceived %lu\nevents_per_hop %.2f\n", seconds * 1e9 / hops,
              static_cast<unsigned long>(sink.received), double(simulation.events_run()) / hops);
  return sink.received == packets ? 0 : 1;
}
