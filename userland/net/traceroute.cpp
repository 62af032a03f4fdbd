// userland/net/traceroute.cpp - traceroute(8) for IPv4: UDP probes, or ICMP with -I.
#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/icmp.h"
#include "core/wire/transport/udp.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

struct TraceOptions {
  Ipv4Address target;
  std::string name;
  int64_t first = 1, most = 64, probes = 3, wait_s = 5, port = 33434;
  bool icmp = false, numeric = false, dont_fragment = false;
};

struct Answer {
  Ipv4Address from;
  IcmpHeader icmp;
  bool final = false;  // from the target itself
};

// "!H" and its like for an unreachable; empty when the trace simply reached its end.
std::string mark(const IcmpHeader& icmp) {
  if (icmp.type != icmp_type::unreachable) return "";
  switch (icmp.code) {
    case icmp_code::port_unreachable:
      return "";
    case icmp_code::net_unreachable:
      return " !N";
    case icmp_code::host_unreachable:
      return " !H";
    case icmp_code::protocol_unreachable:
      return " !P";
    case icmp_code::need_fragment:
      return text(" !F-{}", uint32_t(icmp.rest) & 0xffff);
    case icmp_code::source_route_failed:
      return " !S";
    case icmp_code::net_prohibited:
    case icmp_code::host_prohibited:
    case icmp_code::admin_prohibited:
      return " !X";
    default:
      return text(" !<{}>", icmp.code);
  }
}

class Trace {
 public:
  Trace(Sys& sys, TraceOptions want) : sys_(sys), want_(std::move(want)) {}
  Task<int> run();

 private:
  Task<bool> hop(int64_t ttl);
  Task<Result<>> probe(uint16_t number, int64_t ttl);
  Task<std::optional<Answer>> await_answer(uint16_t number);
  std::optional<Answer> match(const Received& got, uint16_t number) const;

  Sys& sys_;
  TraceOptions want_;
  std::string hosts_;
  Fd icmp_{}, udp_{};
  uint16_t next_ = 0;
};

Task<Result<>> Trace::probe(uint16_t number, int64_t ttl) {
  const Fd socket = want_.icmp ? icmp_ : udp_;
  co_await sys_.set_option(socket, SocketOption::ip_ttl, ttl).or_warn("IP_TTL");
  SendOptions to{.to = SockAddr{.address = want_.target}, .source = {}};
  std::vector<uint8_t> octets(12);
  if (want_.icmp) {
    octets.resize(sizeof(IcmpHeader) + 12);
    const uint32_t rest = uint32_t(sys_.wire_ident()) << 16 | number;
    store(IcmpHeader{.type = icmp_type::echo, .rest = rest}, octets);
    finish_icmp(octets);
  } else {
    to.to->port = uint16_t(want_.port + number);
  }
  const Result<size_t> sent = co_await sys_.send(socket, octets, to);
  if (!sent) co_return sent.error();
  co_return Result<>{};
}

std::optional<Answer> Trace::match(const Received& got, uint16_t number) const {
  const auto ip = parse_ipv4_header(got.octets);
  if (!ip) return std::nullopt;
  const Bytes message = Bytes(got.octets).first(ip->total_length).subspan(ip->header_size());
  if (message.size() < sizeof(IcmpHeader)) return std::nullopt;
  Answer answer{ip->source_address(), load<IcmpHeader>(message)};
  const uint32_t expected = uint32_t(sys_.wire_ident()) << 16 | number;
  if (answer.icmp.type == icmp_type::echo_reply) {
    if (!want_.icmp || answer.icmp.rest != expected) return std::nullopt;
    answer.final = true;
    return answer;
  }
  if (!icmp_is_error(answer.icmp.type)) return std::nullopt;
  const auto quote = parse_icmp_quote(message);
  if (!quote || quote->ip.dest_address() != want_.target || quote->transport.size() < 8)
    return std::nullopt;
  if (want_.icmp) {
    if (load<IcmpHeader>(quote->transport).rest != expected) return std::nullopt;
  } else {
    const auto udp = load<UdpHeader>(quote->transport);
    const bool ours =
        quote->ip.protocol == ip_protocol::udp && udp.dest_port == uint16_t(want_.port + number);
    if (!ours) return std::nullopt;
  }
  answer.final = answer.icmp.type == icmp_type::unreachable;
  return answer;
}

Task<std::optional<Answer>> Trace::await_answer(uint16_t number) {
  const SimTime until = sys_.now() + SimTime(want_.wait_s * 1'000'000'000);
  while (sys_.now() < until && !sys_.interrupted()) {
    std::vector<PollItem> items{{.fd = icmp_, .ready = {}}};
    const auto ready = co_await sys_.poll(items, until - sys_.now());
    if (!ready || !(*ready)[0].ready.readable) continue;
    const Result<Received> got = co_await sys_.receive(icmp_, 65535);
    if (!got) continue;
    if (auto answer = match(*got, number)) co_return answer;
  }
  co_return std::nullopt;
}

// One line; true when the target, or an end of the road, was reached.
Task<bool> Trace::hop(int64_t ttl) {
  co_await sys_.print(text("{:2} ", ttl));
  Ipv4Address last;
  bool reached = false;
  int64_t dead_ends = 0;
  for (int64_t i = 0; i < want_.probes && !sys_.interrupted(); ++i) {
    const uint16_t number = next_++;
    const SimTime sent_at = sys_.now();
    const Result<> sent = co_await probe(number, ttl);
    if (!sent) {
      co_await sys_.complain(text("sendto: {}", errno_text(sent.error())));
      throw ProcessExit{1};
    }
    const auto answer = co_await await_answer(number);
    if (!answer) {
      co_await sys_.print(" *");
      continue;
    }
    if (answer->from != last) {
      const std::string address = to_text(answer->from);
      const std::string name = want_.numeric ? "" : host_name(sys_, hosts_, answer->from);
      const std::string shown = want_.numeric ? " " + address : text(" {} ({})", name, address);
      co_await sys_.print(shown);
      last = answer->from;
    }
    const std::string why = mark(answer->icmp);
    co_await sys_.print(text("  {} ms{}", milliseconds(sys_.now() - sent_at), why));
    if (answer->final) reached = true;
    if (!why.empty()) ++dead_ends;
  }
  co_await sys_.print("\n");
  co_return reached || (dead_ends > 0 && dead_ends >= want_.probes - 1);
}

Task<int> Trace::run() {
  sys_.catch_signals();
  hosts_ = (co_await sys_.read_file("/etc/hosts")).value_or("");
  icmp_ =
      co_await sys_.socket(Af::inet, SocketType::raw, ip_protocol::icmp).or_err(5, "icmp socket");
  udp_ = co_await sys_.socket(Af::inet, SocketType::datagram).or_err(5, "udp socket");
  if (want_.dont_fragment)
    co_await sys_.set_option(udp_, SocketOption::ip_dontfrag, 1).or_warn("IP_DONTFRAG");
  co_await sys_.print_error(text("traceroute to {} ({}), {} hops max, {} byte packets\n",
                                 want_.name, to_text(want_.target), want_.most,
                                 want_.icmp ? 48 : 40));
  for (int64_t ttl = want_.first; ttl <= want_.most && !sys_.interrupted(); ++ttl)
    if (co_await hop(ttl)) break;
  co_return 0;
}

Task<int> traceroute(Sys& sys, Args args) {
  const Options options(args, "FIf:m:np:q:w:");
  if (!options.error().empty() || options.rest().empty())
    co_return co_await bad_usage(sys, traceroute_command, options.error(), 1);
  TraceOptions want{.target = {}, .name = options.rest()[0]};
  const Options::Number numbers[] = {{'f', 1, 255, want.first},
                                     {'m', 1, 255, want.most},
                                     {'q', 1, 100, want.probes},
                                     {'w', 1, 86400, want.wait_s},
                                     {'p', 1, 65535, want.port}};
  if (const std::string wrong = options.read_numbers(numbers); !wrong.empty()) {
    co_await sys.complain(wrong);
    co_return 1;
  }
  want.icmp = options.has('I');
  want.numeric = options.has('n');
  want.dont_fragment = options.has('F');
  const auto target = sys.resolve_ipv4(want.name);
  if (!target) {
    co_await sys.complain(text("unknown host {}", want.name));
    co_return 1;
  }
  want.target = *target;
  Trace trace(sys, want);
  co_return co_await trace.run();
}

}  // namespace

const Command traceroute_command{
    .name = "traceroute",
    .synopsis =
        "traceroute [-FIn] [-f first_ttl] [-m max_ttl] [-p port] [-q nqueries]\n"
        "[-w waittime] host",
    .run = traceroute};

}  // namespace stackyard
