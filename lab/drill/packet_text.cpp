// lab/drill/packet_text.cpp - packets in a script's language, and ICMP's names in it.
#include <span>

#include "core/base/text.h"
#include "core/wire/transport/tcp.h"
#include "lab/drill/wire.h"

namespace stackyard::drill {

namespace {

std::string option_text(const OptionSpec& o) {
  std::string words;
  switch (o.kind) {
    case tcp_option::end:
      return "eol";
    case tcp_option::nop:
      return "nop";
    case tcp_option::mss:
      return text("mss {}", o.value.size() == 2 ? uint16_t(load<be16>(o.value)) : 0);
    case tcp_option::window_scale:
      return text("wscale {}", o.value.size() == 1 ? o.value[0] : 0);
    case tcp_option::sack_permitted:
      return "sackOK";
    case tcp_option::sack:
      words = "sack";
      for (size_t at = 0; at + 8 <= o.value.size(); at += 8)
        words += text(" {}:{}", number_of(o.value, at), number_of(o.value, at + 4));
      return words;
    case tcp_option::timestamps:
      words = o.any_stamp ? "..." : text("{}", number_of(o.value, 0));
      return text("TS val {} ecr {}", words, number_of(o.value, 4));
    case tcp_option::signature:
      words = "md5 ";
      break;
    case tcp_option::fast_open:
      words = o.value.empty() ? "FO" : "FO ";
      break;
    default:
      words = text("kind {} val ", o.kind);
  }
  for (const uint8_t octet : o.value) words += text("{:02x}", octet);
  return words;
}

std::string tcp_text(const TcpSpec& tcp) {
  static constexpr std::string_view letters = "FSRP.UEWA";
  std::string words;
  // The dot comes last, as people write it.
  for (size_t bit = 0; bit < letters.size(); ++bit)
    if (tcp.flags >> bit & 1 && letters[bit] != '.') words += letters[bit];
  if (tcp.flags & tcp_flag::ack) words += '.';
  if (words.empty()) words = "-";
  if (tcp.any_sequence)
    words += text(" ...({})", tcp.length);
  else
    words += text(" {}:{}({})", tcp.sequence, tcp.sequence + tcp.length, tcp.length);
  if (tcp.flags & tcp_flag::ack) words += text(" ack {}", tcp.ack);
  if (tcp.window) words += text(" win {}", *tcp.window);
  if (tcp.urgent) words += text(" urg {}", tcp.urgent);
  if (!tcp.options) return words + " <...>";
  std::string options;
  for (const OptionSpec& o : *tcp.options) options += (options.empty() ? "" : ",") + option_text(o);
  return options.empty() ? words : words + " <" + options + ">";
}

}  // namespace

std::string to_text(const PacketSpec& packet) {
  static constexpr const char* codepoints[] = {"noecn", "ect1", "ect0", "ce"};
  std::string words = packet.outbound ? "> " : "< ";
  if (packet.ip.check == IpSpec::Check::ecn)
    words += text("[{}] ", codepoints[packet.ip.tos & 3]);
  else if (packet.ip.check == IpSpec::Check::ect0_or_ect1)
    words += "[ect01] ";
  else if (packet.ip.check == IpSpec::Check::tos && packet.ip.tos)
    words += text("[tos 0x{:02x}] ", packet.ip.tos);
  switch (packet.protocol) {
    case PacketSpec::Protocol::tcp:
      return words + tcp_text(packet.tcp);
    case PacketSpec::Protocol::udp:
      return words + text("udp ({})", packet.length);
    case PacketSpec::Protocol::icmp:
      break;
  }
  words += "icmp " + packet.icmp.type;
  if (!packet.icmp.code.empty()) words += " " + packet.icmp.code;
  return packet.icmp.mtu ? words + text(" mtu {}", *packet.icmp.mtu) : words;
}

// --- ICMP's names ------------------------------------------------------------------------------

namespace {

struct IcmpName {
  std::string_view name;
  uint8_t number;
};
constexpr IcmpName types4[] = {{"echo_reply", 0},         {"unreachable", 3},
                               {"source_quench", 4},      {"redirect", 5},
                               {"echo_request", 8},       {"time_exceeded", 11},
                               {"parameter_problem", 12}, {"timestamp_request", 13},
                               {"timestamp_reply", 14},   {"information_request", 15},
                               {"information_reply", 16}, {"address_mask_request", 17},
                               {"address_mask_reply", 18}};
constexpr IcmpName types6[] = {{"unreachable", 1},    {"packet_too_big", 2},
                               {"time_exceeded", 3},  {"parameter_problem", 4},
                               {"echo_request", 128}, {"echo_reply", 129}};
constexpr IcmpName codes4[] = {{"net_unreachable", 0},
                               {"host_unreachable", 1},
                               {"protocol_unreachable", 2},
                               {"port_unreachable", 3},
                               {"frag_needed", 4},
                               {"source_route_failed", 5},
                               {"net_unknown", 6},
                               {"host_unknown", 7},
                               {"source_host_isolated", 8},
                               {"net_prohibited", 9},
                               {"host_prohibited", 10},
                               {"net_unreachable_for_tos", 11},
                               {"host_unreachable_for_tos", 12},
                               {"packet_filtered", 13},
                               {"precedence_violation", 14},
                               {"precedence_cutoff", 15}};
constexpr IcmpName codes6[] = {{"net_unreachable", 0},     {"no_route", 0},
                               {"admin_prohibited", 1},    {"not_neighbour", 2},
                               {"address_unreachable", 3}, {"port_unreachable", 4},
                               {"exceeded_hop_limit", 0},  {"exceeded_frag_time", 1},
                               {"header_field", 0},        {"unknown_next_header", 1},
                               {"unknown_option", 2}};

uint8_t icmp_number(std::span<const IcmpName> names, const std::string& name,
                    std::string_view prefix, int line) {
  if (name.starts_with(prefix)) {
    const auto n = parse_int(std::string_view(name).substr(prefix.size()));
    if (n && *n >= 0 && *n <= 255) return uint8_t(*n);
  }
  for (const IcmpName& known : names)
    if (known.name == name) return known.number;
  throw Failure{line, "bad ICMP name: " + name};
}

}  // namespace

std::pair<uint8_t, uint8_t> icmp_numbers(const IcmpSpec& icmp, bool v6, int line) {
  const auto types = v6 ? std::span<const IcmpName>(types6) : std::span<const IcmpName>(types4);
  const auto codes = v6 ? std::span<const IcmpName>(codes6) : std::span<const IcmpName>(codes4);
  const uint8_t type = icmp_number(types, icmp.type, "type_", line);
  if (icmp.code.empty()) return {type, 0};
  return {type, icmp_number(codes, icmp.code, "code_", line)};
}

}  // namespace stackyard::drill
