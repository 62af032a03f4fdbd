// lab/run/worker_queries.cpp - what a client may look at: nodes, links, tables, checks.
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "lab/run/completion.h"
#include "lab/run/worker.h"

namespace stackyard {

Json Worker::hello(uint32_t, const Json&) {
  Json state = time_state();
  state["version"] = 1;
  state["program"] = "stackyard " STACKYARD_VERSION;
  state["lab"] = session_.lab().spec().name;
  return state;
}

// The node that a request names.
size_t Worker::node_named(const Json& params) {
  const std::string name = params.at("node").get<std::string>();
  const auto& index = session_.lab().spec().node_index;
  const auto found = index.find(name);
  if (found == index.end()) throw RequestError{1, text("there is no node \"{}\"", name)};
  return found->second;
}

size_t Worker::link_named(const Json& params) {
  const std::string name = params.at("link").get<std::string>();
  const auto& index = session_.lab().spec().link_index;
  const auto found = index.find(name);
  if (found == index.end()) throw RequestError{1, text("there is no link \"{}\"", name)};
  return found->second;
}

Json Worker::nodes(uint32_t, const Json&) {
  Lab& lab = session_.lab();
  const LabSpec& spec = lab.spec();
  Json all = Json::array();
  for (size_t i = 0; i < spec.nodes.size(); ++i) {
    const NodeSpec& node = spec.nodes[i];
    if (!lab.has_node(i)) continue;
    Json told{{"name", node.name}, {"kind", node_kind_name(node.kind)}};
    if (node.is_jail()) told["parent"] = spec.nodes[size_t(node.parent)].name;
    if (node.runs_programs()) told["running"] = lab.jail(i) != nullptr;
    const auto place = spec.layout.find(node.name);
    if (place != spec.layout.end()) told["at"] = {place->second.first, place->second.second};
    for (const InterfaceSpec& interface : node.interfaces)
      told["interfaces"].push_back(interface.name);
    for (const std::string& port : node.ports) told["ports"].push_back(port);
    all.push_back(std::move(told));
  }
  return {{"nodes", all}};
}

Json Worker::links(uint32_t, const Json&) {
  Lab& lab = session_.lab();
  const LabSpec& spec = lab.spec();
  Json all = Json::array();
  for (size_t i = 0; i < spec.links.size(); ++i) {
    const LinkSpec& link = spec.links[i];
    if (!lab.has_link(i)) continue;
    Json ends = Json::array();
    for (const LinkEndSpec& end : link.ends)
      ends.push_back(spec.nodes[end.node].name + ":" + end.port);
    all.push_back({{"name", link.name}, {"ends", ends}, {"up", lab.link(i).up()}});
  }
  return {{"links", all}};
}

namespace {

// Roles and states of ports that speak spanning tree, each node's table looked at once.
class TreePorts {
 public:
  using Words = std::array<std::string, 2>;
  // Both are empty where nobody speaks it.
  Words look(const Lab& lab, const LinkEndSpec& end) {
    const auto [ports, fresh] = nodes_.try_emplace(end.node);
    const TableSource* source = fresh ? lab.tables(end.node) : nullptr;
    if (source) take(source->table("stp"), ports->second);
    const auto found = ports->second.find(end.port);
    return found == ports->second.end() ? Words{} : found->second;
  }

 private:
  using Ports = std::map<std::string, Words>;
  static void take(const Table& table, Ports& into) {
    const int port = table.column("port"), role = table.column("role");
    const int state = table.column("state");
    for (const auto& row : table.rows)
      into[to_text(row[size_t(port)])] = {to_text(row[size_t(role)]), to_text(row[size_t(state)])};
  }
  std::map<size_t, Ports> nodes_;
};

}  // namespace

// The lab's own table: a row for each end of each link, what leaves there.
Table Worker::link_ends() {
  Lab& lab = session_.lab();
  const LabSpec& spec = lab.spec();
  Table table;
  table.columns = {{"link", "Link"},
                   {"end", "End"},
                   {"place", "Place"},
                   {"carrier", "Carrier"},
                   {"rate", "Rate", ColumnType::number},
                   {"frames", "Frames", ColumnType::number},
                   {"octets", "Octets", ColumnType::number},
                   {"queued", "Queued", ColumnType::number},
                   {"queue_full", "Queue full", ColumnType::number},
                   {"lost", "Lost", ColumnType::number},
                   {"role", "STP role"},
                   {"state", "STP state"}};
  TreePorts trees;
  for (size_t i = 0; i < spec.links.size(); ++i) {
    if (!lab.has_link(i)) continue;
    for (size_t e = 0; e < spec.links[i].ends.size(); ++e) {
      const LinkEndSpec& told = spec.links[i].ends[e];
      const LinkEnd& end = lab.link(i).end(e);
      const LinkCounters& counters = end.counters();
      table.rows.push_back({spec.links[i].name, spec.nodes[told.node].name + ":" + told.port,
                            lab.place_of(told), end.carrier() ? "up" : "down",
                            int64_t(end.impairments().rate), int64_t(counters.frames),
                            int64_t(counters.octets), int64_t(end.queued()),
                            int64_t(counters.queue_full), int64_t(counters.lost + counters.cut)});
      for (std::string& word : trees.look(lab, told)) table.rows.back().push_back(std::move(word));
    }
  }
  return table;
}

// And another: the jails of all machines that are there now, outer ones first.
Table Worker::all_jails() {
  Lab& lab = session_.lab();
  Table table{{{"jail", "Jail"},
               {"jid", "JID", ColumnType::number},
               {"hostname", "Hostname"},
               {"vnet", "Vnet"}},
              {}};
  for (size_t i = 0; i < lab.spec().nodes.size(); ++i) {
    const Machine* machine = lab.spec().nodes[i].is_jail() ? nullptr : lab.machine(i);
    if (!machine || !machine->powered()) continue;
    machine->base().for_each_below([&](const Jail& jail) {
      table.rows.push_back({lab.name_of(jail), int64_t(jail.id()), jail.hostname(),
                            std::string(jail.has_own_vnet() ? "new" : "inherit")});
    });
  }
  return table;
}

Json Worker::tables(uint32_t, const Json& params) {
  const std::string node = params.at("node").get<std::string>();
  if (node.empty()) return {{"tables", {"links", "jails"}}};
  // A jail that no file knows has its machine's.
  const bool made = node.find('/') != node.npos && !session_.lab().spec().node_index.contains(node);
  const TableSource* source =
      made ? place(node).machine : session_.lab().tables(node_named(params));
  return {{"tables", source ? source->table_names() : std::vector<std::string>()}};
}

// Of a node, or of a jail that no file knows.
Table Worker::table_of(const std::string& node, const std::string& name) {
  if (node.empty()) return name == "links" ? link_ends() : name == "jails" ? all_jails() : Table{};
  const auto& index = session_.lab().spec().node_index;
  const auto found = index.find(node);
  if (found == index.end()) {
    const Place at = place(node);
    return at.machine->table(name, *at.jail);
  }
  const TableSource* source = session_.lab().tables(found->second);
  return source ? source->table(name) : Table{};
}

Json Worker::table(uint32_t, const Json& params) {
  const std::string name = params.at("table").get<std::string>();
  const Table table = table_of(params.at("node").get<std::string>(), name);
  if (table.columns.empty()) throw RequestError{1, text("there is no table \"{}\"", name)};
  Json result = to_json(table);
  result["time"] = session_.lab().simulation().reached().ns();
  return result;
}

Json Worker::checks(uint32_t, const Json&) {
  Json all = Json::array();
  for (const CheckResult& result : session_.checks())
    all.push_back(to_json(result, session_.lab().spec()));
  return {{"checks", all}};
}

// {"at": "srv/a", "line": "ifconfig e", "cursor": 10}: in octets; left out: the line's end.
Json Worker::complete(uint32_t, const Json& params) {
  const Place at = place(params.at("at").get<std::string>());
  const std::string line = params.at("line").get<std::string>();
  const Completion found =
      complete_line(*at.machine, *at.jail, line, params.value("cursor", line.size()));
  return {{"line", found.line}, {"cursor", found.cursor}, {"choices", found.choices}};
}

Json Worker::subscribe(uint32_t client, const Json& params) {
  return {{"subscription", subscriptions_->add(client, params)}};
}

Json Worker::unsubscribe(uint32_t client, const Json& params) {
  subscriptions_->remove(client, params.at("subscription").get<uint64_t>());
  return Json::object();
}

}  // namespace stackyard
