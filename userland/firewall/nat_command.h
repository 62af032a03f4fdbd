// userland/firewall/nat_command.h - "ipfw nat": instances of address translation.
#pragma once

#include "userland/firewall/ipfw_run.h"

namespace stackyard::ipfw {

// `words` begin with "nat": "nat 1 config ...", "nat show", "nat show config", "nat delete 1".
int nat(Run& run, const Words& words);

}  // namespace stackyard::ipfw
