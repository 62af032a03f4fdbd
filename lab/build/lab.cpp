#include "lab/build/lab.h"

#include <algorithm>

#include "core/base/text.h"
#include "lab/catalog/catalog.h"

namespace stackyard {

namespace {

// What the commands of a jail would show of it.
class JailTables final : public TableSource {
 public:
  JailTables(Lab& lab, size_t node) : lab_(lab), node_(node) {}
  std::vector<std::string> table_names() const override {
    return lab_.machine(node_)->table_names();
  }
  Table table(std::string_view name) const override {
    const Jail* jail = lab_.jail(node_);
    return jail ? lab_.machine(node_)->table(name, *jail) : Table{};
  }

 private:
  Lab& lab_;
  size_t node_;
};

SimulationOptions simulation_options(const LabSpec& spec, const LabOptions& options) {
  return {.seed = options.seed.value_or(spec.seed),
          .partitions = options.partitions,
          .shuffle_seed = options.shuffle_seed};
}
}  // namespace

Impairments impairments_of(const ImpairSpec& spec) {
  Impairments is;
  is.delay = spec.delay.value_or(is.delay);
  is.jitter = spec.jitter.value_or(is.jitter);
  is.loss = spec.loss.value_or(0);
  is.corrupt = spec.corrupt.value_or(0);
  is.duplicate = spec.duplicate.value_or(0);
  is.reorder = spec.reorder.value_or(0);
  is.rate = spec.rate.value_or(is.rate);
  if (spec.queue) is.queue = {spec.queue->first, spec.queue->second};
  return is;
}

Lab::Lab(LabSpec spec, LabOptions options)
    : spec_(std::move(spec)),
      modules_(stack_modules()),
      commands_(machine_commands()),
      simulation_(simulation_options(spec_, options)),
      first_pid_(options.first_pid) {
  for (size_t i = 0; i < simulation_.partition_count(); ++i) {
    locales_.push_back(std::make_unique<Locale>());
    tracers_.push_back(&locales_.back()->tracer);
    tracers_.back()->count_world_notes_in(&world_notes_);
  }
  nodes_.resize(spec_.nodes.size());
  for (size_t i = 0; i < nodes_.size(); ++i) build_node(i);
  for (const LinkSpec& link : spec_.links) build_link(link);
  simulation_.after_batch = [this] { drain(); };
  simulation_.at_barrier(SimTime(), EventKind::outside, [this] { start_nodes(0); });
}

Lab::~Lab() {
  simulation_.after_batch = nullptr;
  // Events hold packets of the locales' pools; machines and links hold timers of the simulation.
  for (BuiltNode& node : nodes_) node.machine.reset();
  links_.clear();
  nodes_.clear();
  simulation_.discard_events();
  for (const auto& locale : locales_)
    check(locale->packets.packets_in_use() == 0, "no packet outlives its lab");
}

void Lab::drain() { Tracer::drain(tracers_, observers_); }

void Lab::want_connections(bool wanted) {
  for (Tracer* tracer : tracers_) tracer->want_connections(wanted);
}

void Lab::want_decisions(bool wanted) {
  for (Tracer* tracer : tracers_) tracer->want_decisions(wanted);
}

const TableSource* Lab::tables(size_t node) const {
  const BuiltNode& built = nodes_[node];
  if (built.tables) return built.tables.get();
  if (built.machine) return built.machine.get();
  return built.bridge.get();
}

// --- building ----------------------------------------------------------------------------------

void Lab::build_node(size_t index) {
  const NodeSpec& spec = spec_.nodes[index];
  BuiltNode& built = nodes_[index];
  if (spec.is_jail()) {
    build_nics(index);
    built.tables = std::make_unique<JailTables>(*this, index);
    return;
  }
  Node& node = simulation_.add_node(spec.name);
  Locale& locale = *locales_[simulation_.partition_index(node)];
  built.site = std::make_unique<Site>(simulation_, node, locale);
  switch (spec.kind) {
    case NodeKind::hub:
      built.hub = std::make_unique<Hub>(*built.site);
      break;
    case NodeKind::door:
      built.door = std::make_unique<Door>(*built.site);
      break;
    case NodeKind::switch_:
      built.bridge = std::make_unique<Switch>(*built.site, spec_.settings(spec).ageing,
                                              Snooping(spec_.settings(spec).snooping));
      if (const StpSpec stp = spec_.settings(spec).stp; stp != StpSpec::off)
        built.bridge->start_spanning_tree(
            {.priority = spec_.settings(spec).priority,
             .version = stp == StpSpec::rstp ? StpVersion::rstp : StpVersion::stp});
      break;
    default:
      build_machine(index);
      break;
  }
}

// From a hash of lab name, seed and path; locally administered; the next free one on a clash.
MacAddress Lab::mac_for(const NodeSpec& node, const InterfaceSpec& interface) {
  if (const auto& mac = spec_.more(interface).mac) return *mac;
  uint64_t hash = mix(
      hash_text(text("{}/{}/{}:{}", spec_.name, simulation_.seed(), node.name, interface.name)));
  while (!macs_.insert(hash & 0xffffffffff).second) ++hash;
  MacAddress mac{{0x02, 0, 0, 0, 0, 0}};
  for (size_t i = 1; i < 6; ++i) mac.octets[i] = uint8_t(hash >> (8 * (5 - i)));
  return mac;
}

void Lab::build_machine(size_t index) {
  const NodeSpec& spec = spec_.nodes[index];
  build_nics(index);
  nodes_[index].machine = std::make_unique<Machine>(site_of(index), spec_.hostname(spec),
                                                    MachineParts{modules_, commands_});
  nodes_[index].machine->set_first_pid(first_pid_);
}

// Hardware is the machine's, also where a jail has the interface. Those that are there stay.
void Lab::build_nics(size_t index) {
  const NodeSpec& spec = spec_.nodes[index];
  for (const InterfaceSpec& interface : spec.interfaces) {
    const auto there = [&](const Nic& nic) { return nic.name == interface.name; };
    const std::vector<Nic>& nics = nodes_[index].nics;
    if (interface.type != InterfaceType::nic || std::any_of(nics.begin(), nics.end(), there))
      continue;
    nodes_[index].nics.push_back(
        {interface.name,
         std::make_unique<EtherNic>(site_of(index), interface.name, mac_for(spec, interface))});
  }
}

Jack& Lab::jack_for(const LinkSpec& link, size_t index) {
  const LinkEndSpec& end = link.ends[index];
  BuiltNode& node = nodes_[end.node];
  if (node.hub) return node.hub->add_port();
  if (node.door) return *node.door;
  for (Nic& nic : node.nics)
    if (nic.name == end.port) return *nic.nic;
  check(node.bridge != nullptr, "every end of a link has a jack");
  const auto& ports = spec_.settings(spec_.nodes[end.node]).port_specs;
  const auto found = ports.find(end.port);
  SwitchPortConfig config;
  config.stp.path_cost = stp_path_cost(impairments_of(spec_.impair(link, index)).rate);
  // Where several may answer, none is asked to agree.
  config.stp.point_to_point = link.ends.size() == 2 && !nodes_[link.ends[1 - index].node].hub;
  if (found != ports.end()) {
    const SwitchPortSpec& port = found->second;
    config.stp.edge = port.edge;
    config.stp.priority = port.priority;
    if (port.cost) config.stp.path_cost = *port.cost;
    const bool trunk = port.trunk_all || !port.trunk.empty();
    config.untagged = trunk ? port.native : std::optional(port.access.value_or(1));
    SwitchPortConfig::Vlans tagged;
    for (uint16_t vlan : port.trunk) tagged.set(vlan);
    if (port.trunk_all) tagged.set();
    if (config.untagged) tagged.reset(*config.untagged);
    if (tagged.any()) config.tagged = std::make_unique<SwitchPortConfig::Vlans>(tagged);
  }
  return node.bridge->add_port(end.port, std::move(config));
}

void Lab::build_link(const LinkSpec& spec) {
  auto link = std::make_unique<Link>(simulation_, spec.name);
  for (size_t e = 0; e < spec.ends.size(); ++e)
    link->add_end(site_of(spec.ends[e].node), jack_for(spec, e));
  link->connect(impairments_of({}));
  for (size_t e = 0; e < spec.ends.size(); ++e) {
    const Impairments is = impairments_of(spec_.impair(spec, e));
    link->set_impairments(e, is);
    if (auto* nic = dynamic_cast<EtherNic*>(&link->end(e).jack())) nic->set_rate(is.rate);
  }
  if (!spec.up) link->set_up(false);
  links_.push_back(std::move(link));
}

// --- taps --------------------------------------------------------------------------------------

Lab::LinkTap& Lab::link_tap(size_t link) {
  const auto [found, fresh] = link_taps_.try_emplace(link, LinkTap{next_tap_, false});
  next_tap_ += fresh;
  return found->second;
}

uint32_t Lab::tap_link(size_t link) {
  LinkTap& tap = link_tap(link);
  tap.always = true;
  links_[link]->set_tap(tap.number, tap_snaplen);
  return tap.number;
}

void Lab::watch_link(size_t link, bool watched) {
  const LinkTap& tap = link_tap(link);
  links_[link]->set_tap(tap.number, watched || tap.always ? tap_snaplen : 0);
}

uint64_t Lab::frames_passed(size_t link) const {
  uint64_t frames = 0;
  for (size_t e = 0; e < spec_.links[link].ends.size(); ++e)
    frames += links_[link]->end(e).counters().frames;
  return frames;
}

uint32_t Lab::tap_port(size_t node, const std::string& port) {
  for (const PortTap& tap : nodes_[node].taps)
    if (tap.port == port) return tap.number;
  nodes_[node].taps.push_back({port, next_tap_});
  if (nodes_[node].bridge) nodes_[node].bridge->set_tap(port, next_tap_, tap_snaplen);
  if (spec_.nodes[node].runs_programs()) apply_taps(node);
  return next_tap_++;
}

std::vector<uint32_t> Lab::taps(const Tap& where) {
  if (where.kind == Tap::Kind::link) return {tap_link(where.index)};
  if (where.kind != Tap::Kind::node) return {tap_port(where.index, where.port)};
  std::vector<uint32_t> all;
  const NodeSpec& node = spec_.nodes[where.index];
  for (const InterfaceSpec& i : node.interfaces) all.push_back(tap_port(where.index, i.name));
  for (const std::string& port : node.ports) all.push_back(tap_port(where.index, port));
  return all;
}

}  // namespace stackyard
