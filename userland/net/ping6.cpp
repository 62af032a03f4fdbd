// userland/net/ping6.cpp - ping(8) over IPv6.
#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/icmpv6.h"
#include "userland/lib/options.h"
#include "userland/net/ping.h"

namespace stackyard {

namespace {

constexpr size_t data_by_default = 8;

// As pr_icmph of ping6 has them.
std::string error_words(const Icmpv6Header& icmp) {
  switch (icmp.type) {
    case icmpv6_type::unreachable:
      switch (icmp.code) {
        case icmpv6_code::no_route:
          return "No Route to Destination";
        case icmpv6_code::prohibited:
          return "Destination Administratively Unreachable";
        case icmpv6_code::beyond_scope:
          return "Destination Unreachable Beyond Scope";
        case icmpv6_code::address_unreachable:
          return "Destination Host Unreachable";
        case icmpv6_code::port_unreachable:
          return "Destination Port Unreachable";
        default:
          return text("Destination Unreachable, Bad Code: {}", icmp.code);
      }
    case icmpv6_type::too_big:
      return text("Packet too big mtu = {}", uint32_t(icmp.rest));
    case icmpv6_type::time_exceeded:
      return icmp.code == icmpv6_code::hop_limit_in_transit ? "Time to live exceeded"
                                                            : "Frag reassembly time exceeded";
    case icmpv6_type::parameter_problem: {
      const std::string what =
          icmp.code == icmpv6_code::bad_field             ? "Erroneous Header "
          : icmp.code == icmpv6_code::unknown_next_header ? "Unknown Nextheader "
          : icmp.code == icmpv6_code::unknown_option      ? "Unrecognized Option "
                                                          : text("Bad code({}) ", icmp.code);
      return text("Parameter problem: {}pointer = 0x{:02x}", what, uint32_t(icmp.rest));
    }
    default:
      return text("Bad ICMP type: {}", icmp.type);
  }
}

class Ping6 {
 public:
  Ping6(Sys& sys, PingOptions want) : sys_(sys), want_(std::move(want)) {}
  Task<int> run();

 private:
  Task<void> set_options();
  Task<void> set_gateway();
  Task<void> show_start();
  Task<void> send();
  Task<void> listen_until(SimTime until);
  std::string take(const Received& got);
  std::string take_reply(const Icmpv6Header& icmp, const Received& got);
  std::string shown(const SockAddr& address) const;
  bool finished() const {
    return sys_.interrupted() || (want_.count && stats_.received >= want_.count) ||
           (want_.once && stats_.received > 0) ||
           (want_.timeout > SimTime() && sys_.now() >= deadline_);
  }

  Sys& sys_;
  PingOptions want_;
  PingStats stats_;
  Fd socket_{};
  std::vector<SimTime> sent_at_;
  SimTime deadline_ = SimTime::max();
};

std::string Ping6::shown(const SockAddr& address) const {
  InterfaceIndex ask;
  ask.index = address.scope;
  std::string words = to_text(address.address);
  if (address.scope && sys_.request(ask)) words += "%" + ask.name;
  return words;
}

std::string Ping6::take_reply(const Icmpv6Header& icmp, const Received& got) {
  const uint16_t sequence = uint16_t(icmp.rest);
  int64_t index = stats_.sent - 1 - uint16_t(uint16_t(stats_.sent - 1) - sequence);
  if (index < 0) return "";
  const SimTime rtt = sys_.now() - sent_at_[size_t(index)];
  stats_.note(rtt);
  const bool duplicate = stats_.seen[size_t(index)];
  stats_.seen[size_t(index)] = true;
  ++(duplicate ? stats_.duplicates : stats_.received);
  if (want_.quiet) return "";
  if (want_.flood) return duplicate ? "" : "\b";
  return text("{}{} bytes from {}, icmp_seq={} hlim={} time={} ms{}\n", want_.bell ? "\a" : "",
              got.octets.size(), shown(got.from), sequence, got.ttl, milliseconds(rtt),
              duplicate ? "(DUP!)" : "");
}

std::string Ping6::take(const Received& got) {
  const Bytes message = got.octets;
  if (message.size() < sizeof(Icmpv6Header)) return "";
  const auto icmp = load<Icmpv6Header>(message);
  if (icmp.type == icmpv6_type::echo_reply) {
    if (uint32_t(icmp.rest) >> 16 != sys_.wire_ident()) return "";
    return take_reply(icmp, got);
  }
  if (!icmpv6_is_error(icmp.type) || want_.quiet) return "";
  const auto quote = parse_icmpv6_quote(message);
  if (!quote || quote->protocol != ip_protocol::icmpv6 ||
      quote->transport.size() < sizeof(Icmpv6Header))
    return "";
  const auto ours = load<Icmpv6Header>(quote->transport);
  if (ours.type != icmpv6_type::echo || uint32_t(ours.rest) >> 16 != sys_.wire_ident()) return "";
  return text("{} bytes from {}: {}\n", message.size(), shown(got.from), error_words(icmp));
}

Task<void> Ping6::send() {
  const uint16_t sequence = uint16_t(stats_.sent);
  sent_at_.push_back(sys_.now());
  stats_.seen.push_back(false);
  ++stats_.sent;
  const size_t size = want_.data.value_or(data_by_default);
  std::vector<uint8_t> message(sizeof(Icmpv6Header) + size);
  store(
      Icmpv6Header{.type = icmpv6_type::echo, .rest = uint32_t(sys_.wire_ident()) << 16 | sequence},
      message);
  for (size_t i = 0; i < size; ++i)
    message[sizeof(Icmpv6Header) + i] =
        want_.pattern.empty() ? uint8_t(i) : want_.pattern[i % want_.pattern.size()];
  SendOptions options;
  options.to = want_.target;
  const Result<size_t> sent = co_await sys_.send(socket_, message, options);
  if (!sent) co_await sys_.complain(text("sendmsg: {}", errno_text(sent.error())));
  if (sent && want_.flood && !want_.quiet) co_await sys_.print(".");
}

Task<void> Ping6::listen_until(SimTime until) {
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

Task<void> Ping6::set_options() {
  if (want_.ttl) {
    co_await sys_.set_option(socket_, SocketOption::ipv6_unicast_hops, want_.ttl)
        .or_err(71, "IPV6_UNICAST_HOPS");
    co_await sys_.set_option(socket_, SocketOption::ipv6_multicast_hops, want_.ttl)
        .or_err(71, "IPV6_MULTICAST_HOPS");
  }
  if (want_.tos)
    co_await sys_.set_option(socket_, SocketOption::ipv6_tclass, want_.tos)
        .or_err(71, "IPV6_TCLASS");
  if (want_.no_loop)
    co_await sys_.set_option(socket_, SocketOption::ipv6_multicast_loop, 0)
        .or_err(71, "IPV6_MULTICAST_LOOP");
  if (want_.dont_fragment)
    co_await sys_.set_option(socket_, SocketOption::ipv6_dontfrag, 1).or_err(71, "IPV6_DONTFRAG");
  co_await sys_.set_option(socket_, SocketOption::ipv6_recvhoplimit, 1)
      .or_warn("IPV6_RECVHOPLIMIT");
  co_await sys_.set_option(socket_, SocketOption::so_rcvbuf, 128 * 1024).or_warn("SO_RCVBUF");
  // As ping(8) has it: fragments that pass everywhere, unless -u says to find the path's MTU.
  const int64_t minimum = want_.whole == 0 && !want_.dont_fragment ? 1 : want_.whole <= 1 ? -1 : 0;
  co_await sys_.set_option(socket_, SocketOption::ipv6_use_min_mtu, minimum)
      .or_err(71, "setsockopt(IPV6_USE_MIN_MTU)");
  co_await set_gateway();
  if (want_.interface.empty()) co_return;
  InterfaceIndex ask;
  ask.name = want_.interface;
  if (!sys_.request(ask)) {
    co_await sys_.complain(text("{}: invalid interface name", want_.interface));
    sys_.exit(1);
  }
  const IpAddress target = want_.target.address;
  if (target.is_v6() && target.v6().has_zone()) want_.target.scope = ask.index;
  OptionValue by;
  by.interface_index = ask.index;
  co_await sys_.set_option(socket_, SocketOption::ipv6_multicast_if, by)
      .or_err(71, "IPV6_MULTICAST_IF");
  co_await sys_.set_option(socket_, SocketOption::ipv6_pktinfo, by).or_err(71, "IPV6_PKTINFO");
}

Task<void> Ping6::set_gateway() {
  if (want_.gateway.empty()) co_return;
  const std::vector<SockAddr> found = sys_.resolve(want_.gateway, Af::inet6);
  if (found.empty()) {
    co_await sys_.complain(text("{}: Name does not resolve", want_.gateway));
    sys_.exit(68);
  }
  OptionValue hop;
  hop.interface = found[0].address;
  hop.interface_index = found[0].scope;
  co_await sys_.set_option(socket_, SocketOption::ipv6_nexthop, hop).or_err(71, "IPV6_NEXTHOP");
}

// The source is found as everyone finds it: by connecting a UDP socket.
Task<void> Ping6::show_start() {
  SockAddr source;
  if (want_.source) source.address = *want_.source;
  if (!want_.source) {
    const Fd probe = co_await sys_.socket(Af::inet6, SocketType::datagram).or_err(71, "UDP socket");
    SockAddr to = want_.target;
    to.port = 3503;
    if (to.address.is_multicast() && !want_.interface.empty()) {
      OptionValue by;
      by.interface_index = to.scope;
      co_await sys_.set_option(probe, SocketOption::ipv6_multicast_if, by);
    }
    co_await sys_.connect(probe, to).or_err(71, "UDP connect");
    const Result<SockAddr> name = sys_.local_name(probe);
    if (name) source = *name;
    co_await sys_.close(probe);
  }
  const size_t size = want_.data.value_or(data_by_default);
  co_await sys_.print(text("PING({}=40+8+{} bytes) {} --> {}\n", 48 + size, size, shown(source),
                           shown(want_.target)));
}

Task<int> Ping6::run() {
  sys_.catch_signals();
  socket_ =
      co_await sys_.socket(Af::inet6, SocketType::raw, ip_protocol::icmpv6).or_err(71, "socket");
  co_await set_options();
  if (want_.source) {
    SockAddr own;
    own.address = *want_.source;
    if (own.address.v6().has_zone()) own.scope = want_.target.scope;
    co_await sys_.bind(socket_, own).or_err(71, "bind");
  }
  co_await show_start();
  if (want_.timeout > SimTime()) deadline_ = sys_.now() + want_.timeout;
  while (!finished() && (want_.count == 0 || stats_.sent < want_.count)) {
    const SimTime next = sys_.now() + want_.interval;
    if (want_.bell_missed && stats_.sent > stats_.received) co_await sys_.print("\a");
    co_await send();
    const bool last = want_.count && stats_.sent >= want_.count;
    if (!last) co_await listen_until(next);
  }
  const SimTime patience =
      stats_.received > 0 && want_.wait == 10_s ? std::max(stats_.most * 2, 1_s) : want_.wait;
  co_await listen_until(sys_.now() + patience);
  co_await sys_.print(stats_.summary(want_.target_name));
  co_return stats_.received > 0 ? 0 : 2;
}

}  // namespace

Task<int> run_ping6(Sys& sys, PingOptions want) {
  Ping6 run(sys, std::move(want));
  co_return co_await run.run();
}

}  // namespace stackyard
