#include <catch2/catch.hpp>

#include "stack/inet6/inet6.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";
const char* const three = R"(
nodes:
  a: {}
  r: {kind: router, sysctl: {net.inet6.ip6.forwarding: 1}}
  b: {}
links: [a -- r, r -- b]
)";

void address_two(LabFixture& lab) {
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64");
  lab.run("b", "ifconfig em0 inet6 2001:db8::2/64");
  lab.pass(3_s);
}

}  // namespace

TEST_CASE("IPv6 comes with the first address, and both ends answer") {
  LabFixture lab(two);
  CHECK_FALSE(lab.run("a", "ifconfig em0").says("inet6"));
  address_two(lab);
  const auto shown = lab.run("a", "ifconfig em0");
  CHECK(shown.says("inet6 2001:db8::1 prefixlen 64\n"));
  CHECK(shown.says("%em0 prefixlen 64 scopeid 0x1"));
  CHECK(shown.says("nd6 options=21<PERFORMNUD,AUTO_LINKLOCAL>"));
  CHECK(lab.run("a", "ifconfig lo0").says("inet6 ::1 prefixlen 128"));
  const auto ping = lab.run("a", "ping -c 2 2001:db8::2");
  CHECK(ping.exit == 0);
  CHECK(ping.says("PING(56=40+8+8 bytes) 2001:db8::1 --> 2001:db8::2\n"));
  CHECK(ping.says("16 bytes from 2001:db8::2, icmp_seq=0 hlim=64 time="));
  CHECK(ping.says("2 packets transmitted, 2 packets received, 0.0% packet loss"));
  CHECK(lab.run("a", "ping6 -c 1 ::1").exit == 0);
  CHECK(lab.run("a", "ping6 -c 1 fe80::1%lo0").exit == 0);
  CHECK(lab.run("a", "ping6 -c 1 fe80::1").exit != 0);  // of no link
}

TEST_CASE("an address is tried before it is used, and one that another has is not used") {
  LabFixture lab(two);
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64");
  CHECK(lab.run("a", "ifconfig em0").says("2001:db8::1 prefixlen 64 tentative"));
  lab.pass(2_s);
  CHECK_FALSE(lab.run("a", "ifconfig em0").says("tentative"));
  lab.run("b", "ifconfig em0 inet6 2001:db8::1/64");
  lab.pass(2_s);
  CHECK(lab.run("b", "ifconfig em0").says("2001:db8::1 prefixlen 64 duplicated"));
  CHECK(lab.run("b", "dmesg")
            .says("em0: DAD detected duplicate IPv6 address 2001:db8::1: NS "
                  "in/out/loopback=0/1/0, NA in=1"));
  CHECK(lab.run("b", "dmesg").says("manual intervention required"));
  CHECK(
      lab.run("b", "ping -S 2001:db8::1 -c 1 2001:db8::9").says("Can't assign requested address"));
  // Two that try it at one time both give up.
  LabFixture both(R"(
nodes:
  a: {exec: [ifconfig em0 inet6 2001:db8::1/64]}
  b: {exec: [ifconfig em0 inet6 2001:db8::1/64]}
links: [a -- b]
)");
  both.pass(3_s);
  CHECK(both.run("a", "ifconfig em0").says("duplicated"));
  CHECK(both.run("b", "ifconfig em0").says("duplicated"));
  // no_dad asks nobody.
  both.run("b", "ifconfig em0 inet6 2001:db8::7/64 no_dad");
  CHECK_FALSE(both.run("b", "ifconfig em0 | grep 8::7").says("tentative"));
}

TEST_CASE("datagrams cross over IPv6, and a closed port is told to a connected socket") {
  LabFixture lab(two);
  address_two(lab);
  lab.run("b", "nc -6 -u -l 53 > /tmp/got &");
  CHECK(lab.run("a", "echo question | nc -u -N 2001:db8::2 53").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/got").output == "question\n");
  lab.run("a", "echo question | nc -u -w 1 2001:db8::2 54");
  CHECK(lab.dropped("no_socket") == 1);
  CHECK(lab.trace.text().find("ICMP6, destination unreachable, unreachable port, 2001:db8::2 udp "
                              "port 54") != std::string::npos);
}

TEST_CASE("a router forwards, answers with errors, and tells of better first hops") {
  LabFixture lab(three);
  lab.run("r", "ifconfig em0 inet6 2001:db8:1::1/64; ifconfig em1 inet6 2001:db8:2::1/64");
  lab.run("a", "ifconfig em0 inet6 2001:db8:1::2/64; route -6 add default 2001:db8:1::1");
  lab.run("b", "ifconfig em0 inet6 2001:db8:2::2/64; route -6 add default 2001:db8:2::1");
  lab.pass(3_s);
  const auto ping = lab.run("a", "ping -c 1 2001:db8:2::2");
  CHECK(ping.says("hlim=63"));
  CHECK(lab.run("a", "ping -m 1 -c 1 -t 2 2001:db8:2::2").says("Time to live exceeded"));
  CHECK(lab.run("a", "ping -c 1 -t 2 2001:db8:9::2").says("No Route to Destination"));
  CHECK(lab.run("a", "ping -c 1 -t 5 2001:db8:2::77").says("Destination Host Unreachable"));
  const auto trace = lab.run("a", "traceroute6 -n -q 1 2001:db8:2::2");
  CHECK(trace.says("traceroute6 to 2001:db8:2::2 (2001:db8:2::2) from 2001:db8:1::2, 64 hops max"));
  CHECK(trace.says(" 1  2001:db8:1::1  0."));
  CHECK(trace.says(" 2  2001:db8:2::2  0."));
  CHECK(lab.run("a", "traceroute6 -I -n -q 1 2001:db8:2::2").says(" 2  2001:db8:2::2"));
  lab.run("r", "ifconfig em1 mtu 1400; ifconfig em1 inet6 2001:db8:2::1/64");
  const auto big = lab.run("a", "ping -u -c 3 -s 1440 2001:db8:2::2");
  CHECK(big.says("Packet too big mtu = 1400"));
  CHECK(big.says("1448 bytes from 2001:db8:2::2"));  // in fragments, once it is known
  CHECK(lab.counter("b", "ip6s_reassembled") > 0);
  CHECK(lab.run("r", "sysctl -n net.inet6.ip6.forwarding").output == "1\n");
}

TEST_CASE("fragments of every size come together, both ways") {
  LabFixture lab(two);
  address_two(lab);
  for (int size : {1, 1200, 1452, 1453, 2000, 9000, 30000, 65487}) {
    INFO(size);
    CHECK(lab.run("a", text("ping -c 1 -s {} 2001:db8::2", size)).exit == 0);
  }
  CHECK(lab.counter("b", "ip6s_fragdropped") == 0);
}

TEST_CASE("neighbours go through the states of RFC 4861") {
  LabFixture lab(two);
  address_two(lab);
  const auto state = [&] {
    for (const NeighbourInfo6& e :
         lab.lab.machine("a").vnet().state<Inet6>(inet6_module).neighbours().entries())
      if (to_text(e.address) == "2001:db8::2") return int(e.state);
    return -1;
  };
  CHECK(state() == -1);
  lab.run("a", "ping -c 1 2001:db8::2");
  CHECK(state() == int(NudState::reachable));
  lab.pass(46_s);  // at most 1.5 times 30 s
  CHECK(state() == int(NudState::stale));
  lab.run("a", "ping -c 1 2001:db8::2");
  CHECK(state() == int(NudState::delay));
  lab.pass(5_s);
  CHECK(state() == int(NudState::reachable));  // a probe was answered
  lab.pass(50_s);
  lab.run("b", "ifconfig em0 down");
  lab.run("a", "ping -c 1 -t 1 2001:db8::2");
  CHECK(state() == int(NudState::delay));
  lab.pass(5_s);
  CHECK(state() == int(NudState::probe));
  lab.pass(4_s);
  CHECK(state() == int(NudState::unreachable));  // RFC 7048
  lab.run("b", "ifconfig em0 up");
  CHECK(lab.run("a", "sleep 60; ping -c 2 2001:db8::2").exit == 0);
}

TEST_CASE("a multicast group is joined with MLD and heard by members only") {
  LabFixture lab(
      "nodes: {sw: {kind: switch}, a: {}, b: {}, c: {}}\nlinks: [a -- sw, b -- sw, c -- sw]\n");
  for (const char* node : {"a", "b", "c"}) lab.run(node, "ifconfig em0 inet6 -ifdisabled");
  lab.pass(3_s);
  lab.run("b", "nc -6 -u -l ff02::1234%em0 5000 > /tmp/got &");
  lab.pass(3_s);
  CHECK(lab.trace.text().find("[gaddr ff02::1234 to_ex { }]") != std::string::npos);
  CHECK(lab.run("a", "echo all | nc -6 -u -N ff02::1234%em0 5000").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/got").output == "all\n");
  CHECK(lab.counter("c", "udps_ipackets") == 0);
}

TEST_CASE("a socket for both families is one socket") {
  LabFixture lab(two);
  address_two(lab);
  lab.run("b", "sysctl net.inet6.ip6.v6only=0");
  lab.run("b", "nc -6 -u -l -k -v 53 > /tmp/got &");
  CHECK(lab.run("b", "sockstat -46").says("udp46"));
  lab.run("a", "echo six | nc -u -N 2001:db8::2 53; echo four | nc -u -N 10.0.0.2 53");
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/got").output == "six\nfour\n");
}

TEST_CASE("streams cross over IPv6, by address and by name") {
  LabFixture lab(two);
  address_two(lab);
  lab.run("b", "nc -6 -l 80 > /tmp/got &");
  CHECK(lab.run("a", "echo hello | nc -N 2001:db8::2 80").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/got").output == "hello\n");
  CHECK(lab.run("a", "nc -v 2001:db8::2 81").says("Connection refused"));
}
