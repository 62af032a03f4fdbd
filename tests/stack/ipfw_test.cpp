// ipfw(4) in the way of packets: a router between two hosts, as users set it up.
#include <catch2/catch.hpp>

#include "core/base/random.h"
#include "core/base/text.h"
#include "core/packet/packet_pool.h"
#include "core/wire/net/ipv6.h"
#include "stack/kern/machine.h"
#include "stack/net/net_stack.h"
#include "tests/support/ipfw_rules.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

constexpr const char* three = R"(
nodes:
  a: {interfaces: {em0: {addresses: [10.0.1.1/24, "2001:db8:1::1/64"]}},
      routes: [{to: default, via: 10.0.1.2}, {to: "::/0", via: "2001:db8:1::2"}]}
  fw: {kind: router, interfaces: {em0: {addresses: [10.0.1.2/24, "2001:db8:1::2/64"]},
                                  em1: {addresses: [10.0.2.2/24, "2001:db8:2::2/64"]}}}
  b: {interfaces: {em0: {addresses: [10.0.2.1/24, "2001:db8:2::1/64"]}},
      routes: [{to: default, via: 10.0.2.2}, {to: "::/0", via: "2001:db8:2::2"}]}
links: ["a:em0 -- fw:em0", "fw:em1 -- b:em0"]
hosts: false
)";

class Firewall : public LabFixture {
 public:
  Firewall() : LabFixture(three) { pass(3_s); }
  void fw(const std::string& command) {
    std::string quoted;
    for (const char c : command)
      quoted += c == '(' || c == ')' ? std::string("\\") + c : std::string(1, c);
    const CommandResult result = run("fw", "ipfw -q " + quoted);
    INFO(command << "\n" << result.output);
    CHECK(result.exit == 0);
  }
  std::string show(const std::string& what) { return run("fw", "ipfw " + what).output; }
  // How many packets a rule has counted.
  int64_t count(int number) {
    const auto words = split_words(show(text("show {}", number)));
    return words.size() > 1 ? parse_int(words[1]).value_or(-1) : -1;
  }
  bool ping(const std::string& to = "10.0.2.1") {
    return run("a", "ping -c 1 -t 1 " + to).exit == 0;
  }
  bool ping6() { return run("a", "ping6 -c 1 -t 1 2001:db8:2::1").exit == 0; }
  // What a TCP connection from a to b's port says, or nc's complaint.
  std::string connect(int port, const std::string& options = "") {
    run("b", text("nc -l {} > /tmp/heard &", port));
    const CommandResult result =
        run("a", text("echo hello | nc -N -w 3 {} 10.0.2.1 {}", options, port));
    pass(100_ms);
    const std::string heard = run("b", "cat /tmp/heard; pkill nc").output;
    return result.exit == 0 ? heard : result.output;
  }
};

}  // namespace

TEST_CASE("nothing happens before the first command, then the last rule denies", "[ipfw]") {
  Firewall f;
  CHECK(f.ping());
  CHECK(f.run("fw", "ipfw list").exit == 71);
  CHECK(f.ping());
  f.fw("add 100 count ip from any to any");
  CHECK(!f.ping());
  CHECK(f.dropped("ipfw_deny") == 1);
  f.fw("add 200 allow ip from any to any");
  CHECK(f.ping());
  CHECK(f.ping6());
  CHECK(f.show("show 100").starts_with("00100"));
  f.run("fw", "sysctl net.inet.ip.fw.enable=0");
  f.fw("delete 200");
  CHECK(f.ping());
  CHECK(!f.ping6());
}

TEST_CASE("a machine that is told so accepts what no rule wants", "[ipfw]") {
  LabFixture m(
      "nodes: {m: {tunables: {net.inet.ip.fw.default_to_accept: 1}}, pc: {}}\n"
      "links: [m -- pc]\n");
  CHECK(m.run("m", "ipfw list").exit == 71);
  CHECK(m.run("m", "ipfw -q add 1 count ip from any to any; ipfw list").output ==
        "00001 count ip from any to any\n65535 allow ip from any to any\n");
  CHECK(m.run("pc", "ping -c 1 m").exit == 0);
}

TEST_CASE("counters count what passes, once on each way", "[ipfw]") {
  Firewall f;
  f.fw("add 10 count icmp from any to any in recv em0");
  f.fw("add 20 count icmp from any to any out recv em0 xmit em1");
  f.fw("add 30 count icmp from any to any via em1");
  f.fw("add 40 allow ip from any to any");
  CHECK(f.run("a", "ping -c 3 -s 100 10.0.2.1").exit == 0);
  CHECK(f.show("show 10") == "00010  3  384 count icmp from any to any in recv em0\n");
  CHECK(f.show("show 20") == "00020  3  384 count icmp from any to any out recv em0 xmit em1\n");
  CHECK(f.show("show 30") == "00030  6  768 count icmp from any to any via em1\n");
}

TEST_CASE("what is rejected is answered", "[ipfw]") {
  Firewall f;
  f.fw("add 100 reset tcp from any to any 22");
  f.fw("add 110 unreach port udp from any to any 53");
  f.fw("add 120 reject icmp from any to any icmptypes 8");
  f.fw("add 130 unreach6 admin-prohib ip6 from any to 2001:db8:2::/64 dst-port 80");
  f.fw("add 65000 allow ip from any to any");
  CHECK(f.run("a", "nc -z -w 2 10.0.2.1 22").exit != 0);
  CHECK(f.dropped("ipfw_reject") == 1);
  CHECK(f.run("a", "ping -c 1 -t 1 10.0.2.1").output.find("Destination Host Unreachable") !=
        std::string::npos);
  CHECK(f.run("a", "echo x | nc -u -w 1 10.0.2.1 53; netstat -s -p icmp")
            .says("destination unreachable"));
  const CommandResult six = f.run("a", "nc -6 -z -w 2 2001:db8:2::1 80");
  CHECK(six.exit != 0);
}

TEST_CASE("states let answers back in, and nothing else", "[ipfw][states]") {
  Firewall f;
  f.fw("add 100 check-state");
  f.fw("add 200 allow tcp from 10.0.1.0/24 to any setup keep-state");
  f.fw("add 210 allow udp from 10.0.1.0/24 to any keep-state :dns");
  f.fw("add 220 allow icmp from 10.0.1.0/24 to any keep-state");
  f.fw("add 300 deny ip from any to any");
  CHECK(f.connect(80) == "hello\n");
  CHECK(f.ping());
  // From outside, nothing begins.
  f.pass(6_s);
  f.run("a", "nc -l 81 > /tmp/heard &");
  CHECK(f.run("b", "nc -z -w 1 10.0.1.1 81").exit != 0);
  CHECK(f.run("b", "ping -c 1 -t 1 10.0.1.1").exit != 0);
  CHECK(f.ping());
  const std::string states = f.show("-d show");
  CHECK(states.find("## Dynamic rules (") != std::string::npos);
  CHECK(states.find("STATE icmp 10.0.1.1 0 <-> 10.0.2.1 0 :default") != std::string::npos);
  // A conversation that has ended leaves nothing.
  f.pass(15_s);
  CHECK(f.run("fw", "sysctl -n net.inet.ip.fw.dyn_count").output == "0\n");
}

TEST_CASE("named states belong to the rules that name them", "[ipfw][states]") {
  Firewall f;
  f.fw("add 100 check-state :other");
  f.fw("add 200 allow icmp from 10.0.1.1 to any in record-state :mine");
  f.fw("add 300 allow icmp from any to any out");
  CHECK(!f.ping());
  f.fw("add 150 check-state :mine");
  CHECK(f.ping());
  f.fw("delete 150");
  f.fw("add 160 check-state :any");
  CHECK(f.ping());
}

TEST_CASE("record-state makes a state that only check-state uses", "[ipfw][states]") {
  Firewall f;
  f.fw("add 100 check-state :r");
  f.fw("add 200 allow icmp from 10.0.1.1 to any record-state :r");
  CHECK(f.ping());
  f.fw("-f flush");
  // With defer-action the state is made, and the search goes on.
  f.fw("add 200 deny icmp from 10.0.1.1 to any record-state :d defer-action");
  f.fw("add 300 allow icmp from 10.0.1.1 to any");
  f.fw("add 310 allow icmp from any to any");
  CHECK(f.ping());
  CHECK(f.show("-d list").find(":d") != std::string::npos);
}

TEST_CASE("limit counts conversations that have something in common", "[ipfw][states]") {
  Firewall f;
  f.fw("add 100 allow tcp from any to any setup limit src-addr 2");
  f.fw("add 110 allow tcp from any to any established");
  f.run("b", "nc -lk 80 > /dev/null &");
  for (int i = 0; i < 3; ++i)
    f.run("a", text("sleep 100 | nc -w 100 10.0.2.1 80 > /tmp/out{} 2>&1 &", i));
  f.pass(2_s);
  const std::string states = f.show("-d show");
  CHECK(states.find("PARENT 2 tcp 10.0.1.1 0 <-> 0.0.0.0 0 :default") != std::string::npos);
  CHECK(f.dropped("ipfw_limit") > 0);
  size_t limits = 0;
  for (size_t at = states.find(" LIMIT "); at != states.npos; at = states.find(" LIMIT ", at + 1))
    ++limits;
  CHECK(limits == 2);
}

TEST_CASE("keepalives keep a quiet connection's state alive", "[ipfw][states]") {
  Firewall f;
  f.run("fw", "sysctl net.inet.ip.fw.dyn_ack_lifetime=30");
  // A segment without a timestamp is no answer where there are timestamps (RFC 7323 s3.2): as with
  // FreeBSD's, keepalives reach those only that have none.
  for (const char* end : {"a", "b"}) f.run(end, "sysctl net.inet.tcp.rfc1323=0");
  f.fw("add 100 allow tcp from any to any setup keep-state");
  f.run("b", "nc -lk 80 > /tmp/heard &");
  f.run("a", "{ echo one; sleep 100; echo two; sleep 1; } | nc -w 200 10.0.2.1 80 &");
  f.pass(110_s);
  CHECK(f.run("b", "cat /tmp/heard").output == "one\ntwo\n");
  f.run("a", "pkill nc");
  // Without them, it dies in the silence.
  f.run("fw", "sysctl net.inet.ip.fw.dyn_keepalive=0");
  f.run("a", "{ echo three; sleep 100; echo four; sleep 1; } | nc -w 200 10.0.2.1 80 &");
  f.pass(110_s);
  CHECK(f.run("b", "cat /tmp/heard").output == "one\ntwo\nthree\n");
}

TEST_CASE("a flood at the cap keeps established conversations", "[ipfw][states]") {
  Firewall f;
  f.run("fw", "sysctl net.inet.ip.fw.dyn_max=10");
  f.fw("add 100 allow tcp from any to any setup keep-state");
  f.fw("add 110 allow udp from any to any keep-state");
  f.run("b", "nc -lk 80 > /tmp/heard &");
  f.run("a", "{ echo one; sleep 3; echo two; sleep 1; } | nc -w 20 10.0.2.1 80 &");
  f.pass(500_ms);
  for (int port = 1000; port < 1030; ++port)
    f.run("a", text("echo x | nc -u -w 1 10.0.2.1 {} &", port));
  f.pass(6_s);
  CHECK(f.run("b", "cat /tmp/heard").output == "one\ntwo\n");
  CHECK(f.dropped("ipfw_states_full") > 0);
  // And room comes back: of what is half closed last.
  f.pass(330_s);
  CHECK(f.run("fw", "sysctl -n net.inet.ip.fw.dyn_count").output == "0\n");
  CHECK(f.connect(81) == "hello\n");
}

TEST_CASE("skipto, call and return go where they say", "[ipfw]") {
  Firewall f;
  f.fw("add 100 skipto 300 icmp from any to any");
  f.fw("add 200 deny ip from any to any");
  f.fw("add 300 call 1000 ip from any to any");
  f.fw("add 310 count ip from any to any");
  f.fw("add 400 allow ip from any to any");
  f.fw("add 1000 count ip from any to any");
  f.fw("add 1010 return ip from any to any");
  CHECK(f.ping());
  for (const int number : {310, 1000}) CHECK(f.count(number) == 4);
  // By a table's value: to where the packet's destination says.
  f.fw("-f flush");
  f.fw("table t create valtype skipto");
  f.fw("table t add 10.0.2.0/24 500 10.0.1.0/24 600");
  f.fw("add 100 skipto tablearg ip from any to table(t)");
  f.fw("add 200 deny ip from any to any");
  f.fw("add 500 count ip from any to any");
  f.fw("add 600 allow ip from any to any");
  CHECK(f.ping());
  CHECK(f.count(500) == 2);
}

TEST_CASE("tables match addresses, interfaces, ports and flows", "[ipfw][tables]") {
  Firewall f;
  f.fw("table good create && ipfw -q table good add 10.0.1.0/24 1 10.0.2.0/24 2");
  f.fw("table links create type iface && ipfw -q table links add em0");
  f.fw("table flows create type flow:src-ip,dst-ip && ipfw -q table flows add 10.0.1.1,10.0.2.1");
  f.fw("add 10 count ip from table(good) to any in");
  f.fw("add 11 count ip from table(good,2) to any in");
  f.fw("add 12 count ip from any to any in recv table(links)");
  f.fw("add 13 count ip from any to any in flow table(flows)");
  f.fw("add 14 count ip from any to any in lookup dst-ip good");
  f.fw("add 100 allow ip from any to any");
  CHECK(f.ping());
  const int expected[] = {2, 1, 1, 1, 2};
  for (int i = 0; i < 5; ++i) CHECK(f.count(10 + i) == expected[i]);
}

TEST_CASE("headers are told apart by every option", "[ipfw]") {
  Firewall f;
  f.fw("add 10 count ip from any to any ipttl 64 iplen 84 in");
  f.fw("add 11 count ip from any to any ipver 4 in");
  f.fw("add 12 count icmp from any to any icmptypes 0 in");
  f.fw("add 13 count ip from any to any in not recv em*");
  f.fw("add 14 count ip from any to any in recv em[1-9]");
  f.fw("add 15 count ip from any to any in verrevpath");
  f.fw("add 16 count ip from any to any in antispoof");
  f.fw("add 17 count ip from any to any in versrcreach");
  f.fw("add 18 count ip from { 10.0.1.1 or 10.0.2.1 } to not me in");
  f.fw("add 19 count ip from any to any in frag");
  f.fw("add 20 count ip from 10.0.1.0/24{1,5} to any in");
  f.fw("add 21 count ip from any to any in dscp be iptos !lowdelay ipprecedence 0");
  f.fw("add 100 allow ip from any to any");
  CHECK(f.ping());
  const int expected[] = {2, 2, 1, 0, 1, 2, 2, 2, 2, 0, 1, 2};
  for (int i = 0; i < 12; ++i) {
    INFO(f.show(text("show {}", 10 + i)));
    CHECK(f.count(10 + i) == expected[i]);
  }
}

TEST_CASE("marks, FIBs and code points are set on the way", "[ipfw]") {
  Firewall f;
  f.fw("add 10 count tag 7 icmp from any to any in");
  f.fw("add 20 count ip from any to any tagged 7 out");
  f.fw("add 30 setdscp ef icmp from 10.0.1.1 to any in");
  f.fw("add 40 count ip from any to any dscp ef out");
  f.fw("add 50 count untag 7 ip from any to any out");
  f.fw("add 60 count ip from any to any tagged 7 out");
  f.fw("add 100 allow ip from any to any");
  f.run("b", "tcpdump -c 1 -v -n -i em0 icmp > /tmp/seen &");
  CHECK(f.ping());
  CHECK(f.count(20) == 2);
  CHECK(f.count(40) == 2);  // an answer has its question's
  CHECK(f.count(60) == 0);
  f.pass(1_s);
  CHECK(f.run("b", "cat /tmp/seen").says("tos 0xb8"));
}

TEST_CASE("fwd sends a packet by another neighbour, or to this host", "[ipfw]") {
  Firewall f;
  f.run("fw", "nc -lk 3128 > /tmp/proxied &");
  f.fw("add 10 fwd 127.0.0.1,3128 tcp from 10.0.1.1 to any 80 in");
  f.fw("add 100 allow ip from any to any");
  f.run("a", "echo get | nc -N -w 3 10.0.2.1 80");
  f.pass(1_s);
  CHECK(f.run("fw", "cat /tmp/proxied").output == "get\n");
  CHECK(f.show("show 10").find(" fwd 127.0.0.1,3128 ") != std::string::npos);
  // By a neighbour that is not there.
  f.fw("add 5 fwd 10.0.2.77 icmp from any to any in recv em0");
  CHECK(!f.ping());
  CHECK(f.count(5) == 1);
}

TEST_CASE("logged packets go to the log, or to ipfw0", "[ipfw]") {
  Firewall f;
  f.fw("add 10 count log logamount 2 icmp from any to any in recv em0");
  f.fw("add 100 allow ip from any to any");
  f.run("fw", "ifconfig ipfw0 create");
  f.run("fw", "tcpdump -c 1 -n -i ipfw0 > /tmp/seen &");
  CHECK(f.ping());
  f.pass(100_ms);
  CHECK(f.run("fw", "cat /tmp/seen").says("10.0.1.1 > 10.0.2.1"));
  CHECK(!f.run("fw", "dmesg").says("ipfw:"));
  f.run("fw", "sysctl net.inet.ip.fw.verbose=1");
  for (int i = 0; i < 3; ++i) CHECK(f.ping());
  const std::string log = f.run("fw", "dmesg | grep ipfw | sed 's/^.*] //'").output;
  CHECK(log ==
        "ipfw: 10 Count ICMP:8.0 10.0.1.1 10.0.2.1 in via em0\n"
        "ipfw: 10 Count ICMP:8.0 10.0.1.1 10.0.2.1 in via em0\n"
        "ipfw: limit 2 reached on entry 10\n");
}

TEST_CASE("a drop says the rule's number and text", "[ipfw]") {
  class Details final : public Observer {
   public:
    void drop(const TraceStamp&, const DropNote& note) override {
      if (note.place == "ipfw") last = note.detail;
    }
    std::string last;
  };
  Firewall f;
  Details details;
  f.lab.add_observer(&details);
  f.fw("add 30 deny icmp from any to 10.0.2.0/24 in");
  CHECK(!f.ping());
  f.lab.drain();
  CHECK(details.last == "30 deny icmp from any to 10.0.2.0/24 in");
}

TEST_CASE("reass puts fragments together before rules see their ports", "[ipfw]") {
  Firewall f;
  f.fw("add 10 count icmp from any to any icmptypes 8 in recv em0");
  f.fw("add 20 reass ip from any to any in recv em0");
  f.fw("add 30 count icmp from any to any icmptypes 8 in recv em0 iplen 3000-4000");
  f.fw("add 100 allow ip from any to any");
  CHECK(f.run("a", "ping -c 1 -s 3000 -t 2 10.0.2.1").exit == 0);
  CHECK(f.count(10) == 1);
  CHECK(f.count(20) == 3);
  CHECK(f.count(30) == 1);
}

TEST_CASE("rules for link addresses see frames when they are asked to", "[ipfw]") {
  Firewall f;
  f.run("fw", "sysctl net.link.ether.ipfw=1");
  f.fw("add 10 count mac any any layer2 in mac-type ip");
  f.fw("add 20 count ip from any to any layer2 out");
  f.fw("add 30 count ip from any to any not layer2");
  f.fw("add 100 allow ip from any to any");
  CHECK(f.ping());
  CHECK(f.count(10) == 2);
  CHECK(f.count(30) == 4);
}

TEST_CASE("prob lets a share through, the same share each time", "[ipfw]") {
  const auto share = [] {
    Firewall f;
    f.fw("add 10 prob 0.5 deny icmp from any to any in recv em0");
    f.fw("add 100 allow ip from any to any");
    f.run("a", "ping -c 100 -i 0.01 -t 5 10.0.2.1");
    return f.show("show 10");
  };
  const std::string one = share();
  const int64_t denied = *parse_int(split_words(one)[1]);
  CHECK(denied > 25);
  CHECK(denied < 75);
  CHECK(share() == one);
}

TEST_CASE("a pipe's packets come back behind their rule, or pass", "[ipfw]") {
  Firewall f;
  f.fw("pipe 1 config delay 50ms");
  f.fw("add 10 pipe 1 icmp from any to any in recv em0");
  f.fw("add 20 deny icmp from any to any in recv em0");
  f.fw("add 100 allow ip from any to any");
  CHECK(f.run("a", "ping -c 1 10.0.2.1").output.find("time=50.") != std::string::npos);
  f.run("fw", "sysctl net.inet.ip.fw.one_pass=0");
  CHECK(!f.ping());
  CHECK(f.count(20) == 1);
}

namespace {

// A packet of either family with some transport, cut and twisted; its IP header is often whole, so
// that it comes as far as the rules.
std::vector<uint8_t> twisted(RandomStream& random) {
  const bool v6 = random.below(2);
  std::vector<uint8_t> octets((v6 ? 40 : 20) + random.below(90));
  for (uint8_t& octet : octets) octet = uint8_t(random.next());
  constexpr uint8_t protocols[] = {1, 6, 17, 58, 132, 0, 43, 44, 51, 60, 2, 50};
  const uint8_t protocol = protocols[random.below(std::size(protocols))];
  const size_t cut = random.below(4) == 0 ? random.below(octets.size()) : octets.size();
  if (v6) {
    Ipv6Header ip;
    ip.payload_length = uint16_t(octets.size() - 40);
    ip.next_header = protocol;
    ip.source = *parse_ipv6("2001:db8:1::1");
    ip.dest = *parse_ipv6(random.below(2) ? "2001:db8:2::1" : "2001:db8:1::2");
    store(ip, octets);
  } else {
    Ipv4Header ip;
    ip.version_length = uint8_t(0x40 | (random.below(3) == 0 ? random.below(16) : 5));
    ip.total_length = uint16_t(octets.size());
    ip.fragment = random.below(3) == 0 ? uint16_t(random.next()) : uint16_t(0);
    ip.protocol = protocol;
    ip.tos = uint8_t(random.next());
    ip.source = 0x0a000101;
    ip.dest = random.below(2) ? 0x0a000201 : 0x0a000102;
    store(ip, octets);
    if (ip.header_size() >= 20 && ip.header_size() <= octets.size())
      finish_ipv4_header(MutableBytes(octets).first(ip.header_size()));
  }
  octets.resize(std::max<size_t>(cut, 1));
  return octets;
}

}  // namespace

TEST_CASE("malformed packets pass every option and action, and break nothing", "[ipfw]") {
  Firewall t;
  RandomStream random(20, 26, "malformed");
  NetStack& net = t.lab.machine("fw").vnet().state<NetStack>(net_module);
  const auto flood = [&](int packets) {
    Simulation& simulation = t.lab.simulation();
    simulation.at_barrier(simulation.now() + 1_ns, EventKind::outside, [&] {
      for (int i = 0; i < packets; ++i) {
        const std::vector<uint8_t> octets = twisted(random);
        Packet packet = net.site().pool().make(net.site().next_packet_id(), octets);
        const bool v6 = octets[0] >> 4 == 6;
        net.deliver(std::move(packet), v6 ? ether_type::ipv6 : ether_type::ipv4, *net.find("em0"));
      }
    });
    t.pass(100_ms);
  };
  t.fw("nat 1 config if em1");
  t.fw("pipe 1 config bw 1Mbit/s delay 1");
  // All options at once, as rules that only count.
  std::string options;
  std::vector<std::string> actions;
  int number = 100;
  for (const auto& [typed, listed] : ipfw_rule_texts()) {
    const std::string verb = typed.substr(0, typed.find(' '));
    const bool other_module = verb.starts_with("nat64") || verb == "eaction" || verb == "nptv6";
    if (verb == "allow" || verb == "deny" || verb == "count")
      options += text("add {} count{}\n", number++, typed.substr(verb.size()));
    else if (!other_module)
      actions.push_back(typed);
  }
  (void)t.lab.machine("fw").files().put("/tmp/options", options);
  const CommandResult loaded = t.run("fw", "ipfw -q /tmp/options");
  INFO(loaded.output);
  REQUIRE(loaded.exit == 0);
  t.fw("add 65000 allow ip from any to any");
  flood(5000);
  CHECK(t.count(65000) > 1000);
  for (const std::string& action : actions) {
    INFO(action);
    t.fw("-f flush");
    t.fw("add 100 " + action);
    t.fw("add 65000 allow ip from any to any");
    flood(300);
  }
  t.fw("-f flush");
  t.fw("add 65000 allow ip from any to any");
  t.pass(10_s);
  CHECK(t.ping());
  CHECK(t.ping6());
}
