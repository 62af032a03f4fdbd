#include "stack/inet6/address_policy.h"

#include <algorithm>
#include <span>

namespace stackyard {

namespace {

constexpr int no_label = -1, least_precedence = -1;

constexpr PolicyInfo6 by_default[] = {
    {{Ipv6Address::of({0, 0, 0, 0, 0, 0, 0, 1}), 128}, 50, 0},
    {{Ipv6Address::of({0, 0, 0, 0, 0, 0, 0, 0}), 0}, 40, 1},
    {{Ipv6Address::of({0, 0, 0, 0, 0, 0xffff, 0, 0}), 96}, 35, 4},
    {{Ipv6Address::of({0x2002, 0, 0, 0, 0, 0, 0, 0}), 16}, 30, 2},
    {{Ipv6Address::of({0x2001, 0, 0, 0, 0, 0, 0, 0}), 32}, 5, 5},
    {{Ipv6Address::of({0xfc00, 0, 0, 0, 0, 0, 0, 0}), 7}, 3, 13},
    {{Ipv6Address::of({0, 0, 0, 0, 0, 0, 0, 0}), 96}, 1, 3},
    {{Ipv6Address::of({0xfec0, 0, 0, 0, 0, 0, 0, 0}), 10}, 1, 11},
    {{Ipv6Address::of({0x3ffe, 0, 0, 0, 0, 0, 0, 0}), 16}, 1, 12},
};

}  // namespace

const PolicyInfo6* AddressPolicy::find(const Ipv6Address& address) const {
  const std::span<const PolicyInfo6> all =
      own_ ? std::span<const PolicyInfo6>(*own_) : std::span<const PolicyInfo6>(by_default);
  const PolicyInfo6* best = nullptr;
  for (const PolicyInfo6& p : all)
    if (p.prefix.contains(address) && (!best || p.prefix.length > best->prefix.length)) best = &p;
  return best;
}

int AddressPolicy::label(const Ipv6Address& address) const {
  const PolicyInfo6* policy = find(address.without_zone());
  return policy ? policy->label : no_label;
}

int AddressPolicy::precedence(const Ipv6Address& address) const {
  const PolicyInfo6* policy = find(address.without_zone());
  return policy ? policy->precedence : least_precedence;
}

std::vector<PolicyInfo6>& AddressPolicy::own() {
  if (!own_)
    own_ = std::make_unique<std::vector<PolicyInfo6>>(std::begin(by_default), std::end(by_default));
  return *own_;
}

void AddressPolicy::used(const Ipv6Address& address) {
  const PolicyInfo6* policy = find(address.without_zone());
  if (!policy) return;
  const Ipv6Prefix prefix = policy->prefix;
  for (PolicyInfo6& p : own())
    if (p.prefix == prefix) ++p.uses;
}

std::vector<PolicyInfo6> AddressPolicy::entries() const {
  if (own_) return *own_;
  return {std::begin(by_default), std::end(by_default)};
}

Result<> AddressPolicy::add(const PolicyInfo6& entry) {
  if (entry.prefix.length > 128 || entry.label < 0 || entry.precedence < 0) return Errno::einval;
  const Ipv6Prefix prefix = entry.prefix.canonical();
  std::vector<PolicyInfo6>& all = own();
  for (const PolicyInfo6& p : all)
    if (p.prefix == prefix) return Errno::eexist;
  if (all.size() >= entries_max) return Errno::enobufs;
  all.push_back({prefix, entry.precedence, entry.label});
  return {};
}

Result<> AddressPolicy::remove(const Ipv6Prefix& prefix) {
  const auto gone =
      std::erase_if(own(), [&](const PolicyInfo6& p) { return p.prefix == prefix.canonical(); });
  return gone ? Result<>() : Errno::esrch;
}

void AddressPolicy::flush() { own().clear(); }

}  // namespace stackyard
