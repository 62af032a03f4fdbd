#include <catch2/catch.hpp>

#include "stack/net/api/route_message.h"
#include "stack/net/net_stack.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";

// A routing socket without a process.
struct Listener {
  explicit Listener(LabFixture& lab, const std::string& node, int family = 0)
      : socket(*lab.lab.machine(node).vnet().socket(Af::route, SocketType::raw, family)) {}
  std::vector<std::vector<uint8_t>> take() {
    std::vector<std::vector<uint8_t>> all;
    while (auto got = socket->receive(8192, {})) all.push_back(std::move(got->octets));
    return all;
  }
  std::unique_ptr<SocketOps> socket;
};

std::string hex(Bytes octets) {
  std::string out;
  for (uint8_t o : octets) out += text("{:02x}", o);
  return out;
}

}  // namespace

TEST_CASE("route add, get, change and delete speak FreeBSD's words", "[route]") {
  LabFixture lab(two);
  CHECK(lab.run("a", "route add 192.168.7.0/24 10.0.0.2").output ==
        "add net 192.168.7.0/24: gateway 10.0.0.2 fib 0\n");
  const auto twice = lab.run("a", "route add 192.168.7.0/24 10.0.0.2");
  CHECK(twice.exit == 1);
  CHECK(twice.output == "add net 192.168.7.0/24: gateway 10.0.0.2 fib 0: route already in table\n");
  CHECK(lab.run("a", "route -n get 192.168.7.9").output ==
        "   route to: 192.168.7.9\n"
        "destination: 192.168.7.0\n"
        "       mask: 255.255.255.0\n"
        "    gateway: 10.0.0.2\n"
        "        fib: 0\n"
        "  interface: em0\n"
        "      flags: <UP,GATEWAY,DONE,STATIC>\n"
        " recvpipe  sendpipe  ssthresh  rtt,msec    mtu        weight    expire\n"
        "       0         0         0         0      1500         1         0 \n");
  CHECK(lab.run("a", "route get 192.168.7.9").says("gateway: b\n"));
  CHECK(lab.run("a", "route change 192.168.7.0/24 -mtu 1400 -proto1").exit == 0);
  const auto changed = lab.run("a", "route -n get -net 192.168.7.0/24");
  CHECK(changed.says("flags: <UP,GATEWAY,DONE,STATIC,PROTO1>"));
  CHECK(changed.says("      1400         1         0 "));
  CHECK(lab.run("a", "route delete 192.168.7.0/24").output == "delete net 192.168.7.0/24 fib 0\n");
  const auto gone = lab.run("a", "route delete 192.168.7.0/24");
  CHECK(gone.exit == 1);
  CHECK(gone.says("route: route has not been found\n"));
  CHECK(gone.says("delete net 192.168.7.0/24 fib 0: not in table\n"));
  const auto none = lab.run("a", "route get 8.8.8.8");
  CHECK(none.exit == 1);
  CHECK(none.output == "route: route has not been found\n");
  const auto far = lab.run("a", "route add default 172.16.0.1");
  CHECK(far.exit == 1);
  CHECK(far.says("route: writing to routing socket: Network is unreachable\n"));
  CHECK(far.says("add net default: gateway 172.16.0.1 fib 0: Network is unreachable\n"));
  CHECK(lab.run("a", "route add 10.0.0.0/24 10.0.0.2").says("route already in table"));
  CHECK(lab.run("a", "route delete 10.0.0.0/24").says("gateway uses the same route"));
  CHECK(lab.run("a", "route add nowhere 10.0.0.2").exit == 68);
  CHECK(lab.run("a", "route add 10.5.0.0/16 10.0.0.2 -frob").says("bad keyword: frob"));
  CHECK(lab.run("a", "route").exit == 64);
}

TEST_CASE("destinations are hosts or networks by their form, masks and words", "[route]") {
  LabFixture lab(two);
  const auto dest = [&](const std::string& words) {
    const auto added = lab.run("a", "route -q add " + words + "; netstat -rn | grep 10.0.0.2");
    lab.run("a", "route -q flush");
    return added.output.substr(0, added.output.find(' '));
  };
  CHECK(dest("192.168.1.7 10.0.0.2") == "192.168.1.7");
  CHECK(dest("192.168.1 10.0.0.2") == "192.168.1.0/24");
  CHECK(dest("172.16 10.0.0.2") == "172.16.0.0/16");
  CHECK(dest("192.168.1.0 10.0.0.2") == "192.168.1.0/24");
  CHECK(dest("-host 192.168.1.0 10.0.0.2") == "192.168.1.0");
  CHECK(dest("-net 192.168.4.0 10.0.0.2 255.255.252.0") == "192.168.4.0/22");
  CHECK(dest("-net 192.168.4.0 -netmask 255.255.252.0 10.0.0.2") == "192.168.4.0/22");
  CHECK(dest("192.168.4.0 -prefixlen 23 10.0.0.2") == "192.168.4.0/23");
  CHECK(dest("-net 0.0.0.0/0 10.0.0.2") == "default");
  CHECK(dest("-dst 192.168.5.0/24 -gateway 10.0.0.2") == "192.168.5.0/24");
}

TEST_CASE("-iface, -ifp, -ifa, -blackhole, -reject, -expire and -lock", "[route]") {
  LabFixture lab(two);
  CHECK(lab.run("a", "route add 192.168.1.0/24 -iface em0; netstat -rn")
            .says("192.168.1.0/24     link#1             US"));
  lab.run("a", "ifconfig em0 inet 10.0.0.77/32 alias");
  lab.run("a", "route add 192.168.2.0/24 10.0.0.2 -ifa 10.0.0.77");
  lab.run("b", "tcpdump -n -i em0 -c 1 icmp > seen &");
  lab.run("a", "ping -c 1 -W 10 192.168.2.1");
  lab.pass(1_s);
  CHECK(lab.run("b", "cat seen").says("10.0.0.77 > 192.168.2.1"));
  CHECK(lab.run("a", "route add 192.168.3.0/24 10.0.0.2 -ifa 10.9.9.9").exit == 1);
  CHECK(lab.run("a", "route add 172.16.5.5 10.200.0.1 -ifp em0; route -n get 172.16.5.5")
            .says("interface: em0"));
  lab.run("a", "route add 192.168.4.0/24 127.0.0.1 -blackhole");
  CHECK(lab.run("a", "ping -c 1 -t 1 192.168.4.1").exit == 2);
  CHECK(lab.dropped("blackhole_route") == 1);
  lab.run("a", "route add 192.168.5.0/24 127.0.0.1 -reject");
  CHECK(lab.run("a", "ping -c 1 -t 1 192.168.5.1").says("Network is unreachable"));
  CHECK(lab.run("a", "route -t -v add 192.168.8.0/24 10.0.0.2 -lock -mtu 1000 -weight 2")
            .says("locks: <mtu> inits: <weight,mtu>"));
  CHECK_FALSE(lab.run("a", "netstat -rn").says("192.168.8.0"));
  const int64_t end = lab.lab.simulation().now().s() + 5;
  lab.run("a", text("route add 192.168.6.0/24 10.0.0.2 -expire {}", end));
  CHECK(lab.run("a", "route -n get 192.168.6.1").says("         1         5 \n"));
  lab.pass(6_s);
  CHECK(lab.run("a", "route -n get 192.168.6.1").exit == 1);
}

TEST_CASE("route -6 does for IPv6 what route does for IPv4", "[route]") {
  LabFixture lab("nodes: {a: {}, b: {}}\nlinks: [a -- b]\n");
  lab.run("a", "ifconfig em0 inet6 fd00::1/64 no_dad; ifconfig em0 inet6 -ifdisabled");
  lab.run("b", "ifconfig em0 inet6 fd00::2/64 no_dad");
  CHECK(lab.run("a", "route -6 add fd01::/48 fd00::2").output ==
        "add net fd01::/48: gateway fd00::2 fib 0\n");
  const auto got = lab.run("a", "route -6 -n get fd01::9");
  CHECK(got.says("destination: fd01::\n       mask: ffff:ffff:ffff::\n    gateway: fd00::2\n"));
  CHECK(got.says("interface: em0"));
  CHECK(lab.run("a", "route -6 add default fe80::1%em0; netstat -rn6").says("fe80::1%em0"));
  CHECK(lab.run("a", "route -6 -n get default").says("gateway: fe80::1%em0"));
  const auto flushed = lab.run("a", "route -n -6 flush");
  CHECK(flushed.says("default              fe80::1%em0          -fib 0   done\n"));
  CHECK(flushed.says("fd01::               fd00::2              -fib 0   done\n"));
  CHECK_FALSE(lab.run("a", "netstat -rn6").says("UGS"));
}

TEST_CASE("route monitor shows what happens to interfaces, addresses and routes", "[route]") {
  LabFixture lab(two);
  lab.run("a", "route -n monitor > seen &");
  lab.run("a", "route add 192.168.1.0/24 10.0.0.2; route delete 192.168.9.0/24");
  lab.run("a", "ifconfig em0 inet 10.0.7.1/24 alias; ifconfig em0 inet 10.0.7.1 -alias");
  lab.run("a", "ifconfig em0 down; ifconfig epair create; ifconfig epair0a destroy");
  lab.pass(1_s);
  const auto seen = lab.run("a", "cat seen");
  CHECK(seen.says("\ngot message of size 200 on Thu Jan  1 00:00:0"));
  CHECK(seen.says("RTM_ADD: Add Route: len 200, pid: "));
  CHECK(
      seen.says(", seq 1, errno 0, flags:<UP,GATEWAY,DONE,STATIC>\n"
                "locks:  inits: \n"
                "sockaddrs: <DST,GATEWAY,NETMASK>\n"
                " 192.168.1.0 10.0.0.2 255.255.255.0\n"));
  CHECK(seen.says("RTM_DELETE: Delete Route: len 184, pid: "));
  CHECK(seen.says("errno 3, flags:"));
  CHECK(
      seen.says("RTM_NEWADDR: address being added to iface: len 124, metric 0, flags:\n"
                "sockaddrs: <NETMASK,IFP,IFA,BRD>\n 255.255.255.0 em0:"));
  CHECK(seen.says(" 10.0.7.1 10.0.7.255\n"));
  CHECK(seen.says("sockaddrs: <DST,GATEWAY,NETMASK>\n 10.0.7.0 link#1 255.255.255.0\n"));
  CHECK(seen.says("RTM_DELADDR: address being removed from iface: len 124"));
  CHECK(
      seen.says("RTM_IFINFO: iface status change: len 168, if# 1, link: up, "
                "flags:<BROADCAST,SIMPLEX,MULTICAST>\n"));
  CHECK(seen.says("RTM_IFANNOUNCE: interface arrival/departure: len 24, if# 3, what: arrival\n"));
  CHECK(seen.says("RTM_IFANNOUNCE: interface arrival/departure: len 24, if# 3, what: departure\n"));
  CHECK(lab.counter("a", "rts_fullsock") == 0);
}

TEST_CASE("groups, misses and redirects are announced, too", "[route]") {
  LabFixture lab(R"(
nodes:
  h: {interfaces: {em0: {addresses: [10.0.0.10/24]}}, routes: [{to: 10.5.0.0/16, via: 10.0.0.1}]}
  r1: {kind: router, interfaces: {em0: {addresses: [10.0.0.1/24]}}, routes: [{to: 10.5.0.0/16, via: 10.0.0.2}]}
  r2: {kind: router, interfaces: {em0: {addresses: [10.0.0.2/24]}, em1: {addresses: [10.5.0.1/16]}}}
  sw: {kind: switch}
links: [h -- sw, r1 -- sw, r2:em0 -- sw]
)");
  lab.run("h", "route -n monitor > seen &");
  lab.run("h", "ping -c 1 10.5.0.1; ping -c 1 -t 1 172.30.0.1; nc -u -l -k 239.1.2.3 9 &");
  lab.pass(1_s);
  const auto seen = lab.run("h", "cat seen");
  CHECK(seen.says("RTM_REDIRECT: Told to use different route: len 200"));
  CHECK(seen.says("flags:<UP,GATEWAY,HOST,DYNAMIC,DONE>"));
  CHECK(seen.says("sockaddrs: <DST,GATEWAY,AUTHOR>\n 10.5.0.1 10.0.0.2 10.0.0.1\n"));
  CHECK(
      seen.says("RTM_MISS: Lookup failed on this address: len 168, pid: 0, seq 0, errno 51, "
                "flags:<DONE>\nlocks:  inits: \nsockaddrs: <DST>\n 172.30.0.1\n"));
  CHECK(lab.counter("h", "rts_redirects") == 1);
  CHECK(lab.run("h", "netstat -rn").says("UGHD"));
  lab.pass(601_s);
  CHECK_FALSE(lab.run("h", "netstat -rn").says("UGHD"));
}

TEST_CASE("messages are FreeBSD's octet for octet", "[route]") {
  LabFixture lab(two);
  Listener listener(lab, "a");
  lab.run("a", "route -q add 192.168.7.0/24 10.0.0.2 -mtu 1400");
  const auto messages = listener.take();
  REQUIRE(messages.size() == 1);
  const std::string octets = hex(messages[0]);
  // struct rt_msghdr: length 200, version 5, RTM_ADD, index 1; flags, addresses.
  CHECK(octets.substr(0, 32) ==
        "c800050101000000"
        "4308000007000000");
  CHECK(octets.substr(48, 16) == "0000000000000000");  // errno, fmask
  CHECK(octets.substr(64, 16) == "0100000000000000");  // inits: RTV_MTU
  CHECK(octets.substr(96, 16) == "7805000000000000");  // rmx_mtu
  // Three struct sockaddr_in.
  CHECK(octets.substr(304) ==
        "10020000c0a807000000000000000000"
        "100200000a0000020000000000000000"
        "10020000ffffff000000000000000000");
  lab.run("a", "ifconfig em0 inet6 fd00::9/64 no_dad");
  bool seen = false;
  for (const auto& m : listener.take()) {
    if (m[3] != uint8_t(RtmType::new_address)) continue;
    // struct ifa_msghdr (20 octets), then sockaddr_in6, sockaddr_dl, sockaddr_in6 in 32, 56, 32.
    REQUIRE(m.size() == 20 + 32 + 56 + 32);
    CHECK(hex(Bytes(m).first(8)) == "8c00050c34000000");
    const bool global = hex(Bytes(m).subspan(20 + 32 + 56, 32)) ==
                        "1c1c000000000000fd00000000000000000000000000000900000000"
                        "00000000";
    if (global) CHECK(hex(Bytes(m).subspan(20 + 32, 8)) == "3612010006030600");
    seen |= global;
  }
  CHECK(seen);
}

TEST_CASE("a routing socket hears its family and FIB, and its own words if it wants", "[route]") {
  LabFixture lab(two);
  Listener all(lab, "a"), v6(lab, "a", int(Af::inet6)), other(lab, "a"), picky(lab, "a");
  REQUIRE(other.socket->set_option(SocketOption::so_setfib, 2));
  CHECK_FALSE(other.socket->set_option(SocketOption::so_setfib, 4));
  REQUIRE(picky.socket->set_option(SocketOption::route_msgfilter, 1 << int(RtmType::remove)));
  lab.run("a", "route -q add 192.168.7.0/24 10.0.0.2; route -q delete 192.168.7.0/24");
  CHECK(all.take().size() == 2);
  CHECK(v6.take().empty());
  CHECK(other.take().empty());
  CHECK(picky.take().size() == 1);
  lab.run("a", "route -q add -fib 2 192.168.7.0/24 -iface em0");
  CHECK(all.take().empty());
  CHECK(other.take().size() == 1);

  RtMsghdr header;
  header.type = uint8_t(RtmType::get);
  header.seq = 7;
  RtSockaddrs addresses;
  addresses.set(rta_dst, Ipv4Address{0x0a000002});
  addresses.set(rta_ifp, LinkName());
  REQUIRE(all.socket->send(rt_message(header, addresses), {}));
  const auto answer = all.take();
  REQUIRE(answer.size() == 1);
  CHECK(load<RtMsghdr>(Bytes(answer[0])).seq == 7);
  REQUIRE(all.socket->set_option(SocketOption::so_useloopback, 0));
  REQUIRE(all.socket->send(rt_message(header, addresses), {}));
  CHECK(all.take().empty());
}

TEST_CASE("bad routing messages are refused and change nothing", "[route]") {
  LabFixture lab(two);
  Listener listener(lab, "a");
  RtMsghdr header;
  header.type = uint8_t(RtmType::add);
  RtSockaddrs addresses;
  addresses.set(rta_dst, Ipv4Address{0xc0a80700});
  addresses.set(rta_gateway, Ipv4Address{0x0a000002});
  addresses.set_mask(IpFamily::v4, 24);
  const std::vector<uint8_t> good = rt_message(header, addresses);
  const auto refused = [&](size_t at, uint8_t value) {
    std::vector<uint8_t> bad = good;
    bad[at] = value;
    const auto sent = listener.socket->send(bad, {});
    return sent ? Errno::ok : sent.error();
  };
  CHECK(listener.socket->send(Bytes(good).first(100), {}).error() == Errno::einval);
  CHECK(refused(0, 0x10) == Errno::einval);             // msglen
  CHECK(refused(2, 4) == Errno::eprotonosupport);       // version
  CHECK(refused(3, 8) == Errno::eopnotsupp);            // RTM_LOCK
  CHECK(refused(152, 200) == Errno::einval);            // sa_len beyond the end
  CHECK(refused(153, 99) == Errno::einval);             // a family there is not
  CHECK(refused(152 + 32 + 6, 0x5a) == Errno::einval);  // a mask with holes
  CHECK(lab.run("a", "netstat -rn | grep -c 192.168").output == "0\n");
  CHECK(listener.socket->send(good, {}));
  CHECK(lab.run("a", "netstat -rn").says("192.168.7.0/24"));
}

TEST_CASE("a jail without a stack of its own may ask about routes, and change none", "[route]") {
  LabFixture lab(two);
  lab.run("a", "jail -c name=j persist ip4=inherit");
  CHECK(lab.run("a", "jexec j route -n get 10.0.0.2").says("interface: em0"));
  const auto add = lab.run("a", "jexec j route add 192.168.1.0/24 10.0.0.2");
  CHECK(add.exit == 1);
  CHECK(add.says("route: writing to routing socket: Operation not permitted"));
}

TEST_CASE("a listener that does not read loses messages, and only those", "[route][cap]") {
  LabFixture lab(two);
  Listener slow(lab, "a");
  lab.run("a",
          "i=0; while [ $i -lt 100 ]; do route -q add 192.168.$i.0/24 10.0.0.2; "
          "i=$((i+1)); done");
  const size_t heard = slow.take().size();
  CHECK(heard == 8192 / 200);
  CHECK(lab.counter("a", "rts_fullsock") == int64_t(100 - heard));
  CHECK(lab.run("a", "netstat -rn | grep -c 10.0.0.2").output == "100\n");
}
