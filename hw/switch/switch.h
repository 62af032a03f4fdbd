// hw/switch/switch.h - a learning bridge with VLANs (IEEE 802.1Q).
//
// Missing on purpose until its issue: LACP.
#pragma once

#include <bitset>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/event/timer.h"
#include "core/jack/jack.h"
#include "core/l2/fdb.h"
#include "core/l2/snooper.h"
#include "core/l2/spanning_tree_table.h"
#include "core/l2/spanning_tree_timer.h"
#include "core/table/table.h"

namespace stackyard {

// How a port takes part in VLANs. An access port: one VLAN, untagged. A trunk: `tagged`, and
// perhaps one untagged (native) VLAN.
struct SwitchPortConfig {
  using Vlans = std::bitset<4096>;
  std::unique_ptr<const Vlans> tagged;  // null: none
  std::optional<uint16_t> untagged = 1;
  StpPortConfig stp;  // but for its number
};

// Whether frames for groups go to those only who want them, and whether the switch asks who does.
enum class Snooping : uint8_t { off, on, querier };

struct SwitchCounters {
  uint64_t forwarded = 0, flooded = 0, filtered = 0, bad = 0, not_in_vlan = 0;
};

class Switch : public TableSource {
 public:
  Switch(Site& site, SimTime ageing, Snooping snooping = Snooping::off);
  Switch(const Switch&) = delete;

  Site& site() const { return site_; }
  Jack& add_port(std::string name, SwitchPortConfig config = {});
  // One tree for all VLANs. Without it a loop of switches is a storm, as it is with real ones.
  void start_spanning_tree(StpBridgeConfig config);
  // Notes every frame that enters or leaves the port.
  void set_tap(const std::string& port, uint32_t tap, uint32_t snaplen);
  const SwitchCounters& counters() const { return counters_; }
  const Fdb& fdb() const { return fdb_; }
  const Snooper* snooper() const { return snooper_.get(); }  // null: it does not snoop

  std::vector<std::string> table_names() const override {
    return {"fdb", "interfaces", "groups", "stp"};
  }
  Table table(std::string_view name) const override;

 private:
  struct Port final : Jack {
    Port(Switch& owner, uint32_t i, std::string n, SwitchPortConfig c)
        : parent(owner), index(i), name(std::move(n)), config(std::move(c)) {}
    void receive(Packet frame) override { parent.receive(*this, std::move(frame)); }
    void carrier_changed(bool up) override {
      if (!up) parent.forget_port(index);
      if (parent.tree_) parent.tree_->refresh_timer.arm_soft(SimTime());
    }
    Switch& parent;
    uint32_t index;
    std::string name;
    SwitchPortConfig config;
    uint64_t frames_in = 0, frames_out = 0;
    uint32_t tap = 0, tap_snaplen = 0;
  };

  struct Tree final : SpanningTree::Owner {
    Tree(Switch& owner, const StpBridgeConfig& config);
    void refresh();
    void send_bpdu(uint32_t port, const Bpdu& bpdu) override;
    void forget_addresses(uint32_t port) override;
    void port_changed(uint32_t) override {}  // who wants to know reads the table
    Switch& parent;
    SpanningTree tree;
    SpanningTreeTimer timer;
    Timer refresh_timer;
  };

  void receive(Port& from, Packet frame);
  void hear_bpdu(Port& from, Packet frame);
  bool forwards(const Port& port) const { return !tree_ || tree_->tree.forwards(port.index); }
  // Learns, and forwards; drops what the spanning tree does not let in.
  void bridge(Port& from, MacAddress source, MacAddress dest, uint16_t vlan, Packet frame);
  bool member(const Port& port, uint16_t vlan) const {
    return port.config.untagged == vlan || (port.config.tagged && (*port.config.tagged)[vlan]);
  }
  void send(Port& to, uint16_t vlan, Packet frame);
  void send_untagged(Port& to, Packet frame);
  void forget_port(uint32_t index);
  void flood(const Port* from, uint16_t vlan, const Packet& frame);
  // What the snooping querier does when it is time.
  void ask();
  void send_query(uint16_t vlan, const IpAddress& group, const std::vector<IpAddress>& sources);
  std::vector<uint16_t> vlans() const;
  MacAddress mac() const;
  Table groups_table() const;
  Table tree_table() const;

  Site& site_;
  Fdb fdb_;
  SwitchCounters counters_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::unique_ptr<Snooper> snooper_;  // null: groups are flooded
  std::unique_ptr<Tree> tree_;        // null: every port forwards
  SimTime general_at_;                // when the querier asks for all groups next
  unsigned startup_left_ = 2;
  Timer asking_;
};

}  // namespace stackyard
