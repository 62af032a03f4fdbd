// stack/sys/program.h - what a command is: a record that names a coroutine.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "stack/sys/task.h"

namespace stackyard {

class Sys;
using Args = std::vector<std::string>;  // args[0] is the command's name

struct Command {
  const char* name;
  const char* synopsis;  // "ping [-c count] host": printed behind "usage: "
  Task<int> (*run)(Sys& sys, Args args);
};

// A program that is not in the list of commands: a subshell, a test's.
using Program = std::function<Task<int>(Sys& sys, Args args)>;

}  // namespace stackyard
