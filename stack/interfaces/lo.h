// stack/interfaces/lo.h - lo(4): packets come back to the stack that sent them.
#pragma once

#include "stack/net/cloner.h"

namespace stackyard {

extern const ModuleRecord lo_module;

}  // namespace stackyard
