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
  std::string until, seed, pace, out = "out", junit, trace;
  bool json = false;
  unsigned partitions = 1;
  uint64_t shuffle = 1;
  std::vector<std::string> set;
};
int run_command(const RunArguments& arguments);
int validate_command(const std::vector<std::string>& labs, bool addresses,
                     const std::vector<std::string>& set);
int console_command(const std::string& lab, const std::string& node, const std::string& command,
                    const std::vector<std::string>& set);

}  // namespace stackyard
