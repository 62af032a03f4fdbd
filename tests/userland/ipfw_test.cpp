// ipfw(8): its grammar and listings, by themselves and as a user types them.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "stack/ipfw/api/rule_text.h"
#include "stack/ipfw/detail/rule_set.h"
#include "tests/support/ipfw_rules.h"
#include "tests/support/lab_fixture.h"
#include "userland/firewall/rule_parser.h"

using namespace stackyard;

namespace {

class TestNames final : public ipfw::Names {
 public:
  std::optional<uint16_t> port(const std::string& name, uint8_t) override {
    if (name == "ssh") return 22;
    if (name == "https") return 443;
    return std::nullopt;
  }
  std::optional<int> jail(const std::string& name) override {
    const auto number = parse_int(name);
    return number ? std::optional(int(*number)) : std::nullopt;
  }
};

// What a rule is listed as, or "STATUS: MESSAGE".
std::string listed(const std::string& words) {
  TestNames names;
  ipfw::RuleParser parser(split_words(words), names);
  ipfw::Rule rule;
  if (!parser.parse(rule)) return text("{}: {}", parser.failure().status, parser.failure().message);
  CHECK(bool(ipfw::check_instructions(rule)));
  return ipfw::to_text(rule);
}

class Host : public LabFixture {
 public:
  Host() : LabFixture("nodes: [m, pc]\nlinks: [m -- pc]\nhosts: false\n") {}
  std::string says(const std::string& line) { return run("m", line).output; }
  std::string fails(const std::string& line) {
    const CommandResult result = run("m", line);
    return text("{}: {}", result.exit, result.output);
  }
};

}  // namespace

TEST_CASE("a rule is listed in ipfw's words, and what is listed is read again", "[ipfw]") {
  for (const auto& [typed, expected] : ipfw_rule_texts()) {
    INFO(typed);
    const std::string once = listed(typed);
    CHECK(once == (expected.empty() ? typed : expected));
    CHECK(listed(once) == once);
  }
}

TEST_CASE("every rule goes through the stack and comes back the same", "[ipfw]") {
  Host m;
  REQUIRE(m.says("ipfw -q add 60000 allow ip from any to any").empty());
  std::string file;
  int number = 100;
  for (const auto& [typed, expected] : ipfw_rule_texts()) {
    // Those that need a jail, a FIB or another module that this machine has not.
    if (typed.find("eaction") == 0 || typed.find("nat64") == 0 || typed.find("%em0") != typed.npos)
      continue;
    file += text("add {} {}\n", number++, typed);
  }
  (void)m.lab.machine("m").files().put("/tmp/rules", file);
  const std::string first = m.says("ipfw -q /tmp/rules; ipfw list > /tmp/one; cat /tmp/one");
  CHECK(first.find("Line") == first.npos);
  CHECK(split(first, '\n').size() > size_t(number - 100));
  m.says("sed 's/^/add /' /tmp/one | grep -v '^add 65535' > /tmp/again");
  CHECK(m.says("ipfw -q -f flush; ipfw -q /tmp/again; ipfw list") == first);
}

TEST_CASE("bad words have ipfw's messages and statuses", "[ipfw]") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "64: missing action"},
      {"allow ip from any to any { recv em0 or }", "64: invalid \"or\" block"},
      {"frobnicate ip from any to any", "65: invalid action frobnicate"},
      {"allow", "64: missing protocol"},
      {"allow tcp", "64: missing ``from''"},
      {"allow tcp from", "64: missing source address"},
      {"allow tcp from any", "64: missing ``to''"},
      {"allow tcp from any to", "64: missing dst address"},
      {"allow tcp from any to nowhere", "68: hostname ``nowhere'' unknown"},
      {"allow tcp from 10.0.0.0/40 to any", "65: bad width ``40''"},
      {"allow tcp from 10.0.0.0:x to any", "65: bad netmask ``x''"},
      {"allow tcp from any to any frobnicate", "64: unrecognised option [-1] frobnicate"},
      {"allow tcp from any to any tcpflags syn,foo", "65: invalid flag foo"},
      {"allow tcp from any to any via", "64: recv, xmit, via require interface name or address"},
      {"allow tcp from any to any via 1.2.3", "65: bad ip address ``1.2.3''"},
      {"allow icmp from any to any icmptypes 32", "65: ICMP type out of range"},
      {"allow icmp from any to any icmptypes x", "65: invalid ICMP type"},
      {"allow { tcp or { udp } } from any to any", "65: invalid protocol ``{''"},
      {"allow { tcp or udp from any to any", "64: missing \")\""},
      {"allow not not tcp from any to any", "64: double \"not\" not allowed"},
      {"allow tcp or udp from any to any", "65: invalid OR block"},
      {"allow tcp from any to any in or out", "64: invalid \"or\" block"},
      {"allow tcp from any to any { keep-state or in }",
       "64: keep-state or record-state cannot be part of an or block"},
      {"allow tcp from any to any keep-state limit src-addr 2",
       "64: only one of keep-state, record-state,  limit and set-limit is allowed"},
      {"allow tcp from any to any limit 4", "64: limit: missing limit mask"},
      {"allow tcp from any to any keep-state :any", "65: Invalid state name :any"},
      {"set 40 allow ip from any to any", "65: illegal set 40"},
      {"prob 2 allow ip from any to any", "65: illegal match prob. 2"},
      {"skipto ip from any to any", "65: illegal argument for skipto"},
      {"skipto", "64: missing argument for skipto"},
      {"skipto 70000 ip from any to any", "65: illegal argument for skipto"},
      {"unreach foo ip from any to any", "65: unknown ICMP unreachable code ``foo''"},
      {"allow log log ip from any to any", "65: log cannot be specified more than once"},
      {"allow log logamount x ip from any to any", "65: logamount must be positive"},
      {"allow ip from table(a to any", "65: forgotten parenthesis: 'table(a'"},
      {"allow ip from table(a/b) to any", "65: Invalid table name: a/b"},
      {"allow ip from any to any uid nobodyknows", "65: uid \"nobodyknows\" nonexistent"},
      {"allow ip from 10.0.0.0/23{1} to any", "65: invalid set with mask 23"},
      {"allow ip from 10.0.0.0/24{300} to any", "65: addr 300 out of range [0-255]"},
      {"allow ip from not any to any", "65: not any never matches"},
      {"check-state foo", "65: Invalid state name foo"},
      {"tcp-setmss 0 tcp from any to any", "64: invalid MSS value 0"},
      {"setdscp 64 ip from any to any", "65: Invalid DSCP value"},
  };
  for (const auto& [typed, expected] : cases) {
    INFO(typed);
    CHECK(listed(typed) == expected);
  }
}

TEST_CASE("the command refuses as ipfw does", "[ipfw]") {
  Host m;
  CHECK(m.fails("ipfw list") == "71: ipfw: retrieving config failed: Protocol not available\n");
  CHECK(m.fails("ipfw add allow tcp") == "64: ipfw: missing ``from''\n");
  CHECK(m.fails("ipfw frob") == "64: ipfw: bad command `frob'\n");
  CHECK(m.fails("ipfw -p cpp /tmp/x").starts_with("64: ipfw: -p: "));
  CHECK(m.fails("ipfw /nowhere") == "64: ipfw: pathname: /nowhere: No such file or directory\n");
  CHECK(m.fails("ipfw delete 100") == "69: ipfw: rule 100 not found\n");
  CHECK(m.fails("ipfw -q delete 100") == "69: ");
  CHECK(m.fails("ipfw show 100") == "69: ipfw: rule 100 does not exist\n");
  CHECK(m.fails("ipfw show 1-5") == "69: ipfw: no rules in range 1-5\n");
  CHECK(m.fails("ipfw show x") == "64: ipfw: invalid rule number: x\n");
  CHECK(m.fails("ipfw set") == "64: ipfw: set needs command\n");
  CHECK(m.fails("ipfw set enable 3 disable 3") ==
        "65: ipfw: cannot enable and disable the same set\n");
  CHECK(m.fails("ipfw set move 1 2") == "64: ipfw: syntax: set move [rule] X to Y\n");
  CHECK(m.fails("ipfw zero 100") == "69: Entry 100 not found\n");
  CHECK(m.fails("ipfw table") == "64: ipfw: table needs name\n");
  CHECK(m.fails("ipfw table a list") ==
        "71: ipfw: failed to request table info: No such process\n");
  CHECK(m.fails("ipfw table a create type foo") ==
        "64: ipfw: Unknown tabletype: foo. Supported: addr, iface, number, flow, mac\n");
}

TEST_CASE("numbers, counters and sets are listed in columns", "[ipfw]") {
  Host m;
  CHECK(m.says("ipfw add allow ip from any to any") == "00100 allow ip from any to any\n");
  CHECK(m.says("ipfw add set 3 deny tcp from any to any") == "00200 deny tcp from any to any\n");
  CHECK(m.says("ipfw -q add 50 count ip from any to any").empty());
  CHECK(m.says("ipfw list") ==
        "00050 count ip from any to any\n00100 allow ip from any to any\n"
        "00200 deny tcp from any to any\n65535 deny ip from any to any\n");
  m.run("pc", "ping -c 3 10.0.0.1");
  m.run("m", "ping -c 2 -s 100 $(hostname) > /dev/null");
  CHECK(m.says("ipfw -S list 200") == "00200 set 3 deny tcp from any to any\n");
  m.says("ipfw set disable 3");
  CHECK(m.says("ipfw list 200").empty());
  CHECK(m.says("ipfw -S list 200") == "# DISABLED 00200 set 3 deny tcp from any to any\n");
  CHECK(m.says("ipfw set show").starts_with("disable 3 enable 0 1 2 4 5"));
  m.says("ipfw set enable 3 && ipfw set move 3 to 4 && ipfw set swap 4 5");
  CHECK(m.says("ipfw -S list 200") == "00200 set 5 deny tcp from any to any\n");
  CHECK(m.says("ipfw set 5 list") == "00200 deny tcp from any to any\n");
  CHECK(m.says("ipfw set move rule 200 to 6; ipfw -S list 200").starts_with("00200 set 6"));
  CHECK(m.says("ipfw delete set 6; ipfw list 200") == "ipfw: rule 200 does not exist\n");
  CHECK(m.says("ipfw zero 100") == "Entry 100 cleared.\n");
  CHECK(m.says("ipfw resetlog") == "Logging counts reset.\n");
  CHECK(m.says("ipfw zero") == "Accounting cleared.\n");
  CHECK(m.says("ipfw show 50") == "00050 0 0 count ip from any to any\n");
  CHECK(m.says("ipfw -c list 100") == "00100 allow // ...\n");
  CHECK(m.says("echo n | ipfw flush") == "Are you sure? [yn] \n");
  CHECK(m.says("ipfw list 100") == "00100 allow ip from any to any\n");
  CHECK(m.says("echo y | ipfw flush") == "Are you sure? [yn] \nFlushed all rules.\n");
  CHECK(m.says("ipfw list") == "65535 deny ip from any to any\n");
}

TEST_CASE("a rule file with one bad line changes nothing", "[ipfw]") {
  Host m;
  m.says("ipfw -q add 7 allow ip from any to any");
  (void)m.lab.machine("m").files().put("/tmp/rules", "# a comment\n-f flush\n");
  (void)m.lab.machine("m").files().put("/tmp/bad",
                                       "flush\nadd 10 allow ip from any to any # fine\n"
                                       "table 1 create\nadd 20 allow tcp from\n");
  CHECK(m.fails("ipfw -f /tmp/bad") == "64: Line 4: missing source address\n");
  CHECK(m.says("ipfw list") == "00007 allow ip from any to any\n65535 deny ip from any to any\n");
  CHECK(m.fails("ipfw table 1 list").starts_with("71:"));
  // What only the stack can refuse: an instance that is not there.
  (void)m.lab.machine("m").files().put("/tmp/refused",
                                       "flush\nadd 10 allow ip from table(1) to any\n"
                                       "add 20 nat64lsn none ip6 from any to any\n");
  CHECK(m.fails("ipfw /tmp/refused").starts_with("69: "));
  CHECK(m.says("ipfw list") == "00007 allow ip from any to any\n65535 deny ip from any to any\n");
  CHECK(m.fails("ipfw table 1 list").starts_with("71:"));
  (void)m.lab.machine("m").files().put(
      "/tmp/good",
      "flush\nadd 10 allow ip from table(1) to any\n\n"
      "table 1 add 10.0.0.0/8\nadd 20 deny tcp from any to any 1, 2\n");
  CHECK(m.fails("ipfw -q -n /tmp/good") == "0: ");
  CHECK(m.says("ipfw list 7") == "00007 allow ip from any to any\n");
  CHECK(m.fails("ipfw -q /tmp/good") == "0: ");
  CHECK(m.says("ipfw list; ipfw table 1 list") ==
        "00010 allow ip from table(1) to any\n00020 deny tcp from any to any 1,2\n"
        "65535 deny ip from any to any\n10.0.0.0/8 0\n");
}

TEST_CASE("tables of every type are filled, shown, looked up and swapped", "[ipfw][tables]") {
  Host m;
  m.says("ipfw table a create valtype skipto,fib,ipv4");
  CHECK(m.says("ipfw table a add 10.0.0.0/8 100,1,10.9.9.9") ==
        "added: 10.0.0.0/8 100,1,10.9.9.9\n");
  CHECK(m.says("ipfw table a add 10.1.2.3/16 7,0,1.1.1.1 2001:db8::/32 5,1,2.2.2.2") ==
        "added: 10.1.0.0/16 7,0,1.1.1.1\nadded: 2001:db8::/32 5,1,2.2.2.2\n");
  CHECK(m.says("ipfw table a lookup 10.1.9.9") == "10.1.9.9/32 7,0,1.1.1.1\n");
  CHECK(m.fails("ipfw table a lookup 11.0.0.1") == "69: ipfw: Entry 11.0.0.1 not found\n");
  CHECK(m.fails("ipfw table a add 10.0.0.0/8 1,1,1.1.1.1") ==
        "71: exists: 10.0.0.0/8 1,1,1.1.1.1\n"
        "ipfw: Adding record failed: record already exists\n");
  CHECK(m.fails("ipfw table a atomic add 12.0.0.0/8 1,1,1.1.1.1 10.0.0.0/8 2,2,2.2.2.2") ==
        "71: added(reverted): 12.0.0.0/8 1,1,1.1.1.1\nexists: 10.0.0.0/8 2,2,2.2.2.2\n"
        "ipfw: Adding record failed: record already exists\n");
  CHECK(m.says("ipfw table a list") ==
        "10.0.0.0/8 100,1,10.9.9.9\n10.1.0.0/16 7,0,1.1.1.1\n2001:db8::/32 5,1,2.2.2.2\n");
  CHECK(m.says("ipfw table a delete 10.0.0.0/8") == "deleted: 10.0.0.0/8 0,0,0.0.0.0\n");
  m.says("ipfw table i create type iface && ipfw -q table i add em0 5 em1");
  CHECK(m.says("ipfw table i list") == "em0 5\nem1 0\n");
  m.says("ipfw table n create type number && ipfw -q table n add 80 1 22 2");
  CHECK(m.says("ipfw table n list") == "22 2\n80 1\n");
  m.says("ipfw table f create type flow:src-ip,proto,dst-port");
  CHECK(m.says("ipfw table f add 10.0.0.1,tcp,80 9") == "added: 10.0.0.1,6,80 9\n");
  CHECK(m.says("ipfw table f info").find("type: flow:src-ip,proto,dst-port") != std::string::npos);
  m.says("ipfw table h create type mac");
  CHECK(m.says("ipfw table h add 02:00:00:00:00:00/8 3") == "added: 02:00:00:00:00:00/8 3\n");
  CHECK(m.says("ipfw table h lookup 02:11:22:33:44:55") == "02:11:22:33:44:55 3\n");
  m.says(
      "ipfw table b create valtype skipto,fib,ipv4 && ipfw -q table b add 1.0.0.0/8 1,1,1.1.1.1");
  CHECK(m.fails("ipfw table a swap b") == "0: ");
  CHECK(m.says("ipfw table a list") == "1.0.0.0/8 1,1,1.1.1.1\n");
  CHECK(m.fails("ipfw table a swap n") == "64: ipfw: Unable to swap table: check types\n");
  m.says("ipfw -q add 5 allow ip from 'table(a)' to any");
  CHECK(m.fails("ipfw table a destroy") == "71: ipfw: failed to destroy table a: Device busy\n");
  CHECK(m.fails("ipfw delete 5 && ipfw table a destroy") == "0: ");
  m.says("ipfw table n lock");
  CHECK(m.fails("ipfw table n add 1").find("table is locked") != std::string::npos);
  m.says("ipfw table n unlock && ipfw table n modify limit 2");
  CHECK(m.fails("ipfw table n add 1") == "71: limit: 1 0\nipfw: Adding record failed: limit hit\n");
  CHECK(m.says("ipfw table all destroy; ipfw table all list").empty());
}
