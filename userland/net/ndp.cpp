// userland/net/ndp.cpp - ndp(8): the neighbour cache, and what routers have said.
#include "core/base/text.h"
#include "stack/inet6/api/inet6_requests.h"
#include "userland/commands.h"
#include "userland/lib/exec.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

// As sec2str has it: "23h59m58s".
std::string time_text(int64_t seconds) {
  std::string out;
  if (seconds >= 86400) out += text("{}d", seconds / 86400);
  if (!out.empty() || seconds >= 3600) out += text("{}h", seconds / 3600 % 24);
  if (!out.empty() || seconds >= 60) out += text("{}m", seconds / 60 % 60);
  return out + text("{}s", seconds % 60);
}

std::string zoned(const Ipv6Address& address, const std::string& interface) {
  return address.has_zone() ? to_text(address) + "%" + interface : to_text(address);
}

char state_letter(const NeighbourInfo6& e) {
  constexpr char letters[] = {'I', 'R', 'S', 'D', 'P', 'U'};
  return letters[size_t(e.state)];
}

std::string line_of(const NeighbourInfo6& e, const std::string& name) {
  const std::string mac = e.mac ? to_text(*e.mac) : "(incomplete)";
  std::string line = text("{:<39} {:<17} {:>6} ", name, mac, e.interface);
  if (e.permanent)
    line += text("{:<9} ", "permanent");
  else if (e.expires_s > 0)
    line += text("{:<9} ", time_text(e.expires_s));
  else
    line += text("{:<9} ", "expired");
  line += text("{:<1} ", state_letter(e));
  if (e.router) line += "R";
  if (e.proxy) line += "p";
  while (line.back() == ' ') line.pop_back();
  return line + "\n";
}

// With -t a line begins with the time of day, and with -n nobody is asked for names.
struct Shown {
  bool numeric = false, stamped = false;
};

Task<int> show(Sys& sys, std::optional<SockAddr> only, Shown how) {
  ListNeighbours6 list;
  (void)sys.request(list);
  const std::string hosts = (co_await sys.read_file("/etc/hosts")).value_or("");
  const SimTime now = sys.now();
  const std::string stamp = how.stamped
                                ? text("{:02}:{:02}:{:02}.{:06} ", now.s() / 3600 % 24,
                                       now.s() / 60 % 60, now.s() % 60, now.us() % 1'000'000)
                                : "";
  std::string out = stamp + text("{:<39} {:<17} {:>6} {:<9} {:<1} {}\n", "Neighbor",
                                 "Linklayer Address", "Netif", "Expire", "S", "Flags");
  bool found = false;
  for (const NeighbourInfo6& e : list.entries) {
    if (only && (e.address != only->address.v6() || (only->scope && only->scope != e.index)))
      continue;
    found = true;
    std::string name = zoned(e.address, e.interface);
    if (!how.numeric && !e.address.has_zone()) name = host_name(sys, hosts, e.address);
    out += stamp + line_of(e, name);
  }
  if (only && !found) {
    co_await sys.print(
        text("{} ({}) -- no entry\n", to_text(only->address), to_text(only->address)));
    co_return 1;
  }
  co_await sys.print(out);
  co_return 0;
}

Task<int> remove(Sys& sys, SockAddr address) {
  DeleteNeighbour6 request;
  request.address = address.address.v6();
  request.scope = address.scope;
  const std::string words = to_text(address.address);
  if (!sys.request(request)) {
    co_await sys.complain(text("{}: not found", words));
    co_return 1;
  }
  co_await sys.print(text("{} ({}) deleted\n", words, words));
  co_return 0;
}

// "HOST MAC [temp] [proxy]".
Task<int> set(Sys& sys, std::vector<std::string> words) {
  SetNeighbour6 request;
  const auto mac = words.size() < 2 ? std::nullopt : parse_mac(words[1]);
  if (!mac) co_return co_await bad_usage(sys, ndp_command, "", 1);
  const std::vector<SockAddr> found = sys.resolve(words[0], Af::inet6);
  if (found.empty()) {
    co_await sys.complain(text("{}: Name does not resolve", words[0]));
    co_return 1;
  }
  const SockAddr address = found[0];
  request.address = address.address.v6();
  request.scope = address.scope;
  request.mac = *mac;
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "temp") request.temporary = true;
    if (words[i] == "proxy") request.proxy = true;
  }
  if (!sys.request(request)) {
    co_await sys.complain(
        text("set: cannot intuit interface index and type for {}", to_text(address.address)));
    co_return 1;
  }
  co_return 0;
}

// Each line of the file is what -s takes.
Task<int> set_from_file(Sys& sys, std::string path) {
  const auto content = co_await sys.read_file(path);
  if (!content) {
    co_await sys.complain(text("cannot open {}: {}", path, errno_text(content.error())));
    co_return 1;
  }
  int status = 0;
  for (const std::string& line : split(*content, '\n')) {
    const std::vector<std::string> words = split_words(line);
    if (words.empty() || words[0][0] == '#') continue;
    const int done = co_await set(sys, words);
    if (done != 0) status = 1;
  }
  co_return status;
}

// -I: the interface that link-local addresses without a zone are of.
Task<int> default_interface(Sys& sys, std::string name) {
  DefaultInterface6 request;
  request.change = !name.empty();
  request.name = name == "delete" ? "" : name;
  const auto done = sys.request(request);
  if (!done) {
    co_await sys.complain(text("ioctl(SIOCSDEFIFACE_IN6): {}", errno_text(done.error())));
    co_return 1;
  }
  std::string words = "No default interface.\n";
  if (!request.name.empty()) words = text("ND default interface = {}\n", request.name);
  co_await sys.print(words);
  co_return 0;
}

// -A: -a again and again.
Task<int> show_forever(Sys& sys, SimTime interval, Shown how) {
  sys.catch_signals();
  while (!sys.interrupted()) {
    co_await show(sys, std::nullopt, how);
    co_await sys.print("\n");
    co_await sys.sleep(interval);
  }
  co_return 0;
}

Task<int> show_routers(Sys& sys) {
  ListRouters6 list;
  (void)sys.request(list);
  for (const RouterInfo6& r : list.routers) {
    std::string flags;
    if (r.flags & 0x80) flags += "M";
    if (r.flags & 0x40) flags += "O";
    co_await sys.print(text("{} if={}, flags={}, pref={}, expire={}\n",
                            zoned(r.address, r.interface), r.interface, flags,
                            r.preference > 0   ? "high"
                            : r.preference < 0 ? "low"
                                               : "medium",
                            time_text(r.expires_s)));
  }
  co_return 0;
}

Task<int> show_prefixes(Sys& sys) {
  ListPrefixes6 list;
  (void)sys.request(list);
  const auto lifetime = [](uint32_t s) {
    return s == lifetime_infinite ? std::string("infinity") : text("{}", s);
  };
  for (const PrefixInfo6& p : list.prefixes) {
    std::string out = text("{} if={}\n", to_text(p.prefix), p.interface);
    out += text("flags={}{}{} vltime={}, pltime={}, expire={}, ref={}\n", p.on_link ? "L" : "",
                p.autonomous ? "A" : "", p.detached ? "D" : "", lifetime(p.valid_s),
                lifetime(p.preferred_s), p.expires_s < 0 ? "Never" : time_text(p.expires_s),
                p.addresses);
    out += p.advertisers.empty() ? "  No advertising router\n" : "  advertised by\n";
    for (const Ipv6Address& a : p.advertisers)
      out += text("    {} ({})\n", zoned(a, p.interface), "reachable");
    co_await sys.print(out);
  }
  co_return 0;
}

Task<int> interface_info(Sys& sys, std::vector<std::string> words) {
  const std::string name = words[0];
  constexpr std::pair<const char*, uint32_t> flags[] = {
      {"nud", nd6_flag::perform_nud},
      {"accept_rtadv", nd6_flag::accept_rtadv},
      {"disabled", nd6_flag::disabled},
      {"auto_linklocal", nd6_flag::auto_linklocal},
      {"no_radr", nd6_flag::no_radr},
      {"no_dad", nd6_flag::no_dad},
      {"prefer_source", nd6_flag::prefer_source},
      {"no_prefer_iface", nd6_flag::no_prefer_iface},
      {"stableaddr", nd6_flag::stableaddr}};
  SetNdFlags change;
  change.interface = name;
  for (size_t i = 1; i < words.size(); ++i) {
    const bool off = words[i].starts_with('-');
    uint32_t bit = 0;
    for (const auto& [flag, value] : flags)
      if (words[i].substr(off) == flag) bit = value;
    if (!bit) co_return co_await bad_usage(sys, ndp_command, "", 1);
    (off ? change.clear : change.set) |= bit;
  }
  if (words.size() > 1 && !sys.request(change)) {
    co_await sys.complain(text("{}: Device not configured", name));
    co_return 1;
  }
  ListNdInterfaces list;
  (void)sys.request(list);
  for (const NdInterface& i : list.interfaces) {
    if (i.name != name) continue;
    std::string out = text(
        "linkmtu={}, maxmtu=0, curhlim={}, basereachable={}s0ms, "
        "reachable={}s, retrans={}s{}ms\nFlags: ",
        i.link_mtu, i.hop_limit, i.base_reachable.s(), i.reachable.s(), i.retrans.s(),
        i.retrans.ms() % 1000);
    for (const auto& [flag, value] : flags)
      if (i.flags & value) out += text("{} ", flag);
    co_await sys.print(out + "\n");
    co_return 0;
  }
  co_await sys.complain(text("{}: Device not configured", name));
  co_return 1;
}

// -c, -P, -R and -H: what goes; -H flushes what the routing table has of routers that are gone.
Task<int> flush(Sys& sys, bool neighbours, bool prefixes, bool routers) {
  if (neighbours) {
    DeleteNeighbour6 request;
    (void)sys.request(request);
  }
  FlushDiscovered6 request;
  request.routers = routers;
  request.prefixes = prefixes;
  if (routers || prefixes) (void)sys.request(request);
  co_return 0;
}

Task<int> ndp(Sys& sys, Args args) {
  const Options options(args, "A:acdf:HI:ij:nPpRrstx");
  const auto& rest = options.rest();
  const auto interval = parse_seconds(options.value('A', "1"));
  // -I stands alone, too: then it shows.
  const bool ask_default = options.error() == "option requires an argument -- I";
  const bool wrong = (!options.error().empty() && !ask_default) || !interval;
  if (wrong) co_return co_await bad_usage(sys, ndp_command, options.error(), 1);
  const std::string jail = options.value('j');
  if (!co_await enter_jail(sys, jail)) co_return 1;
  Shown how;
  how.numeric = options.has('n');
  how.stamped = options.has('t');
  if (ask_default) co_return co_await default_interface(sys, "");
  if (options.has('I')) co_return co_await default_interface(sys, options.value('I'));
  if (options.has('A')) co_return co_await show_forever(sys, *interval, how);
  if (options.has('a')) co_return co_await show(sys, std::nullopt, how);
  if (options.has('f')) co_return co_await set_from_file(sys, options.value('f'));
  if (options.has('i') && !rest.empty()) co_return co_await interface_info(sys, rest);
  if (options.has('r')) co_return co_await show_routers(sys);
  if (options.has('p')) co_return co_await show_prefixes(sys);
  const bool flushes = options.has('c') || options.has('P') || options.has('R') || options.has('H');
  if (flushes) co_return co_await flush(sys, options.has('c'), options.has('P'), options.has('R'));
  if (rest.empty()) co_return co_await bad_usage(sys, ndp_command, "", 1);
  if (options.has('s')) co_return co_await set(sys, rest);
  const std::vector<SockAddr> found = sys.resolve(rest[0], Af::inet6);
  if (found.empty()) {
    co_await sys.complain(text("{}: Name does not resolve", rest[0]));
    co_return 1;
  }
  if (options.has('d')) co_return co_await remove(sys, found[0]);
  co_return co_await show(sys, found[0], how);
}

}  // namespace

const Command ndp_command{.name = "ndp",
                          .synopsis =
                              "ndp [-nt] hostname\n"
                              "ndp [-nt] -a | -c | -p | -r | -H | -P | -R\n"
                              "ndp [-nt] -A wait\n"
                              "ndp [-nt] -f filename\n"
                              "ndp [-nt] -I [interface | delete]\n"
                              "ndp [-nt] -d hostname\n"
                              "ndp [-nt] -i interface [flags...]\n"
                              "ndp [-nt] -s nodename etheraddr [temp] [proxy]",
                          .run = ndp};

}  // namespace stackyard
