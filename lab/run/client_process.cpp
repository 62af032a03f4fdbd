#include "lab/run/client_process.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "lab/catalog/catalog.h"
#include "lab/run/worker.h"

namespace stackyard {

// --- streams -----------------------------------------------------------------------------------

class ClientProcess::Output final : public OpenFile {
 public:
  // `shows`: the client's side of it is one that time stands still for.
  Output(Worker& worker, uint32_t client, int stream, bool shows)
      : worker_(worker), client_(client), stream_(stream), shows_(shows) {}
  Result<std::string> read(size_t) override { return std::string(); }
  Result<size_t> write(Bytes octets) override {
    if (closed_) return Errno::epipe;
    const size_t taken = std::min(octets.size(), credit - under_way_);
    if (taken == 0 && !octets.empty()) {
      worker_.delivered();  // until the client has written what is under way
      return Errno::eagain;
    }
    under_way_ += taken;
    worker_.notify(client_, "process.output",
                   {{"stream", stream_}, {"data", to_base64(text_of(octets.first(taken)))}});
    if (shows_) worker_.delivered();
    return taken;
  }
  Readiness readiness() const override {
    return {.readable = true, .writable = closed_ || under_way_ < credit};
  }
  void acknowledged(size_t octets) {
    under_way_ -= std::min(octets, under_way_);
    wake_waiters();
  }
  void close() {
    closed_ = true;
    under_way_ = 0;
    wake_waiters();
  }
  bool empty() const { return under_way_ == 0; }

 private:
  Worker& worker_;
  uint32_t client_;
  int stream_;
  bool shows_;
  size_t under_way_ = 0;
  bool closed_ = false;
};

// Asks the client for input only when a process waits for it: a loop's other commands read on.
class ClientProcess::Input final : public OpenFile {
 public:
  Input(Worker& worker, uint32_t client) : worker_(worker), client_(client) {}
  Result<std::string> read(size_t max) override {
    if (pending_.empty() && !ended_) return Errno::eagain;
    std::string octets = pending_.substr(0, max);
    pending_.erase(0, octets.size());
    return octets;
  }
  Result<size_t> write(Bytes) override { return Errno::ebadf; }
  Readiness readiness() const override {
    return {.readable = ended_ || !pending_.empty(), .writable = false};
  }
  void feed(const std::string& octets, bool end) {
    asked_ = false;
    pending_ += octets;
    ended_ |= end;
    wake_waiters();
  }

 protected:
  void waited_for() override {
    if (asked_ || ended_ || !pending_.empty()) return;
    asked_ = true;
    worker_.notify(client_, "process.want_input", {{"octets", credit}});
    worker_.delivered();
  }

 private:
  Worker& worker_;
  uint32_t client_;
  std::string pending_;
  bool ended_ = false, asked_ = false;
};

// --- the client's own files --------------------------------------------------------------------

// What files of a process ask of its client, as long as both live.
class ClientFiles {
 public:
  ClientFiles(Worker& worker, uint32_t client) : worker_(&worker), client_(client) {}
  // Whether time stands still for the request.
  enum class Shows { yes, no };
  // `file` may be null: nobody wants to know the answer.
  void ask(const char* method, Json params, ClientFile* file, Shows shows = Shows::yes);
  void forget(const ClientFile& file) {
    std::erase_if(waiting_, [&](const auto& entry) { return entry.second == &file; });
  }
  void answer(uint64_t id, const Json& response);
  void client_gone();

 private:
  Worker* worker_;
  uint32_t client_;
  uint64_t last_ = 0;
  std::map<uint64_t, ClientFile*> waiting_;  // null: nobody wants to know
};

class ClientFile final : public OpenFile {
 public:
  static constexpr size_t unwritten_max = 256 * 1024;

  ClientFile(std::shared_ptr<ClientFiles> files, const std::string& path, OpenMode mode)
      : files_(std::move(files)) {
    constexpr const char* modes[] = {"read", "write", "append", "read_write"};
    files_->ask("file.open", {{"path", path}, {"mode", modes[size_t(mode)]}}, this);
  }
  ~ClientFile() override {
    if (handle_) files_->ask("file.close", {{"handle", *handle_}}, nullptr);
    files_->forget(*this);
  }

  Result<> opened() const override {
    if (handle_) return {};
    return error_ == Errno::ok ? Errno::eagain : error_;
  }
  Result<std::string> read(size_t max) override {
    if (!pending_.empty()) {
      std::string octets = pending_.substr(0, max);
      pending_.erase(0, octets.size());
      return octets;
    }
    if (error_ != Errno::ok) return error_;
    if (std::exchange(at_end_, false)) return std::string();
    if (!std::exchange(reading_, true))
      files_->ask("file.read", {{"handle", *handle_}, {"octets", ClientProcess::credit}}, this);
    return Errno::eagain;
  }
  Result<size_t> write(Bytes octets) override {
    if (error_ != Errno::ok) return error_;
    if (unwritten_ >= unwritten_max) return Errno::eagain;
    const Bytes taken = octets.first(std::min(octets.size(), ClientProcess::credit));
    unwritten_ += taken.size();
    files_->ask("file.write", {{"handle", *handle_}, {"data", to_base64(text_of(taken))}}, this,
                ClientFiles::Shows::no);
    return taken.size();
  }
  Readiness readiness() const override { return {.readable = true, .writable = true}; }

  // What the client says to any of the above.
  void answered(const Json& response) {
    if (!response.contains("result")) {
      const Json error = response.value("error", Json::object());
      fail(Errno(error.value("code", int(Errno::eio))));
      return;
    }
    const Json& result = response["result"];
    if (result.contains("handle")) handle_ = result.value("handle", 0);
    if (result.contains("written")) {
      unwritten_ -= std::min(unwritten_, result.value("written", size_t(0)));
    } else if (result.contains("data")) {
      reading_ = false;
      pending_ = from_base64(result.value("data", "")).value_or("");
      at_end_ = pending_.empty();
    }
    wake_waiters();
  }
  void fail(Errno error) {
    error_ = error;
    wake_waiters();
  }

 private:
  std::shared_ptr<ClientFiles> files_;
  std::optional<int> handle_;
  Errno error_ = Errno::ok;
  std::string pending_;
  size_t unwritten_ = 0;
  bool reading_ = false, at_end_ = false;
};

void ClientFiles::ask(const char* method, Json params, ClientFile* file, Shows shows) {
  if (!worker_) return;
  waiting_[++last_] = file;
  worker_->ask(client_, last_, method, std::move(params));
  if (shows == Shows::yes) worker_->delivered();
}

void ClientFiles::answer(uint64_t id, const Json& response) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  ClientFile* const file = found->second;
  waiting_.erase(found);
  if (file) file->answered(response);
}

void ClientFiles::client_gone() {
  worker_ = nullptr;
  for (const auto& [id, file] : std::exchange(waiting_, {}))
    if (file) file->fail(Errno::eio);
}

// --- what a shim does for its process ----------------------------------------------------------

class ClientProcess::Client final : public ProcessClient {
 public:
  Client(Worker& worker, uint32_t client, const std::string& machine)
      : worker_(worker),
        client_(client),
        machine_(machine),
        files_(std::make_shared<ClientFiles>(worker, client)) {}

  bool owns(const std::string& path) const override {
    const auto below = [&](std::string_view folder) {
      return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
    };
    return !below("/etc") && !below("/dev");
  }
  std::shared_ptr<OpenFile> open(const std::string& path, OpenMode mode) override {
    return std::make_shared<ClientFile>(files_, path, mode);
  }
  void remove(const std::string& path) override {
    files_->ask("file.remove", {{"path", path}}, nullptr);
  }
  bool runs(const std::string& command) const override {
    const std::string base = command.substr(command.rfind('/') + 1);
    for (const std::string& shim : shim_names())
      if (shim == base) return false;
    return true;
  }
  std::shared_ptr<Answer> run(const Args& args, const OutsideContext& context) override {
    outside_ = std::make_shared<Answer>();
    std::string place = context.jail.empty() ? machine_ : machine_ + "/" + context.jail;
    std::replace(place.begin() + long(machine_.size()), place.end(), '.', '/');
    worker_.notify(client_, "process.run_outside",
                   {{"args", args},
                    {"place", place},
                    {"fib", context.fib},
                    {"environment", context.environment}});
    worker_.delivered();
    return outside_;
  }
  std::shared_ptr<Answer> detach() override {
    detached_ = std::make_shared<Answer>();
    worker_.notify(client_, "process.detach", Json::object());
    worker_.delivered();
    return detached_;
  }

  void ended_outside(int status) {
    if (outside_) std::exchange(outside_, {})->give(status);
  }
  bool detaching() const { return detached_ != nullptr; }
  void detached(Pid pid) {
    if (detached_) detached_->give(pid);
  }
  void detach_done() { detached_ = {}; }
  ClientFiles& files() { return *files_; }

 private:
  Worker& worker_;
  uint32_t client_;
  std::string machine_;
  std::shared_ptr<ClientFiles> files_;
  std::shared_ptr<Answer> outside_, detached_;
};

// --- the process -------------------------------------------------------------------------------

ClientProcess::ClientProcess(Worker& worker, uint32_t client, const Start& start)
    : worker_(worker), client_(client), machine_(*start.machine) {
  input_ = std::make_shared<Input>(worker, client);
  for (size_t i = 0; i < 2; ++i)
    outputs_[i] = std::make_shared<Output>(worker, client, int(i) + 1, start.shows[i]);
  RunRequest request;
  request.args = start.args;
  request.input = input_;
  request.output = outputs_[0];
  request.errors = outputs_[1];
  request.jail = start.jail;
  request.fib = start.fib;
  request.folder = start.folder;
  request.pid = start.pid;
  request.delay = 2_ms;  // loops around commands make progress
  request.on_exit = [this](int) { ended(); };
  if (start.own_files) {
    outside_ = std::make_shared<Client>(worker, client, start.machine_name);
    request.client = outside_;
  }
  if (!machine_.find_command(start.args[0])) {
    const std::string words = text("{}: command not found\n", start.args[0]);
    request.program = [words](Sys& sys, Args) -> Task<int> {
      co_await sys.print_error(words);
      co_return 127;
    };
  }
  process_ = &machine_.run(std::move(request));
  for (Signal each : start.ignored) process_->set_signal(each, SignalAction::ignore);
}

ClientProcess::~ClientProcess() {
  if (process_) process_->on_exit = nullptr;
  if (outside_) outside_->files().client_gone();
}

Pid ClientProcess::pid() const { return process_ ? process_->pid() : 0; }

void ClientProcess::ended() {
  if (outside_ && outside_->detaching()) {
    // This was daemon(3)'s parent; the client holds the child from now on.
    outside_->detach_done();
    process_->on_exit = [this](int) { ended(); };
    return;
  }
  status_ = process_->status();
  killed_by_ = process_->killed_by();
  process_ = nullptr;
  worker_.delivered();  // the exit waits for the acknowledgement of all output, and time for both
  tell_exit();
}

void ClientProcess::tell_exit() {
  if (process_ || told_ || !outputs_[0]->empty() || !outputs_[1]->empty()) return;
  told_ = true;
  Json params{{"status", status_}};
  if (killed_by_) params["signal"] = std::string(signal_name(*killed_by_));
  worker_.notify(client_, "process.exit", std::move(params));
}

void ClientProcess::input(std::string octets, bool end) { input_->feed(octets, end); }

// What a terminal sends goes to all that the command has started, as from a terminal.
void ClientProcess::signal(Signal signal) {
  if (!process_) return;
  const bool from_terminal =
      signal == Signal::interrupt || signal == Signal::quit || signal == Signal::tstp;
  if (!from_terminal) return process_->signal(signal);
  for (const ProcessInfo& each : machine_.processes(machine_.base()))
    if (each.group == process_->process_group()) machine_.process(each.pid)->signal(signal);
}

void ClientProcess::acknowledged(size_t stream, size_t octets) {
  outputs_[stream - 1]->acknowledged(octets);
  tell_exit();
}

void ClientProcess::closed(size_t stream) {
  outputs_[stream - 1]->close();
  tell_exit();
}

void ClientProcess::detached(Pid pid) {
  if (outside_) outside_->detached(pid);
}

void ClientProcess::ended_outside(int status) {
  if (outside_) outside_->ended_outside(status);
}

void ClientProcess::file_answer(uint64_t id, const Json& response) {
  if (outside_) outside_->files().answer(id, response);
}

void ClientProcess::kill() {
  for (const auto& output : outputs_) output->close();
  if (outside_) outside_->files().client_gone();
  signal(Signal::kill);
}

}  // namespace stackyard
