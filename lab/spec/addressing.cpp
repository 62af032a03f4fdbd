// lab/spec/addressing.cpp - networks, subnets, automatic addresses and routes by node name.
//
// Each network gets one IPv4 subnet; each `auto` the lowest free host number in it, routers first.
#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "lab/spec/networks.h"
#include "lab/spec/problems.h"

namespace stackyard {

namespace {

class Addressing {
 public:
  Addressing(LabSpec& lab, Problems& problems) : lab_(lab), problems_(problems) {}
  void run() {
    set_defaults();
    networks_ = find_networks(lab_);
    for (Network& network : networks_) choose_from_file(network);
    take_lone_addresses();
    for (Network& network : networks_) choose_from_pool(network);
    for (Network& network : networks_) give_addresses(network);
    assign_addresses6(lab_, networks_, problems_);
    warn_duplicates();
    note_routers();
    for (size_t i = 0; i < lab_.nodes.size(); ++i) resolve_routes(i);
  }

 private:
  // A linked nic and an epair have an automatic one, but not below a bridge or a vlan.
  void set_defaults() {
    for (NodeSpec& node : lab_.nodes)
      for (InterfaceSpec& i : node.interfaces) {
        const bool wired =
            (i.type == InterfaceType::nic && i.link >= 0) || i.type == InterfaceType::epair;
        if (wired && !i.addresses_given && !i.below)
          i.addresses.assign(1, {AddressItem::Kind::automatic, {}, i.place});
      }
  }

  // --- subnets ---
  InterfaceSpec& at(const NetworkMember& m) { return lab_.nodes[m.node].interfaces[m.interface]; }
  void choose_from_file(Network& network) {
    for (size_t l : network.links)
      if (const auto& prefix = lab_.links[l].prefix) {
        if (network.subnet && network.subnet != prefix)
          problems_.error(lab_.links[l].place,
                          text("links of one network have the prefixes {} and {}",
                               to_text(*network.subnet), to_text(*prefix)),
                          "name one");
        network.subnet = *prefix;
      }
    for (const NetworkMember& m : network.members)
      for (const AddressItem& a : at(m).addresses)
        if (a.kind == AddressItem::Kind::fixed) {
          if (!network.subnet) network.subnet = a.prefix.v4().canonical();
          take(a.prefix.v4().canonical());
        }
    if (network.subnet) take(*network.subnet);
  }
  // Static subnets of interfaces that are on no network.
  void take_lone_addresses() {
    for (const NodeSpec& node : lab_.nodes)
      for (const InterfaceSpec& i : node.interfaces)
        for (const AddressItem& a : i.addresses)
          if (i.network < 0 && a.kind == AddressItem::Kind::fixed) take(a.prefix.v4().canonical());
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
    std::vector<NetworkMember> addressed;
    bool wanted = false;
    for (const NetworkMember& m : network.members) {
      bool any = false;
      for (const AddressItem& a : at(m).addresses) {
        any |= a.is_v4();
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
    const bool routers =
        addressed.size() == 2 &&
        std::all_of(addressed.begin(), addressed.end(), [&](const NetworkMember& m) {
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
    problems_.error(
        network.links.empty() ? at(network.members[0]).place : lab_.links[network.links[0]].place,
        text("pool \"{}\" has no free network", pool), "make it larger");
  }

  void give_addresses(Network& network) {
    if (!network.subnet) {
      for (const NetworkMember& m : network.members)
        std::erase_if(at(m).addresses,
                      [](const AddressItem& a) { return a.kind == AddressItem::Kind::automatic; });
      return;
    }
    std::set<uint32_t> used;
    for (const NetworkMember& m : network.members)
      for (const AddressItem& a : at(m).addresses)
        if (a.kind == AddressItem::Kind::fixed) used.insert(a.prefix.address.v4().value);
    const Ipv4Prefix subnet = *network.subnet;
    uint64_t next = uint64_t(subnet.network().value) + (subnet.length < 31 ? 1 : 0);
    const uint64_t last = uint64_t(subnet.broadcast().value) - (subnet.length < 31 ? 1 : 0);
    for (const bool routers : {true, false}) {
      for (const NetworkMember& m : network.members) {
        if ((lab_.nodes[m.node].kind == NodeKind::router) != routers) continue;
        for (AddressItem& a : at(m).addresses) {
          if (a.kind != AddressItem::Kind::automatic) continue;
          while (next <= last && used.contains(uint32_t(next))) ++next;
          if (next > last) {
            problems_.error(a.place, text("{} has no free address", to_text(subnet)),
                            "use a larger network");
            return;
          }
          a.prefix = Ipv4Prefix{{uint32_t(next++)}, subnet.length};
        }
      }
    }
  }

  void warn_duplicates() {
    std::map<IpAddress, std::string> owners;
    for (const NodeSpec& node : lab_.nodes)
      for (const InterfaceSpec& i : node.interfaces)
        for (const AddressItem& a : i.addresses) {
          const bool fixed = a.kind == AddressItem::Kind::fixed ||
                             (a.has_v6() && !a.prefix.address.is_link_local());
          if (!fixed || i.loopback()) continue;
          const auto [found, fresh] = owners.emplace(a.prefix.address, node.name);
          if (!fresh)
            problems_.warning(a.place, text("{} has the address {}, too", found->second,
                                            to_text(a.prefix.address)));
        }
  }

  // --- routes ---
  static bool is_of(const AddressItem& a, IpFamily family) {
    if (family == IpFamily::v4) return a.is_v4();
    return a.has_v6() && !a.prefix.address.is_link_local();
  }
  std::optional<IpAddress> shared_address(size_t from, size_t to, IpFamily family) {
    for (const InterfaceSpec& mine : lab_.nodes[from].interfaces) {
      if (mine.network < 0) continue;
      for (const InterfaceSpec& theirs : lab_.nodes[lab_.vnet_of(to)].interfaces) {
        if (mine.network != theirs.network) continue;
        for (const AddressItem& a : theirs.addresses)
          if (is_of(a, family)) return a.prefix.address;
      }
    }
    return std::nullopt;
  }
  // Routers of each network, in node order, with their first addresses in it.
  void note_routers() {
    routers_.resize(networks_.size());
    for (size_t n = 0; n < networks_.size(); ++n)
      for (const NetworkMember& m : networks_[n].members) {
        if (lab_.nodes[m.node].kind != NodeKind::router) continue;
        for (const AddressItem& a : at(m).addresses)
          if (a.is_v4() || a.has_v6()) routers_[n].emplace_back(m.node, a.prefix.address);
      }
  }
  std::optional<IpAddress> first_router(size_t node, IpFamily family) {
    for (const InterfaceSpec& mine : lab_.nodes[node].interfaces) {
      if (mine.network < 0) continue;
      for (const auto& [router, address] : routers_[size_t(mine.network)])
        if (router != node && address.family() == family && !address.is_link_local())
          return address;
    }
    return std::nullopt;
  }
  bool has_automatic(const NodeSpec& node, AddressItem::Kind kind) const {
    return std::any_of(node.interfaces.begin(), node.interfaces.end(), [&](const auto& i) {
      return std::any_of(i.addresses.begin(), i.addresses.end(),
                         [&](const AddressItem& a) { return a.kind == kind; });
    });
  }
  void add_default_route(NodeSpec& node, size_t index, IpFamily family) {
    const bool v4 = family == IpFamily::v4;
    const auto kind = v4 ? AddressItem::Kind::automatic : AddressItem::Kind::automatic6;
    if (node.kind != NodeKind::host || node.routes_given || !has_automatic(node, kind) ||
        !first_router(index, family))
      return;
    RouteSpec route;
    route.to_default = true;
    route.to = v4 ? IpPrefix(Ipv4Prefix{{}, 0}) : IpPrefix(Ipv6Prefix{{}, 0});
    route.via = "auto";
    node.routes.push_back(route);
  }
  void resolve_routes(size_t index) {
    NodeSpec& node = lab_.nodes[index];
    add_default_route(node, index, IpFamily::v4);
    add_default_route(node, index, IpFamily::v6);
    for (RouteSpec& route : node.routes) {
      if (route.via.empty()) continue;
      if (route.via == "auto") {
        route.gateway = first_router(index, route.to.address.family());
      } else if (const auto address = parse_ip(route.via)) {
        route.gateway = address;
        if (address->family() != route.to.address.family())
          problems_.error(route.via_place,
                          text("{} is of another family than {}", route.via, to_text(route.to)),
                          "give a gateway of the same one");
        else if (!on_link(node, *address))
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
        route.gateway = shared_address(index, found->second, route.to.address.family());
        if (!route.gateway)
          problems_.error(route.via_place, text("{} and {} share no network", node.name, route.via),
                          "add a link, or write an address");
      }
    }
  }
  static bool on_link(const NodeSpec& node, const IpAddress& address) {
    if (address.is_link_local()) return true;
    for (const InterfaceSpec& i : node.interfaces)
      for (const AddressItem& a : i.addresses)
        if ((a.is_v4() || a.has_v6()) && a.prefix.contains(address)) return true;
    return false;
  }

  LabSpec& lab_;
  Problems& problems_;
  std::vector<Network> networks_;
  std::vector<std::vector<std::pair<size_t, IpAddress>>> routers_;
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
        if (!a.is_v4() && !a.has_v6()) continue;
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
