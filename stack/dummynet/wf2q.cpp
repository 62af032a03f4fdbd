// stack/dummynet/wf2q.cpp - WF2Q+ (Bennett and Zhang 1997): of the queues whose turn has begun in
// the ideal fluid system, the one goes first that would be done first there.
//
// Virtual times have 24 bits of fraction and wrap: they are compared by their difference.
#include <algorithm>
#include <vector>

#include "stack/dummynet/discipline.h"

namespace stackyard {

namespace {

constexpr int scale = 24;

bool before(uint64_t a, uint64_t b) { return int64_t(a - b) < 0; }

// Queues ordered by one of their virtual times.
class QueueHeap {
 public:
  bool empty() const { return queues_.empty(); }
  ShapedQueue& first() const { return *queues_.front().queue; }
  uint64_t key() const { return queues_.front().key; }
  void push(uint64_t key, ShapedQueue& queue) {
    queues_.push_back({key, &queue});
    std::push_heap(queues_.begin(), queues_.end(), later);
  }
  void pop() {
    std::pop_heap(queues_.begin(), queues_.end(), later);
    queues_.pop_back();
  }
  void remove(const ShapedQueue& queue) {
    std::erase_if(queues_, [&](const Entry& entry) { return entry.queue == &queue; });
    std::make_heap(queues_.begin(), queues_.end(), later);
  }

 private:
  struct Entry {
    uint64_t key;
    ShapedQueue* queue;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.key == b.key ? b.queue->order < a.queue->order : before(b.key, a.key);
  }
  std::vector<Entry> queues_;
};

class Wf2q final : public Discipline {
 public:
  void backlogged(ShapedQueue& queue, SimTime) override {
    weights_ += queue.weight;
    if (weights_ == queue.weight && ready_.empty() && waiting_.empty()) now_ = queue.finish;
    queue.start = before(queue.finish, now_) ? now_ : queue.finish;
    put(queue);
  }

  HeldPacket* dequeue(SimTime now, ShapedDrops& drops) override {
    while (!ready_.empty() || !waiting_.empty()) {
      if (ready_.empty() && before(now_, waiting_.key())) now_ = waiting_.key();
      while (!waiting_.empty() && !before(now_, waiting_.key())) {
        ShapedQueue& queue = waiting_.first();
        waiting_.pop();
        ready_.push(queue.finish, queue);
      }
      ShapedQueue& queue = ready_.first();
      ready_.pop();
      HeldPacket* held = queue.take(now, drops);
      if (held) {
        const uint64_t octets = held->packet.size();
        now_ += (octets << scale) / weights_;
        queue.start += (octets << scale) / queue.weight;
      }
      queue.finish = queue.start;
      if (queue.packets.count() > 0) {
        put(queue);
      } else {
        queue.backlogged = false;
        weights_ -= queue.weight;
      }
      if (held) return held;
    }
    return nullptr;
  }

  void forget(ShapedQueue& queue) override {
    ready_.remove(queue);
    waiting_.remove(queue);
    weights_ -= queue.weight;
  }

 private:
  // Among those that wait for their turn, or have it.
  void put(ShapedQueue& queue) {
    const uint64_t octets = queue.packets.front()->packet.size();
    queue.finish = queue.start + (octets << scale) / queue.weight;
    if (before(now_, queue.start))
      waiting_.push(queue.start, queue);
    else
      ready_.push(queue.finish, queue);
  }

  QueueHeap ready_, waiting_;
  uint64_t now_ = 0;      // virtual time
  uint64_t weights_ = 0;  // of all backlogged queues
};

}  // namespace

std::unique_ptr<Discipline> make_wf2q() { return std::make_unique<Wf2q>(); }

}  // namespace stackyard
