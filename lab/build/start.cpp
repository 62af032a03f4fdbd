// lab/build/start.cpp - Start (lab format, section 3): what a lab file says about its machines and
// jails is done to them, step by step.
#include <algorithm>

#include "core/base/text.h"
#include "lab/build/lab.h"
#include "stack/inet/inet.h"
#include "stack/inet6/inet6.h"
#include "stack/net/net_stack.h"

namespace stackyard {

namespace {

// "tenant.inner": how the machine calls the jail "srv/tenant/inner".
std::string jail_name(const NodeSpec& node) {
  std::string name = node.name.substr(node.name.find('/') + 1);
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

RouteChange change_of(const Jail& jail, const RouteSpec& r) {
  RouteChange change{.fib = r.fib, .dest = r.to, .flags = route_flag::static_};
  if (r.mtu) change.mtu = r.mtu;
  if (r.weight) change.weight = r.weight;
  if (r.gateway) change.gateway = *r.gateway;
  if (!r.dev.empty()) change.gateway_link = jail.vnet().state<NetStack>(net_module).find(r.dev);
  if (r.blackhole || r.reject) {
    change.gateway = r.to.address.is_v6() ? IpAddress(Ipv6Address::loopback())
                                          : IpAddress(Ipv4Address{0x7f000001});
    change.flags |= r.blackhole ? route_flag::blackhole : route_flag::reject;
  }
  return change;
}

}  // namespace

std::string Lab::hosts_file() const {
  std::string hosts = "::1\tlocalhost\n127.0.0.1\tlocalhost\n";
  if (!spec_.hosts) return hosts;
  for (size_t i = 0; i < spec_.nodes.size(); ++i) {
    if (const auto address = spec_.first_address(i))
      hosts += text("{}\t{}\n", to_text(*address), spec_.nodes[i].host_name());
    if (const auto address = spec_.first_address6(i))
      hosts += text("{}\t{}\n", to_text(*address), spec_.nodes[i].host_name());
  }
  return hosts;
}

std::shared_ptr<const BaseFiles> Lab::base_files() const {
  BaseFiles files;
  const auto add = [&](const char* path, std::string content) {
    files.push_back({path, std::make_shared<const std::string>(std::move(content))});
  };
  add("/etc/hosts", hosts_file());
  add("/etc/services", "echo 7/udp\ndiscard 9/udp\ndomain 53/udp\nntp 123/udp\n");
  return std::make_shared<const BaseFiles>(std::move(files));
}

// Each step in node order, on all machines before the next.
void Lab::start_nodes(size_t first) {
  for (const Step step : {&Lab::put_files, &Lab::create_jail, &Lab::set_tunables, &Lab::set_sysctls,
                          &Lab::attach_interfaces, &Lab::configure, &Lab::configure_routes,
                          &Lab::start_services, &Lab::start_exec})
    for (size_t i = first; i < nodes_.size(); ++i)
      if (spec_.nodes[i].runs_programs()) (this->*step)(i);
}

void Lab::power_on(size_t node) {
  nodes_[node].machine->power_on();
  const size_t behind = spec_.behind(node);
  for (const Step step :
       {&Lab::create_jail, &Lab::set_tunables, &Lab::set_sysctls, &Lab::attach_interfaces,
        &Lab::configure, &Lab::configure_routes, &Lab::start_services, &Lab::start_exec})
    for (size_t i = node; i < behind; ++i) (this->*step)(i);
}

// --- files and jails ---------------------------------------------------------------------------

// What a jail's files begin with, as the machine sees them.
std::string Lab::root_of(size_t index) const {
  const NodeSpec& spec = spec_.nodes[index];
  if (!spec.is_jail()) return "";
  std::string root = root_of(size_t(spec.parent));
  for (const SettingSpec& param : spec_.settings(spec).params)
    if (param.name == "path") root += FileSystem::resolve("/", param.value);
  return root == "/" ? "" : root;
}

void Lab::put_files(size_t index) {
  FileSystem& files = machine(index)->files();
  const std::string root = root_of(index);
  const bool own_root =
      !spec_.nodes[index].is_jail() || root != root_of(size_t(spec_.nodes[index].parent));
  if (own_root) {
    if (!base_files_) base_files_ = base_files();
    if (root.empty())
      files.set_base(base_files_);
    else
      for (const BaseFile& file : *base_files_) (void)files.put(root + file.path, *file.content);
  }
  for (const FileSpec& file : spec_.settings(spec_.nodes[index]).files)
    (void)files.put(root + file.path, file.content, file.mode);
}

void Lab::create_jail(size_t index) {
  const NodeSpec& spec = spec_.nodes[index];
  // Stacks of its jails begin with what its loader has set, as on FreeBSD.
  if (!spec.is_jail())
    for (const SettingSpec& s : spec_.settings(spec).tunables)
      machine(index)->set_tunable(s.name, s.value);
  if (!spec.is_jail()) return;
  JailParams params{{"name", jail_name(spec)},
                    {"host.hostname", spec_.hostname(spec)},
                    {"vnet", spec.vnet ? "new" : "inherit"},
                    {"persist", "true"},
                    {"children.max", text("{}", spec_.behind(index) - index - 1)}};
  // What the file says itself comes later, and wins.
  for (const SettingSpec& param : spec_.settings(spec).params)
    params.emplace_back(param.name, param.value);
  std::string message;
  const auto jail =
      machine(index)->set_jail(params, jail_flag::create, machine(index)->base(), message);
  if (jail)
    nodes_[index].jail = (*jail)->id();
  else
    machine(index)->log(text("jail: {}: {}", spec.name,
                             message.empty() ? std::string(errno_text(jail.error())) : message));
}

Jail* Lab::jail(size_t index) {
  const NodeSpec& spec = spec_.nodes[index];
  Machine* machine = this->machine(index);
  if (!machine || !machine->powered()) return nullptr;
  if (!spec.is_jail()) return &machine->base();
  // Commands may have removed it, and made another of its name.
  const std::string name = jail_name(spec);
  Jail* jail = machine->find_jail(text("{}", nodes_[index].jail), machine->base());
  if (jail && jail->name_seen_by(machine->base()) == name) return jail;
  jail = machine->find_jail(name, machine->base());
  if (jail) nodes_[index].jail = jail->id();
  return jail;
}

// --- settings ----------------------------------------------------------------------------------

void Lab::set_tunables(size_t index) {
  const NodeSpec& spec = spec_.nodes[index];
  Jail* jail = this->jail(index);
  if (!jail || !spec.vnet) return;
  const NodeSettings& settings = spec_.settings(spec);
  if (settings.fibs != 4) (void)jail->vnet().set_sysctl("net.fibs", text("{}", settings.fibs));
  for (const SettingSpec& s : settings.tunables)
    (void)machine(index)->set_sysctl(s.name, s.value, *jail);
}

void Lab::set_sysctls(size_t index) {
  const NodeSpec& spec = spec_.nodes[index];
  Jail* jail = this->jail(index);
  if (!jail || !spec.vnet) return;
  // What the file sets itself wins over the kind.
  if (spec.kind == NodeKind::router) {
    (void)jail->vnet().set_sysctl("net.inet.ip.forwarding", "1");
    (void)jail->vnet().set_sysctl("net.inet6.ip6.forwarding", "1");
  }
  for (const SettingSpec& s : spec_.settings(spec).sysctls)
    (void)machine(index)->set_sysctl(s.name, s.value, *jail);
}

// --- routes -------------------------------------------------------------------------------------

void Lab::configure_routes(size_t index) {
  Jail* jail = this->jail(index);
  if (!jail) return;
  for (const RouteSpec& r : spec_.nodes[index].routes) {
    RouteFamily* family =
        jail->vnet().state<NetStack>(net_module).route_family(r.to.address.family());
    const Result<RouteView> done =
        family ? family->add_route(change_of(*jail, r)) : Result<RouteView>(Errno::eafnosupport);
    if (!done)
      machine(index)->log(text("route: add {}: {}", to_text(r.to), errno_text(done.error())));
  }
}

// --- programs ----------------------------------------------------------------------------------

namespace {

// What starts a service in the background, by its options and flags.
std::string command_of(const ServiceSpec& service) {
  std::string words = service.name;
  if (service.name == "iperf3") words += " -s -D";
  // The folder of the lab file's specification, not the program's own.
  std::string root = service.name == "httpd" ? " -d /var/www" : "";
  for (const auto& [name, value] : service.options) {
    if (name == "port") words += " -p " + value;
    if (name == "root") root = " -d '" + value + "'";
  }
  return words + root + " " + service.flags + "\n";
}

}  // namespace

void Lab::start_services(size_t index) {
  std::string script;
  // As rc.d/netif does for ifconfig_IF_ipv6="inet6 accept_rtadv".
  for (const InterfaceSpec& i : spec_.nodes[index].interfaces)
    for (const AddressItem& a : i.addresses)
      if (a.kind == AddressItem::Kind::slaac) script += text("rtsol {} &\n", i.name);
  for (const ServiceSpec& service : spec_.settings(spec_.nodes[index]).services)
    script += command_of(service);
  run_own(index, script);
}

void Lab::start_exec(size_t index) {
  const std::vector<std::string>& exec = spec_.settings(spec_.nodes[index]).exec;
  if (!exec.empty()) run_own(index, join(exec, "\n") + "\n");
}

void Lab::run_own(size_t index, const std::string& script) {
  if (script.empty()) return;
  run_shell(index, script, [this, index](Bytes octets) {
    if (exec_output) exec_output(index, text_of(octets));
  });
}

Process& Lab::run_shell(size_t node, const std::string& script, SinkFile::Sink output,
                        std::function<void(int)> on_exit) {
  RunRequest request;
  request.args = {"sh", "-c", script};
  request.output = SinkFile::to(output);
  request.errors = request.output;
  request.on_exit = std::move(on_exit);
  request.jail = jail(node);
  if (!request.jail) {
    // jexec(8)'s words: somebody has removed the jail.
    const std::string words = text("jexec: jail \"{}\" not found\n", jail_name(spec_.nodes[node]));
    request.program = [words](Sys& sys, Args) -> Task<int> {
      co_await sys.print(words);
      co_return 1;
    };
  }
  return machine(node)->run(std::move(request));
}

void Lab::power_off(size_t node) { nodes_[node].machine->power_off(); }

// Now, if the interface is there, and again after every boot.
void Lab::apply_taps(size_t node) {
  Jail* jail = this->jail(node);
  if (!jail || nodes_[node].taps.empty()) return;
  for (const PortTap& tap : nodes_[node].taps)
    if (Ifnet* interface = stack_of(*jail).find(tap.port))
      interface->set_lab_tap(tap.number, tap_snaplen);
}

NetStack& Lab::stack_of(Jail& jail) { return jail.vnet().state<NetStack>(net_module); }

}  // namespace stackyard
