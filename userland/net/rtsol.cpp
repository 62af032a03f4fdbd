// userland/net/rtsol.cpp - rtsol(8): asks the routers of a link to advertise themselves (RFC 4861
// s6.3.7). What they say is the kernel's.
#include "core/base/text.h"
#include "core/wire/net/icmpv6.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/net/api/interface_requests.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

constexpr Ipv6Address all_routers = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 2});
constexpr int solicitations = 3;        // MAX_RTR_SOLICITATIONS
constexpr SimTime interval = 4_s;       // RTR_SOLICITATION_INTERVAL
constexpr SimTime address_wait = 10_s;  // for the link-local address

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

// True: a router answered.
Task<bool> await_advert(Sys& sys, Fd socket, uint32_t index, SimTime until) {
  while (sys.now() < until && !sys.interrupted()) {
    std::vector<PollItem> items{{.fd = socket, .ready = {}}};
    const auto polled = co_await sys.poll(items, until - sys.now());
    if (!polled || !(*polled)[0].ready.readable) continue;
    const Result<Received> got = co_await sys.receive(socket, 65535);
    if (got && !got->octets.empty() && got->octets[0] == icmpv6_type::router_advert &&
        got->from.scope == index)
      co_return true;
  }
  co_return false;
}

Task<bool> solicit(Sys& sys, std::string name) {
  InterfaceIndex ask;
  ask.name = name;
  if (!sys.request(ask)) {
    co_await sys.complain(text("invalid interface {}", name));
    co_return false;
  }
  const SimTime patience = sys.now() + address_wait;
  while (!ready(sys, name) && sys.now() < patience) co_await sys.sleep(100_ms);
  const Fd socket =
      co_await sys.socket(Af::inet6, SocketType::raw, ip_protocol::icmpv6).or_err(1, "socket");
  co_await sys.set_option(socket, SocketOption::ipv6_multicast_hops, 255)
      .or_err(1, "IPV6_MULTICAST_HOPS");
  ListInterfaces list;
  (void)sys.request(list);
  std::vector<uint8_t> message(sizeof(Icmpv6Header));
  store(Icmpv6Header{.type = icmpv6_type::router_solicit}, message);
  for (const InterfaceInfo& i : list.interfaces)
    if (i.name == name && i.mac && ready(sys, name))
      add_link_option(message, nd_option::source_link, *i.mac);
  bool answered = false;
  for (int i = 0; i < solicitations && !answered && !sys.interrupted(); ++i) {
    SendOptions to;
    to.to = SockAddr{};
    to.to->address = all_routers;
    to.to->scope = ask.index;
    co_await sys.send(socket, message, to).or_warn("sendmsg");
    answered = co_await await_advert(sys, socket, ask.index, sys.now() + interval);
  }
  co_await sys.close(socket);
  co_return answered;
}

Task<int> rtsol(Sys& sys, Args args) {
  const Options options(args, "adDFiO:p:muR:");
  std::vector<std::string> names = options.rest();
  if (!options.error().empty() || names.empty() == !options.has('a'))
    co_return co_await bad_usage(sys, rtsol_command, options.error(), 1);
  ListNdInterfaces list;
  (void)sys.request(list);
  if (options.has('a')) {
    for (const NdInterface& i : list.interfaces)
      if (i.flags & nd6_flag::accept_rtadv) names.push_back(i.name);
  }
  bool all = true;
  for (const std::string& name : names) {
    if (options.has('F')) {
      SetNdFlags change;
      change.interface = name;
      change.set = nd6_flag::accept_rtadv;
      change.clear = nd6_flag::disabled;
      (void)sys.request(change);
      (void)sys.set_sysctl("net.inet6.ip6.forwarding", "0");
    }
    const bool answered = co_await solicit(sys, name);
    all = all && answered;
  }
  co_return all ? 0 : 1;
}

}  // namespace

const Command rtsol_command{
    .name = "rtsol", .synopsis = "rtsol [-F] interface ...\nrtsol [-F] -a", .run = rtsol};

}  // namespace stackyard
