// lab/run/worker_time.cpp - how far a served session goes: pauses, speeds, steps, goals, lockstep.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "lab/run/worker.h"
#include "lab/spec/problems.h"
#include "lab/spec/reader.h"

namespace stackyard {

namespace {

constexpr uint64_t slice_events = 50'000;  // between two looks at the link
constexpr SimTime patience = 3600_s;       // with a session or a link on which nothing happens
constexpr SimTime condition_grid = 1_ms;
constexpr SimTime chunk = 1_ms;  // behind the next event, at a time

}  // namespace

std::optional<WorkerOptions> parse_pace(const std::string& word) {
  if (word == "paused") return WorkerOptions{.pace = Pace::paused};
  if (word == "fast") return WorkerOptions{.pace = Pace::fast};
  if (word == "lockstep") return WorkerOptions{.pace = Pace::lockstep};
  if (!word.ends_with('x')) return std::nullopt;
  const auto speed = parse_decimal_nano(word.substr(0, word.size() - 1));
  if (!speed || *speed <= 0 || *speed > 1'000'000'000'000'000) return std::nullopt;
  return WorkerOptions{.pace = Pace::paced, .speed_nano = *speed};
}

std::string to_text(const WorkerOptions& pace) {
  constexpr const char* names[] = {"paused", "paced", "fast", "lockstep"};
  if (pace.pace != Pace::paced) return names[size_t(pace.pace)];
  std::string speed = seconds_text(SimTime(pace.speed_nano));
  speed.erase(speed.find_last_not_of('0') + 1);
  if (speed.ends_with('.')) speed.pop_back();
  return speed + "x";
}

const char* pace_refused(const LabSpec& spec, const WorkerOptions& pace) {
  const bool by_the_clock = pace.pace == Pace::paced || pace.pace == Pace::paused;
  return by_the_clock || !spec.has_doors() ? nullptr
                                           : "a lab with doors goes by the real clock: use 1x";
}

// True when there is more to do at once.
bool Worker::advance() {
  Simulation& simulation = session_.lab().simulation();
  if (simulation.stopped()) {
    if (pace_.pace != Pace::paused) set_pace({.pace = Pace::paused});
    return false;
  }
  if (goal_ && goal_->frames) {
    run_events(goal_->time, 1);
    if (goal_ && subscriptions_->frames_passed() > *goal_->frames) end_goal("packet");
    if (goal_ && simulation.next_time() > goal_->time) end_goal("idle");
    return goal_.has_value();
  }
  switch (pace_.pace) {
    case Pace::paused:
      return false;
    case Pace::paced:
      return advance_paced();
    case Pace::lockstep:
      advance_lockstep();
      return granted_;
    case Pace::fast:
      break;
  }
  if (simulation.next_time() == SimTime::max()) {
    if (goal_) end_goal("idle");
    return false;
  }
  run_events(SimTime::max(), slice_events);
  return true;
}

void Worker::run_events(SimTime limit, uint64_t budget) {
  Simulation& simulation = session_.lab().simulation();
  const uint64_t last = simulation.events_run() + budget;
  shown_ = false;
  const SimTime furthest = std::min(limit, SimTime::max() - 1_s);
  while (simulation.events_run() < last && !shown_ && !simulation.stopped()) {
    const SimTime next = simulation.next_time();
    if (next > furthest) return;
    const SimTime end = std::min(furthest, next + chunk);
    session_.advance(budget == 1 ? next : end, last - simulation.events_run());
  }
}

bool Worker::advance_paced() {
  Simulation& simulation = session_.lab().simulation();
  const SimTime target = pacer_.target(simulation.reached());
  if (target <= simulation.reached()) return false;
  session_.advance(target, slice_events);
  return simulation.reached() < target && simulation.next_time() <= target;
}

void Worker::delivered() {
  shown_ = true;
  quiet_since_ = session_.lab().simulation().reached();
  if (pace_.pace == Pace::lockstep) session_.lab().simulation().interrupt();
}

// Runs up to the first event that shows a client something, and tells the supervisor.
void Worker::advance_lockstep() {
  if (!granted_) return;
  Simulation& simulation = session_.lab().simulation();
  const SimTime last = quiet_since_ + patience;
  const SimTime limit = std::min(grant_limit_, last);
  run_events(limit, slice_events);
  const bool nothing_left = simulation.next_time() == SimTime::max();
  const char* why = nullptr;
  if (shown_)
    why = "shown";
  else if (nothing_left || simulation.next_time() > last)
    why = "idle";
  else if (simulation.next_time() > limit || simulation.stopped())
    why = "limit";
  if (!why) return;
  // The real clock has gone so far.
  if (why == std::string_view("limit") && simulation.reached() < limit) session_.advance(limit);
  granted_ = false;
  notify(0, "stood", {{"why", why}, {"time", simulation.reached().ns()}});
}

// The supervisor lets a lockstep session go on, `at_most` nanoseconds if it says so.
Json Worker::go(uint32_t client, const Json& params) {
  if (client != 0) throw RequestError{1, "only the supervisor's"};
  granted_ = true;
  grant_limit_ = SimTime::max() - 1_s;
  if (params.contains("at_most"))
    grant_limit_ = session_.lab().simulation().reached() +
                   SimTime(std::max<int64_t>(1, params["at_most"].get<int64_t>()));
  return Json::object();
}

// --- control by clients ------------------------------------------------------------------------

Json Worker::time_state() {
  return {{"time", session_.lab().simulation().reached().ns()},
          {"pace", to_text(pace_)},
          {"lag", pacer_.lag()},
          {"events_run", session_.lab().simulation().events_run()},
          {"running", pace_.pace != Pace::paused || goal_.has_value()}};
}

void Worker::set_pace(WorkerOptions pace) {
  pace_ = pace;
  goal_.reset();
  granted_ = false;
  pacer_.restart(session_.lab().simulation().reached(), pace.speed_nano);
  notify(0, "pace", {{"pace", to_text(pace_)}});
  subscriptions_->time_changed(time_state());
}

void Worker::end_goal(const char* why) {
  const uint32_t client = goal_->client;
  shown_ = true;
  set_pace(WorkerOptions(goal_->before));
  Json state = time_state();
  state["why"] = why;
  notify(client, "time.stopped", std::move(state));
}

// Looks on the grid whether the condition has come true.
void Worker::watch_goal() {
  Simulation& simulation = session_.lab().simulation();
  const SimTime next = condition_grid * (simulation.reached() / condition_grid + 1);
  simulation.at_barrier(next, EventKind::observation, [this] {
    if (!goal_ || !goal_->condition) return;
    session_.lab().drain();
    if (!session_.condition_holds(*goal_->condition, goal_->counter)) return watch_goal();
    session_.lab().simulation().interrupt();
    end_goal("condition");
  });
}

Json Worker::time_get(uint32_t, const Json&) { return time_state(); }

Json Worker::time_pause(uint32_t, const Json&) {
  set_pace({.pace = Pace::paused});
  return time_state();
}

Json Worker::time_pace(uint32_t, const Json& params) {
  const auto pace = parse_pace(params.at("pace").get<std::string>());
  if (!pace) throw RequestError{1, "a pace is paused, fast, lockstep or a number and x: 2x"};
  refuse_pace(*pace);
  set_pace(*pace);
  return time_state();
}

void Worker::refuse_pace(const WorkerOptions& pace) {
  if (const char* why = pace_refused(session_.lab().spec(), pace)) throw RequestError{1, why};
}

namespace {

SimTime duration_of(const Json& word) {
  if (word.is_number_integer()) return SimTime(word.get<int64_t>());
  const auto duration = parse_duration(word.get<std::string>());
  if (!duration) throw RequestError{1, "\"" + word.get<std::string>() + "\" is not a duration"};
  return *duration;
}

}  // namespace

// {"for": "5s"}, {"until": "12s"}, {"when": "{link: l1, up: false}"}, or several of them: the first
// that comes true ends it. {}: until it is paused. As fast as it goes, or at `pace`.
Json Worker::time_run(uint32_t client, const Json& params) {
  Simulation& simulation = session_.lab().simulation();
  Goal goal{.condition = {}, .frames = {}, .before = pace_, .client = client};
  if (params.contains("for")) goal.time = simulation.reached() + duration_of(params["for"]);
  if (params.contains("until")) goal.time = std::min(goal.time, duration_of(params["until"]));
  if (params.contains("when")) {
    Problems problems;
    goal.condition =
        read_condition(session_.lab().spec(), params["when"].get<std::string>(), problems);
    if (!goal.condition) throw RequestError{1, std::string(trim(problems.text("when")))};
    goal.counter = session_.watch(*goal.condition);
  }
  if (goal.time != SimTime::max() && goal.time <= simulation.reached())
    throw RequestError{1, "that time has passed"};
  const bool ends = goal.time != SimTime::max() || goal.condition;
  const auto pace = parse_pace(params.value("pace", doors_.any() ? "1x" : "fast"));
  if (!pace) throw RequestError{1, "a pace is fast, or a number and x: 2x"};
  refuse_pace(*pace);
  set_pace(*pace);
  if (!ends) return time_state();
  goal_ = goal;
  if (goal.time != SimTime::max())
    simulation.at_barrier(goal.time, EventKind::observation, [this, when = goal.time] {
      if (!goal_ || goal_->time != when) return;
      session_.lab().simulation().interrupt();
      end_goal("time");
    });
  if (goal.condition) watch_goal();
  return time_state();
}

Json Worker::time_step(uint32_t, const Json& params) {
  set_pace({.pace = Pace::paused});
  Simulation& simulation = session_.lab().simulation();
  const uint64_t before = simulation.events_run();
  for (uint64_t n = params.value("events", uint64_t(1)); n > 0; --n) run_events(SimTime::max(), 1);
  Json state = time_state();
  state["events"] = simulation.events_run() - before;
  return state;
}

// Runs until a frame has passed somewhere.
Json Worker::time_step_packet(uint32_t client, const Json&) {
  const WorkerOptions paused{.pace = Pace::paused};
  set_pace(paused);
  goal_ = Goal{.time = session_.lab().simulation().reached() + patience,
               .condition = {},
               .frames = subscriptions_->frames_passed(),
               .before = paused,
               .client = client};
  return time_state();
}

}  // namespace stackyard
