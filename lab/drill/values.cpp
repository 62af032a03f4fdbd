// lab/drill/values.cpp - what a call's arguments mean.
#include <algorithm>
#include <bit>

#include "core/base/text.h"
#include "lab/drill/calls.h"
#include "lab/drill/symbols.h"
#include "stack/tcp/api/tcp_info.h"

namespace stackyard::drill {

using Kind = Expression::Kind;

const Expression& Calls::argument(size_t n) const {
  if (n >= call_.arguments.size()) fail(text("{}: argument {} is missing", call_.name, n + 1));
  return call_.arguments[n];
}

int64_t Calls::number(const Expression& e) const {
  switch (e.kind) {
    case Kind::any:
      return 0;
    case Kind::number:
      return e.number;
    case Kind::word: {
      const auto value = symbol(e.text);
      if (value) return *value;
      if (is_foreign_symbol(e.text))
        throw Skip{line_, e.text + " is another system's, which FreeBSD has not"};
      fail("\"" + e.text + "\" is unknown");
    }
    case Kind::either:
      return number(e.parts[0]) | number(e.parts[1]);
    case Kind::list:
      if (e.parts.size() == 1) return number(e.parts[0]);
      break;
    case Kind::call:
      if (e.parts.size() == 1 && (e.text == "htons" || e.text == "htonl"))
        return number(e.parts[0]);
      break;
    default:
      break;
  }
  fail(to_text(e) + " is no number");
}

std::string Calls::words(const Expression& e) const {
  if (e.kind == Kind::text || e.kind == Kind::word) return e.text;
  if ((e.kind == Kind::list || e.kind == Kind::record) && e.parts.size() >= 1)
    return words(e.parts[0]);
  fail(to_text(e) + " is no text");
}

// --- descriptors and addresses -----------------------------------------------------------------

Fd Calls::live(int64_t script_fd) const {
  const auto found = descriptors_.find(script_fd);
  // Nothing is there: the call will say EBADF.
  return found == descriptors_.end() ? Fd(-1) : found->second;
}

Fd Calls::fd(size_t n) const { return live(number(n)); }

// The script has its own numbers: the call's result names the new descriptor.
int64_t Calls::learn(Fd fd) {
  const bool said = call_.result.kind == Kind::number && call_.result.number >= 0;
  const int64_t script = said ? call_.result.number : int64_t(stackyard::number(fd));
  descriptors_[script] = fd;
  return script;
}

std::optional<SockAddr> Calls::address_of_record(const Expression& e) const {
  SockAddr address;
  std::optional<IpFamily> family;
  for (size_t i = 0; i < e.parts.size(); ++i) {
    const std::string& name = e.names[i];
    const Expression& part = e.parts[i];
    if (name.ends_with("family")) {
      if (part.is_any()) continue;
      const int64_t af = number(part);
      if (af != int64_t(Af::inet) && af != int64_t(Af::inet6))
        throw Skip{line_, to_text(part) + " is not in this build"};
      family = af == int64_t(Af::inet) ? IpFamily::v4 : IpFamily::v6;
    } else if (name.ends_with("port")) {
      address.port = uint16_t(number(part));
    } else if (name.ends_with("addr")) {
      const bool text_inside =
          part.kind == Kind::call && !part.parts.empty() && part.parts.back().kind == Kind::text;
      const std::string said = text_inside               ? part.parts.back().text
                               : part.kind == Kind::text ? part.text
                                                         : "";
      if (said.empty()) continue;  // INADDR_ANY
      const auto parsed = parse_ip(said);
      if (!parsed) fail("\"" + said + "\" is no address");
      address.address = *parsed;
      if (!family) family = parsed->family();
    }
  }
  if (!family) return std::nullopt;
  if (address.address.is_any()) address.address = IpAddress::any(*family);
  return address;
}

// "..." stands for the address that packetdrill takes: ours to bind to, theirs to connect to.
SockAddr Calls::address(const Expression& e, bool ours) const {
  if (e.kind == Kind::record)
    if (const auto said = address_of_record(e)) return *said;
  if (!e.is_any()) fail(to_text(e) + " is no address");
  SockAddr address;
  address.port = ours ? settings_.bind_port : settings_.connect_port;
  const bool mapped = settings_.version == Settings::Version::mapped;
  if (ours) {
    const bool v4 = settings_.version == Settings::Version::ipv4;
    address.address = IpAddress::any(v4 ? IpFamily::v4 : IpFamily::v6);
    return address;
  }
  address.address = world_.places().remote.address;
  if (mapped) address.address = *parse_ip("::ffff:" + to_text(address.address));
  return address;
}

void Calls::compare_address(const SockAddr& actual, const Expression& e) {
  if (e.kind != Kind::record) return;
  const auto expected = address_of_record(e);
  if (expected && (expected->address != actual.address || expected->port != actual.port))
    wrong(text("address: expected {}, got {}", to_text(*expected), to_text(actual)));
}

// --- data --------------------------------------------------------------------------------------

// "..." are zeros; a text's escapes are C's.
std::vector<uint8_t> Calls::octets(const Expression& data, size_t length) const {
  constexpr size_t most = size_t(64) << 20;
  if (length > most) fail(text("{} octets are too many", length));
  std::vector<uint8_t> all;
  if (data.kind == Kind::text) {
    for (size_t i = 0; i < data.text.size(); ++i) {
      char c = data.text[i];
      if (c == '\\' && i + 1 < data.text.size()) {
        c = data.text[++i];
        c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c == '0' ? '\0' : c;
      }
      all.push_back(uint8_t(c));
    }
  }
  all.resize(length);
  return all;
}

size_t Calls::vector_size(const Expression& vector) const {
  size_t sum = 0;
  for (const Expression& part : vector.parts)
    if (part.kind == Kind::record && part.parts.size() == 2) sum += size_t(number(part.parts[1]));
  return sum;
}

std::vector<uint8_t> Calls::vector_octets(const Expression& vector) const {
  std::vector<uint8_t> all;
  for (const Expression& part : vector.parts) {
    if (part.kind != Kind::record || part.parts.size() != 2) fail("{data, length} belongs here");
    const std::vector<uint8_t> one = octets(part.parts[0], size_t(number(part.parts[1])));
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

// --- options -----------------------------------------------------------------------------------

SocketOption Calls::option(size_t level, size_t name) const {
  const auto found = socket_option(number(level), number(name));
  if (!found)
    throw Skip{line_, text("the option {} is not in this build", to_text(argument(name)))};
  return *found;
}

OptionValue Calls::option_value(SocketOption option, const Expression& e) const {
  OptionValue value;
  switch (option) {
    case SocketOption::tcp_congestion:
    case SocketOption::so_acceptfilter: {
      if (e.is_any() || e.text == "NULL") return value;
      const std::string name = words(e);
      value.octets.assign(name.begin(), name.end());
      return value;
    }
    case SocketOption::tcp_fastopen: {
      if (const Expression* on = e.find("enable")) {
        const Expression* key = e.find("psk");
        const std::string octets_of_it = key ? words(*key) : "";
        value.number = number(*on);
        value.octets.assign(octets_of_it.begin(), octets_of_it.end());
      } else {
        value.number = number(e);
      }
      return value;
    }
    case SocketOption::tcp_ccalgoopt: {
      const Expression *name = e.find("name"), *val = e.find("val");
      if (!name || !val) fail("{name=CC_NEWRENO_BETA, val=50} belongs here");
      value.octets.assign(name->text.begin(), name->text.end());
      value.number = number(*val);
      return value;
    }
    case SocketOption::tcp_function_blk: {
      const Expression* name = e.find("function_set_name");
      const std::string words_of_it = words(name ? *name : e);
      value.octets.assign(words_of_it.begin(), words_of_it.end());
      return value;
    }
    case SocketOption::so_linger: {
      const Expression *on = e.find("onoff"), *time = e.find("linger");
      if (!on) on = e.find("l_onoff");
      if (!time) time = e.find("l_linger");
      if (!on || !time) fail("{onoff=1, linger=0} belongs here");
      value.number = number(*on) ? number(*time) : -1;
      return value;
    }
    case SocketOption::so_rcvtimeo:
    case SocketOption::so_sndtimeo:
      if (e.kind == Kind::record && e.parts.size() == 2)
        value.number = number(e.parts[0]) * 1'000'000'000 + number(e.parts[1]) * 1000;
      return value;
    default:
      value.number = number(e);
      return value;
  }
}

void Calls::compare_option(SocketOption option, const OptionValue& value, const Expression& e) {
  if (e.is_any()) return;
  if (option == SocketOption::tcp_info) return compare_record(tcp_info_values(value), e);
  if (option == SocketOption::so_linger) {
    return compare_record({{"onoff", value.number >= 0},
                           {"linger", std::max<int64_t>(value.number, 0)},
                           {"l_onoff", value.number >= 0},
                           {"l_linger", std::max<int64_t>(value.number, 0)}},
                          e);
  }
  if (option == SocketOption::tcp_ccalgoopt) return compare_algorithm_option(value, e);
  const Expression* name = e.find("function_set_name");
  if (option == SocketOption::tcp_function_blk && name) {
    const Expression* count = e.find("pcbcnt");
    if (count && !count->is_any() && number(*count) != value.number)
      wrong(text("pcbcnt: expected {}, got {}", to_text(*count), value.number));
    return compare_option(SocketOption::tcp_congestion, value, *name);
  }
  if (option == SocketOption::tcp_congestion || option == SocketOption::so_acceptfilter) {
    const std::string actual(value.octets.begin(), value.octets.end());
    if (words(e) != actual) wrong(text("value: expected {}, got \"{}\"", to_text(e), actual));
    return;
  }
  const bool any = e.kind == Kind::list && e.parts.size() == 1 && e.parts[0].is_any();
  if (!any && number(e) != value.number)
    wrong(text("value: expected {}, got {}", to_text(e), value.number));
}

// Of the lines "NAME VALUE" the one that is asked for.
void Calls::compare_algorithm_option(const OptionValue& value, const Expression& e) {
  const Expression *name = e.find("name"), *val = e.find("val");
  if (!name || !val) fail("{name=CC_NEWRENO_BETA, val=50} belongs here");
  const std::string lines = "\n" + std::string(value.octets.begin(), value.octets.end());
  const std::string wanted = text("\n{} {}\n", name->text, number(*val));
  if (lines.find(wanted) == lines.npos)
    wrong(text("value: expected {}, got {}", to_text(e), lines.substr(1)));
}

void Calls::compare_record(const std::map<std::string, int64_t>& actual, const Expression& e) {
  if (e.kind != Kind::record) return;
  for (size_t i = 0; i < e.parts.size(); ++i) {
    if (e.parts[i].is_any() || e.names[i].empty()) continue;
    const auto found = actual.find(e.names[i]);
    if (found == actual.end()) fail(e.names[i] + " is unknown");
    if (found->second != number(e.parts[i]))
      wrong(text("{}: expected {}, got {}", e.names[i], to_text(e.parts[i]), found->second));
  }
}

std::map<std::string, int64_t> tcp_info_values(const OptionValue& value) {
  if (value.octets.size() != sizeof(TcpInfo)) return {};
  const auto info = load<TcpInfo>(value.octets);
  return {{"tcpi_state", info.state},
          {"tcpi_options", info.options},
          {"tcpi_snd_wscale", info.send_scale},
          {"tcpi_rcv_wscale", info.receive_scale},
          {"tcpi_rto", info.timeout_us},
          {"tcpi_snd_mss", info.send_mss},
          {"tcpi_rcv_mss", info.receive_mss},
          {"tcpi_rtt", info.rtt_us},
          {"tcpi_rttvar", info.rtt_variation_us},
          {"tcpi_rttmin", info.rtt_least_us},
          {"tcpi_snd_ssthresh", info.ssthresh},
          {"tcpi_snd_cwnd", info.cwnd},
          {"tcpi_rcv_space", info.receive_space},
          {"tcpi_snd_wnd", info.send_window},
          {"tcpi_snd_bwnd", info.send_bandwidth},
          {"tcpi_snd_nxt", info.next_sequence},
          {"tcpi_rcv_nxt", info.next_receive},
          {"tcpi_snd_rexmitpack", info.retransmitted},
          {"tcpi_rcv_ooopack", info.out_of_order},
          {"tcpi_snd_zerowin", info.zero_windows},
          {"tcpi_last_data_recv", info.since_received_us},
          {"tcpi_snd_una", info.oldest_unacked},
          {"tcpi_snd_max", info.highest_sent},
          {"tcpi_rcv_adv", info.told_edge},
          {"tcpi_rcv_numsacks", info.sack_blocks},
          {"tcpi_dupacks", info.duplicate_acks},
          {"tcpi_delivered_ce", info.marks_delivered},
          {"tcpi_received_ce", info.marks_received},
          {"tcpi_total_tlp", info.tail_probes},
          {"tcpi_total_tlp_bytes", int64_t(info.tail_probe_octets)}};
}

}  // namespace stackyard::drill
