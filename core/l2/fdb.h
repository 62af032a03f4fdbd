// core/l2/fdb.h - a forwarding database: which address was last seen behind which port (802.1Q
// s8.8).
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/base/address.h"
#include "core/base/time.h"

namespace stackyard {

struct FdbEntry {
  MacAddress address;
  uint16_t vlan;
  uint32_t port;
  SimTime seen;
};

// Entries age by their time of last use: nothing has to happen while nobody sends.
class Fdb {
 public:
  static constexpr size_t entries_max = 8192;

  explicit Fdb(SimTime ageing) : ageing_(ageing) {}

  // Notes that `address` is behind `port`. Group addresses are never learnt.
  void learn(MacAddress address, uint16_t vlan, uint32_t port, SimTime now);
  // The port of an address that is known and not aged, or -1.
  int64_t find(MacAddress address, uint16_t vlan, SimTime now) const;
  void forget_port(uint32_t port);
  // Sorted by VLAN and address, aged entries left out.
  std::vector<FdbEntry> entries(SimTime now) const;
  SimTime ageing() const { return ageing_; }
  uint64_t refused() const { return refused_; }  // new addresses while the table was full

 private:
  struct Seen {
    uint32_t port;
    SimTime seen;
  };
  static uint64_t key(MacAddress address, uint16_t vlan) {
    return uint64_t(vlan) << 48 | address.number();
  }
  void expire(SimTime now);

  SimTime ageing_;
  uint64_t refused_ = 0;
  std::unordered_map<uint64_t, Seen> table_;  // looked up only: nothing depends on its order
};

}  // namespace stackyard
