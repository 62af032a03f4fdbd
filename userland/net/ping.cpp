// userland/net/ping.cpp - ping(8): its options, and echo over IPv4.
#include "userland/net/ping.h"

#include <algorithm>
#include <cmath>

#include "core/base/text.h"
#include "core/wire/net/icmp.h"
#include "stack/net/api/interface_requests.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

std::string PingStats::summary(const std::string& name) const {
  std::string words = text("\n--- {} ping statistics ---\n", name);
  words += text("{} packets transmitted, {} packets received, ", sent, received);
  if (duplicates) words += text("+{} duplicates, ", duplicates);
  if (sent) {
    const int64_t permille = (sent - std::min(received, sent)) * 1000 / sent;
    words += text("{}.{}% packet loss", permille / 10, permille % 10);
  }
  words += "\n";
  const int64_t all = received + duplicates;
  if (all > 0) {
    const double average = double(sum.ns()) / 1e6 / double(all);
    const double variance = std::max(0.0, squares / double(all) - average * average);
    words += text("round-trip min/avg/max/stddev = {}/{}/{}/{:.3f} ms\n", milliseconds(least),
                  milliseconds(sum / all), milliseconds(most), std::sqrt(variance));
  }
  return words;
}

namespace {

std::vector<uint8_t> echo_request(uint16_t ident, uint16_t sequence, const PingOptions& want,
                                  SimTime now) {
  const size_t size = want.data.value_or(56);
  std::vector<uint8_t> message(sizeof(IcmpHeader) + size);
  store(IcmpHeader{.type = icmp_type::echo, .rest = uint32_t(ident) << 16 | sequence}, message);
  for (size_t i = 0; i < size; ++i)
    message[sizeof(IcmpHeader) + i] =
        want.pattern.empty() ? uint8_t(i) : want.pattern[i % want.pattern.size()];
  if (size >= 8) store(be64(uint64_t(now.ns())), MutableBytes(message).subspan(8));
  finish_icmp(message);
  return message;
}

// "Redirect Host(New addr: 10.0.0.1)" and its like, as pr_icmph prints them.
std::string error_words(const IcmpHeader& icmp) {
  if (icmp.type == icmp_type::unreachable) {
    switch (icmp.code) {
      case icmp_code::net_unreachable:
        return "Destination Net Unreachable";
      case icmp_code::host_unreachable:
        return "Destination Host Unreachable";
      case icmp_code::protocol_unreachable:
        return "Destination Protocol Unreachable";
      case icmp_code::port_unreachable:
        return "Destination Port Unreachable";
      case icmp_code::need_fragment:
        return text("frag needed and DF set (MTU {})", uint32_t(icmp.rest) & 0xffff);
      case icmp_code::source_route_failed:
        return "Source Route Failed";
      case icmp_code::admin_prohibited:
        return "Communication prohibited by filter";
      default:
        return text("Dest Unreachable, Bad Code: {}", icmp.code);
    }
  }
  if (icmp.type == icmp_type::redirect)
    return text("Redirect Host(New addr: {})", to_text(Ipv4Address{icmp.rest}));
  if (icmp.type == icmp_type::time_exceeded)
    return icmp.code == icmp_code::ttl_in_transit ? "Time to live exceeded"
                                                  : "Frag reassembly time exceeded";
  if (icmp.type == icmp_type::parameter_problem)
    return text("Parameter problem: pointer = 0x{:02x}", uint32_t(icmp.rest) >> 24);
  return text("Bad ICMP type: {}", icmp.type);
}

// The quoted header in pr_iph's columns.
std::string quoted_header(const Ipv4Header& ip) {
  return text(
      "Vr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst\n"
      " {:x}  {:x}  {:02x} {:04x} {:04x}   {:x} {:04x}  {:02x}  {:02x} {:04x} {}  {} \n\n",
      ip.version_length >> 4, ip.version_length & 15, ip.tos, uint16_t(ip.total_length),
      uint16_t(ip.id), ip.fragment >> 13, ip.fragment & 0x1fff, ip.ttl, ip.protocol,
      uint16_t(ip.checksum), to_text(ip.source_address()), to_text(ip.dest_address()));
}

class Ping {
 public:
  Ping(Sys& sys, PingOptions want) : sys_(sys), want_(std::move(want)) {}
  Task<int> run();

 private:
  Task<void> set_multicast_options();
  Task<bool> send();
  Task<void> listen_until(SimTime until);
  std::string take(const Received& got);
  std::string take_reply(const Ipv4Header& ip, const IcmpHeader& icmp, const Received& got);
  bool complete() const { return want_.count && stats_.received >= want_.count; }
  bool finished() const {
    return sys_.interrupted() || complete() || (want_.once && stats_.received > 0) ||
           (want_.timeout > SimTime() && sys_.now() >= deadline_);
  }

  Sys& sys_;
  PingOptions want_;
  PingStats stats_;
  Fd socket_{};
  std::vector<SimTime> sent_at_;
  SimTime deadline_ = SimTime::max();
};

std::string Ping::take_reply(const Ipv4Header& ip, const IcmpHeader& icmp, const Received& got) {
  const uint16_t sequence = uint16_t(icmp.rest);
  // Sequence numbers wrap: the latest probe with this number is meant.
  int64_t index = stats_.sent - 1 - uint16_t(uint16_t(stats_.sent - 1) - sequence);
  if (index < 0) return "";
  const SimTime rtt = sys_.now() - sent_at_[size_t(index)];
  stats_.note(rtt);
  const bool duplicate = stats_.seen[size_t(index)];
  stats_.seen[size_t(index)] = true;
  ++(duplicate ? stats_.duplicates : stats_.received);
  if (want_.quiet) return "";
  if (want_.flood) return duplicate ? "" : "\b";
  std::string line = want_.bell ? "\a" : "";
  line += text("{} bytes from {}: icmp_seq={} ttl={} time={} ms{}",
               ip.total_length - ip.header_size(), to_text(ip.source_address()), sequence, ip.ttl,
               milliseconds(rtt), duplicate ? " (DUP!)" : "");
  for_each_option(Bytes(got.octets).first(ip.header_size()), [&](const Ipv4Option& option) {
    if (option.type != ipv4_option::record_route) return;
    const Bytes octets = Bytes(got.octets).subspan(option.offset, option.length);
    const char* prefix = "\nRR: ";
    for (size_t at = 3; at + 4 <= std::min<size_t>(octets[2] - 1u, octets.size()); at += 4) {
      line += prefix + text("\t{}", to_text(Ipv4Address{load<be32>(octets.subspan(at))}));
      prefix = "\n";
    }
  });
  return line + "\n";
}

std::string Ping::take(const Received& got) {
  const auto ip = parse_ipv4_header(got.octets);
  if (!ip) return "";
  const Bytes message = Bytes(got.octets).first(ip->total_length).subspan(ip->header_size());
  if (message.size() < sizeof(IcmpHeader)) return "";
  const auto icmp = load<IcmpHeader>(message);
  if (icmp.type == icmp_type::echo_reply) {
    if (uint32_t(icmp.rest) >> 16 != sys_.wire_ident()) return "";
    return take_reply(*ip, icmp, got);
  }
  if (!icmp_is_error(icmp.type) || want_.quiet) return "";
  const auto quote = parse_icmp_quote(message);
  if (!quote || quote->ip.protocol != ip_protocol::icmp || quote->transport.size() < 8) return "";
  const auto ours = load<IcmpHeader>(quote->transport);
  if (ours.type != icmp_type::echo || uint32_t(ours.rest) >> 16 != sys_.wire_ident()) return "";
  return text("{} bytes from {}: {}\n{}", message.size(), to_text(ip->source_address()),
              error_words(icmp), quoted_header(quote->ip));
}

Task<bool> Ping::send() {
  const uint16_t sequence = uint16_t(stats_.sent);
  sent_at_.push_back(sys_.now());
  stats_.seen.push_back(false);
  ++stats_.sent;
  SendOptions options;
  options.to = want_.target;
  const auto message = echo_request(sys_.wire_ident(), sequence, want_, sys_.now());
  const Result<size_t> sent = co_await sys_.send(socket_, message, options);
  if (!sent) {
    co_await sys_.complain(text("sendto: {}", errno_text(sent.error())));
    co_return false;
  }
  if (want_.flood && !want_.quiet) co_await sys_.print(".");
  co_return true;
}

Task<void> Ping::listen_until(SimTime until) {
  while (!finished() && sys_.now() < until) {
    std::vector<PollItem> items{{.fd = socket_, .ready = {}}};
    const SimTime limit = std::min(until, deadline_);
    const auto ready = co_await sys_.poll(items, limit - sys_.now());
    if (!ready || !(*ready)[0].ready.readable) continue;
    const Result<Received> got = co_await sys_.receive(socket_, 65535);
    if (!got) continue;
    const std::string line = take(*got);
    if (!line.empty()) co_await sys_.print(line);
    if (want_.flood) co_return;
  }
}

Task<void> Ping::set_multicast_options() {
  if (want_.multicast_ttl)
    co_await sys_.set_option(socket_, SocketOption::ip_multicast_ttl, want_.multicast_ttl)
        .or_err(71, "setsockopt");
  if (want_.no_loop)
    co_await sys_.set_option(socket_, SocketOption::ip_multicast_loop, 0).or_err(71, "setsockopt");
  if (want_.interface.empty()) co_return;
  OptionValue by;
  ListInterfaces list;
  (void)sys_.request(list);
  for (const InterfaceInfo& i : list.interfaces)
    if (i.name == want_.interface) by.interface_index = i.index;
  if (by.interface_index == 0)
    by.interface = sys_.resolve_ipv4(want_.interface).value_or(Ipv4Address{});
  if (by.interface_index == 0 && by.interface.is_any()) {
    co_await sys_.complain(text("invalid multicast interface: `{}'", want_.interface));
    sys_.exit(64);
  }
  co_await sys_.set_option(socket_, SocketOption::ip_multicast_if, by).or_err(71, "setsockopt");
}

Task<int> Ping::run() {
  sys_.catch_signals();
  socket_ = co_await sys_.socket(Af::inet, SocketType::raw, ip_protocol::icmp).or_err(71, "socket");
  if (want_.ttl)
    co_await sys_.set_option(socket_, SocketOption::ip_ttl, want_.ttl).or_err(71, "setsockopt");
  co_await set_multicast_options();
  co_await sys_.set_option(socket_, SocketOption::ip_tos, want_.tos).or_warn("tos");
  co_await sys_.set_option(socket_, SocketOption::so_broadcast, 1).or_warn("broadcast");
  co_await sys_.set_option(socket_, SocketOption::so_rcvbuf, 128 * 1024).or_warn("SO_RCVBUF");
  if (want_.dont_fragment)
    co_await sys_.set_option(socket_, SocketOption::ip_dontfrag, 1).or_warn("df");
  if (want_.dont_route)
    co_await sys_.set_option(socket_, SocketOption::so_dontroute, 1).or_warn("dontroute");
  if (want_.record_route) {
    OptionValue value;
    value.octets.assign(40, 0);
    value.octets[0] = ipv4_option::nop;
    value.octets[1] = ipv4_option::record_route;
    value.octets[2] = 39;
    value.octets[3] = 4;
    co_await sys_.set_option(socket_, SocketOption::ip_options, value)
        .or_err(71, "setsockopt: IP_OPTIONS");
  }
  SockAddr own;
  own.address = want_.source.value_or(IpAddress());
  if (want_.source) co_await sys_.bind(socket_, own).or_err(71, "bind");

  const std::string from = want_.source ? text(" from {}", to_text(*want_.source)) : "";
  co_await sys_.print(text("PING {} ({}){}: {} data bytes\n", want_.target_name,
                           to_text(want_.target.address), from, want_.data.value_or(56)));
  if (want_.timeout > SimTime()) deadline_ = sys_.now() + want_.timeout;
  while (!finished() && (want_.count == 0 || stats_.sent < want_.count)) {
    const SimTime next = sys_.now() + want_.interval;
    if (want_.bell_missed && stats_.sent > stats_.received) co_await sys_.print("\a");
    co_await send();
    const bool last = want_.count && stats_.sent >= want_.count;
    if (!last) co_await listen_until(next);
  }
  // The last answers may take as long as -W says, or twice the longest so far.
  const SimTime patience =
      stats_.received > 0 && want_.wait == 10_s ? std::max(stats_.most * 2, 1_s) : want_.wait;
  co_await listen_until(sys_.now() + patience);
  co_await sys_.print(stats_.summary(want_.target_name));
  co_return stats_.received > 0 ? 0 : 2;
}

// Fills in what the command line says; a text is what is wrong with it.
std::string parse(Sys& sys, const Options& options, PingOptions& want) {
  // What ping(8) calls the value of each option that is not as it should be.
  constexpr std::pair<char, const char*> names[] = {{'c', "count of packets to transmit"},
                                                    {'s', "packet size"},
                                                    {'m', "TTL"},
                                                    {'W', "timing interval"},
                                                    {'t', "timeout"},
                                                    {'T', "multicast TTL"},
                                                    {'z', "TOS"}};
  int64_t size = 0, wait_ms = -1, timeout = 0;
  const Options::Number numbers[] = {{'c', 1, INT64_MAX, want.count},  {'s', 0, 65527, size},
                                     {'m', 0, 255, want.ttl},          {'W', 0, 3'600'000, wait_ms},
                                     {'t', 1, 3'600'000, timeout},     {'z', 0, 255, want.tos},
                                     {'T', 0, 255, want.multicast_ttl}};
  for (const Options::Number& number : numbers) {
    const std::string wrong = options.read_numbers(std::span(&number, 1));
    for (const auto& [letter, name] : names)
      if (!wrong.empty() && letter == number.letter)
        return text("invalid {}: `{}'", name, options.value(letter));
  }
  if (options.has('s')) want.data = size_t(size);
  if (wait_ms >= 0) want.wait = SimTime(wait_ms * 1'000'000);
  want.timeout = SimTime(timeout * 1'000'000'000);
  if (options.has('f')) {
    want.flood = true;
    want.interval = 10_ms;
  }
  if (options.has('i')) {
    const auto interval = parse_seconds(options.value('i'));
    if (!interval || *interval <= SimTime())
      return text("invalid timing interval: `{}'", options.value('i'));
    want.interval = *interval;
  }
  want.dont_fragment = options.has('D');
  want.quiet = options.has('q');
  want.once = options.has('o');
  want.record_route = options.has('R');
  want.dont_route = options.has('r');
  want.no_loop = options.has('L');
  want.bell = options.has('a');
  want.bell_missed = options.has('A');
  want.interface = options.value('I');
  want.gateway = options.value('e');
  want.whole = options.count('u');
  const std::string pattern = options.value('p');
  for (size_t i = 0; i < pattern.size(); i += 2) {
    const auto octet = parse_int("0x" + pattern.substr(i, 2));
    if (!octet) return "patterns must be specified as hex digits";
    want.pattern.push_back(uint8_t(*octet));
  }
  if (options.has('S')) {
    const auto found = sys.resolve(options.value('S'), want.target.family());
    if (!found.empty()) want.source = found[0].address;
    if (!want.source) return text("cannot resolve {}: Unknown host", options.value('S'));
  }
  return "";
}

// The family is the user's, or the address's, or that of the name's first address.
std::optional<SockAddr> target_of(Sys& sys, const std::string& name, Af family) {
  const std::vector<SockAddr> found = sys.resolve(name, family);
  return found.empty() ? std::nullopt : std::optional(found[0]);
}

Task<int> ping_any(Sys& sys, Args args, Af family) {
  const Options options(args, "46aAc:De:fI:i:Lm:noPp:QqRrS:s:T:t:uvW:z:");
  if (!options.error().empty() || options.rest().size() != 1)
    co_return co_await bad_usage(sys, ping_command, options.error());
  if (options.has('4')) family = Af::inet;
  if (options.has('6')) family = Af::inet6;
  PingOptions want;
  want.target_name = options.rest()[0];
  const auto target = target_of(sys, want.target_name, family);
  if (target) want.target = *target;
  const std::string wrong = parse(sys, options, want);
  if (!wrong.empty()) {
    co_await sys.complain(wrong);
    co_return 64;
  }
  if (!target) {
    co_await sys.complain(text("cannot resolve {}: Unknown host", want.target_name));
    co_return 68;
  }
  if (want.target.family() == Af::inet6) co_return co_await run_ping6(sys, want);
  if (want.data.value_or(0) > 65507) {
    co_await sys.complain(text("invalid packet size: `{}'", options.value('s')));
    co_return 64;
  }
  co_return co_await run_ping4(sys, want);
}

Task<int> ping(Sys& sys, Args args) { co_return co_await ping_any(sys, args, Af::unspecified); }
Task<int> ping6(Sys& sys, Args args) { co_return co_await ping_any(sys, args, Af::inet6); }

}  // namespace

Task<int> run_ping4(Sys& sys, PingOptions want) {
  Ping run(sys, want);
  co_return co_await run.run();
}

const Command ping_command{
    .name = "ping",
    .synopsis =
        "ping [-46AaDfLnoQqRruv] [-c count] [-e gateway] [-I iface | group] [-i wait] [-m ttl]\n"
        "[-p pattern] [-S src_addr] [-s packetsize] [-T mcast_ttl] [-t timeout] [-W waittime] [-z "
        "tos] host",
    .run = ping};

const Command ping6_command{.name = "ping6", .synopsis = ping_command.synopsis, .run = ping6};

}  // namespace stackyard
