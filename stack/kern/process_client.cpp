// stack/kern/process_client.cpp - what a process leaves to the client that it acts for, and
// daemon(3).
#include "stack/kern/process_client.h"

#include "stack/kern/machine.h"

namespace stackyard {

// A socket is always the machine's, wherever its name is.
bool Process::client_owns(const std::string& path) const {
  if (!client_ || !client_->owns(FileSystem::resolve(folder_, path))) return false;
  const auto node = machine_.files().find(absolute(path));
  return !node || !(*node)->is_socket;
}

Task<Result<Fd>> Process::open_task(std::shared_ptr<OpenFile> file) {
  const auto opened = co_await retry<void>(file, SimTime(), [](OpenFile& f) { return f.opened(); });
  if (!opened) co_return opened.error();
  co_return new_descriptor(file);
}

Task<Result<int>> Process::answer_task(std::shared_ptr<Answer> answer) {
  co_return co_await retry<int>(answer, SimTime(),
                                [](OpenFile& f) { return static_cast<Answer&>(f).value(); });
}

bool Process::runs_outside(const std::string& command) const {
  return started_by_client_ && client_->runs(command);
}

Call<int> Process::run_outside(Args args, Environment environment) {
  const std::string jail = jail_->parent() ? jail_->name_seen_by(machine_.base()) : "";
  const OutsideContext context{jail, fib_, std::move(environment)};
  return {*this, answer_task(client_->run(args, context))};
}

Result<> Process::into_background(const DaemonOptions& options) {
  if (!options.keep_folder) folder_ = "/";
  if (options.keep_streams) return {};
  const auto null = TRY(machine_.files().find("/dev/null"));
  const auto opened = std::make_shared<RegularFile>(machine_.files(), null, false);
  for (Fd fd : {fd_in, fd_out, fd_err}) set_descriptor(fd, opened);
  return {};
}

// The client forks: its child holds this process from now on, under the child's pid.
Task<Result<>> Process::detach_task(DaemonOptions options) {
  const Result<int> pid = co_await answer_task(client_->detach());
  if (!pid) co_return pid.error();
  const Result<> done = into_background(options);
  if (!done) co_return done;
  machine_.detach(*this, *pid);
  group_ = pid_;
  co_return Result<>{};
}

Call<void> Process::daemon(DaemonOptions options) {
  if (client_) return {*this, detach_task(options)};
  const Result<> done = into_background(options);
  if (!done) return call<void>(done.error());
  machine_.detach(*this);
  group_ = pid_;
  return call<void>({});
}

}  // namespace stackyard
