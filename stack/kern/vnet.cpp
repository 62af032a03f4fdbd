#include "stack/kern/vnet.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/kern/jail.h"
#include "stack/kern/machine.h"

namespace stackyard {

Vnet::Vnet(Machine& machine, const std::vector<const ModuleRecord*>& modules, Jail& jail)
    : machine_(machine),
      site_(machine.site()),
      jail_(jail),
      modules_(modules),
      serial_(machine.next_vnet_serial()),
      states_(std::make_unique<std::unique_ptr<ModuleState>[]>(modules.size())) {
  at(0);
  for (const auto& [name, value] : machine.tunables()) (void)set_sysctl(name, value);
}

Vnet::~Vnet() {
  dying_ = true;
  while (sockets_) sockets_->vnet_gone();
  // The slot stays findable for modules that say good-bye.
  for (size_t i = modules_.size(); i-- > 0;) states_[i].reset();
}

RandomStream Vnet::random(std::string_view purpose) const {
  if (serial_ == 0) return site_.random(purpose);
  return site_.random(text("{}/{}", serial_, purpose));
}

size_t Vnet::index_of(const ModuleRecord& record) const {
  for (size_t i = 0; i < modules_.size(); ++i)
    if (modules_[i] == &record) return i;
  check(false, "a module that is in the list");
  __builtin_unreachable();
}

ModuleState& Vnet::find(const ModuleRecord& record) const { return at(index_of(record)); }

ModuleState& Vnet::at(size_t module) const {
  if (states_[module]) return *states_[module];
  check(!dying_, "a dying vnet needs no new state");
  for (const char* need : modules_[module]->needs) {
    if (!need) break;
    size_t i = 0;
    while (i < module && std::string_view(modules_[i]->name) != need) ++i;
    check(i < module, "a module comes after those that it needs");
    at(i);
  }
  states_[module] = modules_[module]->create(const_cast<Vnet&>(*this));
  return *states_[module];
}

template <class Matches>
bool Vnet::need(Matches matches) {
  for (size_t i = 0; i < modules_.size(); ++i) {
    if (states_[i] || !matches(*modules_[i])) continue;
    at(i);
    return true;
  }
  return false;
}

bool Vnet::need_ether_type(uint16_t type) {
  return need([=](const ModuleRecord& r) {
    return std::find(r.ether_types.begin(), r.ether_types.end(), type) != r.ether_types.end();
  });
}

bool Vnet::need_ip_protocol(uint8_t protocol) {
  return need([=](const ModuleRecord& r) {
    return std::find(r.ip_protocols.begin(), r.ip_protocols.end(), protocol) !=
           r.ip_protocols.end();
  });
}

// --- settings, counters, tables ----------------------------------------------------------------

Vnet::FoundSysctl Vnet::find_sysctl(const std::string& name) const {
  for (size_t i = 0; i < modules_.size(); ++i)
    for (const SysctlRecord& record : modules_[i]->sysctls)
      if (name == record.name) return {&record, i};
  return {};
}

std::string Vnet::show(const FoundSysctl& found) const {
  const ModuleState* state = states_[found.module].get();
  if (!found.record->number) return found.record->show(state);
  return text("{}", found.record->number(state ? state->settings_data()
                                               : modules_[found.module]->settings));
}

Result<std::string> Vnet::sysctl(const std::string& name) const {
  const FoundSysctl found = find_sysctl(name);
  if (!found.record) return Errno::enoent;
  return show(found);
}

Result<> Vnet::set_sysctl(const std::string& name, const std::string& value) {
  const FoundSysctl found = find_sysctl(name);
  if (!found.record) return Errno::enoent;
  if (found.record->set_text) return found.record->set_text(at(found.module), value);
  if (!found.record->writable || !found.record->number) return Errno::eperm;
  const auto number = parse_int(value);
  if (!number || *number < found.record->least || *number > found.record->most)
    return Errno::einval;
  if (*number == *parse_int(show(found))) return {};
  ModuleState& state = at(found.module);
  const_cast<int64_t&>(found.record->number(state.own_settings())) = *number;
  if (found.record->changed) found.record->changed(state);
  return {};
}

std::vector<SysctlInfo> Vnet::sysctls(const std::string& prefix) const {
  std::vector<SysctlInfo> all;
  for (size_t i = 0; i < modules_.size(); ++i) {
    for (const SysctlRecord& record : modules_[i]->sysctls) {
      const std::string name = record.name;
      const bool below = prefix.empty() || name == prefix || name.starts_with(prefix + ".");
      if (below)
        all.push_back({name, record.summary, show({&record, i}),
                       record.writable && (record.number || record.set_text)});
    }
  }
  return all;
}

std::vector<CounterLine> Vnet::counters() const {
  std::vector<CounterLine> all;
  for (size_t i = 0; i < modules_.size(); ++i)
    for (const CounterRecord& record : modules_[i]->counters)
      all.push_back({record.group, record.name, record.text,
                     states_[i] ? record.value(*states_[i]) : 0,
                     states_[i] && record.second ? record.second(*states_[i]) : 0});
  return all;
}

std::vector<std::string> Vnet::table_names() const {
  std::vector<std::string> names{"counters", "sysctls"};
  for (const ModuleRecord* module : modules_)
    for (const TableRecord& record : module->tables)
      if (std::find(names.begin(), names.end(), record.name) == names.end())
        names.push_back(record.name);
  return names;
}

Table Vnet::table(std::string_view name) const {
  // Modules that show the same table each give rows of it (IPv4 and IPv6); columns are the first's,
  // and a row has as many cells as those.
  std::optional<Table> merged;
  for (size_t i = 0; i < modules_.size(); ++i)
    for (const TableRecord& record : modules_[i]->tables) {
      if (name != record.name) continue;
      Table rows = record.rows(states_[i].get());
      if (!merged) {
        merged = std::move(rows);
        continue;
      }
      for (auto& row : rows.rows) merged->rows.push_back(std::move(row));
    }
  if (merged) return std::move(*merged);
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
  for (size_t i = 0; i < modules_.size(); ++i) {
    for (const RequestRecord& record : modules_[i]->requests) {
      if (record.kind != request.kind) continue;
      if (request.kind->asks && !states_[i])
        return record.absent == Errno::ok ? Result<>() : record.absent;
      return record.handle(at(i), request);
    }
  }
  return Errno::eopnotsupp;
}

Result<std::unique_ptr<SocketOps>> Vnet::socket(Af family, SocketType type, int protocol) {
  bool family_known = false;
  for (size_t i = 0; i < modules_.size(); ++i) {
    for (const SocketRecord& record : modules_[i]->sockets) {
      if (record.family != family) continue;
      family_known = true;
      if (record.type == type && (record.protocol == protocol || record.protocol == -1 ||
                                  (protocol == 0 && type != SocketType::raw)))
        return record.create(at(i), protocol);
    }
  }
  return family_known ? Errno::eprotonosupport : Errno::eafnosupport;
}

Result<std::shared_ptr<OpenFile>> Vnet::open_device(const std::string& name, Pid opener) {
  const std::string stem = name.substr(0, name.find_last_not_of("0123456789") + 1);
  for (size_t i = 0; i < modules_.size(); ++i)
    for (const DeviceRecord& record : modules_[i]->devices)
      if (stem == record.name) return record.open(at(i), name, opener);
  return Errno::enoent;
}

std::vector<std::string> Vnet::devices() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < modules_.size(); ++i)
    for (const DeviceRecord& record : modules_[i]->devices)
      if (states_[i])
        for (std::string& name : record.list(*states_[i])) names.push_back(std::move(name));
  return names;
}

void Vnet::add_socket(SocketFile& file) {
  file.next_ = sockets_;
  file.previous_ = &sockets_;
  if (sockets_) sockets_->previous_ = &file.next_;
  sockets_ = &file;
}

void Vnet::remove_socket(SocketFile& file) {
  *file.previous_ = file.next_;
  if (file.next_) file.next_->previous_ = file.previous_;
  file.previous_ = nullptr;
}

}  // namespace stackyard
