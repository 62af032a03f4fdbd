#include <catch2/catch.hpp>

#include <set>

#include "stack/inet6/inet6.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

Ipv6Address v6(const char* s) { return *parse_ipv6(s); }

const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";
const char* const routed = R"(
nodes:
  sw: {kind: switch}
  r: {kind: router, interfaces: {em0: {addresses: ["2001:db8:1::1/64"]}}}
  h: {interfaces: {em0: {addresses: [slaac], mac: "02:00:00:00:00:0a"}}}
links: [r -- sw, h -- sw]
)";

Inet6& inet6_of(LabFixture& lab, const char* node) {
  return lab.lab.machine(node).vnet().state<Inet6>(inet6_module);
}

// A host with these addresses on em0, and the address that it speaks from to others.
struct Selection {
  explicit Selection(const std::string& words) : lab(two) {
    lab.run("a", words);
    lab.pass(3_s);
  }
  std::string from_to(const std::string& dest, Temporary temporary = Temporary::by_sysctl) {
    Inet6& inet = inet6_of(lab, "a");
    const Ifnet& em0 = *inet.net().find("em0");
    const Inet6::Address* source =
        inet.select_source(parse_ipv6(dest)->with_zone(em0.index()), em0, temporary);
    return source ? to_text(source->address.without_zone()) : "none";
  }
  LabFixture lab;
};

std::vector<const Inet6::Address*> autoconf(LabFixture& lab, const char* node, uint32_t flags,
                                            uint32_t without = 0) {
  std::vector<const Inet6::Address*> found;
  for (const auto& a : inet6_of(lab, node).addresses())
    if ((a->flags & (in6_flag::autoconf | flags)) == (in6_flag::autoconf | flags) &&
        !(a->flags & without))
      found.push_back(a.get());
  return found;
}

}  // namespace

// --- RFC 7217 ------------------------------------------------------------------------------------

TEST_CASE("stable addresses hide the MAC address, differ by network and stay the same") {
  const auto address = [](const char* prefix, const std::string& extra) {
    LabFixture lab(routed);
    lab.run("r", text("ifconfig em0 inet6 {}::1/64 alias; ifconfig em0 inet6 2001:db8:1::1 -alias; "
                      "rtadvd em0",
                      prefix));
    lab.run("h", extra +
                     "ifconfig em0 inet6 ifdisabled; ifconfig em0 inet6 stableaddr "
                     "-ifdisabled; rtsol em0");
    lab.pass(5_s);
    const auto found = autoconf(lab, "h", 0);
    REQUIRE(found.size() == 1);
    CHECK(lab.run("h", "ifconfig em0").says("STABLEADDR"));
    return found[0]->address;
  };
  const Ipv6Address one = address("2001:db8:5", "");
  CHECK(one.high() == v6("2001:db8:5::").high());
  CHECK(one.low() != with_eui64({}, *parse_mac("02:00:00:00:00:0a")).low());
  CHECK(address("2001:db8:5", "") == one);                                        // the next start
  CHECK(address("2001:db8:5", "ifconfig em0 ether 02:00:00:00:00:77; ") == one);  // another NIC
  CHECK(address("2001:db8:6", "").low() != one.low());                            // another network
  const Ipv6Address by_mac =
      address("2001:db8:5", "sysctl net.inet6.ip6.stableaddr_netifsource=mac; ");
  CHECK(by_mac.low() != one.low());
}

TEST_CASE("a stable address that another node has is followed by the next one, up to a limit") {
  LabFixture lab(routed);
  lab.run("r", "rtadvd em0");
  lab.run("h", "ifconfig em0 inet6 stableaddr");
  Inet6& inet = inet6_of(lab, "h");
  Ifnet& em0 = *inet.net().find("em0");
  const Ipv6Address network = v6("2001:db8:1::");
  for (unsigned i = 0; i < 2; ++i)
    lab.run("r", text("ifconfig em0 inet6 {}/64 no_dad",
                      to_text(inet.autoconf().address_in(network, em0, i))));
  lab.run("h", "rtsol em0");
  lab.pass(10_s);
  const auto usable = autoconf(lab, "h", 0, in6_flag::duplicated);
  REQUIRE(usable.size() == 1);
  CHECK(usable[0]->address == inet.autoconf().address_in(network, em0, 2));
  CHECK(autoconf(lab, "h", in6_flag::duplicated).size() == 2);
  CHECK(lab.run("h", "sysctl -n net.inet6.ip6.stableaddr_maxretries").output == "3\n");
  CHECK(lab.run("h", "sysctl net.inet6.ip6.stableaddr_netifsource=disk").exit != 0);
}

// --- RFC 8981 ------------------------------------------------------------------------------------

TEST_CASE("temporary addresses come with public ones, are replaced in time and are preferred") {
  LabFixture lab(routed);
  lab.run("r", "rtadvd em0");
  lab.run("h",
          "sysctl net.inet6.ip6.use_tempaddr=1 net.inet6.ip6.temppltime=4000 "
          "net.inet6.ip6.tempvltime=9000; rtsol em0");
  lab.pass(5_s);
  auto temporary = autoconf(lab, "h", in6_flag::temporary);
  REQUIRE(temporary.size() == 1);
  const Ipv6Address first = temporary[0]->address;
  const auto shown = lab.run("h", "ifconfig em0");
  CHECK(shown.says("autoconf temporary"));
  CHECK(shown.says("2001:db8:1::ff:fe00:a prefixlen 64 autoconf\n"));
  CHECK(lab.run("h", "ping -c 1 2001:db8:1::1").says("2001:db8:1::ff:fe00:a -->"));
  lab.run("h", "sysctl net.inet6.ip6.prefer_tempaddr=1");
  CHECK(lab.run("h", "ping -c 1 2001:db8:1::1").says(to_text(first) + " -->"));
  // The next one is there before the first is deprecated, and the first ends at last.
  bool both_preferred = false;
  for (int i = 0; i < 400 && !both_preferred; ++i) {
    lab.pass(10_s);
    both_preferred =
        autoconf(lab, "h", in6_flag::temporary, in6_flag::deprecated | in6_flag::tentative)
            .size() == 2;
    if (!both_preferred) lab.pass(1_s);
    if (autoconf(lab, "h", in6_flag::temporary).size() > 1) break;
  }
  CHECK(autoconf(lab, "h", in6_flag::temporary).size() == 2);
  lab.pass(100_s);
  CHECK(autoconf(lab, "h", in6_flag::temporary | in6_flag::deprecated).size() == 1);
  CHECK_FALSE(lab.run("h", "ping -c 1 2001:db8:1::1").says(to_text(first)));
  lab.pass(9000_s);
  CHECK(inet6_of(lab, "h").find(first) == nullptr);
  // Never two with one identifier.
  std::set<uint64_t> identifiers;
  for (const auto* a : autoconf(lab, "h", in6_flag::temporary))
    CHECK(identifiers.insert(a->address.low()).second);
}

TEST_CASE("an advertisement prolongs no temporary address beyond its own time") {
  LabFixture lab(routed);
  lab.run("r", "rtadvd em0");
  lab.run("h", "sysctl net.inet6.ip6.use_tempaddr=1; rtsol em0");
  lab.pass(5_s);
  const auto first = autoconf(lab, "h", in6_flag::temporary);
  REQUIRE(first.size() == 1);
  const SimTime preferred = first[0]->preferred_until, valid = first[0]->valid_until;
  CHECK(preferred <= inet6_of(lab, "h").now() + 86400_s);
  CHECK(valid <= inet6_of(lab, "h").now() + 604800_s);
  lab.pass(1200_s);  // more advertisements
  CHECK(first[0]->preferred_until == preferred);
  CHECK(first[0]->valid_until == valid);
  CHECK(lab.run("h", "sysctl -n net.inet6.ip6.temp_max_desync_factor").output == "3300\n");
  CHECK(lab.run("h", "sysctl net.inet6.ip6.temppltime=100").exit != 0);
}

// --- RFC 6724 s5 ---------------------------------------------------------------------------------

TEST_CASE("source selection rule 1: the destination itself") {
  Selection s("ifconfig em0 inet6 2001:db8::1/64; ifconfig em0 inet6 2001:db8::2/64");
  CHECK(s.from_to("2001:db8::2") == "2001:db8::2");
  CHECK(s.from_to("2001:db8::1") == "2001:db8::1");
}

TEST_CASE("source selection rule 2: the appropriate scope") {
  Selection s("ifconfig em0 inet6 2001:db8::1/64");
  CHECK(s.from_to("2001:db8:9::9") == "2001:db8::1");
  CHECK(s.from_to("fe80::99").starts_with("fe80::"));
  CHECK(s.from_to("ff02::1").starts_with("fe80::"));
  CHECK(s.from_to("ff05::1") == "2001:db8::1");
}

TEST_CASE("source selection rule 3: not a deprecated one") {
  Selection s("ifconfig em0 inet6 2001:db8::1/64 deprecated; ifconfig em0 inet6 2001:db8:1::1/64");
  CHECK(s.from_to("2001:db8::9") == "2001:db8:1::1");
}

// Rule 4 prefers home addresses, which are Mobile IPv6's: there are none here.

TEST_CASE("source selection rule 5: the outgoing interface's, unless no_prefer_iface") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b, a -- b]\n");
  lab.run("a", "ifconfig em0 inet6 2001:db8:7::1/64; ifconfig em1 inet6 2001:db8:8::1/64");
  lab.pass(3_s);
  Inet6& inet = inet6_of(lab, "a");
  const auto by = [&](const char* name) {
    return to_text(inet.select_source(v6("2001:db8:8::9"), *inet.net().find(name))->address);
  };
  CHECK(by("em0") == "2001:db8:7::1");
  CHECK(by("em1") == "2001:db8:8::1");
  lab.run("a", "ifconfig em0 inet6 no_prefer_iface");
  CHECK(by("em0") == "2001:db8:8::1");  // by the longest prefix
}

TEST_CASE("source selection rule 6: the same label") {
  Selection s(
      "ifconfig em0 inet6 fd00::1/64; ifconfig em0 inet6 2001:db8::1/64; "
      "ifconfig em0 inet6 2002:c000:201::1/64");
  CHECK(s.from_to("fdff::1") == "fd00::1");
  CHECK(s.from_to("2002:c000:205::1") == "2002:c000:201::1");
  CHECK(s.from_to("2600::1") == "2001:db8::1");
}

TEST_CASE("source selection rule 7: public addresses, or temporary ones if they are wanted") {
  LabFixture lab(routed);
  lab.run("r", "rtadvd em0");
  lab.run("h", "sysctl net.inet6.ip6.use_tempaddr=1; rtsol em0");
  lab.pass(5_s);
  Inet6& inet = inet6_of(lab, "h");
  const auto is_temporary = [&](Temporary wanted) {
    const Ifnet& em0 = *inet.net().find("em0");
    return (inet.select_source(v6("2001:db8:9::1"), em0, wanted)->flags & in6_flag::temporary) != 0;
  };
  CHECK_FALSE(is_temporary(Temporary::by_sysctl));
  CHECK(is_temporary(Temporary::prefer));
  lab.run("h", "sysctl net.inet6.ip6.prefer_tempaddr=1");
  CHECK(is_temporary(Temporary::by_sysctl));
  CHECK_FALSE(is_temporary(Temporary::avoid));
}

TEST_CASE("source selection rule 8: the longest prefix, but prefer_source before it") {
  Selection s("ifconfig em0 inet6 2001:db8:1::1/64; ifconfig em0 inet6 2001:db8:f000::1/64");
  CHECK(s.from_to("2001:db8:1:1::9") == "2001:db8:1::1");
  CHECK(s.from_to("2001:db8:f001::9") == "2001:db8:f000::1");
  s.lab.run("a", "ifconfig em0 inet6 2001:db8:f000::1/64 prefer_source");
  CHECK(s.from_to("2001:db8:1:1::9") == "2001:db8:f000::1");
  CHECK(s.lab.run("a", "ifconfig em0").says("2001:db8:f000::1 prefixlen 64 prefer_source"));
}

TEST_CASE("anycast addresses answer, without override, and are nobody's source") {
  Selection s("ifconfig em0 inet6 2001:db8::1/64; ifconfig em0 inet6 2001:db8::aa/64 anycast");
  CHECK(s.from_to("2001:db8::aa") == "2001:db8::1");
  s.lab.run("b", "ifconfig em0 inet6 2001:db8::2/64");
  s.lab.pass(3_s);
  CHECK(s.lab.run("b", "ping -c 2 2001:db8::aa").says("from 2001:db8::1, icmp_seq=0"));
  CHECK(s.lab.trace.text().find("neighbor advertisement, tgt is 2001:db8::aa, Flags [solicited]") !=
        std::string::npos);
  CHECK(s.lab.run("a", "nc -6 -u -s 2001:db8::aa -w 1 2001:db8::2 9 < /dev/null").exit != 0);
}

// --- RFC 6724 s6, ip6addrctl ---------------------------------------------------------------------

TEST_CASE("ip6addrctl shows, changes and installs the policy table") {
  LabFixture lab(two);
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64");
  const auto shown = lab.run("a", "ip6addrctl");
  CHECK(
      shown.output.starts_with("Prefix                          Prec Label      Use\n"
                               "::1/128                           50     0        0\n"
                               "::/0                              40     1        0\n"
                               "::ffff:0.0.0.0/96                 35     4        0\n"
                               "2002::/16                         30     2        0\n"
                               "2001::/32                          5     5        0\n"
                               "fc00::/7                           3    13        0\n"
                               "::/96                              1     3        0\n"));
  CHECK(lab.run("a", "ip6addrctl add 2001:db8:5::/48 60 9").exit == 0);
  CHECK(
      lab.run("a", "ip6addrctl show").says("2001:db8:5::/48                   60     9        0"));
  CHECK(lab.run("a", "ip6addrctl add 2001:db8:5::/48 1 1").says("File exists"));
  CHECK(lab.run("a", "ip6addrctl delete 2001:db8:5::/48").exit == 0);
  CHECK(lab.run("a", "ip6addrctl delete 2001:db8:5::/48").says("No such process"));
  CHECK(lab.run("a", "ip6addrctl flush; ip6addrctl | wc -l").says("1"));
  lab.run("a", "printf '# ours\\n::/0 40 1\\n::ffff:0:0/96 100 4\\n' > /etc/ip6addrctl.conf");
  CHECK(lab.run("a", "ip6addrctl install /etc/ip6addrctl.conf").exit == 0);
  CHECK(lab.run("a", "ip6addrctl").says("::ffff:0.0.0.0/96                100     4"));
  CHECK(lab.run("a", "echo nonsense > /x; ip6addrctl install /x").exit == 1);
  CHECK(lab.run("a", "ip6addrctl frobnicate").exit == 1);
}

TEST_CASE("destinations are tried in the order of RFC 6724 s6") {
  LabFixture lab("nodes: [a, b]\nlinks: [a -- b]\nhosts: false\n");
  lab.run("a", "printf '10.0.0.2 s\\n2001:db8::2 s\\nfd00::2 s\\n2001:db8:9::2 s\\n' > /etc/hosts");
  const auto first = [&] {
    Machine& machine = lab.lab.machine("a");
    return to_text(machine.resolve("s", Af::unspecified, machine.base()).at(0).address);
  };
  CHECK(first() == "10.0.0.2");  // rule 1: there is no IPv6 address yet
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64; route -6 add default 2001:db8::2");
  lab.pass(3_s);
  const auto order = [&] {
    OrderDestinations wanted;
    for (const char* name : {"10.0.0.2", "2001:db8::2", "fd00::2", "2001:db8:9::2"}) {
      SockAddr at;
      at.address = parse_ipv4(name) ? IpAddress(*parse_ipv4(name)) : IpAddress(v6(name));
      wanted.names.push_back(at);
    }
    CHECK(lab.lab.machine("a").vnet().request(wanted));
    std::string words;
    for (const SockAddr& n : wanted.names) words += to_text(n.address) + " ";
    return words;
  };
  // Rules 5 and 6: fd00:: has another label; IPv4 the lower precedence. Rule 9 orders the rest.
  CHECK(first() == "2001:db8::2");
  CHECK(order() == "2001:db8::2 2001:db8:9::2 10.0.0.2 fd00::2 ");
  lab.run("a", "ip6addrctl delete ::ffff:0.0.0.0/96; ip6addrctl add ::ffff:0.0.0.0/96 100 4");
  CHECK(order().starts_with("10.0.0.2 "));
  CHECK(first() == "10.0.0.2");
}

// --- detached prefixes, flags --------------------------------------------------------------------

TEST_CASE("addresses of a router that went silent are detached while another answers") {
  LabFixture lab(R"(
nodes:
  sw: {kind: switch}
  r1: {kind: router, interfaces: {em0: {addresses: ["2001:db8:1::1/64"]}}}
  r2: {kind: router, interfaces: {em0: {addresses: ["2001:db8:2::1/64"]}}}
  h: {interfaces: {em0: {addresses: [slaac], mac: "02:00:00:00:00:0a"}}}
links: [r1 -- sw, r2 -- sw, h -- sw]
)");
  lab.run("r1", "rtadvd em0");
  lab.run("r2", "rtadvd em0");
  lab.pass(20_s);
  CHECK(lab.run("h", "ping -c 1 2001:db8:1::1").exit == 0);
  CHECK_FALSE(lab.run("h", "ifconfig em0").says("detached"));
  // r1 dies without a word. The host notices when it uses the router.
  lab.run("r1", "ifconfig em0 down");
  lab.pass(60_s);
  const Inet6& inet = inet6_of(lab, "h");
  for (const auto& e : inet.neighbours().entries())
    if (e.router && e.address.is_link_local())
      lab.run("h", text("ping -c 12 -t 15 {}%em0", to_text(e.address)));
  std::string flags;
  for (const auto& a : inet.addresses())
    if (a->flags & in6_flag::detached) flags += to_text(a->address.without_zone()) + " ";
  CHECK(flags == "2001:db8:1::ff:fe00:a ");
  CHECK(lab.run("h", "ndp -pn").says("2001:db8:1::/64 if=em0\nflags=LAD"));
  CHECK_FALSE(lab.run("h", "netstat -rn6").says("2001:db8:1::/64"));
  lab.run("r1", "ifconfig em0 up; pkill rtadvd; sleep 10; rtadvd em0");
  lab.pass(30_s);
  CHECK_FALSE(lab.run("h", "ifconfig em0").says("detached"));
}

TEST_CASE("a new MAC address is told to the neighbours, who go on at once") {
  LabFixture lab(two);
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64");
  lab.run("b", "ifconfig em0 inet6 2001:db8::2/64");
  lab.pass(3_s);
  REQUIRE(lab.run("a", "ping -c 1 2001:db8::2").exit == 0);
  lab.run("a", "ifconfig em0 ether 02:00:00:00:00:99");
  lab.pass(10_ms);
  CHECK(lab.run("b", "ndp -an").says("2001:db8::1                             02:00:00:00:00:99"));
  CHECK(lab.run("a", "ping -c 1 -t 1 2001:db8::2").exit == 0);
}

TEST_CASE("a router speaks for another host by proxy, after a while") {
  LabFixture lab(two);
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64");
  lab.run("b", "ifconfig em0 inet6 2001:db8::2/64");
  lab.pass(3_s);
  CHECK(lab.run("a", "ndp -s 2001:db8::77 02:00:00:00:00:77 proxy").exit == 0);
  CHECK(lab.run("a", "ndp -an").says("permanent R p"));
  lab.run("b", "ping -c 1 -t 2 2001:db8::77");
  CHECK(lab.run("b", "ndp -an").says("2001:db8::77                            02:00:00:00:00:77"));
  lab.run("a",
          "printf '2001:db8::78 02:00:00:00:00:78\\n2001:db8::79 "
          "02:00:00:00:00:79 temp\\n' > /n; ndp -f /n");
  const auto shown = lab.run("a", "ndp -an");
  CHECK(shown.says("2001:db8::78                            02:00:00:00:00:78    em0 permanent R"));
  CHECK(shown.says("2001:db8::79                            02:00:00:00:00:79    em0"));
}

TEST_CASE("flows have labels that are theirs, unless the sysctl forbids it") {
  LabFixture lab(two);
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64");
  lab.run("b", "ifconfig em0 inet6 2001:db8::2/64; nc -6 -u -l -k 53 > /dev/null &");
  lab.pass(3_s);
  lab.run("b", "tcpdump -n -v -i em0 -c 4 udp > /tmp/t &");
  const auto ask = [&] { lab.run("a", "echo x | nc -u -w 0 -p 1000 2001:db8::2 53"); };
  ask();
  ask();
  lab.run("a", "echo x | nc -u -w 0 -p 1001 2001:db8::2 53");
  lab.run("a", "sysctl net.inet6.ip6.auto_flowlabel=0");
  ask();
  lab.pass(1_s);
  std::vector<std::string> labels;
  for (const std::string& line : split(lab.run("b", "cat /tmp/t").output, '\n')) {
    if (line.find("hlim") == line.npos) continue;
    const size_t at = line.find("flowlabel ");
    labels.push_back(at == line.npos ? "" : line.substr(at + 10, 7));
  }
  REQUIRE(labels.size() == 4);
  CHECK(!labels[0].empty());
  CHECK(labels[0] == labels[1]);
  CHECK(labels[0] != labels[2]);
  CHECK(labels[3].empty());
}
