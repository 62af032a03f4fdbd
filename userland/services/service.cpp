// userland/services/service.cpp - service(8): starts and stops what rc.d(8) would.
//
// A script in /etc/rc.d or /usr/local/etc/rc.d is run by sh; without one, the daemons that this
// machine has are known by their command and pid file.
#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

struct Daemon {
  const char* name;
  const char* pid_file;
};
constexpr Daemon daemons[] = {{"inetd", "/var/run/inetd.pid"}};

// The value of NAME="..." in /etc/rc.conf; the last one counts.
std::string rc_value(const std::string& conf, const std::string& name, std::string otherwise) {
  for (const std::string& line : split(conf, '\n')) {
    const std::string_view trimmed = trim(line);
    if (!trimmed.starts_with(name + "=")) continue;
    otherwise = trimmed.substr(name.size() + 1);
    if (otherwise.size() > 1 && (otherwise[0] == '"' || otherwise[0] == '\''))
      otherwise = otherwise.substr(1, otherwise.find(otherwise[0], 1) - 1);
  }
  return otherwise;
}

bool yes(std::string value) {
  for (char& c : value) c = char(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return value == "yes" || value == "true" || value == "on" || value == "1";
}

class Service {
 public:
  Service(Sys& sys, const Daemon& daemon, std::string conf)
      : sys_(sys), daemon_(daemon), conf_(std::move(conf)) {}
  Task<int> run(std::string action);

 private:
  Task<Pid> running_pid();
  Task<int> start();
  Task<int> stop();

  Sys& sys_;
  const Daemon& daemon_;
  std::string conf_;
};

// The pid of the file, if such a process runs; else 0.
Task<Pid> Service::running_pid() {
  const std::string content = (co_await sys_.read_file(daemon_.pid_file)).value_or("");
  const auto pid = parse_int(trim(content));
  if (!pid) co_return 0;
  for (const ProcessInfo& p : sys_.processes()) {
    const std::string first = p.command.substr(0, p.command.find(' '));
    if (p.pid == *pid && first.substr(first.rfind('/') + 1) == daemon_.name) co_return p.pid;
  }
  co_return 0;
}

Task<int> Service::start() {
  if (const Pid pid = co_await running_pid()) {
    co_await sys_.print_error(text("{} already running?  (pid={}).\n", daemon_.name, pid));
    co_return 1;
  }
  co_await sys_.print(text("Starting {}.\n", daemon_.name));
  const std::string name = daemon_.name;
  Args args{name};
  const std::string flags = rc_value(conf_, name + "_flags", "");
  for (const std::string& flag : split_words(flags)) args.push_back(flag);
  const SpawnRequest request{.args = args, .program = {}, .descriptors = {}};
  const Pid child = co_await sys_.spawn(request).or_err(1, name);
  const auto ended = co_await sys_.wait(child);
  co_return ended ? ended->second : 1;
}

Task<int> Service::stop() {
  const Pid pid = co_await running_pid();
  if (pid == 0) {
    co_await sys_.print_error(
        text("{} not running? (check {}).\n", daemon_.name, daemon_.pid_file));
    co_return 1;
  }
  co_await sys_.print(text("Stopping {}.\n", daemon_.name));
  co_await sys_.kill(pid, Signal::term).or_warn("kill");
  co_await sys_.print(text("Waiting for PIDS: {}.\n", pid));
  for (int i = 0; i < 300 && co_await running_pid() != 0; ++i) co_await sys_.sleep(100_ms);
  co_return 0;
}

Task<int> Service::run(std::string action) {
  const std::string name = daemon_.name;
  bool forced = false;
  for (const char* prefix : {"one", "force", "quiet", "fast"}) {
    if (!action.starts_with(prefix)) continue;
    action.erase(0, std::string_view(prefix).size());
    forced = true;
  }
  const bool enabled = yes(rc_value(conf_, name + "_enable", "NO"));
  const bool known = action == "start" || action == "stop" || action == "restart";
  if (known && !enabled && !forced) {
    co_await sys_.print(
        text("Cannot '{}' {}. Set {}_enable to YES in /etc/rc.conf or use 'one{}' instead of "
             "'{}'.\n",
             action, name, name, action, action));
    co_return 1;
  }
  if (action == "start") co_return co_await start();
  if (action == "stop") co_return co_await stop();
  if (action == "restart") {
    if (co_await running_pid() != 0) co_await stop();
    co_return co_await start();
  }
  if (action == "status") {
    const Pid pid = co_await running_pid();
    std::string state = text("{} is not running.\n", name);
    if (pid) state = text("{} is running as pid {}.\n", name, pid);
    co_await sys_.print(state);
    co_return pid ? 0 : 1;
  }
  if (action == "enabled") co_return enabled ? 0 : 1;
  co_await sys_.print_error(
      text("/etc/rc.d/{}: unknown directive '{}'.\nUsage: /etc/rc.d/{} "
           "[fast|force|one|quiet](start|stop|restart|enabled|status)\n",
           name, action, name));
  co_return 1;
}

Task<int> service(Sys& sys, Args args) {
  const Options options(args, "eRlrvj:E:");
  const Args& rest = options.rest();
  if (!options.error().empty()) co_return co_await bad_usage(sys, service_command, "", 1);
  if (options.has('l') || options.has('e')) {
    for (const Daemon& d : daemons) co_await sys.print(text("{}\n", d.name));
    co_return 0;
  }
  if (rest.size() < 2) co_return co_await bad_usage(sys, service_command, "", 1);
  for (const char* folder : {"/etc/rc.d/", "/usr/local/etc/rc.d/"}) {
    if (!sys.stat(folder + rest[0])) continue;
    Args command{"sh", folder + rest[0]};
    command.insert(command.end(), rest.begin() + 1, rest.end());
    const SpawnRequest request{.args = command, .program = {}, .descriptors = {}};
    const Pid child = co_await sys.spawn(request).or_err(1, rest[0]);
    const auto ended = co_await sys.wait(child);
    co_return ended ? ended->second : 1;
  }
  for (const Daemon& d : daemons) {
    if (rest[0] != d.name) continue;
    const std::string conf = (co_await sys.read_file("/etc/rc.conf")).value_or("");
    Service run(sys, d, conf);
    co_return co_await run.run(rest[1]);
  }
  co_await sys.print_error(
      text("{} does not exist in /etc/rc.d or the local startup\n"
           "directories (/usr/local/etc/rc.d), or is not executable\n",
           rest[0]));
  co_return 1;
}

}  // namespace

const Command service_command{
    .name = "service",
    .synopsis =
        "service [-j <jail name or id>] -e\nservice [-j <jail name or id>] -R\n"
        "service [-j <jail name or id>] [-v] -l | -r\n"
        "service [-j <jail name or id>] [-v] <rc.d script> start|stop|etc.",
    .run = service};

}  // namespace stackyard
