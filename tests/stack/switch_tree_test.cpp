// Spanning tree of switches, as a lab file asks for it and frames meet it.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

// Three switches in a triangle, a host at each of two.
class Triangle : public LabFixture {
 public:
  explicit Triangle(const std::string& s1 = "stp: rstp", const std::string& others = "stp: rstp")
      : LabFixture(text("nodes:\n"
                        "  s1: {{kind: switch, {}}}\n"
                        "  s2: {{kind: switch, {}}}\n"
                        "  s3: {{kind: switch, {}}}\n"
                        "  x: {{interfaces: {{em0: {{addresses: [10.9.0.1/24]}}}}}}\n"
                        "  y: {{interfaces: {{em0: {{addresses: [10.9.0.2/24]}}}}}}\n"
                        "links: ['s1:p1 -- s2:p1', 's2:p2 -- s3:p2', 's3:p3 -- s1:p3', "
                        "'s2:p9 -- x', 's3:p9 -- y']\n",
                        s1, others, others)) {}
  // "root forwarding"
  std::string port(const std::string& node, const std::string& name) {
    const Table table = lab.tables(lab.spec().node_index.at(node))->table("stp");
    for (const auto& row : table.rows)
      if (std::get<std::string>(row[1]) == name)
        return text("{} {}", std::get<std::string>(row[2]), std::get<std::string>(row[3]));
    return "none";
  }
  void set_link(size_t link, bool up) {
    Simulation& simulation = lab.simulation();
    simulation.at_barrier(simulation.now() + 1_ns, EventKind::outside,
                          [this, link, up] { lab.link(link).set_up(up); });
  }
  bool reaches() { return run("x", "ping -c 1 -t 1 10.9.0.2").exit == 0; }
};

}  // namespace

TEST_CASE("switches in a triangle have a tree, and another one if a cable is cut", "[switch]") {
  Triangle t;
  t.pass(6_s);
  CHECK(t.port("s1", "p1") == "designated forwarding");
  CHECK(t.port("s1", "p3") == "designated forwarding");
  CHECK(t.port("s2", "p1") == "root forwarding");
  CHECK(t.port("s3", "p3") == "root forwarding");
  CHECK(t.port("s3", "p2") == "alternate discarding");
  CHECK(t.port("s3", "p9") == "designated forwarding");
  CHECK(t.reaches());
  // Hellos, and no storm.
  CHECK(t.lab.link(1).end(0).counters().frames < 20);
  CHECK(t.dropped("port_discarding") > 0);
  t.set_link(2, false);
  t.pass(10_ms);
  CHECK(t.port("s3", "p2") == "root forwarding");
  CHECK(t.port("s3", "p3") == "disabled discarding");
  CHECK(t.reaches());
  t.set_link(2, true);
  t.pass(100_ms);
  CHECK(t.port("s3", "p3") == "root forwarding");
  CHECK(t.reaches());
}

TEST_CASE("priorities, costs and edges of the lab file decide the tree", "[switch]") {
  Triangle t("stp: rstp",
             "stp: rstp, priority: 4096, ports: {p9: {edge: true}, p2: {cost: 50000}}");
  t.pass(100_ms);
  CHECK(t.reaches());
  CHECK(t.port("s2", "p1") == "designated forwarding");
  CHECK(t.port("s3", "p3") == "root forwarding");  // 40000 by s1 is less than 50000
  CHECK(t.port("s3", "p2") == "alternate discarding");
}

TEST_CASE("the older protocol of switches forwards after two delays of fifteen seconds",
          "[switch]") {
  Triangle t("stp: stp", "stp: rstp");
  t.pass(28_s);
  CHECK(t.port("s1", "p1") == "designated learning");
  CHECK(!t.reaches());
  t.pass(10_s);
  CHECK(t.port("s1", "p1") == "designated forwarding");
  CHECK(t.reaches());
}

TEST_CASE("a switch without spanning tree has no such ports", "[switch]") {
  Triangle t("stp: rstp", "stp: off");
  CHECK(t.port("s2", "p1") == "none");
}

TEST_CASE("a lab file's bridge speaks spanning tree on all its members", "[bridge]") {
  LabFixture f(
      "nodes:\n"
      "  a: {interfaces: {bridge0: {members: [em0, em1], stp: rstp}}}\n"
      "  b: {interfaces: {bridge0: {members: [em0, em1], stp: stp}}}\n"
      "links: ['a:em0 -- b:em0', 'a:em1 -- b:em1']\n");
  f.pass(10_s);  // RSTP has to notice first what its neighbour speaks
  const std::string a = f.run("a", "ifconfig bridge0").output;
  const std::string b = f.run("b", "ifconfig bridge0").output;
  CHECK(a.find("proto rstp maxaddr") != a.npos);
  CHECK(b.find("proto stp maxaddr") != b.npos);
  CHECK(b.find("role alternate state discarding") + a.find("role alternate state discarding") !=
        2 * a.npos);
}
