#include "stack/net/route_table.h"

#include <algorithm>

namespace stackyard {

std::string route_flag_letters(uint32_t flags) {
  struct Letter {
    uint32_t flag;
    char letter;
  };
  constexpr Letter letters[] = {{route_flag::up, 'U'},      {route_flag::gateway, 'G'},
                                {route_flag::host, 'H'},    {route_flag::reject, 'R'},
                                {route_flag::dynamic, 'D'}, {route_flag::modified, 'M'},
                                {route_flag::static_, 'S'}, {route_flag::proto1, '1'},
                                {route_flag::proto2, '2'},  {route_flag::blackhole, 'B'}};
  std::string text;
  for (const Letter& l : letters)
    if (flags & l.flag) text += l.letter;
  return text;
}

template <class Prefix>
Result<RouteOf<Prefix>*> RouteTableOf<Prefix>::add(const Route& route) {
  const Prefix dest = route.dest.canonical();
  if (find(dest)) return Errno::eexist;
  size_t at = first_free_;
  while (at < routes_.size() && routes_[at]) ++at;
  if (at == routes_.size()) routes_.emplace_back();
  first_free_ = at + 1;
  routes_[at] = std::make_unique<Route>(route);
  routes_[at]->dest = dest;
  trie_.insert(number_of(dest.address), dest.length, int32_t(at));
  return routes_[at].get();
}

template <class Prefix>
Result<> RouteTableOf<Prefix>::remove(Prefix dest) {
  const int32_t found = trie_.exact(number_of(dest.network()), dest.length);
  if (found < 0) return Errno::esrch;
  trie_.erase(number_of(dest.network()), dest.length);
  routes_[size_t(found)].reset();
  first_free_ = std::min(first_free_, size_t(found));
  return {};
}

template <class Prefix>
RouteOf<Prefix>* RouteTableOf<Prefix>::find(Prefix dest) const {
  const int32_t found = trie_.exact(number_of(dest.network()), dest.length);
  return found < 0 ? nullptr : routes_[size_t(found)].get();
}

template <class Prefix>
std::vector<const RouteOf<Prefix>*> RouteTableOf<Prefix>::sorted() const {
  std::vector<const Route*> all;
  for (const auto& route : routes_)
    if (route) all.push_back(route.get());
  std::sort(all.begin(), all.end(),
            [](const Route* a, const Route* b) { return a->dest < b->dest; });
  return all;
}

template class RouteTableOf<Ipv4Prefix>;
template class RouteTableOf<Ipv6Prefix>;

}  // namespace stackyard
