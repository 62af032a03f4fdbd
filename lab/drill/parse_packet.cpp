// lab/drill/parse_packet.cpp - packets in a script: "< S 0:0(0) win 1000 <mss 1460>".
#include <algorithm>

#include "core/base/text.h"
#include "core/wire/transport/tcp.h"
#include "lab/drill/parser.h"

namespace stackyard::drill {

PacketSpec Parser::packet() {
  PacketSpec packet{.outbound = take().text == ">"};
  const int line = now().line;
  while (is_word("ipv4") || is_word("ipv6") || is_word("gre") || is_word("GREv0") ||
         is_word("mpls"))
    layer();
  // The FreeBSD dialect has an ICMP error's quotation in front of its name.
  const bool quoted_first =
      is_sign('[') && (ahead(1).kind == TokenKind::integer || ahead(1).text == "udp" ||
                       ahead(1).text == "sctp" || ahead(1).text == "udplite");
  if (quoted_first)
    quote(packet.icmp);
  else
    ip_spec(packet.ip);
  if (packet.ip.check == IpSpec::Check::ect0_or_ect1 && !packet.outbound)
    throw Failure{line, "[ect01] is for outbound packets"};
  ports(packet);
  if (is_word("sctp")) throw Skip{line, "SCTP is not in this build yet"};
  if (is_word("udplite")) throw Skip{line, "UDP-Lite is not in this build"};
  if (take_word("udp")) {
    packet.protocol = PacketSpec::Protocol::udp;
    ports(packet);
    need_sign('(');
    packet.length = uint32_t(integer(0, 65507, "a datagram's length"));
    need_sign(')');
  } else if (take_word("icmp") || take_word("icmpv6")) {
    icmp(packet);
  } else {
    tcp(packet);
  }
  return packet;
}

// Headers around the packet: read, so that the rest of the script is, too.
void Parser::layer() {
  const int line = now().line;
  const std::string name = take().text;
  while (!is_sign(':')) {
    if (now().kind == TokenKind::end || now().line != line) fail("':' belongs here");
    take();
  }
  take();
  throw Skip{line, name + " headers around a packet are not in this build yet"};
}

// [ect0], (tos 0x10), [flowlabel 0x1234], [ttl 5], and several with commas.
void Parser::ip_spec(IpSpec& ip) {
  const bool round = is_sign('(');
  if (!round && !is_sign('[')) return;
  take();
  do {
    if (now().kind != TokenKind::word) fail("[noecn], [ect0], [tos 0x..] or so belongs here");
    const std::string what = take().text;
    constexpr std::string_view codepoints[] = {"noecn", "ect1", "ect0", "ce"};
    const auto found = std::find(std::begin(codepoints), std::end(codepoints), what);
    if (found != std::end(codepoints)) {
      ip.check = IpSpec::Check::ecn;
      ip.tos = uint8_t(found - std::begin(codepoints));
    } else if (what == "ect01") {
      ip.check = IpSpec::Check::ect0_or_ect1;
    } else if (what == "tos") {
      ip.check = IpSpec::Check::tos;
      ip.tos = uint8_t(integer(0, 255, "tos"));
    } else if (what == "ttl" || what == "hlim") {
      ip.ttl = uint8_t(integer(1, 255, "ttl"));
    } else if (what == "flowlabel") {
      ip.flow_label = uint32_t(integer(0, 0xfffff, "flowlabel"));
    } else {
      throw Failure{now().line, "[" + what + "] is unknown"};
    }
  } while (take_sign(','));
  need_sign(round ? ')' : ']');
}

void Parser::ports(PacketSpec& packet) {
  const bool there =
      now().kind == TokenKind::integer && ahead(1).kind == TokenKind::sign && ahead(1).text == ">";
  if (!there) return;
  packet.source_port = number16("a port");
  need_sign('>');
  packet.dest_port = number16("a port");
}

// --- TCP ---------------------------------------------------------------------------------------

// "S.", "P.", "-" for none; a digit is AccECN's counter: ".5", "S5."
void Parser::tcp_flags(TcpSpec& tcp) {
  const int line = now().line;
  std::string letters;
  if (take_sign('-')) {
  } else if (now().kind == TokenKind::word || is_sign('.') || now().kind == TokenKind::fraction) {
    letters = take().text;
    const bool more = is_sign('.') || now().kind == TokenKind::fraction;
    if (more && now().joined) letters += take().text;
  } else {
    fail("a packet's flags belong here");
  }
  constexpr std::string_view known = "FSRP.UEWA";  // from bit 0
  bool ecn = false;
  for (const char letter : letters) {
    const size_t bit = known.find(letter);
    if (bit != known.npos) {
      tcp.flags |= uint16_t(1u << bit);
      ecn |= bit >= 6;
    } else if (letter >= '0' && letter <= '7' && !tcp.ace) {
      const int count = letter - '0';
      tcp.ace = count != 0;
      tcp.flags |= uint16_t((count & 1 ? tcp_flag::ece : 0) | (count & 2 ? tcp_flag::cwr : 0) |
                            (count & 4 ? TcpSpec::ae : 0));
    } else {
      throw Failure{line, text("Invalid TCP flag: '{}'", letter)};
    }
  }
  if (ecn && tcp.ace) throw Failure{line, "Conflicting TCP flags: " + letters};
}

// 1:1001(1000), with "!" not relative; ...(1000): whatever it is.
void Parser::sequence(TcpSpec& tcp) {
  if (now().kind == TokenKind::ellipsis) {
    take();
    need_sign('(');
    tcp.length = number16("a payload's length");
    need_sign(')');
    tcp.any_sequence = true;
    return;
  }
  const int line = now().line;
  tcp.sequence = number32("a sequence number");
  need_sign(':');
  const uint32_t end = number32("a sequence number");
  need_sign('(');
  tcp.length = number16("a payload's length");
  need_sign(')');
  if (end != tcp.sequence + tcp.length)
    throw Failure{line, "inconsistent TCP sequence numbers and payload size"};
  tcp.absolute = take_sign('!');
}

void Parser::tcp(PacketSpec& packet) {
  TcpSpec& tcp = packet.tcp;
  const int line = now().line;
  tcp_flags(tcp);
  sequence(tcp);
  if (take_word("ack")) tcp.ack = number32("an acknowledgment");
  if (take_word("win")) tcp.window = number16("a window");
  if (take_word("urg")) tcp.urgent = number16("an urgent pointer");
  if (!tcp.window && !packet.outbound)
    throw Failure{line, "window must be specified for inbound packets"};
  tcp.options.emplace();
  if (is_sign('<')) {
    take();
    if (now().kind == TokenKind::ellipsis) {
      take();
      tcp.options.reset();
      if (!packet.outbound) throw Failure{line, "<...> is for outbound packets"};
    } else {
      tcp.options = tcp_options();
    }
    need_sign('>');
  }
  if (take_sign('/')) in_udp(packet);
  if (is_sign('{')) throw Skip{line, "mutations of packets are not in this build"};
}

void Parser::in_udp(PacketSpec& packet) {
  need_word("udp");
  need_sign('(');
  packet.in_udp = true;
  packet.udp_source = number16("a port");
  need_sign('>');
  packet.udp_dest = number16("a port");
  need_sign(')');
}

std::vector<OptionSpec> Parser::tcp_options() {
  const int line = now().line;
  std::vector<OptionSpec> all;
  size_t size = 0;
  do {
    all.push_back(tcp_option());
    size += all.back().kind <= tcp_option::nop ? 1 : all.back().value.size() + 2;
  } while (take_sign(','));
  if (size > tcp_option::space_max) throw Failure{line, "TCP option list too long"};
  if (size % 4 != 0)
    throw Failure{line, text("TCP options are not padded to 4 octets: {} excess", size % 4)};
  return all;
}

// A cookie or a digest: hexadecimal digits, perhaps several words of them.
std::vector<uint8_t> Parser::octets() {
  std::string digits;
  const int line = now().line;
  while (now().kind == TokenKind::word || now().kind == TokenKind::integer ||
         now().kind == TokenKind::hexadecimal)
    digits += take().text;
  if (digits.starts_with("0x")) digits.erase(0, 2);
  std::vector<uint8_t> all;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const auto octet = parse_int("0x" + digits.substr(i, 2));
    if (i + 1 == digits.size() || !octet)
      throw Failure{line, "\"" + digits + "\" is no even count of hexadecimal digits"};
    all.push_back(uint8_t(*octet));
  }
  return all;
}

namespace {
void append(std::vector<uint8_t>& to, uint32_t value, size_t octets) {
  while (octets-- > 0) to.push_back(uint8_t(value >> (8 * octets)));
}
}  // namespace

OptionSpec Parser::tcp_option() {
  if (now().kind != TokenKind::word) fail("a TCP option belongs here");
  const int line = now().line;
  const std::string name = take().text;
  OptionSpec o;
  if (name == "eol") {
    o.kind = tcp_option::end;
  } else if (name == "nop") {
    o.kind = tcp_option::nop;
  } else if (name == "mss") {
    o.kind = tcp_option::mss;
    append(o.value, number16("mss"), 2);
  } else if (name == "wscale") {
    o.kind = tcp_option::window_scale;
    append(o.value, uint32_t(integer(0, 255, "wscale")), 1);
  } else if (name == "sackOK") {
    o.kind = tcp_option::sack_permitted;
  } else if (name == "sack") {
    o.kind = tcp_option::sack;
    while (now().kind == TokenKind::integer) {
      append(o.value, number32("a SACK block"), 4);
      need_sign(':');
      append(o.value, number32("a SACK block"), 4);
    }
  } else if (name == "TS") {
    o.kind = tcp_option::timestamps;
    need_word("val");
    o.any_stamp = now().kind == TokenKind::ellipsis;
    append(o.value, o.any_stamp ? (take(), 0) : number32("ts val"), 4);
    need_word("ecr");
    append(o.value, number32("ecr val"), 4);
    o.absolute_echo = take_sign('!');
  } else if (name == "md5") {
    o.kind = tcp_option::signature;
    o.value = octets();
  } else if (name == "FO") {
    o.kind = tcp_option::fast_open;
    o.value = octets();
  } else if (name == "FOEXP" || name == "exp_fo") {
    o.kind = 254;
    append(o.value, 0xf989, 2);
    const std::vector<uint8_t> cookie = octets();
    o.value.insert(o.value.end(), cookie.begin(), cookie.end());
  } else if (name == "AccECN0" || name == "AccECN1" || name == "ACCECN0" || name == "ACCECN1") {
    // RFC 9768 s3.2.3: three counters of 24 bits at most.
    o.kind = name.back() == '0' ? 172 : 174;
    while (now().kind == TokenKind::integer)
      append(o.value, uint32_t(integer(0, 0xffffff, "a counter")), 3);
  } else if (name == "kind" || name == "unknown") {
    o.kind = uint8_t(integer(0, 255, "an option's kind"));
    if (take_word("val")) o.value = octets();
  } else {
    throw Failure{line, "the TCP option \"" + name + "\" is unknown"};
  }
  return o;
}

// --- ICMP --------------------------------------------------------------------------------------

// [1:1001(1000)], [udp (1000)], [raw (64)].
void Parser::quote(IcmpSpec& icmp) {
  need_sign('[');
  if (is_word("sctp") || is_word("udplite"))
    throw Skip{now().line, now().text + " is not in this build yet"};
  if (take_word("udp") || is_word("raw")) {
    const bool raw = take_word("raw");
    need_sign('(');
    const uint32_t length = number16("a length");
    need_sign(')');
    icmp.quote = {.protocol = uint8_t(raw ? 0 : 17), .sequence = 0, .length = length};
    if (raw) icmp.raw = length;
  } else {
    TcpSpec tcp;
    sequence(tcp);
    icmp.quote = {.protocol = 6, .sequence = tcp.sequence, .length = tcp.length};
    if (is_sign('/')) throw Skip{now().line, "TCP over UDP is not in this build yet"};
  }
  need_sign(']');
}

void Parser::icmp(PacketSpec& packet) {
  packet.protocol = PacketSpec::Protocol::icmp;
  IcmpSpec& icmp = packet.icmp;
  if (now().kind != TokenKind::word) fail("an ICMP type belongs here");
  icmp.type = take().text;
  const bool code = now().kind == TokenKind::word && now().text != "mtu" && now().text != "id";
  if (code) icmp.code = take().text;
  if (take_word("mtu")) icmp.mtu = number32("mtu");
  if (take_word("id")) icmp.id = number16("id");
  if (is_sign('[')) quote(icmp);
}

}  // namespace stackyard::drill
