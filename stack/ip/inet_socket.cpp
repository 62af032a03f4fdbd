#include "stack/ip/inet_socket.h"

#include <algorithm>

namespace stackyard {

InetSocket::InetSocket(IpStack& ip, IpFamily native) : ip_(ip) {
  family = native == IpFamily::v4 ? PcbFamily::v4 : PcbFamily::v6;
  if (native == IpFamily::v6) {
    local_.address = Ipv6Address{};
    if (!ip.settings().v6only) family = PcbFamily::both;
  }
}

SockAddr InetSocket::peer_name() const {
  if (connected_) return name_of(foreign_, family);
  SockAddr none;
  none.address = IpAddress::any(native(family));
  return none;
}

bool InetSocket::hears(const IpContext& context) const {
  return !context.dest.is_multicast() || (memberships_ && memberships_->hears(context));
}

IpSend InetSocket::make_send(const IpAddress& dest) const {
  const bool group = dest.is_multicast();
  IpSend send{.dest = dest,
              .ttl = group ? multicast_ttl_ : ttl_,
              .tos = tos_,
              .fib = fib_,
              .dont_fragment = dont_fragment_,
              .allow_broadcast = broadcast_,
              .dont_route = dont_route_,
              .multicast_loop = multicast_loop_,
              .header_included = header_included_,
              .minimum_mtu = dest.is_v6() && (minimum_mtu_ > 0 || (minimum_mtu_ < 0 && group)),
              .auto_flow_label = auto_flow_label_,
              .temporary = temporary_,
              .options = ip_options_,
              .ones_broadcast = ones_broadcast_,
              .any_source = bind_any};
  send.source = local_.address.is_multicast() || local_.address.family() != dest.family()
                    ? IpAddress::any(dest.family())
                    : local_.address;
  if (group) send.interface = ip_.net().resolve(multicast_interface_);
  if (extensions_ && dest.is_v6()) {
    send.next_hop = extensions_->next_hop;
    if (Ifnet* by = ip_.net().resolve(extensions_->interface)) send.interface = by;
    if (send.source.is_any() && !extensions_->source.is_any()) send.source = extensions_->source;
  }
  return send;
}

Result<IpSend> InetSocket::make_send(const IpAddress& dest, const SendOptions& options,
                                     std::vector<uint8_t>& headers) const {
  IpSend send = make_send(dest);
  if (options.source) {
    send.source = TRY(address_of(*options.source, 0, family));
    if (send.source.is_v6() && options.packet && options.packet->interface_index)
      send.source = send.source.v6().with_zone(options.packet->interface_index);
    if (send.source.family() != dest.family()) return Errno::einval;
    if (!bind_any && !send.source.is_any() && !ip_.of(dest).is_local(send.source))
      return Errno::eaddrnotavail;
  }
  if (options.packet) {
    const PacketOptions& packet = *options.packet;
    if (packet.hop_limit > 255 || packet.traffic_class > 255) return Errno::einval;
    if (packet.hop_limit > 0) send.ttl = uint8_t(packet.hop_limit);
    if (packet.traffic_class >= 0) send.tos = uint8_t(packet.traffic_class);
    if (packet.dont_fragment >= 0) send.dont_fragment = packet.dont_fragment;
    if (packet.minimum_mtu)
      send.minimum_mtu =
          *packet.minimum_mtu > 0 || (*packet.minimum_mtu < 0 && dest.is_multicast());
    send.flow_label = packet.flow_label & 0xfffff;
    if (packet.interface_index) {
      send.interface = ip_.net().by_index(packet.interface_index);
      if (!send.interface) return Errno::enxio;
    }
    if (packet.next_hop)
      send.next_hop = TRY(address_of(packet.next_hop->address, packet.next_hop->scope, family));
  }
  if (dest.is_v6()) {
    const PacketOptions* own = options.packet ? &*options.packet : nullptr;
    TRY(compose_extensions(extensions_.get(), own, headers, send.options_type));
    send.options = headers;
  }
  return send;
}

Result<> InetSocket::set_multicast_interface(const OptionValue& value) {
  if (value.interface.is_any() && value.interface_index == 0) {
    multicast_interface_ = {};
    return {};
  }
  const Ifnet* interface = Memberships::interface_for(ip_, value, fib_);
  if (!interface) return Errno::eaddrnotavail;
  multicast_interface_ = interface->ref();
  return {};
}

namespace {

Result<> to_octet(int64_t number, uint8_t& field) {
  if (number < 0 || number > 255) return Errno::einval;
  field = uint8_t(number);
  return {};
}

}  // namespace

Result<InetSocket::Outcome> InetSocket::set_general(SocketOption option, const OptionValue& value) {
  const int64_t n = value.number;
  switch (option) {
    case SocketOption::so_reuseaddr:
      reuse_address = n;
      return Outcome::done;
    case SocketOption::so_reuseport:
      reuse_port = n;
      return Outcome::done;
    case SocketOption::so_reuseport_lb:
      reuse_port_balanced = n;
      return Outcome::done;
    case SocketOption::so_broadcast:
      broadcast_ = n;
      return Outcome::done;
    case SocketOption::so_dontroute:
      dont_route_ = n;
      return Outcome::done;
    case SocketOption::so_setfib:
      if (n < 0 || n >= ip_.net().fib_count()) return Errno::einval;
      fib_ = uint16_t(n);
      return Outcome::done;
    case SocketOption::ip_add_membership:
    case SocketOption::ip_drop_membership:
    case SocketOption::ip_add_source_membership:
    case SocketOption::ip_drop_source_membership:
    case SocketOption::ip_block_source:
    case SocketOption::ip_unblock_source:
    case SocketOption::ip_msfilter:
    case SocketOption::ipv6_join_group:
    case SocketOption::ipv6_leave_group:
      if (!speaks(family, value.group.family())) return Errno::einval;
      if (!memberships_) memberships_ = std::make_unique<Memberships>(ip_);
      TRY(memberships_->change(option, value, fib_));
      return Outcome::done;
    default:
      return Outcome::not_mine;
  }
}

Result<InetSocket::Outcome> InetSocket::set_ipv4(SocketOption option, const OptionValue& value) {
  const int64_t n = value.number;
  switch (option) {
    case SocketOption::ip_ttl:
      TRY(to_octet(n, ttl_));
      return Outcome::done;
    case SocketOption::ip_minttl:
      TRY(to_octet(n, min_ttl_));
      return Outcome::done;
    case SocketOption::ip_tos:
      TRY(to_octet(n, tos_));
      return Outcome::done;
    case SocketOption::ip_dontfrag:
      dont_fragment_ = n;
      return Outcome::done;
    case SocketOption::ip_recvdstaddr:
      want_dest_ = n;
      return Outcome::done;
    case SocketOption::ip_recvif:
      want_interface_ = n;
      return Outcome::done;
    case SocketOption::ip_recvttl:
      want_ttl_ = n;
      return Outcome::done;
    case SocketOption::ip_recvtos:
      want_tos_ = n;
      return Outcome::done;
    case SocketOption::ip_multicast_ttl:
      TRY(to_octet(n, multicast_ttl_));
      return Outcome::done;
    case SocketOption::ip_multicast_loop:
      multicast_loop_ = n;
      return Outcome::done;
    case SocketOption::ip_multicast_if:
      TRY(set_multicast_interface(value));
      return Outcome::done;
    case SocketOption::ip_onesbcast:
      ones_broadcast_ = n;
      return Outcome::done;
    case SocketOption::ip_bindany:
      bind_any = n;
      return Outcome::done;
    case SocketOption::ip_origdstaddr:
      want_original_ = n;
      return Outcome::done;
    case SocketOption::ip_options:
      if (value.octets.size() > 40) return Errno::einval;
      ip_options_ = value.octets;
      ip_options_.resize((ip_options_.size() + 3) / 4 * 4, 0);
      return Outcome::done;
    default:
      return Outcome::not_mine;
  }
}

// RFC 3493 s5, RFC 3542 s6: options of IPv6 sockets.
Result<InetSocket::Outcome> InetSocket::set_ipv6(SocketOption option, const OptionValue& value) {
  const int64_t n = value.number;
  switch (option) {
    case SocketOption::ipv6_v6only:
      if (bound()) return Errno::einval;
      family = n ? PcbFamily::v6 : PcbFamily::both;
      return Outcome::done;
    case SocketOption::ipv6_unicast_hops:
      if (n < -1 || n > 255) return Errno::einval;
      ttl_ = n == -1 ? uint8_t(0) : uint8_t(n);
      return Outcome::done;
    case SocketOption::ipv6_multicast_hops:
      if (n < -1 || n > 255) return Errno::einval;
      multicast_ttl_ = n == -1 ? uint8_t(1) : uint8_t(n);
      return Outcome::done;
    case SocketOption::ipv6_multicast_if:
      TRY(set_multicast_interface(value));
      return Outcome::done;
    case SocketOption::ipv6_multicast_loop:
      if (n != 0 && n != 1) return Errno::einval;
      multicast_loop_ = n;
      return Outcome::done;
    case SocketOption::ipv6_tclass:
      TRY(to_octet(n == -1 ? 0 : n, tos_));
      return Outcome::done;
    case SocketOption::ipv6_dontfrag:
      dont_fragment_ = n;
      return Outcome::done;
    case SocketOption::ipv6_use_min_mtu:
      if (n < -1 || n > 1) return Errno::einval;
      minimum_mtu_ = int8_t(n);
      return Outcome::done;
    case SocketOption::ipv6_recvpktinfo:
      want_dest_ = want_interface_ = n;
      return Outcome::done;
    case SocketOption::ipv6_recvhoplimit:
      want_ttl_ = n;
      return Outcome::done;
    case SocketOption::ipv6_recvtclass:
      want_tos_ = n;
      return Outcome::done;
    case SocketOption::ipv6_autoflowlabel:
      auto_flow_label_ = n;
      return Outcome::done;
    case SocketOption::ipv6_bindany:
      bind_any = n;
      return Outcome::done;
    case SocketOption::ip_origdstaddr:
      want_original_ = n;
      return Outcome::done;
    case SocketOption::ipv6_prefer_tempaddr:
      if (n < -1 || n > 1) return Errno::einval;
      temporary_ = n < 0 ? Temporary::by_sysctl : n == 0 ? Temporary::avoid : Temporary::prefer;
      return Outcome::done;
    default:
      return set_extension(option, value);
  }
}

// RFC 3542 s6, s8, s9: what goes along with all that is sent, and what is received beside data.
Result<InetSocket::Outcome> InetSocket::set_extension(SocketOption option,
                                                      const OptionValue& value) {
  const bool on = value.number != 0;
  switch (option) {
    case SocketOption::ipv6_pktinfo: {
      Ifnet* interface =
          value.interface_index ? ip_.net().by_index(value.interface_index) : nullptr;
      if (value.interface_index && !interface) return Errno::enxio;
      IpAddress source = value.source.is_v6() ? value.source : IpAddress(Ipv6Address{});
      if (interface) source = source.v6().with_zone(interface->index());
      if (!source.is_any() && !bind_any) TRY(ip_.of(source).may_bind(source));
      own_extensions().interface = interface ? interface->ref() : IfRef{};
      own_extensions().source = source;
      return Outcome::done;
    }
    case SocketOption::ipv6_nexthop:
      if (!value.interface.is_v6()) {
        own_extensions().next_hop = {};
        return Outcome::done;
      }
      own_extensions().next_hop = TRY(address_of(value.interface, value.interface_index, family));
      return Outcome::done;
    case SocketOption::ipv6_hopopts:
      TRY(set_extension_header(own_extensions().hop_options, value.octets));
      return Outcome::done;
    case SocketOption::ipv6_rthdrdstopts:
      TRY(set_extension_header(own_extensions().routing_dest_options, value.octets));
      return Outcome::done;
    case SocketOption::ipv6_rthdr:
      TRY(check_routing_header(value.octets));
      TRY(set_extension_header(own_extensions().routing, value.octets));
      return Outcome::done;
    case SocketOption::ipv6_dstopts:
      TRY(set_extension_header(own_extensions().dest_options, value.octets));
      return Outcome::done;
    case SocketOption::ipv6_recvhopopts:
      own_extensions().want_hop_options = on;
      return Outcome::done;
    case SocketOption::ipv6_recvrthdr:
      own_extensions().want_routing = on;
      return Outcome::done;
    case SocketOption::ipv6_recvdstopts:
      own_extensions().want_dest_options = on;
      return Outcome::done;
    case SocketOption::ipv6_recvpathmtu:
      own_extensions().want_path_mtu = on;
      return Outcome::done;
    default:
      return Outcome::not_mine;
  }
}

Result<> InetSocket::set_option(SocketOption option, const OptionValue& value) {
  if (TRY(set_general(option, value)) == Outcome::done) return {};
  const Outcome done =
      family == PcbFamily::v4 ? TRY(set_ipv4(option, value)) : TRY(set_ipv6(option, value));
  return done == Outcome::done ? Result<>() : Errno::enoprotoopt;
}

std::optional<int64_t> InetSocket::number_of_option(SocketOption option) const {
  switch (option) {
    case SocketOption::so_type:
      return int64_t(type());
    case SocketOption::so_domain:
      return int64_t(family == PcbFamily::v4 ? Af::inet : Af::inet6);
    case SocketOption::so_broadcast:
      return broadcast_;
    case SocketOption::so_reuseaddr:
      return reuse_address;
    case SocketOption::so_reuseport:
      return reuse_port;
    case SocketOption::so_reuseport_lb:
      return reuse_port_balanced;
    case SocketOption::so_dontroute:
      return dont_route_;
    case SocketOption::so_setfib:
      return fib_;
    case SocketOption::ip_ttl:
      return ttl_;
    case SocketOption::ip_tos:
    case SocketOption::ipv6_tclass:
      return tos_;
    case SocketOption::ip_minttl:
      return min_ttl_;
    case SocketOption::ip_dontfrag:
    case SocketOption::ipv6_dontfrag:
      return dont_fragment_;
    case SocketOption::ip_hdrincl:
      return header_included_;
    case SocketOption::ip_multicast_ttl:
    case SocketOption::ipv6_multicast_hops:
      return multicast_ttl_;
    case SocketOption::ip_multicast_loop:
    case SocketOption::ipv6_multicast_loop:
      return multicast_loop_;
    case SocketOption::ipv6_v6only:
      return family == PcbFamily::v6;
    case SocketOption::ipv6_unicast_hops:
      return ttl_ ? int64_t(ttl_) : -1;
    case SocketOption::ipv6_use_min_mtu:
      return minimum_mtu_;
    default:
      return flag_of_option(option);
  }
}

std::optional<int64_t> InetSocket::flag_of_option(SocketOption option) const {
  switch (option) {
    case SocketOption::ip_onesbcast:
      return ones_broadcast_;
    case SocketOption::ip_bindany:
    case SocketOption::ipv6_bindany:
      return bind_any;
    case SocketOption::ip_recvdstaddr:
    case SocketOption::ipv6_recvpktinfo:
      return want_dest_;
    case SocketOption::ip_recvttl:
    case SocketOption::ipv6_recvhoplimit:
      return want_ttl_;
    case SocketOption::ip_recvtos:
    case SocketOption::ipv6_recvtclass:
      return want_tos_;
    case SocketOption::ip_recvif:
      return want_interface_;
    case SocketOption::ip_origdstaddr:
      return want_original_;
    case SocketOption::ipv6_autoflowlabel:
      return auto_flow_label_;
    case SocketOption::ipv6_prefer_tempaddr:
      return temporary_ == Temporary::by_sysctl ? -1 : temporary_ == Temporary::prefer;
    case SocketOption::ipv6_recvpathmtu:
      return extensions_ && extensions_->want_path_mtu;
    case SocketOption::ipv6_recvhopopts:
      return extensions_ && extensions_->want_hop_options;
    case SocketOption::ipv6_recvdstopts:
      return extensions_ && extensions_->want_dest_options;
    case SocketOption::ipv6_recvrthdr:
      return extensions_ && extensions_->want_routing;
    default:
      return std::nullopt;
  }
}

Result<OptionValue> InetSocket::get_option(SocketOption option) {
  OptionValue octets;
  const bool v6 = family != PcbFamily::v4;
  const Extensions6 none, &own = extensions_ ? *extensions_ : none;
  switch (option) {
    case SocketOption::ip_options:
      octets.octets = ip_options_;
      return octets;
    case SocketOption::ip_msfilter:
      return Errno::einval;  // get_filter's
    case SocketOption::ipv6_hopopts:
      octets.octets = own.hop_options;
      return octets;
    case SocketOption::ipv6_rthdr:
      octets.octets = own.routing;
      return octets;
    case SocketOption::ipv6_rthdrdstopts:
      octets.octets = own.routing_dest_options;
      return octets;
    case SocketOption::ipv6_dstopts:
      octets.octets = own.dest_options;
      return octets;
    case SocketOption::ipv6_pathmtu: {
      if (!v6 || !connected_) return Errno::enotconn;
      const uint32_t mtu = ip_.of(foreign_.address).mtu_towards(foreign_.address, fib_);
      return OptionValue(int64_t(mtu));
    }
    default:
      break;
  }
  const std::optional<int64_t> number = number_of_option(option);
  if (!number) return Errno::enoprotoopt;
  return OptionValue(*number);
}

}  // namespace stackyard
