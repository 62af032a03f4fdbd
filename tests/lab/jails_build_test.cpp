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

TEST_CASE("a lab's bridges and vlans are joined from the start") {
  LabFixture lab(R"(
nodes:
  srv:
    interfaces: {bridge0: {members: [em0, epair0a, epair1a], addresses: [10.3.0.1/24]}}
    jails:
      web: {interfaces: {lo0: {}, epair0b: {addresses: [10.3.0.2/24]}}}
      tenant:
        kind: router
        interfaces: {epair1b: {addresses: [10.3.0.3/24]}, epair2a: {addresses: [10.9.0.1/24]}}
        jails:
          inner: {interfaces: {epair2b: {}}}
  pc: {interfaces: {em0: {addresses: [10.3.0.4/24]}}, routes: [{to: default, via: srv/tenant}]}
links: [{endpoints: pc -- srv, mtu: 1400}]
)");
  CHECK(lab.run("pc", "ping -c 1 10.3.0.1").exit == 0);
  CHECK(lab.run("pc", "ping -c 1 web.srv").exit == 0);
  CHECK(lab.run("pc", "ping -c 1 10.9.0.2").says("ttl=63"));
  CHECK(lab.run("srv/tenant", "jls name").output == "inner\n");
  CHECK(lab.run("srv", "ifconfig bridge0").says("mtu 1400"));
  CHECK(lab.run("srv", "ifconfig epair1a").says("mtu 1400"));
}

TEST_CASE("a router on a stick, and a vlan of a vlan") {
  LabFixture lab(R"(
nodes:
  sw:
    kind: switch
    vlans: {10: staff, 20: guests}
    ports: {p1: {access: 10}, p2: {access: 20}, p3: {trunk: [10, 20], native: none}}
  ann: {}
  bob: {}
  r1:
    kind: router
    interfaces:
      em0.10: {addresses: [10.10.0.1/24], pcp: 5}
      vlan20: {parent: em0, vlan: 20, addresses: [10.20.0.1/24]}
  x: {interfaces: {outer: {type: vlan, parent: em0, vlan: 7, proto: 802.1ad}, outer.8: {addresses: [10.8.0.1/24]}}}
  y: {interfaces: {vlan7: {parent: em0, vlan: 7, proto: 802.1ad}, vlan8: {parent: vlan7, vlan: 8, addresses: [10.8.0.2/24]}}}
links: [ann -- sw:p1, bob -- sw:p2, r1:em0 -- sw:p3, x -- y]
)");
  CHECK(lab.run("ann", "ping -c 1 bob").says("ttl=63"));
  CHECK(lab.run("r1", "ifconfig em0.10").says("vlanpcp: 5 parent interface: em0"));
  CHECK(lab.run("x", "ping -c 1 10.8.0.2").exit == 0);
  CHECK(lab.run("y", "ifconfig vlan8").says("mtu 1496"));
}
