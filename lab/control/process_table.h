// lab/control/process_table.h - the real machine's processes, as far as a lockstep session has to
// know them: who belongs to it, and whether anybody in it still does something (proc(5)).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace stackyard {

// A pid may be used again; with its start it names one process.
struct ProcessId {
  pid_t pid = 0;
  uint64_t start = 0;
  auto operator<=>(const ProcessId&) const = default;
};

class ProcessTable {
 public:
  // Processes whose first environment has STACKYARD_SOCKET=`socket` belong to the session, with all
  // below them; `without` and what is below them do not.
  ProcessTable(const std::string& socket, std::vector<pid_t> without)
      : mark_("STACKYARD_SOCKET=" + socket), without_(std::move(without)) {}

  // The topmost ancestor of a process that belongs; itself when none does.
  ProcessId root_of(pid_t pid);
  bool lives(const ProcessId& id) const;
  // Whether a descriptor of a process is nothing that anybody waits for: a regular file, /dev/null,
  // or the same as its root's standard output.
  bool is_quiet_output(pid_t pid, int fd, const ProcessId& root) const;

  struct Look {
    bool readable = true;        // false: the machine shows no process table
    bool all_asleep = true;      // or stopped, or dead
    bool real_sleepers = false;  // some wait for the real clock
    uint64_t switches = 0;       // a sum over who is there and how often each has run
    bool operator==(const Look&) const = default;
  };
  Look look();

 private:
  struct Seen {
    ProcessId id;
    pid_t parent = 0;
    char state = '?';
  };
  bool read_stat(pid_t pid, Seen& seen) const;
  bool has_mark(const ProcessId& id);

  std::string mark_;
  std::vector<pid_t> without_;
  std::map<ProcessId, bool> marked_;  // read once each
};

}  // namespace stackyard
