// stack/tcp/rack_acks.cpp - what a connection does with RACK-TLP's findings (RFC 8985 s6, s7).
#include <algorithm>

#include "stack/tcp/functions.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

// s3: needs SACK. What is outstanding when a connection is switched counts as sent now.
void TcpConnection::begin_functions() {
  const bool by_time = tcp_function_blocks()[options.functions].by_time && sack_;
  if (!by_time) {
    if (parts_) parts_->rack.reset();
    return;
  }
  if (rack() || state_ < TcpState::established || state_ == TcpState::time_wait) return;
  parts().rack =
      std::make_unique<TcpRack>(tcp_.site().node(), Timer::call<&TcpConnection::rack_due>, this);
  for (Seq at = snd_una_; at < snd_nxt_; at += window_.mss)
    rack()->sent({at, seq_min(at + window_.mss, snd_nxt_)}, tcp_.site().now());
}

void TcpConnection::end_functions() {
  if (parts_) {
    parts_->rack.reset();
    parts_->delivery.reset();
  }
  congestion_.reset();
}

TcpRack::Heard TcpConnection::rack_heard(const TcpSegment& segment) const {
  TcpRack::Heard heard{.now = tcp_.site().now(), .least_rtt = rtt_.least()};
  if (timestamps_ && segment.options.timestamps) {
    heard.has_echo = true;
    heard.echo_ms = segment.options.timestamps->echo - ts_offset_;
  }
  return heard;
}

void TcpConnection::rack_ack(const TcpSegment& segment, uint32_t delivered, bool advanced) {
  rack()->adapt(reports_duplicate(segment), snd_una_, snd_nxt_);
  const bool lost = detect_losses();
  end_probe(segment, advanced);
  if (lost && recovery_ == Recovery::none) enter_recovery();
  // RFC 6937bis s6, safeACK: not when there is more bad news.
  if (recovery_ == Recovery::fast) reduce_rate(delivered, advanced && !lost);
  rack()->restart_probe |= advanced || delivered > 0;
}

SimTime TcpConnection::reordering_window() const {
  const unsigned shift = unsigned(tcp_.settings().rack_reorder_thresh);
  return rack()->reordering_window({rtt_.least(), rtt_.smoothed(), shift},
                                   recovery_ != Recovery::none);
}

void TcpConnection::lose_range(SackBlock part, uint32_t& lost) {
  lost += scoreboard().range_is_lost(part, size_t(tcp_.settings().sack_maxholes));
}

// s6.2, step 5. True: there is something to send again. The timer stands at the first segment that
// may be lost and not, as there, at the last: an event more, a repair earlier.
bool TcpConnection::detect_losses() {
  const SimTime now = tcp_.site().now();
  uint32_t lost = 0;
  const SimTime left =
      rack()->detect(now, reordering_window(), [&](SackBlock part) { lose_range(part, lost); });
  rack()->reorder_due = left > SimTime() ? now + left : SimTime::max();
  arm_rack();
  return lost > 0;
}

// s6.3: the first, and what has been out for a round trip.
void TcpConnection::rack_timeout() {
  TcpRack& rack = *parts_->rack;
  rack.probing = false;
  rack.probe_due = SimTime::max();
  uint32_t lost = 0;
  const auto lose = [&](SackBlock part) { lose_range(part, lost); };
  rack.lose_old(tcp_.site().now(), reordering_window(), lose);
  rack.lose_first();
  lose({snd_una_, seq_min(snd_una_ + window_.mss, snd_nxt_)});
}

// --- tail loss probes (s7) ---------------------------------------------------------------------

void TcpConnection::schedule_probe() {
  TcpRack& rack = *parts_->rack;
  // s7.2: one at a time, and only while nothing else looks after losses.
  const bool sacked = scoreboard_ && scoreboard_->sacked() > 0;
  if (snd_una_ == snd_nxt_ || recovery_ != Recovery::none || rack.probing || sacked) {
    rack.probe_due = SimTime::max();
    rack.restart_probe = false;
    return;
  }
  if (!std::exchange(rack.restart_probe, false)) return;
  const auto& s = tcp_.settings();
  SimTime wait = 1_s;
  if (rtt_.known()) {
    wait = rtt_.smoothed() * 2;
    // The receiver may wait for a second segment.
    if (uint32_t(snd_nxt_ - snd_una_) <= window_.mss) wait += SimTime(s.rack_delayed_ack_us * 1000);
    wait = std::max(wait, SimTime(s.rack_tlp_min_us * 1000));
  }
  const SimTime now = tcp_.site().now();
  rack.probe_due = now + wait;
  // In the timeout's place, but before it.
  if (timer_set(rexmt) && deadline_[rexmt] <= rack.probe_due)
    rack.probe_due = std::max(deadline_[rexmt] - 1_ns, now + 1_ns);
  arm_rack();
}

// s7.3: new data if the window has room for it, or the last segment again.
void TcpConnection::send_tail_probe() {
  TcpRack& rack = *parts_->rack;
  if (snd_una_ == snd_nxt_ || recovery_ != Recovery::none || rack.probing) return;
  const uint32_t outstanding = uint32_t(snd_nxt_ - snd_una_), queued = uint32_t(sending_.size());
  const uint32_t left = queued > outstanding ? queued - outstanding : 0;
  const uint32_t room = snd_wnd_ > outstanding ? snd_wnd_ - outstanding : 0;
  Piece piece{.seq = snd_nxt_, .flags = tcp_flag::ack};
  piece.length = std::min({left, room, payload_max()});
  if (piece.length == 0) {
    const SackBlock last = rack.last();
    if (last.begin == last.end) return;
    piece.again = true;
    piece.seq = seq_max(last.begin, last.end - payload_max());
    piece.length = uint32_t(seq_min(last.end, fin_seq()) - piece.seq);
    if (last.end > fin_seq()) piece.flags |= tcp_flag::fin;
  } else if (piece.length == left && fin_wanted() && !fin_sent_) {
    piece.flags |= tcp_flag::fin;
  }
  rack.probing = true;
  rack.probe_again = piece.again;
  ++rack.probes_sent;
  rack.probe_octets_sent += piece.length;
  transmit(piece);
  rack.probe_end = snd_nxt_;
  set_rexmt();
}

// s7.4: whether the probe has repaired a loss that nobody else will hear of.
void TcpConnection::end_probe(const TcpSegment& segment, bool advanced) {
  TcpRack& rack = *parts_->rack;
  if (!rack.probing || segment.ack < rack.probe_end) return;
  const bool twice = reports_duplicate(segment);
  const bool plain = !advanced && segment.length == 0 && segment.options.sack_count == 0;
  if (rack.probe_again && !twice && segment.ack == rack.probe_end && !plain) return;
  rack.probing = false;
  if (!rack.probe_again || twice || segment.ack == rack.probe_end || state_ < TcpState::established)
    return;
  reduce(CongestionEvent::loss, sample(0));
}

// --- the timer ---------------------------------------------------------------------------------

void TcpConnection::arm_rack() {
  TcpRack& rack = *parts_->rack;
  const SimTime next = std::min(rack.reorder_due, rack.probe_due);
  if (next == SimTime::max()) return;
  if (rack.timer.armed() && rack.timer.deadline() <= next) return;
  rack.timer.arm(std::max(next - tcp_.site().now(), 1_ns));
}

void TcpConnection::rack_due() {
  const SimTime now = tcp_.site().now();
  if (rack()->reorder_due <= now) {
    const bool lost = detect_losses();
    if (lost && recovery_ == Recovery::none) enter_recovery();
    if (lost && recovery_ == Recovery::fast) reduce_rate(0, false);
    if (lost) output();
  }
  if (rack() && rack()->probe_due <= now) {
    rack()->probe_due = SimTime::max();
    send_tail_probe();
  }
  if (rack()) arm_rack();
  tcp_.settle(*this);
}

}  // namespace stackyard
