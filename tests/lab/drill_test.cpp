// Packet scripts: what people are told when one does not hold. That they hold is tests/drill.
#include <catch2/catch.hpp>

#include "lab/drill/runner.h"

using namespace stackyard;
using drill::Outcome;

namespace {

const std::string opened =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n"
    "+0 < S 0:0(0) win 1000 <mss 1000>\n"
    "+0 > S. 0:0(0) ack 1 <...>\n"
    "+0 < . 1:1(0) ack 1 win 1000\n"
    "+0 accept(3, ..., ...) = 4\n";

Outcome run(const std::string& script) { return drill::run_script(script, "", {}); }

void check_fails(const std::string& script, int line, const std::string& words) {
  const Outcome outcome = run(script);
  INFO(script << "\n" << outcome.line << ": " << outcome.reason);
  CHECK(outcome.kind == Outcome::Kind::failed);
  CHECK(outcome.line == line);
  CHECK(outcome.reason.find(words) != std::string::npos);
}

void check_skips(const std::string& script, const std::string& words) {
  const Outcome outcome = run(script);
  INFO(script << "\n" << outcome.reason);
  CHECK(outcome.kind == Outcome::Kind::skipped);
  CHECK(outcome.reason.find(words) != std::string::npos);
}

}  // namespace

TEST_CASE("a packet that differs is shown beside the script's", "[drill]") {
  check_fails(opened + "+0 write(4, ..., 10) = 10\n+0 > . 1:11(10) ack 1\n", 9,
              "flag PSH: expected 0, got 1\n"
              "script packet: 0.000050 > . 1:11(10) ack 1\n"
              "actual packet: 0.000050 > P. 1:11(10) ack 1 win 65535");
  check_fails(opened + "+0 write(4, ..., 10) = 10\n+0 > P. 1:12(11) ack 1\n", 9, "payload");
  check_fails(opened + "+0 close(4) = 0\n+0 > F. 2:2(0) ack 1\n", 9, "sequence");
  check_fails(opened + "+0 close(4) = 0\n+0 > F. 1:1(0) ack 2\n", 9, "ack: expected 2");
  check_fails(opened + "+0 close(4) = 0\n+0 > F. 1:1(0) ack 1 win 7\n", 9, "window");
  check_fails(opened + "+0 close(4) = 0\n+0 > F. 1:1(0) ack 1 <nop>\n", 9, "not padded");
  check_fails(opened + "+0 close(4) = 0\n+0 > F. 1:1(0) ack 1 <nop,nop,nop,nop>\n", 9, "options");
  check_fails(opened + "+0 close(4) = 0\n+0 > [ce] F. 1:1(0) ack 1\n", 9, "ECN");
  check_fails(opened + "+0 close(4) = 0\n+0 > (ttl 9) F. 1:1(0) ack 1\n", 9, "ttl");
}

TEST_CASE("a packet that is late, early or never comes fails its line", "[drill]") {
  const std::string data = "+0 < . 1:11(10) ack 1 win 1000\n";
  check_fails(
      opened + data + "+.1 > . 1:1(0) ack 11\n", 9,
      "timing error: expected outbound packet at 0.100040 sec but happened at 0.040040 sec");
  check_fails(opened + data + "+0~+.01 > . 1:1(0) ack 11\n", 9, "in time range");
  CHECK(run(opened + data + "+0~+.05 > . 1:1(0) ack 11\n").kind == Outcome::Kind::passed);
  check_fails(opened + "+0 > . 1:1(0) ack 11\n", 8, "nothing was sent");
  CHECK(run("--tolerance_usecs=70000\n" + opened + data + "+.1 > . 1:1(0) ack 11\n").kind ==
        Outcome::Kind::passed);
}

TEST_CASE("a call whose result, error, value or time differs fails its line", "[drill]") {
  check_fails("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = -1 EPERM (no)\n", 1,
              "socket: expected -1 EPERM, got 3");
  check_fails("0 bind(9, ..., ...) = 0\n", 1, "got -1 EBADF (Bad file descriptor)");
  check_fails(opened + "+0 getsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], [4]) = 0\n", 8,
              "value: expected [1], got 0");
  check_fails(opened + "+0...0.2 read(4, ..., 9) = 9\n+.1 < . 1:10(9) ack 1 win 9\n", 8,
              "expected system call return at 0.200040 sec");
  check_fails(opened + "+0 poll([{fd=4, events=POLLOUT, revents=0}], 1, 0) = 1\n", 8, "revents");
  check_fails(opened + "+0 frobnicate(4) = 0\n", 8, "Unknown system call");
  check_fails(opened + "+0 write(4, ..., NO_SUCH_NAME) = 0\n", 8, "\"NO_SUCH_NAME\" is unknown");
}

TEST_CASE("assertions and commands that fail say what they saw", "[drill]") {
  check_fails(opened + "+0 %{ assert tcpi_snd_mss == 7, 'small' }%\n", 8,
              "assertion failed: tcpi_snd_mss == 7 (tcpi_snd_mss is 1000): small");
  check_fails(opened + "+0 %{\nx = 1\nassert x in [2, 3]\n}%\n", 10, "(x is 1)");
  check_fails("`sysctl net.inet.tcp.no_such=1`\n0 `true`\n", 1, "unknown oid");
  check_fails("0 `echo no; exit 3`\n", 1, "ends with 3: no");
}

TEST_CASE("what is wrong with a script is said with its line", "[drill]") {
  check_fails("0 socket(...\n", 2, "belongs here");
  check_fails("0 < S 0:5(4) win 1\n", 1, "inconsistent");
  check_fails("0 < S 0:0(0)\n", 1, "window must be specified");
  check_fails("0 < S 0:0(0) win 1 <...>\n", 1, "outbound");
  check_fails("0 < X 0:0(0) win 1\n", 1, "Invalid TCP flag");
  check_fails("1 `true`\n", 1, "first event should be at time 0");
  check_fails("0 `true`\n* `true`\n", 2, "only outbound packets");
  check_fails("#ifdef FreeBSD\n0 `true`\n", 3, "#endif");
  check_fails("--no_such_option=1\n0 `true`\n", 1, "--no_such_option is unknown");
  check_fails("--ip_version=ipv5\n0 `true`\n", 1, "bad --ip_version");
  check_fails("0 > S 0:0(0)\n", 1, "no matching socket");
  check_fails("// nothing\n", 2, "nothing happens");
  check_fails(opened + "1 `true`\n0.5 `true`\n", 9, "timing error");
}

TEST_CASE("what this build has not skips a script, with the reason", "[drill]") {
  check_skips("0 < sctp: INIT[flgs=0, tag=1]\n", "SCTP");
  check_skips("0 < udplite (1000, 8)\n", "UDP-Lite");
  check_skips("0 < ipv4 1.1.1.1 > 2.2.2.2: S 0:0(0) win 1\n", "ipv4 headers");
  check_skips("0 < gre: S 0:0(0) win 1\n", "gre headers");
  check_skips("0 < mpls (label 0, tc 0, [S], ttl 0): S 0:0(0) win 1\n", "mpls headers");
  check_skips("0 sctp_bindx(3, ..., 1, 2) = 0\n", "sctp_bindx()");
  check_skips(opened + "+0 setsockopt(4, SOL_TCP, TCP_QUICKACK, [1], 4) = 0\n", "TCP_QUICKACK");
  check_skips("0 `sysctl -w net.ipv4.tcp_sack=1`\n", "another system's sysctl");
  check_skips("0 `tc qdisc add dev tun0`\n", "tc");
  check_skips(opened + "+0 %{ for x in range(3): print(x) }%\n", "more than assertions");
}

TEST_CASE("a segment larger than the link stands for those that it is cut into", "[drill]") {
  const std::string wide =
      opened + "+0 < . 1:1(0) ack 1 win 65535\n+0 write(4, ..., 5000) = 5000\n";
  CHECK(run(wide + "+0 > P. 1:5001(5000) ack 1\n").kind == Outcome::Kind::passed);
  check_fails("--strict_segments\n" + wide + "+0 > P. 1:5001(5000) ack 1\n", 11, "flag PSH");
}
