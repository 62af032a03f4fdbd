// stack/net/route_table.h - one FIB of one family: routes by longest prefix (route(4)).
//
// As FreeBSD 14 has it, a prefix leads to a next hop, which all prefixes share that go the same
// way, or to a group of them (multipath). A million prefixes by ten neighbours are ten `Route`s.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/address6.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "stack/net/api/route_requests.h"
#include "stack/net/prefix_map.h"

namespace stackyard {

class Ifnet;

// The number that a table has an address under.
constexpr uint32_t number_of(Ipv4Address a) { return a.value; }
constexpr Ipv4Address address_of(uint32_t n) { return {n}; }

// Where packets go: a next hop, and what is to be known of the way.
template <class Prefix>
struct RouteOf {
  using Address = decltype(Prefix::address);
  uint32_t flags = route_flag::up;
  Address gateway;             // with route_flag::gateway
  Ifnet* interface = nullptr;  // never null; of a local address it is lo0
  Ifnet* link = nullptr;       // the interface shown as "link#N" when there is no gateway
  Address source;              // preferred local address
  uint32_t mtu = 0;            // 0: the interface's
  uint32_t weight = 1;         // its share, beside others
  SimTime expires;             // 0: never

  // Of those in a table: its number, how many prefixes (and groups) lead to it, packets sent.
  uint32_t number = 0, prefixes = 0;
  uint64_t uses = 0;
  // The neighbour that packets go to, as its table remembers it (see stack/inet/arp,
  // stack/inet6/neighbours).
  void* neighbour = nullptr;
  uint32_t neighbour_stamp = 0;

  bool has(uint32_t flag) const { return flags & flag; }
  // Where a packet to `to` is to be handed.
  Address next_hop(const Address& to) const { return has(route_flag::gateway) ? gateway : to; }
  bool same_way(const RouteOf& other) const {
    return flags == other.flags && gateway == other.gateway && interface == other.interface &&
           link == other.link && source == other.source && mtu == other.mtu &&
           weight == other.weight && expires == other.expires;
  }
};

// Several next hops side by side. A flow's hash chooses a slot; each path has slots by its weight.
template <class Prefix>
struct RouteGroupOf {
  using Route = RouteOf<Prefix>;
  static constexpr size_t slots_max = 64;  // RIB_MAX_MPATH_WIDTH
  std::vector<Route*> paths;               // by number
  std::vector<Route*> slots;
  uint32_t prefixes = 0;
};

template <class Prefix>
class RouteTableOf {
 public:
  using Route = RouteOf<Prefix>;
  using Group = RouteGroupOf<Prefix>;
  using Address = typename Route::Address;
  struct Match {
    Prefix dest;
    Route* route;
  };

  // EEXIST: there is one for this prefix.
  Result<Route*> add(Prefix dest, const Route& way);
  // Beside those that are there. EEXIST: that path is one of them; ENOSPC: too many.
  Result<Route*> append(Prefix dest, const Route& way);
  // In the place of all paths there are. ESRCH: there is none.
  Result<Route*> replace(Prefix dest, const Route& way);
  // With all its paths. ESRCH: there is none.
  Result<> remove(Prefix dest);
  // One of its paths.
  Result<> remove_path(Prefix dest, const Route& path);
  // The first path of the route for exactly this prefix; null: none.
  Route* find(Prefix dest) const;
  std::vector<Route*> paths(Prefix dest) const;
  const Group* group(Prefix dest, uint32_t* number = nullptr) const;

  // The first path of the longest match; null: none. Blackhole and reject routes are routes.
  Route* lookup(const Address& dest) const {
    const uint32_t found = prefixes_.longest(number_of(dest));
    return found == none ? nullptr : first(found);
  }
  // The path of a flow: `flow()` gives its hash, and is called only where it matters.
  template <class Flow>
  Route* lookup(const Address& dest, Flow flow) const {
    const uint32_t found = prefixes_.longest(number_of(dest));
    if (found == none) return nullptr;
    if (!(found & group_bit)) [[likely]]
      return routes_[found].get();
    const Group& group = *groups_->all[found & ~group_bit];
    return group.slots[flow() % group.slots.size()];
  }
  // The longest match with its prefix; not for a packet's path.
  std::optional<Match> match(const Address& dest) const;

  // By destination, then prefix length; the paths of a route in turn.
  template <class Visit>
  void for_each(Visit visit) const {
    prefixes_.for_each([&](auto key, unsigned length, uint32_t value) {
      const Prefix dest{address_of(key), uint8_t(length)};
      if (!(value & group_bit)) return visit(dest, *routes_[value]);
      for (Route* path : groups_->all[value & ~group_bit]->paths) visit(dest, *path);
    });
  }
  // Of each path, once, in order of its number.
  template <class Visit>
  void for_each_path(Visit visit) const {
    for (const auto& route : routes_)
      if (route) visit(*route);
  }
  template <class Visit>
  void for_each_group(Visit visit) const {
    if (!groups_) return;
    for (size_t i = 0; i < groups_->all.size(); ++i)
      if (groups_->all[i]) visit(uint32_t(i), *groups_->all[i]);
  }
  // Those paths that `wanted(dest, route)` names; `removed` hears of each before it goes.
  template <class Wanted, class Removed>
  void remove_if(Wanted wanted, Removed removed) {
    std::vector<Match> ending;
    for_each([&](const Prefix& dest, Route& route) {
      if (wanted(dest, route)) ending.push_back({dest, &route});
    });
    for (const Match& m : ending) {
      removed(m.dest, *m.route);
      (void)remove_path(m.dest, *m.route);
    }
  }
  size_t size() const { return prefixes_.size(); }
  // Octets of the structure that finds prefixes, without what is shared by them.
  size_t octets() const { return prefixes_.octets(); }

 private:
  using Number = decltype(number_of(Address()));
  static constexpr uint32_t none = PrefixMap<Number>::none;
  static constexpr uint32_t group_bit = 0x80000000;
  static constexpr size_t index_worthwhile = 16;
  struct Groups {
    std::vector<std::unique_ptr<Group>> all;
    std::map<std::vector<uint32_t>, uint32_t> by_paths;  // numbers of paths
  };

  Route* first(uint32_t value) const {
    return value & group_bit ? groups_->all[value & ~group_bit]->paths.front()
                             : routes_[value].get();
  }
  uint32_t value_of(Prefix dest) const {
    return prefixes_.exact(number_of(dest.network()), dest.length);
  }
  uint32_t intern(const Route& way);
  void release(uint32_t route);
  uint32_t intern_group(std::vector<Route*> paths);
  void release_value(uint32_t value);
  static uint64_t hash_of(const Route& way);

  PrefixMap<Number> prefixes_;                  // numbers of routes, or of groups with group_bit
  std::vector<std::unique_ptr<Route>> routes_;  // null: free
  size_t first_free_ = 0;                       // no place before it is free
  // Of routes by what hash_of() says, once there are many; null before. Only looked things up in.
  std::unique_ptr<std::unordered_multimap<uint64_t, uint32_t>> index_;
  std::unique_ptr<Groups> groups_;  // null: never needed
};

using Route = RouteOf<Ipv4Prefix>;
using RouteTable = RouteTableOf<Ipv4Prefix>;
using Route6 = RouteOf<Ipv6Prefix>;
using RouteTable6 = RouteTableOf<Ipv6Prefix>;
extern template class RouteTableOf<Ipv4Prefix>;
extern template class RouteTableOf<Ipv6Prefix>;

}  // namespace stackyard
