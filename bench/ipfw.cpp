// bench/ipfw.cpp - what a firewall costs a forwarded packet.
//
// usage: ipfw {plain | linear N | table N | states N | stateful | nat | pipe N} [PACKETS]. A router
// forwards UDP datagrams; prints "ns_per_packet N" (of the whole way) and "received N". A pipe of N
// Mbit/s: how much its rate and its delay of 10 ms are beside what they should be, "rate_error_ppm"
// and "delay_error_ppm".
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "core/base/text.h"
#include "core/wire/net/ipv4.h"
#include "lab/build/lab.h"
#include "lab/spec/problems.h"
#include "stack/dummynet/api/dummynet_requests.h"
#include "stack/ipfw/api/ipfw_requests.h"
#include "stack/kern/socket_ops.h"
#include "stack/nat/api/nat_requests.h"
#include "stack/net/net_stack.h"

using namespace stackyard;

namespace {

constexpr const char* yaml = R"(
name: firewall
hosts: false
sim: {bring_up: settled}
defaults: {link: {impair: {rate: 10gbit, delay: 1us}}}
nodes:
  a: {interfaces: {em0: {addresses: [10.0.1.1/24]}}, routes: [{to: default, via: 10.0.1.2}]}
  fw: {kind: router, interfaces: {em0: {addresses: [10.0.1.2/24]}, em1: {addresses: [10.0.2.2/24]}}}
  b: {interfaces: {em0: {addresses: [10.0.2.1/24]}}}
links: ["a:em0 -- fw:em0", "fw:em1 -- b:em0"]
)";

struct Source {
  Source(Node& node, SocketOps& s, uint64_t n)
      : socket(s), left(n), timer(node, Timer::call<&Source::send>, this) {}
  void send() {
    (void)socket.send(octets, {});
    if (--left > 0) timer.arm(1_us);
  }
  SocketOps& socket;
  uint64_t left;
  Timer timer;
  std::vector<uint8_t> octets = std::vector<uint8_t>(1000);
};

struct Sink final : SocketListener {
  Sink(SocketOps& s, Site& at) : socket(s), site(at) { socket.listen_to(this); }
  void socket_changed() override {
    while (socket.receive(65536, {})) {
      if (received++ == 0) first = site.now();
      last = site.now();
    }
  }
  SocketOps& socket;
  Site& site;
  SimTime first, last;
  uint64_t received = 0;
};

ipfw::Rule rule(uint32_t number, std::vector<ipfw::Insn> match, ipfw::Op action) {
  ipfw::Rule rule;
  rule.number = number;
  rule.match = std::move(match);
  rule.actions.push_back({.op = action});
  return rule;
}

ipfw::Insn from(uint32_t address) {
  ipfw::Insn insn{.op = ipfw::Op::src4, .sub = 1};
  const ipfw::Pair4 pair{address, 0xffffffff};
  std::memcpy(&insn.data, &pair, sizeof pair);
  return insn;
}
ipfw::Insn port(uint16_t number) {
  ipfw::Insn insn{.op = ipfw::Op::dst_port, .sub = 1};
  const ipfw::Range16 range{number, number};
  std::memcpy(&insn.data, &range, sizeof range);
  return insn;
}

// `count` rules that look at protocol and address, and do not match.
void linear(Vnet& vnet, uint32_t count) {
  ipfw::AddRules add;
  for (uint32_t i = 0; i < count; ++i)
    add.rules.push_back(
        rule(1 + i, {{.op = ipfw::Op::proto, .arg = 17}, from(0x0b000000 + i)}, ipfw::Op::deny));
  add.rules.push_back(rule(60000, {}, ipfw::Op::accept));
  (void)vnet.request(add);
}

void table(Vnet& vnet, uint32_t count) {
  ipfw::CreateTable create;
  create.info.name = "t";
  (void)vnet.request(create);
  ipfw::ChangeTable change;
  change.name = "t";
  for (uint32_t i = 0; i < count; ++i) {
    ipfw::TableEntry entry;
    entry.key.prefix = Ipv4Prefix{{0x0b000000 + i * 64}, 26};
    change.entries.push_back(entry);
  }
  (void)vnet.request(change);
  ipfw::AddRules add;
  ipfw::Rule lookup = rule(1, {{.op = ipfw::Op::src_table, .arg = 0}}, ipfw::Op::deny);
  lookup.names = {"t"};
  add.rules = {lookup, rule(60000, {}, ipfw::Op::accept)};
  (void)vnet.request(add);
}

// Ten rules with states, as of a small office.
void stateful(Vnet& vnet) {
  ipfw::AddRules add;
  for (uint32_t i = 0; i < 8; ++i)
    add.rules.push_back(rule(10 + i, {from(0x0b000000 + i)}, ipfw::Op::deny));
  ipfw::Rule keep = rule(100,
                         {{.op = ipfw::Op::probe_state, .arg = 0},
                          {.op = ipfw::Op::proto, .arg = 17},
                          {.op = ipfw::Op::keep_state, .arg = 0}},
                         ipfw::Op::accept);
  ipfw::Rule check = rule(5, {}, ipfw::Op::check_state);
  keep.names = check.names = {"default"};
  add.rules.push_back(keep);
  add.rules.push_back(check);
  (void)vnet.request(add);
}

// Everybody behind the address of em1.
void translated(Vnet& vnet) {
  ConfigureNat nat;
  nat.config.number = 1;
  nat.config.interface = "em1";
  (void)vnet.request(nat);
  ipfw::AddRules add;
  ipfw::Rule through = rule(1, {}, ipfw::Op::nat);
  through.actions.back().arg = 1;
  add.rules.push_back(through);
  (void)vnet.request(add);
}

constexpr SimTime pipe_delay = 10_ms;

void piped(Vnet& vnet, uint32_t megabits) {
  ConfigureDummynet pipe;
  pipe.number = 1;
  pipe.pipe.bandwidth = megabits * uint64_t(1'000'000);
  pipe.pipe.delay_ms = uint32_t(pipe_delay.ms());
  (void)vnet.request(pipe);
  ipfw::AddRules add;
  ipfw::Rule into =
      rule(1, {{.op = ipfw::Op::in, .flags = ipfw::insn_flag::negated}}, ipfw::Op::pipe);
  into.actions.back().arg = 1;
  add.rules = {into, rule(60000, {}, ipfw::Op::accept)};
  (void)vnet.request(add);
}

// Conversations by datagrams that come in as if somebody had sent them.
void crowd(Vnet& vnet, uint32_t count) {
  auto& net = vnet.state<NetStack>(net_module);
  Ifnet* from = net.find("em0");
  for (uint32_t i = 0; i < count; ++i) {
    Packet packet = net.site().make_packet(28);
    const MutableBytes octets = packet.writable_front();
    std::fill(octets.begin(), octets.end(), uint8_t(0));
    Ipv4Header header;
    header.total_length = 28;
    header.protocol = 17;
    header.source = 0x0c000000 + i / 60000;
    header.dest = 0x0d000001;  // there is no way to it
    store(header, octets);
    finish_ipv4_header(octets);
    store(be16(uint16_t(1 + i % 60000)), octets.subspan(20));
    store(be16(53), octets.subspan(22));
    store(be16(8), octets.subspan(24));
    net.deliver(std::move(packet), ether_type::ipv4, *from);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "plain";
  const uint32_t count = argc > 2 ? uint32_t(std::strtoul(argv[2], nullptr, 10)) : 0;
  const uint64_t packets = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 200'000;
  Problems problems;
  ReadOptions options;
  LabSpec spec = read_lab(yaml, "firewall.yaml", options, problems);
  if (problems.any_errors()) return 2;
  Lab lab(std::move(spec));
  Simulation& simulation = lab.simulation();
  simulation.run_until(1_ms);
  Machine &a = lab.machine("a"), &b = lab.machine("b");
  Vnet& vnet = lab.machine("fw").vnet();
  auto out = *a.vnet().socket(Af::inet, SocketType::datagram, 0);
  auto in = *b.vnet().socket(Af::inet, SocketType::datagram, 0);
  SockAddr at, to;
  at.port = to.port = 9;
  to.address = Ipv4Address{0x0a000201};
  (void)in->bind(at);
  Sink sink(*in, b.site());
  if (mode == "states") {
    // Beside the one that is measured.
    (void)vnet.set_sysctl("net.inet.ip.fw.dyn_max", text("{}", count + 1));
    (void)vnet.set_sysctl("net.inet.ip.fw.dyn_udp_lifetime", "86400");
    stateful(vnet);
    simulation.at_barrier(1500_us, EventKind::outside, [&] { crowd(vnet, count); });
    simulation.run_until(1600_us);
  }
  if (mode == "linear") linear(vnet, count);
  if (mode == "table") table(vnet, count);
  if (mode == "stateful") stateful(vnet);
  if (mode == "nat") translated(vnet);
  (void)out->connect(to);
  Source source(a.site().node(), *out, packets);
  if (mode == "pipe") {
    // One passes before it, for ARP's sake.
    simulation.at_barrier(1700_us, EventKind::outside, [&] { (void)out->send(source.octets, {}); });
    simulation.run_until(1900_us);
    sink.received = 0;
    piped(vnet, count);
  }
  simulation.at_barrier(2_ms, EventKind::outside, [&] { source.send(); });
  const auto begin = std::chrono::steady_clock::now();
  while (!simulation.run_until(60_s, 50'000)) {
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (mode == "pipe") {
    // 1028 octets each; on the wires it takes 2 us and three times 1052 octets of 10 Gbit/s.
    const double bits = 1028 * 8, transmission = bits * 1e3 / count;
    const double spent = double((sink.last - sink.first).ns());
    const double rate = double(sink.received - 1) * transmission / spent;
    const double wires = 2'000 + 2 * 1066 * 8 / 10.0;
    const double delay = double((sink.first - 2_ms).ns()) - transmission - wires;
    std::printf("rate_error_ppm %.3f\ndelay_error_ppm %.3f\n", std::abs(rate - 1) * 1e6,
                std::abs(delay / double(pipe_delay.ns()) - 1) * 1e6);
    return 0;
  }
  std::printf("ns_per_packet %.1f\nreceived %lu\n", seconds * 1e9 / double(packets),
              static_cast<unsigned long>(sink.received));
  return sink.received == packets ? 0 : 1;
}
