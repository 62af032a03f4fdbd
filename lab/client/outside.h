// lab/client/outside.h - a command that a process of the lab runs on the client's machine: what
// jexec(8) and setfib(1) do with programs that the lab does not have.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace stackyard {

class Outside {
 public:
  struct Context {
    std::string place;  // where its shims act: "srv/web"
    int fib = 0;
    std::map<std::string, std::string> environment = {};  // instead of ours; empty: ours
  };
  void start(const std::vector<std::string>& args, const Context& context, const std::string& by);
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
