// userland/lib/pid_file.h - where a daemon says which process it is.
#pragma once

#include "stack/sys/sys.h"

namespace stackyard {

// Writes the process's number into the file; one that cannot be written is no failure.
Task<void> write_pid_file(Sys& sys, std::string file);

}  // namespace stackyard
