#include "stack/ip/divert_socket.h"

#include <algorithm>
#include <deque>

#include "core/base/text.h"
#include "core/offload/checksum_offload.h"
#include "core/wire/link/ethernet.h"
#include "core/wire/net/ipv4.h"
#include "core/wire/net/ipv6.h"
#include "stack/ip/ip_stack.h"

namespace stackyard {

namespace {
constexpr DropReason divert_full{"divert_full", "the divert socket's buffer is full"};
constexpr int64_t divert_space = 65536 + 100;  // DIVSNDQ, DIVRCVQ
}  // namespace

class DivertSocket final : public SocketOps {
 public:
  explicit DivertSocket(DivertSockets& owner) : owner_(owner) {}
  ~DivertSocket() override { std::erase(owner_.sockets_, this); }

  Result<> bind(const SockAddr& address) override {
    if (owner_.at_port(address.port) && address.port != 0) return Errno::eaddrinuse;
    port_ = address.port;
    return {};
  }
  Result<> connect(const SockAddr&) override { return Errno::eopnotsupp; }
  Result<size_t> send(Bytes octets, const SendOptions& options) override {
    const SockAddr to = options.to ? *options.to : SockAddr{};
    TRY(owner_.inject(octets, to.port, interface_of(to)));
    return octets.size();
  }
  Result<Received> receive(size_t, const ReceiveOptions& options) override {
    if (packets_.empty()) return Errno::eagain;
    if (options.peek) return Errno::eopnotsupp;
    Received first = std::move(packets_.front());
    packets_.pop_front();
    octets_ -= first.octets.size();
    return first;
  }
  Result<> set_option(SocketOption option, const OptionValue& value) override {
    if (option != SocketOption::so_rcvbuf && option != SocketOption::so_sndbuf)
      return Errno::enoprotoopt;
    if (option == SocketOption::so_rcvbuf) space_ = value.number;
    return {};
  }
  Result<OptionValue> get_option(SocketOption option) override {
    OptionValue value;
    if (option == SocketOption::so_rcvbuf) value.number = space_;
    if (option == SocketOption::so_rcvbuf || option == SocketOption::so_rcvtimeo) return value;
    return Errno::enoprotoopt;
  }
  Readiness readiness() const override { return {.readable = !packets_.empty(), .writable = true}; }
  SockAddr local_name() const override {
    SockAddr name;
    name.port = port_;
    return name;
  }
  SockAddr peer_name() const override { return {}; }
  std::string protocol_name() const override { return "div4"; }
  size_t receive_queue() const override { return octets_; }
  SocketType type() const override { return SocketType::raw; }

  uint16_t port() const { return port_; }
  // False: it does not fit.
  bool take(Received packet) {
    if (int64_t(octets_ + packet.octets.size()) > space_) return false;
    octets_ += packet.octets.size();
    packets_.push_back(std::move(packet));
    changed();
    return true;
  }

 private:
  // As divert(4): an address that is not "any" means that the packet is coming in, by the interface
  // that has it or that is named.
  uint32_t interface_of(const SockAddr& to) const {
    if (to.scope != 0) return to.scope;
    if (to.address.is_any()) return 0;
    IpOutput* output = owner_.ip_.present(to.address.family());
    const Ifnet* found = output ? output->interface_of(to.address) : nullptr;
    return found ? found->index() : 0;
  }

  DivertSockets& owner_;
  uint16_t port_ = 0;
  int64_t space_ = divert_space;
  size_t octets_ = 0;
  std::deque<Received> packets_;
};

DivertSocket* DivertSockets::at_port(uint16_t port) const {
  for (DivertSocket* socket : sockets_)
    if (socket->port() == port) return socket;
  return nullptr;
}

bool DivertSockets::listens(uint16_t port) const { return port != 0 && at_port(port) != nullptr; }

bool DivertSockets::deliver(Packet&& packet, uint16_t port, uint32_t rule, const HookContext& at) {
  DivertSocket* socket = port == 0 ? nullptr : at_port(port);
  if (!socket) return false;
  Packet own = std::move(packet);
  finish_checksum(own);
  const Bytes octets = own.octets();
  Received received;
  received.octets.assign(octets.begin(), octets.end());
  received.length = octets.size();
  received.time = ip_.site().now();
  received.from.port = uint16_t(rule);
  if (!at.outbound() && at.in) {
    received.interface_index = received.from.scope = at.in->index();
    // The interface's first address, so that a program that knows addresses only sends it back in.
    IpSend send;
    send.interface = at.in;
    if (IpOutput* output = ip_.present(IpFamily::v4)) {
      send.dest = Ipv4Address{0xffffffff};
      received.from.address = output->source_for(send).value_or(IpAddress());
    }
  }
  if (!socket->take(std::move(received)))
    ip_.site().note_drop(own.id(), divert_full, "divert", text("{}", port));
  return true;
}

// As the stack would have it: header checksum and lengths are the program's, but for a checksum
// that FreeBSD computes on the way in again.
Packet DivertSockets::ready(Bytes octets, bool inbound) {
  const bool v6 = octets[0] >> 4 == 6;
  Packet packet = ip_.site().make_packet(octets.size());
  const MutableBytes front = packet.writable_front();
  std::copy(octets.begin(), octets.end(), front.begin());
  if (v6) {
    store(be16(uint16_t(octets.size() - sizeof(Ipv6Header))), front.subspan(4));
    return packet;
  }
  if (!inbound) {
    auto header = load<Ipv4Header>(front);
    header.total_length = uint16_t(octets.size());
    store(header, front);
  }
  finish_ipv4_header(front);
  return packet;
}

Result<> DivertSockets::inject(Bytes octets, uint16_t rule, uint32_t interface) {
  if (octets.size() < sizeof(Ipv4Header) || octets.size() > 65535) return Errno::einval;
  const bool v6 = octets[0] >> 4 == 6;
  const size_t least =
      v6 ? sizeof(Ipv6Header) : std::max<size_t>(load<Ipv4Header>(octets).header_size(), 20);
  if ((!v6 && octets[0] >> 4 != 4) || octets.size() < least) return Errno::einval;
  const IpFamily family = v6 ? IpFamily::v6 : IpFamily::v4;
  IpOutput* output = ip_.output(family);
  if (!output) return Errno::eafnosupport;
  Resume resume;
  resume.hook = filter_ ? filter_->hook_id() : 0;
  resume.cookie = filter_ ? DivertCookie::of(rule) : 0;
  resume.site = v6 ? HookSite::inet6 : HookSite::inet;
  if (interface != 0) {
    const Ifnet* in = ip_.net().by_index(interface);
    if (!in) return Errno::eaddrnotavail;
    resume.point = v6 ? HookPoint::inet6_in : HookPoint::inet_in;
    resume.in = in->ref();
    Packet packet = ready(octets, true);
    packet.set_interface(in->ref().value);
    packet.set_fib(uint16_t(in->fib()));
    ip_.net().hooks().resume(std::move(packet), resume);
    return {};
  }
  const IpAddress dest = v6 ? IpAddress(load<Ipv6Header>(octets).dest)
                            : IpAddress(load<Ipv4Header>(octets).dest_address());
  const WayTo way = output->way_to(dest, 0);
  Ifnet* out = output->interface_towards(dest, 0);
  if (!way.interface || !out) return Errno::ehostunreach;
  resume.point = v6 ? HookPoint::inet6_out : HookPoint::inet_out;
  resume.out = out->ref();
  resume.next_hop = way.gateway.is_any() ? dest : way.gateway;
  ip_.net().hooks().resume(ready(octets, false), resume);
  return {};
}

Result<std::unique_ptr<SocketOps>> DivertSockets::create() {
  auto socket = std::make_unique<DivertSocket>(*this);
  sockets_.push_back(socket.get());
  return std::unique_ptr<SocketOps>(std::move(socket));
}

}  // namespace stackyard
