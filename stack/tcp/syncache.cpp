#include "stack/tcp/syncache.h"

#include <algorithm>

#include "stack/tcp/drops.h"
#include "stack/tcp/ecn.h"
#include "stack/tcp/listener.h"
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_socket.h"

namespace stackyard {

TcpSyncache::~TcpSyncache() = default;

TcpSyncache::Entry* TcpSyncache::find(const TcpEnds& ends) {
  const auto found = entries_.find(ends);
  return found == entries_.end() ? nullptr : found->second;
}

void TcpSyncache::remove(Entry& entry) {
  entries_.erase(entry.half.ends);
  order_.erase(entry.place);
}

void TcpSyncache::forget(const TcpConnection& listener) {
  for (auto at = order_.begin(); at != order_.end();) {
    Entry& entry = *at++;
    if (entry.half.listener == &listener) remove(entry);
  }
}

size_t TcpSyncache::count_of(const TcpConnection& listener) const {
  return size_t(std::count_if(order_.begin(), order_.end(),
                              [&](const Entry& e) { return e.half.listener == &listener; }));
}

// RFC 9293 s3.10.7.2.
void TcpSyncache::segment_arrives(TcpConnection& listener, TcpSegment& segment) {
  if (segment.has(tcp_flag::rst)) return reset_arrives(segment);
  if (segment.has(tcp_flag::ack)) {
    if (segment.has(tcp_flag::syn)) {
      ++tcp_.counters.badsyn;
      tcp_.send_reset(segment);
      return tcp_.drop(segment, drops::unexpected_segment);
    }
    return ack_arrives(listener, segment);
  }
  if (segment.has(tcp_flag::syn)) return syn_arrives(listener, segment);
  tcp_.drop(segment, drops::unexpected_segment);
}

void TcpSyncache::syn_arrives(TcpConnection& listener, TcpSegment& segment) {
  const auto& s = tcp_.settings();
  if (segment.has(tcp_flag::fin) && s.drop_synfin)
    return tcp_.drop(segment, drops::unexpected_segment);
  if (Entry* known = find(segment.ends)) {
    // The same SYN again: our answer was lost, or comes yet. It may ask for less than before.
    TcpHalfOpen& half = known->half;
    ++tcp_.counters.sc_dupsyn;
    half.timestamps &= segment.options.timestamps.has_value();
    if (half.timestamps) half.ts_recent = segment.options.timestamps->value;
    half.ecn = ecn_answer(segment);
    half.retransmitted = 0;
    arm(*known);
    return respond(half);
  }
  if (int64_t(entries_.size()) >= s.syncache_limit && !order_.empty()) {
    ++tcp_.counters.sc_cacheoverflow;  // the oldest goes
    last_overflow_ = tcp_.site().now();
    remove(order_.front());
  }
  TcpHalfOpen half{.ends = segment.ends, .listener = &listener, .irs = segment.seq};
  half.iss = tcp_.initial_sequence(half.ends);
  half.ts_offset = tcp_.timestamp_offset(half.ends);
  half.window = segment.window;
  half.encaps_port = segment.encaps_port;
  half.mss = segment.options.mss.value_or(0);
  half.receive_window = uint32_t(std::min<size_t>(listener.receive_space(), 65535));
  const bool options = !listener.options.no_options;
  half.timestamps = options && tcp_.offers_timestamps() && segment.options.timestamps;
  if (half.timestamps) half.ts_recent = segment.options.timestamps->value;
  half.scaling = options && tcp_.offers_scaling() && segment.options.window_scale;
  if (half.scaling) {
    half.snd_scale = *segment.options.window_scale;
    half.rcv_scale = tcp_.window_scale_offer();
  }
  half.sack = s.sack && options && segment.options.sack_permitted;
  half.ecn = ecn_answer(segment);
  if (listener.options.fast_open && opens_fast(listener, half, segment)) return;
  if (s.syncookies) bake_cookie(half);
  if (s.syncookies && s.syncookies_only) {
    ++tcp_.counters.sc_sendcookie;
    return respond(half);
  }
  half.answered = tcp_.site().now();
  Entry& entry = order_.emplace_back(*this, tcp_.site().node(), half);
  entry.place = std::prev(order_.end());
  entries_.emplace(half.ends, &entry);
  ++tcp_.counters.sc_added;
  arm(entry);
  respond(half);
}

// RFC 7413 s4.2.2. At most half of the backlog may be such connections whose handshake is not over
// (s5.1). False: it opens as any other; the answer may have a cookie for the next time.
bool TcpSyncache::opens_fast(TcpConnection& listener, TcpHalfOpen& half, TcpSegment& segment) {
  const auto& s = tcp_.settings();
  if (!s.fastopen_server || !segment.options.has_fast_open) return false;
  TcpListener& queue = *listener.listener();
  TcpFastOpen& fast_open = tcp_.fast_open();
  if (fast_open.pending(half.ends.local.port) > queue.backlog() / 2) return false;
  const Bytes cookie = Bytes(segment.options.cookie).first(segment.options.cookie_length);
  const auto verdict =
      fast_open.check(half.ends.foreign.address, cookie, s, tcp_.site().now(), half.cookie);
  if (verdict != TcpFastOpen::Verdict::right || queue.full()) return false;
  half.fast = true;
  TcpConnection& made = tcp_.make_connection();
  queue.add(made);
  made.open_fast(half, listener, segment, half.cookie);
  listener.changed();
  return true;
}

// RFC 3168 s6.1.1; RFC 9768 s3.1.1.
uint8_t TcpSyncache::ecn_answer(const TcpSegment& syn) const {
  const int64_t mode = tcp_.settings().ecn;
  const uint8_t bits = ace::of(syn.flags, syn.accurate_bit);
  if (mode == 0 || (bits & ~ace::ae) != (ace::ece | ace::cwr)) return 0;
  return bits == ace::all && mode >= 3 ? ace::of_codepoint(syn.ecn) : ace::ece;
}

void TcpSyncache::arm(Entry& entry) {
  entry.timer.arm(TcpRtt().timeout(tcp_.rto_bounds(), entry.half.retransmitted));
}

void TcpSyncache::respond(const TcpHalfOpen& half) {
  TcpOptions options;
  if (!half.listener->options.no_options) {
    TcpSocketOptions manner = half.listener->options;
    manner.encaps_port = half.encaps_port;
    options.mss = uint16_t(tcp_.segment_size_to(half.ends.foreign.address, manner));
    if (half.scaling) options.window_scale = half.rcv_scale;
    options.sack_permitted = half.sack;
    if (half.timestamps)
      options.timestamps = {tcp_.timestamp_now() + half.ts_offset, half.ts_recent};
    options.has_fast_open = half.cookie.length > 0 && half.retransmitted == 0;
    options.cookie = half.cookie.octets;
    options.cookie_length = half.cookie.length;
  }
  options.has_signature = half.listener->options.sign;
  const Tcp::Segment answer{.ends = half.ends,
                            .seq = half.iss,
                            .ack = half.irs + 1,
                            .flags = uint8_t(tcp_flag::syn | tcp_flag::ack | ace::flags(half.ecn)),
                            .accurate_bit = (half.ecn & ace::ae) != 0,
                            .window = uint16_t(half.receive_window)};
  ++tcp_.counters.sndacks;
  ++tcp_.counters.sndtotal;
  TcpSocketOptions manner = half.listener->options;
  manner.encaps_port = half.encaps_port;
  (void)tcp_.send(tcp_.make_segment(answer, options), half.ends, manner,
                  {.signed_by_key = half.listener->options.sign, .may_fragment = half.unreachable});
}

void TcpSyncache::retransmit(Entry& entry) {
  if (entry.half.retransmitted >= tcp_.settings().syncache_rexmtlimit) {
    ++tcp_.counters.sc_stale;
    return remove(entry);
  }
  ++entry.half.retransmitted;
  // The path may be one that eats such answers (RFC 3168 s6.1.1.1).
  if (entry.half.retransmitted > tcp_.settings().ecn_maxretries) entry.half.ecn = 0;
  ++tcp_.counters.sc_retransmitted;
  arm(entry);
  respond(entry.half);
}

// syncache_chkrst: only a reset that is in its place; what is near it is challenged (RFC 5961
// s3.2).
void TcpSyncache::reset_arrives(const TcpSegment& segment) {
  tcp_.drop(segment, drops::bad_reset);
  const auto& s = tcp_.settings();
  if (s.syncookies && s.syncookies_only) return;  // nothing was kept
  Entry* entry = find(segment.ends);
  const Seq next = entry ? entry->half.irs + 1 : Seq();
  const bool within =
      entry && segment.seq >= next && segment.seq < next + entry->half.receive_window;
  if (entry && (segment.seq == next || (within && s.insecure_rst))) {
    ++tcp_.counters.sc_reset;
    return remove(*entry);
  }
  ++tcp_.counters.badrst;
  if (within) challenge(entry->half);
}

void TcpSyncache::challenge(const TcpHalfOpen& half) {
  TcpOptions options;
  if (half.timestamps) options.timestamps = {tcp_.timestamp_now() + half.ts_offset, half.ts_recent};
  options.has_signature = half.listener->options.sign;
  const Tcp::Segment ack{.ends = half.ends,
                         .seq = half.iss + 1,
                         .ack = half.irs + 1,
                         .flags = tcp_flag::ack,
                         .window = uint16_t(half.receive_window >> half.rcv_scale)};
  ++tcp_.counters.sndacks;
  ++tcp_.counters.sndtotal;
  TcpSocketOptions manner = half.listener->options;
  manner.encaps_port = half.encaps_port;
  (void)tcp_.send(tcp_.make_segment(ack, options), half.ends, manner,
                  {.signed_by_key = half.listener->options.sign});
}

// The third segment of the handshake makes the connection.
void TcpSyncache::ack_arrives(TcpConnection& listener, TcpSegment& segment) {
  Entry* entry = find(segment.ends);
  if (entry && entry->half.encaps_port != segment.encaps_port)
    return tcp_.drop(segment, drops::unexpected_segment);
  if (!entry) {
    if (auto half = taste_cookie(listener, segment)) {
      half->encaps_port = segment.encaps_port;
      ++tcp_.counters.sc_recvcookie;
      return complete(listener, *half, segment);
    }
  }
  const bool fits = entry && segment.ack == entry->half.iss + 1 &&
                    segment.seq >= entry->half.irs + 1 &&
                    segment.seq < entry->half.irs + 1 + std::max(entry->half.receive_window, 1u);
  if (!fits) {
    // One guess only (syncache_expand).
    if (entry) remove(*entry);
    ++tcp_.counters.sc_badack;
    ++tcp_.counters.badsyn;
    tcp_.send_reset(segment);
    return tcp_.drop(segment, drops::unexpected_segment);
  }
  if (entry->half.timestamps && !segment.options.timestamps && !tcp_.settings().tolerate_missing_ts)
    return tcp_.drop(segment, drops::no_timestamp);
  // RFC 7323 s5.3: not older than the SYN's.
  if (entry->half.timestamps && segment.options.timestamps &&
      int32_t(segment.options.timestamps->value - entry->half.ts_recent) < 0)
    return tcp_.drop(segment, drops::old_timestamp);
  const TcpHalfOpen half = entry->half;
  remove(*entry);
  complete(listener, half, segment);
}

void TcpSyncache::complete(TcpConnection& listener, const TcpHalfOpen& known, TcpSegment& segment) {
  TcpListener& queue = *listener.listener();
  if (queue.full()) {
    ++tcp_.counters.listendrop;
    ++tcp_.counters.sc_aborted;
    if (tcp_.settings().syncache_rst_on_sock_fail) tcp_.send_reset(segment);
    return tcp_.drop(segment, drops::listen_overflow);
  }
  TcpHalfOpen half = known;
  half.window = segment.window << half.snd_scale;
  TcpConnection& made = tcp_.make_connection();
  made.open_from(half, listener);
  const bool filtered = listener.options.accept_filter != TcpAcceptFilter::none;
  if (filtered)
    queue.hold(made);
  else
    queue.add(made);
  ++tcp_.counters.sc_completed;
  made.segment_arrives(segment);
  if (filtered) return tcp_.settle(made);
  // Nobody may have it yet, and still it can be over: accept(2) will tell.
  listener.changed();
}

// ICMP about our answer: the peer is not there (syncache_unreach).
void TcpSyncache::path_event(const TcpEnds& ends, const PathEvent& event, Seq quoted) {
  Entry* entry = find(ends);
  if (!entry || quoted != entry->half.iss || event.kind == PathEventKind::too_big) return;
  // Not at the first: it may be a passing trouble, or a packet that was too large.
  const bool heard_before = std::exchange(entry->half.unreachable, true);
  if (!heard_before || entry->half.retransmitted < 3) return;
  ++tcp_.counters.sc_unreach;
  remove(*entry);
}

}  // namespace stackyard
