// lab/drill/compare.cpp - whether a packet is the one that a script expects.
#include <algorithm>

#include "core/base/text.h"
#include "core/wire/transport/tcp.h"
#include "lab/drill/wire.h"

namespace stackyard::drill {

namespace {

constexpr size_t flags_text_count = 9;

template <class Number>
std::string differ(const char* field, Number expected, Number actual) {
  if (expected == actual) return "";
  return text("{}: expected {} (0x{:x}), got {} (0x{:x})", field, expected, expected, actual,
              actual);
}

std::string options_differ(const std::vector<OptionSpec>& expected,
                           const std::vector<OptionSpec>& actual, const Settings& settings) {
  for (size_t i = 0; i < std::max(expected.size(), actual.size()); ++i) {
    if (i >= expected.size() || i >= actual.size() || expected[i].kind != actual[i].kind)
      return "bad outbound TCP options";
    const OptionSpec &e = expected[i], &a = actual[i];
    if (e.kind != tcp_option::timestamps) {
      if (e.value != a.value) return text("bad value of outbound TCP option {}", e.kind);
      continue;
    }
    if (settings.stamp_tick_us == 0 || e.any_stamp) continue;
    const int64_t off = int32_t(number_of(a.value, 0) - number_of(e.value, 0));
    const SimTime error(std::abs(off) * settings.stamp_tick_us * 1000);
    if (error > settings.tolerance) return "bad outbound TCP timestamp value";
    if (number_of(a.value, 4) != number_of(e.value, 4)) return "bad outbound TCP timestamp echo";
  }
  return "";
}

std::string tcp_differs(const TcpSpec& e, const TcpSpec& a, const Settings& settings) {
  static constexpr const char* names[flags_text_count] = {"FIN", "SYN", "RST", "PSH", "ACK",
                                                          "URG", "ECE", "CWR", "AE"};
  for (size_t bit = 0; bit < flags_text_count; ++bit)
    if ((e.flags ^ a.flags) >> bit & 1)
      return text("flag {}: expected {}, got {}", names[bit], e.flags >> bit & 1,
                  a.flags >> bit & 1);
  if (!e.any_sequence)
    if (auto wrong = differ("sequence", e.sequence, a.sequence); !wrong.empty()) return wrong;
  if (auto wrong = differ("payload", e.length, a.length); !wrong.empty()) return wrong;
  if (auto wrong = differ("ack", e.ack, a.ack); !wrong.empty()) return wrong;
  if (e.window)
    if (auto wrong = differ("window", *e.window, *a.window); !wrong.empty()) return wrong;
  if (auto wrong = differ("urgent pointer", e.urgent, a.urgent); !wrong.empty()) return wrong;
  return e.options ? options_differ(*e.options, *a.options, settings) : "";
}

std::string ip_differs(const IpSpec& e, const IpSpec& a, Connection& c) {
  using Check = IpSpec::Check;
  const uint8_t ecn = a.tos & 3;
  if (e.check == Check::ecn && e.tos != ecn) return differ("ECN", unsigned(e.tos), unsigned(ecn));
  if (e.check == Check::ect0_or_ect1 && ecn != 1 && ecn != 2)
    return text("ECN: expected ECT(0) or ECT(1), got {}", ecn);
  if (e.check == Check::tos && e.tos != a.tos)
    return differ("tos", unsigned(e.tos), unsigned(a.tos));
  if (e.ttl && e.ttl != a.ttl) return differ("ttl", unsigned(e.ttl), unsigned(a.ttl));
  if (!e.flow_label) return "";
  // Labels are names: the same for the same, another for another.
  if (!a.flow_label) return "flow label: there is none";
  const bool same_script = e.flow_label == c.script_label, same_live = a.flow_label == c.live_label;
  if (c.script_label != 0 && same_script != same_live)
    return same_script ? "flow label: it has changed" : "flow label: it has not changed";
  c.script_label = e.flow_label;
  c.live_label = a.flow_label;
  return "";
}

}  // namespace

std::string difference(const PacketSpec& expected, const PacketSpec& actual, Connection& c,
                       const Settings& settings, int line) {
  if (expected.protocol != actual.protocol) return "another protocol";
  if (auto wrong = ip_differs(expected.ip, actual.ip, c); !wrong.empty()) return wrong;
  if (expected.in_udp != actual.in_udp)
    return expected.in_udp ? "it is in no UDP datagram" : "it is in a UDP datagram";
  if (expected.in_udp && expected.udp_source != actual.udp_source)
    return differ("UDP source port", expected.udp_source, actual.udp_source);
  if (expected.in_udp && expected.udp_dest != actual.udp_dest)
    return differ("UDP dest port", expected.udp_dest, actual.udp_dest);
  if (expected.source_port && expected.source_port != actual.source_port)
    return differ("source port", expected.source_port, actual.source_port);
  if (expected.dest_port && expected.dest_port != actual.dest_port)
    return differ("dest port", expected.dest_port, actual.dest_port);
  switch (expected.protocol) {
    case PacketSpec::Protocol::tcp:
      return tcp_differs(expected.tcp, actual.tcp, settings);
    case PacketSpec::Protocol::udp:
      return differ("payload", expected.length, actual.length);
    case PacketSpec::Protocol::icmp:
      break;
  }
  const auto e = icmp_numbers(expected.icmp, c.local.is_v6(), line);
  const auto a = icmp_numbers(actual.icmp, c.local.is_v6(), line);
  if (e.first != a.first) return differ("icmp type", unsigned(e.first), unsigned(a.first));
  return differ("icmp code", unsigned(e.second), unsigned(a.second));
}

}  // namespace stackyard::drill
