#include "stack/tcp/tcp_socket.h"

#include "stack/tcp/listener.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

TcpSocket::TcpSocket(Tcp& tcp, TcpConnection& connection) : tcp_(tcp), connection_(connection) {
  connection_.socket_ = this;
}

TcpSocket::~TcpSocket() {
  if (connection_.listener_) {
    tcp_.syncache().forget(connection_);
    connection_.listener_.reset();
  }
  connection_.socket_closed();
  if (connection_.state() == TcpState::closed) tcp_.pcbs().remove(connection_);
  tcp_.release(connection_);
}

Result<> TcpSocket::bind(const SockAddr& address) {
  const Endpoint local = TRY(endpoint_of(address, connection_.family));
  if (connection_.bound() || connection_.state() != TcpState::closed) return Errno::einval;
  if (local.address.is_multicast()) return Errno::eafnosupport;
  return tcp_.pcbs().bind(connection_, local);
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
    connection_.listener_->set_backlog(backlog);
    return {};
  }
  if (connection_.state() != TcpState::closed) return Errno::einval;
  if (!connection_.bound()) TRY(tcp_.pcbs().bind(connection_, connection_.local()));
  connection_.listener_ = std::make_unique<TcpListener>(tcp_, connection_);
  connection_.listener_->set_backlog(backlog);
  connection_.become(TcpState::listen, "the program listens");
  return {};
}

Result<std::unique_ptr<SocketOps>> TcpSocket::accept() {
  if (!connection_.listener_) return Errno::einval;
  TcpConnection* taken = connection_.listener_->take();
  if (!taken) return Errno::eagain;
  return {std::make_unique<TcpSocket>(tcp_, *taken)};
}

Result<size_t> TcpSocket::send(Bytes octets, const SendOptions& options) {
  if (options.to && connection_.state() == TcpState::closed) return Errno::enotconn;
  return connection_.send(octets);
}

Readiness TcpSocket::readiness() const {
  if (const TcpListener* listener = connection_.listener_.get())
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
    connection_.congestion_ = record->create();
    return {};
  }
  return set_number(option, value.number);
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
    case SocketOption::so_nosigpipe:
      o.no_signal = n;
      return {};
    case SocketOption::so_dontroute:
      o.dont_route = n;
      return {};
    case SocketOption::so_broadcast:
      return {};
    case SocketOption::so_linger:
      o.linger_s = n < 0 ? -1 : int32_t(n);
      return {};
    case SocketOption::so_rcvbuf:
    case SocketOption::so_sndbuf:
      if (n < 1) return Errno::einval;
      if (n > 2 * 1024 * 1024) return Errno::enobufs;  // kern.ipc.maxsockbuf
      connection_.set_buffers(option == SocketOption::so_rcvbuf ? n : 0,
                              option == SocketOption::so_sndbuf ? n : 0);
      return {};
    case SocketOption::so_rcvtimeo:
      o.receive_timeout = n;
      return {};
    case SocketOption::so_sndtimeo:
      o.send_timeout = n;
      return {};
    case SocketOption::so_setfib:
      return within(o.fib, 0, tcp_.ip().net().fib_count() - 1);
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
    case SocketOption::tcp_nodelay:
      o.no_delay = n;
      connection_.output();
      return {};
    case SocketOption::tcp_nopush:
      o.no_push = n;
      connection_.output();
      return {};
    case SocketOption::tcp_noopt:
      o.no_options = n;
      return {};
    case SocketOption::tcp_maxseg:
      if (n < tcp_.settings().minmss || n > connection_.max_segment()) return Errno::einval;
      o.max_segment = uint16_t(n);
      return {};
    case SocketOption::tcp_keepinit:
      return within(o.keep_init_ms, 0, UINT32_MAX / 1000, 1000);
    case SocketOption::tcp_keepidle:
      TRY(within(o.keep_idle_ms, 0, UINT32_MAX / 1000, 1000));
      if (connection_.state() >= TcpState::established) connection_.set_keep_idle();
      return {};
    case SocketOption::tcp_keepintvl:
      return within(o.keep_interval_ms, 0, UINT32_MAX / 1000, 1000);
    case SocketOption::tcp_keepcnt:
      return within(o.keep_count, 0, UINT32_MAX);
    default:
      return Errno::enoprotoopt;
  }
}

Result<OptionValue> TcpSocket::get_option(SocketOption option) {
  const TcpSocketOptions& o = connection_.options;
  const auto& s = tcp_.settings();
  OptionValue value;
  const auto seconds = [&](uint32_t own, int64_t otherwise) {
    return (own ? own : otherwise) / 1000;
  };
  switch (option) {
    case SocketOption::so_error:
      value.number = int64_t(connection_.take_error());
      return value;
    case SocketOption::so_type:
      value.number = int64_t(SocketType::stream);
      return value;
    case SocketOption::so_acceptconn:
      value.number = connection_.state() == TcpState::listen;
      return value;
    case SocketOption::so_rcvbuf:
      return OptionValue(int64_t(connection_.receive_space()));
    case SocketOption::so_sndbuf:
      return OptionValue(int64_t(connection_.send_space()));
    case SocketOption::so_rcvtimeo:
      return OptionValue(o.receive_timeout);
    case SocketOption::so_sndtimeo:
      return OptionValue(o.send_timeout);
    case SocketOption::so_reuseaddr:
      return OptionValue(connection_.reuse_address);
    case SocketOption::so_reuseport:
      return OptionValue(connection_.reuse_port);
    case SocketOption::so_keepalive:
      return OptionValue(o.keep_alive);
    case SocketOption::so_nosigpipe:
      return OptionValue(o.no_signal);
    case SocketOption::so_linger:
      return OptionValue(int64_t(o.linger_s));
    case SocketOption::so_setfib:
      return OptionValue(o.fib);
    case SocketOption::ip_ttl:
      return OptionValue(o.ttl);
    case SocketOption::ip_tos:
    case SocketOption::ipv6_tclass:
      return OptionValue(o.tos);
    case SocketOption::ipv6_unicast_hops:
      return OptionValue(o.ttl ? int64_t(o.ttl) : -1);
    case SocketOption::ipv6_v6only:
      return OptionValue(connection_.family == PcbFamily::v6);
    case SocketOption::ip_minttl:
      return OptionValue(o.min_ttl);
    case SocketOption::ip_dontfrag:
      return OptionValue(o.dont_fragment);
    case SocketOption::tcp_nodelay:
      return OptionValue(o.no_delay);
    case SocketOption::tcp_nopush:
      return OptionValue(o.no_push);
    case SocketOption::tcp_noopt:
      return OptionValue(o.no_options);
    case SocketOption::tcp_maxseg:
      return OptionValue(int64_t(connection_.max_segment()));
    case SocketOption::tcp_keepinit:
      return OptionValue(seconds(o.keep_init_ms, s.keepinit_ms));
    case SocketOption::tcp_keepidle:
      return OptionValue(seconds(o.keep_idle_ms, s.keepidle_ms));
    case SocketOption::tcp_keepintvl:
      return OptionValue(seconds(o.keep_interval_ms, s.keepintvl_ms));
    case SocketOption::tcp_keepcnt:
      return OptionValue(o.keep_count ? int64_t(o.keep_count) : s.keepcnt);
    case SocketOption::tcp_congestion: {
      const CongestionControl* own = connection_.congestion_.get();
      const std::string_view name =
          own ? own->name() : std::string_view(congestion_controls()[size_t(s.cc)]->name);
      value.octets.assign(name.begin(), name.end());
      return value;
    }
    default:
      return Errno::enoprotoopt;
  }
}

}  // namespace stackyard
