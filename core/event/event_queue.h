// core/event/event_queue.h - pending events in the total order of their keys.
//
// A ladder queue (Tang, Goh and Thng 2005): events far ahead wait unsorted in `top_`, nearer ones
// in rungs of buckets that are cut finer as their time comes, and only the nearest few are sorted,
// in `bottom_`. Cost per event is constant for any distribution of times. Entries are 16 octets;
// the rest of a key is read from the record only when time, kind and target tie.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/event/event_record.h"

namespace stackyard {

struct QueueEntry {
  SimTime time;
  uint32_t order;
  EventSlot slot;
};
static_assert(sizeof(QueueEntry) == 16);

class EventQueue {
 public:
  explicit EventQueue(const EventRecords& records) : records_(records) {}

  void push(QueueEntry entry);
  // The first entry, or null when there is none. Valid until the next push or pop.
  const QueueEntry* first() {
    if (bottom_.empty() && !refill()) return nullptr;
    return &bottom_.back();
  }
  void pop() { bottom_.pop_back(); }
  // The few that are sorted already, the first event last.
  std::span<const QueueEntry> sorted() const { return bottom_; }

  // Every entry, in no order: for teardown and for inspection.
  template <class Visit>
  void for_each(Visit visit) const;

 private:
  static constexpr uint32_t no_chunk = 0xffffffff;
  static constexpr uint32_t chunk_entries = 7;
  static constexpr size_t sort_at_once = 48;  // a bucket of at most so many goes to the bottom
  static constexpr size_t bottom_most = 192;  // a longer bottom is cut into a rung
  static constexpr uint32_t rung_buckets = 4096;
  static constexpr size_t rungs_most = 12;

  struct Chunk {
    QueueEntry entries[chunk_entries];
    uint32_t next;
  };
  struct Bucket {
    uint32_t chunk = no_chunk;
    uint32_t count = 0;
  };
  struct Rung {
    int64_t start = 0;     // time of bucket 0
    int64_t frontier = 0;  // start of the first bucket not yet consumed
    unsigned shift = 0;    // a bucket is 2^shift ns wide
    uint32_t current = 0;
    uint32_t used = 0;  // buckets in use
    std::vector<Bucket> buckets;
  };

  bool before(const QueueEntry& a, const QueueEntry& b) const {
    if (a.time != b.time) return a.time < b.time;
    if (a.order != b.order) return a.order < b.order;
    return tie_before(a.slot, b.slot);
  }
  bool tie_before(EventSlot a, EventSlot b) const;
  bool refill();
  void sort_bottom();
  void insert_into_bottom(QueueEntry entry);
  void cut_bottom();
  void add(Bucket& bucket, QueueEntry entry);
  template <class Visit>
  void empty_bucket(Bucket& bucket, Visit visit);
  Rung& open_rung(int64_t start, int64_t end, size_t count);
  void rung_from_top();

  const EventRecords& records_;
  std::vector<QueueEntry> bottom_;  // sorted, the first event last
  std::array<Rung, rungs_most> rungs_;
  size_t rung_count_ = 0;  // coarse to fine
  std::vector<QueueEntry> top_;
  int64_t top_start_ = INT64_MIN;  // everything at or after this time goes to top_
  std::vector<Chunk> chunks_;
  uint32_t free_chunk_ = no_chunk;
};

template <class Visit>
void EventQueue::for_each(Visit visit) const {
  for (const QueueEntry& entry : bottom_) visit(entry);
  for (const QueueEntry& entry : top_) visit(entry);
  for (size_t r = 0; r < rung_count_; ++r) {
    for (const Bucket& bucket : rungs_[r].buckets) {
      uint32_t left = bucket.count;
      for (uint32_t at = bucket.chunk; left > 0; at = chunks_[at].next) {
        const uint32_t here = (left - 1) % chunk_entries + 1;
        for (uint32_t i = 0; i < here; ++i) visit(chunks_[at].entries[i]);
        left -= here;
      }
    }
  }
}

}  // namespace stackyard
