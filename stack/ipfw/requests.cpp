// stack/ipfw/requests.cpp - what ipfw(8) asks for.
#include <algorithm>

#include "stack/ipfw/api/names.h"
#include "stack/ipfw/api/rule_text.h"
#include "stack/ipfw/ipfw.h"
#include "stack/kern/machine.h"

namespace stackyard::ipfw {

// --- names ---------------------------------------------------------------------------------------

template <class Visit>
void Ipfw::for_each_table(const Rule& rule, Visit visit) {
  for_each_insn(rule.match, [&](const Insn& insn) {
    switch (insn.op) {
      case Op::src_table:
      case Op::dst_table:
        return visit(insn.arg, TableType::addr);
      case Op::flow_table:
        return visit(insn.arg, TableType::flow);
      case Op::via:
      case Op::recv:
      case Op::xmit:
        if (InterfaceKind(insn.sub) == InterfaceKind::table) visit(insn.arg, TableType::iface);
        return;
      case Op::lookup: {
        const auto key = LookupKey(insn.sub);
        const bool address = key == LookupKey::dst_ip || key == LookupKey::src_ip;
        const bool mac = key == LookupKey::dst_mac || key == LookupKey::src_mac;
        return visit(insn.arg, address ? TableType::addr
                               : mac   ? TableType::mac
                                       : TableType::number);
      }
      default:
        return;
    }
  });
}

uint32_t Ipfw::state_name(const std::string& name) {
  const auto found = std::find(state_names_.begin(), state_names_.end(), name);
  if (found != state_names_.end()) return uint32_t(found - state_names_.begin() + 1);
  state_names_.push_back(name);
  return uint32_t(state_names_.size());
}

Result<std::vector<uint32_t>> Ipfw::bind_names(const Rule& rule,
                                               std::vector<std::string>& new_tables) {
  std::vector<uint32_t> bound(rule.names.size());
  Errno error = Errno::ok;
  for_each_table(rule, [&](uint32_t index, TableType type) {
    Table* table = tables_.find(rule.names[index]);
    if (!table && error == Errno::ok) {
      TableInfo info;
      info.name = rule.names[index];
      info.type = type;
      const bool room = int64_t(tables_.count()) < settings().tables_max;
      Result<Table*> made = room ? tables_.create(info) : Errno::enospc;
      if (made) {
        table = *made;
        new_tables.push_back(info.name);
      } else {
        error = made.error();
      }
    }
    if (table && table->info().type != type) error = Errno::einval;
    if (table) bound[index] = table->info().index;
  });
  if (error != Errno::ok) return error;
  const auto state = [&](const Insn& insn) {
    const bool named = insn.op == Op::probe_state || insn.op == Op::keep_state ||
                       insn.op == Op::limit ||
                       (insn.op == Op::check_state && insn.arg != any_state);
    if (!named) return;
    if (!is_state_name(rule.names[insn.arg])) error = Errno::einval;
    bound[insn.arg] = state_name(rule.names[insn.arg]);
  };
  for_each_insn(rule.match, state);
  for_each_insn(rule.actions, [&](const Insn& insn) {
    state(insn);
    if (insn.op != Op::external || rule.names[insn.arg] == "tcp-setmss") return;
    const ExternalAction* action = ip_.services.action(rule.names[insn.arg]);
    const bool there =
        action && (insn.sub != 1 || action->has_instance(rule.names[size_t(insn.data)]));
    if (!there) error = Errno::esrch;
  });
  if (error != Errno::ok) return error;
  return bound;
}

void Ipfw::release_tables(const StoredRule& stored) {
  for_each_table(stored.rule, [&](uint32_t index, TableType) {
    if (Table* table = tables_.at(stored.bound[index] - 1)) --table->references;
  });
}

// --- rules ---------------------------------------------------------------------------------------

Result<> Ipfw::add_rules(AddRules& wanted) {
  std::vector<std::unique_ptr<StoredRule>> made;
  std::vector<std::string> new_tables;
  const auto look_at_all = [&]() -> Result<> {
    for (const Rule& rule : wanted.rules) {
      TRY(check_instructions(rule));
      if (rule.number == default_rule) return Errno::einval;
      auto stored = std::make_unique<StoredRule>();
      stored->bound = TRY(bind_names(rule, new_tables));
      made.push_back(std::move(stored));
    }
    return {};
  };
  // One that is refused leaves nothing of the others.
  if (const Result<> fine = look_at_all(); !fine) {
    for (const std::string& table : new_tables) (void)tables_.destroy(table);
    return fine;
  }
  DeleteRules everything;
  if (wanted.replace) TRY(delete_rules(everything));
  for (size_t i = 0; i < made.size(); ++i) {
    Rule& rule = wanted.rules[i];
    if (rule.number == 0) {
      rule.number = rules_.next_number(settings().autoinc_step);
      if (rule.number == 0) rule.number = uint32_t(settings().autoinc_step);
    }
    StoredRule& stored = *made[i];
    stored.rule = rule;
    stored.id = rules_.next_id();
    stored.text = numbered_text(rule);
    for_each_table(rule, [&](uint32_t index, TableType) {
      ++tables_.at(stored.bound[index] - 1)->references;
    });
    rules_.add(std::move(made[i]));
  }
  rules_.compile(net_);
  return {};
}

// The last one, and what is in its set, stay unless they are named.
bool Ipfw::in_range(const StoredRule& stored, const RuleRange& range) const {
  const Rule& rule = stored.rule;
  if (&stored == &rules_.last()) return false;
  const bool all = range.first == 0 && range.last == default_rule;
  if (!range.set && all && rule.set == default_set) return false;
  return rule.number >= range.first && rule.number <= range.last &&
         (!range.set || rule.set == *range.set);
}

Result<> Ipfw::delete_rules(DeleteRules& wanted) {
  if (wanted.states_only) {
    for (const auto& rule : rules_.all())
      if (in_range(*rule, wanted.range)) wanted.found += states_.remove_of(*rule);
    return {};
  }
  const auto taken =
      rules_.take([&](const StoredRule& rule) { return in_range(rule, wanted.range); });
  StoredRule* const instead = settings().states.keep_states ? &rules_.last() : nullptr;
  for (const auto& rule : taken) {
    if (!states_.empty()) states_.forget(*rule, instead);
    release_tables(*rule);
  }
  wanted.found = taken.size();
  rules_.compile(net_);
  return {};
}

Result<> Ipfw::zero_rules(ZeroRules& wanted) {
  for (const auto& rule : rules_.all()) {
    const bool last = rule.get() == &rules_.last();
    const bool all = wanted.range.first == 0 && wanted.range.last == default_rule;
    const bool by_number = rule->rule.number >= wanted.range.first &&
                           rule->rule.number <= wanted.range.last &&
                           (!wanted.range.set || rule->rule.set == *wanted.range.set);
    if (last ? !(all || by_number) : !by_number) continue;
    ++wanted.found;
    rule->logged = 0;
    if (wanted.log_only) continue;
    rule->packets = rule->octets = 0;
    rule->matched = false;
  }
  return {};
}

Result<> Ipfw::move_rules(MoveRules& wanted) {
  if (wanted.to >= sets) return Errno::einval;
  if (wanted.swap &&
      (!wanted.range.set || *wanted.range.set >= default_set || wanted.to >= default_set))
    return Errno::einval;
  for (const auto& stored : rules_.all()) {
    if (stored.get() == &rules_.last()) continue;
    Rule& rule = stored->rule;
    if (wanted.swap && rule.set == wanted.to) {
      rule.set = *wanted.range.set;
      ++wanted.found;
    } else if (in_range(*stored, wanted.range)) {
      rule.set = wanted.to;
      ++wanted.found;
    }
  }
  rules_.compile(net_);
  return {};
}

// Set 31 is always on.
Result<> Ipfw::enable_sets(const EnableSets& wanted) {
  rules_.set_enabled(((rules_.enabled_sets() | wanted.enable) & ~wanted.disable) |
                     1u << default_set);
  return {};
}

Result<> Ipfw::get_rules(GetRules& into) const {
  if (!active_) return Errno::enoprotoopt;
  into.enabled_sets = rules_.enabled_sets();
  for (const auto& stored : rules_.all())
    into.rules.push_back(
        {stored->rule, stored->packets, stored->octets, stored->last, stored->matched});
  if (!into.states) return {};
  const int64_t now = states_.seconds();
  for (const State* state : states_.sorted()) {
    const bool parent = state->kind == StateInfo::Kind::parent;
    if (!parent && state->expires_s <= now) continue;
    const auto narrow = [&](const Ipv6Address& a) {
      return state->version == 6 ? IpAddress(a) : IpAddress(a.embedded_v4());
    };
    into.dynamic.push_back({.rule = state->rule->rule.number,
                            .set = state->rule->rule.set,
                            .kind = state->kind,
                            .protocol = state->protocol,
                            .source = narrow(state->source),
                            .dest = narrow(state->dest),
                            .source_port = state->source_port,
                            .dest_port = state->dest_port,
                            .name = state->name ? state_names_[state->name - 1] : "",
                            .packets = state->packets,
                            .octets = state->octets,
                            .expires_s = parent ? 0 : state->expires_s - now,
                            .count = state->count,
                            .state = state->flags,
                            .ack_forward = state->ack_forward,
                            .ack_reverse = state->ack_reverse});
  }
  return {};
}

// --- tables --------------------------------------------------------------------------------------

Result<> Ipfw::create_table(CreateTable& wanted) {
  if (int64_t(tables_.count()) >= settings().tables_max) return Errno::enospc;
  wanted.info = TRY(tables_.create(wanted.info))->info();
  return {};
}

Result<> Ipfw::destroy_table(const DestroyTable& wanted) { return tables_.destroy(wanted.name); }

Result<> Ipfw::flush_table(const FlushTable& wanted) {
  Table* table = tables_.find(wanted.name);
  if (!table) return Errno::esrch;
  if (table->info().locked) return Errno::eacces;
  table->flush();
  return {};
}

Result<> Ipfw::modify_table(const ModifyTable& wanted) {
  Table* table = tables_.find(wanted.name);
  if (!table) return Errno::esrch;
  if (wanted.limit) table->set_limit(*wanted.limit);
  if (wanted.locked) table->set_locked(*wanted.locked);
  return {};
}

Result<> Ipfw::swap_tables(const SwapTables& wanted) {
  Table* one = tables_.find(wanted.name);
  Table* other = tables_.find(wanted.other);
  if (!one || !other) return Errno::esrch;
  const TableInfo &a = one->info(), &b = other->info();
  if (a.locked || b.locked) return Errno::eacces;
  if (a.type != b.type || a.flow != b.flow || a.values != b.values) return Errno::einval;
  if ((a.limit && other->size() > a.limit) || (b.limit && one->size() > b.limit))
    return Errno::efbig;
  one->swap_contents(*other);
  return {};
}

Result<> Ipfw::change_table(ChangeTable& wanted) {
  Table* table = tables_.find(wanted.name);
  if (!table) return Errno::esrch;
  if (table->info().locked) return Errno::eacces;
  wanted.results.assign(wanted.entries.size(), EntryResult::ignored);
  std::vector<TableValue> before(wanted.entries.size());
  Errno error = Errno::ok;
  size_t done = 0;
  for (; done < wanted.entries.size(); ++done) {
    const TableEntry& entry = wanted.entries[done];
    if (const TableValue* there = table->find(entry.key)) before[done] = *there;
    EntryResult& result = wanted.results[done];
    result = wanted.add ? table->add(entry.key, entry.value, wanted.update)
                        : table->remove(entry.key, &before[done]);
    const Errno own = result == EntryResult::exists      ? Errno::eexist
                      : result == EntryResult::not_found ? Errno::enoent
                      : result == EntryResult::limit     ? Errno::efbig
                      : result == EntryResult::error     ? Errno::einval
                                                         : Errno::ok;
    if (own != Errno::ok && error == Errno::ok) error = own;
    if (own != Errno::ok && wanted.atomic) break;
  }
  if (error != Errno::ok && wanted.atomic) {
    while (done-- > 0) {
      const TableKey& key = wanted.entries[done].key;
      if (wanted.results[done] == EntryResult::added) (void)table->remove(key);
      if (wanted.results[done] == EntryResult::deleted) (void)table->add(key, before[done], false);
      if (wanted.results[done] == EntryResult::updated) (void)table->add(key, before[done], true);
    }
  }
  return error == Errno::ok ? Result<>() : error;
}

void Ipfw::list_tables(ListTables& into) const {
  tables_.for_each([&](const Table& table) { into.tables.push_back(table.described()); });
}

Result<> Ipfw::get_table(GetTable& into) const {
  const Table* table = tables_.find(into.name);
  if (!table) return Errno::esrch;
  into.info = table->described();
  if (into.entries_wanted)
    table->for_each([&](const TableEntry& entry) { into.entries.push_back(entry); });
  return {};
}

Result<> Ipfw::lookup_table(LookupTable& into) const {
  const Table* table = tables_.find(into.name);
  if (!table) return Errno::esrch;
  into.info = table->described();
  const TableValue* found = table->find(into.entry.key);
  if (!found) return Errno::enoent;
  into.entry.value = *found;
  return {};
}

}  // namespace stackyard::ipfw
