#include "core/l2/fdb.h"

#include <algorithm>

namespace stackyard {

void Fdb::learn(MacAddress address, uint16_t vlan, uint32_t port, SimTime now) {
  if (address.is_group()) return;
  const auto found = table_.find(key(address, vlan));
  if (found != table_.end()) {
    found->second = {port, now};
    return;
  }
  if (table_.size() >= entries_max) expire(now);
  if (table_.size() >= entries_max) {
    ++refused_;
    return;
  }
  table_.emplace(key(address, vlan), Seen{port, now});
}

int64_t Fdb::find(MacAddress address, uint16_t vlan, SimTime now) const {
  const auto found = table_.find(key(address, vlan));
  if (found == table_.end() || now - found->second.seen >= ageing_) return -1;
  return found->second.port;
}

void Fdb::forget_port(uint32_t port) {
  std::erase_if(table_, [port](const auto& entry) { return entry.second.port == port; });
}

void Fdb::expire(SimTime now) {
  std::erase_if(table_, [&](const auto& entry) { return now - entry.second.seen >= ageing_; });
}

std::vector<FdbEntry> Fdb::entries(SimTime now) const {
  std::vector<FdbEntry> all;
  for (const auto& [key, seen] : table_) {
    if (now - seen.seen >= ageing_) continue;
    FdbEntry entry{
        .address = {}, .vlan = uint16_t(key >> 48), .port = seen.port, .seen = seen.seen};
    for (size_t i = 0; i < 6; ++i) entry.address.octets[i] = uint8_t(key >> (40 - 8 * i));
    all.push_back(entry);
  }
  std::sort(all.begin(), all.end(), [](const FdbEntry& a, const FdbEntry& b) {
    return a.vlan != b.vlan ? a.vlan < b.vlan : a.address < b.address;
  });
  return all;
}

}  // namespace stackyard
