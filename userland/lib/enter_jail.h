// userland/lib/enter_jail.h - the option -j JAIL of network programs: act inside a jail.
#pragma once

#include <string>

#include "stack/sys/sys.h"

namespace stackyard {

// Moves the program into a jail, by name or jid. Empty, or what is wrong: `jail "x" not found`.
std::string enter_jail(Sys& sys, const std::string& jail);

}  // namespace stackyard
