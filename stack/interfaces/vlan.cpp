#include "stack/interfaces/vlan.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/offload/vlan_tag.h"
#include "stack/interfaces/api/vlan_requests.h"
#include "stack/interfaces/detail/crossing.h"
#include "stack/kern/machine.h"
#include "stack/net/drops.h"
#include "stack/net/ether.h"

namespace stackyard {

namespace drops {
namespace {
constexpr DropReason vlan_no_parent{"vlan_no_parent", "the vlan has no parent interface"};
constexpr DropReason vlan_queue_full{"vlan_queue_full",
                                     "the queue between a vlan and its parent's stack was full"};
}  // namespace
}  // namespace drops

namespace {

extern const ClonerRecord cloners[1];

constexpr uint32_t ethernet_min = 46;  // octets of a payload (802.3 s3.2.8)
constexpr size_t unpadded_min = 60;    // of a frame without FCS

class Trunk;

class Vlan final : public EtherIfnet {
 public:
  Vlan(NetStack& net, std::string name) : EtherIfnet(net, std::move(name), MacAddress{}) {}
  ~Vlan() override { unconfigure(); }
  static Vlan* from(Ifnet* interface) {
    const bool is = interface && interface->origin().cloner == &cloners[0];
    return is ? static_cast<Vlan*>(interface) : nullptr;
  }

  Result<> configure(const std::string& parent, uint16_t tag, uint16_t protocol);
  void unconfigure();
  // The trunk ends: it has taken this vlan off its list.
  void trunk_gone();
  void follow_mac(MacAddress mac);
  void received(Packet frame);

  EtherIfnet* parent() const;
  uint16_t tag() const { return tag_; }
  uint16_t protocol() const { return protocol_; }
  uint32_t key() const { return uint32_t(protocol_) << 16 | tag_; }
  uint8_t priority() const { return priority_; }
  void set_priority(uint8_t pcp) { priority_ = pcp; }

  bool link_up() const override { return parent() && parent()->link_up(); }
  std::string media() const override { return parent() ? parent()->media() : ""; }
  std::string status() const override { return parent() ? parent()->status() : ""; }
  uint64_t rate() const override { return parent() ? parent()->rate() : 0; }
  Result<> set_mtu(uint32_t mtu) override;

 private:
  // Both ways, once it lives in another stack than its parent.
  struct Crossings {
    explicit Crossings(Vlan& vlan);
    Crossing in, out;
  };
  void transmit(Packet frame) override;
  void flags_changed() override { follow_flags(); }
  void moved() override;
  void groups_changed() override {
    if (parent()) parent()->update_link_groups();
  }
  void follow_flags();
  void cross(Crossing& way, Packet frame);
  bool apart() const { return &parent()->net() != net_; }
  Crossings& crossings() {
    if (!crossings_) crossings_ = std::make_unique<Crossings>(*this);
    return *crossings_;
  }
  // What its tag takes off the parent's MTU.
  static uint32_t mtu_loss(const EtherIfnet& parent) {
    return parent.enabled(if_option::vlan_mtu) ? 0 : sizeof(VlanTag);
  }

  Trunk* trunk_ = nullptr;
  uint16_t tag_ = 0, protocol_ = ether_type::vlan;
  uint8_t priority_ = 0;
  bool promiscuous_parent_ = false;
  std::unique_ptr<Crossings> crossings_;
};

struct VlanSettings {
  int64_t soft_pad = 0;
};

// A parent with its vlans, in the parent's stack.
class Trunk final : public EtherVlans {
 public:
  Trunk(EtherIfnet& p, const StateWithSettings<VlanSettings>& module) : parent(p), module_(module) {
    parent.set_vlans(this);
  }
  ~Trunk() override {
    for (Vlan* vlan : std::exchange(vlans_, {})) vlan->trunk_gone();
    parent.set_vlans(nullptr);
  }

  bool vlan_input(Packet& frame, EtherIfnet&) override {
    if (!frame.pull_up(sizeof(EthernetHeader) + sizeof(VlanTag))) return false;
    const uint16_t type = load<EthernetHeader>(frame.front()).type;
    const auto tag = load<VlanTag>(frame.front().subspan(sizeof(EthernetHeader)));
    Vlan* vlan = find(uint32_t(type) << 16 | (tag.control & 0xfff));
    if (!vlan) return false;
    remove_vlan_tag(frame);
    vlan->received(std::move(frame));
    return true;
  }
  void add_groups(std::vector<MacAddress>& to) const override {
    for (const Vlan* vlan : vlans_) {
      const std::vector<MacAddress> groups = vlan->link_groups();
      to.insert(to.end(), groups.begin(), groups.end());
    }
  }

  Vlan* find(uint32_t key) const {
    const auto at = place(key);
    return at != vlans_.end() && (*at)->key() == key ? *at : nullptr;
  }
  void add(Vlan& vlan) {
    vlans_.insert(place(vlan.key()), &vlan);
    parent.update_link_groups();
  }
  void remove(Vlan& vlan) {
    std::erase(vlans_, &vlan);
    parent.update_link_groups();
  }
  bool empty() const { return vlans_.empty(); }
  const std::vector<Vlan*>& vlans() const { return vlans_; }
  bool pads() const { return module_.settings().soft_pad != 0; }

  EtherIfnet& parent;

 private:
  std::vector<Vlan*>::const_iterator place(uint32_t key) const {
    return std::lower_bound(vlans_.begin(), vlans_.end(), key,
                            [](const Vlan* vlan, uint32_t k) { return vlan->key() < k; });
  }
  const StateWithSettings<VlanSettings>& module_;
  std::vector<Vlan*> vlans_;  // by protocol and tag
};

class VlanModule final : public StateWithSettings<VlanSettings>, public InterfaceListener {
 public:
  VlanModule(NetStack& stack, const VlanSettings& defaults)
      : StateWithSettings(defaults), net(stack) {
    net.add_listener(this);
  }
  ~VlanModule() override {
    while (!trunks_.empty()) drop(*trunks_.back());
    net.remove_listener(this);
  }

  Trunk& trunk_of(EtherIfnet& parent) {
    if (Trunk* trunk = find(parent)) return *trunk;
    trunks_.push_back(std::make_unique<Trunk>(parent, *this));
    return *trunks_.back();
  }
  void drop_if_empty(Trunk& trunk) {
    if (trunk.empty()) drop(trunk);
  }

  void interface_departing(Ifnet& interface) override {
    if (Trunk* trunk = find(interface)) drop(*trunk);
  }
  void mac_changed(Ifnet& interface) override {
    if (const Trunk* trunk = find(interface))
      for (Vlan* vlan : trunk->vlans()) vlan->follow_mac(trunk->parent.mac());
  }
  void link_changed(Ifnet& interface) override { tell_vlans(interface); }
  void interface_up_changed(Ifnet& interface) override { tell_vlans(interface); }

  NetStack& net;

 private:
  // Its vlans say good-bye when it is off the list.
  void drop(const Trunk& trunk) {
    const auto at = std::find_if(trunks_.begin(), trunks_.end(),
                                 [&](const auto& t) { return t.get() == &trunk; });
    const std::unique_ptr<Trunk> gone = std::move(*at);
    trunks_.erase(at);
  }
  Trunk* find(const Ifnet& parent) const {
    for (const auto& trunk : trunks_)
      if (&trunk->parent == &parent) return trunk.get();
    return nullptr;
  }
  void tell_vlans(Ifnet& interface) {
    const Trunk* trunk = find(interface);
    if (!trunk) return;
    for (Vlan* vlan : trunk->vlans())
      vlan->net().tell([vlan](InterfaceListener& l) { l.link_changed(*vlan); });
  }

  std::vector<std::unique_ptr<Trunk>> trunks_;
};

EtherIfnet* Vlan::parent() const { return trunk_ ? &trunk_->parent : nullptr; }

// --- configuration -------------------------------------------------------------------------------

Result<> Vlan::configure(const std::string& name, uint16_t tag, uint16_t protocol) {
  Ifnet* found = net_->find(name);
  if (!found) return Errno::enoent;
  if (!found->is_ethernet()) return Errno::eprotonosupport;
  auto& wanted = static_cast<EtherIfnet&>(*found);
  if (tag == 0 || tag >= 0xfff) return Errno::einval;
  for (EtherIfnet* above = &wanted; above;) {
    if (above == this) return Errno::einval;
    const Vlan* vlan = Vlan::from(above);
    above = vlan ? vlan->parent() : nullptr;
  }
  if (trunk_ && parent() != &wanted) return Errno::ebusy;
  Trunk& trunk = net_->vnet().state<VlanModule>(vlan_module).trunk_of(wanted);
  const uint32_t key = uint32_t(protocol) << 16 | tag;
  if (Vlan* other = trunk.find(key)) return other == this ? Result<>() : Errno::eexist;
  if (trunk_) trunk.remove(*this);
  const bool fresh = !trunk_;
  trunk_ = &trunk;
  tag_ = tag;
  protocol_ = protocol;
  trunk.add(*this);
  if (!fresh) return {};
  (void)Ifnet::set_mtu(wanted.mtu() - mtu_loss(wanted));
  follow_mac(wanted.mac());
  follow_flags();
  net_->tell([this](InterfaceListener& l) { l.link_changed(*this); });
  return {};
}

void Vlan::unconfigure() {
  if (!trunk_) return;
  Trunk& trunk = *trunk_;
  trunk.remove(*this);
  if (std::exchange(promiscuous_parent_, false)) trunk.parent.set_promiscuous(false);
  trunk_gone();
  trunk.parent.net().vnet().state<VlanModule>(vlan_module).drop_if_empty(trunk);
}

void Vlan::trunk_gone() {
  promiscuous_parent_ = false;
  if (crossings_) {
    crossings_->in.clear(name());
    crossings_->out.clear(name());
  }
  trunk_ = nullptr;
  tag_ = 0;
  mac_ = {};
  net_->tell([this](InterfaceListener& l) { l.link_changed(*this); });
}

void Vlan::follow_mac(MacAddress mac) {
  (void)set_mac(mac);
  net_->tell([this](InterfaceListener& l) { l.mac_changed(*this); });
}

void Vlan::follow_flags() {
  if (!trunk_ || promiscuous_parent_ == has_flag(if_flag::promiscuous)) return;
  promiscuous_parent_ = !promiscuous_parent_;
  trunk_->parent.set_promiscuous(promiscuous_parent_);
}

void Vlan::moved() {
  follow_flags();
  update_link_groups();
}

Result<> Vlan::set_mtu(uint32_t mtu) {
  if (!trunk_) return Errno::einval;
  const uint32_t loss = mtu_loss(trunk_->parent);
  if (mtu > trunk_->parent.mtu() - loss || mtu < ethernet_min - loss) return Errno::einval;
  return Ifnet::set_mtu(mtu);
}

// --- frames --------------------------------------------------------------------------------------

void Vlan::transmit(Packet frame) {
  if (!trunk_) return drop(frame, drops::vlan_no_parent, counters_.errors_out);
  if (!trunk_->parent.up()) return drop(frame, drops::interface_down, counters_.errors_out);
  if (trunk_->pads() && frame.size() < unpadded_min) {
    static constexpr uint8_t zeroes[unpadded_min] = {};
    frame.append(Bytes(zeroes).first(unpadded_min - frame.size()));
  }
  insert_vlan_tag(frame, uint16_t(priority_ << 13 | tag_), protocol_);
  if (apart()) return cross(crossings().out, std::move(frame));
  (void)trunk_->parent.send(std::move(frame));
}

void Vlan::received(Packet frame) {
  if (!up()) return drop(frame, drops::interface_down, counters_.drops_in);
  if (apart()) return cross(crossings().in, std::move(frame));
  input(std::move(frame));
}

void Vlan::cross(Crossing& way, Packet frame) {
  if (way.full()) return drop(frame, drops::vlan_queue_full, counters_.drops_in);
  way.push(std::move(frame));
}

Vlan::Crossings::Crossings(Vlan& vlan)
    : in(
          vlan.site_,
          [](void* owner, Packet frame) {
            Vlan& self = *static_cast<Vlan*>(owner);
            if (!self.up()) return self.drop(frame, drops::interface_down, self.counters_.drops_in);
            self.input(std::move(frame));
          },
          &vlan),
      out(
          vlan.site_,
          [](void* owner, Packet frame) {
            Vlan& self = *static_cast<Vlan*>(owner);
            if (!self.trunk_)
              return self.drop(frame, drops::vlan_no_parent, self.counters_.errors_out);
            (void)self.trunk_->parent.send(std::move(frame));
          },
          &vlan) {}

// --- the module ----------------------------------------------------------------------------------

// "em0.5": a parent that exists, and a tag.
std::optional<std::pair<std::string, uint16_t>> parse_name(NetStack& net, const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot == name.npos) return std::nullopt;
  const std::string digits = name.substr(dot + 1);
  const auto tag = parse_int(digits);
  const std::string parent = name.substr(0, dot);
  if (!tag || *tag < 1 || *tag > 4094 || text("{}", *tag) != digits || !net.find(parent))
    return std::nullopt;
  return std::pair{parent, uint16_t(*tag)};
}

Result<std::string> create(const CloneRequest& request) {
  NetStack& net = request.net;
  std::string parent = request.params.parent;
  uint32_t tag = request.params.tag.value_or(0);
  if (const auto parsed = parse_name(net, request.name)) {
    parent = parsed->first;
    tag = parsed->second;
  }
  if (!parent.empty() && !net.find(parent)) return Errno::enxio;
  Ifnet& made =
      net.attach_clone(std::make_unique<Vlan>(net, request.name), cloners[0], request.unit);
  if (parent.empty()) return request.name;
  const bool sound = tag <= UINT16_MAX;
  const Result<> done =
      sound ? static_cast<Vlan&>(made).configure(parent, uint16_t(tag), request.params.protocol)
            : Errno::einval;
  if (done) return request.name;
  (void)net.destroy_clone(made);
  return done.error();
}

const ClonerRecord cloners[1] = {{.name = "vlan",
                                  .summary = "802.1Q and 802.1ad virtual LANs",
                                  .create = create,
                                  .accepts = [](NetStack& net, const std::string& name) {
                                    return parse_name(net, name).has_value();
                                  }}};

// As FreeBSD: only the stack that made a vlan may look at it or change it.
Result<Vlan*> vlan_named(ModuleState& state, const std::string& name) {
  Vlan* vlan = Vlan::from(static_cast<VlanModule&>(state).net.find(name));
  if (!vlan) return Errno::einval;
  if (!vlan->is_home()) return Errno::eperm;
  return vlan;
}

Result<> get_vlan(ModuleState& state, Request& request) {
  auto& get = static_cast<GetVlan&>(request);
  const Vlan* vlan = TRY(vlan_named(state, get.name));
  get.tag = vlan->tag();
  get.protocol = vlan->protocol();
  get.pcp = vlan->priority();
  if (vlan->parent()) get.parent = vlan->parent()->name();
  return {};
}

Result<> set_vlan(ModuleState& state, Request& request) {
  const auto& set = static_cast<const SetVlan&>(request);
  Vlan* vlan = TRY(vlan_named(state, set.name));
  if (!set.parent.empty()) return vlan->configure(set.parent, set.tag, set.protocol);
  vlan->unconfigure();
  return {};
}

Result<> set_vlan_pcp(ModuleState& state, Request& request) {
  const auto& set = static_cast<const SetVlanPcp&>(request);
  Vlan* vlan = TRY(vlan_named(state, set.name));
  if (set.pcp > 7) return Errno::einval;
  vlan->set_priority(set.pcp);
  return {};
}

constexpr RequestRecord requests[] = {{&GetVlan::kind_of, get_vlan, Errno::einval},
                                      {&SetVlan::kind_of, set_vlan},
                                      {&SetVlanPcp::kind_of, set_vlan_pcp}};

constexpr VlanSettings defaults;
constexpr SysctlRecord sysctls[] = {
    {"net.link.vlan.soft_pad", "pad short frames before tagging",
     [](const void* s) -> const int64_t& { return static_cast<const VlanSettings*>(s)->soft_pad; },
     0, 1}};

}  // namespace

const ModuleRecord vlan_module{.name = "vlan",
                               .summary = "802.1Q and 802.1ad virtual LANs",
                               .needs = {"net"},
                               .create = [](Vnet& vnet) -> std::unique_ptr<ModuleState> {
                                 return std::make_unique<VlanModule>(
                                     vnet.state<NetStack>(net_module), defaults);
                               },
                               .settings = &defaults,
                               .sysctls = sysctls,
                               .requests = requests,
                               .cloners = cloners};

}  // namespace stackyard
