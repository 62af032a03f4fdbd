// stack/net/route_table.h - one FIB: routes by longest prefix (route(4)).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/address6.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "stack/net/prefix_trie.h"

namespace stackyard {

class Ifnet;

// Bits of rt_flags, with netstat(1)'s letters.
namespace route_flag {
constexpr uint32_t up = 0x1, gateway = 0x2, host = 0x4, reject = 0x8, dynamic = 0x10,
                   modified = 0x20, static_ = 0x800, blackhole = 0x1000, proto2 = 0x4000,
                   proto1 = 0x8000, pinned = 0x100000;
}
std::string route_flag_letters(uint32_t flags);

// The number that a trie has an address under.
constexpr uint32_t number_of(Ipv4Address a) { return a.value; }

template <class Prefix>
struct RouteOf {
  using Address = decltype(Prefix::address);
  Prefix dest;  // canonical
  uint32_t flags = route_flag::up;
  Address gateway;             // with route_flag::gateway
  Ifnet* interface = nullptr;  // never null; of a local address it is lo0
  Ifnet* link = nullptr;       // the interface shown as "link#N" when there is no gateway
  Address source;              // preferred local address
  uint32_t mtu = 0;            // 0: the interface's
  uint64_t uses = 0;
  SimTime expires;  // 0: never

  // The neighbour that this route's packets go to, as its table remembers it (see stack/inet/arp,
  // stack/inet6/neighbours).
  void* neighbour = nullptr;
  uint32_t neighbour_stamp = 0;

  bool has(uint32_t flag) const { return flags & flag; }
  // Where a packet to `dest` is to be handed.
  Address next_hop(const Address& to) const { return has(route_flag::gateway) ? gateway : to; }
};

template <class Prefix>
class RouteTableOf {
 public:
  using Route = RouteOf<Prefix>;
  // EEXIST: there is one for this prefix.
  Result<Route*> add(const Route& route);
  // ESRCH: there is none.
  Result<> remove(Prefix dest);
  Route* find(Prefix dest) const;
  // The longest match; null: none. Blackhole and reject routes are routes.
  Route* lookup(const typename Route::Address& dest) const {
    const int32_t found = trie_.longest(number_of(dest));
    return found < 0 ? nullptr : routes_[size_t(found)].get();
  }
  // By destination, then prefix length: the order in which they are shown.
  std::vector<const Route*> sorted() const;
  template <class Visit>
  void for_each(Visit visit) {
    for (auto& route : routes_)
      if (route) visit(*route);
  }
  template <class Wanted>
  void remove_if(Wanted wanted) {
    for (auto& route : routes_)
      if (route && wanted(*route)) (void)remove(route->dest);
  }

 private:
  PrefixTrie<decltype(number_of(decltype(Prefix::address)()))> trie_;
  std::vector<std::unique_ptr<Route>> routes_;  // values of the trie; null: free
  size_t first_free_ = 0;                       // no slot before it is free
};

using Route = RouteOf<Ipv4Prefix>;
using RouteTable = RouteTableOf<Ipv4Prefix>;
using Route6 = RouteOf<Ipv6Prefix>;
using RouteTable6 = RouteTableOf<Ipv6Prefix>;
extern template class RouteTableOf<Ipv4Prefix>;
extern template class RouteTableOf<Ipv6Prefix>;

}  // namespace stackyard
