#include "stack/tcp/rack.h"

#include <algorithm>

#include "stack/tcp/congestion/congestion.h"
#include "stack/tcp/functions.h"

namespace stackyard {

namespace {

constexpr uint32_t dup_thresh = 3;
constexpr uint32_t persist_recoveries = 16;  // RFC 8985 s6.2, step 4
constexpr TcpFunctionBlock blocks[] = {
    {"freebsd", false, nullptr}, {"rack", true, nullptr}, {"bbr", true, &bbr_record}};

}  // namespace

std::span<const TcpFunctionBlock> tcp_function_blocks() { return blocks; }

std::optional<uint8_t> find_tcp_functions(std::string_view name) {
  for (uint8_t i = 0; i < std::size(blocks); ++i)
    if (name == blocks[i].name) return i;
  return std::nullopt;
}

// --- the order of time -------------------------------------------------------------------------

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
  put_last(ring_.push({now, part.begin, part.end, none, none, false, false, false}));
}

void TcpRack::sent_again(SackBlock part, SimTime now) {
  ring_.again(part, [&](uint32_t i) {
    take_out(i);
    at(i).time = now;
    at(i).again = true;
    put_last(i);
  });
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
  ring_.acked(una, [&](uint32_t i) {
    take_out(i);
    if (at(i).done)
      --done_count_;
    else
      delivered(at(i), heard);
  });
}

void TcpRack::sacked(SackBlock part, const Heard& heard) {
  ring_.sacked(part, [&](uint32_t i) {
    take_out(i);
    ++done_count_;
    delivered(at(i), heard);
  });
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
  for (uint32_t i = ring_.head(); i != ring_.tail(); ++i) {
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
  ring_.clear();
  oldest_ = newest_ = none;
  done_count_ = 0;
  reorder_due = probe_due = SimTime::max();
  probing = false;
  timer.cancel();
}

}  // namespace stackyard
