// core/l2/spanning_tree.cpp - what the owner calls; what is heard (s17.27); roles (s17.28).
#include "core/l2/spanning_tree.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/l2/detail/spanning_port.h"

namespace stackyard {

const char* name_of(StpRole role) {
  static constexpr const char* names[] = {"disabled", "root", "designated", "alternate", "backup"};
  return names[size_t(role)];
}
const char* name_of(StpState state) {
  static constexpr const char* names[] = {"discarding", "learning", "forwarding"};
  return names[size_t(state)];
}
const char* name_of(StpVersion version) { return version == StpVersion::rstp ? "rstp" : "stp"; }

uint32_t stp_path_cost(uint64_t bits_per_second) {
  const uint64_t kbit = bits_per_second / 1000;
  if (kbit == 0) return bits_per_second == 0 ? 1 : 200'000'000;
  return uint32_t(std::clamp<uint64_t>(20'000'000'000 / kbit, 1, 200'000'000));
}

SpanningTree::SpanningTree(Owner& owner, const StpBridgeConfig& config)
    : owner_(owner), config_(config) {}
SpanningTree::~SpanningTree() = default;

// --- what the owner calls ------------------------------------------------------------------------

SpanningTree::Port* SpanningTree::find(uint32_t port) const {
  return port < ports_.size() ? ports_[port].get() : nullptr;
}

// As if the machines began here (s17.18.1): nothing is known of the neighbours.
void SpanningTree::start(Port& p) {
  const bool enabled = p.enabled;
  const StpRole role = p.role;
  const StpState state = p.state;
  p = Port(p.index, p.config);
  p.enabled = enabled;
  p.edge = p.config.edge;
  p.send_rstp = rapid();
  p.new_info = true;
  p.edge_delay = p.migrate_delay = now_ + Port::migrate_time;
  p.hello_when = now_ + config_.hello_time;
  p.fd_while = Port::held;
  p.synced = true;
  owner_.forget_addresses(p.index);
  if (role != p.role || state != p.state) owner_.port_changed(p.index);
}

void SpanningTree::set_port(uint32_t port, const StpPortConfig& config, SimTime now) {
  now_ = now;
  if (port >= ports_.size()) ports_.resize(port + 1);
  auto& slot = ports_[port];
  if (slot && slot->config == config) return;
  if (!slot) {
    slot = std::make_unique<Port>(port, config);
    start(*slot);
    owner_.port_changed(port);
  } else {
    if (slot->config.edge != config.edge) slot->edge = config.edge;
    slot->config = config;
  }
  reselect_all();
  run();
}

void SpanningTree::remove_port(uint32_t port, SimTime now) {
  if (!find(port)) return;
  now_ = now;
  set_up(port, false, now);
  ports_[port] = nullptr;
  owner_.port_changed(port);
}

void SpanningTree::set_up(uint32_t port, bool up, SimTime now) {
  Port* p = find(port);
  if (!p || p->enabled == up) return;
  now_ = now;
  p->enabled = up;
  start(*p);
  run();
}

void SpanningTree::configure(const StpBridgeConfig& config, SimTime now) {
  if (config == config_) return;
  now_ = now;
  const bool again = config.version != config_.version;
  config_ = config;
  for (const auto& p : ports_)
    if (p && again) start(*p);
  reselect_all();
  run();
}

void SpanningTree::receive(uint32_t port, const Bpdu& bpdu, SimTime now) {
  Port* p = find(port);
  if (!p || !p->enabled) return;
  const bool is_rapid = bpdu.kind == BpduKind::rapid;
  if (is_rapid && !rapid()) return;  // a bridge of the older STP does not know it
  now_ = now;
  // s9.3.4: one that this port sent itself, and that came back.
  if (bpdu.kind == BpduKind::config && bpdu.bridge == id() && bpdu.port == p->id()) return;
  p->message = bpdu;
  p->received = true;
  (is_rapid ? p->received_rstp : p->received_stp) = true;
  p->edge = false;
  p->edge_delay = now + Port::migrate_time;
  run();
}

void SpanningTree::pass(SimTime now) {
  now_ = now;
  run();
}

SimTime SpanningTree::next_due() const {
  SimTime next = SimTime::max();
  for (const auto& p : ports_) {
    if (!p || !p->enabled) continue;
    for (const auto timer : Port::timers)
      if ((*p).*timer > now_) next = std::min(next, (*p).*timer);
  }
  return next;
}

bool SpanningTree::learns(uint32_t port) const {
  const Port* p = find(port);
  return !p || p->state != StpState::discarding;
}
bool SpanningTree::forwards(uint32_t port) const {
  const Port* p = find(port);
  return !p || p->state == StpState::forwarding;
}

SpanningTree::PortInfo SpanningTree::info(uint32_t port) const {
  const Port* p = find(port);
  check(p != nullptr, "the port speaks STP");
  return {.role = p->role,
          .state = p->state,
          .version = p->send_rstp ? StpVersion::rstp : StpVersion::stp,
          .edge = p->edge,
          .point_to_point = p->config.point_to_point,
          .path_cost = p->config.path_cost,
          .priority = p->config.priority};
}

// All machines, until none has anything to do; what they send goes last, and once.
void SpanningTree::run() {
  if (running_) return;
  running_ = true;
  for (int round = 0;; ++round) {
    check(round < 10'000, "the machines of a spanning tree settle");
    bool changed = false, reselect = false;
    for (const auto& p : ports_) {
      if (!p) continue;
      changed |= migrate(*p);
      changed |= detect_bridge(*p);
      changed |= port_information(*p);
      reselect |= p->reselect;
    }
    if (reselect) select_roles();
    changed |= reselect;
    for (const auto& p : ports_) {
      if (!p) continue;
      changed |= transit(*p);
      changed |= move_state(*p);
      changed |= change_topology(*p);
    }
    if (!changed) break;
  }
  for (const auto& p : ports_)
    if (p) transmit(*p);
  running_ = false;
}

void SpanningTree::reselect_all() {
  for (const auto& p : ports_) {
    if (!p) continue;
    p->reselect = true;
    p->selected = false;
  }
}

// --- what is heard (s17.27) ----------------------------------------------------------------------

bool SpanningTree::port_information(Port& p) {
  if (!p.enabled) {
    p.received = false;
    if (p.info_is == Port::InfoIs::disabled) return false;
    p.info_is = Port::InfoIs::disabled;
    p.reselect = true;
    p.selected = false;
    return true;
  }
  const auto age = [&] {
    p.info_is = Port::InfoIs::aged;
    p.reselect = true;
    p.selected = false;
    return true;
  };
  if (p.info_is == Port::InfoIs::disabled) return age();
  if (p.selected && p.update_info) {
    const Priority designated = designated_priority(p);
    p.proposing = p.proposed = false;
    p.agreed = p.agreed && p.info_is == Port::InfoIs::mine && designated <= p.priority;
    p.synced = p.synced && p.agreed;
    p.priority = designated;
    p.times = designated_times();
    p.update_info = false;
    p.info_is = Port::InfoIs::mine;
    p.new_info = true;
    return true;
  }
  if (p.update_info || p.info_is == Port::InfoIs::aged) return false;
  if (p.received) {
    p.received = false;
    hear(p);
    return true;
  }
  return p.info_is == Port::InfoIs::received && over(p.received_while) && age();
}

// s17.21.8, s17.6: what a message is, against what the port knows.
void SpanningTree::hear(Port& p) {
  const Bpdu& m = p.message;
  if (m.kind == BpduKind::topology_change) return set_tc_flags(p);
  p.message_priority = {m.root, m.root_cost, m.bridge, m.port, p.id()};
  p.message_times = {m.message_age, m.max_age, m.hello_time, m.forward_delay};
  const bool designated =
      m.kind == BpduKind::config || m.role == BpduRole::designated || m.role == BpduRole::unknown;
  const Priority& told = p.message_priority;
  // The same port of the same bridge may always say something new.
  const bool same_source =
      told.bridge.mac == p.priority.bridge.mac && (told.port & 0xfff) == (p.priority.port & 0xfff);
  if (!designated) {
    if (told >= p.priority) {
      record_agreement(p);
      set_tc_flags(p);
    }
    return;
  }
  if (told == p.priority && p.message_times == p.times) {
    if (p.info_is == Port::InfoIs::received) return take_repeated(p);
  } else if (told <= p.priority || same_source) {
    return take_superior(p);
  }
  // s17.21.10: somebody who should not be, and who learns already, believes to be designated.
  if (m.kind == BpduKind::rapid && m.learning) {
    p.disputed = true;
    p.agreed = false;
  }
}

void SpanningTree::take_repeated(Port& p) {
  if (p.message.proposal) p.proposed = true;
  set_tc_flags(p);
  p.agree = p.agree && p.info_is == Port::InfoIs::received && p.message_priority <= p.priority;
  renew_information(p);
}

void SpanningTree::take_superior(Port& p) {
  p.agreed = p.proposing = false;
  take_repeated(p);
  p.priority = p.message_priority;
  p.times = p.message_times;
  p.info_is = Port::InfoIs::received;
  p.reselect = true;
  p.selected = false;
}

void SpanningTree::record_agreement(Port& p) {
  const bool agreed = rapid() && p.config.point_to_point && p.message.agreement;
  p.agreed = agreed;
  if (agreed) p.proposing = false;
}

void SpanningTree::set_tc_flags(Port& p) {
  if (p.message.kind == BpduKind::topology_change) {
    p.received_tcn = true;
    return;
  }
  p.received_tc |= p.message.topology_change;
  p.received_tc_ack |= p.message.topology_change_ack;
}

// s17.21.23: three hellos may be lost, unless the message is too old already.
void SpanningTree::renew_information(Port& p) {
  const bool fresh = p.message_times.message_age + 1_s <= p.message_times.max_age;
  p.received_while = fresh ? now_ + p.message_times.hello_time * 3 : now_;
}

// --- who is what (s17.28) ------------------------------------------------------------------------

SpanningTree::Priority SpanningTree::designated_priority(const Port& p) const {
  return {root_priority_.root, root_priority_.root_cost, id(), p.id(), p.id()};
}

SpanningTree::Times SpanningTree::designated_times() const {
  Times times = root_times_;
  times.hello_time = config_.hello_time;
  return times;
}

// s17.21.25.
void SpanningTree::select_roles() {
  root_priority_ = {id(), 0, id(), 0, 0};
  root_times_ = {SimTime(), config_.max_age, config_.hello_time, config_.forward_delay};
  root_port_ = -1;
  for (const auto& p : ports_) {
    if (!p || p->info_is != Port::InfoIs::received) continue;
    if (p->priority.bridge.mac == config_.mac) continue;
    Priority path = p->priority;
    path.root_cost += p->config.path_cost;
    path.own_port = p->id();
    if (path >= root_priority_) continue;
    root_priority_ = path;
    root_times_ = p->times;
    root_times_.message_age += 1_s;
    root_port_ = p->index;
  }
  for (const auto& p : ports_) {
    if (!p) continue;
    p->reselect = false;
    select_role(*p);
    p->selected = true;
  }
}

void SpanningTree::select_role(Port& p) {
  const Priority designated = designated_priority(p);
  p.update_info = false;
  switch (p.info_is) {
    case Port::InfoIs::disabled:
      p.selected_role = StpRole::disabled;
      return;
    case Port::InfoIs::aged:
      p.selected_role = StpRole::designated;
      p.update_info = true;
      return;
    case Port::InfoIs::mine:
      p.selected_role = StpRole::designated;
      p.update_info = p.priority != designated || p.times != designated_times();
      return;
    case Port::InfoIs::received:
      break;
  }
  if (root_port_ == int64_t(p.index)) {
    p.selected_role = StpRole::root;
  } else if (designated < p.priority) {
    p.selected_role = StpRole::designated;
    p.update_info = true;
  } else {
    const bool own = p.priority.bridge.mac == config_.mac;
    p.selected_role = own ? StpRole::backup : StpRole::alternate;
  }
}

}  // namespace stackyard
