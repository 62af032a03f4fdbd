#include "lab/client/remote_command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "lab/client/local_files.h"
#include "lab/client/outside.h"

namespace stackyard {

namespace {

constexpr int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT};
constexpr size_t chunk = 4096;  // a writable pipe takes so much without blocking

// As long as it lives, signals are read from a descriptor.
class SignalReader {
 public:
  SignalReader() {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    for (int number : forwarded) {
      struct sigaction before {};
      sigaction(number, nullptr, &before);
      if (before.sa_handler == SIG_IGN) ignored_.push_back(sigabbrev_np(number));
      sigaddset(&wanted, number);
    }
    sigprocmask(SIG_BLOCK, &wanted, &before_);
    std::signal(SIGPIPE, SIG_IGN);
    fd_ = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  ~SignalReader() {
    close(fd_);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalReader(const SignalReader&) = delete;
  int fd() const { return fd_; }
  // A shell's background jobs ignore SIGINT; so does what they stand for, until it catches it.
  const std::vector<std::string>& ignored() const { return ignored_; }
  // 0: none has come.
  int next() {
    signalfd_siginfo got;
    return read(fd_, &got, sizeof got) == sizeof got ? int(got.ssi_signo) : 0;
  }

 private:
  sigset_t before_;
  int fd_;
  std::vector<std::string> ignored_;
};

[[noreturn]] void die_by(int number) {
  std::signal(number, SIG_DFL);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_UNBLOCK, &all, nullptr);
  raise(number);
  _exit(128 + number);
}

int number_of(const std::string& name) {
  for (int number = 1; number < NSIG; ++number)
    if (const char* known = sigabbrev_np(number); known && name == known) return number;
  return SIGKILL;
}

class RemoteRun {
 public:
  explicit RemoteRun(Connection& connection) : connection_(connection) {}

  int run(const RemoteCommand& command) {
    name_ = command.args[0];
    char folder[4096];
    Json params{{"at", command.at},
                {"args", command.args},
                {"fib", command.fib},
                {"own_files", command.own_files},
                {"ignored", signals_.ignored()}};
    if (command.own_files && getcwd(folder, sizeof folder)) params["folder"] = folder;
    std::string error;
    if (!connection_.call("process.start", params, error)) {
      std::fprintf(stderr, "%s\n",
                   error.find(": ") != error.npos ? error.c_str() : (name_ + ": " + error).c_str());
      return 1;
    }
    while (!ended_) step();
    const int number = outside_.killed_by() ? outside_.killed_by() : killed_by_;
    if (number && command.die_with_it) die_by(number);
    return number ? 128 + number : status_;
  }

 private:
  void step() {
    while (!ended_)
      if (const auto message = connection_.next(0))
        handle(*message);
      else
        break;
    if (connection_.lost()) {
      outside_.kill();
      die_by(SIGKILL);
    }
    if (ended_) return;
    std::array<pollfd, 5> items{
        {{connection_.channel().fd(),
          short(POLLIN | (connection_.channel().unsent() ? POLLOUT : 0)), 0},
         {signals_.fd(), POLLIN, 0},
         {wants_input_ ? STDIN_FILENO : -1, POLLIN, 0},
         {output_[0].empty() ? -1 : STDOUT_FILENO, POLLOUT, 0},
         {output_[1].empty() ? -1 : STDERR_FILENO, POLLOUT, 0}}};
    poll(items.data(), items.size(), -1);
    connection_.channel().flush();
    forward_signals();
    if (items[2].revents) read_input();
    for (size_t stream : {0, 1})
      if (items[3 + stream].revents) write_output(stream);
  }

  void handle(const Json& message) {
    const std::string method = message.value("method", "");
    const Json params = message.value("params", Json::object());
    if (method == "process.output") {
      const size_t stream = params.at("stream").get<size_t>() - 1;
      output_.at(stream) += from_base64(params.at("data").get<std::string>()).value_or("");
    } else if (method == "process.want_input") {
      wants_input_ = true;
    } else if (method == "process.exit") {
      ended_ = true;
      status_ = params.at("status").get<int>();
      if (params.contains("signal")) killed_by_ = number_of(params["signal"].get<std::string>());
      if (killed_by_) outside_.kill();
    } else if (method == "process.idle") {
      std::fprintf(stderr, "%s: killed: the lab is quiet, and nothing would wake it\n",
                   name_.c_str());
    } else if (method == "process.detach") {
      detach();
    } else if (method == "process.run_outside") {
      Outside::Context context{params.value("place", ""), params.value("fib", 0)};
      context.environment = params.value("environment", context.environment);
      outside_.start(params.at("args").get<std::vector<std::string>>(), context, name_);
    } else if (method == "sync") {
      settle();
      respond(message, Json::object());
    } else if (method.starts_with("file.")) {
      const Json answer = files_.handle(method, params);
      if (answer.contains("error"))
        connection_.channel().send(
            {{"jsonrpc", "2.0"}, {"id", message.at("id")}, {"error", answer["error"]}});
      else
        respond(message, answer);
    }
  }

  void respond(const Json& message, const Json& result) {
    connection_.channel().send({{"jsonrpc", "2.0"}, {"id", message.at("id")}, {"result", result}});
  }

  static bool ready(int fd, short events) {
    pollfd item{fd, events, 0};
    return poll(&item, 1, 0) > 0;
  }

  // All that can be done now: signals forwarded, output written or blocked, input passed on.
  void settle() {
    forward_signals();
    for (size_t stream : {0, 1})
      while (!output_[stream].empty() &&
             ready(stream == 0 ? STDOUT_FILENO : STDERR_FILENO, POLLOUT))
        write_output(stream);
    if (wants_input_ && ready(STDIN_FILENO, POLLIN)) read_input();
  }

  void forward_signals() {
    while (const int number = signals_.next()) {
      if (number == SIGCHLD) {
        if (const auto status = outside_.reap())
          connection_.notify("process.ended_outside", {{"status", *status}});
        continue;
      }
      if (outside_.forward(number)) continue;
      connection_.notify("process.signal", {{"signal", sigabbrev_np(number)}});
      if (number == SIGTSTP) raise(SIGSTOP);
    }
  }

  void read_input() {
    std::array<char, 65536> octets;
    const ssize_t got = read(STDIN_FILENO, octets.data(), octets.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    wants_input_ = false;
    const std::string_view part(octets.data(), got > 0 ? size_t(got) : 0);
    connection_.notify("process.input", {{"data", to_base64(part)}, {"end", got <= 0}});
  }

  void write_output(size_t stream) {
    std::string& pending = output_[stream];
    const int fd = stream == 0 ? STDOUT_FILENO : STDERR_FILENO;
    const ssize_t written = write(fd, pending.data(), std::min(pending.size(), chunk));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (written < 0) {
      connection_.notify("process.close", {{"stream", stream + 1}});
      pending.clear();
      return;
    }
    pending.erase(0, size_t(written));
    connection_.notify("process.ack", {{"stream", stream + 1}, {"octets", written}});
  }

  // daemon(3): the child keeps the connection, and stands for the process from now on.
  void detach() {
    for (size_t stream : {0, 1})
      while (!output_[stream].empty()) write_output(stream);
    while (connection_.channel().unsent()) {
      pollfd item{connection_.channel().fd(), POLLOUT, 0};
      poll(&item, 1, -1);
      connection_.channel().flush();
    }
    const pid_t child = fork();
    if (child > 0) _exit(0);
    setsid();
    const int null = open("/dev/null", O_RDWR);
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
    if (null > STDERR_FILENO) close(null);
    connection_.notify("process.detached", {{"pid", getpid()}});
  }

  Connection& connection_;
  std::string name_;
  std::array<std::string, 2> output_;
  SignalReader signals_;
  LocalFiles files_;
  Outside outside_;
  bool wants_input_ = false;
  bool ended_ = false;
  int status_ = 0;
  int killed_by_ = 0;
};

}  // namespace

int run_remote(Connection& connection, const RemoteCommand& command) {
  return RemoteRun(connection).run(command);
}

}  // namespace stackyard
