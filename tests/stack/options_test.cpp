// RFC 3542's options and ip(4)'s, as programs set them, and what the other end receives.
#include <catch2/catch.hpp>

#include "stack/inet6/inet6.h"
#include "stack/udp/udp.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;
using Option = SocketOption;

namespace {

Ipv6Address v6(const char* s) { return *parse_ipv6(s); }

SockAddr at(const char* address, uint16_t port = 0) {
  SockAddr name;
  name.address = parse_ipv4(address) ? IpAddress(*parse_ipv4(address)) : IpAddress(v6(address));
  name.port = port;
  return name;
}

using Socket = std::unique_ptr<SocketOps>;

// Two hosts with addresses of both families.
struct Two : LabFixture {
  Two() : LabFixture("nodes: [a, b]\nlinks: [a -- b, a -- b]\n") {
    run("a", "ifconfig em0 inet6 2001:db8::1/64; ifconfig em1 inet6 2001:db8:1::1/64");
    run("b", "ifconfig em0 inet6 2001:db8::2/64; ifconfig em1 inet6 2001:db8:1::2/64");
    pass(3_s);
  }
  Socket udp(const char* node, IpFamily family, uint16_t port = 0) {
    auto made = *lab.machine(node).vnet().state<Udp>(udp_module).create(family);
    if (port) {
      SockAddr name = family == IpFamily::v4 ? at("0.0.0.0", port) : at("::", port);
      CHECK(made->bind(name));
    }
    return made;
  }
  Socket raw(const char* node, IpFamily family, int protocol) {
    return *lab.machine(node).vnet().state<IpStack>(ip_module).raw().create(family, protocol);
  }
  uint32_t index(const char* node, const char* interface) {
    return lab.machine(node).vnet().state<NetStack>(net_module).find(interface)->index();
  }
  Result<size_t> send(Socket& socket, const SockAddr& to, SendOptions options = {},
                      size_t size = 3) {
    options.to = to;
    const auto sent = socket->send(std::vector<uint8_t>(size, 'x'), options);
    pass(10_ms);
    return sent;
  }
  Result<Received> got(Socket& socket) { return socket->receive(65535, {}); }
};

const std::vector<uint8_t> hop_options{0, 0, 5, 2, 0, 0, 1, 0};      // a router alert
const std::vector<uint8_t> dest_options{0, 0, 0x1e, 4, 1, 2, 3, 4};  // an experiment's, to skip
const std::vector<uint8_t> routing{0, 0, 4, 0, 0, 0, 0, 0};          // type 4, no segment left

OptionValue octets(std::vector<uint8_t> value) {
  OptionValue v;
  v.octets = std::move(value);
  return v;
}

}  // namespace

TEST_CASE("IPV6_RECVPKTINFO, HOPLIMIT and TCLASS come with a datagram, if they are asked for") {
  Two lab;
  Socket to = lab.udp("b", IpFamily::v6, 53), from = lab.udp("a", IpFamily::v6);
  CHECK(from->set_option(Option::ipv6_tclass, 0x28));
  CHECK(lab.send(from, at("2001:db8::2", 53)));
  const auto plain = lab.got(to);
  REQUIRE(plain);
  CHECK(plain->ttl == 0);
  CHECK(plain->interface_index == 0);
  for (const Option option : {Option::ipv6_recvpktinfo, Option::ipv6_recvhoplimit,
                              Option::ipv6_recvtclass, Option::ip_origdstaddr})
    CHECK(to->set_option(option, 1));
  CHECK(lab.send(from, at("2001:db8::2", 53)));
  const auto got = lab.got(to);
  REQUIRE(got);
  CHECK(got->ttl == 64);
  CHECK(got->tos == 0x28);
  CHECK(got->to.address == at("2001:db8::2").address);
  CHECK(got->interface_index == lab.index("b", "em0"));
  REQUIRE(got->control);
  CHECK(got->control->original_dest->port == 53);
}

TEST_CASE("sendmsg's control data overrides the socket's options for one datagram") {
  Two lab;
  Socket to = lab.udp("b", IpFamily::v6, 53), from = lab.udp("a", IpFamily::v6);
  for (const Option option : {Option::ipv6_recvhoplimit, Option::ipv6_recvtclass})
    CHECK(to->set_option(option, 1));
  SendOptions options;
  options.packet.emplace();
  options.packet->hop_limit = 7;
  options.packet->traffic_class = 0xb8;
  options.source = IpAddress(v6("2001:db8:1::1"));  // another interface's: the weak host
  CHECK(lab.send(from, at("2001:db8::2", 53), options));
  const auto got = lab.got(to);
  REQUIRE(got);
  CHECK(got->ttl == 7);
  CHECK(got->tos == 0xb8);
  CHECK(got->from.address == at("2001:db8:1::1").address);
  CHECK(lab.send(from, at("2001:db8::2", 53)));
  CHECK(lab.got(to)->ttl == 64);
  options.source = IpAddress(v6("2001:db8::99"));
  CHECK(lab.send(from, at("2001:db8::2", 53), options).error() == Errno::eaddrnotavail);
  CHECK(from->set_option(Option::ipv6_bindany, 1));
  CHECK(lab.send(from, at("2001:db8::2", 53), options));
  CHECK(lab.got(to)->from.address == at("2001:db8::99").address);
  options.packet->hop_limit = 256;
  CHECK(lab.send(from, at("2001:db8::2", 53), options).error() == Errno::einval);
  options.packet->hop_limit = -1;
  options.packet->interface_index = 99;
  CHECK(lab.send(from, at("2001:db8::2", 53), options).error() == Errno::enxio);
}

TEST_CASE("IPV6_PKTINFO chooses source and interface for all that a socket sends") {
  Two lab;
  Socket to = lab.udp("b", IpFamily::v6, 53), from = lab.udp("a", IpFamily::v6);
  OptionValue info;
  info.source = IpAddress(v6("2001:db8:1::1"));
  info.interface_index = lab.index("a", "em1");
  CHECK(from->set_option(Option::ipv6_pktinfo, info));
  CHECK(lab.send(from, at("2001:db8::2", 53)).error() == Errno::ehostunreach);  // by em0 only
  CHECK(lab.send(from, at("2001:db8:1::2", 53)));
  CHECK(lab.got(to)->from.address == at("2001:db8:1::1").address);
  CHECK(from->set_option(Option::ipv6_pktinfo, OptionValue()));
  CHECK(lab.send(from, at("2001:db8::2", 53)));
  CHECK(lab.got(to)->from.address == at("2001:db8::1").address);
  info.source = IpAddress(v6("2001:db8::77"));
  CHECK(from->set_option(Option::ipv6_pktinfo, info).error() == Errno::eaddrnotavail);
}

TEST_CASE("extension headers are sent in RFC 8200's order and received as they came") {
  Two lab;
  Socket to = lab.udp("b", IpFamily::v6, 53), from = lab.udp("a", IpFamily::v6);
  CHECK(from->set_option(Option::ipv6_hopopts, octets(hop_options)));
  CHECK(from->set_option(Option::ipv6_dstopts, octets(dest_options)));
  CHECK(from->set_option(Option::ipv6_rthdr, octets(routing)));
  CHECK(from->set_option(Option::ipv6_rthdrdstopts, octets(dest_options)));
  for (const Option option :
       {Option::ipv6_recvhopopts, Option::ipv6_recvdstopts, Option::ipv6_recvrthdr})
    CHECK(to->set_option(option, 1));
  for (const size_t size : {3u, 4000u}) {  // whole, and in fragments
    CHECK(lab.send(from, at("2001:db8::2", 53), {}, size));
    const auto got = lab.got(to);
    REQUIRE(got);
    CHECK(got->octets.size() == size);
    REQUIRE(got->control);
    CHECK(got->control->hop_options == std::vector<uint8_t>{60, 0, 5, 2, 0, 0, 1, 0});
    REQUIRE(got->control->dest_options.size() == 2);
    CHECK(got->control->dest_options[0][0] == ipv6_next::routing);
    CHECK(got->control->dest_options[1][0] == ip_protocol::udp);
    CHECK(got->control->routing[2] == 4);
  }
  CHECK(from->get_option(Option::ipv6_hopopts)->octets == hop_options);
  CHECK(from->set_option(Option::ipv6_hopopts, octets({})));
  CHECK(from->set_option(Option::ipv6_rthdr, octets({})));  // and with it what goes before it
  CHECK(lab.send(from, at("2001:db8::2", 53)));
  const auto got = lab.got(to);
  CHECK(got->control->hop_options.empty());
  CHECK(got->control->dest_options.size() == 1);
}

TEST_CASE("a routing header of type 0, and half a header, are refused") {
  Two lab;
  Socket from = lab.udp("a", IpFamily::v6);
  const std::vector<uint8_t> type0{0, 2, 0, 1, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8,
                                   0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0,   9};
  CHECK(from->set_option(Option::ipv6_rthdr, octets(type0)).error() == Errno::einval);  // RFC 5095
  CHECK(from->set_option(Option::ipv6_hopopts, octets({0, 1, 0, 0})).error() == Errno::einval);
  CHECK(from->set_option(Option::ipv6_dstopts, octets({0, 9, 0, 0, 0, 0, 0, 0})).error() ==
        Errno::einval);
  SendOptions options;
  options.packet.emplace();
  options.packet->routing = type0;
  CHECK(lab.send(from, at("2001:db8::2", 53), options).error() == Errno::einval);
}

TEST_CASE("IPV6_NEXTHOP sends by a neighbour, whatever the route says") {
  LabFixture lab(R"(
nodes: {sw: {kind: switch}, a: {}, r1: {kind: router}, r2: {kind: router}, b: {}, sw2: {kind: switch}}
links: [a -- sw, r1 -- sw, r2 -- sw, r1 -- sw2, r2 -- sw2, b -- sw2]
)");
  lab.run("r1", "ifconfig em0 inet6 2001:db8:1::1/64; ifconfig em1 inet6 2001:db8:2::1/64");
  lab.run("r2", "ifconfig em0 inet6 2001:db8:1::2/64; ifconfig em1 inet6 2001:db8:2::2/64");
  lab.run("a", "ifconfig em0 inet6 2001:db8:1::a/64; route -6 add default 2001:db8:1::1");
  lab.run("b", "ifconfig em0 inet6 2001:db8:2::b/64; route -6 add default 2001:db8:2::1");
  lab.pass(3_s);
  const auto forwarded = [&](const char* node) { return lab.counter(node, "ip6s_forward"); };
  CHECK(lab.run("a", "ping -6 -c 1 2001:db8:2::b").exit == 0);
  CHECK(forwarded("r2") == 0);
  CHECK(lab.run("a", "ping -6 -c 1 -e 2001:db8:1::2 2001:db8:2::b").exit == 0);
  CHECK(forwarded("r2") == 1);
  CHECK(lab.run("a", "ping -6 -c 1 -e 2001:db8:2::2 2001:db8:2::b").exit != 0);  // no neighbour
}

TEST_CASE("a path that narrows is told by an empty datagram, and asked for by IPV6_PATHMTU") {
  LabFixture narrow(R"(
nodes: {a: {}, r: {kind: router}, b: {}}
links: [a -- r, {endpoints: r -- b, mtu: 1400}]
)");
  narrow.run("r",
             "ifconfig em0 inet6 2001:db8:1::1/64; ifconfig em1 inet6 2001:db8:2::1/64 mtu 1400");
  narrow.run("a", "ifconfig em0 inet6 2001:db8:1::a/64; route -6 add default 2001:db8:1::1");
  narrow.run("b", "ifconfig em0 inet6 2001:db8:2::b/64; route -6 add default 2001:db8:2::1");
  narrow.pass(3_s);
  Udp& udp = narrow.lab.machine("a").vnet().state<Udp>(udp_module);
  Socket from = *udp.create(IpFamily::v6), other = *udp.create(IpFamily::v6);
  CHECK(from->set_option(Option::ipv6_recvpathmtu, 1));
  CHECK(from->set_option(Option::ipv6_dontfrag, 1));
  CHECK(from->get_option(Option::ipv6_pathmtu).error() == Errno::enotconn);
  SendOptions options;
  options.to = at("2001:db8:2::b", 9);
  const std::vector<uint8_t> big(1440, 'x');
  CHECK(from->send(big, options));
  narrow.pass(100_ms);
  const auto got = from->receive(65535, {});
  REQUIRE(got);
  CHECK(got->octets.empty());
  REQUIRE(got->control);
  CHECK(got->control->path_mtu == 1400);
  CHECK(got->control->path->address == at("2001:db8:2::b").address);
  CHECK(from->send(big, options).error() == Errno::emsgsize);  // now it is known
  CHECK(from->receive(65535, {})->control->path_mtu == 1400);
  CHECK(other->connect(at("2001:db8:2::b", 9)));
  CHECK(other->get_option(Option::ipv6_pathmtu)->number == 1400);
  CHECK(other->receive(65535, {}).error() == Errno::eagain);  // it did not ask
}

TEST_CASE("ICMP6_FILTER and IPV6_CHECKSUM work for raw sockets") {
  Two lab;
  Socket ping = lab.raw("b", IpFamily::v6, ip_protocol::icmpv6);
  std::vector<uint8_t> block_all(32, 0xff);
  CHECK(ping->set_option(Option::icmp6_filter, octets(block_all)));
  lab.run("a", "ping -6 -c 1 2001:db8::2");
  CHECK(lab.got(ping).error() == Errno::eagain);
  block_all[128 / 8] = 0xfe;  // all but echo requests
  CHECK(ping->set_option(Option::icmp6_filter, octets(block_all)));
  lab.run("a", "ping -6 -c 1 2001:db8::2");
  CHECK(lab.got(ping)->octets[0] == icmpv6_type::echo);
  CHECK(ping->set_option(Option::ipv6_checksum, 2).error() == Errno::einval);  // RFC 3542 s3.1
  Socket to = lab.raw("b", IpFamily::v6, 200), from = lab.raw("a", IpFamily::v6, 200);
  CHECK(from->set_option(Option::ipv6_checksum, 2));
  CHECK(to->set_option(Option::ipv6_checksum, 2));
  CHECK(lab.send(from, at("2001:db8::2"), {}, 8));
  const auto summed = lab.got(to);
  REQUIRE(summed);
  CHECK((summed->octets[2] != 'x' || summed->octets[3] != 'x'));
  CHECK(from->set_option(Option::ipv6_checksum, -1));
  CHECK(lab.send(from, at("2001:db8::2"), {}, 8));  // its sum is wrong
  CHECK(lab.got(to).error() == Errno::eagain);
  CHECK(lab.send(from, at("2001:db8::2"), {}, 2));
  CHECK(lab.got(to).error() == Errno::eagain);
}

TEST_CASE("IPv4: destination, TTL, TOS, interface and original destination are received") {
  Two lab;
  Socket to = lab.udp("b", IpFamily::v4, 53), from = lab.udp("a", IpFamily::v4);
  for (const Option option : {Option::ip_recvdstaddr, Option::ip_recvttl, Option::ip_recvtos,
                              Option::ip_recvif, Option::ip_origdstaddr})
    CHECK(to->set_option(option, 1));
  SendOptions options;
  options.packet.emplace();
  options.packet->hop_limit = 9;
  options.packet->traffic_class = 0x10;
  CHECK(lab.send(from, at("10.0.0.2", 53), options));
  const auto got = lab.got(to);
  REQUIRE(got);
  CHECK(got->ttl == 9);
  CHECK(got->tos == 0x10);
  CHECK(got->to.address == at("10.0.0.2").address);
  CHECK(got->interface_index == lab.index("b", "em0"));
  CHECK(got->control->original_dest->address == at("10.0.0.2").address);
  CHECK(to->set_option(Option::ip_minttl, 10));
  CHECK(lab.send(from, at("10.0.0.2", 53), options));
  CHECK(lab.got(to).error() == Errno::eagain);
  CHECK(lab.send(from, at("10.0.0.2", 53)));
  CHECK(lab.got(to));
}

TEST_CASE("IPv4: IP_SENDSRCADDR, IP_BINDANY, IP_ONESBCAST and IP_OPTIONS") {
  Two lab;
  Socket to = lab.udp("b", IpFamily::v4, 53), from = lab.udp("a", IpFamily::v4);
  CHECK(to->set_option(Option::ip_recvdstaddr, 1));
  SendOptions options;
  options.source = IpAddress(*parse_ipv4("10.0.1.1"));
  CHECK(lab.send(from, at("10.0.0.2", 53), options));
  CHECK(lab.got(to)->from.address == at("10.0.1.1").address);
  options.source = IpAddress(*parse_ipv4("192.0.2.7"));
  CHECK(lab.send(from, at("10.0.0.2", 53), options).error() == Errno::eaddrnotavail);
  Socket any = lab.udp("a", IpFamily::v4);
  CHECK(any->bind(at("192.0.2.7", 1000)).error() == Errno::eaddrnotavail);
  CHECK(any->set_option(Option::ip_bindany, 1));
  CHECK(any->bind(at("192.0.2.7", 1000)));
  CHECK(lab.send(any, at("10.0.0.2", 53)));
  CHECK(lab.got(to)->from.address == at("192.0.2.7").address);
  CHECK(lab.send(from, at("10.0.0.255", 53)).error() == Errno::eacces);
  CHECK(from->set_option(Option::so_broadcast, 1));
  CHECK(lab.send(from, at("10.0.0.255", 53)));
  CHECK(lab.got(to)->to.address == at("10.0.0.255").address);
  CHECK(from->set_option(Option::ip_onesbcast, 1));
  CHECK(lab.send(from, at("10.0.0.255", 53)));
  CHECK(lab.got(to)->to.address == at("255.255.255.255").address);
  CHECK(from->set_option(Option::ip_options, octets({7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0})));
  CHECK(from->get_option(Option::ip_options)->octets.size() == 12);
  CHECK(lab.send(from, at("10.0.0.2", 53)));
  CHECK(lab.got(to));
  CHECK(from->set_option(Option::ip_options, octets(std::vector<uint8_t>(41))).error() ==
        Errno::einval);
}

TEST_CASE("IP_HDRINCL sends the header that the program wrote") {
  Two lab;
  Socket from = lab.raw("a", IpFamily::v4, ip_protocol::raw);
  Socket to = lab.raw("b", IpFamily::v4, 200);
  std::vector<uint8_t> packet(24);
  store(Ipv4Header{.version_length = 0x45,
                   .tos = 4,
                   .total_length = 24,
                   .id = 777,
                   .ttl = 5,
                   .protocol = 200,
                   .source = parse_ipv4("192.0.2.9")->value,
                   .dest = parse_ipv4("10.0.0.2")->value},
        packet);
  SendOptions options;
  options.to = at("10.0.0.2");
  CHECK(from->send(packet, options));
  lab.pass(10_ms);
  const auto got = lab.got(to);
  REQUIRE(got);
  const auto header = load<Ipv4Header>(got->octets);
  CHECK(header.id == 777);
  CHECK(header.ttl == 5);
  CHECK(to_text(header.source_address()) == "192.0.2.9");
  CHECK(from->send(std::vector<uint8_t>(10), options).error() == Errno::einval);
}
