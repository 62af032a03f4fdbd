#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "stack/kern/machine.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

// One machine, with jails that have stacks of their own.
class OneMachine : public LabFixture {
 public:
  explicit OneMachine(std::vector<std::string> jails = {})
      : LabFixture("nodes: [m, other]\nlinks: [m -- other]\n") {
    for (const std::string& name : jails) make_jail(name);
  }
  void make_jail(const std::string& name) {
    Machine& machine = lab.machine("m");
    std::string message;
    const JailParams params{{"name", name}, {"vnet", "new"}, {"persist", "true"}};
    lab.simulation().at_barrier(lab.simulation().now() + 1_ns, EventKind::outside, [&] {
      check(machine.set_jail(params, jail_flag::create, machine.base(), message).has_value(),
            "a jail is made");
    });
    pass(1_ms);
  }
  void end_jail(const std::string& name) {
    Machine& machine = lab.machine("m");
    lab.simulation().at_barrier(lab.simulation().now() + 1_ns, EventKind::outside, [&] {
      machine.remove_jail(*machine.find_jail(name, machine.base()));
    });
    pass(1_ms);
  }
  // What it prints, standard output and errors alike; several lines run one after another.
  std::string says(const std::string& line) { return run("m", line).output; }
  // "1: ifconfig: ...": the exit status and the words.
  std::string fails(const std::string& line) {
    const CommandResult result = run("m", line);
    return text("{}: {}", result.exit, result.output);
  }
};

}  // namespace

TEST_CASE("ifconfig makes, lists, renames and destroys interfaces") {
  OneMachine m;
  CHECK(m.says("ifconfig -l") == "em0 lo0\n");
  CHECK(m.says("ifconfig epair create") == "epair0a\n");
  CHECK(m.says("ifconfig epair create") == "epair1a\n");
  CHECK(m.says("ifconfig epair7 create") == "epair7a\n");
  CHECK(m.says("ifconfig lo1 create") == "");
  CHECK(m.says("ifconfig lo create") == "lo2\n");
  CHECK(m.says("ifconfig epair0b name wan up") == "wan\n");
  CHECK(m.says("ifconfig -l") == "em0 lo0 epair0a wan epair1a epair1b epair7a epair7b lo1 lo2\n");
  CHECK(m.says("ifconfig -g epair") == "epair0a\nwan\nepair1a\nepair1b\nepair7a\nepair7b\n");
  CHECK(m.says("ifconfig -lu") == "em0 lo0 wan\n");
  CHECK(m.says("ifconfig wan destroy; ifconfig lo1 destroy; ifconfig -l") ==
        "em0 lo0 epair1a epair1b epair7a epair7b lo2\n");
  CHECK(m.says("ifconfig epair create name left") == "left\n");
  CHECK(m.says("ifconfig -l") == "em0 lo0 left epair0b epair1a epair1b epair7a epair7b lo2\n");
}

TEST_CASE("ifconfig's errors have FreeBSD's words, and status 1") {
  OneMachine m({"j"});
  m.says("ifconfig epair0 create; ifconfig lo1 create");
  CHECK(m.fails("ifconfig foo0") == "1: ifconfig: interface foo0 does not exist\n");
  CHECK(m.fails("ifconfig foo0 up") == "1: ifconfig: interface foo0 does not exist\n");
  CHECK(m.fails("ifconfig foo0 create") == "1: ifconfig: SIOCIFCREATE2: Invalid argument\n");
  CHECK(m.fails("ifconfig epair0 create") == "1: ifconfig: interface epair0 already exists\n");
  CHECK(m.fails("ifconfig lo1 create") == "1: ifconfig: interface lo1 already exists\n");
  CHECK(m.fails("ifconfig em0 destroy") == "1: ifconfig: SIOCIFDESTROY: Invalid argument\n");
  CHECK(m.fails("ifconfig lo0 destroy") == "1: ifconfig: SIOCIFDESTROY: Invalid argument\n");
  CHECK(m.fails("ifconfig lo1 name em0") ==
        "1: ifconfig: ioctl SIOCSIFNAME (set name): File exists\n");
  CHECK(m.fails("ifconfig lo1 name abcdefghijklmnop") ==
        "1: ifconfig: ioctl SIOCSIFNAME (set name): Invalid argument\n");
  CHECK(m.fails("ifconfig abcdefghijklmnop create") ==
        "1: ifconfig: abcdefghijklmnop: cloning name too long\n");
  CHECK(m.fails("ifconfig lo1 mtu") == "1: ifconfig: 'mtu' requires argument\n");
  CHECK(m.fails("ifconfig lo1 mtu 3") ==
        "1: ifconfig: ioctl SIOCSIFMTU (set mtu): Invalid argument\n");
  CHECK(m.fails("ifconfig lo1 10.0.0.300") == "1: ifconfig: 10.0.0.300: bad value\n");
  CHECK(m.fails("ifconfig lo1 10.0.0.3/33") ==
        "1: ifconfig: 10.0.0.3/33: bad value (width too large)\n");
  CHECK(m.fails("ifconfig lo1 group g1") ==
        "1: ifconfig: setifgroup: group names may not end in a digit\n");
  CHECK(m.fails("ifconfig lo1 -alias") ==
        "1: ifconfig: ioctl (SIOCDIFADDR): Can't assign requested address\n");
  CHECK(m.fails("ifconfig lo1 vnet nobody") == "1: ifconfig: jail \"nobody\" not found\n");
  CHECK(m.fails("ifconfig lo1 vnet 99") == "1: ifconfig: SIOCSIFVNET: Device not configured\n");
  CHECK(m.fails("ifconfig lo0 vnet j") == "1: ifconfig: SIOCSIFVNET: File exists\n");
  CHECK(m.fails("ifconfig lo7 -vnet j") ==
        "1: ifconfig: SIOCSIFRVNET(1, lo7): Device not configured\n");
  CHECK(m.fails("ifconfig -j nobody -l") == "1: ifconfig: jail \"nobody\" not found\n");
}

TEST_CASE("an interface that moves keeps its name and link address, and nothing else") {
  OneMachine m({"j"});
  m.says("ifconfig epair create; ifconfig epair0a ether 02:00:00:00:00:aa 192.0.2.1/24");
  m.says("ifconfig epair0a group left description west fib 1; arp -s 192.0.2.9 2:0:0:0:0:9");
  m.says("route add 198.51.100.0/24 192.0.2.9");
  m.says("ifconfig epair0a vnet j");
  CHECK(m.fails("ifconfig epair0a") == "1: ifconfig: interface epair0a does not exist\n");
  CHECK(m.says("netstat -rn | grep -c 192.0.2") == "0\n");
  const std::string there = m.says("ifconfig -j j epair0a");
  CHECK(there.find("flags=8802<BROADCAST,SIMPLEX,MULTICAST> metric 0 mtu 1500") != there.npos);
  CHECK(there.find("\tether 02:00:00:00:00:aa\n") != there.npos);
  CHECK(there.find("\tgroups: epair\n") != there.npos);
  CHECK(there.find("inet") == there.npos);
  CHECK(there.find("fib") == there.npos);
  CHECK(m.says("ifconfig -j j -l") == "lo0 epair0a\n");
  // Units skip what is lent.
  CHECK(m.says("ifconfig epair create") == "epair1a\n");
  m.says("ifconfig epair0a -vnet j");
  CHECK(m.says("ifconfig -l") == "em0 lo0 epair1a epair0b epair1b epair0a\n");
}

TEST_CASE("an interface whose name was taken meanwhile comes home under the next unit's") {
  OneMachine m({"j"});
  m.says("ifconfig epair create; ifconfig epair0b vnet j; ifconfig -j j epair0b name em0");
  m.says("ifconfig lo1 create; ifconfig lo1 vnet j; ifconfig lo2 create name lo1");
  m.end_jail("j");
  CHECK(m.says("ifconfig -l") == "em0 lo0 epair0a lo1 em1 lo2\n");
}
