#include "stack/net/route_table.h"

#include <algorithm>

#include "core/base/random.h"

namespace stackyard {

std::string route_flag_letters(uint32_t flags) {
  struct Letter {
    uint32_t flag;
    char letter;
  };
  constexpr Letter letters[] = {
      {route_flag::up, 'U'},        {route_flag::gateway, 'G'}, {route_flag::host, 'H'},
      {route_flag::reject, 'R'},    {route_flag::dynamic, 'D'}, {route_flag::modified, 'M'},
      {route_flag::static_, 'S'},   {route_flag::proto1, '1'},  {route_flag::proto2, '2'},
      {route_flag::blackhole, 'B'}, {route_flag::proto3, '3'}};
  std::string text;
  for (const Letter& l : letters)
    if (flags & l.flag) text += l.letter;
  return text;
}

// --- next hops -----------------------------------------------------------------------------------

// Without what may change in place (the source, when its address goes).
template <class Prefix>
uint64_t RouteTableOf<Prefix>::hash_of(const Route& way) {
  const auto gateway = number_of(way.gateway);
  uint64_t hash = mix(uint64_t(gateway) + mix(way.flags));
  if constexpr (sizeof gateway > 8) hash = mix(hash ^ uint64_t(gateway >> 64));
  return mix(hash + (uint64_t(way.mtu) << 32) + way.weight + uint64_t(way.expires.ns()));
}

template <class Prefix>
uint32_t RouteTableOf<Prefix>::intern(const Route& way) {
  if (index_) {
    const auto [begin, end] = index_->equal_range(hash_of(way));
    // Of equals, which there may be once a source went, the lowest: no order of a hash is seen.
    uint32_t found = none;
    for (auto at = begin; at != end; ++at)
      if (routes_[at->second]->same_way(way)) found = std::min(found, at->second);
    if (found != none) return ++routes_[found]->prefixes, found;
  } else {
    for (size_t i = 0; i < routes_.size(); ++i)
      if (routes_[i] && routes_[i]->same_way(way)) return ++routes_[i]->prefixes, uint32_t(i);
  }
  size_t at = first_free_;
  while (at < routes_.size() && routes_[at]) ++at;
  if (at == routes_.size()) routes_.emplace_back();
  first_free_ = at + 1;
  routes_[at] = std::make_unique<Route>(way);
  Route& fresh = *routes_[at];
  fresh.number = uint32_t(at);
  fresh.prefixes = 1;
  fresh.uses = 0;
  fresh.neighbour = nullptr;
  fresh.neighbour_stamp = 0;
  if (index_) {
    index_->emplace(hash_of(fresh), uint32_t(at));
  } else if (routes_.size() > index_worthwhile) {
    index_ = std::make_unique<std::unordered_multimap<uint64_t, uint32_t>>();
    for_each_path([this](const Route& r) { index_->emplace(hash_of(r), r.number); });
  }
  return uint32_t(at);
}

template <class Prefix>
void RouteTableOf<Prefix>::release(uint32_t number) {
  Route& route = *routes_[number];
  if (--route.prefixes > 0) return;
  if (index_) {
    const auto [begin, end] = index_->equal_range(hash_of(route));
    index_->erase(std::find_if(begin, end, [&](const auto& e) { return e.second == number; }));
  }
  routes_[number].reset();
  first_free_ = std::min(first_free_, size_t(number));
}

// --- groups --------------------------------------------------------------------------------------

// Takes over the references of its paths. As FreeBSD's compile_nhgrp: slots in proportion to the
// weights, at least one for each.
template <class Prefix>
uint32_t RouteTableOf<Prefix>::intern_group(std::vector<Route*> paths) {
  if (paths.size() == 1) return paths[0]->number;
  if (!groups_) groups_ = std::make_unique<Groups>();
  std::sort(paths.begin(), paths.end(),
            [](const Route* a, const Route* b) { return a->number < b->number; });
  std::vector<uint32_t> numbers;
  for (const Route* path : paths) numbers.push_back(path->number);
  if (const auto found = groups_->by_paths.find(numbers); found != groups_->by_paths.end()) {
    for (uint32_t number : numbers) release(number);
    ++groups_->all[found->second]->prefixes;
    return found->second | group_bit;
  }
  auto group = std::make_unique<Group>();
  uint64_t total = 0;
  for (const Route* path : paths) total += path->weight;
  const uint64_t width = std::min<uint64_t>(total, Group::slots_max);
  for (Route* path : paths) {
    const uint64_t share = total > width ? path->weight * width / total : path->weight;
    group->slots.insert(group->slots.end(), size_t(std::max<uint64_t>(share, 1)), path);
  }
  group->paths = std::move(paths);
  group->prefixes = 1;
  size_t at = 0;
  while (at < groups_->all.size() && groups_->all[at]) ++at;
  if (at == groups_->all.size()) groups_->all.emplace_back();
  groups_->all[at] = std::move(group);
  groups_->by_paths[numbers] = uint32_t(at);
  return uint32_t(at) | group_bit;
}

template <class Prefix>
void RouteTableOf<Prefix>::release_value(uint32_t value) {
  if (!(value & group_bit)) return release(value);
  auto& group = groups_->all[value & ~group_bit];
  if (--group->prefixes > 0) return;
  std::vector<uint32_t> numbers;
  for (const Route* path : group->paths) numbers.push_back(path->number);
  groups_->by_paths.erase(numbers);
  group.reset();
  for (uint32_t number : numbers) release(number);
}

// --- routes --------------------------------------------------------------------------------------

template <class Prefix>
Result<RouteOf<Prefix>*> RouteTableOf<Prefix>::add(Prefix dest, const Route& way) {
  if (value_of(dest) != none) return Errno::eexist;
  const uint32_t number = intern(way);
  prefixes_.insert(number_of(dest.network()), dest.length, number);
  return routes_[number].get();
}

template <class Prefix>
Result<RouteOf<Prefix>*> RouteTableOf<Prefix>::append(Prefix dest, const Route& way) {
  const uint32_t before = value_of(dest);
  if (before == none) return add(dest, way);
  std::vector<Route*> all = paths(dest);
  for (const Route* path : all)
    if (path->same_way(way)) return Errno::eexist;
  if (all.size() >= Group::slots_max) return Errno::enospc;
  for (Route* path : all) ++path->prefixes;
  const uint32_t number = intern(way);
  all.push_back(routes_[number].get());
  const uint32_t after = intern_group(std::move(all));
  prefixes_.assign(number_of(dest.network()), dest.length, after);
  release_value(before);
  return routes_[number].get();
}

template <class Prefix>
Result<RouteOf<Prefix>*> RouteTableOf<Prefix>::replace(Prefix dest, const Route& way) {
  const uint32_t before = value_of(dest);
  if (before == none) return Errno::esrch;
  const uint32_t number = intern(way);
  prefixes_.assign(number_of(dest.network()), dest.length, number);
  release_value(before);
  return routes_[number].get();
}

template <class Prefix>
Result<> RouteTableOf<Prefix>::remove(Prefix dest) {
  const uint32_t value = value_of(dest);
  if (value == none) return Errno::esrch;
  prefixes_.erase(number_of(dest.network()), dest.length);
  release_value(value);
  return {};
}

template <class Prefix>
Result<> RouteTableOf<Prefix>::remove_path(Prefix dest, const Route& path) {
  const uint32_t before = value_of(dest);
  if (before == none) return Errno::esrch;
  std::vector<Route*> left = paths(dest);
  if (std::erase(left, &path) == 0) return Errno::esrch;
  if (left.empty()) return remove(dest);
  for (Route* other : left) ++other->prefixes;
  prefixes_.assign(number_of(dest.network()), dest.length, intern_group(std::move(left)));
  release_value(before);
  return {};
}

template <class Prefix>
RouteOf<Prefix>* RouteTableOf<Prefix>::find(Prefix dest) const {
  const uint32_t value = value_of(dest);
  return value == none ? nullptr : first(value);
}

template <class Prefix>
std::vector<RouteOf<Prefix>*> RouteTableOf<Prefix>::paths(Prefix dest) const {
  const uint32_t value = value_of(dest);
  if (value == none) return {};
  if (value & group_bit) return groups_->all[value & ~group_bit]->paths;
  return {routes_[value].get()};
}

template <class Prefix>
const RouteGroupOf<Prefix>* RouteTableOf<Prefix>::group(Prefix dest, uint32_t* number) const {
  const uint32_t value = value_of(dest);
  if (value == none || !(value & group_bit)) return nullptr;
  if (number) *number = value & ~group_bit;
  return groups_->all[value & ~group_bit].get();
}

template <class Prefix>
auto RouteTableOf<Prefix>::match(const Address& dest) const -> std::optional<Match> {
  for (int length = int(sizeof(Number) * 8); length >= 0; --length) {
    const Prefix prefix = Prefix{dest, uint8_t(length)}.canonical();
    if (Route* route = find(prefix)) return Match{prefix, route};
  }
  return std::nullopt;
}

template class RouteTableOf<Ipv4Prefix>;
template class RouteTableOf<Ipv6Prefix>;

}  // namespace stackyard
