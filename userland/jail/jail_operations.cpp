#include "userland/jail/jail_operations.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "userland/lib/exec.h"

namespace stackyard {

namespace {

// Parameters that jail(8) acts on itself; the rest goes to the kernel.
constexpr const char* pseudo_parameters[] = {
    "command",
    "depend",
    "exec.clean",
    "exec.command",
    "exec.consolelog",
    "exec.created",
    "exec.fib",
    "exec.jail_user",
    "exec.poststart",
    "exec.poststop",
    "exec.prepare",
    "exec.prestart",
    "exec.prestop",
    "exec.release",
    "exec.start",
    "exec.stop",
    "exec.system_jail_user",
    "exec.system_user",
    "exec.timeout",
    "interface",
    "ip_hostname",
    "mount",
    "mount.devfs",
    "mount.fdescfs",
    "mount.fstab",
    "mount.procfs",
    "stop.timeout",
    "vnet.interface",
    "allow.dying",
    "zfs.dataset",
};

std::string positive(const std::string& name) {
  const size_t dot = name.rfind('.');
  const size_t at = dot == name.npos ? 0 : dot + 1;
  return name.compare(at, 2, "no") == 0 ? name.substr(0, at) + name.substr(at + 2) : name;
}

bool is_pseudo(const std::string& name) {
  const auto is = [](const std::string& n) {
    return std::find(std::begin(pseudo_parameters), std::end(pseudo_parameters), n) !=
           std::end(pseudo_parameters);
  };
  return name[0] == '$' || is(name) || is(positive(name));
}

bool negates(const std::string& name) {
  return (name.starts_with("no") || name.starts_with("allow.no")) && name != "nofile";
}

// What the kernel is given. Addresses lose their "interface|" and prefix.
JailParams kernel_params(const ConfiguredJail& jail) {
  JailParams params;
  for (const JailParameter& p : jail.parameters()) {
    if (is_pseudo(p.name)) continue;
    if (!p.has_value) {
      const bool no = negates(p.name);
      params.emplace_back(no ? positive(p.name) : p.name, no ? "false" : "true");
      continue;
    }
    std::vector<std::string> values = p.values;
    if (p.name == "ip4.addr" || p.name == "ip6.addr")
      for (std::string& value : values) {
        value = value.substr(value.find('|') == value.npos ? 0 : value.find('|') + 1);
        value = value.substr(0, value.find('/'));
      }
    params.emplace_back(p.name, join(values, ","));
  }
  return params;
}

std::string quoted(const std::string& value) {
  if (value.empty() || value.find_first_of(" \t'") != value.npos) return "\"" + value + "\"";
  return value;
}

// What it depends on by its words, and by its name: the jail around it.
std::vector<std::string> needs_of(const ConfiguredJail& jail, JailConfig& config) {
  std::vector<std::string> needs = jail.list("depend");
  const size_t dot = jail.name.rfind('.');
  if (dot != jail.name.npos && config.find(jail.name.substr(0, dot)))
    needs.push_back(jail.name.substr(0, dot));
  return needs;
}

// In a process of its own: into the jail, then the command.
Task<int> in_jail_program(Sys& sys, Args words, int jid, int fib) {
  if (fib >= 0) {
    const Result<> set = sys.set_fib(fib);
    if (!set) {
      co_await sys.complain("setfib: " + std::string(errno_text(set.error())));
      co_return 1;
    }
  }
  if (jid >= 0) {
    const Result<> attached = sys.jail_attach(jid);
    if (!attached) {
      co_await sys.complain("jail_attach: " + std::string(errno_text(attached.error())));
      co_return 1;
    }
  }
  const std::string failure = "exec " + words[0];
  co_return co_await exec_words(sys, words, failure);
}

}  // namespace

// --- words ---------------------------------------------------------------------------------------

Task<void> JailOperations::warn(const ConfiguredJail& jail, std::string message) {
  const std::string words = jail.name.empty() ? message : jail.name + ": " + message;
  co_await sys_.complain(words);
}

Task<void> JailOperations::note(const ConfiguredJail& jail, std::string message) {
  const std::string words = jail.name.empty() ? message : jail.name + ": " + message;
  co_await sys_.print(words + "\n");
}

std::string JailOperations::shown_name(const ConfiguredJail& jail) const {
  if (!jail.name.empty()) return jail.name;
  if (const std::string* id = jail.text("jid")) return *id;
  const std::string* name = jail.text("name");
  return name ? *name : "";
}

int JailOperations::running_id(const ConfiguredJail& jail) const {
  JailParams which;
  if (const std::string* id = jail.text("jid"))
    which.emplace_back("jid", *id);
  else if (const std::string* name = jail.text("name"))
    which.emplace_back("name", *name);
  else
    return -1;
  const Result<JailParams> found = sys_.jail_get(which);
  return found ? int(*parse_int(*jail_param(*found, "jid"))) : -1;
}

// --- commands around a jail ----------------------------------------------------------------------

Task<bool> JailOperations::run_words(JailRun& run, Args words, bool in_jail, bool background) {
  const ConfiguredJail& jail = run.jail;
  const std::string line = join(words, " ");
  if (verbosity_ > 0)
    co_await note(jail, text("run command{}: {}", in_jail ? " in jail" : "", line));
  const int jid = in_jail ? run.jid : -1;
  const std::string* fib_text = in_jail ? jail.text("exec.fib") : nullptr;
  const int fib = fib_text ? int(parse_int(*fib_text).value_or(-1)) : -1;
  SpawnRequest request{.args = {"jail"}, .program = {}, .descriptors = {}};
  const std::map<std::string, std::string> saved = sys_.environment();
  auto& environment = sys_.environment();
  if (jail.is_true("exec.clean") && in_jail)
    environment = {{"HOME", "/root"},
                   {"PATH", "/sbin:/bin:/usr/sbin:/usr/bin"},
                   {"SHELL", "/bin/sh"},
                   {"USER", "root"}};
  if (run.jid > 0) environment["JID"] = text("{}", run.jid);
  environment["JNAME"] = shown_name(jail);
  const std::string* path = jail.text("path");
  environment["JPATH"] = path ? *path : "/";
  request.program = [words, jid, fib](Sys& sys, Args) {
    return in_jail_program(sys, words, jid, fib);
  };
  const std::string* console = in_jail ? jail.text("exec.consolelog") : nullptr;
  std::optional<Fd> log;
  if (console) {
    const Result<Fd> opened = co_await sys_.open(*console, OpenMode::append);
    if (!opened) {
      sys_.environment() = saved;
      co_await warn(jail, text("open {}: {}", *console, errno_text(opened.error())));
      co_return false;
    }
    log = *opened;
    request.descriptors = {{fd_out, *opened}, {fd_err, *opened}};
  }
  const Result<Pid> pid = co_await sys_.spawn(request);
  sys_.environment() = saved;
  if (log) co_await sys_.close(*log);
  if (!pid) {
    co_await warn(jail, text("exec {}: {}", words[0], errno_text(pid.error())));
    co_return false;
  }
  if (background) co_return true;
  const Result<std::pair<Pid, int>> ended = co_await sys_.wait(*pid);
  if (!ended) co_return false;
  if (ended->second == 0) co_return true;
  if (ended->second > 128)
    co_await warn(jail, text("{}: exited on signal {}", line, ended->second - 128));
  else
    co_await warn(jail, line + ": failed");
  co_return false;
}

// Words with a shell's characters go through a shell; an "&" at the end means in the background.
Task<bool> JailOperations::run_line(JailRun& run, std::string line, bool in_jail) {
  const size_t special = line.find_first_of("!\"$&'()*;<>?[\\]`{|}~");
  const bool background =
      special != line.npos && line[special] == '&' && special + 1 == line.size();
  Args words;
  if (special != line.npos && !background)
    words = {"sh", "-c", line};
  else
    words = split_words(line.substr(0, special));
  if (words.empty()) co_return true;
  co_return co_await run_words(run, words, in_jail, background);
}

Task<bool> JailOperations::run_hook(JailRun& run, std::string hook, bool in_jail) {
  for (const std::string& line : run.jail.list(hook)) {
    const bool ran = co_await run_line(run, line, in_jail);
    if (!ran) co_return false;
  }
  co_return true;
}

// ip4.addr = "em0|10.0.0.5/24", or with `interface`: the machine's alias comes and goes with it.
Task<bool> JailOperations::set_aliases(JailRun& run, bool add) {
  const std::string* otherwise = run.jail.text("interface");
  for (const std::string& value : run.jail.list("ip4.addr")) {
    const size_t bar = value.find('|');
    if (bar == value.npos && !otherwise) continue;
    const std::string interface = bar == value.npos ? *otherwise : value.substr(0, bar);
    const std::string address = bar == value.npos ? value : value.substr(bar + 1);
    Args words{"ifconfig", interface, "inet"};
    const size_t slash = address.find('/');
    if (slash == address.npos)
      words.insert(words.end(), {address, "netmask", "255.255.255.255"});
    else if (address.find('.', slash) != address.npos)
      words.insert(words.end(), {address.substr(0, slash), "netmask", address.substr(slash + 1)});
    else
      words.push_back(address);
    words.push_back(add ? "alias" : "-alias");
    const bool ran = co_await run_words(run, words, false, false);
    if (!ran) co_return false;
  }
  co_return true;
}

// --- operations ----------------------------------------------------------------------------------

Task<bool> JailOperations::create(JailRun& run) {
  ConfiguredJail& jail = run.jail;
  if (const std::string* path = jail.text("path")) {
    const Result<FileStat> stat = sys_.stat(*path);
    std::string wrong;
    if (!jail.name.empty() && (*path)[0] != '/')
      wrong = "not an absolute pathname";
    else if (!stat)
      wrong = errno_text(stat.error());
    else if (!stat->is_folder)
      wrong = errno_text(Errno::enotdir);
    if (!wrong.empty()) {
      co_await warn(jail, text("path {}: {}", *path, wrong));
      co_return false;
    }
  }
  JailParams params = kernel_params(jail);
  const bool commands =
      jail.find("exec.start") || jail.find("command") || jail.find("exec.poststart");
  run.persist_lent = commands && !jail.is_true("persist");
  if (run.persist_lent) {
    std::erase_if(params, [](const auto& p) { return p.first == "persist"; });
    params.emplace_back("persist", "true");
  }
  std::string message;
  const Result<int> jid = sys_.jail_set(params, jail_flag::create, &message);
  if (verbosity_ > 0) {
    std::string line = "jail_set(JAIL_CREATE)";
    for (const auto& [name, value] : params) line += " " + name + "=" + quoted(value);
    if (!jid) line += ": " + std::string(errno_text(jid.error()));
    co_await note(jail, line);
  }
  if (!jid) {
    if (message.empty()) message = "jail_set: " + std::string(errno_text(jid.error()));
    co_await warn(jail, message);
    co_return false;
  }
  run.jid = *jid;
  if (options_.has('i')) co_await sys_.print(text("{}\n", run.jid));
  if (verbosity_ >= 0 && (!jail.name.empty() || verbosity_ > 0)) co_await note(jail, "created");
  co_return true;
}

Task<bool> JailOperations::after_creation(JailRun& run) {
  bool good = co_await run_hook(run, "exec.created", false);
  for (const std::string& interface : run.jail.list("vnet.interface")) {
    if (!good) co_return false;
    const Args words{"ifconfig", interface, "vnet", text("{}", run.jid)};
    good = co_await run_words(run, words, false, false);
  }
  if (good) good = co_await run_hook(run, "exec.start", true);
  const std::vector<std::string> command = run.jail.list("command");
  if (good && !command.empty()) {
    // On a command line the words are one command; in a file each is a line.
    if (run.jail.name.empty())
      good = co_await run_words(run, command, true, false);
    else
      good = co_await run_hook(run, "command", true);
  }
  if (good) good = co_await run_hook(run, "exec.poststart", false);
  co_return good;
}

Task<bool> JailOperations::start(JailRun& run) {
  bool good = co_await set_aliases(run, true);
  if (good) good = co_await run_hook(run, "exec.prepare", false);
  if (good) good = co_await run_hook(run, "exec.prestart", false);
  if (good) good = co_await create(run);
  if (!good) {
    co_await set_aliases(run, false);
    co_return false;
  }
  good = co_await after_creation(run);
  if (!good) {
    co_await remove(run);
    co_await run_hook(run, "exec.poststop", false);
    co_await set_aliases(run, false);
    co_return false;
  }
  if (run.persist_lent) {
    const JailParams params{{"jid", text("{}", run.jid)}, {"persist", "false"}};
    (void)sys_.jail_set(params, jail_flag::update, nullptr);
  }
  std::string line = text("jid={}", run.jid);
  for (const JailParameter& p : run.jail.parameters()) {
    if (p.name == "jid" || p.name[0] == '$') continue;
    line += " " + p.name;
    if (p.has_value) line += "=" + quoted(join(p.values, ","));
  }
  jid_file_ += line + "\n";
  co_return true;
}

Task<bool> JailOperations::update(JailRun& run) {
  JailParams params = kernel_params(run.jail);
  std::erase_if(params, [](const auto& p) { return p.first == "jid"; });
  params.emplace_back("jid", text("{}", run.jid));
  std::string message;
  const Result<int> jid = sys_.jail_set(params, jail_flag::update, &message);
  if (!jid) {
    if (message.empty()) message = "jail_set: " + std::string(errno_text(jid.error()));
    co_await warn(run.jail, message);
    co_return false;
  }
  if (verbosity_ >= 0 && (!run.jail.name.empty() || verbosity_ > 0))
    co_await note(run.jail, "updated");
  co_return true;
}

// TERM, and up to stop.timeout seconds for the processes to obey.
Task<void> JailOperations::end_processes(JailRun& run) {
  const std::string* seconds = run.jail.text("stop.timeout");
  const int64_t timeout = seconds ? parse_int(*seconds).value_or(10) : 10;
  const SimTime until = sys_.now() + SimTime(timeout * 1'000'000'000);
  const auto inside = [this, &run] {
    std::vector<Pid> pids;
    for (const ProcessInfo& process : sys_.processes())
      if (process.jid == run.jid) pids.push_back(process.pid);
    return pids;
  };
  if (timeout == 0) co_return;
  for (const Pid pid : inside()) co_await sys_.kill(pid, Signal::term);
  while (!inside().empty() && sys_.now() < until) co_await sys_.sleep(10_ms);
}

Task<void> JailOperations::remove(JailRun& run) {
  const Result<> removed = sys_.jail_remove(run.jid);
  if (!removed && removed.error() == Errno::eperm)
    co_await warn(run.jail, "jail_remove: " + std::string(errno_text(removed.error())));
  const bool said = verbosity_ > 0 || (verbosity_ == 0 && note_removed_);
  if (said) co_await note(run.jail, "removed");
  run.jid = -1;
}

Task<bool> JailOperations::stop(JailRun& run) {
  bool good = co_await run_hook(run, "exec.prestop", false);
  if (good) good = co_await run_hook(run, "exec.stop", true);
  if (!good) co_return false;
  co_await end_processes(run);
  co_await remove(run);
  good = co_await run_hook(run, "exec.poststop", false);
  if (good) good = co_await run_hook(run, "exec.release", false);
  co_await set_aliases(run, false);
  co_return good;
}

// What the operations mean depends on whether the jail runs.
Task<bool> JailOperations::operate(ConfiguredJail& jail, Operations op, bool named) {
  const std::string wrong = jail.expand();
  if (!wrong.empty()) {
    co_await warn(jail, wrong);
    co_return false;
  }
  JailRun run{.jail = jail, .jid = running_id(jail)};
  const std::string shown = text("\"{}\"", shown_name(jail));
  if (op.start && op.set) {
    if (run.jid > 0 && !op.stop) co_return co_await update(run);
    op.set = false;
  }
  if (op.stop) {
    if (run.jid > 0) {
      const bool stopped = co_await stop(run);
      if (!stopped || !op.start) co_return stopped;
    } else if (!op.start) {
      if (named && verbosity_ >= 0) co_await sys_.complain(shown + " not found");
      co_return !named;
    }
  }
  if (op.set) {
    if (run.jid > 0) co_return co_await update(run);
    const std::string complaint =
        shown == "\"\"" ? std::string("no jail specified") : shown + " not found";
    co_await sys_.complain(complaint);
    co_return false;
  }
  if (run.jid > 0) {
    if (named) co_await sys_.complain(shown + " already exists");
    co_return !named;
  }
  co_return co_await start(run);
}

Task<void> JailOperations::write_jid_file() {
  if (!options_.has('J')) co_return;
  const Result<Fd> file = co_await sys_.open(options_.value('J'), OpenMode::write)
                              .or_warn("open " + options_.value('J'));
  if (!file) co_return;
  co_await sys_.write(*file, jid_file_);
  co_await sys_.close(*file);
}

Task<int> JailOperations::from_words(ConfiguredJail jail, Operations op) {
  for (const std::string& other : jail.list("depend")) {
    const JailParams which{{"name", other}};
    if (sys_.jail_get(which)) continue;
    co_await sys_.complain(text("depends on nonexistent jail \"{}\"", other));
    co_return 1;
  }
  const bool good = co_await operate(jail, op, true);
  co_await write_jid_file();
  co_return good ? 0 : 1;
}

Task<std::vector<ConfiguredJail*>> JailOperations::ordered(JailConfig& config) {
  std::vector<ConfiguredJail*> order;
  std::map<const ConfiguredJail*, int> state;  // 1: being visited, 2: done
  std::string complaint;
  const auto visit = [&](auto& self, ConfiguredJail& jail) -> void {
    if (state[&jail] == 2 || !complaint.empty()) return;
    if (state[&jail] == 1) {
      complaint = jail.name + ": dependency loop";
      return;
    }
    state[&jail] = 1;
    for (const std::string& need : needs_of(jail, config)) {
      ConfiguredJail* other = config.find(need);
      if (!other) {
        complaint = text("{}: depends on undefined jail \"{}\"", jail.name, need);
        return;
      }
      self(self, *other);
    }
    state[&jail] = 2;
    order.push_back(&jail);
  };
  for (ConfiguredJail& jail : config.jails) visit(visit, jail);
  if (!complaint.empty()) {
    co_await sys_.complain(complaint);
    order.clear();
  }
  co_return order;
}

Task<int> JailOperations::from_config(JailConfig config, std::vector<std::string> targets,
                                      Operations op) {
  note_removed_ = !config.jails.empty() || targets.size() > 1 ||
                  (!targets.empty() && is_jail_wildcard(targets[0]));
  const bool had_config = !config.jails.empty();
  std::vector<ConfiguredJail*> order = co_await ordered(config);
  if (had_config && order.empty()) co_return 1;
  if (targets.empty()) targets = {"*"};
  int status = 0;
  std::map<ConfiguredJail*, bool> wanted;  // true: by name
  std::vector<ConfiguredJail> strangers;   // run, but are in no file
  for (const std::string& target : targets) {
    const bool wild = is_jail_wildcard(target);
    bool found = wild;
    for (ConfiguredJail* jail : order)
      if (wild ? jail_name_matches(jail->name, target) : jail->name == target) {
        wanted[jail] |= !wild;
        found = true;
      }
    const bool only_stop = op.stop && !op.start;
    if (only_stop && wild && !had_config) {
      std::string last = "0";
      for (;;) {
        const JailParams which{{"lastjid", last}};
        const Result<JailParams> next = sys_.jail_get(which);
        if (!next) break;
        last = *jail_param(*next, "jid");
        const std::string name = *jail_param(*next, "name");
        if (!jail_name_matches(name, target)) continue;
        ConfiguredJail& jail = strangers.emplace_back();
        jail.name = name;
        jail.set({.name = "jid", .values = {last}, .has_value = true});
      }
    } else if (!found && only_stop) {
      const bool number = parse_int(target).has_value();
      ConfiguredJail& jail = strangers.emplace_back();
      jail.name = target;
      jail.set({.name = number ? "jid" : "name", .values = {target}, .has_value = true});
      found = true;
      if (running_id(jail) < 0) {
        co_await sys_.complain(text("\"{}\" not found", target));
        strangers.pop_back();
        status = 1;
      }
    }
    if (!found) {
      co_await sys_.complain(text("\"{}\" not found", target));
      co_return 1;
    }
  }
  // What a wanted jail depends on starts with it; what depends on it stops with it.
  const bool stops = op.stop;
  std::vector<ConfiguredJail*> sequence = order;
  std::reverse(sequence.begin(), sequence.end());
  const auto spread = [&](ConfiguredJail* from, const std::string& to) {
    ConfiguredJail* other = config.find(to);
    if (other && wanted.contains(from) && !wanted.contains(other)) wanted[other] = false;
  };
  if (!stops) {
    for (ConfiguredJail* jail : sequence)
      for (const std::string& need : needs_of(*jail, config)) spread(jail, need);
  } else {
    for (ConfiguredJail* jail : order)
      for (const std::string& need : needs_of(*jail, config)) {
        ConfiguredJail* other = config.find(need);
        if (other && wanted.contains(other) && !wanted.contains(jail)) wanted[jail] = false;
      }
  }
  std::set<std::string> failed;
  for (const bool stopping : {true, false}) {
    if (stopping ? !op.stop : !op.start && !op.set) continue;
    const std::vector<ConfiguredJail*> jails = stopping ? sequence : order;
    for (ConfiguredJail* jail : jails) {
      const auto chosen = wanted.find(jail);
      if (chosen == wanted.end()) continue;
      bool skip = false;
      for (const std::string& need : needs_of(*jail, config))
        skip |= !stopping && failed.contains(need);
      if (skip) {
        co_await warn(*jail, "skipped");
        failed.insert(jail->name);
        status = 1;
        continue;
      }
      Operations now = op;
      if (stopping && op.start) now = {.stop = true};
      if (!stopping) now.stop = false;
      const bool named = chosen->second && !(op.stop && op.start);
      const bool good = co_await operate(*jail, now, named);
      if (!good) {
        failed.insert(jail->name);
        status = 1;
      }
    }
  }
  for (ConfiguredJail& jail : strangers) {
    const bool good = co_await operate(jail, op, true);
    if (!good) status = 1;
  }
  co_await write_jid_file();
  co_return status;
}

}  // namespace stackyard
