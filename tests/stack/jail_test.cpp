// Jails, by the commands of jail(8), jexec(8), jls(8) and ifconfig(8).
#include <catch2/catch.hpp>

#include <set>

#include "stack/net/net_stack.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

struct OneMachine : LabFixture {
  OneMachine() : LabFixture("nodes: [a, b]\nlinks: [a -- b]") {}
  CommandResult a(const std::string& line) { return run("a", line); }
  std::string out(const std::string& line) { return a(line).output; }
};

}  // namespace

TEST_CASE("A jail with a vnet starts with lo0 alone, and it is down", "[jail]") {
  OneMachine m;
  CHECK(m.out("jail -c name=j vnet persist") == "");
  CHECK(m.out("jexec j ifconfig -l") == "lo0\n");
  CHECK(m.out("jexec j netstat -rn").find("127.0.0.1") == std::string::npos);
  CHECK(m.a("jexec j ping -c 1 -t 1 127.0.0.1").exit == 2);
  m.a("jexec j ifconfig lo0 127.0.0.1/8 up");
  CHECK(m.a("jexec j ping -c 1 -t 1 127.0.0.1").exit == 0);
}

TEST_CASE("Names and ids of jails are reusable at once", "[jail]") {
  OneMachine m;
  for (int i = 0; i < 3; ++i) {
    CHECK(m.a("jail -c jid=7 name=j vnet persist").exit == 0);
    CHECK(m.out("jls jid name") == "7 j\n");
    CHECK(m.a("jail -r j").exit == 0);
  }
  CHECK(m.out("jls -d name") == "");
}

TEST_CASE("jail(8) refuses with FreeBSD's words", "[jail]") {
  OneMachine m;
  m.a("jail -c name=j vnet persist; jail -c name=k persist children.max=1");
  struct Refusal {
    const char* line;
    const char* words;
  };
  const Refusal refusals[] = {
      {"jail -c name=j persist", "jail: \"j\" already exists\n"},
      {"jail -m name=x host.hostname=y", "jail: \"x\" not found\n"},
      {"jail -r x", "jail: \"x\" not found\n"},
      {"jail -c name=n", "jail: new jail must persist or attach\n"},
      {"jail -c name=n persist nosuch=1", "jail: unknown parameter: nosuch\n"},
      {"jail -c name=5a.b persist", "jail: jail \"5a\" not found\n"},
      {"jail -c name=77 persist", "jail: name cannot be numeric (unless it is the jid)\n"},
      {"jail -c name=n persist path=/nowhere", "jail: path /nowhere: No such file or directory\n"},
      {"jail -c name=n vnet persist ip4.addr=10.0.0.9",
       "jail: vnet jails cannot have IP address restrictions\n"},
      {"jail -m name=j vnet=inherit", "jail: vnet cannot be changed after creation\n"},
      {"jexec j jail -c name=n persist", "jail: jail_set: Operation not permitted\n"},
      {"jexec k jail -c name=n persist && jexec k jail -c name=o persist",
       "jail: prison limit exceeded\n"},
      {"jexec k jail -c name=n2 persist children.max=5", "jail: prison limit exceeded\n"},
      {"jexec x true", "jexec: jail \"x\" not found\n"},
      {"jexec 99 true", "jexec: jail 99 not found\n"},
      {"jexec j nosuch", "jexec: execvp: nosuch: No such file or directory\n"},
      {"jls -j x", "jls: jail \"x\" not found\n"},
      {"jls nosuch", "jls: unknown parameter: nosuch\n"},
  };
  for (const Refusal& r : refusals) {
    CAPTURE(r.line);
    const CommandResult result = m.a(r.line);
    CHECK(result.output == r.words);
    CHECK(result.exit == 1);
  }
}

TEST_CASE("A parent sees and manages all below it, a child sees only itself", "[jail]") {
  OneMachine m;
  m.a("jail -c name=t vnet persist children.max=5; jail -c name=other vnet persist");
  m.a("jexec t jail -c name=u vnet persist children.max=1");
  m.a("jexec t jexec u jail -c name=v vnet persist");
  CHECK(m.out("jls name") == "t\nother\nt.u\nt.u.v\n");
  CHECK(m.out("jexec t jls name") == "u\nu.v\n");
  CHECK(m.out("jexec t.u.v jls name") == "");
  CHECK(m.out("jexec t.u jls -n -j v name children.max") == "name=v children.max=0\n");
  CHECK(m.a("jexec t jexec other true").output == "jexec: jail \"other\" not found\n");
  CHECK(m.a("jexec t jail -r u").exit == 0);
  CHECK(m.out("jls name") == "t\nother\n");
  // What runs in a jail dies with it, also in the jails below.
  m.a("jexec t jail -c name=w vnet persist; jexec t jexec w sleep 1000 &");
  CHECK(m.out("ps").find("sleep 1000") != std::string::npos);
  m.a("jail -r t");
  CHECK(m.out("ps").find("sleep 1000") == std::string::npos);
}

TEST_CASE("Rights never grow on the way down", "[jail]") {
  OneMachine m;
  m.a("jail -c name=t vnet persist children.max=2 allow.nosysvipc");
  CHECK(m.a("jexec t jail -c name=u persist allow.raw_sockets").exit == 1);
  CHECK(m.a("jexec t jail -c name=u persist allow.raw_sockets").output ==
        "jail: jail_set: Operation not permitted\n");
  m.a("jail -m name=t allow.raw_sockets");
  CHECK(m.a("jexec t jail -c name=u persist allow.raw_sockets").exit == 0);
}

TEST_CASE("A jail without persist ends with its last process", "[jail]") {
  OneMachine m;
  CHECK(m.out("jail -c name=j command=echo hello") == "hello\n");
  m.pass(1_ms);
  CHECK(m.out("jls name") == "");
  m.a("jail -c name=j command=sleep 5 &");
  m.pass(1_s);
  CHECK(m.out("jls name") == "j\n");
  m.pass(5_s);
  CHECK(m.out("jls name") == "");
}

TEST_CASE("A jail's files begin at its path", "[jail]") {
  OneMachine m;
  m.a("mkdir /j; mkdir /j/etc; echo inside > /j/etc/motd; echo outside > /etc/motd");
  m.a("jail -c name=j path=/j vnet persist");
  CHECK(m.out("jexec j cat /etc/motd") == "inside\n");
  CHECK(m.out("jexec j cat ../../../etc/motd") == "inside\n");
  CHECK(m.out("jexec j sh -c 'echo x > /new'; cat /j/new") == "x\n");
  CHECK(m.out("jls -j j path") == "/j\n");
}

TEST_CASE("A moved interface keeps its name and MAC, and loses the rest", "[jail]") {
  OneMachine m;
  m.a("jail -c name=j vnet persist; ifconfig epair create; "
      "ifconfig epair0b 10.9.0.2/24; ifconfig epair0b description hello");
  const std::string mac = m.out("ifconfig epair0b | grep ether");
  CHECK(m.a("ifconfig epair0b vnet j").exit == 0);
  CHECK(m.a("ifconfig epair0b").output == "ifconfig: interface epair0b does not exist\n");
  CHECK(m.out("netstat -rn").find("10.9.0") == std::string::npos);
  const std::string inside = m.out("jexec j ifconfig epair0b");
  CHECK(inside.find(mac) != std::string::npos);
  CHECK(inside.find("inet ") == std::string::npos);
  CHECK(inside.find("<UP") == std::string::npos);
  CHECK(m.a("ifconfig epair0b vnet j").exit == 1);
  // It comes home when the jail ends, down and without addresses.
  m.a("jexec j ifconfig epair0b 10.9.0.2/24 up; jail -r j");
  const std::string home = m.out("ifconfig epair0b");
  CHECK(home.find(mac) != std::string::npos);
  CHECK(home.find("inet ") == std::string::npos);
  CHECK(home.find("<UP") == std::string::npos);
}

TEST_CASE("Two jails reach each other by an epair, and only by it", "[jail]") {
  OneMachine m;
  m.a("jail -c name=x vnet persist; jail -c name=y vnet persist; ifconfig epair create; "
      "ifconfig epair0a vnet x; ifconfig epair0b vnet y");
  m.a("jexec x ifconfig epair0a 10.9.0.1/24 up; jexec y ifconfig epair0b 10.9.0.2/24 up");
  CHECK(m.a("jexec x ping -c 2 10.9.0.2").exit == 0);
  CHECK(m.a("ping -c 1 -t 1 10.9.0.2").exit == 2);
  CHECK(m.out("jexec y arp -an").find("10.9.0.1") != std::string::npos);
  CHECK(m.out("arp -an").find("10.9.0.1") == std::string::npos);
  // Either end takes the other with it, wherever that is.
  m.a("jexec x ifconfig epair0a destroy");
  CHECK(m.out("jexec y ifconfig -l") == "lo0\n");
}

TEST_CASE("The socket of a stack that is gone fails with ENETDOWN", "[jail]") {
  OneMachine m;
  // The shell enters the jail with a socket of the base system; that one goes on.
  m.a("jail -c name=j vnet persist children.max=1");
  m.a("jexec j nc -u -l 5000 > /tmp/out &");
  m.pass(1_s);
  CHECK(m.out("sockstat").find("5000") != std::string::npos);
  m.a("jail -r j");
  CHECK(m.out("sockstat").find("5000") == std::string::npos);
}

// --- nothing shared ------------------------------------------------------------------------------

TEST_CASE("Every sysctl of a stack is the stack's own", "[jail][sysctl]") {
  OneMachine m;
  m.a("jail -c name=x vnet persist; jail -c name=y vnet persist");
  Machine& machine = m.lab.machine("a");
  Jail& x = *machine.find_jail("x", machine.base());
  Jail& y = *machine.find_jail("y", machine.base());
  const auto snapshot = [&](const Jail& jail) {
    std::map<std::string, std::string> all;
    for (const SysctlInfo& info : machine.sysctls("", jail))
      if (!info.name.starts_with("security.jail.children")) all[info.name] = info.value;
    return all;
  };
  const auto of_machine = snapshot(machine.base());
  int changed = 0;
  for (const SysctlInfo& info : machine.sysctls("", x)) {
    if (!info.writable || !parse_int(info.value)) continue;
    const auto before = snapshot(y);
    const int64_t now = *parse_int(info.value);
    bool done = false;
    for (const int64_t other : {now + 1, now - 1, int64_t(1), int64_t(2)})
      if (!done && other != now) done = bool(machine.set_sysctl(info.name, text("{}", other), x));
    // Those that have one legal value refuse every other.
    if (!done) continue;
    ++changed;
    INFO(info.name);
    CHECK(*machine.sysctl(info.name, x) != info.value);
    CHECK(snapshot(y) == before);
    CHECK(snapshot(machine.base()) == of_machine);
  }
  CHECK(changed > 30);
}

TEST_CASE("Counters, tables and limits of one stack do not move another's", "[jail]") {
  OneMachine m;
  m.a("jail -c name=x vnet persist; jail -c name=y vnet persist");
  Machine& machine = m.lab.machine("a");
  const auto everything = [&](const char* name) {
    const Jail& jail = *machine.find_jail(name, machine.base());
    std::string all;
    for (const std::string& table : jail.vnet().table_names())
      all += to_text(jail.vnet().table(table));
    return all;
  };
  const std::string before = everything("y");
  m.a("jexec x ifconfig lo0 127.0.0.1/8 up; jexec x ping -c 3 127.0.0.1; "
      "jexec x ifconfig epair create; jexec x route add 10.3.0.0/16 127.0.0.1; "
      "jexec x ping -c 1 -t 1 10.99.0.1");
  CHECK(everything("x") != before);
  CHECK(everything("y") == before);
}

TEST_CASE("Tunables are what later stacks begin with", "[jail]") {
  OneMachine m;
  m.a("jail -c name=before vnet persist");
  m.lab.machine("a").set_tunable("net.inet.ip.ttl", "33");
  m.a("jail -c name=after vnet persist");
  CHECK(m.out("jexec before sysctl -n net.inet.ip.ttl") == "64\n");
  CHECK(m.out("jexec after sysctl -n net.inet.ip.ttl") == "33\n");
  CHECK(m.out("sysctl -n net.inet.ip.ttl") == "64\n");
}

TEST_CASE("No two interfaces of a lab have one MAC", "[jail]") {
  OneMachine m;
  m.a("for i in 1 2 3; do jail -c name=j$i vnet persist; done");
  m.a("for i in 1 2 3 4 5 6 7 8 9 10; do ifconfig epair create; "
      "for j in 1 2 3; do jexec j$j ifconfig epair create; done; done");
  m.run("b", "for i in 1 2 3 4 5 6 7 8 9 10; do ifconfig epair create; done");
  std::set<std::string> macs;
  size_t count = 0;
  const auto collect = [&](Vnet& vnet) {
    vnet.state<NetStack>(net_module).for_each([&](const Ifnet& i) {
      if (!i.has_link_addresses()) return;
      macs.insert(to_text(i.mac()));
      ++count;
    });
  };
  for (const char* name : {"a", "b"}) {
    Machine& machine = m.lab.machine(name);
    collect(machine.vnet());
    machine.base().for_each_below([&](Jail& jail) { collect(jail.vnet()); });
  }
  CHECK(count == 102);
  CHECK(macs.size() == count);
}
