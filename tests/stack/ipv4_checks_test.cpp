// The checks of RFC 791, 792, 826, 1122, 1812, 5227 and 6864 that implementations miss most often.
#include <catch2/catch.hpp>

#include "core/wire/link/arp.h"
#include "core/wire/net/icmp.h"
#include "core/wire/transport/udp.h"
#include "stack/inet/inet.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

constexpr uint32_t a_address = 0x0a000001, b_address = 0x0a000002;

// Hosts a and b on a cable, both resolved; what is given to b came from a, as far as b can see.
struct Checks : LabFixture {
  Checks() : LabFixture("nodes: [a, b]\nlinks: [a -- b]\n") {
    run("a", "ping -c 1 10.0.0.2");
    seen_before = text_of_trace().size();
  }
  Machine& b() { return lab.machine("b"); }
  Ifnet& em0() { return *b().vnet().state<NetStack>(net_module).find("em0"); }
  Packet packet_of(Bytes octets) {
    return b().site().pool().make(b().site().next_packet_id(), octets);
  }
  void give(Packet packet) {
    b().vnet().state<Inet>(inet_module).ether_receive(std::move(packet), em0());
  }
  void give(Ipv4Header header, std::vector<uint8_t> payload, Bytes options = {}) {
    const size_t size = sizeof header + options.size();
    std::vector<uint8_t> octets(size);
    header.version_length = uint8_t(0x40 | size / 4);
    header.total_length = uint16_t(size + payload.size());
    if (header.ttl == 0) header.ttl = 64;
    if (header.source == 0) header.source = a_address;
    if (header.dest == 0) header.dest = b_address;
    store(header, octets);
    std::copy(options.begin(), options.end(), octets.begin() + sizeof header);
    finish_ipv4_header(octets);
    octets.insert(octets.end(), payload.begin(), payload.end());
    give(packet_of(octets));
  }
  // A piece of an echo request's datagram; more: another follows.
  void fragment(uint16_t id, size_t offset, size_t size, bool more) {
    Ipv4Header header{.id = id, .protocol = ip_protocol::icmp};
    header.fragment = uint16_t(offset / 8 | (more ? ipv4_more_fragments : 0));
    give(header, std::vector<uint8_t>(size));
  }
  std::string text_of_trace() {
    lab.drain();
    return trace.text();
  }
  // What the cable has carried since the fixture was set up, or since the last look.
  std::string new_frames() {
    pass(100_ms);
    const std::string all = text_of_trace();
    const std::string fresh = all.substr(seen_before);
    seen_before = all.size();
    return fresh;
  }
  size_t seen_before = 0;
};

// To a port where nobody listens.
std::vector<uint8_t> datagram() {
  std::vector<uint8_t> udp(16);
  store(UdpHeader{.source_port = 1, .dest_port = 4, .length = 16, .checksum = 0}, udp);
  return udp;
}

}  // namespace

TEST_CASE("RFC 1122 s3.2.2: no ICMP error about what may not have one", "[checks]") {
  Checks c;
  const auto answered = [&](Ipv4Header header, std::vector<uint8_t> payload = datagram()) {
    if (header.protocol == 0) header.protocol = ip_protocol::udp;
    c.give(header, std::move(payload));
    return c.new_frames().find("unreachable") != std::string::npos;
  };
  CHECK(answered({}));
  CHECK_FALSE(answered({.dest = 0x0a0000ff}));  // to a broadcast address
  CHECK_FALSE(answered({.dest = 0xffffffff}));
  CHECK_FALSE(answered({.dest = 0xe0000001}));    // to a group
  CHECK_FALSE(answered({.source = 0x0a0000ff}));  // from one that is nobody's own
  CHECK_FALSE(answered({.source = 0xe0000005}));
  CHECK_FALSE(answered({.source = 0xf0000001}));  // class E
  CHECK_FALSE(answered({.source = 0xffffffff}));
  CHECK_FALSE(answered({.source = 0x7f000001}));
  // About an error of ICMP, even to a protocol port that is closed.
  std::vector<uint8_t> error(36);
  error[0] = icmp_type::unreachable;
  CHECK_FALSE(answered({.protocol = ip_protocol::icmp}, error));
  // A frame that was broadcast, though the packet was not.
  std::vector<uint8_t> octets(sizeof(Ipv4Header));
  store(Ipv4Header{.total_length = 36,
                   .ttl = 9,
                   .protocol = ip_protocol::udp,
                   .source = a_address,
                   .dest = b_address},
        octets);
  finish_ipv4_header(octets);
  const std::vector<uint8_t> udp = datagram();
  octets.insert(octets.end(), udp.begin(), udp.end());
  Packet shouted = c.packet_of(octets);
  shouted.set_link_cast(true, false);
  c.give(std::move(shouted));
  CHECK(c.new_frames().find("unreachable") == std::string::npos);
}

TEST_CASE("RFC 1812 s4.3.2.3: errors quote the header and at least 8 octets", "[checks]") {
  Checks c;
  for (const int64_t quotelen : {8, 100}) {
    c.run("b", text("sysctl net.inet.icmp.quotelen={}", quotelen));
    c.new_frames();
    std::vector<uint8_t> udp = datagram();
    udp.resize(500);
    store(be16(500), MutableBytes(udp).subspan(4));
    c.give({.protocol = ip_protocol::udp}, udp);
    CHECK(c.new_frames().find(text("length {}", 8 + 20 + quotelen)) != std::string::npos);
  }
}

TEST_CASE("RFC 791: fragments that overlap, contradict or lead too far are worth nothing",
          "[checks]") {
  Checks c;
  SECTION("teardrop: the second lies inside the first") {
    c.fragment(1, 0, 64, true);
    c.fragment(1, 24, 16, false);
  }
  SECTION("one octet more of the same place") {
    c.fragment(1, 0, 64, true);
    c.fragment(1, 0, 72, true);
    c.fragment(1, 72, 8, false);
  }
  SECTION("two ends") {
    c.fragment(1, 64, 16, false);
    c.fragment(1, 128, 16, false);
    c.fragment(1, 0, 64, true);
  }
  SECTION("something behind the end") {
    c.fragment(1, 64, 16, false);
    c.fragment(1, 80, 16, true);
    c.fragment(1, 0, 64, true);
  }
  SECTION("ping of death: beyond 65,535 octets") {
    for (size_t at = 0; at < 65528; at += 8 * 1024) c.fragment(1, at, 8 * 1024 - 64, true);
    c.fragment(1, 65528, 100, false);
  }
  SECTION("pieces that are no multiple of 8 octets, or empty") {
    c.fragment(1, 0, 63, true);
    c.fragment(1, 64, 0, true);
    c.fragment(1, 64, 8, false);
  }
  CHECK(c.new_frames().find("echo reply") == std::string::npos);
  CHECK(c.counter("b", "ips_reassembled") == 0);
  CHECK(c.counter("b", "ips_fragdropped") > 0);
}

TEST_CASE("the same fragment twice does no harm", "[checks]") {
  Checks c;
  c.fragment(1, 0, 64, true);
  c.fragment(1, 0, 64, true);
  c.fragment(1, 64, 8, false);
  CHECK(c.counter("b", "ips_reassembled") == 1);
}

TEST_CASE("RFC 1122 s3.3.2: a reassembly that times out is told only with fragment 0", "[checks]") {
  Checks c;
  c.fragment(1, 64, 64, true);
  c.pass(61_s);
  CHECK(c.new_frames().find("time exceeded") == std::string::npos);
  c.fragment(2, 0, 64, true);
  c.pass(61_s);
  CHECK(c.new_frames().find("reassembly time exceeded") != std::string::npos);
  CHECK(c.counter("b", "ips_fragtimeout") == 2);
}

TEST_CASE("RFC 6864: an identification where there may be fragments, and no two alike in a row",
          "[checks]") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b]\n");
  lab.run("b", "tcpdump -n -v -i em0 -c 4 icmp[0] = 8 > seen &");
  lab.run("a", "ping -c 2 10.0.0.2; ping -D -c 2 10.0.0.2");
  lab.pass(1_s);
  const std::string seen = lab.run("b", "cat seen").output;
  std::vector<std::string> ids;
  for (size_t at = seen.find("id "); at != seen.npos; at = seen.find("id ", at + 1))
    if (seen.compare(at - 2, 2, ", ") == 0 && seen.find("offset", at) < at + 12)
      ids.push_back(seen.substr(at + 3, seen.find(',', at) - at - 3));
  REQUIRE(ids.size() == 4);
  CHECK(ids[0] != ids[1]);
  CHECK(ids[2] == "0");
  CHECK(ids[3] == "0");
}

TEST_CASE("RFC 791: options with the copied bit go into every fragment, others into the first",
          "[checks]") {
  LabFixture lab("nodes: {a: {}, b: {}}\nlinks: [{name: l, endpoints: a -- b, mtu: 576}]\n");
  Vnet& vnet = lab.lab.machine("a").vnet();
  const auto socket = *vnet.socket(Af::inet, SocketType::datagram, 0);
  OptionValue options;
  // Record route (7) for one address; a made-up option with the copied bit (0x80 | 20).
  options.octets = {7, 7, 4, 0, 0, 0, 0, 0x94, 4, 0, 0, 0};
  REQUIRE(socket->set_option(SocketOption::ip_options, options));
  SendOptions to;
  to.to = SockAddr{.address = Ipv4Address{b_address}, .port = 9, .scope = 0, .path = {}};
  std::vector<std::string> headers;
  struct Spy final : FrameDropper {
    bool drops(const LinkEnd& end, Packet& packet) override {
      const Bytes octets = packet.octets();
      if (end.index() == 0 && octets.size() > 34 && octets[12] == 8 && octets[13] == 0 &&
          octets[23] == 17)
        lengths.push_back(octets[14] & 15);
      return false;
    }
    std::vector<int> lengths;
  } spy;
  lab.run("a", "ping -c 1 10.0.0.2");
  lab.lab.link(size_t(0)).set_dropper(&spy);
  REQUIRE(socket->send(std::vector<uint8_t>(1200), to));
  lab.pass(100_ms);
  lab.lab.link(size_t(0)).set_dropper(nullptr);
  REQUIRE(spy.lengths.size() == 3);
  CHECK(spy.lengths == std::vector<int>{8, 6, 6});
}

TEST_CASE("source routes, option lengths of 0 and options beyond the header are refused",
          "[checks]") {
  Checks c;
  const auto refused = [&](std::vector<uint8_t> options, const char* reason) {
    const int before = c.dropped(reason);
    c.give({.protocol = ip_protocol::icmp}, {8, 0, 0xf7, 0xff, 0, 0, 0, 0}, options);
    const std::string frames = c.new_frames();
    return c.dropped(reason) == before + 1 && frames.find("echo reply") == std::string::npos;
  };
  CHECK(refused({131, 7, 4, 10, 0, 0, 9, 0}, "source_routed"));  // loose
  CHECK(refused({137, 7, 4, 10, 0, 0, 9, 0}, "source_routed"));  // strict
  CHECK(refused({131, 7, 3, 10, 0, 0, 9, 0}, "bad_option"));     // a pointer before the first
  CHECK(refused({7, 0, 4, 0, 0, 0, 0, 0}, "bad_option"));
  CHECK(refused({7, 1, 4, 0, 0, 0, 0, 0}, "bad_option"));
  CHECK(refused({1, 1, 1, 7, 7, 4, 0, 0}, "bad_option"));
  CHECK(refused({68, 2, 0, 0}, "bad_option"));  // a timestamp without room
  CHECK(c.counter("b", "ips_badoptions") == 5);
}

TEST_CASE("land: a packet that seems to come from ourselves is not answered over the link",
          "[checks]") {
  Checks c;
  c.give({.protocol = ip_protocol::icmp, .source = b_address}, {8, 0, 0xf7, 0xff, 0, 0, 0, 0});
  CHECK(c.new_frames().find("echo reply") == std::string::npos);
}

TEST_CASE("127/8 never comes from a link, nor goes to one", "[checks]") {
  Checks c;
  const int before = c.dropped("bad_address");
  c.give({.protocol = ip_protocol::icmp, .source = 0x7f000001}, {8, 0, 0xf7, 0xff, 0, 0, 0, 0});
  c.give({.protocol = ip_protocol::icmp, .dest = 0x7f000001}, {8, 0, 0xf7, 0xff, 0, 0, 0, 0});
  CHECK(c.dropped("bad_address") == before + 2);
  CHECK(c.new_frames().find("echo reply") == std::string::npos);
}

TEST_CASE("RFC 826, 5227: ARP from groups, of other sizes and about groups is not believed",
          "[checks]") {
  Checks c;
  Arp& arp = c.b().vnet().state<Inet>(inet_module).arp();
  const auto believed = [&](void (*change)(ArpHeader&)) {
    const size_t before = arp.entries().size();
    ArpHeader header{.operation = arp_operation::request,
                     .sender_mac = {{2, 9, 9, 9, 9, 9}},
                     .sender_ip = 0x0a000063,
                     .target_mac = {},
                     .target_ip = b_address};
    change(header);
    std::vector<uint8_t> octets(sizeof header);
    store(header, octets);
    arp.ether_receive(c.packet_of(octets), c.em0());
    return arp.entries().size() > before;
  };
  CHECK_FALSE(believed([](ArpHeader& h) { h.sender_mac.octets[0] |= 1; }));
  CHECK_FALSE(believed([](ArpHeader& h) { h.sender_ip = 0xe0000005; }));
  CHECK_FALSE(believed([](ArpHeader& h) { h.sender_ip = 0; }));
  CHECK_FALSE(believed([](ArpHeader& h) { h.sender_ip = 0xac100001; }));  // of no network of ours
  CHECK_FALSE(believed([](ArpHeader& h) { h.target_ip = 0x0a000077; }));  // not asked of us
  CHECK_FALSE(believed([](ArpHeader& h) { h.sender_ip = b_address; }));   // our own
  CHECK(believed([](ArpHeader&) {}));
  std::vector<uint8_t> cut(20);
  arp.ether_receive(c.packet_of(cut), c.em0());
  CHECK(arp.entries().size() == 3);  // b itself, a and the one that was believed
}
