// core/offload/vlan_tag.h - 802.1Q tags of whole Ethernet frames (802.1Q s9).
#pragma once

#include "core/packet/packet.h"
#include "core/wire/link/ethernet.h"

namespace stackyard {

inline bool is_vlan_type(uint16_t type) {
  return type == ether_type::vlan || type == ether_type::qinq;
}

// Takes the outer tag out. Precondition: there is one, in the front.
void remove_vlan_tag(Packet& frame);
// Puts a tag before the type (and any tags that are there): PCP, DEI and VID in `control`.
void insert_vlan_tag(Packet& frame, uint16_t control, uint16_t type = ether_type::vlan);

}  // namespace stackyard
