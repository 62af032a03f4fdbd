// userland/net/rtsol.cpp - rtsol(8) and rtsold(8): ask the routers of a link to advertise
// themselves (RFC 4861 s6.3.7, RFC 7559). What they say is the kernel's.
#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/icmpv6.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/net/api/interface_requests.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

constexpr Ipv6Address all_routers = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 2});
constexpr int solicitations = 3;           // MAX_RTR_SOLICITATIONS
constexpr SimTime interval = 4_s;          // RTR_SOLICITATION_INTERVAL, RFC 7559's IRT
constexpr SimTime interval_most = 3600_s;  // RFC 7559 s2: MRT
constexpr SimTime address_wait = 10_s;     // for the link-local address
constexpr SimTime watch_interval = 1_s;    // rtsold looks at links and lifetimes

// Whether the interface has a link-local address in use.
bool ready(Sys& sys, const std::string& name) {
  ListAddresses6 list;
  (void)sys.request(list);
  for (const InterfaceAddress6& a : list.addresses)
    if (a.interface == name && a.address.address.is_link_local() &&
        !(a.flags & (in6_flag::tentative | in6_flag::duplicated)))
      return true;
  return false;
}

std::optional<InterfaceInfo> interface_named(Sys& sys, const std::string& name) {
  ListInterfaces list;
  (void)sys.request(list);
  for (const InterfaceInfo& i : list.interfaces)
    if (i.name == name) return i;
  return std::nullopt;
}

Task<Fd> open_socket(Sys& sys) {
  const Fd socket =
      co_await sys.socket(Af::inet6, SocketType::raw, ip_protocol::icmpv6).or_err(1, "socket");
  co_await sys.set_option(socket, SocketOption::ipv6_multicast_hops, 255)
      .or_err(1, "IPV6_MULTICAST_HOPS");
  co_return socket;
}

Task<void> send_solicit(Sys& sys, Fd socket, std::string name, uint32_t index) {
  std::vector<uint8_t> message(sizeof(Icmpv6Header));
  store(Icmpv6Header{.type = icmpv6_type::router_solicit}, message);
  const auto interface = interface_named(sys, name);
  if (interface && interface->mac && ready(sys, name))
    add_link_option(message, nd_option::source_link, *interface->mac);
  SendOptions to;
  to.to = SockAddr{};
  to.to->address = all_routers;
  to.to->scope = index;
  co_await sys.send(socket, message, to).or_warn("sendmsg");
}

// The interface whose router advertised itself; 0: nobody did in time.
Task<uint32_t> await_advert(Sys& sys, Fd socket, SimTime until) {
  while (sys.now() < until && !sys.interrupted()) {
    std::vector<PollItem> items{{.fd = socket, .ready = {}}};
    const auto polled = co_await sys.poll(items, until - sys.now());
    if (!polled || !(*polled)[0].ready.readable) continue;
    const Result<Received> got = co_await sys.receive(socket, 65535);
    if (got && !got->octets.empty() && got->octets[0] == icmpv6_type::router_advert)
      co_return got->from.scope;
  }
  co_return 0;
}

// --- rtsol ---------------------------------------------------------------------------------------

Task<bool> solicit(Sys& sys, std::string name) {
  InterfaceIndex ask;
  ask.name = name;
  if (!sys.request(ask)) {
    co_await sys.complain(text("invalid interface {}", name));
    co_return false;
  }
  const SimTime patience = sys.now() + address_wait;
  while (!ready(sys, name) && sys.now() < patience) co_await sys.sleep(100_ms);
  const Fd socket = co_await open_socket(sys);
  bool answered = false;
  for (int i = 0; i < solicitations && !answered && !sys.interrupted(); ++i) {
    co_await send_solicit(sys, socket, name, ask.index);
    const SimTime until = sys.now() + interval;
    while (!answered && sys.now() < until && !sys.interrupted()) {
      const uint32_t from = co_await await_advert(sys, socket, until);
      answered = from == ask.index;
    }
  }
  co_await sys.close(socket);
  co_return answered;
}

// -F: the machine is made a host that listens.
void force_host(Sys& sys, const std::string& name) {
  SetNdFlags change;
  change.interface = name;
  change.set = nd6_flag::accept_rtadv;
  change.clear = nd6_flag::disabled;
  (void)sys.request(change);
  (void)sys.set_sysctl("net.inet6.ip6.forwarding", "0");
}

std::vector<std::string> names_of(Sys& sys, const Options& options) {
  std::vector<std::string> names = options.rest();
  ListNdInterfaces list;
  (void)sys.request(list);
  if (options.has('a'))
    for (const NdInterface& i : list.interfaces)
      if (i.flags & nd6_flag::accept_rtadv) names.push_back(i.name);
  return names;
}

Task<int> rtsol(Sys& sys, Args args) {
  const Options options(args, "adDFiO:p:muR:");
  if (!options.error().empty() || options.rest().empty() == !options.has('a'))
    co_return co_await bad_usage(sys, rtsol_command, options.error(), 1);
  bool all = true;
  for (const std::string& name : names_of(sys, options)) {
    if (options.has('F')) force_host(sys, name);
    const bool answered = co_await solicit(sys, name);
    all = all && answered;
  }
  co_return all ? 0 : 1;
}

// --- rtsold --------------------------------------------------------------------------------------

struct Watched {
  std::string name;
  uint32_t index = 0;
  bool active = false;  // its link, when it was last looked at
  bool answered = false;
  SimTime wait, next;
};

class Rtsold {
 public:
  explicit Rtsold(Sys& sys) : sys_(sys) {}
  Task<int> run(std::vector<std::string> names, bool once);

 private:
  void look(Watched& w);
  void begin(Watched& w) {
    w.answered = false;
    w.wait = SimTime();
    w.next = sys_.now() + random_below(1_s);  // RFC 4861 s6.3.7
  }
  void schedule(Watched& w);
  bool has_router(const Watched& w);
  SimTime random_below(SimTime most) {
    return SimTime(int64_t(sys_.random() % uint64_t(most.ns())));
  }

  Sys& sys_;
  std::vector<Watched> all_;
};

// RFC 7559 s2: 4 s, then twice as long each time, an hour at most; each varied by a tenth.
void Rtsold::schedule(Watched& w) {
  w.wait = w.wait == SimTime() ? interval : std::min(w.wait * 2, interval_most);
  const SimTime varied = w.wait - w.wait / 10 + random_below(w.wait / 5);
  w.next = sys_.now() + varied;
}

bool Rtsold::has_router(const Watched& w) {
  ListRouters6 list;
  (void)sys_.request(list);
  return std::any_of(list.routers.begin(), list.routers.end(),
                     [&](const RouterInfo6& r) { return r.interface == w.name; });
}

// A link that comes up may be another one; a router that is gone may have a successor.
void Rtsold::look(Watched& w) {
  const auto interface = interface_named(sys_, w.name);
  const bool active =
      interface && (interface->flags & if_flag::up) && interface->status != "no carrier";
  if (active && !w.active) begin(w);
  w.active = active;
  if (active && w.answered && !has_router(w)) begin(w);
}

Task<int> Rtsold::run(std::vector<std::string> names, bool once) {
  for (const std::string& name : names) {
    InterfaceIndex ask;
    ask.name = name;
    if (!sys_.request(ask)) {
      co_await sys_.complain(text("invalid interface {}", name));
      co_return 1;
    }
    all_.push_back({.name = name, .index = ask.index});
  }
  const Fd socket = co_await open_socket(sys_);
  sys_.catch_signals();
  while (!sys_.interrupted()) {
    bool all_answered = true;
    for (Watched& w : all_) {
      look(w);
      if (w.active && !w.answered && w.next <= sys_.now() && ready(sys_, w.name)) {
        co_await send_solicit(sys_, socket, w.name, w.index);
        schedule(w);
      }
      all_answered = all_answered && w.answered;
    }
    if (once && all_answered) break;
    const uint32_t from = co_await await_advert(sys_, socket, sys_.now() + watch_interval);
    for (Watched& w : all_)
      if (w.index == from && has_router(w)) w.answered = true;
  }
  co_return 0;
}

Task<int> rtsold(Sys& sys, Args args) {
  const Options options(args, "1adDfFimO:p:uR:");
  if (!options.error().empty() || options.rest().empty() == !options.has('a'))
    co_return co_await bad_usage(sys, rtsold_command, options.error(), 1);
  const std::vector<std::string> names = names_of(sys, options);
  for (const std::string& name : names)
    if (options.has('F')) force_host(sys, name);
  if (!options.has('f')) co_await sys.daemon().or_err(1, "daemon");
  Rtsold run(sys);
  co_return co_await run.run(names, options.has('1'));
}

}  // namespace

const Command rtsol_command{
    .name = "rtsol", .synopsis = "rtsol [-F] interface ...\nrtsol [-F] -a", .run = rtsol};

const Command rtsold_command{
    .name = "rtsold", .synopsis = "rtsold [-1fF] interface ...\nrtsold [-1fF] -a", .run = rtsold};

}  // namespace stackyard
