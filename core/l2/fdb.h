// core/l2/fdb.h - a forwarding database: which address was last seen behind which port (802.1Q
// s8.8). The switch and bridge(4) share it.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/base/address.h"
#include "core/base/time.h"

namespace stackyard {

enum class FdbKind : uint8_t {
  dynamic,  // learnt: ages, and moves with its station
  fixed,    // set by somebody
  sticky    // learnt at a port where addresses stay
};

struct FdbEntry {
  MacAddress address;
  uint16_t vlan;
  uint32_t port;
  SimTime seen;
  FdbKind kind;
};

// Entries age by their time of last use: nothing has to happen while nobody sends.
class Fdb {
 public:
  static constexpr size_t entries_most = 8192;

  // An ageing time of 0: entries stay.
  explicit Fdb(SimTime ageing, size_t entries_max = entries_most)
      : ageing_(ageing), entries_max_(entries_max) {}

  struct Learnt {
    bool known;          // it has an entry now
    int64_t moved_from;  // the port where it was before, if it moved; else -1
  };
  // Notes that `address` is behind `port`. Group addresses are never learnt.
  Learnt learn(MacAddress address, uint16_t vlan, uint32_t port, SimTime now,
               FdbKind kind = FdbKind::dynamic);
  // Such an entry regardless of what was there; false: the table is full.
  bool set(MacAddress address, uint16_t vlan, uint32_t port, SimTime now, FdbKind kind);
  // The port of an address that is known and not aged, or -1.
  int64_t find(MacAddress address, uint16_t vlan, SimTime now) const;
  // In all VLANs. False: there was none.
  bool forget(MacAddress address);
  void forget_port(uint32_t port, bool only_dynamic = false);
  void forget_dynamic();
  void clear();
  // How many entries a port has, or at most as many as have aged within the last second more.
  size_t count(uint32_t port, SimTime now);
  // Sorted by VLAN and address, aged entries left out.
  std::vector<FdbEntry> entries(SimTime now) const;

  SimTime ageing() const { return ageing_; }
  // What has aged by the old time is forgotten.
  void set_ageing(SimTime ageing, SimTime now);
  size_t entries_max() const { return entries_max_; }
  // More than that are forgotten, in order of address.
  void set_entries_max(size_t most, SimTime now);
  uint64_t refused() const { return refused_; }  // new addresses while the table was full

 private:
  struct Seen {
    uint32_t port;
    FdbKind kind;
    SimTime seen;
  };
  static uint64_t key(MacAddress address, uint16_t vlan) {
    return uint64_t(vlan) << 48 | address.number();
  }
  bool aged(const Seen& seen, SimTime now) const {
    return seen.kind == FdbKind::dynamic && ageing_ > SimTime() && now - seen.seen >= ageing_;
  }
  bool make_room(SimTime now);
  void sweep(SimTime now);
  template <class Doomed>
  size_t drop_if(Doomed doomed);
  void place(Seen& seen, uint32_t port);

  SimTime ageing_;
  SimTime swept_{-1};  // a full table is looked through once a second at most
  size_t entries_max_;
  uint64_t refused_ = 0;
  std::vector<uint32_t> counts_;              // by port
  std::unordered_map<uint64_t, Seen> table_;  // looked up only: nothing depends on its order
};

}  // namespace stackyard
