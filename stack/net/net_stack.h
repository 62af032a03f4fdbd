// stack/net/net_stack.h - a vnet's interfaces, its routing tables, and who hears of changes.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/event/timer.h"
#include "stack/kern/vnet.h"
#include "stack/net/ifnet.h"
#include "stack/net/route_table.h"

namespace stackyard {

extern const ModuleRecord net_module;

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
  virtual void interface_up_changed(Ifnet&) {}
  virtual void link_changed(Ifnet&) {}
  virtual void mac_changed(Ifnet&) {}
};

class NetStack final : public ModuleState {
 public:
  explicit NetStack(Vnet& vnet);
  ~NetStack() override;

  Vnet& vnet() const { return vnet_; }
  Site& site() const { return vnet_.site(); }

  // Gives it an index and tells the listeners.
  Ifnet& attach(std::unique_ptr<Ifnet> interface);
  void detach(Ifnet& interface);
  Ifnet* find(const std::string& name) const;
  Ifnet* by_index(uint32_t index) const;
  // Null when it is gone.
  Ifnet* resolve(IfRef ref) const;
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& slot : interfaces_)
      if (slot.interface) visit(*slot.interface);
  }

  void add_listener(InterfaceListener* listener) { listeners_.push_back(listener); }
  void remove_listener(InterfaceListener* listener) { std::erase(listeners_, listener); }
  template <class Tell>
  void tell(Tell tell) const {
    for (InterfaceListener* listener : listeners_) tell(*listener);
  }

  void set_ether_protocol(uint16_t type, EtherProtocol* protocol);
  // Hands a payload to the protocol of its type, or drops it.
  void deliver(Packet packet, uint16_t ether_type, Ifnet& from) {
    for (const auto& [type, protocol] : ether_protocols_)
      if (type == ether_type) return protocol->ether_receive(std::move(packet), from);
    drop_unknown(packet, from);
  }

  // A packet that comes back to this stack, as if `from` had received it: an event, 1 us later,
  // through a bounded queue, never a call. ENOBUFS: the queue is full.
  Result<> loop(Packet packet, uint16_t ether_type, Ifnet& from);

  RouteTable& routes(int fib) { return routes_[size_t(fib)]; }
  const RouteTable& routes(int fib) const { return routes_[size_t(fib)]; }
  int fib_count() const { return int(fibs_); }
  int64_t& fibs() { return fibs_; }
  void fibs_changed() { routes_.resize(size_t(fibs_)); }

 private:
  struct Slot {
    std::unique_ptr<Ifnet> interface;
    uint32_t generation = 0;
  };
  struct Looping {
    SimTime due;
    uint16_t ether_type;
    Packet packet;
  };
  void drop_unknown(Packet& packet, Ifnet& from);
  void loop_due();

  Vnet& vnet_;
  int64_t fibs_ = 4;
  std::vector<RouteTable> routes_;
  std::vector<InterfaceListener*> listeners_;
  std::vector<std::pair<uint16_t, EtherProtocol*>> ether_protocols_;
  std::vector<Slot> interfaces_;  // by index - 1
  std::deque<Looping> looping_;
  Timer loop_timer_;
};

}  // namespace stackyard
