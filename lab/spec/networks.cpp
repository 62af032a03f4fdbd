#include "lab/spec/networks.h"

#include <algorithm>
#include <set>

#include "lab/spec/lab_reader.h"

namespace stackyard {

namespace {

// The tags that a frame carries, 16 bits each, the outermost highest. No tag is 0.
using Tags = uint64_t;
constexpr Tags provider_bit = 0x8000;

Tags nested(Tags outer, Tags inner) {
  for (Tags rest = inner; rest; rest >>= 16) outer <<= 16;
  return outer | inner;
}

// The frames with these tags on a wire: a link, an epair, or the inside of a bridge.
struct Segment {
  size_t wire = 0;
  Tags tags = 0;
  auto operator<=>(const Segment&) const = default;
};

class Networks {
 public:
  explicit Networks(LabSpec& lab) : lab_(lab), wires_(lab.links.size() + lab.epairs.size()) {
    for (size_t e = 0; e < lab.epairs.size(); ++e)
      epair_wires_[{lab.nodes[lab.epairs[e].nodes[0]].machine, lab.epairs[e].number}] =
          lab.links.size() + e;
  }
  std::vector<Network> find() {
    note_tags();
    join_switches();
    for (size_t n = 0; n < lab_.nodes.size(); ++n) join_bridges(n);
    return collect();
  }

 private:
  // --- a union of segments; the least stands for all ---
  Segment root(Segment s) {
    Segment top = s;
    for (auto up = parent_.find(top); up != parent_.end(); up = parent_.find(top)) top = up->second;
    for (auto up = parent_.find(s); up != parent_.end() && up->second != top;
         up = parent_.find(s)) {
      s = up->second;
      up->second = top;
    }
    return top;
  }
  void join(Segment a, Segment b) {
    a = root(a);
    b = root(b);
    if (a != b) parent_[std::max(a, b)] = std::min(a, b);
  }
  // With all tags that the file's frames may carry besides.
  void join_tagged_too(Segment a, Segment b) {
    join(a, b);
    for (Tags tags : tags_) join({a.wire, nested(a.tags, tags)}, {b.wire, nested(b.tags, tags)});
  }

  Tags own_tag(const InterfaceMore& more) const {
    return more.vlan | (more.provider_tag ? provider_bit : 0);
  }
  void note_tags() {
    bool transparent = false;  // anything that passes frames whatever their tags are
    for (const NodeSpec& node : lab_.nodes) {
      transparent |= node.kind == NodeKind::hub;
      for (const InterfaceSpec& i : node.interfaces) {
        transparent |= i.type == InterfaceType::bridge;
        if (i.type != InterfaceType::vlan) continue;
        Tags tags = 0;
        for (const InterfaceSpec* at = &i; at && at->type == InterfaceType::vlan;
             at = interface(node, lab_.more(*at).parent.name)) {
          tags = nested(own_tag(lab_.more(*at)), tags);
          tags_.insert(tags);
        }
      }
    }
    if (!transparent) return tags_.clear();
    for (const NodeSettings& settings : lab_.node_settings)
      for (const auto& [name, port] : settings.port_specs) {
        tags_.insert(port.trunk.begin(), port.trunk.end());
        if (port.trunk_all)
          for (const auto& [vlan, unused] : settings.vlans) tags_.insert(vlan);
      }
  }
  static const InterfaceSpec* interface(const NodeSpec& node, const std::string& name) {
    const auto found = std::find_if(node.interfaces.begin(), node.interfaces.end(),
                                    [&](const InterfaceSpec& i) { return i.name == name; });
    return found == node.interfaces.end() ? nullptr : &*found;
  }

  void join_switches() {
    std::map<std::pair<size_t, uint16_t>, Segment> first;  // by switch and VLAN; 0: a hub
    for (size_t l = 0; l < lab_.links.size(); ++l) {
      for (const LinkEndSpec& end : lab_.links[l].ends) {
        const NodeSpec& node = lab_.nodes[end.node];
        if (node.runs_programs() || node.kind == NodeKind::door) continue;
        if (node.kind == NodeKind::hub) {
          const auto [found, fresh] = first.emplace(std::pair{end.node, 0}, Segment{l, 0});
          if (!fresh) join_tagged_too(found->second, {l, 0});
          continue;
        }
        for (const auto& [vlan, tag] : vlans_of(lab_.settings(node), end.port)) {
          const auto [found, fresh] = first.emplace(std::pair{end.node, vlan}, Segment{l, tag});
          if (!fresh) join(found->second, {l, tag});
        }
      }
    }
  }
  // The VLANs of a port, each with the tag that its frames carry on the link.
  static std::vector<std::pair<uint16_t, uint16_t>> vlans_of(const NodeSettings& settings,
                                                             const std::string& port) {
    const auto found = settings.port_specs.find(port);
    if (found == settings.port_specs.end()) return {{1, 0}};
    const SwitchPortSpec& spec = found->second;
    if (!spec.trunk_all && spec.trunk.empty()) return {{spec.access.value_or(1), 0}};
    std::vector<std::pair<uint16_t, uint16_t>> all;
    if (spec.native) all.emplace_back(*spec.native, 0);
    if (spec.trunk_all)
      for (const auto& [vlan, name] : settings.vlans)
        if (vlan != spec.native) all.emplace_back(vlan, vlan);
    for (uint16_t vlan : spec.trunk)
      if (vlan != spec.native) all.emplace_back(vlan, vlan);
    return all;
  }

  void join_bridges(size_t n) {
    const NodeSpec& node = lab_.nodes[n];
    std::map<std::string, size_t> at;
    for (size_t i = 0; i < node.interfaces.size(); ++i)
      if (node.interfaces[i].type == InterfaceType::bridge) bridge_wires_[{n, i}] = wires_++;
    auto bridge = bridge_wires_.lower_bound({n, 0});
    if (bridge == bridge_wires_.end()) return;
    for (size_t i = 0; i < node.interfaces.size(); ++i) at[node.interfaces[i].name] = i;
    for (; bridge != bridge_wires_.end(); ++bridge)
      for (const Named& name : lab_.more(node.interfaces[bridge->first.second]).members)
        if (const auto member = at.find(name.name); member != at.end())
          if (const auto segment = segment_of(n, member->second))
            join_tagged_too({bridge->second, 0}, *segment);
  }

  std::optional<Segment> segment_of(size_t n, size_t index) const {
    const NodeSpec& node = lab_.nodes[n];
    const InterfaceSpec& i = node.interfaces[index];
    switch (i.type) {
      case InterfaceType::nic:
        if (i.link < 0) return std::nullopt;
        return Segment{size_t(i.link), 0};
      case InterfaceType::epair:
        return Segment{epair_wires_.at({node.machine, epair_end(i.name)->first}), 0};
      case InterfaceType::bridge:
        return Segment{bridge_wires_.at({n, index}), 0};
      case InterfaceType::vlan: {
        const InterfaceMore& more = lab_.more(i);
        const InterfaceSpec* parent = interface(node, more.parent.name);
        const auto below =
            parent ? segment_of(n, size_t(parent - node.interfaces.data())) : std::nullopt;
        if (!below) return std::nullopt;
        return Segment{below->wire, nested(below->tags, own_tag(more))};
      }
      default:
        return std::nullopt;
    }
  }

  std::vector<Network> collect() {
    std::vector<Network> found;
    std::vector<size_t> first_link;
    std::map<Segment, size_t> index;
    const auto network_of = [&](Segment s) {
      s = root(s);
      const auto [at, fresh] = index.emplace(s, found.size());
      if (fresh) {
        found.emplace_back();
        first_link.push_back(std::min(s.wire, lab_.links.size()));
      }
      return at->second;
    };
    for (size_t l = 0; l < lab_.links.size(); ++l) found[network_of({l, 0})].links.push_back(l);
    for (size_t n = 0; n < lab_.nodes.size(); ++n)
      for (size_t i = 0; i < lab_.nodes[n].interfaces.size(); ++i)
        if (const auto segment = segment_of(n, i))
          found[network_of(*segment)].members.push_back({n, i});
    std::vector<size_t> order(found.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    // Networks were found in link order, then in the order of their first members.
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return first_link[a] < first_link[b]; });
    std::vector<Network> sorted;
    for (size_t i : order) {
      for (const NetworkMember& m : found[i].members)
        lab_.nodes[m.node].interfaces[m.interface].network = int(sorted.size());
      sorted.push_back(std::move(found[i]));
    }
    return sorted;
  }

  LabSpec& lab_;
  size_t wires_;                                                 // links, then epairs, then bridges
  std::map<std::pair<uint32_t, uint32_t>, size_t> epair_wires_;  // by machine and number
  std::map<std::pair<size_t, size_t>, size_t> bridge_wires_;     // by node and interface
  std::map<Segment, Segment> parent_;
  std::set<Tags> tags_;
};

}  // namespace

std::vector<Network> find_networks(LabSpec& lab) { return Networks(lab).find(); }

}  // namespace stackyard
