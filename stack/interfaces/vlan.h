// stack/interfaces/vlan.h - vlan(4): Ethernet interfaces that share another by 802.1Q or 802.1ad
// tags.
#pragma once

#include "stack/net/cloner.h"

namespace stackyard {

extern const ModuleRecord vlan_module;

}  // namespace stackyard
