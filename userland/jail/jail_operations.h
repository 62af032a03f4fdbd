// userland/jail/jail_operations.h - what jail(8) does to jails: creates, changes, removes them,
// with the commands around that.
#pragma once

#include "stack/sys/sys.h"
#include "userland/jail/jail_config.h"
#include "userland/lib/options.h"

namespace stackyard {

struct Operations {
  bool start = false, set = false, stop = false;
};

struct JailRun {
  ConfiguredJail jail;
  int jid = -1;
  bool persist_lent = false;  // set for the time that commands run
};

class JailOperations {
 public:
  JailOperations(Sys& sys, const Options& options) : sys_(sys), options_(options) {
    verbosity_ = options.has('i') || options.has('q') ? -1 : options.has('v') ? 1 : 0;
  }

  Task<int> from_words(ConfiguredJail jail, Operations op);
  Task<int> from_config(JailConfig config, std::vector<std::string> targets, Operations op);

 private:
  Task<bool> operate(ConfiguredJail& jail, Operations op, bool named);
  Task<bool> start(JailRun& run);
  Task<bool> create(JailRun& run);
  Task<bool> after_creation(JailRun& run);
  Task<bool> update(JailRun& run);
  Task<bool> stop(JailRun& run);
  Task<void> remove(JailRun& run);
  Task<void> end_processes(JailRun& run);
  Task<bool> run_hook(JailRun& run, std::string hook, bool in_jail);
  Task<bool> run_line(JailRun& run, std::string line, bool in_jail);
  Task<bool> run_words(JailRun& run, Args words, bool in_jail, bool background);
  Task<bool> set_aliases(JailRun& run, bool add);
  Task<void> warn(const ConfiguredJail& jail, std::string message);
  Task<void> note(const ConfiguredJail& jail, std::string message);
  Task<void> write_jid_file();
  int running_id(const ConfiguredJail& jail) const;
  std::string shown_name(const ConfiguredJail& jail) const;
  // Jails in the order in which they may start. Empty: there is a loop, and it was said.
  Task<std::vector<ConfiguredJail*>> ordered(JailConfig& config);

  Sys& sys_;
  const Options& options_;
  int verbosity_ = 0;
  bool note_removed_ = false;
  std::string jid_file_;
};

}  // namespace stackyard
