// userland/firewall/dnctl.cpp - dnctl(8): traffic shaping without a filter around it.
#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/firewall/shaper_command.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

Task<int> dnctl(Sys& sys, Args args) {
  const Options options(args, "acdeEfhnNqsStTv");
  const std::vector<std::string>& words = options.rest();
  if (!options.error().empty() || words.empty())
    co_return co_await bad_usage(sys, dnctl_command, options.error());
  ipfw::RunOptions run_options;
  run_options.check_only = options.has('n');
  ipfw::Names names;  // nothing here has any
  ipfw::Run run(sys, run_options, names, "dnctl");
  co_await ipfw::read_files(run, words);
  const std::string& what = words[0];
  int status = 0;
  if (what == "flush")
    status = ipfw::shaper(run, {"pipe", "flush"});
  else if (what == "pipe" || what == "queue" || what == "sched")
    status = ipfw::shaper(run, words);
  else
    status = run.fail(ipfw::exit_status::usage, text("bad command `{}'", what));
  co_await sys.print(run.out);
  co_await sys.print_error(run.err);
  co_return status;
}

}  // namespace

const Command dnctl_command{.name = "dnctl",
                            .synopsis =
                                "dnctl [-n] {pipe | queue | sched} number config config-options\n"
                                "dnctl {pipe | queue | sched} {show | list} [number ...]\n"
                                "dnctl [-n] {pipe | queue | sched} delete number ...\n"
                                "dnctl [-n] flush",
                            .run = dnctl};

}  // namespace stackyard
