// core/l2/detail/spanning_port.h - a port's variables (802.1D-2004 s17.19), in the standard's
// words.
#pragma once

#include "core/l2/spanning_tree.h"

namespace stackyard {

struct SpanningTree::Port {
  // The timer's value does not pass, as in a role where the standard sets it again and again.
  static constexpr SimTime held = SimTime::max();
  static constexpr SimTime migrate_time = 3_s;  // table 17-1

  Port(uint32_t i, const StpPortConfig& c) : index(i), config(c) {}
  uint16_t id() const { return uint16_t((config.priority & 0xf0) << 8 | (config.number & 0xfff)); }

  uint32_t index;
  StpPortConfig config;
  bool enabled = false;

  enum class InfoIs : uint8_t { disabled, aged, mine, received } info_is = InfoIs::disabled;
  Priority priority, message_priority;
  Times times, message_times;
  Bpdu message;
  bool received = false;  // rcvdMsg
  bool received_rstp = false, received_stp = false;
  bool received_tc = false, received_tcn = false, received_tc_ack = false;

  StpRole role = StpRole::disabled, selected_role = StpRole::disabled;
  bool selected = false, reselect = true, update_info = false;
  bool agree = false, agreed = false, proposed = false, proposing = false, disputed = false;
  bool sync = false, synced = false, re_root = false;
  bool learn = false, forward = false;
  StpState state = StpState::discarding;
  bool edge = false;  // operEdge
  bool send_rstp = true, new_info = false;

  enum class Topology : uint8_t { inactive, learning, active } topology = Topology::inactive;
  bool tc_ack = false, tc_propagate = false;
  bool sensing = false;  // of the migration machine: its delay is over
  unsigned tx_count = 0;

  // When they end.
  SimTime edge_delay, fd_while, hello_when, migrate_delay, rb_while, received_while, rr_while;
  SimTime tc_while, tx_tick;
  static constexpr SimTime Port::*timers[] = {
      &Port::edge_delay, &Port::fd_while, &Port::hello_when, &Port::migrate_delay, &Port::rb_while,
      &Port::rr_while,   &Port::tc_while, &Port::tx_tick,    &Port::received_while};
};

}  // namespace stackyard
