#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "core/event/timer.h"

using namespace stackyard;

namespace {

struct Log {
  Node* node = nullptr;
  std::vector<std::pair<int64_t, uint64_t>> ran;
};
void note(void* object, EventLoad load) {
  Log& log = *static_cast<Log*>(object);
  log.ran.emplace_back(log.node->now().ns(), load.word);
}
constexpr EventClass note_class{.run = note};

}  // namespace

TEST_CASE("events run in the order of their keys, whatever their distribution in time") {
  for (const int64_t span : {int64_t(10), int64_t(100'000), int64_t(1'000'000'000'000)}) {
    Simulation simulation;
    Log log;
    log.node = &simulation.add_node("n");
    RandomStream random(7, uint64_t(span), "test");
    std::vector<std::pair<int64_t, uint64_t>> expected;
    for (uint64_t i = 0; i < 20'000; ++i) {
      // A tenth of all in one instant, the rest spread widely: both ends of the ladder.
      const int64_t at = 1 + (i % 10 == 0 ? 5 : int64_t(random.below(uint64_t(span))));
      log.node->schedule(EventKind::timer, SimTime(at), note_class, &log, {i, 0});
      expected.emplace_back(at, i);
    }
    std::sort(expected.begin(), expected.end());
    simulation.run_until(SimTime::max() - 1_s);
    CHECK(log.ran == expected);
  }
}

TEST_CASE("at one instant arrivals come before timers, timers before soft events") {
  Simulation simulation;
  Log log;
  Node& a = simulation.add_node("a");
  log.node = &simulation.add_node("b");
  log.node->schedule(EventKind::soft, 10_ns, note_class, &log, {3, 0});
  log.node->schedule(EventKind::timer, 10_ns, note_class, &log, {2, 0});
  a.send(*log.node, 10_ns, note_class, &log, {1, 0});
  simulation.run_until(1_us);
  REQUIRE(log.ran.size() == 3);
  for (uint64_t i = 0; i < 3; ++i) CHECK(log.ran[i].second == i + 1);
}

namespace {
struct Alarm {
  explicit Alarm(Node& node) : timer(node, Timer::call<&Alarm::ring>, this), site(node) {}
  void ring() { rang.push_back(site.now().ns()); }
  Timer timer;
  Node& site;
  std::vector<int64_t> rang;
};
}  // namespace

TEST_CASE("a timer fires once, at its deadline, however often it was armed and cancelled before") {
  Simulation simulation;
  Node& node = simulation.add_node("n");
  std::vector<std::unique_ptr<Alarm>> alarms;
  RandomStream random(3, 0, "timers");
  std::vector<int64_t> deadlines;
  for (int i = 0; i < 500; ++i) {
    alarms.push_back(std::make_unique<Alarm>(node));
    for (int again = 0; again < 5; ++again) {
      alarms.back()->timer.arm(SimTime(1 + int64_t(random.below(200'000'000'000))));
      if (random.chance(uint64_t(1) << 31)) alarms.back()->timer.cancel();
    }
    alarms.back()->timer.arm(SimTime(1 + int64_t(random.below(200'000'000'000))));
    deadlines.push_back(alarms.back()->timer.deadline().ns());
  }
  // In steps, so that the wheel is asked to look ahead at every barrier.
  for (SimTime t; t < 201_s; t += 777_ms) simulation.run_until(t);
  for (size_t i = 0; i < alarms.size(); ++i) CHECK(alarms[i]->rang == std::vector{deadlines[i]});
}

TEST_CASE("a timer armed at a barrier is not lost when the next pending event is far away") {
  Simulation simulation;
  Node& node = simulation.add_node("n");
  Alarm far(node), near(node);
  far.timer.arm(100_s);
  simulation.run_until(5_s);
  near.timer.arm(1_s);
  simulation.run_until(200_s);
  CHECK(near.rang == std::vector<int64_t>{6'000'000'000});
  CHECK(far.rang == std::vector<int64_t>{100'000'000'000});
}

namespace {
struct Storm {
  Node& node;
  static void again(void* object, EventLoad) {
    auto& storm = *static_cast<Storm*>(object);
    storm.node.schedule(EventKind::soft, SimTime(), event, object);
  }
  static constexpr EventClass event{.run = again};
};
}  // namespace

TEST_CASE("a node that never lets time pass ends the run, and is named") {
  Simulation simulation;
  Storm storm{simulation.add_node("loop")};
  storm.node.schedule(EventKind::soft, 1_ns, Storm::event, &storm);
  simulation.run_until(1_s);
  CHECK(simulation.stopped());
  CHECK(simulation.failure().find("loop") == 0);
}

TEST_CASE("random streams are named: equal names, equal numbers, and no stream disturbs another") {
  RandomStream a(1, 2, "x"), b(1, 2, "x"), other(1, 2, "y");
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t n = a.next();
    CHECK(n == b.next());
    seen.insert(n);
    seen.insert(other.next());
  }
  CHECK(seen.size() == 2000);
}
