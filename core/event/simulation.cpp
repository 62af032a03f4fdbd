#include "core/event/simulation.h"

#include <algorithm>
#include <numeric>

#include "core/base/text.h"

namespace stackyard {

namespace {
constexpr uint64_t events_per_instant_max = 1'000'000;
}

// --- Partition ---------------------------------------------------------------------------------

Partition::~Partition() { discard_all(); }

void Partition::discard_all() {
  queue_.for_each([this](const QueueEntry& entry) { discard(entry.slot); });
  wheel_.for_each([this](EventSlot slot) { discard(slot); });
  for (const Message& message : outbox_)
    if (message.event_class->discard) message.event_class->discard(message.load);
  outbox_.clear();
}

void Partition::discard(EventSlot slot) {
  EventRecord& record = records_[slot];
  if (record.event_class && record.event_class->discard) record.event_class->discard(record.load);
  record.event_class = nullptr;
}

EventSlot Partition::store(const EventKey& key, const EventClass& event_class, void* object,
                           EventLoad load) {
  const EventSlot slot = records_.take();
  EventRecord& record = records_[slot];
  record.time = key.time;
  record.sequence = key.sequence;
  record.event_class = &event_class;
  record.object = object;
  record.load = load;
  record.order = event_order(key.kind, key.target);
  record.source = key.source;
  return slot;
}

void Partition::enqueue(EventSlot slot) {
  EventRecord& record = records_[slot];
  record.previous = in_queue;
  queue_.push({record.time, record.order, slot});
}

void Partition::cancel(EventSlot slot) {
  EventRecord& record = records_[slot];
  discard(slot);
  if (record.previous == in_queue) {
    record.event_class = nullptr;  // freed when its turn comes
  } else {
    wheel_.remove(slot);
    records_.give_back(slot);
  }
}

const QueueEntry* Partition::first(SimTime limit) {
  for (;;) {
    const QueueEntry* entry = queue_.first();
    const SimTime next = entry ? entry->time : SimTime::max();
    if (wheel_.next_start() <= next && wheel_.next_start() < limit) {
      wheel_.advance([this](EventSlot slot) { enqueue(slot); });
      continue;
    }
    if (entry && !records_[entry->slot].event_class) {
      const EventSlot slot = entry->slot;
      queue_.pop();
      records_.give_back(slot);
      continue;
    }
    return next < limit ? entry : nullptr;
  }
}

SimTime Partition::next_time() {
  const QueueEntry* entry = queue_.first();
  return std::min(wheel_.next_start(), entry ? entry->time : SimTime::max());
}

bool Partition::run(SimTime limit, uint64_t budget) {
  budget_ = budget;
  for (;;) {
    const QueueEntry* entry = first(limit);
    if (!entry) return true;
    if (budget_ == 0) return false;
    --budget_;
    const QueueEntry found = *entry;
    queue_.pop();
    const EventRecord& record = records_[found.slot];
    const EventKey key{found.time, order_kind(found.order), order_target(found.order),
                       record.source, record.sequence};
    check(current_ < key, "events run in the order of their keys");
    const EventClass& event_class = *record.event_class;
    void* const object = record.object;
    const EventLoad load = record.load;
    records_.give_back(found.slot);
    fetch_ahead(queue_.sorted());
    if (key.time != storm_time_ || key.target != storm_node_) {
      storm_time_ = key.time;
      storm_node_ = key.target;
      storm_events_ = 0;
    } else if (++storm_events_ >= events_per_instant_max) {
      simulation_->storm(key.target, key.time);
      return true;
    }
    current_ = key;
    ++events_run_;
    event_class.run(object, load);
  }
}

// Large labs do not fit into a cache: an event's record, its packet and its device come from memory
// while the events before it run.
void Partition::fetch_ahead(std::span<const QueueEntry> next) {
  // So many events before its turn: a miss takes about as long as two of them run.
  constexpr size_t for_record = 6, for_load = 4, for_what_is_behind = 1;
  const auto slot = [&](size_t ahead) { return next.rbegin()[ptrdiff_t(ahead)].slot; };
  if (next.size() > for_record) __builtin_prefetch(&records_[slot(for_record)]);
  if (next.size() > for_load) {
    const EventRecord& record = records_[slot(for_load)];
    __builtin_prefetch(record.object);
    __builtin_prefetch(reinterpret_cast<const void*>(record.load.word));
  }
  if (next.size() <= for_what_is_behind) return;
  const EventRecord& record = records_[slot(for_what_is_behind)];
  if (record.event_class && record.event_class->fetch)
    record.event_class->fetch(record.object, record.load);
}

// --- Node --------------------------------------------------------------------------------------

EventSlot Node::schedule(EventKind kind, SimTime delay, const EventClass& event_class, void* object,
                         EventLoad load) {
  check(delay > SimTime() || (kind == EventKind::soft && delay == SimTime()),
        "only soft events have no delay");
  const SimTime now = partition_->now();
  const EventKey key{now + delay, kind, id_, id_, next_sequence_++};
  const EventSlot slot = partition_->store(key, event_class, object, load);
  if (kind == EventKind::timer && delay >= TimerWheel::delay_min) {
    partition_->wheel_.insert(slot, now);
  } else {
    partition_->enqueue(slot);
  }
  return slot;
}

void Node::send(Node& target, SimTime delay, const EventClass& event_class, void* object,
                EventLoad load) {
  check(delay > SimTime(), "nothing arrives in no time");
  const EventKey key{partition_->now() + delay, EventKind::arrival, target.id_, id_,
                     next_sequence_++};
  if (target.partition_ == partition_) {
    partition_->enqueue(partition_->store(key, event_class, object, load));
  } else {
    partition_->outbox_.push_back({key, &target, &event_class, object, load});
  }
}

// --- Simulation --------------------------------------------------------------------------------

Simulation::Simulation(SimulationOptions options)
    : options_(options), shuffle_(options.shuffle_seed, 0, "shuffled executor") {
  for (unsigned i = 0; i < std::max(1u, options.partitions); ++i) {
    partitions_.push_back(std::make_unique<Partition>());
    partitions_.back()->simulation_ = this;
  }
}

Simulation::~Simulation() = default;

void Simulation::discard_events() {
  for (auto& partition : partitions_) partition->discard_all();
}

Node& Simulation::add_node(std::string name) {
  const NodeId id = NodeId(names_.size());
  check(id <= node_id_max, "node ids fit in 24 bits");
  names_.push_back(std::move(name));
  Partition& home = *partitions_[shuffle_.below(partitions_.size())];
  nodes_.push_back(std::make_unique<Node>(id, home));
  return *nodes_.back();
}

size_t Simulation::partition_index(const Node& node) const {
  size_t index = 0;
  while (partitions_[index].get() != &node.partition()) ++index;
  return index;
}

void Simulation::declare_path(const Node& a, const Node& b, SimTime floor) {
  check(floor > SimTime(), "a path takes time");
  if (&a.partition() != &b.partition()) lookahead_ = std::min(lookahead_, floor);
}

void Simulation::at_barrier(SimTime when, EventKind kind, std::function<void()> action) {
  check(kind == EventKind::outside || kind == EventKind::observation, "a barrier's kind");
  check(when >= now_, "the past is over");
  barriers_.emplace(Barrier{when, kind, next_barrier_++}, std::move(action));
}

uint64_t Simulation::events_run() const {
  return std::accumulate(partitions_.begin(), partitions_.end(), uint64_t(0),
                         [](uint64_t sum, const auto& p) { return sum + p->events_run(); });
}

SimTime Simulation::next_time() {
  SimTime next = barriers_.empty() ? SimTime::max() : barriers_.begin()->first.time;
  for (auto& partition : partitions_) next = std::min(next, partition->next_time());
  return next;
}

void Simulation::storm(NodeId node, SimTime when) {
  failure_ = text("{}: {} events at {}s, and no end", names_[node], events_per_instant_max,
                  seconds_text(when));
  stopped_ = true;
}

SimTime Simulation::reached() const {
  SimTime latest = now_;
  for (const auto& partition : partitions_) latest = std::max(latest, partition->now());
  return latest;
}

void Simulation::interrupt() {
  interrupted_ = true;
  if (partitions_.size() == 1) partitions_[0]->budget_ = 0;
}

bool Simulation::run_until(SimTime end, uint64_t budget) {
  interrupted_ = false;
  while (!stopped_ && !interrupted_) {
    const bool barrier = !barriers_.empty() && barriers_.begin()->first.time <= end;
    const Barrier next =
        barrier ? barriers_.begin()->first : Barrier{end, EventKind::observation, UINT64_MAX};
    const SimTime limit = next.kind == EventKind::outside ? next.time : next.time + 1_ns;
    const uint64_t before = events_run();
    const bool reached = run_nodes(limit, budget);
    if (after_batch) after_batch();
    if (!reached || interrupted_) return false;
    if (stopped_) break;
    budget -= std::min(budget, events_run() - before);
    now_ = next.time;
    for (auto& partition : partitions_) {
      partition->current_ = {next.time, next.kind, world_node, world_node, next.number};
    }
    if (!barrier) return true;
    auto action = std::move(barriers_.begin()->second);
    barriers_.erase(barriers_.begin());
    action();
    if (after_batch) after_batch();
  }
  return false;
}

bool Simulation::run_nodes(SimTime limit, uint64_t budget) {
  if (partitions_.size() > 1) return run_windows(limit, budget);
  return partitions_[0]->run(limit, budget);
}

bool Simulation::run_windows(SimTime limit, uint64_t budget) {
  std::vector<size_t> turns(partitions_.size());
  std::iota(turns.begin(), turns.end(), size_t(0));
  const uint64_t before = events_run();
  while (!stopped_) {
    deliver_messages();
    SimTime start = SimTime::max();
    for (auto& partition : partitions_) start = std::min(start, partition->next_time());
    if (start >= limit) return true;
    if (events_run() - before >= budget) return false;
    const SimTime window = lookahead_ < limit - start ? start + lookahead_ : limit;
    for (size_t i = turns.size(); i > 1; --i) std::swap(turns[i - 1], turns[shuffle_.below(i)]);
    for (size_t turn : turns) partitions_[turn]->run(window, UINT64_MAX);
    if (after_batch) after_batch();
    if (interrupted_) return false;
  }
  return true;
}

void Simulation::deliver_messages() {
  for (auto& partition : partitions_) {
    for (Partition::Message& message : partition->outbox_) {
      Partition& target = message.target->partition();
      check(target.current_ < message.key, "a message arrives in its receiver's future");
      if (message.event_class->cross) message.event_class->cross(message.object, message.load);
      target.enqueue(target.store(message.key, *message.event_class, message.object, message.load));
    }
    partition->outbox_.clear();
  }
}

}  // namespace stackyard
