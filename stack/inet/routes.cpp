// stack/inet/routes.cpp - IPv4's part in routing: gateways, redirects, path MTU.
#include "stack/inet/inet.h"

namespace stackyard {

// ifa_ifwithroute: a gateway is on the network of an interface of this FIB, or where this FIB's
// routes lead without another gateway.
Ifnet* Inet::link_towards(int fib, const Ipv4Address& gateway) {
  if (gateway.is_loopback()) return net_.find("lo0");
  const Address* best = nullptr;
  for (const Address& a : addresses_)
    if (a.interface->fib() == fib && a.prefix.contains(gateway) &&
        !a.interface->has_flag(if_flag::loopback) &&
        (!best || a.prefix.length > best->prefix.length))
      best = &a;
  if (best) return best->interface;
  const Route* route = routes(fib).lookup(gateway);
  if (!route || route->has(route_flag::gateway)) return nullptr;
  return route->link ? route->link : route->interface;
}

void Inet::add_redirect(Ipv4Address dest, Ipv4Address gateway, const IpContext& context) {
  const int fib = context.interface->fib();
  const auto present = routes(fib).match(dest);
  const bool from_first_hop = present && present->route->has(route_flag::gateway) &&
                              present->route->gateway == context.source.v4() &&
                              present->route->interface == context.interface;
  if (!from_first_hop || !on_link(*context.interface, gateway) || is_local(gateway) ||
      is_local(dest))
    return;
  Route route;
  route.flags = route_flag::up | route_flag::gateway | route_flag::host | route_flag::dynamic;
  route.gateway = gateway;
  route.interface = context.interface;
  route.source = source_on(*context.interface, gateway);
  route.expires = site_.now() + SimTime(settings().icmp.redirtimeout * 1'000'000'000);
  const bool full = routes(fib).size() >= size_t(net_.settings().routes_max);
  if (full && present->dest.length < 32) {
    ++net_.route_counters().refused;
    return;
  }
  ++net_.route_counters().redirects;
  reinstall(fib, {dest, 32}, route);
  if (RouteWatcher* watcher = net_.route_watcher())
    watcher->redirected(fib, dest, gateway, context.source, route.flags);
}

void Inet::note_miss(int fib, Ipv4Address dest) {
  ++net_.route_counters().misses;
  if (RouteWatcher* watcher = net_.route_watcher()) watcher->route_missed(fib, dest);
}

// RFC 1191 s7.1: where a router does not say, the next plateau below the packet's length.
uint32_t Inet::note_path_mtu(const Ipv4Header& quoted, uint32_t mtu) {
  constexpr uint32_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
  if (mtu == 0) {
    for (uint32_t plateau : plateaus) {
      mtu = plateau;
      if (plateau < quoted.total_length) break;
    }
  }
  if (mtu < 68 || path_mtus_.size() >= 4096) return mtu;  // RFC 791's least: no lower is believed
  uint32_t& known = path_mtus_[quoted.dest_address()];
  known = known == 0 ? mtu : std::min(known, mtu);
  return known;
}

uint32_t Inet::path_mtu(const IpAddress& dest) const {
  const auto found = path_mtus_.find(dest.v4());
  return found == path_mtus_.end() ? 0 : found->second;
}

}  // namespace stackyard
