// userland/net/route_text.cpp - routing messages in route(8)'s words.
#include "core/base/text.h"
#include "stack/net/api/interface_requests.h"
#include "userland/lib/options.h"
#include "userland/net/route.h"

namespace stackyard {

namespace {

struct Name {
  unsigned bit;
  const char* name;
};
constexpr Name route_flags[] = {
    {0, "UP"},         {1, "GATEWAY"}, {2, "HOST"},       {3, "REJECT"},     {4, "DYNAMIC"},
    {5, "MODIFIED"},   {6, "DONE"},    {9, "XRESOLVE"},   {10, "LLINFO"},    {11, "STATIC"},
    {12, "BLACKHOLE"}, {14, "PROTO2"}, {15, "PROTO1"},    {18, "PROTO3"},    {19, "FIXEDMTU"},
    {20, "PINNED"},    {21, "LOCAL"},  {22, "BROADCAST"}, {23, "MULTICAST"}, {28, "STICKY"}};
constexpr Name interface_flags[] = {
    {0, "UP"},       {1, "BROADCAST"}, {2, "DEBUG"},    {3, "LOOPBACK"},
    {4, "PTP"},      {5, "b6"},        {6, "RUNNING"},  {7, "NOARP"},
    {8, "PPROMISC"}, {9, "ALLMULTI"},  {10, "OACTIVE"}, {11, "SIMPLEX"},
    {12, "LINK0"},   {13, "LINK1"},    {14, "LINK2"},   {15, "MULTICAST"}};
constexpr Name metrics[] = {{8, "weight"},   {7, "rttvar"},   {6, "rtt"},    {5, "ssthresh"},
                            {4, "sendpipe"}, {3, "recvpipe"}, {2, "expire"}, {0, "mtu"}};
constexpr Name addresses[] = {{0, "DST"}, {1, "GATEWAY"}, {2, "NETMASK"}, {3, "GENMASK"},
                              {4, "IFP"}, {5, "IFA"},     {6, "AUTHOR"},  {7, "BRD"}};
constexpr const char* types[] = {"",
                                 "RTM_ADD: Add Route",
                                 "RTM_DELETE: Delete Route",
                                 "RTM_CHANGE: Change Metrics or flags",
                                 "RTM_GET: Report Metrics",
                                 "RTM_LOSING: Kernel Suspects Partitioning",
                                 "RTM_REDIRECT: Told to use different route",
                                 "RTM_MISS: Lookup failed on this address",
                                 "RTM_LOCK: fix specified metrics",
                                 "RTM_OLDADD: caused by SIOCADDRT",
                                 "RTM_OLDDEL: caused by SIOCDELRT",
                                 "RTM_RESOLVE: Route created by cloning",
                                 "RTM_NEWADDR: address being added to iface",
                                 "RTM_DELADDR: address being removed from iface",
                                 "RTM_IFINFO: iface status change",
                                 "RTM_NEWMADDR: new multicast group membership on iface",
                                 "RTM_DELMADDR: multicast group membership removed from iface",
                                 "RTM_IFANNOUNCE: interface arrival/departure"};

// "<UP,GATEWAY>", or nothing.
template <size_t N>
std::string bits_text(uint64_t bits, const Name (&names)[N]) {
  std::vector<std::string> set;
  for (const Name& n : names)
    if (bits >> n.bit & 1) set.push_back(n.name);
  return set.empty() ? "" : "<" + join(set, ",") + ">";
}

std::string addresses_text(Sys& sys, const RouteMode& mode, Bytes octets, uint32_t addrs) {
  if (addrs == 0) return "\n";
  std::string out = "\nsockaddrs: " + bits_text(addrs, addresses) + "\n";
  RtSockaddrs all;
  if (!all.parse(octets, addrs)) return out;
  for (unsigned i = 0; i < rta_max; ++i)
    if (const auto& address = all[RtAddress(i)]) out += " " + route_name(sys, mode, *address);
  return out + "\n";
}

template <class Header>
std::string behind(Sys& sys, const RouteMode& mode, Bytes message, uint32_t addrs) {
  return addresses_text(sys, mode, message.subspan(sizeof(Header)), addrs);
}

// Whole headers only: a program may get a message that was cut.
template <class Header>
bool whole(Bytes message) {
  return message.size() >= sizeof(Header);
}

std::string interface_text(Sys& sys, const RouteMode& mode, Bytes message) {
  const auto m = load<IfMsghdr>(message);
  const char* state = m.data.link_state == link_state::down ? "down"
                      : m.data.link_state == link_state::up ? "up"
                                                            : "unknown";
  return text("if# {}, link: {}, flags:{}", m.index, state, bits_text(m.flags, interface_flags)) +
         behind<IfMsghdr>(sys, mode, message, m.addrs);
}

std::string announce_text(Bytes message) {
  const auto m = load<IfAnnounceMsghdr>(message);
  return text("if# {}, what: {}\n", m.index,
              m.what == ifan_arrival     ? "arrival"
              : m.what == ifan_departure ? "departure"
                                         : "?");
}

}  // namespace

std::string route_name(Sys& sys, const RouteMode& mode, const RtSockaddr& address) {
  if (address.link) return to_text(*address.link);
  if (!address.ip || address.ip->is_any()) return "default";
  const std::string name =
      mode.numeric ? to_text(*address.ip) : host_name(sys, mode.hosts, *address.ip);
  if (address.scope == 0) return name;
  InterfaceIndex zone;
  zone.index = address.scope;
  return name + "%" + (sys.request(zone) ? zone.name : text("{}", address.scope));
}

std::string dump_text(Sys& sys, const RouteMode& mode, const RtSockaddrs& addresses) {
  std::string out;
  for (unsigned i = 0; i < rta_max; ++i) {
    const auto& address = addresses[RtAddress(i)];
    if (!address) continue;
    const char* family = address->link                         ? "link"
                         : address->ip && address->ip->is_v6() ? "inet6"
                                                               : "inet";
    RouteMode numeric = mode;
    numeric.numeric = true;
    out += text("u: {} {}; ", family, route_name(sys, numeric, *address));
  }
  return out;
}

std::string message_text(Sys& sys, const RouteMode& mode, Bytes message) {
  if (message.size() < 4) return "";
  const uint8_t type = message[3];
  if (message[2] != rtm_version)
    return text("routing message version {} not understood\n", message[2]);
  std::string out =
      type < std::size(types) ? text("{}: ", types[type]) : text("unknown type {}: ", type);
  out += text("len {}, ", load<uint16_t>(message));
  switch (RtmType{type}) {
    case RtmType::interface_info:
      if (whole<IfMsghdr>(message)) out += interface_text(sys, mode, message);
      return out;
    case RtmType::new_address:
    case RtmType::delete_address: {
      if (!whole<IfaMsghdr>(message)) return out;
      const auto m = load<IfaMsghdr>(message);
      return out + text("metric {}, flags:{}", m.metric, bits_text(m.flags, route_flags)) +
             behind<IfaMsghdr>(sys, mode, message, m.addrs);
    }
    case RtmType::new_group:
    case RtmType::delete_group:
      if (!whole<IfmaMsghdr>(message)) return out;
      return out + behind<IfmaMsghdr>(sys, mode, message, load<IfmaMsghdr>(message).addrs);
    case RtmType::interface_announce:
      if (whole<IfAnnounceMsghdr>(message)) out += announce_text(message);
      return out;
    default:
      break;
  }
  if (!whole<RtMsghdr>(message)) return out;
  const auto m = load<RtMsghdr>(message);
  return out +
         text("pid: {}, seq {}, errno {}, flags:{}\nlocks: {} inits: {}", m.pid, m.seq, m.error,
              bits_text(m.flags, route_flags), bits_text(m.metrics.locks, metrics),
              bits_text(m.inits, metrics)) +
         behind<RtMsghdr>(sys, mode, message, m.addrs);
}

std::string route_block(Sys& sys, const RouteMode& mode, const RouteWords& asked, int fib,
                        Bytes message) {
  const auto m = load<RtMsghdr>(message);
  RtSockaddrs all;
  (void)all.parse(message.subspan(sizeof m), m.addrs);
  const auto name = [&](RtAddress which) { return route_name(sys, mode, *all[which]); };
  std::string out = text("   route to: {}\n", route_name(sys, mode, *asked.addresses[rta_dst]));
  if (all.has(rta_dst)) out += text("destination: {}\n", name(rta_dst));
  if (all.has(rta_netmask)) out += text("       mask: {}\n", name(rta_netmask));
  if (all.has(rta_gateway) && m.flags & route_flag::gateway)
    out += text("    gateway: {}\n", name(rta_gateway));
  out += text("        fib: {}\n", fib);
  if (all.has(rta_ifp)) out += text("  interface: {}\n", all[rta_ifp]->link->name);
  out += text("      flags: {}\n", bits_text(m.flags, route_flags));
  out += " recvpipe  sendpipe  ssthresh  rtt,msec    mtu        weight    expire\n";
  const RtMetrics& x = m.metrics;
  const auto column = [&](uint64_t value, uint64_t lock) {
    return text("{:>8}{} ", value, x.locks & lock ? 'L' : ' ');
  };
  out += column(x.recvpipe, rtv::recvpipe) + column(x.sendpipe, rtv::sendpipe) +
         column(x.ssthresh, rtv::ssthresh) + column((x.rtt + 500) / 1000, rtv::rtt) +
         column(x.mtu, rtv::mtu) + column(x.weight, rtv::weight);
  const int64_t expire = x.expire ? int64_t(x.expire) - sys.now().s() : 0;
  out += text("{:>8}{}\n", expire, x.locks & rtv::expire ? 'L' : ' ');
  if (mode.verbose)
    out += text("\nlocks: {} inits: {}", bits_text(x.locks, metrics), bits_text(m.inits, metrics)) +
           behind<RtMsghdr>(sys, mode, message, m.addrs);
  return out;
}

}  // namespace stackyard
