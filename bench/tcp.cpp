// bench/tcp.cpp - bulk TCP: full stacks on both ends, sockets without processes.
//
//   tcp flow SECONDS            one flow over 1 Gb/s with 10 ms of round trip
//   tcp dumbbell FLOWS SECONDS  access links 1 Gb/s 1 ms, a bottleneck of 1 Gb/s 3 ms
//   tcp connections COUNT       set up, held idle, torn down: octets each, and time; a port of the
//                               server for each 60,000
//
// A segment is 1448 octets that were delivered. Prints "ns_per_segment N".
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "bench/load.h"
#include "core/base/text.h"

using namespace stackyard;

namespace {

constexpr int64_t buffer = 2 * 1024 * 1024;
constexpr uint16_t port = 9;

double heap() { return double(mallinfo2().uordblks + mallinfo2().hblkhd); }

std::unique_ptr<SocketOps> tcp_socket(Machine& machine) {
  return bench_tcp_socket(machine, buffer);
}

struct Flow {
  std::string from, to;
  SockAddr target;
};

int bulk(const std::string& yaml, const std::vector<Flow>& flows, int64_t seconds) {
  Lab lab(read_bench_lab(yaml));
  Simulation& simulation = lab.simulation();
  simulation.run_until(1_ms);
  std::map<std::string, std::unique_ptr<BulkServer>> servers;
  std::vector<std::unique_ptr<BulkSource>> sources;
  for (const Flow& flow : flows)
    if (!servers[flow.to])
      servers[flow.to] = std::make_unique<BulkServer>(lab.machine(flow.to), port, buffer);
  // One after the other: they do not all fill the queue in the same instant.
  for (size_t i = 0; i < flows.size(); ++i)
    simulation.at_barrier(2_ms + SimTime(int64_t(i) * 1'000'000), EventKind::outside, [&, i] {
      const Flow& flow = flows[i];
      sources.push_back(std::make_unique<BulkSource>(tcp_socket(lab.machine(flow.from))));
      (void)sources.back()->socket->connect(flow.target);
    });
  const uint64_t before = simulation.events_run();
  const double spent = seconds_of([&] {
    while (!simulation.run_until(SimTime(seconds * 1'000'000'000), 50'000)) {
    }
  });
  uint64_t octets = 0;
  for (const auto& [name, server] : servers) octets += server->received();
  const double segments = double(octets) / 1448;
  std::printf("ns_per_segment %.1f\nsegments %.0f\nmbit_per_s %.1f\nevents_per_segment %.2f\n",
              spent * 1e9 / segments, segments, double(octets) * 8e-6 / double(seconds),
              double(simulation.events_run() - before) / segments);
  return segments > 0 ? 0 : 1;
}

int dumbbell(int count, int64_t seconds) {
  std::string yaml = "hosts: false\nnodes:\n  l: {kind: router}\n  r: {kind: router}\n";
  std::string links = "links:\n  - {endpoints: l -- r, impair: {rate: 1gbit, delay: 3ms}}\n";
  std::vector<Flow> flows;
  for (int i = 0; i < count; ++i) {
    yaml += text("  a{}: {{routes: [{{to: default, via: l}}]}}\n", i);
    yaml += text(
        "  b{}: {{routes: [{{to: default, via: r}}], interfaces: {{em0: {{addresses: "
        "[10.9.{}.2/30]}}}}}}\n",
        i, i);
    links += text("  - {{endpoints: a{} -- l, impair: {{rate: 1gbit, delay: 1ms}}}}\n", i);
    links += text("  - {{endpoints: b{} -- r, impair: {{rate: 1gbit, delay: 1ms}}}}\n", i);
    Flow flow{text("a{}", i), text("b{}", i), {}};
    flow.target.address = Ipv4Address{0x0a090002u + (uint32_t(i) << 8)};
    flow.target.port = port;
    flows.push_back(flow);
  }
  yaml.replace(yaml.find("l: {kind: router}"), 17,
               "l: {kind: router, routes: [{to: 10.9.0.0/16, via: r}]}");
  yaml.replace(yaml.find("  r: {kind: router}"), 19,
               "  r: {kind: router, routes: [{to: default, via: l}]}");
  return bulk(yaml + links, flows, seconds);
}

int connections(int count) {
  Lab lab(read_bench_lab(
      "hosts: false\nnodes: {a: {sysctl: {net.inet.ip.portrange.first: 1024}}, b: {}}\n"
      "links: [a -- b]\n"));
  Simulation& simulation = lab.simulation();
  simulation.run_until(1_ms);
  const double before = heap();
  constexpr int each = 60'000;
  std::vector<std::unique_ptr<BulkServer>> servers;
  for (int i = 0; i <= count / each; ++i)
    servers.push_back(std::make_unique<BulkServer>(lab.machine("b"), uint16_t(port + i), buffer));
  std::vector<std::unique_ptr<SocketOps>> clients;
  SockAddr to;
  to.address = Ipv4Address{0x0a000002};
  to.port = port;
  clients.push_back(*lab.machine("a").vnet().socket(Af::inet, SocketType::stream, 0));
  simulation.at_barrier(2_ms, EventKind::outside, [&] { (void)clients[0]->connect(to); });
  simulation.run_until(10_ms);  // ARP is done
  const double opened = seconds_of([&] {
    for (int i = 0; i < count; i += 100) {
      simulation.at_barrier(simulation.now() + 1_ns, EventKind::outside, [&] {
        for (int j = 0; j < 100; ++j) {
          to.port = uint16_t(port + (i + j) / each);
          clients.push_back(*lab.machine("a").vnet().socket(Af::inet, SocketType::stream, 0));
          (void)clients.back()->connect(to);
        }
      });
      simulation.run_until(simulation.now() + 1_ms);
    }
  });
  const double held = (heap() - before) / count;
  size_t there = 0;
  for (const auto& server : servers) there += server->sinks.size();
  const double closed = seconds_of([&] {
    simulation.at_barrier(simulation.now() + 1_ns, EventKind::outside, [&] {
      clients.clear();
      for (const auto& server : servers) server->sinks.clear();
    });
    simulation.run_until(simulation.now() + 70_s);
  });
  std::printf("connections %zu\noctets_per_connection %.0f\nus_to_open %.2f\nus_to_close %.2f\n",
              there, held, opened * 1e6 / count, closed * 1e6 / count);
  return there == size_t(count) + 1 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const int first = argc > 2 ? std::atoi(argv[2]) : 1;
  if (mode == "flow") {
    Flow flow{"a", "b", {}};
    flow.target.address = Ipv4Address{0x0a000002};
    flow.target.port = port;
    return bulk(
        "hosts: false\nnodes: [a, b]\nlinks: [{endpoints: a -- b, impair: {rate: 1gbit, "
        "delay: 5ms}}]\n",
        {flow}, first);
  }
  if (mode == "dumbbell") return dumbbell(first, argc > 3 ? std::atoi(argv[3]) : 1);
  if (mode == "connections") return connections(first);
  std::fputs("usage: tcp flow SECONDS | dumbbell FLOWS SECONDS | connections COUNT\n", stderr);
  return 2;
}
