// bench/size.cpp - what stacks, hosts and jails cost: octets of the heap, and time.
//
//   size vnet | jail | move     a machine with 10,000 jails
//   size hosts LANS             LANS x 100 hosts on a switch each, settled, from YAML's `count`
//   size storm ROUNDS           10,000 jails created and destroyed under traffic, again and again
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "core/base/text.h"
#include "lab/build/lab.h"
#include "lab/spec/problems.h"
#include "stack/inet/inet.h"
#include "stack/net/net_stack.h"

using namespace stackyard;

namespace {

constexpr int jails = 10'000;

double heap() { return double(mallinfo2().uordblks + mallinfo2().hblkhd); }

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double resident_mib() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  statm >> pages >> pages;
  return pages * 4096 / (1 << 20);
}

LabSpec read(const std::string& yaml) {
  Problems problems;
  LabSpec spec = read_lab(yaml, "size.yaml", {}, problems);
  if (problems.any_errors()) {
    std::fputs(problems.text("size.yaml").c_str(), stderr);
    std::exit(2);
  }
  return spec;
}

Jail& make_jail(Machine& machine, const std::string& name) {
  std::string message;
  const JailParams params{{"name", name}, {"persist", "true"}, {"vnet", "new"}};
  return **machine.set_jail(params, jail_flag::create, machine.base(), message);
}

template <class R>
void ask(Vnet& vnet, R request) {
  const Result<> done = vnet.request(request);
  check(bool(done), "the bench's requests succeed");
}

void move_in(Machine& machine, const std::string& interface, const std::string& jail) {
  MoveInterface move;
  move.name = interface;
  move.jail = jail;
  ask(machine.vnet(), move);
}

std::string make_epair(Machine& machine) {
  CreateInterface create;
  create.name = "epair";
  check(bool(machine.vnet().request(create)), "an epair is made");
  create.name.back() = 'b';
  return create.name;
}

// An address, a default route and a neighbour, as a jail in use has them.
void configure(Vnet& vnet, const std::string& interface, int i) {
  const uint32_t network = 0x0a000000u + uint32_t(i) * 4;
  AddAddress add;
  add.interface = interface;
  add.address = {{network + 2}, 30};
  ask(vnet, add);
  RouteChange route;
  route.gateway = Ipv4Address{network + 1};
  RouteFamily* routes = vnet.state<NetStack>(net_module).route_family(IpFamily::v4);
  check(bool(routes->add_route(route)), "a default route");
  SetArp arp;
  arp.address = {network + 1};
  arp.mac = {{2, 0, 0, 0, 0, 1}};
  arp.temporary = true;
  ask(vnet, arp);
}

void bench_jails(const std::string& what) {
  Lab lab(read("nodes: [a]"));
  lab.simulation().run_until(1_ms);
  Machine& machine = lab.machine("a");
  Jail* last = nullptr;
  std::vector<std::string> epairs;
  const bool connected = what == "jail";
  if (what == "move")
    for (int i = 0; i < jails; ++i) epairs.push_back(make_epair(machine));
  const double before = heap();
  const auto begin = std::chrono::steady_clock::now();
  lab.simulation().at_barrier(2_ms, EventKind::outside, [&] {
    for (int i = 0; i < jails; ++i) {
      const std::string name = text("j{}", i);
      last = &make_jail(machine, name);
      if (what == "move") move_in(machine, epairs[size_t(i)], name);
      if (!connected) continue;
      const std::string end = make_epair(machine);
      move_in(machine, end, name);
      configure(last->vnet(), end, i);
    }
  });
  lab.simulation().run_until(3_ms);
  const double seconds = seconds_since(begin);
  lab.simulation().run_until(1_s);
  std::printf("bytes %.0f\nus %.2f\n", (heap() - before) / jails, seconds * 1e6 / jails);
}

void bench_hosts(int lans) {
  const double before = heap();
  const auto begin = std::chrono::steady_clock::now();
  const std::string yaml = text(
      "sim: {{bring_up: settled}}\nhosts: false\nnodes:\n  sw: {{kind: switch, count: {}}}\n"
      "  h: {{count: [{}, 100]}}\nlinks: [{{count: {}, endpoints: \"h${{i}}-* -- sw${{i}}\"}}]\n",
      lans, lans, lans);
  Lab lab(read(yaml));
  lab.simulation().run_until(1_ms);
  const double seconds = seconds_since(begin);
  // A neighbour for every host: each knows the next one of its LAN.
  const LabSpec& spec = lab.spec();
  lab.simulation().at_barrier(2_ms, EventKind::outside, [&] {
    for (size_t i = 0; i < spec.nodes.size(); ++i) {
      if (!spec.nodes[i].is_machine()) continue;
      const Ipv4Address own = *spec.first_address(i);
      SetArp arp;
      arp.address = {(own.value & 0xff) == 100 ? own.value - 1 : own.value + 1};
      arp.mac = {{2, 0, 0, 0, 0, 1}};
      arp.temporary = true;
      ask(lab.machine(i)->vnet(), arp);
    }
  });
  lab.simulation().run_until(3_ms);
  const double hosts = lans * 100.0;
  std::printf("bytes %.0f\nsetup_s %.2f\nresident_mib %.0f\nevents %lu\n",
              (heap() - before) / hosts, seconds, resident_mib(),
              static_cast<unsigned long>(lab.simulation().events_run()));
}

void bench_storm(int rounds) {
  Lab lab(read("nodes: [a]"));
  Simulation& simulation = lab.simulation();
  simulation.run_until(1_ms);
  Machine& machine = lab.machine("a");
  double first = 0;
  for (int round = 0; round < rounds; ++round) {
    simulation.at_barrier(simulation.now() + 1_ms, EventKind::outside, [&] {
      for (int i = 0; i < jails; ++i) {
        const std::string name = text("j{}", i);
        Jail& jail = make_jail(machine, name);
        const std::string end = make_epair(machine);
        move_in(machine, end, name);
        configure(jail.vnet(), end, i);
        AddAddress add;
        add.interface = end.substr(0, end.size() - 1) + "a";
        add.address = {{0x0a000000u + uint32_t(i) * 4 + 1}, 30};
        ask(machine.vnet(), add);
        if (i % 100) continue;
        RunRequest ping;
        ping.args = {"ping", "-i", "0.01", to_text(Ipv4Address{0x0a000000u + uint32_t(i) * 4 + 1})};
        ping.jail = &jail;
        machine.run(std::move(ping));
      }
    });
    simulation.run_until(simulation.now() + 100_ms);
    simulation.at_barrier(simulation.now() + 1_ms, EventKind::outside, [&] {
      for (int i = 0; i < jails; ++i) {
        Jail* jail = machine.find_jail(text("j{}", i), machine.base());
        // Every other time the pair goes first.
        DestroyInterface destroy;
        destroy.name = text("epair{}a", i);
        if (i % 2) ask(machine.vnet(), destroy);
        machine.remove_jail(*jail);
        if (i % 2 == 0) ask(machine.vnet(), destroy);
      }
    });
    simulation.run_until(simulation.now() + 100_ms);
    if (round == 0) first = resident_mib();
  }
  std::printf("first_mib %.1f\nlast_mib %.1f\n", first, resident_mib());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "vnet";
  const int count = argc > 2 ? std::atoi(argv[2]) : 10;
  if (what == "hosts")
    bench_hosts(count);
  else if (what == "storm")
    bench_storm(count);
  else
    bench_jails(what);
}
