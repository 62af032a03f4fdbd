// lab/main/run.cpp - `stackyard run` and `stackyard validate`.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "core/base/text.h"
#include "lab/main/commands.h"
#include "lab/main/load.h"
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

// "2x": simulated seconds in a real one; 0: as fast as possible.
double pace_of(const std::string& pace) {
  const auto parsed = parse_pace(pace);
  return parsed && parsed->pace == Pace::paced ? double(parsed->speed_nano) / 1e9 : 0;
}

// Runs to the end; with a pace, no faster than the real clock allows.
void run_paced(Session& session, double pace, Progress& progress) {
  const auto start = Clock::now();
  for (;;) {
    if (pace > 0) {
      const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
      const SimTime allowed(int64_t(elapsed * pace * 1e9));
      if (allowed < session.end_time()) {
        session.advance(std::max(allowed, session.now()));
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        progress.update(session.now());
        continue;
      }
    }
    if (!session.run_some()) return;
    progress.update(session.now());
  }
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
  const double pace = pace_of(arguments.pace.empty() ? spec->pace : arguments.pace);
  Session session(std::move(*spec), options);
  const LabSpec& names = session.lab().spec();
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
  if (const std::string wrong = session.open(); !wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    return exit_status::run_failed;
  }
  run_paced(session, pace, progress);
  progress.clear();
  if (arguments.json)
    std::fputs(report_json(session, output).c_str(), stdout);
  else
    std::fputs(report_text(session, names).c_str(), stdout);
  bool written = true;
  if (!arguments.junit.empty()) written &= write_file(arguments.junit, report_junit(session));
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
