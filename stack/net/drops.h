// stack/net/drops.h - why the interface layer drops.
#pragma once

#include "core/base/drop.h"

namespace stackyard::drops {

inline constexpr DropReason interface_down{"interface_down", "the interface is not up"};
inline constexpr DropReason interface_gone{"interface_gone", "the interface was removed meanwhile"};
inline constexpr DropReason unknown_ether_type{"unknown_ether_type",
                                               "no protocol takes frames of this type"};
inline constexpr DropReason not_our_address{"not_our_address",
                                            "the frame is addressed to another station"};
inline constexpr DropReason unexpected_vlan{"unexpected_vlan", "no vlan interface has this tag"};
inline constexpr DropReason monitoring{"monitoring", "the interface only watches (monitor)"};
inline constexpr DropReason loopback_queue_full{"loopback_queue_full", "lo0's queue was full"};

}  // namespace stackyard::drops
