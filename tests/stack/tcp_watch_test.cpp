// Signed connections between two stacks, and connections that are watched.
#include <catch2/catch.hpp>

#include "core/trace/connection_trace.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

const char* const pair = "nodes: [a, b]\nlinks: [a -- b]\n";
const char* const keys =
    "printf 'add 10.0.0.1 10.0.0.2 tcp 0x1000 -A tcp-md5 \"secret\";"
    "add 10.0.0.2 10.0.0.1 tcp 0x1000 -A tcp-md5 \"secret\";' | setkey -c";

}  // namespace

TEST_CASE("nc -S talks to who has the same key, and to nobody else", "[tcp][md5]") {
  LabFixture lab(pair);
  CHECK(lab.run("a", keys).exit == 0);
  CHECK(lab.run("b", keys).exit == 0);
  lab.run("b", "nc -S -l 9000 >/tmp/got &");
  lab.pass(10_ms);
  CHECK(lab.run("a", "seq 1 3000 | nc -S -N b 9000").exit == 0);
  CHECK(lab.run("b", "tail -n 1 /tmp/got").output == "3000\n");
  CHECK(lab.counter("b", "tcps_sig_rcvgoodsig") > 10);
  CHECK(lab.counter("b", "tcps_sig_rcvbadsig") == 0);

  lab.run("b", "nc -S -l 9000 >/tmp/got &");
  lab.pass(10_ms);
  CHECK(lab.run("a", "setkey -F; setkey -D").output == "No SAD entries.\n");
  CHECK(lab.run("a", "echo x | nc -S -w 3 b 9000").exit != 0);
  CHECK(lab.run("a", "echo x | nc -w 3 b 9000").exit != 0);
  CHECK(lab.counter("b", "tcps_sig_err_nosigopt") > 0);
}

TEST_CASE("setkey refuses what it cannot do, and says why", "[tcp][md5]") {
  LabFixture lab(pair);
  const auto says = [&](const std::string& script) {
    return lab.run("a", "echo '" + script + "' | setkey -c").output;
  };
  CHECK(says("add 10.0.0.1 10.0.0.2 esp 0x1000 -E aes-cbc 0x00;") ==
        "setkey: line 1: esp: this build has no IPsec, only tcp's signatures\n");
  CHECK(says("spdflush;") == "setkey: line 1: spdflush: this build has no IPsec\n");
  CHECK(says("add 10.0.0.1 10.0.0.2 tcp 0x1000 -A hmac-sha1 \"x\";") ==
        "setkey: line 1: unsupported algorithm hmac-sha1\n");
  CHECK(says("# nothing\nflush") == "setkey: line 3: syntax error: a statement ends with ;\n");
  CHECK(says("delete 10.0.0.1 10.0.0.2 tcp 0x1000;") ==
        "setkey: line 1: No such file or directory\n");
}

TEST_CASE("who watches connections hears of states, reasons and windows, and changes nothing",
          "[tcp][watch]") {
  const auto talk = [](LabFixture& lab) {
    lab.run("b", "nc -l 9000 >/tmp/got &");
    lab.pass(10_ms);
    lab.run("a", "seq 1 40000 | nc -N b 9000");
    return lab.trace.hash();
  };
  LabFixture alone(pair);
  const uint64_t hash = talk(alone);
  LabFixture lab(pair);
  std::string csv;
  ConnectionTrace trace([&](NodeId node) { return lab.lab.simulation().node_name(node); },
                        [&](std::string_view line) { csv += line; });
  lab.lab.add_observer(&trace);
  lab.lab.want_connections(true);
  CHECK(talk(lab) == hash);
  CHECK(csv.find("a,0,10.0.0.1.") != csv.npos);
  CHECK(csv.find("ESTABLISHED,SYN_SENT,\"the peer accepts\",") != csv.npos);
  CHECK(csv.find("FIN_WAIT_1,ESTABLISHED,\"the program has sent everything\",") != csv.npos);
  const auto lines = size_t(std::count(csv.begin(), csv.end(), '\n'));
  CHECK(lines > 200);
  CHECK(csv.find(",14480,") != csv.npos);  // ten segments at first
}
