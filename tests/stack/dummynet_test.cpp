// dummynet: when packets leave pipes, which ones, in which order, and what dnctl(8) says.
#include <catch2/catch.hpp>

#include "core/packet/packet_pool.h"
#include "core/wire/net/ipv4.h"
#include "stack/dummynet/dummynet.h"
#include "stack/kern/machine.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

// Sees what comes back from dummynet, and ends it.
class Sink final : public PacketHook {
 public:
  explicit Sink(NetStack& net) : PacketHook("sink"), net_(net) {
    net_.hooks().link(HookPoint::inet_in, *this);
  }
  ~Sink() override { net_.hooks().unlink(*this); }
  struct Seen {
    SimTime at;
    uint64_t cookie;
    size_t size;
    bool marked;
  };
  HookVerdict filter(Packet& packet, HookContext&) override {
    const auto ip = load<Ipv4Header>(packet.front());
    seen.push_back({net_.site().now(), ip.id, packet.size(), (ip.tos & 3) == 3});
    packet = {};
    return HookVerdict::took();
  }
  int count(uint64_t cookie) const { return int(std::ranges::count(seen, cookie, &Seen::cookie)); }
  std::vector<Seen> seen;

 private:
  NetStack& net_;
};

class Shaped : public LabFixture {
 public:
  explicit Shaped(const std::string& commands,
                  const std::string& yaml = "{nodes: {a: {interfaces: {em0: {}}}}}")
      : LabFixture(yaml), net(lab.machine("a").vnet().state<NetStack>(net_module)), sink(net) {
    const CommandResult result = run("a", commands);
    INFO(result.output);
    REQUIRE(result.exit == 0);
    pass(1_s);
    start = lab.simulation().now();
  }

  Dummynet& dummynet() { return lab.machine("a").vnet().state<Dummynet>(dummynet_module); }

  // At `at` after the start a packet of so many octets goes into a pipe or queue. Its id tells it
  // again; flows differ in their source port.
  struct Send {
    SimTime at;
    size_t size = 1000;
    ShapedKind what = ShapedKind::pipe;
    uint32_t number = 1;
    uint16_t port = 1;
    uint8_t ecn = 0;
    int count = 1;
  };
  void send(const Send& s) {
    Simulation& simulation = lab.simulation();
    simulation.at_barrier(start + s.at + 1_ns, EventKind::outside, [this, s] {
      for (int i = 0; i < s.count; ++i) {
        Packet packet = net.site().make_packet(s.size);
        Ipv4Header header;
        header.id = s.port;
        header.tos = s.ecn;
        header.total_length = uint16_t(s.size);
        store(header, packet.writable_front());
        finish_ipv4_header(packet.writable_front().first(20));
        ShaperHook::Order order;
        order.number = s.number;
        order.queue = s.what == ShapedKind::queue;
        order.flow.source_port = s.port;
        order.resume.point = HookPoint::inet_in;
        last = dummynet().shape(std::move(packet), order).error;
      }
    });
  }
  // When the n-th packet left, from the start.
  SimTime left(size_t n) const { return sink.seen.at(n).at - start - 1_ns; }
  std::string show(const std::string& what) { return run("a", "dnctl " + what + " show").output; }

  NetStack& net;
  Sink sink;
  SimTime start;
  Errno last{};
};

}  // namespace

TEST_CASE("a pipe's rate and delay are exact", "[dummynet]") {
  Shaped s("dnctl pipe 1 config bw 3Mbit/s delay 7 queue 100");
  s.send({.count = 100});
  s.pass(2_s);
  REQUIRE(s.sink.seen.size() == 100);
  for (size_t n = 0; n < 100; ++n) {
    const int64_t exact = 7'000'000 + int64_t(n + 1) * 8000 * 1000 / 3;
    CHECK(s.left(n).ns() == exact);
  }
}

TEST_CASE("a pipe without bandwidth only delays, one without anything passes", "[dummynet]") {
  Shaped s("dnctl pipe 1 config delay 20 && dnctl pipe 2 config");
  s.send({.count = 3});
  s.send({.number = 2});
  s.pass(1_s);
  REQUIRE(s.sink.seen.size() == 4);
  CHECK(s.left(0) == 0_s);
  CHECK(s.left(1) == 20_ms);
  CHECK(s.left(3) == 20_ms);
}

TEST_CASE("a full queue drops, and a local sender hears of it unless it must not", "[dummynet]") {
  Shaped s("dnctl pipe 1 config bw 1Mbit/s && dnctl pipe 2 config bw 1Mbit/s queue 2000B noerror");
  s.send({.count = 60});
  s.pass(1_ms);
  CHECK(s.last == Errno::enobufs);
  s.send({.at = 1_ms, .number = 2, .count = 60});
  s.pass(2_s);
  CHECK(s.last == Errno::ok);
  // 50 wait, one is being sent; of 1000 octets two fit below 2000, and one is above.
  CHECK(s.sink.seen.size() == 51 + 4);
  CHECK(s.dropped("dummynet_full") == 9 + 56);
  CHECK(s.run("a", "sysctl -n net.inet.ip.dummynet.io_pkt_drop").output == "65\n");
}

TEST_CASE("loss has the share that plr says", "[dummynet]") {
  Shaped s("dnctl pipe 1 config plr 0.2");
  s.send({.count = 10'000});
  s.pass(1_s);
  const int lost = s.dropped("dummynet_loss");
  CHECK(lost > 1880);  // three standard deviations
  CHECK(lost < 2120);
  CHECK(s.sink.seen.size() == size_t(10'000 - lost));
}

TEST_CASE("after idleness a burst passes at once", "[dummynet]") {
  Shaped s("dnctl pipe 1 config bw 1Mbit/s burst 5000");
  s.send({.at = 1_s, .count = 10});
  s.pass(3_s);
  REQUIRE(s.sink.seen.size() == 10);
  for (size_t n = 0; n < 10; ++n) CHECK(s.left(n) == 1_s + 8_ms * int64_t(n < 5 ? 0 : n - 4));
}

TEST_CASE("backlogged queues share a pipe by their weights", "[dummynet]") {
  const auto [type, slack] =
      GENERATE(table<std::string, int>({{"wf2q+", 2}, {"qfq", 8}, {"rr", 8}}));
  CAPTURE(type);
  Shaped s("dnctl pipe 1 config bw 8Mbit/s && dnctl sched 1 config type " + type +
           " && dnctl queue 1 config sched 1 weight 1 queue 100"
           " && dnctl queue 2 config sched 1 weight 3 queue 100");
  for (uint16_t queue : {1, 2})
    s.send({.what = ShapedKind::queue, .number = queue, .port = queue, .count = 100});
  s.pass(80_ms);
  CHECK(std::abs(s.sink.count(1) - 20) <= slack);
  CHECK(std::abs(s.sink.count(2) - 60) <= slack);
  s.pass(3_s);
  CHECK(s.sink.seen.size() == 200);  // what one leaves, the other has
}

TEST_CASE("an idle queue's share is not saved up", "[dummynet]") {
  const std::string type = GENERATE("wf2q+", "qfq");
  Shaped s("dnctl pipe 1 config bw 8Mbit/s && dnctl sched 1 config type " + type +
           " && dnctl queue 1 config sched 1 weight 50 queue 100"
           " && dnctl queue 2 config sched 1 weight 50 queue 100");
  s.send({.what = ShapedKind::queue, .number = 1, .port = 1, .count = 100});
  s.send({.at = 50_ms, .what = ShapedKind::queue, .number = 2, .port = 2, .count = 100});
  s.pass(50_ms);
  const int before = s.sink.count(1);
  s.pass(40_ms);
  CHECK(std::abs(s.sink.count(1) - before - 20) <= 2);
  CHECK(std::abs(s.sink.count(2) - 20) <= 2);
}

TEST_CASE("the lower priority's number goes first", "[dummynet]") {
  Shaped s(
      "dnctl pipe 1 config bw 8Mbit/s && dnctl sched 1 config type prio"
      " && dnctl queue 1 config sched 1 pri 5 && dnctl queue 2 config sched 1 pri 0");
  for (uint16_t queue : {1, 2})
    s.send({.what = ShapedKind::queue, .number = queue, .port = queue, .count = 20});
  s.pass(1_s);
  REQUIRE(s.sink.seen.size() == 40);
  CHECK(s.sink.seen[0].cookie == 1);  // was alone when it came
  for (size_t n = 1; n <= 20; ++n) CHECK(s.sink.seen[n].cookie == 2);
}

TEST_CASE("a mask gives each flow a pipe of its own", "[dummynet]") {
  Shaped s("dnctl pipe 1 config bw 1Mbit/s mask src-port 0xffff");
  for (uint16_t port : {1, 2, 3}) s.send({.port = port, .count = 2});
  s.pass(1_s);
  REQUIRE(s.sink.seen.size() == 6);
  CHECK(s.left(2) == 8_ms);
  CHECK(s.left(5) == 16_ms);
  const std::string shown = s.show("pipe");
  CHECK(shown.find("mask:  0x00 0x00000000/0xffff -> 0x00000000/0x0000") != shown.npos);
  CHECK(shown.find("3 active") != shown.npos);
}

TEST_CASE("queue management keeps a standing queue short, and marks who can hear it",
          "[dummynet]") {
  const auto [words, ecn] = GENERATE(table<std::string, bool>({{"droptail", false},
                                                               {"codel", false},
                                                               {"codel ecn", true},
                                                               {"pie", false},
                                                               {"pie ecn", true},
                                                               {"red 0.1/5/20/0.5", false},
                                                               {"gred 0.1/5/20/0.5", false}}));
  CAPTURE(words);
  Shaped s(
      "sysctl net.inet.ip.dummynet.pipe_slot_limit=1000 &&"
      " dnctl pipe 1 config bw 8Mbit/s queue 1000 " +
      words);
  // A tenth more than the pipe takes, for five seconds.
  for (int i = 0; i < 5500; ++i)
    s.send({.at = SimTime(int64_t(i) * 909'091), .ecn = uint8_t(ecn ? 2 : 0)});
  s.pass(10_s);
  const auto marked = std::ranges::count(s.sink.seen, true, &Sink::Seen::marked);
  const int dropped = s.dropped("dummynet_aqm");
  if (words == "droptail") {
    CHECK(dropped + marked == 0);
    CHECK(s.sink.seen.size() == 5500);
  } else if (ecn) {
    CHECK(marked > 10);
  } else {
    CHECK(marked == 0);
    CHECK(dropped > 20);
    CHECK(s.sink.seen.back().at < s.start + 5_s + 400_ms);  // without: 500 ms stand in line
  }
}

TEST_CASE("fq_codel lets a sparse flow pass beside a heavy one", "[dummynet]") {
  const std::string type = GENERATE("fq_codel", "fq_pie");
  Shaped s(
      "sysctl net.inet.ip.dummynet.pipe_slot_limit=1000;"
      "dnctl pipe 1 config bw 8Mbit/s queue 1000; dnctl sched 1 config pipe 1 type " +
      type + " && dnctl queue 1 config sched 1");
  s.send({.what = ShapedKind::queue, .port = 1, .count = 900});
  for (int i = 0; i < 20; ++i)
    s.send({.at = SimTime(i * 10'000'000), .size = 100, .what = ShapedKind::queue, .port = 2});
  s.pass(3_s);
  REQUIRE(s.sink.count(2) == 20);
  int64_t n = 0;
  for (const Sink::Seen& seen : s.sink.seen)
    if (seen.cookie == 2) CHECK(seen.at - s.start <= 10_ms * n++ + 3_ms);
}

TEST_CASE("a pipe can be changed while packets wait, and takes them along when it goes",
          "[dummynet]") {
  Shaped s("dnctl pipe 1 config bw 1Mbit/s");
  s.send({.count = 20});
  s.pass(20_ms);
  CHECK(s.sink.seen.size() == 2);
  REQUIRE(s.run("a", "dnctl pipe 1 config bw 8Mbit/s").exit == 0);
  s.pass(20_ms);
  const size_t faster = s.sink.seen.size();
  CHECK(faster >= 12);
  CHECK(s.run("a", "dnctl pipe delete 1").exit == 0);
  s.pass(1_s);
  CHECK(s.dropped("dummynet_gone") == int(20 - s.sink.seen.size()));
  s.send({.at = 5_s});
  s.pass(6_s);
  CHECK(s.dropped("dummynet_no_queue") == 1);
  CHECK(s.run("a", "dnctl pipe delete 1").output ==
        "dnctl: rule 1: setsockopt(IP_DUMMYNET_DEL): Invalid argument\n");
}

TEST_CASE("a profile's delays keep the link busy, and its loss level loses", "[dummynet]") {
  Shaped s(
      "printf 'name radio\nsamples 10\nloss-level 0.5\nprob delay\n0 30\n1 30\n' > /tmp/p;"
      "dnctl pipe 1 config bw 8Mbit/s queue 100 profile /tmp/p");
  s.send({.count = 100});
  s.pass(10_s);
  const size_t passed = s.sink.seen.size();
  CHECK(passed > 30);
  CHECK(passed < 70);
  CHECK(s.dropped("dummynet_profile") == int(100 - passed));
  for (size_t n = 0; n < passed; ++n) CHECK(s.left(n) % 31_ms == 0_s);
  CHECK(s.show("pipe").find("profile: name \"radio\" loss 0.500000 samples 10") !=
        std::string::npos);
}

TEST_CASE("dnctl shows pipes, queues and schedulers as dummynet(4) has them", "[dummynet]") {
  Shaped s(
      "dnctl pipe 1 config bw 800Kbit/s delay 10ms plr 0.25 queue 20 &&"
      "dnctl pipe 2 config bw 2G mask dst-ip 0xffffffff &&"
      "dnctl sched 3 config type fq_codel target 8ms noecn quantum 300 &&"
      "dnctl queue 5 config sched 3 weight 7 codel ecn");
  s.send({.count = 1});
  s.pass(1_s);
  const std::string packets = s.sink.seen.empty() ? "1" : "0";
  CHECK(
      s.run("a", "dnctl pipe show 1").output ==
      "00001: 800.000 Kbit/s   10 ms burst 0 \n"
      "q131073  20 sl.plr 0.250000 1 flows (1 buckets) sched 65537 weight 0 lmax 0 pri 0 droptail\n"
      " sched 65537 type FIFO flags 0x0 0 buckets 1 active\n"
      "BKT Prot ___Source IP/port____ ____Dest. IP/port____ Tot_pkt/bytes Pkt/Byte Drp\n"
      "  0 ip           0.0.0.0/0             0.0.0.0/0        1     1000  0    0   " +
          packets + "\n");
  CHECK(s.run("a", "dnctl pipe 2 show")
            .output.starts_with("00002:   2.000 Gbit/s    0 ms burst 0 \n"));
  CHECK(s.run("a", "dnctl sched 3 show").output ==
        "00003: unlimited         0 ms burst 0 \n"
        "q65539  50 sl. 0 flows (1 buckets) sched 3 weight 0 lmax 0 pri 0 droptail\n"
        " sched 3 type FQ_CODEL flags 0x0 0 buckets 0 active\n"
        " FQ_CODEL target 8ms interval 100ms quantum 300 limit 10240 flows 1024 NoECN\n"
        "   Children flowsets: 5 \n");
  CHECK(s.show("queue") ==
        "q00005  50 sl. 0 flows (1 buckets) sched 3 weight 7 lmax 0 pri 0 \n"
        " AQM CoDel target 5ms interval 100ms ECN\n");
}

TEST_CASE("what dnctl cannot read changes nothing", "[dummynet]") {
  const auto [words, status, complaint] = GENERATE(table<std::string, int, std::string>(
      {{"pipe config", 64, "need a pipe/flowset/sched number"},
       {"pipe 1 config delay 20000", 65, "delay must be < 10000"},
       {"pipe 1 config fast", 65, "unrecognised option ``fast''"},
       {"pipe 1 config queue 1000", 65, "2 <= queue size <= 100"},
       {"pipe 1 config queue 2000KB", 65, "queue size must be < 1048576B"},
       {"queue 1 config bw 1Mbit/s", 65, "bw is only for links"},
       {"pipe 1 config type rr", 65, "type is only for schedulers"},
       {"pipe 1 config mask proto 256", 65, "proto mask must be 8 bit"},
       {"pipe 1 config red 2/3/4/1", 65, "0 < w_q <= 1"},
       {"pipe 1 config red 0.1/9/4/1", 65, "min_th 9 must be < than max_th 4"},
       {"pipe 1 config burst 999999999999999", 65, "burst: out of range (0..2^48-1)"},
       {"pipe 1 config profile /none", 69, "fopen: /none: No such file or directory"},
       {"queue 1 config weight 3", 1, "setsockopt(IP_DUMMYNET_CONFIGURE): Invalid argument"},
       {"sched 1 config type none", 1, "setsockopt(IP_DUMMYNET_CONFIGURE): Invalid argument"},
       {"hose 1 config", 64, "bad command `hose'"}}));
  Shaped s("true");
  const CommandResult result = s.run("a", "dnctl " + words);
  CHECK(result.output == "dnctl: " + complaint + "\n");
  CHECK(result.exit == status);
  CHECK(s.show("pipe") + s.show("queue") + s.show("sched") == "");
}

TEST_CASE("a pipe may have the rate of an interface", "[dummynet]") {
  Shaped s("dnctl pipe 1 config bw em0",
           "{nodes: {a: {interfaces: {em0: {}}}, b: {interfaces: {em0: {}}}},"
           " links: [{endpoints: a -- b, impair: {rate: 1mbit}}]}");
  s.send({.count = 5});
  s.pass(1_s);
  REQUIRE(s.sink.seen.size() == 5);
  CHECK(s.left(4) == 40_ms);
  CHECK(s.show("pipe").find("em0") != std::string::npos);
}
