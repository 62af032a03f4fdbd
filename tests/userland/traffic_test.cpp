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
