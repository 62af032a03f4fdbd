// stack/interfaces/bridge.h - bridge(4): members that together are one Ethernet segment, and this
// stack on it.
#pragma once

#include "stack/net/cloner.h"

namespace stackyard {

extern const ModuleRecord bridge_module;

}  // namespace stackyard
