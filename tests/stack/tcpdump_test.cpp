#include <catch2/catch.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {
const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";
}

TEST_CASE("tcpdump prints what an interface sees, filtered, and saves and reads it") {
  LabFixture lab(two);
  lab.run("b", "tcpdump -n -c 2 -i em0 icmp > /tmp/live 2> /tmp/said &");
  CHECK(lab.run("a", "ping -c 2 b").exit == 0);
  lab.pass(1_s);
  const auto live = lab.run("b", "cat /tmp/live");
  CHECK(live.says("IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id "));
  CHECK(live.says("IP 10.0.0.2 > 10.0.0.1: ICMP echo reply, id "));
  CHECK(lab.run("b", "cat /tmp/said").says("2 packets captured"));
  CHECK(lab.run("b", "cat /tmp/said").says("listening on em0, link-type EN10MB (Ethernet)"));

  lab.run("b", "tcpdump -c 3 -w /tmp/saved.pcap -i em0 & sleep 0.1; ping -c 3 a > /dev/null; wait");
  const auto read = lab.run("b", "tcpdump -n -e -v -r /tmp/saved.pcap -c 1");
  CHECK(read.says("ethertype IPv4 (0x0800), length 98: IP (tos 0x0, ttl 64, id "));
  CHECK(lab.run("b", "tcpdump -t -X -r /tmp/saved.pcap -c 1").says("0x0000:  4500 0054"));
  CHECK(lab.run("b", "tcpdump -r /tmp/saved.pcap arp").output.find("ARP") == std::string::npos);
}

TEST_CASE("tcpdump says what it cannot do") {
  LabFixture lab(two);
  CHECK(lab.run("a", "tcpdump -i em7").says("em7: No such device exists"));
  CHECK(lab.run("a", "tcpdump -i em0 host example").says("unknown word \"example\""));
  CHECK(lab.run("a", "tcpdump -Q").exit == 1);
}

TEST_CASE("lo0 can be captured, and an interrupt ends a capture with its counts") {
  LabFixture lab(two);
  lab.run("a",
          "tcpdump -i lo0 > /tmp/live 2> /tmp/said & sleep 0.1; ping -c 1 127.0.0.1 > /dev/null; "
          "kill -INT $!");
  lab.pass(1_s);
  CHECK(lab.run("a", "cat /tmp/live").says("IP 127.0.0.1 > 127.0.0.1: ICMP echo request"));
  CHECK(lab.run("a", "cat /tmp/said").says("2 packets captured"));
}
