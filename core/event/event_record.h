// core/event/event_record.h - what the engine keeps of a pending event, in pooled 64-octet records.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/base/check.h"
#include "core/base/ids.h"

namespace stackyard {

// What an event carries to its handler: two words, whose meaning the EventClass knows.
struct EventLoad {
  uint64_t word = 0;
  uint64_t extra = 0;
};

// The behaviour of a sort of events: a constant, one for each sort.
struct EventClass {
  void (*run)(void* object, EventLoad load);
  // Frees what the load owns when the event will never run. Null: it owns nothing.
  void (*discard)(EventLoad load) = nullptr;
  // Called when the event crosses from one partition to another: must leave nothing shared.
  void (*cross)(void* object, EventLoad load) = nullptr;
  // Called shortly before its turn, while `object` and what the load's word points to are coming
  // into the cache: fetches what lies behind them. Changes nothing. Null: nothing lies there.
  void (*fetch)(const void* object, EventLoad load) = nullptr;
};

using EventSlot = uint32_t;
constexpr EventSlot no_event = 0xffffffff;

struct EventRecord {
  SimTime time;
  uint64_t sequence = 0;
  const EventClass* event_class = nullptr;  // null: cancelled while it was in the queue
  void* object = nullptr;
  EventLoad load;
  uint32_t order = 0;  // kind and target, see event_order
  NodeId source = 0;
  EventSlot next = no_event;      // the wheel's list, or the list of free records
  EventSlot previous = no_event;  // the wheel's list; in_queue when the queue holds the event
};
static_assert(sizeof(EventRecord) == 64);

constexpr EventSlot in_queue = 0xfffffffe;

constexpr uint32_t event_order(EventKind kind, NodeId target) {
  return uint32_t(kind) << 24 | target;
}
constexpr EventKind order_kind(uint32_t order) { return EventKind(order >> 24); }
constexpr NodeId order_target(uint32_t order) { return order & node_id_max; }

// All records of a partition. Addresses are stable, slots are reused last in, first out.
class EventRecords {
 public:
  EventRecord& operator[](EventSlot slot) { return blocks_[slot >> block_bits][slot & block_mask]; }
  const EventRecord& operator[](EventSlot slot) const {
    return blocks_[slot >> block_bits][slot & block_mask];
  }

  EventSlot take() {
    if (free_ == no_event) grow();
    const EventSlot slot = free_;
    free_ = (*this)[slot].next;
    return slot;
  }
  void give_back(EventSlot slot) {
    (*this)[slot].next = free_;
    free_ = slot;
  }

 private:
  static constexpr unsigned block_bits = 10;
  static constexpr EventSlot block_mask = (1u << block_bits) - 1;
  void grow();
  std::vector<std::unique_ptr<EventRecord[]>> blocks_;
  EventSlot free_ = no_event;
};

}  // namespace stackyard
