// userland/sh/jobs.cpp - the shell's background jobs and traps.
#include <algorithm>

#include "core/base/text.h"
#include "userland/sh/shell.h"

namespace stackyard {

namespace {

// What a job is shown as: its words as they were typed.
std::string job_text(const ShellNode& node) {
  if (node.kind == ShellNode::Kind::simple) return join(node.words, " ");
  const char* between = node.kind == ShellNode::Kind::pipeline ? " | " : "; ";
  std::vector<std::string> parts;
  for (const ShellTree& child : node.children) parts.push_back(job_text(*child));
  return join(parts, between);
}

std::string state_text(const std::optional<int>& status, bool stopped) {
  if (!status) return stopped ? "Stopped" : "Running";
  if (*status == 0) return "Done";
  if (*status == signal_status(Signal::term)) return "Terminated";
  if (*status == signal_status(Signal::kill)) return "Killed";
  return text("Done({})", *status);
}

// The number of a signal or 0 for EXIT; -1: there is none of that name.
int trap_number(const std::string& name) {
  if (name == "EXIT" || name == "0") return 0;
  const auto signal = signal_named(name);
  return signal ? int(*signal) : -1;
}

}  // namespace

// --- jobs --------------------------------------------------------------------------------------

void Shell::add_job(Pid pid, const ShellNode& tree) {
  const int number = jobs_.empty() ? 1 : jobs_.back().number + 1;
  jobs_.push_back({number, pid, job_text(tree), {}});
}

Shell::Job* Shell::find_job(const std::string& word) {
  if (jobs_.empty()) return nullptr;
  const std::string name = word.substr(1);
  if (name.empty() || name == "%" || name == "+") return &jobs_.back();
  if (name == "-") return &jobs_[jobs_.size() - std::min<size_t>(jobs_.size(), 2)];
  const auto number = parse_int(name);
  for (Job& job : jobs_)
    if (number ? job.number == *number : job.command.starts_with(name)) return &job;
  return nullptr;
}

// Takes the statuses of those that have ended.
Task<void> Shell::look_at_jobs() {
  for (size_t i = 0; i < jobs_.size(); ++i) {
    if (jobs_[i].status) continue;
    const auto ended = co_await sys_.wait(jobs_[i].pid, WaitMode::look);
    if (ended && ended->first != 0) jobs_[i].status = ended->second;
  }
}

Task<int> Shell::jobs_builtin(Words words) {
  co_await look_at_jobs();
  const bool pids = words.size() > 1 && (words[1] == "-p" || words[1] == "-s");
  const std::vector<ProcessInfo> all = sys_.processes();
  std::string out;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    const Job& job = jobs_[i];
    if (pids) {
      out += text("{}\n", job.pid);
      continue;
    }
    const bool stopped = std::any_of(all.begin(), all.end(), [&](const ProcessInfo& p) {
      return p.pid == job.pid && p.stopped;
    });
    const char mark = i + 1 == jobs_.size() ? '+' : i + 2 == jobs_.size() ? '-' : ' ';
    std::string line = text("[{}] {} ", job.number, mark);
    if (words.size() > 1 && words[1] == "-l") line += text("{} ", job.pid);
    out += text("{:<30}{}\n", line + state_text(job.status, stopped), job.command);
  }
  std::erase_if(jobs_, [](const Job& job) { return job.status.has_value(); });
  co_await sys_.print(out);
  co_return 0;
}

// Waits for what is named, or for all; a signal with a trap ends the waiting.
Task<int> Shell::wait_builtin(Words words) {
  std::vector<Pid> pids;
  for (size_t i = 1; i < words.size(); ++i) {
    const Job* job = words[i].starts_with('%') ? find_job(words[i]) : nullptr;
    pids.push_back(job ? job->pid : Pid(parse_int(words[i]).value_or(-1)));
  }
  const bool all = pids.empty();
  if (all)
    for (const Job& job : jobs_) pids.push_back(job.pid);
  int status = 0;
  for (Pid pid : pids) {
    const auto known =
        std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& job) { return job.pid == pid; });
    std::optional<int> ended = known == jobs_.end() ? std::nullopt : known->status;
    if (!ended) {
      const auto waited = co_await sys_.wait(pid);
      if (!waited && waited.error() == Errno::eintr) {
        while (const auto signal = sys_.take_signal()) caught_.push_back(*signal);
        co_return caught_.empty() ? 1 : signal_status(caught_.front());
      }
      ended = waited ? waited->second : 127;
    }
    std::erase_if(jobs_, [&](const Job& job) { return job.pid == pid; });
    status = *ended;
  }
  co_return all ? 0 : status;
}

// Nothing: it is no builtin of jobs and traps.
Task<std::optional<int>> Shell::job_builtin(Words words) {
  const std::string& name = words[0];
  if (name == "wait") co_return co_await wait_builtin(words);
  if (name == "jobs") co_return co_await jobs_builtin(words);
  if (name == "trap") co_return co_await trap_builtin(words);
  if (name != "fg" && name != "bg") co_return std::nullopt;
  const Job* job = find_job(words.size() > 1 ? words[1] : "%");
  if (!job) {
    std::string trouble = "No current job";
    if (words.size() > 1) trouble = "No such job: " + words[1];
    co_await sys_.print_error(text("{}: {}\n", name, trouble));
    co_return 2;
  }
  const Pid pid = job->pid;
  co_await sys_.print(job->command + "\n");
  (void)co_await sys_.kill(pid, Signal::cont);
  if (name == "bg") co_return 0;
  const Words one{"wait", text("{}", pid)};
  co_return co_await wait_builtin(one);
}

// --- traps -------------------------------------------------------------------------------------

Task<int> Shell::trap_builtin(Words words) {
  if (words.size() > 1 && words[1] == "--") words.erase(words.begin() + 1);
  if (words.size() < 2) {
    std::string out;
    for (const auto& [number, script] : traps_)
      out += text("trap -- '{}' {}\n", script,
                  number == 0 ? std::string("EXIT") : std::string(signal_name(Signal(number))));
    co_await sys_.print(out);
    co_return 0;
  }
  // A number first, or one word alone: back to what the signal does by itself.
  const bool reset = words[1] == "-" || words.size() == 2 || parse_int(words[1]);
  const size_t first = reset && words[1] != "-" ? 1 : 2;
  for (size_t i = first; i < words.size(); ++i) {
    const int number = trap_number(words[i]);
    if (number < 0) {
      co_await sys_.print_error(text("trap: bad signal {}\n", words[i]));
      co_return 1;
    }
    if (reset)
      traps_.erase(number);
    else
      traps_[number] = words[1];
    if (number == 0) continue;
    const SignalAction action = reset              ? SignalAction::standard
                                : words[1].empty() ? SignalAction::ignore
                                                   : SignalAction::catch_it;
    sys_.set_signal(Signal(number), action);
  }
  co_return 0;
}

Task<void> Shell::run_traps() {
  while (const auto signal = sys_.take_signal()) caught_.push_back(*signal);
  while (!caught_.empty()) {
    const Signal signal = caught_.front();
    caught_.erase(caught_.begin());
    const auto found = traps_.find(int(signal));
    if (found == traps_.end()) continue;
    const ShellParse parsed = parse_shell(found->second);
    const int before = last_status_;
    if (parsed.tree) co_await run(parsed.tree);
    last_status_ = before;
  }
}

Task<int> Shell::exit_trap(int status) {
  const auto found = traps_.find(0);
  if (found == traps_.end()) co_return status;
  const std::string script = found->second;
  traps_.erase(found);
  last_status_ = status;
  const ShellParse parsed = parse_shell(script);
  if (!parsed.tree) co_return status;
  try {
    co_await run(parsed.tree);
  } catch (const Exit& exit) {
    co_return exit.status;
  }
  co_return status;
}

}  // namespace stackyard
