#include "stack/kern/kqueue.h"

#include <algorithm>

#include "stack/kern/machine.h"

namespace stackyard {

// --- one event -----------------------------------------------------------------------------------

Knote::Knote(Kqueue& queue, const KernelEvent& event) : queue_(queue), event_(event) {}

Knote::~Knote() {
  if (file_) file_->remove_waiter(*this);
  if (process_) process_->unwatch(*this);
  if (active_) std::erase(queue_.active_, this);
}

void Knote::activate() {
  if (active_ || !enabled_) return;
  active_ = true;
  queue_.active_.push_back(this);
  queue_.wake_waiters();
}

void Knote::file_gone() { file_ = nullptr; }

void Knote::process_exited(int status) {
  process_ = nullptr;
  triggered_ = true;
  event_.data = status;
  activate();
}

void Knote::signalled() {
  ++count_;
  activate();
}

SimTime Knote::period() const {
  const int64_t unit = event_.fflags & note::seconds        ? 1'000'000'000
                       : event_.fflags & note::microseconds ? 1'000
                       : event_.fflags & note::nanoseconds  ? 1
                                                            : 1'000'000;
  return SimTime(std::max<int64_t>(event_.data, 1) * unit);
}

void Knote::timer_due() {
  ++count_;
  if (!(event_.flags & kevent_flag::one_shot)) timer_->arm(period());
  activate();
}

bool Knote::poll(KernelEvent& out) const {
  out = event_;
  out.flags &= kevent_flag::clear | kevent_flag::one_shot | kevent_flag::dispatch;
  switch (event_.filter) {
    case EventFilter::read:
    case EventFilter::write: {
      if (!file_) return false;
      const Readiness ready = file_->readiness();
      const bool reading = event_.filter == EventFilter::read;
      if (ready.hang_up) out.flags |= kevent_flag::eof;
      out.fflags = 0;
      out.data = reading ? file_->octets_to_read() : 0;
      return ready.hang_up || (reading ? ready.readable : ready.writable);
    }
    case EventFilter::process:
      out.fflags = note::exit;
      out.flags |= kevent_flag::eof;
      return triggered_;
    case EventFilter::signal:
    case EventFilter::timer:
      out.data = count_;
      return count_ > 0;
    case EventFilter::user:
      return triggered_;
  }
  return false;
}

// Signals and timers count from the last delivery, and so does what is to be cleared.
void Knote::delivered() {
  count_ = 0;
  if (event_.flags & kevent_flag::clear) triggered_ = false;
  if (event_.flags & kevent_flag::dispatch) enabled_ = false;
}

// --- the queue -----------------------------------------------------------------------------------

Kqueue::Kqueue(Process& owner) : owner_(&owner) { owner.add_kqueue(*this); }

Kqueue::~Kqueue() {
  if (owner_) owner_->remove_kqueue(*this);
}

Result<std::unique_ptr<Knote>> Kqueue::make(const KernelEvent& wanted) {
  auto made = std::make_unique<Knote>(*this, wanted);
  switch (wanted.filter) {
    case EventFilter::read:
    case EventFilter::write:
      made->file_ = TRY(owner_->file(Fd(int(wanted.ident)))).get();
      if (made->file_ == this) return Errno::einval;
      made->file_->add_waiter(*made);
      made->active_ = true;  // perhaps it is ready already
      break;
    case EventFilter::process: {
      Process* process = owner_->visible(Pid(wanted.ident));
      if (!process) return Errno::esrch;
      made->triggered_ = process->finished();
      made->active_ = made->triggered_;
      made->event_.data = process->status();
      if (process->finished()) break;
      made->process_ = process;
      process->watch(*made);
      break;
    }
    case EventFilter::signal:
      if (wanted.ident < 1 || wanted.ident > signals_max) return Errno::einval;
      break;
    case EventFilter::timer:
      made->timer_ =
          std::make_unique<Timer>(owner_->node(), Timer::call<&Knote::timer_due>, made.get());
      made->timer_->arm(made->period());
      break;
    case EventFilter::user:
      made->event_.fflags &= note::ff_flags & ~note::trigger;
      break;
  }
  if (made->active_) active_.push_back(made.get());
  return made;
}

Result<> Kqueue::change(const KernelEvent& wanted) {
  if (!owner_) return Errno::ebadf;
  const Key key{wanted.filter, wanted.ident};
  auto found = notes_.find(key);
  if (wanted.flags & kevent_flag::remove) {
    if (found == notes_.end()) return Errno::enoent;
    notes_.erase(found);
    return {};
  }
  const bool add = wanted.flags & kevent_flag::add;
  if (found == notes_.end()) {
    if (!add) return Errno::enoent;
    found = notes_.emplace(key, TRY(make(wanted))).first;
  } else if (add) {
    Knote& note = *found->second;
    note.event_.udata = wanted.udata;
    note.event_.flags = wanted.flags;
    if (wanted.filter == EventFilter::timer) {  // a new period, from now on
      note.event_.data = wanted.data;
      note.event_.fflags = wanted.fflags;
      note.count_ = 0;
      note.timer_->arm(note.period());
    }
  }
  Knote& note = *found->second;
  if (wanted.flags & kevent_flag::disable) note.enabled_ = false;
  if (wanted.flags & kevent_flag::enable) note.enabled_ = true;
  if (wanted.filter == EventFilter::user) {
    const uint32_t flags = wanted.fflags & note::ff_flags & ~note::trigger;
    uint32_t& own = note.event_.fflags;
    const uint32_t control = wanted.fflags & note::ff_control;
    own = control == note::ff_and    ? own & flags
          : control == note::ff_or   ? own | flags
          : control == note::ff_copy ? flags
                                     : own;
    if (wanted.fflags & note::trigger) note.triggered_ = true;
  }
  KernelEvent unused;
  if (note.enabled_ && note.poll(unused)) note.activate();
  return {};
}

std::vector<KernelEvent> Kqueue::take(size_t max) {
  std::vector<KernelEvent> events;
  std::vector<Knote*> looked_at;
  std::swap(looked_at, active_);
  std::vector<Knote*> again;  // level-triggered: they are looked at the next time, too
  size_t at = 0;
  for (; at < looked_at.size() && events.size() < max; ++at) {
    Knote& note = *looked_at[at];
    KernelEvent event;
    note.active_ = false;
    if (!note.enabled_ || !note.poll(event)) continue;
    events.push_back(event);
    note.delivered();
    const bool spent =
        note.event_.flags & kevent_flag::one_shot || (note.event_.filter == EventFilter::process);
    if (spent) {
      notes_.erase({note.event_.filter, note.event_.ident});
      continue;
    }
    const bool edge = note.event_.flags & kevent_flag::clear;
    if (edge || !note.enabled_ || !note.poll(event)) continue;
    note.active_ = true;
    again.push_back(&note);
  }
  // What was not looked at comes first the next time.
  std::vector<Knote*> rest(looked_at.begin() + long(at), looked_at.end());
  rest.insert(rest.end(), again.begin(), again.end());
  rest.insert(rest.end(), active_.begin(), active_.end());
  active_ = std::move(rest);
  return events;
}

void Kqueue::descriptor_closed(int fd) {
  notes_.erase({EventFilter::read, fd});
  notes_.erase({EventFilter::write, fd});
}

void Kqueue::signalled(int signal) {
  const auto found = notes_.find({EventFilter::signal, signal});
  if (found != notes_.end()) found->second->signalled();
}

// --- system calls --------------------------------------------------------------------------------

Call<Fd> Process::kqueue() { return call<Fd>(new_descriptor(std::make_shared<Kqueue>(*this))); }

Task<Result<std::vector<KernelEvent>>> Process::kevent_task(std::shared_ptr<OpenFile> file,
                                                            size_t max, SimTime timeout) {
  const SimTime deadline = timeout < SimTime() ? SimTime::max() : now() + timeout;
  Kqueue& queue = static_cast<Kqueue&>(*file);
  const Waiting waiting(*this, file);
  for (;;) {
    std::vector<KernelEvent> events = queue.take(max);
    if (!events.empty() || now() >= deadline) co_return events;
    if (interrupted()) co_return Errno::eintr;
    co_await Blocked{*this, deadline};
  }
}

Call<std::vector<KernelEvent>> Process::kevent(Fd fd, std::vector<KernelEvent> changes, size_t max,
                                               SimTime timeout) {
  using Events = std::vector<KernelEvent>;
  const auto found = file(fd);
  auto* queue = found ? dynamic_cast<Kqueue*>(found->get()) : nullptr;
  if (!queue) return call<Events>(Errno::ebadf);
  Events answers;
  for (KernelEvent& change : changes) {
    const Result<> done = queue->change(change);
    if (done && !(change.flags & kevent_flag::receipt)) continue;
    if (!done && answers.size() >= max) return call<Events>(done.error());
    if (answers.size() >= max) continue;
    change.flags = kevent_flag::error;
    change.data = done ? 0 : int64_t(done.error());
    answers.push_back(change);
  }
  if (!answers.empty() || max == 0) return call<Events>(std::move(answers));
  return {*this, kevent_task(*found, max, timeout)};
}

void Process::remove_kqueue(Kqueue& queue) { std::erase(kqueues_, &queue); }
void Process::unwatch(Knote& note) { std::erase(watchers_, &note); }

Process* Process::visible(Pid pid) const {
  Process* process = machine_.process(pid);
  return process && process->jail().within(*jail_) ? process : nullptr;
}

Node& Process::node() const { return machine_.site().node(); }

// Whoever watches it hears that it has ended, and its own queues that it no longer looks.
void Process::tell_watchers() {
  for (Knote* note : std::exchange(watchers_, {})) note->process_exited(status_);
  for (Kqueue* queue : std::exchange(kqueues_, {})) queue->owner_gone();
}

}  // namespace stackyard
