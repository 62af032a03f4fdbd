// userland/net/route6.cpp - route(8) for IPv6.
#include "core/base/text.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/net/route_table.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
#include "userland/net/route.h"

namespace stackyard {

namespace {

struct Dest6 {
  Ipv6Prefix prefix;
  uint32_t scope = 0;
};

// "2001:db8::/32", "default", "fe80::1%em0", a host's name.
std::optional<Dest6> destination(Sys& sys, RouteWords& r) {
  const std::string& word = r.operands[0];
  if (word == "default") return Dest6{{{}, 0}, 0};
  const size_t slash = word.find('/');
  const std::vector<SockAddr> found = sys.resolve(word.substr(0, slash), Af::inet6);
  if (found.empty()) return std::nullopt;
  const auto given = slash == word.npos ? r.prefix_length : parse_int(word.substr(slash + 1));
  if (slash != word.npos && !given) return std::nullopt;
  int64_t length = given.value_or(r.net ? 64 : 128);
  if (length < 0 || length > 128) return std::nullopt;
  if (length == 128) r.host = true;
  return Dest6{{found[0].address.v6(), uint8_t(length)}, found[0].scope};
}

int fib_of(Sys& sys, const RouteWords& r) { return r.fib >= 0 ? int(r.fib) : sys.fib(); }

std::string zoned(const Ipv6Address& address, const std::string& zone) {
  return zone.empty() ? to_text(address) : to_text(address) + "%" + zone;
}

Task<int> bad_address(Sys& sys, std::string word) {
  co_await sys.complain(text("bad address: {}", word));
  co_return 68;
}

Task<int> add(Sys& sys, RouteWords r) {
  if (r.operands.size() < 2) co_return co_await bad_usage(sys, route_command, "");
  const auto dest = destination(sys, r);
  if (!dest) co_return co_await bad_address(sys, r.operands[0]);
  AddRoute6 request;
  request.fib = fib_of(sys, r);
  request.dest = dest->prefix;
  request.dest_scope = dest->scope;
  request.host = r.host;
  request.flags = r.flags;
  request.mtu = uint32_t(r.mtu);
  request.change = r.command == "change";
  const std::string gateway = r.operands[1];
  if (r.interface) {
    request.interface = gateway;
  } else {
    const std::vector<SockAddr> found = sys.resolve(gateway, Af::inet6);
    if (found.empty()) co_return co_await bad_address(sys, gateway);
    request.gateway = found[0].address.v6();
    request.gateway_scope = found[0].scope;
  }
  const auto done = sys.request(request);
  if (done) {
    if (!r.quiet) co_await sys.print(said(r, gateway) + "\n");
    co_return 0;
  }
  std::string why(errno_text(done.error()));
  if (done.error() == Errno::eexist) why = "route already in table";
  if (done.error() == Errno::esrch) why = "not in table";
  co_await sys.print_error(text("{} fib {}: {}\n", said(r, gateway), request.fib, why));
  co_return 1;
}

Task<int> remove(Sys& sys, RouteWords r) {
  if (r.operands.empty()) co_return co_await bad_usage(sys, route_command, "");
  r.command = "delete";
  const auto dest = destination(sys, r);
  if (!dest) co_return co_await bad_address(sys, r.operands[0]);
  DeleteRoute6 request;
  request.fib = fib_of(sys, r);
  request.dest = dest->prefix;
  request.dest_scope = dest->scope;
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
  const auto dest = destination(sys, r);
  if (!dest) co_return co_await bad_address(sys, r.operands[0]);
  GetRoute6 request;
  request.fib = fib_of(sys, r);
  request.dest = dest->prefix.address;
  request.dest_scope = dest->scope;
  if (!sys.request(request)) {
    co_await sys.print_error("route: route has not been found\n");
    co_return 1;
  }
  const RouteInfo6& route = request.route;
  std::string out = text("   route to: {}\ndestination: {}\n", to_text(request.dest),
                         zoned(route.dest.address, route.dest_zone));
  if (!(route.flags & route_flag::host))
    out += text("       mask: {}\n", to_text(address_of(ipv6_mask(route.dest.length))));
  if (route.flags & route_flag::gateway)
    out += text("    gateway: {}\n", zoned(route.gateway, route.gateway_zone));
  out += text("        fib: {}\n  interface: {}\n      flags: {}\n", request.fib, route.interface,
              flag_words(route.flags | 0x40000000));
  out += " recvpipe  sendpipe  ssthresh  rtt,msec    mtu        weight    expire\n";
  out += text("{:8}  {:8}  {:8}  {:8}  {:8}  {:8}  {:8} \n", 0, 0, 0, 0, route.mtu, 1,
              route.expires.s());
  co_await sys.print(out);
  co_return 0;
}

Task<int> flush(Sys& sys, const RouteWords& r) {
  ListRoutes6 list;
  list.fib = fib_of(sys, r);
  if (!sys.request(list)) co_return 1;
  for (const RouteInfo6& route : list.routes) {
    if (!(route.flags & route_flag::gateway)) continue;
    DeleteRoute6 request;
    request.fib = list.fib;
    request.dest = route.dest;
    if (!sys.request(request) || r.quiet) continue;
    const std::string dest = route.dest.length == 0 ? "default" : to_text(route.dest.address);
    co_await sys.print(
        text("{:<20} {:<20} done\n", dest, zoned(route.gateway, route.gateway_zone)));
  }
  co_return 0;
}

}  // namespace

Task<int> route6(Sys& sys, RouteWords words) {
  if (words.command == "add" || words.command == "change") co_return co_await add(sys, words);
  if (words.command == "delete" || words.command == "del") co_return co_await remove(sys, words);
  if (words.command == "get") co_return co_await get(sys, words);
  if (words.command == "flush") co_return co_await flush(sys, words);
  const std::string wrong = words.command.empty() ? "" : text("bad keyword: {}", words.command);
  co_return co_await bad_usage(sys, route_command, wrong);
}

}  // namespace stackyard
