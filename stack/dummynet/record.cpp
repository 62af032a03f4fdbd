// stack/dummynet/record.cpp - what sysctl(8), requests and tables see of dummynet.
#include "stack/dummynet/dummynet.h"

namespace stackyard {

namespace {

Dummynet& self(ModuleState& state) { return static_cast<Dummynet&>(state); }
const Dummynet* self(const ModuleState* state) { return static_cast<const Dummynet*>(state); }

constexpr DummynetSettings defaults;
constexpr const DummynetSettings& of(const void* s) {
  return *static_cast<const DummynetSettings*>(s);
}

template <auto Count>
std::string shown(const ModuleState* state) {
  return std::to_string(state ? Count(*self(state)) : 0);
}

constexpr SysctlRecord sysctls[] = {
    {.name = "net.inet.ip.dummynet.pipe_slot_limit",
     .summary = "Upper limit in slots for pipe queue.",
     .number = [](const void* s) -> const int64_t& { return of(s).pipe_slot_limit; },
     .least = 1,
     .most = 1'000'000},
    {.name = "net.inet.ip.dummynet.pipe_byte_limit",
     .summary = "Upper limit in bytes for pipe queue.",
     .number = [](const void* s) -> const int64_t& { return of(s).pipe_byte_limit; },
     .least = 1500},
    {.name = "net.inet.ip.dummynet.io_pkt",
     .summary = "Number of packets passed to dummynet.",
     .show = shown<[](const Dummynet& d) { return d.counts().packets; }>},
    {.name = "net.inet.ip.dummynet.io_pkt_drop",
     .summary = "Number of packets dropped by dummynet.",
     .show = shown<[](const Dummynet& d) { return d.counts().drops; }>},
    {.name = "net.inet.ip.dummynet.schk_count",
     .summary = "Number of schedulers",
     .show = shown<[](const Dummynet& d) { return d.schedulers(); }>},
    {.name = "net.inet.ip.dummynet.si_count",
     .summary = "Number of scheduler instances",
     .show = shown<[](const Dummynet& d) { return d.instances(); }>},
    {.name = "net.inet.ip.dummynet.fsk_count",
     .summary = "Number of flowsets",
     .show = shown<[](const Dummynet& d) { return d.flowsets(); }>},
    {.name = "net.inet.ip.dummynet.queue_count",
     .summary = "Number of queues",
     .show = shown<[](const Dummynet& d) { return d.queues(); }>},
};

constexpr RequestRecord requests[] = {
    {&ConfigureDummynet::kind_of,
     [](ModuleState& m, Request& r) {
       return self(m).configure(static_cast<const ConfigureDummynet&>(r));
     }},
    {&DeleteDummynet::kind_of,
     [](ModuleState& m, Request& r) {
       return self(m).remove(static_cast<const DeleteDummynet&>(r));
     }},
    {&ListDummynet::kind_of,
     [](ModuleState& m, Request& r) -> Result<> {
       self(m).list(static_cast<ListDummynet&>(r));
       return {};
     }},
};

ShapedFlowInfo sum_of(const std::vector<ShapedFlowInfo>& flows) {
  ShapedFlowInfo sum;
  for (const ShapedFlowInfo& each : flows) {
    sum.packets += each.packets;
    sum.octets += each.octets;
    sum.drops += each.drops;
    sum.length += each.length;
    sum.length_octets += each.length_octets;
  }
  return sum;
}

Table pipes(const ModuleState* state) {
  Table table{{{"pipe", "Pipe", ColumnType::number},
               {"bandwidth", "Bandwidth", ColumnType::number},
               {"delay", "Delay", ColumnType::duration},
               {"type", "Scheduler"},
               {"instances", "Active", ColumnType::number},
               {"packets", "Packets", ColumnType::number},
               {"octets", "Bytes", ColumnType::number},
               {"drops", "Drops", ColumnType::number},
               {"backlog", "Backlog", ColumnType::number},
               {"backlog_octets", "Backlog bytes", ColumnType::number}},
              {}};
  if (!state) return table;
  for (const ShapedKind kind : {ShapedKind::pipe, ShapedKind::scheduler}) {
    ListDummynet request;
    request.what = kind;
    self(state)->list(request);
    for (const PipeInfo& pipe : request.pipes) {
      const ShapedFlowInfo sum = sum_of(pipe.scheduler.active);
      table.rows.push_back({int64_t(pipe.number), int64_t(pipe.config.bandwidth),
                            int64_t(pipe.config.delay_ms) * 1'000'000, pipe.scheduler.config.type,
                            int64_t(pipe.scheduler.active.size()), int64_t(sum.packets),
                            int64_t(sum.octets), int64_t(sum.drops), int64_t(sum.length),
                            int64_t(sum.length_octets)});
    }
  }
  return table;
}

Table queues(const ModuleState* state) {
  Table table{{{"queue", "Queue", ColumnType::number},
               {"scheduler", "Scheduler", ColumnType::number},
               {"weight", "Weight", ColumnType::number},
               {"flows", "Flows", ColumnType::number},
               {"packets", "Packets", ColumnType::number},
               {"octets", "Bytes", ColumnType::number},
               {"drops", "Drops", ColumnType::number},
               {"backlog", "Backlog", ColumnType::number}},
              {}};
  if (!state) return table;
  ListDummynet request;
  request.what = ShapedKind::queue;
  self(state)->list(request);
  for (const FlowsetInfo& queue : request.flowsets) {
    const ShapedFlowInfo sum = sum_of(queue.flows);
    table.rows.push_back({int64_t(queue.number), int64_t(queue.config.scheduler),
                          int64_t(queue.config.weight.value_or(1)), int64_t(queue.flows.size()),
                          int64_t(sum.packets), int64_t(sum.octets), int64_t(sum.drops),
                          int64_t(sum.length)});
  }
  return table;
}

constexpr TableRecord tables[] = {{"pipes", pipes}, {"queues", queues}};

}  // namespace

constexpr ModuleRecord dummynet_module{.name = "dummynet",
                                       .summary = "traffic shaper",
                                       .needs = {"net", "ip"},
                                       .create = [](Vnet& v) -> std::unique_ptr<ModuleState> {
                                         return std::make_unique<Dummynet>(v, defaults);
                                       },
                                       .settings = &defaults,
                                       .sysctls = sysctls,
                                       .tables = tables,
                                       .requests = requests};

}  // namespace stackyard
