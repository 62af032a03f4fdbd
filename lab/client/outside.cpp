#include "lab/client/outside.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace stackyard {

namespace {

// A child's end is forgotten by its parent first; so the tree is read before anybody dies.
void collect(pid_t pid, std::vector<pid_t>& all) {
  all.push_back(pid);
  const std::string number = std::to_string(pid);
  std::ifstream children("/proc/" + number + "/task/" + number + "/children");
  for (pid_t child; children >> child;) collect(child, all);
}

}  // namespace

void Outside::start(const std::vector<std::string>& args, const Context& context,
                    const std::string& by) {
  std::fflush(nullptr);
  child_ = fork();
  if (child_ != 0) return;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler != SIG_IGN || number == SIGPIPE) std::signal(number, SIG_DFL);
  }
  if (!context.environment.empty()) {
    // What finds the lab and its commands stays.
    std::map<std::string, std::string> all = context.environment;
    for (const char* name : {"STACKYARD_SOCKET", "PATH", "TERM"})
      if (const char* const value = std::getenv(name)) all[name] = value;
    clearenv();
    for (const auto& [name, value] : all) setenv(name.c_str(), value.c_str(), 1);
  }
  setenv("STACKYARD_AT", context.place.c_str(), 1);
  setenv("STACKYARD_FIB", std::to_string(context.fib).c_str(), 1);
  std::vector<char*> words;
  for (const std::string& word : args) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  std::fprintf(stderr, "%s: %s%s: %s\n", by.c_str(), by == "jexec" ? "execvp: " : "", words[0],
               std::strerror(errno));
  std::fflush(stderr);
  _exit(by == "jexec" ? 1 : 127);
}

std::optional<int> Outside::reap() {
  int status = 0;
  if (child_ <= 0 || waitpid(child_, &status, WNOHANG) != child_) return std::nullopt;
  child_ = 0;
  if (WIFSIGNALED(status)) killed_by_ = WTERMSIG(status);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool Outside::forward(int signal) {
  if (child_ <= 0) return false;
  ::kill(child_, signal);
  return true;
}

void Outside::kill() {
  if (child_ <= 0) return;
  std::vector<pid_t> all;
  collect(child_, all);
  for (pid_t pid : all) ::kill(pid, SIGKILL);
}

}  // namespace stackyard
