// stack/kern/process.h - a process: a program's coroutine, its descriptors, its waiting.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/event/timer.h"
#include "stack/kern/open_file.h"
#include "stack/kern/process_client.h"
#include "stack/sys/sys.h"

namespace stackyard {

class Jail;
class Machine;

// A process runs only from soft events of its machine: 10 us after what woke it.
class Process final : public Sys {
 public:
  static constexpr SimTime wake_delay = 10_us;
  static constexpr unsigned calls_before_pause = 1000;
  static constexpr SimTime pause_time = 1_ms;
  static constexpr size_t descriptors_max = 1024;
  static constexpr size_t local_path_max = 253;  // what fits in a sockaddr of SOCK_MAXADDRLEN

  // `ident` is its number on the wire, the same in every run, whatever its pid is.
  Process(Machine& machine, Pid pid, uint16_t ident, Pid parent, Args args, Jail& jail);
  ~Process() override;

  void start(const Program& program, SimTime delay = wake_delay);
  // Whom it acts for, where its folder is (a real one); children inherit it.
  void set_client(std::shared_ptr<ProcessClient> client, const std::string& folder);
  // Makes a blocked process look again, soon. Harmless when it is not blocked.
  void wake();
  void signal(Signal signal);
  // Dies now, as of an uncaught signal; not from inside itself.
  void end_at_once(Signal signal);
  Jail& jail() const { return *jail_; }
  // For the dead of a jail that is removed.
  void set_dead_jail(Jail& jail) { jail_ = &jail; }
  bool finished() const { return finished_; }
  int status() const { return status_; }
  // The signal that ended it; nothing: it ended by itself.
  std::optional<Signal> killed_by() const { return killed_by_; }
  Pid parent() const { return parent_; }
  void orphan() { parent_ = 1; }
  // Goes on under another pid, as the child of a fork does.
  void become_daemon(Pid pid) {
    pid_ = pid;
    orphan();
  }
  void finish(int status);
  bool stopped() const { return stopped_; }
  Credentials credentials() const { return {.pid = pid_}; }
  std::string command_line() const;
  const std::vector<std::shared_ptr<OpenFile>>& descriptors() const { return descriptors_; }
  void set_descriptor(Fd fd, std::shared_ptr<OpenFile> file);
  // Called once, when the process has ended.
  std::function<void(int status)> on_exit;

  // --- Sys ---
  Pid pid() const override { return pid_; }
  const std::string& program_name() const override { return args_[0]; }
  SimTime now() const override;
  uint16_t wire_ident() const override { return ident_; }
  uint64_t random() override;
  Call<void> sleep(SimTime duration) override;
  Call<Pid> spawn(SpawnRequest request) override;
  Call<std::pair<Pid, int>> wait(Pid pid, WaitMode mode) override;
  Call<void> kill(Pid pid, std::optional<Signal> signal) override;
  void set_signal(Signal signal, SignalAction action) override;
  SignalAction signal_action(Signal signal) const override;
  std::optional<Signal> take_signal() override;
  bool interrupted() const override { return pending_ != 0; }
  Call<void> daemon(DaemonOptions options) override;
  Pid process_group() const override { return group_; }
  void new_process_group() override { group_ = pid_; }
  std::vector<ProcessInfo> processes() const override;
  std::map<std::string, std::string>& environment() override { return environment_; }
  void become(const Args& args) override { args_ = args; }
  bool runs_outside(const std::string& command) const override;
  Call<int> run_outside(Args args, Environment environment) override;
  const Command* find_command(const std::string& name) const override;
  std::vector<const Command*> commands() const override;
  int fib() const override { return fib_; }
  Result<> set_fib(int fib) override;

  Call<Fd> open(const std::string& path, OpenMode mode) override;
  Call<void> close(Fd fd) override;
  Call<Fd> dup_to(Fd from, Fd to) override;
  Call<std::string> read(Fd fd, size_t max) override;
  Call<void> write(Fd fd, std::string octets) override;
  Call<std::pair<Fd, Fd>> pipe() override;
  Call<std::vector<PollItem>> poll(std::vector<PollItem> items, SimTime timeout) override;
  Result<FileStat> stat(const std::string& path) const override;
  Result<std::vector<std::string>> list(const std::string& path) const override;
  Result<> remove(const std::string& path) override;
  Result<> make_folder(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> change_folder(const std::string& path) override;
  std::string folder() const override { return folder_; }

  Result<> set_blocking(Fd fd, Blocking blocking) override;

  Call<Fd> socket(Af family, SocketType type, int protocol) override;
  Call<void> bind(Fd fd, SockAddr address) override;
  Call<void> connect(Fd fd, SockAddr address) override;
  Call<size_t> send(Fd fd, std::vector<uint8_t> octets, SendOptions options) override;
  Call<Received> receive(Fd fd, size_t max, ReceiveOptions options) override;
  Call<void> listen(Fd fd, int backlog) override;
  Call<Accepted> accept(Fd fd, Blocking of_the_new_one) override;
  Call<std::pair<Fd, Fd>> socket_pair(Af family, SocketType type, int protocol) override;
  Call<void> shutdown(Fd fd, ShutdownHow how) override;
  Result<Credentials> peer_credentials(Fd fd) const override;
  Call<void> set_option(Fd fd, SocketOption option, OptionValue value) override;
  Call<OptionValue> get_option(Fd fd, SocketOption option) override;
  Result<SockAddr> local_name(Fd fd) const override;
  Result<SockAddr> peer_name(Fd fd) const override;
  std::vector<SocketInfo> sockets() const override;

  Result<int> jail_set(const JailParams& params, unsigned flags, std::string* message) override;
  Result<JailParams> jail_get(const JailParams& which) const override;
  Result<> jail_attach(int jid) override;
  Result<> jail_remove(int jid) override;
  int jail_id() const override;

  Result<> request(Request& request) override;
  Result<std::string> sysctl(const std::string& name) const override;
  Result<> set_sysctl(const std::string& name, const std::string& value) override;
  std::vector<SysctlInfo> sysctls(const std::string& prefix) const override;
  std::vector<CounterLine> counters() const override;
  Table table(const std::string& name) const override;
  std::string hostname() const override;
  void set_hostname(const std::string& name) override;
  std::vector<SockAddr> resolve(const std::string& name, Af family) const override;
  std::string log_text() const override;

  // --- CallContext ---
  Trampoline& trampoline() override { return trampoline_; }
  bool count_call() override { return ++calls_ >= calls_before_pause; }
  void pause(std::coroutine_handle<> resume) override;
  void warn(const std::string& what, Errno error) override;

 private:
  // Suspends until wake() or until `deadline` (max(): none).
  struct Blocked {
    Process& process;
    SimTime deadline;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> resume) { process.block(resume, deadline); }
    void await_resume() const {}
  };
  // Entered in a file's list of waiters for as long as it lives.
  struct Waiting {
    Waiting(Process& p, std::shared_ptr<OpenFile> f) : process(p), file(std::move(f)) {
      file->add_waiter(process);
    }
    ~Waiting() { file->remove_waiter(process); }
    Waiting(const Waiting&) = delete;
    Process& process;
    std::shared_ptr<OpenFile> file;
  };

  void block(std::coroutine_handle<> resume, SimTime deadline);
  void resume_blocked();
  void run();
  void finish_uncaught();
  Result<std::shared_ptr<OpenFile>> file(Fd fd) const;
  Result<SocketOps*> socket_of(Fd fd) const;
  Fd add_descriptor(std::shared_ptr<OpenFile> file);
  Result<Fd> new_socket(std::unique_ptr<SocketOps> ops, Blocking blocking = Blocking::yes);
  Result<Fd> new_descriptor(std::shared_ptr<OpenFile> file);  // EMFILE
  void descriptor_closed();
  Result<LocalSocketOps*> local_named(const SockAddr& address) const;
  Result<> bind_local(LocalSocketOps& socket, const SockAddr& address);
  Result<size_t> send_once(SocketOps& socket, Bytes octets, const SendOptions& options);
  Result<Received> receive_once(SocketOps& socket, size_t max, const ReceiveOptions& options);
  static SimTime time_option(SocketOps& socket, SocketOption option);
  Task<Result<Accepted>> accept_task(std::shared_ptr<OpenFile> file, Blocking blocking);
  Task<Result<size_t>> send_task(std::shared_ptr<OpenFile> file, std::vector<uint8_t> octets,
                                 SendOptions options);
  Task<Result<size_t>> rest_task(Task<Result<size_t>> rest, size_t before);
  Task<Result<Received>> receive_task(std::shared_ptr<OpenFile> file, size_t max,
                                      ReceiveOptions options);
  template <class T>
  Call<T> call(Result<T> result) {
    return {*this, std::move(result)};
  }
  template <class T, class Attempt>
  Task<Result<T>> retry(std::shared_ptr<OpenFile> file, SimTime timeout, Attempt attempt);
  // After a signal to oneself: never comes back when it was deadly.
  template <class T>
  Task<Result<T>> signalled_task(Result<T> otherwise);
  Task<Result<>> sleep_task(SimTime duration);
  Task<Result<>> write_task(std::shared_ptr<OpenFile> file, std::string octets);
  Task<Result<std::pair<Pid, int>>> wait_task(Pid pid, WaitMode mode);
  Task<Result<std::vector<PollItem>>> poll_task(std::vector<PollItem> items, SimTime timeout);
  bool fill_in(std::vector<PollItem>& items) const;
  bool client_owns(const std::string& path) const;
  Task<Result<Fd>> open_task(std::shared_ptr<OpenFile> file);
  Task<Result<int>> answer_task(std::shared_ptr<Answer> answer);
  Task<Result<>> detach_task(DaemonOptions options);
  Result<> into_background(const DaemonOptions& options);
  // "tap0" of "/dev/tap0", if it may be a device of the vnet; else "".
  std::string device_name(const std::string& path) const;
  bool has_device(const std::string& name) const;
  // A path of the machine: below the jail's root.
  std::string absolute(const std::string& path) const;

  Machine& machine_;
  Jail* jail_;
  Pid pid_;
  uint16_t ident_;
  Pid parent_, group_;
  Args args_;
  std::map<std::string, std::string> environment_;
  std::string folder_ = "/root";
  std::shared_ptr<ProcessClient> client_;  // null: it acts for nobody outside
  bool started_by_client_ = false;         // not by a process of the client
  int fib_ = 0;
  std::vector<std::shared_ptr<OpenFile>> descriptors_;
  Program program_;
  Trampoline trampoline_;
  Task<int> root_;
  std::coroutine_handle<> blocked_;
  Timer wake_timer_;
  Timer deadline_timer_;
  unsigned calls_ = 0;
  uint32_t caught_ = 0, ignored_ = 0, pending_ = 0;  // signals, a bit each
  bool stopped_ = false;
  bool running_ = false;
  int kill_status_ = -1;  // not negative: the process is to die with it
  bool finished_ = false;
  int status_ = 0;
  std::optional<Signal> killed_by_;
};

template <class T>
Task<Result<T>> Process::signalled_task(Result<T> otherwise) {
  if (kill_status_ >= 0) co_await Blocked{*this, SimTime::max()};
  co_return otherwise;
}

// Repeats `attempt` until it does something else than asking to wait.
template <class T, class Attempt>
Task<Result<T>> Process::retry(std::shared_ptr<OpenFile> file, SimTime timeout, Attempt attempt) {
  const SimTime deadline = timeout > SimTime() ? now() + timeout : SimTime::max();
  const Waiting waiting(*this, file);
  for (;;) {
    if (interrupted()) co_return Errno::eintr;
    Result<T> result = attempt(*file);
    if (result || result.error() != Errno::eagain) co_return result;
    if (now() >= deadline) co_return Errno::eagain;
    co_await Blocked{*this, deadline};
  }
}

}  // namespace stackyard
