#include <catch2/catch.hpp>

#include "core/capture/filter.h"
#include "core/dissect/dissect.h"
#include "core/wire/link/arp.h"
#include "core/wire/link/ethernet.h"
#include "core/wire/net/icmp.h"
#include "core/wire/net/igmp.h"
#include "core/wire/net/ipv4.h"

using namespace stackyard;

namespace {
std::vector<uint8_t> frame_of(uint16_t type, std::vector<uint8_t> payload) {
  std::vector<uint8_t> frame(14);
  store(EthernetHeader{MacAddress::broadcast(), {{2, 0, 0, 0, 0, 1}}, type}, frame);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}
}  // namespace

TEST_CASE("an Ethernet frame is taken apart: II, 802.1Q, 802.3 with LLC and SNAP") {
  const auto plain = parse_ethernet(frame_of(0x0800, {1, 2, 3}));
  REQUIRE(plain);
  CHECK(plain->type == 0x0800);
  CHECK(plain->payload.size() == 3);
  const auto tagged = parse_ethernet(frame_of(0x8100, {0x60, 0x0a, 0x08, 0x06, 9}));
  REQUIRE(tagged);
  CHECK(tagged->tagged);
  CHECK(tagged->vlan == 10);
  CHECK(tagged->priority == 3);
  CHECK(tagged->type == 0x0806);
  const auto snap = parse_ethernet(frame_of(9, {0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00, 7, 0, 0}));
  REQUIRE(snap);
  CHECK(snap->llc);
  CHECK(snap->type == 0x0800);
  CHECK(snap->payload.size() == 1);  // padding is cut off by the length
  CHECK(&parse_ethernet(frame_of(50, {1, 2})).why() == &drops::bad_length);
  CHECK(&parse_ethernet(std::vector<uint8_t>(13)).why() == &drops::truncated);
}

TEST_CASE("an IPv4 header is refused for each thing that can be wrong with it") {
  std::vector<uint8_t> packet(28);
  store(Ipv4Header{.total_length = 28, .protocol = 17, .source = 0x0a000001, .dest = 0x0a000002},
        packet);
  finish_ipv4_header(packet);
  CHECK(parse_ipv4_header(packet));
  auto broken = packet;
  broken[8] ^= 1;
  CHECK(&parse_ipv4_header(broken).why() == &drops::bad_checksum);
  broken = packet;
  broken[0] = 0x65;
  CHECK(&parse_ipv4_header(broken).why() == &drops::bad_version);
  broken = packet;
  broken[0] = 0x44;
  CHECK(&parse_ipv4_header(broken).why() == &drops::bad_length);
  broken.assign(packet.begin(), packet.begin() + 27);
  CHECK(&parse_ipv4_header(broken).why() == &drops::bad_length);
  broken.resize(19);
  CHECK(&parse_ipv4_header(broken).why() == &drops::truncated);
}

TEST_CASE("options are walked to their end, and a malformed one is found at its octet") {
  std::vector<uint8_t> header(28);
  header[20] = ipv4_option::nop;
  header[21] = ipv4_option::record_route;
  header[22] = 6;
  size_t seen = 0;
  CHECK(for_each_option(header, [&](const Ipv4Option& o) {
          ++seen;
          CHECK(o.offset == 21);
          CHECK(o.length == 6);
        }) == 0);
  CHECK(seen == 1);
  header[22] = 200;
  CHECK(for_each_option(header, [](const Ipv4Option&) {}) == 22);
  header[22] = 0;
  CHECK(for_each_option(header, [](const Ipv4Option&) {}) == 22);
}

TEST_CASE("what IGMP emits it parses: reports and queries of every version") {
  for (const IgmpMessage& message :
       {IgmpMessage{
            .type = igmp_type::v2_report, .group = {0xe0000105}, .sources = {}, .records = {}},
        IgmpMessage{.type = igmp_type::query,
        .version = 3,
        .max_response_ms = 10'000,
        .group = {0xe0000105},
        .sources = {{0x0a000001}},
        .records = {}},
        IgmpMessage{.type = igmp_type::v3_report,
        .sources = {},
        .records = {{igmp_record::to_exclude, {0xe0000105}, {{1}, {2}}}}}}) {
    const auto octets = emit_igmp(message);
    const auto parsed = parse_igmp(octets);
    REQUIRE(parsed);
    CHECK(emit_igmp(*parsed) == octets);
    CHECK(describe(*parsed) == describe(message));
  }
}

TEST_CASE("ARP is described in tcpdump's words") {
  ArpHeader arp{.operation = 1,
                .sender_mac = {},
                .sender_ip = 0x0a000001,
                .target_mac = {},
                .target_ip = 0x0a000002};
  CHECK(describe(arp) == "Request who-has 10.0.0.2 tell 10.0.0.1");
  std::vector<uint8_t> octets(28);
  store(arp, octets);
  CHECK(one_line(frame_of(0x0806, octets)) ==
        "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28");
}

TEST_CASE("filters know the capture language and never look a name up") {
  CHECK(PacketFilter::compile("icmp and host 10.0.0.1 or udp port 53").error.empty());
  CHECK(PacketFilter::compile("tcp[13] & 2 != 0 and ether host 02:00:00:00:00:01").error.empty());
  CHECK(PacketFilter::compile("net 10.0.0.0/8 and portrange 1-9").error.empty());
  const auto named = PacketFilter::compile("host example");
  CHECK(named.word == "example");
  CHECK(named.column == 5);
  CHECK_FALSE(PacketFilter::compile("ip and and").error.empty());
}
