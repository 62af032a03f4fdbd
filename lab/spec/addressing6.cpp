// lab/spec/addressing6.cpp - IPv6 subnets of networks, and the automatic addresses in them.
//
// The rules are IPv4's (lab format, section 5), but nothing is given that no prefix, no static
// address and no named pool asks for.
#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "lab/spec/networks.h"
#include "lab/spec/problems.h"

namespace stackyard {

namespace {

class Addressing6 {
 public:
  Addressing6(LabSpec& lab, std::vector<Network>& networks, Problems& problems)
      : lab_(lab), networks_(networks), problems_(problems) {}
  void run() {
    for (Network& network : networks_) choose_from_file(network);
    for (const NodeSpec& node : lab_.nodes)
      for (const InterfaceSpec& i : node.interfaces)
        for (const AddressItem& a : i.addresses)
          if (i.network < 0 && counts(a)) taken_.push_back(a.prefix.v6().canonical());
    for (Network& network : networks_) choose_from_pool(network);
    for (Network& network : networks_)
      if (network.subnet6) give_addresses(network);
  }

 private:
  static bool counts(const AddressItem& a) {
    return a.kind == AddressItem::Kind::fixed6 && !a.prefix.address.is_link_local();
  }
  InterfaceSpec& at(const NetworkMember& m) { return lab_.nodes[m.node].interfaces[m.interface]; }

  void choose_from_file(Network& network) {
    for (size_t l : network.links)
      if (const auto& prefix = lab_.links[l].prefix6) {
        if (network.subnet6 && network.subnet6 != prefix)
          problems_.error(lab_.links[l].place,
                          text("links of one network have the prefixes {} and {}",
                               to_text(*network.subnet6), to_text(*prefix)),
                          "name one");
        network.subnet6 = *prefix;
      }
    for (const NetworkMember& m : network.members)
      for (const AddressItem& a : at(m).addresses)
        if (counts(a)) {
          if (!network.subnet6) network.subnet6 = a.prefix.v6().canonical();
          taken_.push_back(a.prefix.v6().canonical());
        }
    if (network.subnet6) taken_.push_back(*network.subnet6);
  }

  bool wants_automatic(const Network& network) {
    return std::any_of(network.members.begin(), network.members.end(), [&](const auto& m) {
      const auto& all = at(m).addresses;
      return std::any_of(all.begin(), all.end(), [](const AddressItem& a) {
        return a.kind == AddressItem::Kind::automatic;
      });
    });
  }

  std::string pool_of(const Network& network) {
    for (size_t l : network.links)
      if (!lab_.links[l].pool.empty()) return lab_.links[l].pool;
    size_t routers = 0;
    for (const NetworkMember& m : network.members)
      routers += lab_.nodes[m.node].kind == NodeKind::router;
    return network.members.size() == 2 && routers == 2 ? "p2p" : "lan";
  }

  void choose_from_pool(Network& network) {
    if (network.subnet6 || !wants_automatic(network)) return;
    const std::string name = pool_of(network);
    const auto pool = lab_.pools.find(name);
    if (pool == lab_.pools.end() || !pool->second.ipv6) return;
    const Ipv6Prefix& from = *pool->second.ipv6;
    const uint8_t length = uint8_t(pool->second.prefix6);
    const uint128 step = uint128(1) << (128 - length);
    const uint128 base = number_of(from.address);
    uint128& next = next_in_pool_.try_emplace(name, base).first->second;
    for (; from.contains(address_of(next)) && next >= base; next += step) {
      const Ipv6Prefix candidate{address_of(next), length};
      if (std::any_of(taken_.begin(), taken_.end(),
                      [&](const Ipv6Prefix& t) { return t.overlaps(candidate); }))
        continue;
      network.subnet6 = candidate;
      next += step;
      return;
    }
    problems_.error(at(network.members[0]).place,
                    text("pool \"{}\" has no free IPv6 network", name), "make it larger");
  }

  void give_addresses(Network& network) {
    std::set<Ipv6Address> used;
    for (const NetworkMember& m : network.members)
      for (const AddressItem& a : at(m).addresses)
        if (counts(a)) used.insert(a.prefix.address.v6());
    const Ipv6Prefix subnet = *network.subnet6;
    uint128 next = number_of(subnet.address) + (subnet.length < 127 ? 1 : 0);
    for (const bool routers : {true, false}) {
      for (const NetworkMember& m : network.members) {
        if ((lab_.nodes[m.node].kind == NodeKind::router) != routers) continue;
        auto& all = at(m).addresses;
        const size_t count = all.size();
        for (size_t i = 0; i < count; ++i) {
          if (all[i].kind != AddressItem::Kind::automatic) continue;
          while (used.contains(address_of(next))) ++next;
          if (!subnet.contains(address_of(next))) {
            problems_.error(all[i].place, text("{} has no free address", to_text(subnet)),
                            "use a larger network");
            return;
          }
          AddressItem item{AddressItem::Kind::automatic6, {}, all[i].place};
          item.prefix = Ipv6Prefix{address_of(next++), subnet.length};
          all.push_back(item);
        }
      }
    }
  }

  LabSpec& lab_;
  std::vector<Network>& networks_;
  Problems& problems_;
  std::vector<Ipv6Prefix> taken_;
  std::map<std::string, uint128> next_in_pool_;
};

}  // namespace

void assign_addresses6(LabSpec& lab, std::vector<Network>& networks, Problems& problems) {
  Addressing6(lab, networks, problems).run();
}

}  // namespace stackyard
