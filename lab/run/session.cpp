#include "lab/run/session.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/offload/checksum_offload.h"

namespace stackyard {

namespace {
constexpr SimTime grid_step = 1_ms;  // conditions and passive predicates are judged on this grid
}

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::pending:
      return "pending";
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::not_reached:
      return "not reached";
  }
  return "?";
}

Session::Session(LabSpec spec, SessionOptions options)
    : options_(std::move(options)),
      lab_(std::move(spec), options_.lab),
      end_(options_.until.value_or(lab_.spec().end_time())),
      counters_(lab_),
      captures_(lab_) {
  lab_.exec_output = [this](size_t node, std::string_view octets) { emit(node, octets); };
  lab_.add_observer(&counters_);
  lab_.add_observer(&captures_);
  if (options_.trace) {
    trace_ = std::make_unique<TraceWriter>(lab_);
    lab_.add_observer(trace_.get());
  }
  schedule_events();
  schedule_checks();
  if (grid_needed_) schedule_grid();
}

Session::~Session() = default;

std::string Session::open() { return options_.captures ? captures_.open(options_.out) : ""; }

void Session::emit(size_t node, std::string_view octets) {
  std::string& line = partial_lines_[node];
  for (char c : octets) {
    if (c != '\n') {
      line += c;
      continue;
    }
    output_.push_back({lab_.machine(node)->site().now(), node, line});
    line.clear();
  }
}

void Session::flush_output() {
  std::stable_sort(output_.begin(), output_.end(), [](const OutputLine& a, const OutputLine& b) {
    return a.time != b.time ? a.time < b.time : a.node < b.node;
  });
  for (const OutputLine& line : std::exchange(output_, {}))
    if (on_output) on_output(line);
}

bool Session::run_some(uint64_t budget) {
  if (finished_) return false;
  advance(end_, budget);
  if (now() < end_ && !lab_.simulation().stopped()) return true;
  finish();
  return false;
}

void Session::advance(SimTime end, uint64_t budget) {
  lab_.simulation().run_until(end, budget);
  flush_output();
  if (options_.captures && !captures_.flush().empty()) lab_.simulation().stop();
}

void Session::at_once(const std::function<void()>& action) {
  Simulation& simulation = lab_.simulation();
  const SimTime when = next_instant();
  bool done = false;
  simulation.at_barrier(when, EventKind::outside, [&] {
    action();
    done = true;
  });
  while (!done && !simulation.stopped()) simulation.run_until(when);
}

void Session::run_to_end() {
  while (run_some()) {
  }
}

void Session::finish() {
  if (finished_) return;
  finished_ = true;
  for (size_t i = 0; i < results_.size(); ++i) {
    if (results_[i].verdict != Verdict::pending) continue;
    const CheckSpec& spec = *results_[i].spec;
    if (!spec.predicate.active() && (spec.time == CheckSpec::Time::end || states_[i].open))
      judge_passive(i, true);
    if (results_[i].verdict == Verdict::pending)
      decide(i,
             spec.predicate.active() && states_[i].open && !states_[i].attempt_runs &&
                     spec.time != CheckSpec::Time::at
                 ? Verdict::fail
                 : Verdict::not_reached,
             {}, now());
  }
  for (auto& [node, line] : partial_lines_)
    if (!line.empty()) output_.push_back({now(), node, line});
  flush_output();
  if (options_.captures) (void)captures_.flush();
}

bool Session::checks_passed() const {
  return std::all_of(results_.begin(), results_.end(), [](const CheckResult& r) {
    return r.verdict == Verdict::pass || r.spec->warning;
  });
}

std::string Session::failure() const {
  if (captures_.failed()) return captures_.failure();
  return const_cast<Session*>(this)->lab_.simulation().failure();
}

void Session::schedule_grid() {
  const SimTime next = grid_step * (now() / grid_step + 1);
  if (next > end_) return;
  lab_.simulation().at_barrier(next, EventKind::observation, [this] {
    grid();
    schedule_grid();
  });
}

size_t Session::watch(const Condition& condition) {
  const bool packets = condition.kind == Condition::Kind::predicate &&
                       condition.predicate.kind == Predicate::Kind::packet;
  return packets ? counters_.add(condition.predicate) : 0;
}

bool Session::condition_holds(const Condition& c, size_t counter) {
  const auto& spec = lab_.spec();
  switch (c.kind) {
    case Condition::Kind::event:
      for (size_t i = 0; i < spec.events.size(); ++i)
        if (spec.events[i].name == c.name && event_states_[i].taken) return true;
      return false;
    case Condition::Kind::check:
      for (const CheckResult& r : results_)
        if (r.spec->name == c.name) return r.verdict == Verdict::pass;
      return false;
    case Condition::Kind::predicate: {
      Evidence evidence;
      return holds(lab_, c.predicate, counters_, counter, evidence);
    }
  }
  return false;
}

void Session::grid() {
  lab_.drain();  // packet predicates have seen everything up to now
  flush_output();
  const auto& events = lab_.spec().events;
  for (size_t i = 0; i < events.size(); ++i) {
    EventState& state = event_states_[i];
    if (!events[i].when || state.taken) continue;
    const bool now_true = condition_holds(*events[i].when, state.counter);
    // True from the start does not count: it has to become true.
    if (now_true && (state.primed && !state.was_true)) {
      state.taken = true;
      lab_.simulation().at_barrier(now() + events[i].wait + 1_ns, EventKind::outside,
                                   [this, i] { take_event(i); });
    }
    state.was_true = now_true;
    state.primed = true;
  }
  for (size_t i = 0; i < results_.size(); ++i) {
    CheckState& state = states_[i];
    const CheckSpec& spec = *results_[i].spec;
    if (results_[i].verdict != Verdict::pending) continue;
    if (state.waits_for_condition && condition_holds(*spec.after_condition, state.after_counter)) {
      state.waits_for_condition = false;
      open_window(i);
    }
    if (state.ended)
      judge_attempt(i);
    else if (state.open && !spec.predicate.active())
      judge_passive(i, now() >= state.end);
  }
}

// --- events ------------------------------------------------------------------------------------

void Session::schedule_events() {
  const auto& events = lab_.spec().events;
  event_states_.resize(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    const EventSpec& event = events[i];
    if (event.at)
      lab_.simulation().at_barrier(*event.at, EventKind::outside, [this, i] { take_event(i); });
    if (event.every) schedule_repeated(i, event.from.value_or(*event.every));
    if (event.when) {
      grid_needed_ = true;
      event_states_[i].counter = watch(*event.when);
    }
  }
}

void Session::schedule_repeated(size_t index, SimTime when) {
  const EventSpec& event = lab_.spec().events[index];
  if (when > std::min(event.until.value_or(end_), end_)) return;
  lab_.simulation().at_barrier(when, EventKind::outside, [this, index, when] {
    take_event(index);
    schedule_repeated(index, when + *lab_.spec().events[index].every);
  });
}

namespace {

// Drops the n-th frames that match, counted from when the event was taken.
class NthDropper final : public FrameDropper {
 public:
  NthDropper(const EventSpec& spec)
      : spec_(spec), filter_(PacketFilter::compile(spec.filter).filter) {}
  bool drops(const LinkEnd& end, Packet& frame) override {
    if (spec_.direction != 0 && end.index() != size_t(spec_.direction - 1)) return false;
    Packet copy = frame.clone();
    finish_checksum(copy);
    if (!filter_.matches(copy.octets())) return false;
    ++seen_;
    return std::find(spec_.nth.begin(), spec_.nth.end(), seen_) != spec_.nth.end();
  }

 private:
  const EventSpec& spec_;
  PacketFilter filter_;
  uint64_t seen_ = 0;
};

}  // namespace

void Session::take_event(size_t index) {
  const EventSpec& event = lab_.spec().events[index];
  event_states_[index].taken = true;
  switch (event.action) {
    case EventSpec::Action::exec:
      for (size_t node : event.nodes)
        if (lab_.machine(node)->powered())
          lab_.run_shell(node, join(event.exec, "\n") + "\n",
                         [this, node](Bytes octets) { emit(node, text_of(octets)); });
      break;
    case EventSpec::Action::reboot:
      for (size_t node : event.nodes) {
        lab_.power_off(node);
        lab_.simulation().at_barrier(now() + event.duration.value_or(1_s), EventKind::outside,
                                     [this, node] { lab_.power_on(node); });
      }
      break;
    case EventSpec::Action::pause:
      break;  // a headless run ignores it
    default:
      take_link_event(index);
      break;
  }
}

void Session::take_link_event(size_t index) {
  const EventSpec& event = lab_.spec().events[index];
  EventState& state = event_states_[index];
  Link& link = lab_.link(event.link);
  const auto later = [&](std::function<void()> action) {
    if (event.duration)
      lab_.simulation().at_barrier(now() + *event.duration, EventKind::outside, std::move(action));
  };
  if (event.action == EventSpec::Action::link_state) {
    link.set_up(event.up);
    later([&link, up = event.up] { link.set_up(!up); });
  } else if (event.action == EventSpec::Action::drop) {
    state.dropper = std::make_unique<NthDropper>(event);
    link.set_dropper(state.dropper.get());
  } else {
    // The file's own impairments, and what this event sets on top of them, key by key.
    const LinkSpec& spec = lab_.spec().links[event.link];
    for (size_t e = 0; e < spec.ends.size(); ++e) {
      ImpairSpec is = lab_.spec().impair(spec, e);
      is.merge(event.impair[e]);
      link.set_impairments(e, impairments_of(is));
      later([&link, e, before = impairments_of(lab_.spec().impair(spec, e))] {
        link.set_impairments(e, before);
      });
    }
  }
}

// --- checks ------------------------------------------------------------------------------------

void Session::schedule_checks() {
  const auto& checks = lab_.spec().checks;
  states_.resize(checks.size());
  for (const CheckSpec& check : checks) results_.push_back({&check, Verdict::pending, {}, {}});
  for (size_t i = 0; i < checks.size(); ++i) {
    const CheckSpec& check = checks[i];
    CheckState& state = states_[i];
    if (check.predicate.kind == Predicate::Kind::packet)
      state.counter = counters_.add(check.predicate);
    if (check.time == CheckSpec::Time::end) continue;
    grid_needed_ |= check.predicate.active();
    if (check.time == CheckSpec::Time::at) {
      const bool active = check.predicate.active();
      lab_.simulation().at_barrier(check.at, active ? EventKind::outside : EventKind::observation,
                                   [this, i, active] {
                                     states_[i].open = true;
                                     if (active)
                                       start_attempt(i);
                                     else
                                       judge_passive(i, true);
                                   });
      continue;
    }
    grid_needed_ = true;
    if (check.after_condition) {
      state.waits_for_condition = true;
      state.after_counter = watch(*check.after_condition);
    } else {
      lab_.simulation().at_barrier(check.after.value_or(SimTime()), EventKind::outside,
                                   [this, i] { open_window(i); });
    }
  }
}

void Session::open_window(size_t index) {
  const CheckSpec& spec = *results_[index].spec;
  CheckState& state = states_[index];
  state.open = true;
  state.begin = now();
  state.end = spec.within ? now() + *spec.within : end_;
  if (spec.predicate.kind == Predicate::Kind::packet) counters_.start(state.counter);
  if (!spec.predicate.active()) return;
  lab_.simulation().at_barrier(now() + 1_ns, EventKind::outside,
                               [this, index] { start_attempt(index); });
  if (state.end < end_)
    lab_.simulation().at_barrier(state.end, EventKind::observation, [this, index] {
      if (results_[index].verdict != Verdict::pending) return;
      const auto time = results_[index].spec->time;
      const bool pass = time == CheckSpec::Time::never || time == CheckSpec::Time::always;
      decide(index, pass ? Verdict::pass : Verdict::fail, {.words = "the window is over"}, now());
    });
}

void Session::judge_passive(size_t index, bool at_end) {
  const CheckSpec& spec = *results_[index].spec;
  Evidence evidence;
  const bool is_true = holds(lab_, spec.predicate, counters_, states_[index].counter, evidence);
  using Time = CheckSpec::Time;
  const bool must_hold = spec.time == Time::always;
  const bool must_not = spec.time == Time::never;
  if (spec.time == Time::at || spec.time == Time::end)
    return decide(index, is_true ? Verdict::pass : Verdict::fail, evidence, now());
  if (is_true && !must_hold)
    return decide(index, must_not ? Verdict::fail : Verdict::pass, evidence, now());
  if (!is_true && must_hold) return decide(index, Verdict::fail, evidence, now());
  if (at_end) decide(index, must_hold || must_not ? Verdict::pass : Verdict::fail, evidence, now());
}

void Session::start_attempt(size_t index) {
  const CheckSpec& spec = *results_[index].spec;
  CheckState& state = states_[index];
  if (results_[index].verdict != Verdict::pending || finished_) return;
  const Predicate& p = spec.predicate;
  if (!lab_.machine(p.node) || !lab_.machine(p.node)->powered()) {
    lab_.simulation().at_barrier(now() + 1_s, EventKind::outside,
                                 [this, index] { start_attempt(index); });
    return;
  }
  state.attempt_runs = true;
  state.next_attempt = now() + 1_s;
  state.output.clear();
  state.line = p.line;
  if (p.kind != Predicate::Kind::run)
    state.line =
        text("ping -q -c 1 -W 1000 {}", p.target.is_any() ? p.target_name : to_text(p.target));
  lab_.run_shell(
      p.node, state.line + "\n", [&state](Bytes octets) { state.output += text_of(octets); },
      [this, index](int status) {
        // Called while the node runs: the grid judges, when all nodes have caught up.
        CheckState& ended = states_[index];
        ended.ended = status;
        ended.ended_at = lab_.machine(results_[index].spec->predicate.node)->site().now();
      });
}

bool Session::attempt_passed(const Predicate& p, int status, const std::string& output,
                             std::string& evidence) const {
  if (p.kind != Predicate::Kind::run) {
    evidence = status == 0 ? "answered" : "no answer";
    return status == 0;
  }
  if (!passes(p.exit, int64_t(status))) {
    evidence = text("exit status {}", status);
    return false;
  }
  for (const std::string& wanted : p.contains)
    if (output.find(wanted) == output.npos) {
      evidence = text("the output lacks \"{}\"", wanted);
      return false;
    }
  for (const std::string& unwanted : p.not_contains)
    if (output.find(unwanted) != output.npos) {
      evidence = text("the output has \"{}\"", unwanted);
      return false;
    }
  for (const std::string& pattern : p.matches) {
    const auto lines = split(output, '\n');
    const bool any = std::any_of(lines.begin(), lines.end(), [&](const std::string& l) {
      return passes({"~ " + pattern, {}}, l);
    });
    if (!any) {
      evidence = text("no line matches \"{}\"", pattern);
      return false;
    }
  }
  evidence = text("exit status {}", status);
  return true;
}

void Session::judge_attempt(size_t index) {
  CheckState& state = states_[index];
  const CheckSpec& spec = *results_[index].spec;
  const int status = *std::exchange(state.ended, std::nullopt);
  state.attempt_runs = false;
  constexpr size_t output_most = 8192;  // shown of what it has printed
  Evidence evidence{.line = state.line, .output = state.output.substr(0, output_most)};
  bool passed = attempt_passed(spec.predicate, status, state.output, evidence.words);
  bool again = spec.time != CheckSpec::Time::at;
  if (spec.predicate.kind == Predicate::Kind::unreachable) {
    state.failures = passed ? 0 : state.failures + 1;
    again |= !passed && state.failures < 3;
    passed = state.failures >= 3;
    if (passed) evidence.words = "three in a row unanswered";
  }
  using Time = CheckSpec::Time;
  const bool decided = passed ? spec.time != Time::always : spec.time == Time::always || !again;
  if (decided)
    return decide(index, passed == (spec.time != Time::never) ? Verdict::pass : Verdict::fail,
                  evidence, state.ended_at);
  results_[index].evidence = evidence;
  const SimTime next = std::max(state.next_attempt, now() + 1_ns);
  if (next <= (spec.time == Time::at ? end_ : state.end) && next <= end_)
    lab_.simulation().at_barrier(next, EventKind::outside, [this, index] { start_attempt(index); });
}

void Session::decide(size_t index, Verdict verdict, const Evidence& evidence, SimTime when) {
  CheckResult& result = results_[index];
  result.verdict = verdict;
  result.time = when;
  // The end of a window says less than the attempt before it.
  if (!evidence.words.empty() && (result.evidence.words.empty() || verdict == Verdict::pass)) {
    Evidence attempt = std::exchange(result.evidence, evidence);
    if (evidence.line.empty()) {
      result.evidence.line = std::move(attempt.line);
      result.evidence.output = std::move(attempt.output);
    }
  }
  if (on_verdict) on_verdict(result);
}

}  // namespace stackyard
