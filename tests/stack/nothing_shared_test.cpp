// Nothing shared: two stacks of one machine have no setting, counter or table in common.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "stack/kern/machine.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

// Two jails with stacks, a machine around them, and another machine.
class TwoJails : public LabFixture {
 public:
  TwoJails()
      : LabFixture(
            "nodes: {m: {jails: {a: {}, b: {}}}, pc: {}}\nlinks: [m -- pc]\nhosts: false\n") {}
  Jail& jail(const std::string& name) {
    Machine& machine = lab.machine("m");
    return *machine.find_jail(name, machine.base());
  }
  // By name, without what belongs to the machine or the jail itself.
  std::map<std::string, std::string> settings(const Vnet& vnet) {
    std::map<std::string, std::string> all;
    for (const SysctlInfo& info : vnet.sysctls("")) all[info.name] = info.value;
    return all;
  }
};

// A value that the range allows and that is not the one it has.
std::optional<std::string> other_value(Vnet& vnet, const SysctlInfo& info) {
  const auto now = parse_int(info.value);
  if (!now) return std::nullopt;
  for (const int64_t candidate : {*now + 1, *now - 1, *now / 2, *now * 2, int64_t(1), int64_t(0)}) {
    if (candidate == *now) continue;
    const std::string value = text("{}", candidate);
    if (vnet.set_sysctl(info.name, value)) return value;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("no sysctl of a stack is another's", "[shared]") {
  TwoJails m;
  Vnet& a = m.jail("a").vnet();
  Vnet& b = m.jail("b").vnet();
  Vnet& base = m.lab.machine("m").vnet();
  const auto b_before = m.settings(b), base_before = m.settings(base);
  CHECK(m.settings(a) == b_before);
  size_t writable = 0;
  for (const SysctlInfo& info : a.sysctls("")) {
    if (!info.writable) continue;
    CAPTURE(info.name);
    const auto value = other_value(a, info);
    // Some have one value only, which says that a thing is never done.
    if (!value) {
      CHECK(a.set_sysctl(info.name, info.value));
      continue;
    }
    ++writable;
    CHECK(*a.sysctl(info.name) == *value);
    CHECK(m.settings(b) == b_before);
    CHECK(m.settings(base) == base_before);
  }
  CHECK(writable > 40);
  // What FreeBSD 12.1 still shares is among them, as far as its module is in this build.
  for (const char* name :
       {"net.inet.udp.maxdgram", "net.inet.udp.recvspace", "net.link.ether.inet.garp_rexmit_count",
        "net.link.ether.inet.log_arp_movements", "net.link.tap.up_on_open",
        "net.link.tun.devfs_cloning"}) {
    CAPTURE(name);
    CHECK(a.sysctl(name).has_value());
    CHECK(*a.sysctl(name) != *b.sysctl(name));
  }
  // A new stack begins with the defaults, not with anybody's settings.
  m.run("m", "jail -c name=c vnet persist");
  CHECK(m.settings(m.jail("c").vnet()) == b_before);
}

TEST_CASE("the program sysctl sees one stack, as do its readers of counters and tables",
          "[shared]") {
  TwoJails m;
  const auto says = [&](const std::string& line) { return m.run("m", line).output; };
  says("jexec a sysctl net.inet.ip.ttl=7");
  CHECK(says("sysctl -n net.inet.ip.ttl; jexec b sysctl -n net.inet.ip.ttl; "
             "sysctl -n -j a net.inet.ip.ttl") == "64\n64\n7\n");
  says("ifconfig -j a lo0 127.0.0.1/8; jexec a ping -c 3 127.0.0.1");
  std::map<std::string, uint64_t> counted;
  for (const CounterLine& line : m.jail("b").vnet().counters())
    if (line.value) counted[line.name] = line.value;
  CHECK(counted.empty());
  const Table of_b = m.jail("b").vnet().table("routes");
  CHECK(of_b.rows.empty());
  CHECK(m.jail("a").vnet().table("routes").rows.size() == 1);
  CHECK(says("netstat -j b -s -p ip | head -2 | tail -1").find("\t0 total packets received") == 0);
  CHECK(says("netstat -j a -s -p ip | head -2 | tail -1").find("\t0 total packets received") != 0);
}
