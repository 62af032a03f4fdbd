// stack/dummynet/qfq.cpp - QFQ (Checconi, Rizzo and Valente 2013): close to WF2Q+, in constant
// time.
//
// Queues are grouped by the power of two above lmax/weight. Within a group, start times are rounded
// down to slots of that size, so that a group's order is that of its slots; among the groups, four
// sets of bits tell who may send: eligible or not (has its turn begun?), ready or blocked (does a
// slower group that is eligible finish earlier?).
#include <bit>
#include <vector>

#include "stack/dummynet/discipline.h"

namespace stackyard {

namespace {

constexpr int fraction = 30;     // bits of virtual time below an octet at weight 1
constexpr int least_shift = 15;  // of the first group's slots
constexpr uint32_t groups = 32, slots = 32;

bool after(uint64_t a, uint64_t b) { return int64_t(a - b) > 0; }

struct Group {
  uint32_t index = 0, front = 0;
  uint32_t full = 0;  // a bit for each slot that has queues, from the front on
  uint64_t start = 0, finish = 0;
  ShapedQueue* lists[slots] = {};

  int shift() const { return least_shift + int(index); }
  uint64_t rounded(uint64_t time) const { return time >> shift() << shift(); }
  ShapedQueue*& slot(uint32_t number) { return lists[(front + number) % slots]; }
  uint32_t slot_of(const ShapedQueue& queue) const {
    return uint32_t((rounded(queue.start) - start) >> shift());
  }

  void insert(ShapedQueue& queue) {
    const uint32_t number = slot_of(queue);
    // At the end: who came first goes first.
    ShapedQueue** at = &slot(number);
    while (*at) at = &(*at)->next;
    queue.next = nullptr;
    *at = &queue;
    full |= 1u << number;
  }
  void remove(ShapedQueue& queue) {
    const uint32_t number = slot_of(queue);
    ShapedQueue** at = &slot(number);
    while (*at != &queue) at = &(*at)->next;
    *at = queue.next;
    if (!slot(number)) full &= ~(1u << number);
  }
  // Makes the first slot that has queues the front. Null: no queue is left.
  ShapedQueue* head() {
    if (full == 0) return nullptr;
    const auto empty = uint32_t(std::countr_zero(full));
    front = (front + empty) % slots;
    full >>= empty;
    return slot(0);
  }
  void set_start(uint64_t time) {
    start = time;
    finish = time + (uint64_t(2) << shift());
  }
};

class Qfq final : public Discipline {
 public:
  Qfq() {
    for (uint32_t i = 0; i < groups; ++i) groups_[i].index = i;
  }

  void backlogged(ShapedQueue& queue, SimTime) override {
    weights_ += queue.weight;
    const uint64_t span = uint64_t(queue.lmax) * inverse(queue);
    const int power = int(std::bit_width(span)) - 1 - least_shift;
    queue.group = uint32_t(power < 0 ? 0 : power > int(groups) - 1 ? int(groups) - 1 : power);
    Group& group = groups_[queue.group];
    begin(queue, group);
    queue.finish = queue.start + length(queue) * inverse(queue);
    const uint64_t rounded = group.rounded(queue.start);
    if (group.full != 0) {
      if (after(group.start, queue.start)) {
        // Earlier than all of its group, which so was not eligible.
        const auto moved = uint32_t((group.start - rounded) >> group.shift());
        group.full <<= moved;
        group.front = (group.front - moved) % slots;
        take_from_sets(group);
        group.set_start(rounded);
        put_into_set(group);
      }
    } else {
      if (sets_[ready] == 0 && after(rounded, now_)) now_ = rounded;
      group.set_start(rounded);
      put_into_set(group);
    }
    group.insert(queue);
  }

  HeldPacket* dequeue(SimTime now, ShapedDrops& drops) override {
    while (sets_[ready] != 0) {
      Group& group = groups_[std::countr_zero(sets_[ready])];
      ShapedQueue& queue = *group.head();
      const uint64_t old_now = now_;
      HeldPacket* held = queue.take(now, drops);
      const uint64_t octets = held ? held->packet.size() : 0;
      now_ += octets * (uint64_t(1) << fraction) / weights_;
      group.remove(queue);
      queue.start += octets * inverse(queue);
      queue.finish = queue.start;
      if (queue.packets.count() > 0) {
        queue.finish += length(queue) * inverse(queue);
        group.insert(queue);
      } else {
        queue.backlogged = false;
        weights_ -= queue.weight;
      }
      settle(group);
      make_eligible(old_now);
      if (held) return held;
    }
    return nullptr;
  }

  void forget(ShapedQueue& queue) override {
    Group& group = groups_[queue.group];
    group.remove(queue);
    weights_ -= queue.weight;
    settle(group);
    make_eligible(now_);
  }

 private:
  // The sets: two bits, not eligible and blocked.
  static constexpr int ready = 0, not_eligible = 1, blocked = 2;

  static uint64_t inverse(const ShapedQueue& queue) {
    return (uint64_t(1) << fraction) / queue.weight;
  }
  static uint64_t length(const ShapedQueue& queue) { return queue.packets.front()->packet.size(); }
  static uint32_t from(uint32_t set, uint32_t index) {
    return index >= groups ? 0 : set >> index << index;
  }

  // When the queue's turn begins: where it ended, unless that is long past, or too far ahead of
  // what the slots can hold.
  void begin(ShapedQueue& queue, const Group& group) {
    const uint64_t ended = queue.finish, rounded = group.rounded(ended);
    const uint64_t limit = group.rounded(now_) + (uint64_t(1) << group.shift());
    queue.start = ended;
    if (after(ended, now_) && !after(rounded, limit)) return;
    queue.start = now_;
    const uint32_t slower = from(sets_[ready], group.index);
    if (slower == 0 || !after(ended, now_)) return;
    const uint64_t next = groups_[std::countr_zero(slower)].finish;
    if (after(rounded, next)) queue.start = after(limit, next) ? next : limit;
  }

  void put_into_set(const Group& group) {
    int set = after(group.start, now_) ? not_eligible : 0;
    const uint32_t slower = from(sets_[ready], group.index);
    if (slower != 0 && after(group.finish, groups_[std::countr_zero(slower)].finish))
      set |= blocked;
    sets_[set] |= 1u << group.index;
  }
  void take_from_sets(const Group& group) {
    for (uint32_t& set : sets_) set &= ~(1u << group.index);
  }
  void move(uint32_t which, int source, int dest) {
    sets_[dest] |= sets_[source] & which;
    sets_[source] &= ~which;
  }

  // After the group's first queue has changed.
  void settle(Group& group) {
    const uint64_t old_finish = group.finish;
    ShapedQueue* head = group.head();
    if (head && group.rounded(head->start) == group.start) return;
    const bool was_ready = sets_[ready] & 1u << group.index;
    take_from_sets(group);
    if (head) {
      group.set_start(group.rounded(head->start));
      put_into_set(group);
    }
    if (was_ready) unblock(group.index, old_finish);
  }
  // Faster groups that waited for this one's finish, unless another one still holds them.
  void unblock(uint32_t index, uint64_t old_finish) {
    const uint32_t slower = from(sets_[ready], index + 1);
    if (slower != 0 && !after(groups_[std::countr_zero(slower)].finish, old_finish)) return;
    const uint32_t faster = (1u << index) - 1;
    move(faster, blocked, ready);
    move(faster, blocked | not_eligible, not_eligible);
  }
  void make_eligible(uint64_t old_now) {
    const uint32_t waiting = sets_[not_eligible] | sets_[not_eligible | blocked];
    if (waiting == 0) return;
    if (sets_[ready] == 0) {
      const uint64_t start = groups_[std::countr_zero(waiting)].start;
      if (after(start, now_)) now_ = start;
    }
    // A group's start lies on a border of its slots, so only who had a border passed can change.
    const int passed = std::bit_width((now_ >> least_shift) ^ (old_now >> least_shift));
    const uint32_t which = passed >= 32 ? UINT32_MAX : (1u << passed) - 1;
    move(which, not_eligible, ready);
    move(which, not_eligible | blocked, blocked);
  }

  Group groups_[groups];
  uint32_t sets_[4] = {};
  uint64_t now_ = 0;
  uint64_t weights_ = 0;
};

}  // namespace

std::unique_ptr<Discipline> make_qfq() { return std::make_unique<Qfq>(); }

}  // namespace stackyard
