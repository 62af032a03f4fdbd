#include "stack/dummynet/dummynet.h"

#include <algorithm>

#include "stack/kern/jail.h"

namespace stackyard {

namespace {

constexpr uint32_t delay_most_ms = 10'000;
constexpr uint32_t flows_most = 65'536, limit_most = 20'480;

bool has_own_queues(const std::string& type) { return type == "FQ_CODEL" || type == "FQ_PIE"; }
// Its packets share one queue, the scheduler's own.
bool is_single(const std::string& type) { return type == "FIFO" || has_own_queues(type); }

std::array<uint8_t, 16> octets_of(const IpAddress& address) {
  std::array<uint8_t, 16> octets{};
  if (address.is_v4())
    store(be32(address.v4().value), octets);
  else
    octets = address.v6().octets;
  return octets;
}

ShapedFlow shaped_flow(const ShaperHook::Order& order) {
  const FlowEnds& ends = order.flow;
  ShapedFlow flow;
  flow.family = ends.source.is_v4() ? 4 : 6;
  flow.protocol = ends.protocol;
  flow.source_port = ends.source_port;
  flow.dest_port = ends.dest_port;
  flow.flow_label = ends.flow_label;
  flow.flowset = order.number;
  flow.source = octets_of(ends.source);
  flow.dest = octets_of(ends.dest);
  return flow;
}

}  // namespace

bool ShapedMask::is_none() const {
  ShapedMask none;
  none.for_v6 = for_v6;
  return *this == none;
}

ShapedFlow ShapedMask::apply(const ShapedFlow& flow) const {
  ShapedFlow masked;
  masked.family = flow.family;
  masked.protocol = flow.protocol & protocol;
  masked.source_port = flow.source_port & source_port;
  masked.dest_port = flow.dest_port & dest_port;
  if (queue) masked.flowset = flow.flowset;
  if (flow.family == 6) {
    masked.flow_label = flow.flow_label & flow_label;
    for (size_t i = 0; i < 16; ++i) {
      masked.source[i] = flow.source[i] & source6[i];
      masked.dest[i] = flow.dest[i] & dest6[i];
    }
  } else {
    store(be32(load<be32>(flow.source) & source4), masked.source);
    store(be32(load<be32>(flow.dest) & dest4), masked.dest);
  }
  // Where addresses do not count, families do not either.
  if (masked.source == decltype(masked.source){} && masked.dest == decltype(masked.dest){})
    masked.family = 4;
  return masked;
}

Dummynet::Dummynet(Vnet& vnet, const DummynetSettings& defaults)
    : StateWithSettings(defaults), ip_(vnet.state<IpStack>(ip_module)), net_(ip_.net()) {
  ip_.services.shaper = this;
}

Dummynet::~Dummynet() { ip_.services.shaper = nullptr; }

RandomStream Dummynet::random_stream() {
  return RandomStream(net_.vnet().random("dummynet").next(), streams_++, "dummynet");
}

uint64_t Dummynet::rate_of(const std::string& device) const {
  const Ifnet* interface = net_.find(device);
  return interface ? interface->rate() : 0;
}

// --- packets -------------------------------------------------------------------------------------

void Dummynet::drop(HeldPacket* held, const DropReason& why) {
  ++counts_.drops;
  site().note_drop(held->packet.id(), why, net_.vnet().jail().name());
  pool_.give_back(held);
}

void Dummynet::give_back(HeldPacket* held) {
  Packet packet = std::move(held->packet);
  const Resume resume = held->resume;
  pool_.give_back(held);
  net_.hooks().resume(std::move(packet), resume);
}

HookVerdict Dummynet::shape(Packet packet, const Order& order) {
  const uint32_t number = order.number;
  ++counts_.packets;
  HeldPacket* held = pool_.make();
  held->packet = std::move(packet);
  held->resume = order.resume;
  held->flow = shaped_flow(order);

  const Flowset* flowset = nullptr;
  Scheduler* scheduler = nullptr;
  if (!order.queue) {
    const auto found = schedulers_.find(number + dummynet_numbers);
    if (found != schedulers_.end()) scheduler = &found->second, flowset = &scheduler->own;
  } else if (const auto found = flowsets_.find(number); found != flowsets_.end()) {
    flowset = &found->second;
    const auto its = schedulers_.find(flowset->config.scheduler);
    if (its != schedulers_.end()) scheduler = &its->second;
  }
  if (!scheduler) {
    drop(held, drops::dummynet_no_queue);
    return HookVerdict::took(Errno::enobufs);
  }
  const Flowset& queued_as = is_single(scheduler->config.type) ? scheduler->own : *flowset;
  const bool noerror = queued_as.config.noerror;
  const bool queued = instance(*scheduler, held->flow).enqueue(held, queued_as);
  return HookVerdict::took(queued || noerror ? Errno::ok : Errno::enobufs);
}

ShapedInstance& Dummynet::instance(Scheduler& scheduler, const ShapedFlow& flow) {
  const ShapedFlow key = scheduler.config.mask.apply(flow);
  const auto found = scheduler.instances.find(key);
  if (found != scheduler.instances.end()) return *found->second;
  if (scheduler.instances.size() >= scheduler.sweep_at) {
    const SimTime since = site().now() - SimTime(1'000'000'000);
    std::erase_if(scheduler.instances,
                  [&](const auto& entry) { return entry.second->idle(since); });
    scheduler.sweep_at = std::max<size_t>(64, scheduler.instances.size() * 2);
  }
  auto& made = scheduler.instances[key];
  made = std::make_unique<ShapedInstance>(*this, scheduler, key);
  return *made;
}

// --- configuration -------------------------------------------------------------------------------

Scheduler& Dummynet::scheduler(uint32_t number, std::string_view type) {
  const auto [found, is_new] = schedulers_.try_emplace(number);
  Scheduler& scheduler = found->second;
  if (!is_new) return scheduler;
  scheduler.number = number;
  scheduler.config.type = type;
  scheduler.own.number = number + dummynet_numbers;
  scheduler.own.config.scheduler = number;
  return scheduler;
}

void Dummynet::set_link(Scheduler& scheduler, const PipeConfig& link) {
  scheduler.link = link;
  scheduler.has_link = true;
  if (link.profile && link.profile->bandwidth != 0)
    scheduler.link.bandwidth = link.profile->bandwidth;
  for (const auto& [flow, instance] : scheduler.instances) instance->link_changed();
}

void Dummynet::set_config(Scheduler& scheduler, const SchedulerConfig& config) {
  SchedulerConfig now = config;
  now.type = config.type.empty() ? scheduler.config.type : discipline_name(config.type);
  // Packets under way stay under way unless their order or their queues change.
  const bool same = now.type == scheduler.config.type && now.mask == scheduler.config.mask;
  scheduler.config = now;
  if (!same || has_own_queues(now.type)) scheduler.instances.clear();
}

Result<> Dummynet::set_flowset(Flowset& flowset, const FlowsetConfig& config) {
  const int64_t limit =
      config.size_in_octets ? settings().pipe_byte_limit : settings().pipe_slot_limit;
  if (int64_t(config.queue_size) > limit) return Errno::einval;
  const bool red = config.aqm.kind == AqmKind::red || config.aqm.kind == AqmKind::gred;
  if (red && config.aqm.red.min_th >= config.aqm.red.max_th) return Errno::einval;
  const FlowsetConfig before = flowset.config;
  flowset.config = config;
  if (config.scheduler == 0) flowset.config.scheduler = before.scheduler;
  if (!config.weight) flowset.config.weight = before.weight;
  if (!config.lmax) flowset.config.lmax = before.lmax;
  if (!config.priority) flowset.config.priority = before.priority;
  const bool moved = before.scheduler != flowset.config.scheduler || before.mask != config.mask;
  const auto found = schedulers_.find(before.scheduler);
  if (found == schedulers_.end()) return {};
  for (const auto& [flow, instance] : found->second.instances)
    instance->flowset_changed(flowset.number, moved ? nullptr : &flowset);
  return {};
}

Result<> Dummynet::configure(const ConfigureDummynet& request) {
  if (request.number == 0 || request.number >= dummynet_numbers) return Errno::einval;
  switch (request.what) {
    case ShapedKind::pipe:
      return configure_pipe(request);
    case ShapedKind::queue:
      return configure_queue(request);
    case ShapedKind::scheduler:
      return configure_scheduler(request);
  }
  return Errno::einval;
}

Result<> Dummynet::configure_pipe(const ConfigureDummynet& request) {
  if (request.pipe.delay_ms > delay_most_ms) return Errno::einval;
  Scheduler& fifo = scheduler(request.number + dummynet_numbers, "FIFO");
  FlowsetConfig own = request.flowset;
  own.scheduler = fifo.number;
  TRY(set_flowset(fifo.own, own));
  Scheduler& queues = scheduler(request.number, "WF2Q+");
  for (Scheduler* each : {&fifo, &queues}) {
    set_link(*each, request.pipe);
    SchedulerConfig config = each->config;
    config.type.clear();
    config.mask = request.scheduler.mask;
    config.buckets = request.scheduler.buckets;
    set_config(*each, config);
  }
  return {};
}

Result<> Dummynet::configure_queue(const ConfigureDummynet& request) {
  const auto found = flowsets_.find(request.number);
  const bool is_new = found == flowsets_.end();
  if (is_new && request.flowset.scheduler == 0) return Errno::einval;
  if (request.flowset.scheduler >= dummynet_numbers) return Errno::einval;
  Flowset& flowset = is_new ? flowsets_[request.number] : found->second;
  flowset.number = request.number;
  const Result<> set = set_flowset(flowset, request.flowset);
  if (!set && is_new) flowsets_.erase(request.number);
  return set;
}

Result<> Dummynet::configure_scheduler(const ConfigureDummynet& request) {
  const SchedulerConfig& config = request.scheduler;
  if (!config.type.empty() && discipline_name(config.type).empty()) return Errno::einval;
  const bool sane = config.flows >= 1 && config.flows <= flows_most && config.quantum >= 1 &&
                    config.quantum <= 9000 && config.limit >= 1 && config.limit <= limit_most;
  if (!sane) return Errno::einval;
  Scheduler& its = scheduler(request.number, "WF2Q+");
  FlowsetConfig own = request.flowset;
  own.scheduler = its.number;
  TRY(set_flowset(its.own, own));
  set_config(its, config);
  return {};
}

Result<> Dummynet::remove(const DeleteDummynet& request) {
  if (request.everything) {
    schedulers_.clear();
    flowsets_.clear();
    return {};
  }
  if (request.what == ShapedKind::queue) {
    const auto found = flowsets_.find(request.number);
    if (found == flowsets_.end()) return Errno::einval;
    const auto its = schedulers_.find(found->second.config.scheduler);
    if (its != schedulers_.end())
      for (const auto& [flow, instance] : its->second.instances)
        instance->flowset_changed(request.number, nullptr);
    flowsets_.erase(found);
    return {};
  }
  if (!schedulers_.contains(request.number)) return Errno::einval;
  schedulers_.erase(request.number);
  if (request.what == ShapedKind::pipe) schedulers_.erase(request.number + dummynet_numbers);
  return {};
}

// --- what is shown -------------------------------------------------------------------------------

size_t Dummynet::queues() const {
  size_t count = 0;
  for (const auto& [number, flowset] : flowsets_) count += info(flowset).flows.size();
  return count;
}

size_t Dummynet::instances() const {
  size_t count = 0;
  for (const auto& [number, scheduler] : schedulers_) count += scheduler.instances.size();
  return count;
}

FlowsetInfo Dummynet::info(const Flowset& flowset) const {
  FlowsetInfo info{flowset.number, flowset.config, {}};
  const auto its = schedulers_.find(flowset.config.scheduler);
  if (its == schedulers_.end()) return info;
  for (const auto& [flow, instance] : its->second.instances)
    instance->add_flows_of(flowset.number, info.flows);
  std::ranges::sort(info.flows, {}, &ShapedFlowInfo::flow);
  return info;
}

SchedulerInfo Dummynet::info(const Scheduler& scheduler) const {
  SchedulerInfo info{scheduler.number, scheduler.config, {}, {}, {}};
  if (is_single(scheduler.config.type)) info.own = this->info(scheduler.own);
  for (const auto& [flow, instance] : scheduler.instances)
    info.active.push_back(instance->totals());
  std::ranges::sort(info.active, {}, &ShapedFlowInfo::flow);
  for (const auto& [number, flowset] : flowsets_)
    if (flowset.config.scheduler == scheduler.number) info.children.push_back(number);
  return info;
}

void Dummynet::list(ListDummynet& request) const {
  if (request.what == ShapedKind::queue) {
    for (const auto& [number, flowset] : flowsets_) request.flowsets.push_back(info(flowset));
    return;
  }
  const bool pipes = request.what == ShapedKind::pipe;
  for (const auto& [number, scheduler] : schedulers_)
    if ((number > dummynet_numbers) == pipes)
      request.pipes.push_back({number % dummynet_numbers, scheduler.link, info(scheduler)});
}

}  // namespace stackyard
