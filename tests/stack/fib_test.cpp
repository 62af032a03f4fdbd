#include <catch2/catch.hpp>
#include <set>

#include "core/wire/checksum.h"
#include "core/wire/net/icmp.h"
#include "stack/inet/inet.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";
// A host with two interfaces, and a neighbour at each.
const char* const forked = R"(
nodes:
  h: {interfaces: {em0: {addresses: [10.1.0.1/24]}, em1: {addresses: [10.2.0.1/24]}}}
  x: {interfaces: {em0: {addresses: [10.1.0.2/24]}}}
  y: {interfaces: {em0: {addresses: [10.2.0.2/24]}}}
links: [h:em0 -- x, h:em1 -- y]
)";

std::unique_ptr<SocketOps> socket_of(LabFixture& lab, const std::string& node, SocketType type,
                                     int protocol = 0) {
  return *lab.lab.machine(node).vnet().socket(Af::inet, type, protocol);
}

SockAddr at(uint32_t address, uint16_t port) {
  SockAddr name;
  name.address = Ipv4Address{address};
  name.port = port;
  return name;
}

size_t drain(SocketOps& socket) {
  size_t count = 0;
  while (socket.receive(65536, {})) ++count;
  return count;
}

}  // namespace

TEST_CASE("FIBs come by the thousand, and sockets and commands use any of them", "[fib]") {
  LabFixture lab(two);
  CHECK(lab.run("a", "setfib 1000 true").says("setfib"));
  CHECK(lab.run("a", "sysctl net.fibs=1001").output == "net.fibs: 4 -> 1001\n");
  CHECK(lab.run("a", "route add -fib 1000 10.0.0.0/24 -iface em0").output ==
        "add net 10.0.0.0/24: gateway em0 fib 1000\n");
  CHECK(lab.run("a", "netstat -rn -F 1000").says("Routing tables (fib: 1000)\n"));
  CHECK(lab.run("a", "setfib 1000 ping -c 1 10.0.0.2").exit == 0);
  CHECK(lab.run("a", "setfib 999 ping -c 1 10.0.0.2").says("No route to host"));
  lab.run("b", "nc -l 80 > got &");
  CHECK(lab.run("a", "echo hello | setfib 1000 nc -N 10.0.0.2 80").exit == 0);
  CHECK(lab.run("b", "cat got").output == "hello\n");
  for (const SocketType type : {SocketType::stream, SocketType::datagram, SocketType::raw}) {
    const auto socket = socket_of(lab, "a", type, type == SocketType::raw ? 1 : 0);
    CHECK(socket->set_option(SocketOption::so_setfib, 1000));
    CHECK(socket->get_option(SocketOption::so_setfib)->number == 1000);
    CHECK(socket->set_option(SocketOption::so_setfib, 1001).error() == Errno::einval);
  }
}

TEST_CASE("route takes lists of FIBs, and says for each what came of it", "[fib]") {
  LabFixture lab(two);
  CHECK(lab.run("a", "route add -fib 0-1,3 172.16.0.0/16 -iface em0").output ==
        "add net 172.16.0.0/16: gateway em0 fib 0,1,3\n");
  const auto all = lab.run("a", "route add -fib all 172.16.0.0/16 -iface em0");
  CHECK(all.exit == 1);
  CHECK(all.output ==
        "add net 172.16.0.0/16: gateway em0 fib 2\n"
        "add net 172.16.0.0/16: gateway em0 fib 0: route already in table\n"
        "add net 172.16.0.0/16: gateway em0 fib 1: route already in table\n"
        "add net 172.16.0.0/16: gateway em0 fib 3: route already in table\n");
  CHECK(lab.run("a", "route add -fib 4 172.17.0.0/16 -iface em0").exit == 64);
  CHECK(lab.run("a", "route add -fib 2-1 172.17.0.0/16 -iface em0").exit == 64);
  CHECK(lab.run("a", "setfib 3 route delete 172.16.0.0/16").output ==
        "delete net 172.16.0.0/16 fib 3\n");
}

TEST_CASE("a gateway is to be reached in the FIB that is to use it", "[fib]") {
  LabFixture lab(two);
  const auto far = lab.run("a", "route add -fib 1 default 10.0.0.2");
  CHECK(far.exit == 1);
  CHECK(far.says("add net default: gateway 10.0.0.2 fib 1: Network is unreachable"));
  lab.run("a", "route add -fib 1 10.0.0.0/24 -iface em0");
  CHECK(lab.run("a", "route add -fib 1 default 10.0.0.2").exit == 0);
  CHECK(lab.run("a", "setfib 1 route -n get 8.8.8.8").says("gateway: 10.0.0.2"));
}

TEST_CASE("a jail's programs start in the FIB that exec.fib names", "[fib]") {
  LabFixture lab(two);
  lab.run("a", "route add -fib 1 10.77.0.0/16 -iface em0");
  const auto made = lab.run(
      "a", "jail -c name=j ip4=inherit persist exec.fib=1 exec.start='route -n get 10.77.0.1'");
  CHECK(made.says("fib: 1\n"));
  CHECK(lab.run("a", "jexec j route -n get 10.77.0.1").exit == 1);
  CHECK(lab.run("a", "jexec j setfib 1 route -n get 10.77.0.1").exit == 0);
}

TEST_CASE("addresses' routes are in their interface's FIB, or in all by sysctl", "[fib]") {
  LabFixture lab(two);
  lab.run("a", "ifconfig em0 fib 2 inet 10.0.9.1/24 alias");
  CHECK(lab.run("a", "ifconfig em0").says("fib: 2\n"));
  CHECK(lab.run("a", "netstat -rn -F 2").says("10.0.9.0/24"));
  CHECK_FALSE(lab.run("a", "netstat -rn").says("10.0.9.0/24"));
  lab.run("a", "sysctl net.add_addr_allfibs=1; ifconfig em0 inet 10.0.8.1/24 alias");
  lab.run("a", "ifconfig em0 inet6 fd00::1/64 no_dad");
  for (int fib = 0; fib < 4; ++fib) {
    const auto table = lab.run("a", text("netstat -rn -F {}", fib));
    CHECK(table.says("10.0.8.0/24"));
    CHECK(table.says("fd00::/64"));
  }
  lab.run("a", "ifconfig em0 inet 10.0.8.1 -alias; ifconfig em0 inet6 fd00::1 delete");
  for (int fib = 0; fib < 4; ++fib) {
    const auto table = lab.run("a", text("netstat -rn -F {}", fib));
    CHECK_FALSE(table.says("10.0.8.0/24"));
    CHECK_FALSE(table.says("fd00::/64"));
  }
}

TEST_CASE("an address may be on several interfaces, unless no_same_prefix is set", "[fib]") {
  LabFixture lab(forked);
  CHECK(lab.run("h", "ifconfig em1 inet 10.1.0.1/24").exit == 0);
  CHECK(lab.run("h", "ifconfig em1").says("inet 10.1.0.1 netmask 0xffffff00"));
  CHECK(lab.run("h", "ping -c 1 10.1.0.2").exit == 0);
  // The first goes; the second has the network's route, and the address itself, from now on.
  lab.run("h", "ifconfig em0 inet 10.1.0.1 delete");
  lab.run("y", "ifconfig em0 inet 10.1.0.2/24");
  CHECK(lab.run("h", "route -n get 10.1.0.2").says("interface: em1"));
  CHECK(lab.run("h", "ping -c 1 10.1.0.2").exit == 0);
  CHECK(lab.run("h", "ping -c 1 10.1.0.1").exit == 0);
  lab.run("h", "sysctl net.inet.ip.no_same_prefix=1");
  CHECK(lab.run("h", "ifconfig em0 inet 10.1.0.7/24").says("File exists"));
}

TEST_CASE("a strong host answers on the interface that has the address only", "[fib]") {
  LabFixture lab(forked);
  lab.run("x", "route add 10.2.0.0/24 10.1.0.1");
  CHECK(lab.run("x", "ping -c 1 -t 1 10.2.0.1").exit == 0);
  lab.run("h", "sysctl net.inet.ip.rfc1122_strong_es=1");
  CHECK(lab.run("x", "ping -c 1 -t 1 10.2.0.1").exit == 2);
  CHECK(lab.run("x", "ping -c 1 -t 1 10.1.0.1").exit == 0);
  CHECK(lab.run("h", "ping -c 1 -t 1 10.2.0.1").exit == 0);
  lab.run("h", "ifconfig em0 inet6 fd01::1/64 no_dad; ifconfig em1 inet6 fd02::1/64 no_dad");
  lab.run("x", "ifconfig em0 inet6 fd01::2/64 no_dad; route -6 add fd02::/64 fd01::1");
  CHECK(lab.run("x", "ping -6 -c 1 -t 1 fd02::1").exit == 0);
  lab.run("h", "sysctl net.inet6.ip6.rfc1122_strong_es=1");
  CHECK(lab.run("x", "ping -6 -c 1 -t 1 fd02::1").exit == 2);
  CHECK(lab.run("x", "ping -6 -c 1 -t 1 fd01::1").exit == 0);
}

// --- multipath -----------------------------------------------------------------------------------

TEST_CASE("a second gateway for a prefix shares its flows, until one of them is deleted",
          "[multipath]") {
  LabFixture lab(forked);
  lab.run("x", "sysctl net.inet.ip.forwarding=1");
  lab.run("y", "sysctl net.inet.ip.forwarding=1");
  CHECK(lab.run("h", "route add 172.16.0.0/16 10.1.0.2 -weight 1").exit == 0);
  CHECK(lab.run("h", "route add 172.16.0.0/16 10.2.0.2 -weight 2").exit == 0);
  CHECK(lab.run("h", "route add 172.16.0.0/16 10.2.0.2 -weight 2").says("already in table"));
  CHECK(lab.run("h", "netstat -rn | grep -c 172.16.0.0/16").output == "2\n");
  CHECK(lab.run("h", "netstat -o").says("v4/gw        10.1.0.2"));
  CHECK(lab.run("h", "netstat -O").says("       2       2                   10.2.0.2      em1"));
  CHECK(lab.run("h", "route -n get 172.16.0.1").says("gateway: 10.1.0.2"));
  lab.run("h", "ping -c 1 10.1.0.2; ping -c 1 10.2.0.2");
  const auto socket = socket_of(lab, "h", SocketType::datagram);
  const auto uses = [&] {
    lab.pass(1_s);
    return std::pair(lab.counter("x", "ips_total"), lab.counter("y", "ips_total"));
  };
  const auto before = uses();
  for (uint16_t port = 0; port < 300; ++port) {
    SendOptions options;
    options.to = at(0xac100001, uint16_t(1000 + port));
    REQUIRE(socket->send(Bytes(), options));
  }
  const auto spread = uses();
  const int64_t by_x = spread.first - before.first, by_y = spread.second - before.second;
  CHECK(by_x + by_y == 300);
  CHECK(by_x > 70);
  CHECK(by_y > 160);
  // One flow stays together.
  for (int i = 0; i < 50; ++i) {
    SendOptions options;
    options.to = at(0xac100001, 9);
    REQUIRE(socket->send(Bytes(), options));
  }
  const auto flow = uses();
  CHECK((flow.first == spread.first || flow.second == spread.second));
  CHECK(lab.run("h", "route delete 172.16.0.0/16 10.9.9.9").says("not in table"));
  CHECK(lab.run("h", "route delete 172.16.0.0/16 10.1.0.2").exit == 0);
  CHECK(lab.run("h", "netstat -rn | grep -c 172.16.0.0/16").output == "1\n");
  CHECK(lab.run("h", "route -n get 172.16.0.1").says("gateway: 10.2.0.2"));
  lab.run("h", "route add 172.16.0.0/16 10.1.0.2");
  CHECK(lab.run("h", "route change 172.16.0.0/16 10.1.0.2 -mtu 1300").exit == 0);
  CHECK(lab.run("h", "route delete 172.16.0.0/16").exit == 0);
  CHECK(lab.run("h", "netstat -rn | grep -c 172.16.0.0/16").output == "0\n");
  lab.run("h", "sysctl net.route.multipath=0; route add 172.16.0.0/16 10.1.0.2");
  CHECK(lab.run("h", "route add 172.16.0.0/16 10.2.0.2").says("route already in table"));
}

TEST_CASE("IPv6 has multipath routes, too", "[multipath]") {
  LabFixture lab(forked);
  lab.run("h", "ifconfig em0 inet6 fd01::1/64 no_dad; ifconfig em1 inet6 fd02::1/64 no_dad");
  lab.run("x", "ifconfig em0 inet6 fd01::2/64 no_dad");
  lab.run("y", "ifconfig em0 inet6 fd02::2/64 no_dad");
  CHECK(lab.run("h", "route -6 add fd99::/48 fd01::2; route -6 add fd99::/48 fd02::2").exit == 0);
  CHECK(lab.run("h", "netstat -rn6 | grep -c fd99::/48").output == "2\n");
  lab.run("h", "ping -6 -c 1 fd01::2; ping -6 -c 1 fd02::2");
  const auto before = std::pair(lab.counter("x", "ip6s_total"), lab.counter("y", "ip6s_total"));
  lab.run("h",
          "i=0; while [ $i -lt 40 ]; do echo x | nc -6 -u -N -w 1 fd99::1 $((1000+i)); "
          "i=$((i+1)); done");
  lab.pass(1_s);
  CHECK(lab.counter("x", "ip6s_total") - before.first > 8);
  CHECK(lab.counter("y", "ip6s_total") - before.second > 8);
}

// --- caps (hardening) ----------------------------------------------------------------------------

TEST_CASE("a scan of a network neither fills the ARP table nor stops a flow", "[cap]") {
  LabFixture lab(R"(
nodes:
  a: {interfaces: {em0: {addresses: [10.0.0.1/16]}}, sysctl: {net.link.ether.inet.max_entries: 400}}
  b: {interfaces: {em0: {addresses: [10.0.0.2/16]}}}
links: [a -- b]
)");
  CHECK(lab.run("a", "ping -c 1 10.0.0.2").exit == 0);
  const auto out = socket_of(lab, "a", SocketType::datagram);
  const auto in = socket_of(lab, "b", SocketType::datagram);
  REQUIRE(in->bind(at(0, 9)));
  size_t heard = 0;
  for (uint32_t i = 0; i < 5000; ++i) {
    SendOptions scan, flow;
    scan.to = at(0x0a000100 + i, 9);
    flow.to = at(0x0a000002, 9);
    (void)out->send(Bytes(), scan);
    (void)out->send(Bytes(), flow);
    lab.pass(1_ms);
    heard += drain(*in);
  }
  CHECK(heard >= 4500);
  CHECK(lab.counter("a", "limited") >= 4000);
  CHECK(lab.run("a", "arp -an | grep -c incomplete").output == "100\n");
  CHECK(lab.run("a", "arp -an").says("(10.0.0.2) at "));
  lab.pass(30_s);  // they all end by themselves
  CHECK(lab.run("a", "arp -an | grep -c incomplete").output == "0\n");
}

TEST_CASE("a storm of redirects makes as many routes as may be, and a flow goes on", "[cap]") {
  LabFixture lab(R"(
nodes:
  h: {interfaces: {em0: {addresses: [10.0.0.10/24]}}, routes: [{to: default, via: 10.0.0.1}], sysctl: {net.route.routes_max: 60}}
  r: {interfaces: {em0: {addresses: [10.0.0.1/24]}}}
  s: {interfaces: {em0: {addresses: [10.0.0.2/24]}}}
  sw: {kind: switch}
links: [h -- sw, r -- sw, s -- sw]
)");
  CHECK(lab.run("h", "ping -c 1 10.0.0.2; ping -c 1 10.0.0.1").exit == 0);
  const auto evil = socket_of(lab, "r", SocketType::raw, 1);
  const auto out = socket_of(lab, "h", SocketType::datagram);
  const auto in = socket_of(lab, "s", SocketType::datagram);
  REQUIRE(in->bind(at(0, 9)));
  size_t heard = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    // A host redirect to 10.0.0.2, quoting a datagram that h might have sent.
    std::vector<uint8_t> message(8 + 28);
    message[0] = icmp_type::redirect;
    message[1] = icmp_code::redirect_host;
    store(be32(0x0a000002), MutableBytes(message).subspan(4));
    const Ipv4Header quoted{.version_length = 0x45,
                            .total_length = 28,
                            .ttl = 64,
                            .protocol = ip_protocol::udp,
                            .source = 0x0a00000a,
                            .dest = 0xac100000 + i};
    store(quoted, MutableBytes(message).subspan(8));
    finish_ipv4_header(MutableBytes(message).subspan(8));
    store(be16(internet_checksum(message, 0)), MutableBytes(message).subspan(2));
    SendOptions to, flow;
    to.to = at(0x0a00000a, 0);
    flow.to = at(0x0a000002, 9);
    REQUIRE(evil->send(message, to));
    (void)out->send(Bytes(), flow);
    lab.pass(1_ms);
    heard += drain(*in);
  }
  CHECK(heard >= 900);
  CHECK(lab.counter("h", "rts_redirects") > 40);
  CHECK(lab.counter("h", "rts_routes_refused") > 900);
  CHECK(lab.run("h", "route add 192.168.1.0/24 10.0.0.2").says("not enough memory"));
}
