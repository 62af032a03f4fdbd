// core/event/simulation.h - nodes, partitions, the loop, and the barrier of the world.
//
// Read first: the invariants in docs/ARCHITECTURE.md. Everything that happens on a node happens in
// the order of EventKey; how nodes are spread over partitions never shows.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/event/event_queue.h"
#include "core/event/timer_wheel.h"

namespace stackyard {

class Node;
class Simulation;

// A set of nodes that is executed by one thread (today: by turns in one thread).
class Partition {
 public:
  Partition() : queue_(records_), wheel_(records_) {}
  ~Partition();
  Partition(const Partition&) = delete;

  SimTime now() const { return current_.time; }
  // The key of the event that is being executed.
  const EventKey& current() const { return current_; }
  uint64_t events_run() const { return events_run_; }

 private:
  friend class Node;
  friend class Simulation;

  struct Message {  // an event for a node of another partition
    EventKey key;
    Node* target;
    const EventClass* event_class;
    void* object;
    EventLoad load;
  };

  EventSlot store(const EventKey& key, const EventClass& event_class, void* object, EventLoad load);
  void enqueue(EventSlot slot);
  void cancel(EventSlot slot);
  // The first event before `limit`, or null. Never looks further: the wheel must not run ahead of
  // what is still to be armed at a barrier.
  const QueueEntry* first(SimTime limit);
  // Nothing is due before this; may be early.
  SimTime next_time();
  // Runs events before `limit`, at most `budget` of them; false when the budget ended it.
  bool run(SimTime limit, uint64_t budget);
  void fetch_ahead(std::span<const QueueEntry> next);
  void discard(EventSlot slot);
  void discard_all();

  EventRecords records_;
  EventQueue queue_;
  TimerWheel wheel_;
  EventKey current_;
  uint64_t events_run_ = 0;
  std::vector<Message> outbox_;
  Simulation* simulation_ = nullptr;
  NodeId storm_node_ = world_node;  // counts events of one node in one instant
  SimTime storm_time_;
  uint64_t storm_events_ = 0;
  uint64_t budget_ = 0;  // events left in this run
};

// A node's place in the engine: its clock, its sequence numbers, its events.
class Node {
 public:
  Node(NodeId id, Partition& partition) : id_(id), partition_(&partition) {}
  Node(const Node&) = delete;

  NodeId id() const { return id_; }
  SimTime now() const { return partition_->now(); }
  Partition& partition() const { return *partition_; }

  // An event for this node itself. Only soft events may have no delay. The slot is the caller's
  // until the event runs or is cancelled.
  EventSlot schedule(EventKind kind, SimTime delay, const EventClass& event_class, void* object,
                     EventLoad load = {});
  void cancel(EventSlot slot) { partition_->cancel(slot); }
  // An arrival at another node (or this one), at least 1 ns later.
  void send(Node& target, SimTime delay, const EventClass& event_class, void* object,
            EventLoad load);

 private:
  NodeId id_;
  Partition* partition_;
  uint64_t next_sequence_ = 1;
};

struct SimulationOptions {
  uint64_t seed = 1;
  unsigned partitions = 1;    // more than 1: the shuffled executor
  uint64_t shuffle_seed = 1;  // decides who belongs where and who runs first, never a result
};

class Simulation {
 public:
  explicit Simulation(SimulationOptions options = {});
  ~Simulation();
  Simulation(const Simulation&) = delete;

  uint64_t seed() const { return options_.seed; }
  RandomStream random(uint64_t owner, std::string_view purpose) const {
    return {options_.seed, owner, purpose};
  }

  // Nodes get ids from 1 in the order of these calls.
  Node& add_node(std::string name);
  const std::string& node_name(NodeId id) const { return names_[id]; }
  size_t partition_count() const { return partitions_.size(); }
  Partition& partition(size_t index) { return *partitions_[index]; }
  size_t partition_index(const Node& node) const;

  // Promises that no frame from one node reaches the other in less than `floor` (at least 1 ns).
  void declare_path(const Node& a, const Node& b, SimTime floor);

  // The sole entrance from outside: `action` runs at a barrier, before (outside) or after
  // (observation) everything that nodes do at that instant; it may touch any node. Actions of one
  // instant and kind run in the order of these calls.
  void at_barrier(SimTime when, EventKind kind, std::function<void()> action);

  SimTime now() const { return now_; }
  // No node has begun anything later: what comes from outside is stamped 1 ns after it.
  SimTime reached() const;
  uint64_t events_run() const;
  // The next instant at which anything is to happen; max() when nothing is.
  SimTime next_time();

  // Runs everything up to and including `end`, or until stop() or about `budget` events; true when
  // `end` was reached. `after_batch` (may be empty) is called whenever all nodes have been executed
  // up to a common instant: nothing older will follow.
  bool run_until(SimTime end, uint64_t budget = UINT64_MAX);
  std::function<void()> after_batch;

  // Frees what pending events own. Nothing runs afterwards.
  void discard_events();

  // Ends the run_until that is under way after the current event (with partitions: window); the
  // next one goes on from there.
  void interrupt();
  void stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }
  // Not empty when a node had a million events in one instant: the sentence for the user.
  const std::string& failure() const { return failure_; }

 private:
  friend class Partition;
  bool run_nodes(SimTime limit, uint64_t budget);
  bool run_windows(SimTime limit, uint64_t budget);
  void deliver_messages();
  void storm(NodeId node, SimTime when);

  SimulationOptions options_;
  std::vector<std::unique_ptr<Partition>> partitions_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::string> names_{"world"};
  struct Barrier {
    SimTime time;
    EventKind kind;
    uint64_t number;
    auto operator<=>(const Barrier&) const = default;
  };
  std::map<Barrier, std::function<void()>> barriers_;
  uint64_t next_barrier_ = 0;
  SimTime now_;
  SimTime lookahead_ = SimTime::max();
  RandomStream shuffle_;
  bool stopped_ = false;
  bool interrupted_ = false;
  std::string failure_;
};

}  // namespace stackyard
