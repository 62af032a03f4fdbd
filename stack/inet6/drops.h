// stack/inet6/drops.h - why IPv6 and its helpers drop.
#pragma once

#include "core/base/drop.h"

namespace stackyard::drops6 {

inline constexpr DropReason hop_limit{"hop_limit", "the hop limit ran out"};
inline constexpr DropReason no_route{"no_route", "no route matches the destination"};
inline constexpr DropReason blackhole_route{"blackhole_route", "the route is a blackhole"};
inline constexpr DropReason reject_route{"reject_route", "the route rejects"};
inline constexpr DropReason not_forwarding{"not_forwarding",
                                           "it is for another host and forwarding is off"};
inline constexpr DropReason not_forwardable{"not_forwardable",
                                            "packets with such addresses are not forwarded"};
inline constexpr DropReason bad_address{"bad_address", "the source or destination is impossible"};
inline constexpr DropReason bad_scope{"bad_scope", "an address is of another zone"};
inline constexpr DropReason beyond_scope{"beyond_scope", "the source's zone ends here"};
inline constexpr DropReason disabled{"disabled", "IPv6 is off on the interface (ifdisabled)"};
inline constexpr DropReason tentative{"tentative", "the address is not in use yet"};
inline constexpr DropReason unknown_group{"unknown_group", "nobody here joined the group"};
inline constexpr DropReason unknown_protocol{"unknown_protocol", "no protocol takes the packet"};
inline constexpr DropReason unknown_option{"unknown_option",
                                           "an option that is not known says to drop the packet"};
inline constexpr DropReason header_order{"header_order", "a header is where it may not be"};
inline constexpr DropReason header_limit{"header_limit", "too many extension headers"};
inline constexpr DropReason header_chain{"header_chain",
                                         "the first fragment lacks some of the headers"};
inline constexpr DropReason source_routed{"source_routed", "routing headers are not followed"};
inline constexpr DropReason too_big{"too_big", "it exceeds the MTU"};
inline constexpr DropReason fragment_limit{"fragment_limit", "a limit of reassembly was reached"};
inline constexpr DropReason fragment_overlap{"fragment_overlap", "its fragments contradict"};
inline constexpr DropReason fragment_bad{"fragment_bad", "an impossible fragment"};
inline constexpr DropReason reassembly_timeout{"reassembly_timeout", "fragments were missing"};
inline constexpr DropReason unresolved{"unresolved", "the next hop did not answer"};
inline constexpr DropReason queue_full{"queue_full",
                                       "too many packets waited for the next hop's address"};
inline constexpr DropReason neighbour_limit{"neighbour_limit", "the neighbour cache is full"};
inline constexpr DropReason icmp_limited{"icmp_limited", "the ICMPv6 rate limit was reached"};
inline constexpr DropReason nd_ignored{"nd_ignored", "the ND message is not acceptable"};
inline constexpr DropReason mld_ignored{"mld_ignored", "the MLD message is not acceptable"};

}  // namespace stackyard::drops6
