#include "lab/build/lab.h"

#include "core/base/text.h"
#include "core/capture/filter.h"
#include "lab/catalog/catalog.h"
#include "lab/spec/problems.h"
#include "stack/drivers/ether.h"
#include "stack/inet/inet.h"
#include "stack/net/net_stack.h"

namespace stackyard {

namespace {

constexpr uint32_t tap_snaplen = 262144;  // whole frames: observers cut what they keep

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
      simulation_(simulation_options(spec_, options)) {
  for (size_t i = 0; i < simulation_.partition_count(); ++i) {
    locales_.push_back(std::make_unique<Locale>());
    tracers_.push_back(&locales_.back()->tracer);
    tracers_.back()->count_world_notes_in(&world_notes_);
  }
  build_nodes();
  build_links();
  simulation_.after_batch = [this] { drain(); };
  simulation_.at_barrier(SimTime(), EventKind::outside, [this] { start(); });
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

void Lab::want_decisions(bool wanted) {
  for (Tracer* tracer : tracers_) tracer->want_decisions(wanted);
}

const TableSource* Lab::tables(size_t node) const {
  const BuiltNode& built = nodes_[node];
  if (built.machine) return built.machine.get();
  return built.bridge.get();
}

// --- building ----------------------------------------------------------------------------------

void Lab::build_nodes() {
  nodes_.resize(spec_.nodes.size());
  for (size_t i = 0; i < spec_.nodes.size(); ++i) {
    const NodeSpec& spec = spec_.nodes[i];
    if (spec.is_jail()) continue;
    Node& node = simulation_.add_node(spec.name);
    BuiltNode& built = nodes_[i];
    Locale& locale = *locales_[simulation_.partition_index(node)];
    built.site = std::make_unique<Site>(simulation_, node, locale);
    switch (spec.kind) {
      case NodeKind::hub:
        built.hub = std::make_unique<Hub>(*built.site);
        break;
      case NodeKind::switch_:
        built.bridge = std::make_unique<Switch>(*built.site, spec_.settings(spec).ageing);
        break;
      default:
        build_machine(i);
        break;
    }
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
  BuiltNode& built = nodes_[index];
  for (const InterfaceSpec& interface : spec.interfaces) {
    if (interface.type != InterfaceType::nic) continue;
    built.nics.push_back({interface.name, std::make_unique<EtherNic>(*built.site, interface.name,
                                                                     mac_for(spec, interface))});
  }
  built.machine = std::make_unique<Machine>(*built.site, spec_.hostname(spec),
                                            MachineParts{modules_, commands_});
}

void Lab::build_links() {
  for (const LinkSpec& spec : spec_.links) {
    auto link = std::make_unique<Link>(simulation_, spec.name);
    for (const LinkEndSpec& end : spec.ends) {
      BuiltNode& node = nodes_[end.node];
      Jack* jack = nullptr;
      for (Nic& nic : node.nics)
        if (nic.name == end.port) jack = nic.nic.get();
      if (node.hub) jack = &node.hub->add_port();
      if (node.bridge) {
        const auto& ports = spec_.settings(spec_.nodes[end.node]).port_specs;
        const auto found = ports.find(end.port);
        SwitchPortConfig config;
        if (found != ports.end()) {
          const SwitchPortSpec& port = found->second;
          const bool trunk = port.trunk_all || !port.trunk.empty();
          config.untagged = trunk ? port.native : std::optional(port.access.value_or(1));
          for (uint16_t vlan : port.trunk) config.tagged.set(vlan);
          if (port.trunk_all) config.tagged.set();
          if (config.untagged) config.tagged.reset(*config.untagged);
        }
        jack = &node.bridge->add_port(end.port, config);
      }
      check(jack != nullptr, "every end of a link has a jack");
      link->add_end(*node.site, *jack);
    }
    link->connect(impairments_of({}));
    for (size_t e = 0; e < spec.ends.size(); ++e) {
      const Impairments is = impairments_of(spec_.impair(spec, e));
      link->set_impairments(e, is);
      if (auto* nic = dynamic_cast<EtherNic*>(&link->end(e).jack())) nic->set_rate(is.rate);
    }
    if (!spec.up) link->set_up(false);
    links_.push_back(std::move(link));
  }
}

// --- Start -------------------------------------------------------------------------------------

std::string Lab::hosts_file() const {
  std::string hosts = "127.0.0.1\tlocalhost\n";
  if (!spec_.hosts) return hosts;
  for (size_t i = 0; i < spec_.nodes.size(); ++i)
    if (const auto address = spec_.first_address(i))
      hosts += text("{}\t{}\n", to_text(*address), spec_.nodes[i].name);
  return hosts;
}

// Each step in node order, on all machines before the next.
void Lab::start() {
  const std::string hosts = hosts_file();
  const auto each = [this](auto step) {
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i].machine) (this->*step)(i);
  };
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].machine) continue;
    FileSystem& files = nodes_[i].machine->files();
    (void)files.put("/etc/hosts", hosts);
    (void)files.put("/etc/services", "echo 7/udp\ndiscard 9/udp\ndomain 53/udp\nntp 123/udp\n");
    for (const FileSpec& file : spec_.settings(spec_.nodes[i]).files)
      (void)files.put(file.path, file.content, file.mode);
  }
  each(&Lab::attach_interfaces);
  each(&Lab::configure);
  each(&Lab::configure_routes);
  each(&Lab::start_exec);
}

void Lab::attach_interfaces(size_t index) {
  BuiltNode& built = nodes_[index];
  const NodeSpec& spec = spec_.nodes[index];
  Vnet& vnet = built.machine->vnet();
  const NodeSettings& settings = spec_.settings(spec);
  if (settings.fibs != 4) (void)vnet.set_sysctl("net.fibs", text("{}", settings.fibs));
  if (spec.kind == NodeKind::router) (void)vnet.set_sysctl("net.inet.ip.forwarding", "1");
  // What the file sets itself wins over the kind.
  for (const auto* list : {&settings.tunables, &settings.sysctls})
    for (const SettingSpec& s : *list)
      (void)built.machine->set_sysctl(s.name, s.value, built.machine->base());
  NetStack& net = vnet.state<NetStack>(net_module);
  vnet.state<Inet>(inet_module).set_settled_start(spec_.settled);
  for (Nic& nic : built.nics) net.attach(std::make_unique<EtherInterface>(net, nic.name, *nic.nic));
  (void)net.create_clone("lo0");
  for (const InterfaceSpec& i : spec.interfaces)
    if (i.loopback() && i.name != "lo0") (void)net.create_clone(i.name);
  apply_taps(index);
}

void Lab::configure(size_t index) {
  const NodeSpec& spec = spec_.nodes[index];
  Vnet& vnet = nodes_[index].machine->vnet();
  const auto add = [&](const std::string& interface, Ipv4Prefix address) {
    AddAddress request;
    request.interface = interface;
    request.address = address;
    (void)vnet.request(request);
  };
  add("lo0", {{0x7f000001}, 8});
  for (const InterfaceSpec& i : spec.interfaces) {
    const LinkSpec* link = i.link >= 0 ? &spec_.links[size_t(i.link)] : nullptr;
    SetInterface set;
    set.name = i.name;
    if (const uint32_t mtu = i.mtu ? i.mtu : link ? link->mtu : 0) set.mtu = mtu;
    if (i.fib) set.fib = i.fib;
    const InterfaceMore& more = spec_.more(i);
    if (!more.description.empty()) set.description = more.description;
    set.add_groups = more.groups;
    set.up = i.up;
    (void)vnet.request(set);
    for (const AddressItem& a : i.addresses)
      if (a.kind != AddressItem::Kind::none) add(i.name, a.prefix);
    if (!i.up) {
      SetInterface down;
      down.name = i.name;
      down.up = false;
      (void)vnet.request(down);
    }
    for (const std::string& words : more.ifconfig)
      run_shell(index, text("ifconfig {} {}", i.name, words), nullptr);
  }
  vnet.state<Inet>(inet_module).set_settled_start(false);
}

void Lab::configure_routes(size_t index) {
  for (const RouteSpec& r : spec_.nodes[index].routes) {
    AddRoute request;
    request.fib = r.fib;
    request.dest = r.to;
    request.host = r.to.length == 32;
    request.mtu = r.mtu;
    request.interface = r.dev;
    request.gateway = r.gateway;
    if (r.blackhole || r.reject) {
      request.gateway = Ipv4Address{0x7f000001};
      request.flags = r.blackhole ? route_flag::blackhole : route_flag::reject;
    }
    const Result<> done = nodes_[index].machine->vnet().request(request);
    if (!done)
      nodes_[index].machine->log(
          text("route: add {}: {}", to_text(r.to), errno_text(done.error())));
  }
}

void Lab::start_exec(size_t index) {
  const std::vector<std::string>& exec = spec_.settings(spec_.nodes[index]).exec;
  if (exec.empty()) return;
  run_shell(index, join(exec, "\n") + "\n", [this, index](Bytes octets) {
    if (exec_output) exec_output(index, text_of(octets));
  });
}

Process& Lab::run_shell(size_t node, const std::string& script, SinkFile::Sink output,
                        std::function<void(int)> on_exit) {
  RunRequest request;
  request.args = {"sh", "-c", script};
  request.output = output;
  request.errors = output;
  request.on_exit = std::move(on_exit);
  return machine(node)->run(std::move(request));
}

void Lab::power_off(size_t node) { nodes_[node].machine->power_off(); }

void Lab::power_on(size_t node) {
  nodes_[node].machine->power_on();
  attach_interfaces(node);
  configure(node);
  configure_routes(node);
  start_exec(node);
}

// --- taps --------------------------------------------------------------------------------------

uint32_t Lab::tap_link(size_t link) {
  const auto [found, fresh] = link_taps_.emplace(link, next_tap_);
  if (fresh) links_[link]->set_tap(next_tap_++, tap_snaplen);
  return found->second;
}

uint32_t Lab::tap_port(size_t node, const std::string& port) {
  for (const PortTap& tap : nodes_[node].taps)
    if (tap.port == port) return tap.number;
  nodes_[node].taps.push_back({port, next_tap_});
  if (nodes_[node].bridge) nodes_[node].bridge->set_tap(port, next_tap_, tap_snaplen);
  if (nodes_[node].machine) apply_taps(node);
  return next_tap_++;
}

// Now, if the interface is there, and again after every boot.
void Lab::apply_taps(size_t node) {
  NetStack& net = nodes_[node].machine->vnet().state<NetStack>(net_module);
  for (const PortTap& tap : nodes_[node].taps)
    if (Ifnet* interface = net.find(tap.port)) interface->set_lab_tap(tap.number, tap_snaplen);
}

// --- what only a build can tell ----------------------------------------------------------------

namespace {

// A service is a command of that name that stays; which there are says the catalog.
void check_service(const ServiceSpec& service, Problems& problems) {
  std::vector<std::string> names{"dhcpd", "httpd", "inetd",  "iked",   "iperf3",
                                 "named", "natd",  "routed", "rtadvd", "syslogd"};
  for (const Command* command : machine_commands())
    if (command->name == service.name) return;
  if (std::find(names.begin(), names.end(), service.name) != names.end())
    problems.error(service.place, text("\"{}\" is not in this build yet", service.name),
                   "remove it");
  else
    problems.error(service.place, text("unknown service \"{}\"", service.name),
                   suggest(service.name, names, "services"));
}

}  // namespace

void check_against_build(const LabSpec& spec, Problems& problems) {
  Simulation simulation;
  Locale locale;
  Site site(simulation, simulation.add_node("check"), locale);
  const auto modules = stack_modules();
  const auto commands = machine_commands();
  Machine machine(site, "check", {modules, commands});
  std::vector<std::string> names;
  for (const SysctlInfo& info : machine.sysctls("", machine.base())) names.push_back(info.name);
  const auto setting = [&](const SettingSpec& s) {
    const Result<> done = machine.set_sysctl(s.name, s.value, machine.base());
    if (done) return;
    if (done.error() == Errno::enoent)
      problems.error(s.place, text("unknown sysctl \"{}\"", s.name),
                     suggest(s.name, names, "sysctls"));
    else
      problems.error(s.place, text("{}={}: {}", s.name, s.value, errno_text(done.error())));
  };
  for (const NodeSettings& settings : spec.node_settings) {
    for (const SettingSpec& s : settings.tunables) setting(s);
    for (const SettingSpec& s : settings.sysctls) setting(s);
  }
  const auto not_yet = [&](Place place, const std::string& what) {
    problems.error(place, text("\"{}\" is not in this build yet", what), "remove it");
  };
  for (const NodeSpec& node : spec.nodes) {
    if (node.is_jail()) not_yet(node.place, "jails");
    for (const InterfaceSpec& i : node.interfaces)
      if (i.type != InterfaceType::nic && !i.loopback()) not_yet(i.place, i.name);
  }
  for (const NodeSettings& settings : spec.node_settings)
    for (const ServiceSpec& service : settings.services) check_service(service, problems);
  const auto filter = [&](const std::string& expression, Place place) {
    const auto compiled = PacketFilter::compile(expression);
    if (!compiled.error.empty())
      problems.error(
          place.right(compiled.column), compiled.error,
          compiled.word.empty() ? "" : "write addresses and numbers, names are not looked up");
  };
  const auto predicate = [&](const Predicate& p) {
    if (p.kind == Predicate::Kind::packet) filter(p.filter, p.filter_place);
  };
  for (const CaptureSpec& capture : spec.captures) filter(capture.filter, capture.filter_place);
  for (const EventSpec& event : spec.events) {
    filter(event.filter, event.filter_place);
    if (event.when) predicate(event.when->predicate);
  }
  for (const CheckSpec& check : spec.checks) predicate(check.predicate);
}

}  // namespace stackyard
