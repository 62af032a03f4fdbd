// stack/net/net_stack.h - a vnet's interfaces, its routing tables, and who hears of changes.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/event/timer.h"
#include "stack/kern/vnet.h"
#include "stack/net/ifnet.h"
#include "stack/net/packet_hook.h"
#include "stack/net/route_family.h"

namespace stackyard {

extern const ModuleRecord net_module;

struct NetSettings {
  int64_t fibs = 4, add_addr_allfibs = 0, multipath = 1;
  int64_t routes_max = 2'000'000, recvspace = 8192;
};

struct RouteCounters {
  uint64_t refused = 0;                                 // routes, at their cap
  uint64_t socket_full = 0, redirects = 0, misses = 0;  // dropped messages; announced ones
};

// Takes the payload of frames of one EtherType.
class EtherProtocol {
 public:
  virtual ~EtherProtocol() = default;
  // The link header is stripped.
  virtual void ether_receive(Packet packet, Ifnet& from) = 0;
};

// Hears of interfaces of its vnet (ifnet(9)'s event handlers).
class InterfaceListener {
 public:
  virtual ~InterfaceListener() = default;
  virtual void interface_arrived(Ifnet&) {}
  virtual void interface_departing(Ifnet&) {}
  virtual void interface_renamed(Ifnet&) {}
  virtual void interface_up_changed(Ifnet&) {}
  virtual void link_changed(Ifnet&) {}
  virtual void mac_changed(Ifnet&) {}
  // Adds the link-layer groups of an interface that the listener wants to hear.
  virtual void add_link_groups(const Ifnet&, std::vector<MacAddress>&) {}
  // Its addresses and routes are to go, as of a tunnel whose program has closed it.
  virtual void addresses_unwanted(Ifnet&) {}
};

class NetStack final : public StateWithSettings<NetSettings> {
 public:
  NetStack(Vnet& vnet, const NetSettings& defaults);
  // Interfaces of other stacks go home, its own end, wherever they are.
  ~NetStack() override;

  Vnet& vnet() const { return vnet_; }
  Site& site() const { return vnet_.site(); }

  // Gives it the lowest free index and tells the listeners. Its name must be free.
  Ifnet& attach(std::unique_ptr<Ifnet> interface);
  // Tells the listeners and takes everything away that the stack knows by it.
  std::unique_ptr<Ifnet> detach(Ifnet& interface);
  Ifnet* find(const std::string& name) const;
  Ifnet* by_index(uint32_t index) const;
  // Null when it is gone.
  Ifnet* resolve(IfRef ref) const;
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& slot : interfaces_)
      if (slot.interface) visit(*slot.interface);
  }

  // --- clones and moves (cloning.cpp) ---
  // ifconfig(8)'s create: "epair" takes the lowest free unit, "epair3" that one. Gives the name.
  // EINVAL: no such cloner, EEXIST.
  Result<std::string> create_clone(const std::string& name, const CloneParams& params = {});
  // EINVAL: not a clone. Destroys its companion too, in whatever stack it is.
  Result<> destroy_clone(Ifnet& interface);
  // EEXIST: the name is taken, EINVAL: it is not a name.
  Result<> rename(Ifnet& interface, const std::string& name);
  // Into another stack of the machine: without addresses, routes and neighbours, but with its name
  // and link address. EEXIST: it is there already, or the name is.
  Result<> move(Ifnet& interface, NetStack& to);
  std::vector<std::string> cloner_names() const;
  // As attach, for a clone: its origin is remembered.
  Ifnet& attach_clone(std::unique_ptr<Ifnet> interface, const ClonerRecord& cloner, uint32_t unit);
  // For an interface that ends: its unit is free again.
  void forget_unit(const CloneOrigin& origin);

  void add_listener(InterfaceListener* listener) { listeners_.push_back(listener); }
  void remove_listener(InterfaceListener* listener) {
    std::replace(listeners_.begin(), listeners_.end(), listener, no_listener);
    if (telling_ == 0) std::erase(listeners_, no_listener);
  }
  // Listeners may come and leave while they are told.
  template <class Tell>
  void tell(Tell tell) {
    ++telling_;
    for (size_t i = 0; i < listeners_.size(); ++i)
      if (listeners_[i]) tell(*listeners_[i]);
    if (--telling_ == 0) std::erase(listeners_, no_listener);
  }

  void set_ether_protocol(uint16_t type, EtherProtocol* protocol);
  // Hands a payload to the protocol of its type, or drops it.
  void deliver(Packet packet, uint16_t ether_type, Ifnet& from) {
    for (const auto& [type, protocol] : ether_protocols_)
      if (type == ether_type) return protocol->ether_receive(std::move(packet), from);
    deliver_first(std::move(packet), ether_type, from);
  }

  // --- packet hooks (packet_hook.h) ---
  // One test on a packet's path while nobody has hooked.
  bool hooked(HookPoint point) const { return hooked_ >> unsigned(point) & 1; }
  PacketHooks& hooks() {
    if (!hooks_) hooks_ = std::make_unique<PacketHooks>(*this);
    return *hooks_;
  }
  HookResumer* hook_resumer(HookSite site) const { return resumers_[size_t(site)]; }
  void set_hook_resumer(HookSite site, HookResumer* resumer) { resumers_[size_t(site)] = resumer; }
  // For PacketHooks.
  void set_hooked(HookPoint point, bool on) {
    hooked_ = on ? hooked_ | 1u << unsigned(point) : hooked_ & ~(1u << unsigned(point));
  }

  // A packet that comes back to this stack, as if `from` had received it: an event, 1 us later,
  // through a bounded queue, never a call. ENOBUFS: the queue is full.
  Result<> loop(Packet packet, uint16_t ether_type, Ifnet& from);

  // Of a FIB below fib_count(); made when it is first asked for.
  // --- routes (route_family.h, route_socket.h) ---
  int fib_count() const { return int(settings().fibs); }
  void fibs_changed();
  // Made when somebody asks; null: this build has none.
  RouteFamily* route_family(IpFamily family);
  RouteFamily* route_family_if_there(IpFamily family) const { return families_[size_t(family)]; }
  void set_route_family(IpFamily family, RouteFamily* routes) {
    families_[size_t(family)] = routes;
  }
  // Null: nobody listens.
  RouteWatcher* route_watcher() const { return routing_ ? routing_->watcher.get() : nullptr; }
  void set_route_watcher(std::unique_ptr<RouteWatcher> watcher) {
    routing().watcher = std::move(watcher);
  }
  RouteCounters& route_counters() { return routing().counters; }
  template <class Read>
  uint64_t counted(Read read) const {
    return routing_ ? read(routing_->counters) : 0;
  }

 private:
  struct Slot {
    std::unique_ptr<Ifnet> interface;
    uint32_t generation = 0;
  };
  struct Routing {  // made by the first routing socket, or increment
    std::unique_ptr<RouteWatcher> watcher;
    RouteCounters counters;
  };
  Routing& routing() {
    if (!routing_) routing_ = std::make_unique<Routing>();
    return *routing_;
  }
  struct Looping {
    SimTime due;
    uint16_t ether_type;
    Packet packet;
  };
  struct Units {  // of one cloner: which are in use here or by those lent
    const ClonerRecord* cloner;
    uint64_t used = 0;                           // of the first 64
    std::unique_ptr<std::vector<bool>> further;  // from 64 on; null: none
    uint32_t first_free = 0;                     // none before it is
    bool in_use(uint32_t unit) const;
    void mark(uint32_t unit, bool used);
  };
  void deliver_first(Packet packet, uint16_t ether_type, Ifnet& from);
  void loop_due();
  void index_names();
  void lend(Ifnet& interface);
  void forget_lent(Ifnet& interface);
  Units& units_of(const ClonerRecord& cloner);
  Result<> check_free(const ClonerRecord& cloner, const std::string& name) const;
  bool unit_is_free(const ClonerRecord& cloner, uint32_t unit);
  void adopt(std::unique_ptr<Ifnet> interface);
  void take_home(std::unique_ptr<Ifnet> interface);
  void give_everything_back();

  static constexpr InterfaceListener* no_listener = nullptr;

  Vnet& vnet_;
  uint32_t telling_ = 0;
  uint32_t hooked_ = 0;  // a bit for each HookPoint with a chain
  RouteFamily* families_[2] = {};
  HookResumer* resumers_[2] = {};
  std::unique_ptr<Routing> routing_;
  std::vector<InterfaceListener*> listeners_;
  std::vector<std::pair<uint16_t, EtherProtocol*>> ether_protocols_;
  std::vector<Slot> interfaces_;  // by index - 1
  // By name, once there are many; null before.
  std::unique_ptr<std::unordered_map<std::string, Ifnet*>> names_;
  size_t first_free_ = 0;  // no slot before it is free
  std::vector<Units> units_;
  std::vector<Ifnet*> lent_;  // interfaces that live elsewhere and come home
  std::unique_ptr<std::deque<Looping>> looping_;
  Timer loop_timer_;
  std::unique_ptr<PacketHooks> hooks_;  // null: nobody has ever hooked
};

}  // namespace stackyard
