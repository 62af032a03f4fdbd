// userland/net/netstat_routes.cpp - netstat(1)'s -r, -o and -O: routes, next hops, their groups.
#include <map>

#include "core/base/text.h"
#include "stack/net/api/route_requests.h"
#include "userland/net/netstat_report.h"

namespace stackyard {

namespace {

// A route of either family, as it is printed.
struct RouteLine {
  std::string dest, gateway, interface;
  uint32_t flags, mtu, path;
  uint64_t uses;
  SimTime expires;
};

std::string zoned(const IpAddress& address, const std::string& zone) {
  return zone.empty() ? to_text(address) : to_text(address) + "%" + zone;
}

RouteLine line_of(const RouteInfo& r) {
  RouteLine line{zoned(r.dest.address, r.dest_zone),
                 {},
                 r.interface,
                 r.flags,
                 r.mtu,
                 r.path + 1,
                 r.uses,
                 r.expires};
  if (r.dest.length == 0)
    line.dest = "default";
  else if (!(r.flags & route_flag::host))
    line.dest += text("/{}", r.dest.length);
  line.gateway = r.flags & route_flag::gateway ? zoned(r.gateway, r.gateway_zone)
                                               : text("link#{}", r.link_index);
  return line;
}

struct FlagName {
  uint32_t flag;
  const char* name;
};
constexpr FlagName flag_names[] = {
    {route_flag::up, "up"},           {route_flag::gateway, "gateway"},
    {route_flag::host, "host"},       {route_flag::reject, "reject"},
    {route_flag::dynamic, "dynamic"}, {route_flag::modified, "modified"},
    {route_flag::static_, "static"},  {route_flag::proto1, "proto1"},
    {route_flag::proto2, "proto2"},   {route_flag::blackhole, "blackhole"}};

void route_in_json(Xo& xo, const RouteLine& r, bool wide) {
  xo.open_instance();
  xo.field("destination", r.dest);
  xo.field("gateway", r.gateway);
  xo.field("flags", route_flag_letters(r.flags));
  xo.open_list("flags_pretty");
  for (const FlagName& f : flag_names)
    if (r.flags & f.flag) xo.leaf(f.name);
  xo.close();
  if (wide) {
    xo.field("use", int64_t(r.uses));
    xo.field("nhop", int64_t(r.path));
    xo.field("mtu", int64_t(r.mtu));
  }
  xo.field("interface-name", r.interface);
  if (r.expires > SimTime()) xo.field("expire-time", r.expires.s());
  xo.close();
}

int fib_of(Sys& sys, const Options& options) {
  return int(parse_int(options.value('F', text("{}", sys.fib()))).value_or(-1));
}

// One family's part of the table; its columns are as wide as FreeBSD has them for the family.
void route_family(Report& report, IpFamily family, const std::vector<RouteLine>& lines, bool wide) {
  const bool v4 = family == IpFamily::v4;
  const size_t width = v4 ? 18 : 33;
  std::string& out = report.words;
  out += text("\n{}:\n{:<{}} {:<{}} {:<8}", v4 ? "Internet" : "Internet6", "Destination", width,
              "Gateway", v4 ? 18 : 29, "Flags");
  if (wide) out += text(" {:>6} {:>6}", "Nhop#", "Mtu");
  out += text(" {:>8} {:>6}\n", "Netif", "Expire");
  if (report.xo) {
    report.xo->open_instance();
    report.xo->field("address-family", v4 ? "Internet" : "Internet6");
    report.xo->open_list("rt-entry");
  }
  for (const RouteLine& r : lines) {
    if (report.xo) route_in_json(*report.xo, r, wide);
    out += text("{:<{}} {:<{}} {:<8}", r.dest, width, r.gateway, v4 ? 18 : 29,
                route_flag_letters(r.flags));
    if (wide) out += text(" {:>6} {:>6}", r.path, r.mtu);
    out += text(" {:>8}", r.interface);
    if (r.expires > SimTime()) out += text(" {:>6}", r.expires.s());
    out += "\n";
  }
  if (report.xo) {
    report.xo->close();
    report.xo->close();
  }
}

}  // namespace

Task<int> netstat_routes(Sys& sys, const Options& options, Report report) {
  ListRoutes list, list6;
  list6.family = IpFamily::v6;
  list.fib = list6.fib = fib_of(sys, options);
  if (!sys.request(list)) {
    co_await sys.complain("invalid fib");
    co_return 1;
  }
  (void)sys.request(list6);
  const bool wide = options.has('W');
  report.words = list.fib ? text("Routing tables (fib: {})\n", list.fib) : "Routing tables\n";
  if (report.xo) {
    report.xo->open_container("route-information");
    if (list.fib) report.xo->field("fib", int64_t(list.fib));
    report.xo->open_container("route-table");
    report.xo->open_list("rt-family");
  }
  const std::string family = options.value('f');
  const bool only4 = family == "inet" || options.has('4');
  const bool only6 = family == "inet6" || options.has('6');
  std::vector<RouteLine> lines, lines6;
  for (const RouteInfo& r : list.routes) lines.push_back(line_of(r));
  for (const RouteInfo& r : list6.routes) lines6.push_back(line_of(r));
  if (!only6 || only4) route_family(report, IpFamily::v4, lines, wide);
  if (only6 || (!only4 && !lines6.empty())) route_family(report, IpFamily::v6, lines6, wide);
  co_await sys.print(report.finish());
  co_return 0;
}

namespace {

constexpr IpFamily families[] = {IpFamily::v4, IpFamily::v6};
std::string family_title(IpFamily family) {
  return family == IpFamily::v4 ? "\nInternet:\n" : "\nInternet6:\n";
}

}  // namespace

Task<int> netstat_nexthops(Sys& sys, const Options& options) {
  std::string out = "Nexthop data\n";
  for (const IpFamily family : families) {
    ListRoutes list;
    list.family = family;
    list.fib = fib_of(sys, options);
    if (!sys.request(list)) continue;
    std::map<uint32_t, std::pair<const RouteInfo*, int>> hops;  // with how many prefixes use them
    for (const RouteInfo& r : list.routes) {
      auto& [route, uses] = hops[r.path];
      route = &r;
      ++uses;
    }
    if (hops.empty()) continue;
    out += family_title(family) + text("{:<6} {:<12} {:<26} {:<8} {:>8} {:>6} {:>8} {:>6}\n", "Idx",
                                       "Type", "Gateway", "Flags", "Use", "Mtu", "Netif", "Refcnt");
    for (const auto& [number, hop] : hops) {
      const RouteInfo& r = *hop.first;
      const bool gateway = r.flags & route_flag::gateway;
      out += text("{:<6} {:<12} {:<26} {:<8} {:>8} {:>6} {:>8} {:>6}\n", number + 1,
                  text("{}/{}", family == IpFamily::v4 ? "v4" : "v6", gateway ? "gw" : "resolve"),
                  gateway ? zoned(r.gateway, r.gateway_zone) : r.interface + "/resolve",
                  route_flag_letters(r.flags & ~route_flag::up), r.uses, r.mtu, r.interface,
                  hop.second);
    }
  }
  co_await sys.print(out);
  co_return 0;
}

Task<int> netstat_nexthop_groups(Sys& sys, const Options& options) {
  std::string out = "Nexthop groups data\n";
  for (const IpFamily family : families) {
    ListPathGroups list;
    list.family = family;
    list.fib = fib_of(sys, options);
    if (!sys.request(list) || list.groups.empty()) continue;
    out += family_title(family) + text("{:<8} {:>7} {:>7} {:>7} {:>26} {:>8} {:>7}\n", "GrpIdx",
                                       "NhIdx", "Weight", "Slots", "Gateway", "Netif", "Refcnt");
    for (const PathGroupInfo& group : list.groups) {
      out += text("{:<8} ------- ------- ------- {:->26} {:->8} {:>7}\n", group.number, "", "",
                  group.uses);
      for (const PathGroupInfo::Path& path : group.paths)
        out += text("{:<8} {:>7} {:>7} {:>7} {:>26} {:>8}\n", "", path.number + 1, path.weight,
                    path.slots, path.gateway, path.interface);
    }
  }
  co_await sys.print(out);
  co_return 0;
}

}  // namespace stackyard
