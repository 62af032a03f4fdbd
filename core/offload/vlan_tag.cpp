#include "core/offload/vlan_tag.h"

#include <cstring>

namespace stackyard {

void remove_vlan_tag(Packet& frame) {
  const MutableBytes octets = frame.writable_front();
  std::memmove(octets.data() + sizeof(VlanTag), octets.data(), 12);
  frame.trim_front(sizeof(VlanTag));
}

void insert_vlan_tag(Packet& frame, uint16_t control, uint16_t type) {
  frame.prepend(sizeof(VlanTag));
  const MutableBytes octets = frame.writable_front();
  std::memmove(octets.data(), octets.data() + sizeof(VlanTag), 12);
  store(be16(type), octets.subspan(12));
  store(be16(control), octets.subspan(14));
}

}  // namespace stackyard
