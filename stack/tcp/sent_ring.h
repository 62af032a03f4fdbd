// stack/tcp/sent_ring.h - a record for each segment that was sent and is not acknowledged yet, in
// the order of sequence. A segment is looked at when it is sent and when it arrives; nothing walks
// the window.
#pragma once

#include <vector>

#include "core/wire/transport/tcp.h"

namespace stackyard {

// A record has `Seq begin, end` and `bool done`: SACKed, or of no interest any more.
template <class Record>
class SentRing {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  // Indices count on while there are any; the ring's size is a power of two.
  Record& at(uint32_t index) { return ring_[index & (ring_.size() - 1)]; }
  const Record& at(uint32_t index) const { return ring_[index & (ring_.size() - 1)]; }
  uint32_t head() const { return head_; }
  uint32_t tail() const { return tail_; }
  bool empty() const { return head_ == tail_; }
  void clear() { head_ = tail_; }

  uint32_t push(const Record& record) {
    if (empty()) head_ = tail_ = 0;
    if (tail_ - head_ == ring_.size()) grow();
    at(tail_) = record;
    return tail_++;
  }

  // Those that were sent again; a segment counts as that with its last octet.
  template <class Visit>
  void again(SackBlock part, Visit visit) {
    for (uint32_t i = find(part.begin); i != tail_ && at(i).end <= part.end; ++i)
      if (!at(i).done) visit(i);
  }

  // Everything below `una` has arrived: visits what was not known to have, and what was.
  template <class Visit>
  void acked(Seq una, Visit visit) {
    for (; !empty() && at(head_).end <= una; ++head_) visit(head_);
    if (!empty() && at(head_).begin < una) at(head_).begin = una;
  }

  // This part has: visits what is now known to have arrived whole.
  template <class Visit>
  void sacked(SackBlock part, Visit visit) {
    for (uint32_t i = find(part.begin); i != tail_ && at(i).begin < part.end; ++i) {
      Record& r = at(i);
      if (r.done) continue;
      // Of a part the rest is what may be lost; of a middle nothing is known.
      if (r.begin < part.begin) {
        if (r.end <= part.end) r.end = part.begin;
      } else if (r.end > part.end) {
        r.begin = part.end;
      } else {
        r.done = true;
        visit(i);
      }
    }
  }

 private:
  void grow() {
    std::vector<Record> more(ring_.empty() ? 16 : ring_.size() * 2);
    for (uint32_t i = head_; i != tail_; ++i) more[i & (more.size() - 1)] = at(i);
    ring_ = std::move(more);
  }
  // The first whose end is behind `begin`.
  uint32_t find(Seq begin) const {
    uint32_t low = head_, high = tail_;
    while (low != high) {
      const uint32_t middle = low + (high - low) / 2;
      if (at(middle).end <= begin)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  std::vector<Record> ring_;
  uint32_t head_ = 0, tail_ = 0;
};

}  // namespace stackyard
