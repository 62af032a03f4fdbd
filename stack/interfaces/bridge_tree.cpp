// stack/interfaces/bridge_tree.cpp - spanning tree on a bridge's members (if_bridge(4), "SPANNING
// TREE"): those with `stp` take part, the others forward always.
#include <algorithm>

#include "core/base/text.h"
#include "stack/interfaces/detail/bridge_interface.h"
#include "stack/kern/machine.h"

namespace stackyard {

namespace drops {
namespace {
constexpr DropReason bridge_bpdu{"bridge_bpdu", "the member's spanning tree cannot read it"};
}  // namespace
}  // namespace drops

namespace {

// bridgestp(4)'s cost of an interface that does not tell its rate.
constexpr uint32_t default_path_cost = 55;
constexpr uint32_t path_cost_most = 200'000'000;

}  // namespace

uint32_t Bridge::path_cost(const BridgePort& port) {
  if (port.path_cost > 0) return port.path_cost;
  const uint64_t rate = port.interface.rate();
  return rate >= 1000 ? stp_path_cost(rate) : default_path_cost;
}

// After whatever may matter to it: members, their links, addresses and settings.
void Bridge::refresh_tree() {
  const SimTime now = site_.now();
  StpBridgeConfig config = tree_.config();
  config.mac = {};
  for (const auto& port : members_) {
    const MacAddress mac = port->interface.mac();
    if (config.mac == MacAddress{} || mac < config.mac) config.mac = mac;
  }
  tree_.configure(config, now);
  for (const auto& port : members_) {
    if (!port->has(bridge_flag::stp)) {
      tree_.remove_port(port->slot, now);
      continue;
    }
    tree_.set_port(port->slot,
                   {.priority = port->priority,
                    .number = uint16_t(port->interface.index() & 0xfff),
                    .path_cost = path_cost(*port),
                    .edge = port->has(bridge_flag::admin_edge),
                    .auto_edge = port->has(bridge_flag::auto_edge),
                    .point_to_point = port->point_to_point},
                   now);
    const bool runs = up() && port->interface.up() && port->interface.link_up();
    tree_.set_up(port->slot, runs, now);
  }
  tree_timer_.rearm();
}

void Bridge::hear_bpdu(Packet frame, BridgePort& from) {
  (void)frame.pull_up(frame.size());
  const auto bpdu = parse_bpdu_frame(frame.front());
  if (!bpdu) return drop(frame, drops::bridge_bpdu, counters_.drops_in);
  tree_.receive(from.slot, *bpdu, site_.now());
  tree_timer_.rearm();
}

// What comes by a member that does not learn: the member's own stack hears it, nobody else does.
Packet Bridge::discard(Packet frame, BridgePort& from) {
  const MacAddress dest = load<EthernetHeader>(frame.front()).dest;
  const bool own = dest.is_group() || dest == from.interface.mac();
  Packet lost = own ? frame.clone() : std::move(frame);
  if (dest != from.interface.mac()) drop(lost, drops::bridge_discarding, counters_.drops_in);
  return own ? std::move(frame) : Packet{};
}

void Bridge::send_bpdu(uint32_t port, const Bpdu& bpdu) {
  EtherIfnet& by = slots_[port]->interface;
  (void)by.send(site_.pool().make(site_.next_packet_id(), bpdu_frame(by.mac(), bpdu)));
}

void Bridge::forget_addresses(uint32_t port) { fdb_.forget_port(port, true); }

void Bridge::port_changed(uint32_t port) {
  BridgePort* at = slots_[port];
  const bool speaks = at && tree_.speaks(port);
  const StpState state = speaks ? tree_.info(port).state : StpState::discarding;
  if (!at || std::exchange(at->state, state) == state || !speaks) return;
  // Members also leave when the stack ends, whose bridge module is gone by then.
  const auto* module = net_->vnet().state_if_there<BridgeModule>(bridge_module);
  if (module && module->settings().log_stp)
    net_->vnet().machine().log(
        text("{}: state changed to {} on {}", name(), name_of(state), at->interface.name()));
}

// --- requests ------------------------------------------------------------------------------------

Result<> Bridge::set_tree(BridgeAction action, uint32_t value) {
  StpBridgeConfig config = tree_.config();
  const auto seconds = [&](SimTime StpBridgeConfig::*which, uint32_t least,
                           uint32_t most) -> Result<> {
    if (value < least || value > most) return Errno::einval;
    config.*which = 1_s * value;
    return {};
  };
  switch (action) {
    case BridgeAction::priority:
      if (value > 61440) return Errno::einval;
      config.priority = uint16_t(value & 0xf000);
      break;
    case BridgeAction::max_age:
      TRY(seconds(&StpBridgeConfig::max_age, 6, 40));
      break;
    case BridgeAction::hello_time:
      // Of the older STP only (ifconfig(8)).
      if (config.version != StpVersion::stp) return Errno::eperm;
      TRY(seconds(&StpBridgeConfig::hello_time, 1, 2));
      break;
    case BridgeAction::forward_delay:
      TRY(seconds(&StpBridgeConfig::forward_delay, 4, 30));
      break;
    case BridgeAction::hold_count:
      if (value < 1 || value > 10) return Errno::einval;
      config.hold_count = value;
      break;
    default:
      if (value != uint32_t(StpVersion::stp) && value != uint32_t(StpVersion::rstp))
        return Errno::einval;
      config.version = StpVersion(value);
      if (config.version == StpVersion::rstp) config.hello_time = StpBridgeConfig{}.hello_time;
      break;
  }
  tree_.configure(config, site_.now());
  tree_timer_.rearm();
  return {};
}

Result<> Bridge::set_member_tree(BridgePort& port, BridgeAction action, uint32_t value) {
  const bool priority = action == BridgeAction::member_priority;
  if (value > (priority ? 240 : path_cost_most)) return Errno::einval;
  if (priority) {
    port.priority = uint8_t(value & 0xf0);
  } else {
    constexpr uint32_t told = bridge_flag::admin_cost;
    port.path_cost = value;
    port.flags = value > 0 ? port.flags | told : port.flags & ~told;
  }
  refresh_tree();
  return {};
}

void Bridge::describe_tree(GetBridge& into) const {
  into.stp = tree_.config();
  const bool runs = std::any_of(members_.begin(), members_.end(),
                                [&](const auto& port) { return tree_.speaks(port->slot); });
  if (!runs) {
    into.stp.mac = {};  // what FreeBSD shows while no member has stp
    return;
  }
  into.root = tree_.root();
  into.root_cost = tree_.root_cost();
  const int64_t root = tree_.root_port();
  if (root >= 0) into.root_port = slots_[size_t(root)]->interface.index() & 0xfff;
}

uint32_t Bridge::shown_flags(const BridgePort& port) const {
  if (!tree_.speaks(port.slot)) return port.flags;
  const SpanningTree::PortInfo info = tree_.info(port.slot);
  return port.flags | (info.edge ? bridge_flag::edge : 0) |
         (info.point_to_point ? bridge_flag::ptp : 0);
}

void Bridge::add_to(Table& table) const {
  for (const auto& port : members_)
    if (tree_.speaks(port->slot)) add_row(table, tree_, port->slot, name(), port->interface.name());
}

}  // namespace stackyard
