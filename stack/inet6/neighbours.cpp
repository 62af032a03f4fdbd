#include "stack/inet6/neighbours.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/inet6/drops.h"
#include "stack/inet6/inet6.h"
#include "stack/kern/machine.h"

namespace stackyard {

namespace {
constexpr Ipv6Address all_nodes = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 1});
constexpr SimTime backoff_most = 60_s;  // RFC 7048 s3: of multicast probes of who is unreachable
constexpr int64_t backoff_tries = 10;   // ... after which nobody remembers him
constexpr SimTime anycast_delay_most = 1_s;
}  // namespace

Neighbours::Entry::Entry(Neighbours& o, Ifnet& i, const Ipv6Address& a)
    : owner(o),
      interface(&i),
      address(a),
      timer(i.site().node(), Timer::call<&Entry::expired>, this) {}

Neighbours::Delayed::Delayed(Neighbours& o, Ifnet& i)
    : owner(o), interface(i.ref()), timer(i.site().node(), Timer::call<&Delayed::due>, this) {}

Neighbours::Neighbours(Inet6& inet) : inet_(inet) {}
Neighbours::~Neighbours() = default;

const NeighbourSettings& Neighbours::settings() const { return inet_.settings().nd; }
SimTime Neighbours::now() const { return inet_.site().now(); }

// --- the table -----------------------------------------------------------------------------------

// Of the first entry that is not below.
size_t Neighbours::place(const Ifnet& interface, const Ipv6Address& address) const {
  const auto below = [&](const std::unique_ptr<Entry>& e, uint32_t index) {
    if (e->interface->index() != index) return e->interface->index() < index;
    return e->address < address;
  };
  return size_t(std::lower_bound(entries_.begin(), entries_.end(), interface.index(), below) -
                entries_.begin());
}

Neighbours::Entry* Neighbours::find(const Ifnet& interface, const Ipv6Address& address) const {
  const size_t at = place(interface, address);
  if (at == entries_.size()) return nullptr;
  Entry& e = *entries_[at];
  return e.interface == &interface && e.address == address ? &e : nullptr;
}

// RFC 6583: of what nobody has answered for there may be a quarter of all; what is known stays.
Neighbours::Entry* Neighbours::make(Ifnet& interface, const Ipv6Address& address) {
  const size_t most = size_t(settings().max_entries);
  if (entries_.size() >= most || incomplete_ >= std::max<size_t>(most / 4, 1)) {
    ++counters.refused;
    return nullptr;
  }
  auto made = std::make_unique<Entry>(*this, interface, address);
  ++incomplete_;
  return entries_
      .emplace(entries_.begin() + std::ptrdiff_t(place(interface, address)), std::move(made))
      ->get();
}

void Neighbours::erase(Entry& entry) {
  while (Packet packet = entry.held.pop()) {
    ++counters.dropped;
    inet_.site().note_drop(packet.id(), drops6::unresolved, entry.interface->name(),
                           to_text(entry.address));
  }
  ++stamp_;
  if (entry.state == NudState::incomplete) --incomplete_;
  const Ifnet& interface = *entry.interface;
  const Ipv6Address address = entry.address;
  const bool router = entry.router;
  entries_.erase(entries_.begin() + std::ptrdiff_t(place(interface, address)));
  if (router) inet_.routers().reachability_changed();
}

void Neighbours::forget(const Ifnet& interface) {
  ++stamp_;
  std::erase_if(entries_, [&](const auto& e) {
    if (e->interface != &interface) return false;
    if (e->state == NudState::incomplete) --incomplete_;
    return true;
  });
}

// --- sending -------------------------------------------------------------------------------------

Result<> Neighbours::output(Packet&& packet, Ifnet& interface, const Ipv6Address& next_hop,
                            Route6* route) {
  const bool gateway = route && route->has(route_flag::gateway);
  Entry* entry = nullptr;
  if (gateway && route->neighbour_stamp == stamp_) {
    entry = static_cast<Entry*>(route->neighbour);
  } else {
    entry = find(interface, next_hop);
    if (gateway && entry) {
      route->neighbour = entry;
      route->neighbour_stamp = stamp_;
    }
  }
  if (entry && entry->usable()) [[likely]] {
    // RFC 4861 s7.3.3: the first packet to a stale neighbour starts the clock.
    if (entry->state == NudState::stale && !entry->permanent) [[unlikely]] {
      entry->asked = 0;
      become(*entry, NudState::delay);
    }
    if (inet_.site().decisions_wanted()) [[unlikely]]
      inet_.site().note_decision({.node = 0,
                                  .packet = packet.id(),
                                  .kind = DecisionKind::neighbour,
                                  .address = next_hop,
                                  .network = {},
                                  .by = 0,
                                  .by_length = 0,
                                  .interface = uint16_t(interface.index())});
    packet.prepend_header(entry->header);
    return interface.output_frame(std::move(packet));
  }
  if (!entry) {
    entry = make(interface, next_hop);
    if (!entry) return Errno::enobufs;
    if (packet.size() >= sizeof(Ipv6Header))
      entry->asker = load<Ipv6Header>(packet.front()).source.with_zone(interface.index());
  }
  return hold(std::move(packet), *entry);
}

Result<> Neighbours::hold(Packet&& packet, Entry& entry) {
  entry.held.push(std::move(packet));
  if (int64_t(entry.held.count()) > settings().maxqueuelen) {
    ++counters.dropped;
    const Packet oldest = entry.held.pop();  // RFC 4861 s7.2.2: the oldest gives way
    inet_.site().note_drop(oldest.id(), drops6::queue_full, entry.interface->name());
  }
  if (entry.asked == 0) {
    ask(entry, true);
    entry.timer.arm(inet_.link(*entry.interface).retrans);
  }
  return {};
}

void Neighbours::ask(Entry& entry, bool multicast) {
  ++entry.asked;
  ++counters.solicits_sent;
  Ifnet& interface = *entry.interface;
  // RFC 4861 s7.2.2: the source of the packet that prompts it, if it is this interface's.
  Ipv6Address source = entry.asker;
  const Inet6::Address* asker = inet_.find_on(interface, source);
  if (!asker || !asker->usable() || (asker->flags & in6_flag::anycast)) {
    source = inet_.link_local_on(interface);
    if (const Inet6::Address* fits = inet_.select_source(entry.address, interface);
        fits && source.is_any())
      source = fits->address;
  }
  NeighbourSolicit solicit;
  solicit.target = entry.address.without_zone();
  std::vector<uint8_t> message(sizeof solicit);
  store(solicit, message);
  if (!source.is_any()) add_link_option(message, nd_option::source_link, interface.mac());
  const Ipv6Address dest =
      multicast ? entry.address.solicited_node().with_zone(interface.index()) : entry.address;
  inet_.icmp().send(std::move(message), source, dest, &interface, 255);
}

// --- states --------------------------------------------------------------------------------------

void Neighbours::become(Entry& entry, NudState state) {
  if (entry.state == NudState::incomplete && state != NudState::incomplete) --incomplete_;
  entry.state = state;
  const Inet6::Link& link = inet_.link(*entry.interface);
  SimTime time = link.retrans;
  if (state == NudState::reachable) time = link.reachable;
  if (state == NudState::stale) time = SimTime(settings().gctimer * 1'000'000'000);
  if (state == NudState::delay) time = SimTime(settings().delay * 1'000'000'000);
  entry.expires = now() + time;
  if (entry.permanent)
    entry.timer.cancel();
  else
    entry.timer.arm(time);
}

// RFC 4861 s7.3.3 and appendix C: what happens when a state's time is over.
void Neighbours::timed(Entry& entry) {
  Inet6::Link& link = inet_.link(*entry.interface);
  switch (entry.state) {
    case NudState::incomplete:
      if (entry.asked >= settings().mmaxtries) return fail(entry);
      ask(entry, true);
      return entry.timer.arm(link.retrans);
    case NudState::reachable:
      return become(entry, NudState::stale);
    case NudState::stale:
      ++counters.timeouts;
      return erase(entry);
    case NudState::delay:
      if (!(link.flags & nd6_flag::perform_nud)) return become(entry, NudState::reachable);
      entry.asked = 0;
      become(entry, NudState::probe);
      return ask(entry, false);
    case NudState::probe:
      if (entry.asked < settings().umaxtries) {
        ask(entry, false);
        return entry.timer.arm(link.retrans);
      }
      // RFC 7048 s3: not forgotten, but asked for by multicast, more and more seldom.
      ++counters.timeouts;
      entry.asked = 0;
      become(entry, NudState::unreachable);
      ++stamp_;
      if (entry.router) inet_.routers().reachability_changed();
      return ask(entry, true);
    case NudState::unreachable: {
      if (entry.asked >= backoff_tries) return erase(entry);
      SimTime wait = link.retrans;
      for (int64_t i = 0; i < entry.asked && wait < backoff_most; ++i) wait = wait * 3;
      ask(entry, true);
      return entry.timer.arm(std::min(wait, backoff_most));
    }
  }
}

// RFC 4861 s7.2.2: nobody answered: the packets' senders hear of it.
void Neighbours::fail(Entry& entry) {
  ++counters.timeouts;
  PacketQueue held;
  while (Packet packet = entry.held.pop()) held.push(std::move(packet));
  const std::string name = entry.interface->name(), address = to_text(entry.address);
  erase(entry);
  while (Packet packet = held.pop()) {
    ++counters.dropped;
    inet_.site().note_drop(packet.id(), drops6::unresolved, name, address);
    inet_.icmp().send_error(std::move(packet), icmpv6_type::unreachable,
                            icmpv6_code::address_unreachable);
  }
}

void Neighbours::set_mac(Entry& entry, MacAddress mac) {
  entry.header = {mac, entry.interface->mac(), ether_type::ipv6};
}

void Neighbours::release(Entry& entry) {
  while (Packet packet = entry.held.pop()) {
    packet.prepend_header(entry.header);
    (void)entry.interface->output_frame(std::move(packet));
  }
}

void Neighbours::learn(Ifnet& interface, const Ipv6Address& address,
                       const std::optional<MacAddress>& mac, Role role) {
  if (address.is_any() || address.is_multicast()) return;
  Entry* entry = find(interface, address);
  if (!entry && !mac) return;
  const bool fresh = !entry;
  if (fresh) entry = make(interface, address);
  if (!entry) return;
  if (role != Role::unknown) entry->router = role == Role::router;
  if (!mac || entry->permanent) return;
  const bool changed = !entry->usable() || entry->header.dest != *mac;
  if (!changed) return;
  set_mac(*entry, *mac);
  become(*entry, NudState::stale);
  release(*entry);
}

void Neighbours::confirm(const Ifnet& interface, const Ipv6Address& address) {
  Entry* entry = find(interface, address);
  if (!entry || !entry->usable() || entry->permanent) return;
  entry->asked = 0;
  become(*entry, NudState::reachable);
}

bool Neighbours::probably_reachable(const Ifnet& interface, const Ipv6Address& address) const {
  const Entry* entry = find(interface, address);
  return entry && entry->usable() && entry->state != NudState::unreachable;
}

// --- solicitations and advertisements ------------------------------------------------------------

std::vector<uint8_t> Neighbours::advert(const Ipv6Address& target, MacAddress mac,
                                        uint32_t flags) const {
  NeighbourAdvert message;
  if (inet_.forwarding()) flags |= NeighbourAdvert::router;
  message.icmp.rest = flags;
  message.target = target.without_zone();
  std::vector<uint8_t> octets(sizeof message);
  store(message, octets);
  add_link_option(octets, nd_option::target_link, mac);
  return octets;
}

// RFC 4861 s7.2.4. To whom has no address yet goes to all nodes, and unsolicited.
void Neighbours::answer(Ifnet& from, const Ipv6Address& target, const Ipv6Address& to,
                        MacAddress mac, bool override_mac) {
  uint32_t flags = override_mac ? NeighbourAdvert::override_ : 0;
  Ipv6Address dest = all_nodes.with_zone(from.index());
  if (!to.is_any()) {
    flags |= NeighbourAdvert::solicited;
    dest = to;
  }
  ++counters.adverts_sent;
  // s7.2.4, s7.2.7: never from an anycast address, and a proxy from one of its own.
  const Inet6::Address* own = inet_.find_on(from, target);
  const bool as_target = own && own->usable() && !(own->flags & in6_flag::anycast);
  const Ipv6Address source = as_target ? target : inet_.link_local_on(from);
  inet_.icmp().send(advert(target, mac, flags), source, dest, &from, 255);
}

void Neighbours::answer_later(Ifnet& from, const Ipv6Address& target, const Ipv6Address& to,
                              MacAddress mac) {
  if (delayed_.size() >= delayed_max) {
    ++counters.refused;
    return;
  }
  delayed_.push_back(std::make_unique<Delayed>(*this, from));
  Delayed& delayed = *delayed_.back();
  delayed.target = target;
  delayed.to = to;
  delayed.mac = mac;
  delayed.timer.arm(SimTime(1 + int64_t(inet_.random().below(uint64_t(anycast_delay_most.ns())))));
}

void Neighbours::answer_delayed(Delayed& due) {
  const auto at = std::find_if(delayed_.begin(), delayed_.end(),
                               [&](const auto& d) { return d.get() == &due; });
  const std::unique_ptr<Delayed> delayed = std::move(*at);
  delayed_.erase(at);
  if (Ifnet* from = inet_.net().resolve(delayed->interface))
    answer(*from, delayed->target, delayed->to, delayed->mac, false);
}

// What is known of others stays; they learn our new address.
void Neighbours::mac_changed(Ifnet& interface) {
  for (const auto& e : entries_)
    if (e->interface == &interface) e->header.source = interface.mac();
}

void Neighbours::announce(Ifnet& interface, const Ipv6Address& address) {
  if (!interface.up() || !interface.has_link_addresses() || inet_.settled_start()) return;
  ++counters.adverts_sent;
  inet_.icmp().send(advert(address, interface.mac(), NeighbourAdvert::override_), address,
                    all_nodes.with_zone(interface.index()), &interface, 255);
}

void Neighbours::solicit_received(Bytes message, const NdOptions& options,
                                  const IpContext& context) {
  ++counters.solicits_received;
  Ifnet& from = *context.interface;
  const Ipv6Address source = context.source.v6();
  const Ipv6Address target = load<NeighbourSolicit>(message).target.with_zone(from.index());
  // RFC 4862 s5.4.3: of an address that we try nobody is told; others who try it, too, are heard.
  if (Inet6::Address* own = inet_.find_on(from, target); own && !own->usable()) {
    if (source.is_any()) (void)inet_.dad_heard(from, target, options, true);
    return;
  }
  const Inet6::Address* own = inet_.find_on(from, target);
  const Entry* proxied = own ? nullptr : find(from, target);
  if (!own && !(proxied && proxied->proxy)) return;
  if (!source.is_any()) learn(from, source, options.source_link, Role::unknown);
  const MacAddress mac = own ? from.mac() : proxied->header.dest;
  if (own && !(own->flags & in6_flag::anycast)) return answer(from, target, source, mac, true);
  // Whom a unicast solicitation asks it asks alone.
  if (context.dest.is_multicast()) return answer_later(from, target, source, mac);
  answer(from, target, source, mac, false);
}

void Neighbours::advert_received(Bytes message, const NdOptions& options,
                                 const IpContext& context) {
  ++counters.adverts_received;
  Ifnet& from = *context.interface;
  const auto advert = load<NeighbourAdvert>(message);
  const Ipv6Address target = advert.target.with_zone(from.index());
  if (Inet6::Address* own = inet_.find_on(from, target)) {
    if (!own->usable()) {
      (void)inet_.dad_heard(from, target, options, false);
    } else if (!options.target_link || *options.target_link != from.mac()) {
      ++counters.duplicates;
      inet_.machine().log(text("{}: duplicate IP6 address {}", from.name(), to_text(target)));
    }
    return;
  }
  Entry* entry = find(from, target);
  if (!entry || entry->permanent) return;  // s7.2.5: nobody asked
  const uint32_t flags = advert.icmp.rest;
  const bool solicited = flags & NeighbourAdvert::solicited;
  const bool overrides = flags & NeighbourAdvert::override_;
  const bool router = flags & NeighbourAdvert::router;
  const bool was_router = std::exchange(entry->router, router);
  if (entry->state == NudState::incomplete) {
    if (!options.target_link) return;
    set_mac(*entry, *options.target_link);
    entry->asked = 0;
    become(*entry, solicited ? NudState::reachable : NudState::stale);
    release(*entry);
  } else {
    const bool differs = options.target_link && *options.target_link != entry->header.dest;
    if (!overrides && differs) {  // case I: believed only so far that doubts remain
      if (entry->state == NudState::reachable) become(*entry, NudState::stale);
    } else {
      if (differs) set_mac(*entry, *options.target_link);
      if (solicited) {
        entry->asked = 0;
        become(*entry, NudState::reachable);
      } else if (differs) {
        become(*entry, NudState::stale);
      }
    }
  }
  if (was_router && !router) inet_.routers().router_gone(from, target);
  if (router) inet_.routers().reachability_changed();
}

// --- ndp(8) --------------------------------------------------------------------------------------

std::vector<NeighbourInfo6> Neighbours::entries() const {
  std::vector<NeighbourInfo6> all;
  inet_.net().for_each([&](const Ifnet& i) {
    for (const auto& a : inet_.addresses())
      if (a->interface == &i && i.has_link_addresses())
        all.push_back({.address = a->address.without_zone(),
                       .interface = i.name(),
                       .index = i.index(),
                       .mac = i.mac(),
                       .state = NudState::reachable,
                       .permanent = true});
  });
  for (const auto& e : entries_) {
    NeighbourInfo6 info{.address = e->address.without_zone(),
                        .interface = e->interface->name(),
                        .index = e->interface->index(),
                        .mac = {},
                        .state = e->state,
                        .permanent = e->permanent,
                        .router = e->router,
                        .proxy = e->proxy,
                        .expires_s = ((e->expires - now()).ns() + 999'999'999) / 1'000'000'000,
                        .asked = e->asked};
    if (e->usable()) info.mac = e->header.dest;
    all.push_back(info);
  }
  std::stable_sort(all.begin(), all.end(), [](const NeighbourInfo6& a, const NeighbourInfo6& b) {
    return a.index != b.index ? a.index < b.index : a.address < b.address;
  });
  return all;
}

Result<> Neighbours::set(const SetNeighbour6& wanted) {
  const Ipv6Address address = wanted.address.with_zone(wanted.scope);
  Ifnet* interface = nullptr;
  if (address.zone())
    interface = inet_.net().by_index(address.zone());
  else if (const Route6* route = inet_.routes(0).lookup(address);
           route && !route->has(route_flag::gateway))
    interface = route->interface;
  if (!interface || !interface->has_link_addresses()) return Errno::enetunreach;
  if (Entry* old = find(*interface, address)) erase(*old);
  Entry* entry = make(*interface, address);
  if (!entry) return Errno::enobufs;
  set_mac(*entry, wanted.mac);
  entry->permanent = !wanted.temporary;
  entry->proxy = wanted.proxy;
  become(*entry, NudState::reachable);
  // A proxy has to hear who asks for the address.
  if (wanted.proxy)
    (void)inet_.mld().join(*interface, address.solicited_node().with_zone(interface->index()));
  return {};
}

Result<> Neighbours::remove(const DeleteNeighbour6& wanted) {
  bool found = false;
  for (size_t i = entries_.size(); i-- > 0;) {
    Entry& e = *entries_[i];
    const bool meant = wanted.address ? e.address.without_zone() == *wanted.address &&
                                            (!wanted.scope || wanted.scope == e.interface->index())
                                      : !e.permanent;
    if (!meant) continue;
    if (e.proxy)
      inet_.mld().leave(*e.interface, e.address.solicited_node().with_zone(e.interface->index()));
    found = true;
    erase(e);
    i = std::min(i, entries_.size());
  }
  if (wanted.address && !found) return Errno::enoent;
  return {};
}

}  // namespace stackyard
