// stack/ipfw/detail/table.h - lookup tables (ipfw(8), "LOOKUP TABLES"): addresses, interfaces,
// numbers, flows and link addresses, each with a value.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "stack/ipfw/api/ipfw_requests.h"
#include "stack/net/prefix_map.h"

namespace stackyard::ipfw {

// What a flow table compares; what it does not stays zero.
struct FlowKey {
  IpAddress source, dest;
  uint8_t protocol = 0;
  uint16_t source_port = 0, dest_port = 0;
  auto operator<=>(const FlowKey&) const = default;
};

class Table {
 public:
  explicit Table(const TableInfo& info) : info_(info) {}

  const TableInfo& info() const { return info_; }
  // With what is counted.
  TableInfo described() const;
  void set_limit(uint32_t limit) { info_.limit = limit; }
  void set_locked(bool locked) { info_.locked = locked; }
  uint32_t references = 0;  // by rules

  // Null: it is not in the table, or the table is of another type.
  const TableValue* find(const IpAddress& address) const;
  const TableValue* find_interface(const std::string& name) const;
  const TableValue* find_number(uint32_t number) const;
  const TableValue* find_flow(FlowKey key) const;
  const TableValue* find_mac(MacAddress mac) const;
  // By whatever its type is.
  const TableValue* find(const TableKey& key) const;

  EntryResult add(const TableKey& key, const TableValue& value, bool update);
  EntryResult remove(const TableKey& key, TableValue* was = nullptr);
  void flush();
  // Everything but names, numbers and references.
  void swap_contents(Table& other);
  size_t size() const { return values_.size() - free_.size(); }

  // By key.
  template <class Visit>
  void for_each(Visit visit) const;

 private:
  using Key6 = unsigned __int128;
  static Key6 key_of(const Ipv6Address& a) { return Key6(a.high()) << 64 | a.low(); }
  static uint64_t key_of(MacAddress mac) { return mac.number() << 16; }
  uint32_t exact(const TableKey& key) const;
  FlowKey flow_key(const TableKey& key) const;
  void insert(const TableKey& key, uint32_t value);
  void erase(const TableKey& key);

  static constexpr uint32_t none = UINT32_MAX;
  TableInfo info_;
  PrefixMap<uint32_t> by_v4_;
  PrefixMap<Key6> by_v6_;
  PrefixMap<uint64_t> by_mac_;
  std::map<std::string, uint32_t> by_interface_;
  std::unordered_map<uint32_t, uint32_t> by_number_;  // looked up only
  std::map<FlowKey, uint32_t> by_flow_;
  std::vector<TableValue> values_;
  std::vector<uint32_t> free_;
};

template <class Visit>
void Table::for_each(Visit visit) const {
  TableEntry entry;
  const auto show = [&](uint32_t value) {
    entry.value = values_[value];
    visit(entry);
  };
  by_v4_.for_each([&](uint32_t key, unsigned length, uint32_t value) {
    entry.key.prefix = Ipv4Prefix{{key}, uint8_t(length)};
    show(value);
  });
  by_v6_.for_each([&](Key6 key, unsigned length, uint32_t value) {
    Ipv6Address address;
    for (size_t i = 0; i < 16; ++i) address.octets[i] = uint8_t(key >> (120 - 8 * i));
    entry.key.prefix = Ipv6Prefix{address, uint8_t(length)};
    show(value);
  });
  by_mac_.for_each([&](uint64_t key, unsigned length, uint32_t value) {
    const uint64_t mask = length == 0 ? 0 : ~uint64_t(0) << (64 - length);
    for (size_t i = 0; i < 6; ++i) {
      entry.key.mac.octets[i] = uint8_t(key >> (56 - 8 * i));
      entry.key.mac_mask.octets[i] = uint8_t(mask >> (56 - 8 * i));
    }
    show(value);
  });
  for (const auto& [name, value] : by_interface_) {
    entry.key.iface = name;
    show(value);
  }
  std::map<uint32_t, uint32_t> numbers(by_number_.begin(), by_number_.end());
  for (const auto& [number, value] : numbers) {
    entry.key.number = number;
    show(value);
  }
  for (const auto& [flow, value] : by_flow_) {
    entry.key.source = flow.source;
    entry.key.dest = flow.dest;
    entry.key.protocol = flow.protocol;
    entry.key.source_port = flow.source_port;
    entry.key.dest_port = flow.dest_port;
    show(value);
  }
}

// All tables of a firewall. An index stays a table's for as long as it lives.
class Tables {
 public:
  Table* at(uint32_t index) const {
    return index < tables_.size() ? tables_[index].get() : nullptr;
  }
  Table* find(const std::string& name) const;
  size_t count() const;
  // EEXIST, EINVAL.
  Result<Table*> create(TableInfo info);
  // ESRCH, EBUSY.
  Result<> destroy(const std::string& name);
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& table : tables_)
      if (table) visit(*table);
  }

 private:
  std::vector<std::unique_ptr<Table>> tables_;  // by index; null: free
};

}  // namespace stackyard::ipfw
