#include <catch2/catch.hpp>

#include "stack/inet/inet.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";
const char* const routed = R"(
nodes:
  a: {}
  r: {kind: router}
  b: {}
links: [a -- r, {name: far, endpoints: r -- b}]
)";
// Two routers and a host on one LAN: the place where redirects happen.
const char* const triangle = R"(
nodes:
  h: {interfaces: {em0: {addresses: [10.0.0.10/24]}}, routes: [{to: 10.5.0.0/16, via: 10.0.0.1}]}
  r1: {kind: router, interfaces: {em0: {addresses: [10.0.0.1/24]}}, routes: [{to: 10.5.0.0/16, via: 10.0.0.2}]}
  r2: {kind: router, interfaces: {em0: {addresses: [10.0.0.2/24]}, em1: {addresses: [10.5.0.1/16]}}}
  t: {interfaces: {em0: {addresses: [10.5.0.9/16]}}, routes: [{to: default, via: 10.5.0.1}]}
  sw: {kind: switch}
links: [h -- sw, r1 -- sw, r2:em0 -- sw, r2:em1 -- t]
)";

}  // namespace

TEST_CASE("an address is announced once, and as often again as garp_rexmit_count says") {
  LabFixture lab(
      "nodes: {a: {sysctl: {net.link.ether.inet.garp_rexmit_count: 2}}, b: {}}\n"
      "links: [a -- b]\n");
  lab.pass(10_s);
  CHECK(lab.counter("a", "txrequests") == 3);
  CHECK(lab.counter("b", "txrequests") == 1);
}

TEST_CASE("an unresolved neighbour costs five requests, then errors, then a fresh start") {
  LabFixture lab(two);
  const auto ping = lab.run("a", "ping -c 8 -W 1000 10.0.0.77");
  CHECK(ping.exit == 2);
  CHECK(ping.says("ping: sendto: Host is down"));
  CHECK(lab.counter("a", "txrequests") >= 6);
  CHECK(lab.run("a", "arp -n 10.0.0.77").says("(10.0.0.77) at (incomplete) on em0"));
  lab.pass(30_s);
  CHECK(lab.run("a", "arp -n 10.0.0.77").says("no entry"));
  CHECK(lab.dropped("arp_unresolved") > 0);
}

TEST_CASE("static and published entries, deletion, and their messages") {
  LabFixture lab(two);
  CHECK(lab.run("a", "arp -s 10.0.0.50 02:aa:00:00:00:01 pub").exit == 0);
  CHECK(lab.run("a", "arp -an")
            .says("? (10.0.0.50) at 02:aa:00:00:00:01 on em0 permanent published [ethernet]"));
  CHECK(lab.run("b", "ping -c 1 -W 100 10.0.0.50; arp -an").says("02:aa:00:00:00:01"));
  CHECK(lab.run("a", "arp -d 10.0.0.50").says("10.0.0.50 (10.0.0.50) deleted"));
  CHECK(lab.run("a", "arp -d 10.0.0.50").exit == 1);
  CHECK(lab.run("a", "arp -s 172.16.0.1 02:aa:00:00:00:01").exit == 1);
}

TEST_CASE("a second user of an address is logged in FreeBSD's words") {
  LabFixture lab(two);
  lab.run("b", "ifconfig em0 inet 10.0.0.1/24");
  lab.pass(1_s);
  CHECK(lab.run("a", "dmesg").says("is using my IP address 10.0.0.1 on em0!"));
  CHECK(lab.counter("a", "dupips") >= 1);
}

TEST_CASE("with rfc5227 an address is probed, given up when somebody has it, and else announced") {
  LabFixture lab(two);
  lab.run("b", "sysctl net.link.ether.inet.rfc5227=1; ifconfig em0 inet 10.0.0.1/24");
  lab.pass(5_s);
  CHECK_FALSE(lab.run("b", "ifconfig em0").says("inet "));
  CHECK(lab.run("b", "dmesg").says("has 10.0.0.1 on em0: address given up"));
  CHECK(lab.run("a", "ping -c 1 localhost").exit == 0);
  lab.run("b", "ifconfig em0 inet 10.0.0.8/24");
  lab.pass(10_s);
  CHECK(lab.run("a", "ping -c 1 10.0.0.8").exit == 0);
  lab.lab.drain();
  CHECK(lab.trace.text().find("ARP, Probe 10.0.0.8") != std::string::npos);
  CHECK(lab.trace.text().find("ARP, Announcement 10.0.0.8") != std::string::npos);
}

TEST_CASE("a neighbour that moves to another MAC address is logged and followed") {
  LabFixture lab(two);
  CHECK(lab.run("a", "ping -c 1 b").exit == 0);
  lab.run("b", "ifconfig em0 ether 02:00:00:00:00:99");
  lab.pass(1_s);
  CHECK(lab.run("a", "dmesg").says("arp: 10.0.0.2 moved from "));
  CHECK(lab.run("a", "ping -c 1 b").exit == 0);
}

TEST_CASE("ARP on the wrong interface is logged and not believed") {
  LabFixture lab(R"(
nodes:
  r: {kind: router, interfaces: {em0: {addresses: [10.0.0.1/24]}, em1: {addresses: [10.0.1.1/24]}}}
  a: {interfaces: {em0: {addresses: [10.0.0.2/24]}}}
  b: {interfaces: {em0: {addresses: [10.0.1.2/24]}}}
links: [r:em0 -- a, r:em1 -- b]
)");
  lab.run("b", "ifconfig em0 inet 10.0.0.9/24");
  lab.pass(1_s);
  CHECK(lab.run("r", "dmesg").says("arp: 10.0.0.9 is on em0 but got reply from "));
  CHECK_FALSE(lab.run("r", "arp -an").says("10.0.0.9"));
}

TEST_CASE("fragments that never find their rest time out, and their first one is answered") {
  LabFixture lab("nodes: {a: {}, b: {}}\nlinks: [{name: l, endpoints: a -- b, mtu: 576}]\n");
  lab.run("a", "ping -c 1 b");
  // The second fragment is lost on the way.
  struct Second final : FrameDropper {
    bool drops(const LinkEnd& end, Packet&) override { return end.index() == 0 && ++seen == 2; }
    int seen = 0;
  } second;
  lab.lab.link(size_t(0)).set_dropper(&second);
  CHECK(lab.run("a", "ping -c 1 -s 1000 -t 40 -W 35000 b").says("Frag reassembly time exceeded"));
  lab.lab.link(size_t(0)).set_dropper(nullptr);
  CHECK(lab.counter("b", "ips_fragtimeout") == 1);
  CHECK(lab.counter("b", "ips_fragdropped") == 0);
}

TEST_CASE("a router forwards, counts, and answers for what it cannot") {
  LabFixture lab(routed);
  CHECK(lab.run("a", "ping -c 1 b").says("ttl=63"));
  CHECK(lab.counter("r", "ips_forward") == 2);
  CHECK(lab.run("a", "ping -c 1 -m 1 -W 500 b").says("Time to live exceeded"));
  CHECK(lab.run("a", "ping -c 1 -W 500 172.16.0.1").says("Destination Host Unreachable"));
  CHECK(lab.dropped("no_route") == 1);
  lab.run("r", "sysctl net.inet.ip.forwarding=0");
  CHECK(lab.run("a", "ping -c 1 -W 500 b").exit == 2);
  CHECK(lab.dropped("not_forwarding") == 1);
}

TEST_CASE("blackhole routes are silent, reject routes are not") {
  LabFixture lab(routed);
  CHECK(lab.run("r", "route add -net 10.7.0.0/16 127.0.0.1 -blackhole").exit == 0);
  CHECK(lab.run("r", "route add -net 10.8.0.0/16 127.0.0.1 -reject").exit == 0);
  CHECK_FALSE(lab.run("a", "ping -c 1 -W 500 10.7.0.1").says("Unreachable"));
  CHECK(lab.run("a", "ping -c 1 -W 500 10.8.0.1").says("Destination Host Unreachable"));
  CHECK(lab.dropped("blackhole_route") == 1);
  CHECK(lab.run("r", "netstat -rn").says("UGSB"));
}

TEST_CASE("fragments are made, put together, and refused when they contradict") {
  LabFixture lab("nodes: {a: {}, b: {}}\nlinks: [{endpoints: a -- b, mtu: 576}]\n");
  CHECK(lab.run("a", "ping -c 1 -s 4000 b").says("4008 bytes from"));
  CHECK(lab.counter("b", "ips_reassembled") == 1);
  CHECK(lab.counter("a", "ips_ofragments") == 8);
  CHECK(lab.run("a", "ping -c 1 -D -s 4000 b").says("sendto: Message too long"));
  // Half of a datagram only: it is forgotten after net.inet.ip.fragttl seconds, and said so.
  lab.run("b", "sysctl net.inet.ip.maxfragsperpacket=4");
  CHECK(lab.run("a", "ping -c 1 -W 500 -s 4000 b").exit == 2);
  CHECK(lab.counter("b", "ips_fragdropped") > 0);
  CHECK(lab.dropped("fragment_limit") > 0);
}

TEST_CASE("a redirect is sent when the way leads back, and a host believes it") {
  LabFixture lab(triangle);
  CHECK(lab.run("h", "ping -c 2 10.5.0.9").exit == 0);
  CHECK(lab.counter("r1", "ips_redirectsent") >= 1);
  CHECK(lab.run("h", "netstat -rn").says("UGHD"));
  CHECK(lab.run("h", "route -n get 10.5.0.9").says("gateway: 10.0.0.2"));
  lab.run("h", "route delete 10.5.0.9; sysctl net.inet.icmp.drop_redirect=1");
  CHECK(lab.run("h", "ping -c 2 10.5.0.9").exit == 0);
  CHECK_FALSE(lab.run("h", "netstat -rn").says("UGHD"));
}

TEST_CASE("broadcasts need permission, reach everybody on the link and no other network") {
  LabFixture lab(routed);
  lab.run("b", "nc -u -l -k -w 20 99 > /tmp/heard &");
  CHECK(lab.run("a", "echo hello | nc -u -N 10.0.1.255 99").exit == 0);
  lab.pass(1_s);
  CHECK(lab.dropped("not_forwardable") == 1);
  CHECK(lab.run("r", "echo hello | nc -u -N 10.0.1.255 99").says("Permission denied"));
  lab.run("r", "echo hello | nc -u -b -N 10.0.1.255 99");
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/heard").output == "hello\n");
  CHECK(lab.run("a", "ping -c 1 -W 200 10.0.0.255").exit == 2);  // bmcastecho is off
  lab.run("r", "sysctl net.inet.icmp.bmcastecho=1");
  CHECK(lab.run("a", "ping -c 1 -W 200 10.0.0.255").exit == 0);
}

TEST_CASE("record route and timestamp options are filled in on the way") {
  LabFixture lab(routed);
  const auto ping = lab.run("a", "ping -R -c 1 b");
  CHECK(ping.exit == 0);
  CHECK(ping.says("RR: \t10.0.1.1"));
  lab.run("r", "sysctl net.inet.ip.process_options=2");
  CHECK(lab.run("a", "ping -R -c 1 -W 500 b").exit == 2);
  CHECK(lab.dropped("options_refused") == 1);
}

TEST_CASE("ICMP answers are limited to icmplim a second, and the log says how many were left out") {
  LabFixture lab(
      "nodes: {a: {}, b: {sysctl: {net.inet.icmp.icmplim: 5, net.inet.icmp.icmplim_jitter: "
      "0}}}\nlinks: [a -- b]\n");
  const auto ping = lab.run("a", "ping -q -i 0.01 -c 50 -W 100 b");
  CHECK(ping.says("5 packets received"));
  lab.pass(2_s);
  lab.run("a", "ping -q -c 1 b");
  CHECK(lab.run("b", "dmesg").says("Limiting icmp ping response from"));
}

TEST_CASE("lo0 answers, only while it is up") {
  LabFixture lab("nodes: [a]\n");
  CHECK(lab.run("a", "ping -c 1 127.0.0.1").exit == 0);
  CHECK(lab.run("a", "ifconfig lo0 down; ping -c 1 -W 100 127.0.0.1").says("sendto:"));
  CHECK(lab.run("a", "ifconfig lo0 up; ping -c 1 localhost").exit == 0);
}

TEST_CASE("a wrong checksum, version or length is a counted drop") {
  LabFixture lab(two);
  Machine& b = lab.lab.machine("b");
  Inet& inet = b.vnet().state<Inet>(inet_module);
  NetStack& net = b.vnet().state<NetStack>(net_module);
  const auto inject = [&](void (*damage)(MutableBytes)) {
    std::vector<uint8_t> octets(40);
    store(Ipv4Header{.total_length = 40, .protocol = 17, .source = 0x0a000001, .dest = 0x0a000002},
          octets);
    finish_ipv4_header(octets);
    damage(octets);
    inet.ether_receive(b.site().pool().make(b.site().next_packet_id(), octets), *net.find("em0"));
  };
  inject([](MutableBytes o) { o[8] ^= 1; });
  inject([](MutableBytes o) { o[0] = 0x65; });
  inject([](MutableBytes o) { o[0] = 0x41; });
  inject([](MutableBytes o) { o[2] = 0xff; });
  CHECK(lab.counter("b", "ips_badsum") == 1);
  CHECK(lab.counter("b", "ips_badvers") == 1);
  CHECK(lab.counter("b", "ips_badhlen") == 1);
  CHECK(lab.counter("b", "ips_tooshort") == 1);
}
