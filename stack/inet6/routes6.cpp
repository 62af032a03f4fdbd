// stack/inet6/routes6.cpp - route(8)'s requests, redirects, path MTU.
#include <algorithm>

#include "stack/inet6/inet6.h"

namespace stackyard {

namespace {

constexpr size_t path_mtus_max = 4096;
constexpr SimTime path_mtu_life = 600_s;  // RFC 8201 s4: then a larger one may be tried

std::string zone_name(const NetStack& net, const Ipv6Address& address) {
  const Ifnet* interface = address.zone() ? net.by_index(address.zone()) : nullptr;
  return interface ? interface->name() : "";
}

RouteInfo6 info_of(const NetStack& net, const Route6& route, uint32_t mtu, SimTime now) {
  RouteInfo6 info{.dest = {route.dest.address.without_zone(), route.dest.length},
                  .dest_zone = zone_name(net, route.dest.address),
                  .flags = route.flags,
                  .gateway = route.gateway.without_zone(),
                  .gateway_zone = zone_name(net, route.gateway),
                  .interface = route.interface->name(),
                  .link_index = route.link ? route.link->index() : route.interface->index(),
                  .mtu = route.mtu ? route.mtu : mtu,
                  .uses = route.uses,
                  .expires = {}};
  if (route.expires > SimTime()) info.expires = route.expires - now;
  return info;
}

}  // namespace

Result<> Inet6::add_route(const AddRoute6& wanted) {
  if (wanted.fib < 0 || wanted.fib >= net_.fib_count()) return Errno::einval;
  RouteTable6& table = routes(wanted.fib);
  Route6 route{.dest = {wanted.dest.address.with_zone(wanted.dest_scope), wanted.dest.length}};
  route.dest = route.dest.canonical();
  route.flags = route_flag::up | route_flag::static_ | wanted.flags;
  if (wanted.host) route.flags |= route_flag::host;
  route.mtu = wanted.mtu;
  if (!wanted.interface.empty()) {
    route.interface = net_.find(wanted.interface);
    if (!route.interface) return Errno::enetunreach;
    route.link = route.interface;
  } else if (wanted.gateway) {
    const Ipv6Address gateway = wanted.gateway->with_zone(wanted.gateway_scope);
    const Route6* towards = table.lookup(gateway);
    if (gateway.is_link_local()) {
      route.interface = net_.by_index(gateway.zone());
    } else if (towards && !towards->has(route_flag::gateway)) {
      route.interface = towards->link ? towards->link : towards->interface;
    }
    if (gateway.is_loopback()) route.interface = net_.find("lo0");
    if (!route.interface) return Errno::enetunreach;
    if (is_local(gateway) && !gateway.is_loopback()) {
      route.link = route.interface;
    } else {
      route.gateway = gateway;
      route.flags |= route_flag::gateway;
    }
  } else {
    return Errno::einval;
  }
  if (wanted.change) {
    const Route6* old = table.find(route.dest);
    if (!old || old->has(route_flag::pinned)) return old ? Errno::eperm : Errno::esrch;
    (void)table.remove(route.dest);
  }
  TRY(table.add(route));
  return {};
}

Result<> Inet6::delete_route(DeleteRoute6& wanted) {
  if (wanted.fib < 0 || wanted.fib >= net_.fib_count()) return Errno::einval;
  RouteTable6& table = routes(wanted.fib);
  const Ipv6Prefix dest{wanted.dest.address.with_zone(wanted.dest_scope), wanted.dest.length};
  const Route6* route = table.find(dest.canonical());
  if (!route) return Errno::esrch;
  if (route->has(route_flag::pinned)) return Errno::eaddrinuse;
  wanted.gateway = route->gateway.without_zone();
  return table.remove(route->dest);
}

Result<> Inet6::get_route(GetRoute6& wanted) {
  if (wanted.fib < 0 || wanted.fib >= net_.fib_count()) return Errno::einval;
  const Route6* route = routes(wanted.fib).lookup(wanted.dest.with_zone(wanted.dest_scope));
  if (!route) return Errno::esrch;
  wanted.route = info_of(net_, *route, link_mtu(*route->interface), now());
  return {};
}

void Inet6::list_routes(ListRoutes6& list) const {
  if (list.fib < 0 || list.fib >= net_.fib_count()) return;
  const RouteTable6* table = routes_if_there(list.fib);
  if (!table) return;
  for (const Route6* route : table->sorted())
    list.routes.push_back(info_of(net_, *route, link_mtu(*route->interface), now()));
}

// icmp6_redirect_input's: a host route, which goes when the target turns out to be none.
void Inet6::add_redirect(const Ipv6Address& dest, const Ipv6Address& gateway, Ifnet& on) {
  RouteTable6& table = routes(on.fib());
  Route6 route{.dest = {dest, 128}};
  route.flags = route_flag::up | route_flag::host | route_flag::dynamic;
  route.interface = &on;
  route.link = &on;
  if (gateway != dest) {
    route.gateway = gateway;
    route.flags |= route_flag::gateway;
  }
  route.expires = now() + SimTime(settings().icmp.redirtimeout * 1'000'000'000);
  if (const Route6* old = table.find(route.dest); old && old->has(route_flag::pinned)) return;
  (void)table.remove(route.dest);
  (void)table.add(route);
  redirect_ends_ = std::min(redirect_ends_, route.expires);
  lifetimes_changed();
}

void Inet6::expire_redirects() {
  if (redirect_ends_ > now()) return;
  redirect_ends_ = SimTime::max();
  for (RouteTable6& table : routes_)
    table.remove_if([&](const Route6& r) {
      if (r.expires == SimTime()) return false;
      if (r.expires <= now()) return true;
      redirect_ends_ = std::min(redirect_ends_, r.expires);
      return false;
    });
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
