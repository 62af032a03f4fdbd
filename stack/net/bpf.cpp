#include "stack/net/bpf.h"

#include <algorithm>
#include <deque>

#include "core/base/text.h"
#include "core/capture/filter.h"
#include "core/offload/checksum_offload.h"
#include "stack/net/net_stack.h"

namespace stackyard {

namespace {

class Bpf final : public SocketOps, public BpfTap {
 public:
  static constexpr size_t buffer_max = 512 * 1024;  // octets kept for a slow reader

  explicit Bpf(NetStack& net) : net_(net) {}
  ~Bpf() override {
    if (interface_ && promiscuous_) interface_->set_promiscuous(false);
    if (interface_) interface_->remove_tap(this);
  }

  Result<> bind(const SockAddr&) override { return Errno::eopnotsupp; }
  Result<> connect(const SockAddr&) override { return Errno::eopnotsupp; }
  // Injects a whole frame.
  Result<size_t> send(Bytes octets, const SendOptions&) override {
    if (!interface_) return Errno::enxio;
    Packet frame = net_.site().make_packet(octets.size());
    std::copy(octets.begin(), octets.end(), frame.writable_front().begin());
    TRY(interface_->output_frame(std::move(frame)));
    return octets.size();
  }
  Result<Received> receive(size_t, const ReceiveOptions&) override {
    if (frames_.empty()) {
      if (gone_) return Errno::enxio;
      return Errno::eagain;
    }
    Received first = std::move(frames_.front());
    frames_.pop_front();
    buffered_ -= first.octets.size();
    return first;
  }
  Result<> set_option(SocketOption option, const OptionValue& value) override;
  Result<OptionValue> get_option(SocketOption option) override {
    OptionValue value;
    if (option == SocketOption::so_rcvtimeo) return value;
    if (option != SocketOption::bpf_interface) return Errno::enoprotoopt;
    if (!interface_) return Errno::enxio;
    value.number = interface_->is_ethernet();
    return value;
  }
  Readiness readiness() const override { return {.readable = !frames_.empty() || gone_}; }
  SockAddr local_name() const override { return {}; }
  SockAddr peer_name() const override { return {}; }
  std::string protocol_name() const override { return "bpf"; }
  size_t receive_queue() const override { return buffered_; }
  SocketType type() const override { return SocketType::raw; }

  void see(Packet& frame, bool) override;
  void interface_gone() override {
    interface_ = nullptr;
    gone_ = true;
    changed();
  }

 private:
  NetStack& net_;
  Ifnet* interface_ = nullptr;
  std::string expression_;
  PacketFilter filter_;
  bool promiscuous_ = false;
  bool gone_ = false;
  size_t snaplen_ = 262144;
  std::deque<Received> frames_;
  size_t buffered_ = 0;
};

Result<> Bpf::set_option(SocketOption option, const OptionValue& value) {
  switch (option) {
    case SocketOption::bpf_filter:
      expression_ = text_of(value.octets);
      return {};
    case SocketOption::bpf_promiscuous:
      promiscuous_ = value.number != 0;
      return {};
    case SocketOption::bpf_snaplen:
      snaplen_ = size_t(value.number);
      return {};
    case SocketOption::bpf_interface: {
      if (interface_) return Errno::einval;
      Ifnet* found = net_.find(std::string(text_of(value.octets)));
      if (!found) return Errno::enxio;
      const LinkType type = found->is_ethernet() ? LinkType::ethernet : LinkType::null;
      auto compiled = PacketFilter::compile(expression_, type);
      if (!compiled.error.empty()) return Errno::einval;
      filter_ = std::move(compiled.filter);
      interface_ = found;
      interface_->add_tap(this);
      if (promiscuous_) interface_->set_promiscuous(true);
      return {};
    }
    default:
      return Errno::enoprotoopt;
  }
}

void Bpf::see(Packet& frame, bool) {
  Packet copy = frame.clone();
  finish_checksum(copy);
  if (!interface_->is_ethernet()) {
    const uint32_t family = 2;  // DLT_NULL, in the machine's byte order
    std::memcpy(copy.prepend(sizeof family).data(), &family, sizeof family);
  }
  const Bytes octets = copy.octets();
  if (!filter_.matches(octets)) return;
  if (buffered_ + octets.size() > buffer_max) return;  // bs_drop
  const Bytes kept = octets.first(std::min(octets.size(), snaplen_));
  Received received;
  received.octets.assign(kept.begin(), kept.end());
  received.length = octets.size();
  received.time = net_.site().now();
  received.interface_index = interface_->index();
  buffered_ += kept.size();
  frames_.push_back(std::move(received));
  changed();
}

}  // namespace

std::unique_ptr<SocketOps> make_bpf(NetStack& net) { return std::make_unique<Bpf>(net); }

}  // namespace stackyard
