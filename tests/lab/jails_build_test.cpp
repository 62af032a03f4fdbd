#include <catch2/catch.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

TEST_CASE("an epair joins two jails, and each sees its own stack only") {
  LabFixture lab(R"(
nodes:
  srv:
    jails:
      a: {interfaces: {lo0: {}, epair0a: {}}}
      b: {interfaces: {epair0b: {addresses: [10.0.0.9/24]}}}
)");
  CHECK(lab.run("srv/a", "ping -c 1 10.0.0.9").exit == 0);
  CHECK(lab.run("srv/a", "ping -c 1 b.srv").exit == 0);
  CHECK(lab.run("srv/a", "ping -c 1 127.0.0.1").exit == 0);
  CHECK(lab.run("srv/b", "ping -c 1 127.0.0.1").exit != 0);
  CHECK(lab.run("srv", "ping -c 1 10.0.0.9").exit != 0);
  CHECK(lab.run("srv/a", "ifconfig -l").output == "lo0 epair0a\n");
  CHECK(lab.run("srv", "ifconfig -l").output == "lo0\n");
  CHECK(lab.run("srv/b", "hostname").output == "b\n");
  const TableSource* tables = lab.lab.tables(lab.lab.spec().node_index.at("srv/b"));
  CHECK(tables->table("interfaces").rows.size() == 2);
}

TEST_CASE("a jail's nic is its machine's, and comes home when the jail is gone") {
  LabFixture lab(R"(
nodes:
  srv: {interfaces: {em0: {addresses: [10.1.0.1/24]}}, jails: {web: {}, in: {jails: {deep: {}}}}}
  pc: {}
  other: {}
  third: {}
links: [srv/web:em0 -- pc, "srv/in/deep -- other", "srv:em0 -- third"]
)");
  CHECK(lab.run("srv/web", "ifconfig -l").output == "lo0 em0\n");
  CHECK(lab.run("srv/in/deep", "ping -c 1 other").exit == 0);
  CHECK(lab.run("srv/web", "ping -c 1 pc").exit == 0);
  CHECK(lab.run("third", "ping -c 1 srv").exit == 0);
  CHECK(lab.run("srv", "ifconfig -l").output == "em0 lo0\n");
  Machine& srv = lab.lab.machine("srv");
  srv.remove_jail(*srv.find_jail("web", srv.base()));
  CHECK(lab.run("srv", "ifconfig -l").output == "em0 lo0 em1\n");
  CHECK(lab.run("srv/web", "ifconfig -l").output == "jexec: jail \"web\" not found\n");
  CHECK(lab.run("srv/in", "hostname").output == "in\n");
}

TEST_CASE("a router jail forwards, a jail with vnet: inherit shares its machine's stack") {
  LabFixture lab(R"(
nodes:
  srv:
    jails:
      r: {kind: router, sysctl: {net.inet.ip.ttl: 33}}
      share: {vnet: inherit, hostname: shared, files: {/tmp/x: hello}, exec: [cat /tmp/x > /tmp/y]}
      boxed: {params: {path: /jail, allow.raw_sockets: true}, files: {/etc/motd: hi}}
  a: {}
  b: {}
links: [srv/r -- a, srv/r -- b]
)");
  CHECK(lab.run("a", "ping -c 1 b").says("ttl=63"));
  CHECK(lab.run("srv/r", "sysctl -n net.inet.ip.ttl").output == "33\n");
  CHECK(lab.run("srv", "sysctl -n net.inet.ip.ttl").output == "64\n");
  CHECK(lab.run("srv", "sysctl -n net.inet.ip.forwarding").output == "0\n");
  CHECK(lab.run("srv/share", "ifconfig -l").output == lab.run("srv", "ifconfig -l").output);
  CHECK(lab.run("srv/share", "hostname").output == "shared\n");
  CHECK(lab.run("srv", "cat /tmp/y").output == "hello\n");
  CHECK(lab.run("srv", "cat /jail/etc/motd").output == "hi\n");
  CHECK(lab.run("srv/boxed", "cat /etc/motd").output == "hi\n");
  CHECK(lab.lab.jail(lab.lab.spec().node_index.at("srv/r"))->settings().children_max == 0);
}

TEST_CASE("a machine that boots again has its jails again") {
  LabFixture lab(R"(
nodes:
  srv:
    jails: {web: {interfaces: {epair0b: {}}, jails: {in: {interfaces: {epair1b: {}}}}}}
  pc: {}
links: [srv/web:em0 -- pc]
)");
  const size_t srv = lab.lab.spec().node_index.at("srv");
  CHECK(lab.run("pc", "ping -c 1 10.0.0.1").exit == 0);
  lab.lab.power_off(srv);
  CHECK(lab.lab.jail(srv + 1) == nullptr);
  lab.lab.power_on(srv);
  CHECK(lab.run("pc", "ping -c 1 10.0.0.1").exit == 0);
  CHECK(lab.run("srv/web/in", "ping -c 1 web.srv").exit != 0);
  CHECK(lab.run("srv/web/in", "ifconfig -l").output == "lo0 epair1b\n");
  CHECK(lab.run("srv/web", "ifconfig -l").output == "lo0 em0 epair0b epair1a\n");
}

TEST_CASE("what a build does not know about jails is a located error") {
  std::string errors;
  spec_of("nodes: {s: {jails: {j: {params: {allow.raw_sockts: true, children.max: many}}}}}",
          &errors);
  CHECK_THAT(errors,
             Catch::Contains("e:1:34: unknown parameter \"allow.raw_sockts\" - did you mean "
                             "\"allow.raw_sockets\"?"));
  CHECK_THAT(errors, Catch::Contains("e:1:58: children.max: invalid value \"many\""));
  spec_of("nodes: {s: {services: [inted, httpd]}}", &errors);
  CHECK_THAT(errors,
             Catch::Contains("e:1:24: unknown service \"inted\" - did you mean \"inetd\"?"));
}
