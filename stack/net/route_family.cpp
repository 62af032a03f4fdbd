#include "stack/net/route_family.h"

#include <algorithm>

#include "stack/net/net_stack.h"

namespace stackyard {

namespace {

Ipv4Address part_of(const IpAddress& a, Ipv4Address) { return a.v4(); }
Ipv6Address part_of(const IpAddress& a, const Ipv6Address&) { return a.v6(); }
Ipv4Prefix part_of(const IpPrefix& p, const Ipv4Prefix&) { return p.v4(); }
Ipv6Prefix part_of(const IpPrefix& p, const Ipv6Prefix&) { return p.v6(); }

IpAddress without_zone(const IpAddress& a) {
  return a.is_v6() ? IpAddress(a.v6().without_zone()) : a;
}
std::string zone_name(const NetStack& net, const IpAddress& a) {
  const Ifnet* interface = a.is_v6() && a.v6().zone() ? net.by_index(a.v6().zone()) : nullptr;
  return interface ? interface->name() : "";
}

}  // namespace

template <class Prefix>
RoutesOf<Prefix>::RoutesOf(NetStack& net) : routes_net_(net) {
  net.set_route_family(family(), this);
}

template <class Prefix>
RoutesOf<Prefix>::~RoutesOf() {
  routes_net_.set_route_family(family(), nullptr);
}

template <class Prefix>
void RoutesOf<Prefix>::fibs_changed() {
  const size_t count = size_t(routes_net_.fib_count());
  if (tables_.size() > count) tables_.resize(count);
}

template <class Prefix>
RouteView RoutesOf<Prefix>::view_of(const Prefix& dest, const Route& route) const {
  RouteView view{.dest = dest,
                 .flags = route.flags,
                 .gateway = route.gateway,
                 .interface = route.interface,
                 .link = route.link ? route.link : route.interface,
                 .source = route.source,
                 .mtu = route.mtu ? route.mtu : mtu_of(*route.interface),
                 .weight = route.weight,
                 .path = route.number,
                 .uses = route.uses,
                 .expires = route.expires};
  return view;
}

// --- what programs ask for -----------------------------------------------------------------------

// rt_getifa_fib: the interface by -ifp, by the gateway's link, by -ifa's, or by where the gateway
// is.
template <class Prefix>
Result<RouteOf<Prefix>> RoutesOf<Prefix>::resolve(const RouteChange& wanted, const Prefix& dest) {
  Route route;
  route.flags |= wanted.flags & route_flag::settable & ~(route_flag::gateway | route_flag::host);
  if (dest.length == sizeof(Address) * 8) route.flags |= route_flag::host;
  route.mtu = wanted.mtu.value_or(0);
  route.weight = std::clamp<uint32_t>(wanted.weight.value_or(1), 1, 0xffffff);  // RT_MAX_WEIGHT
  if (wanted.expires && *wanted.expires > SimTime()) route.expires = *wanted.expires;
  Address neighbour = dest.address;
  if (wanted.gateway_link) {
    route.interface = route.link = wanted.gateway_link;
  } else if (wanted.gateway && wanted.gateway->family() == family()) {
    const Address gateway = part_of(*wanted.gateway, Address());
    route.interface = wanted.interface ? wanted.interface : link_towards(wanted.fib, gateway);
    if (!route.interface) return Errno::enetunreach;
    if (is_own(gateway) && !gateway.is_loopback()) {
      route.link = route.interface;  // "by my own address" means on that link
    } else {
      route.gateway = neighbour = gateway;
      route.flags |= route_flag::gateway;
    }
  } else if (wanted.interface) {
    route.interface = route.link = wanted.interface;
  } else {
    return Errno::einval;
  }
  route.source = source_on_link(*route.interface, neighbour);
  if (wanted.source) {
    route.source = part_of(*wanted.source, Address());
    if (!is_own(route.source)) return Errno::enetunreach;
  }
  return route;
}

template <class Prefix>
Result<RouteView> RoutesOf<Prefix>::add_route(const RouteChange& wanted) {
  if (wanted.fib < 0 || wanted.fib >= routes_net_.fib_count()) return Errno::einval;
  const Prefix dest = part_of(wanted.dest, Prefix()).canonical();
  const Route way = TRY(resolve(wanted, dest));
  Table& table = routes(wanted.fib);
  const size_t most = size_t(routes_net_.settings().routes_max);
  if (table.size() >= most) {
    ++routes_net_.route_counters().refused;
    return Errno::enobufs;
  }
  // rib_add_route: beside what is there, where both may share the packets: by gateways only.
  const Route* present = table.find(dest);
  const bool beside = present && routes_net_.settings().multipath &&
                      present->has(route_flag::gateway) && way.has(route_flag::gateway) &&
                      !present->has(route_flag::pinned);
  const Route* added = beside ? TRY(table.append(dest, way)) : TRY(table.add(dest, way));
  note_expiry(*added);
  return view_of(dest, *added);
}

// Of one path: the one by -gateway, if there is such, else the first. What is not given stays.
template <class Prefix>
Result<RouteView> RoutesOf<Prefix>::change_route(const RouteChange& wanted) {
  if (wanted.fib < 0 || wanted.fib >= routes_net_.fib_count()) return Errno::einval;
  const Prefix dest = part_of(wanted.dest, Prefix()).canonical();
  Table& table = routes(wanted.fib);
  Route* old = table.find(dest);
  if (!old) return Errno::esrch;
  if (old->has(route_flag::pinned)) return Errno::eperm;
  for (Route* path : table.paths(dest))
    if (wanted.gateway && wanted.gateway->family() == family() &&
        path->gateway == part_of(*wanted.gateway, Address()))
      old = path;
  Route way = *old;
  if (wanted.gateway || wanted.gateway_link || wanted.interface || wanted.source) {
    RouteChange full = wanted;
    if (!wanted.gateway && !wanted.gateway_link && old->has(route_flag::gateway))
      full.gateway = IpAddress(old->gateway);
    if (!wanted.gateway && !wanted.gateway_link && !old->has(route_flag::gateway) &&
        !wanted.interface)
      full.gateway_link = old->interface;
    const Route fresh = TRY(resolve(full, dest));
    way.interface = fresh.interface;
    way.link = fresh.link;
    way.gateway = fresh.gateway;
    way.source = fresh.source;
    way.flags = (way.flags & ~route_flag::gateway) | (fresh.flags & route_flag::gateway);
  }
  const uint32_t mask = wanted.flag_mask & route_flag::changeable;
  way.flags = (way.flags & ~mask) | (wanted.flags & mask);
  if (wanted.mtu) way.mtu = *wanted.mtu;
  if (wanted.weight) way.weight = std::clamp<uint32_t>(*wanted.weight, 1, 0xffffff);
  if (wanted.expires) way.expires = *wanted.expires;
  if (way.same_way(*old)) return view_of(dest, *old);
  const bool alone = !table.group(dest);
  const Route* changed = nullptr;
  if (alone) {
    changed = TRY(table.replace(dest, way));
  } else {
    changed = TRY(table.append(dest, way));
    TRY(table.remove_path(dest, *old));
  }
  note_expiry(*changed);
  return view_of(dest, *changed);
}

template <class Prefix>
Result<RouteView> RoutesOf<Prefix>::remove_route(const RouteChange& wanted) {
  if (wanted.fib < 0 || wanted.fib >= routes_net_.fib_count()) return Errno::einval;
  const Prefix dest = part_of(wanted.dest, Prefix()).canonical();
  Table& table = routes(wanted.fib);
  const Route* route = table.find(dest);
  if (!route) return Errno::esrch;
  if (route->has(route_flag::pinned)) return Errno::eaddrinuse;
  const bool by_gateway = wanted.gateway && wanted.gateway->family() == family();
  if (!by_gateway) {
    const RouteView gone = view_of(dest, *route);
    TRY(table.remove(dest));
    return gone;
  }
  const Address gateway = part_of(*wanted.gateway, Address());
  for (const Route* path : table.paths(dest)) {
    const bool own = !path->has(route_flag::gateway) && is_own(gateway);
    if (path->gateway != gateway && !own) continue;
    const RouteView gone = view_of(dest, *path);
    TRY(table.remove_path(dest, *path));
    return gone;
  }
  return Errno::esrch;
}

template <class Prefix>
Result<RouteView> RoutesOf<Prefix>::get_route(const RouteChange& wanted) {
  if (wanted.fib < 0 || wanted.fib >= routes_net_.fib_count()) return Errno::einval;
  const Prefix dest = part_of(wanted.dest, Prefix());
  const Table* table = routes_if_there(wanted.fib);
  if (!table) return Errno::esrch;
  if (wanted.exact) {
    const Route* route = table->find(dest.canonical());
    if (!route) return Errno::esrch;
    return view_of(dest.canonical(), *route);
  }
  const auto found = table->match(dest.address);
  if (!found) return Errno::esrch;
  return view_of(found->dest, *found->route);
}

template <class Prefix>
void RoutesOf<Prefix>::list_routes(ListRoutes& list) const {
  const Table* table = list.fib < 0 ? nullptr : routes_if_there(list.fib);
  if (!table) return;
  const SimTime now = routes_net_.site().now();
  table->for_each([&](const Prefix& dest, const Route& route) {
    const RouteView view = view_of(dest, route);
    RouteInfo info{.dest = {},
                   .dest_zone = zone_name(routes_net_, view.dest.address),
                   .flags = view.flags,
                   .gateway = without_zone(view.gateway),
                   .gateway_zone = zone_name(routes_net_, view.gateway),
                   .interface = view.interface->name(),
                   .link_index = view.link->index(),
                   .path = view.path,
                   .mtu = view.mtu,
                   .weight = view.weight,
                   .uses = view.uses,
                   .expires = {}};
    info.dest.address = without_zone(view.dest.address);
    info.dest.length = view.dest.length;
    if (table->group(dest, &info.group)) ++info.group;
    if (view.expires > SimTime()) info.expires = view.expires - now;
    list.routes.push_back(std::move(info));
  });
}

template <class Prefix>
void RoutesOf<Prefix>::list_groups(ListPathGroups& list) const {
  const Table* table = list.fib < 0 ? nullptr : routes_if_there(list.fib);
  if (!table) return;
  table->for_each_group([&](uint32_t number, const RouteGroupOf<Prefix>& group) {
    PathGroupInfo info{number + 1, group.prefixes, {}};
    for (const Route* path : group.paths) {
      const auto slots = std::count(group.slots.begin(), group.slots.end(), path);
      info.paths.push_back({path->number, path->weight, uint32_t(slots),
                            to_text(without_zone(path->gateway)), path->interface->name()});
    }
    list.groups.push_back(std::move(info));
  });
}

// --- the stack's own -----------------------------------------------------------------------------

template <class Prefix>
void RoutesOf<Prefix>::tell(RouteEvent event, int fib, const Prefix& dest, const Route& route) {
  if (RouteWatcher* watcher = routes_net_.route_watcher())
    watcher->route_changed(event, fib, view_of(dest, route));
}

template <class Prefix>
bool RoutesOf<Prefix>::install(int fib, const Prefix& dest, const Route& way) {
  const auto added = routes(fib).add(dest, way);
  if (!added) return false;
  note_expiry(**added);
  tell(RouteEvent::added, fib, dest.canonical(), **added);
  return true;
}

template <class Prefix>
void RoutesOf<Prefix>::reinstall(int fib, const Prefix& dest, const Route& way) {
  if (install(fib, dest, way)) return;
  const auto changed = routes(fib).replace(dest, way);
  note_expiry(**changed);
  tell(RouteEvent::changed, fib, dest.canonical(), **changed);
}

template <class Prefix>
bool RoutesOf<Prefix>::uninstall(int fib, const Prefix& dest) {
  Table& table = routes(fib);
  const Route* route = table.find(dest);
  if (!route) return false;
  tell(RouteEvent::removed, fib, dest.canonical(), *route);
  (void)table.remove(dest);
  return true;
}

// --- routes that end by themselves (route_temporal.c's) ------------------------------------------

template <class Prefix>
void RoutesOf<Prefix>::note_expiry(const Route& route) {
  if (route.expires == SimTime()) return;
  if (!expiry_)
    expiry_ = std::make_unique<Timer>(routes_net_.site().node(),
                                      Timer::call<&RoutesOf<Prefix>::expire>, this);
  const SimTime now = routes_net_.site().now();
  const SimTime delay = std::max(route.expires - now, 1_ns);
  if (expiry_->armed() && expiry_->deadline() <= now + delay) return;
  expiry_->cancel();
  expiry_->arm(delay);
}

template <class Prefix>
void RoutesOf<Prefix>::expire() {
  const SimTime now = routes_net_.site().now();
  uninstall_if(
      [&](const Prefix&, const Route& r) { return r.expires > SimTime() && r.expires <= now; });
  for_each_table(
      [&](int, Table& table) { table.for_each_path([&](const Route& r) { note_expiry(r); }); });
}

template class RoutesOf<Ipv4Prefix>;
template class RoutesOf<Ipv6Prefix>;

}  // namespace stackyard
