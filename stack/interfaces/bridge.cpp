// stack/interfaces/bridge.cpp - what a bridge does with frames.
#include <algorithm>
#include <cstring>

#include "core/base/text.h"
#include "core/offload/vlan_tag.h"
#include "stack/interfaces/detail/bridge_interface.h"
#include "stack/kern/machine.h"
#include "stack/net/drops.h"

namespace stackyard {

namespace drops {
namespace {
constexpr DropReason bridge_reserved{"reserved_group", "bridges do not forward 01:80:c2:00:00:0x"};
constexpr DropReason bridge_same_side{"bridge_same_side",
                                      "the receiver is on the side that the frame came from"};
constexpr DropReason bridge_private{"bridge_private", "private members do not reach each other"};
constexpr DropReason bridge_full{"bridge_full", "the member has as many addresses as it may"};
constexpr DropReason bridge_own{"bridge_own", "the bridge sent this frame itself"};
constexpr DropReason bridge_nowhere{"bridge_nowhere", "no member of the bridge is up"};
}  // namespace
}  // namespace drops

namespace {

// 802.1D s7.12.6: 01:80:c2:00:00:00 to 0f are for the neighbour only.
bool reserved(MacAddress dest) {
  static constexpr uint8_t prefix[5] = {0x01, 0x80, 0xc2, 0, 0};
  return std::memcmp(dest.octets.data(), prefix, 5) == 0 && dest.octets[5] < 0x10;
}

}  // namespace

uint16_t Bridge::vlan_of(const Packet& frame) {
  const Bytes octets = frame.front();
  if (octets.size() < sizeof(EthernetHeader) + sizeof(VlanTag)) return 1;
  if (load<EthernetHeader>(octets).type != ether_type::vlan) return 1;
  const uint16_t vid = load<VlanTag>(octets.subspan(sizeof(EthernetHeader))).control & 0xfff;
  return vid == 0 ? 1 : vid;
}

Packet BridgePort::member_input(Packet frame, EtherIfnet&) {
  return bridge.member_input(std::move(frame), *this);
}
Result<> BridgePort::member_output(Packet frame, EtherIfnet&) {
  return bridge.member_output(std::move(frame), *this);
}
std::string BridgePort::name() const { return bridge.name(); }
const void* BridgePort::segment() const { return bridge.members_segment(); }

// --- in ------------------------------------------------------------------------------------------

Packet Bridge::member_input(Packet frame, BridgePort& from) {
  if (!up()) return frame;
  if (has_flag(if_flag::monitor)) {
    ++counters_.packets_in;
    counters_.octets_in += frame.size();
    tap(frame, false);
    site_.note_drop(frame.id(), drops::monitoring, name());
    return {};
  }
  mirror(frame);
  const auto header = load<EthernetHeader>(frame.front());
  if (tree_.speaks(from.slot)) [[unlikely]] {
    if (header.dest == bridge_group) {
      hear_bpdu(std::move(frame), from);
      return {};
    }
    if (!tree_.learns(from.slot)) return discard(std::move(frame), from);
  }
  if (header.dest.is_group()) {
    // The member's stack, the bridge's and the other members: each gets it.
    forward(frame.clone(), from);
    hear(frame.clone());
    return frame;
  }
  if (EtherIfnet* ours = owner_of(header.dest, from))
    return take_ours(std::move(frame), *ours, from);
  if (header.source == mac_ || own_.contains(header.source.number())) {
    drop(frame, drops::bridge_own, counters_.drops_in);
    return {};
  }
  forward(std::move(frame), from);
  return {};
}

EtherIfnet* Bridge::owner_of(MacAddress address, BridgePort& from) {
  if (address == mac_) return this;
  if (address == from.interface.mac()) return &from.interface;
  const auto found = own_.find(address.number());
  return found == own_.end() ? nullptr : found->second;
}

// A unicast frame to an address of this stack, which need not be that of the member it came by.
Packet Bridge::take_ours(Packet frame, EtherIfnet& ours, BridgePort& from) {
  const auto header = load<EthernetHeader>(frame.front());
  if (!learn(from, header.source, vlan_of(frame))) {
    drop(frame, drops::bridge_full, counters_.drops_in);
    return {};
  }
  if (filtered() && module_ && module_->settings().pfil_local_phys) [[unlikely]] {
    if (!pass_in(frame, from, HookStage::local_in)) return {};
  }
  return give_to(std::move(frame), ours, from);
}

Packet Bridge::give_to(Packet frame, EtherIfnet& ours, BridgePort& from) {
  if (&ours == &from.interface) return frame;
  ++counters_.packets_in;
  counters_.octets_in += frame.size();
  if (&ours == this) {
    hear(std::move(frame));
  } else {
    tap(frame, false);
    frame.set_interface(ours.ref().value);
    ours.deliver_frame(std::move(frame));
  }
  return {};
}

void Bridge::hear(Packet frame) {
  frame.set_interface(ref().value);
  tap(frame, false);
  deliver_frame(std::move(frame));
}

void Bridge::forward(Packet frame, BridgePort& from) {
  ++counters_.packets_in;
  counters_.octets_in += frame.size();
  const auto header = load<EthernetHeader>(frame.front());
  const uint16_t vlan = vlan_of(frame);
  if (!learn(from, header.source, vlan)) return drop(frame, drops::bridge_full, counters_.drops_in);
  if (header.dest.is_group()) {
    if (reserved(header.dest)) return drop(frame, drops::bridge_reserved, counters_.drops_in);
  }
  if (!passes(from)) return drop(frame, drops::bridge_discarding, counters_.drops_in);
  if (filtered()) [[unlikely]] {
    if (port_of(header.dest, vlan) == &from)
      return drop(frame, drops::bridge_same_side, counters_.drops_in);
    if (!pass_in(frame, from, HookStage::member_in)) return;
  }
  forward_on(std::move(frame), from);
}

void Bridge::forward_on(Packet frame, BridgePort& from) {
  const auto header = load<EthernetHeader>(frame.front());
  if (header.dest.is_group()) return flood(std::move(frame), &from);
  const uint16_t vlan = vlan_of(frame);
  BridgePort* to = port_of(header.dest, vlan);
  if (to == &from) return drop(frame, drops::bridge_same_side, counters_.drops_in);
  tap(frame, false);
  if (!to) return flood(std::move(frame), &from);
  if (from.has(bridge_flag::is_private) && to->has(bridge_flag::is_private))
    return drop(frame, drops::bridge_private, counters_.drops_in);
  if (!to->interface.up()) return drop(frame, drops::interface_down, counters_.drops_out);
  if (!passes(*to)) return drop(frame, drops::bridge_discarding, counters_.drops_out);
  if (filtered()) [[unlikely]] {
    if (!pass_out(frame, &from.interface, &to->interface, HookStage::link_out)) return;
  }
  send_by(to->interface, std::move(frame));
}

bool Bridge::learn(BridgePort& from, MacAddress source, uint16_t vlan) {
  if (!from.has(bridge_flag::learning) || source.is_group() || source == MacAddress{}) return true;
  const SimTime now = site_.now();
  if (from.addresses_max > 0 && fdb_.find(source, vlan, now) < 0 &&
      fdb_.count(from.slot, now) >= from.addresses_max)
    return false;
  const bool sticky = from.has(bridge_flag::sticky);
  const Fdb::Learnt learnt =
      fdb_.learn(source, vlan, from.slot, now, sticky ? FdbKind::sticky : FdbKind::dynamic);
  if (learnt.moved_from >= 0 && slots_[size_t(learnt.moved_from)]) [[unlikely]]
    note_move(source, vlan, *slots_[size_t(learnt.moved_from)], from);
  return learnt.known || from.addresses_max == 0;
}

// Five lines a second at most.
void Bridge::note_move(MacAddress address, uint16_t vlan, const BridgePort& from,
                       const BridgePort& to) {
  if (!module_->settings().log_mac_flap) return;
  if (std::exchange(moves_second_, site_.now().s()) != site_.now().s()) moves_logged_ = 0;
  if (++moves_logged_ > 5) return;
  net_->vnet().machine().log(text("{}: mac address {} vlan {} moved from {} to {}", name(),
                                  to_text(address), vlan, from.interface.name(),
                                  to.interface.name()));
}

BridgePort* Bridge::port_of(MacAddress address, uint16_t vlan) const {
  const int64_t slot = fdb_.find(address, vlan, site_.now());
  return slot < 0 ? nullptr : slots_[size_t(slot)];
}

// --- out -----------------------------------------------------------------------------------------

Snooper* Bridge::snoop(const Packet& frame, const BridgePort* from, Snooper::Frame& what) {
  if (!module_ || !module_->settings().mcast_snooping) return nullptr;
  if (!snooper_) snooper_ = std::make_unique<Snooper>();
  if (load<EthernetHeader>(frame.front()).type == ether_type::vlan) return nullptr;
  Packet whole = frame.clone();
  (void)whole.pull_up(whole.size());
  // The stack's own frames come by no member, but who else wants them counts.
  what = snooper_->look(whole.front(), 1, from ? from->slot : UINT32_MAX, site_.now());
  return snooper_.get();
}

void Bridge::flood(Packet frame, BridgePort* from) {
  if (from && filtered()) [[unlikely]] {
    if (!pass_out(frame, &from->interface, nullptr, HookStage::bridge_out)) return;
  }
  flood_on(frame, from);
}

void Bridge::flood_on(const Packet& frame, BridgePort* from) {
  const bool group = load<EthernetHeader>(frame.front()).dest.is_group();
  Snooper::Frame what;
  Snooper* const snooper = group ? snoop(frame, from, what) : nullptr;
  for (const auto& to : members_) {
    if (to.get() == from || !to->interface.up() || !passes(*to)) continue;
    if (from && from->has(bridge_flag::is_private) && to->has(bridge_flag::is_private)) continue;
    if (!group && !to->has(bridge_flag::discover)) continue;
    if (snooper && !snooper->forward_to(what, 1, to->slot, site_.now())) {
      ++snooper->pruned;
      continue;
    }
    Packet copy = frame.clone();
    if (from && filtered()) [[unlikely]] {
      if (!pass_out(copy, &from->interface, &to->interface, HookStage::flood_link_out)) continue;
    }
    send_by(to->interface, std::move(copy));
  }
}

void Bridge::mirror(const Packet& frame) {
  for (EtherIfnet* span : spans_)
    if (span->up()) send_by(*span, frame.clone());
}

void Bridge::send_by(EtherIfnet& member, Packet frame) {
  ++counters_.packets_out;
  counters_.octets_out += frame.size();
  (void)member.send(std::move(frame));
}

// What the stack sends by the bridge itself: send() has counted and shown it.
void Bridge::transmit(Packet frame) {
  const auto header = load<EthernetHeader>(frame.front());
  --counters_.packets_out;  // each copy counts, as it leaves by a member
  counters_.octets_out -= frame.size();
  BridgePort* to = header.dest.is_group() ? nullptr : port_of(header.dest, vlan_of(frame));
  if (to && to->interface.up()) return send_by(to->interface, std::move(frame));
  if (to) return drop(frame, drops::interface_down, counters_.drops_out);
  flood(std::move(frame), nullptr);
}

// What the stack sends by a member.
Result<> Bridge::member_output(Packet frame, BridgePort& from) {
  if (!up()) return from.interface.send(std::move(frame));
  const auto header = load<EthernetHeader>(frame.front());
  BridgePort* to = header.dest.is_group() ? nullptr : port_of(header.dest, vlan_of(frame));
  if (to != &from) tap(frame, true);
  mirror(frame);
  if (to) {
    if (!to->interface.up()) {
      drop(frame, drops::interface_down, counters_.drops_out);
      return Errno::enetdown;
    }
    send_by(to->interface, std::move(frame));
    return {};
  }
  bool sent = false;
  for (const auto& each : members_) {
    // By a member that discards nothing passes, but for what the stack sends by it.
    if (!each->interface.up() || (each.get() != &from && !passes(*each))) continue;
    send_by(each->interface, frame.clone());
    sent = true;
  }
  if (!sent) drop(frame, drops::bridge_nowhere, counters_.drops_out);
  return {};
}

}  // namespace stackyard
