#include "stack/ip/multicast_routes.h"

#include <algorithm>
#include <cstring>

namespace stackyard {

namespace {

constexpr SimTime wrong_interface_interval = 3_s;  // between two upcalls of one flow

Ipv6Address mapped(const IpAddress& address) {
  return address.is_v6() ? address.v6().without_zone() : Ipv6Address::mapped(address.v4());
}

template <class Value>
std::optional<Value> value_of(const OptionValue& value) {
  if (value.octets.size() != sizeof(Value)) return std::nullopt;
  Value out;
  std::memcpy(&out, value.octets.data(), sizeof out);
  return out;
}

}  // namespace

MulticastRoutes::MulticastRoutes(NetStack& net)
    : net_(net),
      interfaces_(multicast_interfaces_max),
      expiry_(net.site().node(), Timer::call<&MulticastRoutes::expire>, this) {}

// --- what the daemon says ------------------------------------------------------------------------

Result<> MulticastRoutes::set_option(UpcallReceiver& daemon, IpFamily family, SocketOption option,
                                     const OptionValue& value) {
  if (option == SocketOption::mrt_init) {
    if (daemon_) return Errno::eaddrinuse;
    daemon_ = &daemon;
    family_ = family;
    return {};
  }
  if (daemon_ != &daemon) return Errno::eacces;
  switch (option) {
    case SocketOption::mrt_done:
      clear();
      return {};
    case SocketOption::mrt_add_vif:
    case SocketOption::mrt_del_vif: {
      const auto wanted = value_of<MulticastInterface>(value);
      if (!wanted || wanted->number >= multicast_interfaces_max) return Errno::einval;
      if (option == SocketOption::mrt_add_vif) return add_interface(*wanted);
      if (!net_.resolve(interfaces_[wanted->number].interface)) return Errno::eaddrnotavail;
      free_interface(interfaces_[wanted->number]);
      return {};
    }
    default: {
      const auto wanted = value_of<MulticastEntry>(value);
      if (!wanted) return Errno::einval;
      return option == SocketOption::mrt_add_mfc ? add_route(*wanted) : remove_route(*wanted);
    }
  }
}

void MulticastRoutes::free_interface(Interface& place) {
  if (Ifnet* interface = net_.resolve(place.interface)) interface->set_promiscuous(false);
  place = {};
}

void MulticastRoutes::closed(UpcallReceiver& daemon) {
  if (daemon_ == &daemon) clear();
}

void MulticastRoutes::clear() {
  daemon_ = nullptr;
  for (Interface& i : interfaces_) free_interface(i);
  routes_.clear();
  expiry_.cancel();
}

Result<> MulticastRoutes::add_interface(const MulticastInterface& wanted) {
  Ifnet* interface = net_.by_index(wanted.interface_index);
  if (!interface) return Errno::eaddrnotavail;
  if (!interface->has_flag(if_flag::multicast)) return Errno::eopnotsupp;
  Interface& place = interfaces_[wanted.number];
  if (net_.resolve(place.interface)) return Errno::eaddrinuse;
  place = {};
  place.interface = interface->ref();
  place.threshold = wanted.threshold;
  interface->set_promiscuous(true);  // it has to hear all groups
  return {};
}

IpAddress MulticastRoutes::of_entry(const Ipv6Address& address) const {
  return family_ == IpFamily::v4 ? IpAddress(address.embedded_v4()) : IpAddress(address);
}

MulticastRoutes::Route* MulticastRoutes::find(const IpAddress& source, const IpAddress& group) {
  const auto at = std::lower_bound(
      routes_.begin(), routes_.end(), std::pair(group, source),
      [](const auto& r, const auto& key) { return std::pair(r->group, r->source) < key; });
  const bool there = at != routes_.end() && (*at)->group == group && (*at)->source == source;
  return there ? at->get() : nullptr;
}

Result<> MulticastRoutes::add_route(const MulticastEntry& wanted) {
  const IpAddress source = of_entry(wanted.source), group = of_entry(wanted.group);
  if (!group.is_multicast() || wanted.parent >= multicast_interfaces_max) return Errno::einval;
  Route* route = find(source, group);
  if (!route) {
    if (routes_.size() >= routes_max) return Errno::enobufs;
    auto made = std::make_unique<Route>();
    made->source = source;
    made->group = group;
    const auto at = std::lower_bound(
        routes_.begin(), routes_.end(), std::pair(group, source),
        [](const auto& r, const auto& key) { return std::pair(r->group, r->source) < key; });
    route = routes_.insert(at, std::move(made))->get();
  }
  route->parent = wanted.parent;
  route->decided = true;
  std::copy(std::begin(wanted.ttls), std::end(wanted.ttls), route->ttls.begin());
  decided_ = std::move(route->waiting);
  return {};
}

Result<> MulticastRoutes::remove_route(const MulticastEntry& wanted) {
  const IpAddress source = of_entry(wanted.source), group = of_entry(wanted.group);
  const auto gone = std::erase_if(routes_, [&](const auto& r) {
    return r->decided && r->source == source && r->group == group;
  });
  return gone ? Result<>() : Errno::eaddrnotavail;
}

// --- packets -------------------------------------------------------------------------------------

int64_t MulticastRoutes::number_of(const Ifnet& interface) const {
  for (size_t i = 0; i < interfaces_.size(); ++i)
    if (interfaces_[i].interface == interface.ref()) return int64_t(i);
  return -1;
}

MulticastRoutes::Route* MulticastRoutes::route_for(const Packet& packet, const IpAddress& source,
                                                   const IpAddress& group, const Ifnet& from) {
  const int64_t number = number_of(from);
  if (number < 0) return nullptr;
  Interface& in = interfaces_[size_t(number)];
  ++in.packets_in;
  in.octets_in += packet.size();
  ++counters.lookups;
  Route* route = find(source, group);
  if (!route || !route->decided) {
    ++counters.misses;
    undecided(packet, source, group, uint32_t(number));
    return nullptr;
  }
  // The reverse path: what comes by another interface may be a copy of what was forwarded already.
  if (route->parent != uint32_t(number)) {
    ++route->wrong_interface;
    ++counters.wrong_interface;
    const SimTime now = net_.site().now();
    if (route->told == SimTime() || now - route->told >= wrong_interface_interval) {
      route->told = now;
      tell(MulticastUpcall::wrong_interface, uint32_t(number), source, group);
    }
    return nullptr;
  }
  ++route->packets;
  route->octets += packet.size();
  return route;
}

void MulticastRoutes::undecided(const Packet& packet, const IpAddress& source,
                                const IpAddress& group, uint32_t number) {
  Route* route = find(source, group);
  if (!route) {
    if (routes_.size() >= routes_max) {
      ++counters.no_route;
      return;
    }
    auto made = std::make_unique<Route>();
    made->source = source;
    made->group = group;
    made->until = net_.site().now() + undecided_life;
    const auto at = std::lower_bound(
        routes_.begin(), routes_.end(), std::pair(group, source),
        [](const auto& r, const auto& key) { return std::pair(r->group, r->source) < key; });
    route = routes_.insert(at, std::move(made))->get();
    if (!expiry_.armed()) expiry_.arm(undecided_life);
    tell(MulticastUpcall::no_cache, number, source, group);
  }
  if (route->waiting.count() >= waiting_max) {
    ++counters.queue_full;
    return;
  }
  Packet copy = packet.clone();
  copy.set_interface(net_.resolve(interfaces_[number].interface)->ref().value);
  // It comes in once more when it is decided on, and counts then.
  --interfaces_[number].packets_in;
  interfaces_[number].octets_in -= packet.size();
  route->waiting.push(std::move(copy));
}

void MulticastRoutes::tell(uint8_t type, uint32_t number, const IpAddress& source,
                           const IpAddress& group) {
  ++counters.upcalls;
  MulticastUpcall message;
  message.type = type;
  message.interface = number;
  message.source = mapped(source);
  message.group = mapped(group);
  daemon_->upcall(message);
}

// What nobody decided on in time is forgotten, so that the next packet asks again.
void MulticastRoutes::expire() {
  const SimTime now = net_.site().now();
  SimTime next = SimTime::max();
  std::erase_if(routes_, [&](const auto& r) {
    if (r->decided) return false;
    if (r->until <= now) return true;
    next = std::min(next, r->until);
    return false;
  });
  if (next < SimTime::max()) expiry_.arm(next - now);
}

MulticastRoutesInfo MulticastRoutes::describe() const {
  MulticastRoutesInfo info;
  for (size_t i = 0; i < interfaces_.size(); ++i) {
    const Interface& v = interfaces_[i];
    const Ifnet* interface = net_.resolve(v.interface);
    if (!interface) continue;
    info.interfaces.push_back({uint32_t(i),
                               interface->name(),
                               v.threshold,
                               {},
                               v.packets_in,
                               v.octets_in,
                               v.packets_out,
                               v.octets_out});
  }
  for (const auto& r : routes_) {
    MulticastRouteInfo route{r->source,  r->group,  r->parent,          {},
                             r->packets, r->octets, r->wrong_interface, r->waiting.count()};
    for (size_t i = 0; i < r->ttls.size(); ++i)
      if (r->ttls[i]) route.out.emplace_back(uint32_t(i), unsigned(r->ttls[i]));
    info.routes.push_back(std::move(route));
  }
  return info;
}

}  // namespace stackyard
