// Address translation as its users see it: what goes out, what comes in, and as whom.
#include <catch2/catch.hpp>

#include "core/alias/alias.h"
#include "core/packet/packet_pool.h"
#include "core/wire/net/icmp.h"
#include "core/wire/net/ip_pseudo.h"
#include "core/wire/transport/tcp.h"
#include "core/wire/transport/udp.h"

using namespace stackyard;

namespace {

Ipv4Address ip4(const char* text) { return *parse_ipv4(text); }
const Ipv4Address inside = ip4("10.0.0.2"), other = ip4("10.0.0.3"), gateway = ip4("192.0.2.1"),
                  server = ip4("198.51.100.9");

struct End {
  Ipv4Address address;
  uint16_t port;
  bool operator==(const End&) const = default;
};

template <class Header>
std::vector<uint8_t> with_text(const Header& header, std::string_view text) {
  std::vector<uint8_t> octets(sizeof header + text.size());
  store(header, octets);
  for (size_t i = 0; i < text.size(); ++i) octets[sizeof header + i] = uint8_t(text[i]);
  return octets;
}

// A gateway, packets for it, and a look at what becomes of them.
struct Bench {
  explicit Bench(AliasMode mode = {}) : alias(RandomStream(7, 1, "alias")) {
    alias.set_mode(mode);
    alias.set_address(gateway);
  }

  Packet ip(uint8_t protocol, Ipv4Address from, Ipv4Address to, Bytes payload,
            uint16_t fragment = 0, uint16_t id = 77) {
    Packet packet = pool.make(1, payload);
    Ipv4Header header;
    header.total_length = uint16_t(20 + payload.size());
    header.protocol = protocol;
    header.source = from.value;
    header.dest = to.value;
    header.fragment = fragment;
    header.id = id;
    packet.prepend_header(header);
    finish_ipv4_header(packet.writable_front().first(20));
    return packet;
  }
  Packet udp(End from, End to, std::string_view text = "hello", uint16_t fragment = 0) {
    const auto size = uint16_t(8 + text.size());
    std::vector<uint8_t> octets = with_text(UdpHeader{from.port, to.port, size, 0}, text);
    const uint64_t pseudo = ipv4_pseudo_sum(from.address, to.address, 17, octets.size());
    store(be16(internet_checksum(octets, pseudo)), MutableBytes(octets).subspan(6));
    return ip(17, from.address, to.address, octets, fragment);
  }
  Packet tcp(End from, End to, uint8_t flags, std::string_view text = "", uint32_t seq = 1000,
             uint32_t ack = 0) {
    TcpHeader header;
    header.source_port = from.port;
    header.dest_port = to.port;
    header.sequence = seq;
    header.acknowledgment = ack;
    header.flags = flags;
    std::vector<uint8_t> octets = with_text(header, text);
    const uint64_t pseudo = ipv4_pseudo_sum(from.address, to.address, 6, octets.size());
    store(be16(internet_checksum(octets, pseudo)), MutableBytes(octets).subspan(16));
    return ip(6, from.address, to.address, octets);
  }
  Packet echo(uint8_t type, Ipv4Address from, Ipv4Address to, uint16_t id) {
    std::vector<uint8_t> octets(16);
    store(IcmpHeader{type, 0, 0, uint32_t(id) << 16 | 1}, octets);
    finish_icmp(octets);
    return ip(1, from, to, octets);
  }

  PacketPool pool;
  Alias alias;
};

// The ends of a packet whose checksums must be right.
std::pair<End, End> ends(Packet& packet) {
  const Bytes octets = packet.octets();
  const auto header = parse_ipv4_header(octets);
  REQUIRE(header);
  const Bytes body = octets.subspan(header->header_size());
  if (header->protocol == 1) {
    REQUIRE(parse_icmp(body));
    const uint16_t id = load<be16>(body.subspan(4));
    return {{header->source_address(), id}, {header->dest_address(), id}};
  }
  if (!header->is_fragment()) {
    const uint64_t pseudo = ipv4_pseudo_sum(header->source_address(), header->dest_address(),
                                            header->protocol, body.size());
    CHECK(internet_checksum(body, pseudo) == 0);
  }
  return {{header->source_address(), load<be16>(body)},
          {header->dest_address(), load<be16>(body.subspan(2))}};
}

std::string text_of(Packet& packet) {
  const Bytes octets = packet.octets().subspan(40);
  return {octets.begin(), octets.end()};
}

}  // namespace

TEST_CASE("two inside hosts with the same port share one address", "[alias]") {
  Bench b;
  uint16_t ports[2];
  for (const Ipv4Address host : {inside, other}) {
    Packet packet = b.udp({host, 5000}, {server, 53});
    REQUIRE(b.alias.out(packet, 1_s) == AliasResult::ok);
    const auto [from, to] = ends(packet);
    CHECK(from.address == gateway);
    CHECK(to == End{server, 53});
    CHECK(from.port >= 0x8000);
    ports[host == other] = from.port;

    Packet answer = b.udp({server, 53}, from);
    REQUIRE(b.alias.in(answer, 2_s) == AliasResult::ok);
    CHECK(ends(answer).second == End{host, 5000});
  }
  CHECK(ports[0] != ports[1]);
}

TEST_CASE("the inside's port is kept where nobody else has it, if that is wanted", "[alias]") {
  Bench b({.same_ports = true});
  Packet first = b.udp({inside, 5000}, {server, 53}), second = b.udp({other, 5000}, {server, 53});
  REQUIRE(b.alias.out(first, 1_s) == AliasResult::ok);
  REQUIRE(b.alias.out(second, 1_s) == AliasResult::ok);
  CHECK(ends(first).first.port == 5000);
  CHECK(ends(second).first.port != 5000);
}

TEST_CASE("what nobody asked for goes where it is addressed, or nowhere", "[alias]") {
  Bench b;
  Packet packet = b.udp({server, 53}, {gateway, 4000});
  CHECK(b.alias.in(packet, 1_s) == AliasResult::ok);
  CHECK(ends(packet).second == End{gateway, 4000});

  Bench closed({.deny_incoming = true});
  Packet refused = closed.udp({server, 53}, {gateway, 4000});
  CHECK(closed.alias.in(refused, 1_s) == AliasResult::ignored);
  CHECK(closed.alias.links().size() == 0);

  b.alias.set_target(inside);
  Packet targeted = b.udp({server, 54}, {gateway, 4000});
  CHECK(b.alias.in(targeted, 1_s) == AliasResult::ok);
  CHECK(ends(targeted).second == End{inside, 4000});
}

TEST_CASE("a mapping ends 60 s after its last datagram", "[alias]") {
  Bench b({.deny_incoming = true});
  Packet packet = b.udp({inside, 5000}, {server, 53});
  REQUIRE(b.alias.out(packet, 1_s) == AliasResult::ok);
  const End seen = ends(packet).first;
  for (const auto& [at, result] : {std::pair{60_s, AliasResult::ok},
                                   {120_s, AliasResult::ok},
                                   {180_s + 1_ns, AliasResult::ignored}}) {
    Packet answer = b.udp({server, 53}, seen);
    CHECK(b.alias.in(answer, at) == result);
  }
  CHECK(b.alias.links().size() == 0);
}

TEST_CASE("a TCP connection's mapping lives a day, and 10 s after its end", "[alias]") {
  Bench b({.deny_incoming = true});
  const End client{inside, 5000}, web{server, 80};
  Packet syn = b.tcp(client, web, tcp_flag::syn);
  REQUIRE(b.alias.out(syn, 0_s) == AliasResult::ok);
  const End seen = ends(syn).first;
  const auto in = [&](uint8_t flags, SimTime at) {
    Packet packet = b.tcp(web, seen, flags);
    return b.alias.in(packet, at);
  };
  CHECK(in(tcp_flag::syn | tcp_flag::ack, 1_s) == AliasResult::ok);
  CHECK(in(tcp_flag::ack, 86'000_s) == AliasResult::ok);
  CHECK(in(tcp_flag::fin | tcp_flag::ack, 86'001_s) == AliasResult::ok);
  CHECK(in(tcp_flag::ack, 86'091_s) == AliasResult::ok);  // 90 s half closed
  Packet fin = b.tcp(client, web, tcp_flag::fin | tcp_flag::ack);
  CHECK(b.alias.out(fin, 86'092_s) == AliasResult::ok);
  CHECK(in(tcp_flag::ack, 86'102_s) == AliasResult::ok);
  CHECK(in(tcp_flag::ack, 86'113_s) == AliasResult::ignored);
}

TEST_CASE("echo requests are told apart by their identifiers", "[alias]") {
  Bench b({.deny_incoming = true});
  Packet one = b.echo(8, inside, server, 9), two = b.echo(8, other, server, 9);
  REQUIRE(b.alias.out(one, 1_s) == AliasResult::ok);
  REQUIRE(b.alias.out(two, 1_s) == AliasResult::ok);
  const uint16_t id = ends(two).first.port;
  CHECK(ends(one).first.port != id);
  Packet reply = b.echo(0, server, gateway, id);
  REQUIRE(b.alias.in(reply, 1_s) == AliasResult::ok);
  CHECK(ends(reply).second == End{other, 9});
}

TEST_CASE("an ICMP error finds the host whose packet it quotes", "[alias]") {
  Bench b({.deny_incoming = true});
  Packet packet = b.udp({inside, 5000}, {server, 33434});
  REQUIRE(b.alias.out(packet, 1_s) == AliasResult::ok);
  const Bytes sent = packet.octets();
  std::vector<uint8_t> message(8 + sent.size());
  store(IcmpHeader{icmp_type::time_exceeded, 0, 0, 0}, message);
  std::copy(sent.begin(), sent.end(), message.begin() + 8);
  finish_icmp(message);
  Packet error = b.ip(1, ip4("203.0.113.1"), gateway, message);
  REQUIRE(b.alias.in(error, 1_s) == AliasResult::ok);
  CHECK(ends(error).second.address == inside);
  // The quotation is what the host had sent, checksums and all.
  const Bytes quoted = error.octets().subspan(28);
  Packet original = b.udp({inside, 5000}, {server, 33434});
  CHECK(std::ranges::equal(quoted, original.octets()));
}

TEST_CASE("a redirected port reaches its host, and answers come from the alias", "[alias]") {
  Bench b({.deny_incoming = true});
  const uint32_t id = b.alias.redirect_port(
      {.protocol = 6, .local = inside, .local_port = 80, .alias_port = 8080}, 0_s);
  REQUIRE(id != 0);
  Packet syn = b.tcp({server, 40000}, {gateway, 8080}, tcp_flag::syn);
  REQUIRE(b.alias.in(syn, 1_s) == AliasResult::ok);
  CHECK(ends(syn).second == End{inside, 80});
  Packet answer = b.tcp({inside, 80}, {server, 40000}, tcp_flag::syn | tcp_flag::ack);
  REQUIRE(b.alias.out(answer, 1_s) == AliasResult::ok);
  CHECK(ends(answer).first == End{gateway, 8080});
  // Another client is another link of the same redirection.
  Packet second = b.tcp({other, 40000}, {gateway, 8080}, tcp_flag::syn);
  CHECK(b.alias.in(second, 1_s) == AliasResult::ok);
  REQUIRE(b.alias.delete_redirect(id));
  Packet third = b.tcp({other, 40001}, {gateway, 8080}, tcp_flag::syn);
  CHECK(b.alias.in(third, 1_s) == AliasResult::ignored);
}

TEST_CASE("of redirections that overlap, the last one counts", "[alias]") {
  Bench b;
  for (const Ipv4Address host : {inside, other})
    b.alias.redirect_port({.protocol = 17, .local = host, .local_port = 53, .alias_port = 53}, 0_s);
  for (int i = 0; i < 200; ++i) {  // enough links for the hash table to grow
    Packet packet = b.udp({server, uint16_t(1000 + i)}, {gateway, 53});
    REQUIRE(b.alias.in(packet, 1_s) == AliasResult::ok);
    CHECK(ends(packet).second == End{other, 53});
  }
}

TEST_CASE("static addresses are translated whole, both ways", "[alias]") {
  Bench b({.same_ports = true});
  const Ipv4Address own = ip4("192.0.2.77");
  b.alias.redirect_address(inside, own, 0_s);
  Packet out = b.udp({inside, 5000}, {server, 53}), in = b.udp({server, 99}, {own, 123});
  REQUIRE(b.alias.out(out, 1_s) == AliasResult::ok);
  CHECK(ends(out).first == End{own, 5000});
  REQUIRE(b.alias.in(in, 1_s) == AliasResult::ok);
  CHECK(ends(in).second == End{inside, 123});
}

TEST_CASE("servers share a redirection's load in turn", "[alias]") {
  Bench b;
  const uint32_t id = b.alias.redirect_port({.protocol = 6, .alias_port = 80}, 0_s);
  b.alias.add_server(id, {inside, 80});
  b.alias.add_server(id, {other, 8080});
  for (int i = 0; i < 4; ++i) {
    Packet syn = b.tcp({server, uint16_t(1000 + i)}, {gateway, 80}, tcp_flag::syn);
    REQUIRE(b.alias.in(syn, 1_s) == AliasResult::ok);
    CHECK(ends(syn).second == (i % 2 ? End{other, 8080} : End{inside, 80}));
  }
}

TEST_CASE("fragments follow their first one inwards", "[alias]") {
  Bench b({.deny_incoming = true});
  b.alias.redirect_port({.protocol = 17, .local = inside, .local_port = 53, .alias_port = 53}, 0_s);
  const std::vector<uint8_t> rest(16, 0xaa);
  Packet early = b.ip(17, server, gateway, rest, 2);
  CHECK(b.alias.in(early, 1_s) == AliasResult::unresolved_fragment);
  Packet first = b.udp({server, 99}, {gateway, 53}, "12345678", ipv4_more_fragments);
  CHECK(b.alias.in(first, 1_s) == AliasResult::header_fragment);
  Packet second = b.ip(17, server, gateway, rest, 2);
  CHECK(b.alias.in(second, 1_s) == AliasResult::ok);
  CHECK(load<Ipv4Header>(second.front()).dest_address() == inside);
}

TEST_CASE("public sources pass unchanged where only private ones are translated", "[alias]") {
  Bench b({.deny_incoming = true, .unregistered_only = true});
  const End host{ip4("203.0.113.5"), 5000};
  Packet packet = b.udp(host, {server, 53});
  REQUIRE(b.alias.out(packet, 1_s) == AliasResult::ok);
  CHECK(ends(packet).first == host);
  Packet answer = b.udp({server, 53}, host);
  CHECK(b.alias.in(answer, 1_s) == AliasResult::ok);
  CHECK(ends(answer).second == host);
}

TEST_CASE("an endpoint-independent mapping serves all remote ends", "[alias]") {
  Bench b({.deny_incoming = true, .endpoint_independent = true});
  Packet one = b.udp({inside, 5000}, {server, 53}), two = b.udp({inside, 5000}, {other, 54});
  REQUIRE(b.alias.out(one, 1_s) == AliasResult::ok);
  REQUIRE(b.alias.out(two, 1_s) == AliasResult::ok);
  const End seen = ends(one).first;
  CHECK(ends(two).first == seen);
  Packet stranger = b.udp({ip4("203.0.113.5"), 1}, seen);
  REQUIRE(b.alias.in(stranger, 1_s) == AliasResult::ok);
  CHECK(ends(stranger).second == End{inside, 5000});
}

TEST_CASE("FTP's PORT opens a way in, and the stream moves by its length", "[alias]") {
  Bench b({.deny_incoming = true});
  const End client{inside, 1024}, ftp{server, 21};
  const std::string port = "PORT 10,0,0,2,4,1\r\n";
  Packet command = b.tcp(client, ftp, tcp_flag::ack, port, 1000, 500);
  REQUIRE(b.alias.out(command, 1_s) == AliasResult::ok);
  const End seen = ends(command).first;
  const std::string said = text_of(command);
  unsigned high, low;
  REQUIRE(std::sscanf(said.c_str(), "PORT 192,0,2,1,%u,%u\r\n", &high, &low) == 2);
  const int change = int(said.size()) - int(port.size());

  Packet again = b.tcp(client, ftp, tcp_flag::ack, port, 1000, 500);
  REQUIRE(b.alias.out(again, 1_s) == AliasResult::ok);
  CHECK(text_of(again) == said);
  CHECK(load<TcpHeader>(again.octets().subspan(20)).sequence == 1000u);

  Packet data = b.tcp({server, 20}, {gateway, uint16_t(high * 256 + low)}, tcp_flag::syn);
  REQUIRE(b.alias.in(data, 1_s) == AliasResult::ok);
  CHECK(ends(data).second == End{inside, 1025});

  const uint32_t next = uint32_t(1000 + port.size());
  Packet more = b.tcp(client, ftp, tcp_flag::ack, "LIST\r\n", next, 500);
  REQUIRE(b.alias.out(more, 1_s) == AliasResult::ok);
  ends(more);
  CHECK(load<TcpHeader>(more.octets().subspan(20)).sequence == next + uint32_t(change));
  Packet ack = b.tcp(ftp, seen, tcp_flag::ack, "", 500, next + uint32_t(change));
  REQUIRE(b.alias.in(ack, 1_s) == AliasResult::ok);
  ends(ack);
  CHECK(load<TcpHeader>(ack.octets().subspan(20)).acknowledgment == next);
}

TEST_CASE("announced ends are rewritten in every spelling, but only one's own", "[alias]") {
  const auto [text, remote, changes] = GENERATE(
      table<std::string, uint16_t, bool>({{"EPRT |1|10.0.0.2|1025|\r\n", 21, true},
                                          {"EPRT |2|::1|1025|\r\n", 21, false},
                                          {"PORT 10,0,0,3,4,1\r\n", 21, false},
                                          {"PORT 10,0,0,2,4\r\n", 21, false},
                                          {"PORT 10,0,0,2,4,999\r\n", 21, false},
                                          {"227 Passive (10,0,0,2,4,1)\r\n", 21, true},
                                          {"229 Extended (|||1025|)\r\n", 21, true},
                                          {"\001DCC SEND x 167772162 1025\001", 6667, true},
                                          {"\001DCC SEND x 167772163 1025\001", 6667, false},
                                          {"\001DCC SEND", 6667, false},
                                          {"PORT 10,0,0,2,4,1\r\n", 22, false}}));
  CAPTURE(text);
  Bench b;
  Packet packet = b.tcp({inside, 1024}, {server, remote}, tcp_flag::ack, text);
  REQUIRE(b.alias.out(packet, 1_s) == AliasResult::ok);
  ends(packet);
  CHECK((text_of(packet) != text) == changes);
  CHECK(b.alias.links().size() == (changes ? 2u : 1u));
}
