// lab/build/edit.cpp - changes to a lab that runs: nodes and links that come and go.
#include <algorithm>

#include "core/base/text.h"
#include "lab/build/lab.h"
#include "stack/drivers/ether.h"
#include "stack/net/net_stack.h"

namespace stackyard {

std::string Lab::grow(LabSpec next) {
  const size_t nodes = spec_.nodes.size(), links = spec_.links.size();
  const auto same_name = [](const auto& a, const auto& b) { return a.name == b.name; };
  if (next.nodes.size() < nodes || next.links.size() < links ||
      !std::equal(spec_.nodes.begin(), spec_.nodes.end(), next.nodes.begin(), same_name) ||
      !std::equal(spec_.links.begin(), spec_.links.end(), next.links.begin(), same_name))
    return "patterns of the file match what is added; write names that they do not match";
  std::vector<size_t> known;
  for (const NodeSpec& node : spec_.nodes) known.push_back(node.interfaces.size());
  // A session judges and watches by the old ones, which stay where they are.
  next.events = std::move(spec_.events);
  next.checks = std::move(spec_.checks);
  next.captures = std::move(spec_.captures);
  spec_ = std::move(next);
  nodes_.resize(spec_.nodes.size());
  for (size_t i = 0; i < nodes; ++i) build_nics(i);
  for (size_t i = nodes; i < nodes_.size(); ++i) build_node(i);
  for (size_t i = links; i < spec_.links.size(); ++i) build_link(spec_.links[i]);
  if (spec_.hosts) base_files_ = base_files();
  for (size_t i = 0; i < nodes; ++i) {
    if (nodes_[i].machine) nodes_[i].machine->files().set_base(base_files_);
    add_interfaces(i, known[i]);
  }
  start_nodes(nodes);
  for (size_t i = links; i < spec_.links.size(); ++i)
    for (const LinkEndSpec& end : spec_.links[i].ends)
      for (Nic& nic : nodes_[end.node].nics)
        if (nic.name == end.port && end.node < nodes) nic.nic->carrier_changed(spec_.links[i].up);
  return "";
}

// A machine that runs finds new hardware, and configures it as the lab says.
void Lab::add_interfaces(size_t index, size_t known) {
  const NodeSpec& spec = spec_.nodes[index];
  if (spec.interfaces.size() == known) return;
  Jail* jail = this->jail(index);
  if (!jail) return;  // it is found at the next boot
  NetStack& base = stack_of(machine(index)->base());
  for (size_t i = known; i < spec.interfaces.size(); ++i) {
    for (Nic& nic : nodes_[index].nics) {
      if (nic.name != spec.interfaces[i].name) continue;
      Ifnet& interface = base.attach(std::make_unique<EtherInterface>(base, nic.name, *nic.nic));
      if (spec.is_jail()) (void)base.move(interface, stack_of(*jail));
    }
    configure_interface(index, jail->vnet(), spec.interfaces[i]);
  }
  apply_taps(index);
}

std::string Lab::name_of(const Jail& jail) const {
  const std::string& machine = simulation_.node_name(jail.machine().site().id());
  if (!jail.parent()) return machine;
  std::string inside = jail.name_seen_by(jail.machine().base());
  std::replace(inside.begin(), inside.end(), '.', '/');
  return machine + "/" + inside;
}

std::string Lab::place_of(const LinkEndSpec& end) const {
  for (const Nic& nic : nodes_[end.node].nics) {
    if (nic.name != end.port) continue;
    if (const auto* driver = dynamic_cast<const EtherInterface*>(nic.nic->client()))
      return name_of(driver->net().vnet().jail()) + ":" + driver->name();
  }
  return spec_.nodes[end.node].name + ":" + end.port;
}

void Lab::remove_node(size_t node) {
  for (size_t i = 0; i < spec_.links.size(); ++i)
    for (const LinkEndSpec& end : spec_.links[i].ends)
      if (spec_.nodes[end.node].machine == node && has_link(i)) remove_link(i);
  if (nodes_[node].machine && nodes_[node].machine->powered()) power_off(node);
  nodes_[node].removed = true;
}

void Lab::remove_link(size_t link) {
  links_[link]->set_up(false);
  for (size_t e = 0; e < spec_.links[link].ends.size(); ++e)
    links_[link]->end(e).jack().plug(nullptr);
  removed_links_.insert(link);
}

}  // namespace stackyard
