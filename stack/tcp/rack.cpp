#include "stack/tcp/rack.h"

#include <algorithm>

#include "stack/tcp/functions.h"

namespace stackyard {

namespace {

constexpr uint32_t dup_thresh = 3;
constexpr uint32_t persist_recoveries = 16;  // RFC 8985 s6.2, step 4
constexpr TcpFunctionBlock blocks[] = {{"freebsd", false}, {"rack", true}};

}  // namespace

std::span<const TcpFunctionBlock> tcp_function_blocks() { return blocks; }

std::optional<uint8_t> find_tcp_functions(std::string_view name) {
  for (uint8_t i = 0; i < std::size(blocks); ++i)
    if (name == blocks[i].name) return i;
  return std::nullopt;
}

// --- the order of time -------------------------------------------------------------------------

void TcpRack::grow() {
  std::vector<Sent> more(std::max<size_t>(ring_.size() * 2, 16));
  for (uint32_t i = head_; i != tail_; ++i) more[i & (more.size() - 1)] = at(i);
  ring_ = std::move(more);
}

void TcpRack::put_last(uint32_t index) {
  Sent& s = at(index);
  s.earlier = newest_;
  s.later = none;
  s.listed = true;
  (newest_ == none ? oldest_ : at(newest_).later) = index;
  newest_ = index;
}

void TcpRack::take_out(uint32_t index) {
  Sent& s = at(index);
  if (!s.listed) return;
  (s.earlier == none ? oldest_ : at(s.earlier).later) = s.later;
  (s.later == none ? newest_ : at(s.later).earlier) = s.earlier;
  s.listed = false;
}

void TcpRack::sent(SackBlock part, SimTime now) {
  if (head_ == tail_) head_ = tail_ = 0;
  if (tail_ - head_ == ring_.size()) grow();
  at(tail_) = {now, part.begin, part.end, none, none, false, false, false};
  put_last(tail_++);
}

// The first whose end is behind `begin`.
uint32_t TcpRack::find(Seq begin) const {
  uint32_t low = head_, high = tail_;
  while (low != high) {
    const uint32_t middle = low + (high - low) / 2;
    if (at(middle).end <= begin)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// A segment counts as sent again with its last octet.
void TcpRack::sent_again(SackBlock part, SimTime now) {
  for (uint32_t i = find(part.begin); i != tail_ && at(i).end <= part.end; ++i) {
    Sent& s = at(i);
    if (s.done) continue;
    take_out(i);
    s.time = now;
    s.again = true;
    put_last(i);
  }
}

// --- what arrived ------------------------------------------------------------------------------

// RFC 8985 s6.2, steps 2 and 3.
void TcpRack::delivered(Sent& s, const Heard& heard) {
  const SimTime rtt = heard.now - s.time;
  if (s.again) {
    // It may be the first copy that arrived: then its echo is older, or it came too soon.
    if (heard.has_echo && int32_t(heard.echo_ms - uint32_t(s.time.ms())) < 0) return;
    if (rtt < heard.least_rtt) return;
  }
  if (before(latest_time_, latest_end_, s.time, s.end)) {
    latest_time_ = s.time;
    latest_end_ = s.end;
    latest_rtt_ = rtt;
  }
  if (!furthest_known_ || furthest_ < s.end) {
    furthest_ = s.end;
    furthest_known_ = true;
  } else if (s.end < furthest_ && !s.again) {
    reordering_seen_ = true;
  }
}

void TcpRack::acked(Seq una, const Heard& heard) {
  while (head_ != tail_ && at(head_).end <= una) {
    Sent& s = at(head_);
    take_out(head_);
    if (s.done)
      --done_count_;
    else
      delivered(s, heard);
    ++head_;
  }
  if (head_ != tail_ && at(head_).begin < una) at(head_).begin = una;
}

void TcpRack::sacked(SackBlock part, const Heard& heard) {
  for (uint32_t i = find(part.begin); i != tail_ && at(i).begin < part.end; ++i) {
    Sent& s = at(i);
    if (s.done) continue;
    // Of a part the rest is what may be lost; of a middle nothing is known.
    if (s.begin < part.begin) {
      if (s.end <= part.end) s.end = part.begin;
      continue;
    }
    if (s.end > part.end) {
      s.begin = part.end;
      continue;
    }
    take_out(i);
    s.done = true;
    ++done_count_;
    delivered(s, heard);
  }
}

// --- how long to wait for what may only be late ------------------------------------------------

// Wider for each round in which the peer says that something came twice: it was not lost.
void TcpRack::adapt(bool duplicate_reported, Seq una, Seq nxt) {
  if (round_has_duplicate_ && una >= duplicate_round_) round_has_duplicate_ = false;
  if (round_has_duplicate_ || !duplicate_reported) return;
  round_has_duplicate_ = true;
  duplicate_round_ = nxt;
  ++window_factor_;
  window_persist_ = persist_recoveries;
}

void TcpRack::recovery_over() {
  if (window_persist_ > 0) --window_persist_;
  if (window_persist_ == 0) window_factor_ = 1;
}

SimTime TcpRack::reordering_window(const Rtt& rtt, bool recovering) const {
  if (!reordering_seen_ && (recovering || done_count_ >= dup_thresh)) return {};
  const SimTime share = SimTime(rtt.least.ns() >> rtt.shift);
  return std::min(share * int64_t(window_factor_), rtt.smoothed);
}

// --- beginning anew ----------------------------------------------------------------------------

void TcpRack::forgive() {
  // Those that were taken out as lost are older than all others, and in the order of sequence.
  const uint32_t first = oldest_;
  uint32_t last = none;
  for (uint32_t i = head_; i != tail_; ++i) {
    Sent& s = at(i);
    if (s.done || s.listed) continue;
    s.listed = true;
    s.earlier = last;
    s.later = first;
    (last == none ? oldest_ : at(last).later) = i;
    last = i;
  }
  if (last == none) return;
  (first == none ? newest_ : at(first).earlier) = last;
}

void TcpRack::clear() {
  head_ = tail_;
  oldest_ = newest_ = none;
  done_count_ = 0;
  reorder_due = probe_due = SimTime::max();
  probing = false;
  timer.cancel();
}

}  // namespace stackyard
