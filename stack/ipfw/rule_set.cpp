#include "stack/ipfw/detail/rule_set.h"

#include <algorithm>

#include "stack/ipfw/api/names.h"
#include "stack/ipfw/api/rule_text.h"

namespace stackyard::ipfw {

// --- checks --------------------------------------------------------------------------------------

namespace {

bool refers_to_name(Op op) {
  switch (op) {
    case Op::src_table:
    case Op::dst_table:
    case Op::lookup:
    case Op::flow_table:
    case Op::probe_state:
    case Op::keep_state:
    case Op::limit:
    case Op::external:
      return true;
    default:
      return false;
  }
}

// The words that an instruction with these operands has; 0: there is no such instruction.
size_t words_of(const Insn& insn) {
  switch (insn.op) {
    case Op::src4:
    case Op::dst4:
      return insn.sub ? words_for_list<Pair4>(insn.sub) : 0;
    case Op::src4_set:
    case Op::dst4_set:
      return insn.sub >= 1 && insn.sub <= 8 ? 3 : 0;
    case Op::src6:
    case Op::dst6:
      return insn.sub ? 1 + 2 * insn.sub : 0;
    case Op::src_port:
    case Op::dst_port:
    case Op::mac_type:
    case Op::tcp_win:
    case Op::tcp_mss:
    case Op::tcp_data_len:
    case Op::ip_len:
    case Op::ip_id:
    case Op::ip_ttl:
    case Op::tagged:
      return insn.sub ? words_for_list<Range16>(insn.sub) : 0;
    case Op::flow6_id:
      return insn.sub ? words_for_list<uint32_t>(insn.sub) : 0;
    case Op::via:
    case Op::recv:
    case Op::xmit:
      if (insn.sub > uint8_t(InterfaceKind::table)) return 0;
      return insn.sub <= uint8_t(InterfaceKind::pattern) ? 2 : 1;
    case Op::mac:
      return 3;
    case Op::icmp6_types:
      return 3;
    case Op::forward6:
      return 2;
    case Op::nothing:
      return 0;
    default:
      return insn.op <= Op::external ? 1 : 0;
  }
}

bool sound(const Insn& insn, const Rule& rule) {
  const auto named = [&](uint64_t index) { return index < rule.names.size(); };
  if (insn.sub > list_max || (insn.flags & ~3)) return false;
  if (refers_to_name(insn.op) && !named(insn.arg)) return false;
  switch (insn.op) {
    case Op::via:
    case Op::recv:
    case Op::xmit:
      if (InterfaceKind(insn.sub) == InterfaceKind::table) return named(insn.arg);
      if (insn.sub <= uint8_t(InterfaceKind::pattern)) return insn.behind()[15] == 0;
      return true;
    case Op::check_state:
      return insn.arg == any_state || named(insn.arg);
    case Op::external:
      return insn.sub <= 2 && (insn.sub != 1 || named(insn.data));
    case Op::forward6:
      return !insn.sub || named(insn.data >> 32);
    case Op::lookup:
      return insn.sub <= uint8_t(LookupKey::src_mac);
    case Op::limit:
      return insn.sub != 0 && insn.sub < 16 && insn.data != 0;
    case Op::skipto:
    case Op::call:
      return insn.arg != 0 && (insn.arg <= default_rule || insn.arg == tablearg);
    case Op::pipe:
    case Op::queue:
    case Op::divert:
    case Op::tee:
    case Op::netgraph:
    case Op::ngtee:
    case Op::tag:
      return insn.arg != 0 && (insn.arg <= 65535 || insn.arg == tablearg);
    case Op::nat:
      return insn.arg != 0 && (insn.arg <= 65535 || insn.arg == tablearg || insn.arg == nat_global);
    case Op::setdscp:
      return insn.arg < 64 || insn.arg == tablearg;
    case Op::reject:
    case Op::unreach6:
      return insn.arg <= reject_abort;
    default:
      return true;
  }
}

bool is_modifier(Op op) { return op == Op::log || op == Op::tag; }

}  // namespace

Result<> check_instructions(const Rule& rule) {
  if (rule.set >= sets || rule.number > default_rule || rule.actions.empty()) return Errno::einval;
  if (rule.match.size() + rule.actions.size() > 250) return Errno::einval;
  size_t actions = 0, states = 0;
  for (const auto* words : {&rule.match, &rule.actions}) {
    const bool acting = words == &rule.actions;
    for (size_t at = 0; at < words->size();) {
      const Insn& insn = (*words)[at];
      const size_t size = words_of(insn);
      if (size == 0 || insn.words != size || at + size > words->size()) return Errno::einval;
      if (is_action(insn.op) != acting || !sound(insn, rule)) return Errno::einval;
      if (acting && !is_modifier(insn.op)) ++actions;
      if (insn.op == Op::keep_state || insn.op == Op::limit || insn.op == Op::check_state) ++states;
      at += size;
    }
    // "or" needs something to follow it.
    const Insn* last = nullptr;
    for_each_insn(*words, [&](const Insn& insn) { last = &insn; });
    if (last && last->alternative()) return Errno::einval;
  }
  return actions == 1 && states <= 1 ? Result<>() : Errno::einval;
}

// --- the list ------------------------------------------------------------------------------------

StoredRule& RuleSet::add(std::unique_ptr<StoredRule> rule) {
  const auto at = std::upper_bound(rules_.begin(), rules_.end(), rule,
                                   [](const auto& a, const auto& b) { return before(*a, *b); });
  return **rules_.insert(at, std::move(rule));
}

uint32_t RuleSet::next_number(int64_t step) const {
  uint32_t highest = 0;
  for (const auto& rule : rules_)
    if (rule->rule.number < default_rule) highest = std::max(highest, rule->rule.number);
  const uint32_t next = highest + uint32_t(step);
  return next < default_rule ? next : highest ? highest : 0;
}

const Insn* RuleSet::from_number(uint32_t number) const {
  const auto found =
      std::lower_bound(rules_.begin(), rules_.end(), number,
                       [](const auto& rule, uint32_t n) { return rule->rule.number < n; });
  return at((found == rules_.end() ? rules_.back() : *found)->begins);
}

const Insn* RuleSet::behind(uint32_t number, uint32_t id) const {
  const auto found = std::upper_bound(rules_.begin(), rules_.end(), std::pair{number, id},
                                      [](const auto& place, const auto& rule) {
                                        return place < std::pair{rule->rule.number, rule->id};
                                      });
  return at((found == rules_.end() ? rules_.back() : *found)->begins);
}

// --- compilation ---------------------------------------------------------------------------------

void RuleSet::compile(StoredRule& stored) {
  const Rule& rule = stored.rule;
  stored.begins = program_.size();
  Insn header;
  header.sub = rule.set;
  header.arg = uint32_t(1 + rule.match.size() + rule.actions.size());
  header.data = uint64_t(reinterpret_cast<uintptr_t>(&stored));
  program_.push_back(header);
  program_.insert(program_.end(), rule.match.begin(), rule.match.end());
  stored.acts = program_.size();
  program_.insert(program_.end(), rule.actions.begin(), rule.actions.end());
  // Names become the firewall's numbers.
  for (size_t at = stored.begins + 1; at < program_.size(); at += program_[at].words) {
    Insn& insn = program_[at];
    const bool table = (insn.op == Op::via || insn.op == Op::recv || insn.op == Op::xmit) &&
                       InterfaceKind(insn.sub) == InterfaceKind::table;
    const bool state = insn.op == Op::check_state && insn.arg != any_state;
    if ((refers_to_name(insn.op) && insn.op != Op::external) || table || state)
      insn.arg = stored.bound[insn.arg];
    else if (insn.op == Op::check_state)
      insn.arg = 0;
  }
}

void RuleSet::compile(NetStack& net) {
  program_.clear();
  for (const auto& rule : rules_) compile(*rule);
  resolve_interfaces(net);
}

// An interface is found by its index, as long as it exists.
void RuleSet::resolve_interfaces(const NetStack& net, const Ifnet* without) {
  for (size_t at = 0; at < program_.size(); at += program_[at].words) {
    Insn& insn = program_[at];
    const bool named = (insn.op == Op::via || insn.op == Op::recv || insn.op == Op::xmit) &&
                       InterfaceKind(insn.sub) == InterfaceKind::name;
    if (!named) continue;
    const Ifnet* found = net.find(reinterpret_cast<const char*>(insn.behind()));
    insn.arg = found && found != without ? found->index() : 0;
  }
}

}  // namespace stackyard::ipfw
