// stack/drivers/ether.h - the Ethernet interface over an ideal NIC (ether_input(9),
// ether_output(9)).
#pragma once

#include "core/jack/nic_device.h"
#include "core/wire/link/ethernet.h"
#include "stack/net/net_stack.h"

namespace stackyard {

class EtherInterface final : public Ifnet, public NicClient {
 public:
  EtherInterface(NetStack& net, std::string name, NicDevice& nic);
  ~EtherInterface() override;

  Result<> output(Packet packet, uint16_t ether_type, MacAddress dest) override;
  Result<> output_frame(Packet frame) override;
  bool has_link_addresses() const override { return true; }
  MacAddress mac() const override { return mac_; }
  Result<> set_mac(MacAddress mac) override;
  bool link_up() const override { return nic_.carrier(); }
  std::string media() const override;
  std::string status() const override { return nic_.carrier() ? "active" : "no carrier"; }
  bool is_ethernet() const override { return true; }
  void set_link_groups(std::vector<MacAddress> groups) override {
    nic_.set_groups(std::move(groups));
  }

  void nic_received(Packet frame) override;
  void nic_carrier_changed(bool up) override;

 private:
  void flags_changed() override;
  uint32_t mtu_max() const override { return 65535 - sizeof(EthernetHeader); }
  void drop(Packet& packet, const DropReason& why, uint64_t& counter);
  void receive_other(Packet frame, const EthernetHeader& header);

  NicDevice& nic_;
  MacAddress mac_;
};

}  // namespace stackyard
