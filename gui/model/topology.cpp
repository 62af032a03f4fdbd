#include "gui/model/topology.h"

#include <graphviz/gvc.h>

#include <QHash>
#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/text.h"

namespace stackyard::gui {

int Topology::nodeNamed(const QString& name) const {
  for (size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].name == name) return int(i);
  return -1;
}

int Topology::machineOf(int node) const {
  while (node >= 0 && nodes[size_t(node)].parent >= 0) node = nodes[size_t(node)].parent;
  return node;
}

void Topology::setJails(const QStringList& there) {
  while (!nodes.empty() && nodes.back().made) nodes.pop_back();
  QHash<QString, int> known;
  for (size_t i = 0; i < nodes.size(); ++i) {
    std::erase_if(nodes[i].jails, [&](int jail) { return size_t(jail) >= nodes.size(); });
    nodes[i].there = nodes[i].parent < 0;
    known.insert(nodes[i].name, int(i));
  }
  for (const QString& name : there) {
    if (const int of_file = known.value(name, -1); of_file >= 0) {
      nodes[size_t(of_file)].there = true;
      continue;
    }
    Node jail;
    jail.parent = known.value(name.section(QLatin1Char('/'), 0, -2), -1);
    if (jail.parent < 0) continue;  // its machine has been drawn away
    jail.name = name;
    jail.kind = QStringLiteral("jail");
    jail.made = true;
    nodes[size_t(jail.parent)].jails.push_back(int(nodes.size()));
    known.insert(name, int(nodes.size()));
    nodes.push_back(std::move(jail));
  }
}

Topology topologyOf(const LabSpec& lab) {
  Topology topology;
  for (const NodeSpec& spec : lab.nodes) {
    Topology::Node node;
    node.name = QString::fromStdString(spec.name);
    node.kind =
        spec.is_jail() ? QStringLiteral("jail") : QString::fromStdString(node_kind_name(spec.kind));
    node.parent = spec.parent;
    for (const InterfaceSpec& interface : spec.interfaces) {
      node.interfaces.append(QString::fromStdString(interface.name));
      if (const auto& mac = lab.more(interface).mac)
        node.macs.append(QString::fromStdString(to_text(*mac)));
      for (const AddressItem& item : interface.addresses)
        if (item.is_v4() || item.has_v6())
          node.addresses.append(QString::fromStdString(to_text(item.prefix)));
    }
    const auto place = lab.layout.find(spec.name);
    node.placed = place != lab.layout.end();
    if (node.placed) node.at = {place->second.first, place->second.second};
    if (node.parent >= 0)
      topology.nodes[size_t(node.parent)].jails.push_back(int(topology.nodes.size()));
    topology.nodes.push_back(std::move(node));
  }
  for (const LinkSpec& spec : lab.links) {
    Topology::Link link;
    link.name = QString::fromStdString(spec.name);
    link.up = spec.up;
    for (const LinkEndSpec& end : spec.ends)
      link.ends.push_back({int(end.node), QString::fromStdString(end.port)});
    topology.links.push_back(std::move(link));
  }
  for (const LabSpec::Note& note : lab.notes)
    topology.notes.push_back({QString::fromStdString(note.text), {note.x, note.y}});
  return topology;
}

namespace {

// Graphviz wants char*, and changes nothing.
char* words(const char* text) { return const_cast<char*>(text); }

int jailsIn(const Topology& topology, int node) {
  int all = 0;
  for (const int jail : topology.nodes[size_t(node)].jails) all += 1 + jailsIn(topology, jail);
  return all;
}

// Of machines, switches and hubs; jails are inside their machine, which is as much higher.
void layOutAll(Topology& topology) {
  Agraph_t* graph = agopen(words("lab"), Agstrictundirected, nullptr);
  std::vector<Agnode_t*> drawn(topology.nodes.size());
  for (size_t i = 0; i < drawn.size(); ++i)
    if (topology.nodes[i].parent < 0) drawn[i] = agnode(graph, words(std::to_string(i).c_str()), 1);
  for (const Topology::Link& link : topology.links) {
    for (size_t e = 1; e < link.ends.size(); ++e) {
      const int a = topology.machineOf(link.ends[0].node);
      const int b = topology.machineOf(link.ends[e].node);
      if (a != b) agedge(graph, drawn[size_t(a)], drawn[size_t(b)], nullptr, 1);
    }
  }
  agattr(graph, AGRAPH, words("overlap"), words("prism"));
  agattr(graph, AGRAPH, words("K"), words("1.1"));
  agattr(graph, AGNODE, words("width"), words("0.9"));
  agattr(graph, AGNODE, words("height"), words("0.7"));
  agattr(graph, AGNODE, words("fixedsize"), words("true"));
  constexpr double dots = 1.6, dots_an_inch = 72 * dots, jail_height = 24;
  const auto deeper = [&](size_t node) { return jailsIn(topology, int(node)) * jail_height; };
  for (size_t i = 0; i < drawn.size(); ++i)
    if (drawn[i] && deeper(i) > 0)
      agset(drawn[i], words("height"),
            words(std::to_string(0.7 + deeper(i) / dots_an_inch).c_str()));
  GVC_t* context = gvContext();
  // neato's stress model is the nicer one, and quadratic.
  if (gvLayout(context, graph, topology.nodes.size() > 150 ? "sfdp" : "neato") == 0) {
    for (size_t i = 0; i < drawn.size(); ++i)
      if (drawn[i])
        topology.nodes[i].at = {ND_coord(drawn[i]).x * dots,
                                -ND_coord(drawn[i]).y * dots - deeper(i) / 2};
    gvFreeLayout(context, graph);
  }
  gvFreeContext(context);
  agclose(graph);
}

}  // namespace

void layOut(Topology& topology) {
  const auto open = [](const Topology::Node& node) { return node.parent < 0 && !node.placed; };
  const auto unplaced = std::count_if(topology.nodes.begin(), topology.nodes.end(), open);
  if (unplaced == 0) return;
  const auto top = std::count_if(topology.nodes.begin(), topology.nodes.end(),
                                 [](const Topology::Node& node) { return node.parent < 0; });
  if (unplaced == top) return layOutAll(topology);
  // Some have a place: the others go into a row below them.
  double bottom = 0, x = 0;
  for (const Topology::Node& node : topology.nodes)
    if (node.placed) bottom = std::max(bottom, node.at.y());
  for (Topology::Node& node : topology.nodes) {
    if (!open(node)) continue;
    node.at = {x, bottom + 120};
    x += 110;
  }
}

}  // namespace stackyard::gui
