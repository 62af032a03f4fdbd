// stack/kern/kqueue.h - kqueue(2): what a process waits for, gathered when it happens.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/event/timer.h"
#include "stack/kern/open_file.h"
#include "stack/sys/kevent.h"

namespace stackyard {

class Kqueue;

// One event that a queue watches.
class Knote final : public FileWaiter {
 public:
  Knote(Kqueue& queue, const KernelEvent& event);
  ~Knote() override;
  Knote(const Knote&) = delete;

  void file_changed() override { activate(); }
  void file_gone() override;
  void process_exited(int status);
  void process_gone() { process_ = nullptr; }
  void signalled();
  // It has happened, as far as can be told: the queue looks when it is asked.
  void activate();

 private:
  friend class Kqueue;
  void timer_due();
  SimTime period() const;
  // Fills in what is to be delivered; false: it has not happened after all.
  bool poll(KernelEvent& out) const;
  void delivered();

  Kqueue& queue_;
  KernelEvent event_;
  bool enabled_ = true;
  bool active_ = false;
  bool triggered_ = false;  // user, process
  int64_t count_ = 0;       // timer, signal
  OpenFile* file_ = nullptr;
  Process* process_ = nullptr;
  std::unique_ptr<Timer> timer_;
};

class Kqueue final : public OpenFile {
 public:
  explicit Kqueue(Process& owner);
  ~Kqueue() override;

  // ENOENT, EBADF, ESRCH, EINVAL.
  Result<> change(const KernelEvent& wanted);
  // Takes up to `max` events that have happened.
  std::vector<KernelEvent> take(size_t max);
  // A descriptor of the owner's is closed, a signal came to it, or it ends.
  void descriptor_closed(int fd);
  void signalled(int signal);
  void owner_gone() { owner_ = nullptr; }

  Result<std::string> read(size_t) override { return Errno::enxio; }
  Result<size_t> write(Bytes) override { return Errno::enxio; }
  Readiness readiness() const override { return {.readable = !active_.empty()}; }

 private:
  friend class Knote;
  using Key = std::pair<EventFilter, int64_t>;
  Result<std::unique_ptr<Knote>> make(const KernelEvent& wanted);

  Process* owner_;
  std::vector<Knote*> active_;                   // in the order in which they happened
  std::map<Key, std::unique_ptr<Knote>> notes_;  // they leave the list above as they end
};

}  // namespace stackyard
