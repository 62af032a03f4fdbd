#include "stack/net/route_socket.h"

#include <algorithm>
#include <deque>

#include "stack/net/api/route_message.h"
#include "stack/net/net_stack.h"

namespace stackyard {

namespace {

constexpr size_t message_max = 8192;

uint8_t link_type(const Ifnet& i) {  // IFT_LOOP, IFT_ETHER, IFT_PPP
  return i.has_flag(if_flag::loopback) ? 24 : i.is_ethernet() ? 6 : 23;
}

// The interface's own link-layer address: RTAX_IFP.
LinkName full_name(const Ifnet& i) {
  LinkName name{uint16_t(i.index()), link_type(i), i.name(), {}};
  if (i.has_link_addresses()) {
    const MacAddress mac = i.mac();
    name.address.assign(mac.octets.begin(), mac.octets.end());
  }
  return name;
}
// What a route without a gateway has in its place.
LinkName bare_name(const Ifnet& i) { return {uint16_t(i.index()), link_type(i), {}, {}}; }

// As programs see it: the zone beside the address (sa6_recoverscope).
void set_ip(RtSockaddrs& to, RtAddress which, const IpAddress& a) {
  if (a.is_v4()) return to.set(which, a);
  to.set(which, a.v6().without_zone(), a.v6().zone());
}

class RouteSocket;

// All routing sockets of a vnet. It ends with the last of them.
class RouteSockets final : public RouteWatcher, public InterfaceListener {
 public:
  explicit RouteSockets(NetStack& net) : net_(net) { net_.add_listener(this); }
  ~RouteSockets() override { net_.remove_listener(this); }
  static RouteSockets& of(NetStack& net) {
    if (!net.route_watcher()) net.set_route_watcher(std::make_unique<RouteSockets>(net));
    return static_cast<RouteSockets&>(*net.route_watcher());
  }
  void join(RouteSocket& socket) { sockets_.push_back(&socket); }
  void leave(RouteSocket& socket) {
    std::erase(sockets_, &socket);
    if (sockets_.empty()) net_.set_route_watcher(nullptr);  // the end of *this
  }

  static constexpr int all_fibs = -1;
  // To those that want the family (0: of none in particular), and whose FIB it is.
  void dispatch(const std::vector<uint8_t>& message, int family, int fib,
                const RouteSocket* but = nullptr);

  void announced(const Ifnet& interface, Presence presence) override;
  void interface_changed(const Ifnet& interface) override;
  void interface_up_changed(Ifnet& interface) override { interface_changed(interface); }
  void link_changed(Ifnet& interface) override { interface_changed(interface); }
  void route_changed(RouteEvent event, int fib, const RouteView& route) override;
  void route_missed(int fib, const IpAddress& dest) override;
  void redirected(int fib, const IpAddress& dest, const IpAddress& gateway, const IpAddress& author,
                  uint32_t flags) override;
  void address_changed(RouteEvent event, const AddressView& address) override;
  void group_changed(RouteEvent event, const Ifnet& interface, const IpAddress& group) override;

 private:
  NetStack& net_;
  std::vector<RouteSocket*> sockets_;
};

int family_of(const IpAddress& a) { return int(af_of(a.family())); }

class RouteSocket final : public SocketOps {
 public:
  RouteSocket(NetStack& net, int family)
      : net_(net),
        all_(RouteSockets::of(net)),
        family_(family),
        queue_max_(size_t(net.settings().recvspace)) {
    all_.join(*this);
  }
  ~RouteSocket() override { all_.leave(*this); }

  void set_jail(int) override { confined_ = true; }
  void set_owner(Pid pid) override { pid_ = pid; }
  Result<> bind(const SockAddr&) override { return Errno::einval; }
  Result<> connect(const SockAddr&) override { return Errno::einval; }
  Result<> shutdown(ShutdownHow how) override {
    if (how != ShutdownHow::write) deaf_ = true;
    if (deaf_) queue_.clear();
    queued_ = deaf_ ? 0 : queued_;
    return {};
  }
  Result<size_t> send(Bytes octets, const SendOptions&) override;
  Result<Received> receive(size_t max, const ReceiveOptions& options) override;
  Result<> set_option(SocketOption option, const OptionValue& value) override;
  Result<OptionValue> get_option(SocketOption option) override;
  Readiness readiness() const override {
    return {.readable = !queue_.empty() || deaf_, .writable = true};
  }
  SockAddr local_name() const override { return {}; }
  SockAddr peer_name() const override { return {}; }
  std::string protocol_name() const override { return "route"; }
  size_t receive_queue() const override { return queued_; }
  SocketType type() const override { return SocketType::raw; }

  bool wants(int family, int fib, uint8_t type) const {
    return !deaf_ && (family == 0 || family_ == 0 || family == family_) &&
           (fib == RouteSockets::all_fibs || fib == fib_) &&
           (filter_ == 0 || filter_ >> (type & 63) & 1);
  }
  // sbappendaddr fails when it is full: the message is lost to this listener.
  void deliver(const std::vector<uint8_t>& message) {
    if (queued_ + message.size() > queue_max_) {
      ++net_.route_counters().socket_full;
      return;
    }
    queued_ += message.size();
    queue_.push_back(message);
    changed();
  }

 private:
  Result<RouteView> act(const RtMsghdr& header, const RtSockaddrs& addresses);
  Result<RouteChange> change_of(const RtMsghdr& header, const RtSockaddrs& addresses) const;
  Result<IpAddress> zoned(const RtSockaddr& address, const Ifnet* interface) const;
  Ifnet* interface_of(const LinkName& name) const {
    return name.name.empty() ? net_.by_index(name.index) : net_.find(name.name);
  }

  NetStack& net_;
  RouteSockets& all_;
  int family_;
  int fib_ = 0;
  Pid pid_ = 0;
  bool confined_ = false, loopback_ = true, deaf_ = false;
  uint64_t filter_ = 0;
  size_t queue_max_, queued_ = 0;
  std::deque<std::vector<uint8_t>> queue_;
};

// --- announcements -------------------------------------------------------------------------------

void RouteSockets::dispatch(const std::vector<uint8_t>& message, int family, int fib,
                            const RouteSocket* but) {
  for (RouteSocket* socket : sockets_)
    if (socket != but && socket->wants(family, fib, message[3])) socket->deliver(message);
}

void RouteSockets::announced(const Ifnet& interface, Presence presence) {
  IfAnnounceMsghdr header;
  header.index = uint16_t(interface.index());
  interface.name().copy(header.name, sizeof header.name - 1);
  header.what = presence == Presence::arrival ? ifan_arrival : ifan_departure;
  dispatch(rt_message(header, RtSockaddrs()), 0, all_fibs);
}

void RouteSockets::interface_changed(const Ifnet& interface) {
  IfMsghdr header;
  header.type = uint8_t(RtmType::interface_info);
  header.flags = interface.flags();
  header.index = uint16_t(interface.index());
  IfData& data = header.data;
  data.type = link_type(interface);
  data.addrlen = interface.has_link_addresses() ? 6 : 0;
  data.hdrlen = interface.is_ethernet() ? 14 : 0;
  data.link_state = interface.link_up() ? link_state::up : link_state::down;
  data.mtu = interface.mtu();
  data.baudrate = interface.rate();
  const InterfaceCounters& c = interface.counters();
  data.ipackets = c.packets_in;
  data.ierrors = c.errors_in;
  data.opackets = c.packets_out;
  data.oerrors = c.errors_out;
  data.ibytes = c.octets_in;
  data.obytes = c.octets_out;
  data.iqdrops = c.drops_in;
  data.oqdrops = c.drops_out;
  dispatch(rt_message(header, RtSockaddrs()), 0, all_fibs);
}

void fill(RtSockaddrs& addresses, const RouteView& route) {
  set_ip(addresses, rta_dst, route.dest.address);
  if (route.flags & route_flag::gateway)
    set_ip(addresses, rta_gateway, route.gateway);
  else
    addresses.set(rta_gateway, bare_name(*route.link));
  if (!(route.flags & route_flag::host))
    addresses.set_mask(route.dest.address.family(), route.dest.length);
}

void RouteSockets::route_changed(RouteEvent event, int fib, const RouteView& route) {
  RtMsghdr header;
  header.type = uint8_t(event == RouteEvent::added     ? RtmType::add
                        : event == RouteEvent::removed ? RtmType::remove
                                                       : RtmType::change);
  header.index = uint16_t(route.interface->index());
  header.flags = route.flags | route_flag::done;
  RtSockaddrs addresses;
  fill(addresses, route);
  dispatch(rt_message(header, addresses), family_of(route.dest.address), fib);
}

// rt_missmsg_fib.
void RouteSockets::route_missed(int fib, const IpAddress& dest) {
  RtMsghdr header;
  header.type = uint8_t(RtmType::miss);
  header.flags = route_flag::done;
  header.error = int(Errno::enetunreach);
  RtSockaddrs addresses;
  set_ip(addresses, rta_dst, dest);
  dispatch(rt_message(header, addresses), family_of(dest), fib);
}

void RouteSockets::redirected(int fib, const IpAddress& dest, const IpAddress& gateway,
                              const IpAddress& author, uint32_t flags) {
  RtMsghdr header;
  header.type = uint8_t(RtmType::redirect);
  header.flags = flags | route_flag::done;
  RtSockaddrs addresses;
  set_ip(addresses, rta_dst, dest);
  set_ip(addresses, rta_gateway, gateway);
  set_ip(addresses, rta_author, author);
  dispatch(rt_message(header, addresses), family_of(dest), fib);
}

void RouteSockets::address_changed(RouteEvent event, const AddressView& view) {
  IfaMsghdr header;
  header.type =
      uint8_t(event == RouteEvent::added ? RtmType::new_address : RtmType::delete_address);
  header.index = uint16_t(view.interface.index());
  RtSockaddrs addresses;
  addresses.set_mask(view.address.address.family(), view.address.length);
  addresses.set(rta_ifp, full_name(view.interface));
  set_ip(addresses, rta_ifa, view.address.address);
  if (view.broadcast) set_ip(addresses, rta_brd, *view.broadcast);
  dispatch(rt_message(header, addresses), family_of(view.address.address), view.interface.fib());
}

// rt_newmaddrmsg.
void RouteSockets::group_changed(RouteEvent event, const Ifnet& interface, const IpAddress& group) {
  IfmaMsghdr header;
  header.type = uint8_t(event == RouteEvent::added ? RtmType::new_group : RtmType::delete_group);
  header.index = uint16_t(interface.index());
  RtSockaddrs addresses;
  if (interface.has_link_addresses()) {
    const MacAddress mac = group.is_v4() ? ethernet_group(group.v4()) : ethernet_group(group.v6());
    LinkName link = bare_name(interface);
    link.address.assign(mac.octets.begin(), mac.octets.end());
    addresses.set(rta_gateway, std::move(link));
  }
  addresses.set(rta_ifp, full_name(interface));
  set_ip(addresses, rta_ifa, group);
  dispatch(rt_message(header, addresses), family_of(group), all_fibs);
}

// --- requests ------------------------------------------------------------------------------------

// With the zone inside, by the scope id, or by the interface that is named.
Result<IpAddress> RouteSocket::zoned(const RtSockaddr& address, const Ifnet* interface) const {
  if (!address.ip) return Errno::einval;
  if (address.ip->is_v4()) return *address.ip;
  const Ipv6Address ip = address.ip->v6();
  if (!ip.has_zone()) return *address.ip;
  const uint32_t zone = address.scope ? address.scope : interface ? interface->index() : ip.zone();
  if (zone && !net_.by_index(zone)) return Errno::enxio;
  return IpAddress(ip.with_zone(zone));
}

Result<RouteChange> RouteSocket::change_of(const RtMsghdr& header,
                                           const RtSockaddrs& addresses) const {
  RouteChange change{.fib = fib_, .dest = {}, .flags = header.flags, .flag_mask = header.fmask};
  const auto& ifp = addresses[rta_ifp];
  if (ifp && ifp->link && (!ifp->link->name.empty() || ifp->link->index != 0)) {
    change.interface = interface_of(*ifp->link);
    if (!change.interface) return Errno::enetunreach;
  }
  const auto& dest = addresses[rta_dst];
  if (!dest || !dest->ip) return Errno::einval;
  change.dest.address = TRY(zoned(*dest, change.interface));
  const IpFamily family = dest->ip->family();
  const bool masked = addresses.has(rta_netmask) && !(header.flags & route_flag::host);
  const auto length = addresses.mask_length(family);
  if (masked && !length) return Errno::einval;
  change.dest.length = uint8_t(masked ? *length : dest->ip->bits());
  change.exact = addresses.has(rta_netmask) || header.type != uint8_t(RtmType::get);
  if (const auto& gateway = addresses[rta_gateway]) {
    if (gateway->link) {
      change.gateway_link = interface_of(*gateway->link);
      if (!change.gateway_link) return Errno::enetunreach;
    } else if (gateway->ip) {
      if (gateway->ip->family() != family) return Errno::eafnosupport;
      change.gateway = TRY(zoned(*gateway, change.interface));
    }
  }
  const auto& source = addresses[rta_ifa];
  if (source && source->ip && source->ip->family() == family)
    change.source = TRY(zoned(*source, change.interface));
  if (header.inits & rtv::mtu) change.mtu = uint32_t(std::min<uint64_t>(header.metrics.mtu, 65535));
  if (header.inits & rtv::weight)
    change.weight = uint32_t(std::min<uint64_t>(header.metrics.weight, UINT32_MAX));
  if (header.inits & rtv::expire) {
    constexpr uint64_t latest = uint64_t(INT64_MAX) / 1'000'000'000 - 1;
    change.expires = SimTime(int64_t(std::min(header.metrics.expire, latest)) * 1'000'000'000);
  }
  return change;
}

Result<RouteView> RouteSocket::act(const RtMsghdr& header, const RtSockaddrs& addresses) {
  const RtmType type{header.type};
  if (type != RtmType::get && confined_) return Errno::eperm;
  const RouteChange change = TRY(change_of(header, addresses));
  RouteFamily* routes = net_.route_family(change.dest.address.family());
  if (!routes) return Errno::eafnosupport;
  switch (type) {
    case RtmType::add:
      if (!addresses.has(rta_gateway)) return Errno::einval;
      return routes->add_route(change);
    case RtmType::change:
      return routes->change_route(change);
    case RtmType::remove:
      return routes->remove_route(change);
    case RtmType::get:
      return routes->get_route(change);
    default:
      return Errno::eopnotsupp;  // RTM_LOCK among them: nothing is locked any more
  }
}

// route_output: what was asked, and what came of it, goes to all who listen.
Result<size_t> RouteSocket::send(Bytes octets, const SendOptions&) {
  if (octets.size() < sizeof(RtMsghdr) || octets.size() > message_max) return Errno::einval;
  auto header = load<RtMsghdr>(octets);
  if (header.msglen != octets.size()) return Errno::einval;
  if (header.version != rtm_version) return Errno::eprotonosupport;
  if (fib_ >= net_.fib_count()) return Errno::einval;
  RtSockaddrs addresses;
  if (!addresses.parse(octets.subspan(sizeof header), header.addrs)) return Errno::einval;
  header.pid = pid_;
  const Result<RouteView> done = act(header, addresses);
  std::vector<uint8_t> answer;
  if (done) {
    RtSockaddrs all;
    fill(all, *done);
    const bool interfaces = header.addrs & (rta_bit(rta_ifp) | rta_bit(rta_ifa));
    if (interfaces) all.set(rta_ifp, full_name(*done->interface));
    if (interfaces && !done->source.is_any()) set_ip(all, rta_ifa, done->source);
    header.flags = done->flags | route_flag::done;
    header.index = uint16_t(done->interface->index());
    header.metrics = {.mtu = done->mtu,
                      .expire = uint64_t(done->expires.s()),
                      .pksent = done->uses,
                      .weight = done->weight,
                      .nhidx = done->path + 1};
    answer = rt_message(header, all);
  } else {
    header.error = int(done.error());
    answer.assign(octets.begin(), octets.end());
    store(header, answer);
  }
  const auto& dest = addresses[rta_dst];
  const int family = dest && dest->ip ? family_of(*dest->ip) : 0;
  all_.dispatch(answer, family, fib_, loopback_ ? nullptr : this);
  if (!done) return done.error();
  return octets.size();
}

Result<Received> RouteSocket::receive(size_t max, const ReceiveOptions& options) {
  if (queue_.empty()) {
    if (deaf_) return Received();
    return Errno::eagain;
  }
  Received received;
  const std::vector<uint8_t>& first = queue_.front();
  received.length = first.size();
  received.octets.assign(first.begin(), first.begin() + long(std::min(max, first.size())));
  if (options.peek) return received;
  queued_ -= first.size();
  queue_.pop_front();
  return received;
}

Result<> RouteSocket::set_option(SocketOption option, const OptionValue& value) {
  switch (option) {
    case SocketOption::so_setfib:
      if (value.number < 0 || value.number >= net_.fib_count()) return Errno::einval;
      fib_ = int(value.number);
      return {};
    case SocketOption::so_useloopback:
      loopback_ = value.number != 0;
      return {};
    case SocketOption::route_msgfilter:
      filter_ = uint64_t(value.number);
      return {};
    case SocketOption::so_rcvbuf:
      if (value.number < 1 || value.number > 2 * 1024 * 1024) return Errno::enobufs;
      queue_max_ = size_t(value.number);
      return {};
    default:
      return Errno::enoprotoopt;
  }
}

Result<OptionValue> RouteSocket::get_option(SocketOption option) {
  switch (option) {
    case SocketOption::so_setfib:
      return OptionValue(fib_);
    case SocketOption::so_useloopback:
      return OptionValue(loopback_);
    case SocketOption::so_rcvbuf:
      return OptionValue(int64_t(queue_max_));
    case SocketOption::so_type:
      return OptionValue(int64_t(SocketType::raw));
    case SocketOption::so_rcvtimeo:
    case SocketOption::so_sndtimeo:
    case SocketOption::so_nosigpipe:
    case SocketOption::so_error:
      return OptionValue(0);
    default:
      return Errno::enoprotoopt;
  }
}

}  // namespace

std::unique_ptr<SocketOps> make_route_socket(NetStack& net, int family) {
  return std::make_unique<RouteSocket>(net, family);
}

}  // namespace stackyard
