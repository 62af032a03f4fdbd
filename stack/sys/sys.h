// stack/sys/sys.h - everything a program sees of its machine: the system calls.
//
// Calls are awaited: `const Fd fd = co_await sys.socket(...).or_err(1, "socket");`. Names and
// errors are those of FreeBSD's manual pages, section 2. kern implements this.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/table/table.h"
#include "stack/sys/call.h"
#include "stack/sys/jail.h"
#include "stack/sys/kevent.h"
#include "stack/sys/program.h"
#include "stack/sys/request.h"
#include "stack/sys/types.h"

namespace stackyard {

struct SpawnRequest {
  Args args;
  Program program;  // empty: args[0] names a command
  // Descriptors of the child: {child's, parent's}. The standard ones are inherited unless named.
  std::vector<std::pair<Fd, Fd>> descriptors;
  int fib = -1;  // -1: the parent's
};

struct SysctlInfo {
  std::string name, summary, value;
  bool writable = false;
};

struct ProcessInfo {
  Pid pid, parent;
  std::string command;
  int jid = 0;
  Pid group = 0;
  bool stopped = false;
};

struct SocketInfo {
  Pid pid;
  std::string command;
  int fd;
  std::string protocol;  // "udp4", "icm4"
  SockAddr local, foreign;
  size_t receive_queue = 0, send_queue = 0;
  SocketBuffers buffers;
  int jid = 0;
  std::string state;                // of a connection: "LISTEN"
  uint64_t serial = 0, peer = 0;    // of unix-domain sockets: which it is, and its other end
  size_t pending = 0, backlog = 0;  // listening: connections that wait, and how many may
};

using Environment = std::map<std::string, std::string>;

class Sys : public CallContext {
 public:
  // --- the process ---
  virtual Pid pid() const = 0;
  virtual const std::string& program_name() const = 0;
  virtual SimTime now() const = 0;
  // For ping's identifier and the like: small, different for each process, the same in every run.
  virtual uint16_t wire_ident() const = 0;
  virtual uint64_t random() = 0;
  virtual Call<void> sleep(SimTime duration) = 0;
  virtual Call<Pid> spawn(SpawnRequest request) = 0;
  // Waits for one child, or for any when pid is 0; gives the pid and its exit status. To look only
  // gives pid 0 when none has ended.
  virtual Call<std::pair<Pid, int>> wait(Pid pid, WaitMode mode = WaitMode::block) = 0;
  // pid 0: the own process group; -1: everything else; below that: group -pid. No signal: only
  // whether one could be sent.
  virtual Call<void> kill(Pid pid, std::optional<Signal> signal) = 0;
  // A caught signal makes blocked calls return EINTR, until it is taken.
  virtual void set_signal(Signal signal, SignalAction action) = 0;
  virtual SignalAction signal_action(Signal signal) const = 0;
  virtual std::optional<Signal> take_signal() = 0;
  virtual bool interrupted() const = 0;  // one is caught and not yet taken
  void catch_signals() {
    set_signal(Signal::interrupt, SignalAction::catch_it);
    set_signal(Signal::term, SignalAction::catch_it);
  }
  // daemon(3): goes on as a process of its own, under a new pid; whoever waits sees exit 0.
  virtual Call<void> daemon(DaemonOptions options) = 0;
  Call<void> daemon() { return daemon(DaemonOptions()); }
  virtual Pid process_group() const = 0;
  // Makes this process the leader of a new group.
  virtual void new_process_group() = 0;
  [[noreturn]] void exit(int status) { throw ProcessExit{status}; }
  virtual std::vector<ProcessInfo> processes() const = 0;
  virtual Environment& environment() = 0;
  // What execve(2) does to a process's name: ps and messages show the new one.
  virtual void become(const Args& args) = 0;
  // Whether a command is a program of the real machine, whose process this acts for; it runs there,
  // and the result is its exit status. `environment` instead of the client's, but if it is empty.
  virtual bool runs_outside(const std::string& command) const = 0;
  virtual Call<int> run_outside(Args args, Environment environment) = 0;
  virtual const Command* find_command(const std::string& name) const = 0;
  virtual std::vector<const Command*> commands() const = 0;
  virtual int fib() const = 0;
  virtual Result<> set_fib(int fib) = 0;

  // --- descriptors and files ---
  virtual Call<Fd> open(const std::string& path, OpenMode mode) = 0;
  virtual Call<void> close(Fd fd) = 0;
  virtual Call<Fd> dup_to(Fd from, Fd to) = 0;
  // Up to `max` octets; none: the end of the file.
  virtual Call<std::string> read(Fd fd, size_t max) = 0;
  // All of it, blocking as long as it takes.
  virtual Call<void> write(Fd fd, std::string octets) = 0;
  virtual Call<std::pair<Fd, Fd>> pipe() = 0;  // {reading end, writing end}
  // Waits until one of the items is ready or the time is over (negative: forever).
  virtual Call<std::vector<PollItem>> poll(std::vector<PollItem> items, SimTime timeout) = 0;
  // kqueue(2): a queue of events that this process alone may use.
  virtual Call<Fd> kqueue() = 0;
  // Makes the changes, then waits for up to `max` events (negative timeout: forever). A change that
  // fails is an event with EV_ERROR when there is room for it, else the call's error.
  virtual Call<std::vector<KernelEvent>> kevent(Fd queue, std::vector<KernelEvent> changes,
                                                size_t max, SimTime timeout) = 0;
  virtual Result<FileStat> stat(const std::string& path) const = 0;
  virtual Result<std::vector<std::string>> list(const std::string& path) const = 0;
  virtual Result<> remove(const std::string& path) = 0;
  virtual Result<> make_folder(const std::string& path) = 0;
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<> change_folder(const std::string& path) = 0;
  virtual std::string folder() const = 0;

  // O_NONBLOCK, of the open file: shared by its duplicates.
  virtual Result<> set_blocking(Fd fd, Blocking blocking) = 0;

  // --- sockets ---
  // Af::link, raw: a bpf(4) capture; set bpf_filter and the like, bpf_interface last, and receive.
  // Af::route, raw: a routing socket (route(4)) for one family, the protocol; 0: for all.
  virtual Call<Fd> socket(Af family, SocketType type, int protocol = 0) = 0;
  virtual Call<void> bind(Fd fd, SockAddr address) = 0;
  virtual Call<void> connect(Fd fd, SockAddr address) = 0;
  virtual Call<void> listen(Fd fd, int backlog) = 0;
  virtual Call<Accepted> accept(Fd fd, Blocking of_the_new_one = Blocking::yes) = 0;
  virtual Call<std::pair<Fd, Fd>> socket_pair(Af family, SocketType type, int protocol = 0) = 0;
  virtual Call<void> shutdown(Fd fd, ShutdownHow how) = 0;
  // No default argument: GCC 12 destroys such a temporary of a co_await twice.
  virtual Call<size_t> send(Fd fd, std::vector<uint8_t> octets, SendOptions options) = 0;
  Call<size_t> send(Fd fd, std::vector<uint8_t> octets) {
    return send(fd, std::move(octets), SendOptions());
  }
  virtual Call<Received> receive(Fd fd, size_t max, ReceiveOptions options = {}) = 0;
  // LOCAL_PEERCRED, getpeereid(3): who connected, or who listens.
  virtual Result<Credentials> peer_credentials(Fd fd) const = 0;
  virtual Call<void> set_option(Fd fd, SocketOption option, OptionValue value) = 0;
  virtual Call<OptionValue> get_option(Fd fd, SocketOption option) = 0;
  virtual Result<SockAddr> local_name(Fd fd) const = 0;
  virtual Result<SockAddr> peer_name(Fd fd) const = 0;
  virtual std::vector<SocketInfo> sockets() const = 0;

  // --- jails, as jail(2) has them: names and ids are relative to the caller's jail ---
  // Creates or changes (jail_flag) and gives the jid. EPERM, EEXIST, ENOENT, EINVAL, EAGAIN;
  // `message` (may be null) then has what jail(8) prints, if the kernel says more than the errno.
  virtual Result<int> jail_set(const JailParams& params, unsigned flags, std::string* message) = 0;
  // All parameters of the jail that `which` names: by "jid", "name", or "lastjid": the next one in
  // order of jid. ENOENT.
  virtual Result<JailParams> jail_get(const JailParams& which) const = 0;
  // Moves this process into a jail for good. ENOENT.
  virtual Result<> jail_attach(int jid) = 0;
  // Ends the jail, what runs in it, its stack and all jails below it. ENOENT.
  virtual Result<> jail_remove(int jid) = 0;
  // The jail's id as its own processes see it: 0 at the top of what they see.
  virtual int jail_id() const = 0;

  // --- the machine and its stack ---
  virtual Result<> request(Request& request) = 0;
  virtual Result<std::string> sysctl(const std::string& name) const = 0;
  virtual Result<> set_sysctl(const std::string& name, const std::string& value) = 0;
  virtual std::vector<SysctlInfo> sysctls(const std::string& prefix) const = 0;
  virtual std::vector<CounterLine> counters() const = 0;
  virtual Table table(const std::string& name) const = 0;
  virtual std::string hostname() const = 0;
  virtual void set_hostname(const std::string& name) = 0;
  // getaddrinfo(3) by /etc/hosts: all addresses of the family (unspecified: of either), the best
  // first; none when the name is unknown. "fe80::1%em0" has a scope, ports are 0.
  virtual std::vector<SockAddr> resolve(const std::string& name, Af family) const = 0;
  // The machine's log, as dmesg(8) shows it.
  virtual std::string log_text() const = 0;

  // --- conveniences, made of the calls above ---
  std::optional<Ipv4Address> resolve_ipv4(const std::string& name) const {
    const std::vector<SockAddr> all = resolve(name, Af::inet);
    return all.empty() ? std::nullopt : std::optional(all[0].address.v4());
  }
  Call<void> print(std::string words) { return write(fd_out, std::move(words)); }
  Call<void> print_error(std::string words) { return write(fd_err, std::move(words)); }
  // "NAME: MESSAGE" on standard error.
  Call<void> complain(const std::string& message) {
    return print_error(program_name() + ": " + message + "\n");
  }
  // "usage: ..." on standard error, and the status for it.
  Task<int> usage(const Command& command, int status = 64);
  // A whole file, or its error.
  Task<Result<std::string>> read_file(std::string path);
};

}  // namespace stackyard
