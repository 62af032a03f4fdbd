// userland/net/netstat_groups.cpp - netstat -g: multicast routing's interfaces and flows.
#include "core/base/text.h"
#include "stack/ip/api/mroute.h"
#include "userland/net/netstat_fields.h"

namespace stackyard {

namespace {

std::string inet_tables(const MulticastRoutesInfo& list) {
  std::string out;
  if (list.interfaces.empty()) out += "\nIPv4 Virtual Interface Table is empty\n";
  if (!list.interfaces.empty())
    out +=
        "\nIPv4 Virtual Interface Table\n"
        " Vif   Thresh   Local-Address   Remote-Address    Pkts-In   Pkts-Out\n";
  for (const MulticastInterfaceInfo& i : list.interfaces)
    out += text(" {:>2}    {:>6}   {:<15} {:<15}  {:>9}  {:>9}\n", i.number, i.threshold,
                to_text(i.local), "", i.packets_in, i.packets_out);
  if (list.routes.empty()) return out + "\nIPv4 Multicast Forwarding Table is empty\n";
  out +=
      "\nIPv4 Multicast Forwarding Table\n"
      " Origin          Group             Packets In-Vif  Out-Vifs:Ttls\n";
  for (const MulticastRouteInfo& r : list.routes) {
    out += text(" {:<15} {:<15} {:>9}   {:>3}   ", to_text(r.source), to_text(r.group), r.packets,
                r.parent);
    for (const auto& [number, ttl] : r.out) out += text(" {}:{}", number, ttl);
    out += "\n";
  }
  return out;
}

std::string inet6_tables(const MulticastRoutesInfo& list) {
  std::string out;
  if (list.interfaces.empty()) out += "\nIPv6 Multicast Interface Table is empty\n";
  if (!list.interfaces.empty())
    out +=
        "\nIPv6 Multicast Interface Table\n"
        " Mif   Rate   PhyIF   Pkts-In   Pkts-Out\n";
  for (const MulticastInterfaceInfo& i : list.interfaces)
    out += text("  {:>2}   {:>4}   {:<5} {:>9}  {:>9}\n", i.number, 0, i.interface, i.packets_in,
                i.packets_out);
  if (list.routes.empty()) return out + "\nIPv6 Multicast Forwarding Cache is empty\n";
  out += text("\nIPv6 Multicast Forwarding Cache\n {:<23} {:<23} {}\n", "Origin", "Group",
              " Packets Waits In-Mif  Out-Mifs");
  for (const MulticastRouteInfo& r : list.routes) {
    out += text(" {:<23} {:<23} {:>9}   {:>3}     {:>2}     ", to_text(r.source), to_text(r.group),
                r.packets, r.waiting, r.parent);
    for (const auto& [number, ttl] : r.out) out += text(" {}", number);
    out += "\n";
  }
  return out;
}

}  // namespace

Task<int> show_multicast_routes(Sys& sys, bool inet, bool inet6) {
  ListMulticastRoutes4 v4;
  (void)sys.request(v4);
  ListMulticastRoutes6 v6;
  (void)sys.request(v6);
  std::string out;
  if (inet) out += inet_tables(v4.list);
  if (inet6) out += inet6_tables(v6.list);
  co_await sys.print(out + "\n");
  co_return 0;
}

}  // namespace stackyard
