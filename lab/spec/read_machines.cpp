// lab/spec/read_machines.cpp - what hosts, routers, jails and switches say about themselves.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/text.h"
#include "lab/spec/lab_reader.h"

namespace stackyard {

void LabReader::read_machine(const Yaml& value, NodeSpec& node, NodeSettings& settings) {
  if (const auto hostname = r_.word(value.find("hostname"), "the hostname"))
    settings.hostname = *hostname;
  settings.fibs = int(r_.integer(value.find("fibs"), 1, 65536).value_or(4));
  read_vnet(value, node);
  read_interfaces(value.find("interfaces"), node);
  read_routes(value.find("routes"), node, settings.fibs);
  settings.tunables = read_settings(value.find("tunables"), "tunables");
  settings.sysctls = read_settings(value.find("sysctl"), "sysctl");
  settings.params = read_params(value.find("params"));
  settings.files = read_files(value.find("files"));
  settings.services = read_services(value.find("services"));
  settings.exec = command_lines(value.find("exec"));
}

// A jail without a network stack of its own has nothing to set in it.
void LabReader::read_vnet(const Yaml& value, NodeSpec& node) {
  const auto vnet = r_.one_of(value.find("vnet"), "vnet", {"new", "inherit"});
  node.vnet = vnet != "inherit";
  if (node.vnet) return;
  const char* advice = "remove it, or write vnet: new";
  for (const char* key : {"interfaces", "routes", "sysctl", "tunables", "fibs"})
    for (const Yaml::Entry& entry : value.entries)
      if (entry.key == key && !entry.value.is_null())
        r_.problems.error(entry.place, text("\"{}\" beside \"vnet: inherit\"", key), advice);
  if (node.kind == NodeKind::router)
    r_.problems.error(value.find("kind")->place, "a router needs a network stack of its own",
                      "write vnet: new");
}

void LabReader::read_routes(const Yaml* value, NodeSpec& node, int fibs) {
  node.routes_given = value != nullptr && !value->is_null();
  for (const Yaml* item : r_.list(value, "routes")) read_route(*item, node, fibs);
}

void LabReader::read_route(const Yaml& value, NodeSpec& node, int fibs) {
  if (!r_.map(
          value, "a route",
          {.known = {"to", "via", "dev", "blackhole", "reject", "fib", "metric", "mtu", "weight"},
           .hints = {{"gateway", "write via"}, {"next_hop", "write via"}}}))
    return;
  RouteSpec route;
  route.place = value.place;
  const Yaml* to = value.find("to");
  const auto dest = r_.word(to, "the destination");
  if (!dest) {
    r_.problems.error(value.place, "a route needs \"to\"", "write {to: default, via: ...}");
    return;
  }
  if (*dest == "default") {
    route.to_default = true;
    route.to = Ipv4Prefix{{}, 0};
    const Yaml* gateway = value.find("via");
    if (gateway && gateway->is_scalar() && parse_ipv6(gateway->text)) route.to = Ipv6Prefix{{}, 0};
  } else if (dest->find('/') != dest->npos) {
    const auto prefix = r_.cidr(*to);
    if (!prefix) return;
    route.to = prefix->canonical();
  } else {
    const auto address = r_.ip(*to);
    if (!address) return;
    route.to.address = *address;
    route.to.length = uint8_t(address->bits());
  }
  const Yaml* via = value.find("via");
  route.via = r_.word(via, "the gateway").value_or("");
  if (via) route.via_place = via->place;
  route.dev = r_.word(value.find("dev"), "the interface").value_or("");
  route.blackhole = r_.boolean(value.find("blackhole")).value_or(false);
  route.reject = r_.boolean(value.find("reject")).value_or(false);
  route.fib = int(r_.integer(value.find("fib"), 0, fibs - 1).value_or(0));
  route.mtu = uint32_t(r_.integer(value.find("mtu"), 72, 65535).value_or(0));
  (void)r_.integer(value.find("metric"), 0, INT32_MAX);
  route.weight = uint32_t(r_.integer(value.find("weight"), 1, 0xffffff).value_or(0));
  const int ways = !route.via.empty() + !route.dev.empty() + route.blackhole + route.reject;
  if (ways != 1) {
    r_.problems.error(value.place, ways == 0 ? "a route needs a way" : "a route has one way only",
                      "give one of via, dev, blackhole and reject");
    return;
  }
  node.routes.push_back(route);
}

std::vector<SettingSpec> LabReader::read_settings(const Yaml* value, const char* what) {
  std::vector<SettingSpec> settings;
  if (!value || !r_.is_map(*value, what)) return settings;
  for (const Yaml::Entry& entry : value->entries)
    if (const auto word = r_.word(&entry.value, "a value"))
      settings.push_back({entry.key, *word, entry.place});
  return settings;
}

std::vector<SettingSpec> LabReader::read_params(const Yaml* value) {
  std::vector<SettingSpec> params = read_settings(value, "params");
  const std::pair<const char*, const char*> own[] = {
      {"name", "the name is the jail's key"}, {"host.hostname", "write hostname"},
      {"vnet", "write vnet beside params"},   {"vnet.interface", "write interfaces"},
      {"interface", "write interfaces"},      {"depend", "jails start in their order"}};
  for (const SettingSpec& param : params) {
    if (param.name.starts_with("exec."))
      r_.problems.error(param.place, text("\"{}\" is not a parameter here", param.name),
                        "write exec beside params");
    for (const auto& [name, advice] : own)
      if (param.name == name)
        r_.problems.error(param.place, text("\"{}\" is not a parameter here", name), advice);
  }
  return params;
}

std::vector<ServiceSpec> LabReader::read_services(const Yaml* value) {
  std::vector<ServiceSpec> services;
  for (const Yaml* item : r_.list(value, "services")) {
    if (item->is_scalar()) {
      services.push_back({item->text, item->place, "", {}});
      continue;
    }
    if (!item->is_map() || item->entries.size() != 1) {
      r_.problems.error(item->place, "a service is a name, or a name with its options",
                        "write inetd or {inetd: {flags: -d}}");
      continue;
    }
    const Yaml::Entry& entry = item->entries[0];
    ServiceSpec service{entry.key, entry.place, "", {}};
    std::vector<std::string> known{"flags"};
    if (entry.key == "httpd") known.insert(known.end(), {"port", "root"});
    if (entry.key == "iperf3") known.push_back("port");
    r_.map(entry.value, text("service \"{}\"", entry.key), {.known = known});
    service.flags = r_.word(entry.value.find("flags"), "the flags").value_or("");
    if (const auto port = r_.integer(entry.value.find("port"), 1, 65535))
      service.options.emplace_back("port", text("{}", *port));
    if (const auto root = r_.word(entry.value.find("root"), "the root"))
      service.options.emplace_back("root", *root);
    services.push_back(std::move(service));
  }
  return services;
}

std::vector<FileSpec> LabReader::read_files(const Yaml* value) {
  std::vector<FileSpec> files;
  if (!value || !r_.is_map(*value, "files")) return files;
  const auto read = [](const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  };
  for (const Yaml::Entry& entry : value->entries) {
    if (!entry.key.starts_with('/')) {
      r_.problems.error(entry.place, text("\"{}\" is not an absolute path", entry.key),
                        text("write /{}", entry.key));
      continue;
    }
    FileSpec file{.path = entry.key, .content = {}};
    if (!entry.value.is_map()) {
      file.content = r_.word(&entry.value, "a file").value_or("");
      if (!file.content.empty() && !file.content.ends_with('\n')) file.content += "\n";
      files.push_back(file);
      continue;
    }
    r_.map(entry.value, "a file", {.known = {"text", "from", "mode"}});
    if (const auto mode = r_.word(entry.value.find("mode"), "the mode"))
      file.mode = uint32_t(std::strtoul(mode->c_str(), nullptr, 8));
    if (const auto text = r_.word(entry.value.find("text"), "a text")) file.content = *text;
    if (const Yaml* from = entry.value.find("from")) {
      const auto path = local_path(*from);
      if (!path) continue;
      if (std::filesystem::is_directory(*path)) {
        std::vector<std::filesystem::path> tree;
        for (const auto& item : std::filesystem::recursive_directory_iterator(*path))
          if (item.is_regular_file()) tree.push_back(item.path());
        std::sort(tree.begin(), tree.end());
        for (const auto& item : tree)
          files.push_back(
              {entry.key + "/" + item.lexically_relative(*path).string(), read(item), file.mode});
        continue;
      }
      file.content = read(*path);
    }
    files.push_back(file);
  }
  return files;
}

// --- switches ----------------------------------------------------------------------------------

StpSpec LabReader::read_stp(const Yaml& value) {
  const auto protocol = r_.one_of(value.find("stp"), "stp", {"off", "stp", "rstp"});
  if (protocol == "stp") return StpSpec::stp;
  return protocol == "rstp" ? StpSpec::rstp : StpSpec::off;
}

// Only some values can be written into a BPDU (802.1D-2004 s9.2.5, s9.2.7).
std::optional<int64_t> LabReader::read_stp_priority(const Yaml* value, int64_t step) {
  const auto priority = r_.integer(value, 0, step * 15);
  if (!priority || *priority % step == 0) return priority;
  r_.problems.error(value->place, text("{} is not a multiple of {}", *priority, step),
                    text("use {}", *priority / step * step));
  return std::nullopt;
}

void LabReader::read_switch(const Yaml& value, NodeSettings& node) {
  if (const auto ageing = r_.duration(value.find("ageing"))) node.ageing = *ageing;
  if (const Yaml* snooping = value.find("snooping")) {
    if (snooping->text == "querier")
      node.snooping = NodeSettings::Snooping::querier;
    else if (const auto on = r_.boolean(snooping))
      node.snooping = *on ? NodeSettings::Snooping::on : NodeSettings::Snooping::off;
  }
  node.stp = read_stp(value);
  if (const auto priority = read_stp_priority(value.find("priority"), 4096))
    node.priority = uint16_t(*priority);
  if (const Yaml* vlans = value.find("vlans"); vlans && r_.is_map(*vlans, "vlans")) {
    for (const Yaml::Entry& entry : vlans->entries) {
      const auto id = parse_int(entry.key);
      if (!id || *id < 1 || *id > 4094) {
        r_.problems.error(entry.place, text("\"{}\" is not a VLAN", entry.key), "use 1 to 4094");
        continue;
      }
      node.vlans[uint16_t(*id)] = r_.word(&entry.value, "a VLAN's name").value_or("");
    }
  }
  const Yaml* ports = value.find("ports");
  if (!ports || !r_.is_map(*ports, "ports")) return;
  for (const Yaml::Entry& entry : ports->entries) {
    SwitchPortSpec& port = node.port_specs[entry.key];
    if (r_.map(entry.value, text("port \"{}\"", entry.key),
               {.known = {"access", "trunk", "native", "edge", "cost", "priority"}}))
      read_switch_port(entry.value, node, port);
  }
}

void LabReader::read_door(const Yaml& value, Place place, DoorSpec& door) {
  const Yaml* tap = value.find("tap");
  const Yaml* udp = value.find("udp");
  if (!tap == !udp)
    return r_.problems.error(place, "a door leads to one thing",
                             "write tap: NAME, or udp: {local: HOST:PORT, remote: HOST:PORT}");
  if (tap) {
    door.tap = r_.word(tap, "the TAP device").value_or("");
    if (door.tap.empty() || door.tap.size() >= 16)
      r_.problems.error(tap->place, text("\"{}\" is not a device's name", door.tap),
                        "use 1 to 15 letters");
    return;
  }
  if (!r_.map(*udp, "udp", {.known = {"local", "remote"}})) return;
  door.udp_local = r_.word(udp->find("local"), "the local end").value_or("");
  door.udp_remote = r_.word(udp->find("remote"), "the remote end").value_or("");
  for (const std::string& end : {door.udp_local, door.udp_remote})
    if (end.find(':') == end.npos)
      r_.problems.error(udp->place, text("\"{}\" is not a place", end),
                        "write local: HOST:PORT and remote: HOST:PORT");
}

void LabReader::read_switch_port(const Yaml& value, const NodeSettings& node,
                                 SwitchPortSpec& port) {
  const auto vlan = [&](const Yaml* id) -> std::optional<uint16_t> {
    const auto n = r_.integer(id, 1, 4094);
    if (!n) return std::nullopt;
    if (!node.vlans.empty() && *n != 1 && !node.vlans.contains(uint16_t(*n))) {
      std::vector<std::string> known;
      for (const auto& [k, name] : node.vlans) known.push_back(text("{}", k));
      r_.problems.error(id->place, text("VLAN {} is not in \"vlans\"", *n),
                        "VLANs: " + join(known, ", "));
    }
    return uint16_t(*n);
  };
  const Yaml* trunk = value.find("trunk");
  const Yaml* access = value.find("access");
  if (trunk && access)
    r_.problems.error(trunk->place,
                      text("\"trunk\" beside \"access\" ({})", to_text(access->place)), "keep one");
  if (access) port.access = vlan(access);
  if (trunk && trunk->is_scalar() && trunk->text == "all") {
    port.trunk_all = true;
  } else {
    for (const Yaml* id : r_.list(trunk, "trunk"))
      if (const auto n = vlan(id)) port.trunk.push_back(*n);
  }
  if (const Yaml* native = value.find("native"))
    port.native = native->is_scalar() && native->text == "none" ? std::nullopt : vlan(native);
  port.edge = r_.boolean(value.find("edge")).value_or(false);
  if (const auto cost = r_.integer(value.find("cost"), 1, 200'000'000)) port.cost = uint32_t(*cost);
  if (const auto priority = read_stp_priority(value.find("priority"), 16))
    port.priority = uint8_t(*priority);
}

}  // namespace stackyard
