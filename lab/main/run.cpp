// lab/main/run.cpp - `stackyard run` and `stackyard validate`.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/trace/connection_trace.h"
#include "lab/main/commands.h"
#include "lab/main/load.h"
#include "lab/run/doors.h"
#include "lab/run/journal.h"
#include "lab/run/pacer.h"
#include "lab/run/report.h"
#include "lab/spec/problems.h"
#include "lab/spec/reader.h"

namespace stackyard {

namespace {

using Clock = std::chrono::steady_clock;

// Simulated time, speed and progress: on a terminal in place, in a pipe nothing.
class Progress {
 public:
  explicit Progress(SimTime end) : end_(end), shown_(isatty(STDERR_FILENO)) {}
  ~Progress() { clear(); }
  void update(SimTime now) {
    const auto wall = Clock::now();
    if (!shown_ || wall - last_ < std::chrono::milliseconds(200)) return;
    last_ = wall;
    const double elapsed = std::chrono::duration<double>(wall - start_).count();
    const double speed = elapsed > 0 ? double(now.ns()) / 1e9 / elapsed : 0;
    std::fprintf(stderr, "\r\033[K%s of %s  %d%%  %.1fx real time", seconds_text(now).c_str(),
                 short_text(end_).c_str(), int(now.ns() / std::max<int64_t>(end_.ns() / 100, 1)),
                 speed);
    std::fflush(stderr);
    dirty_ = true;
  }
  void clear() {
    if (dirty_) std::fputs("\r\033[K", stderr);
    dirty_ = false;
  }

 private:
  SimTime end_;
  bool shown_, dirty_ = false;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

// How `run` goes: as fast as possible, or by the real clock, with the lab's doors.
class Runner {
 public:
  Runner(Session& session, Progress& progress) : session_(session), progress_(progress) {}
  // What went wrong, or empty.
  std::string open(const RunArguments& arguments, const LabSource& source) {
    if (std::string wrong = doors_.open(session_.lab()); !wrong.empty()) return wrong;
    if (arguments.journal.empty()) return "";
    journal_.open(arguments.journal, std::ios::binary);
    journal_ << journal_head(source, session_.lab().simulation().seed()).dump() << '\n';
    return journal_ ? "" : arguments.journal + ": cannot be written";
  }
  void run(const WorkerOptions& pace) {
    if (pace.pace == Pace::paced) run_paced(pace.speed_nano);
    while (session_.run_some()) progress_.update(session_.now());
    if (!journal_.is_open()) return;
    journal_ << journal_end(session_.now()).dump() << '\n';
    journal_.close();
  }
  bool journal_written() const { return !journal_.fail(); }

 private:
  void run_paced(int64_t speed_nano) {
    constexpr std::chrono::nanoseconds look = std::chrono::milliseconds(5);
    Simulation& simulation = session_.lab().simulation();
    Pacer pacer;
    pacer.restart(simulation.reached(), speed_nano);
    for (;;) {
      const SimTime target = pacer.target(simulation.reached());
      if (target >= session_.end_time() || simulation.stopped()) return;
      session_.advance(target);
      if (const auto frames = doors_.take(); !frames.empty()) let_in(frames);
      progress_.update(session_.now());
      doors_.wait({}, std::min(look, pacer.until(simulation.next_time())));
    }
  }
  void let_in(const std::vector<DoorFrame>& frames) {
    Lab& lab = session_.lab();
    if (journal_.is_open())
      journal_ << journal_input(session_.next_instant(), 0, frames_message(lab.spec(), frames))
               << '\n';
    session_.at_once([&] { enter(lab, frames); });
  }

  Session& session_;
  Progress& progress_;
  Doors doors_;
  std::ofstream journal_;
};

// The file's pace, or the one that was asked for; a lab with doors never goes faster than the
// world outside. Nothing, once it has said why, when that cannot be.
std::optional<WorkerOptions> pace_of(const LabSpec& spec, const std::string& asked) {
  const std::string in_file = spec.has_doors() && spec.pace == "fast" ? "1x" : spec.pace;
  const std::string& word = asked.empty() ? in_file : asked;
  const auto pace = parse_pace(word);
  const char* why = !pace || pace->pace == Pace::paused || pace->pace == Pace::lockstep
                        ? "write fast, or a number and x: 2x"
                        : pace_refused(spec, *pace);
  if (!why) return pace;
  std::fprintf(stderr, "--pace %s: %s\n", word.c_str(), why);
  return std::nullopt;
}

}  // namespace

int run_command(const RunArguments& arguments) {
  auto loaded = load_lab(arguments.lab, arguments.set);
  if (!loaded) return exit_status::invalid;
  LabSpec* const spec = &loaded->spec;
  SessionOptions options;
  options.out = arguments.out;
  options.trace = !arguments.trace.empty();
  options.lab.partitions = arguments.partitions;
  options.lab.shuffle_seed = arguments.shuffle;
  if (!arguments.seed.empty()) options.lab.seed = uint64_t(parse_int(arguments.seed).value_or(1));
  if (!arguments.until.empty()) {
    options.until = parse_duration(arguments.until);
    if (!options.until) {
      std::fprintf(stderr, "--until: \"%s\" is not a duration\n", arguments.until.c_str());
      return exit_status::invalid;
    }
  }
  const auto pace = pace_of(*spec, arguments.pace);
  if (!pace) return exit_status::invalid;
  Session session(std::move(*spec), options);
  const LabSpec& names = session.lab().spec();
  std::ofstream connections;
  ConnectionTrace connection_trace(
      [&](NodeId node) { return session.lab().simulation().node_name(node); },
      [&](std::string_view line) { connections << line; });
  if (!arguments.tcp_trace.empty()) {
    connections.open(arguments.tcp_trace, std::ios::binary);
    connections << ConnectionTrace::head();
    session.lab().add_observer(&connection_trace);
    session.lab().want_connections(true);
  }
  Progress progress(session.end_time());
  std::vector<OutputLine> output;
  session.on_output = [&](const OutputLine& line) {
    if (arguments.json) {
      output.push_back(line);
      return;
    }
    progress.clear();
    std::printf("%s %s: %s\n", seconds_text(line.time).c_str(), names.nodes[line.node].name.c_str(),
                line.text.c_str());
  };
  Runner runner(session, progress);
  std::string wrong = session.open();
  if (wrong.empty()) wrong = runner.open(arguments, loaded->source);
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    return exit_status::run_failed;
  }
  runner.run(*pace);
  progress.clear();
  if (arguments.json)
    std::fputs(report_json(session, output).c_str(), stdout);
  else
    std::fputs(report_text(session, names).c_str(), stdout);
  bool written = runner.journal_written();
  if (!arguments.junit.empty()) written &= write_file(arguments.junit, report_junit(session));
  if (connections.is_open()) {
    connections.close();
    written &= !connections.fail();
  } else if (!arguments.tcp_trace.empty()) {
    std::fprintf(stderr, "%s: cannot be written\n", arguments.tcp_trace.c_str());
    written = false;
  }
  if (!arguments.trace.empty()) written &= write_file(arguments.trace, session.trace()->text());
  if (const std::string failure = session.failure(); !failure.empty()) {
    std::fprintf(stderr, "%s\n", failure.c_str());
    return exit_status::run_failed;
  }
  if (!written) return exit_status::run_failed;
  return session.checks_passed() ? exit_status::passed : exit_status::check_failed;
}

int validate_command(const std::vector<std::string>& labs, bool addresses,
                     const std::vector<std::string>& set) {
  bool all = true;
  for (const std::string& path : labs) {
    const auto lab = load_lab(path, set);
    all &= lab.has_value();
    if (lab && addresses)
      std::fputs(addresses_text(lab->spec).c_str(), stdout);
    else if (lab)
      std::printf("%s: ok\n", path.c_str());
  }
  return all ? exit_status::passed : exit_status::invalid;
}

}  // namespace stackyard
