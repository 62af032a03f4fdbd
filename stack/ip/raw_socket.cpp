#include "stack/ip/raw_socket.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/offload/checksum_offload.h"
#include "core/wire/net/ip_pseudo.h"
#include "stack/ip/datagram_socket.h"

namespace stackyard {

namespace {
constexpr int64_t raw_receive_space = 9216;  // net.inet.raw.recvspace
constexpr int64_t raw_datagram_max = 65535;
}  // namespace

class RawSocket final : public DatagramSocket {
 public:
  RawSocket(RawIp& owner, IpStack& ip, IpFamily native, uint8_t protocol)
      : DatagramSocket(ip, native, raw_receive_space, raw_datagram_max),
        owner_(owner),
        protocol_(protocol) {
    if (native == IpFamily::v4 && protocol == ip_protocol::raw) header_included_ = true;
    if (native == IpFamily::v6) family = PcbFamily::v6;
    // RFC 3542 s3.1: the kernel always checks and computes ICMPv6's checksum.
    if (native == IpFamily::v6 && protocol == ip_protocol::icmpv6) checksum_at_ = 2;
  }
  ~RawSocket() override { owner_.closed(this); }

  bool wants(const IpContext& context) const;
  bool passes(Packet& packet, const IpContext& context) const;

  Result<> bind(const SockAddr& address) override {
    IpAddress wanted = TRY(endpoint_of(address, family)).address;
    TRY(ip_.confine(jail, wanted));
    if (!wanted.is_any() && !bind_any) TRY(ip_.of(wanted).may_bind(wanted));
    local_.address = wanted;
    return {};
  }
  Result<> connect(const SockAddr& address) override {
    foreign_.address = TRY(endpoint_of(address, family)).address;
    connected_ = true;
    return {};
  }
  Result<size_t> send(Bytes octets, const SendOptions& options) override;
  Result<> set_option(SocketOption option, const OptionValue& value) override;
  std::string protocol_name() const override {
    if (family == PcbFamily::v4)
      return protocol_ == ip_protocol::icmp ? "icmp4" : text("raw4/{}", protocol_);
    return protocol_ == ip_protocol::icmpv6 ? "icmp6" : text("raw6/{}", protocol_);
  }
  SocketType type() const override { return SocketType::raw; }

 private:
  static std::optional<Ipv4Header> parse_included(Bytes octets);
  // RFC 3542 s3.1: EINVAL where the checksum's field is not in the packet.
  Result<> put_checksum(MutableBytes octets, const IpSend& send) const;
  uint64_t pseudo_sum(const IpAddress& source, const IpAddress& dest, size_t length) const {
    return ip_pseudo_sum(source, dest, protocol_, length);
  }

  RawIp& owner_;
  uint8_t protocol_;
  int32_t checksum_at_ = -1;                         // IPV6_CHECKSUM; -1: none
  std::unique_ptr<std::array<uint8_t, 32>> filter_;  // ICMP6_FILTER; null: all pass
};

bool RawSocket::wants(const IpContext& context) const {
  if (native(family) != context.dest.family()) return false;
  if (protocol_ != 0 && protocol_ != context.protocol) return false;
  if (!local_.address.is_any() && local_.address != context.dest) return false;
  if (connected_ && foreign_.address != context.source) return false;
  if (jail != 0 && !ip_.allows(jail, context.dest)) return false;
  return !context.dest.is_multicast() || context.protocol != ip_protocol::udp || hears(context);
}

// What an IPv6 socket looks at in the packet itself.
bool RawSocket::passes(Packet& packet, const IpContext& context) const {
  if (family == PcbFamily::v4) return true;
  const Bytes octets = packet.octets();
  if (filter_ && !octets.empty() && ((*filter_)[octets[0] >> 3] & (1 << (octets[0] & 7))))
    return false;
  if (checksum_at_ < 0 || protocol_ == ip_protocol::icmpv6) return true;  // ICMPv6 has checked
  if (octets.size() < size_t(checksum_at_) + 2) return false;
  return internet_checksum(octets, pseudo_sum(context.source, context.dest, octets.size())) == 0;
}

std::optional<Ipv4Header> RawSocket::parse_included(Bytes octets) {
  if (octets.size() < sizeof(Ipv4Header)) return std::nullopt;
  const auto header = load<Ipv4Header>(octets);
  const bool sound = header.version_length >> 4 == 4 &&
                     header.header_size() >= sizeof(Ipv4Header) &&
                     header.header_size() <= octets.size();
  return sound ? std::optional(header) : std::nullopt;
}

Result<> RawSocket::put_checksum(MutableBytes octets, const IpSend& send) const {
  const size_t at = size_t(checksum_at_);
  if (at + 2 > octets.size()) return Errno::einval;
  store(be16(0), octets.subspan(at));
  const uint64_t pseudo = pseudo_sum(send.source, send.dest, octets.size());
  store(be16(internet_checksum(octets, pseudo)), octets.subspan(at));
  return {};
}

Result<size_t> RawSocket::send(Bytes octets, const SendOptions& options) {
  if (options.to && connected_) return Errno::eisconn;
  if (!options.to && !connected_) return Errno::enotconn;
  if (octets.size() > datagram_max()) return Errno::emsgsize;
  const IpAddress to =
      options.to ? TRY(endpoint_of(*options.to, family)).address : foreign_.address;
  std::vector<uint8_t> headers;
  IpSend send = TRY(make_send(to, options, headers));
  send.protocol = protocol_;
  if (send.header_included) {
    const auto header = parse_included(octets);
    if (!header) return Errno::einval;
    send.dest = header->dest_address();
    if (jail != 0 && !ip_.allows(jail, header->source_address())) return Errno::eaddrnotavail;
  } else if (send.source.is_any() && (jail != 0 || checksum_at_ >= 0)) {
    send.source = TRY(choose_source(send));
  }
  Packet packet = ip_.site().make_packet(octets.size());
  std::copy(octets.begin(), octets.end(), packet.writable_front().begin());
  if (checksum_at_ >= 0) TRY(put_checksum(packet.writable_front(), send));
  TRY(ip_.of(to).output(std::move(packet), send));
  return octets.size();
}

Result<> RawSocket::set_option(SocketOption option, const OptionValue& value) {
  const bool v6 = family == PcbFamily::v6;
  if (option == SocketOption::ip_hdrincl && !v6) {
    header_included_ = value.number;
    return {};
  }
  if (option == SocketOption::ipv6_checksum && v6) {
    if (protocol_ == ip_protocol::icmpv6 || value.number < -1 || value.number > 65535 ||
        (value.number > 0 && value.number % 2 != 0))
      return Errno::einval;
    checksum_at_ = int32_t(value.number);
    return {};
  }
  if (option == SocketOption::icmp6_filter && v6) {
    if (value.octets.size() != 32) return Errno::einval;
    filter_ = std::make_unique<std::array<uint8_t, 32>>();
    std::copy(value.octets.begin(), value.octets.end(), filter_->begin());
    return {};
  }
  return DatagramSocket::set_option(option, value);
}

bool RawIp::wants(const IpContext& context) const {
  return std::any_of(sockets_.begin(), sockets_.end(),
                     [&](const RawSocket* s) { return s->wants(context); });
}

void RawIp::receive(Packet packet, const IpContext& context) {
  if (!wants(context)) return;
  finish_checksum(packet);
  const Endpoint from{context.source, 0}, to{context.dest, 0};
  if (context.dest.is_v4()) {
    const MutableBytes header = packet.prepend(context.header.size());
    std::copy(context.header.begin(), context.header.end(), header.begin());
  }
  for (RawSocket* socket : sockets_)
    if (socket->wants(context) && socket->passes(packet, context))
      socket->deliver(packet.clone(), from, to, context);
}

Result<std::unique_ptr<SocketOps>> RawIp::create(IpFamily family, int protocol) {
  if (!ip_.output(family)) return Errno::eafnosupport;
  auto socket = std::make_unique<RawSocket>(*this, ip_, family, uint8_t(protocol));
  sockets_.push_back(socket.get());
  return std::unique_ptr<SocketOps>(std::move(socket));
}

}  // namespace stackyard
