// stack/inet6/source_address.cpp - which address to speak from, and which to speak to (RFC 6724).
#include <algorithm>
#include <bit>

#include "stack/inet6/inet6.h"

namespace stackyard {

namespace {

int common_length(const Ipv6Address& a, const Ipv6Address& b) {
  for (size_t i = 0; i < 16; ++i)
    if (const uint8_t differs = a.octets[i] ^ b.octets[i])
      return int(i * 8) + std::countl_zero(differs);
  return 128;
}

// RFC 6724 s3.2: IPv4's private addresses are global, its link-local ones are not.
uint8_t scope_of(const IpAddress& address) {
  if (address.is_v6()) return address.v6().scope();
  const Ipv4Address v4 = address.v4();
  return v4.is_loopback() || v4.is_link_local() ? 2 : 14;
}

Ipv6Address mapped(const IpAddress& address) {
  return address.is_v6() ? address.v6().without_zone() : Ipv6Address::mapped(address.v4());
}

}  // namespace

const Inet6::Address* Inet6::select_source(const Ipv6Address& dest, const Ifnet& outgoing,
                                           Temporary temporary) const {
  const bool like_temporary = temporary == Temporary::by_sysctl ? settings().prefer_tempaddr != 0
                                                                : temporary == Temporary::prefer;
  const int dest_scope = dest.scope();
  const int dest_label = policy_.label(dest);
  const Link* out = link_if_there(outgoing);
  const bool prefer_outgoing = !out || !(out->flags & nd6_flag::no_prefer_iface);
  // Whether `a` is the better one; RFC 6724 s5's rules in their order.
  const auto better = [&](const Address& a, const Address& b) {
    if (a.address == dest || b.address == dest) return a.address == dest;  // rule 1
    const int a_scope = a.address.scope(), b_scope = b.address.scope();
    if (a_scope != b_scope)  // rule 2: the smallest that is not smaller than the destination's
      return a_scope < b_scope ? a_scope >= dest_scope : b_scope < dest_scope;
    const bool a_old = a.flags & in6_flag::deprecated, b_old = b.flags & in6_flag::deprecated;
    if (a_old != b_old) return b_old;  // rule 3; rule 4 is Mobile IPv6's
    const bool a_here = a.interface == &outgoing, b_here = b.interface == &outgoing;
    if (prefer_outgoing && a_here != b_here) return a_here;  // rule 5
    const bool a_label = policy_.label(a.address) == dest_label;
    const bool b_label = policy_.label(b.address) == dest_label;
    if (a_label != b_label) return a_label;  // rule 6
    const bool a_temporary = a.flags & in6_flag::temporary;
    const bool b_temporary = b.flags & in6_flag::temporary;
    if (a_temporary != b_temporary)  // rule 7
      return like_temporary ? a_temporary : b_temporary;
    const bool a_wanted = a.flags & in6_flag::prefer_source;
    const bool b_wanted = b.flags & in6_flag::prefer_source;
    if (a_wanted != b_wanted) return a_wanted;  // FreeBSD's own, before rule 8
    // Rule 8, with s2.2's bound: what is behind the network's length says nothing.
    return std::min<int>(common_length(a.address, dest), a.length) >
           std::min<int>(common_length(b.address, dest), b.length);
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

// --- destinations --------------------------------------------------------------------------------

// RFC 6724 s6, as getaddrinfo(3) asks it for a host with several addresses.
struct Inet6::Candidate {
  SockAddr name;
  bool usable = false, deprecated = false, scope_fits = false, label_fits = false;
  int precedence = 0, scope = 0, common = 0;

  bool better_than(const Candidate& other) const {
    if (usable != other.usable) return usable;                    // rule 1
    if (scope_fits != other.scope_fits) return scope_fits;        // rule 2
    if (deprecated != other.deprecated) return other.deprecated;  // rule 3; 4 is Mobile IPv6's
    if (label_fits != other.label_fits) return label_fits;        // rule 5
    if (precedence != other.precedence) return precedence > other.precedence;              // rule 6
    if (scope != other.scope) return scope < other.scope;                                  // rule 8
    if (name.address.is_v6() && other.name.address.is_v6()) return common > other.common;  // 9
    return false;  // rule 10: the order that was
  }
};

Inet6::Candidate Inet6::candidate_for(const SockAddr& name) {
  Candidate c{.name = name};
  IpAddress dest = name.address;
  if (dest.is_v6()) dest = dest.v6().with_zone(name.scope);
  c.precedence = policy_.precedence(mapped(dest));
  c.scope = scope_of(dest);
  const IpSend send{.dest = dest};
  IpOutput* output = dest.is_v6() ? this : ip_.output(IpFamily::v4);
  const auto source = output ? output->source_for(send) : Result<IpAddress>(Errno::eafnosupport);
  if (!source) return c;
  c.usable = true;
  c.scope_fits = scope_of(*source) == c.scope;
  c.label_fits = policy_.label(mapped(*source)) == policy_.label(mapped(dest));
  if (!source->is_v6()) return c;
  const Address* own = find(source->v6());
  c.deprecated = own && (own->flags & in6_flag::deprecated);
  const int length = own ? own->length : 128;
  c.common = std::min(common_length(source->v6(), dest.v6()), length);
  return c;
}

void Inet6::order_destinations(OrderDestinations& wanted) {
  std::vector<Candidate> all;
  for (const SockAddr& name : wanted.names) all.push_back(candidate_for(name));
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.better_than(b); });
  wanted.names.clear();
  for (const Candidate& c : all) wanted.names.push_back(c.name);
  wanted.ordered = true;
}

}  // namespace stackyard
