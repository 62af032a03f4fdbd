// stack/inet/routes.cpp - route(8)'s requests, and redirects.
#include "core/base/text.h"
#include "stack/inet/drops.h"
#include "stack/inet/inet.h"
#include "stack/kern/machine.h"

namespace stackyard {

namespace {

RouteInfo info_of(const Route& route, SimTime now) {
  RouteInfo info{.dest = route.dest,
                 .flags = route.flags,
                 .gateway = route.gateway,
                 .interface = route.interface->name(),
                 .link_index = route.link ? route.link->index() : route.interface->index(),
                 .source = route.source,
                 .mtu = route.mtu ? route.mtu : route.interface->mtu(),
                 .uses = route.uses,
                 .expires = {}};
  if (route.expires > SimTime()) info.expires = route.expires - now;
  return info;
}

}  // namespace

Result<> Inet::add_route(const AddRoute& wanted) {
  if (wanted.fib < 0 || wanted.fib >= net_.fib_count()) return Errno::einval;
  RouteTable& table = net_.routes(wanted.fib);
  Route route{.dest = wanted.dest.canonical()};
  route.flags = route_flag::up | route_flag::static_ | wanted.flags;
  if (wanted.host) route.flags |= route_flag::host;
  route.mtu = wanted.mtu;
  if (!wanted.interface.empty()) {
    route.interface = net_.find(wanted.interface);
    if (!route.interface) return Errno::enetunreach;
    route.link = route.interface;
    route.source = primary_address(*route.interface);
  } else if (wanted.gateway) {
    // The gateway must be a neighbour, or an address of our own.
    Ifnet* link = wanted.gateway->is_loopback() ? net_.find("lo0") : link_of(*wanted.gateway);
    if (!link) return Errno::enetunreach;
    route.interface = link;
    route.source = source_on(*link, *wanted.gateway);
    if (is_local(*wanted.gateway) && !wanted.gateway->is_loopback()) {
      route.link = link;  // "via my own address" means on that link
    } else {
      route.gateway = *wanted.gateway;
      route.flags |= route_flag::gateway;
    }
  } else {
    return Errno::einval;
  }
  if (wanted.change) {
    if (const Route* old = table.find(route.dest); !old || old->has(route_flag::pinned))
      return old ? Errno::eperm : Errno::esrch;
    (void)table.remove(route.dest);
  }
  TRY(table.add(route));
  return {};
}

Result<> Inet::delete_route(DeleteRoute& wanted) {
  if (wanted.fib < 0 || wanted.fib >= net_.fib_count()) return Errno::einval;
  RouteTable& table = net_.routes(wanted.fib);
  const Route* route = table.find(wanted.dest.canonical());
  if (!route) return Errno::esrch;
  if (route->has(route_flag::pinned)) return Errno::eaddrinuse;
  wanted.gateway = route->gateway;
  return table.remove(route->dest);
}

Result<> Inet::get_route(GetRoute& wanted) {
  if (wanted.fib < 0 || wanted.fib >= net_.fib_count()) return Errno::einval;
  const Route* route = net_.routes(wanted.fib).lookup(wanted.dest);
  if (!route) return Errno::esrch;
  wanted.route = info_of(*route, site_.now());
  wanted.interface_mtu = route->interface->mtu();
  return {};
}

void Inet::list_routes(ListRoutes& list) const {
  if (list.fib < 0 || list.fib >= net_.fib_count()) return;
  const RouteTable* table = net_.routes_if_there(list.fib);
  if (!table) return;
  for (const Route* route : table->sorted()) list.routes.push_back(info_of(*route, site_.now()));
}

void Inet::add_redirect(Ipv4Address dest, Ipv4Address gateway, const IpContext& context) {
  RouteTable& table = net_.routes(context.interface->fib());
  const Route* present = table.lookup(dest);
  const bool from_first_hop = present && present->has(route_flag::gateway) &&
                              present->gateway == context.source.v4() &&
                              present->interface == context.interface;
  if (!from_first_hop || !on_link(*context.interface, gateway) || is_local(gateway) ||
      is_local(dest))
    return;
  Route route{.dest = {dest, 32}};
  route.flags = route_flag::up | route_flag::gateway | route_flag::host | route_flag::dynamic;
  route.gateway = gateway;
  route.interface = context.interface;
  route.source = source_on(*context.interface, gateway);
  (void)table.remove(route.dest);
  (void)table.add(route);
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
