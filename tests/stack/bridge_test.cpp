// bridge(4), as ifconfig(8) makes it and as packets meet it.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

// A machine with three jails, each by an epair's b end, all with addresses 10.0.0.N/24; the a ends
// are bare, and nothing is bridged yet.
class Bridged : public LabFixture {
 public:
  Bridged() : LabFixture("nodes: [m, pc]\nlinks: [m -- pc]\nhosts: false\n") {
    for (int i = 1; i <= 3; ++i)
      says(
          text("jail -c name=j{0} vnet persist && ifconfig epair{0} create && "
               "ifconfig epair{0}a up && ifconfig epair{0}b ether 02:00:00:00:01:0{0} vnet j{0} && "
               "ifconfig -j j{0} epair{0}b 10.9.0.{0}/24",
               i));
    pass(10_ms);
  }
  std::string says(const std::string& line) { return run("m", line).output; }
  std::string fails(const std::string& line) {
    const CommandResult result = run("m", line);
    return text("{}: {}", result.exit, result.output);
  }
  bool reaches(int from, int to) {
    return run("m", text("jexec j{} ping -c 1 -t 1 10.9.0.{}", from, to)).exit == 0;
  }
  void join_all() { says("ifconfig bridge0 create addm epair1a addm epair2a addm epair3a up"); }
};

}  // namespace

TEST_CASE("members of a bridge are one segment, and it learns where they are", "[bridge]") {
  Bridged m;
  CHECK(m.says("ifconfig bridge create") == "bridge0\n");
  CHECK(!m.reaches(1, 2));
  m.says("ifconfig bridge0 addm epair1a addm epair2a");
  CHECK(!m.reaches(1, 2));  // down
  m.says("ifconfig bridge0 up");
  CHECK(m.reaches(1, 2));
  CHECK(!m.reaches(1, 3));
  CHECK(m.says("ifconfig bridge0 addr") ==
        "02:00:00:00:01:01 Vlan1 epair1a 1199 flags=0<>\n"
        "02:00:00:00:01:02 Vlan1 epair2a 1199 flags=0<>\n");
  m.says("ifconfig bridge0 addm epair3a");
  CHECK(m.reaches(1, 3));
  // Known stations are not flooded to others.
  m.says("jexec j3 sh -c 'tcpdump -c 1 -l -i epair3b icmp and host 10.9.0.2 > /tmp/seen &'");
  CHECK(m.reaches(1, 2));
  CHECK(m.says("cat /tmp/seen") == "");
  m.says("ifconfig bridge0 deletem epair2a");
  CHECK(!m.reaches(1, 2));
  CHECK(m.says("ifconfig bridge0 addr").find("epair2a") == std::string::npos);
}

TEST_CASE("ifconfig shows a bridge as FreeBSD does", "[bridge]") {
  Bridged m;
  m.says("ifconfig bridge0 create ether 58:9c:fc:10:ff:b6 addm epair1a addm em0 private em0 up");
  m.says("ifconfig em0 up; ifconfig bridge0 ifmaxaddr em0 5; ifconfig bridge0 span epair2a");
  CHECK(m.says("ifconfig bridge0") ==
        "bridge0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500\n"
        "\tether 58:9c:fc:10:ff:b6\n"
        "\tid 00:00:00:00:00:00 priority 32768 hellotime 2 fwddelay 15\n"
        "\tmaxage 20 holdcnt 6 proto rstp maxaddr 2000 timeout 1200\n"
        "\troot id 00:00:00:00:00:00 priority 0 ifcost 0 port 0\n"
        "\tmember: em0 flags=943<LEARNING,DISCOVER,PRIVATE,AUTOEDGE,AUTOPTP>\n"
        "\t        ifmaxaddr 5 port 1 priority 128 path cost 20000\n"
        "\tmember: epair1a flags=143<LEARNING,DISCOVER,AUTOEDGE,AUTOPTP>\n"
        "\t        ifmaxaddr 0 port 3 priority 128 path cost 2000\n"
        "\tmember: epair2a flags=8<SPAN>\n"
        "\t        ifmaxaddr 0 port 4 priority 0 path cost 0\n"
        "\tgroups: bridge\n");
  CHECK(m.says("ifconfig em0").find("PROMISC") != std::string::npos);
  m.says("ifconfig bridge0 deletem em0");
  CHECK(m.says("ifconfig em0").find("PROMISC") == std::string::npos);
}

TEST_CASE("ifconfig's refusals about bridges have FreeBSD's words", "[bridge]") {
  Bridged m;
  m.says("ifconfig bridge0 create addm epair1a span epair2a; ifconfig bridge1 create addm epair3a");
  struct Refusal {
    const char* line;
    const char* words;
  };
  const Refusal refusals[] = {
      {"ifconfig bridge0 addm nosuch0", "BRDGADD nosuch0: No such file or directory"},
      {"ifconfig bridge0 addm epair1a", "BRDGADD epair1a: File exists"},
      {"ifconfig bridge0 addm epair2a", "BRDGADD epair2a: Device busy"},
      {"ifconfig bridge0 addm epair3a", "BRDGADD epair3a: Device busy"},
      {"ifconfig bridge0 addm lo0", "BRDGADD lo0: Invalid argument"},
      {"ifconfig bridge0 addm bridge1", "BRDGADD bridge1: Invalid argument"},
      {"ifconfig bridge0 deletem em0", "BRDGDEL em0: No such file or directory"},
      {"ifconfig bridge0 span epair1a", "BRDGADDS epair1a: Device busy"},
      {"ifconfig bridge0 -span em0", "BRDGDELS em0: No such file or directory"},
      {"ifconfig bridge0 sticky em0", "unable to get bridge flags: No such file or directory"},
      {"ifconfig bridge0 static epair1a zz", "epair1a: invalid address: zz"},
      {"ifconfig bridge0 static em0 2:0:0:0:0:9", "BRDGSADDR em0: No such file or directory"},
      {"ifconfig bridge0 deladdr 2:0:0:0:0:9", "BRDGDADDR 2:0:0:0:0:9: No such file or directory"},
      {"ifconfig bridge0 timeout x", "invalid value: x"},
      {"ifconfig em0 addm epair2a", "BRDGADD epair2a: Invalid argument"},
      {"ifconfig bridge0 mtu 100", "ioctl SIOCSIFMTU (set mtu): Invalid argument"},
      {"ifconfig bridge0 addm", "'addm' requires argument"},
      {"ifconfig bridge0 static epair1a", "'static' requires 2 arguments"},
  };
  for (const Refusal& r : refusals) {
    CAPTURE(r.line);
    CHECK(m.fails(r.line) == text("1: ifconfig: {}\n", r.words));
  }
}

TEST_CASE("the host is on the bridge by its own address and by its members'", "[bridge]") {
  Bridged m;
  m.join_all();
  // By an address on the bridge.
  m.says("ifconfig bridge0 10.9.0.100/24");
  CHECK(m.run("m", "ping -c 1 -t 1 10.9.0.2").exit == 0);
  CHECK(m.run("m", "jexec j1 ping -c 1 -t 1 10.9.0.100").exit == 0);
  // By an address on one member, whoever asks and from whatever side.
  m.says("ifconfig bridge0 10.9.0.100 -alias; ifconfig epair3a 10.9.0.103/24");
  CHECK(m.run("m", "jexec j1 ping -c 1 -t 1 10.9.0.103").exit == 0);
  CHECK(m.run("m", "jexec j3 ping -c 1 -t 1 10.9.0.103").exit == 0);
  CHECK(m.run("m", "ping -c 1 -t 1 10.9.0.2").exit == 0);
}

TEST_CASE("a bridge carries a jail's frames to the wire", "[bridge]") {
  Bridged m;
  m.says("ifconfig bridge0 create addm em0 addm epair1a up; ifconfig em0 -alias");
  m.run("pc", "ifconfig em0 10.9.0.200/24");
  CHECK(m.run("pc", "ping -c 1 -t 1 10.9.0.1").exit == 0);
  CHECK(m.run("m", "jexec j1 ping -c 1 -t 1 10.9.0.200").exit == 0);
  // A frame that the jail's NIC did not finish (checksums left to it) is whole on the wire.
  m.run("pc", "nc -u -l 7 > /tmp/got &");
  m.run("m", "echo hello | jexec j1 nc -u -w 1 10.9.0.200 7");
  CHECK(m.run("pc", "cat /tmp/got").output == "hello\n");
}

TEST_CASE("private members do not hear each other, but others do", "[bridge]") {
  Bridged m;
  m.join_all();
  m.says("ifconfig bridge0 private epair1a private epair2a");
  CHECK(!m.reaches(1, 2));
  CHECK(m.reaches(1, 3));
  CHECK(m.reaches(3, 2));
  m.says("ifconfig bridge0 -private epair2a");
  CHECK(m.reaches(1, 2));
}

TEST_CASE("entries age, stay, stick, and are limited as told", "[bridge]") {
  Bridged m;
  m.join_all();
  const auto addresses = [&] { return m.says("ifconfig bridge0 addr"); };
  m.says("ifconfig bridge0 timeout 30 static epair3a 02:00:00:00:01:03");
  CHECK(m.reaches(1, 2));
  m.pass(20_s);
  CHECK(addresses().find("02:00:00:00:01:03 Vlan1 epair3a 0 flags=1<STATIC>") != std::string::npos);
  CHECK(addresses().find("02:00:00:00:01:01 Vlan1 epair1a 1") != std::string::npos);
  m.pass(11_s);
  CHECK(addresses() == "02:00:00:00:01:03 Vlan1 epair3a 0 flags=1<STATIC>\n");
  m.says("ifconfig bridge0 timeout 0 sticky epair2a");
  CHECK(m.reaches(1, 2));
  m.pass(5000_s);
  CHECK(addresses() ==
        "02:00:00:00:01:01 Vlan1 epair1a 0 flags=0<>\n"
        "02:00:00:00:01:02 Vlan1 epair2a 0 flags=2<STICKY>\n"
        "02:00:00:00:01:03 Vlan1 epair3a 0 flags=1<STATIC>\n");
  m.says("ifconfig bridge0 flush");
  CHECK(addresses().find("epair1a") == std::string::npos);
  CHECK(addresses().find("STICKY") != std::string::npos);
  m.says("ifconfig bridge0 deladdr 02:00:00:00:01:03");
  CHECK(addresses().find("STATIC") == std::string::npos);
  m.says("ifconfig bridge0 flushall");
  CHECK(addresses() == "");
  // A member with a limit: what it cannot learn it does not carry either.
  m.says("ifconfig bridge0 ifmaxaddr epair1a 1 -sticky epair2a");
  CHECK(m.reaches(1, 3));
  m.says("ifconfig -j j1 epair1b ether 02:00:00:00:01:09");
  CHECK(!m.reaches(1, 2));
  CHECK(m.dropped("bridge_full") > 0);
  // A full table floods.
  m.says("ifconfig bridge0 ifmaxaddr epair1a 0 maxaddr 1; ifconfig bridge0 flushall");
  CHECK(m.reaches(1, 2));
  CHECK(m.says("ifconfig bridge0 addr | wc -l") == "       1\n");
}

TEST_CASE("a sticky address does not move, another one does and is noted", "[bridge]") {
  Bridged m;
  m.join_all();
  CHECK(m.reaches(1, 3));
  // j2 takes j1's link address.
  m.says("ifconfig -j j2 epair2b ether 02:00:00:00:01:01");
  m.pass(1_s);
  CHECK(m.says("ifconfig bridge0 addr").find("01:01 Vlan1 epair2a") != std::string::npos);
  CHECK(m.says("dmesg").find("bridge0: mac address 02:00:00:00:01:01 vlan 1 moved from epair1a to "
                             "epair2a\n") != std::string::npos);
  m.says("ifconfig bridge0 flushall sticky epair1a; jexec j1 ping -c 1 -t 1 10.9.0.3");
  m.says("jexec j2 ping -c 1 -t 1 10.9.0.3");
  CHECK(m.says("ifconfig bridge0 addr").find("01:01 Vlan1 epair1a") != std::string::npos);
}

TEST_CASE("a span port gets a copy of everything, and gives nothing", "[bridge]") {
  Bridged m;
  m.says("ifconfig bridge0 create addm epair1a addm epair2a span epair3a up");
  m.says("jexec j3 sh -c 'tcpdump -n -c 2 -l -i epair3b icmp > /tmp/seen &'");
  CHECK(m.reaches(1, 2));
  m.pass(1_s);
  const std::string seen = m.says("cat /tmp/seen");
  CHECK(seen.find("10.9.0.1 > 10.9.0.2: ICMP echo request") != std::string::npos);
  CHECK(seen.find("10.9.0.2 > 10.9.0.1: ICMP echo reply") != std::string::npos);
  CHECK(!m.reaches(3, 1));
}

TEST_CASE("-discover and -learn do what they say", "[bridge]") {
  Bridged m;
  m.join_all();
  m.says("ifconfig bridge0 -learn epair2a");
  CHECK(m.reaches(1, 2));
  CHECK(m.says("ifconfig bridge0 addr").find("epair2a") == std::string::npos);
  // Nobody knows where 2 is, and unknown stations are not looked for behind epair2a.
  m.says("ifconfig bridge0 -discover epair2a");
  CHECK(!m.reaches(1, 2));
  m.says("ifconfig bridge0 static epair2a 02:00:00:00:01:02");
  CHECK(m.reaches(1, 2));
}

TEST_CASE("members share an MTU and what they leave to hardware", "[bridge]") {
  Bridged m;
  m.says("ifconfig epair1a mtu 1400; ifconfig bridge0 create addm epair1a addm epair2a up");
  CHECK(m.says("ifconfig bridge0 | head -1").find("mtu 1400") != std::string::npos);
  CHECK(m.says("ifconfig epair2a | head -1").find("mtu 1400") != std::string::npos);
  m.says("ifconfig bridge0 mtu 1300");
  CHECK(m.says("ifconfig epair1a | head -1").find("mtu 1300") != std::string::npos);
  CHECK(m.says("ifconfig epair2a").find("RXCSUM,TXCSUM") != std::string::npos);
  m.says("ifconfig epair3a -txcsum; ifconfig bridge0 addm epair3a");
  CHECK(m.says("ifconfig epair2a").find(",TXCSUM,") == std::string::npos);
  m.says("ifconfig bridge0 deletem epair3a");
  CHECK(m.says("ifconfig epair2a").find(",TXCSUM,") != std::string::npos);
  CHECK(m.says("ifconfig epair3a").find(",TXCSUM,") == std::string::npos);
}

TEST_CASE("bridges have link addresses of their own, or their first member's", "[bridge]") {
  Bridged m;
  m.says(
      "jail -m name=j1 children.max=0; jexec j1 ifconfig bridge0 create; ifconfig bridge0 create");
  const std::string here = m.says("ifconfig bridge0 | grep ether");
  const std::string there = m.says("ifconfig -j j1 bridge0 | grep ether");
  CHECK(here.size() == there.size());
  CHECK(here != there);
  m.says("sysctl net.link.bridge.inherit_mac=1; ifconfig epair1a ether 02:00:00:00:00:77");
  m.says("ifconfig bridge0 addm epair1a");
  CHECK(m.says("ifconfig bridge0 | grep ether") == "\tether 02:00:00:00:00:77\n");
  m.says("ifconfig bridge0 deletem epair1a");
  CHECK(m.says("ifconfig bridge0 | grep ether") == here);
  CHECK(m.says("sysctl -n -j j1 net.link.bridge.inherit_mac") == "0\n");
}

TEST_CASE("members that leave, and bridges that go, part", "[bridge]") {
  Bridged m;
  m.join_all();
  m.says("ifconfig epair3a vnet j1");
  CHECK(m.says("ifconfig bridge0").find("epair3a") == std::string::npos);
  CHECK(m.says("ifconfig -j j1 epair3a").find("PROMISC") == std::string::npos);
  m.says("ifconfig epair2a destroy");
  CHECK(m.says("ifconfig bridge0").find("epair2a") == std::string::npos);
  // Into another stack: without its members.
  m.says("ifconfig bridge0 vnet j2");
  CHECK(m.says("ifconfig -j j2 bridge0").find("member") == std::string::npos);
  CHECK(m.says("ifconfig epair1a").find("PROMISC") == std::string::npos);
  m.says("ifconfig -j j1 bridge5 create addm epair3a addm epair1b up; jail -r j1");
  CHECK(m.says("ifconfig -l") == "em0 lo0 epair1a epair1b epair3a\n");
  CHECK(m.says("ifconfig epair3a").find("PROMISC") == std::string::npos);
  m.says("jail -r j2");
  CHECK(m.says("ifconfig -l").find("bridge0") != std::string::npos);  // back home, empty
}
