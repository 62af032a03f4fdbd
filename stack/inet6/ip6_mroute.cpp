// stack/inet6/ip6_mroute.cpp - packets for groups that go on to other links (multicast(4), RFC 4291
// s2.7).
#include "stack/inet6/drops.h"
#include "stack/inet6/inet6.h"

namespace stackyard {

Result<> Inet6::multicast_routing(UpcallReceiver& daemon, SocketOption option,
                                  const OptionValue& value) {
  if (!multicast_) multicast_ = std::make_unique<MulticastRoutes>(net_);
  TRY(multicast_->set_option(daemon, IpFamily::v6, option, value));
  // What waited for this decision comes in once more.
  PacketQueue decided = multicast_->take_decided();
  while (Packet packet = decided.pop())
    if (const Ifnet* from = net_.resolve({packet.interface()}))
      forward_group(packet, load<Ipv6Header>(packet.front()), *from);
  return {};
}

void Inet6::multicast_daemon_closed(UpcallReceiver& daemon) {
  if (multicast_) multicast_->closed(daemon);
}

MulticastRoutesInfo Inet6::multicast_routes() const {
  if (!multicast_) return {};
  return multicast_->list([&](const Ifnet& i) { return IpAddress(link_local_on(i)); });
}

const MulticastRouteCounters& Inet6::multicast_counters() const {
  static constexpr MulticastRouteCounters none;
  return multicast_ ? multicast_->counters : none;
}

// RFC 4007 s9: what is for one link stays there, and a link-local source does, too.
void Inet6::forward_group(const Packet& packet, const Ipv6Header& header, const Ifnet& from) {
  if (header.dest.scope() <= 2 || header.hop_limit <= 1) return;
  if (header.source.is_any() || header.source.is_link_local()) return;
  multicast_->forward(
      packet, header.source, header.dest, from, header.hop_limit, [&](Packet copy, Ifnet& by) {
        if (copy.size() > link_mtu(by)) {
          ++counters.cant_fragment;
          drop(copy, drops6::too_big, by.name());
          return icmp_.send_error(std::move(copy), icmpv6_type::too_big, 0, link_mtu(by));
        }
        --copy.writable_front()[7];
        Destination to{&by, header.dest, nullptr};
        if (net_.hooked(HookPoint::inet6_out) &&
            !pass_out(copy, to, net_.resolve(from.ref())).passed)
          return;
        if (hand_to_link(std::move(copy), to)) ++counters.forwarded;
      });
}

}  // namespace stackyard
