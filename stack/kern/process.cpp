#include "stack/kern/process.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/kern/machine.h"

namespace stackyard {

namespace {
constexpr size_t descriptors_max = 1024;
}

Process::Process(Machine& machine, Pid pid, Pid parent, Args args)
    : machine_(machine),
      pid_(pid),
      parent_(parent),
      args_(std::move(args)),
      wake_timer_(machine.site().node(), Timer::call<&Process::resume_blocked>, this),
      deadline_timer_(machine.site().node(), Timer::call<&Process::wake>, this) {}

Process::~Process() = default;

void Process::start(const Program& program) {
  program_ = program;  // a lambda's captures live in it, not in the coroutine's frame
  root_ = program_(*this, args_);
  root_.start(trampoline_);
  wake_timer_.arm_soft(wake_delay);
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
  running_ = true;
  while (kill_status_ < 0 && trampoline_.next) std::exchange(trampoline_.next, {}).resume();
  running_ = false;
  if (kill_status_ >= 0) return finish(kill_status_);
  if (root_.done()) finish_uncaught();
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
    status = signal_status(Signal{6});
  }
  finish(status);
}

void Process::finish(int status) {
  root_ = {};
  descriptors_.clear();
  blocked_ = {};
  wake_timer_.cancel();
  deadline_timer_.cancel();
  finished_ = true;
  status_ = status & 255;
  machine_.process_ended(*this);
}

void Process::signal(Signal signal) {
  if (finished_ || signal == Signal::chld) return;
  const bool catchable = signal == Signal::interrupt || signal == Signal::term;
  if (catches_ && catchable) {
    interrupted_ = true;
    wake();
    return;
  }
  kill_status_ = signal_status(signal);
  if (!running_ && !wake_timer_.armed()) wake_timer_.arm_soft(SimTime());
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

// Repeats `attempt` until it does something else than asking to wait.
template <class T, class Attempt>
Task<Result<T>> Process::retry(std::shared_ptr<OpenFile> file, SimTime timeout, Attempt attempt) {
  const SimTime deadline = timeout > SimTime() ? now() + timeout : SimTime::max();
  const Waiting waiting(*this, file);
  for (;;) {
    if (interrupted_) co_return Errno::eintr;
    Result<T> result = attempt(*file);
    if (result || result.error() != Errno::eagain) co_return result;
    if (now() >= deadline) co_return Errno::eagain;
    co_await Blocked{*this, deadline};
  }
}

// --- the process -------------------------------------------------------------------------------

SimTime Process::now() const { return machine_.site().now(); }
uint64_t Process::random() { return machine_.random(); }

Task<Result<>> Process::sleep_task(SimTime duration) {
  const SimTime until = now() + duration;
  while (now() < until) {
    if (interrupted_) co_return Errno::eintr;
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
  Process& child = machine_.add_process(pid_, request.args);
  child.environment_ = environment_;
  child.folder_ = folder_;
  child.fib_ = request.fib >= 0 ? request.fib : fib_;
  child.descriptors_ = std::move(descriptors);
  child.start(program);
  return call<Pid>(child.pid_);
}

Task<Result<std::pair<Pid, int>>> Process::wait_task(Pid pid) {
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
    if (interrupted_) co_return Errno::eintr;
    co_await Blocked{*this, SimTime::max()};
  }
}

Call<std::pair<Pid, int>> Process::wait(Pid pid) { return {*this, wait_task(pid)}; }

Call<void> Process::kill(Pid pid, Signal signal) {
  Process* process = machine_.process(pid);
  if (!process || process->finished_) return call<void>(Errno::esrch);
  process->signal(signal);
  return call<void>({});
}

std::vector<ProcessInfo> Process::processes() const { return machine_.processes(); }
const Command* Process::find_command(const std::string& name) const {
  return machine_.find_command(name);
}
std::vector<const Command*> Process::commands() const { return machine_.commands(); }

Result<> Process::set_fib(int fib) {
  const auto fibs = parse_int(machine_.vnet().sysctl("net.fibs").value_or("1"));
  if (fib < 0 || fib >= fibs.value_or(1)) return Errno::einval;
  fib_ = fib;
  return {};
}

// --- descriptors and files ---------------------------------------------------------------------

Result<std::shared_ptr<OpenFile>> Process::file(Fd fd) const {
  const int n = number(fd);
  if (n < 0 || size_t(n) >= descriptors_.size() || !descriptors_[size_t(n)]) return Errno::ebadf;
  return descriptors_[size_t(n)];
}

Fd Process::add_descriptor(std::shared_ptr<OpenFile> file) {
  size_t n = 0;
  while (n < descriptors_.size() && descriptors_[n]) ++n;
  if (n == descriptors_.size()) descriptors_.emplace_back();
  descriptors_[n] = std::move(file);
  return Fd(int(n));
}

void Process::set_descriptor(Fd fd, std::shared_ptr<OpenFile> file) {
  const size_t n = size_t(number(fd));
  if (descriptors_.size() <= n) descriptors_.resize(n + 1);
  descriptors_[n] = std::move(file);
}

std::string Process::absolute(const std::string& path) const {
  return FileSystem::resolve(folder_, path);
}

Call<Fd> Process::open(const std::string& path, OpenMode mode) {
  if (descriptors_.size() >= descriptors_max) return call<Fd>(Errno::emfile);
  FileSystem& files = machine_.files();
  const auto node = mode == OpenMode::read ? files.find(absolute(path))
                                           : files.create(absolute(path), mode == OpenMode::write);
  if (!node) return call<Fd>(node.error());
  return call<Fd>(
      add_descriptor(std::make_shared<RegularFile>(files, *node, mode == OpenMode::append)));
}

Call<void> Process::close(Fd fd) {
  if (!file(fd)) return call<void>(Errno::ebadf);
  descriptors_[size_t(number(fd))].reset();
  return call<void>({});
}

Call<Fd> Process::dup_to(Fd from, Fd to) {
  const auto found = file(from);
  if (!found) return call<Fd>(found.error());
  set_descriptor(to, *found);
  return call<Fd>(to);
}

Call<std::string> Process::read(Fd fd, size_t max) {
  const auto found = file(fd);
  if (!found) return call<std::string>(found.error());
  Result<std::string> first = (*found)->read(max);
  if (first || first.error() != Errno::eagain) return call<std::string>(std::move(first));
  return {*this, retry<std::string>(*found, SimTime(), [max](OpenFile& f) { return f.read(max); })};
}

Task<Result<>> Process::write_task(std::shared_ptr<OpenFile> file, std::string octets) {
  size_t done = 0;
  while (done < octets.size()) {
    const auto rest = [&](OpenFile& f) { return f.write(bytes_of(octets).subspan(done)); };
    const Result<size_t> written = co_await retry<size_t>(file, SimTime(), rest);
    // SIGPIPE's default: writing into a pipe that nobody reads ends the process without a word.
    if (!written && written.error() == Errno::epipe) throw ProcessExit{signal_status(Signal::pipe)};
    if (!written) co_return written.error();
    done += *written;
  }
  co_return Result<>{};
}

Call<void> Process::write(Fd fd, std::string octets) {
  const auto found = file(fd);
  if (!found) return call<void>(found.error());
  const Result<size_t> first = (*found)->write(bytes_of(octets));
  if (first && *first == octets.size()) return call<void>({});
  if (!first && first.error() != Errno::eagain && first.error() != Errno::epipe)
    return call<void>(first.error());
  return {*this, write_task(*found, octets.substr(first.value_or(0)))};
}

Call<std::pair<Fd, Fd>> Process::pipe() {
  auto [reader, writer] = Pipe::create();
  const Fd read_end = add_descriptor(std::move(reader));
  const Fd write_end = add_descriptor(std::move(writer));
  return call<std::pair<Fd, Fd>>(std::pair{read_end, write_end});
}

bool Process::fill_in(std::vector<PollItem>& items) const {
  bool any = false;
  for (PollItem& item : items) {
    const auto found = file(item.fd);
    item.ready = found ? (*found)->readiness() : Readiness{.readable = true, .hang_up = true};
    item.ready.readable &= item.want_read;
    item.ready.writable &= item.want_write;
    any |= item.ready.readable || item.ready.writable;
  }
  return any;
}

Task<Result<std::vector<PollItem>>> Process::poll_task(std::vector<PollItem> items,
                                                       SimTime timeout) {
  const SimTime deadline = timeout < SimTime() ? SimTime::max() : now() + timeout;
  std::list<Waiting> waiting;
  for (const PollItem& item : items)
    if (const auto found = file(item.fd)) waiting.emplace_back(*this, *found);
  while (!fill_in(items) && now() < deadline) {
    if (interrupted_) co_return Errno::eintr;
    co_await Blocked{*this, deadline};
  }
  co_return items;
}

Call<std::vector<PollItem>> Process::poll(std::vector<PollItem> items, SimTime timeout) {
  return {*this, poll_task(std::move(items), timeout)};
}

Result<FileStat> Process::stat(const std::string& path) const {
  const auto node = TRY(machine_.files().find(absolute(path)));
  return FileStat{.is_folder = node->is_folder,
                  .is_device = !node->device.empty(),
                  .size = node->content.size(),
                  .mode = node->mode};
}

Result<std::vector<std::string>> Process::list(const std::string& path) const {
  const auto node = TRY(machine_.files().find(absolute(path)));
  if (!node->is_folder) return Errno::enotdir;
  std::vector<std::string> names;
  for (const auto& [name, entry] : node->entries) names.push_back(name);
  return names;
}

Result<> Process::remove(const std::string& path) {
  return machine_.files().remove(absolute(path));
}
Result<> Process::make_folder(const std::string& path) {
  return machine_.files().make_folder(absolute(path));
}
Result<> Process::rename(const std::string& from, const std::string& to) {
  return machine_.files().rename(absolute(from), absolute(to));
}
Result<> Process::change_folder(const std::string& path) {
  const auto node = TRY(machine_.files().find(absolute(path)));
  if (!node->is_folder) return Errno::enotdir;
  folder_ = absolute(path);
  return {};
}

// --- sockets -----------------------------------------------------------------------------------

Result<SocketOps*> Process::socket_of(Fd fd) const {
  const auto found = TRY(file(fd));
  if (!found->socket()) return Errno::enotsock;
  return found->socket();
}

Call<Fd> Process::socket(Af family, SocketType type, int protocol) {
  if (descriptors_.size() >= descriptors_max) return call<Fd>(Errno::emfile);
  auto made = machine_.vnet().socket(family, type, protocol);
  if (!made) return call<Fd>(made.error());
  if (fib_ != 0) (void)(*made)->set_option(SocketOption::so_setfib, fib_);
  return call<Fd>(add_descriptor(std::make_shared<SocketFile>(std::move(*made))));
}

Call<void> Process::bind(Fd fd, SockAddr address) {
  const auto socket = socket_of(fd);
  return call<void>(socket ? (*socket)->bind(address) : Result<>(socket.error()));
}

Call<void> Process::connect(Fd fd, SockAddr address) {
  const auto socket = socket_of(fd);
  return call<void>(socket ? (*socket)->connect(address) : Result<>(socket.error()));
}

Call<size_t> Process::send(Fd fd, std::vector<uint8_t> octets, SendOptions options) {
  const auto socket = socket_of(fd);
  if (!socket) return call<size_t>(socket.error());
  const Result<size_t> first = (*socket)->send(octets, options);
  if (first || first.error() != Errno::eagain || options.dont_wait) return call<size_t>(first);
  return {*this,
          retry<size_t>(*file(fd), SimTime(), [octets = std::move(octets), options](OpenFile& f) {
            return f.socket()->send(octets, options);
          })};
}

Call<Received> Process::receive(Fd fd, size_t max) {
  const auto socket = socket_of(fd);
  if (!socket) return call<Received>(socket.error());
  const auto limit = (*socket)->get_option(SocketOption::so_rcvtimeo);
  const SimTime timeout(limit ? limit->number : 0);
  Result<Received> first = (*socket)->receive(max);
  if (first || first.error() != Errno::eagain) return call<Received>(std::move(first));
  return {*this, retry<Received>(*file(fd), timeout,
                                 [max](OpenFile& f) { return f.socket()->receive(max); })};
}

Call<void> Process::set_option(Fd fd, SocketOption option, OptionValue value) {
  const auto socket = socket_of(fd);
  return call<void>(socket ? (*socket)->set_option(option, value) : Result<>(socket.error()));
}

Call<OptionValue> Process::get_option(Fd fd, SocketOption option) {
  const auto socket = socket_of(fd);
  if (!socket) return call<OptionValue>(socket.error());
  return call<OptionValue>((*socket)->get_option(option));
}

Result<SockAddr> Process::local_name(Fd fd) const { return TRY(socket_of(fd))->local_name(); }
Result<SockAddr> Process::peer_name(Fd fd) const { return TRY(socket_of(fd))->peer_name(); }
std::vector<SocketInfo> Process::sockets() const { return machine_.sockets(); }

// --- the machine and its stack -----------------------------------------------------------------

Result<> Process::request(Request& request) { return machine_.vnet().request(request); }
Result<std::string> Process::sysctl(const std::string& name) const { return machine_.sysctl(name); }
Result<> Process::set_sysctl(const std::string& name, const std::string& value) {
  return machine_.set_sysctl(name, value);
}
std::vector<SysctlInfo> Process::sysctls(const std::string& prefix) const {
  return machine_.sysctls(prefix);
}
std::vector<CounterLine> Process::counters() const { return machine_.vnet().counters(); }
Table Process::table(const std::string& name) const { return machine_.table(name); }
std::string Process::hostname() const { return machine_.hostname(); }
void Process::set_hostname(const std::string& name) { machine_.set_hostname(name); }
std::optional<Ipv4Address> Process::resolve(const std::string& name) const {
  return machine_.resolve(name);
}
std::string Process::log_text() const { return machine_.log_text(); }

}  // namespace stackyard
