#include "stack/ip/memberships.h"

#include <algorithm>

#include "stack/ip/ip_stack.h"

namespace stackyard {

Memberships::~Memberships() {
  for (const Membership& m : all_)
    if (Ifnet* interface = ip_.net().resolve(m.interface))
      (void)ip_.of(m.group).set_group_filter(*interface, m.group, this, nullptr);
}

bool Memberships::hears(const IpContext& context) const {
  for (const Membership& m : all_) {
    if (m.group != context.dest || m.interface != context.interface->ref()) continue;
    return std::binary_search(m.filter.sources.begin(), m.filter.sources.end(), context.source) ==
           m.filter.include;
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

size_t Memberships::sources_max() const { return size_t(ip_.settings().socket_sources_max); }

// The filter becomes this one; the membership is made if there is none yet.
Result<> Memberships::set_filter(Membership* found, Ifnet& interface, const IpAddress& group,
                                 SourceFilter filter) {
  std::sort(filter.sources.begin(), filter.sources.end());
  filter.sources.erase(std::unique(filter.sources.begin(), filter.sources.end()),
                       filter.sources.end());
  if (filter.sources.size() > sources_max()) return Errno::enobufs;
  if (!found && all_.size() >= most) return Errno::enomem;
  IpOutput* output = ip_.output(group.family());
  if (!output) return Errno::eafnosupport;
  TRY(output->set_group_filter(interface, group, this, &filter));
  if (found)
    found->filter = std::move(filter);
  else
    all_.push_back({interface.ref(), group, std::move(filter)});
  return {};
}

Result<> Memberships::leave(Membership& membership) {
  if (Ifnet* interface = ip_.net().resolve(membership.interface))
    (void)ip_.of(membership.group).set_group_filter(*interface, membership.group, this, nullptr);
  all_.erase(all_.begin() + (&membership - all_.data()));
  return {};
}

Result<> Memberships::change_source(SocketOption option, Membership* found, Ifnet& interface,
                                    const IpAddress& group, const IpAddress& source) {
  if (source.family() != group.family() || source.is_any() || source.is_multicast())
    return Errno::einval;
  const bool of_include = option == SocketOption::ip_add_source_membership ||
                          option == SocketOption::ip_drop_source_membership;
  const bool adds =
      option == SocketOption::ip_add_source_membership || option == SocketOption::ip_block_source;
  if (!found) {
    if (option != SocketOption::ip_add_source_membership) return Errno::eaddrnotavail;
    return set_filter(nullptr, interface, group, {true, {source}});
  }
  // RFC 3678 s4.1.3: a membership has one mode.
  if (found->filter.include != of_include)
    return adds && of_include ? Errno::einval : Errno::eaddrnotavail;
  SourceFilter filter = found->filter;
  const bool there = std::binary_search(filter.sources.begin(), filter.sources.end(), source);
  if (adds == there) return Errno::eaddrnotavail;
  if (adds)
    filter.sources.push_back(source);
  else
    std::erase(filter.sources, source);
  if (filter.include && filter.sources.empty()) return leave(*found);
  return set_filter(found, interface, group, std::move(filter));
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
      return set_filter(nullptr, *interface, group, {false, {}});
    case SocketOption::ip_drop_membership:
    case SocketOption::ipv6_leave_group:
      if (!found) return Errno::eaddrnotavail;
      return leave(*found);
    case SocketOption::ip_msfilter: {
      if (value.number != msfilter_include && value.number != msfilter_exclude)
        return Errno::einval;
      SourceFilter filter{value.number == msfilter_include, value.sources};
      for (const IpAddress& s : filter.sources)
        if (s.family() != group.family() || s.is_any() || s.is_multicast()) return Errno::einval;
      if (!filter.include || !filter.sources.empty())
        return set_filter(found, *interface, group, std::move(filter));
      return found ? leave(*found) : Result<>(Errno::eaddrnotavail);
    }
    default:
      return change_source(option, found, *interface, group, value.source);
  }
}

}  // namespace stackyard
