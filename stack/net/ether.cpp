#include "stack/net/ether.h"

#include "core/offload/checksum_offload.h"
#include "core/offload/vlan_tag.h"
#include "stack/net/drops.h"

namespace stackyard {

EtherIfnet::EtherIfnet(NetStack& net, std::string name, MacAddress mac, uint32_t flags)
    : Ifnet(net, std::move(name),
            flags | if_flag::broadcast | if_flag::simplex | if_flag::multicast, 1500),
      mac_(mac) {}

void EtherIfnet::drop(Packet& packet, const DropReason& why, uint64_t& counter) {
  ++counter;
  site_.note_drop(packet.id(), why, name());
}

Result<> EtherIfnet::set_mac(MacAddress mac) {
  mac_ = mac;
  mac_changed();
  return {};
}

std::vector<MacAddress> EtherIfnet::link_groups() const {
  std::vector<MacAddress> all;
  net_->tell([&](InterfaceListener& l) { l.add_link_groups(*this, all); });
  if (vlans_) vlans_->add_groups(all);
  return all;
}

// --- out ---------------------------------------------------------------------------------------

Result<> EtherIfnet::output(Packet packet, uint16_t ether_type, MacAddress dest) {
  packet.prepend_header(EthernetHeader{dest, mac_, ether_type});
  return output_frame(std::move(packet));
}

Result<> EtherIfnet::output_frame(Packet frame) {
  // A priority tag: VID 0 (802.1Q s9.6).
  if (pcp() != no_pcp) [[unlikely]]
    insert_vlan_tag(frame, uint16_t(pcp() << 13));
  if (master_) [[unlikely]]
    return master_->member_output(std::move(frame), *this);
  if (net_->hooked(HookPoint::ether_out)) [[unlikely]] {
    const HookVerdict verdict = show_departure(frame);
    if (!verdict.passed) return verdict.error == Errno::ok ? Result<>() : verdict.error;
  }
  return send(std::move(frame));
}

// By its type, once hooks have seen it.
[[gnu::always_inline]] inline void EtherIfnet::demultiplex(Packet&& frame,
                                                           const EthernetHeader& header) {
  if (header.type == ether_type::ipv4 || header.type == ether_type::arp ||
      header.type == ether_type::ipv6) [[likely]] {
    frame.trim_front(sizeof header);
    return net_->deliver(std::move(frame), header.type, *this);
  }
  receive_other(std::move(frame));
}

HookVerdict EtherIfnet::show_departure(Packet& frame) {
  HookContext at;
  at.point = HookPoint::ether_out;
  at.out = this;
  at.in = net_->resolve({frame.interface()});
  return show_to_hooks(frame, at);
}

void EtherIfnet::show_arrival(Packet frame) {
  HookContext at;
  at.point = HookPoint::ether_in;
  at.in = this;
  if (show_to_hooks(frame, at).passed)
    demultiplex(std::move(frame), load<EthernetHeader>(frame.front()));
}

HookVerdict EtherIfnet::show_to_hooks(Packet& frame, HookContext& at) {
  at.site = HookSite::ethernet;
  return net_->hooks().run(frame, at);
}

void EtherIfnet::resume_packet(Packet frame, HookContext& at) {
  if (!show_to_hooks(frame, at).passed) return;
  if (at.outbound())
    (void)send(std::move(frame));
  else
    demultiplex(std::move(frame), load<EthernetHeader>(frame.front()));
}

Result<> EtherIfnet::send(Packet frame) {
  if (!up()) {
    drop(frame, drops::interface_down, counters_.errors_out);
    return Errno::enetdown;
  }
  ++counters_.packets_out;
  counters_.octets_out += frame.size();
  if (!enabled(if_option::txcsum)) finish_checksum(frame);
  tap(frame, true);
  transmit(std::move(frame));
  return {};
}

// --- in ----------------------------------------------------------------------------------------

void EtherIfnet::input(Packet frame) {
  ++counters_.packets_in;
  counters_.octets_in += frame.size();
  frame.set_interface(ref().value);
  tap(frame, false);
  if (has_flag(if_flag::monitor)) [[unlikely]]
    return site_.note_drop(frame.id(), drops::monitoring, name());
  if (master_) [[unlikely]] {
    frame = master_->member_input(std::move(frame), *this);
    if (!frame) return;
  }
  deliver_frame(std::move(frame));
}

void EtherIfnet::deliver_frame(Packet frame) {
  const auto header = load<EthernetHeader>(frame.front());
  if (header.dest.is_group()) {
    const bool broadcast = header.dest.is_broadcast();
    frame.set_link_cast(broadcast, !broadcast);
  } else if (header.dest != mac_) {
    // Promiscuous mode shows others' frames to captures and vlans, not to the stack.
    if (!vlans_) return drop(frame, drops::not_our_address, counters_.drops_in);
    return receive_other(std::move(frame));
  } else {
    frame.set_link_cast(false, false);
  }
  if (net_->hooked(HookPoint::ether_in)) [[unlikely]]
    return show_arrival(std::move(frame));
  demultiplex(std::move(frame), header);
}

// Tags, 802.3 with LLC, types of other protocols, and others' frames that vlans may want.
void EtherIfnet::receive_other(Packet frame) {
  const auto header = load<EthernetHeader>(frame.front());
  const bool tagged = header.type == ether_type::vlan || header.type == ether_type::qinq;
  if (tagged && vlans_ && vlans_->vlan_input(frame, *this)) return;
  const auto parsed = parse_ethernet(frame.octets());
  if (!parsed) return drop(frame, parsed.why(), counters_.errors_in);
  if (!header.dest.is_group() && header.dest != mac_)
    return drop(frame, drops::not_our_address, counters_.drops_in);
  if (parsed->tagged && parsed->vlan != 0)
    return drop(frame, drops::unexpected_vlan, counters_.drops_in);
  if (parsed->type == 0) return drop(frame, drops::unknown_ether_type, counters_.drops_in);
  const uint16_t type = parsed->type;  // of a priority-tagged frame, or behind SNAP
  const size_t payload = parsed->payload.size();
  frame.trim_front(parsed->header_size);
  frame.trim_to(payload);
  net_->deliver(std::move(frame), type, *this);
}

}  // namespace stackyard
