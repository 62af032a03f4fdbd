// stack/ipfw/ipfw.h - the firewall of one vnet (ipfw(4), ipfw(8)). The front door: one record.
//
// Way of a packet: a hook of stack/net -> Ipfw::filter -> look_at (packet_view) -> run (check.cpp),
// which executes the rules' instructions until an action ends it. Read first: api/rule.h, then
// check.cpp. The firewall of a vnet comes into being with the first request that changes something.
// Deliberately missing: ALTQ, `mark` of FreeBSD 15.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stack/ip/ip_stack.h"
#include "stack/ipfw/api/ipfw_requests.h"
#include "stack/ipfw/detail/rule_set.h"
#include "stack/ipfw/detail/states.h"
#include "stack/ipfw/detail/table.h"
#include "stack/net/packet_hook.h"

namespace stackyard {

extern const ModuleRecord ipfw_module;

namespace ipfw {

struct IpfwSettings {
  int64_t enable = 1, enable6 = 1, enable_ether = 0, one_pass = 1, autoinc_step = 100;
  int64_t verbose = 0, verbose_limit = 0, debug = 0, default_to_accept = 0, tables_max = 128;
  int64_t tables_sets = 0, skipto_cache = 0;
  int64_t deny_unknown_extensions = 1, permit_lone_fragment = 1;
  StateSettings states;
};

struct RunState;  // of one packet (check.cpp)

class Ipfw final : public StateWithSettings<IpfwSettings>,
                   public KeepaliveSender,
                   public InterfaceListener {
 public:
  Ipfw(Vnet& vnet, const IpfwSettings& defaults);
  ~Ipfw() override;

  // --- what ipfw(8) asks (requests.cpp) ---
  Result<> add_rules(AddRules& wanted);
  Result<> delete_rules(DeleteRules& wanted);
  Result<> zero_rules(ZeroRules& wanted);
  Result<> move_rules(MoveRules& wanted);
  Result<> enable_sets(const EnableSets& wanted);
  Result<> get_rules(GetRules& into) const;
  Result<> create_table(CreateTable& wanted);
  Result<> destroy_table(const DestroyTable& wanted);
  Result<> flush_table(const FlushTable& wanted);
  Result<> modify_table(const ModifyTable& wanted);
  Result<> swap_tables(const SwapTables& wanted);
  Result<> change_table(ChangeTable& wanted);
  void list_tables(ListTables& into) const;
  Result<> get_table(GetTable& into) const;
  Result<> lookup_table(LookupTable& into) const;

  const RuleSet& rules() const { return rules_; }
  const States& states() const { return states_; }
  const Tables& tables() const { return tables_; }

  // With the first request that changes something, or net.inet.ip.fw.enable: until then no packet
  // is looked at.
  void activate();
  bool active() const { return active_; }
  void hooks_changed();  // of the sysctls that enable
  void states_changed() { states_.settings_changed(settings().states); }
  void default_changed();

  // The pseudo interface that shows logged packets (ifconfig ipfw0 create); null: there is none.
  void set_log_interface(IfRef interface) { log_interface_ = interface; }

  void send_keepalive(const State& state) override;
  void interface_arrived(Ifnet&) override { rules_.resolve_interfaces(net_); }
  void interface_departing(Ifnet& interface) override {
    rules_.resolve_interfaces(net_, &interface);
  }
  void interface_renamed(Ifnet&) override { rules_.resolve_interfaces(net_); }

 private:
  class Hook final : public PacketHook {
   public:
    Hook(Ipfw& owner, std::string name) : PacketHook(std::move(name)), owner_(owner) {}
    HookVerdict filter(Packet& packet, HookContext& at) override {
      return owner_.filter(packet, at);
    }

   private:
    Ipfw& owner_;
  };
  // How an action ends: with the packet, or with another rule.
  enum class Step : uint8_t { next_instruction, next_rule, jump, enter, end };

  HookVerdict filter(Packet& packet, HookContext& at);
  HookVerdict drop(Packet& packet, const DropReason& why, const StoredRule* rule);
  HookVerdict run(RunState& r);
  const Insn* start_of(uint64_t cookie) const;

  // --- matching (match.cpp) ---
  bool matches(RunState& r, const Insn& insn);
  bool matches_rare(RunState& r, const Insn& insn);
  bool matches_header(RunState& r, const Insn& insn);
  bool matches_table(RunState& r, const Insn& insn, const TableValue* found);
  bool matches_interface(RunState& r, const Insn& insn, const Ifnet* interface);
  bool matches_lookup(RunState& r, const Insn& insn);
  bool matches_socket(RunState& r, const Insn& insn);
  bool is_ours(const IpAddress& address) const;
  bool comes_right(const RunState& r, bool by_interface) const;
  const Pcb* socket_of(RunState& r);
  uint32_t jail_of(RunState& r);

  // --- actions (actions.cpp) ---
  Step act(RunState& r, const Insn& insn);
  Step act_on_rule(RunState& r, const Insn& insn);
  Step act_elsewhere(RunState& r, const Insn& insn);
  Step find_state(RunState& r, const Insn& insn);
  bool install_state(RunState& r, const Insn& insn);
  Step jump(RunState& r, uint32_t number, bool backwards);
  Step forward_to(RunState& r, const Insn& insn);
  Step shape(RunState& r, const Insn& insn);
  Step divert(RunState& r, const Insn& insn);
  Step to_netgraph(RunState& r, const Insn& insn);
  Step translate(RunState& r, const Insn& insn);
  Step reassemble(RunState& r);
  Step external(RunState& r, const Insn& insn);
  Step end(RunState& r, HookVerdict verdict);
  Step deny(RunState& r, const DropReason& why);
  void hit(RunState& r);
  uint32_t argument(const RunState& r, uint32_t arg, ValueKind kind) const;
  Resume resume_here(const RunState& r, uint64_t kind) const;
  void set_dscp(RunState& r, uint32_t code);
  void set_mss(RunState& r, uint32_t most);
  void look_again(RunState& r);

  // --- answers (answers.cpp) ---
  Step reject(RunState& r, const Insn& insn);
  void send_reset(const RunState& r);
  void send_abort(RunState& r);
  void send_tcp(const IpAddress& source, const IpAddress& dest, MutableBytes segment, uint16_t fib);
  void send(const IpAddress& source, const IpAddress& dest, uint8_t protocol, Bytes octets,
            uint16_t fib);

  // --- log (log.cpp) ---
  void log(RunState& r, const Insn& insn);
  void log_limits(const char* what, const RunState& r);
  void show_to_log_interface(const RunState& r);

  // Of a rule's names, by index, what they mean: a table is made if it is not there, and noted.
  Result<std::vector<uint32_t>> bind_names(const Rule& rule, std::vector<std::string>& new_tables);
  void release_tables(const StoredRule& stored);
  // Calls visit(name's index, type) for each table that a rule refers to.
  template <class Visit>
  static void for_each_table(const Rule& rule, Visit visit);
  bool in_range(const StoredRule& stored, const RuleRange& range) const;
  uint32_t state_name(const std::string& name);

  Vnet& vnet_;
  NetStack& net_;
  IpStack& ip_;
  RandomStream random_;
  Hook hook4_, hook6_, hook_ether_;
  RuleSet rules_;
  Tables tables_;
  States states_;
  std::vector<std::string> state_names_;  // by number - 1
  IfRef log_interface_;
  bool active_ = false;
  bool answering_ = false;  // what the firewall itself sends is not looked at
  int64_t warned_s_ = -1;   // of the log about full tables of states
  uint64_t refused_states_ = 0;
};

}  // namespace ipfw
}  // namespace stackyard
