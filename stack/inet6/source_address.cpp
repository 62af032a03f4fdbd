// stack/inet6/source_address.cpp - which address to speak from (RFC 6724 s5).
#include <algorithm>
#include <bit>

#include "stack/inet6/inet6.h"

namespace stackyard {

namespace {

struct Policy {
  Ipv6Prefix prefix;
  int precedence, label;
};

// RFC 6724 s2.1, as ip6addrctl(8) shows it by default.
constexpr Policy policies[] = {
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

int label_of(const Ipv6Address& address) {
  const Policy* best = nullptr;
  for (const Policy& p : policies)
    if (p.prefix.contains(address) && (!best || p.prefix.length > best->prefix.length)) best = &p;
  return best->label;
}

int common_length(const Ipv6Address& a, const Ipv6Address& b) {
  for (size_t i = 0; i < 16; ++i)
    if (const uint8_t differs = a.octets[i] ^ b.octets[i])
      return int(i * 8) + std::countl_zero(differs);
  return 128;
}

}  // namespace

const Inet6::Address* Inet6::select_source(const Ipv6Address& dest, const Ifnet& outgoing) const {
  // Whether `a` is the better one; RFC 6724's rules in their order.
  const int dest_scope = dest.scope();
  const int dest_label = label_of(dest.without_zone());
  const auto better = [&](const Address& a, const Address& b) {
    if (a.address == dest || b.address == dest) return a.address == dest;  // rule 1
    const int a_scope = a.address.scope(), b_scope = b.address.scope();
    if (a_scope != b_scope)  // rule 2: the smallest that is not smaller than the destination's
      return a_scope < b_scope ? a_scope >= dest_scope : b_scope < dest_scope;
    const bool a_old = a.flags & in6_flag::deprecated, b_old = b.flags & in6_flag::deprecated;
    if (a_old != b_old) return b_old;  // rule 3
    const bool a_here = a.interface == &outgoing, b_here = b.interface == &outgoing;
    if (a_here != b_here) return a_here;  // rule 5
    const bool a_label = label_of(a.address.without_zone()) == dest_label;
    const bool b_label = label_of(b.address.without_zone()) == dest_label;
    if (a_label != b_label) return a_label;  // rule 6
    const bool a_temporary = a.flags & in6_flag::temporary;
    const bool b_temporary = b.flags & in6_flag::temporary;
    if (a_temporary != b_temporary)  // rule 7
      return settings().prefer_tempaddr ? a_temporary : b_temporary;
    const bool a_wanted = a.flags & in6_flag::prefer_source;
    const bool b_wanted = b.flags & in6_flag::prefer_source;
    if (a_wanted != b_wanted) return a_wanted;  // FreeBSD's own, before rule 8
    return common_length(a.address, dest) > common_length(b.address, dest);  // rule 8
  };
  const Address* best = nullptr;
  const bool local_only = dest.has_zone();
  for (const auto& a : addresses_) {
    if (!a->usable() || (a->flags & (in6_flag::anycast | in6_flag::detached))) continue;
    // RFC 4007 s9: a zone is left by nobody; and what stays in one is spoken to from it.
    if (a->address.has_zone() && a->interface != &outgoing) continue;
    if (local_only && a->interface != &outgoing) continue;
    if (a->address.is_loopback() && !outgoing.has_flag(if_flag::loopback)) continue;
    if (!best || better(*a, *best)) best = a.get();
  }
  return best;
}

}  // namespace stackyard
