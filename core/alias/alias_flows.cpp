// core/alias/alias_flows.cpp - which link a flow has, or gets.
#include "core/alias/alias.h"

namespace stackyard {

namespace {

// RFC 1918 s3, and RFC 6598 s7.
bool is_unregistered(Ipv4Address a, bool cgn) {
  constexpr Ipv4Prefix spaces[] = {{{0x0a000000}, 8}, {{0xac100000}, 12}, {{0xc0a80000}, 16}};
  for (const Ipv4Prefix& space : spaces)
    if (space.contains(a)) return true;
  return cgn && Ipv4Prefix{{0x64400000}, 10}.contains(a);
}

constexpr int port_attempts = 20;  // as in FreeBSD: a full range costs a packet no more than that

}  // namespace

Ipv4Address Alias::alias_of(Ipv4Address local) {
  if (const AliasLink* link = links_.find_out(local, 0, {}, 0, alias_kind::address))
    return alias_address(*link);
  const bool only_some = mode_.unregistered_only || mode_.unregistered_cgn;
  if (mode_.proxy_only || (only_some && !is_unregistered(local, mode_.unregistered_cgn)))
    return local;
  return address_.is_any() ? local : address_;
}

Ipv4Address Alias::original_of(Ipv4Address alias) {
  AliasLink* link = links_.find_in(alias, 0, {}, 0, alias_kind::address);
  if (!link && alias == address_) link = links_.find_in({}, 0, {}, 0, alias_kind::address);
  if (link) {
    if (link->servers) return next_server(*link).address;
    return link->ends.local.is_any() ? address_ : link->ends.local;
  }
  if (target_.is_any()) return alias;
  if (!target_.is_broadcast()) return target_;
  return address_.is_any() ? alias : address_;
}

AliasServer Alias::next_server(AliasLink& link) {
  const AliasServer server = (*link.servers)[link.next_server];
  link.next_server = (link.next_server + 1) % link.servers->size();
  return server;
}

std::optional<uint16_t> Alias::free_port(const LinkEnds& ends) {
  const bool numbered = ends.kind == ip_protocol::tcp || ends.kind == ip_protocol::udp ||
                        ends.kind == ip_protocol::icmp;
  // SCTP keeps its ports (its checksum covers them, not the addresses), and who is seen as himself
  // keeps everything.
  const bool keeps = !numbered || ends.alias == ends.local;
  const uint64_t range = uint64_t(port_last_ - port_first_) + 1;
  for (int attempt = 0; attempt < port_attempts; ++attempt) {
    const bool own = keeps || (attempt == 0 && mode_.same_ports);
    const uint16_t port = own ? ends.local_port : uint16_t(port_first_ + random_.below(range));
    if (!links_.find_in(ends.alias, port, ends.remote, ends.remote_port, ends.kind)) return port;
    if (keeps) return std::nullopt;
  }
  return std::nullopt;
}

AliasLink* Alias::make_full(AliasLink& partial, const LinkEnds& ends) {
  // RFC 4787 REQ-1: one mapping of a local end serves all remote ones.
  if (mode_.endpoint_independent && ends.kind == ip_protocol::udp &&
      partial.life != LinkLife::permanent)
    return &partial;
  if (partial.life != LinkLife::permanent) links_.remove(partial);
  return links_.add(ends, first_life(ends.kind), now_);
}

namespace {

// The partial link that leaves the least open: find(remote, port) looks one up.
template <class Find>
AliasLink* closest_partial(const LinkEnds& want, Find find) {
  AliasLink* partial = find(want.remote, 0);
  if (!partial) partial = find(Ipv4Address(), want.remote_port);
  return partial ? partial : find(Ipv4Address(), 0);
}

}  // namespace

AliasLink* Alias::full_out(Ipv4Address local, const LinkEnds& want) {
  const auto find = [&](Ipv4Address remote, uint16_t port) {
    return links_.find_out(local, want.local_port, remote, port, want.kind);
  };
  if (AliasLink* link = find(want.remote, want.remote_port)) return link;
  if (links_.partial() == 0) return nullptr;
  AliasLink* partial = closest_partial(want, find);
  if (!partial || partial->servers) return nullptr;
  LinkEnds ends = want;
  ends.alias = alias_address(*partial);
  ends.alias_port = partial->ends.alias_port;
  return make_full(*partial, ends);
}

AliasLink* Alias::full_in(Ipv4Address alias, const LinkEnds& want) {
  const auto find = [&](Ipv4Address remote, uint16_t port) {
    return links_.find_in(alias, want.alias_port, remote, port, want.kind);
  };
  if (AliasLink* link = find(want.remote, want.remote_port)) return link;
  if (links_.partial() == 0) return nullptr;
  AliasLink* partial = closest_partial(want, find);
  if (!partial) return nullptr;
  LinkEnds ends = want;
  ends.local = partial->ends.local.is_any() ? address_ : partial->ends.local;
  ends.local_port = partial->ends.local_port;
  if (partial->servers) {
    const AliasServer server = next_server(*partial);
    ends.local = server.address;
    ends.local_port = server.port;
  }
  return make_full(*partial, ends);
}

AliasLink* Alias::known_out(const LinkEnds& want) {
  AliasLink* link = full_out(want.local, want);
  if (!link && want.local == address_) link = full_out({}, want);
  if (link) links_.touch(*link, now_);
  return link;
}

AliasLink* Alias::known_in(const LinkEnds& want) {
  AliasLink* link = full_in(want.alias, want);
  if (!link && want.alias == address_) link = full_in({}, want);
  if (link) links_.touch(*link, now_);
  return link;
}

AliasLink* Alias::link_out(const LinkEnds& want, Create create) {
  if (AliasLink* link = known_out(want)) return link;
  if (create == Create::no) return nullptr;
  LinkEnds ends = want;
  ends.alias = alias_of(want.local);
  const auto port = free_port(ends);
  if (!port) return nullptr;
  ends.alias_port = *port;
  if (mode_.endpoint_independent && ends.kind == ip_protocol::udp) {
    ends.remote = {};
    ends.remote_port = 0;
  }
  return links_.add(ends, first_life(ends.kind), now_);
}

AliasLink* Alias::link_in(const LinkEnds& want, Create create) {
  if (AliasLink* link = known_in(want)) return link;
  if (create == Create::no || mode_.deny_incoming) return nullptr;
  LinkEnds ends = want;
  ends.local = original_of(want.alias);
  ends.local_port = want.alias_port;
  return links_.add(ends, first_life(ends.kind), now_);
}

// --- redirections --------------------------------------------------------------------------------

uint32_t Alias::redirect(LinkEnds ends, SimTime now) {
  AliasLink* link = links_.add(ends, LinkLife::permanent, now);
  if (!link) return 0;
  link->id = ++redirections_;
  return link->id;
}

uint32_t Alias::redirect_port(const AliasRedirect& what, SimTime now) {
  return redirect({what.local, what.remote, what.alias, what.local_port, what.remote_port,
                   what.alias_port, what.protocol},
                  now);
}

uint32_t Alias::redirect_protocol(uint8_t protocol, Ipv4Address local, Ipv4Address alias,
                                  Ipv4Address remote, SimTime now) {
  constexpr uint16_t port = alias_no_port;
  return redirect(
      {local, remote, alias, port, remote.is_any() ? uint16_t(0) : port, port, protocol}, now);
}

uint32_t Alias::redirect_address(Ipv4Address local, Ipv4Address alias, SimTime now) {
  return redirect({local, {}, alias, 0, 0, 0, alias_kind::address}, now);
}

void Alias::add_server(uint32_t redirection, AliasServer server) {
  AliasLink* link = links_.find_id(redirection);
  if (!link) return;
  if (!link->servers) link->servers = std::make_unique<std::vector<AliasServer>>();
  link->servers->push_back(server);
}

bool Alias::delete_redirect(uint32_t redirection) {
  AliasLink* link = links_.find_id(redirection);
  if (!link) return false;
  links_.remove(*link);
  return true;
}

}  // namespace stackyard
