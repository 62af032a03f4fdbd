#include "stack/kern/process.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/kern/machine.h"

namespace stackyard {

Process::Process(Machine& machine, Pid pid, uint16_t ident, Pid parent, Args args, Jail& jail)
    : machine_(machine),
      jail_(&jail),
      pid_(pid),
      ident_(ident),
      parent_(parent),
      group_(pid),
      args_(std::move(args)),
      wake_timer_(machine.site().node(), Timer::call<&Process::resume_blocked>, this),
      deadline_timer_(machine.site().node(), Timer::call<&Process::wake>, this) {
  jail_->process_entered();
}

Process::~Process() { tell_watchers(); }

void Process::set_client(std::shared_ptr<ProcessClient> client, const std::string& folder) {
  client_ = std::move(client);
  started_by_client_ = client_ != nullptr;
  if (!folder.empty()) folder_ = folder;
}

void Process::start(const Program& program, SimTime delay) {
  program_ = program;  // a lambda's captures live in it, not in the coroutine's frame
  root_ = program_(*this, args_);
  root_.start(trampoline_);
  wake_timer_.arm_soft(delay);
}

// --- running -----------------------------------------------------------------------------------

void Process::block(std::coroutine_handle<> resume, SimTime deadline) {
  calls_ = 0;
  blocked_ = resume;
  if (deadline == SimTime::max()) return;
  const SimTime now = machine_.site().now();
  if (deadline <= now) {
    wake();
  } else {
    deadline_timer_.arm(deadline - now);
  }
}

void Process::wake() {
  if (blocked_ && !wake_timer_.armed()) wake_timer_.arm_soft(wake_delay);
}

void Process::resume_blocked() {
  deadline_timer_.cancel();
  if (blocked_) trampoline_.next = std::exchange(blocked_, {});
  run();
}

void Process::run() {
  if (stopped_) return;  // SIGCONT arms the timer again
  running_ = true;
  while (kill_status_ < 0 && !stopped_ && trampoline_.next)
    std::exchange(trampoline_.next, {}).resume();
  running_ = false;
  if (kill_status_ >= 0) return finish(kill_status_);
  if (root_ && root_.done()) finish_uncaught();
}

// The program has returned or thrown.
void Process::finish_uncaught() {
  int status = 0;
  try {
    status = root_.result();
  } catch (const ProcessExit& exit) {
    status = exit.status;
  } catch (const std::exception& error) {
    machine_.log(
        text("pid {} ({}), uid 0: exited on an uncaught error: {}", pid_, args_[0], error.what()));
    killed_by_ = Signal::abrt;
    status = signal_status(Signal::abrt);
  }
  finish(status);
}

void Process::finish(int status) {
  root_ = {};
  descriptors_.clear();
  descriptor_closed();
  blocked_ = {};
  wake_timer_.cancel();
  deadline_timer_.cancel();
  finished_ = true;
  status_ = status & 255;
  tell_watchers();
  jail_->process_left();
  machine_.process_ended(*this);
}

void Process::end_at_once(Signal signal) {
  check(!running_, "a process does not end itself from outside");
  killed_by_ = signal;
  finish(signal_status(signal));
}

void Process::pause(std::coroutine_handle<> resume) {
  block(resume, machine_.site().now() + pause_time);
}

void Process::warn(const std::string& what, Errno error) {
  const Result<std::shared_ptr<OpenFile>> err = file(fd_err);
  const std::string words = text("{}: {}: {}\n", args_[0], what, errno_text(error));
  if (err) (void)(*err)->write(bytes_of(words));
}

std::string Process::command_line() const { return join(args_, " "); }

// --- the process -------------------------------------------------------------------------------

SimTime Process::now() const { return machine_.site().now(); }
uint64_t Process::random() { return machine_.random(); }

Task<Result<>> Process::sleep_task(SimTime duration) {
  const SimTime until = now() + duration;
  while (now() < until) {
    if (interrupted()) co_return Errno::eintr;
    co_await Blocked{*this, until};
  }
  co_return Result<>{};
}

Call<void> Process::sleep(SimTime duration) { return {*this, sleep_task(duration)}; }

Call<Pid> Process::spawn(SpawnRequest request) {
  Program program = request.program;
  if (!program) {
    const Command* command = find_command(request.args[0]);
    if (!command) return call<Pid>(Errno::enoent);
    program = command->run;
  }
  std::vector<std::shared_ptr<OpenFile>> descriptors(3);
  for (size_t i = 0; i < 3 && i < descriptors_.size(); ++i) descriptors[i] = descriptors_[i];
  for (const auto& [child, mine] : request.descriptors) {
    const auto found = file(mine);
    if (!found) return call<Pid>(found.error());
    const size_t at = size_t(number(child));
    if (descriptors.size() <= at) descriptors.resize(at + 1);
    descriptors[at] = *found;
  }
  Process& child = machine_.add_process(pid_, request.args, *jail_);
  child.environment_ = environment_;
  child.folder_ = folder_;
  child.client_ = client_;
  child.fib_ = request.fib >= 0 ? request.fib : fib_;
  child.group_ = group_;
  child.ignored_ = ignored_;
  child.descriptors_ = std::move(descriptors);
  child.start(program);
  return call<Pid>(child.pid_);
}

Task<Result<std::pair<Pid, int>>> Process::wait_task(Pid pid, WaitMode mode) {
  for (;;) {
    bool any = false;
    for (Process* child : machine_.children_of(pid_)) {
      if (pid != 0 && child->pid_ != pid) continue;
      any = true;
      if (!child->finished_) continue;
      const std::pair<Pid, int> ended{child->pid_, child->status_};
      machine_.reap(child->pid_);
      co_return ended;
    }
    if (!any) co_return Errno::echild;
    if (mode == WaitMode::look) co_return std::pair<Pid, int>(0, 0);
    if (interrupted()) co_return Errno::eintr;
    co_await Blocked{*this, SimTime::max()};
  }
}

Call<std::pair<Pid, int>> Process::wait(Pid pid, WaitMode mode) {
  return {*this, wait_task(pid, mode)};
}

std::vector<ProcessInfo> Process::processes() const { return machine_.processes(*jail_); }
const Command* Process::find_command(const std::string& name) const {
  return machine_.find_command(name);
}
std::vector<const Command*> Process::commands() const { return machine_.commands(); }

Result<> Process::set_fib(int fib) {
  if (fib == fib_) return {};
  const auto fibs = parse_int(jail_->vnet().sysctl("net.fibs").value_or("1"));
  if (fib < 0 || fib >= fibs.value_or(1)) return Errno::einval;
  fib_ = fib;
  return {};
}

}  // namespace stackyard
