// userland/net/route.cpp - route(8): its words, and routes of IPv4.
#include "userland/net/route.h"

#include "core/base/text.h"
#include "stack/inet/api/inet_requests.h"
#include "stack/net/route_table.h"
#include "userland/commands.h"
#include "userland/lib/exec.h"
#include "userland/lib/options.h"

namespace stackyard {

std::string said(const RouteWords& r, const std::string& gateway) {
  return text("{} {} {}: gateway {}", r.command == "delete" ? "delete" : r.command,
              r.host ? "host" : "net", r.operands[0], gateway);
}

std::string flag_words(uint32_t flags) {
  struct Word {
    uint32_t flag;
    const char* name;
  };
  constexpr Word words[] = {{route_flag::up, "UP"},           {route_flag::gateway, "GATEWAY"},
                            {route_flag::host, "HOST"},       {route_flag::reject, "REJECT"},
                            {route_flag::dynamic, "DYNAMIC"}, {route_flag::modified, "MODIFIED"},
                            {route_flag::static_, "STATIC"},  {route_flag::proto1, "PROTO1"},
                            {route_flag::proto2, "PROTO2"},   {route_flag::blackhole, "BLACKHOLE"},
                            {route_flag::pinned, "PINNED"}};
  std::vector<std::string> set;
  for (const Word& w : words)
    if (flags & w.flag) set.push_back(w.name);
  return "<" + join(set, ",") + ">";
}

namespace {

// Flags may stand before and after the command word, modifiers anywhere behind it.
RouteWords parse(const Args& args) {
  RouteWords r;
  for (size_t i = 1; i < args.size(); ++i) {
    const std::string& w = args[i];
    const auto next = [&]() -> std::string { return i + 1 < args.size() ? args[++i] : ""; };
    if (w.size() < 2 || w[0] != '-') {
      if (r.command.empty())
        r.command = w;
      else
        r.operands.push_back(w);
      continue;
    }
    if (w == "-net")
      r.net = true;
    else if (w == "-host")
      r.host = true;
    else if (w == "-iface" || w == "-interface")
      r.interface = true;
    else if (w == "-gateway" || w == "-inet" || w == "-4" || w == "-static" || w == "-t")
      continue;
    else if (w == "-inet6" || w == "-6")
      r.inet6 = true;
    else if (w == "-reject")
      r.flags |= route_flag::reject;
    else if (w == "-blackhole")
      r.flags |= route_flag::blackhole;
    else if (w == "-proto1")
      r.flags |= route_flag::proto1;
    else if (w == "-proto2")
      r.flags |= route_flag::proto2;
    else if (w == "-netmask")
      r.netmask = parse_ipv4(next());
    else if (w == "-prefixlen")
      r.prefix_length = parse_int(next());
    else if (w == "-j" && r.command.empty())
      r.jail = next();
    else if (w == "-mtu")
      r.mtu = parse_int(next()).value_or(0);
    else if (w == "-fib")
      r.fib = parse_int(next()).value_or(0);
    else {
      for (size_t c = 1; c < w.size(); ++c) {
        if (w[c] == 'n')
          r.numeric = true;
        else if (w[c] == 'q')
          r.quiet = true;
        else if (w[c] != 'v')
          r.error = text("bad keyword: {}", w.substr(1));
      }
    }
  }
  for (const std::string& operand : r.operands)
    if (parse_zoned(operand.substr(0, operand.find('/')))) r.inet6 = true;
  return r;
}

// "10.0.0.0/8", "10.0.0.1", "default", "10": what classes and masks make of it.
std::optional<Ipv4Prefix> destination(Sys& sys, RouteWords& r) {
  const std::string& word = r.operands[0];
  if (word == "default") return Ipv4Prefix{{}, 0};
  if (auto prefix = parse_ipv4_prefix(word)) {
    if (prefix->length == 32) r.host = true;
    return prefix;
  }
  const auto address = sys.resolve_ipv4(word);
  if (!address) return std::nullopt;
  if (r.operands.size() > 2 && !r.netmask) r.netmask = parse_ipv4(r.operands[2]);
  if (r.netmask) {
    const auto length = prefix_length_of(*r.netmask);
    if (!length) return std::nullopt;
    return Ipv4Prefix{*address, *length};
  }
  if (r.prefix_length) {
    if (*r.prefix_length < 0 || *r.prefix_length > 32) return std::nullopt;
    return Ipv4Prefix{*address, uint8_t(*r.prefix_length)};
  }
  if (!r.net) {
    r.host = true;
    return Ipv4Prefix{*address, 32};
  }
  return Ipv4Prefix{*address, 24};
}

Task<int> add(Sys& sys, RouteWords r, bool change) {
  if (r.operands.size() < 2) co_return co_await bad_usage(sys, route_command, "");
  AddRoute request;
  request.fib = r.fib >= 0 ? int(r.fib) : sys.fib();
  const auto dest = destination(sys, r);
  if (!dest) {
    co_await sys.complain(text("bad address: {}", r.operands[0]));
    co_return 68;
  }
  request.dest = *dest;
  request.host = r.host;
  request.flags = r.flags;
  request.mtu = uint32_t(r.mtu);
  request.change = change;
  const std::string& gateway = r.operands[1];
  if (r.interface) {
    request.interface = gateway;
  } else {
    request.gateway = sys.resolve_ipv4(gateway);
    if (!request.gateway) {
      co_await sys.complain(text("bad address: {}", gateway));
      co_return 68;
    }
  }
  const auto done = sys.request(request);
  if (done) {
    if (!r.quiet) co_await sys.print(said(r, gateway) + "\n");
    co_return 0;
  }
  std::string why(errno_text(done.error()));
  if (done.error() == Errno::eexist) why = "route already in table";
  if (done.error() == Errno::esrch) why = "not in table";
  if (done.error() == Errno::enetunreach) why = "Network is unreachable";
  co_await sys.print_error(text("{} fib {}: {}\n", said(r, gateway), request.fib, why));
  co_return 1;
}

Task<int> remove(Sys& sys, RouteWords r) {
  if (r.operands.empty()) co_return co_await bad_usage(sys, route_command, "");
  r.command = "delete";
  DeleteRoute request;
  request.fib = r.fib >= 0 ? int(r.fib) : sys.fib();
  const auto dest = destination(sys, r);
  if (!dest) {
    co_await sys.complain(text("bad address: {}", r.operands[0]));
    co_return 68;
  }
  request.dest = *dest;
  const auto done = sys.request(request);
  const std::string gateway = r.operands.size() > 1 ? r.operands[1] : to_text(request.gateway);
  if (!done) {
    const std::string why =
        done.error() == Errno::esrch ? "not in table" : std::string(errno_text(done.error()));
    co_await sys.print_error(text("delete {} {} fib {}: {}\n", r.host ? "host" : "net",
                                  r.operands[0], request.fib, why));
    co_return 1;
  }
  if (!r.quiet) co_await sys.print(said(r, gateway) + "\n");
  co_return 0;
}

Task<int> get(Sys& sys, RouteWords r) {
  if (r.operands.empty()) co_return co_await bad_usage(sys, route_command, "");
  GetRoute request;
  request.fib = r.fib >= 0 ? int(r.fib) : sys.fib();
  const auto dest = r.operands[0] == "default" ? Ipv4Address{} : sys.resolve_ipv4(r.operands[0]);
  if (!dest) {
    co_await sys.complain(text("bad address: {}", r.operands[0]));
    co_return 68;
  }
  request.dest = *dest;
  if (!sys.request(request)) {
    co_await sys.print_error("route: route has not been found\n");
    co_return 1;
  }
  const RouteInfo& route = request.route;
  std::string out = text("   route to: {}\ndestination: {}\n", to_text(request.dest),
                         route.dest.length == 0 ? "default" : to_text(route.dest.address));
  if (!(route.flags & route_flag::host))
    out += text("       mask: {}\n",
                route.dest.length ? to_text(Ipv4Address{route.dest.mask()}) : "default");
  if (route.flags & route_flag::gateway) out += text("    gateway: {}\n", to_text(route.gateway));
  out += text("        fib: {}\n  interface: {}\n      flags: {}\n", request.fib, route.interface,
              flag_words(route.flags | 0x40000000));
  out += " recvpipe  sendpipe  ssthresh  rtt,msec    mtu        weight    expire\n";
  out += text("{:8}  {:8}  {:8}  {:8}  {:8}  {:8}  {:8} \n", 0, 0, 0, 0,
              route.mtu ? route.mtu : request.interface_mtu, 1, route.expires.s());
  co_await sys.print(out);
  co_return 0;
}

Task<int> flush(Sys& sys, const RouteWords& r) {
  ListRoutes list;
  list.fib = r.fib >= 0 ? int(r.fib) : sys.fib();
  if (!sys.request(list)) co_return 1;
  for (const RouteInfo& route : list.routes) {
    if (!(route.flags & route_flag::gateway)) continue;
    DeleteRoute request;
    request.fib = list.fib;
    request.dest = route.dest;
    if (!sys.request(request) || r.quiet) continue;
    const std::string dest = route.dest.length == 0 ? "default" : to_text(route.dest.address);
    co_await sys.print(text("{:<20} {:<20} done\n", dest, to_text(route.gateway)));
  }
  co_return 0;
}

Task<int> route(Sys& sys, Args args) {
  RouteWords r = parse(args);
  if (!r.error.empty()) co_return co_await bad_usage(sys, route_command, r.error);
  if (!co_await enter_jail(sys, r.jail)) co_return 1;
  if (r.fib >= 0 && r.fib >= parse_int(sys.sysctl("net.fibs").value_or("1")).value_or(1)) {
    co_await sys.complain(text("-fib: invalid fib number: {}", r.fib));
    co_return 64;
  }
  if (r.inet6 && r.command != "show") co_return co_await route6(sys, r);
  if (r.command == "add") co_return co_await add(sys, r, false);
  if (r.command == "change") co_return co_await add(sys, r, true);
  if (r.command == "delete" || r.command == "del") co_return co_await remove(sys, r);
  if (r.command == "get") co_return co_await get(sys, r);
  if (r.command == "flush") co_return co_await flush(sys, r);
  if (r.command == "show") {
    Args as_netstat{"netstat", "-rn"};
    if (r.inet6) as_netstat.push_back("-6");
    co_return co_await netstat_command.run(sys, as_netstat);
  }
  const std::string wrong = r.command.empty() ? "" : text("bad keyword: {}", r.command);
  co_return co_await bad_usage(sys, route_command, wrong);
}

}  // namespace

const Command route_command{
    .name = "route",
    .synopsis =
        "route [-j jail] [-46nqv] command [[-net | -host] destination gateway [netmask]]\n"
        "[-fib number] [-iface] [-blackhole | -reject] [-mtu n] [-proto1 | -proto2]\n"
        "commands: add, change, delete, flush, get, show",
    .run = route};

}  // namespace stackyard
