// stack/kern/process_signals.cpp - signals, process groups, daemons (sigaction(2), kill(2)).
#include "stack/kern/process.h"

#include "stack/kern/machine.h"

namespace stackyard {

namespace {

constexpr uint32_t bit(Signal signal) { return 1u << int(signal); }
constexpr uint32_t ignored_by_default = bit(Signal::urg) | bit(Signal::cont) | bit(Signal::chld) |
                                        bit(Signal::io) | bit(Signal::winch) | bit(Signal::info);
constexpr uint32_t stopping =
    bit(Signal::stop) | bit(Signal::tstp) | bit(Signal::ttin) | bit(Signal::ttou);
constexpr uint32_t never_caught = bit(Signal::kill) | bit(Signal::stop);

}  // namespace

void Process::set_signal(Signal signal, SignalAction action) {
  if (bit(signal) & never_caught) return;
  caught_ &= ~bit(signal);
  ignored_ &= ~bit(signal);
  if (action == SignalAction::catch_it) caught_ |= bit(signal);
  if (action == SignalAction::ignore) ignored_ |= bit(signal);
  if (action != SignalAction::catch_it) pending_ &= ~bit(signal);
}

SignalAction Process::signal_action(Signal signal) const {
  if (bit(signal) & caught_) return SignalAction::catch_it;
  return bit(signal) & ignored_ ? SignalAction::ignore : SignalAction::standard;
}

std::optional<Signal> Process::take_signal() {
  for (int number = 1; number <= signals_max; ++number) {
    const Signal signal{uint8_t(number)};
    if (!(pending_ & bit(signal))) continue;
    pending_ &= ~bit(signal);
    return signal;
  }
  return std::nullopt;
}

void Process::signal(Signal signal) {
  if (finished_) return;
  if (signal == Signal::cont || signal == Signal::kill) {
    if (std::exchange(stopped_, false)) wake_timer_.arm_soft(wake_delay);
  }
  if (bit(signal) & ignored_) return;
  if (bit(signal) & caught_) {
    pending_ |= bit(signal);
    wake();
    return;
  }
  if (bit(signal) & ignored_by_default) return;
  if (bit(signal) & stopping) {
    stopped_ = true;
    return;
  }
  killed_by_ = signal;
  kill_status_ = signal_status(signal);
  stopped_ = false;
  if (!running_ && !wake_timer_.armed()) wake_timer_.arm_soft(SimTime());
}

Call<void> Process::kill(Pid pid, std::optional<Signal> signal) {
  std::vector<Process*> meant;
  for (const ProcessInfo& info : machine_.processes(*jail_)) {
    const bool this_one = pid > 0    ? info.pid == pid
                          : pid == 0 ? info.group == group_
                          : pid < -1 ? info.group == -pid
                                     : info.pid != pid_;
    if (this_one) meant.push_back(machine_.process(info.pid));
  }
  if (meant.empty()) return call<void>(Errno::esrch);
  if (signal)
    for (Process* process : meant) process->signal(*signal);
  return {*this, signalled_task<void>({})};
}

}  // namespace stackyard
