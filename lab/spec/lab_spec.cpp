#include "lab/spec/lab_spec.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

std::string node_kind_name(NodeKind kind) {
  switch (kind) {
    case NodeKind::host:
      return "host";
    case NodeKind::router:
      return "router";
    case NodeKind::switch_:
      return "switch";
    case NodeKind::hub:
      return "hub";
    case NodeKind::door:
      return "door";
  }
  return "?";
}

std::string NodeSpec::host_name() const {
  std::vector<std::string> parts = split(name, '/');
  std::reverse(parts.begin(), parts.end());
  return join(parts, ".");
}

std::string LabSpec::hostname(const NodeSpec& node) const {
  const std::string& given = settings(node).hostname;
  return given.empty() ? node.leaf() : given;
}

bool LabSpec::has_doors() const {
  return std::any_of(nodes.begin(), nodes.end(),
                     [](const NodeSpec& node) { return node.kind == NodeKind::door; });
}

size_t LabSpec::vnet_of(size_t node) const {
  while (!nodes[node].vnet) node = size_t(nodes[node].parent);
  return node;
}

size_t LabSpec::behind(size_t node) const {
  size_t next = node + 1;
  while (next < nodes.size() && nodes[next].parent >= int(node)) ++next;
  return next;
}

ImpairSpec LabSpec::impair(const LinkSpec& link, size_t end) const {
  const std::vector<ImpairSpec>& all = impairs[link.impair];
  return end < all.size() ? all[end] : ImpairSpec{};
}

std::optional<Ipv4Address> LabSpec::first_address(size_t node) const {
  for (const InterfaceSpec& i : nodes[vnet_of(node)].interfaces) {
    if (i.loopback()) continue;
    for (const AddressItem& a : i.addresses)
      if (a.is_v4() && !a.prefix.address.is_any()) return a.prefix.address.v4();
  }
  return std::nullopt;
}

std::optional<Ipv6Address> LabSpec::first_address6(size_t node) const {
  for (const InterfaceSpec& i : nodes[vnet_of(node)].interfaces) {
    if (i.loopback()) continue;
    for (const AddressItem& a : i.addresses)
      if (a.has_v6() && !a.prefix.address.is_link_local()) return a.prefix.address.v6();
  }
  return std::nullopt;
}

SimTime LabSpec::end_time() const {
  if (stop) return *stop;
  SimTime last;
  for (const EventSpec& e : events) {
    for (const auto& time : {e.at, e.from, e.until})
      if (time) last = std::max(last, *time);
    if (e.at && e.duration) last = std::max(last, *e.at + *e.duration);
  }
  for (const CheckSpec& c : checks) {
    if (c.time == CheckSpec::Time::at) last = std::max(last, c.at);
    SimTime window;
    if (c.after) window += *c.after;
    if (c.within) window += *c.within;
    last = std::max(last, window);
  }
  return std::max(60_s, last > SimTime() ? last + 10_s : SimTime());
}

void ImpairSpec::merge(const ImpairSpec& other) {
  const auto take = [](auto& mine, const auto& theirs) {
    if (theirs) mine = theirs;
  };
  take(delay, other.delay);
  take(jitter, other.jitter);
  take(loss, other.loss);
  take(corrupt, other.corrupt);
  take(duplicate, other.duplicate);
  take(reorder, other.reorder);
  take(rate, other.rate);
  take(queue, other.queue);
}

}  // namespace stackyard
