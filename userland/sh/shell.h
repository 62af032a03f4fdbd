// userland/sh/shell.h - executes a shell tree: expansions, redirections, jobs.
#pragma once

#include <map>
#include <optional>

#include "stack/sys/sys.h"
#include "userland/sh/syntax.h"

namespace stackyard {

class Shell {
 public:
  Shell(Sys& sys, std::vector<std::string> parameters)
      : sys_(sys), parameters_(std::move(parameters)) {}

  Task<int> run_script(std::string script);
  // Reads commands from standard input, line by line, as they come.
  Task<int> run_input(bool interactive);

 private:
  using Words = std::vector<std::string>;
  struct Job {
    int number;
    Pid pid;
    std::string command;
    std::optional<int> status;  // it has ended
  };
  struct Exit {  // thrown by `exit`, and caught where a shell ends
    int status;
  };

  Task<int> run(ShellTree tree);
  Task<int> run_redirected(ShellTree tree);
  Task<int> run_simple(ShellTree tree);
  Task<int> run_pipeline(ShellTree tree);
  Task<int> run_if(ShellTree tree);
  Task<int> run_for(ShellTree tree);
  Task<int> run_loop(ShellTree tree);
  // Starts a command as a process of its own: a named one, or a subshell for anything else.
  Task<Result<Pid>> start(ShellTree tree, std::vector<std::pair<Fd, Fd>> descriptors);
  Task<std::optional<int>> builtin(Words words);
  Task<bool> read_builtin(Words words);
  Task<int> run_text(std::string script);
  Task<int> run_lines(bool interactive);

  // --- jobs.cpp ---
  void add_job(Pid pid, const ShellNode& tree);
  // "%1", "%%", "%-", "%sleep": a job; null: there is none.
  Job* find_job(const std::string& word);
  Task<void> look_at_jobs();
  Task<std::optional<int>> job_builtin(Words words);
  Task<int> wait_builtin(Words words);
  Task<int> jobs_builtin(Words words);
  Task<int> trap_builtin(Words words);
  // Runs what traps are for signals that have come; at the end of the shell, that of EXIT.
  Task<void> run_traps();
  Task<int> exit_trap(int status);
  Task<int> wait_for(Pid pid);
  // Runs a tree as all that is left to do in this process: a simple command takes the process
  // over, as exec does, so that its pid is the command's.
  Task<int> run_last(ShellTree tree);

  // Opens what the redirections say; null: one failed, and was complained about.
  Task<std::optional<std::vector<std::pair<Fd, Fd>>>> open_redirects(const ShellNode& node);
  Task<void> close_all(std::vector<std::pair<Fd, Fd>> descriptors);

  Task<Words> expand(std::vector<std::string> raw);
  Task<std::string> expand_one(std::string raw);
  Task<void> expand_into(std::string raw, bool split, Words& to);
  Task<std::string> substitute(std::string script);
  std::string variable(const std::string& name) const;
  Task<std::string> expand_dollar(const std::string& raw, size_t& at);

  Sys& sys_;
  Words parameters_;  // [0] is $0
  int last_status_ = 0;
  Pid last_background_ = 0;
  std::vector<Job> jobs_;
  std::map<int, std::string> traps_;  // by signal; 0: EXIT
  std::vector<Signal> caught_;        // and not yet answered
};

// $(( )): integers, + - * / %, comparisons, parentheses; names are variables.
std::optional<int64_t> arithmetic(const std::string& expression,
                                  const std::function<std::string(const std::string&)>& variable);

}  // namespace stackyard
