// userland/services/rtadvd.cpp - rtadvd(8): advertises a router and its prefixes (RFC 4861 s6.2).
//
// rtadvctl(8) speaks to it by lines over a unix-domain socket: a word and interfaces, and a text
// comes back.
#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/icmpv6.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/net/api/interface_requests.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
#include "userland/lib/pid_file.h"
#include "userland/services/control_socket.h"
#include "userland/services/rtadvd_conf.h"

namespace stackyard {

namespace {

constexpr Ipv6Address all_nodes = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 1});
constexpr Ipv6Address all_routers = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 2});
// RFC 4861 s10.
constexpr SimTime initial_interval_most = 16_s;
constexpr int initial_adverts = 3, final_adverts = 3;
constexpr SimTime least_between = 3_s;  // MIN_DELAY_BETWEEN_RAS
constexpr SimTime answer_delay_most = 500_ms;
constexpr const char* control_by_default = "/var/run/rtadvd.sock";
constexpr const char* pid_by_default = "/var/run/rtadvd.pid";

struct Advertised {
  std::string name;
  uint32_t index = 0;
  RtadvdInterface conf;
  bool enabled = true;
  int sent = 0;
  SimTime started, next, last;
};

// "2d3h", as rtadvctl shows times.
std::string span_text(uint32_t seconds) {
  if (seconds == UINT32_MAX) return "infinity";
  std::string out;
  const std::pair<uint32_t, const char*> units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}};
  for (const auto& [unit, letter] : units)
    if (seconds >= unit) {
      out += text("{}{}", seconds / unit, letter);
      seconds %= unit;
    }
  return seconds || out.empty() ? out + text("{}s", seconds) : out;
}

class Rtadvd {
 public:
  Rtadvd(Sys& sys, std::string conf, std::string control)
      : sys_(sys),
        conf_path_(std::move(conf)),
        control_path_(std::move(control)),
        control_socket_(sys) {}
  Task<int> run(std::vector<std::string> names);

 private:
  Task<bool> configure(std::vector<std::string> names);
  Task<bool> open_sockets();
  Task<void> serve();
  Task<void> say_good_bye();
  Task<void> advertise(Advertised& on, bool last);
  std::vector<uint8_t> message(const Advertised& on, bool last);
  std::vector<RtadvdPrefix> prefixes_of(const Advertised& on);
  void add_prefixes(const Advertised& on, std::vector<uint8_t>& to);
  void take(const Received& got);
  Task<void> controlled();
  Task<std::string> control(std::vector<std::string> words);
  std::string shown(const Advertised& on, bool verbose);
  SimTime random_below(SimTime most) {
    return SimTime(int64_t(sys_.random() % uint64_t(std::max<int64_t>(most.ns(), 1))));
  }

  Sys& sys_;
  std::string conf_path_, control_path_;
  Fd socket_{};
  ControlSocket control_socket_;
  bool stop_ = false;
  std::vector<Advertised> interfaces_;
};

// What the file says now, for those named and what is there already.
Task<bool> Rtadvd::configure(std::vector<std::string> names) {
  const std::string content = (co_await sys_.read_file(conf_path_)).value_or("");
  const RtadvdConf conf(content);
  if (!conf.error().empty()) {
    co_await sys_.complain(text("{}: {}", conf_path_, conf.error()));
    co_return false;
  }
  for (const std::string& name : names) {
    InterfaceIndex ask;
    ask.name = name;
    if (!sys_.request(ask)) {
      co_await sys_.complain(text("{}: interface does not exist", name));
      co_return false;
    }
    const auto there = std::find_if(interfaces_.begin(), interfaces_.end(),
                                    [&](const Advertised& i) { return i.name == name; });
    if (there != interfaces_.end()) {
      there->conf = conf.interface(name);
      there->sent = 0;
      there->next = sys_.now() + random_below(1_s);
      continue;
    }
    Advertised on{.name = name, .index = ask.index, .conf = conf.interface(name)};
    on.started = sys_.now();
    on.next = sys_.now() + random_below(1_s);
    interfaces_.push_back(on);
    OptionValue join;
    join.group = all_routers;
    join.interface_index = ask.index;
    co_await sys_.set_option(socket_, SocketOption::ipv6_join_group, join)
        .or_warn("IPV6_JOIN_GROUP");
  }
  co_return true;
}

// The configured ones, or those of the interface's addresses.
std::vector<RtadvdPrefix> Rtadvd::prefixes_of(const Advertised& on) {
  std::vector<RtadvdPrefix> prefixes = on.conf.prefixes;
  if (!prefixes.empty() || on.conf.no_prefixes) return prefixes;
  ListAddresses6 list;
  (void)sys_.request(list);
  for (const InterfaceAddress6& a : list.addresses) {
    if (a.interface != on.name || a.address.address.is_link_local()) continue;
    RtadvdPrefix p;
    p.prefix = a.address.canonical();
    const bool known = std::any_of(prefixes.begin(), prefixes.end(),
                                   [&](const RtadvdPrefix& o) { return o.prefix == p.prefix; });
    if (!known) prefixes.push_back(p);
  }
  return prefixes;
}

void Rtadvd::add_prefixes(const Advertised& on, std::vector<uint8_t>& to) {
  const auto left = [&](uint32_t seconds, bool decrements) {
    const int64_t passed = (sys_.now() - on.started).s();
    return decrements && seconds != UINT32_MAX
               ? uint32_t(std::max<int64_t>(int64_t(seconds) - passed, 0))
               : seconds;
  };
  for (const RtadvdPrefix& p : prefixes_of(on)) {
    const size_t at = to.size();
    to.resize(at + sizeof(NdPrefix));
    store(NdPrefix{.prefix_length = p.prefix.length,
                   .flags = uint8_t((p.on_link ? NdPrefix::on_link : 0) |
                                    (p.autonomous ? NdPrefix::autonomous : 0)),
                   .valid_s = left(p.valid_s, p.valid_decrements),
                   .preferred_s = left(p.preferred_s, p.preferred_decrements),
                   .prefix = p.prefix.network()},
          MutableBytes(to).subspan(at));
  }
}

std::vector<uint8_t> Rtadvd::message(const Advertised& on, bool last) {
  RouterAdvert advert;
  // RFC 4861 s6.2.5: who does not forward is nobody's default router.
  const bool forwards = sys_.sysctl("net.inet6.ip6.forwarding").value_or("0") != "0";
  const uint32_t lifetime = last || !forwards ? 0 : on.conf.lifetime_s;
  advert.icmp.rest =
      uint32_t(on.conf.hop_limit) << 24 | uint32_t(on.conf.flags) << 16 | (lifetime & 0xffff);
  advert.reachable_ms = on.conf.reachable_ms;
  advert.retrans_ms = on.conf.retrans_ms;
  std::vector<uint8_t> out(sizeof advert);
  store(advert, out);
  ListInterfaces list;
  (void)sys_.request(list);
  for (const InterfaceInfo& i : list.interfaces) {
    if (i.name != on.name) continue;
    if (i.mac && !on.conf.no_link_address) add_link_option(out, nd_option::source_link, *i.mac);
    std::optional<uint32_t> mtu = on.conf.mtu;
    if (on.conf.mtu_of_link) mtu = i.mtu;
    if (!mtu) continue;
    out.resize(out.size() + sizeof(NdMtu));
    store(NdMtu{.mtu = *mtu}, MutableBytes(out).subspan(out.size() - sizeof(NdMtu)));
  }
  add_prefixes(on, out);
  for (const RtadvdRoute& r : on.conf.routes)
    add_route_option(out, r.prefix, r.flags, last ? 0 : r.lifetime_s);
  for (const RtadvdServers& s : on.conf.servers)
    add_rdnss_option(out, s.addresses, last ? 0 : s.lifetime_s);
  for (const RtadvdSearch& s : on.conf.searches)
    add_dnssl_option(out, s.names, last ? 0 : s.lifetime_s);
  for (const RtadvdPref64& p : on.conf.pref64s)
    add_pref64_option(out, p.prefix, last ? 0 : p.lifetime_s);
  return out;
}

Task<void> Rtadvd::advertise(Advertised& on, bool last) {
  SendOptions to;
  to.to = SockAddr{};
  to.to->address = all_nodes;
  to.to->scope = on.index;
  const std::vector<uint8_t> octets = message(on, last);
  (void)co_await sys_.send(socket_, octets, to);
  ++on.sent;
  on.last = sys_.now();
  const SimTime least(int64_t(on.conf.interval_min_s) * 1'000'000'000);
  const SimTime most(int64_t(on.conf.interval_max_s) * 1'000'000'000);
  SimTime wait = least + random_below(most - least);
  // RFC 4861 s6.2.4: sooner in the beginning, so that hosts learn of it.
  if (on.sent < initial_adverts) wait = std::min(wait, initial_interval_most);
  on.next = sys_.now() + wait;
}

// RFC 4861 s6.2.6: who asks is answered soon, all at once, but not more often than every 3 s.
void Rtadvd::take(const Received& got) {
  if (got.octets.size() < sizeof(Icmpv6Header) || got.octets[0] != icmpv6_type::router_solicit)
    return;
  for (Advertised& on : interfaces_) {
    if (on.index != got.interface_index || got.ttl != 255 || !on.enabled) continue;
    SimTime at = sys_.now() + random_below(answer_delay_most);
    if (on.sent > 0) at = std::max(at, on.last + least_between);
    on.next = std::min(on.next, at);
  }
}

// --- rtadvctl ------------------------------------------------------------------------------------

std::string Rtadvd::shown(const Advertised& on, bool verbose) {
  const RtadvdInterface& c = on.conf;
  const std::string preference = (c.flags & 0x18) == 0x08   ? "high"
                                 : (c.flags & 0x18) == 0x18 ? "low"
                                                            : "medium";
  std::string flags;
  if (c.flags & 0x80) flags += "M";
  if (c.flags & 0x40) flags += "O";
  const std::string mtu = c.mtu_of_link ? "auto" : c.mtu ? text("{}", *c.mtu) : "<none>";
  std::string out =
      text("{}: flags=<{}> status=<{}>\n", on.name, on.enabled ? "UP,CONFIGURED" : "UP",
           on.enabled ? "RA_SEND" : "UNCONFIGURED");
  out += text("\tDefaultLifetime: {}\n", span_text(c.lifetime_s));
  out += text("\tMinAdvInterval/MaxAdvInterval: {}/{}\n", span_text(c.interval_min_s),
              span_text(c.interval_max_s));
  out += text("\tAdvLinkMTU: {}, Flags: {}, Preference: {}\n", mtu,
              flags.empty() ? "<none>" : flags, preference);
  out += text("\tReachableTime: {}ms, RetransTimer: {}ms, CurHopLimit: {}\n", c.reachable_ms,
              c.retrans_ms, c.hop_limit);
  out += text("\tAdvIfPrefixes: {}\n", c.no_prefixes ? "no" : "yes");
  if (!verbose) return out;
  const std::vector<RtadvdPrefix> prefixes = prefixes_of(on);
  out += text("\tPrefixes ({}):\n", prefixes.size());
  for (const RtadvdPrefix& p : prefixes)
    out += text("\t  {} ({}, vltime={}, pltime={}, flags={}{})\n", to_text(p.prefix),
                c.prefixes.empty() ? "KERNEL" : "CONFIG", span_text(p.valid_s),
                span_text(p.preferred_s), p.on_link ? "L" : "", p.autonomous ? "A" : "");
  for (const RtadvdRoute& r : c.routes)
    out += text("\tRoute: {} (ltime={})\n", to_text(r.prefix), span_text(r.lifetime_s));
  for (const RtadvdServers& s : c.servers)
    for (const Ipv6Address& a : s.addresses)
      out += text("\tRDNSS: {} (ltime={})\n", to_text(a), span_text(s.lifetime_s));
  for (const RtadvdSearch& s : c.searches)
    for (const std::string& n : s.names)
      out += text("\tDNSSL: {} (ltime={})\n", n, span_text(s.lifetime_s));
  for (const RtadvdPref64& p : c.pref64s)
    out += text("\tPREF64: {} (ltime={})\n", to_text(p.prefix), span_text(p.lifetime_s));
  return out;
}

// A word, then the interfaces that it is about: none named, all.
Task<std::string> Rtadvd::control(std::vector<std::string> words) {
  const std::string what = words.empty() ? "" : words[0];
  const auto meant = [&](const Advertised& on) {
    return words.size() == 1 || std::find(words.begin() + 1, words.end(), on.name) != words.end();
  };
  std::string out;
  std::vector<std::string> names;
  for (Advertised& on : interfaces_) {
    if (!meant(on)) continue;
    names.push_back(on.name);
    if (what == "show" || what == "show-verbose") out += shown(on, what == "show-verbose");
    if (what == "disable" && on.enabled) {
      co_await advertise(on, true);
      on.enabled = false;
    }
    if (what == "enable" && !on.enabled) {
      on.enabled = true;
      on.sent = 0;
      on.next = sys_.now();
    }
  }
  for (size_t i = 1; i < words.size(); ++i)
    if (std::find(names.begin(), names.end(), words[i]) == names.end()) {
      const std::vector<std::string> one(1, words[i]);
      if (what == "enable")
        co_await configure(one);
      else
        out += text("{}: not advertised\n", words[i]);
    }
  if (what == "reload") co_await configure(names);
  if (what == "shutdown") stop_ = true;
  co_return out;
}

Task<void> Rtadvd::controlled() {
  const auto words = co_await control_socket_.take();
  if (!words) co_return;
  const std::string answer = co_await control(*words);
  co_await control_socket_.answer(answer);
}

// --- the daemon ----------------------------------------------------------------------------------

Task<bool> Rtadvd::open_sockets() {
  socket_ =
      co_await sys_.socket(Af::inet6, SocketType::raw, ip_protocol::icmpv6).or_err(1, "socket");
  co_await sys_.set_option(socket_, SocketOption::ipv6_multicast_hops, 255)
      .or_err(1, "IPV6_MULTICAST_HOPS");
  co_await sys_.set_option(socket_, SocketOption::ipv6_recvpktinfo, 1).or_warn("IPV6_RECVPKTINFO");
  co_await sys_.set_option(socket_, SocketOption::ipv6_recvhoplimit, 1)
      .or_warn("IPV6_RECVHOPLIMIT");
  co_return co_await control_socket_.open(control_path_);
}

Task<void> Rtadvd::serve() {
  SimTime next = SimTime::max();
  for (Advertised& on : interfaces_) {
    if (!on.enabled) continue;
    if (on.next <= sys_.now()) co_await advertise(on, false);
    next = std::min(next, on.next);
  }
  std::vector<PollItem> items{{.fd = socket_, .ready = {}},
                              {.fd = control_socket_.fd(), .ready = {}}};
  const SimTime wait = next == SimTime::max() ? SimTime(-1) : next - sys_.now();
  const auto polled = co_await sys_.poll(items, wait);
  if (!polled) co_return;
  if ((*polled)[1].ready.readable) co_await controlled();
  if (!(*polled)[0].ready.readable) co_return;
  const Result<Received> got = co_await sys_.receive(socket_, 65535);
  if (got) take(*got);
}

// RFC 4861 s6.2.5: nobody shall rely on it any longer.
Task<void> Rtadvd::say_good_bye() {
  while (sys_.take_signal()) {
  }
  for (int i = 0; i < final_adverts; ++i) {
    for (Advertised& on : interfaces_)
      if (on.enabled) co_await advertise(on, true);
    if (i + 1 < final_adverts) co_await sys_.sleep(least_between);
  }
  control_socket_.remove();
}

Task<int> Rtadvd::run(std::vector<std::string> names) {
  const bool controllable = co_await open_sockets();
  if (!controllable) co_await sys_.complain(text("{}: cannot listen", control_path_));
  if (!co_await configure(names)) co_return 1;
  sys_.catch_signals();
  sys_.set_signal(Signal::hup, SignalAction::catch_it);
  while (!stop_) {
    if (const auto signal = sys_.take_signal()) {
      if (*signal != Signal::hup) break;
      std::vector<std::string> all;
      for (const Advertised& on : interfaces_) all.push_back(on.name);
      co_await configure(all);
    }
    co_await serve();
  }
  co_await say_good_bye();
  co_return 0;
}

Task<int> rtadvd(Sys& sys, Args args) {
  const Options options(args, "C:c:dDfM:p:Rs");
  if (!options.error().empty() || options.rest().empty())
    co_return co_await bad_usage(sys, rtadvd_command, options.error(), 1);
  std::string conf = options.value('c', "/etc/rtadvd.conf");
  if (!conf.starts_with('/')) conf = sys.folder() + "/" + conf;
  if (!options.has('f')) co_await sys.daemon().or_err(1, "daemon");
  co_await write_pid_file(sys, options.value('p', pid_by_default));
  Rtadvd run(sys, conf, options.value('C', control_by_default));
  co_return co_await run.run(options.rest());
}

// --- rtadvctl(8) ---------------------------------------------------------------------------------

Task<int> rtadvctl(Sys& sys, Args args) {
  const Options options(args, "C:v");
  std::vector<std::string> words = options.rest();
  constexpr std::string_view known[] = {"show", "enable", "disable", "reload", "shutdown"};
  const bool right =
      !words.empty() && std::find(std::begin(known), std::end(known), words[0]) != std::end(known);
  if (!options.error().empty() || !right)
    co_return co_await bad_usage(sys, rtadvctl_command, options.error(), 1);
  if (words[0] == "show" && options.has('v')) words[0] = "show-verbose";
  const std::string path = options.value('C', control_by_default);
  const Result<std::string> answer = co_await ask_daemon(sys, path, words);
  if (!answer) {
    co_await sys.complain(text("Failed to open {}: {}", path, errno_text(answer.error())));
    co_return 1;
  }
  co_await sys.print(*answer);
  co_return answer->find(": not advertised\n") == std::string::npos ? 0 : 1;
}

}  // namespace

const Command rtadvd_command{.name = "rtadvd",
                             .synopsis =
                                 "rtadvd [-dDfRs] [-c configfile] [-C ctlsock] "
                                 "[-M ifname] [-p pidfile] interface ...",
                             .run = rtadvd};

const Command rtadvctl_command{.name = "rtadvctl",
                               .synopsis =
                                   "rtadvctl [-v] [-C ctlsock] show [interface ...]\n"
                                   "rtadvctl [-C ctlsock] enable interface ...\n"
                                   "rtadvctl [-C ctlsock] disable interface ...\n"
                                   "rtadvctl [-C ctlsock] reload [interface ...]\n"
                                   "rtadvctl [-C ctlsock] shutdown",
                               .run = rtadvctl};

}  // namespace stackyard
