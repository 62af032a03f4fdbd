#include "stack/kern/vnet.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/kern/machine.h"

namespace stackyard {

Vnet::Vnet(Machine& machine, const std::vector<const ModuleRecord*>& modules)
    : machine_(machine), site_(machine.site()) {
  slots_.reserve(modules.size());
  for (const ModuleRecord* record : modules) {
    for (const char* need : record->needs) {
      if (!need) break;
      const bool there = std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
        return std::string_view(slot.record->name) == need;
      });
      check(there, "a module comes after those that it needs");
    }
    slots_.push_back({record, nullptr});
    slots_.back().state = record->create(*this);
  }
}

Vnet::~Vnet() {
  while (!slots_.empty()) {
    slots_.back().state.reset();  // the slot stays findable for modules that say good-bye
    slots_.pop_back();
  }
}

ModuleState& Vnet::find(const ModuleRecord& record) const {
  for (const Slot& slot : slots_)
    if (slot.record == &record) return *slot.state;
  check(false, "a module that is in the list");
  __builtin_unreachable();
}

Vnet::FoundSysctl Vnet::find_sysctl(const std::string& name) const {
  for (const Slot& slot : slots_)
    for (const SysctlRecord& record : slot.record->sysctls)
      if (name == record.name) return {&record, slot.state.get()};
  return {nullptr, nullptr};
}

namespace {
std::string show(const SysctlRecord& record, ModuleState& state) {
  return record.number ? text("{}", record.number(state)) : record.show(state);
}
}  // namespace

Result<std::string> Vnet::sysctl(const std::string& name) const {
  const FoundSysctl found = find_sysctl(name);
  if (!found.record) return Errno::enoent;
  return show(*found.record, *found.state);
}

Result<> Vnet::set_sysctl(const std::string& name, const std::string& value) {
  const FoundSysctl found = find_sysctl(name);
  if (!found.record) return Errno::enoent;
  if (!found.record->writable || !found.record->number) return Errno::eperm;
  const auto number = parse_int(value);
  if (!number || *number < found.record->least || *number > found.record->most)
    return Errno::einval;
  found.record->number(*found.state) = *number;
  if (found.record->changed) found.record->changed(*found.state);
  return {};
}

std::vector<SysctlInfo> Vnet::sysctls(const std::string& prefix) const {
  std::vector<SysctlInfo> all;
  for (const Slot& slot : slots_) {
    for (const SysctlRecord& record : slot.record->sysctls) {
      const std::string name = record.name;
      const bool below = prefix.empty() || name == prefix || name.starts_with(prefix + ".");
      if (below) all.push_back({name, record.summary, show(record, *slot.state), record.writable});
    }
  }
  return all;
}

std::vector<CounterLine> Vnet::counters() const {
  std::vector<CounterLine> all;
  for (const Slot& slot : slots_)
    for (const CounterRecord& record : slot.record->counters)
      all.push_back({record.group, record.name, record.text, record.value(*slot.state)});
  return all;
}

std::vector<std::string> Vnet::table_names() const {
  std::vector<std::string> names{"counters", "sysctls"};
  for (const Slot& slot : slots_)
    for (const TableRecord& record : slot.record->tables) names.push_back(record.name);
  return names;
}

Table Vnet::table(std::string_view name) const {
  for (const Slot& slot : slots_)
    for (const TableRecord& record : slot.record->tables)
      if (name == record.name) return record.rows(*slot.state);
  if (name == "counters") {
    Table table{{{"group", "Group"}, {"name", "Name"}, {"value", "Value", ColumnType::number}}, {}};
    for (const CounterLine& line : counters())
      table.rows.push_back({std::string(line.group), std::string(line.name), int64_t(line.value)});
    return table;
  }
  if (name == "sysctls") {
    Table table{{{"name", "Name"}, {"value", "Value"}}, {}};
    for (const SysctlInfo& info : sysctls("")) table.rows.push_back({info.name, info.value});
    return table;
  }
  return {};
}

Result<> Vnet::request(Request& request) {
  for (const Slot& slot : slots_)
    for (const RequestRecord& record : slot.record->requests)
      if (record.kind == request.kind) return record.handle(*slot.state, request);
  return Errno::eopnotsupp;
}

Result<std::unique_ptr<SocketOps>> Vnet::socket(Af family, SocketType type, int protocol) {
  bool family_known = false;
  for (const Slot& slot : slots_) {
    for (const SocketRecord& record : slot.record->sockets) {
      if (record.family != family) continue;
      family_known = true;
      if (record.type == type && (record.protocol == protocol || record.protocol == -1 ||
                                  (protocol == 0 && type != SocketType::raw)))
        return record.create(*slot.state, protocol);
    }
  }
  return family_known ? Errno::eprotonosupport : Errno::eafnosupport;
}

}  // namespace stackyard
