// lab/main/commands.h - the commands of the `stackyard` program.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace stackyard {

// Exit status: 0 all checks passed, 1 a check failed, 2 the file is invalid, 3 the run failed.
namespace exit_status {
constexpr int passed = 0, check_failed = 1, invalid = 2, run_failed = 3;
}

struct RunArguments {
  std::string lab;
  std::string until, seed, pace, out = "out", junit, trace, tcp_trace, journal;
  bool json = false;
  unsigned partitions = 1;
  uint64_t shuffle = 1;
  std::vector<std::string> set;
};
int run_command(const RunArguments& arguments);
struct ServeArguments {
  std::string lab;
  std::string socket, pace, seed, out = "out", trace, journal;
  std::vector<std::string> set;
  bool captures = true;
  int ready_fd = -1;  // told when clients may come; -1: standard error is
};
int serve_command(const ServeArguments& arguments);
// Its `trace` and `out` count.
int replay_command(const std::string& journal, ServeArguments arguments);
// `at`: "srv/web"; "": the first machine.
int exec_command(const std::string& socket, const std::string& at,
                 const std::vector<std::string>& command);
int shims_command(const std::string& folder);
int gui_command(const std::vector<std::string>& arguments);
int validate_command(const std::vector<std::string>& labs, bool addresses,
                     const std::vector<std::string>& set);
struct ConsoleArguments {
  std::string lab;     // a file to serve; "": one that is served at the socket
  std::string socket;  // "": STACKYARD_SOCKET
  std::string node, command;
  std::string pace;  // of LAB; "": 1x for who types, lockstep for what is read from elsewhere
  std::vector<std::string> set;
};
struct DrillArguments {
  std::vector<std::string> scripts;  // files, or folders of them
  std::vector<std::string> options;  // packetdrill's: "--ip_version=ipv6"
  unsigned jobs = 1;
};
int drill_command(const DrillArguments& arguments);
int console_command(const ConsoleArguments& arguments);

}  // namespace stackyard
