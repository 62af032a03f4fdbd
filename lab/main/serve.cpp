// lab/main/serve.cpp - `stackyard serve` and what belongs to it: `replay`, `exec`, `shims`, `gui`.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "lab/catalog/catalog.h"
#include "lab/client/remote_command.h"
#include "lab/control/server.h"
#include "lab/main/commands.h"
#include "lab/main/load.h"
#include "lab/run/worker.h"

namespace stackyard {

namespace {

// Pids of the lab's own processes begin above all that this machine can have, so that a number in a
// pid file names one process only.
constexpr Pid first_pid = 4'194'400;

SessionOptions session_options(const ServeArguments& arguments) {
  SessionOptions options;
  options.out = arguments.out;
  options.trace = !arguments.trace.empty();
  options.captures = arguments.captures;
  options.until = SimTime::max() - 1_s;
  options.lab.first_pid = first_pid;
  if (!arguments.seed.empty()) options.lab.seed = uint64_t(parse_int(arguments.seed).value_or(1));
  return options;
}

// A session for a worker that `serve` runs; the exit status.
template <class Serve>
int with_session(LoadedLab loaded, const ServeArguments& arguments, Serve serve) {
  Session session(std::move(loaded.spec), session_options(arguments));
  if (const std::string wrong = session.open(); !wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    return exit_status::run_failed;
  }
  int status = serve(session, std::move(loaded.source));
  if (session.trace() && !write_file(arguments.trace, session.trace()->text()))
    status = exit_status::run_failed;
  const std::string failure = session.failure();
  if (failure.empty()) return status;
  std::fprintf(stderr, "%s\n", failure.c_str());
  return exit_status::run_failed;
}

// The worker: the simulation, and no file but the stream to its supervisor and the lab's doors.
[[noreturn]] void work(LoadedLab loaded, const ServeArguments& arguments, WorkerOptions pace,
                       int link) {
  // Signals of the terminal are the supervisor's to deal with.
  for (int number : {SIGINT, SIGHUP}) std::signal(number, SIG_IGN);
  const int status =
      with_session(std::move(loaded), arguments, [&](Session& session, LabSource source) {
        Worker worker(session, std::move(source), link, pace);
        const std::string wrong = worker.open_doors(!arguments.journal.empty());
        if (wrong.empty()) return worker.run();
        std::fprintf(stderr, "stackyard: %s\n", wrong.c_str());
        return exit_status::run_failed;
      });
  std::fflush(nullptr);
  _exit(status);
}

}  // namespace

int serve_command(const ServeArguments& arguments) {
  auto loaded = load_lab(arguments.lab, arguments.set);
  if (!loaded) return exit_status::invalid;
  const std::string& in_file = loaded->spec.pace;
  const std::string word = !arguments.pace.empty() ? arguments.pace
                           : in_file == "fast"     ? "1x"
                                                   : in_file;
  const auto pace = parse_pace(word);
  if (!pace) {
    std::fprintf(stderr, "--pace: \"%s\" is none of 1x, 10x, lockstep, fast, paused\n",
                 word.c_str());
    return exit_status::invalid;
  }
  if (const char* why = pace_refused(loaded->spec, *pace)) {
    std::fprintf(stderr, "stackyard: %s\n", why);
    return exit_status::invalid;
  }
  if (pace->pace == Pace::paced && pace->speed_nano > 10'000'000'000)
    std::fprintf(stderr,
                 "stackyard: above 10x, starting a command costs a lot of simulated time\n");
  const std::string path = socket_path(arguments.socket);
  if (path.empty()) {
    std::fprintf(stderr, "stackyard: name a socket: --socket PATH, or STACKYARD_SOCKET\n");
    return exit_status::invalid;
  }
  std::string error;
  const int listener = listen_at(path, error);
  if (listener < 0) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return exit_status::run_failed;
  }
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return exit_status::run_failed;
  const pid_t worker = fork();
  if (worker == 0) {
    close(listener);
    close(ends[0]);
    work(std::move(*loaded), arguments, *pace, ends[1]);
  }
  close(ends[1]);
  {
    Server server(listener, path, ends[0], worker, arguments.journal);
    server.on_ready = [&] {
      if (arguments.ready_fd < 0)
        std::fprintf(stderr, "stackyard: serving at %s\n", path.c_str());
      else
        (void)!write(arguments.ready_fd, "", 1);
    };
    server.run();
  }
  int status = 0;
  waitpid(worker, &status, 0);
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  std::fprintf(stderr, "stackyard: the lab's worker died of %s\n", sigdescr_np(WTERMSIG(status)));
  return exit_status::run_failed;
}

// The lab of a journal again, without clients and clocks.
int replay_command(const std::string& journal, ServeArguments arguments) {
  std::ifstream file(journal, std::ios::binary);
  std::string line;
  const auto head = std::getline(file, line) ? parse_message(line) : std::nullopt;
  if (!head || !head->is_object() || !head->contains("lab")) {
    std::fprintf(stderr, "%s: this is not a journal\n", journal.c_str());
    return exit_status::invalid;
  }
  LabSource source{head->value("lab", ""), head->value("name", ""), {}};
  source.options.folder = head->value("folder", ".");
  const std::map<std::string, std::string> set = head->value("set", Json::object());
  source.options.set = set;
  arguments.seed = std::to_string(head->value("seed", uint64_t(1)));
  auto loaded = load_lab(std::move(source));
  if (!loaded) return exit_status::invalid;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return exit_status::run_failed;
  close(ends[1]);  // nobody listens
  return with_session(std::move(*loaded), arguments, [&](Session& session, LabSource again) {
    Worker worker(session, std::move(again), ends[0], {.pace = Pace::paused});
    if (worker.replay(file)) return exit_status::passed;
    std::fprintf(stderr, "%s: the journal breaks off\n", journal.c_str());
    return exit_status::run_failed;
  });
}

int exec_command(const std::string& socket, const std::string& at,
                 const std::vector<std::string>& command) {
  const std::string path = socket_path(socket);
  if (path.empty()) {
    std::fprintf(stderr, "stackyard: which lab? --socket PATH, or STACKYARD_SOCKET\n");
    return exit_status::invalid;
  }
  const auto connection = Connection::open(path);
  if (!connection) {
    std::fprintf(stderr, "stackyard: %s: %s\n", path.c_str(), std::strerror(errno));
    return exit_status::run_failed;
  }
  RemoteCommand wanted;
  wanted.at = at;
  wanted.args = command;
  return run_remote(*connection, wanted);
}

int shims_command(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code wrong;
  const fs::path shim = fs::read_symlink("/proc/self/exe").parent_path() / "stackyard-shim";
  fs::create_directories(folder, wrong);
  for (const std::string& name : shim_names()) {
    const fs::path link = fs::path(folder) / name;
    fs::remove(link, wrong);
    fs::create_symlink(shim, link, wrong);
    if (wrong) {
      std::fprintf(stderr, "%s: %s\n", link.c_str(), wrong.message().c_str());
      return exit_status::run_failed;
    }
  }
  return exit_status::passed;
}

int gui_command(const std::vector<std::string>& arguments) {
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::string program = here / "stackyard-gui";
  std::vector<char*> words{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  execv(program.c_str(), words.data());
  std::fprintf(stderr, "%s: %s; it is built where Qt 6 is: ./yard gui\n", program.c_str(),
               std::strerror(errno));
  return exit_status::run_failed;
}

}  // namespace stackyard
