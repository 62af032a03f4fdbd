#include "stack/ip/inet_socket.h"

#include <algorithm>

namespace stackyard {

Errno path_event_errno(PathEventKind kind) {
  switch (kind) {
    case PathEventKind::net_unreachable:
    case PathEventKind::host_unreachable:
      return Errno::ehostunreach;
    case PathEventKind::protocol_unreachable:
    case PathEventKind::port_unreachable:
    case PathEventKind::prohibited:
      return Errno::econnrefused;
    case PathEventKind::too_big:
      return Errno::emsgsize;
    case PathEventKind::parameter_problem:
      return Errno::enoprotoopt;
    case PathEventKind::ttl_exceeded:
      return Errno::ok;
  }
  return Errno::ok;
}

InetSocket::InetSocket(NetStack& net, IpOutput& ip, uint64_t receive_space, uint64_t datagram_max)
    : net_(net),
      ip_(ip),
      datagram_max_(datagram_max),
      receive_limit_(int64_t(receive_space)),
      send_limit_(int64_t(datagram_max)) {}

InetSocket::~InetSocket() {
  for (const Membership& m : memberships_)
    if (Ifnet* interface = net_.resolve(m.interface)) ip_.leave_group(*interface, m.group);
}

Result<Received> InetSocket::receive(size_t max, const ReceiveOptions& options) {
  if (error_ != Errno::ok) return std::exchange(error_, Errno::ok);
  if (queue_.empty()) return Errno::eagain;
  Datagram& first = queue_.front();
  const Bytes octets = first.payload.octets();
  const Bytes kept = octets.first(std::min(max, octets.size()));
  Received received;
  received.octets.assign(kept.begin(), kept.end());
  received.length = octets.size();
  received.from = first.from;
  received.link_group = first.group;
  if (want_dest_) received.to = first.to;
  if (want_ttl_) received.ttl = first.ttl;
  if (want_tos_) received.tos = first.tos;
  if (want_interface_) received.interface_index = first.interface;
  if (options.peek) return received;
  queued_octets_ -= cost(first.payload);
  queue_.pop_front();
  return received;
}

bool InetSocket::deliver(Packet payload, const SockAddr& from, const SockAddr& to,
                         const IpContext& context) {
  if (context.ttl < min_ttl_) return true;  // IP_MINTTL: silently not for us
  if (int64_t(queued_octets_ + cost(payload)) > receive_limit_) return false;
  queued_octets_ += cost(payload);
  queue_.push_back({std::move(payload), from, to, context.ttl, context.tos,
                    context.interface->index(), context.dest_is_group});
  changed();
  return true;
}

bool InetSocket::hears(const IpContext& context) const {
  if (!context.dest.is_multicast()) return true;
  bool member = false;
  for (const Membership& m : memberships_) {
    if (m.group != context.dest || m.interface != context.interface->ref()) continue;
    const bool listed =
        std::find(m.sources.begin(), m.sources.end(), context.source) != m.sources.end();
    if (listed == m.include) member = true;
  }
  return member;
}

IpSend InetSocket::make_send(Ipv4Address dest) const {
  IpSend send{.source = local_.address.is_multicast() ? Ipv4Address{} : local_.address,
              .dest = dest,
              .ttl = dest.is_multicast() ? multicast_ttl_ : ttl_,
              .tos = tos_,
              .fib = fib_,
              .dont_fragment = dont_fragment_,
              .allow_broadcast = broadcast_,
              .dont_route = dont_route_,
              .multicast_loop = multicast_loop_,
              .header_included = header_included_,
              .options = ip_options_};
  if (dest.is_multicast()) send.multicast_interface = net_.resolve(multicast_interface_);
  return send;
}

Ifnet* InetSocket::membership_interface(const OptionValue& value) const {
  if (value.interface_index) return net_.by_index(value.interface_index);
  if (!value.interface.is_any()) return ip_.interface_of(value.interface);
  // The interface that a packet to the group would leave by.
  if (const Route* route = net_.routes(fib_).lookup(value.group)) return route->interface;
  Ifnet* first = nullptr;
  net_.for_each([&](Ifnet& i) {
    if (!first && i.up() && i.has_flag(if_flag::multicast) && !i.has_flag(if_flag::loopback))
      first = &i;
  });
  return first;
}

Result<> InetSocket::change_membership(SocketOption option, const OptionValue& value) {
  if (!value.group.is_multicast()) return Errno::einval;
  Ifnet* interface = membership_interface(value);
  if (!interface) return Errno::eaddrnotavail;
  const auto found =
      std::find_if(memberships_.begin(), memberships_.end(), [&](const Membership& m) {
        return m.group == value.group && m.interface == interface->ref();
      });
  const bool there = found != memberships_.end();
  const auto join = [&](bool include) -> Result<> {
    if (memberships_.size() >= 4095) return Errno::enomem;  // IP_MAX_MEMBERSHIPS
    TRY(ip_.join_group(*interface, value.group));
    memberships_.push_back({interface->ref(), value.group, {}, include});
    if (include) memberships_.back().sources.push_back(value.source);
    return {};
  };
  const auto leave = [&]() -> Result<> {
    ip_.leave_group(*interface, value.group);
    memberships_.erase(found);
    return {};
  };
  switch (option) {
    case SocketOption::ip_add_membership:
      if (there) return Errno::eaddrinuse;
      return join(false);
    case SocketOption::ip_add_source_membership:
      if (!there) return join(true);
      if (!found->include) return Errno::einval;
      found->sources.push_back(value.source);
      return {};
    case SocketOption::ip_drop_membership:
      if (!there) return Errno::eaddrnotavail;
      return leave();
    case SocketOption::ip_drop_source_membership:
      if (!there || !found->include) return Errno::eaddrnotavail;
      if (std::erase(found->sources, value.source) == 0) return Errno::eaddrnotavail;
      if (found->sources.empty()) return leave();
      return {};
    case SocketOption::ip_block_source:
      if (!there || found->include) return Errno::eaddrnotavail;
      found->sources.push_back(value.source);
      return {};
    default:
      if (!there || found->include || std::erase(found->sources, value.source) == 0)
        return Errno::eaddrnotavail;
      return {};
  }
}

Result<> InetSocket::set_option(SocketOption option, const OptionValue& value) {
  const int64_t n = value.number;
  const auto octet = [&](uint8_t& field) -> Result<> {
    if (n < 0 || n > 255) return Errno::einval;
    field = uint8_t(n);
    return {};
  };
  switch (option) {
    case SocketOption::so_reuseaddr:
      reuse_address_ = n;
      return {};
    case SocketOption::so_reuseport:
      reuse_port_ = n;
      return {};
    case SocketOption::so_broadcast:
      broadcast_ = n;
      return {};
    case SocketOption::so_dontroute:
      dont_route_ = n;
      return {};
    case SocketOption::so_rcvbuf:
    case SocketOption::so_sndbuf:
      if (n < 1) return Errno::einval;
      if (n > 2 * 1024 * 1024) return Errno::enobufs;  // kern.ipc.maxsockbuf
      (option == SocketOption::so_rcvbuf ? receive_limit_ : send_limit_) = n;
      if (option == SocketOption::so_sndbuf) datagram_max_ = uint64_t(n);
      return {};
    case SocketOption::so_rcvtimeo:
      receive_timeout_ = n;
      return {};
    case SocketOption::so_setfib:
      if (n < 0 || n >= net_.fib_count()) return Errno::einval;
      return octet(fib_);
    case SocketOption::ip_ttl:
      return octet(ttl_);
    case SocketOption::ip_minttl:
      return octet(min_ttl_);
    case SocketOption::ip_tos:
      return octet(tos_);
    case SocketOption::ip_dontfrag:
      dont_fragment_ = n;
      return {};
    case SocketOption::ip_recvdstaddr:
      want_dest_ = n;
      return {};
    case SocketOption::ip_recvif:
      want_interface_ = n;
      return {};
    case SocketOption::ip_recvttl:
      want_ttl_ = n;
      return {};
    case SocketOption::ip_recvtos:
      want_tos_ = n;
      return {};
    case SocketOption::ip_multicast_ttl:
      return octet(multicast_ttl_);
    case SocketOption::ip_multicast_loop:
      multicast_loop_ = n;
      return {};
    case SocketOption::ip_multicast_if: {
      if (value.interface.is_any() && value.interface_index == 0) {
        multicast_interface_ = {};
        return {};
      }
      const Ifnet* interface = membership_interface(value);
      if (!interface) return Errno::eaddrnotavail;
      multicast_interface_ = interface->ref();
      return {};
    }
    case SocketOption::ip_options:
      if (value.octets.size() > 40) return Errno::einval;
      ip_options_ = value.octets;
      ip_options_.resize((ip_options_.size() + 3) / 4 * 4, 0);
      return {};
    case SocketOption::ip_add_membership:
    case SocketOption::ip_drop_membership:
    case SocketOption::ip_add_source_membership:
    case SocketOption::ip_drop_source_membership:
    case SocketOption::ip_block_source:
    case SocketOption::ip_unblock_source:
      return change_membership(option, value);
    default:
      return Errno::enoprotoopt;
  }
}

Result<OptionValue> InetSocket::get_option(SocketOption option) {
  OptionValue value;
  switch (option) {
    case SocketOption::so_rcvbuf:
      value.number = receive_limit_;
      return value;
    case SocketOption::so_sndbuf:
      value.number = send_limit_;
      return value;
    case SocketOption::so_rcvtimeo:
      value.number = receive_timeout_;
      return value;
    case SocketOption::so_error:
      value.number = int64_t(std::exchange(error_, Errno::ok));
      return value;
    case SocketOption::so_type:
      value.number = int64_t(type());
      return value;
    case SocketOption::so_broadcast:
      value.number = broadcast_;
      return value;
    case SocketOption::so_reuseaddr:
      value.number = reuse_address_;
      return value;
    case SocketOption::so_reuseport:
      value.number = reuse_port_;
      return value;
    case SocketOption::so_setfib:
      value.number = fib_;
      return value;
    case SocketOption::ip_ttl:
      value.number = ttl_;
      return value;
    case SocketOption::ip_tos:
      value.number = tos_;
      return value;
    case SocketOption::ip_minttl:
      value.number = min_ttl_;
      return value;
    case SocketOption::ip_dontfrag:
      value.number = dont_fragment_;
      return value;
    case SocketOption::ip_hdrincl:
      value.number = header_included_;
      return value;
    case SocketOption::ip_multicast_ttl:
      value.number = multicast_ttl_;
      return value;
    case SocketOption::ip_multicast_loop:
      value.number = multicast_loop_;
      return value;
    default:
      return Errno::enoprotoopt;
  }
}

}  // namespace stackyard
