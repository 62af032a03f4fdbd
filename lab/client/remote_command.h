// lab/client/remote_command.h - a command of a served lab, as if it were a program here: its
// streams, signals, files, daemons and end (docs/shell-scripts.md).
#pragma once

#include <string>
#include <vector>

#include "lab/client/connection.h"

namespace stackyard {

struct RemoteCommand {
  std::string at;                 // "srv/web": machine and jails; "": the lab's first machine
  std::vector<std::string> args;  // args[0] is the command
  int fib = 0;
  bool own_files = false;   // paths are this machine's, and so are commands the lab does not have
  bool die_with_it = true;  // a signal that ends it ends this process; else the status is 128 + it
};

// Runs it until it ends; gives its exit status.
int run_remote(Connection& connection, const RemoteCommand& command);

}  // namespace stackyard
