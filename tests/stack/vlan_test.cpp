// vlan(4), as ifconfig(8) makes it and as tagged frames meet it.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

class TwoMachines : public LabFixture {
 public:
  TwoMachines() : LabFixture("nodes: [a, b]\nlinks: [a -- b]\nhosts: false\n") {}
  std::string a(const std::string& line) { return run("a", line).output; }
  std::string b(const std::string& line) { return run("b", line).output; }
  std::string fails(const std::string& line) {
    const CommandResult result = run("a", line);
    return text("{}: {}", result.exit, result.output);
  }
  bool reaches(const std::string& to) { return run("a", "ping -c 1 -t 1 " + to).exit == 0; }
  // What tcpdump sees of a command's traffic on a's em0.
  std::string on_wire(const std::string& line) {
    a("tcpdump -e -n -l -i em0 > /tmp/wire & sleep 0.1; " + line + "; sleep 0.5; killall tcpdump");
    return a("cat /tmp/wire");
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("vlans with one tag reach each other, and no others", "[vlan]") {
  TwoMachines m;
  m.a("ifconfig vlan5 create vlan 5 vlandev em0 && ifconfig vlan5 10.5.0.1/24");
  m.b("ifconfig em0.5 create 10.5.0.2/24 && ifconfig em0.6 create 10.6.0.2/24");
  CHECK(m.reaches("10.5.0.2"));
  CHECK(m.a("ifconfig em0.6 create inet 10.6.0.1/24") == "");
  CHECK(m.reaches("10.6.0.2"));
  m.a("ifconfig em0.6 destroy");
  CHECK(m.a("ifconfig vlan create vlan 7 vlandev em0 name red") == "red\n");
  CHECK(m.a("ifconfig red 10.6.0.1/24; ifconfig -l") == "em0 lo0 vlan5 red\n");
  CHECK(!m.reaches("10.6.0.2"));
  CHECK(m.dropped("unexpected_vlan") > 0);
  const std::string seen = m.on_wire("ping -c 1 10.5.0.2");
  CHECK(has(seen, "vlan 5"));
}

TEST_CASE("ifconfig shows a vlan as FreeBSD does", "[vlan]") {
  TwoMachines m;
  m.a("ifconfig em0 ether 02:00:00:00:00:0a; ifconfig vlan5 create vlan 5 vlandev em0 vlanpcp 3 "
      "up");
  CHECK(m.a("ifconfig vlan5") ==
        "vlan5: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500\n"
        "\tether 02:00:00:00:00:0a\n"
        "\tgroups: vlan\n"
        "\tvlan: 5 vlanproto: 802.1q vlanpcp: 3 parent interface: em0\n"
        "\tmedia: Ethernet autoselect (1000baseT <full-duplex>)\n"
        "\tstatus: active\n");
  CHECK(m.a("ifconfig vlan create") == "vlan0\n");
  CHECK(m.a("ifconfig vlan0") ==
        "vlan0: flags=8802<BROADCAST,SIMPLEX,MULTICAST> metric 0 mtu 1500\n"
        "\tether 00:00:00:00:00:00\n"
        "\tgroups: vlan\n"
        "\tvlan: 0 vlanproto: 802.1q vlanpcp: 0 parent interface: <none>\n");
  // The parent's link address is followed, its name is no string.
  m.a("ifconfig em0 ether 02:00:00:00:00:0b; ifconfig em0 name wan");
  CHECK(has(m.a("ifconfig vlan5"), "ether 02:00:00:00:00:0b"));
  CHECK(has(m.a("ifconfig vlan5"), "parent interface: wan"));
  m.a("ifconfig vlan5 vlan 9");
  CHECK(has(m.a("ifconfig vlan5"), "vlan: 9 vlanproto: 802.1q vlanpcp: 3 parent interface: wan"));
  m.a("ifconfig vlan5 vlanproto 802.1ad");
  CHECK(has(m.a("ifconfig vlan5"), "vlan: 9 vlanproto: 802.1ad"));
  m.a("ifconfig vlan5 -vlandev");
  CHECK(has(m.a("ifconfig vlan5"), "parent interface: <none>"));
}

TEST_CASE("ifconfig's refusals about vlans have FreeBSD's words", "[vlan]") {
  TwoMachines m;
  m.a("ifconfig vlan5 create vlan 5 vlandev em0; ifconfig epair0 create; ifconfig vlan0 create");
  struct Refusal {
    const char* line;
    const char* words;
  };
  const Refusal refusals[] = {
      {"ifconfig vlan6 create vlan 6", "must specify a parent device for vlan create"},
      {"ifconfig vlan6 create vlandev em0", "must specify a tag for vlan create"},
      {"ifconfig vlan6 create vlan 5 vlandev em0", "interface vlan6 already exists"},
      {"ifconfig vlan6 create vlan 6 vlandev em9", "SIOCIFCREATE2: Device not configured"},
      {"ifconfig vlan6 create vlan 4095 vlandev em0", "SIOCIFCREATE2: Invalid argument"},
      {"ifconfig vlan6 create vlan 6 vlandev lo0", "SIOCIFCREATE2: Protocol not supported"},
      {"ifconfig em0.0 create", "invalid vlan tag"},
      {"ifconfig em0.4095 create", "invalid vlan tag"},
      {"ifconfig em0.5x create", "invalid vlan tag"},
      {"ifconfig em9.5 create", "SIOCIFCREATE2: Invalid argument"},
      {"ifconfig em0.6 create vlan 7 vlandev em0", "ambiguous vlan specification"},
      {"ifconfig vlan0 vlan 6", "both vlan and vlandev must be specified"},
      {"ifconfig vlan0 vlan 70000", "value for vlan out of range"},
      {"ifconfig vlan0 vlan x", "invalid value for vlan"},
      {"ifconfig vlan0 vlan 6 vlandev em9", "SIOCSETVLAN: No such file or directory"},
      {"ifconfig vlan0 vlan 5 vlandev em0", "SIOCSETVLAN: File exists"},
      {"ifconfig vlan0 vlan 6 vlandev vlan0", "SIOCSETVLAN: Invalid argument"},
      {"ifconfig vlan5 vlan 5 vlandev epair0a", "SIOCSETVLAN: Device busy"},
      {"ifconfig vlan5 vlanpcp 8", "value for vlanpcp out of range"},
      {"ifconfig vlan5 vlanproto ipx", "invalid value for vlanproto"},
      {"ifconfig vlan5 mtu 1501", "ioctl SIOCSIFMTU (set mtu): Invalid argument"},
      {"ifconfig vlan0 mtu 1400", "ioctl SIOCSIFMTU (set mtu): Invalid argument"},
      {"ifconfig em0 vlanpcp 1", "SIOCSVLANPCP: Invalid argument"},
      {"ifconfig em0 pcp 8", "value for pcp out of range"},
  };
  for (const Refusal& r : refusals) {
    CAPTURE(r.line);
    CHECK(m.fails(r.line) == text("1: ifconfig: {}\n", r.words));
  }
  CHECK(m.a("ifconfig -l") == "em0 lo0 vlan5 epair0a epair0b vlan0\n");
}

TEST_CASE("tags stack: QinQ", "[vlan]") {
  TwoMachines m;
  m.a("ifconfig vlan100 create vlan 100 vlandev em0 vlanproto 802.1ad up");
  m.a("ifconfig vlan100.7 create 10.7.0.1/24");
  m.b("ifconfig vlan1 create vlan 100 vlandev em0 vlanproto qinq up");
  m.b("ifconfig vlan2 create vlan 7 vlandev vlan1 && ifconfig vlan2 10.7.0.2/24");
  CHECK(m.reaches("10.7.0.2"));
  CHECK(has(m.a("ifconfig vlan100.7"), "mtu 1496"));
  CHECK(m.run("a", "ping -c 1 -t 1 -D -s 1468 10.7.0.2").exit == 0);
  const std::string seen = m.on_wire("ping -c 1 10.7.0.2");
  CHECK(has(seen, "802.1Q-QinQ (0x88a8)"));
  CHECK(m.a("ifconfig em0 | head -1") ==
        "em0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500\n");
}

TEST_CASE("priorities are on the wire: a vlan's, and an interface's own", "[vlan]") {
  TwoMachines m;
  m.a("ifconfig em0.5 create 10.5.0.1/24 vlanpcp 6");
  m.b("ifconfig em0.5 create 10.5.0.2/24; ifconfig em0 10.1.0.2/24");
  CHECK(has(m.on_wire("ping -c 1 10.5.0.2"), "vlan 5, p 6,"));
  // A tag that says the priority only: VLAN 0.
  m.a("ifconfig em0 10.1.0.1/24 pcp 3");
  CHECK(has(m.a("ifconfig em0"), "\tlan-pcp: 3\n"));
  const std::string seen = m.on_wire("ping -c 1 10.1.0.2");
  CHECK(has(seen, "vlan 0, p 3,"));
  CHECK(has(seen, "ICMP echo reply"));
  m.a("ifconfig em0 -pcp");
  CHECK(!has(m.on_wire("ping -c 1 10.1.0.2"), "vlan 0"));
}

TEST_CASE("a vlan lent to a jail carries on, and is nobody else's to change", "[vlan]") {
  TwoMachines m;
  m.a("jail -c name=j vnet persist; ifconfig em0.5 create vnet j; ifconfig -j j em0.5 10.5.0.1/24");
  m.b("ifconfig em0.5 create 10.5.0.2/24");
  CHECK(m.run("a", "jexec j ping -c 1 -t 1 10.5.0.2").exit == 0);
  CHECK(m.run("b", "ping -c 1 -t 1 10.5.0.1").exit == 0);
  const std::string there = m.a("ifconfig -j j em0.5");
  CHECK(!has(there, "vlan:"));
  CHECK(m.fails("jexec j ifconfig em0.5 vlanpcp 3") ==
        "1: ifconfig: SIOCSVLANPCP: Operation not permitted\n");
  CHECK(m.fails("jexec j ifconfig em0.5 -vlandev") ==
        "1: ifconfig: SIOCGETVLAN: Operation not permitted\n");
  CHECK(m.a("jail -r j; ifconfig -l") == "em0 lo0 em0.5\n");
  CHECK(has(m.a("ifconfig em0.5"), "parent interface: em0"));
}

TEST_CASE("a vlan whose parent leaves is left without", "[vlan]") {
  TwoMachines m;
  m.a("jail -c name=j vnet persist; ifconfig em0.5 create; ifconfig em0.5.6 create");
  m.a("ifconfig em0 vnet j");
  CHECK(
      has(m.a("ifconfig em0.5"), "vlan: 0 vlanproto: 802.1q vlanpcp: 0 parent interface: <none>"));
  CHECK(has(m.a("ifconfig em0.5"), "ether 00:00:00:00:00:00"));
  CHECK(has(m.a("ifconfig em0.5.6"), "parent interface: em0.5"));
  m.a("ifconfig em0.5 destroy");
  CHECK(has(m.a("ifconfig em0.5.6"), "parent interface: <none>"));
  m.a("ifconfig epair0 create; ifconfig epair0a.8 create; ifconfig epair0b vnet j");
  m.a("ifconfig epair0a destroy");
  CHECK(has(m.a("ifconfig epair0a.8"), "parent interface: <none>"));
  CHECK(m.fails("ifconfig epair0a.8 up 10.0.8.1/24 && ping -c 1 -t 1 10.0.8.2").substr(0, 2) ==
        "2:");
}

TEST_CASE("a vlan in a bridge puts its parent into promiscuous mode", "[vlan]") {
  TwoMachines m;
  m.a("ifconfig em0.5 create up; ifconfig epair0 create; ifconfig epair0a up");
  m.a("jail -c name=j vnet persist; ifconfig epair0b vnet j; ifconfig -j j epair0b 10.5.0.1/24");
  m.a("ifconfig bridge0 create addm em0.5 addm epair0a up");
  CHECK(has(m.a("ifconfig em0"), "PROMISC"));
  m.b("ifconfig em0.5 create 10.5.0.2/24");
  CHECK(m.run("a", "jexec j ping -c 1 -t 1 10.5.0.2").exit == 0);
  m.a("ifconfig em0.5 vnet j");
  CHECK(!has(m.a("ifconfig em0"), "PROMISC"));
}
