// divert(4): a program in the way of packets.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

class Diverted : public LabFixture {
 public:
  Diverted()
      : LabFixture(R"(
nodes:
  a: {interfaces: {em0: {addresses: [10.0.1.1/24]}}, routes: [{to: default, via: 10.0.1.2}]}
  fw: {kind: router, interfaces: {em0: {addresses: [10.0.1.2/24]}, em1: {addresses: [10.0.2.2/24]}}}
  b: {interfaces: {em0: {addresses: [10.0.2.1/24]}}, routes: [{to: default, via: 10.0.2.2}]}
links: ["a:em0 -- fw:em0", "fw:em1 -- b:em0"]
hosts: false
)") {
    run("b", "nc -u -l 5000 > /tmp/heard &");
  }
  int64_t count(int number) {
    const auto words = split_words(run("fw", text("ipfw show {}", number)).output);
    return words.size() > 1 ? parse_int(words[1]).value_or(-1) : -1;
  }
  std::string say(const std::string& words) {
    run("a", text("echo {} | nc -u -w 1 10.0.2.1 5000", words));
    pass(1_s);
    return run("b", "cat /tmp/heard").output;
  }
};

}  // namespace

TEST_CASE("a program rewrites what it is given, and it goes on behind the rule", "[divert]") {
  for (const std::string direction : {"in recv em0", "out xmit em1"}) {
    INFO(direction);
    Diverted d;
    d.run("fw", "divert-rewrite 2000 apples onions &");
    d.run("fw", "ipfw -q add 10 divert 2000 udp from any to any 5000 " + direction);
    d.run("fw", "ipfw -q add 20 count udp from any to any 5000 diverted " + direction);
    d.run("fw", "ipfw -q add 21 count udp from any to any 5000 diverted-output");
    d.run("fw", "ipfw -q add 30 allow ip from any to any");
    CHECK(d.say("two apples") == "two onions\n");
    CHECK(d.count(10) == 1);
    CHECK(d.count(20) == 1);
    CHECK(d.count(21) == (direction.starts_with("out") ? 1 : 0));
  }
}

TEST_CASE("tee gives a copy away, and the packet goes on", "[divert]") {
  Diverted d;
  d.run("fw", "ipfw -q add 10 tee 2000 udp from any to any 5000 in");
  d.run("fw", "ipfw -q add 30 allow ip from any to any");
  CHECK(d.say("alone") == "alone\n");
  CHECK(d.dropped("ipfw_no_divert") == 0);
}

TEST_CASE("packets for a port where nobody listens die", "[divert]") {
  Diverted d;
  d.run("fw", "ipfw -q add 10 divert 2000 udp from any to any 5000 in");
  d.run("fw", "ipfw -q add 30 allow ip from any to any");
  CHECK(d.say("nothing").empty());
  CHECK(d.dropped("ipfw_no_divert") == 1);
  // With the port in use, a second program is refused it.
  d.run("fw", "divert-rewrite 2000 a b &");
  CHECK(d.run("fw", "divert-rewrite 2000 a b").says("Address already in use"));
}

TEST_CASE("IPv6 is diverted and forwarded like IPv4", "[divert]") {
  LabFixture lab(R"(
nodes:
  a: {interfaces: {em0: {addresses: ["2001:db8:1::1/64"]}}, routes: [{to: "::/0", via: "2001:db8:1::2"}]}
  fw: {kind: router, interfaces: {em0: {addresses: ["2001:db8:1::2/64"]}, em1: {addresses: ["2001:db8:2::2/64"]}}}
  b: {interfaces: {em0: {addresses: ["2001:db8:2::1/64"]}}, routes: [{to: "::/0", via: "2001:db8:2::2"}]}
links: ["a:em0 -- fw:em0", "fw:em1 -- b:em0"]
hosts: false
)");
  lab.pass(3_s);
  const std::string direction = GENERATE("in recv em0", "out xmit em1");
  lab.run("b", "nc -6 -u -l 5000 > /tmp/heard &");
  lab.run("fw", "divert-rewrite 2000 apples onions &");
  lab.run("fw", "ipfw -q add 10 divert 2000 udp from any to any 5000 " + direction);
  lab.run("fw", "ipfw -q add 20 fwd ::1,3128 tcp from any to any 80 in");
  lab.run("fw", "ipfw -q add 30 allow ip from any to any");
  lab.run("a", "echo two apples | nc -6 -u -w 1 2001:db8:2::1 5000");
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/heard").output == "two onions\n");
  lab.run("fw", "nc -6 -lk 3128 > /tmp/proxied &");
  lab.run("a", "echo get | nc -6 -N -w 3 2001:db8:2::1 80");
  lab.pass(1_s);
  CHECK(lab.run("fw", "cat /tmp/proxied").output == "get\n");
}
