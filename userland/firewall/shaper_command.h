// userland/firewall/shaper_command.h - "pipe 1 config bw 1Mbit/s": what ipfw(8) and dnctl(8) share.
#pragma once

#include "userland/firewall/ipfw_run.h"

namespace stackyard::ipfw {

// `words` begin with "pipe", "queue" or "sched".
int shaper(Run& run, const Words& words);

}  // namespace stackyard::ipfw
