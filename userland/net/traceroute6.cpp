// userland/net/traceroute6.cpp - traceroute6(8): UDP or ICMPv6 probes with growing hop limits.
#include "core/base/text.h"
#include "core/wire/net/icmpv6.h"
#include "core/wire/transport/udp.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

struct Trace6Options {
  SockAddr target;
  std::string name;
  int64_t first = 1, most = 64, probes = 3, wait_s = 5, port = 33434, data = 20;
  bool icmp = false, numeric = false;
};

struct Answer6 {
  SockAddr from;
  Icmpv6Header icmp;
};

class Trace6 {
 public:
  Trace6(Sys& sys, Trace6Options want) : sys_(sys), want_(std::move(want)) {}
  Task<int> run();

 private:
  Task<bool> hop(int64_t limit);
  Task<Result<>> probe(uint16_t number, int64_t limit);
  Task<std::optional<Answer6>> await_answer(uint16_t number);
  bool ours(Bytes message, uint16_t number) const;
  static std::string mark(const Icmpv6Header& icmp);

  Sys& sys_;
  Trace6Options want_;
  std::string hosts_;
  Fd icmp_{}, udp_{};
  uint16_t next_ = 0;
};

// As traceroute6 has them; a port that is closed is the end, and needs none.
std::string Trace6::mark(const Icmpv6Header& icmp) {
  if (icmp.type != icmpv6_type::unreachable) return "";
  switch (icmp.code) {
    case icmpv6_code::no_route:
      return " !N";
    case icmpv6_code::prohibited:
      return " !P";
    case icmpv6_code::beyond_scope:
      return " !S";
    case icmpv6_code::address_unreachable:
      return " !A";
    default:
      return "";
  }
}

Task<Result<>> Trace6::probe(uint16_t number, int64_t limit) {
  const Fd socket = want_.icmp ? icmp_ : udp_;
  co_await sys_.set_option(socket, SocketOption::ipv6_unicast_hops, limit)
      .or_warn("IPV6_UNICAST_HOPS");
  SendOptions to;
  to.to = want_.target;
  std::vector<uint8_t> octets(size_t(want_.data));
  if (want_.icmp) {
    octets.resize(sizeof(Icmpv6Header) + size_t(want_.data));
    const uint32_t rest = uint32_t(sys_.wire_ident()) << 16 | number;
    store(Icmpv6Header{.type = icmpv6_type::echo, .rest = rest}, octets);
  } else {
    to.to->port = uint16_t(want_.port + number);
  }
  const Result<size_t> sent = co_await sys_.send(socket, octets, to);
  if (!sent) co_return sent.error();
  co_return Result<>{};
}

bool Trace6::ours(Bytes message, uint16_t number) const {
  const auto icmp = load<Icmpv6Header>(message);
  const uint32_t expected = uint32_t(sys_.wire_ident()) << 16 | number;
  if (icmp.type == icmpv6_type::echo_reply) return want_.icmp && icmp.rest == expected;
  if (!icmpv6_is_error(icmp.type)) return false;
  const auto quote = parse_icmpv6_quote(message);
  if (!quote || quote->ip.dest != want_.target.address.v6() || quote->transport.size() < 8)
    return false;
  if (want_.icmp)
    return quote->protocol == ip_protocol::icmpv6 &&
           load<Icmpv6Header>(quote->transport).rest == expected;
  return quote->protocol == ip_protocol::udp &&
         load<UdpHeader>(quote->transport).dest_port == uint16_t(want_.port + number);
}

Task<std::optional<Answer6>> Trace6::await_answer(uint16_t number) {
  const SimTime until = sys_.now() + SimTime(want_.wait_s * 1'000'000'000);
  while (sys_.now() < until && !sys_.interrupted()) {
    std::vector<PollItem> items{{.fd = icmp_, .ready = {}}};
    const auto ready = co_await sys_.poll(items, until - sys_.now());
    if (!ready || !(*ready)[0].ready.readable) continue;
    const Result<Received> got = co_await sys_.receive(icmp_, 65535);
    if (!got || got->octets.size() < sizeof(Icmpv6Header)) continue;
    if (ours(got->octets, number)) co_return Answer6{got->from, load<Icmpv6Header>(got->octets)};
  }
  co_return std::nullopt;
}

// One line; true when the target, or an end of the road, was reached.
Task<bool> Trace6::hop(int64_t limit) {
  co_await sys_.print(text("{:2} ", limit));
  SockAddr last;
  bool reached = false;
  int64_t dead_ends = 0;
  for (int64_t i = 0; i < want_.probes && !sys_.interrupted(); ++i) {
    const uint16_t number = next_++;
    const SimTime sent_at = sys_.now();
    const Result<> sent = co_await probe(number, limit);
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
      const std::string address = to_text(answer->from.address);
      const std::string name = want_.numeric ? "" : host_name(sys_, hosts_, answer->from.address);
      const std::string shown = want_.numeric ? " " + address : text(" {} ({})", name, address);
      co_await sys_.print(shown);
      last = answer->from;
    }
    const std::string why = mark(answer->icmp);
    co_await sys_.print(text("  {} ms{}", milliseconds(sys_.now() - sent_at), why));
    const bool closed = answer->icmp.type == icmpv6_type::unreachable &&
                        answer->icmp.code == icmpv6_code::port_unreachable;
    if (closed || answer->icmp.type == icmpv6_type::echo_reply) reached = true;
    if (!why.empty()) ++dead_ends;
  }
  co_await sys_.print("\n");
  co_return reached || (dead_ends > 0 && dead_ends >= want_.probes - 1);
}

Task<int> Trace6::run() {
  sys_.catch_signals();
  hosts_ = (co_await sys_.read_file("/etc/hosts")).value_or("");
  icmp_ = co_await sys_.socket(Af::inet6, SocketType::raw, ip_protocol::icmpv6)
              .or_err(5, "socket(ICMPv6)");
  udp_ = co_await sys_.socket(Af::inet6, SocketType::datagram).or_err(5, "udp socket");
  // The source that the probes will have, found as they will find it.
  const Fd look = co_await sys_.socket(Af::inet6, SocketType::datagram).or_err(5, "udp socket");
  SockAddr to = want_.target;
  to.port = uint16_t(want_.port);
  co_await sys_.connect(look, to).or_err(1, "connect");
  const SockAddr source = sys_.local_name(look).value_or(SockAddr());
  co_await sys_.close(look);
  co_await sys_.print_error(text("traceroute6 to {} ({}) from {}, {} hops max, {} byte packets\n",
                                 want_.name, to_text(want_.target.address), to_text(source.address),
                                 want_.most, want_.data + 8));
  for (int64_t limit = want_.first; limit <= want_.most && !sys_.interrupted(); ++limit)
    if (co_await hop(limit)) break;
  co_return 0;
}

Task<int> traceroute6(Sys& sys, Args args) {
  const Options options(args, "f:Ilm:nNp:q:Us:vw:");
  if (!options.error().empty() || options.rest().empty())
    co_return co_await bad_usage(sys, traceroute6_command, options.error(), 1);
  Trace6Options want{.target = {}, .name = options.rest()[0]};
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
  const std::vector<SockAddr> found = sys.resolve(want.name, Af::inet6);
  if (found.empty()) {
    co_await sys.complain(text("{}: Name does not resolve", want.name));
    co_return 1;
  }
  want.target = found[0];
  Trace6 trace(sys, want);
  co_return co_await trace.run();
}

}  // namespace

const Command traceroute6_command{.name = "traceroute6",
                                  .synopsis =
                                      "traceroute6 [-In] [-f firsthop] [-m hoplimit] [-p port]\n"
                                      "[-q probes] [-w waittime] target",
                                  .run = traceroute6};

}  // namespace stackyard
