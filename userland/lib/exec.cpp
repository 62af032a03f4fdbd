#include "userland/lib/exec.h"

#include "core/base/text.h"

namespace stackyard {

Task<int> exec_words(Sys& sys, Args words, std::string failure) {
  const Command* command = sys.find_command(words[0]);
  if (!command) {
    co_await sys.complain(text("{}: {}", failure, errno_text(Errno::enoent)));
    co_return 1;
  }
  sys.become(words);
  co_return co_await command->run(sys, words);
}

Task<int> exec_anywhere(Sys& sys, Args words, std::string failure, int missing,
                        Environment environment) {
  if (sys.runs_outside(words[0]))
    co_return co_await sys.run_outside(words, environment).or_err(missing, failure);
  const int status = co_await exec_words(sys, words, failure);
  co_return sys.find_command(words[0]) ? status : missing;
}

Task<std::optional<int>> find_jail_id(Sys& sys, std::string jail) {
  const bool number = parse_int(jail).has_value();
  const JailParams which{{number ? "jid" : "name", jail}};
  const Result<JailParams> found = sys.jail_get(which);
  if (found) co_return int(*parse_int(*jail_param(*found, "jid")));
  const std::string shown = number ? jail : text("\"{}\"", jail);
  co_await sys.complain(text("jail {} not found", shown));
  co_return std::nullopt;
}

Task<bool> enter_jail(Sys& sys, std::string jail) {
  if (jail.empty()) co_return true;
  const auto jid = co_await find_jail_id(sys, jail);
  if (!jid) co_return false;
  const Result<> done = sys.jail_attach(*jid);
  if (!done) co_await sys.complain(text("jail_attach({}): {}", *jid, errno_text(done.error())));
  co_return done.has_value();
}

}  // namespace stackyard
