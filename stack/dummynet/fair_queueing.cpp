// stack/dummynet/fair_queueing.cpp - FQ-CoDel (RFC 8290), and the same with PIE: flows get queues
// by a hash of their ends, and take turns; new ones go first once.
#include "stack/dummynet/discipline.h"

namespace stackyard {

namespace {

struct Flow {
  HeldQueue packets;
  std::unique_ptr<Aqm> aqm;  // made when the first packet comes
  int64_t deficit = 0;
  Flow* next = nullptr;
  bool listed = false;
};

class FlowList {
 public:
  bool empty() const { return head_ == nullptr; }
  Flow* front() const { return head_; }
  void push(Flow& flow) {
    flow.next = nullptr;
    (head_ ? last_->next : head_) = &flow;
    last_ = &flow;
  }
  Flow& pop() { return *std::exchange(head_, head_->next); }

 private:
  Flow *head_ = nullptr, *last_ = nullptr;
};

class FairQueueing final : public PacketDiscipline {
 public:
  FairQueueing(const SchedulerConfig& config, bool pie, RandomStream random)
      : config_(config), pie_(pie), random_(random), key_(random_.next()), flows_(config.flows) {}

  void backlogged(ShapedQueue&, SimTime) override {}
  void forget(ShapedQueue&) override {}

  void enqueue(HeldPacket* held, SimTime now, ShapedDrops& drops) override {
    Flow& flow = flows_[hash(held->flow) % flows_.size()];
    if (!flow.aqm) flow.aqm = make_aqm();
    if (!flow.aqm->accepts(flow.packets, *held, now)) return drops.drop(held, drops::dummynet_aqm);
    flow.packets.push(held);
    if (!flow.listed) {
      flow.listed = true;
      flow.deficit = config_.quantum;
      new_.push(flow);
    }
    if (++count_ > config_.limit) drop_from_longest(drops);
  }

  HeldPacket* dequeue(SimTime now, ShapedDrops& drops) override {
    Counting counting{drops, count_};
    for (;;) {
      FlowList& list = new_.empty() ? old_ : new_;
      if (list.empty()) return nullptr;
      Flow& flow = *list.front();
      if (flow.deficit <= 0) {
        flow.deficit += config_.quantum;
        list.pop();
        old_.push(flow);
        continue;
      }
      HeldPacket* held = flow.aqm->take(flow.packets, now, counting);
      if (held) {
        --count_;
        flow.deficit -= int64_t(held->packet.size());
        return held;
      }
      // s4.2: a new flow that ran empty waits for its turn among the old ones once.
      const bool was_new = &list == &new_;
      list.pop();
      if (was_new && !old_.empty())
        old_.push(flow);
      else
        flow.listed = false;
    }
  }

 private:
  // What dies on the way out leaves the count as well.
  struct Counting final : ShapedDrops {
    Counting(ShapedDrops& to, size_t& of) : drops(to), count(of) {}
    void drop(HeldPacket* held, const DropReason& why) override {
      --count;
      drops.drop(held, why);
    }
    ShapedDrops& drops;
    size_t& count;
  };

  std::unique_ptr<Aqm> make_aqm() {
    return pie_ ? stackyard::make_pie(config_.pie, config_.limit, random_)
                : stackyard::make_codel(config_.codel);
  }
  uint64_t hash(const ShapedFlow& f) const {
    const auto half = [](const std::array<uint8_t, 16>& a, size_t at) {
      return uint64_t(load<be64>(Bytes(a).subspan(at)));
    };
    uint64_t sum = key_ + f.protocol + (uint64_t(f.source_port) << 32 | f.dest_port);
    for (size_t at : {0, 8}) sum = mix(mix(sum + half(f.source, at)) + half(f.dest, at));
    return sum;
  }
  // s4.1.3. Rare, and bounded by the number of flows.
  void drop_from_longest(ShapedDrops& drops) {
    Flow* longest = &flows_.front();
    for (Flow& flow : flows_)
      if (flow.packets.octets() > longest->packets.octets()) longest = &flow;
    drops.drop(longest->packets.pop(), drops::dummynet_full);
    --count_;
  }

  SchedulerConfig config_;
  bool pie_;
  RandomStream random_;
  uint64_t key_;
  std::vector<Flow> flows_;
  FlowList new_, old_;
  size_t count_ = 0;
};

}  // namespace

std::unique_ptr<PacketDiscipline> make_fair_queueing(const SchedulerConfig& config, bool pie,
                                                     RandomStream random) {
  return std::make_unique<FairQueueing>(config, pie, random);
}

}  // namespace stackyard
