// lab/catalog/catalog.h - the explicit lists: what this build is made of, in order.
#pragma once

#include <string>
#include <vector>

#include "stack/kern/module.h"
#include "stack/sys/program.h"

namespace stackyard {

// Modules of every vnet, each after those it needs.
std::vector<const ModuleRecord*> stack_modules();
// Commands of every machine.
std::vector<const Command*> machine_commands();

// Those that `stackyard shims` offers to the real machine's shell: what it cannot do for itself.
std::vector<std::string> shim_names();

}  // namespace stackyard
