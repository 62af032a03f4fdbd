// core/l2/spanning_tree.h - Rapid Spanning Tree (IEEE 802.1D-2004 clause 17), which also speaks the
// older STP: to a neighbour that does, or always. The switch and bridge(4) share it. Sans-I/O: it
// is given BPDUs, ports' states and time, and tells its owner what to send, block and forget.
//
// Names of variables and machines are the standard's. Differences: a timer is the instant at which
// it ends, so that nothing ticks; and a change of topology flushes at once, where the older STP
// ages faster for a while (s17.19.1).
#pragma once

#include <memory>
#include <vector>

#include "core/wire/link/bpdu.h"

namespace stackyard {

enum class StpRole : uint8_t { disabled, root, designated, alternate, backup };
enum class StpState : uint8_t { discarding, learning, forwarding };
enum class StpVersion : uint8_t { stp = 0, rstp = 2 };
const char* name_of(StpRole role);
const char* name_of(StpState state);
const char* name_of(StpVersion version);

// 802.1D table 17-3: 20,000,000,000 by the rate in kbit/s. Of an unlimited rate (0): the least.
uint32_t stp_path_cost(uint64_t bits_per_second);

// 802.1D table 17-1, 17-2.
struct StpBridgeConfig {
  uint16_t priority = 32768;
  MacAddress mac;
  SimTime max_age = 20_s, hello_time = 2_s, forward_delay = 15_s;
  unsigned hold_count = 6;
  StpVersion version = StpVersion::rstp;
  bool operator==(const StpBridgeConfig&) const = default;
};
struct StpPortConfig {
  uint8_t priority = 128;
  uint16_t number = 1;  // the lower 12 bits of its identifier
  uint32_t path_cost = 20'000;
  bool edge = false;           // no bridge is behind it
  bool auto_edge = true;       // ... until one is heard
  bool point_to_point = true;  // one neighbour at most, so it may be asked for its agreement
  bool operator==(const StpPortConfig&) const = default;
};

class SpanningTree {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void send_bpdu(uint32_t port, const Bpdu& bpdu) = 0;
    virtual void forget_addresses(uint32_t port) = 0;
    virtual void port_changed(uint32_t port) = 0;  // its role or state
  };
  struct PortInfo {
    StpRole role;
    StpState state;
    StpVersion version;  // that it sends
    bool edge, point_to_point;
    uint32_t path_cost;
    uint8_t priority;
    bool operator==(const PortInfo&) const = default;
  };

  SpanningTree(Owner& owner, const StpBridgeConfig& config);
  ~SpanningTree();
  SpanningTree(const SpanningTree&) = delete;

  // Ports are named by small numbers, which their owner chooses. Adding one that is there: no more
  // than a new configuration.
  void set_port(uint32_t port, const StpPortConfig& config, SimTime now);
  void remove_port(uint32_t port, SimTime now);
  void set_up(uint32_t port, bool up, SimTime now);
  void configure(const StpBridgeConfig& config, SimTime now);
  void receive(uint32_t port, const Bpdu& bpdu, SimTime now);
  // What is due; nothing is before `next_due`.
  void pass(SimTime now);
  SimTime next_due() const;

  const StpBridgeConfig& config() const { return config_; }
  bool speaks(uint32_t port) const { return find(port) != nullptr; }
  // Both are true of a port that takes no part.
  bool learns(uint32_t port) const;
  bool forwards(uint32_t port) const;
  PortInfo info(uint32_t port) const;  // of one that speaks
  BridgeId id() const { return {config_.priority, config_.mac}; }
  BridgeId root() const { return root_priority_.root; }
  uint32_t root_cost() const { return root_priority_.root_cost; }
  int64_t root_port() const { return root_port_; }  // -1: it is the root
  SimTime topology_changed() const { return topology_changed_; }
  uint64_t topology_changes() const { return topology_changes_; }

 private:
  // s17.5: the smaller, the better. `own_port`, of the receiver, decides last.
  struct Priority {
    BridgeId root;
    uint32_t root_cost = 0;
    BridgeId bridge;
    uint16_t port = 0;
    uint16_t own_port = 0;
    auto operator<=>(const Priority&) const = default;
  };
  struct Times {
    SimTime message_age, max_age, hello_time, forward_delay;
    bool operator==(const Times&) const = default;
  };
  struct Port;

  Port* find(uint32_t port) const;
  void start(Port& p);
  void run();
  void reselect_all();
  Priority designated_priority(const Port& p) const;
  Times designated_times() const;
  bool rapid() const { return config_.version == StpVersion::rstp; }
  bool over(SimTime timer) const { return timer <= now_; }

  // --- what is heard, and who is what (spanning_tree.cpp) ---
  bool port_information(Port& p);
  void hear(Port& p);
  void take_superior(Port& p);
  void take_repeated(Port& p);
  void record_agreement(Port& p);
  void set_tc_flags(Port& p);
  void renew_information(Port& p);
  void select_roles();
  void select_role(Port& p);

  // --- the other machines (spanning_tree_ports.cpp). True: something changed ---
  bool migrate(Port& p);
  bool detect_bridge(Port& p);
  bool transit(Port& p);
  void enter_role(Port& p);
  bool transit_root(Port& p);
  bool transit_designated(Port& p);
  bool transit_blocked(Port& p);
  bool agree_to_proposal(Port& p);
  bool move_state(Port& p);
  bool change_topology(Port& p);
  void tell_others(Port& p);
  void start_tc(Port& p);
  bool all_synced() const;
  bool re_rooted(const Port& but) const;
  SimTime forward_delay(const Port& p) const;
  void transmit(Port& p);
  void send(Port& p);

  Owner& owner_;
  StpBridgeConfig config_;
  SimTime now_;
  std::vector<std::unique_ptr<Port>> ports_;  // by number; null: none
  Priority root_priority_;
  Times root_times_;
  int64_t root_port_ = -1;
  bool running_ = false;
  SimTime topology_changed_;
  uint64_t topology_changes_ = 0;
};

}  // namespace stackyard
