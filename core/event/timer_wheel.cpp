#include "core/event/timer_wheel.h"

#include <bit>

namespace stackyard {

TimerWheel::TimerWheel(EventRecords& records) : records_(records) {
  for (auto& level : heads_) level.fill(no_event);
}

TimerWheel::Place TimerWheel::place_of(uint64_t tick) const {
  // The level is that of the highest digit in which the tick differs from the wheel's own.
  const uint64_t differs = tick ^ tick_;
  const unsigned level = differs == 0 ? 0 : (unsigned(std::bit_width(differs)) - 1) / level_bits;
  return {level, unsigned(tick >> (level * level_bits)) % slots};
}

void TimerWheel::link(EventSlot slot) {
  EventRecord& record = records_[slot];
  const Place place = place_of(uint64_t(record.time.ns()) >> slot_bits);
  EventSlot& head = heads_[place.level][place.slot];
  record.next = head;
  record.previous = head_mark | place.level << level_bits | place.slot;
  if (head != no_event) records_[head].previous = slot;
  head = slot;
  occupied_[place.level] |= uint64_t(1) << place.slot;
}

void TimerWheel::insert(EventSlot slot, SimTime now) {
  if (next_start_ == SimTime::max()) tick_ = uint64_t(now.ns()) >> slot_bits;
  link(slot);
  const Place place = place_of(uint64_t(records_[slot].time.ns()) >> slot_bits);
  const uint64_t digit = uint64_t(1) << (place.level * level_bits);
  const uint64_t start = (uint64_t(records_[slot].time.ns()) >> slot_bits) / digit * digit;
  next_start_ = std::min(next_start_, SimTime(int64_t(start << slot_bits)));
}

void TimerWheel::remove(EventSlot slot) {
  EventRecord& record = records_[slot];
  if (record.previous & head_mark) {
    const unsigned level = (record.previous & ~head_mark) >> level_bits;
    const unsigned place = record.previous % slots;
    heads_[level][place] = record.next;
    if (record.next == no_event) occupied_[level] &= ~(uint64_t(1) << place);
  } else {
    records_[record.previous].next = record.next;
  }
  if (record.next != no_event) records_[record.next].previous = record.previous;
}

void TimerWheel::find_next_start() {
  next_start_ = SimTime::max();
  for (unsigned level = 0; level < levels; ++level) {
    if (occupied_[level] == 0) continue;
    const uint64_t slot = unsigned(std::countr_zero(occupied_[level]));
    const unsigned low_bits = level * level_bits;
    const unsigned high_bits = low_bits + level_bits;
    const uint64_t high = high_bits >= 64 ? 0 : tick_ >> high_bits << high_bits;
    next_start_ = SimTime(int64_t((high | slot << low_bits) << slot_bits));
    return;
  }
}

}  // namespace stackyard
