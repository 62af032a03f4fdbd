// stack/inet/addresses.cpp - interface addresses, and the routes that come with them.
#include <algorithm>

#include "stack/inet/inet.h"

namespace stackyard {

bool Inet::is_local_on(const Ifnet& interface, Ipv4Address address) const {
  return std::any_of(addresses_.begin(), addresses_.end(), [&](const Address& a) {
    return a.interface == &interface && a.prefix.address == address;
  });
}

bool Inet::is_broadcast_on(const Ifnet& interface, Ipv4Address address) const {
  if (address.is_broadcast()) return true;
  if (!broadcasts_.contains(address) || !interface.has_flag(if_flag::broadcast)) return false;
  bool found = false;
  for (const Address& a : addresses_)
    if (a.interface == &interface)
      a.for_each_broadcast([&](Ipv4Address all) { found |= all == address; });
  return found;
}

bool Inet::is_broadcast(Ipv4Address address) const {
  return address.is_broadcast() ||
         std::any_of(addresses_.begin(), addresses_.end(),
                     [&](const Address& a) { return is_broadcast_on(*a.interface, address); });
}

Ipv4Address Inet::primary_address(const Ifnet& interface) const {
  for (const Address& a : addresses_)
    if (a.interface == &interface) return a.prefix.address;
  return {};
}

Ipv4Address Inet::source_on(const Ifnet& interface, Ipv4Address neighbour) const {
  for (const Address& a : addresses_)
    if (a.interface == &interface && a.prefix.contains(neighbour)) return a.prefix.address;
  return primary_address(interface);
}

bool Inet::on_link(const Ifnet& interface, Ipv4Address address) const {
  return std::any_of(addresses_.begin(), addresses_.end(), [&](const Address& a) {
    return a.interface == &interface && a.prefix.contains(address);
  });
}

Ifnet* Inet::link_of(Ipv4Address address) const {
  const Address* best = nullptr;
  for (const Address& a : addresses_)
    if (a.prefix.contains(address) && !a.interface->has_flag(if_flag::loopback) &&
        (!best || a.prefix.length > best->prefix.length))
      best = &a;
  return best ? best->interface : nullptr;
}

// in_pcbbind_setup: an own address, or one that many have.
Result<> Inet::may_bind(const IpAddress& address) const {
  const Ipv4Address ip = address.v4();
  if (ip.is_multicast() || is_local(ip) || is_broadcast(ip)) return {};
  return Errno::eaddrnotavail;
}

Ifnet* Inet::interface_of(const IpAddress& address) const {
  for (const Address& a : addresses_)
    if (a.prefix.address == address.v4()) return a.interface;
  return nullptr;
}

bool Inet::reaches_elsewhere(const Ifnet& from, Ipv4Address target) {
  const Route* route = routes(from.fib()).lookup(target);
  return route && route->interface != &from && !route->has(route_flag::reject);
}

// in_control(9)'s SIOCAIFADDR: the address, its network's route, a host route to itself by lo0, and
// an announcement. The interface comes up, as ether_ioctl has it.
Result<> Inet::add_address(const AddAddress& wanted) {
  Ifnet* interface = net_.find(wanted.interface);
  if (!interface) return Errno::enxio;
  const Ipv4Address ip = wanted.address.address;
  if (ip.is_multicast() || ip.is_any() || ip.is_broadcast()) return Errno::einval;
  for (const Address& a : addresses_) {
    if (a.interface == interface && a.prefix == wanted.address) return {};
    // The same network, or even the same address, may be on several links (in_addprefix).
    const bool same = a.interface != interface && a.prefix.length == wanted.address.length &&
                      a.prefix.network() == wanted.address.network();
    if (same && settings().no_same_prefix) return Errno::eexist;
  }
  if (is_local(ip) && is_local_on(*interface, ip)) {
    TRY(delete_address({{}, wanted.interface, ip}));
  } else if (wanted.replace && !primary_address(*interface).is_any()) {
    TRY(delete_address({{}, wanted.interface, std::nullopt}));
  }
  Address address{interface, wanted.address, {}, {}};
  const bool broadcasts = interface->has_flag(if_flag::broadcast) && wanted.address.length < 31;
  if (broadcasts) address.broadcast = wanted.second.value_or(wanted.address.broadcast());
  if (interface->has_flag(if_flag::point_to_point)) address.peer = wanted.second.value_or(ip);
  addresses_.push_back(address);
  locals_.add(ip);
  address.for_each_broadcast([this](Ipv4Address all) { broadcasts_.add(all); });
  interface->set_up(true);
  tell_address(RouteEvent::added, address);
  add_address_routes(address);
  if (!interface->has_flag(if_flag::loopback))
    (void)igmp_.listener().join(*interface, Ipv4Address{0xe0000001});
  arp_.announce(*interface, ip);
  return {};
}

template <class Visit>
void Inet::for_each_fib_of(const Ifnet& interface, Visit visit) {
  if (!net_.settings().add_addr_allfibs) return visit(interface.fib());
  for (int fib = 0; fib < net_.fib_count(); ++fib) visit(fib);
}

void Inet::add_address_routes(const Address& address) {
  for_each_fib_of(*address.interface, [&](int fib) { add_address_routes(address, fib); });
}

void Inet::add_address_routes(const Address& address, int fib) {
  const bool loopback = address.interface->has_flag(if_flag::loopback);
  Route route{.link = address.interface, .source = address.prefix.address};
  route.interface = address.interface;
  if (address.interface->has_flag(if_flag::point_to_point)) {
    route.flags = route_flag::up | route_flag::host | route_flag::pinned;
    if (address.peer != address.prefix.address) install(fib, {address.peer, 32}, route);
  } else if (!loopback && address.prefix.length < 32) {
    route.flags = route_flag::up | route_flag::pinned;
    install(fib, address.prefix, route);  // a second address of the same network finds it there
  }
  Ifnet* lo0 = net_.find("lo0");
  route.flags = route_flag::up | route_flag::host | route_flag::pinned;
  if (!loopback) route.flags |= route_flag::static_;
  route.interface = lo0 ? lo0 : address.interface;
  install(fib, {address.prefix.address, 32}, route);
}

void Inet::tell_address(RouteEvent event, const Address& address) const {
  RouteWatcher* watcher = net_.route_watcher();
  if (!watcher) return;
  RouteWatcher::AddressView view{*address.interface, address.prefix, std::nullopt};
  if (!address.broadcast.is_any()) view.broadcast = IpAddress(address.broadcast);
  if (!address.peer.is_any()) view.broadcast = IpAddress(address.peer);
  watcher->address_changed(event, view);
}

Result<> Inet::delete_address(const DeleteAddress& wanted) {
  Ifnet* interface = net_.find(wanted.interface);
  if (!interface) return Errno::enxio;
  const auto found = std::find_if(addresses_.begin(), addresses_.end(), [&](const Address& a) {
    return a.interface == interface && (!wanted.address || a.prefix.address == *wanted.address);
  });
  if (found == addresses_.end()) return Errno::eaddrnotavail;
  const Address gone = *found;
  addresses_.erase(found);
  locals_.remove(gone.prefix.address);
  gone.for_each_broadcast([this](Ipv4Address all) { broadcasts_.remove(all); });
  remove_address_routes(gone);
  tell_address(RouteEvent::removed, gone);
  arp_.forget_address(gone.prefix.address);
  if (!interface->has_flag(if_flag::loopback))
    igmp_.listener().leave(*interface, Ipv4Address{0xe0000001});
  return {};
}

void Inet::remove_address_routes(const Address& gone) {
  for_each_table([&](int fib, RouteTable& table) {
    const auto own = [&](const Ipv4Prefix& dest) {
      const Route* route = table.find(dest);
      if (route && route->has(route_flag::pinned) && route->link == gone.interface)
        uninstall(fib, dest);
    };
    own({gone.prefix.address, 32});
    if (!gone.peer.is_any()) own({gone.peer, 32});
    own(gone.prefix.canonical());
  });
  // Another address of the network takes the route over, of the same interface or of another.
  for (const Address& other : addresses_)
    if (other.interface->up() && (other.prefix.contains(gone.prefix.network()) ||
                                  other.prefix.address == gone.prefix.address))
      add_address_routes(other);
  // Routes by gateways that are no longer reached are left, as FreeBSD leaves them; those that
  // would send from the dead address choose anew.
  for_each_table([&](int, RouteTable& table) {
    table.for_each_path([&](Route& r) {
      if (r.source == gone.prefix.address) r.source = {};
    });
  });
}

void Inet::addresses_unwanted(Ifnet& interface) {
  while (!primary_address(interface).is_any())
    (void)delete_address({{}, interface.name(), std::nullopt});
}

void Inet::interface_departing(Ifnet& interface) {
  addresses_unwanted(interface);
  uninstall_if([&](const Ipv4Prefix&, const Route& r) {
    return r.interface == &interface || r.link == &interface;
  });
  arp_.forget(interface);
  igmp_.forget(interface);
}

void Inet::interface_up_changed(Ifnet& interface) {
  for (const Address& a : std::vector<Address>(addresses_)) {
    if (a.interface != &interface) continue;
    if (interface.up()) {
      add_address_routes(a);
      arp_.announce(interface, a.prefix.address);
    } else {
      // As in_ifdown: the network's route goes, the address stays.
      for_each_fib_of(interface, [&](int fib) {
        const Route* route = routes(fib).find(a.prefix.canonical());
        if (route && route->interface == &interface && a.prefix.length < 32)
          uninstall(fib, a.prefix.canonical());
      });
    }
  }
  if (!interface.up()) arp_.forget(interface);
}

void Inet::mac_changed(Ifnet& interface) {
  arp_.forget(interface);
  for (const Address& a : std::vector<Address>(addresses_))
    if (a.interface == &interface) arp_.announce(interface, a.prefix.address);
}

}  // namespace stackyard
