#include <catch2/catch.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

struct Mistake {
  const char* yaml;  // hosts a and b are added where there are no nodes
  const char* error;
};

constexpr Mistake mistakes[] = {
    {"nodes: {a: {kind: hots}}", R"(e:1:19: unknown kind "hots" - did you mean "host"?)"},
    {"nodes: {a: {colour: red}}",
     R"(e:1:13: unknown key "colour" in host "a" - keys: count, exec, fibs, files, firewall, ...)"},
    {"nodes: [pc1, pc2]\nlinks: [pc1 -- pc3]",
     R"(e:2:16: unknown node "pc3" - did you mean "pc1" or "pc2"?)"},
    {"links: [a--b]", R"(e:1:9: "a--b" is not a link - write "a -- b", with spaces)"},
    {"links: [a - b]", R"(e:1:9: "a - b" is not a link - write "a -- b", with spaces)"},
    {"links: [a:em0 -- b, b -- a:em0]",
     "e:1:26: a:em0 is already in link1 (1:9) - use another interface"},
    {"links: [{endpoints: a -- b, impair: {delay: 10}}]",
     R"(e:1:45: "10" is not a duration - add a unit, as in 10ms)"},
    {"links: [{endpoints: a -- b, impair: {loss: 1}}]",
     R"(e:1:44: "1" is not a percentage - write 1%)"},
    {"links: [{endpoints: a -- b, impair: {rate: 10mbps}}]",
     R"(e:1:44: "10mbps" is not a rate - write 10mbit)"},
    {"links: [{endpoints: a -- b, pool: lann}]",
     R"(e:1:35: unknown pool "lann" - did you mean "lan"?)"},
    {"nodes: {a: {interfaces: {em0: {addresses: [10.0.0.300/24]}}}}",
     R"(e:1:51: "300" is not part of an IPv4 address - use 0 to 255)"},
    {"nodes: {a: {interfaces: {em0: {addresses: [10.0.0.1]}}}}",
     R"(e:1:44: "10.0.0.1" has no prefix length - write 10.0.0.1/24)"},
    {"nodes: {a: {interfaces: {em0: {addresses: [auto, dhcp]}}}}",
     R"(e:1:50: "dhcp" contradicts "auto" (1:44) - keep one)"},
    {"nodes: {a: {interfaces: {em0: {dhcp4: true}}}}",
     R"(e:1:32: unknown key "dhcp4" in interface "em0" - write addresses: [dhcp])"},
    {"nodes: {a: {routes: [{to: default, via: b}]}, b: {}}",
     "e:1:41: a and b share no network - add a link, or write an address"},
    {"nodes: {s: {kind: switch, vlans: {10: x}, ports: {p1: {access: 20}}}}",
     R"(e:1:64: VLAN 20 is not in "vlans" - VLANs: 10)"},
    {"nodes: {a: {}, a: {}}", R"(e:1:16: duplicate key "a", first at 1:9 - rename one)"},
    {"nodes:\n\ta: {}", "e:2:1: tab in the indentation - use spaces"},
    {"hosts: yes", R"(e:1:8: "yes" is neither true nor false - write true)"},
    {"version: 2", "e:1:10: version 2 is newer than this program's 1 - update Stackyard"},
    {"nodes: {a: {}, d: {kind: door}}\nlinks: [a -- d]",
     "e:1:16: a door leads to one thing - write tap: NAME, or udp: {local: HOST:PORT, remote: "
     "HOST:PORT}"},
    {"nodes: {d: {kind: door, tap: a-name-too-long-for-it}}",
     R"(e:1:30: "a-name-too-long-for-it" is not a device's name - use 1 to 15 letters)"},
    {"nodes: {a: {}, b: {}, d: {kind: door, tap: t}}\nlinks: [a -- d, b -- d]",
     "e:2:22: door d has one port - put a switch before it"},
    {"include: b.yaml", R"(e:1:1: "include" is reserved for a later version - remove it)"},
    {"nodes: {a: {files: {/x: {from: ../x}}}}",
     R"(e:1:32: "../x" leaves the lab's folder - keep files beside the lab)"},
    {"events: [{at: 1s, every: 2s, node: a, exec: ls}]",
     R"(e:1:19: "every" beside "at" (1:11) - give an event one trigger)"},
    {"checks: {c: {node: a, run: ls}}",
     R"(e:1:10: check "c" has no time - add at, within, after, eventually, always or never)"},
    {"nodes: {s: {jails: {j: {interfaces: {epair0b: {}}}, k: {interfaces: {epair0b: {}}}}}}",
     "e:1:70: epair0b is already in s/j (1:38) - list an end once"},
    {"nodes: {a: {sysctl: {net.inet.ip.forwardin: 1}}}",
     R"(e:1:22: unknown sysctl "net.inet.ip.forwardin" - did you mean "net.inet.ip.forwarding"?)"},
    {"links: [{endpoints: a -- b, delay: 1ms}]",
     R"(e:1:29: unknown key "delay" in a link - write impair: {delay: ...})"},
};

std::string errors_of(const std::string& yaml) {
  std::string errors;
  spec_of(yaml.find("nodes") == yaml.npos ? yaml + "\nnodes: [a, b]" : yaml, &errors);
  return errors;
}

}  // namespace

TEST_CASE("each mistake is named at its place, with a way out") {
  for (const Mistake& m : mistakes) {
    INFO(m.yaml);
    const std::string errors = errors_of(m.yaml);
    CHECK_THAT(errors, Catch::Contains(std::string(m.error) + "\n"));
  }
}

TEST_CASE("all mistakes of a file come at once, sorted by place") {
  const std::string errors = errors_of(
      "nodes: {a: {kind: hots}, b: {colour: red}}\n"
      "links: [{endpoints: b -- b, impair: {loss: 1, rate: 5}}]\n"
      "hosts: maybe\n");
  CHECK(split(errors, '\n').size() == 6);
  CHECK(errors.find("hots") < errors.find("colour"));
  CHECK(errors.find("colour") < errors.find("percentage"));
  CHECK(errors.find("is not a rate") < errors.find("neither"));
}

TEST_CASE("a YAML syntax error is located") {
  CHECK_THAT(errors_of("nodes: [a, b"), Catch::StartsWith("e:1:"));
}
