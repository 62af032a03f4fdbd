// stack/interfaces/bridge_hooks.cpp - the packet filters of a bridge (if_bridge(4), "PACKET
// FILTERING"): on the member that a frame came by, on the bridge, on the member that it leaves by.
#include <algorithm>

#include "core/wire/net/ipv4.h"
#include "core/wire/net/ipv6.h"
#include "stack/interfaces/detail/bridge_interface.h"
#include "stack/net/drops.h"

namespace stackyard {

namespace {

constexpr DropReason bridge_only_ip{"bridge_only_ip",
                                    "a filtering bridge passes IP and ARP only (pfil_onlyip)"};
constexpr DropReason bridge_bad_ip{"bridge_bad_ip", "the IP header is not sound"};

bool sound(const Packet& packet, uint16_t type) {
  if (type == ether_type::ipv4) return bool(parse_ipv4_header(packet.front(), packet.size()));
  return bool(parse_ipv6_header(packet.front(), packet.size()));
}

}  // namespace

bool Bridge::run_hooks(Packet& frame, HookContext& at) {
  const bool passed = net_->hooks().run(frame, at).passed;
  if (passed && !at.ethernet()) frame.prepend_header(at.link);
  return passed;
}

// Finds the chain that a frame is for. False: none, and `frame` is empty if that is its end.
bool Bridge::may_show(Packet& frame, HookStage stage, HookContext& at) {
  const bool outbound = stage >= HookStage::link_out;
  const uint16_t type = at.link.type;
  if (type == ether_type::arp) return false;
  if (type != ether_type::ipv4 && type != ether_type::ipv6) {
    if (!module_->settings().pfil_onlyip) return false;
    drop(frame, bridge_only_ip, outbound ? counters_.drops_out : counters_.drops_in);
    frame = {};
    return false;
  }
  const bool v6 = type == ether_type::ipv6;
  at.point = v6 ? (outbound ? HookPoint::inet6_out : HookPoint::inet6_in)
                : (outbound ? HookPoint::inet_out : HookPoint::inet_in);
  return true;
}

bool Bridge::show(Packet& frame, HookStage stage, Ifnet* in, Ifnet* out) {
  HookContext at;
  at.link = load<EthernetHeader>(frame.front());
  at.site = HookSite::bridge;
  at.stage = uint8_t(stage);
  at.in = in;
  at.out = out;
  at.by = this;
  if (stage == HookStage::link_out || stage == HookStage::flood_link_out) {
    at.point = HookPoint::ether_out;
    const bool wanted = at.link.type != ether_type::arp || module_->settings().ipfw_arp;
    return !wanted || !net_->hooked(at.point) || run_hooks(frame, at);
  }
  if (!may_show(frame, stage, at)) return bool(frame);
  if (!net_->hooked(at.point)) return true;
  frame.trim_front(sizeof at.link);
  (void)frame.pull_up(std::min<size_t>(frame.size(), 60));
  if (!sound(frame, at.link.type)) {
    drop(frame, bridge_bad_ip, at.outbound() ? counters_.drops_out : counters_.drops_in);
    return false;
  }
  return run_hooks(frame, at);
}

bool Bridge::pass_in(Packet& frame, BridgePort& from, HookStage stage) {
  if (!module_) return true;
  const BridgeSettings& s = module_->settings();
  if (stage == HookStage::local_in) return show(frame, stage, &from.interface, nullptr);
  if (stage == HookStage::member_in && s.pfil_member) {
    if (!show(frame, stage, &from.interface, nullptr)) return false;
  }
  return !s.pfil_bridge || show(frame, HookStage::bridge_in, this, nullptr);
}

// A flood passes the bridge once, and each member; `to` is null for the former.
bool Bridge::pass_out(Packet& frame, Ifnet* from, Ifnet* to, HookStage stage) {
  if (!module_) return true;
  const BridgeSettings& s = module_->settings();
  switch (stage) {
    case HookStage::link_out:
      if (s.ipfw && !show(frame, stage, from, to)) return false;
      [[fallthrough]];
    case HookStage::bridge_out:
      if (s.pfil_bridge && !show(frame, HookStage::bridge_out, from, this)) return false;
      if (!to) return true;
      [[fallthrough]];
    case HookStage::member_out:
      return !s.pfil_member || show(frame, HookStage::member_out, from, to);
    case HookStage::flood_link_out:
      if (s.ipfw && !show(frame, stage, from, to)) return false;
      [[fallthrough]];
    default:
      return !s.pfil_member || show(frame, HookStage::flood_member_out, from, to);
  }
}

// --- what a hook gives back ----------------------------------------------------------------------

void Bridge::resume_packet(Packet packet, HookContext& at) {
  const auto stage = HookStage(at.stage);
  BridgePort* from = port_by({packet.interface()});
  Ifnet* out = at.out;
  if (!from) return drop(packet, drops::interface_gone, counters_.drops_in);
  if (!run_hooks(packet, at)) return;
  if (stage < HookStage::link_out) return resume_in(std::move(packet), *from, stage);
  const MacAddress dest = load<EthernetHeader>(packet.front()).dest;
  if (stage == HookStage::bridge_out) {
    BridgePort* to = dest.is_group() ? nullptr : port_of(dest, vlan_of(packet));
    if (!to) return flood_on(packet, from);
    out = &to->interface;
  }
  const HookStage next = HookStage(uint8_t(stage) + 1);
  const bool last = stage == HookStage::member_out || stage == HookStage::flood_member_out;
  if (!last && !pass_out(packet, &from->interface, out, next)) return;
  for (const auto& member : members_)
    if (&member->interface == out) return send_by(member->interface, std::move(packet));
  drop(packet, drops::interface_gone, counters_.drops_out);
}

void Bridge::resume_in(Packet frame, BridgePort& from, HookStage stage) {
  if (stage == HookStage::local_in) {
    EtherIfnet* ours = owner_of(load<EthernetHeader>(frame.front()).dest, from);
    if (!ours) return drop(frame, drops::interface_gone, counters_.drops_in);
    frame = give_to(std::move(frame), *ours, from);
    if (frame) from.interface.deliver_frame(std::move(frame));
    return;
  }
  if (stage == HookStage::member_in && !pass_in(frame, from, HookStage::bridge_in)) return;
  forward_on(std::move(frame), from);
}

BridgePort* Bridge::port_by(IfRef member) const {
  for (const auto& port : members_)
    if (port->interface.ref() == member) return port.get();
  return nullptr;
}

}  // namespace stackyard
