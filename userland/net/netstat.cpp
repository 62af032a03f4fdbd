// userland/net/netstat.cpp - netstat(1): routes, interfaces, sockets, statistics.
#include <algorithm>

#include "core/base/text.h"
#include "stack/inet/api/inet_requests.h"
#include "stack/net/api/interface_requests.h"
#include "stack/net/route_table.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

std::string destination_text(const RouteInfo& r) {
  if (r.dest.length == 0) return "default";
  return r.flags & route_flag::host ? to_text(r.dest.address) : to_text(r.dest);
}

Task<int> routes(Sys& sys, const Options& options) {
  ListRoutes list;
  list.fib = int(parse_int(options.value('F', text("{}", sys.fib()))).value_or(0));
  if (!sys.request(list)) co_return 1;
  std::string out = list.fib ? text("Routing tables (fib: {})\n", list.fib) : "Routing tables\n";
  out += "\nInternet:\n";
  const bool wide = options.has('W');
  out += text("{:<18} {:<18} {:<8}", "Destination", "Gateway", "Flags");
  if (wide) out += text(" {:>8} {:>6}", "Use", "Mtu");
  out += text(" {:>8} {:>6}\n", "Netif", "Expire");
  for (const RouteInfo& r : list.routes) {
    const std::string gateway =
        r.flags & route_flag::gateway ? to_text(r.gateway) : text("link#{}", r.link_index);
    out += text("{:<18} {:<18} {:<8}", destination_text(r), gateway, route_flag_letters(r.flags));
    if (wide) out += text(" {:>8} {:>6}", r.uses, r.mtu);
    out += text(" {:>8}", r.interface);
    if (r.expires > SimTime()) out += text(" {:>6}", r.expires.s());
    out += "\n";
  }
  co_await sys.print(out);
  co_return 0;
}

std::string interface_line(const InterfaceInfo& i, const std::string& network,
                           const std::string& address, const Options& options, bool errors) {
  const InterfaceCounters& c = i.counters;
  const auto number = [&](uint64_t n) { return errors ? text("{}", n) : std::string("-"); };
  std::string line =
      text("{:<7} {:>5} {:<13} {:<17} {:>9} {:>5} {:>5}", i.name, errors ? text("{}", i.mtu) : "-",
           network, address, c.packets_in, number(c.errors_in), number(c.drops_in));
  if (options.has('b')) line += text(" {:>10}", c.octets_in);
  line += text(" {:>9} {:>5}", c.packets_out, number(c.errors_out));
  if (options.has('b')) line += text(" {:>10}", c.octets_out);
  line += text(" {:>5}", errors ? "0" : "-");
  if (options.has('d')) line += text(" {:>5}", c.drops_out);
  return line + "\n";
}

Task<int> interfaces(Sys& sys, const Options& options) {
  ListInterfaces list;
  ListAddresses addresses;
  if (!sys.request(list) || !sys.request(addresses)) co_return 1;
  std::string out = text("{:<7} {:>5} {:<13} {:<17} {:>9} {:>5} {:>5}", "Name", "Mtu", "Network",
                         "Address", "Ipkts", "Ierrs", "Idrop");
  if (options.has('b')) out += text(" {:>10}", "Ibytes");
  out += text(" {:>9} {:>5}", "Opkts", "Oerrs");
  if (options.has('b')) out += text(" {:>10}", "Obytes");
  out += text(" {:>5}", "Coll");
  if (options.has('d')) out += text(" {:>5}", "Drop");
  out += "\n";
  for (const InterfaceInfo& i : list.interfaces) {
    if (options.has('I') && i.name != options.value('I')) continue;
    out += interface_line(i, text("<Link#{}>", i.index), i.mac ? to_text(*i.mac) : i.name, options,
                          true);
    for (const InterfaceAddress& a : addresses.addresses)
      if (a.interface == i.name)
        out += interface_line(i, to_text(a.address.canonical()), to_text(a.address.address),
                              options, false);
  }
  co_await sys.print(out);
  co_return 0;
}

Task<int> statistics(Sys& sys, const Options& options) {
  const std::string only = options.value('p');
  std::string out, group;
  for (const CounterLine& line : sys.counters()) {
    if (!only.empty() && only != line.group) continue;
    if (options.count('s') > 1 && line.value == 0) continue;  // -ss: what is not zero
    // Histogram lines stand only for types that were seen, as FreeBSD prints them.
    if (line.text[0] == '\t' && line.value == 0) continue;
    if (group != line.group) {
      group = line.group;
      out += group + ":\n";
    }
    out += "\t" + to_text(line) + "\n";
  }
  if (!only.empty() && out.empty() && options.count('s') == 1) {
    co_await sys.complain(text("{}: unknown or uninstrumented protocol", only));
    co_return 1;
  }
  co_await sys.print(out);
  co_return 0;
}

std::string socket_address(const SockAddr& a) {
  const std::string address = a.address.is_any() ? "*" : to_text(a.address);
  return text("{}.{}", address, a.port ? text("{}", a.port) : "*");
}

Task<int> sockets(Sys& sys, const Options& options) {
  std::string out = "Active Internet connections";
  if (options.has('a')) out += " (including servers)";
  out += text("\n{:<5} {:>6} {:>6}  {:<22} {:<22} {:<11}\n", "Proto", "Recv-Q", "Send-Q",
              "Local Address", "Foreign Address", "(state)");
  for (const SocketInfo& s : sys.sockets()) {
    if (!options.has('a') && s.foreign.port == 0) continue;
    out += text("{:<5} {:>6} {:>6}  {:<22} {:<22} \n", s.protocol, s.receive_queue, s.send_queue,
                socket_address(s.local), socket_address(s.foreign));
  }
  co_await sys.print(out);
  co_return 0;
}

Task<int> netstat(Sys& sys, Args args) {
  const Options options(args, "4abdF:f:I:inp:rsWw:");
  if (!options.error().empty() || !options.rest().empty())
    co_return co_await bad_usage(sys, netstat_command, options.error(), 1);
  if (options.has('f') && options.value('f') != "inet") {
    co_await sys.complain(text("{}: unknown address family", options.value('f')));
    co_return 1;
  }
  if (options.has('r')) co_return co_await routes(sys, options);
  if (options.has('s') || options.has('p')) co_return co_await statistics(sys, options);
  if (options.has('i') || options.has('I')) co_return co_await interfaces(sys, options);
  co_return co_await sockets(sys, options);
}

}  // namespace

const Command netstat_command{.name = "netstat",
                              .synopsis =
                                  "netstat [-4an] [-f inet]\n"
                                  "netstat -i | -I interface [-bdn]\n"
                                  "netstat -s [-s] [-p protocol]\n"
                                  "netstat -r [-nW] [-F fibnum]",
                              .run = netstat};

}  // namespace stackyard
