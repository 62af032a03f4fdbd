#include "stack/inet6/router_discovery.h"

#include <algorithm>

#include "stack/inet6/inet6.h"

namespace stackyard {

namespace {

SimTime until(SimTime now, uint32_t seconds) {
  return seconds == lifetime_infinite ? SimTime::max()
                                      : now + SimTime(int64_t(seconds) * 1'000'000'000);
}

}  // namespace

RouterDiscovery::RouterDiscovery(Inet6& inet)
    : inet_(inet), timer_(inet.site().node(), Timer::call<&RouterDiscovery::expire>, this) {}
RouterDiscovery::~RouterDiscovery() = default;

// RFC 4861 s6.3.4. Validity (hop limit, link-local source) has been checked.
void RouterDiscovery::advert_received(Bytes message, const NdOptions& options,
                                      const IpContext& context) {
  Ifnet& from = *context.interface;
  Inet6::Link& link = inet_.link(from);
  if (inet_.forwarding() && !inet_.settings().rfc6204w3) return;
  if (!(link.flags & nd6_flag::accept_rtadv)) return;
  const auto advert = load<RouterAdvert>(message);
  const Ipv6Address source = context.source.v6();
  if (advert.hop_limit()) link.hop_limit = advert.hop_limit();
  if (advert.retrans_ms) link.retrans = SimTime(int64_t(advert.retrans_ms) * 1'000'000);
  const SimTime base(int64_t(advert.reachable_ms) * 1'000'000);
  if (base > SimTime() && base <= 3600_s && base != link.base_reachable) {
    link.base_reachable = base;
    link.reachable = SimTime(base.ns() / 2 + int64_t(inet_.random().below(uint64_t(base.ns()))));
  }
  if (options.mtu && *options.mtu >= ipv6_mtu_least && *options.mtu <= from.mtu())
    link.mtu = *options.mtu;
  inet_.neighbours().learn(from, source, options.source_link, Neighbours::Role::router);

  const auto found = std::find_if(routers_.begin(), routers_.end(), [&](const Router& r) {
    return r.interface == &from && r.address == source;
  });
  const bool as_default = !(link.flags & nd6_flag::no_radr) && advert.lifetime_s() > 0;
  if (!as_default) {
    if (found != routers_.end()) routers_.erase(found);
    forget_advertiser(from, source);
  } else {
    const Router router{&from, source, advert.flags(), advert.preference(),
                        inet_.now() + SimTime(int64_t(advert.lifetime_s()) * 1'000'000'000)};
    const auto here = std::count_if(routers_.begin(), routers_.end(),
                                    [&](const Router& r) { return r.interface == &from; });
    if (found != routers_.end())
      *found = router;
    else if (size_t(here) < most)
      routers_.push_back(router);
  }
  for (const NdPrefix& option : options.prefixes) take_prefix(option, context);
  select();
  check_attachment();
  arm();
}

// --- prefixes ------------------------------------------------------------------------------------

void RouterDiscovery::take_prefix(const NdPrefix& option, const IpContext& context) {
  Ifnet& from = *context.interface;
  const Ipv6Prefix prefix{option.prefix, option.prefix_length};
  // RFC 4861 s6.3.4: the link-local prefix is not theirs to speak of.
  if (option.prefix_length > 128 || option.prefix.is_link_local() || option.prefix.is_multicast())
    return;
  const uint32_t valid = option.valid_s, preferred = option.preferred_s;
  if (preferred > valid) return;  // RFC 4862 s5.5.3c
  const bool on_link = option.flags & NdPrefix::on_link;
  const bool autonomous = option.flags & NdPrefix::autonomous;
  auto found = std::find_if(prefixes_.begin(), prefixes_.end(), [&](const Prefix& p) {
    return p.interface == &from && p.prefix == prefix.canonical();
  });
  if (found == prefixes_.end() && valid > 0 && (on_link || autonomous)) {
    const auto here = std::count_if(prefixes_.begin(), prefixes_.end(),
                                    [&](const Prefix& p) { return p.interface == &from; });
    if (size_t(here) >= most) return;
    found =
        prefixes_.insert(prefixes_.end(), Prefix{.interface = &from, .prefix = prefix.canonical()});
  }
  if (found != prefixes_.end()) {
    if (on_link && valid == 0) {
      found->on_link = false;
      on_link_changed(*found, false);
    } else if (on_link) {
      found->on_link = true;
      found->expires = until(inet_.now(), valid);
      if (!found->detached) on_link_changed(*found, true);
    } else if (!found->on_link) {
      found->expires = until(inet_.now(), valid);
    }
    found->autonomous = autonomous;
    found->valid_s = valid;
    found->preferred_s = preferred;
    auto& who = found->advertisers;
    const Ipv6Address source = context.source.v6();
    const bool known = std::find(who.begin(), who.end(), source) != who.end();
    if (!known && is_router(from, source) && who.size() < most) who.push_back(source);
  }
  if (autonomous) inet_.autoconf().take(option, from);
}

void RouterDiscovery::on_link_changed(Prefix& prefix, bool on_link) {
  const RouteTable6& table = inet_.routes(prefix.interface->fib());
  if (on_link && !table.find(prefix.prefix)) {
    Route6 route;
    route.interface = route.link = prefix.interface;
    inet_.install(prefix.interface->fib(), prefix.prefix, route);
  }
  if (!on_link && prefix.routed) {
    const Route6* route = table.find(prefix.prefix);
    if (route && route->interface == prefix.interface && !route->has(route_flag::gateway) &&
        !route->has(route_flag::static_))
      inet_.uninstall(prefix.interface->fib(), prefix.prefix);
  }
  prefix.routed = on_link;
}

void RouterDiscovery::remove_prefix(size_t at) {
  on_link_changed(prefixes_[at], false);
  prefixes_.erase(prefixes_.begin() + std::ptrdiff_t(at));
}

// --- default routers -----------------------------------------------------------------------------

// RFC 4861 s6.3.6, RFC 4191 s3.2: one that probably answers before one that does not, then the
// preferred, then the one known longest; the present one stays as long as none is better.
void RouterDiscovery::select() {
  const Router* best = nullptr;
  int best_score = -1;
  for (const Router& r : routers_) {
    const bool answers = inet_.neighbours().probably_reachable(*r.interface, r.address);
    const bool present = r.interface == installed_interface_ && r.address == installed_;
    const int score = (answers ? 16 : 0) + (r.preference + 1) * 2 + (present ? 1 : 0);
    if (score > best_score) {
      best = &r;
      best_score = score;
    }
  }
  if (best && best->interface == installed_interface_ && best->address == installed_) return;
  if (installed_interface_) {
    const RouteTable6& table = inet_.routes(installed_interface_->fib());
    const Route6* route = table.find({{}, 0});
    if (route && route->gateway == installed_ && !route->has(route_flag::static_))
      inet_.uninstall(installed_interface_->fib(), {{}, 0});
    installed_interface_ = nullptr;
  }
  if (!best) return;
  Route6 route;
  route.flags = route_flag::up | route_flag::gateway;
  route.gateway = best->address;
  route.interface = route.link = best->interface;
  if (!inet_.install(best->interface->fib(), {{}, 0}, route)) return;  // a static one is there
  installed_interface_ = best->interface;
  installed_ = best->address;
}

bool RouterDiscovery::is_router(const Ifnet& interface, const Ipv6Address& address) const {
  return std::any_of(routers_.begin(), routers_.end(), [&](const Router& r) {
    return r.interface == &interface && r.address == address;
  });
}

void RouterDiscovery::router_gone(const Ifnet& interface, const Ipv6Address& address) {
  std::erase_if(routers_,
                [&](const Router& r) { return r.interface == &interface && r.address == address; });
  forget_advertiser(interface, address);
  select();
  check_attachment();
}

void RouterDiscovery::forget_advertiser(const Ifnet& interface, const Ipv6Address& router) {
  for (Prefix& p : prefixes_)
    if (p.interface == &interface) std::erase(p.advertisers, router);
}

void RouterDiscovery::check_attachment() {
  const auto answered = [&](const Prefix& p) {
    return std::any_of(p.advertisers.begin(), p.advertisers.end(), [&](const Ipv6Address& a) {
      return inet_.neighbours().probably_reachable(*p.interface, a);
    });
  };
  const bool any = std::any_of(prefixes_.begin(), prefixes_.end(), answered);
  for (Prefix& p : prefixes_) {
    if (!p.on_link) continue;
    const bool detach = any && !answered(p);
    if (detach == p.detached) continue;
    p.detached = detach;
    on_link_changed(p, !detach);
    attach_addresses(p);
  }
}

void RouterDiscovery::attach_addresses(const Prefix& prefix) {
  for (const auto& a : inet_.addresses()) {
    if (a->interface != prefix.interface || !(a->flags & in6_flag::autoconf)) continue;
    if (!prefix.prefix.contains(a->address)) continue;
    if (prefix.detached)
      a->flags |= in6_flag::detached;
    else if (a->flags & in6_flag::detached)
      inet_.attach_again(*a);
  }
}

void RouterDiscovery::forget(const Ifnet& interface) {
  std::erase_if(routers_, [&](const Router& r) { return r.interface == &interface; });
  for (size_t i = prefixes_.size(); i-- > 0;)
    if (prefixes_[i].interface == &interface) remove_prefix(i);
  select();
}

void RouterDiscovery::flush_routers() {
  routers_.clear();
  for (Prefix& p : prefixes_) p.advertisers.clear();
  select();
}

void RouterDiscovery::flush_prefixes() {
  while (!prefixes_.empty()) remove_prefix(prefixes_.size() - 1);
}

// --- time ----------------------------------------------------------------------------------------

void RouterDiscovery::expire() {
  const SimTime now = inet_.now();
  for (const Router& r : routers_)
    if (r.expires <= now) forget_advertiser(*r.interface, r.address);
  std::erase_if(routers_, [&](const Router& r) { return r.expires <= now; });
  for (size_t i = prefixes_.size(); i-- > 0;)
    if (prefixes_[i].expires <= now) remove_prefix(i);
  select();
  check_attachment();
  arm();
}

void RouterDiscovery::arm() {
  SimTime next = SimTime::max();
  for (const Router& r : routers_) next = std::min(next, r.expires);
  for (const Prefix& p : prefixes_) next = std::min(next, p.expires);
  timer_.cancel();
  if (next < SimTime::max()) timer_.arm(std::max(next - inet_.now(), 1_ns));
}

// --- ndp(8) --------------------------------------------------------------------------------------

void RouterDiscovery::list(ListRouters6& list) const {
  for (const Router& r : routers_)
    list.routers.push_back(
        {.address = r.address.without_zone(),
         .interface = r.interface->name(),
         .flags = r.flags,
         .preference = r.preference,
         .expires_s = (r.expires - inet_.now()).s(),
         .installed = r.interface == installed_interface_ && r.address == installed_});
}

void RouterDiscovery::list(ListPrefixes6& list) const {
  for (const Prefix& p : prefixes_) {
    PrefixInfo6 info{.prefix = p.prefix,
                     .interface = p.interface->name(),
                     .on_link = p.on_link,
                     .autonomous = p.autonomous,
                     .detached = p.detached,
                     .valid_s = p.valid_s,
                     .preferred_s = p.preferred_s,
                     .advertisers = {}};
    if (p.expires < SimTime::max()) info.expires_s = (p.expires - inet_.now()).s();
    for (const auto& a : inet_.addresses())
      if (a->interface == p.interface && (a->flags & in6_flag::autoconf) &&
          p.prefix.contains(a->address))
        ++info.addresses;
    for (const Ipv6Address& a : p.advertisers) info.advertisers.push_back(a.without_zone());
    list.prefixes.push_back(info);
  }
}

}  // namespace stackyard
