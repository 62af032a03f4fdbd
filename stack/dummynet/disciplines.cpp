// stack/dummynet/disciplines.cpp - first come first served, strict priorities, and deficit round
// robin (Shreedhar and Varghese 1996).
#include <cctype>

#include "stack/dummynet/discipline.h"

namespace stackyard {

namespace {

// Queues in a row, linked.
class QueueList {
 public:
  bool empty() const { return head_ == nullptr; }
  ShapedQueue* front() const { return head_; }
  void push(ShapedQueue& queue) {
    queue.next = nullptr;
    (head_ ? last_->next : head_) = &queue;
    last_ = &queue;
  }
  ShapedQueue* pop() {
    ShapedQueue* queue = head_;
    head_ = queue->next;
    return queue;
  }
  void remove(const ShapedQueue& queue) {
    QueueList rest;
    while (!empty()) {
      ShapedQueue* at = pop();
      if (at != &queue) rest.push(*at);
    }
    *this = rest;
  }

 private:
  ShapedQueue *head_ = nullptr, *last_ = nullptr;
};

// Its scheduler has one queue only, so there is nothing to choose.
class Fifo final : public Discipline {
 public:
  void backlogged(ShapedQueue& queue, SimTime) override { queue_ = &queue; }
  HeldPacket* dequeue(SimTime now, ShapedDrops& drops) override {
    HeldPacket* held = queue_ ? queue_->take(now, drops) : nullptr;
    if (!held && queue_) std::exchange(queue_, nullptr)->backlogged = false;
    return held;
  }
  void forget(ShapedQueue& queue) override {
    if (queue_ == &queue) queue_ = nullptr;
  }

 private:
  ShapedQueue* queue_ = nullptr;
};

// The lowest number goes first.
class Prio final : public Discipline {
 public:
  static constexpr uint32_t levels = 32;

  void backlogged(ShapedQueue& queue, SimTime) override {
    const uint32_t level = queue.priority < levels ? queue.priority : levels - 1;
    queue.group = level;
    lists_[level].push(queue);
    filled_ |= 1u << level;
  }
  HeldPacket* dequeue(SimTime now, ShapedDrops& drops) override {
    while (filled_ != 0) {
      const auto level = uint32_t(__builtin_ctz(filled_));
      QueueList& list = lists_[level];
      ShapedQueue& queue = *list.front();
      HeldPacket* held = queue.take(now, drops);
      if (queue.packets.count() == 0) {
        list.pop();
        queue.backlogged = false;
      }
      if (list.empty()) filled_ &= ~(1u << level);
      if (held) return held;
    }
    return nullptr;
  }
  void forget(ShapedQueue& queue) override {
    lists_[queue.group].remove(queue);
    if (lists_[queue.group].empty()) filled_ &= ~(1u << queue.group);
  }

 private:
  QueueList lists_[levels];
  uint32_t filled_ = 0;
};

class RoundRobin final : public Discipline {
 public:
  void backlogged(ShapedQueue& queue, SimTime) override {
    queue.deficit = 0;
    list_.push(queue);
  }
  HeldPacket* dequeue(SimTime now, ShapedDrops& drops) override {
    while (!list_.empty()) {
      ShapedQueue& queue = *list_.front();
      const HeldPacket* first = queue.packets.front();
      if (first && queue.deficit < int64_t(first->packet.size())) {
        queue.deficit += int64_t(queue.weight) * queue.lmax;
        list_.push(*list_.pop());
        continue;
      }
      HeldPacket* held = queue.take(now, drops);
      if (held) queue.deficit -= int64_t(held->packet.size());
      if (queue.packets.count() == 0) {
        list_.pop();
        queue.backlogged = false;
      }
      if (held) return held;
    }
    return nullptr;
  }
  void forget(ShapedQueue& queue) override { list_.remove(queue); }

 private:
  QueueList list_;
};

}  // namespace

std::string discipline_name(std::string_view type) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"fifo", "FIFO"}, {"prio", "PRIO"},         {"rr", "RR"},        {"wf2q+", "WF2Q+"},
      {"qfq", "QFQ"},   {"fq_codel", "FQ_CODEL"}, {"fq_pie", "FQ_PIE"}};
  std::string lower(type);
  for (char& c : lower) c = char(std::tolower(uint8_t(c)));
  for (const auto& [own, shown] : names)
    if (own == lower) return std::string(shown);
  return {};
}

std::unique_ptr<Discipline> make_discipline(std::string_view type) {
  const std::string name = discipline_name(type);
  if (name == "FIFO") return std::make_unique<Fifo>();
  if (name == "PRIO") return std::make_unique<Prio>();
  if (name == "RR") return std::make_unique<RoundRobin>();
  if (name == "WF2Q+") return make_wf2q();
  if (name == "QFQ") return make_qfq();
  return nullptr;
}

}  // namespace stackyard
