#include "stack/tcp/tcp_socket.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/ipv4.h"
#include "stack/tcp/api/tcp_info.h"
#include "stack/tcp/functions.h"
#include "stack/tcp/listener.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

TcpSocket::TcpSocket(TcpConnection& connection) : connection_(connection) {
  connection_.socket_ = this;
}

TcpSocket::~TcpSocket() {
  if (connection_.listener()) {
    tcp().syncache().forget(connection_);
    connection_.parts_->listener.reset();
  }
  connection_.socket_closed();
  if (connection_.state() == TcpState::closed) tcp().pcbs().remove(connection_);
  tcp().release(connection_);
}

Result<> TcpSocket::bind(const SockAddr& address) {
  const Endpoint local = TRY(endpoint_of(address, connection_.family));
  if (connection_.bound() || connection_.state() != TcpState::closed) return Errno::einval;
  if (local.address.is_multicast()) return Errno::eafnosupport;
  return tcp().pcbs().bind(connection_, local);
}

Result<> TcpSocket::connect(const SockAddr& address) {
  const Endpoint foreign = TRY(endpoint_of(address, connection_.family));
  switch (connection_.state()) {
    case TcpState::closed:
      break;
    case TcpState::listen:
      return Errno::eopnotsupp;
    case TcpState::syn_sent:
    case TcpState::syn_received:
      return Errno::ealready;
    default:
      return Errno::eisconn;
  }
  if (foreign.port == 0) return Errno::eaddrnotavail;
  return connection_.connect(foreign);
}

Result<> TcpSocket::listen(int backlog) {
  if (connection_.state() == TcpState::listen) {
    connection_.listener()->set_backlog(backlog);
    return {};
  }
  if (connection_.state() != TcpState::closed) return Errno::einval;
  if (!connection_.bound()) TRY(tcp().pcbs().bind(connection_, connection_.local()));
  connection_.parts().listener = std::make_unique<TcpListener>(tcp(), connection_);
  connection_.listener()->set_backlog(backlog);
  connection_.become(TcpState::listen, "the program listens");
  return {};
}

Result<std::unique_ptr<SocketOps>> TcpSocket::accept() {
  if (!connection_.listener()) return Errno::einval;
  TcpConnection* taken = connection_.listener()->take();
  if (!taken) return Errno::eagain;
  return {std::make_unique<TcpSocket>(*taken)};
}

Result<size_t> TcpSocket::send(Bytes octets, const SendOptions& options) {
  if (options.to && connection_.state() == TcpState::closed) {
    const Endpoint foreign = TRY(endpoint_of(*options.to, connection_.family));
    if (foreign.port == 0) return Errno::eaddrnotavail;
    return connection_.connect_and_send(foreign, octets);
  }
  if (options.out_of_band && !octets.empty()) return connection_.send_urgent(octets);
  return connection_.send(octets);
}

SimTime TcpSocket::linger() const {
  const TcpState state = connection_.state();
  const bool open = state >= TcpState::established && state != TcpState::time_wait;
  return open ? SimTime(std::max(connection_.options.patience->linger_s, 0) * 1'000'000'000ll)
              : SimTime();
}

// soclose(9): until our FIN is acknowledged.
Result<> TcpSocket::disconnect() {
  const auto over = [&] {
    const TcpState state = connection_.state();
    return state == TcpState::closed || state == TcpState::fin_wait_2 ||
           state == TcpState::time_wait;
  };
  if (over()) return {};
  (void)connection_.shutdown(ShutdownHow::both);
  if (over()) return {};
  return Errno::eagain;
}

Result<> TcpSocket::shutdown(ShutdownHow how) {
  const Result<> done = connection_.shutdown(how);
  tcp().settle(connection_);
  return done;
}

Readiness TcpSocket::readiness() const {
  if (const TcpListener* listener = connection_.listener())
    return {.readable = listener->has_waiting(), .writable = false};
  return connection_.readiness();
}

SockAddr TcpSocket::local_name() const { return name_of(connection_.local(), connection_.family); }

SockAddr TcpSocket::peer_name() const {
  if (connection_.foreign().port != 0) return name_of(connection_.foreign(), connection_.family);
  return {.address = IpAddress::any(native(connection_.family)), .path = {}};
}

std::string TcpSocket::protocol_name() const { return tcp_protocol_name(connection_.family); }

// --- options -----------------------------------------------------------------------------------

Result<> TcpSocket::set_option(SocketOption option, const OptionValue& value) {
  if (option == SocketOption::tcp_congestion) {
    const std::string name(value.octets.begin(), value.octets.end());
    const CongestionRecord* record = find_congestion_control(name);
    if (!record) return Errno::esrch;
    const auto all = congestion_controls();
    connection_.congestion_index_ =
        uint8_t(std::find(all.begin(), all.end(), record) - all.begin());
    connection_.switch_congestion();
    return {};
  }
  if (option == SocketOption::tcp_ccalgoopt) {
    if (value.number < 0 || value.number > UINT32_MAX) return Errno::einval;
    const std::string name(value.octets.begin(), value.octets.end());
    return connection_.congestion().set_option(name, value.number, tcp().settings().congestion);
  }
  if (option == SocketOption::tcp_fastopen) return set_fast_open(value);
  if (option == SocketOption::tcp_function_blk) {
    const std::string name(value.octets.begin(), value.octets.end());
    const auto functions = find_tcp_functions(name);
    if (!functions) return Errno::enoent;
    // Whether the peer has SACK is not known yet.
    if (connection_.state() == TcpState::syn_sent || connection_.state() == TcpState::syn_received)
      return Errno::eagain;
    const CongestionRecord& before = connection_.congestion_record();
    connection_.options.functions = *functions;
    connection_.begin_functions();
    if (&connection_.congestion_record() != &before) connection_.switch_congestion();
    return {};
  }
  if (option == SocketOption::so_acceptfilter) {
    if (!connection_.listener()) return Errno::einval;
    const std::string name(value.octets.begin(), value.octets.end());
    TcpAcceptFilter& filter = connection_.options.accept_filter;
    if (name.empty())
      filter = TcpAcceptFilter::none;
    else if (name == "dataready")
      filter = TcpAcceptFilter::data;
    else if (name == "httpready")
      filter = TcpAcceptFilter::http;
    else
      return Errno::enoent;
    return {};
  }
  return set_number(option, value.number);
}

// A number, or struct tcp_fastopen with the key that the server shares.
Result<> TcpSocket::set_fast_open(const OptionValue& value) {
  const auto& s = tcp().settings();
  const TcpState state = connection_.state();
  TcpSocketOptions& o = connection_.options;
  if (!s.fastopen_client && !s.fastopen_server) return Errno::eperm;
  if (state != TcpState::closed && state != TcpState::listen) return Errno::einval;
  if (value.number && state == TcpState::listen && !s.fastopen_server) return Errno::eperm;
  o.fast_open = value.number != 0;
  if (connection_.parts_) connection_.parts_->fast_secret.reset();
  if (value.octets.size() == fast_open_key_size)
    connection_.parts().fast_secret = std::make_unique<SipKey>(sip_key_of(value.octets));
  return {};
}

Result<> TcpSocket::set_number(SocketOption option, int64_t n) {
  TcpSocketOptions& o = connection_.options;
  const auto within = [&](auto& field, int64_t least, int64_t most, int64_t scale = 1) -> Result<> {
    if (n < least || n > most) return Errno::einval;
    field = std::remove_reference_t<decltype(field)>(n * scale);
    return {};
  };
  switch (option) {
    case SocketOption::so_reuseaddr:
      connection_.reuse_address = n;
      return {};
    case SocketOption::so_reuseport:
      connection_.reuse_port = n;
      return {};
    case SocketOption::so_reuseport_lb:
      connection_.reuse_port_balanced = n;
      return {};
    case SocketOption::so_keepalive:
      o.keep_alive = n;
      return {};
    case SocketOption::so_oobinline:
      o.urgent_inline = n;
      return {};
    case SocketOption::so_nosigpipe:
      o.no_signal = n;
      return {};
    case SocketOption::so_dontroute:
      o.dont_route = n;
      return {};
    case SocketOption::so_broadcast:
      return {};
    case SocketOption::so_linger:
      o.patience.change().linger_s = n < 0 ? -1 : int32_t(n);
      return {};
    case SocketOption::so_rcvbuf:
    case SocketOption::so_sndbuf:
      if (n < 1) return Errno::einval;
      if (n > tcp().settings().maxsockbuf) return Errno::enobufs;
      connection_.set_buffers(option == SocketOption::so_rcvbuf ? n : 0,
                              option == SocketOption::so_sndbuf ? n : 0);
      return {};
    case SocketOption::so_rcvlowat:
      return within(o.patience.change().receive_low_water, 1, INT32_MAX);
    case SocketOption::so_sndlowat:
      return within(o.patience.change().send_low_water, 1, INT32_MAX);
    case SocketOption::so_rcvtimeo:
      o.patience.change().receive_timeout = n;
      return {};
    case SocketOption::so_sndtimeo:
      o.patience.change().send_timeout = n;
      return {};
    case SocketOption::so_max_pacing_rate:
      if (n < 0 || n > UINT32_MAX) return Errno::einval;
      connection_.limit_pace(uint32_t(n));
      return {};
    case SocketOption::so_setfib:
      return within(o.fib, 0, tcp().ip().net().fib_count() - 1);
    case SocketOption::ip_ttl:
      return within(o.ttl, 0, 255);
    case SocketOption::ip_minttl:
      return within(o.min_ttl, 0, 255);
    case SocketOption::ip_tos:
      return within(o.tos, 0, 255);
    case SocketOption::ip_dontfrag:
    case SocketOption::ipv6_dontfrag:
      o.dont_fragment = n;
      return {};
    case SocketOption::ipv6_tclass:
      return within(o.tos, 0, 255);
    case SocketOption::ipv6_unicast_hops:
      if (n < -1 || n > 255) return Errno::einval;
      o.ttl = n == -1 ? uint8_t(0) : uint8_t(n);
      return {};
    case SocketOption::ipv6_v6only:
      if (connection_.bound() || connection_.family == PcbFamily::v4) return Errno::einval;
      connection_.family = n ? PcbFamily::v6 : PcbFamily::both;
      return {};
    default:
      return set_tcp_number(option, n);
  }
}

Result<> TcpSocket::set_tcp_number(SocketOption option, int64_t n) {
  TcpSocketOptions& o = connection_.options;
  const auto within = [&](auto& field, int64_t least, int64_t most, int64_t scale = 1) -> Result<> {
    if (n < least || n > most) return Errno::einval;
    field = std::remove_reference_t<decltype(field)>(n * scale);
    return {};
  };
  switch (option) {
    case SocketOption::tcp_nodelay:
      o.no_delay = n;
      connection_.output();
      return {};
    case SocketOption::tcp_nopush:
      o.no_push = n;
      connection_.output();
      return {};
    case SocketOption::tcp_delack:
      o.no_delayed_ack = !n;
      return {};
    case SocketOption::tcp_md5sig:
      o.sign = n;
      return {};
    case SocketOption::tcp_udp_encaps_port:
      if (n < 0 || n > 65535) return Errno::einval;
      if (tcp().settings().udp_port == 0) return Errno::eopnotsupp;
      if (connection_.state() != TcpState::closed) return Errno::einval;
      o.encaps_port = uint16_t(n);
      return {};
    case SocketOption::tcp_noopt:
      o.no_options = n;
      return {};
    case SocketOption::tcp_maxseg:
      if (n < tcp().settings().minmss || n > connection_.max_segment()) return Errno::einval;
      o.max_segment = uint16_t(n);
      return {};
    case SocketOption::tcp_keepinit:
      return within(o.patience.change().keep_init_ms, 0, UINT32_MAX / 1000, 1000);
    case SocketOption::tcp_keepidle:
      TRY(within(o.patience.change().keep_idle_ms, 0, UINT32_MAX / 1000, 1000));
      if (connection_.state() >= TcpState::established) connection_.set_keep_idle();
      return {};
    case SocketOption::tcp_keepintvl:
      return within(o.patience.change().keep_interval_ms, 0, UINT32_MAX / 1000, 1000);
    case SocketOption::tcp_maxunacktime:
      return within(o.patience.change().max_unacked_ms, 0, UINT32_MAX / 1000, 1000);
    case SocketOption::tcp_keepcnt:
      return within(o.patience.change().keep_count, 0, UINT32_MAX);
    default:
      return Errno::enoprotoopt;
  }
}

Result<OptionValue> TcpSocket::get_option(SocketOption option) {
  OptionValue value;
  if (option == SocketOption::tcp_congestion) {
    const std::string_view name = congestion_controls()[connection_.congestion_index_]->name;
    value.octets.assign(name.begin(), name.end());
    return value;
  }
  if (option == SocketOption::tcp_ccalgoopt) {
    const auto options = connection_.congestion().options(tcp().settings().congestion);
    if (options.empty()) return Errno::enoent;
    std::string lines;
    for (const CongestionOption& o : options) lines += text("{} {}\n", o.name, o.value);
    value.octets.assign(lines.begin(), lines.end());
    return value;
  }
  if (option == SocketOption::tcp_function_blk) {
    const uint8_t own = connection_.options.functions;
    const std::string_view name = tcp_function_blocks()[own].name;
    value.octets.assign(name.begin(), name.end());
    value.number = int64_t(tcp().count_functions(own));
    return value;
  }
  if (option == SocketOption::tcp_info) {
    const TcpInfo info = connection_.info();
    value.octets.resize(sizeof info);
    store(info, value.octets);
    return value;
  }
  std::optional<int64_t> number = socket_number(option);
  if (!number) number = level_number(option);
  if (!number) return Errno::enoprotoopt;
  return OptionValue(*number);
}

std::optional<int64_t> TcpSocket::socket_number(SocketOption option) {
  const TcpSocketOptions& o = connection_.options;
  switch (option) {
    case SocketOption::so_error:
      return int64_t(connection_.take_error());
    case SocketOption::so_type:
      return int64_t(SocketType::stream);
    case SocketOption::so_acceptconn:
      return connection_.state() == TcpState::listen;
    case SocketOption::so_rcvbuf:
      return connection_.receive_space();
    case SocketOption::so_sndbuf:
      return connection_.send_space();
    case SocketOption::so_rcvlowat:
      return o.patience->receive_low_water;
    case SocketOption::so_sndlowat:
      return o.patience->send_low_water;
    case SocketOption::so_listenqlimit:
      return connection_.listener() ? int64_t(connection_.listener()->backlog()) : 0;
    case SocketOption::so_listenqlen:
      return connection_.listener() ? int64_t(connection_.listener()->waiting()) : 0;
    case SocketOption::so_listenincqlen:
      return connection_.listener() ? int64_t(tcp().syncache().count_of(connection_)) : 0;
    case SocketOption::so_protocol:
      return ip_protocol::tcp;
    case SocketOption::so_domain:
      return int64_t(connection_.family == PcbFamily::v4 ? Af::inet : Af::inet6);
    case SocketOption::so_atmark:
      return connection_.at_mark();
    case SocketOption::so_rcvtimeo:
      return o.patience->receive_timeout;
    case SocketOption::so_sndtimeo:
      return o.patience->send_timeout;
    case SocketOption::so_reuseaddr:
      return connection_.reuse_address;
    case SocketOption::so_reuseport:
      return connection_.reuse_port;
    case SocketOption::so_reuseport_lb:
      return connection_.reuse_port_balanced;
    case SocketOption::so_keepalive:
      return o.keep_alive;
    case SocketOption::so_oobinline:
      return o.urgent_inline;
    case SocketOption::so_nosigpipe:
      return o.no_signal;
    case SocketOption::so_linger:
      return o.patience->linger_s;
    case SocketOption::so_max_pacing_rate:
      return connection_.pacer() ? connection_.pacer()->limit : 0;
    case SocketOption::so_setfib:
      return o.fib;
    default:
      return std::nullopt;
  }
}

// Those of IP's and TCP's levels.
std::optional<int64_t> TcpSocket::level_number(SocketOption option) const {
  const TcpSocketOptions& o = connection_.options;
  const auto& s = tcp().settings();
  const auto seconds = [](uint32_t own, int64_t otherwise) {
    return (own ? own : otherwise) / 1000;
  };
  switch (option) {
    case SocketOption::ip_ttl:
      return o.ttl;
    case SocketOption::ipv6_unicast_hops:
      return o.ttl ? int64_t(o.ttl) : -1;
    case SocketOption::ip_tos:
    case SocketOption::ipv6_tclass:
      return o.tos;
    case SocketOption::ip_minttl:
      return o.min_ttl;
    case SocketOption::ip_dontfrag:
    case SocketOption::ipv6_dontfrag:
      return o.dont_fragment;
    case SocketOption::ipv6_v6only:
      return connection_.family == PcbFamily::v6;
    case SocketOption::tcp_nodelay:
      return o.no_delay;
    case SocketOption::tcp_nopush:
      return o.no_push;
    case SocketOption::tcp_delack:
      return !o.no_delayed_ack;
    case SocketOption::tcp_md5sig:
      return o.sign;
    case SocketOption::tcp_udp_encaps_port:
      return o.encaps_port;
    case SocketOption::tcp_noopt:
      return o.no_options;
    case SocketOption::tcp_fastopen:
      return o.fast_open;
    case SocketOption::tcp_maxseg:
      return connection_.max_segment();
    case SocketOption::tcp_keepinit:
      return seconds(o.patience->keep_init_ms, s.keepinit_ms);
    case SocketOption::tcp_keepidle:
      return seconds(o.patience->keep_idle_ms, s.keepidle_ms);
    case SocketOption::tcp_keepintvl:
      return seconds(o.patience->keep_interval_ms, s.keepintvl_ms);
    case SocketOption::tcp_maxunacktime:
      return seconds(o.patience->max_unacked_ms, s.maxunacktime_ms);
    case SocketOption::tcp_keepcnt:
      return o.patience->keep_count ? int64_t(o.patience->keep_count) : s.keepcnt;
    default:
      return std::nullopt;
  }
}

}  // namespace stackyard
