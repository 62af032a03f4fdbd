#include "stack/ipfw/detail/table.h"

#include "stack/ipfw/api/names.h"

namespace stackyard::ipfw {

TableValue TableValue::legacy(uint32_t number) {
  TableValue value;
  value.numbers.fill(number);
  value.numbers[size_t(ValueKind::dscp)] = number & 0xff;
  return value;
}

TableInfo Table::described() const {
  TableInfo info = info_;
  info.references = references;
  info.items = size();
  info.octets = sizeof *this + by_v4_.octets() + by_v6_.octets() + by_mac_.octets() +
                values_.capacity() * sizeof(TableValue);
  return info;
}

// --- lookup --------------------------------------------------------------------------------------

const TableValue* Table::find(const IpAddress& address) const {
  const uint32_t found =
      address.is_v4() ? by_v4_.longest(address.v4().value) : by_v6_.longest(key_of(address.v6()));
  return found == none ? nullptr : &values_[found];
}

const TableValue* Table::find_interface(const std::string& name) const {
  const auto found = by_interface_.find(name);
  return found == by_interface_.end() ? nullptr : &values_[found->second];
}

const TableValue* Table::find_number(uint32_t number) const {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : &values_[found->second];
}

const TableValue* Table::find_mac(MacAddress mac) const {
  const uint32_t found = by_mac_.longest(key_of(mac));
  return found == none ? nullptr : &values_[found];
}

const TableValue* Table::find_flow(FlowKey key) const {
  const IpAddress any = IpAddress::any(key.source.family());
  if (!(info_.flow & flow_bit::src_ip)) key.source = any;
  if (!(info_.flow & flow_bit::dst_ip)) key.dest = any;
  if (!(info_.flow & flow_bit::proto)) key.protocol = 0;
  if (!(info_.flow & flow_bit::src_port)) key.source_port = 0;
  if (!(info_.flow & flow_bit::dst_port)) key.dest_port = 0;
  const auto found = by_flow_.find(key);
  return found == by_flow_.end() ? nullptr : &values_[found->second];
}

FlowKey Table::flow_key(const TableKey& key) const {
  return {key.source, key.dest, key.protocol, key.source_port, key.dest_port};
}

const TableValue* Table::find(const TableKey& key) const {
  switch (info_.type) {
    case TableType::addr:
      return find(key.prefix.address);
    case TableType::iface:
      return find_interface(key.iface);
    case TableType::number:
      return find_number(key.number);
    case TableType::flow:
      return find_flow(flow_key(key));
    case TableType::mac:
      return find_mac(key.mac);
  }
  return nullptr;
}

uint32_t Table::exact(const TableKey& key) const {
  const auto at = [](const auto& map, const auto& k) {
    const auto found = map.find(k);
    return found == map.end() ? none : found->second;
  };
  switch (info_.type) {
    case TableType::addr: {
      const IpPrefix p = key.prefix.canonical();
      return p.address.is_v4() ? by_v4_.exact(p.address.v4().value, p.length)
                               : by_v6_.exact(key_of(p.address.v6()), p.length);
    }
    case TableType::iface:
      return at(by_interface_, key.iface);
    case TableType::number:
      return at(by_number_, key.number);
    case TableType::flow:
      return at(by_flow_, flow_key(key));
    case TableType::mac:
      return by_mac_.exact(key_of(key.mac), unsigned(prefix_length(key.mac_mask.octets)));
  }
  return none;
}

// --- changes -------------------------------------------------------------------------------------

void Table::insert(const TableKey& key, uint32_t value) {
  switch (info_.type) {
    case TableType::addr: {
      const IpPrefix p = key.prefix.canonical();
      if (p.address.is_v4()) return by_v4_.insert(p.address.v4().value, p.length, value);
      return by_v6_.insert(key_of(p.address.v6()), p.length, value);
    }
    case TableType::iface:
      by_interface_[key.iface] = value;
      return;
    case TableType::number:
      by_number_[key.number] = value;
      return;
    case TableType::flow:
      by_flow_[flow_key(key)] = value;
      return;
    case TableType::mac:
      return by_mac_.insert(key_of(key.mac), unsigned(prefix_length(key.mac_mask.octets)), value);
  }
}

void Table::erase(const TableKey& key) {
  switch (info_.type) {
    case TableType::addr: {
      const IpPrefix p = key.prefix.canonical();
      if (p.address.is_v4()) return by_v4_.erase(p.address.v4().value, p.length);
      return by_v6_.erase(key_of(p.address.v6()), p.length);
    }
    case TableType::iface:
      by_interface_.erase(key.iface);
      return;
    case TableType::number:
      by_number_.erase(key.number);
      return;
    case TableType::flow:
      by_flow_.erase(flow_key(key));
      return;
    case TableType::mac:
      return by_mac_.erase(key_of(key.mac), unsigned(prefix_length(key.mac_mask.octets)));
  }
}

EntryResult Table::add(const TableKey& key, const TableValue& value, bool update) {
  if (info_.type == TableType::mac && prefix_length(key.mac_mask.octets) < 0)
    return EntryResult::error;
  const uint32_t there = exact(key);
  if (there != none) {
    if (!update) return EntryResult::exists;
    values_[there] = value;
    return EntryResult::updated;
  }
  if (info_.limit != 0 && size() >= info_.limit) return EntryResult::limit;
  uint32_t at = uint32_t(values_.size());
  if (free_.empty()) {
    values_.push_back(value);
  } else {
    at = free_.back();
    free_.pop_back();
    values_[at] = value;
  }
  insert(key, at);
  return EntryResult::added;
}

EntryResult Table::remove(const TableKey& key, TableValue* was) {
  if (info_.type == TableType::mac && prefix_length(key.mac_mask.octets) < 0)
    return EntryResult::error;
  const uint32_t there = exact(key);
  if (there == none) return EntryResult::not_found;
  if (was) *was = values_[there];
  erase(key);
  free_.push_back(there);
  return EntryResult::deleted;
}

void Table::flush() {
  Table empty(info_);
  swap_contents(empty);
}

void Table::swap_contents(Table& other) {
  std::swap(by_v4_, other.by_v4_);
  std::swap(by_v6_, other.by_v6_);
  std::swap(by_mac_, other.by_mac_);
  std::swap(by_interface_, other.by_interface_);
  std::swap(by_number_, other.by_number_);
  std::swap(by_flow_, other.by_flow_);
  std::swap(values_, other.values_);
  std::swap(free_, other.free_);
}

// --- all tables ----------------------------------------------------------------------------------

Table* Tables::find(const std::string& name) const {
  for (const auto& table : tables_)
    if (table && table->info().name == name) return table.get();
  return nullptr;
}

size_t Tables::count() const {
  size_t count = 0;
  for_each([&](const Table&) { ++count; });
  return count;
}

Result<Table*> Tables::create(TableInfo info) {
  static constexpr std::string_view algorithms[] = {"addr:radix", "iface:array", "number:array",
                                                    "flow:hash", "mac:radix"};
  if (!is_table_name(info.name)) return Errno::einval;
  if (find(info.name)) return Errno::eexist;
  const std::string_view usual = algorithms[size_t(info.type) - 1];
  if (info.algorithm.empty()) info.algorithm = usual;
  const bool hashed = info.type == TableType::addr && info.algorithm.starts_with("addr:hash");
  if (info.algorithm != usual && !hashed) return Errno::einval;
  if (info.type == TableType::flow && info.flow == 0) info.flow = 31;
  size_t at = 0;
  while (at < tables_.size() && tables_[at]) ++at;
  if (at == tables_.size()) tables_.emplace_back();
  info.index = uint32_t(at + 1);
  tables_[at] = std::make_unique<Table>(info);
  return tables_[at].get();
}

Result<> Tables::destroy(const std::string& name) {
  for (auto& table : tables_) {
    if (!table || table->info().name != name) continue;
    if (table->references != 0) return Errno::ebusy;
    table.reset();
    return {};
  }
  return Errno::esrch;
}

}  // namespace stackyard::ipfw
