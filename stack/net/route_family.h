// stack/net/route_family.h - the routes of IPv4 or IPv6 in one vnet, as routing sockets and the lab
// ask for them, and who watches them change.
#pragma once

#include <optional>
#include <vector>

#include "core/event/timer.h"
#include "stack/net/route_table.h"

namespace stackyard {

class NetStack;

// What is asked for (rt_addrinfo). Addresses are the stack's: with their zones inside.
struct RouteChange {
  int fib = 0;
  IpPrefix dest;
  bool exact = true;   // what to get: the route of this very prefix, or what leads to an address
  uint32_t flags = 0;  // of route_flag::settable
  uint32_t flag_mask = 0;  // what a change may toggle
  std::optional<IpAddress> gateway;
  Ifnet* gateway_link = nullptr;    // or a link: -interface
  Ifnet* interface = nullptr;       // -ifp
  std::optional<IpAddress> source;  // -ifa
  std::optional<uint32_t> mtu, weight;
  std::optional<SimTime> expires;  // 0: never
};

// One path of a route, as watchers see it.
struct RouteView {
  IpPrefix dest;
  uint32_t flags = 0;
  IpAddress gateway;  // with route_flag::gateway
  const Ifnet* interface = nullptr;
  const Ifnet* link = nullptr;  // without gateway
  IpAddress source;
  uint32_t mtu = 0, weight = 1, path = 0;
  uint64_t uses = 0;
  SimTime expires;
};

enum class RouteEvent : uint8_t { added, removed, changed };

// Hears of what routing sockets announce. There is one in a vnet while somebody listens.
class RouteWatcher {
 public:
  virtual ~RouteWatcher() = default;
  enum class Presence : uint8_t { arrival, departure };
  virtual void announced(const Ifnet& interface, Presence presence) = 0;
  virtual void interface_changed(const Ifnet& interface) = 0;  // MTU, promiscuous mode
  virtual void route_changed(RouteEvent event, int fib, const RouteView& route) = 0;
  virtual void route_missed(int fib, const IpAddress& dest) = 0;
  virtual void redirected(int fib, const IpAddress& dest, const IpAddress& gateway,
                          const IpAddress& author, uint32_t flags) = 0;
  struct AddressView {
    const Ifnet& interface;
    IpPrefix address;
    std::optional<IpAddress> broadcast;  // or the peer of a point-to-point link
  };
  virtual void address_changed(RouteEvent event, const AddressView& address) = 0;
  virtual void group_changed(RouteEvent event, const Ifnet& interface, const IpAddress& group) = 0;
};

class RouteFamily {
 public:
  virtual ~RouteFamily() = default;
  virtual IpFamily family() const = 0;
  // EEXIST; ENETUNREACH: the gateway is not on a connected network; EINVAL.
  virtual Result<RouteView> add_route(const RouteChange& wanted) = 0;
  // ESRCH: there is none; EPERM: an interface's own.
  virtual Result<RouteView> change_route(const RouteChange& wanted) = 0;
  // All its paths, or those by `gateway`. ESRCH; EADDRINUSE: an interface's own.
  virtual Result<RouteView> remove_route(const RouteChange& wanted) = 0;
  // ESRCH.
  virtual Result<RouteView> get_route(const RouteChange& wanted) = 0;
  virtual void list_routes(ListRoutes& list) const = 0;
  virtual void list_groups(ListPathGroups& list) const = 0;
  // An interface's routes are in another FIB from now on.
  virtual void fibs_changed() = 0;
};

// What both families do the same way. A family says which link leads to a gateway, and from which
// address one speaks there.
template <class Prefix>
class RoutesOf : public RouteFamily {
 public:
  using Route = RouteOf<Prefix>;
  using Table = RouteTableOf<Prefix>;
  using Address = typename Route::Address;

  explicit RoutesOf(NetStack& net);
  ~RoutesOf() override;

  Table& routes(int fib) {
    if (size_t(fib) >= tables_.size()) [[unlikely]]
      tables_.resize(size_t(fib) + 1);
    return tables_[size_t(fib)];
  }
  // Null: nobody has asked for it yet, and it is empty.
  const Table* routes_if_there(int fib) const {
    return size_t(fib) < tables_.size() ? &tables_[size_t(fib)] : nullptr;
  }
  template <class Visit>
  void for_each_table(Visit visit) {
    for (size_t fib = 0; fib < tables_.size(); ++fib) visit(int(fib), tables_[fib]);
  }

  IpFamily family() const final { return sizeof(Address) == 4 ? IpFamily::v4 : IpFamily::v6; }
  Result<RouteView> add_route(const RouteChange& wanted) final;
  Result<RouteView> change_route(const RouteChange& wanted) final;
  Result<RouteView> remove_route(const RouteChange& wanted) final;
  Result<RouteView> get_route(const RouteChange& wanted) final;
  void list_routes(ListRoutes& list) const final;
  void list_groups(ListPathGroups& list) const final;
  void fibs_changed() final;

  // The stack's own changes, which watchers hear of.
  bool install(int fib, const Prefix& dest, const Route& way);
  // In the place of any that is there.
  void reinstall(int fib, const Prefix& dest, const Route& way);
  bool uninstall(int fib, const Prefix& dest);
  template <class Wanted>
  void uninstall_if(Wanted wanted) {
    for_each_table([&](int fib, Table& table) {
      table.remove_if(wanted, [&](const Prefix& dest, const Route& route) {
        tell(RouteEvent::removed, fib, dest, route);
      });
    });
  }
  RouteView view_of(const Prefix& dest, const Route& route) const;

 protected:
  // By which the gateway is reached without another; null: by none.
  virtual Ifnet* link_towards(int fib, const Address& gateway) = 0;
  virtual Address source_on_link(const Ifnet& link, const Address& neighbour) const = 0;
  virtual bool is_own(const Address& address) const = 0;
  virtual uint32_t mtu_of(const Ifnet& link) const = 0;

 private:
  Result<Route> resolve(const RouteChange& wanted, const Prefix& dest);
  void tell(RouteEvent event, int fib, const Prefix& dest, const Route& route);
  void note_expiry(const Route& route);
  void expire();

  NetStack& routes_net_;
  std::vector<Table> tables_;      // of FIB 0 and those in use
  std::unique_ptr<Timer> expiry_;  // null: no route ever ended by itself
};

extern template class RoutesOf<Ipv4Prefix>;
extern template class RoutesOf<Ipv6Prefix>;

}  // namespace stackyard
