#include "stack/udp/udp_socket.h"

#include <algorithm>

#include "core/wire/net/ip_pseudo.h"

namespace stackyard {

UdpSocket::UdpSocket(Udp& udp, IpFamily native)
    : DatagramSocket(udp.ip_, native, udp.settings().recvspace, udp.settings().maxdgram),
      udp_(udp) {}

UdpSocket::~UdpSocket() { udp_.pcbs_.remove(*this); }

Result<> UdpSocket::bind(const SockAddr& address) {
  const Endpoint local = TRY(endpoint_of(address, family));
  if (bound()) return Errno::einval;
  TRY(udp_.pcbs_.bind(*this, local));
  any_local_ = local_.address.is_any();
  return {};
}

Result<> UdpSocket::bind_if_needed() {
  if (bound()) return {};
  return udp_.pcbs_.bind(*this, local_);
}

Result<> UdpSocket::connect(const SockAddr& address) {
  if (address.address.is_any() && address.port == 0) {
    if (connected_)
      udp_.pcbs_.disconnect(*this, any_local_ ? IpAddress::any(native(family)) : local_.address);
    return {};
  }
  Endpoint foreign = TRY(endpoint_of(address, family));
  if (foreign.port == 0) return Errno::eaddrnotavail;
  if (connected_) return Errno::eisconn;
  if (!ip_.output(foreign.address.family())) return Errno::enetunreach;
  if (jail != 0 && foreign.address.is_loopback()) TRY(ip_.confine(jail, foreign.address));
  const IpSend send = make_send(foreign.address);
  const IpAddress local = send.source.is_any() ? TRY(choose_source(send)) : send.source;
  return udp_.pcbs_.connect(*this, local, foreign);
}

Result<size_t> UdpSocket::send(Bytes octets, const SendOptions& options) {
  TRY(pending_error());
  if (options.to && connected_) return Errno::eisconn;
  if (!options.to && !connected_) return Errno::edestaddrreq;
  const Endpoint to = options.to ? TRY(endpoint_of(*options.to, family)) : foreign_;
  if (to.port == 0) return Errno::eaddrnotavail;
  if (octets.size() > datagram_max() || octets.size() > 65507) return Errno::emsgsize;
  IpOutput* const output = ip_.output(to.address.family());
  if (!output) return Errno::enetunreach;
  TRY(bind_if_needed());
  std::vector<uint8_t> headers;
  IpSend send = TRY(make_send(to.address, options, headers));
  send.protocol = ip_protocol::udp;
  if (send.source.is_any()) send.source = TRY(choose_source(send));
  const size_t length = sizeof(UdpHeader) + octets.size();
  const uint32_t path = send.dont_fragment ? output->path_mtu(to.address) : 0;
  const size_t header_size = to.address.is_v4() ? 20 : 40;
  if (path != 0 && length + header_size + send.options.size() > path) {
    path_narrowed(to, path);
    return Errno::emsgsize;
  }

  Packet packet = ip_.site().make_packet(length);
  const MutableBytes space = packet.writable_front();
  UdpHeader header{.source_port = local_.port, .dest_port = to.port, .length = uint16_t(length)};
  // RFC 8200 s8.1: over IPv6 a checksum is not optional.
  if (udp_.settings().checksum || to.address.is_v6()) {
    // The NIC (or whoever looks first) sums up the rest.
    const bool ones = send.ones_broadcast && output->is_broadcast(to.address);
    const IpAddress dest = ones ? IpAddress(Ipv4Address{0xffffffff}) : to.address;
    const uint64_t pseudo = ip_pseudo_sum(send.source, dest, ip_protocol::udp, length);
    header.checksum = checksum_fold(pseudo);
    packet.defer_checksum(DeferredChecksum::internet_of_udp, 0, offsetof(UdpHeader, checksum));
  }
  store(header, space);
  if (!octets.empty()) std::memcpy(space.data() + sizeof(UdpHeader), octets.data(), octets.size());
  ++udp_.counters.sent;
  TRY(output->output(std::move(packet), send));
  return octets.size();
}

}  // namespace stackyard
