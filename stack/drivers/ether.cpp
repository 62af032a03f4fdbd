#include "stack/drivers/ether.h"

#include "core/base/text.h"
#include "stack/kern/machine.h"
#include "stack/net/drops.h"

namespace stackyard {

EtherInterface::EtherInterface(NetStack& net, std::string name, NicDevice& nic)
    : Ifnet(net, std::move(name), if_flag::broadcast | if_flag::simplex | if_flag::multicast, 1500),
      nic_(nic),
      mac_(nic.permanent_address()) {
  nic_.attach(this);
  nic_.set_address(mac_);
}

EtherInterface::~EtherInterface() {
  nic_.set_enabled(false);
  nic_.attach(nullptr);
}

void EtherInterface::drop(Packet& packet, const DropReason& why, uint64_t& counter) {
  ++counter;
  site_.note_drop(packet.id(), why, name());
}

Result<> EtherInterface::output(Packet packet, uint16_t ether_type, MacAddress dest) {
  packet.prepend_header(EthernetHeader{dest, mac_, ether_type});
  return output_frame(std::move(packet));
}

Result<> EtherInterface::output_frame(Packet frame) {
  if (!up()) {
    drop(frame, drops::interface_down, counters_.errors_out);
    return Errno::enetdown;
  }
  ++counters_.packets_out;
  counters_.octets_out += frame.size();
  tap(frame, true);
  nic_.transmit(std::move(frame));
  return {};
}

void EtherInterface::nic_received(Packet frame) {
  ++counters_.packets_in;
  counters_.octets_in += frame.size();
  frame.set_interface(ref().value);
  tap(frame, false);
  const auto header = load<EthernetHeader>(frame.front());
  if (header.dest.is_group()) {
    const bool broadcast = header.dest.is_broadcast();
    frame.set_link_cast(broadcast, !broadcast);
  } else if (header.dest != mac_) {
    // Promiscuous mode shows others' frames to captures, not to the stack.
    return drop(frame, drops::not_our_address, counters_.drops_in);
  } else {
    frame.set_link_cast(false, false);
  }
  if (header.type == ether_type::ipv4 || header.type == ether_type::arp) [[likely]] {
    frame.trim_front(sizeof header);
    return net_.deliver(std::move(frame), header.type, *this);
  }
  receive_other(std::move(frame), header);
}

// Tags, 802.3 with LLC, and types of other protocols.
void EtherInterface::receive_other(Packet frame, const EthernetHeader&) {
  const auto parsed = parse_ethernet(frame.octets());
  if (!parsed) return drop(frame, parsed.why(), counters_.errors_in);
  if (parsed->tagged && parsed->vlan != 0)
    return drop(frame, drops::unexpected_vlan, counters_.drops_in);
  if (parsed->type == 0) return drop(frame, drops::unknown_ether_type, counters_.drops_in);
  const uint16_t type = parsed->type;  // of a priority-tagged frame, or behind SNAP
  const size_t payload = parsed->payload.size();
  frame.trim_front(parsed->header_size);
  frame.trim_to(payload);
  net_.deliver(std::move(frame), type, *this);
}

void EtherInterface::nic_carrier_changed(bool up) {
  net_.vnet().machine().log(text("{}: link state changed to {}", name(), up ? "UP" : "DOWN"));
  net_.tell([this](InterfaceListener& l) { l.link_changed(*this); });
}

Result<> EtherInterface::set_mac(MacAddress mac) {
  mac_ = mac;
  nic_.set_address(mac);
  return {};
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
