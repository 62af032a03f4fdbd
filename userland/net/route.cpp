// userland/net/route.cpp - route(8): everything by a routing socket, as FreeBSD's does it.
#include "userland/net/route.h"

#include "core/base/text.h"
#include "stack/net/api/interface_requests.h"
#include "userland/commands.h"
#include "userland/lib/exec.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

constexpr size_t message_max = 2048;

RtmType type_of(const std::string& command) {
  if (command == "add") return RtmType::add;
  if (command == "change") return RtmType::change;
  return command == "delete" ? RtmType::remove : RtmType::get;
}

int fib_count(Sys& sys) { return int(parse_int(sys.sysctl("net.fibs").value_or("1")).value_or(1)); }

// What route_strerror says of a request that failed.
std::string failure_text(Errno error) {
  switch (error) {
    case Errno::esrch:
      return "not in table";
    case Errno::ebusy:
      return "entry in use";
    case Errno::enobufs:
      return "not enough memory";
    case Errno::eaddrinuse:
      return "gateway uses the same route";
    case Errno::eexist:
      return "route already in table";
    default:
      return std::string(errno_text(error));
  }
}

Task<Fd> open_socket(Sys& sys, int fib) {
  const Fd socket = co_await sys.socket(Af::route, SocketType::raw).or_err(71, "socket");
  co_await sys.set_option(socket, SocketOption::so_setfib, OptionValue(fib))
      .or_err(1, "setsockopt");
  co_return socket;
}

// One request in one FIB (rtmsg). The answer to a question is printed.
Task<Errno> ask(Sys& sys, const RouteMode& mode, const RouteWords& words, int fib, int seq) {
  const Fd socket = co_await open_socket(sys, fib);
  const RtmType type = type_of(words.command);
  RtMsghdr header;
  header.type = uint8_t(type);
  header.flags = words.flags;
  header.fmask = type == RtmType::change ? words.fmask : 0;
  header.seq = seq;
  header.inits = words.inits;
  header.metrics = words.metrics;
  RtSockaddrs addresses = words.addresses;
  if (type == RtmType::get && !addresses.has(rta_ifp)) addresses.set(rta_ifp, LinkName());
  const bool question = type == RtmType::get;
  if (!question) co_await sys.shutdown(socket, ShutdownHow::read).or_err(71, "shutdown");
  const std::vector<uint8_t> message = rt_message(header, addresses);
  if (mode.verbose) {
    const std::string shown = dump_text(sys, mode, addresses) + message_text(sys, mode, message);
    co_await sys.print(shown);
  }
  if (mode.debug_only) co_return Errno::ok;
  const Result<size_t> sent = co_await sys.send(socket, message);
  Errno error = Errno::ok;
  if (!sent) {
    error = sent.error();
    if (error == Errno::eperm) {
      co_await sys.complain("writing to routing socket: " + std::string(errno_text(error)));
      sys.exit(1);
    }
    if (error == Errno::esrch)
      co_await sys.complain("route has not been found");
    else if (error != Errno::eexist)
      co_await sys.complain("writing to routing socket: " + std::string(errno_text(error)));
  }
  while (question && error == Errno::ok) {
    const Received got = co_await sys.receive(socket, message_max).or_err(1, "read");
    if (got.octets.size() < sizeof(RtMsghdr)) continue;
    const auto reply = load<RtMsghdr>(Bytes(got.octets));
    if (reply.seq != seq || reply.pid != sys.pid()) continue;
    const std::string block = route_block(sys, mode, words, fib, got.octets);
    co_await sys.print(block);
    break;
  }
  (void)co_await sys.close(socket);
  co_return error;
}

std::string said(const RouteWords& words) {
  std::string out = text("{} {} {}", words.command, words.is_host ? "host" : "net", words.dest);
  if (!words.gateway.empty()) out += ": gateway " + words.gateway;
  return out;
}

// add, change, delete, get, show (newroute).
Task<int> new_route(Sys& sys, RouteMode mode, std::string command, Args words) {
  RouteWords request;
  request.command = command;
  if (command == "add") request.flags = route_flag::static_;
  if (const auto problem = read_route_words(sys, words, mode, request)) {
    if (problem->status == 64) co_return co_await bad_usage(sys, route_command, problem->text);
    co_await sys.complain(problem->text);
    co_return problem->status;
  }
  const int count = fib_count(sys);
  const auto fibs = read_fibs(request.fibs, sys.fib(), count);
  if (!fibs) {
    co_await sys.complain(text("-fib: invalid fib number: {}", request.fibs));
    co_return 64;
  }
  std::vector<std::string> done;
  std::string failed;
  int seq = 0;
  bool any_failed = false;
  for (const int fib : *fibs) {
    const Errno error = co_await ask(sys, mode, request, fib, ++seq);
    any_failed |= error != Errno::ok;
    if (error == Errno::ok)
      done.push_back(text("{}", fib));
    else
      failed += text("{} fib {}: {}\n", said(request), fib, failure_text(error));
  }
  if (command != "get" && command != "show" && !mode.quiet) {
    std::string out;
    if (!done.empty())
      out = said(request) + (count > 1 ? " fib " + join(done, ",") : std::string()) + "\n";
    co_await sys.print(out + failed);
  }
  co_return any_failed ? 1 : 0;
}

// A request to delete one route, with what `done` says of it.
struct Deletion {
  std::vector<uint8_t> message;
  RtSockaddr dest, gateway;
};

Deletion deletion_of(Sys& sys, const RouteInfo& route, int seq) {
  Deletion deletion;
  RtMsghdr header;
  header.type = uint8_t(RtmType::remove);
  header.flags = route.flags;
  header.seq = seq;
  deletion.dest.ip = route.dest.address;
  deletion.gateway.ip = route.gateway;
  InterfaceIndex zone;
  zone.name = route.gateway_zone;
  if (!zone.name.empty() && sys.request(zone)) deletion.gateway.scope = zone.index;
  RtSockaddrs addresses;
  addresses.set(rta_dst, route.dest.address);
  addresses.set(rta_gateway, route.gateway, deletion.gateway.scope);
  if (!(route.flags & route_flag::host))
    addresses.set_mask(route.dest.address.family(), route.dest.length);
  deletion.message = rt_message(header, addresses);
  return deletion;
}

// Deletes a family's routes by gateways in one FIB.
Task<int> flush_family(Sys& sys, RouteMode mode, IpFamily family, int fib) {
  const Fd socket = co_await open_socket(sys, fib);
  co_await sys.shutdown(socket, ShutdownHow::read).or_err(71, "shutdown");
  ListRoutes list;
  list.family = family;
  list.fib = fib;
  (void)sys.request(list);
  int seq = 0;
  for (const RouteInfo& route : list.routes) {
    if (!(route.flags & route_flag::gateway)) continue;
    const Deletion deletion = deletion_of(sys, route, ++seq);
    const Result<size_t> sent = co_await sys.send(socket, deletion.message);
    if (!sent && sent.error() == Errno::eperm) {
      co_await sys.complain("write to routing socket: " + std::string(errno_text(sent.error())));
      sys.exit(1);
    }
    if (mode.quiet) continue;
    const std::string line =
        mode.verbose ? message_text(sys, mode, deletion.message)
                     : text("{:<20} {:<20} -fib {:<3} done\n", route_name(sys, mode, deletion.dest),
                            route_name(sys, mode, deletion.gateway), fib);
    co_await sys.print(line);
  }
  (void)co_await sys.close(socket);
  co_return 0;
}

// Of one family or both (flushroutes).
Task<int> flush(Sys& sys, RouteMode mode, Args words) {
  std::string fib_words;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i];
    if (word == "-inet" || word == "-4")
      mode.family = IpFamily::v4;
    else if (word == "-inet6" || word == "-6")
      mode.family = IpFamily::v6;
    else if (word == "-fib" && i + 1 < words.size())
      fib_words = words[++i];
    else
      co_return co_await bad_usage(sys, route_command, text("bad keyword: {}", word));
  }
  const auto fibs = read_fibs(fib_words, sys.fib(), fib_count(sys));
  if (!fibs) {
    co_await sys.complain(text("-fib: invalid fib number: {}", fib_words));
    co_return 64;
  }
  for (const int fib : *fibs) {
    if (mode.family != IpFamily::v6) co_await flush_family(sys, mode, IpFamily::v4, fib);
    if (mode.family != IpFamily::v4) co_await flush_family(sys, mode, IpFamily::v6, fib);
  }
  co_return 0;
}

// ctime(3)'s, of the simulated clock, which begins at the epoch.
std::string clock_text(SimTime now) {
  constexpr const char* days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  const int64_t s = now.s();
  return text("{} Jan {:>2} {:02}:{:02}:{:02} 1970\n", days[s / 86400 % 7], 1 + s / 86400,
              s / 3600 % 24, s / 60 % 60, s % 60);
}

Task<int> monitor(Sys& sys, RouteMode mode, Args words) {
  int fib = sys.fib();
  if (words.size() == 2 && words[0] == "-fib") {
    const auto fibs = read_fibs(words[1], fib, fib_count(sys));
    if (!fibs || fibs->size() != 1) {
      co_await sys.complain(text("-fib: invalid fib number: {}", words[1]));
      co_return 64;
    }
    fib = fibs->front();
  } else if (!words.empty()) {
    co_return co_await bad_usage(sys, route_command, text("bad keyword: {}", words[0]));
  }
  const Fd socket = co_await open_socket(sys, fib);
  for (;;) {
    const Received got = co_await sys.receive(socket, message_max).or_err(1, "read");
    const std::string shown =
        text("\ngot message of size {} on {}", got.octets.size(), clock_text(sys.now())) +
        message_text(sys, mode, got.octets);
    co_await sys.print(shown);
  }
}

Task<int> route(Sys& sys, Args args) {
  RouteMode mode;
  std::string jail;
  size_t at = 1;
  for (; at < args.size() && args[at].size() > 1 && args[at][0] == '-'; ++at) {
    if (args[at] == "-j" && at + 1 < args.size()) {
      jail = args[++at];
      continue;
    }
    for (const char letter : args[at].substr(1)) {
      if (letter == 'n')
        mode.numeric = true;
      else if (letter == 'q')
        mode.quiet = true;
      else if (letter == 'v')
        mode.verbose = true;
      else if (letter == 'd' || letter == 't')
        mode.debug_only = true;
      else if (letter == '4')
        mode.family = IpFamily::v4;
      else if (letter == '6')
        mode.family = IpFamily::v6;
      else
        co_return co_await bad_usage(sys, route_command, text("illegal option -- {}", letter));
    }
  }
  if (at >= args.size()) co_return co_await bad_usage(sys, route_command, "");
  std::string command = args[at];
  if (command == "del") command = "delete";
  const Args words(args.begin() + std::ptrdiff_t(at) + 1, args.end());
  if (!co_await enter_jail(sys, jail)) co_return 1;
  const Result<std::string> hosts = co_await sys.read_file("/etc/hosts");
  mode.hosts = hosts.value_or("");
  if (command == "monitor") co_return co_await monitor(sys, mode, words);
  if (command == "flush") co_return co_await flush(sys, mode, words);
  if (command == "show" && (words.empty() || words[0] == "-4" || words[0] == "-6")) {
    Args as_netstat{"netstat", "-rn"};
    if (mode.family) as_netstat.push_back(*mode.family == IpFamily::v6 ? "-6" : "-4");
    as_netstat.insert(as_netstat.end(), words.begin(), words.end());
    co_return co_await netstat_command.run(sys, as_netstat);
  }
  for (const char* known : {"add", "change", "delete", "get", "show"})
    if (command == known) co_return co_await new_route(sys, mode, command, words);
  co_return co_await bad_usage(sys, route_command, text("bad keyword: {}", command));
}

}  // namespace

const Command route_command{
    .name = "route",
    .synopsis =
        "route [-j jail] [-46dnqtv] command [[modifiers] args]\n"
        "commands: add, change, delete, flush, get, monitor, show\n"
        "modifiers: -net, -host, -fib list, -iface, -ifp name, -ifa address, -netmask\n"
        "mask, -prefixlen n, -blackhole, -reject, -static, -nostatic, -proto1, -proto2,\n"
        "-mtu n, -weight n, -expire n, -hopcount n, -lock, -lockrest, ...",
    .run = route};

}  // namespace stackyard
