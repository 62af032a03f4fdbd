// userland/text/process_tools.cpp - ps, kill, killall, pgrep, pkill, sleep, timeout.
#include <algorithm>
#include <regex>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

Task<int> ps(Sys& sys, Args) {
  std::string out = text("{:>5} {:>5} {}\n", "PID", "PPID", "COMMAND");
  for (const ProcessInfo& p : sys.processes())
    out += text("{:>5} {:>5} {}\n", p.pid, p.parent, p.command);
  co_await sys.print(out);
  co_return 0;
}

// --- signals -----------------------------------------------------------------------------------

// All names in two lines, as kill -l shows them.
std::string signal_list() {
  std::string out;
  for (int number = 1; number <= signals_max; ++number) {
    out += signal_name(Signal(number));
    out += number == 16 || number == signals_max ? '\n' : ' ';
  }
  return out;
}

Task<int> list_signals(Sys& sys, Args names) {
  if (names.empty()) co_await sys.print(signal_list());
  for (const std::string& name : names) {
    const auto number = parse_int(name);
    const auto signal = signal_named(number && *number > 128 ? text("{}", *number - 128) : name);
    if (!signal) {
      co_await sys.complain(text("illegal signal number: {}", name));
      co_return 2;
    }
    const std::string shown = number ? std::string(signal_name(*signal)) : text("{}", int(*signal));
    co_await sys.print(shown + "\n");
  }
  co_return 0;
}

// A signal's name or number at the command line; "0" is none, which only asks.
struct WantedSignal {
  std::optional<Signal> signal;
  bool known = true;
};
WantedSignal read_signal(const std::string& name) {
  if (name == "0") return {};
  const auto signal = signal_named(name);
  return {signal, signal.has_value()};
}

Task<int> unknown_signal(Sys& sys, std::string name) {
  co_await sys.complain(text("unknown signal {}; valid signals:", name));
  co_await sys.print_error(signal_list());
  co_return 2;
}

Task<int> kill(Sys& sys, Args args) {
  WantedSignal wanted{.signal = Signal::term};
  size_t at = 1;
  if (args.size() > 1 && args[1] == "-l")
    co_return co_await list_signals(sys, Args(args.begin() + 2, args.end()));
  std::string name;
  if (args.size() > 2 && args[1] == "-s") {
    name = args[2];
    at = 3;
  } else if (args.size() > 1 && args[1].size() > 1 && args[1][0] == '-' && args[1] != "--") {
    name = args[1].substr(1);
    at = 2;
  }
  if (!name.empty()) wanted = read_signal(name);
  if (!wanted.known) co_return co_await unknown_signal(sys, name);
  if (at < args.size() && args[at] == "--") ++at;
  if (at >= args.size()) co_return co_await sys.usage(kill_command, 2);
  int status = 0;
  for (; at < args.size(); ++at) {
    const auto pid = parse_int(args[at]);
    if (!pid) {
      co_await sys.complain(text("illegal process id: {}", args[at]));
      co_return 2;
    }
    const Result<> done = co_await sys.kill(int(*pid), wanted.signal);
    if (done) continue;
    co_await sys.complain(text("{}: {}", args[at], errno_text(done.error())));
    status = 1;
  }
  co_return status;
}

// --- by name -----------------------------------------------------------------------------------

// "nc" of "/usr/bin/nc -l 7".
std::string base_name(const ProcessInfo& p) {
  const std::string first = p.command.substr(0, p.command.find(' '));
  return first.substr(first.rfind('/') + 1);
}

// Processes of the caller's own jail, without the caller.
std::vector<ProcessInfo> neighbours(const Sys& sys) {
  std::vector<ProcessInfo> all = sys.processes();
  const auto self =
      std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.pid == sys.pid(); });
  const int jid = self == all.end() ? 0 : self->jid;
  std::erase_if(all, [&](const auto& p) { return p.pid == sys.pid() || p.jid != jid; });
  return all;
}

Task<int> killall(Sys& sys, Args args) {
  WantedSignal wanted{.signal = Signal::term};
  std::string name, letters;
  std::vector<std::string> targets;
  for (size_t i = 1; i < args.size(); ++i) {
    const std::string& word = args[i];
    if (word == "-l") co_return co_await list_signals(sys, Args());
    if (word.size() > 1 && word[0] == '-' &&
        word.find_first_not_of("cdemqsvz", 1) == std::string::npos)
      letters += word.substr(1);
    else if (word.size() > 1 && word[0] == '-')
      name = word.substr(1);
    else
      targets.push_back(word);
  }
  if (!name.empty()) wanted = read_signal(name);
  if (!wanted.known) co_return co_await unknown_signal(sys, name);
  if (targets.empty()) co_return co_await sys.usage(killall_command, 1);
  const auto has = [&](char c) { return letters.find(c) != std::string::npos; };
  int killed = 0, status = 0;
  for (const ProcessInfo& p : neighbours(sys)) {
    const bool meant = std::any_of(targets.begin(), targets.end(), [&](const std::string& t) {
      return has('m') ? std::regex_search(base_name(p), std::regex(t, std::regex::extended))
                      : base_name(p) == t;
    });
    if (!meant) continue;
    ++killed;
    if (has('s') || has('v'))
      co_await sys.print(
          text("kill -{} {}\n", wanted.signal ? signal_name(*wanted.signal) : "0", p.pid));
    if (has('s')) continue;
    const Result<> done = co_await sys.kill(p.pid, wanted.signal);
    if (!done) status = 1;
  }
  if (killed > 0) co_return status;
  if (!has('q')) co_await sys.print_error("No matching processes were found\n");
  co_return 1;
}

std::vector<ProcessInfo> matching(const Sys& sys, const Options& options, bool& wrong) {
  std::vector<ProcessInfo> found;
  try {
    std::vector<std::regex> patterns;
    for (const std::string& p : options.rest()) patterns.emplace_back(p, std::regex::extended);
    for (const ProcessInfo& p : neighbours(sys)) {
      const std::string subject = options.has('f') ? p.command : base_name(p);
      const auto fits = [&](const std::regex& r) {
        return options.has('x') ? std::regex_match(subject, r) : std::regex_search(subject, r);
      };
      bool chosen = patterns.empty() || std::any_of(patterns.begin(), patterns.end(), fits);
      if (options.has('P')) chosen &= parse_int(options.value('P')) == p.parent;
      if (chosen != options.has('v')) found.push_back(p);
    }
  } catch (const std::regex_error&) {
    wrong = true;
  }
  if (options.has('n') && !found.empty()) found = {found.back()};
  if (options.has('o') && !found.empty()) found = {found.front()};
  return found;
}

Task<int> pgrep_or_kill(Sys& sys, Args args) {
  const bool kills = args[0].ends_with("pkill");
  const Command& self = kills ? pkill_command : pgrep_command;
  WantedSignal wanted{.signal = Signal::term};
  if (kills && args.size() > 1 && args[1].size() > 1 && args[1][0] == '-') {
    const auto named = read_signal(args[1].substr(1));
    const bool number = parse_int(args[1].substr(1)).has_value();
    if (named.known && (number || args[1].size() > 2)) {
      wanted = named;
      args.erase(args.begin() + 1);
    }
  }
  const Options options(args, "flnoP:qvx");
  if (!options.error().empty() || (options.rest().empty() && !options.has('P')))
    co_return co_await bad_usage(sys, self, options.error(), 2);
  bool wrong = false;
  const std::vector<ProcessInfo> found = matching(sys, options, wrong);
  if (wrong) {
    co_await sys.complain("Cannot compile regular expression");
    co_return 2;
  }
  for (const ProcessInfo& p : found) {
    const std::string name = options.has('f') ? p.command : base_name(p);
    std::string line = text("{}", p.pid);
    if (options.has('l')) line += " " + name;
    line += "\n";
    if (!kills && !options.has('q')) co_await sys.print(line);
    if (kills) (void)co_await sys.kill(p.pid, wanted.signal);
  }
  co_return found.empty() ? 1 : 0;
}

// --- time --------------------------------------------------------------------------------------

// "1.5", "2m", "1h": seconds unless a unit says otherwise.
std::optional<SimTime> parse_duration(std::string word) {
  int64_t scale = 1;
  if (!word.empty()) {
    const size_t unit = std::string_view("smhd").find(word.back());
    constexpr int64_t seconds[] = {1, 60, 3600, 86400};
    if (unit != std::string_view::npos) {
      scale = seconds[unit];
      word.pop_back();
    }
  }
  const auto duration = parse_seconds(word);
  if (!duration) return std::nullopt;
  return SimTime(duration->ns() * scale);
}

Task<int> sleep(Sys& sys, Args args) {
  SimTime whole;
  for (size_t i = 1; i < args.size(); ++i) {
    const bool negative = args[i].starts_with('-');
    const auto part = parse_duration(negative ? args[i].substr(1) : args[i]);
    if (!part) {
      co_await sys.complain(text("invalid time interval: {}", args[i]));
      co_return co_await sys.usage(sleep_command, 1);
    }
    if (!negative) whole += *part;
  }
  if (args.size() < 2) co_return co_await sys.usage(sleep_command, 1);
  co_await sys.sleep(whole);
  co_return 0;
}

// A process and all that it started, the youngest first.
std::vector<Pid> tree_of(const Sys& sys, Pid root) {
  std::vector<Pid> tree{root};
  const std::vector<ProcessInfo> all = sys.processes();
  for (size_t i = 0; i < tree.size(); ++i)
    for (const ProcessInfo& p : all)
      if (p.parent == tree[i]) tree.push_back(p.pid);
  std::reverse(tree.begin(), tree.end());
  return tree;
}

struct TimeoutOptions {
  SimTime limit, kill_after;
  Signal signal = Signal::term;
  bool foreground = false, preserve = false, verbose = false;
};

class Timeout {
 public:
  Timeout(Sys& sys, TimeoutOptions want) : sys_(sys), want_(want) {}
  Task<int> run(Args command);

 private:
  Task<std::optional<int>> wait_until(Pid child, SimTime limit);
  Task<void> signal(Pid child, Signal signal);

  Sys& sys_;
  TimeoutOptions want_;
  std::string name_;
};

Task<void> Timeout::signal(Pid child, Signal signal) {
  if (want_.verbose)
    co_await sys_.complain(
        text("sending signal {}({}) to command '{}'", signal_name(signal), int(signal), name_));
  std::vector<Pid> meant{child};
  if (!want_.foreground) meant = tree_of(sys_, child);
  for (Pid pid : meant) (void)co_await sys_.kill(pid, signal);
}

// The status of the child, or nothing when the time was over (zero: it never is).
Task<std::optional<int>> Timeout::wait_until(Pid child, SimTime limit) {
  const SimTime deadline = limit > SimTime() ? sys_.now() + limit : SimTime::max();
  for (;;) {
    while (const auto caught = sys_.take_signal())
      if (*caught != Signal::chld) co_await signal(child, *caught);  // it is passed on
    const auto ended = co_await sys_.wait(child, WaitMode::look);
    if (!ended) co_return 125;
    if (ended->first != 0) co_return ended->second;
    if (sys_.now() >= deadline) co_return std::nullopt;
    const SimTime left =
        deadline == SimTime::max() ? SimTime(3600'000'000'000) : deadline - sys_.now();
    co_await sys_.sleep(left);
  }
}

Task<int> Timeout::run(Args command) {
  name_ = command[0];
  for (Signal s : {Signal::chld, Signal::term, Signal::interrupt, Signal::hup, Signal::quit})
    sys_.set_signal(s, SignalAction::catch_it);
  const SpawnRequest request{.args = command, .program = {}, .descriptors = {}};
  const Result<Pid> child = co_await sys_.spawn(request);
  if (!child) {
    co_await sys_.complain(text("exec({}): {}", name_, errno_text(child.error())));
    co_return child.error() == Errno::enoent ? 127 : 126;
  }
  std::optional<int> status = co_await wait_until(*child, want_.limit);
  if (status) co_return *status;
  co_await signal(*child, want_.signal);
  bool killed = want_.signal == Signal::kill;
  status = co_await wait_until(*child, want_.kill_after);
  if (!status) {
    co_await signal(*child, Signal::kill);
    killed = true;
    status = co_await wait_until(*child, SimTime());
  }
  if (want_.preserve) co_return *status;
  co_return killed ? signal_status(Signal::kill) : 124;
}

Task<int> timeout(Sys& sys, Args args) {
  for (std::string& word : args) {
    if (word == "--foreground") word = "-f";
    if (word == "--preserve-status") word = "-p";
    if (word == "--verbose") word = "-v";
    if (word.starts_with("--signal=")) word = "-s" + word.substr(9);
    if (word.starts_with("--kill-after=")) word = "-k" + word.substr(13);
  }
  const Options options(args, "fk:ps:v");
  const Args& rest = options.rest();
  if (!options.error().empty() || rest.size() < 2)
    co_return co_await bad_usage(sys, timeout_command, options.error(), 125);
  TimeoutOptions want{
      .foreground = options.has('f'), .preserve = options.has('p'), .verbose = options.has('v')};
  const auto limit = parse_duration(rest[0]);
  const auto kill_after = parse_duration(options.value('k', "0"));
  const auto signal = signal_named(options.value('s', "TERM"));
  if (!limit || !kill_after || !signal) {
    const std::string wrong = signal ? "duration is not a number" : "invalid signal";
    co_await sys.complain(wrong);
    co_return 125;
  }
  want.limit = *limit;
  want.kill_after = *kill_after;
  want.signal = *signal;
  Timeout run(sys, want);
  const Args command(rest.begin() + 1, rest.end());
  co_return co_await run.run(command);
}

}  // namespace

const Command ps_command{.name = "ps", .synopsis = "ps", .run = ps};
const Command kill_command{.name = "kill",
                           .synopsis =
                               "kill [-s signal_name] pid ...\nkill -l [exit_status]\n"
                               "kill -signal_name pid ...\nkill -signal_number pid ...",
                           .run = kill};
const Command killall_command{
    .name = "killall", .synopsis = "killall [-delmsqvz] [-SIGNAL] [cmd]...", .run = killall};
const Command pgrep_command{
    .name = "pgrep", .synopsis = "pgrep [-flnoqvx] [-P ppid] pattern ...", .run = pgrep_or_kill};
const Command pkill_command{.name = "pkill",
                            .synopsis = "pkill [-signal] [-fnovx] [-P ppid] pattern ...",
                            .run = pgrep_or_kill};
const Command sleep_command{.name = "sleep", .synopsis = "sleep number[unit] [...]", .run = sleep};
const Command timeout_command{.name = "timeout",
                              .synopsis =
                                  "timeout [-f | --foreground] [-k time | --kill-after time]\n"
                                  "[-p | --preserve-status] [-s signal | --signal signal]\n"
                                  "[-v | --verbose] <duration> <command> [arg ...]",
                              .run = timeout};

}  // namespace stackyard
