// lab/client/outside.h - a command that a process of the lab runs on the client's machine: what
// jexec(8) and setfib(1) do with programs that the lab does not have.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace stackyard {

class Outside {
 public:
  // Its shims act at `place` ("srv/web") and in that FIB.
  void start(const std::vector<std::string>& args, const std::string& place, int fib,
             const std::string& by);
  // The exit status, once it has ended.
  std::optional<int> reap();
  // Passes a signal on; false: nothing runs.
  bool forward(int signal);
  // With all that it started.
  void kill();
  // The signal that ended it; 0: none.
  int killed_by() const { return killed_by_; }

 private:
  pid_t child_ = 0;
  int killed_by_ = 0;
};

}  // namespace stackyard
