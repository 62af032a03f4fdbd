// userland/net/sysctl.cpp - sysctl(8), hostname(1), setfib(1).
#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

Task<int> show_sysctls(Sys& sys, const Options& options, std::string name) {
  const bool all = name.empty();
  const auto found = sys.sysctls(name);
  if (found.empty()) {
    if (options.has('i')) co_return 0;
    if (!options.has('q')) co_await sys.complain(text("unknown oid '{}'", name));
    co_return 1;
  }
  for (const SysctlInfo& info : found) {
    std::string line = info.value;
    const char* between = options.has('e') ? "=" : ": ";
    if (options.has('d')) line = info.summary;
    if (options.has('N'))
      line = info.name;
    else if (!options.has('n'))
      line = info.name + between + line;
    if (all || options.has('N') || !info.name.empty()) co_await sys.print(line + "\n");
  }
  co_return 0;
}

Task<int> set_sysctl(Sys& sys, const Options& options, std::string name, std::string value) {
  const auto old = sys.sysctl(name);
  if (!old) {
    if (options.has('i')) co_return 0;
    if (!options.has('q')) co_await sys.complain(text("unknown oid '{}'", name));
    co_return 1;
  }
  if (const auto done = sys.set_sysctl(name, value); !done) {
    if (done.error() == Errno::eperm)
      co_await sys.complain(text("oid '{}' is read only", name));
    else
      co_await sys.complain(text("{}={}: {}", name, value, errno_text(done.error())));
    co_return 1;
  }
  const std::string now = sys.sysctl(name).value_or("");
  if (options.has('n'))
    co_await sys.print(now + "\n");
  else
    co_await sys.print(text("{}: {} -> {}\n", name, *old, now));
  co_return 0;
}

Task<int> sysctl(Sys& sys, Args args) {
  const Options options(args, "adeiNnqWw");
  if (!options.error().empty() || (options.rest().empty() && !options.has('a')))
    co_return co_await bad_usage(sys, sysctl_command, options.error(), 1);
  if (options.has('a')) co_return co_await show_sysctls(sys, options, "");
  int status = 0;
  for (const std::string& word : options.rest()) {
    const size_t equals = word.find('=');
    int one = 0;
    if (equals == word.npos) {
      one = co_await show_sysctls(sys, options, word);
    } else {
      one = co_await set_sysctl(sys, options, word.substr(0, equals), word.substr(equals + 1));
    }
    if (one != 0) status = one;
  }
  co_return status;
}

Task<int> hostname(Sys& sys, Args args) {
  const Options options(args, "fs");
  if (!options.error().empty() || options.rest().size() > 1)
    co_return co_await bad_usage(sys, hostname_command, options.error(), 1);
  if (!options.rest().empty()) {
    sys.set_hostname(options.rest()[0]);
    co_return 0;
  }
  std::string name = sys.hostname();
  if (options.has('s')) name = name.substr(0, name.find('.'));
  co_await sys.print(name + "\n");
  co_return 0;
}

Task<int> setfib(Sys& sys, Args args) {
  const Options options(args, "F:");
  std::vector<std::string> rest = options.rest();
  std::string number = options.value('F');
  if (number.empty() && !rest.empty()) {
    number = rest[0];
    rest.erase(rest.begin());
  }
  const auto fib = parse_int(number);
  if (!fib || rest.empty()) co_return co_await bad_usage(sys, setfib_command, options.error(), 1);
  if (!sys.set_fib(int(*fib))) {
    const std::string most = sys.sysctl("net.fibs").value_or("1");
    co_await sys.complain(text("{} not in range (0..{})", number, parse_int(most).value_or(1) - 1));
    co_return 1;
  }
  const SpawnRequest request{.args = rest, .program = {}, .descriptors = {}};
  const Pid child = co_await sys.spawn(request).or_err(127, rest[0]);
  const auto ended = co_await sys.wait(child);
  co_return ended ? ended->second : 1;
}

}  // namespace

const Command sysctl_command{.name = "sysctl",
                             .synopsis = "sysctl [-deiNnq] name[=value] ...\nsysctl [-deNn] -a",
                             .run = sysctl};
const Command hostname_command{
    .name = "hostname", .synopsis = "hostname [-fs] [name-of-host]", .run = hostname};
const Command setfib_command{
    .name = "setfib", .synopsis = "setfib [-F] fib command", .run = setfib};

}  // namespace stackyard
