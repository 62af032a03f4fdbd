#include <catch2/catch.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {
struct Line {
  const char* script;
  const char* output;
};
constexpr Line lines[] = {
    {"echo one; echo two", "one\ntwo\n"},
    {"true && echo yes || echo no", "yes\n"},
    {"false && echo yes || echo no", "no\n"},
    {"x='a  b'; echo $x \"$x\"", "a b a  b\n"},
    {"echo ${none:-default} $((2 + 3 * 4)) $((7 / 2))", "default 14 3\n"},
    {"for i in 1 2 3; do echo -n $i; done; echo", "123\n"},
    {"i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i", "3\n"},
    {"if [ -e /etc/hosts ]; then echo there; elif true; then echo x; else echo gone; fi",
     "there\n"},
    {"if false; then echo a; else echo b; fi", "b\n"},
    {"echo hello | tr a-z A-Z | sed s/L/l/", "HElLO\n"},
    {"cat <<END\na $((1 + 1))\nEND\necho done", "a 2\ndone\n"},
    {"cat <<'END'\n$x\nEND", "$x\n"},
    {"echo out > /tmp/f; echo more >> /tmp/f; cat /tmp/f; wc -l < /tmp/f", "out\nmore\n       2\n"},
    {"ls /none 2> /tmp/e; cat /tmp/e", "ls: /none: No such file or directory\n"},
    {"(exit 3); echo $?", "3\n"},
    {"nosuch; echo $?", "sh: nosuch: not found\n127\n"},
    {"echo $(echo inner; echo second)", "inner second\n"},
    {"sleep 5 & echo first; wait; date +%s", "first\n5\n"},
    {"sleep 100 & kill $!; wait $!; echo $?", "143\n"},
    {"seq 1 5 | tail -n 2 | head -1", "4\n"},
    {"printf '%s=%03d\\n' a 7", "a=007\n"},
    {"echo b; echo a | sort; echo 'x y z' | cut -d ' ' -f 2", "b\na\ny\n"},
    {"yes | head -2", "y\ny\n"},
    {"grep -c local /etc/hosts", "2\n"},
    {"[ a = b ] || echo differ; test 3 -gt 2 && echo more", "differ\nmore\n"},
    {"echo a\vb", "a b\n"},
    {"echo 'unfinished", "sh: unterminated '\n"},
    {"set_me=1 env | grep set_me", "set_me=1\n"},
    {"sysctl -n net.inet.ip.ttl; sysctl net.inet.ip.ttl=33", "64\nnet.inet.ip.ttl: 64 -> 33\n"},
    {"sysctl net.none", "sysctl: unknown oid 'net.none'\n"},
    {"hostname; hostname other; hostname", "a\nother\n"},
};
}  // namespace

TEST_CASE("the shell does what a script expects") {
  for (const Line& line : lines) {
    LabFixture lab("nodes: [a]\n");
    INFO(line.script);
    CHECK(lab.run("a", line.script).output == line.output);
  }
}

TEST_CASE("a loop that never blocks is charged time instead of hanging the lab") {
  LabFixture lab("nodes: [a]\n");
  lab.run("a", "while true; do :; done &");
  lab.pass(1_s);
  CHECK(lab.run("a", "echo alive").output == "alive\n");
}

TEST_CASE("a command that goes wrong inside dies alone") {
  LabFixture lab("nodes: [a]\n");
  Machine& a = lab.lab.machine("a");
  RunRequest request;
  request.args = {"broken"};
  request.program = [](Sys& sys, Args) -> Task<int> {
    co_await sys.sleep(1_ms);
    throw std::runtime_error("a bug");
  };
  int status = -1;
  request.on_exit = [&](int s) { status = s; };
  lab.lab.simulation().at_barrier(lab.lab.simulation().now() + 1_ns, EventKind::outside,
                                  [&] { a.run(std::move(request)); });
  lab.pass(1_s);
  CHECK(status == 134);
  CHECK(a.log_text().find("exited on an uncaught error: a bug") != std::string::npos);
  CHECK(lab.run("a", "echo alive").output == "alive\n");
}
