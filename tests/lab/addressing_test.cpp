#include <catch2/catch.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {
std::string address(const LabSpec& lab, const std::string& node, const std::string& interface) {
  for (const InterfaceSpec& i : lab.nodes[lab.node_index.at(node)].interfaces)
    if (i.name == interface && !i.addresses.empty()) return to_text(i.addresses[0].prefix);
  return "";
}
}  // namespace

TEST_CASE("the smallest lab has two addresses") {
  const LabSpec lab = spec_of("nodes: [pc1, pc2]\nlinks: [pc1 -- pc2]\n");
  CHECK(address(lab, "pc1", "em0") == "10.0.0.1/24");
  CHECK(address(lab, "pc2", "em0") == "10.0.0.2/24");
}

TEST_CASE("routers come first in a network, links between routers get a pool of their own") {
  const LabSpec lab = spec_of(R"(
addressing: {lan: {ipv4: 10.0.0.0/16}, p2p: {ipv4: 192.168.0.0/24}}
nodes:
  pc: {count: 2}
  r1: {kind: router, routes: [{to: 10.0.1.0/24, via: r2}]}
  r2: {kind: router, routes: [{to: 10.0.0.0/24, via: r1}]}
links: [pc1 -- r1, r1 -- r2, r2 -- pc2]
)");
  CHECK(address(lab, "pc1", "em0") == "10.0.0.2/24");
  CHECK(address(lab, "r1", "em0") == "10.0.0.1/24");
  CHECK(address(lab, "r1", "em1") == "192.168.0.1/30");
  CHECK(address(lab, "r2", "em1") == "10.0.1.1/24");
  CHECK(to_text(*lab.nodes[lab.node_index.at("r1")].routes[0].gateway) == "192.168.0.2");
  CHECK(to_text(*lab.nodes[0].routes[0].gateway) == "10.0.0.1");
}

TEST_CASE("VLANs of a switch are networks of their own") {
  const LabSpec lab = spec_of(R"(
nodes:
  sw: {kind: switch, vlans: {10: a, 20: b}, ports: {p1: {access: 10}, p2: {access: 20}, p3: {access: 10}}}
  h: {count: 3}
links: [h1 -- sw:p1, h2 -- sw:p2, h3 -- sw:p3]
)");
  CHECK(address(lab, "h1", "em0") == "10.0.0.1/24");
  CHECK(address(lab, "h3", "em0") == "10.0.0.2/24");
  CHECK(address(lab, "h2", "em0") == "10.0.1.1/24");
}

TEST_CASE("count, patterns and variables expand; groups and defaults merge by strength") {
  std::string errors;
  const LabSpec lab = spec_of(R"(
vars: {base: 10.9}
defaults: {host: {hostname: d}}
groups: {odd: {members: ["h1-*"], hostname: "g-${i}-${j}"}}
nodes:
  sw: {kind: switch, count: 2}
  h: {count: [2, 3]}
  x: {interfaces: {em0: {addresses: ["${base}.0.1/16"]}}}
links: [{count: 2, endpoints: "h${i}-* -- sw${i}"}, x -- sw1, sw1 -- sw2]
)",
                              &errors);
  CHECK(errors == "");
  CHECK(lab.nodes.size() == 9);
  CHECK(lab.links.size() == 8);
  CHECK(lab.hostname(lab.nodes[lab.node_index.at("h1-2")]) == "g-1-2");
  CHECK(lab.hostname(lab.nodes[lab.node_index.at("h2-3")]) == "d");
  CHECK(address(lab, "x", "em0") == "10.9.0.1/16");
  CHECK(address(lab, "h2-3", "em0") == "10.9.0.7/16");
  CHECK(lab.links[0].name == "link1-1");
}
