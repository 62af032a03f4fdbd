// stack/net/route_table.h - one FIB: routes by longest prefix (route(4)).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/address.h"
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

struct Route {
  Ipv4Prefix dest;  // canonical
  uint32_t flags = route_flag::up;
  Ipv4Address gateway;         // with route_flag::gateway
  Ifnet* interface = nullptr;  // never null; of a local address it is lo0
  Ifnet* link = nullptr;       // the interface shown as "link#N" when there is no gateway
  Ipv4Address source;          // preferred local address
  uint32_t mtu = 0;            // 0: the interface's
  uint64_t uses = 0;
  SimTime expires;  // 0: never

  // The neighbour that this route's packets go to, as its table remembers it (see stack/inet/arp).
  void* neighbour = nullptr;
  uint32_t neighbour_stamp = 0;

  bool has(uint32_t flag) const { return flags & flag; }
  // Where a packet to `dest` is to be handed.
  Ipv4Address next_hop(Ipv4Address to) const { return has(route_flag::gateway) ? gateway : to; }
};

class RouteTable {
 public:
  // EEXIST: there is one for this prefix.
  Result<Route*> add(const Route& route);
  // ESRCH: there is none.
  Result<> remove(Ipv4Prefix dest);
  Route* find(Ipv4Prefix dest) const;
  // The longest match; null: none. Blackhole and reject routes are routes.
  Route* lookup(Ipv4Address dest) const {
    const int32_t found = trie_.longest(dest.value);
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
  PrefixTrie<uint32_t> trie_;
  std::vector<std::unique_ptr<Route>> routes_;  // values of the trie; null: free
  size_t first_free_ = 0;                       // no slot before it is free
};

}  // namespace stackyard
