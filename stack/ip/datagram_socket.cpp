#include "stack/ip/datagram_socket.h"

#include <algorithm>

namespace stackyard {

Result<Received> DatagramSocket::receive(size_t max, const ReceiveOptions& options) {
  if (error_ != Errno::ok) return std::exchange(error_, Errno::ok);
  if (queue_.empty()) return Errno::eagain;
  Datagram& first = queue_.front();
  const Bytes octets = first.payload.octets();
  const Bytes kept = octets.first(std::min(max, octets.size()));
  Received received;
  received.octets.assign(kept.begin(), kept.end());
  received.length = octets.size();
  received.from = name_of(first.from, family);
  received.link_group = first.group;
  if (want_dest_) received.to = name_of(first.to, family);
  if (want_ttl_) received.ttl = first.ttl;
  if (want_tos_) received.tos = first.tos;
  if (want_interface_) received.interface_index = first.interface;
  if (first.control) {
    received.control = std::make_unique<Ancillary>();
    *received.control = *first.control;
  }
  if (options.peek) return received;
  queued_octets_ -= cost(first.payload);
  queue_.pop_front();
  return received;
}

// Null: the socket asked for nothing of the kind.
std::unique_ptr<Ancillary> DatagramSocket::control_of(const Endpoint& to,
                                                      const IpContext& context) const {
  const Extensions6* want = context.dest.is_v6() ? extensions() : nullptr;
  const bool headers =
      want && (want->want_hop_options || want->want_dest_options || want->want_routing);
  if (!headers && !want_original_) return nullptr;
  auto control = std::make_unique<Ancillary>();
  if (want_original_) control->original_dest = name_of(to, family);
  if (headers) copy_extensions(*want, context.header, *control);
  return control;
}

void DatagramSocket::path_narrowed(const Endpoint& dest, uint32_t mtu) {
  if (!extensions() || !extensions()->want_path_mtu) return;
  Packet nothing = ip_.site().make_packet(0);
  if (int64_t(queued_octets_ + cost(nothing)) > receive_limit_) return;
  queued_octets_ += cost(nothing);
  auto control = std::make_unique<Ancillary>();
  control->path = name_of(dest, family);
  control->path_mtu = mtu;
  queue_.push_back({std::move(nothing), dest, local_, 0, 0, 0, false, std::move(control)});
  changed();
}

bool DatagramSocket::deliver(Packet payload, const Endpoint& from, const Endpoint& to,
                             const IpContext& context) {
  if (context.ttl < min_ttl()) return true;  // IP_MINTTL: silently not for us
  if (int64_t(queued_octets_ + cost(payload)) > receive_limit_) return false;
  queued_octets_ += cost(payload);
  queue_.push_back({std::move(payload), from, to, context.ttl, context.tos,
                    context.interface->index(), context.dest_is_group, control_of(to, context)});
  changed();
  return true;
}

Result<> DatagramSocket::set_option(SocketOption option, const OptionValue& value) {
  const int64_t n = value.number;
  switch (option) {
    case SocketOption::so_rcvbuf:
    case SocketOption::so_sndbuf:
      if (n < 1) return Errno::einval;
      if (n > 2 * 1024 * 1024) return Errno::enobufs;  // kern.ipc.maxsockbuf
      (option == SocketOption::so_rcvbuf ? receive_limit_ : send_limit_) = n;
      return {};
    case SocketOption::so_rcvtimeo:
      receive_timeout_ = n;
      return {};
    default:
      return InetSocket::set_option(option, value);
  }
}

Result<OptionValue> DatagramSocket::get_option(SocketOption option) {
  switch (option) {
    case SocketOption::so_rcvbuf:
      return OptionValue(receive_limit_);
    case SocketOption::so_sndbuf:
      return OptionValue(send_limit_);
    case SocketOption::so_rcvtimeo:
      return OptionValue(receive_timeout_);
    case SocketOption::so_error:
      return OptionValue(int64_t(std::exchange(error_, Errno::ok)));
    default:
      return InetSocket::get_option(option);
  }
}

}  // namespace stackyard
