#include <catch2/catch.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

TEST_CASE("pools give IPv6 networks beside IPv4, routers first, and default routes") {
  LabFixture lab(R"(
addressing: {lan: {ipv4: 10.0.0.0/9, ipv6: "2001:db8::/48"}, p2p: {ipv4: 10.128.0.0/9, ipv6: "fd00::/48", prefix6: 127}}
nodes:
  a: {}
  r1: {kind: router, routes: [{to: "2001:db8:0:1::/64", via: r2}]}
  r2: {kind: router, routes: [{to: "2001:db8::/64", via: r1}]}
  b: {}
links: [a -- r1, r1 -- r2, r2 -- b]
)");
  const std::string addresses = addresses_text(lab.lab.spec());
  CHECK(addresses.find("2001:db8::1/64") != std::string::npos);
  CHECK(addresses.find("fd00::/127") != std::string::npos);
  CHECK(addresses.find("fd00::1/127") != std::string::npos);
  lab.pass(3_s);
  CHECK(lab.run("a", "ping -6 -c 1 b").says("from 2001:db8:0:1::2, icmp_seq=0 hlim=62"));
  CHECK(lab.run("a", "netstat -rn6").says("default                           2001:db8::1"));
}

TEST_CASE("static IPv6 addresses, prefixes of links, and neighbours without any") {
  LabFixture lab(R"(
nodes:
  a: {interfaces: {em0: {addresses: [auto, "2001:db8:5::1/64"]}}}
  b: {interfaces: {em0: {addresses: ["2001:db8:5::2/64"]}}}
  c: {interfaces: {em0: {addresses: [link-local]}}}
  d: {}
links: [a -- b, {endpoints: c -- d, prefix: ["10.9.0.0/24", "2001:db8:9::/64"]}]
)");
  lab.pass(3_s);
  CHECK(lab.run("a", "ping -c 1 2001:db8:5::2").exit == 0);
  CHECK(lab.run("b", "ifconfig em0").says("inet6 2001:db8:5::2 prefixlen 64"));
  CHECK_FALSE(lab.run("b", "ifconfig em0").says("inet 10."));
  CHECK(lab.run("c", "ifconfig em0").says("inet6 fe80::"));
  CHECK(lab.run("d", "ifconfig em0").says("inet6 2001:db8:9::1 prefixlen 64"));
}

TEST_CASE("a lab that does not ask for IPv6 has no frame and no address of it") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b]\n");
  lab.pass(10_s);
  CHECK(lab.trace.text().find("IP6") == std::string::npos);
  CHECK_FALSE(lab.run("a", "ifconfig em0").says("inet6"));
}

TEST_CASE("a settled start with IPv6 makes no frames, and addresses can be used at once") {
  LabFixture lab(R"(
sim: {bring_up: settled}
addressing: {lan: {ipv4: 10.0.0.0/9, ipv6: "2001:db8::/48"}}
nodes: {sw: {kind: switch}, a: {}, b: {}}
links: [a -- sw, b -- sw]
)");
  lab.lab.drain();
  CHECK(lab.trace.text().find("IP6") == std::string::npos);
  CHECK(lab.run("a", "ping -6 -c 1 b").exit == 0);
}

TEST_CASE("mistakes with IPv6 addresses are shown where they are") {
  const auto errors = [](const std::string& yaml) {
    std::string words;
    (void)spec_of(yaml, &words);
    return words;
  };
  CHECK(errors("nodes: {a: {interfaces: {em0: {addresses: [\"2001:db8::g/64\"]}}}}")
            .find("\"2001:db8::g\" is not an IPv6 address") != std::string::npos);
  CHECK(errors("nodes: {a: {interfaces: {em0: {addresses: [\"2001:db8::1\"]}}}}")
            .find("has no prefix length - write 2001:db8::1/64") != std::string::npos);
  CHECK(errors("nodes: {a: {interfaces: {em0: {addresses: [\"2001:db8::1/129\"]}}}}")
            .find("use 0 to 128") != std::string::npos);
  CHECK(errors("addressing: {lan: {ipv6: 10.0.0.0/8}}\nnodes: [a]").find("needs an IPv6 network") !=
        std::string::npos);
  CHECK(errors("nodes: {a: {routes: [{to: 10.0.0.0/8, via: \"2001:db8::1\"}]}}")
            .find("of another family") != std::string::npos);
}

TEST_CASE("a check finds an autoconfigured address by its flags") {
  LabFixture lab(R"(
nodes:
  r: {kind: router, interfaces: {em0: {addresses: ["2001:db8:1::1/64"]}}, services: [{rtadvd: {flags: em0}}]}
  h: {interfaces: {em0: {addresses: [slaac]}}}
links: [r -- h]
)");
  lab.pass(10_s);
  const Table table = lab.lab.tables(lab.lab.spec().node_index.at("h"))->table("addresses");
  const int flags = table.column("flags"), address = table.column("address");
  int found = 0;
  for (const auto& row : table.rows)
    if (to_text(row[size_t(flags)]) == "autoconf") {
      ++found;
      CHECK(to_text(row[size_t(address)]).starts_with("2001:db8:1:"));
    }
  CHECK(found == 1);
}
