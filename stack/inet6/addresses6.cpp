// stack/inet6/addresses6.cpp - interfaces' ND flags, addresses, and the routes that come with them.
#include <algorithm>

#include "core/base/text.h"
#include "stack/inet6/inet6.h"
#include "stack/kern/machine.h"

namespace stackyard {

namespace {

constexpr Ipv6Address link_local_network = Ipv6Address::of({0xfe80, 0, 0, 0, 0, 0, 0, 0});
constexpr Ipv6Address all_nodes = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 1});
constexpr Ipv6Address all_nodes_here = Ipv6Address::of({0xff01, 0, 0, 0, 0, 0, 0, 1});
constexpr Ipv6Address all_routers = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 2});
constexpr SimTime dad_delay_most = 1_s;  // MAX_RTR_SOLICITATION_DELAY

SimTime from_now(SimTime now, uint32_t seconds) {
  return seconds == lifetime_infinite ? SimTime::max()
                                      : now + SimTime(int64_t(seconds) * 1'000'000'000);
}
uint32_t left(SimTime until, SimTime now) {
  if (until == SimTime::max()) return lifetime_infinite;
  return until <= now ? 0 : uint32_t((until - now).s());
}

}  // namespace

// --- links ---------------------------------------------------------------------------------------

// As nd6_ifattach has it, with rc.conf's defaults: off until something asks for IPv6.
Inet6::Link& Inet6::link(const Ifnet& interface) {
  const size_t at = interface.index();
  if (at >= links_.size()) links_.resize(at + 1);
  Link& link = links_[at];
  if (link.ref == interface.ref()) return link;
  link = Link{.ref = interface.ref()};
  link.flags = nd6_flag::perform_nud;
  if (settings().auto_linklocal) link.flags |= nd6_flag::auto_linklocal;
  if (settings().accept_rtadv) link.flags |= nd6_flag::accept_rtadv;
  if (settings().no_radr) link.flags |= nd6_flag::no_radr;
  if (settings().autoconf.use_stable) link.flags |= nd6_flag::stableaddr;
  if (!interface.has_flag(if_flag::loopback)) link.flags |= nd6_flag::disabled;
  link.hop_limit = uint8_t(settings().hlim);
  return link;
}

const Inet6::Link* Inet6::link_if_there(const Ifnet& interface) const {
  const size_t at = interface.index();
  return at < links_.size() && links_[at].ref == interface.ref() ? &links_[at] : nullptr;
}

bool Inet6::enabled(const Ifnet& interface) const {
  const Link* there = link_if_there(interface);
  return there ? !(there->flags & nd6_flag::disabled) : interface.has_flag(if_flag::loopback);
}

uint32_t Inet6::link_mtu(const Ifnet& interface) const {
  const Link* there = link_if_there(interface);
  return there && there->mtu ? std::min(there->mtu, interface.mtu()) : interface.mtu();
}

Result<> Inet6::set_nd_flags(const SetNdFlags& wanted) {
  Ifnet* interface = net_.find(wanted.interface);
  if (!interface) return Errno::enxio;
  Link& link = this->link(*interface);
  const uint32_t before = link.flags;
  link.flags = (link.flags & ~wanted.clear) | wanted.set;
  const bool enabling = (before & nd6_flag::disabled) && !(link.flags & nd6_flag::disabled);
  const bool duplicate = std::any_of(addresses_.begin(), addresses_.end(), [&](const auto& a) {
    return a->interface == interface && a->address.is_link_local() &&
           (a->flags & in6_flag::duplicated);
  });
  if (enabling && duplicate) {
    link.flags |= nd6_flag::disabled;
    machine().log("Cannot enable an interface with a link-local address marked duplicate.");
  }
  // Who listens to advertisements uses IPv6.
  if ((wanted.set & nd6_flag::accept_rtadv) && !(wanted.set & nd6_flag::disabled))
    link.flags &= ~nd6_flag::disabled;
  const bool was_on = !(before & nd6_flag::disabled), is_on = enabled(*interface);
  if (!was_on && is_on) attach(*interface);
  if (was_on && !is_on) {  // addresses stay, but nobody answers for them
    for (const auto& a : addresses_)
      if (a->interface == interface && a->usable()) a->flags |= in6_flag::tentative;
    for (const auto& a : addresses_)
      if (a->interface == interface) remove_local(a->address);
    neighbours_.forget(*interface);
  }
  if (was_on && is_on && !(before & nd6_flag::auto_linklocal) &&
      (link.flags & nd6_flag::auto_linklocal))
    attach(*interface);
  return {};
}

void Inet6::list_links(ListNdInterfaces& list) const {
  net_.for_each([&](const Ifnet& i) {
    NdInterface info{.name = i.name()};
    Link own;
    if (const Link* there = link_if_there(i))
      own = *there;
    else
      own.flags = nd6_flag::perform_nud | nd6_flag::auto_linklocal |
                  (i.has_flag(if_flag::loopback) ? 0 : nd6_flag::disabled);
    info.flags = own.flags;
    info.link_mtu = link_mtu(i);
    info.hop_limit = own.hop_limit ? own.hop_limit : uint32_t(settings().hlim);
    info.base_reachable = own.base_reachable;
    info.reachable = own.reachable;
    info.retrans = own.retrans;
    list.interfaces.push_back(info);
  });
}

Result<> Inet6::default_interface(DefaultInterface6& wanted) {
  if (wanted.change) {
    const Ifnet* interface = net_.find(wanted.name);
    if (!interface && !wanted.name.empty()) return Errno::enxio;
    default_interface_ = interface ? interface->ref() : IfRef{};
  }
  const Ifnet* now = net_.resolve(default_interface_);
  wanted.name = now ? now->name() : "";
  return {};
}

// in6_ifattach: what an interface has by itself once IPv6 is on and it is up.
void Inet6::attach(Ifnet& interface) {
  if (!enabled(interface) || !interface.up()) return;
  if (interface.has_flag(if_flag::loopback)) return attach_loopback(interface);
  if (!interface.has_flag(if_flag::multicast)) return;
  Link& link = this->link(interface);
  // RFC 4861 s6.3.4: between half and one and a half of the base.
  link.reachable = SimTime(link.base_reachable.ns() / 2 +
                           int64_t(random_.below(uint64_t(link.base_reachable.ns()))));
  if (forwarding()) (void)mld_.join(interface, all_routers.with_zone(interface.index()));
  for (const auto& a : addresses_)
    if (a->interface == &interface && (a->flags & in6_flag::tentative))
      start_dad(*a, SimTime(int64_t(random_.below(uint64_t(dad_delay_most.ns())))));
  const bool wanted = link.flags & nd6_flag::auto_linklocal;
  const bool there = std::any_of(addresses_.begin(), addresses_.end(), [&](const auto& a) {
    return a->interface == &interface && a->address.is_link_local();
  });
  if (wanted && !there && interface.has_link_addresses())
    (void)configure(interface, {autoconf_.address_in(link_local_network, interface), 64}, 0,
                    SimTime::max(), SimTime::max());
}

void Inet6::attach_loopback(Ifnet& interface) {
  (void)link(interface);
  if (!find_on(interface, Ipv6Address::loopback()))
    (void)configure(interface, {Ipv6Address::loopback(), 128}, in6_flag::no_dad, SimTime::max(),
                    SimTime::max());
  Ipv6Address own = link_local_network;
  own.octets[15] = 1;
  if (!find_on(interface, own.with_zone(interface.index())))
    (void)configure(interface, {own, 64}, in6_flag::no_dad, SimTime::max(), SimTime::max());
}

// --- finding -------------------------------------------------------------------------------------

void Inet6::add_local(const Ipv6Address& address) {
  locals_.insert(std::upper_bound(locals_.begin(), locals_.end(), address), address);
}

void Inet6::remove_local(const Ipv6Address& address) {
  const auto at = std::lower_bound(locals_.begin(), locals_.end(), address);
  if (at != locals_.end() && *at == address) locals_.erase(at);
}

bool Inet6::is_local(const Ipv6Address& address) const {
  return std::binary_search(locals_.begin(), locals_.end(), address);
}

Inet6::Address* Inet6::find(const Ipv6Address& address) const {
  for (const auto& a : addresses_)
    if (a->address == address) return a.get();
  return nullptr;
}

Inet6::Address* Inet6::find_on(const Ifnet& interface, const Ipv6Address& address) const {
  for (const auto& a : addresses_)
    if (a->interface == &interface && a->address == address) return a.get();
  return nullptr;
}

// in6_pcbbind: an own address that is in use, or a group.
Result<> Inet6::may_bind(const IpAddress& address) const {
  const Ipv6Address ip = address.v6();
  if (ip.is_multicast()) return {};
  const Address* own = find(ip);
  if (!own || !own->usable() || (own->flags & (in6_flag::detached | in6_flag::anycast)))
    return Errno::eaddrnotavail;
  return {};
}

Ifnet* Inet6::interface_of(const IpAddress& address) const {
  const Address* own = find(address.v6());
  return own ? own->interface : nullptr;
}

Ipv6Address Inet6::link_local_on(const Ifnet& interface) const {
  for (const auto& a : addresses_)
    if (a->interface == &interface && a->address.is_link_local() && a->usable() &&
        !(a->flags & in6_flag::anycast))
      return a->address;
  return {};
}

bool Inet6::on_link(const Ifnet& interface, const Ipv6Address& address) const {
  if (address.is_link_local()) return address.zone() == interface.index();
  for (int fib = 0; routes_if_there(fib); ++fib) {
    const Route6* route = routes_if_there(fib)->lookup(address);
    if (route && route->interface == &interface && !route->has(route_flag::gateway)) return true;
  }
  return std::any_of(addresses_.begin(), addresses_.end(), [&](const auto& a) {
    return a->interface == &interface && a->prefix().contains(address);
  });
}

void Inet6::list_addresses(ListAddresses6& list) const {
  net_.for_each([&](const Ifnet& i) {
    for (const auto& a : addresses_) {
      if (a->interface != &i) continue;
      InterfaceAddress6 info{.interface = i.name(), .index = i.index()};
      info.address = {a->address.without_zone(), a->length};
      info.flags = a->flags;
      info.preferred_s = left(a->preferred_until, now());
      info.valid_s = left(a->valid_until, now());
      list.addresses.push_back(info);
    }
  });
}

// --- adding and removing -------------------------------------------------------------------------

// in6_control's SIOCAIFADDR_IN6.
Result<> Inet6::add_address(const AddAddress6& wanted) {
  Ifnet* interface = net_.find(wanted.interface);
  if (!interface) return Errno::enxio;
  const Ipv6Address ip = wanted.address.address;
  if (ip.is_any() || ip.is_multicast() || ip.is_v4_mapped() || wanted.address.length > 128)
    return Errno::einval;
  if (wanted.preferred_s > wanted.valid_s || wanted.valid_s == 0) return Errno::einval;
  Link& link = this->link(*interface);
  // An address on an interface where IPv6 is off turns it on.
  const bool was_off = link.flags & nd6_flag::disabled;
  link.flags &= ~nd6_flag::disabled;
  interface->set_up(true);
  if (was_off) attach(*interface);
  TRY(configure(*interface, wanted.address, wanted.flags & in6_flag::settable,
                from_now(now(), wanted.preferred_s), from_now(now(), wanted.valid_s)));
  return {};
}

Result<Inet6::Address*> Inet6::configure(Ifnet& interface, const Ipv6Prefix& wanted, uint32_t flags,
                                         SimTime preferred, SimTime valid) {
  const Ipv6Address ip = wanted.address.with_zone(interface.index());
  if (Address* present = find_on(interface, ip)) {
    if (present->length != wanted.length) {
      drop_address_routes(*present);
      present->length = wanted.length;
      add_address_routes(*present);
    }
    const uint32_t kept = present->flags & (in6_flag::tentative | in6_flag::duplicated);
    present->flags = flags | kept;
    present->preferred_until = preferred;
    present->valid_until = valid;
    lifetimes_changed();
    return present;
  }
  addresses_.push_back(
      std::make_unique<Address>(Address{&interface, ip, wanted.length, flags, preferred, valid}));
  Address& address = *addresses_.back();
  const Link& link = this->link(interface);
  const bool dad = settings().dad_count > 0 && !settled_start_ &&
                   !(flags & (in6_flag::no_dad | in6_flag::anycast)) &&
                   !(link.flags & nd6_flag::no_dad) && interface.has_link_addresses() &&
                   interface.has_flag(if_flag::multicast);
  if (dad) address.flags |= in6_flag::tentative;
  join_address_groups(address, true);
  tell_address(RouteEvent::added, address);
  add_address_routes(address);
  lifetimes_changed();
  if (dad) {
    if (interface.up()) start_dad(address, {});
  } else {
    address_usable(address);
  }
  return &address;
}

void Inet6::address_usable(Address& address) {
  address.flags &= ~in6_flag::tentative;
  add_local(address.address);
}

void Inet6::attach_again(Address& address) {
  address.flags &= ~in6_flag::detached;
  if (!address.usable() || settings().dad_count == 0 || !address.interface->up()) return;
  remove_local(address.address);
  address.flags |= in6_flag::tentative;
  start_dad(address, {});
}

// RFC 4861 s7.2.1, RFC 4862 s5.4.2: the solicited-node group before the first solicitation.
void Inet6::join_address_groups(const Address& address, bool join) {
  Ifnet& interface = *address.interface;
  if (!interface.has_flag(if_flag::multicast)) return;
  for (const Ipv6Address& group : {address.address.solicited_node(), all_nodes, all_nodes_here}) {
    const Ipv6Address zoned = group.with_zone(interface.index());
    if (join)
      (void)mld_.join(interface, zoned);
    else
      mld_.leave(interface, zoned);
  }
}

void Inet6::add_address_routes(const Address& address) {
  Ifnet& interface = *address.interface;
  Route6 route{.link = &interface, .source = address.address};
  route.interface = &interface;
  const Ipv6Prefix network = address.prefix().canonical();
  const bool ifroute = !(link(interface).flags & nd6_flag::dont_set_ifroute);
  if (address.length < 128 && ifroute && !(address.flags & in6_flag::autoconf)) {
    route.flags =
        route_flag::up | (interface.has_flag(if_flag::loopback) ? 0u : route_flag::pinned);
    for_each_fib_of(interface, [&](int fib) { install(fib, network, route); });
  }
  Ifnet* lo0 = net_.find("lo0");
  route.flags = route_flag::up | route_flag::host | route_flag::static_ | route_flag::pinned;
  route.interface = lo0 ? lo0 : &interface;
  for_each_fib_of(interface, [&](int fib) { install(fib, {address.address, 128}, route); });
}

void Inet6::drop_address_routes(const Address& gone) {
  const Ipv6Prefix network = gone.prefix().canonical();
  for_each_table([&](int fib, RouteTable6& table) {
    const Route6* own = table.find({gone.address, 128});
    if (own && own->link == gone.interface) uninstall(fib, {gone.address, 128});
    const Route6* route = table.find(network);
    if (gone.length < 128 && route && route->interface == gone.interface &&
        !route->has(route_flag::gateway) && !(gone.flags & in6_flag::autoconf))
      uninstall(fib, network);
  });
}

Result<> Inet6::delete_address(const DeleteAddress6& wanted) {
  Ifnet* interface = net_.find(wanted.interface);
  if (!interface) return Errno::enxio;
  Address* found = find_on(*interface, wanted.address.with_zone(interface->index()));
  if (!found) return Errno::eaddrnotavail;
  remove(*found);
  return {};
}

void Inet6::remove(Address& address) {
  stop_dad(address);
  if (address.usable()) remove_local(address.address);
  const auto found = std::find_if(addresses_.begin(), addresses_.end(),
                                  [&](const auto& a) { return a.get() == &address; });
  const std::unique_ptr<Address> gone = std::move(*found);
  addresses_.erase(found);
  drop_address_routes(*gone);
  join_address_groups(*gone, false);
  // Another address of the network takes the route over.
  for (const auto& other : addresses_)
    if (other->interface == gone->interface && other->prefix().contains(gone->prefix().network()))
      add_address_routes(*other);
  tell_address(RouteEvent::removed, *gone);
  for_each_table([&](int, RouteTable6& table) {
    table.for_each_path([&](Route6& r) {
      if (r.source == gone->address) r.source = {};
    });
  });
}

// --- lifetimes -----------------------------------------------------------------------------------

// One timer for all: of what ends, or is deprecated, next.
void Inet6::lifetimes_changed() {
  SimTime next = SimTime::max();
  for (const auto& a : addresses_) {
    if (!(a->flags & in6_flag::deprecated)) next = std::min(next, a->preferred_until);
    next = std::min({next, a->valid_until, a->replace_at});
  }
  expiry_.cancel();
  if (next < SimTime::max()) expiry_.arm(std::max(next - now(), 1_ns));
}

void Inet6::expire() {
  for (size_t i = 0; i < addresses_.size();) {
    Address& a = *addresses_[i];
    if (a.valid_until <= now()) {
      remove(a);
      continue;
    }
    // RFC 4862 s5.5.4: for what exists already only.
    if (a.preferred_until <= now()) a.flags |= in6_flag::deprecated;
    if (a.replace_at <= now()) {
      a.replace_at = SimTime::max();
      autoconf_.succeed_temporary(*a.interface, a.address);
    }
    ++i;
  }
  lifetimes_changed();
}

// --- changes of interfaces -----------------------------------------------------------------------

void Inet6::interface_arrived(Ifnet&) {}

void Inet6::interface_departing(Ifnet& interface) {
  routers_.forget(interface);
  for (size_t i = 0; i < addresses_.size();) {
    if (addresses_[i]->interface == &interface)
      remove(*addresses_[i]);
    else
      ++i;
  }
  neighbours_.forget(interface);
  mld_.forget(interface);
  uninstall_if([&](const Ipv6Prefix&, const Route6& r) {
    return r.interface == &interface || r.link == &interface;
  });
  if (interface.index() < links_.size()) links_[interface.index()] = {};
}

void Inet6::interface_up_changed(Ifnet& interface) {
  if (interface.up()) {
    for (const auto& a : addresses_)
      if (a->interface == &interface) add_address_routes(*a);
    attach(interface);
    return;
  }
  neighbours_.forget(interface);
  for (const auto& a : addresses_) {
    if (a->interface != &interface) continue;
    const Ipv6Prefix network = a->prefix().canonical();
    for_each_fib_of(interface, [&](int fib) {
      const Route6* route = routes(fib).find(network);
      if (a->length < 128 && route && route->interface == &interface) uninstall(fib, network);
    });
  }
}

void Inet6::mac_changed(Ifnet& interface) {
  neighbours_.mac_changed(interface);
  for (const auto& a : addresses_)
    if (a->interface == &interface && a->usable() && !(a->flags & in6_flag::anycast))
      neighbours_.announce(interface, a->address);
}

// RFC 4861 s6.2.2: a router listens to the all-routers group on each of its interfaces.
void Inet6::forwarding_changed() {
  net_.for_each([&](Ifnet& i) {
    if (!enabled(i) || !i.has_link_addresses()) return;
    const Ipv6Address group = all_routers.with_zone(i.index());
    if (forwarding())
      (void)mld_.join(i, group);
    else
      mld_.leave(i, group);
  });
  // RFC 4861 s6.2.2: who begins to forward forgets what it learned as a host.
  if (forwarding()) routers_.flush_routers();
}

}  // namespace stackyard
