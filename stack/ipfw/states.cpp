#include "stack/ipfw/detail/states.h"

#include <algorithm>

#include "core/wire/transport/tcp.h"

namespace stackyard::ipfw {

namespace {

constexpr uint32_t syn = tcp_flag::syn, fin = tcp_flag::fin, rst = tcp_flag::rst;
constexpr uint32_t both(uint32_t flag) { return flag | flag << 8; }

Ipv6Address widened(const PacketView& view, bool source) {
  if (view.version == 6) return source ? view.source6 : view.dest6;
  Ipv6Address a;
  const uint32_t value = source ? view.source4 : view.dest4;
  for (size_t i = 0; i < 4; ++i) a.octets[12 + i] = uint8_t(value >> (24 - 8 * i));
  return a;
}

bool established(const State& s) {
  return s.protocol == ip_protocol::tcp && (s.flags & both(syn)) == both(syn) &&
         (s.flags & (both(fin) | both(rst))) == 0;
}

}  // namespace

// The same from both sides. Keyed, so that nobody fills one bucket.
uint64_t States::hash(const Ipv6Address& a, uint16_t a_port, const Ipv6Address& b, uint16_t b_port,
                      uint8_t protocol) const {
  const uint64_t one = mix(a.high() ^ mix(a.low() + a_port + secret_));
  const uint64_t other = mix(b.high() ^ mix(b.low() + b_port + secret_));
  return mix((one ^ other) + protocol + secret_);
}

uint32_t& States::bucket(const State& s) {
  const uint64_t h = hash(s.source, s.source_port, s.dest, s.dest_port, s.protocol);
  return buckets_[h & (buckets_.size() - 1)];
}

States::Hit States::find(const PacketView& view, uint16_t name) {
  if (count_ == 0 || view.version == 0) return {};
  const Ipv6Address source = widened(view, true), dest = widened(view, false);
  const uint64_t h = hash(source, view.source_port, dest, view.dest_port, view.protocol);
  const uint32_t now = uint32_t(seconds());
  for (uint32_t at = buckets_[h & (buckets_.size() - 1)]; at != State::none;) {
    State& s = states_[at];
    at = s.chain;
    if (s.protocol != view.protocol || s.version != view.version ||
        s.kind == StateInfo::Kind::parent || (name != 0 && s.name != name))
      continue;
    const bool forward = s.source == source && s.dest == dest &&
                         s.source_port == view.source_port && s.dest_port == view.dest_port;
    const bool reverse = !forward && s.source == dest && s.dest == source &&
                         s.source_port == view.dest_port && s.dest_port == view.source_port;
    if (!forward && !reverse) continue;
    if (s.expires_s <= now) continue;
    return {&s, forward};
  }
  return {};
}

// When both sides have been heard, a connection lives as long as its acknowledgments go on; one
// that is older than the last is no sign of life.
void States::note(const Hit& hit, const PacketView& view, const StateSettings& settings) {
  State& s = *hit.state;
  ++s.packets;
  s.octets += view.length;
  const uint32_t now = uint32_t(seconds());
  const auto live = [&](int64_t lifetime) { s.expires_s = now + uint32_t(lifetime); };
  if (s.protocol == ip_protocol::udp) return live(settings.udp_lifetime);
  if (s.protocol != ip_protocol::tcp || !view.transport) return live(settings.short_lifetime);
  const uint32_t flags = view.tcp_flags & (syn | fin | rst);
  s.flags |= hit.forward ? flags : flags << 8;
  const uint32_t seen = s.flags & (both(syn) | both(fin) | both(rst));
  if (seen & both(rst)) {
    // A life shorter than the interval of keepalives: none is sent any more.
    return live(std::min<int64_t>(settings.rst_lifetime, keepalive_every_s - 1));
  }
  if (seen == syn) return live(settings.syn_lifetime);
  if (seen == (both(syn) | both(fin)))
    return live(std::min<int64_t>(settings.fin_lifetime, keepalive_every_s - 1));
  // Under way before the rule was, or nonsense.
  if ((seen & both(syn)) != both(syn))
    return live(std::min<int64_t>(settings.rst_lifetime, keepalive_every_s - 1));
  if (!(view.tcp_flags & tcp_flag::ack)) return;
  uint32_t& last = hit.forward ? s.ack_forward : s.ack_reverse;
  bool& heard = hit.forward ? s.seen_forward : s.seen_reverse;
  if (heard && int32_t(view.ack - last) < 0) return;
  last = view.ack;
  heard = true;
  live(settings.ack_lifetime);
}

// --- making and removing -------------------------------------------------------------------------

void States::grow() {
  const size_t size = buckets_.empty() ? 256 : buckets_.size() * 2;
  buckets_.assign(size, State::none);
  for (uint32_t at = 0; at < states_.size(); ++at) {
    State& s = states_[at];
    if (s.version == 0) continue;
    uint32_t& head = bucket(s);
    s.chain = std::exchange(head, at);
  }
}

uint32_t States::make(const State& state) {
  uint32_t at = free_;
  if (at != State::none) {
    free_ = states_[at].chain;
  } else {
    at = uint32_t(states_.size());
    states_.emplace_back();
  }
  State& s = states_[at];
  s = state;
  s.serial = ++serial_;
  if (++count_ == 1) ticked_s_ = uint32_t(seconds());
  if (s.kind == StateInfo::Kind::parent) ++parents_;
  if (count_ > buckets_.size()) {
    grow();
  } else {
    uint32_t& head = bucket(s);
    s.chain = std::exchange(head, at);
  }
  set_wheel(at, next_look(s));
  return at;
}

void States::unlink(uint32_t at) {
  uint32_t* link = &bucket(states_[at]);
  while (*link != at) link = &states_[*link].chain;
  *link = states_[at].chain;
}

void States::destroy(uint32_t at) {
  State& s = states_[at];
  unlink(at);
  leave_wheel(at);
  if (s.parent != State::none && --states_[s.parent].count == 0)
    states_[s.parent].expires_s = uint32_t(seconds()) + 1;
  if (s.kind == StateInfo::Kind::parent) --parents_;
  --count_;
  s = State{};
  s.chain = std::exchange(free_, at);
}

Install States::install(const PacketView& view, StoredRule& rule, uint16_t name, Limit limit,
                        const StateSettings& settings) {
  if (const Hit there = find(view, name); there.state) {
    note(there, view, settings);
    return Install::done;
  }
  if (int64_t(count_ - parents_) >= settings.max) return Install::full;
  State s;
  s.source = widened(view, true);
  s.dest = widened(view, false);
  s.source_port = view.source_port;
  s.dest_port = view.dest_port;
  s.protocol = view.protocol;
  s.version = view.version;
  s.name = name;
  s.rule = &rule;
  s.expires_s = uint32_t(seconds()) + uint32_t(settings.syn_lifetime);
  if (limit.mask != 0) {
    s.kind = StateInfo::Kind::limit;
    s.parent = parent_for(s, limit, settings);
    if (s.parent == State::none) return Install::full;
    if (states_[s.parent].count >= limit.most) return Install::limit_reached;
    ++states_[s.parent].count;
  }
  const uint32_t at = make(s);
  note({&states_[at], true}, view, settings);
  set_wheel(at, next_look(states_[at]));
  return Install::done;
}

// What the conversations have in common that are counted together.
uint32_t States::parent_for(const State& child, Limit limit, const StateSettings& settings) {
  State key = child;
  if (!(limit.mask & limit_bit::src_addr)) key.source = {};
  if (!(limit.mask & limit_bit::dst_addr)) key.dest = {};
  if (!(limit.mask & limit_bit::src_port)) key.source_port = 0;
  if (!(limit.mask & limit_bit::dst_port)) key.dest_port = 0;
  key.kind = StateInfo::Kind::parent;
  key.parent = State::none;
  const uint32_t there = find_parent(key);
  if (there != State::none) return there;
  if (int64_t(parents_) >= settings.parent_max) return State::none;
  key.expires_s = uint32_t(seconds()) + uint32_t(settings.short_lifetime);
  return make(key);
}

uint32_t States::find_parent(const State& key) {
  if (buckets_.empty()) return State::none;
  for (uint32_t at = bucket(key); at != State::none; at = states_[at].chain) {
    const State& s = states_[at];
    if (s.kind == StateInfo::Kind::parent && s.rule == key.rule && s.name == key.name &&
        s.protocol == key.protocol && s.version == key.version && s.source == key.source &&
        s.dest == key.dest && s.source_port == key.source_port && s.dest_port == key.dest_port)
      return at;
  }
  return State::none;
}

size_t States::remove_of(const StoredRule& rule) {
  size_t removed = 0;
  for (uint32_t at = 0; at < states_.size(); ++at)
    if (states_[at].version != 0 && states_[at].rule == &rule &&
        states_[at].kind != StateInfo::Kind::parent) {
      destroy(at);
      ++removed;
    }
  for (uint32_t at = 0; at < states_.size(); ++at)
    if (states_[at].version != 0 && states_[at].rule == &rule) destroy(at);
  return removed;
}

void States::forget(const StoredRule& rule, StoredRule* instead) {
  if (!instead) {
    (void)remove_of(rule);
    return;
  }
  for (State& s : states_)
    if (s.version != 0 && s.rule == &rule) s.rule = instead;
}

void States::clear() {
  timer_.cancel();
  states_ = {};
  buckets_ = {};
  wheel_.reset();
  free_ = State::none;
  count_ = parents_ = 0;
}

std::vector<const State*> States::sorted() const {
  std::vector<const State*> all;
  for (const State& s : states_)
    if (s.version != 0) all.push_back(&s);
  std::sort(all.begin(), all.end(),
            [](const State* a, const State* b) { return a->serial < b->serial; });
  return all;
}

// --- expiry --------------------------------------------------------------------------------------

// The second when a state may be due: to end, or for a keepalive.
uint32_t States::next_look(const State& s) const {
  const uint32_t now = uint32_t(seconds());
  uint32_t at = s.expires_s;
  if (keepalive_ && established(s)) {
    at = s.expires_s > keepalive_before_s ? s.expires_s - keepalive_before_s : 0;
    if (at <= now) at = std::min(now + keepalive_every_s, s.expires_s);
  }
  return std::clamp(at, now + 1, now + wheel_slots - 1);
}

void States::set_wheel(uint32_t at, uint32_t second) {
  if (!wheel_) {
    wheel_ = std::make_unique<uint32_t[]>(wheel_slots);
    std::fill_n(wheel_.get(), wheel_slots, State::none);
  }
  leave_wheel(at);
  State& s = states_[at];
  s.wheel_slot = uint16_t(second % wheel_slots);
  uint32_t& head = wheel_[s.wheel_slot];
  s.wheel_next = head;
  s.wheel_previous = at;  // itself: it is the first
  if (head != State::none) states_[head].wheel_previous = at;
  head = at;
  const SimTime due = SimTime(int64_t(second) * 1'000'000'000);
  if (!timer_.armed() || timer_.deadline() > due) timer_.arm(due - site_.now());
}

void States::leave_wheel(uint32_t at) {
  State& s = states_[at];
  if (s.wheel_previous == State::none) return;
  if (s.wheel_previous == at)
    wheel_[s.wheel_slot] = s.wheel_next;
  else
    states_[s.wheel_previous].wheel_next = s.wheel_next;
  if (s.wheel_next != State::none)
    states_[s.wheel_next].wheel_previous = s.wheel_previous == at ? s.wheel_next : s.wheel_previous;
  s.wheel_next = s.wheel_previous = State::none;
}

void States::look(uint32_t at) {
  State& s = states_[at];
  const uint32_t now = uint32_t(seconds());
  if (s.kind == StateInfo::Kind::parent && s.count > 0) {
    set_wheel(at, now + wheel_slots - 1);
    return;
  }
  if (s.expires_s <= now) return destroy(at);
  if (keepalive_ && established(s) && s.expires_s <= now + keepalive_before_s) {
    sender_.send_keepalive(s);
  }
  set_wheel(at, next_look(states_[at]));
}

void States::tick() {
  const uint32_t now = uint32_t(seconds());
  for (uint32_t second = std::max(ticked_s_ + 1, now - std::min(now, wheel_slots - 1));
       second <= now; ++second) {
    // What is put off goes to later slots, so that this one empties.
    uint32_t at = std::exchange(wheel_[second % wheel_slots], State::none);
    std::vector<uint32_t> due;
    for (; at != State::none; at = states_[at].wheel_next) due.push_back(at);
    for (const uint32_t each : due)
      states_[each].wheel_next = states_[each].wheel_previous = State::none;
    for (const uint32_t each : due) look(each);
  }
  ticked_s_ = now;
  arm();
}

void States::arm() {
  if (count_ == 0) return;
  const uint32_t now = uint32_t(seconds());
  for (uint32_t ahead = 1; ahead < wheel_slots; ++ahead) {
    if (wheel_[(now + ahead) % wheel_slots] == State::none) continue;
    timer_.cancel();
    timer_.arm(SimTime(int64_t(now + ahead) * 1'000'000'000) - site_.now());
    return;
  }
}

}  // namespace stackyard::ipfw
