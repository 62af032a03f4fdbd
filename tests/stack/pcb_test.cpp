#include <catch2/catch.hpp>

#include "stack/ip/ip_stack.h"
#include "stack/ip/pcb.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

IpAddress ip(const char* s) { return *parse_ip(s); }

struct Tables {
  LabFixture lab{"nodes: [a, b]\nlinks: [a -- b]\n"};
  IpStack& stack = lab.lab.machine("a").vnet().state<IpStack>(ip_module);
  PcbTable table{stack, "test"};
};

}  // namespace

TEST_CASE("a packet goes to the connected socket, then to the bound address, then to any") {
  Tables t;
  Pcb any, bound, connected;
  REQUIRE(t.table.bind(any, {{}, 53}));
  bound.reuse_address = true;
  REQUIRE(t.table.bind(bound, {ip("10.0.0.1"), 53}));
  connected.reuse_port = bound.reuse_port = any.reuse_port = true;
  REQUIRE(t.table.bind(connected, {ip("10.0.0.1"), 53}));
  REQUIRE(t.table.connect(connected, ip("10.0.0.1"), {ip("10.0.0.2"), 99}));
  const Endpoint here{ip("10.0.0.1"), 53};
  CHECK(t.table.lookup(here, {ip("10.0.0.2"), 99}) == &connected);
  CHECK(t.table.lookup(here, {ip("10.0.0.2"), 98}) == &bound);
  CHECK(t.table.lookup({ip("127.0.0.1"), 53}, {ip("10.0.0.2"), 99}) == &any);
  CHECK(t.table.lookup({ip("127.0.0.1"), 54}, {ip("10.0.0.2"), 99}) == nullptr);
  t.table.disconnect(connected, {});
  CHECK_FALSE(connected.connected());
  CHECK(t.table.lookup(here, {ip("10.0.0.2"), 99}) == &bound);
  for (Pcb* pcb : {&any, &bound, &connected}) t.table.remove(*pcb);
}

TEST_CASE("a port is one socket's unless the options let it be shared") {
  Tables t;
  Pcb first, second;
  const Endpoint any{{}, 80}, one{ip("10.0.0.1"), 80};
  REQUIRE(t.table.bind(first, any));
  CHECK(t.table.bind(second, any).error() == Errno::eaddrinuse);
  CHECK(t.table.bind(second, one).error() == Errno::eaddrinuse);
  second.reuse_address = true;
  CHECK(t.table.bind(second, any).error() == Errno::eaddrinuse);
  CHECK(t.table.bind(second, one));  // another address, since it says so
  t.table.remove(second);
  second.reuse_port = true;
  CHECK(t.table.bind(second, any).error() == Errno::eaddrinuse);  // both must
  first.reuse_port = true;
  CHECK(t.table.bind(second, any));
  t.table.remove(second);
  CHECK(t.table.bind(second, {ip("192.0.2.1"), 80}).error() == Errno::eaddrnotavail);
  Pcb six;
  six.family = PcbFamily::v6;
  CHECK(t.table.bind(six, {Ipv6Address{}, 80}));  // IPv6 only: another world
  t.table.remove(six);
  six.family = PcbFamily::both;
  CHECK(t.table.bind(six, {Ipv6Address{}, 80}).error() == Errno::eaddrinuse);
  t.table.remove(first);
  CHECK(t.table.bind(six, {Ipv6Address{}, 80}));
  CHECK(t.table.lookup(one, {ip("10.0.0.2"), 9}) == &six);
  t.table.remove(six);
}

TEST_CASE("SO_REUSEPORT_LB spreads senders over its members, each always to the same") {
  Tables t;
  Pcb members[4];
  for (Pcb& pcb : members) {
    pcb.reuse_port_balanced = true;
    REQUIRE(t.table.bind(pcb, {{}, 80}));
  }
  std::map<Pcb*, int> hits;
  for (uint16_t port = 1000; port < 2000; ++port) {
    const Endpoint from{ip("10.0.0.2"), port};
    Pcb* found = t.table.lookup({ip("10.0.0.1"), 80}, from);
    CHECK(found == t.table.lookup({ip("10.0.0.1"), 80}, from));
    ++hits[found];
  }
  CHECK(hits.size() == 4);
  for (const auto& [pcb, count] : hits) CHECK(count > 150);
  for (Pcb& pcb : members) t.table.remove(pcb);
}

TEST_CASE("thousands of connections at one port are found, and a pair of ends is used once") {
  Tables t;
  std::vector<std::unique_ptr<Pcb>> all;
  const Endpoint here{ip("10.0.0.1"), 80};
  for (uint32_t i = 0; i < 5000; ++i) {
    all.push_back(std::make_unique<Pcb>());
    const Endpoint from{Ipv4Address{0x0a010000 + i / 100}, uint16_t(1000 + i % 100)};
    REQUIRE(t.table.insert_connected(*all.back(), here, from));
  }
  for (const auto& pcb : all) CHECK(t.table.lookup(pcb->local(), pcb->foreign()) == pcb.get());
  Pcb again;
  CHECK(t.table.insert_connected(again, here, all[7]->foreign()).error() == Errno::eaddrinuse);
  for (const auto& pcb : all) t.table.remove(*pcb);
  CHECK(t.table.lookup(here, all[0]->foreign()) == nullptr);
}

TEST_CASE("ports are taken from the range until none is left") {
  Tables t;
  (void)t.lab.lab.machine("a").vnet().set_sysctl("net.inet.ip.portrange.first", "50000");
  (void)t.lab.lab.machine("a").vnet().set_sysctl("net.inet.ip.portrange.last", "50003");
  Pcb pcbs[5];
  std::set<uint16_t> ports;
  for (int i = 0; i < 4; ++i) {
    REQUIRE(t.table.bind(pcbs[i], {}));
    ports.insert(pcbs[i].local().port);
  }
  CHECK(ports == std::set<uint16_t>{50000, 50001, 50002, 50003});
  CHECK(t.table.bind(pcbs[4], {}).error() == Errno::eaddrnotavail);
  for (Pcb& pcb : pcbs) t.table.remove(pcb);
}

TEST_CASE("a socket of a jail that shares the stack has the jail's addresses only") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b]\n");
  lab.run("a", "ifconfig em0 alias 10.0.0.5/32; ifconfig em0 alias 10.0.0.6/32");
  lab.run("a", "jail -c name=one persist ip4.addr=10.0.0.5");
  lab.run("a", "jail -c name=two persist ip4.addr=10.0.0.5,10.0.0.6");
  CHECK(lab.run("a", "jexec one nc -u -l 10.0.0.1 53").says("Can't assign requested address"));
  lab.run("a", "jexec one nc -u -l 53 > /tmp/one &");
  CHECK(lab.run("a", "sockstat -4l").says("10.0.0.5:53"));  // its only address, not any
  lab.run("a", "nc -u -l 54 > /tmp/base &");
  lab.run("a", "jexec two nc -u -l 54 > /tmp/two &");
  lab.pass(1_s);
  lab.run("b", "echo base | nc -u -N 10.0.0.1 54; echo jail | nc -u -N 10.0.0.6 54");
  lab.pass(1_s);
  CHECK(lab.run("a", "cat /tmp/base").output == "base\n");
  CHECK(lab.run("a", "cat /tmp/two").output == "jail\n");
  // What it sends comes from its own address.
  lab.run("b", "nc -u -l -v 55 2> /tmp/from > /dev/null &");
  lab.run("a", "jexec one sh -c 'echo x | nc -u -N 10.0.0.2 55'");
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/from").says("10.0.0.5"));
}
