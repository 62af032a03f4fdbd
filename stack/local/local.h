// stack/local/local.h - unix-domain sockets (unix(4)): the module's record.
//
// Read first: unix(4), socket(2), bind(2), connect(2), send(2), recv(2). A vnet has its own sizes
// (net.local.*); the sockets themselves belong to the machine's file system, so that they join
// jails that share a folder and outlive the vnet in which they were made.
#pragma once

#include "stack/kern/module.h"

namespace stackyard {

extern const ModuleRecord local_module;

}  // namespace stackyard
