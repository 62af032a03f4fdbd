// lab/spec/read_nodes.cpp - nodes: counted out, merged with defaults and groups, then read.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/text.h"
#include "lab/spec/lab_reader.h"

namespace stackyard {

namespace {

std::vector<std::string> machine_keys() {
  return {"kind",     "count", "interfaces", "routes", "sysctl",
          "tunables", "fibs",  "hostname",   "files",  "exec"};
}
std::vector<std::string> machine_later() {
  return {"services", "firewall", "netgraph", "ipsec", "jails"};
}
std::vector<std::string> reserved_node() { return {"depends_on", "image", "memory", "persona"}; }

// Later keys win; maps merge key by key, lists and scalars replace, null drops.
void merge_into(Yaml& base, const Yaml& over) {
  if (!base.is_map() || !over.is_map()) {
    base = over;
    return;
  }
  for (const Yaml::Entry& entry : over.entries) {
    const auto found = std::find_if(base.entries.begin(), base.entries.end(),
                                    [&](const Yaml::Entry& e) { return e.key == entry.key; });
    if (found == base.entries.end()) {
      base.entries.push_back(entry);
    } else {
      found->place = entry.place;
      merge_into(found->value, entry.value);
    }
  }
}

}  // namespace

void LabReader::read_nodes(const Yaml& root) {
  const Yaml* nodes = root.find("nodes");
  if (const Yaml* groups = root.find("groups"); groups && r_.is_map(*groups, "groups")) {
    for (const Yaml::Entry& entry : groups->entries) {
      if (!r_.is_map(entry.value, "a group")) continue;
      for (const char* wrong : {"kind", "count"})
        if (const Yaml* value = entry.value.find(wrong))
          r_.problems.error(value->place, text("a group cannot set \"{}\"", wrong), "remove it");
      groups_.push_back({r_.words(entry.value.find("members"), "members"), &entry.value});
    }
  }
  if (!nodes || nodes->is_null()) {
    r_.problems.error(nodes ? nodes->place : root.place, "a lab needs nodes",
                      "write nodes: [pc1, pc2]");
    return;
  }
  for (const Counted& counted : count_out(*nodes)) {
    const auto kind = kind_of(*counted.value);
    if (!kind) continue;
    if (lab_.node_index.contains(counted.name)) {
      r_.problems.error(counted.place, text("there are two nodes \"{}\"", counted.name),
                        "rename one");
      continue;
    }
    NodeSpec node{.name = counted.name,
                  .place = counted.place,
                  .kind = *kind,
                  .hostname = counted.name,
                  .interfaces = {},
                  .routes = {},
                  .sysctls = {},
                  .sysctl_places = {},
                  .files = {},
                  .exec = {},
                  .vlans = {},
                  .port_specs = {},
                  .ports = {}};
    const Yaml value = merged(counted, *kind);
    const std::string what = text("{} \"{}\"", node_kind_name(*kind), node.name);
    if (node.is_machine()) {
      r_.map(value, what,
             {.known = machine_keys(), .later = machine_later(), .reserved = reserved_node()});
      read_machine(value, node);
    } else if (*kind == NodeKind::switch_) {
      r_.map(value, what,
             {.known = {"kind", "count", "vlans", "ports", "ageing"},
              .later = {"stp", "priority", "snooping"},
              .reserved = {"mirror", "lacp", "qinq"}});
      read_switch(value, node);
    } else {
      r_.map(value, what, {.known = {"kind", "count"}});
    }
    lab_.node_index[node.name] = lab_.nodes.size();
    lab_.nodes.push_back(std::move(node));
  }
  for (const Group& group : groups_)
    if (!group.matched) r_.problems.warning(group.keys->place, "the group matches no node");
}

std::vector<LabReader::Counted> LabReader::count_out(const Yaml& nodes) {
  std::vector<Counted> all;
  if (nodes.is_map()) {
    for (const Yaml::Entry& entry : nodes.entries)
      count_entry(entry.key, entry.place, entry.value, all);
  } else {
    for (const Yaml* item : r_.list(&nodes, "nodes"))
      if (const auto name = r_.word(item, "a node")) count_entry(*name, item->place, nothing_, all);
  }
  return all;
}

void LabReader::count_entry(const std::string& name, Place place, const Yaml& value,
                            std::vector<Counted>& to) {
  constexpr int64_t nodes_max = 2'000'000;
  if (!r_.is_name(name)) {
    r_.problems.error(place, text("\"{}\" is not a name", name),
                      "begin with a letter; then letters, digits, - and _, 63 at most");
    return;
  }
  if (!value.is_null() && !value.is_map()) {
    r_.problems.error(value.place, text("node \"{}\" must be a map", name));
    return;
  }
  const Yaml* count = value.find("count");
  if (!count || count->is_null()) {
    to.push_back({name, {}, &value, place});
    return;
  }
  const auto sizes = r_.list(count, "count");
  if (sizes.empty() || sizes.size() > 2) {
    r_.problems.error(count->place, "count is a number or a list of two", "write 3 or [3, 4]");
    return;
  }
  const auto n = r_.integer(sizes[0], 0, nodes_max);
  const auto m = sizes.size() > 1 ? r_.integer(sizes[1], 0, nodes_max) : 1;
  if (!n || !m) return;
  if (*n * *m + int64_t(to.size()) > nodes_max) {
    r_.problems.error(count->place, "more than 2,000,000 nodes", "use fewer");
    return;
  }
  for (int64_t i = 1; i <= *n; ++i) {
    if (sizes.size() == 1) {
      to.push_back({text("{}{}", name, i), {{"i", text("{}", i)}}, &value, place});
      continue;
    }
    for (int64_t j = 1; j <= *m; ++j)
      to.push_back({text("{}{}-{}", name, i, j),
                    {{"i", text("{}", i)}, {"j", text("{}", j)}},
                    &value,
                    place});
  }
}

std::optional<NodeKind> LabReader::kind_of(const Yaml& value) {
  const Yaml* kind = value.find("kind");
  const auto name = r_.word(kind, "the kind");
  if (!name || *name == "host") return NodeKind::host;
  if (*name == "router") return NodeKind::router;
  if (*name == "switch") return NodeKind::switch_;
  if (*name == "hub") return NodeKind::hub;
  if (*name == "door")
    r_.not_yet(kind->place, *name);
  else if (*name == "qemu" || *name == "uml")
    r_.problems.error(kind->place, text("\"{}\" is reserved for a later version", *name),
                      "remove it");
  else
    r_.problems.error(kind->place, text("unknown kind \"{}\"", *name),
                      suggest(*name, {"host", "router", "switch", "hub", "door"}, "kinds"));
  return std::nullopt;
}

Yaml LabReader::merged(const Counted& node, NodeKind kind) {
  Yaml value{.kind = Yaml::Kind::map, .place = node.place, .text = {}, .items = {}, .entries = {}};
  const auto add = [&](const Yaml* over) {
    if (over && over->is_map()) merge_into(value, *over);
  };
  const bool machine = kind == NodeKind::host || kind == NodeKind::router;
  if (defaults_ && machine) add(defaults_->find("node"));
  if (defaults_) add(defaults_->find(node_kind_name(kind)));
  for (Group& group : groups_) {
    const bool member =
        std::any_of(group.members.begin(), group.members.end(),
                    [&](const std::string& p) { return matches_pattern(p, node.name); });
    if (!member) continue;
    group.matched = true;
    Yaml keys = *group.keys;
    std::erase_if(keys.entries, [](const Yaml::Entry& e) { return e.key == "members"; });
    add(&keys);
  }
  add(node.value);
  substitute(value, node.numbers, true);
  return value;
}

// --- machines ----------------------------------------------------------------------------------

std::vector<std::string> LabReader::command_lines(const Yaml* value) {
  // A string is one script; the lines of a list are one script, too, line after line.
  return r_.words(value, "exec");
}

void LabReader::read_machine(const Yaml& value, NodeSpec& node) {
  if (const auto hostname = r_.word(value.find("hostname"), "the hostname"))
    node.hostname = *hostname;
  node.fibs = int(r_.integer(value.find("fibs"), 1, 255).value_or(4));
  read_interfaces(value.find("interfaces"), node);
  read_routes(value.find("routes"), node);
  read_sysctls(value.find("tunables"), node);
  read_sysctls(value.find("sysctl"), node);
  read_files(value.find("files"), node);
  node.exec = command_lines(value.find("exec"));
}

void LabReader::read_interfaces(const Yaml* value, NodeSpec& node) {
  if (!value || !r_.is_map(*value, "interfaces")) return;
  for (const Yaml::Entry& entry : value->entries) {
    InterfaceSpec interface;
    interface.name = entry.key;
    interface.place = entry.place;
    interface.listed = true;
    const bool sound = !entry.key.empty() && entry.key.size() <= 15 &&
                       std::isalpha(static_cast<unsigned char>(entry.key[0])) &&
                       entry.key.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789_.") == entry.key.npos;
    if (!sound) {
      r_.problems.error(entry.place, text("\"{}\" is not an interface name", entry.key),
                        "begin with a letter; 15 characters at most");
      continue;
    }
    const std::string cloner = entry.key.substr(0, entry.key.find_first_of("0123456789."));
    const bool numbered = cloner.size() < entry.key.size();
    for (const char* later : {"bridge", "vlan", "lagg", "epair", "gif", "gre", "vxlan", "enc",
                              "tap", "tun", "stf", "wg", "pflog", "pfsync"})
      if (numbered && cloner == later) r_.not_yet(entry.place, entry.key);
    if (entry.key.find('.') != entry.key.npos) r_.not_yet(entry.place, "vlan interfaces");
    interface.loopback = numbered && cloner == "lo";
    Yaml merged_value{.kind = Yaml::Kind::map,
                      .place = entry.value.place,
                      .text = {},
                      .items = {},
                      .entries = {}};
    if (defaults_ && !interface.loopback)
      if (const Yaml* common = defaults_->find("interface")) merge_into(merged_value, *common);
    if (entry.value.is_map())
      merge_into(merged_value, entry.value);
    else if (!entry.value.is_null())
      merged_value = entry.value;
    read_interface(merged_value, text("interface \"{}\"", entry.key), interface);
    node.interfaces.push_back(std::move(interface));
  }
}

void LabReader::read_interface(const Yaml& value, const std::string& what,
                               InterfaceSpec& interface) {
  r_.map(value, what,
         {.known = {"addresses", "mtu", "mac", "up", "fib", "description", "groups", "nic", "type",
                    "ifconfig"},
          .later = {"parent", "vlan", "proto", "pcp", "members", "stp", "local", "remote", "key",
                    "vni", "group"},
          .reserved = {"peer", "carp", "wg", "offload"},
          .hints = {{"dhcp4", "write addresses: [dhcp]"},
                    {"dhcp6", "write addresses: [dhcp6]"},
                    {"ip", "write addresses: [10.0.0.1/24]"},
                    {"address", "write addresses: [10.0.0.1/24]"},
                    {"ether", "write mac"},
                    {"gateway", "write routes: [{to: default, via: ...}]"}}});
  if (!value.is_map()) return;
  read_addresses(value.find("addresses"), interface);
  if (const auto mtu = r_.integer(value.find("mtu"), 72, 65535)) interface.mtu = uint32_t(*mtu);
  interface.mac = r_.mac(value.find("mac"));
  interface.up = r_.boolean(value.find("up")).value_or(true);
  interface.fib = int(r_.integer(value.find("fib"), 0, 254).value_or(0));
  interface.description = r_.word(value.find("description"), "the description").value_or("");
  interface.groups = r_.words(value.find("groups"), "groups");
  interface.ifconfig = r_.words(value.find("ifconfig"), "ifconfig");
  if (const Yaml* nic = value.find("nic")) {
    const auto model = r_.one_of(nic, "nic", {"ideal", "e1000", "virtio"});
    if (model && *model != "ideal") r_.not_yet(nic->place, *model);
  }
  if (const Yaml* type = value.find("type")) {
    const auto name = r_.word(type, "the type");
    if (name && *name != "nic" && *name != "lo") r_.not_yet(type->place, *name);
  }
}

void LabReader::read_addresses(const Yaml* value, InterfaceSpec& interface) {
  interface.addresses_given = value && !value->is_null();
  const Yaml* automatic = nullptr;
  const auto items = r_.list(value, "addresses");
  for (const Yaml* item : items) {
    if (!item->is_scalar()) {
      r_.problems.error(item->place, "an address must be a text", "write 10.0.0.1/24");
      continue;
    }
    const std::string& word = item->text;
    const bool dynamic = word == "dhcp" || word == "auto";
    if (dynamic && automatic && automatic->text != word) {
      r_.problems.error(
          item->place,
          text("\"{}\" contradicts \"{}\" ({})", word, automatic->text, to_text(automatic->place)),
          "keep one");
      continue;
    }
    if (dynamic) automatic = item;
    if (word == "auto") {
      interface.addresses.push_back({AddressItem::Kind::automatic, {}, item->place});
    } else if (word == "none") {
      if (items.size() > 1)
        r_.problems.error(item->place, "\"none\" must stand alone", "remove the others");
      interface.addresses.push_back({AddressItem::Kind::none, {}, item->place});
    } else if (word == "dhcp" || word == "dhcp6" || word == "slaac" || word == "link-local") {
      r_.not_yet(item->place, word);
    } else if (const auto prefix = r_.cidr(*item)) {
      if (prefix->length < 31 && prefix->address == prefix->network())
        r_.problems.warning(item->place, text("{} is the network's own address", word));
      interface.addresses.push_back({AddressItem::Kind::fixed, *prefix, item->place});
    }
  }
}

void LabReader::read_routes(const Yaml* value, NodeSpec& node) {
  node.routes_given = value != nullptr && !value->is_null();
  for (const Yaml* item : r_.list(value, "routes")) read_route(*item, node);
}

void LabReader::read_route(const Yaml& value, NodeSpec& node) {
  if (!r_.map(value, "a route",
              {.known = {"to", "via", "dev", "blackhole", "reject", "fib", "metric", "mtu"},
               .later = {"weight"},
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
    route.to = {{}, 0};
  } else if (dest->find('/') != dest->npos) {
    const auto prefix = r_.cidr(*to);
    if (!prefix) return;
    route.to = prefix->canonical();
  } else {
    const auto address = r_.ip(*to);
    if (!address) return;
    route.to = {*address, 32};
  }
  const Yaml* via = value.find("via");
  route.via = r_.word(via, "the gateway").value_or("");
  if (via) route.via_place = via->place;
  route.dev = r_.word(value.find("dev"), "the interface").value_or("");
  route.blackhole = r_.boolean(value.find("blackhole")).value_or(false);
  route.reject = r_.boolean(value.find("reject")).value_or(false);
  route.fib = int(r_.integer(value.find("fib"), 0, node.fibs - 1).value_or(0));
  route.mtu = uint32_t(r_.integer(value.find("mtu"), 72, 65535).value_or(0));
  (void)r_.integer(value.find("metric"), 0, INT32_MAX);
  const int ways = !route.via.empty() + !route.dev.empty() + route.blackhole + route.reject;
  if (ways != 1) {
    r_.problems.error(value.place, ways == 0 ? "a route needs a way" : "a route has one way only",
                      "give one of via, dev, blackhole and reject");
    return;
  }
  for (const RouteSpec& other : node.routes)
    if (other.to == route.to && other.fib == route.fib)
      r_.not_yet(value.place, text("multipath (a second route to {})", *dest));
  node.routes.push_back(route);
}

void LabReader::read_sysctls(const Yaml* value, NodeSpec& node) {
  if (!value || !r_.is_map(*value, "sysctl")) return;
  for (const Yaml::Entry& entry : value->entries) {
    const auto number = r_.word(&entry.value, "a value");
    if (!number) continue;
    node.sysctls.emplace_back(entry.key, *number);
    node.sysctl_places.push_back(entry.place);
  }
}

void LabReader::read_files(const Yaml* value, NodeSpec& node) {
  if (!value || !r_.is_map(*value, "files")) return;
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
      node.files.push_back(file);
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
          node.files.push_back(
              {entry.key + "/" + item.lexically_relative(*path).string(), read(item), file.mode});
        continue;
      }
      file.content = read(*path);
    }
    node.files.push_back(file);
  }
}

// --- switches ----------------------------------------------------------------------------------

void LabReader::read_switch(const Yaml& value, NodeSpec& node) {
  if (const auto ageing = r_.duration(value.find("ageing"))) node.ageing = *ageing;
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
               {.known = {"access", "trunk", "native"}, .later = {"edge", "cost", "priority"}}))
      read_switch_port(entry.value, node, port);
  }
}

void LabReader::read_switch_port(const Yaml& value, const NodeSpec& node, SwitchPortSpec& port) {
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
}

}  // namespace stackyard
