#include "stack/interfaces/epair.h"

#include "core/base/text.h"
#include "stack/kern/machine.h"
#include "stack/net/drops.h"
#include "stack/net/ether.h"

namespace stackyard {

namespace drops {
namespace {
constexpr DropReason epair_queue_full{"epair_queue_full", "the epair's queue was full"};
constexpr DropReason epair_peer_down{"epair_peer_down", "the other end of the epair is not up"};
}  // namespace
}  // namespace drops

namespace {

extern const ClonerRecord cloners[1];

// One end. What it sends waits in its queue for 1 us: another stack is never called into.
class Epair final : public EtherIfnet {
 public:
  static constexpr SimTime crossing_time = 1_us;
  static constexpr size_t queue_max = 1000;  // frames

  Epair(NetStack& net, std::string name, MacAddress mac)
      : EtherIfnet(net, std::move(name), mac),
        timer_(net.site().node(), Timer::call<&Epair::cross>, this) {
    set_capabilities(if_option::checksums | if_option::vlan_mtu);
  }
  ~Epair() override { clear(); }

  void join(Epair& peer) { peer_ = &peer; }
  Epair* peer() const { return peer_; }
  void part() { peer_ = nullptr; }

  bool link_up() const override { return up() && peer_ && peer_->up(); }
  std::string media() const override { return "Ethernet 10Gbase-T (10Gbase-T <full-duplex>)"; }
  uint64_t rate() const override { return 10'000'000'000; }
  std::string status() const override { return link_up() ? "active" : "no carrier"; }

 private:
  void transmit(Packet frame) override {
    if (!peer_ || !peer_->up()) return drop(frame, drops::epair_peer_down, counters_.drops_out);
    if (queue_.count() >= queue_max)
      return drop(frame, drops::epair_queue_full, counters_.drops_out);
    // Nothing that a stack noted on its packets crosses into another.
    frame.drop_tags();
    queue_.push(std::move(frame));
    if (timer_.armed()) return;
    crossing_ = queue_.count();
    timer_.arm(crossing_time);
  }
  // What waited when the timer was armed arrives; what came since waits a whole crossing.
  void cross() {
    for (size_t left = crossing_; left > 0 && peer_; --left) {
      Packet frame = queue_.pop();
      if (!peer_->up())
        drop(frame, drops::epair_peer_down, peer_->counters_.drops_in);
      else
        peer_->input(std::move(frame));
    }
    crossing_ = queue_.count();
    if (crossing_ > 0) timer_.arm(crossing_time);
  }
  void clear() {
    while (Packet frame = queue_.pop()) site_.note_drop(frame.id(), drops::interface_gone, name());
  }
  // The other end's carrier is this end's being up.
  void flags_changed() override {
    if (!peer_) return;
    peer_->net_->tell([this](InterfaceListener& l) { l.link_changed(*peer_); });
  }

  Epair* peer_ = nullptr;
  PacketQueue queue_;
  size_t crossing_ = 0;  // of the queue's, from its front
  Timer timer_;
};

Result<std::string> create(const CloneRequest& request) {
  NetStack& net = request.net;
  const auto [mac_a, mac_b] = net.vnet().machine().new_mac_pair();
  auto a = std::make_unique<Epair>(net, request.name + "a", mac_a);
  auto b = std::make_unique<Epair>(net, request.name + "b", mac_b);
  a->join(*b);
  b->join(*a);
  const std::string name = a->name();
  net.attach_clone(std::move(a), cloners[0], request.unit);
  net.attach_clone(std::move(b), cloners[0], request.unit);
  return name;
}

// Both ends, in whatever stacks they are.
void destroy(Ifnet& interface) {
  Epair& end = static_cast<Epair&>(interface);
  Epair* peer = end.peer();
  end.part();
  if (peer) {
    peer->part();
    const std::unique_ptr<Ifnet> gone = peer->net().detach(*peer);
  }
  const std::unique_ptr<Ifnet> gone = end.net().detach(end);
}

const ClonerRecord cloners[1] = {{.name = "epair",
                                  .summary = "a pair of Ethernet interfaces back to back",
                                  .create = create,
                                  .destroy = destroy,
                                  .names = [](const std::string& name) {
                                    return std::vector<std::string>{name + "a", name + "b"};
                                  }}};

}  // namespace

const ModuleRecord epair_module{.name = "epair",
                                .summary = "pairs of Ethernet interfaces back to back",
                                .needs = {"net"},
                                .create = [](Vnet&) { return std::make_unique<ModuleState>(); },
                                .cloners = cloners};

}  // namespace stackyard
