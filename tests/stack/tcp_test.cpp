// TCP as its users see it: programs, netstat, and what goes over the wire.
#include <catch2/catch.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";

// Runs a transfer of `lines` lines from a to b and compares what arrived.
bool transfer_is_whole(LabFixture& lab, int lines) {
  lab.run("b", "nc -l 80 > /tmp/got &");
  lab.run("a", text("seq 1 {} > /tmp/sent", lines));
  const bool sent = lab.run("a", "nc -N b 80 < /tmp/sent").exit == 0;
  lab.pass(1_s);
  return sent && lab.run("a", "cat /tmp/sent").output == lab.run("b", "cat /tmp/got").output;
}

}  // namespace

TEST_CASE("a stream goes both ways, and both ends close", "[tcp]") {
  LabFixture lab(two);
  lab.run("b", "echo answer > /tmp/answer; nc -l -N 80 < /tmp/answer > /tmp/got &");
  CHECK(lab.run("a", "echo question | nc -N b 80").output == "answer\n");
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/got").output == "question\n");
  CHECK(lab.counter("a", "tcps_connattempt") == 1);
  CHECK(lab.counter("b", "tcps_accepts") == 1);
  CHECK(lab.counter("a", "tcps_rexmttimeo") == 0);
  // Whoever closed first waits for 2 MSL.
  CHECK(lab.run("a", "netstat -an -p tcp").says("TIME_WAIT"));
  lab.pass(61_s);
  CHECK(!lab.run("a", "netstat -an -p tcp").says("TIME_WAIT"));
  CHECK(!lab.run("b", "netstat -an -p tcp").says("10.0.0.1"));
}

TEST_CASE("a closed port refuses, a silent one times out, a dead host is down", "[tcp]") {
  LabFixture lab(two);
  CHECK(lab.run("a", "nc -v b 80").says("Connection refused"));
  CHECK(lab.dropped("no_listener") == 1);
  lab.run("b", "sysctl net.inet.tcp.blackhole=2");
  const SimTime before = lab.lab.simulation().now();
  CHECK(lab.run("a", "nc -v b 80").says("Operation timed out"));
  CHECK((lab.lab.simulation().now() - before).s() == 75);  // net.inet.tcp.keepinit
  CHECK(lab.run("a", "nc -v -w 3 b 80").says("Operation timed out"));
  CHECK(lab.run("a", "nc -v 10.0.0.77 80").says("Host is down"));
  CHECK(lab.run("a", "nc -v 192.0.2.1 80").says("No route to host"));
}

TEST_CASE("nc scans with -z, serves several callers with -k, and chooses its port with -p",
          "[tcp]") {
  LabFixture lab(two);
  lab.run("b", "nc -l -k 81 > /tmp/got &");
  const auto scan = lab.run("a", "nc -v -z b 80-82");
  CHECK(scan.says("port 80 (tcp) failed: Connection refused"));
  CHECK(scan.says("Connection to b 81 port [tcp/*] succeeded!"));
  CHECK(lab.run("a", "echo one | nc -N b 81").exit == 0);
  CHECK(lab.run("a", "echo two | nc -N -p 1234 b 81").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/got").output == "one\ntwo\n");
  CHECK(lab.run("a", "netstat -an").says("10.0.0.1.1234"));
  // The same ends again: the other side is in LAST_ACK no more, but we wait in TIME_WAIT.
  CHECK(lab.run("a", "nc -p 1234 b 81").says("Address already in use"));
}

TEST_CASE("netstat and sockstat show who listens, who talks, and how many wait", "[tcp]") {
  LabFixture lab(two);
  lab.run("b", "nc -l 80 > /dev/null &");
  lab.run("a", "sleep 5 | nc b 80 &");
  lab.pass(1_s);
  const auto an = lab.run("b", "netstat -an");
  CHECK(an.says("tcp4       0      0  *.80                   *.*                    LISTEN"));
  CHECK(an.says("10.0.0.2.80            10.0.0.1."));
  CHECK(an.says("ESTABLISHED"));
  CHECK(lab.run("b", "netstat -Lan").says("tcp4  0/0/1"));
  CHECK(lab.run("b", "sockstat -4l").says("tcp4   *:80                  *:*"));
  CHECK(lab.run("a", "sockstat -4c").says("10.0.0.2:80"));
}

TEST_CASE("inetd echoes, generates characters, throws away, and tells the time", "[tcp]") {
  LabFixture lab(two);
  lab.run("b",
          "for s in echo discard daytime chargen; do echo $s stream tcp nowait root internal; "
          "done > /etc/inetd.conf; inetd");
  CHECK(lab.run("a", "echo shout | nc -N b echo").output == "shout\n");
  CHECK(lab.run("a", "nc b daytime").says("1970\r\n"));
  CHECK(lab.run("a", "echo gone | nc -N b discard").output == "");
  const auto lines = lab.run("a", "nc b chargen | head -2");
  CHECK(lines.says(" !\"#$%&'()*+,-./0123456789"));
  lab.pass(5_s);
  CHECK(!lab.run("b", "netstat -an -p tcp").says("ESTABLISHED"));
}

TEST_CASE("megabytes arrive whole over a link that loses, reorders and duplicates", "[tcp]") {
  const char* const impaired = R"(
nodes: [a, b]
links:
  - {endpoints: [a, b], impair: {rate: 50mbit, delay: 5ms, loss: 2%, duplicate: 1%, jitter: 1ms, reorder: 1%}}
)";
  std::string errors;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    LabOptions options;
    options.seed = seed;
    LabFixture lab(impaired, options);
    INFO("seed " << seed);
    CHECK(transfer_is_whole(lab, 100'000));
    CHECK(lab.counter("a", "tcps_sndrexmitpack") > 0);
    CHECK(lab.counter("a", "tcps_sack_recovery_episode") > 0);
  }
}

TEST_CASE("the stack rack repairs by time what the stack freebsd needs timeouts for", "[tcp]") {
  // The same losses for both: the sum of their timeouts.
  const auto timeouts_of = [](const std::string& stack) {
    uint64_t timeouts = 0;
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      LabOptions options;
      options.seed = seed;
      LabFixture lab("nodes:\n  a: {sysctl: {net.inet.tcp.functions_default: " + stack + R"(}}
  b: {}
links:
  - {endpoints: [a, b], impair: {rate: 50mbit, delay: 5ms, loss: 8%, jitter: 1ms, reorder: 1%}}
)",
                     options);
      CHECK(transfer_is_whole(lab, 100'000));
      timeouts += lab.counter("a", "tcps_rexmttimeo");
    }
    return timeouts;
  };
  const uint64_t by_time = timeouts_of("rack"), by_count = timeouts_of("freebsd");
  const uint64_t once_only = timeouts_of("freebsd, net.inet.tcp.sack.lrd: 0");
  INFO("rack " << by_time << ", freebsd " << by_count << ", without lrd " << once_only);
  CHECK(once_only > 10);
  CHECK(by_count < once_only);
  CHECK(by_time * 2 < once_only);
  CHECK(by_time < by_count);
}

TEST_CASE("without SACK, timestamps and scaling it still arrives", "[tcp]") {
  LabFixture lab(R"(
nodes:
  a: {sysctl: {net.inet.tcp.rfc1323: 0, net.inet.tcp.sack.enable: 0}}
  b: {}
links:
  - {endpoints: [a, b], impair: {rate: 50mbit, delay: 5ms, loss: 1%}}
)");
  CHECK(transfer_is_whole(lab, 50'000));
  CHECK(lab.counter("a", "tcps_sndrexmitpack") > 0);
}

TEST_CASE("a reader that does not read closes the window, and opens it again", "[tcp]") {
  LabFixture lab(two);
  lab.run("b", "nc -l 80 | (sleep 30; cat > /tmp/got) &");
  lab.run("a", "seq 1 200000 > /tmp/sent; nc -N b 80 < /tmp/sent &");
  lab.pass(20_s);
  CHECK(lab.counter("a", "tcps_persisttimeo") >= 2);
  lab.pass(60_s);
  CHECK(lab.run("b", "wc -l /tmp/got").says("200000"));
  CHECK(lab.counter("a", "tcps_sndrexmitpack") == 0);
}

TEST_CASE("an idle peer that vanished is found out by keepalive", "[tcp]") {
  LabFixture lab(
      "nodes:\n  a: {sysctl: {net.inet.tcp.keepidle: 10000, net.inet.tcp.keepintvl: 1000}}\n  b: "
      "{}\n"
      "links: [a -- b]\n");
  lab.run("b", "nc -l 80 > /dev/null &");
  lab.run("a", "sleep 1000 | nc b 80 &");
  lab.pass(5_s);
  CHECK(lab.run("a", "netstat -an -p tcp").says("ESTABLISHED"));
  lab.pass(20_s);
  CHECK(lab.counter("a", "tcps_keepprobe") >= 1);
  CHECK(lab.run("a", "netstat -an -p tcp").says("ESTABLISHED"));
  lab.run("b", "ifconfig em0 down");
  lab.pass(30_s);
  CHECK(lab.counter("a", "tcps_keepdrops") == 1);
  CHECK(!lab.run("a", "netstat -an -p tcp").says("ESTABLISHED"));
}

TEST_CASE("a smaller MTU on the way is found, and the transfer goes on", "[tcp]") {
  LabFixture lab(R"(
nodes:
  a: {routes: [{to: default, via: r}]}
  r: {kind: router}
  b: {routes: [{to: default, via: r}]}
links: [a -- r, r -- b]
)");
  lab.run("r", "ifconfig em1 mtu 1000");
  CHECK(transfer_is_whole(lab, 20'000));
  CHECK(lab.counter("a", "tcps_mturesent") >= 1);
}

TEST_CASE("httpd serves files of a folder, and fetch gets them", "[tcp]") {
  LabFixture lab(two);
  lab.run("b", "mkdir /www; echo hello > /www/index.html; seq 1 10000 > /www/big; httpd -d /www");
  CHECK(lab.run("a", "fetch -o - http://b/").output == "hello\n");
  const auto got = lab.run("a", "fetch http://b:80/big; wc -l big");
  CHECK(got.says("10000 big"));
  CHECK(got.says("big                                             47 kB"));
  CHECK(lab.run("a", "fetch http://b/none").says("fetch: http://b/none: Not Found"));
  CHECK(lab.run("a", "fetch http://b/../etc/hosts").says("Forbidden"));
  CHECK(lab.run("a", "fetch http://b:81/").says("fetch: http://b/: Connection refused"));
  CHECK(lab.run("a", "fetch http://nobody/").says("No address record"));
  // Several at once.
  lab.run("a", "for i in 1 2 3 4 5; do fetch -q -o /tmp/$i http://b/big & done; wait");
  CHECK(lab.run("a", "cat /tmp/1 /tmp/2 /tmp/3 /tmp/4 /tmp/5 | wc -l").says("50000"));
}

TEST_CASE("tcpdrop ends a connection, and both ends hear of it", "[tcp]") {
  LabFixture lab(two);
  lab.run("b", "nc -l 80 > /tmp/got &");
  lab.run("a", "sleep 1000 | nc -p 1234 b 80 &");
  lab.pass(1_s);
  CHECK(lab.run("b", "tcpdrop -l -a").output == "tcpdrop 10.0.0.2 80 10.0.0.1 1234\n");
  CHECK(lab.run("b", "tcpdrop 10.0.0.2 80 10.0.0.1 1234").says("dropped"));
  CHECK(lab.run("b", "tcpdrop 10.0.0.2 80 10.0.0.1 1234").says("No such process"));
  lab.pass(1_s);
  CHECK(lab.run("a", "netstat -an -p tcp").output.find("1234") == std::string::npos);
  CHECK(lab.run("a", "netstat -s -p tcp").says("1 connection closed (including 1 drop)"));
}

TEST_CASE("a second connection begins with what the first learnt of the host", "[tcp]") {
  LabFixture lab(
      "nodes: [a, b]\nlinks:\n  - {endpoints: [a, b], impair: {rate: 10mbit, delay: 30ms}}\n");
  CHECK(transfer_is_whole(lab, 50'000));
  lab.pass(61_s);
  CHECK(lab.counter("a", "tcps_cachedrtt") == 1);
  CHECK(lab.run("a", "sysctl -n net.inet.tcp.hostcache.list").says("10.0.0.2"));
  CHECK(transfer_is_whole(lab, 100));
  CHECK(lab.counter("a", "tcps_usedrtt") == 1);
}
