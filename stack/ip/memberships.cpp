#include "stack/ip/memberships.h"

#include <algorithm>

#include "stack/ip/ip_stack.h"

namespace stackyard {

Memberships::~Memberships() {
  for (const Membership& m : all_)
    if (Ifnet* interface = ip_.net().resolve(m.interface))
      ip_.of(m.group).leave_group(*interface, m.group);
}

bool Memberships::hears(const IpContext& context) const {
  for (const Membership& m : all_) {
    if (m.group != context.dest || m.interface != context.interface->ref()) continue;
    const bool listed =
        std::find(m.sources.begin(), m.sources.end(), context.source) != m.sources.end();
    return listed == m.include;
  }
  return false;
}

Ifnet* Memberships::interface_for(IpStack& ip, const OptionValue& value, int fib) {
  if (value.interface_index) return ip.net().by_index(value.interface_index);
  IpOutput* output =
      ip.output(value.group.is_any() ? value.interface.family() : value.group.family());
  if (!output) return nullptr;
  if (!value.interface.is_any()) return output->interface_of(value.interface);
  if (Ifnet* towards = output->interface_towards(value.group, fib)) return towards;
  Ifnet* first = nullptr;
  ip.net().for_each([&](Ifnet& i) {
    if (!first && i.up() && i.has_flag(if_flag::multicast) && !i.has_flag(if_flag::loopback))
      first = &i;
  });
  return first;
}

Result<> Memberships::join(Ifnet& interface, const IpAddress& group, const IpAddress* only_source) {
  if (all_.size() >= most) return Errno::enomem;
  IpOutput* output = ip_.output(group.family());
  if (!output) return Errno::eafnosupport;
  TRY(output->join_group(interface, group));
  all_.push_back({interface.ref(), group, {}, only_source != nullptr});
  if (only_source) all_.back().sources.push_back(*only_source);
  return {};
}

Result<> Memberships::leave(Membership& membership) {
  if (Ifnet* interface = ip_.net().resolve(membership.interface))
    ip_.of(membership.group).leave_group(*interface, membership.group);
  all_.erase(all_.begin() + (&membership - all_.data()));
  return {};
}

Result<> Memberships::change(SocketOption option, const OptionValue& value, int fib) {
  if (!value.group.is_multicast()) return Errno::einval;
  Ifnet* interface = interface_for(ip_, value, fib);
  if (!interface) return Errno::eaddrnotavail;
  IpAddress group = value.group;
  if (group.is_v6()) group = group.v6().with_zone(interface->index());
  const auto at = std::find_if(all_.begin(), all_.end(), [&](const Membership& m) {
    return m.group == group && m.interface == interface->ref();
  });
  Membership* const found = at == all_.end() ? nullptr : &*at;
  switch (option) {
    case SocketOption::ip_add_membership:
    case SocketOption::ipv6_join_group:
      if (found) return Errno::eaddrinuse;
      return join(*interface, group, nullptr);
    case SocketOption::ip_add_source_membership:
      if (!found) return join(*interface, group, &value.source);
      if (!found->include) return Errno::einval;
      found->sources.push_back(value.source);
      return {};
    case SocketOption::ip_drop_membership:
    case SocketOption::ipv6_leave_group:
      if (!found) return Errno::eaddrnotavail;
      return leave(*found);
    case SocketOption::ip_drop_source_membership:
      if (!found || !found->include) return Errno::eaddrnotavail;
      if (std::erase(found->sources, value.source) == 0) return Errno::eaddrnotavail;
      if (found->sources.empty()) return leave(*found);
      return {};
    case SocketOption::ip_block_source:
      if (!found || found->include) return Errno::eaddrnotavail;
      found->sources.push_back(value.source);
      return {};
    default:  // ip_unblock_source
      if (!found || found->include || std::erase(found->sources, value.source) == 0)
        return Errno::eaddrnotavail;
      return {};
  }
}

}  // namespace stackyard
