// stack/interfaces/epair.h - epair(4): two Ethernet interfaces back to back, perhaps in two stacks.
#pragma once

#include "stack/net/cloner.h"

namespace stackyard {

extern const ModuleRecord epair_module;

}  // namespace stackyard
