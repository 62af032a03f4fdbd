// stack/interfaces/detail/bridge_interface.h - a bridge's insides. Way of a frame: a member's input
// -> member_input -> forward, flood or this stack; of one that the stack sends: member_output, or
// the bridge's own transmit.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "core/l2/fdb.h"
#include "core/l2/snooper.h"
#include "core/l2/spanning_tree_table.h"
#include "core/l2/spanning_tree_timer.h"
#include "stack/interfaces/api/bridge_requests.h"
#include "stack/interfaces/bridge.h"
#include "stack/net/ether.h"

namespace stackyard {

namespace drops {
inline constexpr DropReason bridge_discarding{
    "bridge_discarding", "spanning tree lets nothing pass the member, which would close a loop"};
}

struct BridgeSettings {
  int64_t inherit_mac = 0, log_mac_flap = 1;
  int64_t pfil_onlyip = 1, pfil_bridge = 1, pfil_member = 1, pfil_local_phys = 0;
  int64_t mcast_snooping = 0;
  int64_t ipfw = 0, ipfw_arp = 0;
  // The former is for IPv6: kept until it asks.
  int64_t allow_llz_overlap = 0, log_stp = 0;
};

class BridgeModule final : public StateWithSettings<BridgeSettings> {
 public:
  BridgeModule(NetStack& stack, const BridgeSettings& defaults)
      : StateWithSettings(defaults), net(stack) {}
  NetStack& net;
};

class Bridge;

class BridgePort final : public EtherMaster {
 public:
  BridgePort(Bridge& b, EtherIfnet& i, uint32_t s) : bridge(b), interface(i), slot(s) {}
  Packet member_input(Packet frame, EtherIfnet& member) override;
  Result<> member_output(Packet frame, EtherIfnet& member) override;
  std::string name() const override;
  const void* segment() const override;
  bool has(uint32_t flag) const { return flags & flag; }

  Bridge& bridge;
  EtherIfnet& interface;
  uint32_t slot;  // its port in the forwarding database
  uint32_t flags = bridge_flag::defaults;
  uint32_t addresses_max = 0;
  uint32_t saved_options = 0;  // what it had enabled when it came
  // Of the spanning tree.
  uint8_t priority = 128;
  uint32_t path_cost = 0;  // 0: by its rate
  bool point_to_point = true;
  StpState state = StpState::discarding;  // the last that was told
};

class Bridge final : public EtherIfnet, public InterfaceListener, public SpanningTree::Owner {
 public:
  static constexpr uint32_t addresses_max = 2000;
  static constexpr SimTime timeout = 1200_s;

  Bridge(NetStack& net, std::string name, MacAddress mac);
  ~Bridge() override;

  // Null: it is not a bridge.
  static Bridge* from(Ifnet* interface);

  // --- forwarding (bridge.cpp) ---
  Packet member_input(Packet frame, BridgePort& from);
  Result<> member_output(Packet frame, BridgePort& from);

  // --- configuration (bridge_config.cpp) ---
  Result<> apply(const ChangeBridge& change);
  const void* members_segment() const { return &members_; }
  void describe(GetBridge& into) const;
  std::vector<BridgeAddressInfo> addresses() const;
  void add_to(Table& table) const;  // of spanning trees' ports

  bool link_up() const override { return linked_; }
  Result<> set_mtu(uint32_t mtu) override;

  void interface_departing(Ifnet& interface) override;
  void interface_up_changed(Ifnet&) override { check_link(); }
  void link_changed(Ifnet& interface) override;
  void mac_changed(Ifnet& interface) override;

 private:
  void transmit(Packet frame) override;
  void moved() override;
  void attach_to_stack();
  void forward(Packet frame, BridgePort& from);
  // Untagged and priority-tagged frames are in VLAN 1.
  static uint16_t vlan_of(const Packet& frame);
  void forward_on(Packet frame, BridgePort& from);
  void flood(Packet frame, BridgePort* from);
  void flood_on(const Packet& frame, BridgePort* from);

  // --- packet hooks (bridge_hooks.cpp) ---
  // In the order in which frames pass: those of `link` are hooks of ethernet, the others of IP.
  enum class HookStage : uint8_t {
    member_in,
    bridge_in,
    local_in,
    link_out,
    bridge_out,
    member_out,
    flood_link_out,
    flood_member_out
  };
  bool filtered() const {
    return net_->hooked(HookPoint::inet_in) || net_->hooked(HookPoint::inet_out) ||
           net_->hooked(HookPoint::inet6_in) || net_->hooked(HookPoint::inet6_out) ||
           net_->hooked(HookPoint::ether_out);
  }
  // From this stage on. False: the frame is not on its way any more.
  bool pass_in(Packet& frame, BridgePort& from, HookStage stage);
  bool pass_out(Packet& frame, Ifnet* from, Ifnet* to, HookStage stage);
  bool may_show(Packet& frame, HookStage stage, HookContext& at);
  bool show(Packet& frame, HookStage stage, Ifnet* in, Ifnet* out);
  bool run_hooks(Packet& frame, HookContext& at);
  void resume_packet(Packet packet, HookContext& at) override;
  BridgePort* port_by(IfRef member) const;  // null: none
  void resume_in(Packet frame, BridgePort& from, HookStage stage);

  // --- spanning tree (bridge_tree.cpp) ---
  static uint32_t path_cost(const BridgePort& port);
  void refresh_tree();
  void hear_bpdu(Packet frame, BridgePort& from);
  Packet discard(Packet frame, BridgePort& from);
  void send_bpdu(uint32_t port, const Bpdu& bpdu) override;
  void forget_addresses(uint32_t port) override;
  void port_changed(uint32_t port) override;
  Result<> set_tree(BridgeAction action, uint32_t value);
  Result<> set_member_tree(BridgePort& port, BridgeAction action, uint32_t value);
  void describe_tree(GetBridge& into) const;
  uint32_t shown_flags(const BridgePort& port) const;
  bool passes(const BridgePort& port) const { return tree_.forwards(port.slot); }

  // What a frame from a member says about groups (RFC 4541); null: nobody wants to know.
  Snooper* snoop(const Packet& frame, const BridgePort* from, Snooper::Frame& what);
  void mirror(const Packet& frame);
  void hear(Packet frame);
  EtherIfnet* owner_of(MacAddress address, BridgePort& from);
  Packet give_to(Packet frame, EtherIfnet& ours, BridgePort& from);
  Packet take_ours(Packet frame, EtherIfnet& ours, BridgePort& from);
  void send_by(EtherIfnet& member, Packet frame);
  bool learn(BridgePort& from, MacAddress source, uint16_t vlan);
  void note_move(MacAddress address, uint16_t vlan, const BridgePort& from, const BridgePort& to);
  // The member's port behind which an address is; null: unknown.
  BridgePort* port_of(MacAddress address, uint16_t vlan) const;

  BridgePort* member(const std::string& name) const;
  Result<EtherIfnet*> candidate(const std::string& name) const;
  Result<> add(const std::string& name);
  Result<> add_span(const std::string& name);
  Result<> remove_span(const std::string& name);
  void remove(BridgePort& port, bool departing);
  void set_flags(BridgePort& port, uint32_t set, uint32_t clear);
  void lower_options();
  void set_options(EtherIfnet& member, uint32_t wanted);
  void index_addresses();
  void check_link();

  const BridgeModule* module_ = nullptr;  // of the stack that it is in
  MacAddress first_mac_;
  EtherIfnet* mac_of_ = nullptr;  // inherit_mac: whose address it has
  Fdb fdb_;
  std::unique_ptr<Snooper> snooper_;                  // null: it has not had to look yet
  std::vector<std::unique_ptr<BridgePort>> members_;  // the latest first
  std::vector<BridgePort*> slots_;                    // by slot; null: free
  std::vector<EtherIfnet*> spans_;
  SpanningTree tree_;
  SpanningTreeTimer tree_timer_;
  std::unordered_map<uint64_t, EtherIfnet*> own_;  // members by link address: looked up only
  bool linked_ = false;
  int64_t moves_second_ = -1;  // of the log of moved addresses, which is limited
  int moves_logged_ = 0;
};

}  // namespace stackyard
