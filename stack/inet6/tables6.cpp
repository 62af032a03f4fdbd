#include "stack/inet6/tables6.h"

#include <array>

#include "core/base/text.h"
#include "stack/inet6/inet6.h"

namespace stackyard {

namespace {

const Inet6& self(const ModuleState& state) { return static_cast<const Inet6&>(state); }

std::string zoned(const Ipv6Address& address, const std::string& zone) {
  return zone.empty() ? to_text(address) : to_text(address) + "%" + zone;
}

Table addresses_table(const ModuleState* state) {
  Table table{{{"interface", "Interface"},
               {"address", "Address"},
               {"family", "Family"},
               {"broadcast", "Broadcast"},
               {"flags", "Flags"}},
              {}};
  if (!state) return table;
  ListAddresses6 list;
  self(*state).list_addresses(list);
  for (const InterfaceAddress6& a : list.addresses) {
    std::string flags;
    const auto flag = [&](uint32_t bit, const char* name) {
      if (a.flags & bit) flags += (flags.empty() ? "" : " ") + std::string(name);
    };
    flag(in6_flag::tentative, "tentative");
    flag(in6_flag::duplicated, "duplicated");
    flag(in6_flag::deprecated, "deprecated");
    flag(in6_flag::autoconf, "autoconf");
    flag(in6_flag::temporary, "temporary");
    flag(in6_flag::detached, "detached");
    flag(in6_flag::anycast, "anycast");
    flag(in6_flag::prefer_source, "prefer_source");
    table.rows.push_back({a.interface, to_text(a.address), std::string("inet6"), Cell(), flags});
  }
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
    list.family = IpFamily::v6;
    list.fib = fib;
    self(*state).list_routes(list);
    for (const RouteInfo& r : list.routes) {
      std::string dest = zoned(r.dest.address.v6(), r.dest_zone);
      if (r.dest.length == 0)
        dest = "default";
      else if (r.dest.length < 128)
        dest += text("/{}", r.dest.length);
      const std::string gateway = r.flags & route_flag::gateway
                                      ? zoned(r.gateway.v6(), r.gateway_zone)
                                      : text("link#{}", r.link_index);
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
  constexpr std::array<const char*, 6> names{"incomplete", "reachable", "stale",
                                             "delay",      "probe",     "unreachable"};
  for (const NeighbourInfo6& e : self(*state).neighbours().entries())
    table.rows.push_back({to_text(e.address), e.mac ? Cell(to_text(*e.mac)) : Cell(), e.interface,
                          std::string(e.permanent ? "permanent" : names[size_t(e.state)]),
                          e.permanent ? Cell() : Cell(e.expires_s * 1'000'000'000)});
  return table;
}

Table groups_table(const ModuleState* state) {
  Table table{{{"netif", "Netif"}, {"group", "Group"}}, {}};
  if (!state) return table;
  for (const GroupInfo6& g : self(*state).mld().groups())
    table.rows.push_back({g.interface, to_text(g.group)});
  return table;
}

}  // namespace

// The names are IPv4's: who asks for a table gets both families' rows.
constexpr TableRecord tables6[4] = {{"addresses", addresses_table},
                                    {"routes", routes_table},
                                    {"neighbours", neighbours_table},
                                    {"groups", groups_table}};

}  // namespace stackyard
