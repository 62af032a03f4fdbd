// lab/build/start.cpp - Start (lab format, section 3): what a lab file says about its machines and
// jails is done to them, step by step.
#include <algorithm>

#include "core/base/text.h"
#include "lab/build/lab.h"
#include "stack/drivers/ether.h"
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
void Lab::start() {
  for (const Step step : {&Lab::put_files, &Lab::create_jail, &Lab::set_tunables, &Lab::set_sysctls,
                          &Lab::attach_interfaces, &Lab::configure, &Lab::configure_routes,
                          &Lab::start_services, &Lab::start_exec})
    for (size_t i = 0; i < nodes_.size(); ++i)
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

// --- interfaces --------------------------------------------------------------------------------

// All of a machine: hardware, then what software makes, each moved to where it is listed.
void Lab::attach_interfaces(size_t index) {
  if (spec_.nodes[index].is_jail()) return;
  NetStack& base = stack_of(machine(index)->base());
  const size_t behind = spec_.behind(index);
  // Jails' hardware first: every name is free in the base system then.
  for (size_t i = index + 1; i < behind; ++i)
    for (Nic& nic : nodes_[i].nics) {
      Ifnet& interface = base.attach(std::make_unique<EtherInterface>(base, nic.name, *nic.nic));
      if (Jail* jail = this->jail(i)) (void)base.move(interface, stack_of(*jail));
    }
  for (Nic& nic : nodes_[index].nics)
    base.attach(std::make_unique<EtherInterface>(base, nic.name, *nic.nic));
  (void)base.create_clone("lo0");
  create_epairs(index);
  for (size_t i = index; i < behind; ++i) create_clones(i);
  for (size_t i = index; i < behind; ++i) apply_taps(i);
}

void Lab::create_epairs(size_t index) {
  const auto machine_of = [this](const EpairSpec& e) { return spec_.nodes[e.nodes[0]].machine; };
  auto epair = std::lower_bound(spec_.epairs.begin(), spec_.epairs.end(), index,
                                [&](const EpairSpec& e, size_t i) { return machine_of(e) < i; });
  for (; epair != spec_.epairs.end() && machine_of(*epair) == index; ++epair) {
    Jail* home = jail(epair->home);
    if (!home || !stack_of(*home).create_clone(text("epair{}", epair->number))) continue;
    for (size_t end = 0; end < 2; ++end) {
      Ifnet* interface =
          stack_of(*home).find(text("epair{}{}", epair->number, end == 0 ? 'a' : 'b'));
      Jail* there = jail(epair->nodes[end]);
      if (interface && there && there != home)
        (void)stack_of(*home).move(*interface, stack_of(*there));
    }
  }
}

// The rest of what software makes, in the stack that lists it.
void Lab::create_clones(size_t index) {
  Jail* jail = this->jail(index);
  if (!jail) return;
  NetStack& net = stack_of(*jail);
  const auto create = [&](const InterfaceSpec& i) {
    const bool own_name = interface_type_by_name(i.name) != i.type;
    const auto made = net.create_clone(own_name ? interface_type_name(i.type) : i.name);
    if (made && *made != i.name) (void)net.rename(*net.find(*made), i.name);
  };
  const std::vector<InterfaceSpec>& interfaces = spec_.nodes[index].interfaces;
  const auto missing = [&](const InterfaceSpec& i) {
    return i.type != InterfaceType::nic && i.type != InterfaceType::epair && !net.find(i.name);
  };
  for (const InterfaceSpec& i : interfaces)
    if (i.type != InterfaceType::vlan && missing(i)) create(i);
  // A vlan comes after its parent, which may be a vlan; four deep at most.
  for (int depth = 0; depth < 4; ++depth)
    for (const InterfaceSpec& i : interfaces) {
      const std::string& parent = spec_.more(i).parent.name;
      if (missing(i) && (parent.empty() || net.find(parent))) create(i);
    }
}

void Lab::configure(size_t index) {
  const NodeSpec& spec = spec_.nodes[index];
  Jail* jail = this->jail(index);
  if (!jail || !spec.vnet) return;
  Vnet& vnet = jail->vnet();
  const bool v6 = std::any_of(spec.interfaces.begin(), spec.interfaces.end(), [](const auto& i) {
    return std::any_of(i.addresses.begin(), i.addresses.end(),
                       [](const AddressItem& a) { return a.wants_v6(); });
  });
  if (spec_.settled) vnet.state<Inet>(inet_module).set_settled_start(true);
  if (spec_.settled && v6) vnet.state<Inet6>(inet6_module).set_settled_start(true);
  // A machine's lo0 is up; a jail's is down, as on FreeBSD, but if it is listed.
  const bool listed_lo0 = std::any_of(spec.interfaces.begin(), spec.interfaces.end(),
                                      [](const InterfaceSpec& i) { return i.name == "lo0"; });
  if (!spec.is_jail() || listed_lo0) add_address(vnet, "lo0", {{0x7f000001}, 8});
  for (const InterfaceSpec& i : spec.interfaces) configure_interface(index, vnet, i);
  if (spec_.settled) vnet.state<Inet>(inet_module).set_settled_start(false);
  if (spec_.settled && v6) vnet.state<Inet6>(inet6_module).set_settled_start(false);
}

// Any item of IPv6 turns it on; link-local addresses come by themselves.
void Lab::add_address6(Vnet& vnet, const std::string& interface, const AddressItem& item) {
  if (item.has_v6()) {
    AddAddress6 request;
    request.interface = interface;
    request.address = item.prefix.v6();
    (void)vnet.request(request);
    return;
  }
  SetNdFlags request;
  request.interface = interface;
  request.clear = nd6_flag::disabled;
  if (item.kind == AddressItem::Kind::slaac) request.set = nd6_flag::accept_rtadv;
  (void)vnet.request(request);
}

void Lab::add_address(Vnet& vnet, const std::string& interface, Ipv4Prefix address) {
  AddAddress request;
  request.interface = interface;
  request.address = address;
  (void)vnet.request(request);
}

void Lab::configure_interface(size_t index, Vnet& vnet, const InterfaceSpec& i) {
  const LinkSpec* link = i.link >= 0 ? &spec_.links[size_t(i.link)] : nullptr;
  const InterfaceMore& more = spec_.more(i);
  SetInterface set;
  set.name = i.name;
  if (const uint32_t mtu = i.mtu ? i.mtu : link ? link->mtu : 0) set.mtu = mtu;
  if (i.fib) set.fib = i.fib;
  if (i.type != InterfaceType::nic) set.mac = more.mac;
  if (!more.description.empty()) set.description = more.description;
  set.add_groups = more.groups;
  set.up = i.up;
  (void)vnet.request(set);
  for (const AddressItem& a : i.addresses)
    if (a.is_v4())
      add_address(vnet, i.name, a.prefix.v4());
    else if (a.wants_v6())
      add_address6(vnet, i.name, a);
  if (!i.up) {
    SetInterface down;
    down.name = i.name;
    down.up = false;
    (void)vnet.request(down);
  }
  // What has no request of its own is said as a user would say it.
  std::string own;
  for (const Named& member : more.members) own += " addm " + member.name;
  if (!more.parent.name.empty() && i.name.find('.') == i.name.npos)
    own += text(" vlan {} vlandev {}", more.vlan, more.parent.name);
  if (more.provider_tag) own += " vlanproto 802.1ad";
  if (more.pcp) own += text(" vlanpcp {}", *more.pcp);
  if (!own.empty()) run_shell(index, text("ifconfig {}{}", i.name, own), nullptr);
  for (const std::string& words : more.ifconfig)
    run_shell(index, text("ifconfig {} {}", i.name, words), nullptr);
}

void Lab::configure_routes(size_t index) {
  Jail* jail = this->jail(index);
  if (!jail) return;
  for (const RouteSpec& r : spec_.nodes[index].routes) {
    if (r.to.address.is_v6()) {
      add_route6(*jail, r);
      continue;
    }
    AddRoute request;
    request.fib = r.fib;
    request.dest = r.to.v4();
    request.host = r.to.length == 32;
    request.mtu = r.mtu;
    request.interface = r.dev;
    if (r.gateway) request.gateway = r.gateway->v4();
    if (r.blackhole || r.reject) {
      request.gateway = Ipv4Address{0x7f000001};
      request.flags = r.blackhole ? route_flag::blackhole : route_flag::reject;
    }
    const Result<> done = jail->vnet().request(request);
    if (!done)
      machine(index)->log(text("route: add {}: {}", to_text(r.to), errno_text(done.error())));
  }
}

void Lab::add_route6(Jail& jail, const RouteSpec& r) {
  AddRoute6 request;
  request.fib = r.fib;
  request.dest = r.to.v6();
  request.host = r.to.length == 128;
  request.mtu = r.mtu;
  request.interface = r.dev;
  if (r.gateway) request.gateway = r.gateway->v6();
  if (r.blackhole || r.reject) {
    request.gateway = Ipv6Address::loopback();
    request.flags = r.blackhole ? route_flag::blackhole : route_flag::reject;
  }
  const Result<> done = jail.vnet().request(request);
  if (!done) jail.machine().log(text("route: add {}: {}", to_text(r.to), errno_text(done.error())));
}

// --- programs ----------------------------------------------------------------------------------

void Lab::start_services(size_t index) {
  std::string script;
  for (const ServiceSpec& service : spec_.settings(spec_.nodes[index]).services)
    script += text("{} {}\n", service.name, service.flags);
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
  request.output = output;
  request.errors = output;
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
