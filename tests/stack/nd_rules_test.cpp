// IPv6's check list: what implementations of RFC 8200, 4443, 4861 and 4862 most often miss. Each
// test is one line of it.
#include <catch2/catch.hpp>

#include "core/wire/net/ip_pseudo.h"
#include "core/wire/transport/udp.h"
#include "tests/support/ipv6_host.h"

using namespace stackyard;
using Host = Ipv6Host;

namespace {

constexpr const char* neighbour = "2001:db8::2";
const MacAddress first_mac = *parse_mac("02:00:00:00:00:01");
const MacAddress second_mac = *parse_mac("02:00:00:00:00:02");

void advert(Host& h, const char* target, uint32_t flags, std::optional<MacAddress> mac) {
  NeighbourAdvert message;
  message.icmp.rest = flags;
  message.target = v6(target);
  std::vector<uint8_t> octets(sizeof message);
  store(message, octets);
  if (mac) add_link_option(octets, nd_option::target_link, *mac);
  h.give_icmp(octets, neighbour, flags & NeighbourAdvert::solicited ? "2001:db8::1" : "ff02::1");
}

// "R 02:00:00:00:00:01": a neighbour's state and address.
std::string entry(Host& h, const char* address = neighbour) {
  constexpr char letters[] = {'I', 'R', 'S', 'D', 'P', 'U'};
  for (const NeighbourInfo6& e : h.inet().neighbours().entries())
    if (e.address == v6(address))
      return std::string(1, letters[size_t(e.state)]) + (e.mac ? " " + to_text(*e.mac) : "") +
             (e.router ? " router" : "");
  return "none";
}

// Something is sent to the neighbour, so that he is asked for.
void prompt(Host& h, const char* to = neighbour) {
  h.lab.run("a", text("echo x | nc -u -w 0 {} 9", to));
}

constexpr uint32_t solicited = NeighbourAdvert::solicited, overrides = NeighbourAdvert::override_,
                   is_router = NeighbourAdvert::router;

std::vector<uint8_t> udp_datagram(uint16_t checksum) {
  std::vector<uint8_t> octets(sizeof(UdpHeader) + 2, 'x');
  store(UdpHeader{.source_port = 1, .dest_port = 53, .length = 10, .checksum = checksum}, octets);
  return octets;
}

}  // namespace

TEST_CASE("an advertisement that nobody asked for makes no entry (RFC 4861 s7.2.5)") {
  Host h;
  advert(h, neighbour, overrides, first_mac);
  CHECK(entry(h) == "none");
}

TEST_CASE("an advertisement for an incomplete entry: solicited reachable, else stale") {
  Host h;
  prompt(h);
  CHECK(entry(h) == "I");
  advert(h, neighbour, solicited, std::nullopt);  // without an address it is no use
  CHECK(entry(h) == "I");
  advert(h, neighbour, 0, first_mac);
  CHECK(entry(h) == "S " + to_text(first_mac));
  Host other;
  prompt(other);
  advert(other, neighbour, solicited | is_router, first_mac);
  CHECK(entry(other) == "R " + to_text(first_mac) + " router");
}

TEST_CASE("an advertisement for a known entry: the S and O flags of RFC 4861 s7.2.5") {
  struct Case {
    uint32_t flags;
    MacAddress mac;
    const char* state;
    MacAddress kept;
  };
  const Case cases[] = {{0, second_mac, "S ", first_mac},                       // case I: doubts
                        {solicited, second_mac, "S ", first_mac},               // the same
                        {0, first_mac, "R ", first_mac},                        // nothing new
                        {overrides, second_mac, "S ", second_mac},              // II, unsolicited
                        {solicited | overrides, second_mac, "R ", second_mac},  // II, solicited
                        {solicited, first_mac, "R ", first_mac}};
  for (const Case& c : cases) {
    Host h;
    prompt(h);
    advert(h, neighbour, solicited, first_mac);
    REQUIRE(entry(h) == "R " + to_text(first_mac));
    advert(h, neighbour, c.flags, c.mac);
    CHECK(entry(h) == c.state + to_text(c.kept));
  }
}

TEST_CASE("who is no router any more is no default router, either (RFC 4861 s7.2.5)") {
  Host h;
  h.advertise(86400, 3600);
  h.lab.pass(2_s);
  REQUIRE(h.lab.run("a", "netstat -rn6").says("default"));
  h.lab.run("a", "echo x | nc -u -w 0 2001:db8:99::1 9");
  NeighbourAdvert message;
  message.icmp.rest = solicited;
  message.target = v6("fe80::99");
  std::vector<uint8_t> octets(sizeof message);
  store(message, octets);
  add_link_option(octets, nd_option::target_link, first_mac);
  h.give_icmp(octets, "fe80::99", "2001:db8::1");
  CHECK_FALSE(h.lab.run("a", "netstat -rn6").says("default"));
}

TEST_CASE("of packets that wait for a neighbour the oldest gives way (RFC 4861 s7.2.2)") {
  Host h;
  h.lab.run("a", "sysctl net.inet6.icmp6.nd6_maxqueuelen=2");
  for (int i = 0; i < 5; ++i) prompt(h);
  CHECK(h.lab.dropped("queue_full") == 3);
  advert(h, neighbour, solicited, first_mac);
  h.lab.pass(10_ms);
  CHECK(h.lab.dropped("unresolved") == 0);
}

TEST_CASE("reachable, stale, delay, probe, unreachable: in RFC 4861's times") {
  Host h;
  prompt(h);
  advert(h, neighbour, solicited, first_mac);
  CHECK(entry(h).starts_with("R"));
  h.lab.pass(46_s);  // 30 s, between half of it and one and a half
  CHECK(entry(h).starts_with("S"));
  prompt(h);
  CHECK(entry(h).starts_with("D"));
  h.lab.pass(4900_ms);
  CHECK(entry(h).starts_with("D"));
  h.lab.pass(200_ms);  // DELAY_FIRST_PROBE_TIME
  CHECK(entry(h).starts_with("P"));
  h.lab.pass(3_s);  // MAX_UNICAST_SOLICIT, one second each; then RFC 7048
  CHECK(entry(h).starts_with("U"));
  advert(h, neighbour, solicited, first_mac);
  CHECK(entry(h).starts_with("R"));
}

TEST_CASE("nobody answers for a neighbour: his packets' senders hear of it after three tries") {
  Host h;
  const int64_t before = h.lab.counter("a", "tx_ns");
  const auto ping = h.lab.run("a", "ping -c 1 -t 5 2001:db8::77");
  CHECK(ping.exit != 0);
  CHECK(h.lab.counter("a", "tx_ns") - before == 3);
  CHECK(h.lab.dropped("unresolved") == 1);
  CHECK(entry(h, "2001:db8::77") == "none");
}

TEST_CASE("a tentative address neither answers nor speaks, and its group is joined first") {
  Host h;
  h.lab.run("a", "ifconfig em0 inet6 2001:db8::77/64");
  NeighbourSolicit solicit;
  solicit.target = v6("2001:db8::77");
  std::vector<uint8_t> message(sizeof solicit);
  store(solicit, message);
  add_link_option(message, nd_option::source_link, first_mac);
  const int64_t before = h.lab.counter("a", "tx_na");
  h.give_icmp(message, neighbour, "ff02::1:ff00:77");
  CHECK(h.lab.counter("a", "tx_na") == before);
  CHECK(h.lab.run("a", "ping -S 2001:db8::77 -c 1 2001:db8::2").exit != 0);
  h.lab.lab.drain();
  const std::string trace = h.lab.trace.text();
  const size_t joined = trace.find("gaddr ff02::1:ff00:77"),
               tried = trace.find("who has 2001:db8::77");
  CHECK(joined != trace.npos);
  CHECK(joined < tried);
  h.lab.pass(2_s);
  h.give_icmp(message, neighbour, "ff02::1:ff00:77");
  CHECK(h.lab.counter("a", "tx_na") == before + 1);
}

TEST_CASE("our own solicitation that comes back is no duplicate, another's is (RFC 7527)") {
  Host h;
  h.lab.run("b", "ifconfig em0 up; tcpdump -i em0 -c 1 -w /tmp/f 'icmp6 and ip6[40] == 135' &");
  h.lab.pass(100_ms);
  h.lab.run("a", "ifconfig em0 inet6 2001:db8::77/64");
  h.lab.pass(100_ms);
  // The file has 24 octets, then 16 before the frame, whose packet is 14 further on.
  const std::string file = h.lab.run("b", "cat /tmp/f").output;
  REQUIRE(file.size() > 24 + 16 + 14 + 40);
  const std::string packet = file.substr(24 + 16 + 14);
  const std::vector<uint8_t> looped(packet.begin(), packet.end());
  h.give(Bytes(looped));
  h.lab.pass(5_s);
  CHECK_FALSE(h.lab.run("a", "ifconfig em0 | grep 8::77").says("duplicated"));
  CHECK_FALSE(h.lab.run("a", "ifconfig em0 | grep 8::77").says("tentative"));
  h.lab.run("a", "ifconfig em0 inet6 2001:db8::77 -alias; ifconfig em0 inet6 2001:db8::77/64");
  h.give(Bytes(looped));  // with an old nonce it is somebody else's
  h.lab.pass(3_s);
  CHECK(h.lab.run("a", "ifconfig em0 | grep 8::77").says("duplicated"));
}

TEST_CASE("an unknown option of type 10 is reported even if it went to a group (RFC 8200 s4.2)") {
  Host h;
  const auto errors = [&] { return h.lab.counter("a", "icp6s_error"); };
  const int64_t before = errors();
  h.give(ipv6_next::dest_options, {59, 0, 0x9e, 4, 0, 0, 0, 0}, neighbour, "ff02::1");
  CHECK(errors() == before + 1);
}

TEST_CASE("a parameter problem points at the octet that is wrong (RFC 4443 s3.4)") {
  Host h;
  prompt(h);
  advert(h, neighbour, solicited, first_mac);
  const auto pointer = [&] {
    h.lab.pass(10_ms);
    h.lab.lab.drain();
    const std::string all = h.lab.trace.text();
    const size_t at = all.rfind(" - octet ");
    return at == all.npos ? -1
                          : *parse_int(all.substr(at + 9, all.find_first_of(",\n", at) - at - 9));
  };
  h.give(ipv6_next::dest_options, {59, 0, 0x9e, 4, 0, 0, 0, 0}, neighbour);
  CHECK(pointer() == 42);  // the option's type
  h.give(ipv6_next::dest_options, {59, 0, 1, 0, 0x9e, 2, 0, 0}, neighbour);
  CHECK(pointer() == 44);
  h.give(99, {1, 2, 3, 4}, neighbour);
  CHECK(pointer() == 6);  // the number that nobody knows
  h.give(ipv6_next::routing, {59, 0, 0, 1, 0, 0, 0, 0}, neighbour);
  CHECK(pointer() == 42);  // segments left
}

TEST_CASE("a datagram over IPv6 needs a checksum (RFC 8200 s8.1)") {
  Host h;
  h.lab.run("a", "nc -6 -u -l 53 > /tmp/got &");
  h.give(ip_protocol::udp, udp_datagram(0), neighbour);
  CHECK(h.lab.dropped("bad_checksum") == 1);
  std::vector<uint8_t> sound = udp_datagram(0);
  const uint64_t pseudo =
      ip_pseudo_sum(v6(neighbour), v6("2001:db8::1"), ip_protocol::udp, sound.size());
  store(be16(internet_checksum(sound, pseudo)), MutableBytes(sound).subspan(6));
  h.give(ip_protocol::udp, sound, neighbour);
  h.lab.pass(10_ms);
  CHECK(h.lab.run("a", "cat /tmp/got").says("xx"));
}

TEST_CASE("an atomic fragment is a datagram of its own (RFC 6946), and none is made (RFC 8021)") {
  Host h;
  h.lab.run("a", "nc -6 -u -l 53 > /tmp/got &");
  std::vector<uint8_t> sound = udp_datagram(0);
  const uint64_t pseudo =
      ip_pseudo_sum(v6(neighbour), v6("2001:db8::1"), ip_protocol::udp, sound.size());
  store(be16(internet_checksum(sound, pseudo)), MutableBytes(sound).subspan(6));
  std::vector<uint8_t> fragment(8);
  store(Ipv6FragmentHeader{.next_header = ip_protocol::udp, .id = 7}, fragment);
  fragment.insert(fragment.end(), sound.begin(), sound.end());
  h.give(ipv6_next::fragment, fragment, neighbour);
  h.lab.pass(10_ms);
  CHECK(h.lab.run("a", "cat /tmp/got").says("xx"));
  CHECK(h.lab.counter("a", "ip6s_reassembled") == 0);
}

TEST_CASE("MLD comes from a link-local address or from none, with a router alert, one hop far") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b]\n");
  lab.run("b", "tcpdump -n -v -i em0 -c 3 'ip6[6] == 0' > /tmp/t &");
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64");
  lab.pass(5_s);
  int reports = 0;
  for (const std::string& line : split(lab.run("b", "cat /tmp/t").output, '\n')) {
    if (line.find("multicast listener report") == line.npos) continue;
    ++reports;
    CHECK(line.find("hlim 1,") != line.npos);
    CHECK((line.find(":: > ff02::16") != line.npos || line.find("fe80::") != line.npos));
    CHECK(line.find("next-header Options (0)") != line.npos);
  }
  CHECK(reports > 0);
}

TEST_CASE("addresses that nobody can have are dropped: groups as sources, ::1 from a link") {
  Host h;
  const auto sent = [&](const char* source, const char* dest) {
    h.give(59, {}, source, dest);
    return h.lab.dropped("bad_address");
  };
  CHECK(sent("ff02::1", "2001:db8::1") == 1);
  CHECK(sent("2001:db8::2", "::1") == 2);
  CHECK(sent("::1", "2001:db8::1") == 3);
  CHECK(sent("::ffff:10.0.0.1", "2001:db8::1") == 4);
  CHECK(sent("2001:db8::2", "ff01::1") == 5);
  CHECK(sent("2001:db8::2", "ff00::1") == 6);
}

// --- floods --------------------------------------------------------------------------------------

namespace {

// An unrelated flow goes on while `flood` gives a few packets at a time; of a hundred echoes at
// least ninety come back.
template <class Flood>
void flow_survives(Host& h, Flood flood) {
  h.lab.run("b", "ifconfig em0 inet6 2001:db8::2/64 no_dad");
  h.lab.pass(1_s);
  REQUIRE(h.lab.run("a", "ping -c 1 2001:db8::2").exit == 0);
  h.lab.run("a", "ping -q -i 0.01 -c 100 2001:db8::2 > /tmp/flow &");
  for (unsigned i = 0; i < 100; ++i) {
    for (unsigned n = 0; n < 50; ++n) flood(i * 50 + n);
    h.lab.pass(10_ms);
  }
  h.lab.pass(3_s);
  const std::string said = h.lab.run("a", "cat /tmp/flow").output;
  const size_t at = said.find("transmitted, ");
  REQUIRE(at != said.npos);
  CHECK(*parse_int(said.substr(at + 13, said.find(' ', at + 13) - at - 13)) >= 90);
}

}  // namespace

TEST_CASE("flood of advertisements: routers and prefixes are limited, and others go on") {
  Host h;
  flow_survives(h, [&](unsigned n) {
    RouterAdvert advert;
    advert.icmp.rest = 1800;
    std::vector<uint8_t> message(sizeof advert + sizeof(NdPrefix));
    store(advert, message);
    store(NdPrefix{.flags = NdPrefix::on_link | NdPrefix::autonomous,
                   .valid_s = 86400,
                   .preferred_s = 3600,
                   .prefix = v6(text("2001:db9:{:x}::", n).c_str())},
          MutableBytes(message).subspan(sizeof advert));
    h.give_icmp(message, text("fe80::9:{:x}", n + 1).c_str(), "ff02::1");
  });
  ListRouters6 routers;
  h.inet().routers().list(routers);
  CHECK(routers.routers.size() == 16);
  ListPrefixes6 prefixes;
  h.inet().routers().list(prefixes);
  CHECK(prefixes.prefixes.size() == 16);
  CHECK(h.lab.counter("a", "refused_ra") > 9000);
  h.lab.run("a", "ndp -R; ndp -P; sysctl net.inet6.ip6.maxifprefixes=2");
  h.advertise(86400, 3600);
  CHECK(h.valid_left() > 0);
}

TEST_CASE("flood of solicitations: the neighbour cache is limited, and others go on") {
  Host h;
  h.lab.run("a", "sysctl net.inet6.icmp6.nd6_maxentries=100");
  flow_survives(h, [&](unsigned n) {
    NeighbourSolicit solicit;
    solicit.target = v6("2001:db8::1");
    std::vector<uint8_t> message(sizeof solicit);
    store(solicit, message);
    add_link_option(message, nd_option::source_link, first_mac);
    h.give_icmp(message, text("2001:db8::5:{:x}", n + 1).c_str(), "ff02::1:ff00:1");
  });
  CHECK(h.inet().neighbours().entries().size() <= 110);
  CHECK(h.lab.counter("a", "refused") > 4000);
}

TEST_CASE("flood of fragments: reassembly is limited, and others go on") {
  Host h;
  h.lab.run("a", "sysctl net.inet6.ip6.maxfragpackets=20");
  flow_survives(h, [&](unsigned n) {
    std::vector<uint8_t> octets(8 + 64, 0);
    store(
        Ipv6FragmentHeader{
            .next_header = ip_protocol::udp, .offset_and_flags = uint16_t(1), .id = n},
        octets);
    h.give(ipv6_next::fragment, octets, "2001:db8::66");
  });
  CHECK(h.lab.counter("a", "ip6s_fragoverflow") > 4900);
}

TEST_CASE("flood of queries with sources: what is remembered is limited, and others go on") {
  Host h;
  h.lab.run("a", "printf 'e ff15::1 em0 1 2001:db8::9\\ns 600\\n' | mtest > /dev/null &");
  flow_survives(h, [&](unsigned n) {
    MldMessage query;
    query.max_response_ms = 100'000;
    query.group = v6("ff15::1");
    for (unsigned i = 0; i < 80; ++i)
      query.sources.push_back(v6(text("2001:db8:{:x}::{:x}", n + 1, i + 1).c_str()));
    std::vector<uint8_t> message = emit_mld(query);
    finish_icmpv6(message, v6("fe80::99"), v6("ff15::1"));
    std::vector<uint8_t> payload{58, 0, 5, 2, 0, 0, 1, 0};
    payload.insert(payload.end(), message.begin(), message.end());
    h.give(ipv6_next::hop_by_hop, payload, "fe80::99", "ff15::1", 1);
  });
  CHECK(h.lab.run("a", "ifmcstat -f inet6").says("ff15::1"));
}

TEST_CASE("flood of groups: a router's and a socket's tables are limited") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b]\n");
  lab.run("a", "sysctl net.inet6.mld.max_groups=40; ifconfig em0 inet6 2001:db8::1/64");
  lab.run("a", "(for i in $(seq 1 100); do echo j ff15::$i em0; done; echo q) | mtest > /tmp/o");
  CHECK(lab.run("a", "grep -c ok /tmp/o").output != "100\n");
  CHECK(lab.run("a", "grep -c 'No buffer space' /tmp/o").exit == 0);
  CHECK(lab.counter("a", "mlds_refused") > 60);
}
