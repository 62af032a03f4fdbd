#include "stack/interfaces/epair.h"

#include "core/base/text.h"
#include "stack/interfaces/detail/crossing.h"
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

// One end. What it sends waits for 1 us: another stack is never called into.
class Epair final : public EtherIfnet {
 public:
  Epair(NetStack& net, std::string name, MacAddress mac)
      : EtherIfnet(net, std::move(name), mac), crossing_(site_, arrive, this) {
    set_capabilities(if_option::checksums | if_option::vlan_mtu);
  }
  ~Epair() override { crossing_.clear(name()); }

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
    if (crossing_.full()) return drop(frame, drops::epair_queue_full, counters_.drops_out);
    crossing_.push(std::move(frame));
  }
  static void arrive(void* owner, Packet frame) {
    Epair& self = *static_cast<Epair*>(owner);
    if (!self.peer_) return self.site_.note_drop(frame.id(), drops::interface_gone, self.name());
    if (!self.peer_->up())
      return self.drop(frame, drops::epair_peer_down, self.peer_->counters_.drops_in);
    self.peer_->input(std::move(frame));
  }
  // The other end's carrier is this end's being up.
  void flags_changed() override {
    if (!peer_) return;
    peer_->net_->tell([this](InterfaceListener& l) { l.link_changed(*peer_); });
  }

  Epair* peer_ = nullptr;
  Crossing crossing_;
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
