#include <catch2/catch.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

std::string two(const std::string& impair) {
  return "nodes: [a, b]\nlinks: [{endpoints: a -- b, impair: {" + impair + "}}]\n";
}
// The round-trip time of one ping, as printed.
std::string time_of(LabFixture& lab, const std::string& options) {
  lab.run("a", "ping -c 1 b");  // the neighbour is known afterwards
  const std::string output = lab.run("a", "ping -c 1 " + options + " b").output;
  const size_t at = output.find("time=");
  return output.substr(at + 5, output.find(' ', at) - at - 5);
}

}  // namespace

TEST_CASE("a frame takes the link's delay and Ethernet's time at its rate") {
  // 98 + 24 octets at 1 Mbit/s are 976 us; twice that, twice 10 ms, and 10 us for the process.
  LabFixture lab(two("delay: 10ms, rate: 1mbit"));
  CHECK(time_of(lab, "") == "21.962");
  LabFixture unlimited(two("delay: 3ms, rate: none"));
  CHECK(time_of(unlimited, "-s 1400") == "6.010");
}

TEST_CASE("a full queue drops from the tail, and says so") {
  LabFixture lab(two("rate: 100kbit, queue: 2p"));
  lab.run("a", "ping -q -c 20 -i 0.001 -s 1000 b");
  CHECK(lab.dropped("link_queue_full") > 0);
  CHECK(lab.lab.link(size_t(0)).end(0).counters().queue_full > 0);
}

TEST_CASE("loss, corruption, duplication and reordering do what their words say") {
  LabFixture loss(two("loss: 30%"));
  loss.run("a", "ping -q -c 5 b");
  loss.run("a", "ping -q -i 0.01 -c 300 -W 100 b");
  CHECK(loss.dropped("link_loss") > 50);

  LabFixture corrupt(two("corrupt: 100%"));
  corrupt.run("a", "arp -s 10.0.0.2 $(arp -an | cut -d ' ' -f 4 | head -1)");
  corrupt.run("a", "ping -q -i 0.01 -c 50 -W 100 b");
  CHECK(corrupt.lab.link(size_t(0)).end(0).counters().corrupted > 0);
  CHECK(corrupt.run("a", "ping -c 1 -W 100 b").exit == 2);

  LabFixture twice(two("duplicate: 100%"));
  CHECK(twice.run("a", "ping -c 2 -W 100 b").says("(DUP!)"));

  LabFixture reorder(two("reorder: 30%, rate: none"));
  reorder.run("a", "ping -q -i 0.001 -c 200 -W 300 b");
  CHECK(reorder.lab.link(size_t(0)).end(0).counters().reordered > 20);
  CHECK(reorder.run("a", "ping -q -c 1 b").exit == 0);
}

TEST_CASE("a cable that is pulled loses what is on it, and carrier shows") {
  LabFixture lab(two("delay: 50ms"));
  Simulation& s = lab.lab.simulation();
  lab.run("a", "ping -c 1 b");
  s.at_barrier(s.now() + 20_ms, EventKind::outside, [&] { lab.lab.link(size_t(0)).set_up(false); });
  CHECK(lab.run("a", "ping -c 1 -W 200 b").exit == 2);
  CHECK(lab.dropped("link_cut") == 1);
  CHECK(lab.run("a", "ifconfig em0").says("status: no carrier"));
  CHECK(lab.run("a", "dmesg").says("em0: link state changed to DOWN"));
  CHECK(lab.run("a", "ping -c 1 -W 200 b").exit == 2);
  CHECK(lab.dropped("no_carrier") > 0);
  s.at_barrier(s.now() + 1_ms, EventKind::outside, [&] { lab.lab.link(size_t(0)).set_up(true); });
  lab.pass(10_ms);
  CHECK(lab.run("a", "ping -c 1 b").exit == 0);
}

TEST_CASE("a switch learns, forgets, floods what it does not know, and keeps VLANs apart") {
  LabFixture lab(R"(
nodes:
  sw: {kind: switch, ageing: 60s, vlans: {10: x, 20: y}, ports: {p1: {access: 10}, p2: {access: 10}, p3: {access: 20}, p4: {trunk: [10, 20], native: none}}}
  sw2: {kind: switch, vlans: {10: x, 20: y}, ports: {p1: {trunk: all, native: none}, p2: {access: 20}}}
  a: {interfaces: {em0: {addresses: [10.0.0.1/24]}}}
  b: {interfaces: {em0: {addresses: [10.0.0.2/24]}}}
  c: {interfaces: {em0: {addresses: [10.0.0.3/24]}}}
  d: {interfaces: {em0: {addresses: [10.0.0.4/24]}}}
links: [a -- sw:p1, b -- sw:p2, c -- sw:p3, sw:p4 -- sw2:p1, d -- sw2:p2]
)");
  CHECK(lab.run("a", "ping -c 1 b").exit == 0);
  CHECK(lab.run("a", "ping -c 1 -W 100 10.0.0.3").exit == 2);
  CHECK(lab.run("c", "ping -c 1 10.0.0.4").exit == 0);  // through the trunk, tagged
  const TableSource* fdb = lab.lab.tables(lab.lab.spec().node_index.at("sw"));
  CHECK(fdb->table("fdb").rows.size() == 4);
  CHECK(to_text(fdb->table("fdb")).find("p4") != std::string::npos);
  lab.pass(61_s);
  CHECK(fdb->table("fdb").rows.empty());
}

TEST_CASE("a machine that reboots starts again from its file") {
  LabFixture lab("nodes: {a: {exec: [echo up >> /root/boots]}, b: {}}\nlinks: [a -- b]\n");
  lab.run("a", "ifconfig em0 inet 10.9.9.9/24; echo kept > /root/file");
  lab.lab.simulation().at_barrier(lab.lab.simulation().now() + 1_ms, EventKind::outside,
                                  [&] { lab.lab.power_off(0); });
  lab.pass(1_s);
  lab.lab.simulation().at_barrier(lab.lab.simulation().now() + 1_ms, EventKind::outside,
                                  [&] { lab.lab.power_on(0); });
  lab.pass(1_s);
  CHECK(lab.run("a", "cat /root/file").output == "kept\n");
  CHECK(lab.run("a", "wc -l < /root/boots").says("2"));
  CHECK(lab.run("b", "ping -c 1 a").exit == 0);
}
