// stack/ip/pcb.h - protocol control blocks: which socket is meant by a packet's ends (in_pcb.c).
//
// UDP and TCP each have a table in every vnet, for both families. A block is found by hash: by both
// ends when it is connected, by its own end when it is bound. Nothing is ordered by the hash: of
// blocks that fit equally well the newest wins.
#pragma once

#include <memory>

#include "core/base/random.h"
#include "core/base/result.h"
#include "stack/ip/endpoint.h"

namespace stackyard {

class IpStack;
class Pcb;
class PcbTable;

struct PcbLink {
  Pcb* next = nullptr;
  Pcb** previous = nullptr;  // null: in no chain
};

class Pcb {
 public:
  Pcb() = default;
  Pcb(const Pcb&) = delete;
  ~Pcb();

  const Endpoint& local() const { return local_; }
  const Endpoint& foreign() const { return foreign_; }
  bool bound() const { return local_.port != 0; }
  bool connected() const { return connected_; }

  // Set before it is bound, and never while it is in a table.
  PcbFamily family = PcbFamily::v4;
  int jail = 0;  // whose addresses it may use: of a jail that shares the stack; 0: all
  // Options, which its owner sets at any time.
  bool reuse_address = false, reuse_port = false, reuse_port_balanced = false;
  bool bind_any = false;  // to addresses that are not this machine's
  bool lingers = false;   // TIME_WAIT: its port may be bound again

 protected:
  friend class PcbTable;
  Endpoint local_, foreign_;
  bool connected_ = false;

 private:
  PcbTable* table_ = nullptr;
  PcbLink by_port_, by_end_;  // the second: by its own end, or by both once it is connected
};

// Chains of blocks, of which each holds a link at `link`.
class PcbHash {
 public:
  explicit PcbHash(PcbLink Pcb::*link) : link_(link) {}
  void insert(Pcb& pcb, uint64_t hash, uint64_t (*hash_of)(const Pcb&));
  void remove(Pcb& pcb);
  Pcb* first(uint64_t hash) const { return size_ == 0 ? nullptr : buckets_[hash & (size_ - 1)]; }

 private:
  void grow(uint64_t (*hash_of)(const Pcb&));

  PcbLink Pcb::*link_;
  std::unique_ptr<Pcb*[]> buckets_;
  uint32_t size_ = 0;  // a power of two, or nothing yet
  uint32_t count_ = 0;
};

class PcbTable {
 public:
  // `purpose` names the table's random stream: "udp".
  PcbTable(IpStack& ip, std::string_view purpose);
  ~PcbTable();

  // bind(2): port 0 takes a free one. EADDRNOTAVAIL, EADDRINUSE, EACCES.
  Result<> bind(Pcb& pcb, Endpoint local);
  // Enters both ends; an unbound block is given a port. EADDRINUSE: that pair is taken.
  Result<> connect(Pcb& pcb, const IpAddress& local, const Endpoint& foreign);
  // A block that belongs to a listener's new connection, at the listener's port.
  Result<> insert_connected(Pcb& pcb, const Endpoint& local, const Endpoint& foreign);
  // Its foreign end is none again; the local address becomes `local`.
  void disconnect(Pcb& pcb, const IpAddress& local);
  // Harmless when it is not in the table.
  void remove(Pcb& pcb);

  // The block for a packet to `local` from `foreign`: connected, else bound to that address, else
  // to any; one of a jail that has the address before others. Null: none.
  Pcb* lookup(const Endpoint& local, const Endpoint& foreign) const;
  Pcb* lookup_connected(const Endpoint& local, const Endpoint& foreign) const;
  Pcb* lookup_bound(const Endpoint& local, const Endpoint& foreign) const;
  // Whether a datagram for a group or broadcast address, at that port, may go to this block.
  static bool may_hear(const Pcb& pcb, const Endpoint& local, const Endpoint& foreign);
  // All blocks at a port; `visit` may not change the table.
  template <class Visit>
  void for_each_at(uint16_t port, Visit visit) const {
    for (Pcb* pcb = ports_.first(port); pcb; pcb = pcb->by_port_.next)
      if (pcb->local_.port == port) visit(*pcb);
  }
  bool port_in_use(uint16_t port) const {
    for (const Pcb* pcb = ports_.first(port); pcb; pcb = pcb->by_port_.next)
      if (pcb->local_.port == port) return true;
    return false;
  }

 private:
  bool taken(const Pcb& pcb, const Endpoint& local) const;
  Result<uint16_t> free_port(const Pcb& pcb, const IpAddress& local, const Endpoint* foreign);
  void enter(Pcb& pcb);
  Pcb* best_at(const Endpoint& where, const IpAddress& dest, const Endpoint& foreign) const;

  IpStack& ip_;
  RandomStream random_;
  uint64_t next_port_ = 0;
  // A range in which every port is in use, until a block goes: it is not searched again.
  int64_t full_first_ = 0, full_ports_ = 0;
  PcbHash ports_, bound_, connected_;
};

}  // namespace stackyard
