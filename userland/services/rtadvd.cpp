// userland/services/rtadvd.cpp - rtadvd(8): advertises a router and its prefixes (RFC 4861 s6.2).
#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/icmpv6.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/net/api/interface_requests.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
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

struct Advertised {
  std::string name;
  uint32_t index = 0;
  RtadvdInterface conf;
  int sent = 0;
  SimTime next, last;
};

class Rtadvd {
 public:
  Rtadvd(Sys& sys, std::string conf) : sys_(sys), conf_path_(std::move(conf)) {}
  Task<int> run(std::vector<std::string> names);

 private:
  Task<bool> configure(std::vector<std::string> names);
  Task<void> advertise(Advertised& on, bool last);
  std::vector<uint8_t> message(const Advertised& on, bool last);
  void add_prefixes(const Advertised& on, std::vector<uint8_t>& to);
  void take(const Received& got);
  SimTime random_below(SimTime most) {
    return SimTime(int64_t(sys_.random() % uint64_t(std::max<int64_t>(most.ns(), 1))));
  }

  Sys& sys_;
  std::string conf_path_;
  Fd socket_{};
  std::vector<Advertised> interfaces_;
};

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
    Advertised on{.name = name, .index = ask.index, .conf = conf.interface(name)};
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
void Rtadvd::add_prefixes(const Advertised& on, std::vector<uint8_t>& to) {
  std::vector<RtadvdPrefix> prefixes = on.conf.prefixes;
  if (prefixes.empty() && !on.conf.no_prefixes) {
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
  }
  for (const RtadvdPrefix& p : prefixes) {
    const size_t at = to.size();
    to.resize(at + sizeof(NdPrefix));
    store(NdPrefix{.prefix_length = p.prefix.length,
                   .flags = uint8_t((p.on_link ? NdPrefix::on_link : 0) |
                                    (p.autonomous ? NdPrefix::autonomous : 0)),
                   .valid_s = p.valid_s,
                   .preferred_s = p.preferred_s,
                   .prefix = p.prefix.network()},
          MutableBytes(to).subspan(at));
  }
}

std::vector<uint8_t> Rtadvd::message(const Advertised& on, bool last) {
  RouterAdvert advert;
  const uint32_t lifetime = last ? 0 : on.conf.lifetime_s;
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
    if (i.mac) add_link_option(out, nd_option::source_link, *i.mac);
    std::optional<uint32_t> mtu = on.conf.mtu;
    if (on.conf.mtu_of_link) mtu = i.mtu;
    if (!mtu) continue;
    out.resize(out.size() + sizeof(NdMtu));
    store(NdMtu{.mtu = *mtu}, MutableBytes(out).subspan(out.size() - sizeof(NdMtu)));
  }
  add_prefixes(on, out);
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
    if (on.index != got.interface_index || got.ttl != 255) continue;
    SimTime at = sys_.now() + random_below(answer_delay_most);
    if (on.sent > 0) at = std::max(at, on.last + least_between);
    on.next = std::min(on.next, at);
  }
}

Task<int> Rtadvd::run(std::vector<std::string> names) {
  socket_ =
      co_await sys_.socket(Af::inet6, SocketType::raw, ip_protocol::icmpv6).or_err(1, "socket");
  co_await sys_.set_option(socket_, SocketOption::ipv6_multicast_hops, 255)
      .or_err(1, "IPV6_MULTICAST_HOPS");
  co_await sys_.set_option(socket_, SocketOption::ipv6_recvpktinfo, 1).or_warn("IPV6_RECVPKTINFO");
  co_await sys_.set_option(socket_, SocketOption::ipv6_recvhoplimit, 1)
      .or_warn("IPV6_RECVHOPLIMIT");
  if (!co_await configure(names)) co_return 1;
  sys_.catch_signals();
  while (!sys_.interrupted()) {
    SimTime next = SimTime::max();
    for (Advertised& on : interfaces_) {
      if (on.next <= sys_.now()) co_await advertise(on, false);
      next = std::min(next, on.next);
    }
    std::vector<PollItem> items{{.fd = socket_, .ready = {}}};
    const auto polled = co_await sys_.poll(items, next - sys_.now());
    if (!polled || !(*polled)[0].ready.readable) continue;
    const Result<Received> got = co_await sys_.receive(socket_, 65535);
    if (got) take(*got);
  }
  // RFC 4861 s6.2.5: nobody shall rely on it any longer.
  while (sys_.take_signal()) {
  }
  for (int i = 0; i < final_adverts; ++i) {
    for (Advertised& on : interfaces_) co_await advertise(on, true);
    if (i + 1 < final_adverts) co_await sys_.sleep(least_between);
  }
  co_return 0;
}

Task<int> rtadvd(Sys& sys, Args args) {
  const Options options(args, "C:c:dDfM:p:Rs");
  if (!options.error().empty() || options.rest().empty())
    co_return co_await bad_usage(sys, rtadvd_command, options.error(), 1);
  std::string conf = options.value('c', "/etc/rtadvd.conf");
  if (!conf.starts_with('/')) conf = sys.folder() + "/" + conf;
  if (!options.has('f')) co_await sys.daemon().or_err(1, "daemon");
  Rtadvd run(sys, conf);
  co_return co_await run.run(options.rest());
}

}  // namespace

const Command rtadvd_command{.name = "rtadvd",
                             .synopsis =
                                 "rtadvd [-dDfRs] [-c configfile] [-C ctlsock] "
                                 "[-M ifname] [-p pidfile] interface ...",
                             .run = rtadvd};

}  // namespace stackyard
