// stack/ip/multicast_routes.h - forwarding to groups, as a daemon decides it (multicast(4)): for
// each source and group where it must come in, and where it leaves.
#pragma once

#include <memory>
#include <vector>

#include "core/event/timer.h"
#include "stack/ip/api/mroute.h"
#include "stack/ip/ip_output.h"
#include "stack/net/net_stack.h"
#include "stack/sys/types.h"

namespace stackyard {

// Whom upcalls are for: the daemon's raw socket.
class UpcallReceiver {
 public:
  virtual ~UpcallReceiver() = default;
  virtual void upcall(const MulticastUpcall& message) = 0;
};

struct MulticastRouteCounters {
  uint64_t lookups = 0, misses = 0, upcalls = 0, no_route = 0, wrong_interface = 0, queue_full = 0;
};

class MulticastRoutes {
 public:
  static constexpr size_t routes_max = 4096;
  static constexpr size_t waiting_max = 4;        // MAX_UPQ: packets of an undecided flow
  static constexpr SimTime undecided_life = 6_s;  // EXPIRE_TIMEOUT x UPCALL_EXPIRE

  explicit MulticastRoutes(NetStack& net);

  // One of MRT_*. EADDRINUSE: another daemon is at work; EINVAL, EADDRNOTAVAIL, EACCES: not the
  // daemon's socket.
  Result<> set_option(UpcallReceiver& daemon, IpFamily family, SocketOption option,
                      const OptionValue& value);
  void closed(UpcallReceiver& daemon);
  bool active() const { return daemon_ != nullptr; }

  // A packet for a group, with its IP header, that came by `from`: leave(copy, interface) for each
  // interface by which it goes on. One without a route waits for the daemon.
  template <class Leave>
  void forward(const Packet& packet, const IpAddress& source, const IpAddress& group,
               const Ifnet& from, uint8_t ttl, Leave leave) {
    Route* route = route_for(packet, source, group, from);
    if (!route) return;
    for (size_t i = 0; i < interfaces_.size(); ++i) {
      const uint8_t least = route->ttls[i];
      Ifnet* by = least ? net_.resolve(interfaces_[i].interface) : nullptr;
      if (!by || ttl <= least || ttl <= interfaces_[i].threshold || by == &from) continue;
      ++interfaces_[i].packets_out;
      interfaces_[i].octets_out += packet.size();
      leave(packet.clone(), *by);
    }
  }
  // Packets that waited for the route that was added last.
  PacketQueue take_decided() { return std::move(decided_); }

  // `local_of` gives an interface's address, for netstat -g.
  template <class LocalOf>
  MulticastRoutesInfo list(LocalOf local_of) const {
    MulticastRoutesInfo info = describe();
    for (MulticastInterfaceInfo& i : info.interfaces)
      if (const Ifnet* interface = net_.find(i.interface)) i.local = local_of(*interface);
    return info;
  }

  MulticastRouteCounters counters;

 private:
  struct Interface {
    IfRef interface;  // none: the number is free
    uint8_t threshold = 1;
    uint64_t packets_in = 0, octets_in = 0, packets_out = 0, octets_out = 0;
  };
  struct Route {
    IpAddress source, group;
    uint32_t parent = 0;
    bool decided = false;
    std::array<uint8_t, multicast_interfaces_max> ttls{};
    uint64_t packets = 0, octets = 0, wrong_interface = 0;
    SimTime until;  // of an undecided one
    SimTime told;   // when the daemon was last told of a wrong interface
    PacketQueue waiting;
  };

  void free_interface(Interface& place);
  Result<> add_interface(const MulticastInterface& wanted);
  Result<> add_route(const MulticastEntry& wanted);
  Result<> remove_route(const MulticastEntry& wanted);
  Route* find(const IpAddress& source, const IpAddress& group);
  // Null: it does not go on now.
  Route* route_for(const Packet& packet, const IpAddress& source, const IpAddress& group,
                   const Ifnet& from);
  void undecided(const Packet& packet, const IpAddress& source, const IpAddress& group,
                 uint32_t number);
  int64_t number_of(const Ifnet& interface) const;
  IpAddress of_entry(const Ipv6Address& address) const;
  void tell(uint8_t type, uint32_t number, const IpAddress& source, const IpAddress& group);
  void expire();
  MulticastRoutesInfo describe() const;
  void clear();

  NetStack& net_;
  UpcallReceiver* daemon_ = nullptr;
  IpFamily family_ = IpFamily::v4;
  std::vector<Interface> interfaces_;           // by number
  std::vector<std::unique_ptr<Route>> routes_;  // by group and source
  PacketQueue decided_;
  Timer expiry_;
};

}  // namespace stackyard
