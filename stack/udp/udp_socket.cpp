#include "stack/udp/udp_socket.h"

#include <algorithm>

#include "core/wire/checksum.h"

namespace stackyard {

UdpSocket::UdpSocket(Udp& udp)
    : InetSocket(udp.inet_.net(), udp.inet_, uint64_t(udp.settings().recvspace),
                 uint64_t(udp.settings().maxdgram)),
      udp_(udp) {}

UdpSocket::~UdpSocket() { udp_.unbind(*this); }

Result<> UdpSocket::bind(const SockAddr& address) {
  if (address.family != Af::inet) return Errno::eafnosupport;
  if (local_.port != 0) return Errno::einval;
  return udp_.bind(*this, address);
}

Result<> UdpSocket::bind_if_needed() {
  if (local_.port != 0) return {};
  return udp_.bind(*this, {.address = local_.address});
}

Result<> UdpSocket::connect(const SockAddr& address) {
  if (address.address.is_any() && address.port == 0) {
    connected_ = false;
    foreign_ = {};
    return {};
  }
  if (address.port == 0) return Errno::eaddrnotavail;
  if (connected_) return Errno::eisconn;
  IpSend send = make_send(address.address);
  if (local_.address.is_any()) local_.address = TRY(ip_.source_for(send));
  TRY(bind_if_needed());
  foreign_ = address;
  connected_ = true;
  return {};
}

Result<size_t> UdpSocket::send(Bytes octets, const SendOptions& options) {
  if (options.to && connected_) return Errno::eisconn;
  if (!options.to && !connected_) return Errno::edestaddrreq;
  const SockAddr to = options.to.value_or(foreign_);
  if (to.port == 0) return Errno::eaddrnotavail;
  if (octets.size() > datagram_max_ || octets.size() > 65507) return Errno::emsgsize;
  TRY(bind_if_needed());
  IpSend send = make_send(to.address);
  send.protocol = ip_protocol::udp;
  if (options.source) {
    if (!ip_.is_local(*options.source)) return Errno::eaddrnotavail;
    send.source = *options.source;
  }
  if (send.source.is_any()) {
    const Result<Ipv4Address> source = ip_.source_for(send);
    if (!source) return source.error();
    send.source = *source;
  }
  const size_t length = sizeof(UdpHeader) + octets.size();
  const uint32_t path = send.dont_fragment ? ip_.path_mtu(to.address) : 0;
  if (path != 0 && length + sizeof(Ipv4Header) > path) return Errno::emsgsize;

  Packet packet = net_.site().make_packet(length);
  const MutableBytes space = packet.writable_front();
  UdpHeader header{.source_port = local_.port, .dest_port = to.port, .length = uint16_t(length)};
  if (udp_.settings().checksum) {
    // The NIC (or whoever looks first) sums up the rest.
    const uint64_t pseudo = ipv4_pseudo_sum(send.source, to.address, ip_protocol::udp, length);
    header.checksum = checksum_fold(pseudo);
    packet.defer_checksum(DeferredChecksum::internet, 0, offsetof(UdpHeader, checksum));
  }
  store(header, space);
  if (!octets.empty()) std::memcpy(space.data() + sizeof(UdpHeader), octets.data(), octets.size());
  ++udp_.counters.sent;
  TRY(ip_.output(std::move(packet), send));
  return octets.size();
}

}  // namespace stackyard
