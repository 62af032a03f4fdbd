// stack/inet6/routes6.cpp - IPv6's part in routing: gateways, redirects, path MTU.
#include <algorithm>

#include "stack/inet6/inet6.h"

namespace stackyard {

namespace {

constexpr size_t path_mtus_max = 4096;
constexpr SimTime path_mtu_life = 600_s;  // RFC 8201 s4: then a larger one may be tried

}  // namespace

Ifnet* Inet6::link_towards(int fib, const Ipv6Address& gateway) {
  if (gateway.is_loopback()) return net_.find("lo0");
  if (gateway.is_link_local()) return net_.by_index(gateway.zone());
  const Route6* towards = routes(fib).lookup(gateway);
  if (!towards || towards->has(route_flag::gateway)) return nullptr;
  return towards->link ? towards->link : towards->interface;
}

// icmp6_redirect_input's: a host route, which goes when the target turns out to be none.
void Inet6::add_redirect(const Ipv6Address& dest, const Ipv6Address& gateway, Ifnet& on,
                         const Ipv6Address& author) {
  Route6 route;
  route.flags = route_flag::up | route_flag::host | route_flag::dynamic;
  route.interface = &on;
  route.link = &on;
  if (gateway != dest) {
    route.gateway = gateway;
    route.flags |= route_flag::gateway;
  }
  route.expires = now() + SimTime(settings().icmp.redirtimeout * 1'000'000'000);
  const Route6* old = routes(on.fib()).find({dest, 128});
  if (old && old->has(route_flag::pinned)) return;
  if (!old && routes(on.fib()).size() >= size_t(net_.settings().routes_max)) {
    ++net_.route_counters().refused;
    return;
  }
  ++net_.route_counters().redirects;
  reinstall(on.fib(), {dest, 128}, route);
  if (RouteWatcher* watcher = net_.route_watcher())
    watcher->redirected(on.fib(), dest, gateway, author, route.flags);
}

void Inet6::note_miss(int fib, const Ipv6Address& dest) {
  ++net_.route_counters().misses;
  if (RouteWatcher* watcher = net_.route_watcher()) watcher->route_missed(fib, dest);
}

void Inet6::tell_address(RouteEvent event, const Address& address) const {
  if (RouteWatcher* watcher = net_.route_watcher())
    watcher->address_changed(event, {*address.interface, address.prefix(), std::nullopt});
}

// RFC 8201 s4: never below 1280, and never up by a message.
void Inet6::note_path_mtu(const Ipv6Address& dest, uint32_t mtu) {
  if (mtu < ipv6_mtu_least || path_mtus_.size() >= path_mtus_max) return;
  PathMtu& known = path_mtus_[dest];
  if (known.until > now() && mtu >= known.mtu) return;
  known = {mtu, now() + path_mtu_life};
  ++icmp_.counters().path_mtu_changed;
}

uint32_t Inet6::path_mtu(const IpAddress& dest) const {
  const auto found = path_mtus_.find(dest.v6());
  return found == path_mtus_.end() || found->second.until <= now() ? 0 : found->second.mtu;
}

uint32_t Inet6::mtu_towards(const IpAddress& dest, int fib) {
  const Route6* route = routes(fib).lookup(dest.v6());
  if (!route) return 0;
  const uint32_t by_route = route->mtu ? route->mtu : link_mtu(*route->interface);
  const uint32_t by_path = path_mtu(dest);
  return by_path ? std::min(by_path, by_route) : by_route;
}

Ifnet* Inet6::interface_towards(const IpAddress& dest, int fib) {
  const Ipv6Address to = dest.v6();
  if (to.zone()) return net_.by_index(to.zone());
  const Route6* route = routes(fib).lookup(to);
  return route ? route->interface : nullptr;
}

}  // namespace stackyard
