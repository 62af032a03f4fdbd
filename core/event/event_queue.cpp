#include "core/event/event_queue.h"

#include <algorithm>
#include <bit>

namespace stackyard {

bool EventQueue::tie_before(EventSlot a, EventSlot b) const {
  const EventRecord& x = records_[a];
  const EventRecord& y = records_[b];
  if (x.source != y.source) return x.source < y.source;
  return x.sequence < y.sequence;
}

void EventQueue::push(QueueEntry entry) {
  const int64_t time = entry.time.ns();
  if (time >= top_start_) {
    top_.push_back(entry);
    return;
  }
  for (size_t r = 0; r < rung_count_; ++r) {
    Rung& rung = rungs_[r];
    if (time >= rung.frontier) {
      add(rung.buckets[size_t(time - rung.start) >> rung.shift], entry);
      return;
    }
  }
  if (bottom_.size() >= bottom_most && rung_count_ < rungs_most &&
      bottom_.front().time > bottom_.back().time) {
    cut_bottom();
    push(entry);
    return;
  }
  insert_into_bottom(entry);
}

void EventQueue::insert_into_bottom(QueueEntry entry) {
  // The newest event is rarely the very next, and the bottom is short: move from the back.
  size_t at = bottom_.size();
  bottom_.push_back(entry);
  while (at > 0 && before(bottom_[at - 1], entry)) {
    bottom_[at] = bottom_[at - 1];
    --at;
  }
  bottom_[at] = entry;
}

void EventQueue::add(Bucket& bucket, QueueEntry entry) {
  const uint32_t place = bucket.count++ % chunk_entries;
  if (place == 0) {
    uint32_t chunk = free_chunk_;
    if (chunk == no_chunk) {
      chunk = uint32_t(chunks_.size());
      chunks_.emplace_back();
    } else {
      free_chunk_ = chunks_[chunk].next;
    }
    chunks_[chunk].next = bucket.chunk;
    bucket.chunk = chunk;
  }
  chunks_[bucket.chunk].entries[place] = entry;
}

template <class Visit>
void EventQueue::empty_bucket(Bucket& bucket, Visit visit) {
  uint32_t left = bucket.count;
  uint32_t at = bucket.chunk;
  bucket = {};
  while (left > 0) {
    const uint32_t here = (left - 1) % chunk_entries + 1;
    const Chunk chunk = chunks_[at];  // a copy: visiting may add chunks
    chunks_[at].next = free_chunk_;
    free_chunk_ = at;
    for (uint32_t i = 0; i < here; ++i) visit(chunk.entries[i]);
    left -= here;
    at = chunk.next;
  }
}

EventQueue::Rung& EventQueue::open_rung(int64_t start, int64_t end, size_t count) {
  check(rung_count_ < rungs_most, "a rung is left");
  Rung& rung = rungs_[rung_count_++];
  const uint64_t span = uint64_t(end - start);
  const uint64_t wanted = std::clamp<uint64_t>(count / 4, 16, rung_buckets);
  rung.shift = unsigned(std::bit_width((span - 1) / wanted));
  rung.start = rung.frontier = start;
  rung.current = 0;
  rung.used = uint32_t((span - 1) >> rung.shift) + 1;
  if (rung.buckets.size() < rung.used) rung.buckets.resize(rung.used);
  return rung;
}

void EventQueue::cut_bottom() {
  const int64_t start = bottom_.back().time.ns();
  const int64_t end = rung_count_ > 0 ? rungs_[rung_count_ - 1].frontier : top_start_;
  Rung& rung = open_rung(start, end, bottom_.size());
  for (const QueueEntry& entry : bottom_)
    add(rung.buckets[size_t(entry.time.ns() - start) >> rung.shift], entry);
  bottom_.clear();
}

void EventQueue::rung_from_top() {
  const auto [low, high] =
      std::minmax_element(top_.begin(), top_.end(),
                          [](const QueueEntry& a, const QueueEntry& b) { return a.time < b.time; });
  const int64_t start = low->time.ns();
  const int64_t end = high->time.ns() + 1;
  top_start_ = end;
  if (top_.size() <= sort_at_once) {
    bottom_.swap(top_);
    sort_bottom();
    return;
  }
  Rung& rung = open_rung(start, end, top_.size());
  for (const QueueEntry& entry : top_)
    add(rung.buckets[size_t(entry.time.ns() - start) >> rung.shift], entry);
  top_.clear();
}

bool EventQueue::refill() {
  while (bottom_.empty()) {
    if (rung_count_ == 0) {
      if (top_.empty()) return false;
      rung_from_top();
      continue;
    }
    Rung& rung = rungs_[rung_count_ - 1];
    while (rung.current < rung.used && rung.buckets[rung.current].count == 0) ++rung.current;
    if (rung.current == rung.used) {
      --rung_count_;
      continue;
    }
    Bucket bucket = rung.buckets[rung.current];
    rung.buckets[rung.current] = {};
    const int64_t start = rung.start + (int64_t(rung.current) << rung.shift);
    ++rung.current;
    rung.frontier = start + (int64_t(1) << rung.shift);
    if (bucket.count <= sort_at_once || rung.shift == 0 || rung_count_ == rungs_most) {
      empty_bucket(bucket, [&](const QueueEntry& entry) {
        __builtin_prefetch(&records_[entry.slot]);
        bottom_.push_back(entry);
      });
      sort_bottom();
    } else {
      Rung& finer = open_rung(start, rung.frontier, bucket.count);
      empty_bucket(bucket, [&](const QueueEntry& entry) {
        add(finer.buckets[size_t(entry.time.ns() - start) >> finer.shift], entry);
      });
    }
  }
  return true;
}

void EventQueue::sort_bottom() {
  const auto later = [this](const QueueEntry& a, const QueueEntry& b) { return before(b, a); };
  if (bottom_.size() > 16) {
    std::sort(bottom_.begin(), bottom_.end(), later);
    return;
  }
  for (size_t i = 1; i < bottom_.size(); ++i) {
    const QueueEntry entry = bottom_[i];
    size_t at = i;
    while (at > 0 && later(entry, bottom_[at - 1])) {
      bottom_[at] = bottom_[at - 1];
      --at;
    }
    bottom_[at] = entry;
  }
}

void EventRecords::grow() {
  const EventSlot base = EventSlot(blocks_.size()) << block_bits;
  check(base < in_queue - block_mask, "event slots are left");
  blocks_.push_back(std::make_unique<EventRecord[]>(block_mask + 1));
  for (EventSlot i = block_mask + 1; i > 0; --i) give_back(base + i - 1);
}

}  // namespace stackyard
