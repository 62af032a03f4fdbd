// Spanning tree of bridge(4), as ifconfig(8) sets and shows it.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

// Two machines with a bridge each, two cables between them, and a host behind each.
class Doubled : public LabFixture {
 public:
  Doubled()
      : LabFixture(
            "nodes:\n"
            "  a: {interfaces: {em0: {addresses: [none], mac: '02:00:00:00:0a:00'}, em1: "
            "{addresses: [none]}, em2: {addresses: [none]}}}\n"
            "  b: {interfaces: {em0: {addresses: [none], mac: '02:00:00:00:0b:00'}, em1: "
            "{addresses: [none]}, em2: {addresses: [none]}}}\n"
            "  x: {interfaces: {em0: {addresses: [10.9.0.1/24]}}}\n"
            "  y: {interfaces: {em0: {addresses: [10.9.0.2/24]}}}\n"
            "links: [a:em0 -- b:em0, a:em1 -- b:em1, a:em2 -- x, b:em2 -- y]\nhosts: false\n") {
    for (const char* node : {"a", "b"})
      run(node,
          "ifconfig em2 up; "
          "sysctl net.link.bridge.log_stp=1; ifconfig bridge0 create "
          "addm em0 stp em0 addm em1 stp em1 addm em2 stp em2 autoedge em2 up");
  }
  std::string shown(const std::string& node) { return run(node, "ifconfig bridge0").output; }
  bool shows(const std::string& node, const std::string& words) {
    const std::string all = shown(node);
    UNSCOPED_INFO(all);
    return all.find(words) != all.npos;
  }
  void cut(size_t link) {
    Simulation& simulation = lab.simulation();
    simulation.at_barrier(simulation.now() + 1_ns, EventKind::outside,
                          [this, link] { lab.link(link).set_up(false); });
  }
  bool reaches() { return run("x", "ping -c 1 -t 1 10.9.0.2").exit == 0; }
};

}  // namespace

TEST_CASE("bridges with two cables between them use one, and the other if it goes", "[bridge]") {
  Doubled d;
  d.pass(6_s);
  CHECK(d.reaches());
  CHECK(d.shows("a", "\troot id 02:00:00:00:0a:00 priority 32768 ifcost 0 port 0\n"));
  CHECK(d.shows("b",
                "\tid 02:00:00:00:0b:00 priority 32768 hellotime 2 fwddelay 15\n"
                "\tmaxage 20 holdcnt 6 proto rstp maxaddr 2000 timeout 1200\n"
                "\troot id 02:00:00:00:0a:00 priority 32768 ifcost 20000 port 1\n"));
  CHECK(d.shows("b",
                "\tmember: em2 flags=1e7<LEARNING,DISCOVER,STP,EDGE,AUTOEDGE,PTP,AUTOPTP>\n"
                "\t        ifmaxaddr 0 port 3 priority 128 path cost 20000 proto rstp\n"
                "\t        role designated state forwarding\n"
                "\tmember: em1 flags=1c7<LEARNING,DISCOVER,STP,AUTOEDGE,PTP,AUTOPTP>\n"
                "\t        ifmaxaddr 0 port 2 priority 128 path cost 20000 proto rstp\n"
                "\t        role alternate state discarding\n"
                "\tmember: em0 flags=1c7<LEARNING,DISCOVER,STP,AUTOEDGE,PTP,AUTOPTP>\n"
                "\t        ifmaxaddr 0 port 1 priority 128 path cost 20000 proto rstp\n"
                "\t        role root state forwarding\n"));
  const int discarded = d.dropped("bridge_discarding");
  CHECK(d.drops.logged.find("bridge0: state changed to forwarding on em0\n") != std::string::npos);
  // A broadcast that the spare cable brought is not heard twice.
  CHECK(discarded > 0);
  d.cut(0);
  d.pass(10_ms);
  CHECK(d.reaches());
  CHECK(d.shows("b", "role root state forwarding\n\tmember: em0"));
}

TEST_CASE("a better priority makes the root, and a better cost the way to it", "[bridge]") {
  Doubled d;
  d.run("b", "ifconfig bridge0 priority 4097 ifpathcost em0 100 ifpriority em1 17");
  d.pass(4_s);
  CHECK(d.shows("b", "priority 4096 hellotime"));
  CHECK(d.shows("a", "\troot id 02:00:00:00:0b:00 priority 4096 ifcost 20000 port 2\n"));
  CHECK(d.shows("b", "port 2 priority 16 path cost 20000"));
  CHECK(d.shows("b", "port 1 priority 128 path cost 100 proto"));
  d.run("a", "ifconfig bridge0 ifpathcost em0 100");
  d.pass(1_s);
  CHECK(d.shows("a", "ifcost 100 port 1\n"));
  d.run("a", "ifconfig bridge0 ifpathcost em0 0");
  d.pass(1_s);
  CHECK(d.shows("a", "ifcost 20000 port 2\n"));
}

TEST_CASE("the older protocol takes two forward delays", "[bridge]") {
  Doubled d;
  for (const char* node : {"a", "b"}) d.run(node, "ifconfig bridge0 fwddelay 4 proto stp");
  d.pass(6_s);
  CHECK(!d.reaches());
  CHECK(d.shows("b", "proto stp maxaddr"));
  CHECK(d.shows("b", "role root state learning"));
  d.pass(5_s);
  CHECK(d.reaches());
  CHECK(d.shows("b", "proto stp\n\t        role root state forwarding"));
}

TEST_CASE("members without stp are as before, and edges forward at once", "[bridge]") {
  Doubled d;
  d.run("a", "ifconfig bridge0 deletem em1 -stp em0");
  CHECK(d.shows("a", "\tid 02:00:00:00:0a:00"));
  d.run("a", "ifconfig bridge0 -stp em2");
  CHECK(d.shows("a", "\tid 00:00:00:00:00:00 priority 32768"));
  CHECK(d.shows("a", "\troot id 00:00:00:00:00:00 priority 0 ifcost 0 port 0\n"));
  d.run("b", "ifconfig bridge0 deletem em1 deletem em2 addm em2 stp em2 edge em2 -ptp em0");
  d.pass(1_ms);
  CHECK(d.shows("b", "flags=3e7<LEARNING,DISCOVER,STP,EDGE,AUTOEDGE,PTP,AUTOPTP>"));
  CHECK(d.shows("b", "member: em0 flags=147<LEARNING,DISCOVER,STP,AUTOEDGE,AUTOPTP>"));
  d.run("b", "ifconfig bridge0 -edge em2 -autoedge em2");
  CHECK(d.shows("b", "flags=187<LEARNING,DISCOVER,STP,PTP,AUTOPTP>"));
}

TEST_CASE("ifconfig refuses what spanning trees cannot have", "[bridge]") {
  Doubled d;
  const std::pair<const char*, const char*> refusals[] = {
      {"stp em9", "unable to get bridge flags: No such file or directory"},
      {"maxage 5", "BRDGSMA 5: Invalid argument"},
      {"hellotime 1", "BRDGSHT 1: Operation not permitted"},
      {"fwddelay 31", "BRDGSFD 31: Invalid argument"},
      {"holdcnt 0", "BRDGSTXHC 0: Invalid argument"},
      {"priority 61441", "BRDGSPRI 61441: Invalid argument"},
      {"proto mstp", "unknown stp protocol"},
      {"ifpriority em9 16", "BRDGSIFPRIO 16: No such file or directory"},
      {"ifpathcost em0 200000001", "BRDGSIFCOST 200000001: Invalid argument"}};
  for (const auto& [words, complaint] : refusals) {
    CAPTURE(words);
    const CommandResult result = d.run("a", text("ifconfig bridge0 {}", words));
    CHECK(result.output == text("ifconfig: {}\n", complaint));
    CHECK(result.exit == 1);
  }
}
