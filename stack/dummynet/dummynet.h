// stack/dummynet/dummynet.h - dummynet(4): pipes with bandwidth, delay and loss, queues that share
// them, and the schedulers that decide between queues. Rates and delays are exact.
//
// A filter (ipfw, pf) takes packets out of their way and hands them over with a Resume; they come
// back when their link has transmitted them. `pipe N` is a fifo of its own, whose number is
// N + 65536; queues that name pipe N share scheduler N, WF2Q+ unless told otherwise.
#pragma once

#include <map>

#include "stack/dummynet/instance.h"
#include "stack/ip/ip_stack.h"

namespace stackyard {

extern const ModuleRecord dummynet_module;

struct DummynetSettings {
  int64_t pipe_slot_limit = 100, pipe_byte_limit = 1024 * 1024;
};

class Dummynet final : public StateWithSettings<DummynetSettings>, public ShaperHook {
 public:
  Dummynet(Vnet& vnet, const DummynetSettings& defaults);
  ~Dummynet() override;

  HookVerdict shape(Packet packet, const Order& order) override;

  Result<> configure(const ConfigureDummynet& request);
  Result<> remove(const DeleteDummynet& request);
  void list(ListDummynet& request) const;

  struct Counts {
    uint64_t packets = 0, drops = 0;
  };
  const Counts& counts() const { return counts_; }
  size_t queues() const;
  size_t instances() const;
  size_t schedulers() const { return schedulers_.size(); }
  size_t flowsets() const { return flowsets_.size() + schedulers_.size(); }

  // --- for instances ---
  Site& site() const { return net_.site(); }
  RandomStream random_stream();
  uint64_t rate_of(const std::string& device) const;  // bits/s; 0: no such interface, or no rate
  void drop(HeldPacket* held, const DropReason& why);
  void give_back(HeldPacket* held);

 private:
  Scheduler& scheduler(uint32_t number, std::string_view type);
  void set_link(Scheduler& scheduler, const PipeConfig& link);
  void set_config(Scheduler& scheduler, const SchedulerConfig& config);
  Result<> set_flowset(Flowset& flowset, const FlowsetConfig& config);
  Result<> configure_pipe(const ConfigureDummynet& request);
  Result<> configure_queue(const ConfigureDummynet& request);
  Result<> configure_scheduler(const ConfigureDummynet& request);
  ShapedInstance& instance(Scheduler& scheduler, const ShapedFlow& flow);
  FlowsetInfo info(const Flowset& flowset) const;
  SchedulerInfo info(const Scheduler& scheduler) const;

  IpStack& ip_;
  NetStack& net_;
  HeldPool pool_;
  std::map<uint32_t, Scheduler> schedulers_;
  std::map<uint32_t, Flowset> flowsets_;  // users' queues
  uint64_t streams_ = 0;
  Counts counts_;
};

}  // namespace stackyard
