// bench/fattree.cpp - a fat-tree of 8 ports: 128 hosts, 80 routers, links of 10 Gb/s and 5 us with
// queues of 100 packets; everybody sends to one other host, by a permutation (workload of ns-3's
// bench/ns3/fattree.cc: the same topology, paths, pairs and times).
//
//   fattree tcp MILLISECONDS   bulk; buffers of 1 MiB, least RTO 10 ms. Prints "ns_per_arrival N"
//   fattree udp MILLISECONDS   5 Gb/s in datagrams of 1000 octets. Prints "ns_per_hop N"
//
// An arrival is a segment, data or acknowledgment, that reached a host: how many of them are in
// order when the time is over is the congestion controls' affair. Hops are datagrams delivered by
// links crossed.
#include <algorithm>
#include <random>

#include "bench/load.h"
#include "core/base/text.h"

using namespace stackyard;

namespace {

constexpr uint32_t ports = 8, half = ports / 2, hosts = ports * half * half;
constexpr uint16_t port = 5000;
constexpr int64_t buffer = 1 << 20;
constexpr SimTime start = 1_ms;

struct Host {
  uint32_t pod, edge, digit;
  explicit Host(uint32_t i) : pod(i / (half * half)), edge(i / half % half), digit(i % half) {}
  Ipv4Address address() const { return {10u << 24 | pod << 16 | edge << 8 | (8 * digit + 2)}; }
};

std::string name(const Host& h) { return text("h{}-{}-{}", h.pod, h.edge, h.digit); }

// Interfaces of a router: 0 to 3 go down, 4 to 7 up; the core's 0 to 7 go to the pods.
class Tree {
 public:
  std::string yaml() {
    for (uint32_t i = 0; i < hosts; ++i) add_host(Host(i));
    for (uint32_t pod = 0; pod < ports; ++pod)
      for (uint32_t i = 0; i < half; ++i) {
        add_edge(pod, i);
        add_aggregation(pod, i);
      }
    for (uint32_t i = 0; i < half * half; ++i) add_core(i);
    return "hosts: false\nsim: {bring_up: settled}\n"
           "defaults: {link: {impair: {rate: 10gbit, delay: 5us, queue: 100p}}}\nnodes:\n" +
           nodes_ + "links:\n" + links_;
  }

 private:
  static std::string between(uint32_t link, int end) {
    return to_text(Ipv4Address{172u << 24 | 16u << 16 | (4 * link + uint32_t(end))});
  }
  // The numbers of the networks between routers.
  static uint32_t low(uint32_t pod, uint32_t edge, uint32_t aggregation) {
    return (pod * half + edge) * half + aggregation;
  }
  static uint32_t high(uint32_t pod, uint32_t aggregation, uint32_t core) {
    return ports * half * half + low(pod, aggregation, core);
  }
  static std::string interface(uint32_t number, const std::string& address) {
    return text("em{}: {{addresses: [{}/30]}}, ", number, address);
  }
  static std::string route(const std::string& to, const std::string& via) {
    return text("{{to: {}, via: {}}}, ", to, via);
  }
  void add_router(const std::string& id, const std::string& interfaces, const std::string& routes) {
    nodes_ +=
        text("  {}: {{kind: router, interfaces: {{{}}}, routes: [{}]}}\n", id, interfaces, routes);
  }

  void add_host(const Host& h) {
    nodes_ += text(
        "  {}: {{sysctl: {{net.inet.tcp.rexmit_min: 10}}, interfaces: {{em0: {{addresses: "
        "[{}/30]}}}}, routes: [{{to: default, via: 10.{}.{}.{}}}]}}\n",
        name(h), to_text(h.address()), h.pod, h.edge, 8 * h.digit + 1);
    links_ += text("  - {}:em0 -- e{}-{}:em{}\n", name(h), h.pod, h.edge, h.digit);
  }

  // Up by the digit of the host that it is for, so the paths are known.
  void add_edge(uint32_t pod, uint32_t edge) {
    std::string interfaces, routes;
    for (uint32_t i = 0; i < half; ++i) {
      interfaces += interface(i, text("10.{}.{}.{}", pod, edge, 8 * i + 1));
      interfaces += interface(half + i, between(low(pod, edge, i), 1));
      links_ += text("  - e{0}-{1}:em{2} -- a{0}-{3}:em{1}\n", pod, edge, half + i, i);
      for (uint32_t to = 0; to < ports * half; ++to)
        if (to != pod * half + edge)
          routes += route(text("10.{}.{}.{}/29", to / half, to % half, 8 * i),
                          between(low(pod, edge, i), 2));
    }
    add_router(text("e{}-{}", pod, edge), interfaces, routes);
  }

  // Up by the edge that it is for.
  void add_aggregation(uint32_t pod, uint32_t aggregation) {
    std::string interfaces, routes;
    for (uint32_t i = 0; i < half; ++i) {
      interfaces += interface(i, between(low(pod, i, aggregation), 2));
      interfaces += interface(half + i, between(high(pod, aggregation, i), 1));
      links_ += text("  - a{}-{}:em{} -- c{}:em{}\n", pod, aggregation, half + i,
                     aggregation * half + i, pod);
      routes += route(text("10.{}.{}.0/24", pod, i), between(low(pod, i, aggregation), 1));
      for (uint32_t to = 0; to < ports; ++to)
        if (to != pod)
          routes += route(text("10.{}.{}.0/24", to, i), between(high(pod, aggregation, i), 2));
    }
    add_router(text("a{}-{}", pod, aggregation), interfaces, routes);
  }

  void add_core(uint32_t core) {
    std::string interfaces, routes;
    for (uint32_t pod = 0; pod < ports; ++pod) {
      const uint32_t link = high(pod, core / half, core % half);
      interfaces += interface(pod, between(link, 2));
      routes += route(text("10.{}.0.0/16", pod), between(link, 1));
    }
    add_router(text("c{}", core), interfaces, routes);
  }

  std::string nodes_, links_;
};

// Whom everybody sends to, and when he begins.
struct Pairs {
  std::vector<uint32_t> to = std::vector<uint32_t>(hosts);
  std::vector<SimTime> begin;
  Pairs() {
    std::mt19937 random(1);
    for (uint32_t i = 0; i < hosts; ++i) to[i] = i;
    const auto is_self = [this] {
      for (uint32_t i = 0; i < hosts; ++i)
        if (to[i] == i) return true;
      return false;
    };
    do std::shuffle(to.begin(), to.end(), random);
    while (is_self());
    std::uniform_real_distribution<double> within(0, 1e5);
    for (uint32_t i = 0; i < hosts; ++i) begin.push_back(start + SimTime(int64_t(within(random))));
  }
};

int links_between(const Host& a, const Host& b) {
  return a.pod != b.pod ? 6 : a.edge != b.edge ? 4 : 2;
}

struct DatagramSource {
  DatagramSource(Node& node, std::unique_ptr<SocketOps> s)
      : socket(std::move(s)), timer(node, Timer::call<&DatagramSource::send>, this) {}
  void send() {
    (void)socket->send(octets, {});
    timer.arm(gap);
  }
  static constexpr SimTime gap = 1600_ns;  // 1000 octets at 5 Gb/s
  std::unique_ptr<SocketOps> socket;
  std::vector<uint8_t> octets = std::vector<uint8_t>(1000);
  Timer timer;
};

struct DatagramSink final : SocketListener {
  explicit DatagramSink(std::unique_ptr<SocketOps> s) : socket(std::move(s)) {
    socket->listen_to(this);
  }
  void socket_changed() override {
    while (socket->receive(2000, {})) ++received;
  }
  std::unique_ptr<SocketOps> socket;
  uint64_t received = 0;
};

SockAddr at(const Host& h) {
  SockAddr address;
  address.address = h.address();
  address.port = port;
  return address;
}

void run(Lab& lab, int64_t milliseconds, const char* unit, const std::function<double()>& count) {
  Simulation& simulation = lab.simulation();
  const uint64_t before = simulation.events_run();
  const double spent = seconds_of([&] {
    while (!simulation.run_until(SimTime(milliseconds * 1'000'000), 50'000)) {
    }
  });
  const double units = count();
  std::printf("ns_per_%s %.1f\n%ss %.0f\ncpu_s %.3f\nevents_per_%s %.2f\n", unit,
              spent * 1e9 / units, unit, units, spent, unit,
              double(simulation.events_run() - before) / units);
}

int tcp(Lab& lab, const Pairs& pairs, int64_t milliseconds) {
  std::vector<std::unique_ptr<BulkServer>> servers;
  std::vector<std::unique_ptr<BulkSource>> sources;
  for (uint32_t i = 0; i < hosts; ++i)
    servers.push_back(std::make_unique<BulkServer>(lab.machine(name(Host(i))), port, buffer));
  for (uint32_t i = 0; i < hosts; ++i)
    lab.simulation().at_barrier(pairs.begin[i], EventKind::outside, [&, i] {
      sources.push_back(
          std::make_unique<BulkSource>(bench_tcp_socket(lab.machine(name(Host(i))), buffer)));
      (void)sources.back()->socket->connect(at(Host(pairs.to[i])));
    });
  run(lab, milliseconds, "arrival", [&] {
    uint64_t arrivals = 0;
    for (uint32_t i = 0; i < hosts; ++i)
      for (const CounterLine& line : lab.machine(name(Host(i))).vnet().counters())
        if (std::string_view(line.name) == "tcps_rcvtotal") arrivals += line.value;
    return double(arrivals);
  });
  uint64_t octets = 0;
  for (const auto& server : servers) octets += server->received();
  std::printf("delivered_mb %.1f\n", double(octets) / 1e6);
  return 0;
}

int udp(Lab& lab, const Pairs& pairs, int64_t milliseconds) {
  std::vector<std::unique_ptr<DatagramSource>> sources;
  std::vector<std::unique_ptr<DatagramSink>> sinks;
  for (uint32_t i = 0; i < hosts; ++i) {
    Machine& from = lab.machine(name(Host(i)));
    Machine& to = lab.machine(name(Host(pairs.to[i])));
    auto out = from.vnet().socket(Af::inet, SocketType::datagram, 0);
    auto in = to.vnet().socket(Af::inet, SocketType::datagram, 0);
    check(out && in, "UDP sockets");
    SockAddr local;
    local.port = port;
    check((*in)->bind(local) && (*out)->connect(at(Host(pairs.to[i]))), "UDP sockets with names");
    sinks.push_back(std::make_unique<DatagramSink>(std::move(*in)));
    sources.push_back(std::make_unique<DatagramSource>(from.site().node(), std::move(*out)));
    lab.simulation().at_barrier(pairs.begin[i], EventKind::outside,
                                [source = sources.back().get()] { source->send(); });
  }
  run(lab, milliseconds, "hop", [&] {
    double hops = 0;
    for (uint32_t i = 0; i < hosts; ++i)
      hops += double(sinks[i]->received) * links_between(Host(i), Host(pairs.to[i]));
    return hops;
  });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const int64_t milliseconds = argc > 2 ? std::atoi(argv[2]) : 5;
  if (mode != "tcp" && mode != "udp") {
    std::fputs("usage: fattree tcp | udp [MILLISECONDS]\n", stderr);
    return 2;
  }
  Lab lab(read_bench_lab(Tree().yaml()));
  lab.simulation().run_until(500_us);
  const Pairs pairs;
  return mode == "tcp" ? tcp(lab, pairs, milliseconds) : udp(lab, pairs, milliseconds);
}
