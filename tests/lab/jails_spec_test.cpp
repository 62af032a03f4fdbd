#include <catch2/catch.hpp>

#include "lab/spec/lab_spec.h"
#include "lab/spec/problems.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

LabSpec read(const std::string& yaml, std::string* errors = nullptr) {
  Problems problems;
  ReadOptions options;
  LabSpec lab = read_lab(yaml, "e.yaml", options, problems);
  if (errors)
    *errors = problems.text("e");
  else
    check(!problems.any_errors(), problems.text("e").c_str());
  return lab;
}

std::string errors_of(const std::string& yaml) {
  std::string errors;
  read(yaml, &errors);
  return errors;
}

const NodeSpec& node(const LabSpec& lab, const std::string& name) {
  return lab.nodes[lab.node_index.at(name)];
}

// The first address of "srv/web:em0".
std::string address(const LabSpec& lab, const std::string& where) {
  const size_t colon = where.find(':');
  for (const InterfaceSpec& i : node(lab, where.substr(0, colon)).interfaces)
    if (i.name == where.substr(colon + 1))
      return i.addresses.empty() ? "none" : to_text(i.addresses[0].prefix);
  return "no such interface";
}

std::string names(const LabSpec& lab) {
  std::string all;
  for (const NodeSpec& n : lab.nodes) all += n.name + " ";
  return all;
}

const char* tenants = R"(
name: tenants
nodes:
  srv:
    interfaces: {bridge0: {members: [em0, epair0a, epair1a]}}
    jails:
      web: {interfaces: {lo0: {}, epair0b: {}}, services: [httpd]}
      tenant:
        kind: router
        interfaces: {epair1b: {}, epair2a: {addresses: [10.9.0.1/24]}}
        jails:
          inner: {interfaces: {epair2b: {}}}
  pc: {routes: [{to: default, via: srv/tenant}]}
links: [pc -- srv]
checks:
  inner: {within: 2s, reachable: {from: pc, to: srv/tenant/inner}}
  sight: {node: srv/tenant, at: 3s, run: jls, expect: {contains: inner, not_contains: web}}
)";

}  // namespace

TEST_CASE("a lab of tenants: bridges and epairs join networks, routers come first") {
  const LabSpec lab = read(tenants);
  CHECK(names(lab) == "srv srv/web srv/tenant srv/tenant/inner pc ");
  CHECK(address(lab, "srv/web:epair0b") == "10.0.0.2/24");
  CHECK(address(lab, "srv/tenant:epair1b") == "10.0.0.1/24");
  CHECK(address(lab, "srv/tenant/inner:epair2b") == "10.9.0.2/24");
  CHECK(address(lab, "pc:em0") == "10.0.0.3/24");
  for (const char* bare : {"em0", "epair0a", "epair1a", "bridge0"})
    CHECK(address(lab, std::string("srv:") + bare) == "none");
  CHECK(to_text(*node(lab, "pc").routes[0].gateway) == "10.0.0.1");
  CHECK(to_text(*node(lab, "srv/tenant/inner").routes[0].gateway) == "10.9.0.1");
  CHECK(node(lab, "srv/tenant/inner").parent == int(lab.node_index.at("srv/tenant")));
  CHECK(node(lab, "srv/tenant/inner").machine == lab.node_index.at("srv"));
  CHECK(node(lab, "srv/tenant/inner").host_name() == "inner.tenant.srv");
  CHECK(lab.settings(node(lab, "srv/web")).services[0].name == "httpd");
  REQUIRE(lab.epairs.size() == 3);
  CHECK(lab.nodes[lab.epairs[0].home].name == "srv");
  CHECK(lab.nodes[lab.epairs[2].home].name == "srv/tenant");
  CHECK(lab.checks[0].predicate.target_name == "srv/tenant/inner");
  CHECK(lab.nodes[lab.checks[1].predicate.node].name == "srv/tenant");
}

TEST_CASE("a router on a stick: vlan interfaces are in the networks of the switch's VLANs") {
  const LabSpec lab = read(R"(
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
      em0.10: {addresses: [10.10.0.1/24]}
      vlan20: {parent: em0, vlan: 20, addresses: [10.20.0.1/24]}
links: [ann -- sw:p1, bob -- sw:p2, r1:em0 -- sw:p3]
checks:
  tags: {never: {packet: not vlan, on: "r1:em0"}}
)");
  CHECK(address(lab, "ann:em0") == "10.10.0.2/24");
  CHECK(address(lab, "bob:em0") == "10.20.0.2/24");
  CHECK(address(lab, "r1:em0") == "none");
  CHECK(to_text(*node(lab, "ann").routes[0].gateway) == "10.10.0.1");
  CHECK(to_text(*node(lab, "bob").routes[0].gateway) == "10.20.0.1");
}

TEST_CASE("tags pass bridges, hubs and epairs, and an outer tag makes another network") {
  const LabSpec lab = read(R"(
nodes:
  hub: {kind: hub}
  srv:
    interfaces: {bridge0: {members: [em0, epair0a]}}
    jails:
      j: {interfaces: {epair0b.7: {addresses: [10.7.0.1/24]}, epair0b: {addresses: [10.1.0.1/24]}}}
  a: {interfaces: {em0.7: {addresses: auto}, em0: {addresses: auto}}}
  q:
    interfaces:
      outer: {type: vlan, parent: em0, vlan: 7, proto: 802.1ad, pcp: 3}
      inner: {type: vlan, parent: outer, vlan: 7, addresses: [10.8.0.1/24]}
  p: {interfaces: {em0.9: {proto: 802.1ad, vlan: null}, em0.9.7: {addresses: auto}}}
links: [srv -- hub, a -- hub, q -- hub, p -- hub]
)");
  CHECK(address(lab, "a:em0.7") == "10.7.0.2/24");
  CHECK(address(lab, "a:em0") == "10.1.0.2/24");
  CHECK(address(lab, "p:em0.9.7") == "10.0.0.1/24");
  const NodeSpec& q = node(lab, "q");
  CHECK(lab.more(q.interfaces[0]).provider_tag);
  CHECK(lab.more(q.interfaces[0]).pcp == 3);
}

TEST_CASE("an epair's unlisted end is in the parent, its home around both ends") {
  const LabSpec lab = read(R"(
nodes:
  srv:
    jails:
      a: {interfaces: {epair7a: {}}, jails: {in: {interfaces: {epair9b: {}}}}}
      b: {interfaces: {epair7b: {}, epair8b: {}}}
)");
  CHECK(lab.nodes[lab.epairs[0].home].name == "srv");
  CHECK(address(lab, "srv/a:epair7a") == "10.0.1.1/24");
  CHECK(address(lab, "srv/b:epair7b") == "10.0.1.2/24");
  CHECK(address(lab, "srv:epair8a") == "10.0.0.1/24");
  CHECK(address(lab, "srv/a:epair9a") == "10.0.2.1/24");
  CHECK(lab.nodes[lab.epairs[2].home].name == "srv/a");
}

TEST_CASE("jails count, take defaults, groups and the numbers of their machine or their own") {
  const LabSpec lab = read(R"(
defaults: {jail: {hostname: "of-${i}"}, node: {exec: [true]}}
groups: {g: {members: ["m*/x?"], sysctl: {net.inet.ip.ttl: 9}}}
nodes:
  m:
    count: 2
    jails:
      "j${i}": {interfaces: {"epair${i}b": {}}}
      x: {count: ["${i}", 1], params: {allow.raw_sockets: true, children.max: 4}}
      shared: {vnet: inherit, jails: {deep: {}}}
links: ["m1/j1:em0 -- m2/x2-1", {endpoints: ["m*/j*", m1]}]
)");
  CHECK(names(lab) ==
        "m1 m1/j1 m1/x1-1 m1/shared m1/shared/deep "
        "m2 m2/j2 m2/x1-1 m2/x2-1 m2/shared m2/shared/deep ");
  CHECK(lab.hostname(node(lab, "m2/j2")) == "of-2");
  CHECK(lab.hostname(node(lab, "m2/x2-1")) == "of-2");
  CHECK(lab.settings(node(lab, "m2/j2")).exec.empty());
  CHECK(lab.settings(node(lab, "m2")).exec.size() == 1);
  CHECK(lab.settings(node(lab, "m1/x1-1")).sysctls.empty());
  CHECK(lab.settings(node(lab, "m1/x1-1")).params[0].value == "true");
  CHECK(lab.vnet_of(lab.node_index.at("m1/shared")) == lab.node_index.at("m1"));
  CHECK(node(lab, "m1/shared/deep").vnet);
  CHECK(lab.behind(0) == 5);
  CHECK(lab.links[1].ends.size() == 3);
  CHECK(lab.links[0].ends[1].port == "em0");
}

TEST_CASE("mistakes about jails and their interfaces are named at their places") {
  struct Mistake {
    const char* yaml;
    const char* error;
  };
  const Mistake mistakes[] = {
      {"nodes: {s: {jails: {j: {kind: switch}}}}",
       R"(e:1:31: a jail cannot be a "switch" - write host or router)"},
      {"nodes: {s: {jails: {j: {colour: red}}}}",
       R"(e:1:25: unknown key "colour" in jail "s/j" - keys: count, exec, fibs, files, firewall, ...)"},
      {"nodes: {s: {vnet: new}}", R"(e:1:13: unknown key "vnet" in host "s")"},
      {"nodes: {s: {jails: {j: {vnet: inherit, interfaces: {lo0: {}}}}}}",
       R"(e:1:40: "interfaces" beside "vnet: inherit" - remove it, or write vnet: new)"},
      {"nodes: {s: {jails: {j: {vnet: inherit, kind: router}}}}",
       "e:1:46: a router needs a network stack of its own - write vnet: new"},
      {"nodes: {s: {jails: {j: {vnet: old}}}}", R"(e:1:31: unknown vnet "old")"},
      {"nodes: {s: {jails: {j: {params: {exec.start: ls}}}}}",
       R"(e:1:34: "exec.start" is not a parameter here - write exec beside params)"},
      {"nodes: {s: {jails: {j: {params: {host.hostname: x}}}}}",
       R"(e:1:34: "host.hostname" is not a parameter here - write hostname)"},
      {"nodes: {s: {jails: {j: {vnet: inherit}}}, t: }\nlinks: [t -- s/j]",
       "e:2:14: s/j has no network stack of its own - write vnet: new in it, or link its machine"},
      {"nodes: {s: {jails: {web: {}}}, t: }\nlinks: [t -- s/wbe]",
       R"(e:2:14: unknown node "s/wbe" - did you mean "s/web"?)"},
      {"nodes: {s: {interfaces: {epair0: {}}}}",
       R"(e:1:26: "epair0" is not an end of an epair - write epair0a or epair0b)"},
      {"nodes: {s: {interfaces: {bridge0: {members: [em7]}}}}",
       R"(e:1:46: s has no interface "em7" - interfaces: bridge0)"},
      {"nodes: {s: {interfaces: {bridge0: {members: [lo1]}, lo1: {}}}}",
       "e:1:46: a lo cannot be below a bridge - use another interface"},
      {"nodes: {s: {interfaces: {bridge0: {members: [tap0]}, bridge1: {members: [tap0]}, tap0: "
       "{}}}}",
       "e:1:74: tap0 is already in bridge0 (1:46) - an interface is in one bridge only"},
      {"nodes: {s: {interfaces: {bridge0: {stp: mstp}}}}",
       R"(e:1:41: unknown stp "mstp" - did you mean "rstp" or "stp"?)"},
      {"nodes: {s: {kind: switch, priority: 1000}}",
       "e:1:37: 1000 is not a multiple of 4096 - use 0"},
      {"nodes: {s: {kind: switch, ports: {p1: {priority: 250}}}}",
       "e:1:50: 250 is out of range - use 0 to 240"},
      {"nodes: {s: {interfaces: {vlan5: {vlan: 5}}}}",
       R"(e:1:40: a vlan needs "parent" and "vlan" - write both)"},
      {"nodes: {s: {interfaces: {em0.5000: {}}}}",
       R"(e:1:30: "5000" is not a VLAN - use 1 to 4094)"},
      {"nodes: {s: {interfaces: {em0.5: {vlan: 6}}}}",
       R"(e:1:40: "em0.5" says this already - remove it, or use another name)"},
      {"nodes: {s: {interfaces: {v: {type: vlan, parent: v, vlan: 6}}}}",
       "e:1:50: vlans more than 4 deep - use fewer levels"},
      {"nodes: {s: {interfaces: {em0: {parent: em1}}}}",
       R"(e:1:32: "parent" is a vlan's key, and "em0" is a nic - remove it, or give a type)"},
      {"nodes: {s: {interfaces: {gif0: {}}}}", R"(e:1:26: "gif0" is not in this build yet)"},
      {"nodes: {s: {interfaces: {x: {type: vxlan}}}}",
       R"(e:1:36: "vxlan" is not in this build yet)"},
      {"nodes: {s: {interfaces: {em0: {type: brigde}}}}",
       R"(e:1:38: unknown type "brigde" - did you mean "bridge"?)"},
      {"nodes: {s: {interfaces: {em0: {carp: 1}}}}",
       R"(e:1:32: "carp" is reserved for a later version - remove it)"},
      {"nodes: {s: , t: }\nlinks: [\"s:bridge0 -- t\"]",
       "e:2:10: bridge0 is not a nic - use another interface"},
      {"nodes: {s: {services: [{httpd: {prot: 80}}]}}",
       R"(e:1:33: unknown key "prot" in service "httpd" - did you mean "port"?)"},
  };
  for (const Mistake& m : mistakes) {
    INFO(m.yaml);
    CHECK_THAT(errors_of(m.yaml), Catch::Contains(m.error));
  }
}

TEST_CASE("jails nest 16 deep and no deeper") {
  const auto nest = [](int depth) {
    std::string yaml = "nodes: {s: ";
    for (int i = 0; i < depth; ++i) yaml += "{jails: {j: ";
    for (int i = 0; i < depth; ++i) yaml += "}}";
    return yaml + "}\n";
  };
  CHECK(errors_of(nest(16)) == "");
  CHECK_THAT(errors_of(nest(17)), Catch::Contains("jails more than 16 deep"));
}
