#include <catch2/catch.hpp>

#include "stack/inet6/inet6.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

const char* const routed = R"(
nodes:
  sw: {kind: switch}
  r: {kind: router, interfaces: {em0: {addresses: ["2001:db8:1::1/64"]}}}
  h: {interfaces: {em0: {addresses: [slaac], mac: "02:00:00:00:00:0a"}}}
links: [r -- sw, h -- sw]
)";

Ipv6Address v6(const char* s) { return *parse_ipv6(s); }

Inet6& inet6_of(LabFixture& lab, const char* node) {
  return lab.lab.machine(node).vnet().state<Inet6>(inet6_module);
}

// A host with one interface, to which packets are given as if they had come from its link.
struct Host {
  LabFixture lab{"nodes: [a, b]\nlinks: [a -- b]\n"};
  Host() {
    lab.run("a", "ifconfig em0 inet6 2001:db8::1/64 no_dad; ifconfig em0 inet6 accept_rtadv");
    lab.pass(3_s);
  }
  Machine& machine() { return lab.lab.machine("a"); }
  Inet6& inet() { return machine().vnet().state<Inet6>(inet6_module); }
  void give(Bytes octets) {
    Packet packet = machine().site().pool().make(machine().site().next_packet_id(), octets);
    inet().ether_receive(std::move(packet), *inet().net().find("em0"));
    lab.lab.drain();
  }
  // An IPv6 packet whose first header has the type `next`.
  void give(uint8_t next, const std::vector<uint8_t>& payload, const char* source,
            const char* dest = "2001:db8::1", uint8_t hop_limit = 255) {
    std::vector<uint8_t> octets(sizeof(Ipv6Header));
    store(Ipv6Header{.payload_length = uint16_t(payload.size()),
                     .next_header = next,
                     .hop_limit = hop_limit,
                     .source = v6(source),
                     .dest = v6(dest)},
          octets);
    octets.insert(octets.end(), payload.begin(), payload.end());
    give(Bytes(octets));
  }
  void give_icmp(std::vector<uint8_t> message, const char* source, const char* dest,
                 uint8_t hop_limit = 255) {
    finish_icmpv6(message, v6(source), v6(dest));
    give(ip_protocol::icmpv6, message, source, dest, hop_limit);
  }
  void advertise(uint32_t valid_s, uint32_t preferred_s, uint16_t lifetime_s = 1800) {
    RouterAdvert advert;
    advert.icmp.rest = uint32_t(64) << 24 | lifetime_s;
    std::vector<uint8_t> message(sizeof advert + sizeof(NdPrefix));
    store(advert, message);
    store(NdPrefix{.flags = NdPrefix::on_link | NdPrefix::autonomous,
                   .valid_s = valid_s,
                   .preferred_s = preferred_s,
                   .prefix = v6("2001:db8:7::")},
          MutableBytes(message).subspan(sizeof advert));
    give_icmp(message, "fe80::99", "ff02::1");
  }
  // Seconds left of the address made from the advertised prefix; -1: there is none.
  int64_t valid_left() {
    for (const auto& a : inet().addresses())
      if (a->flags & in6_flag::autoconf) return (a->valid_until - inet().now()).s();
    return -1;
  }
};

}  // namespace

TEST_CASE("a host gets its address and its default route from a router that advertises") {
  LabFixture lab(routed);
  lab.run("r", "rtadvd em0");
  lab.pass(3_s);
  CHECK(lab.run("h", "rtsol em0").exit == 0);
  lab.pass(3_s);
  const auto shown = lab.run("h", "ifconfig -L em0");
  CHECK(shown.says("inet6 2001:db8:1::ff:fe00:a prefixlen 64 autoconf pltime 6047"));
  CHECK(shown.says("ACCEPT_RTADV"));
  CHECK(lab.run("h", "netstat -rn6").says("default                           fe80::"));
  CHECK(lab.run("h", "ping -c 1 2001:db8:1::1").exit == 0);
  CHECK(lab.run("h", "ndp -r").says("if=em0, flags=, pref=medium, expire="));
  CHECK(lab.run("h", "ndp -p").says("2001:db8:1::/64 if=em0\nflags=LA vltime=2592000"));
  // The router says good-bye, and nobody relies on it any longer.
  lab.run("r", "pkill rtadvd");
  lab.pass(2_s);
  CHECK_FALSE(lab.run("h", "netstat -rn6").says("default"));
  CHECK(lab.run("h", "ifconfig em0").says("2001:db8:1::ff:fe00:a"));  // the address stays
}

TEST_CASE("rtadvd.conf decides what is advertised") {
  LabFixture lab(routed);
  lab.run("r", R"(cat > /etc/rtadvd.conf <<'X'
default:\
	:chlim#32:rltime#600:
em0:\
	:addr="2001:db8:77::":prefixlen#64:vltime#3600:pltime#1800:mtu#1400:raflags="h":
X
rtadvd em0)");
  lab.run("h", "rtsol em0");
  lab.pass(3_s);
  CHECK(lab.run("h", "ifconfig em0").says("2001:db8:77::ff:fe00:a prefixlen 64 autoconf"));
  CHECK(lab.run("h", "ndp -r").says("pref=high"));
  CHECK(lab.run("h", "ndp -i em0").says("linkmtu=1400, maxmtu=0, curhlim=32"));
}

TEST_CASE("an advertisement cannot end an address before two hours have passed") {
  Host h;
  h.advertise(86400, 3600);
  h.lab.pass(2_s);
  CHECK(h.valid_left() > 86390);
  h.advertise(600, 0);  // RFC 4862 s5.5.3e: less than two hours, and less than is left
  CHECK(h.valid_left() <= 7200);
  CHECK(h.valid_left() > 7190);
  h.lab.pass(100_s);
  h.advertise(600, 0);  // ... and what is below two hours is not touched
  CHECK(h.valid_left() > 7090);
  h.advertise(10000, 5000);
  CHECK(h.valid_left() > 9990);
  h.advertise(20000, 30000);  // preferred above valid: ignored
  CHECK(h.valid_left() < 10001);
}

TEST_CASE("addresses are deprecated and end in their time, and so do prefixes and routers") {
  Host h;
  h.advertise(8000, 100, 50);
  h.lab.pass(2_s);
  CHECK(h.lab.run("a", "netstat -rn6").says("default"));
  h.lab.pass(60_s);
  CHECK_FALSE(h.lab.run("a", "netstat -rn6").says("default"));
  h.lab.pass(60_s);
  CHECK(h.lab.run("a", "ifconfig em0").says("deprecated autoconf"));
  h.lab.pass(8000_s);
  CHECK_FALSE(h.lab.run("a", "ifconfig em0").says("autoconf"));
  CHECK_FALSE(h.lab.run("a", "netstat -rn6").says("2001:db8:7::/64"));
}

TEST_CASE("ND that did not come from this link, or is malformed, changes nothing") {
  Host h;
  NeighbourSolicit solicit;
  solicit.target = v6("2001:db8::1");
  std::vector<uint8_t> message(sizeof solicit);
  store(solicit, message);
  const auto answered = [&] { return h.lab.counter("a", "tx_na"); };
  const int64_t before = answered();
  h.give_icmp(message, "2001:db8::2", "2001:db8::1", 254);  // came over a router
  CHECK(answered() == before);
  std::vector<uint8_t> empty_option = message;
  empty_option.insert(empty_option.end(), {1, 0, 0, 0, 0, 0, 0, 0});  // of length 0
  h.give_icmp(empty_option, "2001:db8::2", "2001:db8::1");
  CHECK(answered() == before);
  CHECK(h.lab.counter("a", "icp6s_badns") == 1);
  std::vector<uint8_t> code = message;
  code[1] = 1;
  h.give_icmp(code, "2001:db8::2", "2001:db8::1");
  CHECK(answered() == before);
  // RFC 6980: never in fragments, not even in one that is whole.
  std::vector<uint8_t> sound = message;
  finish_icmpv6(sound, v6("2001:db8::2"), v6("2001:db8::1"));
  std::vector<uint8_t> fragment{58, 0, 0, 0, 0, 0, 0, 1};
  fragment.insert(fragment.end(), sound.begin(), sound.end());
  h.give(ipv6_next::fragment, fragment, "2001:db8::2");
  CHECK(answered() == before);
  add_link_option(message, nd_option::source_link, *parse_mac("02:00:00:00:00:99"));
  h.give_icmp(message, "2001:db8::2", "2001:db8::1");
  CHECK(answered() == before + 1);
  // An advertisement from a global address is nobody's.
  h.advertise(86400, 3600);
  CHECK(h.valid_left() > 0);
  RouterAdvert advert;
  advert.icmp.rest = 1800;
  std::vector<uint8_t> forged(sizeof advert);
  store(advert, forged);
  h.give_icmp(forged, "2001:db8::66", "ff02::1");
  CHECK(h.lab.run("a", "ndp -r").output.find("2001:db8::66") == std::string::npos);
}

TEST_CASE("extension headers: unknown options, order, limits and routing headers") {
  Host h;
  const auto errors = [&] { return h.lab.counter("a", "icp6s_error"); };
  const auto option = [](uint8_t type) {
    return std::vector<uint8_t>{59, 0, type, 4, 0, 0, 0, 0};  // then no next header
  };
  int64_t before = errors();
  h.give(ipv6_next::dest_options, option(0x1e), "2001:db8::2");  // 00: skip
  CHECK(h.lab.dropped("unknown_option") == 0);
  h.give(ipv6_next::dest_options, option(0x5e), "2001:db8::2");  // 01: drop silently
  CHECK(h.lab.dropped("unknown_option") == 1);
  CHECK(errors() == before);
  h.give(ipv6_next::dest_options, option(0x9e), "2001:db8::2");  // 10: report
  CHECK(errors() == before + 1);
  h.give(ipv6_next::dest_options, option(0xde), "2001:db8::2", "ff02::1");  // 11: not to a group
  CHECK(errors() == before + 1);
  h.give(ipv6_next::dest_options, {59, 0, 5, 200, 0, 0, 0, 0}, "2001:db8::2");  // overrun
  CHECK(h.lab.dropped("bad_option") == 1);
  h.give(ipv6_next::routing, {59, 0, 0, 1, 0, 0, 0, 0}, "2001:db8::2");  // RFC 5095
  CHECK(h.lab.dropped("source_routed") == 1);
  h.give(ipv6_next::dest_options, {0, 0, 1, 4, 0, 0, 0, 0}, "2001:db8::2");  // hop-by-hop later
  CHECK(h.lab.dropped("header_order") == 1);
  std::vector<uint8_t> chain;
  for (int i = 0; i < 20; ++i) {
    const std::vector<uint8_t> one{uint8_t(i == 19 ? 59 : 60), 0, 1, 4, 0, 0, 0, 0};
    chain.insert(chain.end(), one.begin(), one.end());
  }
  h.give(ipv6_next::dest_options, chain, "2001:db8::2");
  CHECK(h.lab.dropped("header_limit") == 1);
  h.give(99, {1, 2, 3, 4}, "2001:db8::2");
  CHECK(h.lab.dropped("unknown_protocol") == 1);
}

TEST_CASE("fragments: overlaps kill the datagram, and the first has all the headers") {
  Host h;
  const auto fragment = [&](uint16_t offset, bool more, size_t size, uint32_t id,
                            uint8_t next = ip_protocol::udp) {
    std::vector<uint8_t> octets(8 + size, 0);
    store(
        Ipv6FragmentHeader{
            .next_header = next, .offset_and_flags = uint16_t(offset | (more ? 1 : 0)), .id = id},
        octets);
    h.give(ipv6_next::fragment, octets, "2001:db8::2");
  };
  fragment(0, true, 64, 1);
  fragment(32, false, 64, 1);  // RFC 5722
  CHECK(h.lab.dropped("fragment_overlap") == 2);
  fragment(64, false, 8, 1);  // nothing is left of it
  CHECK(h.lab.counter("a", "ip6s_reassembled") == 0);
  fragment(0, true, 8, 2, ipv6_next::dest_options);  // RFC 7112: the chain goes on elsewhere
  CHECK(h.lab.dropped("header_chain") == 1);
  fragment(0, true, 13, 3);
  CHECK(h.lab.dropped("fragment_bad") == 1);
  fragment(65528, false, 64, 4);
  CHECK(h.lab.dropped("fragment_bad") == 2);
  h.lab.pass(61_s);
  fragment(0, true, 64, 5);
  h.lab.pass(61_s);
  CHECK(h.lab.dropped("reassembly_timeout") == 2);  // and the one that came after its datagram
  // A flood of first fragments is bounded, and others still come through.
  for (uint32_t id = 100; id < 1000; ++id) fragment(0, true, 64, id);
  CHECK(h.lab.dropped("fragment_limit") == 900 - 256);
}

TEST_CASE("a packet too big below 1280 is not believed, one above is kept") {
  Host h;
  const auto too_big = [&](uint32_t mtu) {
    std::vector<uint8_t> message(sizeof(Icmpv6Header) + sizeof(Ipv6Header) + 8);
    store(Icmpv6Header{.type = icmpv6_type::too_big, .rest = mtu}, message);
    store(Ipv6Header{.payload_length = 1400,
                     .next_header = ip_protocol::udp,
                     .source = v6("2001:db8::1"),
                     .dest = v6("2001:db8:9::9")},
          MutableBytes(message).subspan(sizeof(Icmpv6Header)));
    h.give_icmp(message, "2001:db8::2", "2001:db8::1", 64);
    return h.inet().path_mtu(v6("2001:db8:9::9"));
  };
  CHECK(too_big(1000) == 0);
  CHECK(too_big(1400) == 1400);
  CHECK(too_big(1450) == 1400);  // never up by a message
  CHECK(too_big(1300) == 1300);
}

TEST_CASE("a scan of a network cannot fill the neighbour cache for others") {
  LabFixture lab(R"(
nodes:
  r: {kind: router, sysctl: {net.inet6.icmp6.nd6_maxentries: 64}}
  a: {}
  b: {}
links: [a -- r, r -- b]
)");
  lab.run("r", "ifconfig em0 inet6 2001:db8:1::1/64; ifconfig em1 inet6 2001:db8:2::1/64");
  lab.run("a", "ifconfig em0 inet6 2001:db8:1::2/64; route -6 add default 2001:db8:1::1");
  lab.run("b", "ifconfig em0 inet6 2001:db8:2::2/64; route -6 add default 2001:db8:2::1");
  lab.pass(3_s);
  REQUIRE(lab.run("a", "ping -c 1 2001:db8:2::2").exit == 0);
  lab.run("a", "for i in $(seq 1 60); do echo x | nc -u -w 0 2001:db8:2::a:$i 9; done &");
  const auto ping = lab.run("a", "ping -c 20 -i 0.1 2001:db8:2::2");
  CHECK(ping.says("20 packets received"));
  CHECK(lab.counter("r", "refused") > 0);
}

TEST_CASE("rtadvctl shows what rtadvd does, and disables, reloads and ends it") {
  LabFixture lab(routed);
  lab.run("r", R"(cat > /etc/rtadvd.conf <<'X'
em0:\
	:addr="2001:db8:77::":prefixlen#64:vltime#3600:pltime#1800:raflags="mo":\
	:rdnss="2001:db8:77::53":dnssl="lab.example,example":rtprefix="2001:db8:8000::":rtplen#33:\
	:pref64="64:ff9b::":maxinterval#30:
X
rtadvd em0)");
  lab.pass(3_s);
  const auto shown = lab.run("r", "rtadvctl -v show em0");
  CHECK(shown.exit == 0);
  CHECK(shown.says("em0: flags=<UP,CONFIGURED> status=<RA_SEND>"));
  CHECK(shown.says("MinAdvInterval/MaxAdvInterval: 10s/30s"));
  CHECK(shown.says("Flags: MO, Preference: medium"));
  CHECK(shown.says("2001:db8:77::/64 (CONFIG, vltime=1h, pltime=30m, flags=LA)"));
  CHECK(shown.says("RDNSS: 2001:db8:77::53 (ltime=45s)"));
  CHECK(shown.says("Route: 2001:db8:8000::/33 (ltime=1m30s)"));
  CHECK(shown.says("PREF64: 64:ff9b::/96"));
  lab.run("h", "rtsol em0");
  lab.pass(3_s);
  CHECK(lab.run("h", "ndp -r").says("flags=MO, pref=medium"));
  // Disabled it says good-bye once, and is silent.
  CHECK(lab.run("r", "rtadvctl disable em0").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("h", "ndp -r").output.empty());
  lab.pass(100_s);
  CHECK(lab.run("h", "ndp -r").output.empty());
  CHECK(lab.run("r", "rtadvctl enable em0").exit == 0);
  lab.pass(1_s);
  CHECK_FALSE(lab.run("h", "ndp -r").output.empty());
  lab.run("r", "echo 'em0:raflags=\"h\":' > /etc/rtadvd.conf; rtadvctl reload");
  lab.pass(5_s);
  CHECK(lab.run("h", "ndp -r").says("flags=, pref=high"));
  CHECK(lab.run("r", "rtadvctl show em7").exit == 1);
  CHECK(lab.run("r", "rtadvctl shutdown").exit == 0);
  lab.pass(10_s);
  CHECK(lab.run("r", "rtadvctl show").exit == 1);
  CHECK_FALSE(lab.run("r", "pgrep rtadvd").exit == 0);
}

TEST_CASE("a router that does not forward advertises prefixes, but not itself") {
  LabFixture lab(routed);
  lab.run("r", "sysctl net.inet6.ip6.forwarding=0; rtadvd em0");
  lab.pass(3_s);
  lab.run("h", "rtsol em0");
  lab.pass(3_s);
  CHECK(lab.run("h", "ifconfig em0").says("2001:db8:1::ff:fe00:a prefixlen 64 autoconf"));
  CHECK_FALSE(lab.run("h", "netstat -rn6").says("default"));
}

TEST_CASE("rtsold asks more and more seldom, until a router answers, and again after a new link") {
  LabFixture lab(routed);
  lab.run("h", "pkill rtsol; rtsold em0");
  // What the router hears.
  const auto asked = [&] {
    return inet6_of(lab, "r").icmp().counted([](const auto& c) { return c.in[133]; });
  };
  const uint64_t before = asked();
  lab.pass(600_s);
  // RFC 7559: at 4, 8, 16, ... seconds' distance: seven within ten minutes.
  CHECK(asked() - before >= 6);
  CHECK(asked() - before <= 8);
  lab.run("r", "rtadvd em0");
  lab.pass(700_s);
  const uint64_t answered = asked();
  lab.pass(2000_s);
  CHECK(asked() == answered);
  CHECK_FALSE(lab.run("h", "ndp -r").output.empty());
  lab.run("h", "ifconfig em0 down; sleep 3; ifconfig em0 up");
  lab.pass(20_s);
  CHECK(asked() > answered);
}

TEST_CASE("ndp shows and sets the default interface, with names or without") {
  LabFixture lab(routed);
  lab.pass(3_s);
  CHECK(lab.run("h", "ndp -I").output == "No default interface.\n");
  CHECK(lab.run("h", "ping -c 1 ff02::1").exit != 0);
  CHECK(lab.run("h", "ndp -I em0").output == "ND default interface = em0\n");
  CHECK(lab.run("h", "ndp -I nose0").says("Device not configured"));
  CHECK(lab.run("h", "ndp -I delete").output == "No default interface.\n");
  CHECK(lab.run("h", "ndp -f /nothing").exit == 1);
  lab.run("h", "ndp -A 1 > /t & sleep 4; kill $!");
  CHECK(*parse_int(trim(lab.run("h", "grep -c Neighbor /t").output)) >= 3);
  CHECK(lab.run("h", "ndp -tan").output.find(":") == 2);
}
