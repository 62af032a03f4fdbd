// lab/spec/addressing.cpp - networks, subnets, automatic addresses and routes by node name.
//
// A network is what a broadcast reaches by links, hubs and switch VLANs of the file. Each gets one
// IPv4 subnet; each `auto` the lowest free host number in it, routers first.
#include <algorithm>
#include <numeric>

#include "core/base/text.h"
#include "lab/spec/lab_spec.h"
#include "lab/spec/problems.h"

namespace stackyard {

namespace {

struct Member {
  size_t node;
  size_t interface;
};

struct Network {
  std::vector<size_t> links;
  std::vector<Member> members;  // in node order, then interface order
  std::optional<Ipv4Prefix> subnet;
};

class Addressing {
 public:
  Addressing(LabSpec& lab, Problems& problems) : lab_(lab), problems_(problems) {}
  void run() {
    set_defaults();
    find_networks();
    for (Network& network : networks_) choose_from_file(network);
    for (Network& network : networks_) choose_from_pool(network);
    for (Network& network : networks_) give_addresses(network);
    warn_duplicates();
    for (size_t i = 0; i < lab_.nodes.size(); ++i) resolve_routes(i);
  }

 private:
  // A linked nic without `addresses` has an automatic one.
  void set_defaults() {
    for (NodeSpec& node : lab_.nodes)
      for (InterfaceSpec& i : node.interfaces)
        if (!i.addresses_given && i.link >= 0)
          i.addresses.push_back({AddressItem::Kind::automatic, {}, i.place});
  }

  // --- networks: a union of (link, VLAN) pairs ---
  using Segment = std::pair<size_t, uint16_t>;  // a link, and the tag its frames carry (0: none)
  Segment root(Segment s) {
    auto found = parent_.find(s);
    if (found == parent_.end() || found->second == s) return s;
    return found->second = root(found->second);
  }
  void join(Segment a, Segment b) {
    a = root(a);
    b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }
  void find_networks() {
    for (size_t n = 0; n < lab_.nodes.size(); ++n) {
      const NodeSpec& node = lab_.nodes[n];
      if (node.is_machine()) continue;
      std::map<uint16_t, Segment> first;  // by VLAN
      for (size_t l : links_of(n)) {
        for (const LinkEndSpec& end : lab_.links[l].ends) {
          if (end.node != n) continue;
          for (const auto& [vlan, tag] : vlans_of(node, end.port)) {
            const auto [found, fresh] = first.emplace(vlan, Segment{l, tag});
            if (!fresh) join(found->second, {l, tag});
          }
        }
      }
    }
    std::map<Segment, size_t> index;
    for (size_t l = 0; l < lab_.links.size(); ++l) {
      const auto [found, fresh] = index.emplace(root({l, 0}), networks_.size());
      if (fresh) networks_.emplace_back();
      networks_[found->second].links.push_back(l);
    }
    network_of_.resize(lab_.links.size());
    for (size_t i = 0; i < networks_.size(); ++i)
      for (size_t l : networks_[i].links) network_of_[l] = i;
    for (size_t n = 0; n < lab_.nodes.size(); ++n)
      for (size_t i = 0; i < lab_.nodes[n].interfaces.size(); ++i)
        if (const int l = lab_.nodes[n].interfaces[i].link; l >= 0)
          networks_[network_of_[size_t(l)]].members.push_back({n, i});
  }
  const std::vector<size_t>& links_of(size_t node) {
    if (links_of_.empty()) {
      links_of_.resize(lab_.nodes.size());
      for (size_t l = 0; l < lab_.links.size(); ++l)
        for (const LinkEndSpec& end : lab_.links[l].ends) {
          auto& list = links_of_[end.node];
          if (list.empty() || list.back() != l) list.push_back(l);
        }
    }
    return links_of_[node];
  }
  // The VLANs of a port, each with the tag that its frames carry on the link.
  static std::vector<std::pair<uint16_t, uint16_t>> vlans_of(const NodeSpec& node,
                                                             const std::string& port) {
    const auto found = node.port_specs.find(port);
    if (found == node.port_specs.end()) return {{1, 0}};
    const SwitchPortSpec& spec = found->second;
    if (!spec.trunk_all && spec.trunk.empty()) return {{spec.access.value_or(1), 0}};
    std::vector<std::pair<uint16_t, uint16_t>> all;
    if (spec.native) all.emplace_back(*spec.native, 0);
    if (spec.trunk_all)
      for (const auto& [vlan, name] : node.vlans)
        if (vlan != spec.native) all.emplace_back(vlan, vlan);
    for (uint16_t vlan : spec.trunk)
      if (vlan != spec.native) all.emplace_back(vlan, vlan);
    return all;
  }

  // --- subnets ---
  InterfaceSpec& at(const Member& m) { return lab_.nodes[m.node].interfaces[m.interface]; }
  void choose_from_file(Network& network) {
    for (size_t l : network.links)
      if (const auto& prefix = lab_.links[l].prefix; prefix && !network.subnet)
        network.subnet = *prefix;
    for (const Member& m : network.members)
      for (const AddressItem& a : at(m).addresses)
        if (a.kind == AddressItem::Kind::fixed) {
          if (!network.subnet) network.subnet = a.prefix.canonical();
          take(a.prefix.canonical());
        }
    if (network.subnet) take(*network.subnet);
  }
  // Taken subnets, merged where they overlap: a sorted map of first to last address.
  void take(Ipv4Prefix prefix) {
    uint32_t low = prefix.network().value, high = prefix.broadcast().value;
    auto next = taken_.upper_bound(low);
    if (next != taken_.begin() && std::prev(next)->second >= low) --next;
    while (next != taken_.end() && next->first <= high) {
      low = std::min(low, next->first);
      high = std::max(high, next->second);
      next = taken_.erase(next);
    }
    taken_[low] = high;
  }
  void choose_from_pool(Network& network) {
    std::vector<Member> addressed;
    bool wanted = false;
    for (const Member& m : network.members) {
      bool any = false;
      for (const AddressItem& a : at(m).addresses) {
        any |= a.kind != AddressItem::Kind::none;
        wanted |= a.kind == AddressItem::Kind::automatic;
      }
      if (any) addressed.push_back(m);
    }
    if (network.subnet || !wanted) return;
    std::string pool;
    for (size_t l : network.links) {
      const LinkSpec& link = lab_.links[l];
      if (link.pool.empty()) continue;
      if (!pool.empty() && pool != link.pool)
        problems_.error(
            link.place,
            text("links of one network name the pools \"{}\" and \"{}\"", pool, link.pool),
            "name one");
      pool = link.pool;
    }
    const bool routers = addressed.size() == 2 &&
                         std::all_of(addressed.begin(), addressed.end(), [&](const Member& m) {
                           return lab_.nodes[m.node].kind == NodeKind::router;
                         });
    if (pool.empty()) pool = routers ? "p2p" : "lan";
    if (pool == "none") return;
    const LabSpec::Pool& from = lab_.pools[pool];
    if (!from.ipv4) return;
    const uint64_t step = uint64_t(1) << (32 - from.prefix);
    uint64_t low = std::max<uint64_t>(from.ipv4->network().value, next_in_pool_[pool]);
    while (low + step - 1 <= from.ipv4->broadcast().value) {
      auto next = taken_.upper_bound(uint32_t(low + step - 1));
      const bool free = next == taken_.begin() || std::prev(next)->second < low;
      if (free) {
        network.subnet = Ipv4Prefix{{uint32_t(low)}, uint8_t(from.prefix)};
        take(*network.subnet);
        next_in_pool_[pool] = low + step;
        return;
      }
      low = (uint64_t(std::prev(next)->second) / step + 1) * step;
    }
    problems_.error(lab_.links[network.links[0]].place,
                    text("pool \"{}\" has no free network", pool), "make it larger");
  }

  void give_addresses(Network& network) {
    if (!network.subnet) {
      for (const Member& m : network.members)
        std::erase_if(at(m).addresses,
                      [](const AddressItem& a) { return a.kind == AddressItem::Kind::automatic; });
      return;
    }
    std::set<uint32_t> used;
    for (const Member& m : network.members)
      for (const AddressItem& a : at(m).addresses)
        if (a.kind == AddressItem::Kind::fixed) used.insert(a.prefix.address.value);
    const Ipv4Prefix subnet = *network.subnet;
    uint64_t next = uint64_t(subnet.network().value) + (subnet.length < 31 ? 1 : 0);
    const uint64_t last = uint64_t(subnet.broadcast().value) - (subnet.length < 31 ? 1 : 0);
    for (const bool routers : {true, false}) {
      for (const Member& m : network.members) {
        if ((lab_.nodes[m.node].kind == NodeKind::router) != routers) continue;
        for (AddressItem& a : at(m).addresses) {
          if (a.kind != AddressItem::Kind::automatic) continue;
          while (next <= last && used.contains(uint32_t(next))) ++next;
          if (next > last) {
            problems_.error(a.place, text("{} has no free address", to_text(subnet)),
                            "use a larger network");
            return;
          }
          a.prefix = {{uint32_t(next++)}, subnet.length};
        }
      }
    }
  }

  void warn_duplicates() {
    std::map<Ipv4Address, std::string> owners;
    for (const NodeSpec& node : lab_.nodes)
      for (const InterfaceSpec& i : node.interfaces)
        for (const AddressItem& a : i.addresses) {
          if (a.kind != AddressItem::Kind::fixed || i.loopback) continue;
          const auto [found, fresh] = owners.emplace(a.prefix.address, node.name);
          if (!fresh)
            problems_.warning(a.place, text("{} has the address {}, too", found->second,
                                            to_text(a.prefix.address)));
        }
  }

  // --- routes ---
  std::optional<Ipv4Address> shared_address(size_t from, size_t to) {
    for (const InterfaceSpec& mine : lab_.nodes[from].interfaces) {
      if (mine.link < 0) continue;
      for (const InterfaceSpec& theirs : lab_.nodes[to].interfaces) {
        if (theirs.link < 0 || network_of_[size_t(mine.link)] != network_of_[size_t(theirs.link)])
          continue;
        for (const AddressItem& a : theirs.addresses)
          if (a.kind != AddressItem::Kind::none) return a.prefix.address;
      }
    }
    return std::nullopt;
  }
  std::optional<Ipv4Address> first_router(size_t node) {
    for (const InterfaceSpec& mine : lab_.nodes[node].interfaces) {
      if (mine.link < 0) continue;
      for (const Member& m : networks_[network_of_[size_t(mine.link)]].members) {
        if (m.node == node || lab_.nodes[m.node].kind != NodeKind::router) continue;
        for (const AddressItem& a : at(m).addresses)
          if (a.kind != AddressItem::Kind::none) return a.prefix.address;
      }
    }
    return std::nullopt;
  }
  void resolve_routes(size_t index) {
    NodeSpec& node = lab_.nodes[index];
    const bool automatic =
        std::any_of(node.interfaces.begin(), node.interfaces.end(), [](const InterfaceSpec& i) {
          return std::any_of(i.addresses.begin(), i.addresses.end(), [](const AddressItem& a) {
            return a.kind == AddressItem::Kind::automatic;
          });
        });
    if (node.kind == NodeKind::host && automatic && !node.routes_given && first_router(index)) {
      RouteSpec route;
      route.to_default = true;
      route.to = {{}, 0};
      route.via = "auto";
      node.routes.push_back(route);
    }
    for (RouteSpec& route : node.routes) {
      if (route.via.empty()) continue;
      if (route.via == "auto") {
        route.gateway = first_router(index);
      } else if (const auto address = parse_ipv4(route.via)) {
        route.gateway = address;
        if (!on_link(node, *address))
          problems_.warning(route.via_place,
                            text("{} is not on a network of {}", route.via, node.name));
      } else {
        const auto found = lab_.node_index.find(route.via);
        if (found == lab_.node_index.end()) {
          std::vector<std::string> names{"auto"};
          for (const NodeSpec& n : lab_.nodes) names.push_back(n.name);
          problems_.error(route.via_place, text("unknown node \"{}\"", route.via),
                          suggest(route.via, names, "nodes"));
          continue;
        }
        route.gateway = shared_address(index, found->second);
        if (!route.gateway)
          problems_.error(route.via_place, text("{} and {} share no network", node.name, route.via),
                          "add a link, or write an address");
      }
    }
  }
  static bool on_link(const NodeSpec& node, Ipv4Address address) {
    for (const InterfaceSpec& i : node.interfaces)
      for (const AddressItem& a : i.addresses)
        if (a.kind != AddressItem::Kind::none && a.prefix.contains(address)) return true;
    return false;
  }

  LabSpec& lab_;
  Problems& problems_;
  std::map<Segment, Segment> parent_;
  std::vector<Network> networks_;
  std::vector<size_t> network_of_;  // of a link's untagged frames
  std::vector<std::vector<size_t>> links_of_;
  std::map<uint32_t, uint32_t> taken_;
  std::map<std::string, uint64_t> next_in_pool_;
};

}  // namespace

void assign_addresses(LabSpec& lab, Problems& problems) { Addressing(lab, problems).run(); }

std::string addresses_text(const LabSpec& lab) {
  std::string out;
  for (const NodeSpec& node : lab.nodes) {
    for (const InterfaceSpec& i : node.interfaces) {
      for (const AddressItem& a : i.addresses) {
        if (a.kind == AddressItem::Kind::none) continue;
        const std::string link = i.link >= 0 ? lab.links[size_t(i.link)].name : "-";
        out += text("{:<20} {:<20} {}\n", node.name + ":" + i.name, to_text(a.prefix), link);
      }
    }
    for (const RouteSpec& r : node.routes)
      if (r.gateway && r.to_default)
        out += text("{:<20} {:<20} {}\n", node.name, "default", "via " + to_text(*r.gateway));
  }
  return out;
}

}  // namespace stackyard
