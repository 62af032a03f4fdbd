// lab/run/completion.h - what a line that is being typed on a machine could go on with: its
// commands, files, interfaces, jails, sysctls and the names in its hosts file, as they are now.
#pragma once

#include <string>
#include <vector>

#include "stack/kern/machine.h"

namespace stackyard {

struct Completion {
  std::string line;  // with as much as is certain
  size_t cursor = 0;
  std::vector<std::string> choices;  // of the word, when there are several; sorted
};

// Of the word before `cursor` (octets), as a shell in the jail would see it.
Completion complete_line(Machine& machine, Jail& jail, const std::string& line, size_t cursor);

}  // namespace stackyard
