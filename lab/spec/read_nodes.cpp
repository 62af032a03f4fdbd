// lab/spec/read_nodes.cpp - nodes and jails: counted out, merged with defaults and groups.
#include <algorithm>

#include "core/base/text.h"
#include "lab/spec/lab_reader.h"

namespace stackyard {

namespace {

constexpr int64_t nodes_max = 2'000'000;
constexpr int jails_deep_max = 16;

std::vector<std::string> machine_keys() {
  return {"kind", "count",    "interfaces", "routes", "sysctl", "tunables",
          "fibs", "hostname", "files",      "exec",   "jails",  "services"};
}
std::vector<std::string> machine_later() { return {"firewall", "netgraph", "ipsec"}; }
std::vector<std::string> reserved_node() { return {"depends_on", "image", "memory", "persona"}; }

bool mentions_variables(const Yaml& value) {
  return value.text.find('$') != value.text.npos ||
         std::any_of(value.items.begin(), value.items.end(), mentions_variables) ||
         std::any_of(value.entries.begin(), value.entries.end(), [](const Yaml::Entry& e) {
           return e.key.find('$') != e.key.npos || mentions_variables(e.value);
         });
}

}  // namespace

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

void LabReader::read_nodes(const Yaml& root) {
  const Yaml* nodes = root.find("nodes");
  read_groups(root.find("groups"));
  if (!nodes || nodes->is_null()) {
    r_.problems.error(nodes ? nodes->place : root.place, "a lab needs nodes",
                      "write nodes: [pc1, pc2]");
    return;
  }
  if (nodes->is_map()) {
    for (const Yaml::Entry& entry : nodes->entries)
      read_entry(entry.key, entry.place, entry.value, -1, {});
  } else {
    for (const Yaml* item : r_.list(nodes, "nodes"))
      if (const auto name = r_.word(item, "a node"))
        read_entry(*name, item->place, nothing_, -1, {});
  }
  for (const Group& group : groups_)
    if (!group.matched) r_.problems.warning(group.keys->place, "the group matches no node");
}

void LabReader::read_groups(const Yaml* groups) {
  if (!groups || !r_.is_map(*groups, "groups")) return;
  for (const Yaml::Entry& entry : groups->entries) {
    if (!r_.is_map(entry.value, "a group")) continue;
    for (const char* wrong : {"kind", "count"})
      if (const Yaml* value = entry.value.find(wrong))
        r_.problems.error(value->place, text("a group cannot set \"{}\"", wrong), "remove it");
    groups_.push_back({r_.words(entry.value.find("members"), "members"), &entry.value});
  }
}

// One entry of `nodes` or `jails`, with all that its `count` makes of it. `outer` are the numbers
// of the machine or jail around it.
void LabReader::read_entry(const std::string& name, Place place, const Yaml& value, int parent,
                           const Numbers& outer) {
  if (!r_.is_name(name)) {
    r_.problems.error(place, text("\"{}\" is not a name", name),
                      "begin with a letter; then letters, digits, - and _, 63 at most");
    return;
  }
  if (!value.is_null() && !value.is_map()) {
    r_.problems.error(value.place, text("node \"{}\" must be a map", name));
    return;
  }
  const auto kind = kind_of(value, parent >= 0);
  if (!kind) return;
  Alike alike;
  const Yaml* given = value.find("count");
  if (!given || given->is_null())
    return read_node({name, outer, value, place, *kind, parent}, alike);
  Yaml substituted = *given;
  substitute(substituted, outer, true);
  const Yaml* count = &substituted;
  const auto sizes = r_.list(count, "count");
  if (sizes.empty() || sizes.size() > 2) {
    r_.problems.error(count->place, "count is a number or a list of two", "write 3 or [3, 4]");
    return;
  }
  const auto n = r_.integer(sizes[0], 0, nodes_max);
  const auto m = sizes.size() > 1 ? r_.integer(sizes[1], 0, nodes_max) : 1;
  if (!n || !m) return;
  if (*n * *m + int64_t(lab_.nodes.size()) > nodes_max) {
    r_.problems.error(count->place, "more than 2,000,000 nodes", "use fewer");
    return;
  }
  // Most of a big lab: no room is wasted on it.
  if (size_t(*n * *m) > lab_.nodes.size()) lab_.nodes.reserve(lab_.nodes.size() + size_t(*n * *m));
  for (int64_t i = 1; i <= *n; ++i) {
    for (int64_t j = 1; j <= *m; ++j) {
      Numbers numbers{{"i", text("{}", i)}};
      std::string own = text("{}{}", name, i);
      if (sizes.size() > 1) {
        numbers.emplace_back("j", text("{}", j));
        own += text("-{}", j);
      }
      numbers.insert(numbers.end(), outer.begin(), outer.end());  // its own come first
      read_node({own, numbers, value, place, *kind, parent}, alike);
    }
  }
}

void LabReader::read_node(const Counted& counted, Alike& alike) {
  NodeSpec node;
  node.name = counted.parent < 0
                  ? counted.name
                  : text("{}/{}", lab_.nodes[size_t(counted.parent)].name, counted.name);
  node.place = counted.place;
  node.kind = counted.kind;
  node.parent = counted.parent;
  if (lab_.node_index.contains(node.name)) {
    r_.problems.error(counted.place, text("there are two nodes \"{}\"", node.name), "rename one");
    return;
  }
  if (int64_t(lab_.nodes.size()) >= nodes_max) {
    r_.problems.error(counted.place, "more than 2,000,000 nodes", "use fewer");
    return;
  }
  const std::vector<size_t> groups = groups_of(node.name);
  if (const auto known = alike.find(groups); known != alike.end()) {
    std::string name = std::move(node.name);
    node = known->second;
    node.name = std::move(name);
    return add_node(std::move(node), counted);
  }
  Yaml value = merged(counted, groups);
  const bool varies = mentions_variables(value);
  // The numbers in a jail may be its own, so its text waits.
  Yaml jails;
  for (Yaml::Entry& entry : value.entries)
    if (entry.key == "jails") std::swap(jails, entry.value);
  substitute(value, counted.numbers, true);
  read_keys(value, node);
  if (!varies && jails.is_null()) alike[groups] = node;
  const int index = int(lab_.nodes.size());
  add_node(std::move(node), counted);
  if (!r_.is_map(jails, "jails")) return;
  int depth = 1;
  for (int above = index; (above = lab_.nodes[size_t(above)].parent) >= 0;) ++depth;
  for (const Yaml::Entry& entry : jails.entries) {
    if (depth > jails_deep_max)
      r_.problems.error(entry.place, "jails more than 16 deep", "use fewer levels");
    else
      read_entry(substitute_text(entry.key, entry.place, counted.numbers, true, false), entry.place,
                 entry.value, index, counted.numbers);
  }
}

void LabReader::add_node(NodeSpec node, const Counted& counted) {
  const size_t index = lab_.nodes.size();
  node.machine = counted.parent < 0 ? uint32_t(index) : lab_.nodes[size_t(counted.parent)].machine;
  lab_.node_index.emplace_hint(lab_.node_index.end(), node.name, index);
  lab_.nodes.push_back(std::move(node));
}

void LabReader::read_keys(const Yaml& value, NodeSpec& node) {
  NodeSettings settings;
  const std::string what =
      text("{} \"{}\"", node.is_jail() ? "jail" : node_kind_name(node.kind), node.name);
  if (node.runs_programs()) {
    std::vector<std::string> known = machine_keys();
    if (node.is_jail()) known.insert(known.end(), {"vnet", "params"});
    r_.map(value, what, {.known = known, .later = machine_later(), .reserved = reserved_node()});
    read_machine(value, node, settings);
  } else if (node.kind == NodeKind::switch_) {
    r_.map(value, what,
           {.known = {"kind", "count", "vlans", "ports", "ageing", "snooping", "stp", "priority"},
            .reserved = {"mirror", "lacp", "qinq"}});
    read_switch(value, settings);
  } else if (node.kind == NodeKind::door) {
    r_.map(value, what,
           {.known = {"kind", "tap", "udp"}, .later = {"live", "stream", "dgram", "pcap", "nat"}});
    read_door(value, node.place, settings.door);
  } else {
    r_.map(value, what, {.known = {"kind", "count"}});
  }
  node.settings = share(lab_.node_settings, std::move(settings));
}

std::optional<NodeKind> LabReader::kind_of(const Yaml& value, bool jail) {
  const Yaml* kind = value.find("kind");
  const auto name = r_.word(kind, "the kind");
  if (!name || *name == "host") return NodeKind::host;
  if (*name == "router") return NodeKind::router;
  if (jail) {
    r_.problems.error(kind->place, text("a jail cannot be a \"{}\"", *name),
                      "write host or router");
    return std::nullopt;
  }
  if (*name == "switch") return NodeKind::switch_;
  if (*name == "hub") return NodeKind::hub;
  if (*name == "door") return NodeKind::door;
  if (*name == "qemu" || *name == "uml")
    r_.problems.error(kind->place, text("\"{}\" is reserved for a later version", *name),
                      "remove it");
  else
    r_.problems.error(kind->place, text("unknown kind \"{}\"", *name),
                      suggest(*name, {"host", "router", "switch", "hub", "door"}, "kinds"));
  return std::nullopt;
}

std::vector<size_t> LabReader::groups_of(const std::string& name) {
  std::vector<size_t> all;
  for (size_t i = 0; i < groups_.size(); ++i) {
    Group& group = groups_[i];
    const bool member = std::any_of(group.members.begin(), group.members.end(),
                                    [&](const std::string& p) { return matches_pattern(p, name); });
    if (!member) continue;
    group.matched = true;
    all.push_back(i);
  }
  return all;
}

Yaml LabReader::merged(const Counted& node, const std::vector<size_t>& groups) {
  Yaml value{.kind = Yaml::Kind::map, .place = node.place, .text = {}, .items = {}, .entries = {}};
  const auto add = [&](const Yaml* over) {
    if (over && over->is_map()) merge_into(value, *over);
  };
  const bool jail = node.parent >= 0;
  const bool machine = !jail && (node.kind == NodeKind::host || node.kind == NodeKind::router);
  if (defaults_ && machine) add(defaults_->find("node"));
  if (defaults_) add(defaults_->find(jail ? "jail" : node_kind_name(node.kind)));
  for (size_t group : groups) {
    Yaml keys = *groups_[group].keys;
    std::erase_if(keys.entries, [](const Yaml::Entry& e) { return e.key == "members"; });
    add(&keys);
  }
  add(&node.value);
  return value;
}

std::vector<std::string> LabReader::command_lines(const Yaml* value) {
  // A string is one script; the lines of a list are one script, too, line after line.
  return r_.words(value, "exec");
}

}  // namespace stackyard
