// Group membership, multicast routing and snooping, as users see them.
#include <catch2/catch.hpp>

#include "core/l2/group_members.h"
#include "core/wire/net/igmp.h"
#include "stack/inet/inet.h"
#include "stack/inet6/inet6.h"
#include "stack/udp/udp.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;
using Option = SocketOption;

namespace {

const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";

IpAddress ip(const char* s) { return *parse_ip(s); }

// A UDP socket on the first machine, and what its membership calls say.
struct Listener {
  explicit Listener(LabFixture& l, const char* node = "a", IpFamily family = IpFamily::v4)
      : lab(l), socket(*l.lab.machine(node).vnet().state<Udp>(udp_module).create(family)) {}
  Errno set(Option option, const char* group, const char* source = "",
            std::vector<IpAddress> sources = {}, int64_t mode = 0) {
    OptionValue value(mode);
    value.group = ip(group);
    if (*source) value.source = ip(source);
    value.sources = std::move(sources);
    value.interface_index = 1;
    const Result<> done = socket->set_option(option, value);
    lab.lab.drain();
    return done ? Errno::ok : done.error();
  }
  LabFixture& lab;
  std::unique_ptr<SocketOps> socket;
};

// The reports that were seen since the last call.
struct Reports {
  explicit Reports(LabFixture& l) : lab(l) {}
  std::string next(SimTime time) {
    lab.pass(time);
    lab.lab.drain();
    const std::string all = lab.trace.text();
    std::string out;
    for (const std::string& line : split(all.substr(seen), '\n')) {
      const size_t igmp = line.find("igmp "), mld = line.find("multicast listener ");
      const size_t at = std::min(igmp, mld);
      if (at != line.npos && line.find(" > ") != line.npos) out += line.substr(at) + "\n";
    }
    seen = all.size();
    return out;
  }
  LabFixture& lab;
  size_t seen = 0;
};

// A query as if it had come from the link, with a router alert.
void igmp_query(LabFixture& lab, int version, const char* group = "0.0.0.0",
                std::vector<Ipv4Address> sources = {}, const char* dest = nullptr,
                uint32_t response_ms = 1000, uint8_t ttl = 1, bool alert = true) {
  Machine& machine = lab.lab.machine("a");
  IgmpMessage query{.type = igmp_type::query,
                    .version = uint8_t(version),
                    .max_response_ms = version == 1 ? 0 : response_ms,
                    .group = ip(group).v4(),
                    .sources = std::move(sources),
                    .records = {}};
  const std::vector<uint8_t> igmp = emit_igmp(query);
  const Ipv4Address to = dest                   ? ip(dest).v4()
                         : query.group.is_any() ? Ipv4Address{0xe0000001}
                                                : query.group;
  const size_t header = alert ? 24 : 20;
  std::vector<uint8_t> packet(header);
  store(Ipv4Header{.version_length = uint8_t(0x40 | header / 4),
                   .total_length = uint16_t(header + igmp.size()),
                   .ttl = ttl,
                   .protocol = ip_protocol::igmp,
                   .source = ip("10.0.0.99").v4().value,
                   .dest = to.value},
        packet);
  if (alert) {
    packet[20] = 148;
    packet[21] = 4;
  }
  finish_ipv4_header(packet);
  packet.insert(packet.end(), igmp.begin(), igmp.end());
  Inet& inet = machine.vnet().state<Inet>(inet_module);
  Ifnet& em0 = *machine.vnet().state<NetStack>(net_module).find("em0");
  inet.ether_receive(machine.site().pool().make(machine.site().next_packet_id(), packet), em0);
  lab.lab.drain();
}

}  // namespace

// --- hosts ---------------------------------------------------------------------------------------

TEST_CASE("IGMPv3: a join and a leave are reported twice each, by changes of mode") {
  LabFixture lab(two);
  Reports reports(lab);
  Listener a(lab);
  reports.next(1_s);
  CHECK(a.set(Option::ip_add_membership, "239.1.1.1") == Errno::ok);
  const std::string joined =
      "igmp v3 report, 1 group record(s) [gaddr 239.1.1.1 to_ex, 0 source(s)]\n";
  CHECK(reports.next(2_s) == joined + joined);
  CHECK(a.set(Option::ip_add_membership, "239.1.1.1") == Errno::eaddrinuse);
  CHECK(a.set(Option::ip_drop_membership, "239.1.1.1") == Errno::ok);
  const std::string left =
      "igmp v3 report, 1 group record(s) [gaddr 239.1.1.1 to_in, 0 source(s)]\n";
  CHECK(reports.next(2_s) == left + left);
  CHECK(a.set(Option::ip_drop_membership, "239.1.1.1") == Errno::eaddrnotavail);
  CHECK(a.set(Option::ip_add_membership, "10.1.1.1") == Errno::einval);
  // 224.0.0.1 is everybody's, and nobody's report.
  CHECK(a.set(Option::ip_add_membership, "224.0.0.1") == Errno::ok);
  CHECK(reports.next(2_s).empty());
}

TEST_CASE("IGMPv3: sources come and go by ALLOW and BLOCK (RFC 3376 s5.1)") {
  LabFixture lab(two);
  Reports reports(lab);
  Listener a(lab), other(lab);
  reports.next(1_s);
  const auto first = [&](SimTime time = 2_s) {
    const std::string all = reports.next(time);
    return all.substr(0, all.find('\n'));
  };
  const std::string record = "igmp v3 report, 1 group record(s) [gaddr 232.1.1.1 ";
  CHECK(a.set(Option::ip_add_source_membership, "232.1.1.1", "10.0.0.2") == Errno::ok);
  CHECK(first() == record + "allow, 1 source(s)]");
  CHECK(a.set(Option::ip_add_source_membership, "232.1.1.1", "10.0.0.2") == Errno::eaddrnotavail);
  CHECK(a.set(Option::ip_add_source_membership, "232.1.1.1", "10.0.0.3") == Errno::ok);
  CHECK(first() == record + "allow, 1 source(s)]");
  CHECK(a.set(Option::ip_block_source, "232.1.1.1", "10.0.0.3") == Errno::eaddrnotavail);
  CHECK(a.set(Option::ip_drop_source_membership, "232.1.1.1", "10.0.0.3") == Errno::ok);
  CHECK(first() == record + "block, 1 source(s)]");
  // Another socket that hears all makes the interface exclude (RFC 3376 s3.2).
  CHECK(other.set(Option::ip_add_membership, "232.1.1.1") == Errno::ok);
  CHECK(first() == record + "to_ex, 0 source(s)]");
  CHECK(other.set(Option::ip_block_source, "232.1.1.1", "10.0.0.2") == Errno::ok);
  CHECK(first().empty());  // the first socket still wants it
  CHECK(other.set(Option::ip_block_source, "232.1.1.1", "10.0.0.4") == Errno::ok);
  CHECK(first() == record + "block, 1 source(s)]");
  CHECK(a.set(Option::ip_drop_source_membership, "232.1.1.1", "10.0.0.2") == Errno::ok);
  CHECK(first() == record + "block, 1 source(s)]");
  CHECK(other.set(Option::ip_unblock_source, "232.1.1.1", "10.0.0.4") == Errno::ok);
  CHECK(first() == record + "allow, 1 source(s)]");
  CHECK(other.set(Option::ip_msfilter, "232.1.1.1", "", {ip("10.0.0.7"), ip("10.0.0.8")},
                  msfilter_include) == Errno::ok);
  CHECK(first() == record + "to_in, 2 source(s)]");
  CHECK(other.set(Option::ip_msfilter, "232.1.1.1", "", {}, msfilter_include) == Errno::ok);
  CHECK(first() == record + "block, 2 source(s)]");
  CHECK(other.set(Option::ip_msfilter, "232.1.1.1", "", {}, 7) == Errno::einval);
}

TEST_CASE("source filters decide what a socket receives") {
  LabFixture lab(R"(
nodes: {sw: {kind: switch}, a: {}, b: {}, c: {}}
links: [a -- sw, b -- sw, c -- sw]
)");
  const auto heard = [&](const std::string& join) {
    lab.run("a", "printf '" + join + "\\nr 5000 4\\nq\\n' | mtest > /tmp/o &");
    lab.pass(1_s);
    lab.run("b", "printf 'w 239.1.1.1 em0 5000 from b\\nq\\n' | mtest");
    lab.run("c", "printf 'w 239.1.1.1 em0 5000 from c\\nq\\n' | mtest");
    lab.pass(5_s);
    const auto out = lab.run("a", "cat /tmp/o");
    return std::string(out.says("from b") ? "b" : "") + (out.says("from c") ? "c" : "");
  };
  CHECK(heard("j 239.1.1.1 em0") == "bc");
  CHECK(heard("j 239.1.1.1 em0 10.0.0.2") == "b");
  CHECK(heard("j 239.1.1.1 em0\\nb 239.1.1.1 em0 10.0.0.2") == "c");
  CHECK(heard("i 239.1.1.1 em0 1 10.0.0.3") == "c");
  CHECK(heard("e 239.1.1.1 em0 2 10.0.0.2 10.0.0.3") == "");
  CHECK(heard("s 0") == "");
}

TEST_CASE("IGMP queries are answered once, and for what they ask") {
  LabFixture lab(two);
  Reports reports(lab);
  Listener a(lab), s(lab);
  a.set(Option::ip_add_membership, "239.1.1.1");
  s.set(Option::ip_add_source_membership, "232.1.1.1", "10.0.0.2");
  reports.next(3_s);
  igmp_query(lab, 3);
  CHECK(reports.next(2_s) ==
        "igmp v3 report, 2 group record(s) [gaddr 239.1.1.1 is_ex, 0 source(s)] "
        "[gaddr 232.1.1.1 is_in, 1 source(s)]\n");
  igmp_query(lab, 3, "239.1.1.1");
  CHECK(reports.next(2_s) ==
        "igmp v3 report, 1 group record(s) [gaddr 239.1.1.1 is_ex, 0 source(s)]\n");
  igmp_query(lab, 3, "232.1.1.1", {ip("10.0.0.2").v4(), ip("10.0.0.9").v4()});
  CHECK(reports.next(2_s) ==
        "igmp v3 report, 1 group record(s) [gaddr 232.1.1.1 is_in, 1 source(s)]\n");
  igmp_query(lab, 3, "232.1.1.1", {ip("10.0.0.9").v4()});
  CHECK(reports.next(2_s).empty());
  igmp_query(lab, 3, "239.9.9.9");
  CHECK(reports.next(2_s).empty());
}

TEST_CASE("IGMP: TTL 1, the router alert and the right destination are insisted on") {
  LabFixture lab(two);
  Reports reports(lab);
  Listener a(lab);
  a.set(Option::ip_add_membership, "239.1.1.1");
  reports.next(3_s);
  igmp_query(lab, 3, "0.0.0.0", {}, nullptr, 1000, 2);
  CHECK(lab.counter("a", "igps_rcv_badttl") == 1);
  igmp_query(lab, 3, "0.0.0.0", {}, nullptr, 1000, 1, false);
  CHECK(lab.counter("a", "igps_rcv_nora") == 1);
  igmp_query(lab, 3, "0.0.0.0", {}, "239.1.1.1");
  igmp_query(lab, 3, "239.1.1.2", {}, "239.1.1.1");
  CHECK(lab.counter("a", "igps_rcv_badqueries") == 2);
  CHECK(reports.next(3_s).empty());
}

TEST_CASE("an older querier brings version 2 and 1 back, for a while") {
  LabFixture lab(two);
  Reports reports(lab);
  Listener a(lab);
  a.set(Option::ip_add_membership, "239.1.1.1");
  reports.next(3_s);
  igmp_query(lab, 2);
  CHECK(reports.next(2_s) == "igmp v2 report 239.1.1.1\n");
  CHECK(lab.run("a", "ifmcstat -f inet").says("igmpv2 rv 2"));
  CHECK(a.set(Option::ip_drop_membership, "239.1.1.1") == Errno::ok);
  CHECK(reports.next(2_s) == "igmp leave 239.1.1.1\n");
  igmp_query(lab, 1);
  a.set(Option::ip_add_membership, "239.1.1.2");
  CHECK(reports.next(2_s).starts_with("igmp v1 report 239.1.1.2\n"));
  a.set(Option::ip_drop_membership, "239.1.1.2");
  CHECK(reports.next(2_s).empty());  // version 1 leaves silently
  lab.pass(261_s);
  reports.next(1_s);
  a.set(Option::ip_add_membership, "239.1.1.3");
  CHECK(reports.next(2_s).starts_with("igmp v3 report"));
  lab.run("a", "sysctl net.inet.igmp.v2enable=0");
  igmp_query(lab, 2);
  CHECK(lab.run("a", "ifmcstat -f inet").says("igmpv3 rv 2"));
}

TEST_CASE("in version 2 somebody else's report holds ours back, and our leave") {
  LabFixture lab("nodes: {h: {kind: hub}, a: {}, b: {}}\nlinks: [a -- h, b -- h]\n");
  Listener a(lab), b(lab, "b");
  a.set(Option::ip_add_membership, "239.1.1.1");
  b.set(Option::ip_add_membership, "239.1.1.1");
  lab.pass(3_s);
  const auto to_link = [&] {
    lab.run("b", "sysctl net.inet.igmp.default_version=2; sysctl net.inet.igmp.default_version");
  };
  to_link();
  igmp_query(lab, 2, "0.0.0.0", {}, nullptr, 10'000);  // `a` alone hears it, and will answer
  Listener again(lab, "b");
  b.set(Option::ip_drop_membership, "239.1.1.1");
  b.set(Option::ip_add_membership, "239.1.1.1");  // b reports by version 2, at once
  Reports reports(lab);
  reports.next(1_ms);
  const int64_t sent = lab.counter("a", "igps_snd_reports");
  lab.pass(12_s);
  CHECK(lab.counter("a", "igps_rcv_ourreports") > 0);
  CHECK(lab.counter("a", "igps_snd_reports") == sent);
  a.set(Option::ip_drop_membership, "239.1.1.1");
  CHECK(reports.next(3_s).find("igmp leave") == std::string::npos);
}

TEST_CASE("MLDv2: joins, sources and queries, and MLDv1 when an old router asks") {
  LabFixture lab(two);
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64");
  lab.run("b", "ifconfig em0 inet6 2001:db8::2/64");
  lab.pass(5_s);
  Reports reports(lab);
  reports.next(1_ms);
  Listener a(lab, "a", IpFamily::v6), s(lab, "a", IpFamily::v6);
  CHECK(a.set(Option::ipv6_join_group, "ff15::1") == Errno::ok);
  const std::string joined =
      "multicast listener report v2, 1 group record(s) [gaddr ff15::1 to_ex { }], length 28\n";
  CHECK(reports.next(2_s) == joined + joined);
  CHECK(s.set(Option::ip_add_source_membership, "ff35::1", "2001:db8::2") == Errno::ok);
  CHECK(
      reports.next(2_s).starts_with("multicast listener report v2, 1 group record(s) [gaddr "
                                    "ff35::1 allow { 2001:db8::2}], length 44\n"));
  const auto ask = [&](int version, const char* group, uint8_t hop_limit = 1) {
    MldMessage query;
    query.version = version;
    query.max_response_ms = 1000;
    query.group = ip(group).v6();
    Machine& machine = lab.lab.machine("a");
    const Ipv6Address from = ip("fe80::99").v6();
    const Ipv6Address to = query.group.is_any() ? ip("ff02::1").v6() : query.group;
    std::vector<uint8_t> message = emit_mld(query);
    finish_icmpv6(message, from, to);
    std::vector<uint8_t> packet(sizeof(Ipv6Header));
    store(Ipv6Header{.payload_length = uint16_t(message.size() + 8),
                     .next_header = 0,
                     .hop_limit = hop_limit,
                     .source = from,
                     .dest = to},
          packet);
    packet.insert(packet.end(), {58, 0, 5, 2, 0, 0, 1, 0});
    packet.insert(packet.end(), message.begin(), message.end());
    Inet6& inet = machine.vnet().state<Inet6>(inet6_module);
    inet.ether_receive(machine.site().pool().make(machine.site().next_packet_id(), packet),
                       *inet.net().find("em0"));
  };
  ask(2, "::");
  const std::string all = reports.next(2_s);
  CHECK(all.find("[gaddr ff15::1 is_ex { }]") != all.npos);
  CHECK(all.find("[gaddr ff35::1 is_in { 2001:db8::2}]") != all.npos);
  CHECK(split(all, '\n').size() == 2);  // one report
  ask(2, "::", 2);
  CHECK(reports.next(2_s).empty());
  ask(1, "ff15::1");
  CHECK(reports.next(2_s) ==
        "multicast listener report max resp delay: 0 addr: ff15::1, length 24\n");
  CHECK(lab.run("a", "ifmcstat -f inet6 -v").says("mldv1 flags=2<USEALLOW>"));
  CHECK(lab.run("a", "ifmcstat -f inet6 -v").says("source 2001:db8::2 mode include"));
  CHECK(a.set(Option::ipv6_leave_group, "ff15::1") == Errno::ok);
  CHECK(reports.next(2_s).find("multicast listener done") == 0);
}

TEST_CASE("ifmcstat shows groups with their modes and link addresses") {
  LabFixture lab(two);
  lab.run("a", "ifconfig em0 inet6 2001:db8::1/64");
  Listener a(lab);
  a.set(Option::ip_add_membership, "239.1.1.1");
  const auto shown = lab.run("a", "ifmcstat -i em0");
  CHECK(
      shown.output.starts_with("em0:\n\tinet 10.0.0.1\n\tigmpv3 rv 2 qi 125 qri 10 uri 3\n"
                               "\t\tgroup 224.0.0.1 mode exclude\n"
                               "\t\t\tmcast-macaddr 01:00:5e:00:00:01\n"));
  CHECK(shown.says("\t\tgroup 239.1.1.1 mode exclude\n\t\t\tmcast-macaddr 01:00:5e:01:01:01\n"));
  CHECK(shown.says("\tmldv2 flags=2<USEALLOW> rv 2"));
  CHECK(
      shown.says("\t\tgroup ff02::1%em0 scopeid 0x1 mode exclude\n"
                 "\t\t\tmcast-macaddr 33:33:00:00:00:01\n"));
  CHECK(lab.run("a", "ifmcstat -i nose0").exit != 0);
}

TEST_CASE("groups, and sources of a socket, are limited by sysctls") {
  LabFixture lab(two);
  lab.run("a", "sysctl net.inet.igmp.max_groups=5 net.inet.ip.mcast.maxsocksrc=3");
  Listener a(lab);
  int joined = 0;
  for (int i = 1; i < 10; ++i)
    joined += a.set(Option::ip_add_membership, text("239.1.1.{}", i).c_str()) == Errno::ok;
  CHECK(joined == 4);  // and 224.0.0.1
  CHECK(lab.counter("a", "igps_refused") == 5);
  for (int i = 1; i < 6; ++i) {
    const Errno said = a.set(Option::ip_block_source, "239.1.1.1", text("10.0.0.{}", i).c_str());
    CHECK(said == (i <= 3 ? Errno::ok : Errno::enobufs));
  }
}

// --- routers -------------------------------------------------------------------------------------

TEST_CASE("the router's side follows RFC 3376 s6.4's tables") {
  GroupMembers m{GroupTiming{}};
  const IpAddress g = ip("239.1.1.1"), s1 = ip("10.0.0.1"), s2 = ip("10.0.0.2");
  constexpr uint8_t is_in = 1, is_ex = 2, to_in = 3, to_ex = 4, allow = 5, block = 6;
  m.record(is_in, g, {s1}, 0_s);
  CHECK(m.wants(g, s1, 1_s));
  CHECK_FALSE(m.wants(g, s2, 1_s));
  m.record(allow, g, {s2}, 1_s);
  CHECK(m.wants(g, s2, 2_s));
  m.record(block, g, {s2}, 2_s);  // asked for, and gone when nobody answers
  auto asked = m.due(2_s);
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].sources == std::vector<IpAddress>{s2});
  CHECK(m.next_due() == 3_s);
  CHECK(m.due(3_s).size() == 1);
  CHECK(m.next_due() == SimTime::max());
  CHECK(m.wants(g, s2, 3_s));
  CHECK_FALSE(m.wants(g, s2, 5_s));
  m.record(to_ex, g, {s1}, 10_s);  // everybody but s1, about which is asked
  CHECK(m.wants(g, s2, 11_s));
  CHECK(m.wants(g, s1, 11_s));
  CHECK_FALSE(m.wants(g, s1, 13_s));
  m.record(is_ex, g, {}, 20_s);
  CHECK(m.wants(g, s1, 21_s));
  m.record(to_in, g, {}, 30_s);
  CHECK(m.wants(g, s2, 31_s));
  CHECK_FALSE(m.wants(g, s2, 33_s));
  m.record(is_ex, g, {}, 40_s);
  CHECK(m.has_group(g, 299_s));
  CHECK_FALSE(m.has_group(g, 301_s));  // 260 s without a report
}

namespace {

const char* const routed = R"(
nodes:
  src: {}
  r: {kind: router, files: {/etc/smcroute.conf: "phyint em0 enable\nphyint em1 enable querier\nphyint em2 enable querier\nmroute from em0 group 239.1.1.1 to em1 em2\nmroute from em0 group ff15::1 to em1 em2\n"}}
  h1: {}
  h2: {}
links: [src -- r, r -- h1, r -- h2]
)";

}  // namespace

TEST_CASE("smcrouted forwards a group to the links where somebody wants it") {
  LabFixture lab(routed);
  lab.run("r", "smcrouted");
  lab.run("src", "route add -net 224.0.0.0/4 -iface em0");
  lab.pass(2_s);
  lab.run("h1", "printf 'j 239.1.1.1 em0\\nr 5000 20\\nq\\n' | mtest > /tmp/o &");
  lab.pass(1_s);
  lab.run("src",
          "for i in 1 2 3; do printf \"w 239.1.1.1 em0 5000 n$i\\nq\\n\" | mtest; sleep 1; done");
  const auto table = lab.run("r", "netstat -g");
  INFO(table.output);
  CHECK(table.says("IPv4 Virtual Interface Table"));
  CHECK(table.says(" 10.0.0.2        239.1.1.1               3     0    1:1\n"));
  lab.pass(20_s);
  const auto heard = lab.run("h1", "cat /tmp/o");
  for (const char* words : {"n1", "n2", "n3"}) CHECK(heard.says(words));
  // h1 has left: its link is asked, and hears nothing any more.
  lab.pass(5_s);
  lab.run("src", "printf 'w 239.1.1.1 em0 5000 late\\nq\\n' | mtest");
  lab.pass(1_s);
  CHECK(lab.run("r", "netstat -g").says(" 10.0.0.2        239.1.1.1               4     0   \n"));
  CHECK(lab.run("r", "smcroutectl").says("IGMP querier is this router"));
  CHECK(lab.run("r", "smcroutectl add em0 239.2.2.2 em2").exit == 0);
  CHECK(lab.run("r", "smcroutectl remove em0 239.7.7.7").says("no such route"));
  CHECK(lab.run("r", "smcroutectl kill").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("r", "netstat -g -f inet").says("IPv4 Multicast Forwarding Table is empty"));
  CHECK(lab.run("r", "smcroutectl").exit == 69);
}

TEST_CASE("smcrouted forwards IPv6 groups, with hop limits and thresholds") {
  LabFixture lab(routed);
  lab.run("src", "ifconfig em0 inet6 2001:db8:1::2/64");
  lab.run("r",
          "ifconfig em0 inet6 2001:db8:1::1/64; ifconfig em1 inet6 2001:db8:2::1/64; "
          "ifconfig em2 inet6 2001:db8:3::1/64");
  lab.run("h2", "ifconfig em0 inet6 2001:db8:3::2/64");
  lab.pass(3_s);
  lab.run("r", "smcrouted");
  lab.pass(2_s);
  lab.run("h2", "printf 'j ff15::1 em0\\nr 5000 5\\nq\\n' | mtest > /tmp/o &");
  lab.pass(1_s);
  lab.run("src", "printf 'w ff15::1 em0 5000 hello\\nw ff12::1 em0 5000 link\\nq\\n' | mtest");
  lab.pass(6_s);
  CHECK(lab.run("h2", "cat /tmp/o").says("2001:db8:1::2: hello"));
  const auto table = lab.run("r", "netstat -g -f inet6");
  CHECK(table.says("IPv6 Multicast Forwarding Cache"));
  CHECK(table.says(
      " 2001:db8:1::2           ff15::1                         1     0      0      2\n"));
  CHECK(lab.run("r", "smcroutectl show").says("MLD querier is this router"));
}

TEST_CASE("a packet that comes by the wrong interface is not forwarded") {
  LabFixture lab(R"(
nodes:
  src: {}
  r: {kind: router, files: {/etc/smcroute.conf: "phyint em0 enable\nphyint em1 enable\nphyint em2 enable\nmroute from em1 group 239.1.1.1 source 10.0.0.2 to em2\n"}}
  h1: {}
  h2: {}
links: [src -- r, r -- h1, r -- h2]
)");
  lab.run("r", "smcrouted");
  lab.pass(1_s);
  lab.run("src", "printf 'w 239.1.1.1 em0 5000 x\\nq\\n' | mtest");  // by em0, where em1 is right
  lab.pass(1_s);
  CHECK(lab.run("r", "netstat -g").says(" 10.0.0.2        239.1.1.1               0     1    2:1"));
  Inet& inet = lab.lab.machine("r").vnet().state<Inet>(inet_module);
  CHECK(inet.multicast_counters().wrong_interface == 1);
  CHECK(inet.multicast_counters().upcalls == 1);
}

TEST_CASE("of two queriers the one with the lower address goes on") {
  LabFixture lab(R"(
nodes:
  sw: {kind: switch}
  r1: {kind: router, files: {/etc/smcroute.conf: "phyint em0 enable querier\n"}}
  r2: {kind: router, files: {/etc/smcroute.conf: "phyint em0 enable querier\n"}}
links: [r1 -- sw, r2 -- sw]
)");
  lab.run("r2", "smcrouted");
  lab.pass(5_s);
  CHECK(lab.run("r2", "smcroutectl").says("IGMP querier is this router"));
  lab.run("r1", "smcrouted");
  lab.pass(60_s);
  CHECK(lab.run("r1", "smcroutectl").says("IGMP querier is this router"));
  CHECK(lab.run("r2", "smcroutectl").says("IGMP querier is another router"));
  lab.run("r1", "smcroutectl kill");
  lab.pass(260_s);  // RFC 3376 s8.5
  CHECK(lab.run("r2", "smcroutectl").says("IGMP querier is this router"));
}

// --- snooping ------------------------------------------------------------------------------------

namespace {

int64_t heard_by(LabFixture& lab, const char* node, const std::string& group) {
  lab.run(node,
          "timeout 3 tcpdump -n -i em0 udp and dst host " + group + " > /tmp/t 2>/dev/null &");
  lab.pass(500_ms);
  lab.run("src", "printf 'w " + group + " em0 5000 x\\nq\\n' | mtest");
  lab.pass(4_s);
  return *parse_int(trim(lab.run(node, "grep -c UDP /tmp/t").output));
}

std::string snooping_lab(const std::string& snooping) {
  return "nodes: {sw: {kind: switch, snooping: " + snooping +
         "}, src: {}, in: {}, out: {}}\nlinks: [src -- sw, in -- sw, out -- sw]\n";
}

}  // namespace

TEST_CASE("a switch that snoops sends a group to its members only, once somebody asks") {
  for (const bool snoops : {false, true}) {
    LabFixture lab(snooping_lab(snoops ? "querier" : "false"));
    lab.run("in", "printf 'j 239.1.1.1 em0\\ns 600\\n' | mtest &");
    lab.pass(15_s);
    CHECK(heard_by(lab, "in", "239.1.1.1") == 1);
    CHECK(heard_by(lab, "out", "239.1.1.1") == (snoops ? 0 : 1));
    CHECK(heard_by(lab, "out", "224.0.0.99") == 1);  // RFC 4541 s2.1.2
    CHECK(heard_by(lab, "in", "239.7.7.7") == (snoops ? 0 : 1));
    lab.pass(300_s);  // it is asked again and again
    CHECK(heard_by(lab, "in", "239.1.1.1") == 1);
    CHECK(heard_by(lab, "out", "239.1.1.1") == (snoops ? 0 : 1));
  }
}

TEST_CASE("without a querier a snooping switch floods, and with one it knows where it is") {
  LabFixture lab(snooping_lab("true"));
  CHECK(heard_by(lab, "out", "239.1.1.1") == 1);
  lab.run("out", "printf 'phyint em0 enable querier\\n' > /etc/smcroute.conf; smcrouted");
  lab.pass(40_s);
  const Table groups = lab.lab.tables(lab.lab.spec().node_index.at("sw"))->table("groups");
  bool router = false;
  for (const auto& row : groups.rows) router |= to_text(row[2]) == "router";
  CHECK(router);
  CHECK(heard_by(lab, "in", "239.1.1.1") == 0);
  CHECK(heard_by(lab, "out", "239.1.1.1") == 1);  // routers hear all
}

TEST_CASE("if_bridge snoops by sysctl") {
  LabFixture lab(R"(
nodes:
  b: {interfaces: {em0: {addresses: [none]}, em1: {addresses: [none]}, em2: {addresses: [none]}, bridge0: {members: [em0, em1, em2], addresses: [none]}}}
  src: {}
  in: {}
  out: {}
links: [src -- b, in -- b, out -- b]
)");
  lab.run("b", "sysctl net.link.bridge.mcast_snooping=1");
  lab.run("src", "printf 'phyint em0 enable querier\\n' > /etc/smcroute.conf; smcrouted");
  lab.run("in", "printf 'j 239.1.1.1 em0\\ns 600\\n' | mtest &");
  lab.pass(40_s);
  CHECK(heard_by(lab, "in", "239.1.1.1") == 1);
  CHECK(heard_by(lab, "out", "239.1.1.1") == 0);
  lab.run("b", "sysctl net.link.bridge.mcast_snooping=0");
  CHECK(heard_by(lab, "out", "239.1.1.1") == 1);
}
