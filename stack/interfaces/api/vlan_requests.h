// stack/interfaces/api/vlan_requests.h - what ifconfig(8) asks of vlan(4).
#pragma once

#include <string>

#include "stack/sys/request.h"

namespace stackyard {

// EINVAL: not a vlan; EPERM: it belongs to another stack (FreeBSD's if_home_vnet).
struct GetVlan : RequestOf<GetVlan> {
  static constexpr RequestKind kind_of{"vlan", "get vlan", true};
  std::string name;
  std::string parent;  // empty: none
  uint16_t tag = 0, protocol = 0x8100;
  uint8_t pcp = 0;
};

// Without a parent it carries nothing. ENOENT: no such parent; EPROTONOSUPPORT: it is not Ethernet;
// EINVAL: no such VLAN, or in a circle; EBUSY: it has another parent; EEXIST: the parent has such a
// vlan; EPERM as above.
struct SetVlan : RequestOf<SetVlan> {
  static constexpr RequestKind kind_of{"vlan", "set vlan"};
  std::string name;
  std::string parent;
  uint16_t tag = 0, protocol = 0x8100;
};

// The priority of its frames: 0 to 7. EPERM as above.
struct SetVlanPcp : RequestOf<SetVlanPcp> {
  static constexpr RequestKind kind_of{"vlan", "set priority"};
  std::string name;
  uint8_t pcp = 0;
};

}  // namespace stackyard
