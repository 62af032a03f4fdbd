#include <catch2/catch.hpp>

#include "stack/inet/inet.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {
const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";
}

TEST_CASE("datagrams cross, and a closed port comes back to a connected socket as an error") {
  LabFixture lab(two);
  lab.run("b", "nc -u -l 53 > /tmp/got &");
  CHECK(lab.run("a", "echo question | nc -u -N b 53").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/got").output == "question\n");
  CHECK(lab.run("a", "echo question | nc -u -w 1 b 54").exit == 0);  // as nc(1): it had a socket
  CHECK(lab.counter("b", "udps_noport") == 1);
  CHECK(lab.dropped("no_socket") == 1);
}

TEST_CASE("sockstat and netstat show who listens where") {
  LabFixture lab(two);
  lab.run("b", "nc -u -l 10.0.0.2 53 &");
  lab.run("b", "nc -u -l 54 &");
  const auto sockstat = lab.run("b", "sockstat -4l");
  CHECK(sockstat.says("udp4   10.0.0.2:53"));
  CHECK(sockstat.says("udp4   *:54"));
  CHECK(lab.run("b", "netstat -an").says("10.0.0.2.53"));
  CHECK(lab.run("b", "nc -u -l 10.0.0.9 55").says("Can't assign requested address"));
}

TEST_CASE("a multicast group is joined with IGMP, heard by members only, and left") {
  LabFixture lab(R"(
nodes: {sw: {kind: switch}, a: {}, b: {}, c: {}}
links: [a -- sw, b -- sw, c -- sw]
)");
  lab.run("b", "route add default 10.0.0.1");
  lab.run("a", "route add default 10.0.0.2");
  lab.run("b", "nc -u -l 239.1.2.3 5000 > /tmp/got &");
  lab.pass(3_s);
  CHECK(lab.counter("b", "igps_snd_reports") == 2);
  CHECK(lab.run("a", "echo all | nc -u -N 239.1.2.3 5000").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/got").output == "all\n");
  CHECK(lab.counter("c", "udps_ipackets") == 0);
}

TEST_CASE("an older querier is answered in its own version") {
  LabFixture lab(two);
  lab.run("b", "route add default 10.0.0.1; nc -u -l 239.1.2.3 5000 > /dev/null &");
  lab.pass(3_s);
  Machine& b = lab.lab.machine("b");
  const std::vector<uint8_t> query = emit_igmp({.type = igmp_type::query,
                                                .version = 2,
                                                .max_response_ms = 1000,
                                                .sources = {},
                                                .records = {}});
  std::vector<uint8_t> octets(20);
  store(Ipv4Header{.total_length = uint16_t(20 + query.size()),
                   .ttl = 1,
                   .protocol = ip_protocol::igmp,
                   .source = 0x0a000001,
                   .dest = 0xe0000001},
        octets);
  finish_ipv4_header(octets);
  octets.insert(octets.end(), query.begin(), query.end());
  Inet& inet = b.vnet().state<Inet>(inet_module);
  inet.ether_receive(b.site().pool().make(b.site().next_packet_id(), octets),
                     *inet.net().find("em0"));
  lab.pass(2_s);
  lab.lab.drain();
  CHECK(lab.trace.text().find("igmp v2 report 239.1.2.3") != std::string::npos);
  CHECK(lab.counter("b", "igps_rcv_v1v2_queries") == 1);
}

TEST_CASE("a receive buffer that is full drops, and says so") {
  LabFixture lab("nodes: {a: {}, b: {sysctl: {net.inet.udp.recvspace: 2000}}}\nlinks: [a -- b]\n");
  // A listener that never reads: its standard output is a pipe that nobody empties.
  lab.run("b", "nc -u -l 9 | sleep 1000 &");
  lab.run("a", "for i in $(seq 1 200); do printf '%01000d' $i; done > /tmp/big");
  for (int i = 0; i < 20; ++i) lab.run("a", "cat /tmp/big | nc -u -N b 9");
  lab.pass(1_s);
  CHECK(lab.counter("b", "udps_fullsock") > 0);
  CHECK(lab.dropped("socket_full") > 0);
}
