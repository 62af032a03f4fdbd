// stack/inet/drops.h - why IPv4 and its helpers drop.
#pragma once

#include "core/base/drop.h"

namespace stackyard::drops {

inline constexpr DropReason ttl_exceeded{"ttl_exceeded", "the time to live ran out"};
inline constexpr DropReason no_route{"no_route", "no route matches the destination"};
inline constexpr DropReason blackhole_route{"blackhole_route", "the route is a blackhole"};
inline constexpr DropReason reject_route{"reject_route", "the route rejects"};
inline constexpr DropReason not_forwarding{"not_forwarding",
                                           "it is for another host and forwarding is off"};
inline constexpr DropReason not_forwardable{"not_forwardable",
                                            "packets with such addresses are not forwarded"};
inline constexpr DropReason bad_address{"bad_address", "the source or destination is impossible"};
inline constexpr DropReason unknown_group{"unknown_group", "nobody here joined the group"};
inline constexpr DropReason unknown_protocol{"unknown_protocol", "no protocol takes the packet"};
inline constexpr DropReason need_fragment{"need_fragment",
                                          "it exceeds the MTU and must not be fragmented"};
inline constexpr DropReason source_routed{"source_routed", "source routes are off"};
inline constexpr DropReason options_refused{"options_refused", "packets with options are refused"};
inline constexpr DropReason broadcast_refused{"broadcast_refused",
                                              "the socket may not send broadcasts"};
inline constexpr DropReason fragment_limit{"fragment_limit", "a limit of reassembly was reached"};
inline constexpr DropReason fragment_overlap{"fragment_overlap", "its fragments contradict"};
inline constexpr DropReason fragment_bad{"fragment_bad", "an impossible fragment"};
inline constexpr DropReason fragment_duplicate{"fragment_duplicate",
                                               "the fragment is there already"};
inline constexpr DropReason reassembly_timeout{"reassembly_timeout", "fragments were missing"};
inline constexpr DropReason arp_unresolved{"arp_unresolved", "the next hop did not answer ARP"};
inline constexpr DropReason arp_queue_full{"arp_queue_full",
                                           "too many packets waited for the next hop's address"};
inline constexpr DropReason icmp_ignored{"icmp_ignored", "the stack does not answer such messages"};
inline constexpr DropReason icmp_limited{"icmp_limited", "the ICMP rate limit was reached"};
inline constexpr DropReason igmp_ignored{"igmp_ignored", "the IGMP message is not acceptable"};
inline constexpr DropReason arp_ignored{"arp_ignored", "the ARP packet is not acceptable"};

}  // namespace stackyard::drops
