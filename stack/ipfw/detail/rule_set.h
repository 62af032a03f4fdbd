// stack/ipfw/detail/rule_set.h - the rules of a firewall, and the program that they are compiled
// to: one array of words, in which a packet goes from rule to rule.
#pragma once

#include <memory>
#include <vector>

#include "core/base/result.h"
#include "stack/ipfw/api/ipfw_requests.h"
#include "stack/net/net_stack.h"

namespace stackyard::ipfw {

// Names in its instructions are numbers of the firewall's own: of tables, and of states' names.
struct StoredRule {
  Rule rule;    // as it was given
  uint32_t id;  // in the order in which they came
  uint64_t packets = 0, octets = 0;
  SimTime last;
  bool matched = false;
  uint32_t logged = 0;
  size_t begins = 0, acts = 0;  // in the program: its header, its first action
  std::string text;             // "100 deny ip from any to any"
  // Of its names, by index: the table or the state that is meant; 0: neither.
  std::vector<uint32_t> bound;
};

class RuleSet {
 public:
  // In a header word: arg is the distance to the next header, sub the set, data the rule.
  static StoredRule* rule_of(const Insn& header) {
    return reinterpret_cast<StoredRule*>(uintptr_t(header.data));
  }
  const Insn* begin() const { return program_.data(); }
  const Insn* at(size_t word) const { return program_.data() + word; }
  // The header of the first rule with a number from this one on. There is always the last.
  const Insn* from_number(uint32_t number) const;
  // Of the first behind that rule, whether it is still there or not.
  const Insn* behind(uint32_t number, uint32_t id) const;

  const std::vector<std::unique_ptr<StoredRule>>& all() const { return rules_; }
  StoredRule& last() const { return *rules_.back(); }
  uint32_t enabled_sets() const { return enabled_; }
  void set_enabled(uint32_t enabled) { enabled_ = enabled; }
  uint32_t next_id() { return ++ids_; }

  // Behind those of the same number. Compiled when `compile` is called.
  StoredRule& add(std::unique_ptr<StoredRule> rule);
  template <class Wanted>
  std::vector<std::unique_ptr<StoredRule>> take(Wanted wanted);
  void compile(NetStack& net);
  void resolve_interfaces(const NetStack& net, const Ifnet* without = nullptr);
  // Numbers to be given to rules without one; 0: none is left.
  uint32_t next_number(int64_t step) const;

 private:
  void compile(StoredRule& stored);
  static bool before(const StoredRule& a, const StoredRule& b) {
    return a.rule.number != b.rule.number ? a.rule.number < b.rule.number : a.id < b.id;
  }

  std::vector<std::unique_ptr<StoredRule>> rules_;  // by number, then id; the last denies or allows
  std::vector<Insn> program_;
  uint32_t enabled_ = UINT32_MAX;
  uint32_t ids_ = 0;
};

template <class Wanted>
std::vector<std::unique_ptr<StoredRule>> RuleSet::take(Wanted wanted) {
  std::vector<std::unique_ptr<StoredRule>> taken, kept;
  for (auto& rule : rules_) (wanted(*rule) ? taken : kept).push_back(std::move(rule));
  rules_ = std::move(kept);
  return taken;
}

// Whether a rule's instructions are whole, and of kinds and sizes that can be executed; every name
// is there. EINVAL otherwise.
Result<> check_instructions(const Rule& rule);

}  // namespace stackyard::ipfw
