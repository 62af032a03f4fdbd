#include "stack/inet/arp.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/inet/drops.h"
#include "stack/inet/inet.h"
#include "stack/kern/machine.h"

namespace stackyard {

const ArpSettings& Arp::settings() const { return inet_.settings().arp; }

namespace {
constexpr MacAddress no_mac{};
}  // namespace

Arp::Entry::Entry(Arp& owner, Ifnet& i, Ipv4Address a)
    : arp(owner),
      interface(&i),
      address(a),
      timer(i.site().node(), Timer::call<&Entry::expired>, this) {}

Arp::Announcement::Announcement(Arp& owner, Ifnet& i, Ipv4Address a)
    : arp(owner),
      interface(i.ref()),
      address(a),
      timer(i.site().node(), Timer::call<&Announcement::next>, this) {}

Arp::Arp(Inet& inet) : inet_(inet) { inet.net().set_ether_protocol(ether_type::arp, this); }
Arp::~Arp() = default;

SimTime Arp::now() const { return inet_.site().now(); }

// --- the table ---------------------------------------------------------------------------------

// Of the first entry whose key is not below.
size_t Arp::place(uint64_t key) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), key,
                                   [](const auto& e, uint64_t k) { return e.first < k; });
  return size_t(at - entries_.begin());
}

Arp::Entry* Arp::find(const Ifnet& interface, Ipv4Address address) const {
  const uint64_t wanted = key(interface, address);
  const size_t at = place(wanted);
  return at < entries_.size() && entries_[at].first == wanted ? entries_[at].second.get() : nullptr;
}

Arp::Entry& Arp::make(Ifnet& interface, Ipv4Address address) {
  const uint64_t own = key(interface, address);
  auto made = std::make_unique<Entry>(*this, interface, address);
  ++unresolved_;
  const auto at = entries_.begin() + std::ptrdiff_t(place(own));
  return *entries_.emplace(at, own, std::move(made))->second;
}

// A scan of a network fills a quarter of the table at most, and evicts nobody (RFC 6583 s6).
bool Arp::full(bool resolved) {
  const size_t most = size_t(settings().max_entries);
  const bool full = entries_.size() >= most || (!resolved && unresolved_ >= most / 4);
  if (full) ++counters.limited;
  return full;
}

void Arp::erase(Entry& entry) {
  if (!entry.valid) --unresolved_;
  while (Packet packet = entry.held.pop()) {
    ++counters.dropped;
    inet_.site().note_drop(packet.id(), drops::arp_unresolved, entry.interface->name(),
                           to_text(entry.address));
  }
  ++stamp_;
  entries_.erase(entries_.begin() + std::ptrdiff_t(place(key(*entry.interface, entry.address))));
}

void Arp::entry_expired(Entry& entry) {
  if (entry.valid) ++counters.timeouts;
  erase(entry);
}

void Arp::forget(const Ifnet& interface) {
  ++stamp_;
  std::erase_if(entries_, [&](const auto& e) {
    if (e.second->interface != &interface) return false;
    if (!e.second->valid) --unresolved_;
    return true;
  });
  std::erase_if(announcements_, [&](const auto& a) { return a->interface == interface.ref(); });
}

void Arp::forget_address(Ipv4Address address) {
  std::erase_if(announcements_, [&](const auto& a) { return a->address == address; });
}

// --- sending -----------------------------------------------------------------------------------

Result<> Arp::output(Packet&& packet, Ifnet& interface, Ipv4Address next_hop, Route& route) {
  // The host part of a connected route varies; a gateway's does not, and is remembered.
  const bool gateway = route.has(route_flag::gateway);
  Entry* entry = nullptr;
  if (gateway && route.neighbour_stamp == stamp_) {
    entry = static_cast<Entry*>(route.neighbour);
  } else {
    entry = find(interface, next_hop);
    if (gateway && entry) {
      route.neighbour = entry;
      route.neighbour_stamp = stamp_;
    }
  }
  if (entry && entry->valid) [[likely]] {
    if (!entry->permanent && entry->expires - now() < SimTime(entry->preempt * 1'000'000'000))
      refresh(*entry);
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
  if (interface.has_flag(if_flag::noarp)) return Errno::ehostunreach;
  if (!entry) {
    if (full(false)) return Errno::enobufs;
    entry = &make(interface, next_hop);
  }
  return hold(std::move(packet), *entry, gateway);
}

// As arpresolve_full: keeps the packet, asks at most once a second, and refuses once it has asked
// often enough in vain.
Result<> Arp::hold(Packet&& packet, Entry& entry, bool gateway) {
  const bool failed = entry.asked >= settings().maxtries;
  if (entry.asked == 0 || now() - entry.last_asked >= 1_s) ask(entry);
  if (failed) return gateway ? Errno::ehostunreach : Errno::ehostdown;
  entry.held.push(std::move(packet));
  if (int64_t(entry.held.count()) > settings().maxhold) {
    ++counters.dropped;
    const Packet oldest = entry.held.pop();
    inet_.site().note_drop(oldest.id(), drops::arp_queue_full, entry.interface->name());
  }
  return {};
}

void Arp::ask(Entry& entry) {
  entry.last_asked = now();
  ++entry.asked;
  if (!entry.valid) {
    entry.expires = now() + SimTime(settings().wait * 1'000'000'000);
    entry.timer.arm(entry.expires - now());
  }
  const Ipv4Address source = inet_.source_on(*entry.interface, entry.address);
  send(*entry.interface, arp_operation::request, entry.interface->mac(), source, no_mac,
       entry.address, MacAddress::broadcast());
}

// An entry in use is asked for again in its last seconds, so that traffic never stops for it.
void Arp::refresh(Entry& entry) {
  --entry.preempt;
  ask(entry);
}

void Arp::send(Ifnet& interface, uint16_t operation, MacAddress sender_mac, Ipv4Address sender,
               MacAddress target_mac, Ipv4Address target, MacAddress dest) {
  if (interface.has_flag(if_flag::noarp)) return;
  ++(operation == arp_operation::request ? counters.requests_sent : counters.replies_sent);
  Packet packet = inet_.site().make_packet(sizeof(ArpHeader));
  store(ArpHeader{.operation = operation,
                  .sender_mac = sender_mac,
                  .sender_ip = sender.value,
                  .target_mac = target_mac,
                  .target_ip = target.value},
        packet.writable_front());
  (void)interface.output(std::move(packet), ether_type::arp, dest);
}

void Arp::announce(Ifnet& interface, Ipv4Address address) {
  if (!interface.up() || !interface.has_link_addresses() || inet_.settled_start()) return;
  forget_address(address);
  auto announcement = std::make_unique<Announcement>(*this, interface, address);
  announcement->probes_left = settings().rfc5227 ? 3 : 0;
  announcement->left = settings().rfc5227 ? 2 : 1 + settings().garp_rexmit_count;
  announcements_.push_back(std::move(announcement));
  announce_again(*announcements_.back());
}

void Arp::announce_again(Announcement& a) {
  Ifnet* interface = inet_.net().resolve(a.interface);
  const bool probe = a.probes_left > 0;
  if (interface && interface->up()) {
    send(*interface, arp_operation::request, interface->mac(), probe ? Ipv4Address{} : a.address,
         no_mac, a.address, MacAddress::broadcast());
    if (probe)
      --a.probes_left;
    else
      --a.left;
    if (a.left > 0) {
      a.timer.arm(a.interval);
      if (!probe && !settings().rfc5227) a.interval = a.interval * 2;  // as garp_rexmit does
      return;
    }
  }
  std::erase_if(announcements_, [&](const auto& other) { return other.get() == &a; });
}

// --- receiving ---------------------------------------------------------------------------------

void Arp::ether_receive(Packet packet, Ifnet& from) {
  ++counters.received;
  const auto arp = parse_arp(packet.octets());
  if (!arp) return inet_.site().note_drop(packet.id(), arp.why(), "arp");
  const bool request = arp->operation == arp_operation::request;
  ++(request ? counters.requests_received : counters.replies_received);
  const Ipv4Address sender{arp->sender_ip};
  if (arp->sender_mac == from.mac()) return;  // our own, come back over a loop or a hub
  if (arp->sender_mac.is_group() || sender.is_multicast() || from.has_flag(if_flag::noarp))
    return inet_.site().note_drop(packet.id(), drops::arp_ignored, "arp", describe(*arp));
  if (conflict(*arp, from)) return;
  const bool for_us = is_ours(from, Ipv4Address{arp->target_ip});
  if (!sender.is_any()) update_from(*arp, from, for_us);
  if (request) reply(*arp, from);
}

// Somebody uses an address of ours: FreeBSD logs it and answers, so that he learns of it too.
bool Arp::conflict(const ArpHeader& arp, Ifnet& from) {
  const Ipv4Address sender{arp.sender_ip};
  const auto probing =
      std::find_if(announcements_.begin(), announcements_.end(), [&](const auto& a) {
        const bool rival = sender.is_any() && a->address.value == arp.target_ip;
        return a->probes_left > 0 && (rival || a->address == sender);
      });
  if (probing != announcements_.end()) {  // RFC 5227 s2.1.1: the address must not be used
    const Ipv4Address taken = (*probing)->address;
    ++counters.duplicates;
    inet_.machine().log(text("arp: {} has {} on {}: address given up", to_text(arp.sender_mac),
                             to_text(taken), from.name()));
    DeleteAddress request;
    request.interface = from.name();
    request.address = taken;
    (void)inet_.delete_address(request);
    return true;
  }
  if (sender.is_any() || !inet_.is_local_on(from, sender)) return false;
  ++counters.duplicates;
  inet_.machine().log(text("arp: {} is using my IP address {} on {}!", to_text(arp.sender_mac),
                           to_text(sender), from.name()));
  if (settings().rfc5227) {
    // RFC 5227 s2.4b: defend once with an announcement.
    send(from, arp_operation::request, from.mac(), sender, no_mac, sender, MacAddress::broadcast());
  } else if (arp.operation == arp_operation::request) {
    send(from, arp_operation::reply, from.mac(), sender, arp.sender_mac, sender, arp.sender_mac);
  }
  return true;
}

// Of a bridge's members each answers for the addresses of all.
bool Arp::is_ours(const Ifnet& from, Ipv4Address address) const {
  if (inet_.is_local_on(from, address)) return true;
  const Ifnet* home = inet_.interface_of(address);
  return home && home->segment() == from.segment();
}

void Arp::update_from(const ArpHeader& arp, Ifnet& from, bool create) {
  const Ipv4Address sender{arp.sender_ip};
  Entry* entry = find(from, sender);
  if (Ifnet* home = inet_.link_of(sender); home && !inet_.on_link(from, sender)) {
    if (settings().log_arp_wrong_iface && home->segment() != from.segment())
      inet_.machine().log(text("arp: {} is on {} but got reply from {} on {}", to_text(sender),
                               home->name(), to_text(arp.sender_mac), from.name()));
    return;
  }
  if (!entry) {
    if (!create || !inet_.on_link(from, sender) || full(true)) return;
    entry = &make(from, sender);
  }
  if (entry->valid && entry->header.dest != arp.sender_mac) {
    const std::string moved =
        text("{} to {} on {}", to_text(entry->header.dest), to_text(arp.sender_mac), from.name());
    if (entry->permanent) {
      if (settings().log_arp_permanent_modify)
        inet_.machine().log(text("arp: {} attempts to modify permanent entry for {} on {}",
                                 to_text(arp.sender_mac), to_text(sender), from.name()));
      return;
    }
    if (settings().log_arp_movements)
      inet_.machine().log(text("arp: {} moved from {}", to_text(sender), moved));
  }
  if (!entry->permanent) learn(*entry, arp.sender_mac);
}

void Arp::learn(Entry& entry, MacAddress mac) {
  entry.header = {mac, entry.interface->mac(), ether_type::ipv4};
  if (!entry.valid) --unresolved_;
  entry.valid = true;
  entry.asked = 0;
  entry.preempt = settings().maxtries;
  const SimTime age(settings().max_age * 1'000'000'000);
  entry.expires = now() + age;
  entry.timer.arm(age);
  while (Packet packet = entry.held.pop()) {
    packet.prepend_header(entry.header);
    (void)entry.interface->output_frame(std::move(packet));
  }
}

void Arp::reply(const ArpHeader& arp, Ifnet& from) {
  const Ipv4Address target{arp.target_ip};
  const Ipv4Address sender{arp.sender_ip};
  MacAddress answer;
  if (is_ours(from, target)) {
    answer = from.mac();
  } else if (const Entry* entry = find(from, target); entry && entry->published) {
    answer = entry->header.dest;
  } else if (settings().proxyall && inet_.reaches_elsewhere(from, target)) {
    answer = from.mac();
  } else {
    return;
  }
  send(from, arp_operation::reply, answer, target, arp.sender_mac, sender, arp.sender_mac);
}

// --- arp(8) ------------------------------------------------------------------------------------

std::vector<ArpInfo> Arp::entries() const {
  std::vector<ArpInfo> all;
  inet_.for_each_address([&](const Ifnet& interface, const InterfaceAddress& own) {
    if (interface.has_link_addresses())
      all.push_back({.address = own.address.address,
                     .mac = interface.mac(),
                     .interface = own.interface,
                     .permanent = true});
  });
  for (const auto& [key, e] : entries_) {
    const int64_t left = (e->expires - now()).ns();
    ArpInfo info{.address = e->address,
                 .mac = {},
                 .interface = e->interface->name(),
                 .permanent = e->permanent,
                 .published = e->published,
                 .expires_s = (left + 999'999'999) / 1'000'000'000};
    if (e->valid) info.mac = e->header.dest;
    all.push_back(info);
  }
  std::stable_sort(all.begin(), all.end(), [](const ArpInfo& a, const ArpInfo& b) {
    return a.interface != b.interface ? a.interface < b.interface : a.address < b.address;
  });
  return all;
}

Result<> Arp::set(const SetArp& wanted) {
  Ifnet* interface = inet_.link_of(wanted.address);
  if (!interface || !interface->has_link_addresses()) return Errno::enetunreach;
  if (Entry* old = find(*interface, wanted.address)) erase(*old);
  Entry& entry = make(*interface, wanted.address);
  learn(entry, wanted.mac);
  entry.permanent = !wanted.temporary;
  entry.published = wanted.published;
  if (entry.permanent) entry.timer.cancel();
  return {};
}

Result<> Arp::remove(Ipv4Address address) {
  bool found = false;
  inet_.net().for_each([&](Ifnet& interface) {
    if (Entry* entry = find(interface, address)) {
      erase(*entry);
      found = true;
    }
  });
  if (!found) return Errno::enoent;
  return {};
}

}  // namespace stackyard
