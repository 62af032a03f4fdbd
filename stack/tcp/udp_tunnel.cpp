#include "stack/tcp/udp_tunnel.h"

#include "core/wire/net/ip_pseudo.h"
#include "core/wire/transport/udp.h"
#include "stack/kern/vnet.h"
#include "stack/net/net_stack.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

void TcpUdpTunnel::listen_at(uint16_t port) {
  port_ = port;
  for (auto& ear : ears_) ear.reset();
  if (port == 0) return;
  Vnet& vnet = tcp_.ip().net().vnet();
  for (const Af family : {Af::inet, Af::inet6}) {
    auto socket = vnet.socket(family, SocketType::datagram, 0);
    if (!socket) continue;
    const bool v6 = family == Af::inet6;
    SockAddr at;
    at.address = IpAddress::any(v6 ? IpFamily::v6 : IpFamily::v4);
    at.port = port;
    if (v6) (void)(*socket)->set_option(SocketOption::ipv6_v6only, 1);
    const SocketOption dest = v6 ? SocketOption::ipv6_recvpktinfo : SocketOption::ip_recvdstaddr;
    if (!(*socket)->set_option(dest, 1) || !(*socket)->bind(at)) continue;
    ears_[v6] = std::make_unique<Ear>(tcp_, std::move(*socket));
  }
}

void TcpUdpTunnel::Ear::socket_changed() {
  for (;;) {
    const Result<Received> got = socket->receive(65536, {});
    if (!got) return;
    Packet packet = tcp.site().make_packet(got->octets.size());
    std::copy(got->octets.begin(), got->octets.end(), packet.writable_front().begin());
    IpContext context{.source = got->from.address, .dest = got->to.address};
    context.protocol = ip_protocol::tcp;
    context.ttl = 255;  // IP_MINTTL is none of a tunnel's
    tcp.receive_from_tunnel(std::move(packet), context, got->from.port);
  }
}

// The datagram's checksum covers the segment, whose own stays 0.
void Tcp::wrap_in_udp(Packet& packet, const TcpEnds& ends, uint16_t remote_port) {
  store(be16(0), packet.writable_front().subspan(offsetof(TcpHeader, checksum)));
  const size_t length = sizeof(UdpHeader) + packet.size();
  const uint64_t pseudo =
      ip_pseudo_sum(ends.local.address, ends.foreign.address, ip_protocol::udp, length);
  packet.prepend_header(UdpHeader{.source_port = udp_tunnel_.port(),
                                  .dest_port = remote_port,
                                  .length = uint16_t(length),
                                  .checksum = checksum_fold(pseudo)});
  packet.defer_checksum(DeferredChecksum::internet_of_udp, 0, offsetof(UdpHeader, checksum));
}

void Tcp::receive_from_tunnel(Packet packet, const IpContext& context, uint16_t remote_port) {
  ++counters.rcvtotal;
  TcpSegment segment{.encaps_port = remote_port};
  if (parse(std::move(packet), context, segment)) accept_segment(segment, context);
}

}  // namespace stackyard
