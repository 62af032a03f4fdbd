// stack/ipfw/check.cpp - how a packet goes through the rules.
#include "stack/ipfw/detail/run_state.h"

namespace stackyard::ipfw {

// What was shaped goes on behind its rule, or passes (one_pass); what was diverted goes on.
const Insn* Ipfw::start_of(uint64_t cookie) const {
  const uint32_t number = uint32_t(cookie >> 32) & 0x0fffffff;
  const uint32_t id = uint32_t(cookie);
  // A number alone, as a program gave it: behind all rules of that number.
  return id == 0 ? rules_.from_number(number + 1) : rules_.behind(number, id);
}

HookVerdict Ipfw::drop(Packet& packet, const DropReason& why, const StoredRule* rule) {
  net_.site().note_drop(packet.id(), why, "ipfw", rule ? std::string_view(rule->text) : "");
  return HookVerdict::took(Errno::eacces);
}

HookVerdict Ipfw::filter(Packet& packet, HookContext& at) {
  if (answering_) return HookVerdict::pass();
  RunState r(packet, at);
  r.cookie = at.cookie;
  if ((at.cookie & cookie_kinds) == cookie_shaped && settings().one_pass)
    return HookVerdict::pass();
  const ViewOptions options{settings().deny_unknown_extensions != 0,
                            settings().permit_lone_fragment != 0};
  switch (look_at(packet, at.ethernet(), options, r.view)) {
    case ViewProblem::none:
      break;
    case ViewProblem::truncated:
      return drop(packet, drops::truncated, nullptr);
    case ViewProblem::unknown_extension:
      return drop(packet, drops::unknown_extension, nullptr);
    case ViewProblem::lone_fragment:
      return drop(packet, drops::lone_fragment, nullptr);
  }
  return run(r);
}

// An instruction that fails ends its rule, unless an alternative follows; one that succeeds skips
// its alternatives. The last rule always matches, and ends it.
HookVerdict Ipfw::run(RunState& r) {
  const uint32_t enabled = rules_.enabled_sets();
  const Insn* header = r.cookie ? start_of(r.cookie) : rules_.begin();
  for (;;) {
    if (!(enabled >> header->sub & 1)) [[unlikely]] {
      header += header->arg;
      continue;
    }
    const Insn* insn = header + 1;
    bool skip = false;  // the rest of a block of alternatives
    for (;;) {
      if (skip) {
        skip = insn->alternative();
        insn += insn->words;
        continue;
      }
      if (insn->op >= Op::probe_state) [[unlikely]] {
        r.rule = RuleSet::rule_of(*header);
        const Step step = act(r, *insn);
        if (step == Step::end) return r.verdict;
        if (step == Step::next_instruction) {
          insn += insn->words;
          continue;
        }
        if (step == Step::enter) {  // what the state's rule does
          header = rules_.at(r.state.state->rule->begins);
          insn = rules_.at(r.state.state->rule->acts);
          continue;
        }
        header = step == Step::jump ? r.next : header + header->arg;
        break;
      }
      if (matches(r, *insn) != insn->negated()) {
        skip = insn->alternative();
      } else if (!insn->alternative()) {
        header += header->arg;
        break;
      }
      insn += insn->words;
    }
  }
}

}  // namespace stackyard::ipfw
