// stack/inet6/inet6.cpp - the module's record: settings, counters, tables, requests.
#include "stack/inet6/inet6.h"

#include "core/base/text.h"
#include "stack/inet6/dad.h"
#include "stack/inet6/tables6.h"
#include "stack/kern/machine.h"

namespace stackyard {

Inet6::Inet6(Vnet& vnet, const Inet6Settings& defaults)
    : StateWithSettings(defaults),
      RoutesOf(vnet.state<NetStack>(net_module)),
      net_(vnet.state<NetStack>(net_module)),
      site_(vnet.site()),
      ip_(vnet.state<IpStack>(ip_module)),
      random_(vnet.random("inet6")),
      expiry_(site_.node(), Timer::call<&Inet6::expire>, this),
      autoconf_(*this),
      neighbours_(*this),
      routers_(*this),
      fragments_(*this),
      icmp_(*this),
      mld_(*this) {
  RandomStream key = vnet.random("flow labels");
  flow_key_.low = key.next();
  flow_key_.high = key.next();
  ip_.set_output(IpFamily::v6, this);
  net_.set_ether_protocol(ether_type::ipv6, this);
  net_.set_hook_resumer(HookSite::inet6, this);
  net_.add_listener(this);
  // lo0 has had ::1 and fe80::1 all the time; nobody had to know.
  net_.for_each([&](Ifnet& i) {
    if (i.has_flag(if_flag::loopback)) attach(i);
  });
}

Inet6::~Inet6() {
  net_.remove_listener(this);
  ip_.set_output(IpFamily::v6, nullptr);
}

namespace {

Inet6& self(ModuleState& state) { return static_cast<Inet6&>(state); }
const Inet6& self(const ModuleState& state) { return static_cast<const Inet6&>(state); }

constexpr Inet6Settings defaults;

#define NUMBER(sysctl, words, member, low, high)           \
  {                                                        \
    .name = "net.inet6." sysctl, .summary = words,         \
    .number = [](const void* s) -> const int64_t& {        \
      return static_cast<const Inet6Settings*>(s)->member; \
    },                                                     \
    .least = low, .most = high                             \
  }

constexpr SysctlRecord sysctls[] = {
    {.name = "net.inet6.ip6.forwarding",
     .summary = "Enable forwarding of IPv6 packets between interfaces",
     .number = [](const void* s) -> const int64_t& {
       return static_cast<const Inet6Settings*>(s)->forwarding;
     },
     .most = 1,
     .changed = [](ModuleState& m) { self(m).forwarding_changed(); }},
    NUMBER("ip6.redirect", "Send ICMPv6 redirects for unforwardable IPv6 packets", redirect, 0, 1),
    NUMBER("ip6.rfc1122_strong_es", "Packet's IPv6 destination address must match the interface",
           rfc1122_strong_es, 0, 1),
    NUMBER("ip6.hlim", "Default hop limit to use for outgoing IPv6 packets", hlim, 1, 255),
    NUMBER("ip6.accept_rtadv",
           "Default value of per-interface flag for accepting ICMPv6 RA messages", accept_rtadv, 0,
           1),
    NUMBER("ip6.no_radr",
           "Default value of per-interface flag to control whether routers sending "
           "ICMPv6 RA messages on that interface are added into the default router list",
           no_radr, 0, 1),
    NUMBER("ip6.rfc6204w3",
           "Accept the default router list from ICMPv6 RA messages even when "
           "packet forwarding is enabled",
           rfc6204w3, 0, 1),
    NUMBER("ip6.auto_linklocal",
           "Default value of per-interface flag for automatically adding an "
           "IPv6 link-local address to interfaces when attached",
           auto_linklocal, 0, 1),
    NUMBER("ip6.dad_count", "Number of ICMPv6 NS messages sent during duplicate address detection",
           dad_count, 0, 100),
    NUMBER("ip6.dad_enhanced",
           "Enable Enhanced DAD, which adds a random nonce to NS messages for "
           "DAD.",
           dad_enhanced, 0, 1),
    NUMBER("ip6.hdrnestlimit",
           "Default maximum number of IPv6 extension headers permitted on "
           "incoming IPv6 packets, 0 for no artificial limit",
           hdrnestlimit, 0, 255),
    NUMBER("ip6.auto_flowlabel", "Provide an IPv6 flowlabel in outbound packets", auto_flowlabel, 0,
           1),
    NUMBER("ip6.prefer_tempaddr", "Prefer RFC8981 temporary addresses in source address selection",
           prefer_tempaddr, 0, 1),
    NUMBER("ip6.maxifprefixes", "Maximum number of prefixes from advertisements per interface",
           routers.prefixes_max, 0, 1024),
    NUMBER("ip6.maxifdefrouters", "Maximum number of default routers per interface",
           routers.routers_max, 0, 1024),
    NUMBER("ip6.use_tempaddr", "Create RFC8981 temporary addresses for autoconfigured addresses",
           autoconf.use_temporary, 0, 1),
    {.name = "net.inet6.ip6.temppltime",
     .summary = "Maximum preferred lifetime for temporary addresses",
     .number = [](const void* s) -> const int64_t& {
       return static_cast<const Inet6Settings*>(s)->autoconf.temporary_preferred_s;
     },
     .least = 630,
     .changed = [](ModuleState& m) { self(m).autoconf().preferred_changed(); }},
    NUMBER("ip6.tempvltime", "Maximum valid lifetime for temporary addresses",
           autoconf.temporary_valid_s, 630, INT32_MAX),
    {.name = "net.inet6.ip6.temp_max_desync_factor",
     .summary = "RFC 8981 max desync factor",
     .writable = false,
     .show =
         [](const ModuleState* m) {
           return text("{}", m ? self(*m).autoconf().desync_most_s()
                               : defaults.autoconf.temporary_preferred_s / 32 + 600);
         }},
    NUMBER("ip6.use_stableaddr", "Create RFC7217 semantically opaque addresses by default",
           autoconf.use_stable, 0, 1),
    {.name = "net.inet6.ip6.stableaddr_netifsource",
     .summary = "Source of the interface's part of stable addresses: name, id or mac",
     .show =
         [](const ModuleState* m) {
           const int64_t at = m ? self(*m).settings().autoconf.stable_source : 0;
           return std::string(stable_sources[at]);
         },
     .set_text = [](ModuleState& m, const std::string& word) -> Result<> {
       for (size_t i = 0; i < std::size(stable_sources); ++i) {
         if (word != stable_sources[i]) continue;
         static_cast<Inet6Settings*>(m.own_settings())->autoconf.stable_source = int64_t(i);
         return {};
       }
       return Errno::einval;
     }},
    NUMBER("ip6.stableaddr_maxretries",
           "Number of times another stable address is tried after duplicates",
           autoconf.stable_retries, 0, 100),
    NUMBER("ip6.maxfragpackets", "Default maximum number of outstanding fragmented IPv6 packets.",
           fragments.max_packets, 0, 65536),
    NUMBER("ip6.maxfragsperpacket", "Maximum allowed number of fragments per packet",
           fragments.max_per_packet, 0, 8192),
    NUMBER("ip6.fraglifetime_ms", "Fragment lifetime, in milliseconds", fragments.ttl_ms, 1,
           INT32_MAX),
    NUMBER("icmp6.errppslimit", "Maximum number of ICMPv6 error/reply messages per second",
           icmp.errppslimit, -1, INT32_MAX),
    NUMBER("icmp6.rediraccept", "Accept ICMPv6 redirect messages", icmp.rediraccept, 0, 1),
    NUMBER("icmp6.redirtimeout", "Delay in seconds before expiring redirect route",
           icmp.redirtimeout, 1, INT32_MAX),
    NUMBER("icmp6.log_redirect", "Log ICMPv6 redirects", icmp.log_redirect, 0, 1),
    NUMBER("icmp6.nd6_delay", "Delay in seconds before probing for reachability", nd.delay, 1,
           3600),
    NUMBER("icmp6.nd6_umaxtries", "Number of ICMPv6 NS messages sent during reachability detection",
           nd.umaxtries, 1, 100),
    NUMBER("icmp6.nd6_mmaxtries", "Number of ICMPv6 NS messages sent during address resolution",
           nd.mmaxtries, 1, 100),
    NUMBER("icmp6.nd6_gctimer", "Lifetime in seconds of stale neighbors", nd.gctimer, 1, INT32_MAX),
    NUMBER("icmp6.nd6_maxqueuelen", "Maximum number of packets held for a neighbor", nd.maxqueuelen,
           1, 1024),
    NUMBER("icmp6.nd6_maxentries", "Maximum number of neighbors; a quarter may be unresolved",
           nd.max_entries, 4, 1048576),
    NUMBER("mld.v1enable", "Enable fallback to MLDv1", mld.v1enable, 0, 1),
    NUMBER("mld.v2enable", "Enable MLDv2", mld.v2enable, 0, 1),
    NUMBER("mld.max_groups", "Maximum number of groups that are listened to", mld.max_groups, 1,
           1048576),
};
#undef NUMBER

#define COUNTER(group, name, words, expression)                                 \
  {                                                                             \
    group, name, words, [](const ModuleState& m) { return self(m).expression; } \
  }
// Parts that count nothing have no counters yet.
#define PART_COUNTER(part, group, name, words, member)                                   \
  {                                                                                      \
    group, name, words, [](const ModuleState& m) {                                       \
      return self(m).part().counted([](const auto& c) -> uint64_t { return c.member; }); \
    }                                                                                    \
  }
#define ICMP_COUNTER(name, words, member) PART_COUNTER(icmp, "icmp6", name, words, member)
#define MLD_COUNTER(name, words, member) PART_COUNTER(mld, "mld", name, words, member)
#define ICMP_HISTOGRAM(direction, type, words) \
  ICMP_COUNTER("icp6s_" #direction "hist", "\t" words ": {}", direction[type])

constexpr CounterRecord counters[] = {
    COUNTER("ip6", "ip6s_total", "{} total packet{s} received", counters.received),
    COUNTER("ip6", "ip6s_toosmall", "{} with size smaller than minimum", counters.too_small),
    COUNTER("ip6", "ip6s_tooshort", "{} with data size < data length", counters.too_short),
    COUNTER("ip6", "ip6s_badoptions", "{} with bad options", counters.bad_options),
    COUNTER("ip6", "ip6s_badvers", "{} with incorrect version number", counters.bad_version),
    COUNTER("ip6", "ip6s_fragments", "{} fragment{s} received", counters.fragments),
    COUNTER("ip6", "ip6s_fragdropped", "{} fragment{s} dropped (dup or out of space)",
            counters.fragments_dropped),
    COUNTER("ip6", "ip6s_fragtimeout", "{} fragment{s} dropped after timeout",
            counters.fragments_timed_out),
    COUNTER("ip6", "ip6s_fragoverflow", "{} fragment{s} that exceeded limit",
            counters.fragment_overflow),
    COUNTER("ip6", "ip6s_reassembled", "{} packet{s} reassembled ok", counters.reassembled),
    COUNTER("ip6", "ip6s_delivered", "{} packet{s} for this host", counters.delivered),
    COUNTER("ip6", "ip6s_forward", "{} packet{s} forwarded", counters.forwarded),
    COUNTER("ip6", "ip6s_cantforward", "{} packet{s} not forwardable", counters.not_forwardable),
    COUNTER("ip6", "ip6s_redirectsent", "{} redirect{s} sent", counters.redirects_sent),
    COUNTER("ip6", "ip6s_localout", "{} packet{s} sent from this host", counters.sent),
    COUNTER("ip6", "ip6s_noroute", "{} output packet{s} discarded due to no route",
            counters.no_route),
    COUNTER("ip6", "ip6s_fragmented", "{} output datagram{s} fragmented", counters.fragmented),
    COUNTER("ip6", "ip6s_ofragments", "{} fragment{s} created", counters.fragments_created),
    COUNTER("ip6", "ip6s_cantfrag", "{} datagram{s} that can't be fragmented",
            counters.cant_fragment),
    COUNTER("ip6", "ip6s_badscope", "{} packet{s} that violated scope rules", counters.bad_scope),
    COUNTER("ip6", "ip6s_notmember", "{} multicast packet{s} which we don't join",
            counters.not_member),
    COUNTER("ip6", "ip6s_toomanyhdr", "{} packet{s} discarded because of too many headers",
            counters.too_many_headers),
    COUNTER("ip6", "ip6s_noproto", "{} packet{s} for unknown/unsupported protocol",
            counters.unknown_protocol),
    COUNTER("ip6", "ip6s_sources_none", "{} failure{s} of source address selection",
            counters.no_source),
    ICMP_COUNTER("icp6s_error", "{} call{s} to icmp6_error", errors_called),
    ICMP_COUNTER("icp6s_canterror", "{} error{s} not generated in response to an icmp6 message",
                 cant_error),
    ICMP_COUNTER("icp6s_toofreq", "{} error{s} not generated because of rate limitation", limited),
    ICMP_HISTOGRAM(out, 1, "Output unreach"),
    ICMP_HISTOGRAM(out, 2, "Output packet too big"),
    ICMP_HISTOGRAM(out, 3, "Output time exceed"),
    ICMP_HISTOGRAM(out, 4, "Output parameter problem"),
    ICMP_HISTOGRAM(out, 129, "Output echo reply"),
    ICMP_HISTOGRAM(out, 135, "Output neighbor solicitation"),
    ICMP_HISTOGRAM(out, 136, "Output neighbor advertisement"),
    ICMP_HISTOGRAM(out, 137, "Output redirect"),
    ICMP_HISTOGRAM(out, 143, "Output MLDv2 listener report"),
    ICMP_COUNTER("icp6s_badcode", "{} message{s} with bad code fields", bad_code),
    ICMP_COUNTER("icp6s_tooshort", "{} message{s} < minimum length", too_short),
    ICMP_COUNTER("icp6s_checksum", "{} bad checksum{s}", bad_checksum),
    ICMP_COUNTER("icp6s_badlen", "{} message{s} with bad length", bad_length),
    ICMP_HISTOGRAM(in, 1, "Input unreach"),
    ICMP_HISTOGRAM(in, 2, "Input packet too big"),
    ICMP_HISTOGRAM(in, 3, "Input time exceed"),
    ICMP_HISTOGRAM(in, 4, "Input parameter problem"),
    ICMP_HISTOGRAM(in, 128, "Input echo"),
    ICMP_HISTOGRAM(in, 129, "Input echo reply"),
    ICMP_HISTOGRAM(in, 130, "Input multicast listener query"),
    ICMP_HISTOGRAM(in, 133, "Input router solicitation"),
    ICMP_HISTOGRAM(in, 134, "Input router advertisement"),
    ICMP_HISTOGRAM(in, 135, "Input neighbor solicitation"),
    ICMP_HISTOGRAM(in, 136, "Input neighbor advertisement"),
    ICMP_HISTOGRAM(in, 137, "Input redirect"),
    ICMP_HISTOGRAM(in, 143, "Input MLDv2 listener report"),
    ICMP_COUNTER("icp6s_reflect", "{} message response{s} generated", reflected),
    ICMP_COUNTER("icp6s_badns", "{} bad neighbor solicitation message{s}", bad_ns),
    ICMP_COUNTER("icp6s_badna", "{} bad neighbor advertisement message{s}", bad_na),
    ICMP_COUNTER("icp6s_badrs", "{} bad router solicitation message{s}", bad_rs),
    ICMP_COUNTER("icp6s_badra", "{} bad router advertisement message{s}", bad_ra),
    ICMP_COUNTER("icp6s_badredirect", "{} bad redirect message{s}", bad_redirect),
    ICMP_COUNTER("icp6s_pmtuchg", "{} path MTU change{s}", path_mtu_changed),
    MLD_COUNTER("mlds_rcv_total", "{} message{s} received", received),
    MLD_COUNTER("mlds_rcv_tooshort", "{} message{s} received with too few bytes", too_short),
    MLD_COUNTER("mlds_rcv_v1_queries", "{} V1 membership quer{ies} received", v1_queries),
    MLD_COUNTER("mlds_rcv_v2_queries", "{} V2 membership quer{ies} received", v2_queries),
    MLD_COUNTER("mlds_rcv_gen_queries", "{} general quer{ies} received", general_queries),
    MLD_COUNTER("mlds_rcv_group_queries", "{} group quer{ies} received", group_queries),
    MLD_COUNTER("mlds_rcv_reports", "{} membership report{s} received", reports),
    MLD_COUNTER("mlds_rcv_ourreports",
                "{} membership report{s} received for groups to which we belong", our_reports),
    MLD_COUNTER("mlds_snd_reports", "{} membership report{s} sent", sent),
    COUNTER("mld", "mlds_refused", "{} group{s} not joined, there being too many", mld().refused()),
    COUNTER("nd6", "tx_ns", "{} neighbor solicitation{s} sent",
            neighbours().counters.solicits_sent),
    COUNTER("nd6", "tx_na", "{} neighbor advertisement{s} sent",
            neighbours().counters.adverts_sent),
    COUNTER("nd6", "rx_ns", "{} neighbor solicitation{s} received",
            neighbours().counters.solicits_received),
    COUNTER("nd6", "rx_na", "{} neighbor advertisement{s} received",
            neighbours().counters.adverts_received),
    COUNTER("nd6", "dropped", "{} packet{s} dropped due to no neighbor entry",
            neighbours().counters.dropped),
    COUNTER("nd6", "timeouts", "{} neighbor entr{ies} timed out", neighbours().counters.timeouts),
    COUNTER("nd6", "refused", "{} neighbor entr{ies} refused, the cache being full",
            neighbours().counters.refused),
    COUNTER("nd6", "refused_ra", "{} router{s} or prefix{es} refused, there being too many",
            routers().refused()),
    COUNTER("nd6", "dupips", "{} duplicate IPv6 address{es} seen",
            neighbours().counters.duplicates),
};
#undef COUNTER
#undef ICMP_HISTOGRAM
#undef ICMP_COUNTER
#undef MLD_COUNTER
#undef PART_COUNTER

template <class Wanted, auto Do>
constexpr RequestRecord request(Errno absent = Errno::ok) {
  return {
      &Wanted::kind_of,
      [](ModuleState& m, Request& r) -> Result<> { return Do(self(m), static_cast<Wanted&>(r)); },
      absent};
}

constexpr RequestRecord requests[] = {
    request<ListAddresses6,
            [](Inet6& inet, ListAddresses6& r) -> Result<> {
              inet.list_addresses(r);
              return {};
            }>(),
    request<AddAddress6, [](Inet6& inet, AddAddress6& r) { return inet.add_address(r); }>(),
    request<DeleteAddress6,
            [](Inet6& inet, DeleteAddress6& r) { return inet.delete_address(r); }>(),
    request<ListNdInterfaces,
            [](Inet6& inet, ListNdInterfaces& r) -> Result<> {
              inet.list_links(r);
              return {};
            }>(),
    request<SetNdFlags, [](Inet6& inet, SetNdFlags& r) { return inet.set_nd_flags(r); }>(),
    request<ListNeighbours6,
            [](Inet6& inet, ListNeighbours6& r) -> Result<> {
              r.entries = inet.neighbours().entries();
              return {};
            }>(),
    request<SetNeighbour6,
            [](Inet6& inet, SetNeighbour6& r) { return inet.neighbours().set(r); }>(),
    request<DeleteNeighbour6,
            [](Inet6& inet, DeleteNeighbour6& r) { return inet.neighbours().remove(r); }>(),
    request<ListRouters6,
            [](Inet6& inet, ListRouters6& r) -> Result<> {
              inet.routers().list(r);
              return {};
            }>(),
    request<ListPrefixes6,
            [](Inet6& inet, ListPrefixes6& r) -> Result<> {
              inet.routers().list(r);
              return {};
            }>(),
    request<FlushDiscovered6,
            [](Inet6& inet, FlushDiscovered6& r) -> Result<> {
              if (r.routers) inet.routers().flush_routers();
              if (r.prefixes) inet.routers().flush_prefixes();
              return {};
            }>(),
    request<OrderDestinations,
            [](Inet6& inet, OrderDestinations& r) -> Result<> {
              inet.order_destinations(r);
              return {};
            }>(),
    request<DefaultInterface6,
            [](Inet6& inet, DefaultInterface6& r) { return inet.default_interface(r); }>(),
    request<ListPolicies6,
            [](Inet6& inet, ListPolicies6& r) -> Result<> {
              r.policies = inet.policy().entries();
              return {};
            }>(),
    request<AddPolicy6, [](Inet6& inet, AddPolicy6& r) { return inet.policy().add(r.policy); }>(),
    request<DeletePolicy6,
            [](Inet6& inet, DeletePolicy6& r) -> Result<> {
              if (r.prefix) return inet.policy().remove(*r.prefix);
              inet.policy().flush();
              return {};
            }>(),
    request<ListMulticastRoutes6,
            [](Inet6& inet, ListMulticastRoutes6& r) -> Result<> {
              r.list = inet.multicast_routes();
              return {};
            }>(),
    request<ListGroups6,
            [](Inet6& inet, ListGroups6& r) -> Result<> {
              r.groups = inet.mld().groups();
              return {};
            }>(),
};

constexpr uint16_t ether_types[] = {ether_type::ipv6};

}  // namespace

constexpr ModuleRecord inet6_module{.name = "inet6",
                                    .summary = "IPv6, ICMPv6, neighbour discovery, MLD",
                                    .needs = {"net", "ip"},
                                    .create = [](Vnet& v) -> std::unique_ptr<ModuleState> {
                                      return std::make_unique<Inet6>(v, defaults);
                                    },
                                    .settings = &defaults,
                                    .ether_types = ether_types,
                                    .sysctls = sysctls,
                                    .counters = counters,
                                    .tables = tables6,
                                    .requests = requests};

}  // namespace stackyard
