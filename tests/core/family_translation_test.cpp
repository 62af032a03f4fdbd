// Between the families: addresses as the RFCs print them, and packets there and back.
#include <catch2/catch.hpp>

#include "core/alias/family_translation.h"
#include "core/packet/packet_pool.h"
#include "core/wire/net/icmp.h"
#include "core/wire/transport/tcp.h"
#include "core/wire/transport/udp.h"

using namespace stackyard;

namespace {

Ipv4Address ip4(const char* text) { return *parse_ipv4(text); }
Ipv6Address ip6(const char* text) { return *parse_ipv6(text); }
Ipv6Prefix prefix6(const char* text) { return *parse_ipv6_prefix(text); }

const Ipv6Prefix world = prefix6("64:ff9b::/96");
const Ipv6Address host = ip6("2001:db8::5");
const Ipv4Address alias = ip4("203.0.113.1"), server = ip4("198.51.100.7");

// One host, behind one address; ports stay.
class OneHost final : public FamilyMapper {
 public:
  std::optional<Flow6> to_6(const Flow4& flow, bool quoted) override {
    if ((quoted ? flow.source : flow.dest) != alias) return std::nullopt;
    const Ipv6Address far = embed(world, quoted ? flow.dest : flow.source);
    return Flow6{quoted ? host : far, quoted ? far : host, flow.source_port, flow.dest_port,
                 flow.protocol};
  }
  std::optional<Flow4> to_4(const Flow6& flow, bool quoted) override {
    if ((quoted ? flow.dest : flow.source) != host) return std::nullopt;
    const Ipv4Address far = extract(world, quoted ? flow.source : flow.dest);
    return Flow4{quoted ? far : alias, quoted ? alias : far, flow.source_port, flow.dest_port,
                 flow.protocol};
  }
  Ipv6Address author_6(Ipv4Address author) override { return embed(world, author); }
  Ipv4Address author_4(const Ipv6Address&, Ipv4Address otherwise) override { return otherwise; }
};

struct Bench {
  Packet v6(uint8_t next, std::vector<uint8_t> body) {
    Packet packet = pool.make(1, body);
    Ipv6Header ip;
    ip.next_header = next;
    ip.payload_length = uint16_t(body.size());
    ip.source = host;
    ip.dest = embed(world, server);
    packet.prepend_header(ip);
    return packet;
  }
  Packet v4(uint8_t protocol, std::vector<uint8_t> body, uint16_t fragment = 0) {
    Packet packet = pool.make(1, body);
    Ipv4Header ip;
    ip.protocol = protocol;
    ip.total_length = uint16_t(20 + body.size());
    ip.source = server.value;
    ip.dest = alias.value;
    ip.fragment = fragment;
    ip.id = 99;
    packet.prepend_header(ip);
    finish_ipv4_header(packet.writable_front().first(20));
    return packet;
  }
  std::vector<uint8_t> segment(const IpAddress& from, const IpAddress& to, uint8_t protocol,
                               size_t checksum_at) {
    std::vector<uint8_t> octets(protocol == 6 ? 33 : 31, 'x');
    store(be16(5000), octets);
    store(be16(80), MutableBytes(octets).subspan(2));
    if (protocol == 17) store(be16(uint16_t(octets.size())), MutableBytes(octets).subspan(4));
    if (protocol == 6) octets[12] = 0x50;
    store(be16(0), MutableBytes(octets).subspan(checksum_at));
    const uint16_t sum =
        internet_checksum(octets, ip_pseudo_sum(from, to, protocol, octets.size()));
    store(be16(sum), MutableBytes(octets).subspan(checksum_at));
    return octets;
  }
  PacketPool pool;
  OneHost map;
};

// What follows the header; all checksums must be right.
Bytes body_of(Packet& packet) {
  const Bytes octets = packet.octets();
  if (octets[0] >> 4 == 4) {
    const auto ip = parse_ipv4_header(octets);
    REQUIRE(ip);
    const Bytes body = octets.subspan(20);
    if (ip->protocol == 1)
      CHECK(parse_icmp(body));
    else if (!ip->is_fragment())
      CHECK(internet_checksum(body, ipv4_pseudo_sum(ip->source_address(), ip->dest_address(),
                                                    ip->protocol, body.size())) == 0);
    return body;
  }
  const auto ip = parse_ipv6_header(octets, octets.size());
  REQUIRE(ip);
  const Bytes body = octets.subspan(40);
  if (ip->next_header != 44)
    CHECK(internet_checksum(
              body, ip_pseudo_sum(ip->source, ip->dest, ip->next_header, body.size())) == 0);
  return body;
}

}  // namespace

TEST_CASE("IPv4 addresses lie in prefixes as RFC 6052 prints them", "[family]") {
  const auto [prefix, address] = GENERATE(
      table<const char*, const char*>({{"2001:db8::/32", "2001:db8:c000:221::"},
                                       {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
                                       {"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
                                       {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
                                       {"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
                                       {"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"}}));
  CHECK(embed(prefix6(prefix), ip4("192.0.2.33")) == ip6(address));
  CHECK(extract(prefix6(prefix), ip6(address)) == ip4("192.0.2.33"));
}

TEST_CASE("a prefix is exchanged as RFC 6296 does it, and no checksum changes", "[family]") {
  Bench b;
  const PrefixTranslation translation(prefix6("fd01:203:405::/48"), prefix6("2001:db8:1::/48"));
  Packet packet = b.v6(17, std::vector<uint8_t>(8));
  auto ip = load<Ipv6Header>(packet.front());
  ip.source = ip6("fd01:203:405:1::1234");
  store(ip, packet.writable_front());
  const uint16_t before = checksum_fold(checksum_add(0, ip.source.octets));
  REQUIRE(translation.out(packet));
  ip = load<Ipv6Header>(packet.front());
  CHECK(to_text(ip.source) == "2001:db8:1:d550::1234");
  CHECK(checksum_fold(checksum_add(0, ip.source.octets)) == before);
  ip.dest = ip.source;
  store(ip, packet.writable_front());
  REQUIRE(translation.in(packet));
  CHECK(to_text(load<Ipv6Header>(packet.front()).dest) == "fd01:203:405:1::1234");
  CHECK(!translation.in(packet));  // it is not of the outer prefix any more
}

TEST_CASE("TCP and UDP keep their content between the families", "[family]") {
  const auto [protocol, at] = GENERATE(table<uint8_t, size_t>({{6, 16}, {17, 6}}));
  Bench b;
  const auto there = b.segment(host, embed(world, server), protocol, at);
  Packet out = b.v6(protocol, there);
  REQUIRE(translate_to_4(out, b.map, 7) == nullptr);
  const Bytes v4 = body_of(out);
  const auto ip = load<Ipv4Header>(out.octets());
  CHECK(ip.source_address() == alias);
  CHECK(ip.dest_address() == server);
  CHECK(ip.id == 7);
  CHECK(!ip.dont_fragment());
  CHECK(std::ranges::equal(v4.subspan(20), Bytes(there).subspan(20)));

  const auto back = b.segment(server, alias, protocol, at);
  Packet in = b.v4(protocol, back);
  REQUIRE(translate_to_6(in, b.map) == nullptr);
  body_of(in);
  const auto ip_6 = load<Ipv6Header>(in.octets());
  CHECK(ip_6.source == embed(world, server));
  CHECK(ip_6.dest == host);
}

TEST_CASE("a datagram without a checksum gets one, a fragment of such dies", "[family]") {
  Bench b;
  auto datagram = b.segment(server, alias, 17, 6);
  store(be16(0), MutableBytes(datagram).subspan(6));
  Packet whole = b.v4(17, datagram);
  REQUIRE(translate_to_6(whole, b.map) == nullptr);
  body_of(whole);
  Packet first = b.v4(17, datagram, ipv4_more_fragments);
  CHECK(translate_to_6(first, b.map) == &drops::not_translatable);
}

TEST_CASE("fragments stay fragments", "[family]") {
  Bench b;
  Packet later = b.v4(17, std::vector<uint8_t>(64, 1), uint16_t(ipv4_more_fragments | 185));
  REQUIRE(translate_to_6(later, b.map) == nullptr);
  const Bytes body = body_of(later);
  const auto fragment = load<Ipv6FragmentHeader>(body);
  CHECK(fragment.offset() == 1480);
  CHECK(fragment.more());
  CHECK(fragment.id == 99u);
  CHECK(body.size() == 72);
  // And back: the other way round, as if the host had sent it.
  auto ip = load<Ipv6Header>(later.front());
  std::swap(ip.source, ip.dest);
  store(ip, later.writable_front());
  REQUIRE(translate_to_4(later, b.map, 0) == nullptr);
  const auto v4 = load<Ipv4Header>(later.octets());
  CHECK(v4.fragment_offset() == 1480);
  CHECK(v4.more_fragments());
  CHECK(v4.id == 99);
}

TEST_CASE("ping and its answer cross", "[family]") {
  Bench b;
  std::vector<uint8_t> echo(16);
  store(Icmpv6Header{icmpv6_type::echo, 0, 0, 5 << 16 | 1}, echo);
  finish_icmpv6(echo, host, embed(world, server));
  Packet out = b.v6(58, echo);
  REQUIRE(translate_to_4(out, b.map, 0) == nullptr);
  CHECK(body_of(out)[0] == icmp_type::echo);
  std::vector<uint8_t> reply(16);
  store(IcmpHeader{icmp_type::echo_reply, 0, 0, 5 << 16 | 1}, reply);
  finish_icmp(reply);
  Packet in = b.v4(1, reply);
  REQUIRE(translate_to_6(in, b.map) == nullptr);
  CHECK(body_of(in)[0] == icmpv6_type::echo_reply);
}

TEST_CASE("errors cross with what they quote, and their numbers change as RFC 7915 says",
          "[family]") {
  const auto [type, code, rest, to_type, to_code, to_rest] =
      GENERATE(table<int, int, uint32_t, int, int, uint32_t>({{3, 0, 0, 1, 0, 0},
                                                              {3, 2, 0, 4, 1, 6},
                                                              {3, 3, 0, 1, 4, 0},
                                                              {3, 4, 1400, 2, 0, 1420},
                                                              {3, 4, 0, 2, 0, 1280},
                                                              {3, 13, 0, 1, 1, 0},
                                                              {11, 0, 0, 3, 0, 0},
                                                              {12, 0, 8u << 24, 4, 0, 7}}));
  CAPTURE(type, code);
  Bench b;
  // The server complains about what the host had sent, as it looked outside.
  Packet sent = b.v6(17, b.segment(host, embed(world, server), 17, 6));
  const std::vector<uint8_t> original(sent.octets().begin(), sent.octets().end());
  REQUIRE(translate_to_4(sent, b.map, 0) == nullptr);
  std::vector<uint8_t> error(8);
  store(IcmpHeader{uint8_t(type), uint8_t(code), 0, rest}, error);
  error.insert(error.end(), sent.octets().begin(), sent.octets().end());
  finish_icmp(error);
  Packet in = b.v4(1, error);
  REQUIRE(translate_to_6(in, b.map) == nullptr);
  const Bytes body = body_of(in);
  const auto icmp = load<Icmpv6Header>(body);
  CHECK(int(icmp.type) == to_type);
  CHECK(int(icmp.code) == to_code);
  CHECK(uint32_t(icmp.rest) == to_rest);
  CHECK(std::ranges::equal(body.subspan(8), original));
}

TEST_CASE("what has no counterpart does not cross", "[family]") {
  Bench b;
  std::vector<uint8_t> message(8);
  store(IcmpHeader{icmp_type::router_solicit, 0, 0, 0}, message);
  finish_icmp(message);
  Packet solicit = b.v4(1, message);
  CHECK(translate_to_6(solicit, b.map) == &drops::not_translatable);
  Packet cut = b.v4(17, std::vector<uint8_t>(4));
  CHECK(translate_to_6(cut, b.map) == &drops::truncated);
  Packet foreign = b.v4(17, b.segment(server, alias, 17, 6));
  auto ip = load<Ipv4Header>(foreign.front());
  ip.dest = server.value;
  store(ip, foreign.writable_front());
  CHECK(translate_to_6(foreign, b.map) == &drops::not_mapped);
}
