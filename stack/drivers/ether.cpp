#include "stack/drivers/ether.h"

#include "core/base/text.h"
#include "stack/kern/machine.h"

namespace stackyard {

EtherInterface::EtherInterface(NetStack& net, std::string name, NicDevice& nic)
    : EtherIfnet(net, std::move(name), nic.permanent_address()), nic_(nic) {
  set_capabilities(if_option::checksums | if_option::vlan_mtu | if_option::link_state);
  nic_.attach(this);
  nic_.set_address(mac_);
}

EtherInterface::~EtherInterface() {
  nic_.set_enabled(false);
  nic_.attach(nullptr);
}

void EtherInterface::nic_carrier_changed(bool up) {
  net_->vnet().machine().log(text("{}: link state changed to {}", name(), up ? "UP" : "DOWN"));
  net_->tell([this](InterfaceListener& l) { l.link_changed(*this); });
}

// Groups that the old stack had joined.
void EtherInterface::moved() {
  update_link_groups();
  flags_changed();
}

void EtherInterface::flags_changed() {
  nic_.set_enabled(up());
  nic_.set_promiscuous(has_flag(if_flag::promiscuous));
}

std::string EtherInterface::media() const {
  if (!nic_.carrier()) return "Ethernet autoselect";
  const uint64_t mbit = nic_.rate() / 1'000'000;
  if (mbit == 10 || mbit == 100 || mbit == 1000)
    return text("Ethernet autoselect ({}base{} <full-duplex>)", mbit, mbit == 100 ? "TX" : "T");
  if (mbit >= 1000 && mbit % 1000 == 0)
    return text("Ethernet autoselect ({}Gbase-T <full-duplex>)", mbit / 1000);
  return "Ethernet autoselect";
}

}  // namespace stackyard
