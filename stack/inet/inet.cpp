// stack/inet/inet.cpp - the module's record: settings, counters, tables, requests, sockets.
#include "stack/inet/inet.h"

#include "core/base/text.h"
#include "stack/kern/machine.h"

namespace stackyard {

Inet::Inet(Vnet& vnet, const InetSettings& defaults)
    : StateWithSettings(defaults),
      RoutesOf(vnet.state<NetStack>(net_module)),
      vnet_(vnet),
      site_(vnet.site()),
      net_(vnet.state<NetStack>(net_module)),
      ip_(vnet.state<IpStack>(ip_module)),
      random_(vnet.random("inet")),
      ip_id_(uint16_t(random_.next())),
      arp_(*this),
      fragments_(*this),
      icmp_(*this),
      igmp_(*this) {
  ip_.set_output(IpFamily::v4, this);
  net_.set_ether_protocol(ether_type::ipv4, this);
  net_.set_hook_resumer(HookSite::inet, this);
  net_.add_listener(this);
}

Inet::~Inet() { net_.remove_listener(this); }

namespace {

Inet& self(ModuleState& state) { return static_cast<Inet&>(state); }
const Inet& self(const ModuleState& state) { return static_cast<const Inet&>(state); }

constexpr InetSettings defaults;

#define NUMBER(sysctl, words, member, low, high)          \
  {                                                       \
    .name = sysctl, .summary = words,                     \
    .number = [](const void* s) -> const int64_t& {       \
      return static_cast<const InetSettings*>(s)->member; \
    },                                                    \
    .least = low, .most = high                            \
  }

constexpr SysctlRecord sysctls[] = {
    NUMBER("net.inet.ip.forwarding", "Enable IP forwarding", forwarding, 0, 1),
    NUMBER("net.inet.ip.redirect", "Enable sending IP redirects", redirect, 0, 1),
    NUMBER("net.inet.ip.ttl", "Maximum TTL on IP packets", ttl, 1, 255),
    NUMBER("net.inet.ip.sourceroute", "Forwarding source routed IP packets: never", sourceroute, 0,
           0),
    NUMBER("net.inet.ip.accept_sourceroute", "Enable accepting source routed IP packets",
           accept_sourceroute, 0, 1),
    NUMBER("net.inet.ip.process_options", "IP options: 0 ignore, 1 process, 2 refuse",
           process_options, 0, 2),
    NUMBER("net.inet.ip.random_id", "Assign random ip_id values", random_id, 0, 1),
    NUMBER("net.inet.ip.rfc6864", "Use constant IP ID for atomic datagrams", rfc6864, 0, 1),
    NUMBER("net.inet.ip.rfc1122_strong_es", "Packet's IP destination must match the interface",
           rfc1122_strong_es, 0, 1),
    NUMBER("net.inet.ip.no_same_prefix", "Refuse to create same prefixes on different interfaces",
           no_same_prefix, 0, 1),
    NUMBER("net.inet.ip.maxfragpackets", "Maximum number of datagrams in reassembly",
           fragments.max_packets, 0, 65536),
    NUMBER("net.inet.ip.maxfragsperpacket", "Maximum number of fragments of a datagram",
           fragments.max_per_packet, 0, 8192),
    NUMBER("net.inet.ip.fragttl", "Lifetime of fragments, in seconds", fragments.ttl, 1, 255),
    NUMBER("net.inet.igmp.v1enable", "Enable backwards compatibility with IGMPv1", igmp.v1enable, 0,
           1),
    NUMBER("net.inet.igmp.v2enable", "Enable backwards compatibility with IGMPv2", igmp.v2enable, 0,
           1),
    NUMBER("net.inet.igmp.default_version", "Default version of IGMP to run on each interface",
           igmp.default_version, 1, 3),
    NUMBER("net.inet.igmp.sendlocal", "Send IGMP membership reports for 224.0.0.0/24 groups",
           igmp.send_local, 0, 1),
    NUMBER("net.inet.igmp.max_groups", "Maximum number of groups that are listened to",
           igmp.max_groups, 1, 1048576),
    NUMBER("net.inet.icmp.icmplim_jitter", "Random icmplim jitter adjustment limit",
           icmp.icmplim_jitter, 0, INT32_MAX),
    NUMBER("net.inet.icmp.icmplim", "Maximum number of ICMP responses per second", icmp.icmplim, 0,
           INT32_MAX),
    NUMBER("net.inet.icmp.bmcastecho", "Reply to broadcast ICMP echo and timestamp requests",
           icmp.bmcastecho, 0, 1),
    NUMBER("net.inet.icmp.tstamprepl", "Respond to ICMP timestamp requests", icmp.tstamprepl, 0, 1),
    NUMBER("net.inet.icmp.maskrepl", "Replies to ICMP address mask requests: never", icmp.maskrepl,
           0, 0),
    NUMBER("net.inet.icmp.drop_redirect", "Ignore ICMP redirects", icmp.drop_redirect, 0, 1),
    NUMBER("net.inet.icmp.log_redirect", "Log ICMP redirects", icmp.log_redirect, 0, 1),
    NUMBER("net.inet.icmp.redirtimeout", "Delay in seconds before expiring redirect route",
           icmp.redirtimeout, 1, INT32_MAX),
    NUMBER("net.inet.icmp.quotelen", "Octets of a packet quoted in ICMP errors", icmp.quotelen, 8,
           548),
    NUMBER("net.inet.icmp.reply_from_interface",
           "ICMP errors come from the interface that received the packet",
           icmp.reply_from_interface, 0, 1),
    NUMBER("net.link.ether.inet.max_age", "ARP entry lifetime in seconds", arp.max_age, 1,
           INT32_MAX),
    NUMBER("net.link.ether.inet.maxtries", "ARP resolution attempts before returning error",
           arp.maxtries, 1, 100),
    NUMBER("net.link.ether.inet.wait", "Incomplete ARP entry lifetime in seconds", arp.wait, 1,
           INT32_MAX),
    NUMBER("net.link.ether.inet.maxhold", "Packets to hold per ARP entry", arp.maxhold, 1, 1024),
    NUMBER("net.link.ether.inet.max_entries",
           "Maximum number of ARP entries; of unresolved ones a quarter", arp.max_entries, 4,
           1048576),
    NUMBER("net.link.ether.inet.garp_rexmit_count",
           "Number of times to retransmit gratuitous ARP packets", arp.garp_rexmit_count, 0, 16),
    NUMBER("net.link.ether.inet.proxyall", "Enable proxy ARP for all suitable requests",
           arp.proxyall, 0, 1),
    NUMBER("net.link.ether.inet.rfc5227", "Probe addresses before use, and defend them",
           arp.rfc5227, 0, 1),
    NUMBER("net.link.ether.inet.log_arp_wrong_iface", "Log ARP packets on the wrong interface",
           arp.log_arp_wrong_iface, 0, 1),
    NUMBER("net.link.ether.inet.log_arp_movements", "Log ARP replies from MACs other than cached",
           arp.log_arp_movements, 0, 1),
    NUMBER("net.link.ether.inet.log_arp_permanent_modify",
           "Log ARP replies that would modify permanent entries", arp.log_arp_permanent_modify, 0,
           1),
};
#undef NUMBER

#define COUNTER(group, name, words, expression)                                 \
  {                                                                             \
    group, name, words, [](const ModuleState& m) { return self(m).expression; } \
  }
// Parts that count nothing have no counters yet.
#define PART_COUNTER(part, name, words, member)                                           \
  {                                                                                       \
#part, name, words, [](const ModuleState& m) {                                          \
      return self(m).part().counted([](const auto& c) -> uint64_t { return c.member; });    \
    } \
  }
#define ICMP_COUNTER(name, words, member) PART_COUNTER(icmp, name, words, member)
#define IGMP_COUNTER(name, words, member) PART_COUNTER(igmp, name, words, member)
#define ICMP_HISTOGRAM(direction, type, words) \
  ICMP_COUNTER("icps_" #direction "hist", "\t" words ": {}", direction[type])

constexpr CounterRecord counters[] = {
    COUNTER("ip", "ips_total", "{} total packet{s} received", counters.received),
    COUNTER("ip", "ips_badsum", "{} bad header checksum{s}", counters.bad_checksum),
    COUNTER("ip", "ips_toosmall", "{} with size smaller than minimum", counters.too_small),
    COUNTER("ip", "ips_tooshort", "{} with data size < data length", counters.too_short),
    COUNTER("ip", "ips_toolong", "{} with ip length > max ip packet size", counters.too_long),
    COUNTER("ip", "ips_badhlen", "{} with header length < data size", counters.bad_header_length),
    COUNTER("ip", "ips_badlen", "{} with data length < header length", counters.bad_length),
    COUNTER("ip", "ips_badoptions", "{} with bad options", counters.bad_options),
    COUNTER("ip", "ips_badvers", "{} with incorrect version number", counters.bad_version),
    COUNTER("ip", "ips_fragments", "{} fragment{s} received", counters.fragments),
    COUNTER("ip", "ips_fragdropped", "{} fragment{s} dropped (dup or out of space)",
            counters.fragments_dropped),
    COUNTER("ip", "ips_fragtimeout", "{} fragment{s} dropped after timeout",
            counters.fragments_timed_out),
    COUNTER("ip", "ips_reassembled", "{} packet{s} reassembled ok", counters.reassembled),
    COUNTER("ip", "ips_delivered", "{} packet{s} for this host", counters.delivered),
    COUNTER("ip", "ips_noproto", "{} packet{s} for unknown/unsupported protocol",
            counters.unknown_protocol),
    COUNTER("ip", "ips_forward", "{} packet{s} forwarded", counters.forwarded),
    COUNTER("ip", "ips_cantforward", "{} packet{s} not forwardable", counters.not_forwardable),
    COUNTER("ip", "ips_notmember", "{} packet{s} received for unknown multicast group",
            counters.not_member),
    COUNTER("ip", "ips_redirectsent", "{} redirect{s} sent", counters.redirects_sent),
    COUNTER("ip", "ips_localout", "{} packet{s} sent from this host", counters.sent),
    COUNTER("ip", "ips_rawout", "{} packet{s} sent with fabricated ip header", counters.raw_sent),
    COUNTER("ip", "ips_odropped", "{} output packet{s} dropped due to no bufs, etc.",
            counters.no_buffers),
    COUNTER("ip", "ips_noroute", "{} output packet{s} discarded due to no route",
            counters.no_route),
    COUNTER("ip", "ips_fragmented", "{} output datagram{s} fragmented", counters.fragmented),
    COUNTER("ip", "ips_ofragments", "{} fragment{s} created", counters.fragments_created),
    COUNTER("ip", "ips_cantfrag", "{} datagram{s} that can't be fragmented",
            counters.cant_fragment),
    COUNTER("ip", "ips_badaddr", "{} datagram{s} with bad address in header", counters.bad_address),
    ICMP_COUNTER("icps_error", "{} call{s} to icmp_error", errors_called),
    ICMP_COUNTER("icps_oldicmp", "{} error{s} not generated in response to an icmp message",
                 old_icmp),
    ICMP_HISTOGRAM(out, 0, "Output echo reply"),
    ICMP_HISTOGRAM(out, 3, "Output destination unreachable"),
    ICMP_HISTOGRAM(out, 5, "Output routing redirect"),
    ICMP_HISTOGRAM(out, 11, "Output time exceeded"),
    ICMP_HISTOGRAM(out, 12, "Output parameter problem"),
    ICMP_HISTOGRAM(out, 14, "Output time stamp reply"),
    ICMP_COUNTER("icps_badcode", "{} message{s} with bad code fields", bad_code),
    ICMP_COUNTER("icps_tooshort", "{} message{s} less than the minimum length", too_short),
    ICMP_COUNTER("icps_checksum", "{} message{s} with bad checksum", bad_checksum),
    ICMP_COUNTER("icps_badlen", "{} message{s} with bad length", bad_length),
    ICMP_COUNTER("icps_bmcastecho", "{} multicast echo requests ignored", group_echo_ignored),
    ICMP_COUNTER("icps_bmcasttstamp", "{} multicast timestamp requests ignored",
                 group_timestamp_ignored),
    ICMP_HISTOGRAM(in, 0, "Input echo reply"),
    ICMP_HISTOGRAM(in, 3, "Input destination unreachable"),
    ICMP_HISTOGRAM(in, 5, "Input routing redirect"),
    ICMP_HISTOGRAM(in, 8, "Input echo"),
    ICMP_HISTOGRAM(in, 11, "Input time exceeded"),
    ICMP_HISTOGRAM(in, 12, "Input parameter problem"),
    ICMP_HISTOGRAM(in, 13, "Input time stamp"),
    ICMP_COUNTER("icps_reflect", "{} message response{s} generated", reflected),
    ICMP_COUNTER("icps_badaddr", "{} invalid return address{es}", bad_return),
    ICMP_COUNTER("icps_noroute", "{} no return route{s}", no_return_route),
    ICMP_COUNTER("icps_limited", "{} response{s} left out by the rate limit", limited),
    IGMP_COUNTER("igps_rcv_total", "{} message{s} received", received),
    IGMP_COUNTER("igps_rcv_tooshort", "{} message{s} received with too few bytes", too_short),
    IGMP_COUNTER("igps_rcv_badsum", "{} message{s} received with bad checksum", bad_checksum),
    IGMP_COUNTER("igps_rcv_v1v2_queries", "{} V1/V2 membership quer{ies} received", old_queries),
    IGMP_COUNTER("igps_rcv_v3_queries", "{} V3 membership quer{ies} received", v3_queries),
    IGMP_COUNTER("igps_rcv_gen_queries", "{} general quer{ies} received", general_queries),
    IGMP_COUNTER("igps_rcv_group_queries", "{} group quer{ies} received", group_queries),
    IGMP_COUNTER("igps_rcv_badttl", "{} message{s} received with wrong TTL", bad_ttl),
    IGMP_COUNTER("igps_rcv_badqueries", "{} membership quer{ies} received with invalid fields",
                 bad_queries),
    IGMP_COUNTER("igps_rcv_gsr_queries", "{} group-source quer{ies} received", source_queries),
    IGMP_COUNTER("igps_rcv_nora", "{} V3 quer{ies} received without Router Alert", no_alert),
    IGMP_COUNTER("igps_rcv_badreports", "{} membership report{s} received with invalid fields",
                 bad_reports),
    IGMP_COUNTER("igps_rcv_reports", "{} membership report{s} received", reports),
    IGMP_COUNTER("igps_rcv_ourreports",
                 "{} membership report{s} received for groups to which we belong", our_reports),
    COUNTER("igmp", "igps_refused", "{} group{s} not joined, there being too many",
            igmp().refused()),
    IGMP_COUNTER("igps_snd_reports", "{} membership report{s} sent", sent),
    COUNTER("arp", "txrequests", "{} ARP request{s} sent", arp().counters.requests_sent),
    COUNTER("arp", "txreplies", "{} ARP repl{ies} sent", arp().counters.replies_sent),
    COUNTER("arp", "rxrequests", "{} ARP request{s} received", arp().counters.requests_received),
    COUNTER("arp", "rxreplies", "{} ARP repl{ies} received", arp().counters.replies_received),
    COUNTER("arp", "received", "{} ARP packet{s} received", arp().counters.received),
    COUNTER("arp", "dropped", "{} total packet{s} dropped due to no ARP entry",
            arp().counters.dropped),
    COUNTER("arp", "timeouts", "{} ARP entr{ies} timed out", arp().counters.timeouts),
    COUNTER("arp", "limited", "{} ARP entr{ies} refused because the table is full",
            arp().counters.limited),
    COUNTER("arp", "dupips", "{} Duplicate IP{s} seen", arp().counters.duplicates),
};
#undef COUNTER
#undef ICMP_HISTOGRAM
#undef ICMP_COUNTER
#undef IGMP_COUNTER
#undef PART_COUNTER

Table addresses_table(const ModuleState* state) {
  Table table{{{"interface", "Interface"},
               {"address", "Address"},
               {"family", "Family"},
               {"broadcast", "Broadcast"},
               {"flags", "Flags"}},
              {}};
  if (!state) return table;
  self(*state).for_each_address([&](const Ifnet& interface, const InterfaceAddress& a) {
    const Cell broadcast = a.broadcast.is_any() ? Cell() : Cell(to_text(a.broadcast));
    table.rows.push_back(
        {interface.name(), to_text(a.address), std::string("inet"), broadcast, Cell()});
  });
  return table;
}

Table routes_table(const ModuleState* state) {
  Table table{{{"fib", "FIB", ColumnType::number},
               {"destination", "Destination"},
               {"gateway", "Gateway"},
               {"flags", "Flags"},
               {"netif", "Netif"},
               {"mtu", "Mtu", ColumnType::number},
               {"use", "Use", ColumnType::number}},
              {}};
  if (!state) return table;
  for (int fib = 0; fib < self(*state).net().fib_count(); ++fib) {
    ListRoutes list;
    list.fib = fib;
    self(*state).list_routes(list);
    for (const RouteInfo& r : list.routes) {
      const std::string dest = r.dest.length == 0    ? "default"
                               : r.dest.length == 32 ? to_text(r.dest.address)
                                                     : to_text(r.dest);
      const std::string gateway =
          r.flags & route_flag::gateway ? to_text(r.gateway) : text("link#{}", r.link_index);
      table.rows.push_back({int64_t(fib), dest, gateway, route_flag_letters(r.flags), r.interface,
                            int64_t(r.mtu), int64_t(r.uses)});
    }
  }
  return table;
}

Table neighbours_table(const ModuleState* state) {
  Table table{{{"address", "Address"},
               {"mac", "MAC"},
               {"netif", "Netif"},
               {"state", "State"},
               {"expires", "Expires", ColumnType::duration}},
              {}};
  if (!state) return table;
  for (const ArpInfo& e : self(*state).arp().entries()) {
    const std::string name = !e.mac ? "incomplete" : e.permanent ? "permanent" : "reachable";
    table.rows.push_back({to_text(e.address), e.mac ? Cell(to_text(*e.mac)) : Cell(), e.interface,
                          name, e.permanent ? Cell() : Cell(e.expires_s * 1'000'000'000)});
  }
  return table;
}

Table groups_table(const ModuleState* state) {
  Table table{{{"netif", "Netif"}, {"group", "Group"}}, {}};
  if (!state) return table;
  for (const GroupInfo& g : self(*state).igmp().groups())
    table.rows.push_back({g.interface, to_text(g.group)});
  return table;
}

constexpr TableRecord tables[] = {{"addresses", addresses_table},
                                  {"routes", routes_table},
                                  {"neighbours", neighbours_table},
                                  {"groups", groups_table}};

template <class Wanted, auto Do>
constexpr RequestRecord request(Errno absent = Errno::ok) {
  return {
      &Wanted::kind_of,
      [](ModuleState& m, Request& r) -> Result<> { return Do(self(m), static_cast<Wanted&>(r)); },
      absent};
}

constexpr RequestRecord requests[] = {
    request<ListAddresses,
            [](Inet& inet, ListAddresses& list) -> Result<> {
              inet.for_each_address(
                  [&](const Ifnet&, const InterfaceAddress& a) { list.addresses.push_back(a); });
              return {};
            }>(),
    request<AddAddress, [](Inet& inet, AddAddress& r) { return inet.add_address(r); }>(),
    request<DeleteAddress, [](Inet& inet, DeleteAddress& r) { return inet.delete_address(r); }>(),
    request<ListArp,
            [](Inet& inet, ListArp& r) -> Result<> {
              r.entries = inet.arp().entries();
              return {};
            }>(),
    request<SetArp, [](Inet& inet, SetArp& r) { return inet.arp().set(r); }>(),
    request<DeleteArp, [](Inet& inet, DeleteArp& r) { return inet.arp().remove(r.address); }>(),
    request<ListMulticastRoutes4,
            [](Inet& inet, ListMulticastRoutes4& r) -> Result<> {
              r.list = inet.multicast_routes();
              return {};
            }>(),
    request<ListGroups,
            [](Inet& inet, ListGroups& r) -> Result<> {
              r.groups = inet.igmp().groups();
              return {};
            }>(),
};

constexpr uint16_t ether_types[] = {ether_type::ipv4, ether_type::arp};

}  // namespace

constexpr ModuleRecord inet_module{.name = "inet",
                                   .summary = "IPv4, ARP, ICMP, IGMP",
                                   .needs = {"net", "ip"},
                                   .create = [](Vnet& v) -> std::unique_ptr<ModuleState> {
                                     return std::make_unique<Inet>(v, defaults);
                                   },
                                   .settings = &defaults,
                                   .ether_types = ether_types,
                                   .sysctls = sysctls,
                                   .counters = counters,
                                   .tables = tables,
                                   .requests = requests};

}  // namespace stackyard
