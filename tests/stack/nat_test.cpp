// Address translation through the firewall, as its users see it; ipfw nat's, natd's and nat64's
// words.
#include <catch2/catch.hpp>

#include "stack/kern/machine.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

constexpr const char* gateway = R"(
nodes:
  a: {interfaces: {em0: {addresses: [10.0.0.2/24]}}, routes: [{to: default, via: 10.0.0.1}]}
  b: {interfaces: {em0: {addresses: [10.0.0.3/24]}}, routes: [{to: default, via: 10.0.0.1}]}
  lan: {kind: switch}
  gw: {kind: router, interfaces: {em0: {addresses: [10.0.0.1/24]}, em1: {addresses: [203.0.113.1/24]}}}
  srv: {interfaces: {em0: {addresses: [203.0.113.9/24]}}}
links: ["a -- lan", "b -- lan", "gw:em0 -- lan", "gw:em1 -- srv"]
hosts: false
)";

class Gateway : public LabFixture {
 public:
  explicit Gateway(const std::string& config) : LabFixture(gateway) {
    const CommandResult result =
        run("gw", "ipfw -q nat 1 config " + config +
                      " && ipfw -q add 100 nat 1 ip from any to any via em1"
                      " && ipfw -q add 200 allow ip from any to any");
    INFO(result.output);
    REQUIRE(result.exit == 0);
  }
};

}  // namespace

TEST_CASE("inside hosts reach the world through one address", "[nat]") {
  Gateway lab("if em1 deny_in");
  CHECK(lab.run("srv", "ping -c 1 -t 1 203.0.113.1").exit == 2);  // nobody asked
  CHECK(lab.run("a", "ping -c 2 203.0.113.9").exit == 0);
  CHECK(lab.run("b", "ping -c 2 203.0.113.9").exit == 0);
  lab.run("srv", "nc -l 80 > /tmp/got &");
  CHECK(lab.run("a", "echo hello | nc -N 203.0.113.9 80").exit == 0);
  CHECK(lab.run("srv", "cat /tmp/got").output == "hello\n");
  const std::string shown = lab.run("gw", "ipfw nat 1 show").output;
  CHECK(shown ==
        "nat 1: icmp=2, udp=0, tcp=1, sctp=0, pptp=0, proto=0, frag_id=0 frag_ptr=0 / tot=3\n");
}

TEST_CASE("traceroute and errors pass a translation", "[nat]") {
  Gateway lab("if em1 same_ports deny_in");
  const CommandResult route = lab.run("a", "traceroute -n -q 1 -w 1 203.0.113.9");
  CHECK(route.says("10.0.0.1"));
  CHECK(route.says("203.0.113.9"));
  CHECK(lab.run("a", "echo x | nc -u -w 1 203.0.113.9 7777; nc -z -w 2 203.0.113.9 81").exit != 0);
}

TEST_CASE("the alias follows its interface", "[nat]") {
  Gateway lab("if em1 reset");
  CHECK(lab.run("a", "ping -c 1 203.0.113.9").exit == 0);
  CHECK(lab.run("gw", "ifconfig em1 inet 203.0.113.7/24").exit == 0);
  lab.run("gw", "ifconfig em1 inet 203.0.113.1 -alias");
  CHECK(lab.run("a", "ping -c 1 203.0.113.9").exit == 0);
  const Table table = lab.lab.machine("gw").vnet().table("translations");
  REQUIRE(table.rows.size() == 1);
  CHECK(to_text(table.rows[0][size_t(table.column("alias"))]).starts_with("203.0.113.7:"));
}

TEST_CASE("what ipfw nat shows makes the same instance again", "[nat]") {
  const std::string words = GENERATE(
      "ip 192.0.2.1", "if em1 log deny_in same_ports skip_global unreg_only reset reverse",
      "ip 192.0.2.1 udp_eim port_range 2000-3000", "if em1 redirect_port tcp 10.0.0.2:80 8080",
      "if em1 redirect_port udp 10.0.0.2:2000-2010 192.0.2.5:3000-3010 198.51.100.1:5000",
      "if em1 redirect_port tcp 10.0.0.2:80,10.0.0.3:8080 80",
      "ip 192.0.2.1 redirect_addr 10.0.0.2 192.0.2.9 redirect_addr 10.0.0.3,10.0.0.4 192.0.2.10",
      "ip 192.0.2.1 redirect_proto gre 10.0.0.2 192.0.2.3 198.51.100.1");
  CAPTURE(words);
  Gateway lab("ip 192.0.2.99");
  REQUIRE(lab.run("gw", "ipfw -q nat 7 config " + words).exit == 0);
  const std::string shown = lab.run("gw", "ipfw nat 7 show config").output;
  CHECK(shown == "ipfw nat 7 config " + words + "\n");
  CHECK(lab.run("gw", shown.substr(0, shown.size() - 1)).output == shown);
  CHECK(lab.run("gw", "ipfw nat 7 delete; ipfw nat 7 show config").exit == 65);
}

TEST_CASE("what nobody can make of ipfw nat changes nothing", "[nat]") {
  const auto [words, status, complaint] = GENERATE(table<std::string, int, std::string>(
      {{"nat config if em0", 65, "missing nat id"},
       {"nat 1 config speed 5", 65, "unrecognised option ``speed''"},
       {"nat 1 config ip 1.2.3", 65, "bad ip address ``1.2.3''"},
       {"nat 1 config if em0 ip 1.2.3.4", 65,
        "need to specify either an interface or an ip address"},
       {"nat 1 config redirect_port tcp 10.0.0.2 80", 65, "redirect_port: 10.0.0.2 has no port"},
       {"nat 1 config redirect_port tcp 10.0.0.2:1-9 1-2", 65,
        "redirect_port: port ranges must be equal in size"},
       {"nat 1 config redirect_port icmp 10.0.0.2:1 1", 65,
        "unknown protocol icmp. Expected sctp, tcp or udp"},
       {"nat 1 config redirect_port tcp nobody:1 1", 68, "unknown host nobody"},
       {"nat 1 config port_range 80-90", 65, "incorrect value for port range"},
       {"nat delete 9", 69, "nat 9 not available"},
       {"nat 1 dance", 64, "bad command `dance'"}}));
  LabFixture lab(gateway);
  const CommandResult result = lab.run("gw", "ipfw " + words);
  CHECK(result.output == "ipfw: " + complaint + "\n");
  CHECK(result.exit == status);
  CHECK(lab.run("gw", "ipfw nat show config").output.empty());
}

TEST_CASE("natd translates what is diverted to it", "[nat]") {
  LabFixture lab(gateway);
  const CommandResult ready =
      lab.run("gw",
              "printf 'interface em1\\ndeny_incoming yes\\nredirect_port tcp 10.0.0.2:80 8080\\n' "
              "> /etc/natd.conf;"
              "natd -f /etc/natd.conf && ipfw -q add 100 divert natd ip from any to any via em1"
              " && ipfw -q add 200 allow ip from any to any");
  INFO(ready.output);
  REQUIRE(ready.exit == 0);
  CHECK(lab.run("srv", "ping -c 1 -t 1 203.0.113.1").exit == 2);
  CHECK(lab.run("a", "ping -c 2 203.0.113.9").exit == 0);
  lab.run("a", "nc -l 80 > /tmp/got &");
  CHECK(lab.run("srv", "echo inward | nc -N 203.0.113.1 8080").exit == 0);
  CHECK(lab.run("a", "cat /tmp/got").output == "inward\n");
  CHECK(lab.run("gw", "natd -interface em9").output == "natd: em9: cannot get interface address\n");
  CHECK(lab.run("gw", "natd").exit == 1);
}

TEST_CASE("hosts with IPv6 alone reach IPv4 servers, statefully and statelessly", "[nat]") {
  LabFixture lab(R"(
nodes:
  a: {interfaces: {em0: {addresses: ["2001:db8:1::2/64"]}}, routes: [{to: "::/0", via: "2001:db8:1::1"}]}
  gw: {kind: router, interfaces: {em0: {addresses: ["2001:db8:1::1/64"]}, em1: {addresses: [198.51.100.1/24]}}}
  srv: {interfaces: {em0: {addresses: [198.51.100.9/24]}}, routes: [{to: 203.0.113.0/28, via: 198.51.100.1}]}
links: ["a -- gw:em0", "gw:em1 -- srv"]
hosts: false
)");
  lab.pass(3_s);
  const bool stateful = GENERATE(true, false);
  const std::string config = stateful
                                 ? "ipfw nat64lsn N create prefix4 203.0.113.0/28;"
                                   "ipfw -q add 100 nat64lsn N ip6 from any to 64:ff9b::/96 in;"
                                   "ipfw -q add 110 nat64lsn N ip4 from any to 203.0.113.0/28 in"
                                 : "ipfw table T46 create type addr valtype ipv6; ipfw table T64 "
                                   "create type addr valtype ipv4;"
                                   "ipfw -q table T46 add 203.0.113.5 2001:db8:1::2; ipfw -q table "
                                   "T64 add 2001:db8:1::2 203.0.113.5;"
                                   "ipfw nat64stl N create table4 T46 table6 T64;"
                                   "ipfw -q add 100 nat64stl N ip6 from any to 64:ff9b::/96 in;"
                                   "ipfw -q add 110 nat64stl N ip4 from any to 'table(T46)' in";
  const CommandResult ready = lab.run("gw", "ifconfig em1 inet6 -ifdisabled;" + config +
                                                ";ipfw -q add 200 allow ip from any to any");
  INFO(ready.output);
  REQUIRE(ready.exit == 0);
  CHECK(lab.run("a", "ping6 -c 2 64:ff9b::198.51.100.9").exit == 0);
  // RFC 7915 s1.2: the checksum of a fragmented message would need all of it.
  CHECK(lab.run("a", "ping6 -c 1 -t 1 -s 3000 64:ff9b::198.51.100.9").exit == 2);
  lab.run("srv", "nc -l 80 > /tmp/got &");
  CHECK(lab.run("a", "echo hello | nc -N 64:ff9b::198.51.100.9 80").exit == 0);
  CHECK(lab.run("srv", "cat /tmp/got").output == "hello\n");
  CHECK(lab.run("a", "nc -z -w 3 64:ff9b::198.51.100.9 81").exit == 1);  // the reset comes back
  const CommandResult way = lab.run("a", "traceroute6 -n -q 1 64:ff9b::198.51.100.9");
  CHECK(way.says("2001:db8:1::1"));
  CHECK(way.says("64:ff9b::c633:6409"));
  if (stateful) CHECK(lab.run("gw", "ipfw nat64lsn N stats").says("1 IPv6 hosts"));
  CHECK(lab.run("gw", text("ipfw nat64{} all list", stateful ? "lsn" : "stl")).output ==
        (stateful ? "nat64lsn N prefix4 203.0.113.0/28 prefix6 64:ff9b::/96\n"
                  : "nat64stl N table4 T46 table6 T64 prefix6 64:ff9b::/96\n"));
}

TEST_CASE("nptv6 exchanges prefixes, and says what it was given", "[nat]") {
  LabFixture lab(R"(
nodes:
  a: {interfaces: {em0: {addresses: ["fd00:1::2/64"]}}, routes: [{to: "::/0", via: "fd00:1::1"}]}
  gw: {kind: router, interfaces: {em0: {addresses: ["fd00:1::1/64"]}, em1: {addresses: ["2001:db8:9::1/64"]}}}
  srv: {interfaces: {em0: {addresses: ["2001:db8:9::9/64"]}}, routes: [{to: "2001:db8:2::/48", via: "2001:db8:9::1"}]}
links: ["a -- gw:em0", "gw:em1 -- srv"]
hosts: false
)");
  lab.pass(3_s);
  const CommandResult ready =
      lab.run("gw",
              "ipfw nptv6 N create int_prefix fd00:1:: ext_prefix 2001:db8:2:: prefixlen 48;"
              "ipfw -q add 100 nptv6 N ip6 from fd00:1::/48 to not fd00:1::/48 out;"
              "ipfw -q add 110 nptv6 N ip6 from any to 2001:db8:2::/48 in;"
              "ipfw -q add 200 allow ip from any to any");
  INFO(ready.output);
  REQUIRE(ready.exit == 0);
  CHECK(lab.run("a", "ping6 -c 2 2001:db8:9::9").exit == 0);
  CHECK(lab.run("gw", "ipfw nptv6 N show").output ==
        "nptv6 N int_prefix fd00:1:: ext_prefix 2001:db8:2:: prefixlen 48\n");
  CHECK(lab.run("gw", "ipfw nptv6 N destroy; ipfw nptv6 N show").exit == 71);
}

TEST_CASE("IPv4 hosts reach IPv4 servers through a network with IPv6 alone", "[nat]") {
  // RFC 6877: the customer's translator, and the provider's.
  LabFixture lab(R"(
nodes:
  a: {interfaces: {em0: {addresses: [10.0.0.2/24]}}, routes: [{to: default, via: 10.0.0.1}]}
  cpe: {kind: router, interfaces: {em0: {addresses: [10.0.0.1/24]}, em1: {addresses: ["2001:db8:9::2/64"]}},
        routes: [{to: "::/0", via: "2001:db8:9::1"}]}
  plat: {kind: router, interfaces: {em0: {addresses: ["2001:db8:9::1/64"]}, em1: {addresses: [198.51.100.1/24]}},
         routes: [{to: "2001:db8:c::/96", via: "2001:db8:9::2"}]}
  srv: {interfaces: {em0: {addresses: [198.51.100.9/24]}}, routes: [{to: 203.0.113.0/28, via: 198.51.100.1}]}
links: ["a -- cpe:em0", "cpe:em1 -- plat:em0", "plat:em1 -- srv"]
hosts: false
)");
  lab.pass(3_s);
  const CommandResult customer =
      lab.run("cpe",
              "ifconfig em0 inet6 -ifdisabled;"
              "ipfw nat64clat C create clat_prefix 2001:db8:c::/96 plat_prefix 64:ff9b::/96 &&"
              "ipfw -q add 100 nat64clat C ip4 from 10.0.0.0/24 to not 10.0.0.0/24 in &&"
              "ipfw -q add 110 nat64clat C ip6 from 64:ff9b::/96 to 2001:db8:c::/96 in &&"
              "ipfw -q add 200 allow ip from any to any");
  INFO(customer.output);
  REQUIRE(customer.exit == 0);
  const CommandResult provider =
      lab.run("plat",
              "ifconfig em1 inet6 -ifdisabled;"
              "ipfw nat64lsn N create prefix4 203.0.113.0/28 &&"
              "ipfw -q add 100 nat64lsn N ip6 from any to 64:ff9b::/96 in &&"
              "ipfw -q add 110 nat64lsn N ip4 from any to 203.0.113.0/28 in &&"
              "ipfw -q add 200 allow ip from any to any");
  INFO(provider.output);
  REQUIRE(provider.exit == 0);
  CHECK(lab.run("a", "ping -c 2 198.51.100.9").exit == 0);
  lab.run("srv", "nc -l 80 > /tmp/got &");
  CHECK(lab.run("a", "echo hello | nc -N 198.51.100.9 80").exit == 0);
  CHECK(lab.run("srv", "cat /tmp/got").output == "hello\n");
  CHECK(lab.run("cpe", "ipfw nat64clat C show").output ==
        "nat64clat C clat_prefix 2001:db8:c::/96 plat_prefix 64:ff9b::/96\n");
}
