// stack/inet/ip_mroute.cpp - packets for groups that go on to other links (multicast(4)).
#include "stack/inet/drops.h"
#include "stack/inet/inet.h"

namespace stackyard {

Result<> Inet::multicast_routing(UpcallReceiver& daemon, SocketOption option,
                                 const OptionValue& value) {
  if (!multicast_) multicast_ = std::make_unique<MulticastRoutes>(net_);
  TRY(multicast_->set_option(daemon, IpFamily::v4, option, value));
  // What waited for this decision comes in once more.
  PacketQueue decided = multicast_->take_decided();
  while (Packet packet = decided.pop())
    if (const Ifnet* from = net_.resolve({packet.interface()}))
      forward_group(packet, load<Ipv4Header>(packet.front()), *from);
  return {};
}

void Inet::multicast_daemon_closed(UpcallReceiver& daemon) {
  if (multicast_) multicast_->closed(daemon);
}

MulticastRoutesInfo Inet::multicast_routes() const {
  if (!multicast_) return {};
  return multicast_->list([&](const Ifnet& i) { return IpAddress(primary_address(i)); });
}

const MulticastRouteCounters& Inet::multicast_counters() const {
  static constexpr MulticastRouteCounters none;
  return multicast_ ? multicast_->counters : none;
}

// RFC 1812 s5.2.1.3: never what is for one link (224.0.0.0/24), nor what has no sound source.
void Inet::forward_group(const Packet& packet, const Ipv4Header& header, const Ifnet& from) {
  const Ipv4Address dest = header.dest_address(), source = header.source_address();
  const bool local = (dest.value & 0xffffff00) == 0xe0000000;
  if (local || header.ttl <= 1 || source.is_any() || source.is_multicast()) return;
  multicast_->forward(packet, source, dest, from, header.ttl, [&](Packet copy, Ifnet& by) {
    const MutableBytes octets = copy.writable_front();
    --octets[8];
    finish_ipv4_header(octets.first(header.header_size()));
    Destination to{&by, dest, nullptr};
    if (net_.hooked(HookPoint::inet_out) && !pass_out(copy, to, net_.resolve(from.ref())).passed)
      return;
    if (output_on(std::move(copy), to, false)) ++counters.forwarded;
  });
}

}  // namespace stackyard
