// What each congestion control is chosen for, shown on a path of 100 ms that it has for itself: the
// queue and the losses are the test's.
#include <catch2/catch.hpp>

#include "stack/tcp/congestion/congestion.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

constexpr uint32_t mss = 1000;

// A sender that always has data: each round acknowledges its whole window, segment by segment.
class Path {
 public:
  explicit Path(const char* name, uint64_t seed = 1)
      : control_(find_congestion_control(name)->create(seed)) {
    window.mss = mss;
    window.cwnd = window.ssthresh = 20 * mss;
  }
  void round(SimTime rtt) {
    const uint32_t segments = window.cwnd / mss;
    const Seq end = una_ + window.cwnd;
    for (uint32_t i = 0; i < segments; ++i) {
      now_ += rtt / segments;
      una_ += mss;
      control_->acked(window, sample(rtt, end));
    }
    una_ = end;
  }
  void rounds(int count, SimTime rtt) {
    for (int i = 0; i < count; ++i) round(rtt);
  }
  void congested(CongestionEvent event) {
    control_->congested(window, event, sample(SimTime(), una_ + window.cwnd));
    window.cwnd = window.ssthresh;
  }
  void lost_after_mark() { control_->lost_after_mark(window, settings); }
  Result<> set_option(const char* name, int64_t value) {
    return control_->set_option(name, value, settings);
  }
  CongestionWindow window;
  CongestionSettings settings;

 private:
  CongestionSample sample(SimTime rtt, Seq end) const {
    return {.now = now_,
            .smoothed_rtt = 100_ms,
            .rtt = rtt,
            .acked = mss,
            .flight = window.cwnd,
            .limited = true,
            .una = una_,
            .nxt = seq_max(end, una_ + window.cwnd),
            .settings = &settings};
  }
  std::unique_ptr<CongestionControl> control_;
  SimTime now_ = 1_s;
  Seq una_{1};
};

uint32_t segments_after(const char* name, int rounds) {
  Path path(name);
  path.congested(CongestionEvent::loss);
  path.rounds(rounds, 100_ms);
  return path.window.cwnd / mss;
}

}  // namespace

TEST_CASE("htcp grows like Reno for a second, and ever faster then", "[tcp][congestion]") {
  CHECK(segments_after("newreno", 10) == 20);
  CHECK(segments_after("htcp", 10) == 19);
  CHECK(segments_after("newreno", 100) < 120);
  CHECK(segments_after("htcp", 100) > 1000);
}

TEST_CASE("htcp reduces so much less that the queue just drains", "[tcp][congestion]") {
  Path path("htcp");
  path.settings.htcp_adaptive_backoff = 1;
  for (int i = 0; i < 3; ++i) {
    path.window.cwnd = 100 * mss;
    path.round(100_ms);
    path.round(140_ms);
    path.window.cwnd = 100 * mss;
    path.congested(CongestionEvent::loss);
  }
  CHECK(path.window.cwnd / mss == 71);  // 100 / 140
}

TEST_CASE("cdg gives way to a growing queue before anything is lost, newreno does not",
          "[tcp][congestion]") {
  const auto most = [](const char* name) {
    Path path(name);
    uint32_t window = 0;
    for (int i = 0; i < 60; ++i) {
      // 25 segments fit the path; what is above waits, 4 ms a segment.
      const uint32_t waiting = path.window.cwnd > 25 * mss ? path.window.cwnd / mss - 25 : 0;
      path.round(100_ms + 4_ms * waiting);
      window = std::max(window, path.window.cwnd / mss);
    }
    return window;
  };
  CHECK(most("newreno") > 75);
  CHECK(most("cdg") < 40);
}

TEST_CASE("hd and chd give way by chance to a standing queue, chd more often",
          "[tcp][congestion]") {
  const auto reductions = [](const char* name, SimTime queue) {
    int count = 0;
    Path path(name, 7);
    path.round(100_ms);
    for (int i = 0; i < 200; ++i) {
      const uint32_t before = path.window.cwnd;
      path.round(100_ms + queue);
      count += path.window.cwnd < before;
      path.window.cwnd = std::clamp(path.window.cwnd, 10 * mss, 30 * mss);
    }
    return count;
  };
  CHECK(reductions("hd", 3_ms) == 0);
  CHECK(reductions("chd", 3_ms) == 0);
  const int hd = reductions("hd", 15_ms), chd = reductions("chd", 15_ms);
  CHECK(hd >= 1);
  CHECK(hd < 25);
  CHECK(chd > 50);
}

TEST_CASE("chd and cdg take a loss without a queue for none of congestion", "[tcp][congestion]") {
  for (const char* name : {"chd", "cdg"}) {
    INFO(name);
    Path path(name);
    path.rounds(3, 100_ms);
    path.rounds(10, 99_ms);  // the queue is empty
    const uint32_t before = path.window.cwnd;
    path.congested(CongestionEvent::loss);
    CHECK(path.window.cwnd == before);
    path.congested(CongestionEvent::timeout);
    CHECK(path.window.cwnd <= before / 2);
  }
}

TEST_CASE("with net.inet.tcp.cc.abe a mark weighs less than a loss (RFC 8511)",
          "[tcp][congestion]") {
  const auto left = [](const char* name, CongestionEvent event, int64_t abe) {
    Path path(name);
    path.settings.abe = abe;
    path.window.cwnd = 100 * mss;
    path.congested(event);
    return path.window.cwnd / mss;
  };
  CHECK(left("newreno", CongestionEvent::ecn, 0) == 50);
  CHECK(left("newreno", CongestionEvent::ecn, 1) == 80);
  CHECK(left("newreno", CongestionEvent::loss, 1) == 50);
  CHECK(left("cubic", CongestionEvent::ecn, 0) == 70);
  CHECK(left("cubic", CongestionEvent::ecn, 1) == 85);
}

TEST_CASE("a loss after a mark costs the difference with abe_frlossreduce (mod_cc(4))",
          "[tcp][congestion]") {
  const auto left = [](const char* name, int64_t reduce) {
    Path path(name);
    path.settings.abe = 1;
    path.settings.abe_frlossreduce = reduce;
    path.window.cwnd = 100 * mss;
    path.congested(CongestionEvent::ecn);
    path.lost_after_mark();
    return path.window.ssthresh / mss;
  };
  CHECK(left("newreno", 0) == 80);
  CHECK(left("newreno", 1) == 50);
  CHECK(left("cubic", 0) == 85);
  CHECK(left("cubic", 1) == 70);
}

TEST_CASE("dctcp begins with net.inet.tcp.cc.dctcp.alpha, and halves once with slowstart",
          "[tcp][congestion]") {
  const auto left = [](int64_t alpha, int64_t slow_start, bool in_slow_start) {
    Path path("dctcp");
    path.settings.dctcp_alpha = alpha;
    path.settings.dctcp_slowstart = slow_start;
    path.window.cwnd = 100 * mss;
    if (in_slow_start) path.window.ssthresh = 1000 * mss;
    path.congested(CongestionEvent::ecn);
    return path.window.cwnd / mss;
  };
  CHECK(left(1024, 0, false) == 50);
  CHECK(left(256, 0, false) == 87);  // less an eighth
  CHECK(left(256, 0, true) == 87);
  CHECK(left(256, 1, true) == 50);
  CHECK(left(256, 1, false) == 87);
}

TEST_CASE("cdg grows by a segment more every alpha_inc round trips", "[tcp][congestion]") {
  const auto after = [](int64_t alpha_inc) {
    Path path("cdg");
    path.settings.cdg_alpha_inc = alpha_inc;
    path.rounds(21, 100_ms);
    return path.window.cwnd / mss;
  };
  CHECK(after(0) < 42);
  CHECK(after(5) > 60);
  CHECK(after(1) > after(5));
}

TEST_CASE("HyStart++ has its sysctls, and newreno has it for who asks", "[tcp][congestion]") {
  // A path that holds 20 segments: what is above waits, a millisecond a segment.
  const auto left_at = [](Path& path) {
    path.window.cwnd = 10 * mss;
    path.window.ssthresh = 1000 * mss;
    for (int i = 0; i < 12 && path.window.slow_start() && path.window.cwnd < 900 * mss; ++i) {
      const uint32_t waiting = path.window.cwnd > 20 * mss ? path.window.cwnd / mss - 20 : 0;
      path.round(100_ms + 1_ms * waiting);
    }
    return path.window.cwnd / mss;
  };
  Path usual("cubic"), patient("cubic"), short_css("cubic"), reno("newreno"), with("newreno");
  const uint32_t cubic = left_at(usual);
  CHECK(cubic < 300);
  patient.settings.hystart_minrtt_us = patient.settings.hystart_maxrtt_us = 10'000'000;
  CHECK(left_at(patient) >= 900);
  short_css.settings.hystart_rounds = 1;
  CHECK(left_at(short_css) < cubic);
  CHECK(left_at(reno) >= 900);
  CHECK(with.set_option("CC_NEWRENO_ENABLE_HYSTART", 1).has_value());
  CHECK(left_at(with) < 300);
}

TEST_CASE("every congestion control moves a megabyte, and has its sysctls", "[tcp][congestion]") {
  for (const CongestionRecord* record : congestion_controls()) {
    INFO(record->name);
    LabFixture lab(
        "nodes: [a, b]\nlinks:\n  - {endpoints: [a, b], impair: {rate: 50mbit, delay: "
        "5ms, loss: 0.5%}}\n");
    CHECK(lab.run("a", std::string("sysctl net.inet.tcp.cc.algorithm=") + record->name).exit == 0);
    lab.run("b", "nc -l 9000 >/tmp/got &");
    lab.pass(10_ms);
    CHECK(lab.run("a", "seq 1 150000 | nc -N b 9000").exit == 0);
    CHECK(lab.run("b", "tail -n 1 /tmp/got").output == "150000\n");
  }
  LabFixture lab("nodes: [a]\n");
  CHECK(lab.run("a", "sysctl -n net.inet.tcp.cc.available").says("htcp cdg chd hd"));
  CHECK(lab.run("a", "sysctl net.inet.tcp.cc.cdg.beta_delay=101").exit != 0);
  // 0 < alpha < beta
  CHECK(lab.run("a", "sysctl net.inet.tcp.cc.vegas.alpha=3").exit != 0);
  CHECK(lab.run("a", "sysctl net.inet.tcp.cc.vegas.beta=5").says("3 -> 5"));
  CHECK(lab.run("a", "sysctl net.inet.tcp.cc.vegas.alpha=4").exit == 0);
  CHECK(lab.run("a", "sysctl -n net.inet.tcp.cc.vegas.alpha").output == "4\n");
}
