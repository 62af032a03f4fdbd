// userland/lib/exec.h - what execvp(3) does for simulated programs.
#pragma once

#include "stack/sys/sys.h"

namespace stackyard {

// Becomes the command that `words` name and runs it; when there is none: "NAME: FAILURE: No such
// file or directory", and status 1.
Task<int> exec_words(Sys& sys, Args words, std::string failure);

// The same for what a user typed; a client's command that is not the machine's runs on the client's
// side, in this jail and FIB, and with this environment if there is any. `missing` is the status
// when there is no such command.
Task<int> exec_anywhere(Sys& sys, Args words, std::string failure, int missing = 1,
                        Environment environment = {});

// The jail that a word names (a jid or a name), or nothing, after complaining as jail_getid(3)
// does.
Task<std::optional<int>> find_jail_id(Sys& sys, std::string jail);

// The option -j JAIL of network programs: goes on inside that jail, if one is named. False: it
// failed, and said so.
Task<bool> enter_jail(Sys& sys, std::string jail);

}  // namespace stackyard
