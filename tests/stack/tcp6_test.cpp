// TCP over IPv6, and over both families at once.
#include <catch2/catch.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";

void address_two(LabFixture& lab) {
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64");
  lab.run("b", "ifconfig em0 inet6 2001:db8::2/64");
  lab.pass(3_s);
}

}  // namespace

TEST_CASE("a stream over IPv6: segments of 1440 octets, and every tool shows it", "[tcp][tcp6]") {
  LabFixture lab(two);
  address_two(lab);
  lab.run("b", "nc -6 -l 80 > /tmp/got &");
  lab.run("a", "seq 1 20000 > /tmp/sent");
  CHECK(lab.run("b", "netstat -an").says("tcp6       0      0  *.80"));
  CHECK(lab.run("a", "nc -6 -v -N 2001:db8::2 80 < /tmp/sent").says("succeeded!"));
  lab.pass(1_s);
  CHECK(lab.run("a", "cat /tmp/sent").output == lab.run("b", "cat /tmp/got").output);
  CHECK(lab.run("a", "netstat -an -p tcp").says("2001:db8::2.80"));
  CHECK(lab.run("a", "nc -6 -v 2001:db8::2 81").says("Connection refused"));
  CHECK(lab.counter("a", "tcps_sndrexmitpack") == 0);
  lab.lab.drain();
  CHECK(lab.trace.text().find("mss 1440,nop,wscale 6,sackOK,TS") != std::string::npos);
}

TEST_CASE("a link-local peer is reached by its zone, and fetch takes an address in brackets",
          "[tcp][tcp6]") {
  LabFixture lab(two);
  address_two(lab);
  lab.run("b", "nc -6 -l 80 > /tmp/got &");
  const std::string shown = lab.run("b", "ifconfig em0 | grep fe80").output;
  const std::string address =
      shown.substr(shown.find("fe80"), shown.find('%') - shown.find("fe80"));
  CHECK(lab.run("a", "echo near | nc -6 -N " + address + "%em0 80").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/got").output == "near\n");
}

TEST_CASE("a narrower link on an IPv6 path is found by Packet Too Big", "[tcp][tcp6]") {
  LabFixture lab(R"(
nodes:
  a: {}
  r: {kind: router, sysctl: {net.inet6.ip6.forwarding: 1}}
  b: {}
links: [a -- r, r -- b]
)");
  lab.run("a", "ifconfig em0 inet6 2001:db8:1::1/64; route -6 add default 2001:db8:1::2");
  lab.run("r", "ifconfig em0 inet6 2001:db8:1::2/64; ifconfig em1 inet6 2001:db8:2::2/64");
  lab.run("b", "ifconfig em0 inet6 2001:db8:2::1/64; route -6 add default 2001:db8:2::2");
  lab.run("r", "ifconfig em1 mtu 1300");
  lab.pass(3_s);
  lab.run("b", "nc -6 -l 80 > /tmp/got &");
  lab.run("a", "seq 1 20000 > /tmp/sent");
  CHECK(lab.run("a", "nc -6 -N 2001:db8:2::1 80 < /tmp/sent").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "wc -l /tmp/got").says("20000"));
  CHECK(lab.counter("a", "tcps_mturesent") >= 1);
}

TEST_CASE("inetd serves IPv6, and both families by one socket", "[tcp][tcp6]") {
  LabFixture lab(two);
  address_two(lab);
  lab.run("b",
          "(echo echo stream tcp6 nowait root internal; echo daytime stream tcp46 nowait root "
          "internal) > /etc/inetd.conf; inetd");
  CHECK(lab.run("a", "echo six | nc -6 -N 2001:db8::2 echo").output == "six\n");
  CHECK(lab.run("a", "nc -v b echo").says("Connection refused"));
  CHECK(lab.run("a", "nc 2001:db8::2 daytime").says("1970"));
  CHECK(lab.run("a", "nc b daytime").says("1970"));
  CHECK(lab.run("b", "netstat -an").says("tcp46      0      0  *.13"));
}
