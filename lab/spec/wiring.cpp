// lab/spec/wiring.cpp - what interfaces of one machine have to do with each other: the two ends of
// an epair, a bridge and its members, a vlan and its parent.
#include <algorithm>

#include "core/base/text.h"
#include "lab/spec/lab_reader.h"

namespace stackyard {

namespace {

constexpr size_t vlans_deep_max = 4;

struct End {
  size_t node;
  Place place;
};
using Ends = std::map<std::pair<uint32_t, bool>, End>;

InterfaceSpec implied(const std::string& name, InterfaceType type, Place place) {
  InterfaceSpec interface;
  interface.name = name;
  interface.type = type;
  interface.place = place;
  return interface;
}

// Whether a node is `around` or a jail below it: parents come first.
bool within(const LabSpec& lab, size_t node, size_t around) {
  while (node > around && lab.nodes[node].is_jail()) node = size_t(lab.nodes[node].parent);
  return node == around;
}

bool can_be_below(InterfaceType lower, InterfaceType upper) {
  if (lower == InterfaceType::lo || lower == InterfaceType::tun) return false;
  return lower != InterfaceType::bridge || upper == InterfaceType::vlan;
}

}  // namespace

void LabReader::read_wiring() {
  for (size_t n = 0; n < lab_.nodes.size(); n = lab_.behind(n))
    if (lab_.nodes[n].runs_programs()) pair_up(n);
  for (size_t n = 0; n < lab_.nodes.size(); ++n) check_lower(n);
  for (const NodeSpec& node : lab_.nodes)
    for (const InterfaceSpec& i : node.interfaces)
      if (i.type == InterfaceType::nic && i.link < 0)
        r_.problems.warning(i.place,
                            text("{}:{} has no link, so it has no carrier", node.name, i.name));
}

// An end of an epair is in the vnet that lists it, as an interface or below one. An unlisted end is
// in the parent of the other's.
void LabReader::pair_up(size_t machine) {
  Ends ends;
  std::vector<std::pair<std::string, End>> unlisted;
  const auto mention = [&](size_t node, const std::string& name, Place place, bool listed) {
    const auto end = epair_end(name);
    if (!end) return;
    const auto [found, fresh] = ends.emplace(*end, End{node, place});
    if (!fresh && found->second.node != node)
      r_.problems.error(place,
                        text("{} is already in {} ({})", name, lab_.nodes[found->second.node].name,
                             to_text(found->second.place)),
                        "list an end once");
    else if (fresh && !listed)
      unlisted.emplace_back(name, End{node, place});
  };
  const size_t behind = lab_.behind(machine);
  for (size_t n = machine; n < behind; ++n) {
    for (const InterfaceSpec& i : lab_.nodes[n].interfaces)
      if (i.type == InterfaceType::epair) mention(n, i.name, i.place, true);
    for (const InterfaceSpec& i : lab_.nodes[n].interfaces) {
      const InterfaceMore& more = lab_.more(i);
      for (const Named& member : more.members) mention(n, member.name, member.place, false);
      mention(n, more.parent.name, more.parent.place, false);
    }
  }
  const Ends mentioned = ends;
  for (const auto& [end, at] : mentioned) {
    if (ends.contains({end.first, !end.second})) continue;
    const NodeSpec& node = lab_.nodes[at.node];
    const size_t around = node.is_jail() ? lab_.vnet_of(size_t(node.parent)) : at.node;
    mention(around, text("epair{}{}", end.first, end.second ? 'a' : 'b'), at.place, false);
  }
  for (const auto& [name, end] : unlisted)
    lab_.nodes[end.node].interfaces.push_back(implied(name, InterfaceType::epair, end.place));
  for (auto a = ends.begin(); a != ends.end() && std::next(a) != ends.end(); std::advance(a, 2)) {
    size_t home = a->second.node;
    const size_t other = std::next(a)->second.node;
    while (!within(lab_, other, home)) home = size_t(lab_.nodes[home].parent);
    lab_.epairs.push_back({a->first.first, lab_.vnet_of(home), {a->second.node, other}});
  }
}

// Members and parents exist in the same vnet, carry Ethernet frames, and are in one bridge only.
void LabReader::check_lower(size_t index) {
  NodeSpec& node = lab_.nodes[index];
  const auto uses_others = [&](const InterfaceSpec& i) {
    return !lab_.more(i).members.empty() || !lab_.more(i).parent.name.empty();
  };
  if (std::none_of(node.interfaces.begin(), node.interfaces.end(), uses_others)) return;
  std::map<std::string, size_t> at;
  for (size_t i = 0; i < node.interfaces.size(); ++i) at.emplace(node.interfaces[i].name, i);
  std::map<size_t, std::pair<std::string, Place>> member_of;
  const auto lower = [&](const InterfaceSpec& upper, const Named& name) -> std::optional<size_t> {
    const auto found = at.find(name.name);
    if (found == at.end()) {
      std::vector<std::string> names;
      for (const auto& [known, unused] : at) names.push_back(known);
      r_.problems.error(name.place, text("{} has no interface \"{}\"", node.name, name.name),
                        suggest(name.name, names, "interfaces"));
      return std::nullopt;
    }
    const InterfaceType type = node.interfaces[found->second].type;
    if (!can_be_below(type, upper.type))
      r_.problems.error(name.place,
                        text("a {} cannot be below a {}", interface_type_name(type),
                             interface_type_name(upper.type)),
                        "use another interface");
    node.interfaces[found->second].below = true;
    return found->second;
  };
  for (const InterfaceSpec& upper : node.interfaces) {
    const InterfaceMore& more = lab_.more(upper);
    for (const Named& name : more.members) {
      const auto member = lower(upper, name);
      if (!member) continue;
      const auto [found, fresh] = member_of.emplace(*member, std::pair{upper.name, name.place});
      if (!fresh)
        r_.problems.error(name.place,
                          text("{} is already in {} ({})", name.name, found->second.first,
                               to_text(found->second.second)),
                          "an interface is in one bridge only");
    }
    if (more.parent.name.empty() || !lower(upper, more.parent)) continue;
    size_t depth = 1;
    for (auto next = at.find(more.parent.name); next != at.end() && depth <= vlans_deep_max;
         next = at.find(lab_.more(node.interfaces[next->second]).parent.name))
      depth += !lab_.more(node.interfaces[next->second]).parent.name.empty();
    if (depth > vlans_deep_max)
      r_.problems.error(more.parent.place, "vlans more than 4 deep", "use fewer levels");
  }
}

}  // namespace stackyard
