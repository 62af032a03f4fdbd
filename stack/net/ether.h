// stack/net/ether.h - what all Ethernet-like interfaces share (ether_input(9), ether_output(9)).
//
// Way of a frame in: hardware -> input -> captures -> the bridge, if it is a member -> vlan
// interfaces, if it is tagged -> the stack. Way out: output -> output_frame -> the bridge, if it is
// a member -> send -> captures -> hardware.
#pragma once

#include "core/wire/link/ethernet.h"
#include "stack/net/net_stack.h"

namespace stackyard {

class EtherIfnet;

// A bridge (or lagg), as its members see it. Members and it are in one stack; it takes itself out
// of a member that leaves.
class EtherMaster {
 public:
  virtual ~EtherMaster() = default;
  // A frame that came in at `member`: taken (then empty), or given back for the member's own stack.
  virtual Packet member_input(Packet frame, EtherIfnet& member) = 0;
  // A frame that the stack sends by `member`.
  virtual Result<> member_output(Packet frame, EtherIfnet& member) = 0;
  virtual std::string name() const = 0;
  virtual const void* segment() const = 0;
};

// The vlan interfaces above an interface.
class EtherVlans {
 public:
  virtual ~EtherVlans() = default;
  // A frame with its first tag (802.1Q or 802.1ad) still in it. False: none of them has that tag.
  virtual bool vlan_input(Packet& frame, EtherIfnet& parent) = 0;
  // Adds the link-layer groups that they want to hear.
  virtual void add_groups(std::vector<MacAddress>& to) const = 0;
};

class EtherIfnet : public Ifnet {
 public:
  EtherIfnet(NetStack& net, std::string name, MacAddress mac, uint32_t flags = 0);

  Result<> output(Packet packet, uint16_t ether_type, MacAddress dest) override;
  Result<> output_frame(Packet frame) override;
  bool has_link_addresses() const override { return true; }
  MacAddress mac() const override { return mac_; }
  Result<> set_mac(MacAddress mac) override;
  bool is_ethernet() const override { return true; }
  const void* segment() const override { return master_ ? master_->segment() : this; }

  void update_link_groups() final { groups_changed(); }
  // Those that its stack and the vlans above want.
  std::vector<MacAddress> link_groups() const;

  // A frame from the link, to be counted and shown to captures.
  void input(Packet frame);
  // The rest of its way, for a frame that a bridge gives to a member's or its own stack.
  void deliver_frame(Packet frame);
  void resume_packet(Packet frame, HookContext& at) override;
  // Out by this very interface, past bridges: counted, shown to captures.
  Result<> send(Packet frame);

  void set_master(EtherMaster* master) { master_ = master; }
  EtherMaster* master() const { return master_; }
  void set_vlans(EtherVlans* vlans) {
    vlans_ = vlans;
    update_link_groups();
  }
  EtherVlans* vlans() const { return vlans_; }

 protected:
  virtual void transmit(Packet frame) = 0;
  virtual void mac_changed() {}
  virtual void groups_changed() {}
  uint32_t mtu_max() const override { return 65535 - sizeof(EthernetHeader); }
  void drop(Packet& packet, const DropReason& why, uint64_t& counter);

  MacAddress mac_;

 private:
  void receive_other(Packet frame);
  void demultiplex(Packet&& frame, const EthernetHeader& header);
  HookVerdict show_departure(Packet& frame);
  void show_arrival(Packet frame);
  HookVerdict show_to_hooks(Packet& frame, HookContext& at);

  EtherMaster* master_ = nullptr;
  EtherVlans* vlans_ = nullptr;
};

}  // namespace stackyard
