// lab/build/check.cpp - what only a build can tell about a lab file: names of sysctls, jails'
// parameters and services, and filters.
#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "core/capture/filter.h"
#include "lab/build/lab.h"
#include "lab/catalog/catalog.h"
#include "lab/spec/problems.h"
#include "stack/net/net_stack.h"

namespace stackyard {

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

// jail(2) knows its parameters: a jail is made with this one alone.
void check_param(Machine& machine, const NodeSpec& node, const SettingSpec& param,
                 Problems& problems) {
  if (param.name == "path") return;  // its folder is made at the start
  std::string message;
  const JailParams params{{"name", "check"},
                          {"vnet", node.vnet ? "new" : "inherit"},
                          {"persist", "true"},
                          {param.name, param.value}};
  const auto jail = machine.set_jail(params, jail_flag::create, machine.base(), message);
  if (jail) return machine.remove_jail(**jail);
  if (!message.starts_with("unknown parameter"))
    return problems.error(param.place,
                          message.empty() ? std::string(errno_text(jail.error())) : message);
  std::vector<std::string> names;
  for (const auto& [name, value] : machine.base().params(machine.base())) names.push_back(name);
  problems.error(param.place, text("unknown parameter \"{}\"", param.name),
                 suggest(param.name, names, "parameters"));
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
  const std::vector<std::string> cloners =
      machine.vnet().state<NetStack>(net_module).cloner_names();
  std::set<uint32_t> checked;
  for (const NodeSpec& node : spec.nodes) {
    if (node.is_jail() && checked.insert(node.settings).second)
      for (const SettingSpec& param : spec.settings(node).params)
        check_param(machine, node, param, problems);
    for (const InterfaceSpec& i : node.interfaces)
      if (i.type != InterfaceType::nic &&
          std::find(cloners.begin(), cloners.end(), interface_type_name(i.type)) == cloners.end())
        not_yet(i.place, i.name);
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
