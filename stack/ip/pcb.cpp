#include "stack/ip/pcb.h"

#include "core/base/check.h"
#include "stack/ip/ip_stack.h"

namespace stackyard {

namespace {

uint64_t hash_port(const Pcb& pcb) { return pcb.local().port; }

uint64_t hash_end(const Endpoint& end) {
  const uint64_t h = end.address.hash() + end.port * 0xd6e8feb86659fd93u;
  return h ^ h >> 32;
}
uint64_t hash_bound(const Pcb& pcb) { return hash_end(pcb.local()); }

uint64_t hash_ends(const Endpoint& local, const Endpoint& foreign) {
  const uint64_t h = local.address.hash() * 31 + foreign.address.hash() +
                     (uint64_t(foreign.port) << 16 | local.port) * 0xd6e8feb86659fd93u;
  return h ^ h >> 32;
}
uint64_t hash_connected(const Pcb& pcb) { return hash_ends(pcb.local(), pcb.foreign()); }

}  // namespace

Pcb::~Pcb() { check(!table_, "a block leaves its table before it ends"); }

// --- chains ------------------------------------------------------------------------------------

void PcbHash::insert(Pcb& pcb, uint64_t hash, uint64_t (*hash_of)(const Pcb&)) {
  if (count_ >= size_) grow(hash_of);
  ++count_;
  Pcb*& head = buckets_[hash & (size_ - 1)];
  PcbLink& own = pcb.*link_;
  own.next = head;
  own.previous = &head;
  if (head) (head->*link_).previous = &own.next;
  head = &pcb;
}

void PcbHash::remove(Pcb& pcb) {
  PcbLink& own = pcb.*link_;
  *own.previous = own.next;
  if (own.next) (own.next->*link_).previous = own.previous;
  own.previous = nullptr;
  --count_;
}

// Twice as many chains; those in one keep their order.
void PcbHash::grow(uint64_t (*hash_of)(const Pcb&)) {
  const uint32_t size = size_ == 0 ? 4 : size_ * 2;
  auto buckets = std::make_unique<Pcb*[]>(size);
  const auto ends = std::make_unique<Pcb**[]>(size);
  for (uint32_t i = 0; i < size; ++i) ends[i] = &buckets[i];
  for (uint32_t i = 0; i < size_; ++i) {
    for (Pcb* pcb = buckets_[i]; pcb;) {
      PcbLink& own = pcb->*link_;
      Pcb* const next = own.next;
      Pcb**& end = ends[hash_of(*pcb) & (size - 1)];
      own.next = nullptr;
      own.previous = end;
      *end = pcb;
      end = &own.next;
      pcb = next;
    }
  }
  buckets_ = std::move(buckets);
  size_ = size;
}

// --- the table ---------------------------------------------------------------------------------

PcbTable::PcbTable(IpStack& ip, std::string_view purpose)
    : ip_(ip),
      random_(ip.net().vnet().random(purpose)),
      ports_(&Pcb::by_port_),
      bound_(&Pcb::by_end_),
      connected_(&Pcb::by_end_) {}

PcbTable::~PcbTable() = default;

void PcbTable::enter(Pcb& pcb) {
  check(!pcb.table_, "a block is in one table, once");
  pcb.table_ = this;
  ports_.insert(pcb, hash_port(pcb), hash_port);
  if (pcb.connected_)
    connected_.insert(pcb, hash_connected(pcb), hash_connected);
  else
    bound_.insert(pcb, hash_bound(pcb), hash_bound);
}

void PcbTable::remove(Pcb& pcb) {
  if (!pcb.table_) return;
  full_ports_ = 0;
  ports_.remove(pcb);
  (pcb.connected_ ? connected_ : bound_).remove(pcb);
  pcb.table_ = nullptr;
}

// in_pcbbind_setup's rules: without options of its own a socket wants the port for itself, from
// whoever could get its packets; with SO_REUSEADDR only from the same address; and SO_REUSEPORT of
// both lets even that.
bool PcbTable::taken(const Pcb& pcb, const Endpoint& local) const {
  const bool group = local.address.is_multicast();
  const bool share = pcb.reuse_port || (group && pcb.reuse_address);
  const bool exact = pcb.reuse_address || pcb.reuse_port || pcb.reuse_port_balanced;
  bool taken = false;
  for_each_at(local.port, [&](const Pcb& other) {
    if (taken || &other == &pcb) return;
    const bool both_4 = speaks(pcb.family, IpFamily::v4) && speaks(other.family, IpFamily::v4);
    const bool both_6 = speaks(pcb.family, IpFamily::v6) && speaks(other.family, IpFamily::v6);
    if (!both_4 && !both_6) return;
    const bool same = local.address == other.local_.address ||
                      (local.address.is_any() && other.local_.address.is_any());
    const bool any = local.address.is_any() || other.local_.address.is_any();
    if (exact ? !same || other.connected_ : !same && !any) return;
    if (other.lingers && exact) return;
    const bool shared = (share && (other.reuse_port || (group && other.reuse_address))) ||
                        (pcb.reuse_port_balanced && other.reuse_port_balanced);
    taken = !shared;
  });
  return taken;
}

// RFC 6056 s3.3.1: random, then the next that is free. A port that is used serves again for
// another foreign end.
Result<uint16_t> PcbTable::free_port(const Pcb& pcb, const IpAddress& local,
                                     const Endpoint* foreign) {
  const IpSettings& s = ip_.settings();
  const int64_t first = std::min(s.portrange_first, s.portrange_last);
  const int64_t count = std::max(s.portrange_first, s.portrange_last) - first + 1;
  const int64_t start = s.portrange_randomized ? int64_t(random_.below(uint64_t(count)))
                                               : int64_t(next_port_++ % uint64_t(count));
  const bool full = full_first_ == first && full_ports_ == count;
  for (int64_t i = 0; !full && i < count; ++i) {
    const uint16_t port = uint16_t(first + (start + i) % count);
    if (!port_in_use(port)) return port;
  }
  full_first_ = first;
  full_ports_ = count;
  for (int64_t i = 0; foreign && i < count; ++i) {
    const uint16_t port = uint16_t(first + (start + i) % count);
    bool listening = false;
    for_each_at(port, [&](const Pcb& other) { listening |= !other.connected_ && &other != &pcb; });
    if (!listening && !lookup_connected({local, port}, *foreign)) return port;
  }
  return Errno::eaddrnotavail;
}

Result<> PcbTable::bind(Pcb& pcb, Endpoint local) {
  check(!pcb.table_, "a block is bound once");
  TRY(ip_.confine(pcb.jail, local.address));
  if (!local.address.is_any()) {
    IpOutput* output = ip_.output(local.address.family());
    if (!output) return Errno::eaddrnotavail;
    if (!pcb.bind_any) TRY(output->may_bind(local.address));
  }
  if (local.port == 0)
    local.port = TRY(free_port(pcb, local.address, nullptr));
  else if (taken(pcb, local))
    return Errno::eaddrinuse;
  pcb.local_ = local;
  enter(pcb);
  return {};
}

Result<> PcbTable::connect(Pcb& pcb, const IpAddress& local, const Endpoint& foreign) {
  Endpoint own{local, pcb.local_.port};
  if (own.port == 0)
    own.port = TRY(free_port(pcb, local, &foreign));
  else if (lookup_connected(own, foreign))
    return Errno::eaddrinuse;
  remove(pcb);
  pcb.local_ = own;
  pcb.foreign_ = foreign;
  pcb.connected_ = true;
  enter(pcb);
  return {};
}

Result<> PcbTable::insert_connected(Pcb& pcb, const Endpoint& local, const Endpoint& foreign) {
  pcb.local_.port = local.port;
  return connect(pcb, local.address, foreign);
}

void PcbTable::disconnect(Pcb& pcb, const IpAddress& local) {
  remove(pcb);
  pcb.local_.address = local;
  pcb.foreign_ = {};
  pcb.connected_ = false;
  if (pcb.bound()) enter(pcb);
}

// --- finding -----------------------------------------------------------------------------------

Pcb* PcbTable::lookup_connected(const Endpoint& local, const Endpoint& foreign) const {
  for (Pcb* pcb = connected_.first(hash_ends(local, foreign)); pcb; pcb = pcb->by_end_.next)
    if (pcb->local_ == local && pcb->foreign_ == foreign) return pcb;
  return nullptr;
}

// Of the blocks bound to `where`: one of a jail that has `dest` before others, then one of this
// family alone, then the newest; members of a balanced group take turns by the foreign end.
Pcb* PcbTable::best_at(const Endpoint& where, const IpAddress& dest,
                       const Endpoint& foreign) const {
  Pcb* best = nullptr;
  int best_score = -1;
  uint32_t members = 0;
  const auto score_of = [&](const Pcb& pcb) {
    const bool fits = pcb.local_.port == where.port && speaks(pcb.family, dest.family()) &&
                      (pcb.local_.address == where.address ||
                       (where.address.is_any() && pcb.local_.address.is_any()));
    if (!fits || (pcb.jail != 0 && !ip_.allows(pcb.jail, dest))) return -1;
    return (pcb.jail != 0 ? 2 : 0) + (pcb.family != PcbFamily::both);
  };
  const uint64_t hash = hash_end(where);
  for (Pcb* pcb = bound_.first(hash); pcb; pcb = pcb->by_end_.next) {
    const int score = score_of(*pcb);
    if (score > best_score) {
      best = pcb;
      best_score = score;
      members = 0;
    }
    if (score == best_score && score >= 0 && pcb->reuse_port_balanced) ++members;
  }
  if (!best || !best->reuse_port_balanced || members < 2) return best;
  uint32_t turn = uint32_t(hash_end(foreign) % members);
  for (Pcb* pcb = best; pcb; pcb = pcb->by_end_.next)
    if (pcb->reuse_port_balanced && score_of(*pcb) == best_score && turn-- == 0) return pcb;
  return best;
}

Pcb* PcbTable::lookup_bound(const Endpoint& local, const Endpoint& foreign) const {
  if (Pcb* pcb = best_at(local, local.address, foreign)) return pcb;
  return best_at({IpAddress::any(local.address.family()), local.port}, local.address, foreign);
}

Pcb* PcbTable::lookup(const Endpoint& local, const Endpoint& foreign) const {
  if (Pcb* pcb = lookup_connected(local, foreign)) return pcb;
  return lookup_bound(local, foreign);
}

bool PcbTable::may_hear(const Pcb& pcb, const Endpoint& local, const Endpoint& foreign) {
  if (!speaks(pcb.family, local.address.family())) return false;
  if (!pcb.local_.address.is_any() && pcb.local_.address != local.address) return false;
  return !pcb.connected_ || pcb.foreign_ == foreign;
}

}  // namespace stackyard
