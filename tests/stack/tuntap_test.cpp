// tap(4) and tun(4): interfaces whose other end is a program.
#include <algorithm>

#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "core/wire/checksum.h"
#include "stack/kern/machine.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

class OneMachine : public LabFixture {
 public:
  OneMachine() : LabFixture("nodes: [m, pc]\nlinks: [m -- pc]\nhosts: false\n") {}
  std::string says(const std::string& line) { return run("m", line).output; }
  CommandResult result(const std::string& line) { return run("m", line); }
  // Starts a program on the machine; it goes on beside what follows.
  void start(Program program, const std::string& jail = "") {
    Machine& machine = lab.machine("m");
    lab.simulation().at_barrier(lab.simulation().now() + 1_ns, EventKind::outside, [&] {
      RunRequest request;
      request.args = {"tunneld"};
      request.program = program;
      request.output = SinkFile::to([this](Bytes o) { printed += text_of(o); });
      request.errors = request.output;
      if (!jail.empty()) request.jail = machine.find_jail(jail, machine.base());
      machine.run(std::move(request));
    });
    pass(1_ms);
  }
  std::string printed;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

// Answers echo requests at /dev/tunN as every address there is, until the device is gone.
Program echo_by_tun(const std::string& device) {
  return [device](Sys& sys, Args) -> Task<int> {
    const Fd tun = co_await sys.open(device, OpenMode::read_write).or_err(1, device);
    for (;;) {
      const auto packet = co_await sys.read(tun, 65535).or_warn("read");
      if (!packet) co_return 1;
      std::string answer = *packet;
      if (uint8_t(answer[0]) != 0x45 || answer[9] != 1 || answer[20] != 8) continue;
      std::swap_ranges(answer.begin() + 12, answer.begin() + 16, answer.begin() + 16);
      answer[20] = answer[22] = answer[23] = 0;
      const uint16_t value = internet_checksum(bytes_of(answer).subspan(20));
      answer[22] = char(value >> 8);
      answer[23] = char(value);
      co_await sys.write(tun, answer).or_warn("write");
    }
  };
}

// Joins /dev/tapA and /dev/tapB by copying frames both ways.
Program tap_cable(const std::string& a, const std::string& b) {
  return [a, b](Sys& sys, Args) -> Task<int> {
    const Fd one = co_await sys.open(a, OpenMode::read_write).or_err(1, a);
    const Fd two = co_await sys.open(b, OpenMode::read_write).or_err(1, b);
    for (;;) {
      std::vector<PollItem> items{{.fd = one, .ready = {}}, {.fd = two, .ready = {}}};
      const auto ready = co_await sys.poll(items, SimTime(-1)).or_err(1, "poll");
      for (const PollItem& item : ready) {
        if (!item.ready.readable) continue;
        const std::string frame = co_await sys.read(item.fd, 65535).or_err(1, "read");
        co_await sys.write(item.fd == one ? two : one, frame).or_err(1, "write");
      }
    }
  };
}

}  // namespace

TEST_CASE("taps and tuns are clones that carry nothing until somebody opens them", "[tuntap]") {
  OneMachine m;
  CHECK(m.says("ifconfig tap create") == "tap0\n");
  CHECK(m.says("ifconfig tun create; ifconfig tun7 create; ifconfig tun create") == "tun0\ntun1\n");
  CHECK(m.says("ifconfig tap0 ether 58:9c:fc:00:00:01; ifconfig tap0 10.4.0.1/24; ifconfig tap0") ==
        "tap0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500\n"
        "\toptions=80000<LINKSTATE>\n"
        "\tether 58:9c:fc:00:00:01\n"
        "\tinet 10.4.0.1 netmask 0xffffff00 broadcast 10.4.0.255\n"
        "\tgroups: tap\n"
        "\tmedia: Ethernet 1000baseT <full-duplex>\n"
        "\tstatus: no carrier\n");
  CHECK(m.says("ifconfig tun0 10.5.0.1 10.5.0.2 netmask 255.255.255.255 up; ifconfig tun0") ==
        "tun0: flags=8051<UP,POINTOPOINT,RUNNING,MULTICAST> metric 0 mtu 1500\n"
        "\toptions=80000<LINKSTATE>\n"
        "\tinet 10.5.0.1 --> 10.5.0.2 netmask 0xffffffff\n"
        "\tgroups: tun\n");
  CHECK(m.says("route -n get 10.5.0.2 | grep interface") == "  interface: tun0\n");
  CHECK(m.result("ping -c 1 -t 1 10.4.0.2").exit == 2);
  CHECK(has(m.says("ping -c 1 -t 1 10.5.0.2"), "ping: sendto: Host is down\n"));
  CHECK(m.dropped("not_opened") > 0);
  CHECK(m.says("ifconfig tap0 destroy; ifconfig tun0 destroy; ifconfig -l") ==
        "em0 lo0 tun7 tun1\n");
}

TEST_CASE("a program answers by a tun, and ifconfig says who it is", "[tuntap]") {
  OneMachine m;
  m.says("ifconfig tun0 create 10.5.0.1 10.5.0.2 up; tcpdump -n -l -i tun0 > /tmp/seen &");
  m.start(echo_by_tun("/dev/tun0"));
  CHECK(m.result("ping -c 2 -i 0.1 10.5.0.2").exit == 0);
  const std::string pid = m.says("pgrep tunneld");
  CHECK(has(m.says("ifconfig tun0"), "\tOpened by PID " + pid));
  CHECK(has(m.says("dmesg"), "tun0: link state changed to UP\n"));
  CHECK(m.result("cat /dev/tun0").output == "cat: /dev/tun0: Device busy\n");
  CHECK(has(m.says("ls /dev"), "tun0"));
  m.says("killall tcpdump; kill " + pid);
  m.pass(1_ms);
  // Closed: down, and its addresses are gone.
  CHECK(m.says("ifconfig tun0") ==
        "tun0: flags=8010<POINTOPOINT,MULTICAST> metric 0 mtu 1500\n"
        "\toptions=80000<LINKSTATE>\n"
        "\tgroups: tun\n");
  CHECK(has(m.says("cat /tmp/seen"), "10.5.0.2 > 10.5.0.1: ICMP echo reply"));
}

TEST_CASE("a program is the cable between two taps of two stacks", "[tuntap]") {
  OneMachine m;
  m.says(
      "jail -c name=j vnet persist; ifconfig tap create; ifconfig tap create; "
      "ifconfig tap1 vnet j; ifconfig tap0 10.4.0.1/24; ifconfig -j j tap1 10.4.0.2/24");
  CHECK(m.result("ping -c 1 -t 1 10.4.0.2").exit == 2);
  // Each stack has the devices of its own interfaces.
  m.start(tap_cable("/dev/tap0", "/dev/tap1"));
  CHECK(has(m.printed, "tunneld: /dev/tap1: File exists"));
  m.says("ifconfig tap1 -vnet j");
  m.start(tap_cable("/dev/tap0", "/dev/tap1"));
  m.says("ifconfig tap1 vnet j; ifconfig -j j tap1 10.4.0.2/24; ifconfig tap0 10.4.0.1/24");
  CHECK(m.result("ping -c 1 -t 1 10.4.0.2").exit == 0);
  CHECK(has(m.says("ifconfig tap0"), "status: active"));
  // A tap that a program serves may be a bridge's member.
  m.says("ifconfig em0 -alias; ifconfig bridge0 create addm tap0 addm em0 up");
  m.run("pc", "ifconfig em0 10.4.0.3/24");
  CHECK(m.run("pc", "ping -c 1 -t 1 10.4.0.2").exit == 0);
  // The jail ends while its tap is open: the tap comes home.
  m.says("jail -r j");
  CHECK(has(m.says("ifconfig -l"), "tap1"));
  m.says("ifconfig tap1 destroy");
  m.pass(10_ms);
  CHECK(has(m.printed, "tunneld: read: Device not configured"));
}

TEST_CASE("sysctls decide whether opening makes an interface, and whether it is up", "[tuntap]") {
  OneMachine m;
  m.says("jail -c name=j vnet persist; sysctl net.link.tap.devfs_cloning=0");
  CHECK(m.result("cat /dev/tap0").output == "cat: /dev/tap0: No such file or directory\n");
  CHECK(m.says("sysctl -n -j j net.link.tap.devfs_cloning") == "1\n");
  m.says("sysctl net.link.tap.devfs_cloning=1 net.link.tap.up_on_open=1; cat /dev/tap0 &");
  CHECK(has(m.says("ifconfig tap0"), "UP"));
  m.says("killall cat; ifconfig tap0 destroy");
  // A jail that shares a stack may not open what is the stack's.
  m.says("ifconfig tap0 create; jail -c name=s persist");
  CHECK(m.result("jexec s cat /dev/tap0").output == "cat: /dev/tap0: Operation not permitted\n");
  // What no program reads is bounded.
  m.says(
      "ifconfig tap0 10.4.0.1/24; sleep 1000 < /dev/tap0 & sleep 0.1; "
      "ifconfig tap0 10.4.0.1/24; arp -s 10.4.0.2 2:0:0:0:0:2; ping -q -c 80 -i 0.01 10.4.0.2");
  CHECK(m.dropped("device_full") > 20);
}
