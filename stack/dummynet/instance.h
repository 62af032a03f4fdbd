// stack/dummynet/instance.h - one link with its scheduler at work: the queues before it, the packet
// that it transmits, and those that travel along its delay.
#pragma once

#include <unordered_map>

#include "core/event/timer.h"
#include "stack/dummynet/discipline.h"

namespace stackyard {

class Dummynet;

struct ShapedFlowHash {
  size_t operator()(const ShapedFlow& flow) const;
};

// A queue of a user, or the one that a pipe has by itself. Its queues live in the instances of its
// scheduler.
struct Flowset {
  uint32_t number = 0;
  FlowsetConfig config;
};

// A scheduler and the link behind it. A mask makes an instance for each flow.
struct Scheduler {
  uint32_t number = 0;
  SchedulerConfig config;
  PipeConfig link;
  bool has_link = false;
  Flowset own;  // of a fifo and of those that have queues of their own
  std::unordered_map<ShapedFlow, std::unique_ptr<class ShapedInstance>, ShapedFlowHash> instances;
  size_t sweep_at = 64;  // instances, before idle ones are looked for
};

class ShapedInstance final : ShapedDrops {
 public:
  ShapedInstance(Dummynet& dummynet, Scheduler& scheduler, const ShapedFlow& flow);
  ~ShapedInstance();

  // Queues it or drops it. False: it is dead.
  bool enqueue(HeldPacket* held, const Flowset& flowset);
  // The flowset has changed, or (null) is gone.
  void flowset_changed(uint32_t number, const Flowset* now);
  // The link has changed: what is being transmitted keeps its time.
  void link_changed() { remainder_ = 0; }
  bool idle(SimTime since) const;

  const ShapedFlow& flow() const { return flow_; }
  void add_flows_of(uint32_t flowset, std::vector<ShapedFlowInfo>& to) const;  // in no order
  ShapedFlowInfo totals() const;

 private:
  void drop(HeldPacket* held, const DropReason& why) override;
  ShapedQueue& queue_for(const ShapedFlow& flow, const Flowset& flowset);
  void set_up(ShapedQueue& queue, const Flowset& flowset);
  bool admits(ShapedQueue& queue, HeldPacket& held, const Flowset& flowset);
  void sweep();
  void serve();
  void transmitted();
  void travel(HeldPacket* held);
  void arrived();
  uint64_t rate() const;

  Dummynet& dummynet_;
  Scheduler& scheduler_;
  ShapedFlow flow_;
  RandomStream random_;
  std::unique_ptr<Discipline> discipline_;
  PacketDiscipline* sees_packets_ = nullptr;  // the same, if it has queues of its own
  std::unordered_map<ShapedFlow, std::unique_ptr<ShapedQueue>, ShapedFlowHash> queues_;
  size_t sweep_at_ = 64;
  uint32_t made_ = 0;

  HeldPacket* sending_ = nullptr;
  HeldQueue line_;  // what travels along the link's delay
  Timer transmitter_, traveller_;
  uint64_t credit_ = 0;     // bits that may pass at once, after idleness (burst)
  uint64_t remainder_ = 0;  // of the last transmission: below a nanosecond, in 1/rate
  SimTime idle_since_;      // a new link was idle all the time
  bool was_busy_ = false;
  ShapedFlowInfo totals_;  // of what passed queues that a discipline keeps to itself
};

}  // namespace stackyard
