#include "core/alias/alias_links.h"

#include "core/base/check.h"
#include "core/wire/net/ipv4.h"
#include "core/wire/transport/tcp.h"

namespace stackyard {

LinkLife first_life(uint16_t kind) {
  if (kind == ip_protocol::tcp) return LinkLife::opening;
  return kind == ip_protocol::icmp ? LinkLife::queries : LinkLife::datagrams;
}

uint64_t AliasLinks::hash_out(const LinkEnds& e) const {
  const uint64_t ports = uint64_t(e.local_port) << 32 | uint64_t(e.remote_port) << 16 | e.kind;
  return mix(hash_key_ + mix(uint64_t(e.local.value) << 32 | e.remote.value) + ports);
}

uint64_t AliasLinks::hash_in(const LinkEnds& e) const {
  const uint64_t ports = uint64_t(e.alias_port) << 32 | uint64_t(e.remote_port) << 16 | e.kind;
  return mix(hash_key_ + mix(uint64_t(e.alias.value) << 32 | e.remote.value) + ports);
}

AliasLink* AliasLinks::add(const LinkEnds& ends, LinkLife life, SimTime now) {
  if (size_ == links_most) return nullptr;
  if (size_ >= out_.size()) grow();
  if (free_.empty()) {
    free_.push_back(uint32_t(slab_.size()));
    slab_.emplace_back();
  }
  const uint32_t slot = free_.back();
  free_.pop_back();
  AliasLink& link = slab_[slot];
  link.slot = slot;
  link.ends = ends;
  link.life = life;
  link.used = now;
  ++size_;
  partial_ += ends.is_partial();
  chain(link);
  push_newest(link);
  return &link;
}

void AliasLinks::remove(AliasLink& link) {
  check(link.slot != AliasLink::none, "an alias link is removed once");
  unchain(link);
  leave_ages(link);
  partial_ -= link.ends.is_partial();
  --size_;
  free_.push_back(link.slot);
  link = AliasLink();
}

void AliasLinks::clear_dynamic() {
  for (size_t life = 0; life < link_lives; ++life)
    while (ages_[life].oldest != AliasLink::none) remove(slab_[ages_[life].oldest]);
}

void AliasLinks::expire(SimTime now) {
  for (size_t life = 0; life < link_lives; ++life) {
    const SimTime most = times_[life];
    while (ages_[life].oldest != AliasLink::none && now - slab_[ages_[life].oldest].used > most)
      remove(slab_[ages_[life].oldest]);
  }
}

void AliasLinks::touch(AliasLink& link, SimTime now) {
  link.used = now;
  if (ages_[size_t(link.life)].newest == link.slot) return;
  leave_ages(link);
  push_newest(link);
}

void AliasLinks::set_life(AliasLink& link, LinkLife life, SimTime now) {
  if (link.life == LinkLife::permanent) return;
  leave_ages(link);
  link.life = life;
  link.used = now;
  push_newest(link);
}

namespace {

void follow(LinkTcp& state, uint8_t flags) {
  const bool ends = flags & (tcp_flag::rst | tcp_flag::fin);
  if (flags & tcp_flag::rst)
    state = LinkTcp::disconnected;
  else if (state == LinkTcp::not_connected && (flags & tcp_flag::syn))
    state = LinkTcp::connected;
  else if (state == LinkTcp::connected && ends)
    state = LinkTcp::disconnected;
}

LinkLife life_of(const AliasLink& link) {
  const bool in_over = link.inbound == LinkTcp::disconnected;
  const bool out_over = link.outbound == LinkTcp::disconnected;
  if (in_over && out_over) return LinkLife::dead;
  if (in_over || out_over) {
    const LinkTcp other = in_over ? link.outbound : link.inbound;
    return other == LinkTcp::connected ? LinkLife::half_dead : LinkLife::dead;
  }
  const bool both = link.inbound == LinkTcp::connected && link.outbound == LinkTcp::connected;
  return both ? LinkLife::established : LinkLife::opening;
}

}  // namespace

void AliasLinks::watch_tcp(AliasLink& link, Way way, uint8_t flags, SimTime now) {
  follow(way == Way::out ? link.outbound : link.inbound, flags);
  set_life(link, life_of(link), now);
}

SimTime AliasLinks::left(const AliasLink& link, SimTime now) const {
  if (link.life == LinkLife::permanent) return SimTime::max();
  return link.used + times_[size_t(link.life)] - now;
}

AliasLink* AliasLinks::find_out(Ipv4Address local, uint16_t local_port, Ipv4Address remote,
                                uint16_t remote_port, uint16_t kind) {
  if (out_.empty()) return nullptr;
  const LinkEnds want{local, remote, {}, local_port, remote_port, 0, kind};
  for (uint32_t at = out_[hash_out(want) & (out_.size() - 1)]; at != AliasLink::none;
       at = slab_[at].out_next) {
    const LinkEnds& e = slab_[at].ends;
    if (e.local == local && e.remote == remote && e.local_port == local_port &&
        e.remote_port == remote_port && e.kind == kind)
      return &slab_[at];
  }
  return nullptr;
}

AliasLink* AliasLinks::find_in(Ipv4Address alias, uint16_t alias_port, Ipv4Address remote,
                               uint16_t remote_port, uint16_t kind) {
  if (in_.empty()) return nullptr;
  const LinkEnds want{{}, remote, alias, 0, remote_port, alias_port, kind};
  for (uint32_t at = in_[hash_in(want) & (in_.size() - 1)]; at != AliasLink::none;
       at = slab_[at].in_next) {
    const LinkEnds& e = slab_[at].ends;
    if (e.alias == alias && e.remote == remote && e.alias_port == alias_port &&
        e.remote_port == remote_port && e.kind == kind)
      return &slab_[at];
  }
  return nullptr;
}

AliasLink* AliasLinks::find_id(uint32_t id) {
  for (uint32_t at = ages_[link_lives].oldest; at != AliasLink::none; at = slab_[at].newer)
    if (slab_[at].id == id) return &slab_[at];
  return nullptr;
}

void AliasLinks::grow() {
  const size_t size = out_.empty() ? 64 : out_.size() * 2;
  out_.assign(size, AliasLink::none);
  in_.assign(size, AliasLink::none);
  // By age, since of overlapping redirections the newest comes first.
  for (const Ages& ages : ages_)
    for (uint32_t at = ages.oldest; at != AliasLink::none; at = slab_[at].newer) chain(slab_[at]);
}

void AliasLinks::chain(AliasLink& link) {
  uint32_t& out = out_[hash_out(link.ends) & (out_.size() - 1)];
  link.out_next = out;
  out = link.slot;
  uint32_t& in = in_[hash_in(link.ends) & (in_.size() - 1)];
  link.in_next = in;
  in = link.slot;
}

void AliasLinks::unchain(AliasLink& link) {
  uint32_t* at = &out_[hash_out(link.ends) & (out_.size() - 1)];
  while (*at != link.slot) at = &slab_[*at].out_next;
  *at = link.out_next;
  at = &in_[hash_in(link.ends) & (in_.size() - 1)];
  while (*at != link.slot) at = &slab_[*at].in_next;
  *at = link.in_next;
}

void AliasLinks::push_newest(AliasLink& link) {
  Ages& ages = ages_[size_t(link.life)];
  link.newer = AliasLink::none;
  link.older = ages.newest;
  (ages.newest == AliasLink::none ? ages.oldest : slab_[ages.newest].newer) = link.slot;
  ages.newest = link.slot;
}

void AliasLinks::leave_ages(AliasLink& link) {
  Ages& ages = ages_[size_t(link.life)];
  (link.older == AliasLink::none ? ages.oldest : slab_[link.older].newer) = link.newer;
  (link.newer == AliasLink::none ? ages.newest : slab_[link.newer].older) = link.older;
}

}  // namespace stackyard
