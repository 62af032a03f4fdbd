// userland/firewall/nat64_command.h - "ipfw nat64lsn NAME create ...", and its like.
#pragma once

#include "userland/firewall/ipfw_run.h"

namespace stackyard::ipfw {

// `words` begin with the kind: "nat64lsn NAME create ...", "nptv6 NAME list", "nat64stl all
// destroy", "nat64lsn NAME stats reset".
int nat64(Run& run, const Words& words);

}  // namespace stackyard::ipfw
