// What a user sees of BBR: a full link without a full queue, losses that do not matter, shares, and
// a window that is small for a moment every ten seconds.
#include <catch2/catch.hpp>

#include "stack/tcp/congestion/rate_control.h"
#include "stack/tcp/delivery.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

// The last number before `words`, as in "8.92 Mbits/sec".
double number_before(const std::string& output, const std::string& words) {
  const size_t at = output.rfind(words);
  if (at == output.npos || at == 0) return -1;
  return std::atof(output.substr(output.rfind(' ', at - 2)).c_str());
}

double megabits(const CommandResult& report) { return number_before(report.output, " Mbits/sec"); }

// The average of ping -q, in milliseconds.
double average(const CommandResult& ping) {
  const size_t at = ping.output.find(" = ");
  if (at == ping.output.npos) return -1;
  return std::atof(ping.output.substr(ping.output.find('/', at) + 1).c_str());
}

// Two hosts; what they have in between is the test's.
class Pair : public LabFixture {
 public:
  explicit Pair(const std::string& impair)
      : LabFixture(
            "nodes: {a: {}, b: {services: [iperf3]}}\nlinks: [{endpoints: a -- b, impair: {" +
            impair + "}}]\n") {
    pass(100_ms);
  }
  void send_in_background(const std::string& options) {
    run("a", "iperf3 -c b -i 0 " + options + " > /tmp/report &");
  }
};

// Hears of one connection's window and flight.
class WindowWatch final : public Observer {
 public:
  void connection(const TraceStamp& stamp, const ConnectionNote& note) override {
    if (note.state != std::string_view("ESTABLISHED") || note.send_queue < 20'000) return;
    const bool small = note.cwnd <= 4 * 1448;
    if (small && !small_) began = stamp.key.time;
    if (!small && small_) ended.push_back({began, stamp.key.time});
    small_ = small;
  }
  SimTime began;
  std::vector<std::pair<SimTime, SimTime>> ended;

 private:
  bool small_ = false;
};

}  // namespace

TEST_CASE("BBR fills a link and leaves its queue nearly empty, CUBIC fills both", "[tcp][bbr]") {
  const auto try_with = [](const std::string& name, double& rate, double& rtt) {
    // 10 Mb/s and 40 ms are 33 packets: the queue holds ten times as many.
    Pair lab("rate: 10mbit, delay: 20ms, queue: 330p");
    lab.send_in_background("-t 30 -C " + name);
    lab.pass(4_s);
    rtt = average(lab.run("a", "ping -q -c 20 b"));
    lab.pass(10_s);
    rate = megabits(lab.run("a", "cat /tmp/report"));
  };
  double rate = 0, rtt = 0;
  try_with("bbr", rate, rtt);
  CHECK(rate > 9);
  CHECK(rtt > 40);
  CHECK(rtt < 60);  // half of the path's product waits, on average
  try_with("cubic", rate, rtt);
  CHECK(rate > 9);
  CHECK(rtt > 200);
}

TEST_CASE("losses that are none of congestion do not slow BBR down", "[tcp][bbr]") {
  const auto rate_with = [](const std::string& stack, const std::string& name) {
    Pair lab("delay: 5ms, forward: {rate: 100mbit, queue: 100p, loss: 1%}");
    lab.run("a", "sysctl net.inet.tcp.functions_default=" + stack);
    lab.send_in_background("-t 10 -C " + name);
    lab.pass(12_s);
    return megabits(lab.run("a", "cat /tmp/report"));
  };
  CHECK(rate_with("bbr", "cubic") > 85);  // that stack has its own
  CHECK(rate_with("rack", "bbr") > 85);
  CHECK(rate_with("freebsd", "bbr") > 85);
  CHECK(rate_with("freebsd", "cubic") < 25);
}

TEST_CASE("two BBR flows share a link, and neither loses anything", "[tcp][bbr]") {
  LabFixture lab(
      "nodes: {a: {routes: [{to: default, via: r}]}, c: {routes: [{to: default, via: r}]},\n"
      "        r: {kind: router}, b: {services: [iperf3], routes: [{to: default, via: r}]}}\n"
      "links:\n  - a -- r\n  - c -- r\n"
      "  - {endpoints: r -- b, impair: {rate: 10mbit, delay: 20ms, queue: 100p}}\n");
  lab.run("b", "iperf3 -s -p 5202 &");
  lab.pass(100_ms);
  lab.run("a", "iperf3 -c b -i 0 -t 60 -C bbr > /tmp/report &");
  lab.pass(2_s);
  lab.run("c", "iperf3 -c b -p 5202 -i 0 -t 60 -C bbr > /tmp/report &");
  lab.pass(70_s);
  const double one = megabits(lab.run("a", "cat /tmp/report"));
  const double two = megabits(lab.run("c", "cat /tmp/report"));
  CHECK(one + two > 9);
  CHECK(std::min(one, two) > 0.8 * std::max(one, two));
  CHECK(lab.counter("a", "tcps_sndrexmitpack") == 0);
}

TEST_CASE("a program that has little to send tells BBR nothing about the path", "[tcp][bbr]") {
  Pair lab("rate: 10mbit, delay: 20ms, queue: 330p");
  lab.run("b", "nc -l 9000 > /tmp/got &");
  lab.run("a", "sysctl net.inet.tcp.cc.algorithm=bbr");
  lab.pass(10_ms);
  // Small messages for two seconds, in which a slow path would have been found full; then as much
  // as there is room for.
  lab.run("a",
          "(for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do seq 1 700; "
          "sleep 0.1; done; seq 1 500000) | nc -N b 9000 &");
  lab.pass(2_s);
  const auto received = [&] { return std::atof(lab.run("b", "wc -c < /tmp/got").output.c_str()); };
  const double little = received();
  CHECK(little < 70'000);
  lab.pass(2_s);
  CHECK(received() - little > 0.8 * 2 * 10e6 / 8);
}

TEST_CASE("the table of connections tells how fast BBR sends", "[tcp][bbr]") {
  Pair lab("rate: 10mbit, delay: 20ms, queue: 330p");
  lab.send_in_background("-t 5 -C bbr");
  lab.pass(3_s);
  int64_t most = 0;
  const Table table = lab.lab.machine("a").vnet().table("tcp");
  for (const auto& row : table.rows) most = std::max(most, std::get<int64_t>(row.back()));
  CHECK(most > 10'000'000 / 8 * 7 / 10);  // by the gain of the present phase
  CHECK(most < 10'000'000 / 8 * 13 / 10);
}

TEST_CASE("every ten seconds BBR empties the path for 200 ms and goes on", "[tcp][bbr]") {
  // The delay varies, so that no later round trip is as short as the first ones.
  Pair lab("rate: 10mbit, delay: 20ms, jitter: 5ms, queue: 330p");
  WindowWatch watch;
  lab.lab.add_observer(&watch);
  lab.lab.want_connections(true);
  lab.send_in_background("-t 35 -C bbr");
  for (int i = 0; i < 380; ++i) {
    lab.pass(100_ms);
    lab.lab.drain();
  }
  REQUIRE(watch.ended.size() >= 2);
  SimTime before;
  for (const auto& [began, ended] : watch.ended) {
    CHECK(ended - began >= 200_ms);
    CHECK(ended - began <= 350_ms);  // and a round trip or two
    CHECK(began - before > 9_s);
    CHECK(began - before < 21_s);
    before = began;
  }
  CHECK(megabits(lab.run("a", "cat /tmp/report")) > 8.5);
}

TEST_CASE("a delivery rate is what arrived in the time that it took (draft-cheng-iccrg)",
          "[tcp][bbr]") {
  const auto control = find_congestion_control("bbr")->create(1);
  TcpDelivery delivery(*control->by_rate());
  const Seq first{1000};
  const auto segment = [&](int i) { return SackBlock{first + i * 1000, first + (i + 1) * 1000}; };
  // Ten segments at once; acknowledged after 40 ms, a millisecond apart.
  for (int i = 0; i < 10; ++i) delivery.sent(segment(i), 1_s, i == 0);
  RateSample sample;
  for (int i = 0; i < 10; ++i) {
    delivery.acked(segment(i).end);
    sample = delivery.sample(1_s + 40_ms + 1_ms * i, 1000);
    CHECK(sample.rtt == 40_ms + 1_ms * i);
    if (i < 9) delivery.sent(segment(10 + i), 1_s + 40_ms + 1_ms * i, false);
  }
  CHECK(sample.rate == 10'000ull * 1000 / 49);
  for (int i = 0; i < 9; ++i) {
    delivery.acked(segment(10 + i).end);
    sample = delivery.sample(1_s + 80_ms + 1_ms * i, 1000);
  }
  // It took 40 ms to be acknowledged, but 48 to be sent: the slower counts.
  CHECK(sample.delivered_before == 9000);
  CHECK(sample.rate == 10'000ull * 1000 / 48);
}
