// Jails without a stack of their own: they use some of their parent's addresses, all, or none.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

class OneMachine : public LabFixture {
 public:
  OneMachine()
      : LabFixture(
            "nodes: {m: {interfaces: {em0: {addresses: [10.0.0.1/24, 10.0.0.5/24]}}}, "
            "pc: {interfaces: {em0: {addresses: [10.0.0.9/24]}}}}\nlinks: [m -- pc]\n") {}
  std::string says(const std::string& line) { return run("m", line).output; }
  CommandResult result(const std::string& line) { return run("m", line); }
};

}  // namespace

TEST_CASE("a jail with ip4.addr binds, sends from and hears by that address alone", "[jail]") {
  OneMachine m;
  CHECK(m.says("jail -c name=w persist ip4.addr=10.0.0.5 allow.raw_sockets") == "");
  CHECK(m.says("jls -j w ip4 ip4.addr vnet") == "new 10.0.0.5 inherit\n");
  // What it sends comes from there, though the stack would choose 10.0.0.1.
  m.run("pc", "nc -u -l 7 > /tmp/got & tcpdump -n -l -i em0 udp > /tmp/seen &");
  m.says("echo hi | jexec w nc -u -w 1 10.0.0.9 7");
  CHECK(m.run("pc", "cat /tmp/got").output == "hi\n");
  CHECK(m.run("pc", "cat /tmp/seen").output.find("IP 10.0.0.5.") != std::string::npos);
  // A server on every address is one on this address.
  m.says("jexec w nc -u -l 8 > /tmp/server &");
  CHECK(m.says("sockstat -4 -l").find("10.0.0.5:8") != std::string::npos);
  m.run("pc", "echo no | nc -u -w 1 10.0.0.1 8; echo yes | nc -u -w 1 10.0.0.5 8");
  CHECK(m.says("cat /tmp/server") == "yes\n");
  const CommandResult other = m.result("jexec w nc -u -l 10.0.0.1 9");
  CHECK(other.exit != 0);
  CHECK(other.says("Can't assign requested address"));
}

TEST_CASE("a jail inherits a family, or has none of it", "[jail]") {
  OneMachine m;
  m.says(
      "jail -c name=all persist ip4=inherit allow.raw_sockets; "
      "jail -c name=none persist ip4=disable allow.raw_sockets; jail -c name=tight persist");
  CHECK(m.result("jexec all ping -c 1 10.0.0.9").exit == 0);
  CHECK(m.result("jexec none ping -c 1 10.0.0.9").exit != 0);
  CHECK(m.says("jls -j none ip4") == "disable\n");
  const CommandResult raw = m.result("jexec tight ping -c 1 10.0.0.9");
  CHECK(raw.exit != 0);
  CHECK(raw.says("Operation not permitted"));
  // What is the stack's to configure, a jail without one may not.
  CHECK(m.result("jexec all ifconfig em0 down").exit == 1);
  CHECK(m.result("jexec all sysctl net.inet.ip.ttl=3").exit == 1);
  CHECK(m.says("sysctl -n net.inet.ip.ttl") == "64\n");
}

TEST_CASE("commands enter a jail by -j", "[jail]") {
  OneMachine m;
  m.says("jail -c name=v vnet persist; ifconfig epair0 create; ifconfig epair0b vnet v");
  CHECK(m.says("ifconfig -j v epair0b 10.4.0.2/24; ifconfig -j v -l") == "lo0 epair0b\n");
  CHECK(m.says("route -j v add default 10.4.0.1") == "add net default: gateway 10.4.0.1 fib 0\n");
  CHECK(m.says("netstat -j v -rn").find("10.4.0.1") != std::string::npos);
  CHECK(m.says("netstat -rn").find("10.4.0") == std::string::npos);
  CHECK(m.says("sysctl -j v net.inet.ip.ttl=9; sysctl -n net.inet.ip.ttl").find("64") !=
        std::string::npos);
  m.says("arp -j v -s 10.4.0.7 2:0:0:0:0:7");
  CHECK(m.says("arp -j v -an").find("10.4.0.7") != std::string::npos);
  CHECK(m.says("arp -an").find("10.4.0.7") == std::string::npos);
  for (const char* line : {"route -j nobody show", "netstat -j nobody -rn", "arp -j nobody -an",
                           "sysctl -j nobody net.inet.ip.ttl", "ifconfig -j nobody -l"}) {
    CAPTURE(line);
    CHECK(m.result(line).exit == 1);
    CHECK(m.result(line).says("jail \"nobody\" not found"));
  }
}
