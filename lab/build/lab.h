// lab/build/lab.h - a lab that is built: nodes, NICs and links in one simulation.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "hw/attach/door.h"
#include "hw/link/link.h"
#include "hw/nic/ether_nic.h"
#include "hw/switch/hub.h"
#include "hw/switch/switch.h"
#include "lab/spec/lab_spec.h"
#include "stack/kern/machine.h"

namespace stackyard {

class NetStack;
class Problems;

struct LabOptions {
  unsigned partitions = 1;  // more: the shuffled executor
  uint64_t shuffle_seed = 1;
  std::optional<uint64_t> seed;  // instead of the file's
  Pid first_pid = 100;           // of every machine's processes
};

// What only a build can tell: sysctl names and values, filters. Called before anything runs.
void check_against_build(const LabSpec& spec, Problems& problems);

class Lab {
 public:
  Lab(LabSpec spec, LabOptions options = {});
  ~Lab();
  Lab(const Lab&) = delete;

  const LabSpec& spec() const { return spec_; }
  Simulation& simulation() { return simulation_; }
  // The machine that a node or jail is; null for a switch, hub or door.
  Machine* machine(size_t node) { return nodes_[spec_.nodes[node].machine].machine.get(); }
  Machine& machine(const std::string& name) { return *machine(spec_.node_index.at(name)); }
  // What a node's programs run in: a machine's base system, or the jail; null while there is none.
  Jail* jail(size_t node);
  // Of a jail: what it sees itself.
  const TableSource* tables(size_t node) const;
  // What the lab calls a jail that is there now, whoever has made it: "srv/web/inner".
  std::string name_of(const Jail& jail) const;
  // Where the interface of a link's end is now, which may have moved: "srv/web:em0".
  std::string place_of(const LinkEndSpec& end) const;
  // Null for what is no door.
  Door* door(size_t node) { return nodes_[node].door.get(); }
  Link& link(size_t index) { return *links_[index]; }
  Link& link(const std::string& name) { return *links_[spec_.link_index.at(name)]; }

  // Observers must outlive the run; they hear in the total order.
  void add_observer(Observer* observer) { observers_.push_back(observer); }
  void want_decisions(bool wanted);
  // ... and how connections stand (Observer::connection).
  void want_connections(bool wanted);
  // The tap number of a place; from now on frames that pass there are noted with it.
  uint32_t tap_link(size_t link);
  // The same for who looks only at times: what passes is noted while the link is watched.
  uint32_t tap_link_at_times(size_t link) { return link_tap(link).number; }
  void watch_link(size_t link, bool watched);
  // Frames that have passed a link so far, whoever has looked.
  uint64_t frames_passed(size_t link) const;
  uint32_t tap_port(size_t node, const std::string& port);
  std::vector<uint32_t> taps(const Tap& where);  // of a node: of all its interfaces

  // Power: off loses processes and state, on runs Start again (without `exec` when it is false).
  void power_off(size_t node);
  void power_on(size_t node);
  // Where output of a node's own commands (`exec`) goes; null: nowhere.
  std::function<void(size_t node, std::string_view output)> exec_output;
  // --- edits while it runs, at a barrier (edit.cpp) ---
  // Goes on as `next`: this lab with nodes and links behind its own, and interfaces for those. What
  // is wrong, or empty.
  std::string grow(LabSpec next);
  // A node without its cables, switched off for good; a link without its ends. Their numbers and
  // names stay taken.
  void remove_node(size_t node);
  void remove_link(size_t link);
  bool has_node(size_t node) const { return !nodes_[spec_.nodes[node].machine].removed; }
  bool has_link(size_t link) const { return !removed_links_.contains(link); }

  // One shell with these lines; `on_exit` may be null.
  Process& run_shell(size_t node, const std::string& script, SinkFile::Sink output,
                     std::function<void(int)> on_exit = nullptr);

  // All drops so far, by reason: for tests and reports.
  void drain();

 private:
  struct Nic {
    std::string name;
    std::unique_ptr<EtherNic> nic;
  };
  struct LinkTap {
    uint32_t number;
    bool always;  // for somebody who looks all the time
  };
  struct PortTap {
    std::string port;
    uint32_t number;
  };
  struct BuiltNode {
    std::unique_ptr<Site> site;
    std::vector<Nic> nics;  // before the machine: drivers detach from them
    std::unique_ptr<Machine> machine;
    std::unique_ptr<Switch> bridge;
    std::unique_ptr<Hub> hub;
    std::unique_ptr<Door> door;
    std::vector<PortTap> taps;
    int jail = 0;                         // the last known id of a jail
    std::unique_ptr<TableSource> tables;  // of a jail
    bool removed = false;
  };
  static constexpr uint32_t tap_snaplen = 262144;  // whole frames: observers cut what they keep
  using Step = void (Lab::*)(size_t node);

  void build_node(size_t index);
  void build_machine(size_t index);
  void build_link(const LinkSpec& spec);
  Jack& jack_for(const LinkSpec& link, size_t index);
  LinkTap& link_tap(size_t link);
  void build_nics(size_t index);
  Site& site_of(size_t node) { return *nodes_[spec_.nodes[node].machine].site; }

  // start.cpp
  void start_nodes(size_t first);
  std::string root_of(size_t index) const;
  void put_files(size_t index);
  void create_jail(size_t index);
  void set_tunables(size_t index);
  void set_sysctls(size_t index);
  void attach_interfaces(size_t index);
  void create_epairs(size_t index);
  void create_clones(size_t index);
  void configure(size_t index);
  std::vector<const InterfaceSpec*> from_below(const NodeSpec& node) const;
  void prepare_interface(size_t index, Vnet& vnet, const InterfaceSpec& interface);
  void configure_interface(size_t index, Vnet& vnet, const InterfaceSpec& interface);
  static void add_address(Vnet& vnet, const std::string& interface, Ipv4Prefix address);
  void add_address6(Vnet& vnet, const std::string& interface, const AddressItem& item);
  void configure_routes(size_t index);
  void start_services(size_t index);
  void start_exec(size_t index);
  void run_own(size_t index, const std::string& script);
  void apply_taps(size_t node);
  static NetStack& stack_of(Jail& jail);
  void add_interfaces(size_t index, size_t known);
  std::string hosts_file() const;
  std::shared_ptr<const BaseFiles> base_files() const;

  MacAddress mac_for(const NodeSpec& node, const InterfaceSpec& interface);

  LabSpec spec_;
  std::vector<const ModuleRecord*> modules_;
  std::vector<const Command*> commands_;
  Simulation simulation_;
  std::vector<std::unique_ptr<Locale>> locales_;
  std::vector<BuiltNode> nodes_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Observer*> observers_;
  std::vector<Tracer*> tracers_;
  uint32_t world_notes_ = 0;
  std::unordered_set<uint64_t> macs_;            // never walked
  std::shared_ptr<const BaseFiles> base_files_;  // of every machine
  std::map<size_t, LinkTap> link_taps_;
  std::set<size_t> removed_links_;
  uint32_t next_tap_ = 1;
  Pid first_pid_;
};

Impairments impairments_of(const ImpairSpec& spec);

}  // namespace stackyard
