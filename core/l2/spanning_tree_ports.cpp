// core/l2/spanning_tree_ports.cpp - migration (s17.24), bridge detection (s17.25), transmission
// (s17.26), role transitions (s17.29), state transitions (s17.30), topology changes (s17.31).
#include <algorithm>
#include <utility>

#include "core/l2/detail/spanning_port.h"

namespace stackyard {

// --- migration and bridge detection --------------------------------------------------------------

bool SpanningTree::migrate(Port& p) {
  if (!p.enabled) return false;
  if (!p.sensing) {
    if (!over(p.migrate_delay)) return false;
    p.received_rstp = p.received_stp = false;
    return p.sensing = true;
  }
  const bool to_rstp = rapid() && !p.send_rstp && p.received_rstp;
  const bool to_stp = p.send_rstp && p.received_stp;
  if (!to_rstp && !to_stp) return false;
  p.send_rstp = to_rstp;
  p.migrate_delay = now_ + Port::migrate_time;
  p.sensing = false;
  return true;
}

// s17.25: who has proposed for a while, and heard of no bridge, has none behind it.
bool SpanningTree::detect_bridge(Port& p) {
  const bool silent = p.enabled && over(p.edge_delay) && p.config.auto_edge && p.send_rstp &&
                      p.proposing && !p.edge;
  if (silent) p.edge = true;
  return silent;
}

// --- roles' transitions --------------------------------------------------------------------------

// s17.20.5: two hellos' time is enough where the neighbour is asked for its agreement.
SimTime SpanningTree::forward_delay(const Port& p) const {
  return p.send_rstp ? designated_times().hello_time : root_times_.forward_delay;
}

bool SpanningTree::all_synced() const {
  return std::all_of(ports_.begin(), ports_.end(), [](const auto& p) {
    return !p || (p->selected && p->role == p->selected_role && !p->update_info &&
                  (p->synced || p->role == StpRole::root));
  });
}

bool SpanningTree::re_rooted(const Port& but) const {
  return std::all_of(ports_.begin(), ports_.end(),
                     [&](const auto& p) { return !p || p.get() == &but || over(p->rr_while); });
}

bool SpanningTree::transit(Port& p) {
  if (!p.selected || p.update_info) return false;
  if (p.role != p.selected_role) {
    enter_role(p);
    return true;
  }
  switch (p.role) {
    case StpRole::root:
      return transit_root(p);
    case StpRole::designated:
      return transit_designated(p);
    default:
      return transit_blocked(p);
  }
}

// Timers that the old role held begin to pass, those of the new one are held.
void SpanningTree::enter_role(Port& p) {
  const StpRole before = std::exchange(p.role, p.selected_role);
  if (p.role == StpRole::root || p.role == StpRole::designated) {
    // s17.29.1: who comes up listens for as long as what others say may be old. The older STP has
    // one forward delay for that.
    const bool fresh = before == StpRole::disabled && rapid();
    if (p.fd_while == Port::held)
      p.fd_while = now_ + (fresh ? root_times_.max_age : forward_delay(p));
    if (before == StpRole::backup) p.rb_while = now_ + config_.hello_time * 2;
  }
  if (p.role == StpRole::root) p.rr_while = Port::held;
  if (p.role == StpRole::designated && before == StpRole::root)
    p.rr_while = now_ + root_times_.forward_delay;
  if (p.role != StpRole::root && p.role != StpRole::designated) {
    p.learn = p.forward = false;
    p.fd_while = Port::held;
    p.rr_while = SimTime();
  }
  if (p.role == StpRole::backup) p.rb_while = Port::held;
  owner_.port_changed(p.index);
}

// A proposal makes all others discard or agree first; then this port agrees.
bool SpanningTree::agree_to_proposal(Port& p) {
  if (p.proposed && !p.agree) {
    p.proposed = false;
    for (const auto& each : ports_)
      if (each) each->sync = true;
    return true;
  }
  if ((all_synced() && !p.agree) || (p.proposed && p.agree)) {
    p.proposed = p.sync = false;
    p.agree = p.new_info = true;
    return true;
  }
  return false;
}

bool SpanningTree::transit_root(Port& p) {
  bool changed = agree_to_proposal(p);
  if ((p.agreed && !p.synced) || (p.sync && p.synced)) {
    p.synced = true;
    p.sync = false;
    changed = true;
  }
  if (!p.forward && !p.re_root) {
    for (const auto& each : ports_)
      if (each) each->re_root = true;
    changed = true;
  }
  const bool at_once = re_rooted(p) && over(p.rb_while) && rapid();
  if ((over(p.fd_while) || at_once) && !p.forward) {
    const bool learnt = std::exchange(p.learn, true);
    p.forward = learnt;
    p.fd_while = learnt ? SimTime() : now_ + forward_delay(p);
    changed = true;
  }
  if (p.re_root && p.forward) {
    p.re_root = false;
    changed = true;
  }
  return changed;
}

bool SpanningTree::transit_designated(Port& p) {
  bool changed = false;
  if (!p.forward && !p.agreed && !p.proposing && !p.edge) {
    p.proposing = p.new_info = true;
    // s17.20.4: on a shared segment silence says less.
    p.edge_delay = now_ + (p.config.point_to_point ? Port::migrate_time : root_times_.max_age);
    changed = true;
  }
  const bool still = p.state == StpState::discarding && !p.learn;
  if (((still || p.agreed || p.edge) && !p.synced) || (p.sync && p.synced)) {
    p.rr_while = SimTime();
    p.synced = true;
    p.sync = false;
    changed = true;
  }
  if (over(p.rr_while) && p.re_root) {
    p.re_root = false;
    changed = true;
  }
  const bool must_stop = (p.sync && !p.synced) || (p.re_root && !over(p.rr_while)) || p.disputed;
  if (must_stop && !p.edge && (p.learn || p.forward)) {
    p.learn = p.forward = p.disputed = false;
    p.fd_while = now_ + forward_delay(p);
    changed = true;
  }
  const bool may_go = over(p.fd_while) || p.agreed || p.edge;
  if (may_go && (over(p.rr_while) || !p.re_root) && !p.sync && !p.forward) {
    const bool learnt = std::exchange(p.learn, true);
    if (learnt) {
      p.forward = true;
      p.agreed = p.send_rstp;
    }
    p.fd_while = learnt ? SimTime() : now_ + forward_delay(p);
    changed = true;
  }
  return changed;
}

// Alternate, backup and disabled ports.
bool SpanningTree::transit_blocked(Port& p) {
  if (p.state != StpState::discarding) return false;
  bool changed = p.role != StpRole::disabled && agree_to_proposal(p);
  if (p.sync || p.re_root || !p.synced) {
    p.synced = true;
    p.sync = p.re_root = false;
    changed = true;
  }
  return changed;
}

bool SpanningTree::move_state(Port& p) {
  const StpState wanted = !p.learn     ? StpState::discarding
                          : !p.forward ? StpState::learning
                                       : StpState::forwarding;
  if (p.state == wanted) return false;
  p.state = wanted;
  owner_.port_changed(p.index);
  return true;
}

// --- topology changes ----------------------------------------------------------------------------

void SpanningTree::start_tc(Port& p) {
  if (!over(p.tc_while)) return;
  p.new_info |= p.send_rstp;
  p.tc_while = now_ + (p.send_rstp ? config_.hello_time + 1_s
                                   : root_times_.max_age + root_times_.forward_delay);
}

void SpanningTree::tell_others(Port& p) {
  topology_changed_ = now_;
  ++topology_changes_;
  for (const auto& each : ports_)
    if (each && each.get() != &p) each->tc_propagate = true;
}

bool SpanningTree::change_topology(Port& p) {
  const bool active_role = p.role == StpRole::root || p.role == StpRole::designated;
  switch (p.topology) {
    case Port::Topology::inactive:
      if (!p.learn) return false;
      owner_.forget_addresses(p.index);
      p.tc_while = SimTime();
      p.tc_ack = false;
      p.topology = Port::Topology::learning;
      return true;
    case Port::Topology::learning:
      p.received_tc = p.received_tcn = p.received_tc_ack = p.tc_propagate = false;
      if (active_role && p.forward && !p.edge) {
        start_tc(p);
        tell_others(p);
        p.new_info = true;
        p.topology = Port::Topology::active;
        return true;
      }
      if (active_role || p.learn || p.state != StpState::discarding) return false;
      owner_.forget_addresses(p.index);
      p.tc_while = SimTime();
      p.topology = Port::Topology::inactive;
      return true;
    case Port::Topology::active:
      break;
  }
  if (!active_role || p.edge) {
    p.topology = Port::Topology::learning;
    return true;
  }
  if (p.received_tcn || p.received_tc) {
    if (p.received_tcn) start_tc(p);
    p.received_tcn = p.received_tc = false;
    if (p.role == StpRole::designated) p.tc_ack = true;
    tell_others(p);
    return true;
  }
  if (p.tc_propagate) {
    p.tc_propagate = false;
    start_tc(p);
    owner_.forget_addresses(p.index);
    return true;
  }
  if (p.received_tc_ack) {
    p.received_tc_ack = false;
    p.tc_while = SimTime();
    return true;
  }
  return false;
}

// --- transmission --------------------------------------------------------------------------------

// s17.26: at most `hold_count` at once, and one for each second that passes.
void SpanningTree::transmit(Port& p) {
  if (!p.enabled) return;
  if (p.tx_count > 0 && over(p.tx_tick)) {
    --p.tx_count;
    p.tx_tick = now_ + 1_s;
  }
  if (over(p.hello_when)) {
    p.hello_when = now_ + config_.hello_time;
    p.new_info |= p.role == StpRole::designated || (p.role == StpRole::root && !over(p.tc_while));
  }
  if (!p.new_info || !p.selected || p.update_info || p.role == StpRole::disabled) return;
  // The older STP has nothing to say by ports that are blocked.
  const bool says = p.send_rstp || p.role == StpRole::designated || p.role == StpRole::root;
  if (says && p.tx_count >= config_.hold_count) return;
  p.new_info = false;
  if (!says) return;
  // Of the older STP, the root port has notifications only, until they are acknowledged.
  if (!p.send_rstp && p.role == StpRole::root && over(p.tc_while)) return;
  if (p.tx_count++ == 0) p.tx_tick = now_ + 1_s;
  send(p);
  p.tc_ack = false;
}

void SpanningTree::send(Port& p) {
  Bpdu bpdu;
  if (!p.send_rstp && p.role == StpRole::root) {
    bpdu.kind = BpduKind::topology_change;
    return owner_.send_bpdu(p.index, bpdu);
  }
  const Priority priority = designated_priority(p);
  const Times times = designated_times();
  bpdu.kind = p.send_rstp ? BpduKind::rapid : BpduKind::config;
  bpdu.topology_change = !over(p.tc_while);
  bpdu.root = priority.root;
  bpdu.root_cost = priority.root_cost;
  bpdu.bridge = priority.bridge;
  bpdu.port = priority.port;
  bpdu.message_age = times.message_age;
  bpdu.max_age = times.max_age;
  bpdu.hello_time = times.hello_time;
  bpdu.forward_delay = times.forward_delay;
  if (p.send_rstp) {
    bpdu.role = p.role == StpRole::root         ? BpduRole::root
                : p.role == StpRole::designated ? BpduRole::designated
                                                : BpduRole::alternate;
    bpdu.proposal = p.proposing;
    bpdu.agreement = p.agree;
    bpdu.learning = p.state != StpState::discarding;
    bpdu.forwarding = p.state == StpState::forwarding;
  } else {
    bpdu.topology_change_ack = p.tc_ack;
  }
  owner_.send_bpdu(p.index, bpdu);
}

}  // namespace stackyard
