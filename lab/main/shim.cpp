// lab/main/shim.cpp - `stackyard-shim`: under the name of a command of the lab's machines, a client
// that runs it there (docs/shell-scripts.md). Small, since scripts start it often.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/base/text.h"
#include "lab/client/remote_command.h"

namespace stackyard {
namespace {

struct Found {
  std::string path;
  bool shim = false;  // a link to this very program
};

std::vector<Found> in_path(const std::string& name) {
  struct stat own {};
  stat("/proc/self/exe", &own);
  std::vector<Found> all;
  const char* const path = std::getenv("PATH");
  for (const std::string& folder : split(path ? path : "/usr/bin:/bin", ':')) {
    const std::string file = folder + "/" + name;
    struct stat it {};
    if (stat(file.c_str(), &it) != 0 || access(file.c_str(), X_OK) != 0) continue;
    all.push_back({file, it.st_dev == own.st_dev && it.st_ino == own.st_ino});
  }
  return all;
}

bool is_shim(const std::string& command) {
  for (const Found& found : in_path(command.substr(command.rfind('/') + 1)))
    if (found.shim) return true;
  return false;
}

// timeout(1) of a command of this machine is this machine's, by its clock.
void leave_to_real_timeout(char** argv) {
  int at = 1;
  for (; argv[at] && argv[at][0] == '-'; ++at) {
    const std::string option = argv[at];
    if ((option == "-k" || option == "-s") && argv[at + 1]) ++at;
    if (option == "--") {
      ++at;
      break;
    }
  }
  if (!argv[at] || !argv[at + 1] || is_shim(argv[at + 1])) return;
  for (const Found& found : in_path("timeout"))
    if (!found.shim) execv(found.path.c_str(), argv);
}

int run(char** argv) {
  const std::string called = argv[0];
  RemoteCommand command;
  command.args = {called.substr(called.rfind('/') + 1)};
  if (command.args[0] == "timeout") leave_to_real_timeout(argv);
  for (char** word = argv + 1; *word; ++word) command.args.push_back(*word);
  const std::string path = socket_path("");
  if (path.empty()) {
    std::fprintf(stderr, "%s: STACKYARD_SOCKET does not say which lab is meant\n", called.c_str());
    return 3;
  }
  const auto connection = Connection::open(path);
  if (!connection) {
    std::fprintf(stderr, "%s: no lab is served at %s: %s\n", called.c_str(), path.c_str(),
                 std::strerror(errno));
    return 3;
  }
  if (const char* const at = std::getenv("STACKYARD_AT")) command.at = at;
  if (const char* const fib = std::getenv("STACKYARD_FIB")) command.fib = std::atoi(fib);
  command.own_files = true;
  return run_remote(*connection, command);
}

}  // namespace
}  // namespace stackyard

int main(int, char** argv) { return stackyard::run(argv); }
