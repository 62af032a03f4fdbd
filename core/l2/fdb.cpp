#include "core/l2/fdb.h"

#include <algorithm>

namespace stackyard {

template <class Doomed>
size_t Fdb::drop_if(Doomed doomed) {
  return std::erase_if(table_, [&](const auto& entry) {
    if (!doomed(entry.first, entry.second)) return false;
    --counts_[entry.second.port];
    return true;
  });
}

// An entry's port: a new entry has none yet.
void Fdb::place(Seen& seen, uint32_t port) {
  if (seen.port < counts_.size()) --counts_[seen.port];
  if (port >= counts_.size()) counts_.resize(port + 1);
  ++counts_[port];
  seen.port = port;
}

Fdb::Learnt Fdb::learn(MacAddress address, uint16_t vlan, uint32_t port, SimTime now,
                       FdbKind kind) {
  if (address.is_group()) return {false, -1};
  const auto found = table_.find(key(address, vlan));
  if (found == table_.end()) return {set(address, vlan, port, now, kind), -1};
  Seen& seen = found->second;
  if (seen.kind != FdbKind::dynamic) return {true, -1};
  Learnt learnt{true, -1};
  const bool fresh = aged(seen, now);
  if (seen.port != port || fresh) {
    if (!fresh) learnt.moved_from = seen.port;
    place(seen, port);
    seen.kind = kind;
  }
  seen.seen = now;
  return learnt;
}

bool Fdb::set(MacAddress address, uint16_t vlan, uint32_t port, SimTime now, FdbKind kind) {
  auto found = table_.find(key(address, vlan));
  if (found == table_.end()) {
    if (!make_room(now)) return false;
    found = table_.emplace(key(address, vlan), Seen{UINT32_MAX, kind, now}).first;
  }
  place(found->second, port);
  found->second.kind = kind;
  found->second.seen = now;
  return true;
}

int64_t Fdb::find(MacAddress address, uint16_t vlan, SimTime now) const {
  const auto found = table_.find(key(address, vlan));
  if (found == table_.end() || aged(found->second, now)) return -1;
  return found->second.port;
}

bool Fdb::forget(MacAddress address) {
  return drop_if([&](uint64_t key, const Seen&) {
           return (key & 0xffff'ffff'ffff) == address.number();
         }) > 0;
}

void Fdb::forget_port(uint32_t port, bool only_dynamic) {
  drop_if([=](uint64_t, const Seen& seen) {
    return seen.port == port && (!only_dynamic || seen.kind == FdbKind::dynamic);
  });
}

void Fdb::forget_dynamic() {
  drop_if([](uint64_t, const Seen& seen) { return seen.kind == FdbKind::dynamic; });
}

void Fdb::clear() {
  table_.clear();
  counts_.clear();
}

void Fdb::sweep(SimTime now) {
  if (swept_ >= SimTime() && now - swept_ < 1_s) return;
  swept_ = now;
  drop_if([&](uint64_t, const Seen& seen) { return aged(seen, now); });
}

void Fdb::set_ageing(SimTime ageing, SimTime now) {
  swept_ = SimTime(-1);
  sweep(now);
  ageing_ = ageing;
}

size_t Fdb::count(uint32_t port, SimTime now) {
  sweep(now);
  return port < counts_.size() ? counts_[port] : 0;
}

bool Fdb::make_room(SimTime now) {
  if (table_.size() < entries_max_) return true;
  sweep(now);
  if (table_.size() < entries_max_) return true;
  ++refused_;
  return false;
}

void Fdb::set_entries_max(size_t most, SimTime now) {
  entries_max_ = most;
  const std::vector<FdbEntry> all = entries(now);
  const auto goes = [&](uint64_t k, const Seen& seen) {
    if (aged(seen, now)) return true;
    for (size_t i = most; i < all.size(); ++i)
      if (key(all[i].address, all[i].vlan) == k) return true;
    return false;
  };
  if (all.size() > most) drop_if(goes);
}

std::vector<FdbEntry> Fdb::entries(SimTime now) const {
  std::vector<FdbEntry> all;
  for (const auto& [key, seen] : table_) {
    if (aged(seen, now)) continue;
    FdbEntry entry{.address = {},
                   .vlan = uint16_t(key >> 48),
                   .port = seen.port,
                   .seen = seen.seen,
                   .kind = seen.kind};
    for (size_t i = 0; i < 6; ++i) entry.address.octets[i] = uint8_t(key >> (40 - 8 * i));
    all.push_back(entry);
  }
  std::sort(all.begin(), all.end(), [](const FdbEntry& a, const FdbEntry& b) {
    return a.vlan != b.vlan ? a.vlan < b.vlan : a.address < b.address;
  });
  return all;
}

}  // namespace stackyard
