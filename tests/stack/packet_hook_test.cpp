// Packet hooks: what a chain sees, how packets come back, and what becomes of those that cannot.
#include <catch2/catch.hpp>

#include <algorithm>

#include "core/base/text.h"
#include "stack/kern/machine.h"
#include "stack/net/net_stack.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

constexpr DropReason refused{"hook_refused", "the test's hook does not like it"};

// Writes down what it sees; drops or keeps packets of a size.
class Watcher final : public PacketHook {
 public:
  Watcher(NetStack& net, std::string name) : PacketHook(std::move(name)), net_(net) {}
  ~Watcher() override { net_.hooks().unlink(*this); }
  void everywhere() {
    for (size_t i = 0; i < hook_point_count; ++i) net_.hooks().link(HookPoint(i), *this);
  }
  HookVerdict filter(Packet& packet, HookContext& at) override {
    static constexpr const char* names[] = {"in", "out", "in6", "out6", "ether_in", "ether_out"};
    const uint8_t first = packet.front()[0];
    if (!at.ethernet()) CHECK((first >> 4 == 4 || first >> 4 == 6));
    seen.push_back(text("{} {}>{}{}", names[size_t(at.point)], at.in ? at.in->name() : "-",
                        at.out ? at.out->name() : "-", at.cookie ? text(" #{}", at.cookie) : ""));
    if (at.cookie) return HookVerdict::pass();
    if (packet.size() == refuse_size) {
      net_.site().note_drop(packet.id(), refused, "hook");
      packet = {};
      return HookVerdict::took(Errno::eacces);
    }
    if (packet.size() == keep_size) {
      kept.emplace_back(std::move(packet), at.resume(kept.size() + 7));
      return HookVerdict::took();
    }
    return HookVerdict::pass();
  }
  void give_back() {
    for (auto& [packet, resume] : std::exchange(kept, {}))
      net_.hooks().resume(std::move(packet), resume);
  }
  int count(const std::string& line) const {
    return int(std::count(seen.begin(), seen.end(), line));
  }

  size_t refuse_size = 0, keep_size = 0;
  std::vector<std::string> seen;
  std::vector<std::pair<Packet, Resume>> kept;

 private:
  NetStack& net_;
};

constexpr const char* three = R"(
nodes:
  a: {interfaces: {em0: {addresses: [10.0.1.1/24, "2001:db8:1::1/64"]}},
      routes: [{to: default, via: 10.0.1.2}, {to: "::/0", via: "2001:db8:1::2"}]}
  r: {kind: router, interfaces: {em0: {addresses: [10.0.1.2/24, "2001:db8:1::2/64"]},
                                 em1: {addresses: [10.0.2.2/24, "2001:db8:2::2/64"]}}}
  b: {interfaces: {em0: {addresses: [10.0.2.1/24, "2001:db8:2::1/64"]}},
      routes: [{to: default, via: 10.0.2.2}, {to: "::/0", via: "2001:db8:2::2"}]}
links: ["a:em0 -- r:em0", "r:em1 -- b:em0"]
hosts: false
)";

class Three : public LabFixture {
 public:
  Three()
      : LabFixture(three),
        net(lab.machine("r").vnet().state<NetStack>(net_module)),
        hook(std::make_unique<Watcher>(net, "test")) {
    pass(3_s);  // duplicate address detection
  }
  // Lets what a hook kept go on, inside an event of the router.
  void give_back() {
    Simulation& simulation = lab.simulation();
    simulation.at_barrier(simulation.now() + 1_ns, EventKind::outside,
                          [this] { hook->give_back(); });
  }
  NetStack& net;
  std::unique_ptr<Watcher> hook;
};

}  // namespace

TEST_CASE("a forwarded packet passes in and out, with both interfaces, in both families",
          "[hook]") {
  Three t;
  CHECK(t.run("a", "ping -c 1 10.0.2.1 && ping6 -c 1 2001:db8:2::1").exit == 0);
  t.hook->everywhere();
  CHECK(t.run("a", "ping -c 1 10.0.2.1").exit == 0);
  CHECK(t.hook->count("ether_in em0>-") == 1);
  CHECK(t.hook->count("in em0>-") == 1);
  CHECK(t.hook->count("out em0>em1") == 1);
  CHECK(t.hook->count("out em1>em0") == 1);
  CHECK(t.run("a", "ping6 -c 1 2001:db8:2::1").exit == 0);
  CHECK(t.hook->count("in6 em0>-") >= 1);
  CHECK(t.hook->count("out6 em0>em1") == 1);
  // What the router itself sends has no interface that it came by; what is for it, none to leave.
  t.hook->seen.clear();
  CHECK(t.run("r", "ping -c 1 10.0.2.1").exit == 0);
  CHECK(t.hook->count("out ->em1") == 1);
  CHECK(t.hook->count("in em1>-") == 1);
  t.hook.reset();
  CHECK(!t.net.hooked(HookPoint::inet_in));
  CHECK(t.run("a", "ping -c 1 10.0.2.1").exit == 0);
}

TEST_CASE("a hook that drops on the way out is heard by the sender", "[hook]") {
  Three t;
  t.hook->everywhere();
  t.hook->refuse_size = 20 + 8 + 100;
  const CommandResult ping = t.run("r", "ping -c 1 -t 1 -s 100 10.0.2.1");
  CHECK(ping.says("ping: sendto: Permission denied"));
  CHECK(t.dropped("hook_refused") == 1);
  // Forwarded packets die silently.
  CHECK(t.run("a", "ping -c 1 -t 1 -s 100 10.0.2.1").exit == 2);
  CHECK(t.dropped("hook_refused") == 2);
  CHECK(t.run("a", "ping -c 1 -t 1 10.0.2.1").exit == 0);
}

TEST_CASE("what a hook kept goes on where it left its way", "[hook]") {
  Three t;
  CHECK(t.run("a", "ping -c 1 10.0.2.1 && ping6 -c 1 2001:db8:2::1").exit == 0);
  Watcher later(t.net, "later");
  for (const HookPoint point : {HookPoint::inet_in, HookPoint::inet_out, HookPoint::inet6_in,
                                HookPoint::inet6_out, HookPoint::ether_in, HookPoint::ether_out}) {
    INFO(int(point));
    const bool v6 = point == HookPoint::inet6_in || point == HookPoint::inet6_out;
    const bool ether = point >= HookPoint::ether_in;
    Watcher hook(t.net, "keeper");
    t.hook = std::make_unique<Watcher>(t.net, "keeper");
    t.net.hooks().link(point, *t.hook);
    t.net.hooks().link(point, later);
    later.seen.clear();
    t.hook->keep_size = (v6 ? 40 : 20) + 8 + 100 + (ether ? 14 : 0);
    t.run("a", text("{} -c 1 -s 100 {} > /tmp/out &", v6 ? "ping6" : "ping -t 5",
                    v6 ? "2001:db8:2::1" : "10.0.2.1"));
    t.pass(500_ms);
    REQUIRE(t.hook->kept.size() == 1);
    t.hook->keep_size = 0;
    t.give_back();
    t.pass(1_s);
    CHECK(t.run("a", "cat /tmp/out").says("1 packets received"));
    // It came back to its hook with the cookie, and only then to the next one.
    CHECK(std::count_if(t.hook->seen.begin(), t.hook->seen.end(),
                        [](const std::string& s) { return s.find("#7") != s.npos; }) == 1);
    CHECK(later.seen.size() + 1 == t.hook->seen.size());
    t.net.hooks().unlink(point, later);
  }
}

TEST_CASE("a packet whose interface has gone dies when it comes back", "[hook]") {
  Three t;
  CHECK(t.run("a", "ping -c 1 10.0.2.1").exit == 0);
  CHECK(t.run("r", "ifconfig epair0 create && ifconfig epair0a 10.0.9.1/24 up").exit == 0);
  t.net.hooks().link(HookPoint::inet_out, *t.hook);
  t.hook->keep_size = 20 + 8 + 100;
  t.run("r", "ping -c 1 -t 1 -s 100 10.0.9.2");
  REQUIRE(t.hook->kept.size() == 1);
  CHECK(t.run("r", "ifconfig epair0a destroy").exit == 0);
  t.give_back();
  t.pass(10_ms);
  CHECK(t.dropped("interface_gone") == 1);
}

TEST_CASE("a bridge shows members, then itself; and only IP and ARP pass", "[hook][bridge]") {
  LabFixture m("nodes: [m, pc]\nlinks: [m -- pc]\nhosts: false\n");
  for (int i = 1; i <= 2; ++i)
    m.run("m", text("jail -c name=j{0} vnet persist && ifconfig epair{0} create && "
                    "ifconfig epair{0}a up && ifconfig epair{0}b vnet j{0} && "
                    "ifconfig -j j{0} epair{0}b 10.9.0.{0}/24",
                    i));
  m.run("m", "ifconfig bridge0 create addm epair1a addm epair2a up");
  CHECK(m.run("m", "jexec j1 ping -c 1 10.9.0.2").exit == 0);
  NetStack& net = m.lab.machine("m").vnet().state<NetStack>(net_module);
  Watcher hook(net, "test");
  hook.everywhere();
  CHECK(m.run("m", "jexec j1 ping -c 1 10.9.0.2").exit == 0);
  const std::vector<std::string> there = {"in epair1a>-", "in bridge0>-", "out epair1a>bridge0",
                                          "out epair1a>epair2a"};
  REQUIRE(hook.seen.size() == 8);
  CHECK(std::vector<std::string>(hook.seen.begin(), hook.seen.begin() + 4) == there);
  CHECK(m.run("m", "sysctl net.link.bridge.pfil_bridge=0 net.link.bridge.ipfw=1").exit == 0);
  hook.seen.clear();
  CHECK(m.run("m", "jexec j1 ping -c 1 10.9.0.2").exit == 0);
  CHECK(hook.count("in bridge0>-") == 0);
  CHECK(hook.count("ether_out epair1a>epair2a") == 1);
  // Kept on every stage of the way, it still arrives.
  m.run("m", "sysctl net.link.bridge.pfil_bridge=1");
  hook.keep_size = 20 + 8 + 100;
  m.run("m", "jexec j1 ping -c 1 -t 5 -s 100 10.9.0.2 > /tmp/out &");
  for (int i = 0; i < 10; ++i) {
    m.pass(50_ms);
    m.lab.simulation().at_barrier(m.lab.simulation().now() + 1_ns, EventKind::outside,
                                  [&] { hook.give_back(); });
  }
  CHECK(m.run("m", "cat /tmp/out").says("1 packets received"));
}
