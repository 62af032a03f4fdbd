// The spanning tree's engine alone: bridges whose BPDUs take a microsecond to each other.
#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <memory>

#include "core/base/text.h"
#include "core/dissect/dissect.h"
#include "core/l2/spanning_tree.h"

using namespace stackyard;

namespace {

// Bridges 1, 2, 3... with addresses 02:00:00:00:00:0N, the lowest the root, and cables between.
class Yard {
 public:
  static constexpr SimTime wire = 1_us;

  SpanningTree& add(StpVersion version = StpVersion::rstp, uint16_t priority = 32768) {
    bridges_.push_back(std::make_unique<Bridge>(*this, bridges_.size()));
    Bridge& b = *bridges_.back();
    const uint8_t last = uint8_t(bridges_.size());
    b.tree = std::make_unique<SpanningTree>(
        b,
        StpBridgeConfig{.priority = priority, .mac = {{2, 0, 0, 0, 0, last}}, .version = version});
    return *b.tree;
  }
  // Both ports come up at once.
  size_t cable(size_t a, size_t b, StpPortConfig config = {}) {
    const size_t number = cables_.size();
    cables_.push_back({{a, bridges_[a]->ports++}, {b, bridges_[b]->ports++}, true});
    for (const End& end : {cables_.back().a, cables_.back().b}) {
      config.number = uint16_t(end.port + 1);
      tree(end.bridge).set_port(end.port, config, now);
      tree(end.bridge).set_up(end.port, true, now);
    }
    return number;
  }
  // A port towards hosts.
  uint32_t host_port(size_t bridge, const StpPortConfig& config) {
    const uint32_t port = bridges_[bridge]->ports++;
    tree(bridge).set_port(port, config, now);
    tree(bridge).set_up(port, true, now);
    return port;
  }
  void plug(size_t cable, bool in) {
    cables_[cable].in = in;
    for (const End& end : {cables_[cable].a, cables_[cable].b})
      tree(end.bridge).set_up(end.port, in, now);
  }
  SpanningTree& tree(size_t bridge) { return *bridges_[bridge]->tree; }
  size_t flushes(size_t bridge) const { return bridges_[bridge]->flushes; }
  size_t sent(size_t bridge) const { return bridges_[bridge]->sent; }

  void run_until(SimTime end) {
    for (;;) {
      SimTime next = wires_.empty() ? SimTime::max() : wires_.front().at;
      for (const auto& b : bridges_) next = std::min(next, b->tree->next_due());
      if (next > end) break;
      now = next;
      while (!wires_.empty() && wires_.front().at <= now) {
        const Flying flying = wires_.front();
        wires_.pop_front();
        const auto bpdu = parse_bpdu(flying.octets);
        REQUIRE(bpdu);
        tree(flying.to.bridge).receive(flying.to.port, *bpdu, now);
      }
      for (const auto& b : bridges_)
        if (b->tree->next_due() <= now) b->tree->pass(now);
      check_no_loop();
    }
    now = end;
  }
  // "designated forwarding"
  std::string port(size_t bridge, uint32_t port) {
    const auto info = tree(bridge).info(port);
    return text("{} {}", name_of(info.role), name_of(info.state));
  }
  // Every bridge reaches every other by cables whose both ends forward.
  bool whole() const { return groups() == 1; }
  SimTime time_until_whole(SimTime most) {
    const SimTime begin = now;
    while (!whole() && now < begin + most) run_until(now + 10_ms);
    return now - begin;
  }

  SimTime now;

 private:
  struct End {
    size_t bridge;
    uint32_t port;
  };
  struct Cable {
    End a, b;
    bool in;
  };
  struct Flying {
    SimTime at;
    End to;
    std::vector<uint8_t> octets;
  };
  struct Bridge final : SpanningTree::Owner {
    Bridge(Yard& y, size_t i) : yard(y), index(i) {}
    void send_bpdu(uint32_t port, const Bpdu& bpdu) override {
      ++sent;
      for (const Cable& c : yard.cables_) {
        if (!c.in) continue;
        for (const auto& [from, to] : {std::pair(c.a, c.b), std::pair(c.b, c.a)})
          if (from.bridge == index && from.port == port)
            yard.wires_.push_back({yard.now + wire, to, emit_bpdu(bpdu)});
      }
    }
    void forget_addresses(uint32_t) override { ++flushes; }
    void port_changed(uint32_t) override {}
    Yard& yard;
    size_t index;
    uint32_t ports = 0;
    size_t flushes = 0, sent = 0;
    std::unique_ptr<SpanningTree> tree;
  };

  bool carries(const Cable& c) const {
    return c.in && bridges_[c.a.bridge]->tree->forwards(c.a.port) &&
           bridges_[c.b.bridge]->tree->forwards(c.b.port);
  }
  // The groups of bridges that reach each other; `loop`: a cable closes one.
  size_t groups(bool* loop = nullptr) const {
    std::vector<size_t> group(bridges_.size());
    for (size_t i = 0; i < group.size(); ++i) group[i] = i;
    size_t left = group.size();
    for (const Cable& c : cables_) {
      if (!carries(c)) continue;
      const size_t a = group[c.a.bridge], b = group[c.b.bridge];
      if (a == b && loop) *loop = true;
      if (a == b) continue;
      std::replace(group.begin(), group.end(), a, b);
      --left;
    }
    return left;
  }
  void check_no_loop() const {
    bool loop = false;
    (void)groups(&loop);
    REQUIRE(!loop);
  }

  std::vector<std::unique_ptr<Bridge>> bridges_;
  std::vector<Cable> cables_;
  std::deque<Flying> wires_;
};

// Bridges 0, 1, 2 and the cables 0-1, 1-2, 2-0.
void triangle(Yard& y, StpVersion version) {
  for (int i = 0; i < 3; ++i) y.add(version);
  for (size_t i = 0; i < 3; ++i) y.cable(i, (i + 1) % 3);
}

}  // namespace

TEST_CASE("BPDUs are read as they are written, and refused for what is wrong", "[stp]") {
  // A Configuration BPDU: root 32768 02:..:01, cost 19, bridge 32769 02:..:02, port 0x8003.
  const std::vector<uint8_t> config = {0, 0,    0, 0, 0x81, 0x80, 0, 2, 0, 0,  0, 0,
                                       1, 0,    0, 0, 19,   0x80, 1, 2, 0, 0,  0, 0,
                                       2, 0x80, 3, 1, 0,    20,   0, 2, 0, 15, 0};
  const auto read = parse_bpdu(config);
  REQUIRE(read);
  CHECK(read->kind == BpduKind::config);
  CHECK(read->topology_change);
  CHECK(read->topology_change_ack);
  CHECK(read->root == BridgeId{32768, {{2, 0, 0, 0, 0, 1}}});
  CHECK(read->root_cost == 19);
  CHECK(read->bridge == BridgeId{32769, {{2, 0, 0, 0, 0, 2}}});
  CHECK(read->port == 0x8003);
  CHECK(read->message_age == 1_s);
  CHECK(read->max_age == 20_s);
  CHECK(read->hello_time == 2_s);
  CHECK(read->forward_delay == 15_s);
  CHECK(emit_bpdu(*read) == config);
  auto old = config;
  old[27] = 20;
  CHECK(&parse_bpdu(old).why() == &drops::bad_field);
  for (size_t size = 0; size < config.size(); ++size)
    CHECK(&parse_bpdu(Bytes(config).first(size)).why() == &drops::truncated);

  const std::vector<uint8_t> notice = {0, 0, 0, 0x80};
  REQUIRE(parse_bpdu(notice));
  CHECK(parse_bpdu(notice)->kind == BpduKind::topology_change);
  CHECK(emit_bpdu(*parse_bpdu(notice)) == notice);

  auto rapid = config;
  rapid[2] = rapid[3] = 2;
  rapid[4] = 0x3e;  // proposal, designated, learning, forwarding
  CHECK(&parse_bpdu(rapid).why() == &drops::truncated);
  rapid.push_back(0);
  const auto rst = parse_bpdu(rapid);
  REQUIRE(rst);
  CHECK(rst->kind == BpduKind::rapid);
  CHECK(rst->role == BpduRole::designated);
  CHECK((rst->proposal && rst->learning && rst->forwarding && !rst->agreement));
  CHECK(emit_bpdu(*rst) == rapid);
  rapid[0] = 1;
  CHECK(&parse_bpdu(rapid).why() == &drops::bad_field);

  const auto frame = bpdu_frame({{2, 0, 0, 0, 0, 2}}, *rst);
  CHECK(frame.size() == 60);
  REQUIRE(parse_bpdu_frame(frame));
  CHECK(*parse_bpdu_frame(frame) == *rst);
  CHECK(one_line(frame) ==
        "STP 802.1w, Rapid STP, Flags [Proposal, Learn, Forward], bridge-id "
        "8001.02:00:00:00:00:02.8003, length 36");
  CHECK(layers(frame).size() == 2);
}

TEST_CASE("three bridges in a triangle agree on a tree at once", "[stp]") {
  Yard y;
  triangle(y, StpVersion::rstp);
  CHECK(!y.whole());
  CHECK(y.time_until_whole(60_s) < 100_ms);
  y.run_until(10_s);
  CHECK(y.port(0, 0) == "designated forwarding");
  CHECK(y.port(0, 1) == "designated forwarding");
  CHECK(y.port(1, 0) == "root forwarding");
  CHECK(y.port(1, 1) == "designated forwarding");
  CHECK(y.port(2, 0) == "alternate discarding");
  CHECK(y.port(2, 1) == "root forwarding");
  CHECK(y.tree(2).root() == y.tree(0).id());
  CHECK(y.tree(2).root_cost() == 20'000);
  CHECK(y.tree(2).root_port() == 1);
  // Calm: one hello each two seconds by each designated port.
  const size_t before = y.sent(0) + y.sent(1) + y.sent(2);
  y.run_until(20_s);
  CHECK(y.sent(0) + y.sent(1) + y.sent(2) == before + 15);
}

TEST_CASE("RSTP heals a cut in less than a second, and STP in two forward delays", "[stp]") {
  for (const StpVersion version : {StpVersion::rstp, StpVersion::stp}) {
    CAPTURE(name_of(version));
    const bool rapid = version == StpVersion::rstp;
    Yard y;
    triangle(y, version);
    y.run_until(40_s);
    CHECK(y.whole());
    const size_t flushed = y.flushes(1);
    y.plug(2, false);           // bridge 2's root port, towards bridge 0
    CHECK(y.whole() == rapid);  // who has an alternate knows at once
    const SimTime healed = y.time_until_whole(60_s);
    CHECK(healed < (rapid ? 100_ms : 31_s));
    CHECK(healed >= (rapid ? 0_s : 30_s));
    CHECK(y.port(2, 0) == "root forwarding");
    y.run_until(y.now + 5_s);
    CHECK(y.flushes(1) > flushed);  // addresses are elsewhere now
    // And back again.
    y.plug(2, true);
    y.run_until(y.now + (rapid ? 100_ms : 40_s));
    CHECK(y.whole());
    CHECK(y.port(2, 1) == "root forwarding");
    CHECK(y.port(2, 0) == "alternate discarding");
  }
}

TEST_CASE("a cut further away heals by telling that the way to the root is lost", "[stp]") {
  Yard y;
  triangle(y, StpVersion::rstp);
  y.run_until(10_s);
  y.plug(0, false);  // bridge 1's root port; bridge 2 has its own, and blocks the other
  CHECK(y.time_until_whole(60_s) < 100_ms);
  CHECK(y.port(1, 1) == "root forwarding");
  CHECK(y.port(2, 0) == "designated forwarding");
}

TEST_CASE("of two cables side by side one is spare", "[stp]") {
  Yard y;
  y.add();
  y.add();
  y.cable(0, 1);
  y.cable(0, 1);
  y.run_until(5_s);
  CHECK(y.whole());
  CHECK(y.port(1, 0) == "root forwarding");
  CHECK(y.port(1, 1) == "alternate discarding");
  y.plug(0, false);
  CHECK(y.time_until_whole(10_s) < 100_ms);
  CHECK(y.port(1, 1) == "root forwarding");
  // A better cost decides before the port's number does.
  y.plug(0, true);
  y.run_until(y.now + 1_s);
  CHECK(y.port(1, 0) == "root forwarding");
  y.tree(1).set_port(1, {.number = 2, .path_cost = 2'000}, y.now);
  y.run_until(y.now + 1_s);
  CHECK(y.port(1, 1) == "root forwarding");
  CHECK(y.port(1, 0) == "alternate discarding");
}

TEST_CASE("a bridge that hears itself has a backup", "[stp]") {
  Yard y;
  y.add();
  y.cable(0, 0);
  y.run_until(60_s);
  CHECK(y.port(0, 0) == "designated forwarding");
  CHECK(y.port(0, 1) == "backup discarding");
}

TEST_CASE("a better root takes over, and one that falls silent is forgotten", "[stp]") {
  Yard y;
  triangle(y, StpVersion::rstp);
  y.run_until(10_s);
  StpBridgeConfig config = y.tree(2).config();
  config.priority = 4096;
  y.tree(2).configure(config, y.now);
  y.run_until(y.now + 1_s);
  for (size_t i = 0; i < 3; ++i) CHECK(y.tree(i).root() == y.tree(2).id());
  CHECK(y.whole());
  CHECK(y.port(1, 0) == "alternate discarding");
  // Both its cables go, as when it loses its power.
  y.plug(1, false);
  y.plug(2, false);
  y.run_until(y.now + 1_s);
  CHECK(y.tree(1).root() == y.tree(0).id());
  CHECK(y.port(1, 0) == "root forwarding");
}

TEST_CASE("ports towards hosts forward at once or after three seconds of silence", "[stp]") {
  Yard y;
  y.add();
  const uint32_t edge = y.host_port(0, {.edge = true});
  const uint32_t automatic = y.host_port(0, {.number = 2});
  const uint32_t neither = y.host_port(0, {.number = 3, .auto_edge = false});
  y.run_until(10_ms);
  CHECK(y.tree(0).forwards(edge));
  CHECK(!y.tree(0).forwards(automatic));
  y.run_until(3100_ms);
  CHECK(y.tree(0).forwards(automatic));
  CHECK(y.tree(0).info(automatic).edge);
  CHECK(!y.tree(0).learns(neither));
  y.run_until(25_s);
  CHECK(y.tree(0).forwards(neither));
  CHECK(y.tree(0).topology_changes() == 1);  // edges change nothing
  // An edge where a bridge is heard is none any more.
  y.tree(0).receive(edge, {.kind = BpduKind::config}, y.now);
  CHECK(!y.tree(0).info(edge).edge);
}

TEST_CASE("a neighbour of the older STP is spoken to in its own words", "[stp]") {
  Yard y;
  y.add();
  y.add(StpVersion::stp);
  y.cable(0, 1);
  y.run_until(60_s);
  CHECK(y.whole());
  CHECK(y.tree(0).info(0).version == StpVersion::stp);
  CHECK(y.tree(1).root() == y.tree(0).id());
  CHECK(y.port(1, 0) == "root forwarding");
  // It learns RSTP.
  StpBridgeConfig config = y.tree(1).config();
  config.version = StpVersion::rstp;
  y.tree(1).configure(config, y.now);
  y.run_until(y.now + 10_s);
  CHECK(y.tree(0).info(0).version == StpVersion::rstp);
}

TEST_CASE("random meshes with cables pulled and plugged never loop, and become whole", "[stp]") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    uint32_t state = seed * 2'654'435'761u;
    const auto draw = [&](uint32_t below) {
      state = state * 1'664'525 + 1'013'904'223;
      return (state >> 16) % below;
    };
    Yard y;
    const size_t bridges = 4 + draw(5);
    for (size_t i = 0; i < bridges; ++i) y.add(StpVersion::rstp, uint16_t(4096 * (1 + draw(15))));
    size_t cables = 0;
    for (size_t i = 0; i < bridges; ++i, ++cables) y.cable(i, (i + 1) % bridges);
    for (size_t i = 0; i < bridges; ++i) {
      const size_t a = draw(uint32_t(bridges)), b = draw(uint32_t(bridges));
      if (a == b) continue;
      y.cable(a, b);
      ++cables;
    }
    y.run_until(10_s);
    CHECK(y.whole());
    for (int i = 0; i < 10; ++i) {
      const size_t cable = draw(uint32_t(cables));
      y.plug(cable, false);
      y.run_until(y.now + SimTime(int64_t(draw(3'000)) * 1'000'000));
      y.plug(cable, true);
      y.run_until(y.now + SimTime(int64_t(draw(3'000)) * 1'000'000));
    }
    y.run_until(y.now + 60_s);
    CHECK(y.whole());
  }
}
