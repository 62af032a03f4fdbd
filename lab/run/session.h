// lab/run/session.h - a running lab: time, events, checks, captures, output.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/build/lab.h"
#include "lab/run/captures.h"
#include "lab/run/predicates.h"
#include "lab/run/trace_writer.h"

namespace stackyard {

struct SessionOptions {
  LabOptions lab;
  std::optional<SimTime> until;
  std::string out = "out";  // captures go below it
  bool trace = false;       // keep a TraceWriter's text
  bool captures = true;
};

enum class Verdict { pending, pass, fail, not_reached };
const char* verdict_name(Verdict verdict);

struct CheckResult {
  const CheckSpec* spec;
  Verdict verdict = Verdict::pending;
  SimTime time;
  Evidence evidence;
};

// Output of a command of the lab, in the order of simulated time.
struct OutputLine {
  SimTime time;
  size_t node;
  std::string text;
};

class Session {
 public:
  explicit Session(LabSpec spec, SessionOptions options = {});
  ~Session();

  Lab& lab() { return lab_; }
  SimTime now() { return lab_.simulation().now(); }
  SimTime end_time() const { return end_; }
  // Opens the captures' files; the text is what went wrong, or empty. Before the run.
  std::string open();
  // Runs on for about `budget` events; false when the lab has come to its end.
  bool run_some(uint64_t budget = 200'000);
  void run_to_end();
  // Up to an instant, or about so many events.
  void advance(SimTime end, uint64_t budget = UINT64_MAX);
  // The first instant that nobody has begun; at_once() does something there, now.
  SimTime next_instant() { return lab_.simulation().reached() + 1_ns; }
  void at_once(const std::function<void()>& action);
  // Ends the run: judges what is left, writes the captures out.
  void finish();

  // For conditions that come from elsewhere than the file: the counter of a packet predicate, and
  // whether it is true now.
  size_t watch(const Condition& condition);
  bool condition_holds(const Condition& condition, size_t counter);

  const std::vector<CheckResult>& checks() const { return results_; }
  bool checks_passed() const;
  // What ended the run before its time, for the user; empty: nothing.
  std::string failure() const;
  const TraceWriter* trace() const { return trace_.get(); }
  const Captures& captures() const { return captures_; }
  std::function<void(const OutputLine&)> on_output;
  std::function<void(const CheckResult&)> on_verdict;

 private:
  struct CheckState {
    size_t counter = 0;  // of a packet predicate
    bool open = false;   // the window has begun
    bool waits_for_condition = false;
    size_t after_counter = 0;
    SimTime begin, end;
    bool attempt_runs = false;
    SimTime next_attempt;
    std::string line, output;  // of the attempt
    std::optional<int> ended;  // its exit status, until the grid has judged it
    SimTime ended_at;
    int failures = 0;  // of an unreachable: so many in a row
  };
  struct EventState {
    bool taken = false, was_true = false, primed = false;
    size_t counter = 0;
    std::unique_ptr<FrameDropper> dropper;
    std::vector<ImpairSpec> undo;
    int generation = 0;
  };

  void schedule_events();
  void schedule_repeated(size_t index, SimTime when);
  void schedule_checks();
  void schedule_grid();
  void grid();
  void take_event(size_t index);
  void take_link_event(size_t index);
  void emit(size_t node, std::string_view octets);
  void flush_output();

  void open_window(size_t index);
  void judge_passive(size_t index, bool at_end);
  void start_attempt(size_t index);
  void judge_attempt(size_t index);
  bool attempt_passed(const Predicate& predicate, int status, const std::string& output,
                      std::string& evidence) const;
  void decide(size_t index, Verdict verdict, const Evidence& evidence, SimTime when);

  SessionOptions options_;
  Lab lab_;
  SimTime end_;
  PacketCounters counters_;
  Captures captures_;
  std::unique_ptr<TraceWriter> trace_;
  std::vector<CheckResult> results_;
  std::vector<CheckState> states_;
  std::vector<EventState> event_states_;
  std::map<size_t, std::string> partial_lines_;  // output without its newline yet
  std::vector<OutputLine> output_;  // not told yet: nodes run in any order within a window
  bool grid_needed_ = false;
  bool finished_ = false;
};

}  // namespace stackyard
