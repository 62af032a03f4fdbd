// userland/services/kld.cpp - kldload(8), kldstat(8), kldunload(8): every module is in this kernel.
#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

Task<int> kldload(Sys& sys, Args args) {
  const Options options(args, "nqv");
  if (!options.error().empty() || options.rest().empty())
    co_return co_await bad_usage(sys, kldload_command, options.error(), 1);
  int status = 0;
  for (const std::string& name : options.rest()) {
    if (options.has('n')) {
      if (options.has('v')) co_await sys.print(text("{} is already loaded\n", name));
      continue;
    }
    if (!options.has('q'))
      co_await sys.complain(text("can't load {}: module already loaded or in kernel", name));
    status = 1;
  }
  co_return status;
}

Task<int> kldunload(Sys& sys, Args args) {
  const Options options(args, "fi:n:v");
  if (!options.error().empty() ||
      (options.rest().empty() && !options.has('n') && !options.has('i')))
    co_return co_await bad_usage(sys, kldunload_command, options.error(), 1);
  co_return 0;
}

Task<int> kldstat(Sys& sys, Args args) {
  const Options options(args, "hi:m:n:qv");
  if (!options.error().empty() || !options.rest().empty())
    co_return co_await bad_usage(sys, kldstat_command, options.error(), 1);
  if (options.has('q')) co_return 0;
  if (options.has('m')) {
    co_await sys.print(text("Id  Refs Name\n  1    1 {}\n", options.value('m')));
    co_return 0;
  }
  co_await sys.print(
      "Id Refs Address                Size Name\n"
      " 1    1 0xffffffff80200000  1d34598 kernel\n");
  co_return 0;
}

}  // namespace

const Command kldload_command{
    .name = "kldload", .synopsis = "kldload [-nqv] file ...", .run = kldload};
const Command kldunload_command{.name = "kldunload",
                                .synopsis =
                                    "kldunload [-fv] -i id ...\n"
                                    "kldunload [-fv] [-n] name ...",
                                .run = kldunload};
const Command kldstat_command{
    .name = "kldstat",
    .synopsis = "kldstat [-h] [-q] [-v] [-i id] [-n filename]\nkldstat [-q] [-m modname]",
    .run = kldstat};

}  // namespace stackyard
