// tests/userland/traffic_test.cpp - programs that make traffic and measure it.
#include <catch2/catch.hpp>
#include <regex>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

// The number that a pattern's first group finds in a text; -1: it is not there.
double number_in(const std::string& words, const std::string& pattern) {
  std::smatch found;
  return std::regex_search(words, found, std::regex(pattern)) ? std::stod(found[1]) : -1;
}

}  // namespace

TEST_CASE("a lab's services get the options that its file gives them") {
  LabFixture lab(
      "nodes:\n"
      "  a: {}\n"
      "  b:\n"
      "    files: {/var/www/index.html: usual, /srv/my web/index.html: other}\n"
      "    services: [httpd, {httpd: {port: 8080, root: /srv/my web}}, {iperf3: {port: 5300}}]\n"
      "links: [a -- b]\n");
  CHECK(lab.run("a", "fetch -q -o - http://b/").output == "usual\n");
  CHECK(lab.run("a", "fetch -q -o - http://b:8080/").output == "other\n");
  CHECK(lab.run("a", "iperf3 -c b -p 5300 -n 100K").says("iperf Done."));
}

TEST_CASE("iperf3 -u counts what a lossy wire loses, and says it on both sides") {
  LabFixture lab(
      "nodes: {a: {}, b: {services: [iperf3]}}\n"
      "links: [{endpoints: a -- b, impair: {loss: 5%, rate: 100mbit, delay: 1ms}}]\n");
  // A greeting may be lost; then there is no test, as with the real one.
  const auto said = lab.run("a", "iperf3 -u -c b -b 8M -l 1000 -t 4 -i 0");
  REQUIRE(said.says("iperf Done."));
  CHECK(said.says("8.00 Mbits/sec  0.000 ms  0/4000 (0%)  sender"));
  const double lost = number_in(said.output, "ms  (\\d+)/\\d+ \\(.*\\)  receiver");
  const double seen = number_in(said.output, "ms  \\d+/(\\d+) \\(.*\\)  receiver");
  CHECK(seen > 3980);
  // Five standard deviations to each side of 200.
  CHECK(lost > 130);
  CHECK(lost < 270);
}

TEST_CASE("iperf3 -u keeps its rate: in reverse, in bursts, with wide counters, by octets") {
  LabFixture lab(
      "nodes: {a: {}, b: {services: [iperf3]}}\n"
      "links: [{endpoints: a -- b, impair: {rate: 100mbit, delay: 5ms}}]\n");
  for (const std::string more : {"-R", "--udp-counters-64bit", "-P 3", "-b 4M/10", "-6"}) {
    INFO(more);
    const auto said = lab.run("a", "iperf3 -u -c b -b 4M -t 2 " + more);
    if (more == "-6") {
      CHECK(said.says("Name does not resolve"));
      continue;
    }
    REQUIRE(said.says("iperf Done."));
    const bool three = more == "-P 3";
    const std::string id = three ? "SUM" : "  5";
    const double rate = number_in(
        said.output, "\\[" + id + "\\].* (\\S+) Mbits/sec  0.000 ms  0/\\d+ \\(0%\\)  sender");
    CHECK(rate == Approx(three ? 12 : 4).epsilon(0.02));
    const double lost = number_in(said.output, "\\[" + id + "\\].* (\\d+)/\\d+ \\(0%\\)  receiver");
    CHECK(lost == 0);
  }
  CHECK(lab.run("a", "iperf3 -u -c b -n 1000K -l 1024 -b 10M").says("0/1000 (0%)  sender"));
  // More than the wire takes is lost in its queue.
  const auto flood = lab.run("a", "iperf3 -u -c b -b 200M -t 1");
  CHECK(number_in(flood.output, "\\((\\d+)%\\)  receiver") == Approx(50).margin(5));
  CHECK(lab.run("a", "iperf3 -u -c b -l 70000").exit == 1);
  CHECK(lab.run("a", "iperf3 -u -c b -b fast").says("-b: \"fast\" is no rate"));
}

TEST_CASE("iperf3 -b holds TCP back") {
  LabFixture lab("nodes: {a: {}, b: {services: [iperf3]}}\nlinks: [a -- b]\n");
  const auto said = lab.run("a", "iperf3 -c b -b 16M -t 2 -i 0");
  CHECK(number_in(said.output, "(\\S+) Mbits/sec .* sender") == Approx(16).epsilon(0.1));
}

TEST_CASE(
    "telnet speaks lines with CR LF, and shows what it hears with the terminal's ends of lines") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b]\n");
  lab.run("b",
          "printf 'hello\\r\\nhalf\\rway\\r\\0\\n' > /tmp/say; nc -l 23 < /tmp/say > /tmp/heard &");
  const auto said = lab.run("a", "(echo one; sleep 1; echo two; sleep 1) | telnet b");
  CHECK(said.output ==
        "Trying 10.0.0.2...\nConnected to b.\nEscape character is '^]'.\n"
        "hello\nhalf\rway\r\nConnection closed.\n");
  CHECK(said.exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/heard").output == "one\r\ntwo\r\n");
}

TEST_CASE("telnet refuses every option that it is asked for, and repeats nothing (RFC 855)") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b]\n");
  // DO terminal type, WILL echo, WONT 3, DONT 5, a subnegotiation with an IAC in it, NOP, and a
  // 255.
  lab.run("b",
          "printf '\\377\\375\\030\\377\\373\\001\\377\\374\\003\\377\\376\\005"
          "\\377\\372\\030\\001x\\377\\377y\\377\\360\\377\\361ab\\377\\377c' > /tmp/say");
  lab.run("b", "nc -l 23 < /tmp/say > /tmp/heard &");
  const auto said = lab.run("a", "sleep 2 | telnet b 23");
  CHECK(said.says("'^]'.\nab\377cConnection closed."));
  lab.pass(1_s);
  // WONT terminal type, DONT echo.
  CHECK(lab.run("b", "cat /tmp/heard").output == "\377\374\030\377\376\001");
}

TEST_CASE("telnet's escape character leads to its commands") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b]\n");
  lab.run("b", "nc -lk 23 > /tmp/heard &");
  auto said =
      lab.run("a", "printf 'before\\n\\035status\\nafter\\n\\035quit\\nnever\\n' | telnet b");
  CHECK(said.says("telnet> Connected to b.\n"));
  CHECK(said.says("telnet> Connection closed.\n"));
  CHECK(lab.run("b", "cat /tmp/heard").output == "before\r\nafter\r\n");
  // AYT, IP and the escape itself; a word that is none.
  said = lab.run("a",
                 "printf '\\035send ayt\\n\\035send ip\\n\\035send escape\\n\\035send "
                 "up\\n\\035x\\n' | telnet b");
  CHECK(said.says("Unknown send argument 'up'\n"));
  CHECK(said.says("?Invalid command\n"));
  CHECK(lab.run("b", "tail -c 5 /tmp/heard").output == "\377\366\377\364\035");
  // An octet of 255 is doubled, a lone carriage return gets a NUL.
  lab.run("a", "printf '\\377\\rx' | telnet b");
  CHECK(lab.run("b", "tail -c 5 /tmp/heard").output == std::string("\377\377\r\0x", 5));
}

TEST_CASE("telnet says why it cannot connect, and who closed") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b]\n");
  const auto refused = lab.run("a", "telnet b 99");
  CHECK(refused.exit == 1);
  CHECK(refused.output ==
        "Trying 10.0.0.2...\ntelnet: connect to address 10.0.0.2: Connection refused\n"
        "telnet: Unable to connect to remote host\n");
  CHECK(lab.run("a", "telnet nobody").output == "nobody: Name does not resolve\n");
  CHECK(lab.run("a", "telnet b nothing").output == "tcp/nothing: unknown service\n");
  lab.run("b", "echo bye | nc -N -l 13 &");
  const auto closed = lab.run("a", "sleep 5 | telnet b 13");
  CHECK(closed.says("bye\nConnection closed by foreign host.\n"));
  CHECK(closed.exit == 1);
}

TEST_CASE("ttcp moves a pattern or files over TCP, and both sides count the same") {
  LabFixture lab(
      "nodes: [a, b]\nlinks: [{endpoints: a -- b, impair: {rate: 100mbit, delay: 1ms}}]\n");
  lab.run("b", "ttcp -r -s > /tmp/report 2>&1 &");
  const auto sent = lab.run("a", "ttcp -t -s -n 1000 -l 10000 b");
  CHECK(sent.exit == 0);
  CHECK(
      sent.says("ttcp-t: buflen=10000, nbuf=1000, port=5001  tcp  -> b\nttcp-t: socket\nttcp-t: "
                "connect\nttcp-t: 10000000 bytes in 0."));
  lab.pass(1_s);
  const auto got = lab.run("b", "cat /tmp/report");
  CHECK(got.says("ttcp-r: accept from 10.0.0.1\nttcp-r: 10000000 bytes in 0.8"));
  // 94.9 Mb/s of 100 is what Ethernet's and TCP's headers leave.
  CHECK(number_in(got.output, "= (\\S+) KB/sec") == Approx(11580).epsilon(0.05));
  lab.run("a", "seq 1 5000 > /tmp/file");
  lab.run("b", "ttcp -r -p 7000 > /tmp/copy &");
  CHECK(lab.run("a", "ttcp -t -p 7000 b < /tmp/file").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "sha256 -q /tmp/copy").output == lab.run("a", "sha256 -q /tmp/file").output);
  CHECK(lab.run("a", "ttcp -t b").says("ttcp-t: connect: Connection refused\n"));
  CHECK(lab.run("a", "ttcp -t -r b").exit == 1);
  CHECK(lab.run("a", "ttcp -t -f x b").says("invalid value for -f: `x'"));
}

TEST_CASE("ttcp -u ends with its marks, and shows what was lost") {
  LabFixture lab("nodes: [a, b]\nlinks: [{endpoints: a -- b, impair: {rate: 1gbit, loss: 2%}}]\n");
  // Else most of them find no room where they wait for the neighbour's address.
  lab.run("a", "ping -c 3 b");
  lab.run("b", "ttcp -r -s -u > /tmp/report 2>&1 &");
  CHECK(lab.run("a", "ttcp -t -s -u -n 500 -l 1000 -f m b").says("500000 bytes in "));
  lab.pass(1_s);
  const double got = number_in(lab.run("b", "cat /tmp/report").output, "ttcp-r: (\\d+) bytes");
  CHECK(got > 475000);
  CHECK(got < 500000);
}

// --- traffic -----------------------------------------------------------------------------------

namespace {

constexpr const char* ten_megabits =
    "nodes: {a: {}, b: {exec: [traffic -s -D]}}\n"
    "links: [{endpoints: a -- b, impair: {rate: 10mbit, delay: 5ms}}]\n";

}  // namespace

TEST_CASE("traffic's constant rate is exact, and so are delays") {
  LabFixture lab(ten_megabits);
  lab.run("a", "ping -c 1 b");
  const auto said = lab.run("a", "traffic -c b -u -b 2M -l 1000 -t 4s constant");
  CHECK(said.says("constant to b port 5002 (udp)\nsent      1000 messages"));
  CHECK(said.says("received  1000 messages,  977 KBytes, 2.00 Mbits/sec, 0 lost (0.00%), 0 out"));
  // 1066 octets of 10 Mb/s, 5 ms of wire, and 10 us to wake the process on each side.
  CHECK(said.says(", 50% 5.873, 90% 5.873, "));
  CHECK(said.says("max 5.873"));
  CHECK(said.says("jitter    0.000 ms"));
  // Twice the wire's rate: half of it arrives.
  const auto flood = lab.run("a", "traffic -c b -u -b 20M -t 20s");
  CHECK(number_in(flood.output, "lost \\((\\S+)%\\)") == Approx(50).margin(5));
  // Over TCP nothing is lost; it is late instead.
  const auto late = lab.run("a", "traffic -c b -b 20M -t 5s");
  CHECK(late.says("0 lost (0.00%)"));
  CHECK(number_in(late.output, "50% (\\d+)") > 500);
  CHECK(lab.run("a", "traffic -c b -u -R 100 -t 3s -l uniform:100:200").says("sent      300 mess"));
}

TEST_CASE("traffic draws the same for the same seed, and from the lab's own without one") {
  const auto run = [](const std::string& options) {
    LabFixture lab(ten_megabits);
    return lab.run("a", "traffic -c b -u -b 1M -t 10s " + options + " poisson").output;
  };
  CHECK(run("-x 1") == run("-x 1"));
  CHECK(run("-x 1") != run("-x 2"));
  CHECK(run("") == run(""));
  // Poisson: 1250 on average, the square root of that around it.
  CHECK(number_in(run(""), "sent +(\\d+) messages") == Approx(1250).margin(5 * 35.4));
  CHECK(number_in(run("-l exp:1000"), "([\\d.]+) [KM]bits/sec, 0 lost") > 850);
}

TEST_CASE("traffic talks and is silent, asks and thinks") {
  LabFixture lab(ten_megabits);
  // A quarter of the time at 4 Mb/s.
  const auto bursts = lab.run("a", "traffic -c b -u -b 4M -t 200s onoff exp:100ms exp:300ms");
  CHECK(number_in(bursts.output, "received .* (\\S+) Mbits/sec") == Approx(1).epsilon(0.15));
  // No stretch of a second has more than the rate, and some have nothing.
  const auto regular = lab.run("a", "traffic -c b -u -b 4M -t 10s onoff 1s 1s");
  CHECK(regular.says("sent      2500 messages"));
  const auto asked = lab.run("a", "traffic -c b -n 50 -t 60s request 10K 100ms");
  CHECK(asked.says("answered  50 of 50,  500 KBytes"));
  // There and back are 10 ms, and the answer's octets need 8.6 ms.
  CHECK(number_in(asked.output, "response +min (\\S+),") > 18);
  CHECK(number_in(asked.output, "response .* 50% (\\S+),") < 40);
  CHECK(lab.run("a", "traffic -c b -u -n 10 request 100 0").says("answered  10 of 10"));
}

TEST_CASE("traffic's flows are connections, with heavy tails, and all of them end") {
  LabFixture lab(ten_megabits);
  const auto flows = lab.run("a", "traffic -c b -b 5M -t 60s flows pareto:1.4:20K:2M");
  const double begun = number_in(flows.output, "sent +(\\d+) messages");
  CHECK(begun == Approx(60 * 5e6 / 8 / 20480).epsilon(0.1));
  CHECK(number_in(flows.output, "complete +(\\d+) of") == begun);
  CHECK(number_in(flows.output, "received +(\\d+) messages") == begun);
  CHECK(number_in(flows.output, "flow time .* 50% (\\S+),") < 100);
  CHECK(number_in(flows.output, "flow time .* 99.9% (\\S+),") > 500);
  CHECK(lab.counter("b", "tcps_accepts") >= int64_t(begun));
  // Whom nobody answers says so, and does not wait for ever.
  const auto refused = lab.run("a", "traffic -c b -p 99 -n 3 flows 1000");
  CHECK(refused.says("complete  0 of 3"));
  CHECK(refused.says("the receiver says nothing"));
  CHECK(refused.exit == 1);
}

TEST_CASE("traffic's syn pattern sends sound segments from nobody's addresses") {
  LabFixture lab("nodes: {a: {}, b: {}}\nlinks: [a -- b]\n");
  lab.run("a", "ping -c 1 b");
  lab.run("b", "tcpdump -n -i em0 -c 3 tcp > /tmp/seen 2> /dev/null & nc -lk 80 > /dev/null &");
  const auto said = lab.run("a", "traffic -c b -p 80 -R 10 -n 100 -t 20s syn 198.18.0.0/16");
  CHECK(said.says("sent      100 messages"));
  lab.pass(1_s);
  CHECK(number_in(lab.run("b", "cat /tmp/seen").output,
                  "IP 198.18.\\d+.\\d+.(\\d+) > 10.0.0.2.80: Flags .S.") > 1023);
  CHECK(lab.counter("b", "tcps_rcvbadsum") == 0);
  CHECK(lab.counter("b", "tcps_sc_added") == 100);
}

TEST_CASE("traffic's command line is checked") {
  LabFixture lab("nodes: [a]\n");
  for (const char* words : {"", "-s -c a", "-s constant", "-c a what", "-c a onoff 1s",
                            "-c a onoff 0 1s", "-c a -u flows 1K", "-c a syn 10.0.0.0/33",
                            "-c a -l exp: constant", "-c a -b 0", "-c a -t 0", "-c a request 1K"}) {
    INFO(words);
    CHECK(lab.run("a", text("traffic {}", words)).exit == 1);
  }
  CHECK(lab.run("a", "traffic -c nobody").says("nobody: Name does not resolve"));
}
