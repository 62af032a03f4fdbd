#include "stack/ip/raw_socket.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/offload/checksum_offload.h"
#include "core/wire/net/ipv4.h"

namespace stackyard {

namespace {
constexpr uint64_t raw_receive_space = 9216;  // net.inet.raw.recvspace
constexpr uint64_t raw_datagram_max = 65535;
}  // namespace

class RawSocket final : public InetSocket {
 public:
  RawSocket(RawIp& owner, NetStack& net, IpOutput& ip, uint8_t protocol)
      : InetSocket(net, ip, raw_receive_space, raw_datagram_max),
        owner_(owner),
        protocol_(protocol) {
    if (protocol == ip_protocol::raw) header_included_ = true;
  }
  ~RawSocket() override { owner_.closed(this); }

  bool wants(const IpContext& context) const {
    if (protocol_ != 0 && protocol_ != context.protocol) return false;
    if (!local_.address.is_any() && local_.address != context.dest) return false;
    if (connected_ && foreign_.address != context.source) return false;
    return !context.dest.is_multicast() || context.protocol != ip_protocol::udp || hears(context);
  }

  Result<> bind(const SockAddr& address) override {
    const bool ours =
        address.address.is_any() || ip_.is_local(address.address) || address.address.is_multicast();
    if (!ours) return Errno::eaddrnotavail;
    local_.address = address.address;
    return {};
  }
  Result<> connect(const SockAddr& address) override {
    foreign_.address = address.address;
    connected_ = true;
    return {};
  }
  Result<size_t> send(Bytes octets, const SendOptions& options) override {
    if (options.to && connected_) return Errno::eisconn;
    if (!options.to && !connected_) return Errno::enotconn;
    if (octets.size() > datagram_max_) return Errno::emsgsize;
    IpSend send = make_send(options.to ? options.to->address : foreign_.address);
    send.protocol = protocol_;
    if (send.header_included) {
      const auto header = parse_included(octets);
      if (!header) return Errno::einval;
      send.dest = header->dest_address();
    }
    Packet packet = net_.site().make_packet(octets.size());
    std::copy(octets.begin(), octets.end(), packet.writable_front().begin());
    TRY(ip_.output(std::move(packet), send));
    return octets.size();
  }
  Result<> set_option(SocketOption option, const OptionValue& value) override {
    if (option != SocketOption::ip_hdrincl) return InetSocket::set_option(option, value);
    header_included_ = value.number;
    return {};
  }
  std::string protocol_name() const override {
    return protocol_ == ip_protocol::icmp ? "icmp4" : text("raw4/{}", protocol_);
  }
  SocketType type() const override { return SocketType::raw; }

 private:
  static std::optional<Ipv4Header> parse_included(Bytes octets) {
    if (octets.size() < sizeof(Ipv4Header)) return std::nullopt;
    const auto header = load<Ipv4Header>(octets);
    const bool sound = header.version_length >> 4 == 4 &&
                       header.header_size() >= sizeof(Ipv4Header) &&
                       header.header_size() <= octets.size();
    return sound ? std::optional(header) : std::nullopt;
  }

  RawIp& owner_;
  uint8_t protocol_;
};

bool RawIp::wants(const IpContext& context) const {
  return std::any_of(sockets_.begin(), sockets_.end(),
                     [&](const RawSocket* s) { return s->wants(context); });
}

void RawIp::receive(Packet packet, const IpContext& context) {
  if (!wants(context)) return;
  finish_checksum(packet);
  const MutableBytes header = packet.prepend(context.header.size());
  std::copy(context.header.begin(), context.header.end(), header.begin());
  const SockAddr from{.address = context.source}, to{.address = context.dest};
  for (RawSocket* socket : sockets_)
    if (socket->wants(context)) socket->deliver(packet.clone(), from, to, context);
}

std::unique_ptr<SocketOps> RawIp::create(int protocol) {
  auto socket = std::make_unique<RawSocket>(*this, net_, ip_, uint8_t(protocol));
  sockets_.push_back(socket.get());
  return socket;
}

}  // namespace stackyard
