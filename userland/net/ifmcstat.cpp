// userland/net/ifmcstat.cpp - ifmcstat(8): the groups of each interface, and what is heard of them.
#include "core/base/text.h"
#include "core/wire/link/ethernet.h"
#include "stack/inet/api/inet_requests.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/net/api/interface_requests.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

struct Shown {
  bool inet = true, inet6 = true, sources = false;
};

template <class Info>
std::string filter_lines(const Info& g, const MacAddress& mac, const Shown& how) {
  std::string out = text(" mode {}\n", g.include ? "include" : "exclude");
  if (how.sources)
    for (const auto& s : g.sources)
      out += text("\t\t\tsource {} mode {}\n", to_text(s), g.include ? "include" : "exclude");
  return out + text("\t\t\tmcast-macaddr {}\n", to_text(mac));
}

std::string inet_part(Sys& sys, const InterfaceInfo& i, const Shown& how) {
  ListGroups list;
  (void)sys.request(list);
  ListAddresses addresses;
  (void)sys.request(addresses);
  std::string out;
  for (const GroupInfo& g : list.groups) {
    if (g.interface != i.name) continue;
    if (out.empty()) {
      for (const InterfaceAddress& a : addresses.addresses)
        if (out.empty() && a.interface == i.name)
          out = text("\tinet {}\n", to_text(a.address.address));
      out += text("\tigmpv{} rv 2 qi 125 qri 10 uri 3\n", g.version);
    }
    out += text("\t\tgroup {}", to_text(g.group)) + filter_lines(g, ethernet_group(g.group), how);
  }
  return out;
}

std::string inet6_part(Sys& sys, const InterfaceInfo& i, const Shown& how) {
  ListGroups6 list;
  (void)sys.request(list);
  ListAddresses6 addresses;
  (void)sys.request(addresses);
  std::string out;
  for (const GroupInfo6& g : list.groups) {
    if (g.interface != i.name) continue;
    if (out.empty()) {
      for (const InterfaceAddress6& a : addresses.addresses)
        if (out.empty() && a.interface == i.name && a.address.address.is_link_local())
          out = text("\tinet6 {}%{} scopeid 0x{:x}\n", to_text(a.address.address), i.name, i.index);
      out += text("\tmldv{} flags=2<USEALLOW> rv 2 qi 125 qri 10 uri 3\n", g.version);
    }
    const std::string zone = g.group.has_zone() ? "%" + i.name : "";
    out += text("\t\tgroup {}{} scopeid 0x{:x}", to_text(g.group), zone, i.index) +
           filter_lines(g, ethernet_group(g.group), how);
  }
  return out;
}

Task<int> ifmcstat(Sys& sys, Args args) {
  const Options options(args, "i:f:vKM:N:");
  const std::string family = options.value('f');
  const bool known = family.empty() || family == "inet" || family == "inet6" || family == "link";
  if (!options.error().empty() || !options.rest().empty() || !known)
    co_return co_await bad_usage(sys, ifmcstat_command, options.error(), 64);
  Shown how;
  how.inet = family.empty() || family == "inet";
  how.inet6 = family.empty() || family == "inet6";
  how.sources = options.has('v');
  const std::string only = options.value('i');
  ListInterfaces list;
  (void)sys.request(list);
  bool found = only.empty();
  for (const InterfaceInfo& i : list.interfaces) {
    if (!only.empty() && i.name != only) continue;
    found = true;
    std::string out;
    if (how.inet) out += inet_part(sys, i, how);
    if (how.inet6) out += inet6_part(sys, i, how);
    if (!out.empty()) co_await sys.print(i.name + ":\n" + out);
  }
  if (found) co_return 0;
  co_await sys.complain(text("{}: Device not configured", only));
  co_return 71;
}

}  // namespace

const Command ifmcstat_command{.name = "ifmcstat",
                               .synopsis = "ifmcstat [-i interface] [-f address-family] [-v]",
                               .run = ifmcstat};

}  // namespace stackyard
