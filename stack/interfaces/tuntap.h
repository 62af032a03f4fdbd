// stack/interfaces/tuntap.h - tap(4) and tun(4): interfaces whose other end is a program, by way of
// /dev/tapN and /dev/tunN: a packet a read, a packet a write.
#pragma once

#include "stack/net/cloner.h"

namespace stackyard {

extern const ModuleRecord tuntap_module;

}  // namespace stackyard
