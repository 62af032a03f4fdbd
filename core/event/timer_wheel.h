// core/event/timer_wheel.h - where timers wait that are mostly cancelled before they fire.
//
// A hierarchical wheel (Varghese and Lauck 1987) of 7 levels with 64 slots each; the finest slot is
// 2^20 ns wide. It only stores: before a slot's start the survivors enter the ordered queue, so the
// wheel never decides an order. Arming and cancelling touch one record and one slot.
#pragma once

#include <array>

#include "core/event/event_record.h"

namespace stackyard {

class TimerWheel {
 public:
  static constexpr unsigned slot_bits = 20;
  // Timers nearer than this go straight to the queue.
  static constexpr SimTime delay_min{int64_t(2) << slot_bits};

  explicit TimerWheel(EventRecords& records);

  // Precondition: the record's time is later than every slot flushed so far.
  void insert(EventSlot slot, SimTime now);
  void remove(EventSlot slot);
  // Nothing in the wheel is due before this instant; max() when it is empty. May be early.
  SimTime next_start() const { return next_start_; }

  // Empties the earliest slot: its timers move to finer slots or, when they are due within 1 ms,
  // to `due`.
  template <class Due>
  void advance(Due due);

  template <class Visit>
  void for_each(Visit visit) const;

 private:
  static constexpr unsigned levels = 7, level_bits = 6, slots = 64;
  static constexpr EventSlot head_mark = 0x80000000;  // a list's head, seen from `previous`

  struct Place {
    unsigned level;
    unsigned slot;
  };
  Place place_of(uint64_t tick) const;
  void link(EventSlot slot);
  void find_next_start();

  EventRecords& records_;
  std::array<std::array<EventSlot, slots>, levels> heads_;
  std::array<uint64_t, levels> occupied_{};
  uint64_t tick_ = 0;  // everything before it has left the wheel
  SimTime next_start_ = SimTime::max();
};

template <class Due>
void TimerWheel::advance(Due due) {
  const uint64_t tick = uint64_t(next_start_.ns()) >> slot_bits;
  tick_ = std::max(tick_, tick);
  for (unsigned level = 0; level < levels; ++level) {
    if (occupied_[level] == 0) continue;
    const unsigned slot = unsigned(__builtin_ctzll(occupied_[level]));
    EventSlot at = heads_[level][slot];
    heads_[level][slot] = no_event;
    occupied_[level] &= ~(uint64_t(1) << slot);
    while (at != no_event) {
      const EventSlot next = records_[at].next;
      if (uint64_t(records_[at].time.ns()) >> slot_bits <= tick_) {
        due(at);
      } else {
        link(at);
      }
      at = next;
    }
    break;
  }
  find_next_start();
}

template <class Visit>
void TimerWheel::for_each(Visit visit) const {
  for (const auto& level : heads_)
    for (EventSlot head : level)
      for (EventSlot at = head; at != no_event; at = records_[at].next) visit(at);
}

}  // namespace stackyard
