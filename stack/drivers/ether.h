// stack/drivers/ether.h - the Ethernet interface over an ideal NIC.
#pragma once

#include "core/jack/nic_device.h"
#include "stack/net/ether.h"

namespace stackyard {

class EtherInterface final : public EtherIfnet, public NicClient {
 public:
  EtherInterface(NetStack& net, std::string name, NicDevice& nic);
  ~EtherInterface() override;

  bool link_up() const override { return nic_.carrier(); }
  uint64_t rate() const override { return nic_.rate(); }
  std::string media() const override;
  std::string status() const override { return nic_.carrier() ? "active" : "no carrier"; }

  // What the sender's stack noted on a packet stays there.
  void nic_received(Packet frame) override {
    frame.drop_tags();
    input(std::move(frame));
  }
  void nic_carrier_changed(bool up) override;

 private:
  void transmit(Packet frame) override { nic_.transmit(std::move(frame)); }
  void mac_changed() override { nic_.set_address(mac_); }
  void flags_changed() override;
  void moved() override;
  void groups_changed() override { nic_.set_groups(link_groups()); }

  NicDevice& nic_;
};

}  // namespace stackyard
