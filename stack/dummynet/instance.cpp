#include "stack/dummynet/instance.h"

#include <algorithm>

#include "stack/dummynet/dummynet.h"

namespace stackyard {

size_t ShapedFlowHash::operator()(const ShapedFlow& f) const {
  uint64_t sum = mix(uint64_t(f.flowset) << 32 | f.flow_label);
  sum = mix(sum + (uint64_t(f.protocol) << 32 | uint64_t(f.source_port) << 16 | f.dest_port));
  for (const auto* address : {&f.source, &f.dest})
    for (size_t at : {0, 8}) sum = mix(sum + load<be64>(Bytes(*address).subspan(at)));
  return sum;
}

ShapedInstance::ShapedInstance(Dummynet& dummynet, Scheduler& scheduler, const ShapedFlow& flow)
    : dummynet_(dummynet),
      scheduler_(scheduler),
      flow_(flow),
      random_(dummynet.random_stream()),
      transmitter_(dummynet.site().node(), Timer::call<&ShapedInstance::transmitted>, this),
      traveller_(dummynet.site().node(), Timer::call<&ShapedInstance::arrived>, this) {
  const std::string& type = scheduler.config.type;
  discipline_ = make_discipline(type);
  if (discipline_) return;
  auto fair = make_fair_queueing(scheduler.config, type == "FQ_PIE", dummynet.random_stream());
  sees_packets_ = fair.get();
  discipline_ = std::move(fair);
}

ShapedInstance::~ShapedInstance() {
  const auto discard = [this](HeldPacket* held) { dummynet_.drop(held, drops::dummynet_gone); };
  if (sending_) discard(sending_);
  while (HeldPacket* held = line_.pop()) discard(held);
  for (const auto& [flow, queue] : queues_)
    while (HeldPacket* held = queue->packets.pop()) discard(held);
  if (!sees_packets_) return;
  while (HeldPacket* held = discipline_->dequeue(dummynet_.site().now(), *this)) discard(held);
}

void ShapedInstance::drop(HeldPacket* held, const DropReason& why) {
  ++totals_.drops;
  dummynet_.drop(held, why);
}

bool ShapedInstance::idle(SimTime since) const {
  return !sending_ && !line_.front() && !was_busy_ && idle_since_ <= since;
}

// --- queues --------------------------------------------------------------------------------------

void ShapedInstance::set_up(ShapedQueue& queue, const Flowset& flowset) {
  const FlowsetConfig& config = flowset.config;
  queue.weight = std::clamp(config.weight.value_or(1), 1u, 100u);
  queue.lmax = std::clamp(config.lmax.value_or(1500), 64u, 65535u);
  queue.priority = config.priority.value_or(0);
  switch (config.aqm.kind) {
    case AqmKind::none:
      queue.aqm.reset();
      break;
    case AqmKind::red:
    case AqmKind::gred:
      queue.aqm = make_red(config, rate(), dummynet_.random_stream());
      break;
    case AqmKind::codel:
      queue.aqm = make_codel(config.aqm.codel);
      break;
    case AqmKind::pie:
      queue.aqm = make_pie(config.aqm.pie, config.queue_size, dummynet_.random_stream());
      break;
  }
}

ShapedQueue& ShapedInstance::queue_for(const ShapedFlow& flow, const Flowset& flowset) {
  ShapedFlow key = flowset.config.mask.apply(flow);
  key.flowset = flowset.number;
  if (const auto found = queues_.find(key); found != queues_.end()) return *found->second;
  if (queues_.size() >= sweep_at_) sweep();
  auto& queue = queues_[key];
  queue = std::make_unique<ShapedQueue>();
  queue->flow = key;
  queue->flowset = flowset.number;
  queue->order = made_++;
  set_up(*queue, flowset);
  return *queue;
}

void ShapedInstance::sweep() {
  const SimTime since = dummynet_.site().now() - SimTime(1'000'000'000);
  std::erase_if(queues_, [&](const auto& entry) {
    return !entry.second->backlogged && entry.second->used <= since;
  });
  sweep_at_ = std::max<size_t>(64, queues_.size() * 2);
}

void ShapedInstance::flowset_changed(uint32_t number, const Flowset* now) {
  std::erase_if(queues_, [&](const auto& entry) {
    ShapedQueue& queue = *entry.second;
    if (queue.flowset != number) return false;
    if (queue.backlogged) discipline_->forget(queue);
    if (!now) {
      while (HeldPacket* held = queue.packets.pop()) drop(held, drops::dummynet_gone);
      return true;
    }
    set_up(queue, *now);
    if (queue.backlogged) discipline_->backlogged(queue, dummynet_.site().now());
    return false;
  });
}

bool ShapedInstance::admits(ShapedQueue& queue, HeldPacket& held, const Flowset& flowset) {
  const FlowsetConfig& config = flowset.config;
  const DropReason* why = nullptr;
  if (config.plr != 0 && random_.below(plr_one) < config.plr)
    why = &drops::dummynet_loss;
  else if (config.size_in_octets ? queue.packets.octets() > config.queue_size
                                 : queue.packets.count() >= config.queue_size)
    why = &drops::dummynet_full;
  else if (queue.aqm && !queue.aqm->accepts(queue.packets, held, held.arrived))
    why = &drops::dummynet_aqm;
  if (!why) return true;
  ++queue.drops;
  drop(&held, *why);
  return false;
}

bool ShapedInstance::enqueue(HeldPacket* held, const Flowset& flowset) {
  held->arrived = dummynet_.site().now();
  ++totals_.packets;
  totals_.octets += held->packet.size();
  if (sees_packets_) {
    const uint64_t dropped = totals_.drops;
    const FlowsetConfig& config = flowset.config;
    if (config.plr != 0 && random_.below(plr_one) < config.plr)
      drop(held, drops::dummynet_loss);
    else
      sees_packets_->enqueue(held, held->arrived, *this);
    serve();
    return totals_.drops == dropped;
  }
  ShapedQueue& queue = queue_for(held->flow, flowset);
  queue.used = held->arrived;
  ++queue.packets_seen;
  queue.octets_seen += held->packet.size();
  if (!admits(queue, *held, flowset)) return false;
  queue.packets.push(held);
  if (!queue.backlogged) {
    queue.backlogged = true;
    discipline_->backlogged(queue, held->arrived);
  }
  serve();
  return true;
}

// --- the link ------------------------------------------------------------------------------------

uint64_t ShapedInstance::rate() const {
  return scheduler_.link.device.empty() ? scheduler_.link.bandwidth
                                        : dummynet_.rate_of(scheduler_.link.device);
}

void ShapedInstance::serve() {
  const SimTime now = dummynet_.site().now();
  const PipeConfig& link = scheduler_.link;
  while (!sending_) {
    const uint64_t bandwidth = rate();
    if (!was_busy_ && link.burst > 0 && now > idle_since_) {
      const auto gained =
          static_cast<unsigned __int128>((now - idle_since_).ns()) * bandwidth / 1'000'000'000;
      credit_ = uint64_t(std::min<unsigned __int128>(gained, link.burst * 8));
    }
    HeldPacket* held = discipline_->dequeue(now, *this);
    if (!held) {
      if (was_busy_) idle_since_ = now;
      was_busy_ = false;
      return;
    }
    was_busy_ = true;
    uint64_t bits = held->packet.size() * 8;
    if (link.profile && !link.profile->samples.empty()) {
      const auto& samples = link.profile->samples;
      const uint64_t index = random_.below(samples.size());
      bits += samples[index] * bandwidth / 1000;
      held->lost = index >= link.profile->loss_level;
    }
    if (bandwidth == 0 || credit_ >= bits) {
      if (bandwidth != 0) credit_ -= bits;
      travel(held);
      continue;
    }
    bits -= std::exchange(credit_, 0);
    // Exact on average: what is below a nanosecond is carried on.
    const auto work = static_cast<unsigned __int128>(bits) * 1'000'000'000 + remainder_;
    remainder_ = uint64_t(work % bandwidth);
    const SimTime time{int64_t(work / bandwidth)};
    if (time == SimTime()) {
      travel(held);
      continue;
    }
    sending_ = held;
    transmitter_.arm(time);
  }
}

void ShapedInstance::transmitted() {
  travel(std::exchange(sending_, nullptr));
  serve();
}

void ShapedInstance::travel(HeldPacket* held) {
  if (held->lost) return drop(held, drops::dummynet_profile);
  const SimTime delay{int64_t(scheduler_.link.delay_ms) * 1'000'000};
  held->due = dummynet_.site().now() + delay;
  line_.push(held);
  if (traveller_.armed()) return;
  delay == SimTime() ? traveller_.arm_soft(delay) : traveller_.arm(delay);
}

void ShapedInstance::arrived() {
  const SimTime now = dummynet_.site().now();
  while (line_.front() && line_.front()->due <= now) dummynet_.give_back(line_.pop());
  if (line_.front()) traveller_.arm(line_.front()->due - now);
}

// --- what is shown -------------------------------------------------------------------------------

void ShapedInstance::add_flows_of(uint32_t flowset, std::vector<ShapedFlowInfo>& to) const {
  for (const auto& [flow, queue] : queues_) {
    if (queue->flowset != flowset) continue;
    to.push_back({flow, 0, queue->packets_seen, queue->octets_seen, queue->drops,
                  uint32_t(queue->packets.count()), uint32_t(queue->packets.octets())});
  }
}

ShapedFlowInfo ShapedInstance::totals() const {
  ShapedFlowInfo info = totals_;
  info.flow = flow_;
  for (const auto& [flow, queue] : queues_) {
    info.length += uint32_t(queue->packets.count());
    info.length_octets += uint32_t(queue->packets.octets());
  }
  return info;
}

}  // namespace stackyard
