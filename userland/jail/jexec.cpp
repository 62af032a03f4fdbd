// userland/jail/jexec.cpp - jexec(8).
#include "userland/commands.h"
#include "userland/lib/exec.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

// -u and -U name users, of whom there is one: root.
Task<int> jexec(Sys& sys, Args args) {
  const Options options(args, "d:lnu:U:");
  if (!options.error().empty())
    co_return co_await bad_usage(sys, jexec_command, options.error(), 1);
  Args rest = options.rest();
  if (rest.empty() || (options.has('u') && options.has('U')))
    co_return co_await sys.usage(jexec_command, 1);
  for (const char letter : {'u', 'U'}) {
    const std::string user = options.value(letter, "root");
    if (user == "root") continue;
    co_await sys.complain(user + ": no such user");
    co_return 1;
  }
  const auto jid = co_await find_jail_id(sys, rest[0]);
  if (!jid) co_return 1;
  const Result<> attached = sys.jail_attach(*jid);
  if (!attached) {
    co_await sys.complain("jail_attach: " + std::string(errno_text(attached.error())));
    co_return 1;
  }
  Environment clean;
  if (options.has('l'))
    sys.environment() = clean = {{"HOME", "/root"},
                                 {"PATH", "/sbin:/bin:/usr/sbin:/usr/bin"},
                                 {"SHELL", "/bin/sh"},
                                 {"USER", "root"}};
  if (options.has('d')) {
    const Result<> changed = sys.change_folder(options.value('d'));
    if (!changed) {
      co_await sys.complain("chdir: " + options.value('d') + ": " +
                            std::string(errno_text(changed.error())));
      co_return 1;
    }
  }
  rest.erase(rest.begin());
  if (rest.empty()) rest = {"sh", "-i"};
  const std::string failure = "execvp: " + rest[0];
  co_return co_await exec_anywhere(sys, rest, failure, 1, clean);
}

}  // namespace

const Command jexec_command{
    .name = "jexec",
    .synopsis = "jexec [-l] [-d working-directory] [-u username | -U username] jail [command ...]",
    .run = jexec};

}  // namespace stackyard
