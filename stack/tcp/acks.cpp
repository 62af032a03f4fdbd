// stack/tcp/acks.cpp - acknowledgments: the round-trip time, SACK, loss recovery, the window
// (RFC 5681, 6675, 6937, 7323 s4, 5961 s5).
#include <algorithm>

#include "stack/tcp/drops.h"
#include "stack/tcp/functions.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

namespace {
constexpr uint8_t dup_thresh = 3;
constexpr uint64_t for_congestion = 1ull << 61;
}  // namespace

// Without limited transmit (RFC 3042), what the peer has beyond a gap does not make room for more
// until recovery begins; in a recovery without SACK it is cwnd that makes it (RFC 5681 s3.2).
uint32_t TcpConnection::pipe() const {
  const bool whole = recovery_ == Recovery::none
                         ? !tcp_.settings().rfc3042
                         : recovery_ == Recovery::fast && !sack_ && !delivery();
  if (whole) return uint32_t(snd_nxt_ - snd_una_);
  return scoreboard_->pipe(sent());
}

TcpScoreboard& TcpConnection::scoreboard() {
  if (!scoreboard_) scoreboard_ = std::make_unique<TcpScoreboard>(snd_una_);
  return *scoreboard_;
}

const CongestionRecord& TcpConnection::congestion_record() const {
  const CongestionRecord* of_stack = tcp_function_blocks()[options.functions].congestion;
  return of_stack ? *of_stack : *congestion_controls()[congestion_index_];
}

CongestionControl& TcpConnection::congestion() {
  if (!congestion_)
    congestion_ =
        congestion_record().create(tcp_.keyed_hash(ends(), congestion_index_, for_congestion));
  return *congestion_;
}

// Those that go by rates are there from the start, and know what is outstanding when one is
// switched to. The others are made when there is something to decide.
void TcpConnection::begin_congestion() {
  if (!congestion_record().by_rate || delivery()) return;
  if (state_ < TcpState::established || state_ == TcpState::time_wait) return;
  RateControl& control = *congestion().by_rate();
  parts().delivery = std::make_unique<TcpDelivery>(control);
  const SimTime now = tcp_.site().now();
  for (Seq at = snd_una_; at < snd_nxt_; at += window_.mss)
    delivery()->sent({at, seq_min(at + window_.mss, snd_nxt_)}, now, at == snd_una_);
  control.begin(window_, sample(0));
  make_pacer().rate = control.pacing_rate();
}

// Another was chosen: by name, or with the stack.
void TcpConnection::switch_congestion() {
  if (parts_) parts_->delivery.reset();
  congestion_.reset();
  if (pacer()) pacer()->rate = 0;
  begin_congestion();
}

// At once, not by proportional rate reduction.
void TcpConnection::reduce(CongestionEvent event, const CongestionSample& about) {
  congestion().congested(window_, event, about);
  if (!delivery()) window_.cwnd = window_.ssthresh;
}

// RFC 3465 s2.2, s2.3: slow start's L; after a timeout a segment only.
uint32_t TcpConnection::growth_max() const {
  const auto& s = tcp_.settings();
  return s.rfc3465 && recovery_ != Recovery::loss ? uint32_t(s.abc_l_var) * window_.mss
                                                  : window_.mss;
}

CongestionSample TcpConnection::sample(uint32_t acked) const {
  const uint32_t flight = in_flight();
  // In slow start the window was full if half of it was (RFC 7661 s4.1).
  const uint32_t slack = window_.slow_start() ? window_.cwnd / 2 : 3 * window_.mss;
  return {.now = tcp_.site().now(),
          .smoothed_rtt = rtt_.smoothed(),
          .rtt = last_rtt_,
          .acked = acked,
          .flight = uint32_t(snd_nxt_ - snd_una_),  // FlightSize (RFC 5681 s2)
          .pipe = flight,
          .limited = flight + acked + slack >= window_.cwnd,
          .growth_max = growth_max(),
          .una = snd_una_,
          .nxt = snd_nxt_,
          .settings = &tcp_.settings().congestion};
}

// The fifth check of RFC 9293 s3.10.7.4. False: the segment ends here.
bool TcpConnection::accept_ack(TcpSegment& segment) {
  if (!segment.has(tcp_flag::ack)) {
    if (state_ == TcpState::syn_received) return true;  // its data wait for the acknowledgment
    if (ack_now_)
      answer(segment, drops::unexpected_segment);
    else
      drop(segment, drops::unexpected_segment);
    return false;
  }
  const uint32_t window = segment.window << snd_scale_;
  if (state_ == TcpState::syn_received) {
    if (segment.ack <= snd_una_ || segment.ack > snd_max_) {
      tcp_.send_reset(segment);
      drop(segment, drops::bad_ack);
      return false;
    }
    tcp_.counters.accepts += starts_fast();
    become(wants_fin_ ? TcpState::fin_wait_1 : TcpState::established, "our SYN is acknowledged");
    snd_wl1_ = segment.seq - 1;
    established();
  }
  if (segment.ack > snd_max_) {
    ++tcp_.counters.rcvacktoomuch;
    challenge_ack(segment, drops::bad_ack);
    return false;
  }
  // RFC 5961 s5.2: not older than the largest window could explain.
  if (segment.ack < snd_una_ - max_sndwnd_ && !tcp_.settings().insecure_ack) {
    challenge_ack(segment, drops::bad_ack);
    return false;
  }
  return take_ack(segment, window);
}

// RFC 2883 s4: the first block lies below the acknowledgment, or within the second.
bool TcpConnection::reports_duplicate(const TcpSegment& segment) const {
  const uint8_t count = segment.options.sack_count;
  if (!sack_ || count == 0) return false;
  const SackBlock& first = segment.options.sack[0];
  const bool below = first.end <= segment.ack;
  const bool inside = count > 1 && first.begin >= segment.options.sack[1].begin &&
                      first.end <= segment.options.sack[1].end;
  return below || inside;
}

uint32_t TcpConnection::take_sack(const TcpSegment& segment) {
  const uint8_t count = segment.options.sack_count;
  if (!sack_ || count == 0) return 0;
  tcp_.counters.sack_rcv_blocks += count;
  tcp_.counters.dsack_count += reports_duplicate(segment);
  std::vector<SackBlock>* news = rack() ? &rack()->news : delivery() ? &delivery()->news : nullptr;
  if (news) news->clear();
  const uint32_t more = scoreboard().take_blocks({segment.options.sack.data(), count}, sent(),
                                                 size_t(tcp_.settings().sack_maxholes), news);
  if (!news) return more;
  for (const SackBlock& part : *news) {
    if (rack()) rack()->sacked(part, rack_heard(segment));
    if (delivery()) delivery()->sacked(part);
  }
  return more;
}

bool TcpConnection::take_ack(const TcpSegment& segment, uint32_t window) {
  if (delivery()) {
    const Progress before = progress();
    take_any_ack(segment, window);
    if (delivery()) take_rate_sample(before);
  } else {
    take_any_ack(segment, window);
  }
  return state_ != TcpState::closed;
}

void TcpConnection::take_any_ack(const TcpSegment& segment, uint32_t window) {
  if (segment.ack <= snd_una_) return take_old_ack(segment, window);
  const uint32_t acked = uint32_t(segment.ack - snd_una_);
  ++tcp_.counters.rcvackpack;
  tcp_.counters.rcvackbyte += acked;
  if (rxtshift_ == 1 && history_->spurious_until != SimTime()) undo_timeout(segment);
  measure_rtt(segment);
  new_data_acked(segment, acked, 0);
}

// --- duplicates --------------------------------------------------------------------------------

void TcpConnection::take_old_ack(const TcpSegment& segment, uint32_t window) {
  const bool outstanding = snd_nxt_ != snd_una_;
  const uint32_t sacked = outstanding ? take_sack(segment) : 0;
  if (rack()) {
    tcp_.counters.rcvdupack += sacked > 0;
    return rack_ack(segment, sacked, false);
  }
  // RFC 5681 s2: no data, no FIN, the same window, something outstanding. With SACK, a block that
  // says something new (RFC 6675 s2).
  const bool classic = segment.length == 0 && !segment.has(tcp_flag::fin) && window == snd_wnd_ &&
                       segment.ack == snd_una_ && outstanding;
  if (!(sack_ ? sacked > 0 : classic)) {
    if (!sack_ && segment.length == 0) dupacks_ = 0;
    return;
  }
  ++tcp_.counters.rcvdupack;
  if (dupacks_ == 0) history_.change().prr_out = 0;
  if (dupacks_ < 255) ++dupacks_;
  uint32_t delivered = sacked;
  if (!sack_) delivered = scoreboard().take_duplicate_ack(sent());
  if (recovery_ == Recovery::none && (marked_ || segment.ack > recover_ - 1)) {
    const bool lost = scoreboard().mark_lost(window_.mss) || dupacks_ >= dup_thresh;
    if (!lost) return;
    enter_recovery();
  } else if (recovery_ != Recovery::none && sack_) {
    look_for_losses();
  } else if (recovery_ == Recovery::fast && !delivery()) {
    window_.cwnd += window_.mss;  // RFC 5681 s3.2 (4)
  }
  if (recovery_ == Recovery::fast && sack_) reduce_rate(delivered, false);
}

// In recovery: what else is lost; and, by net.inet.tcp.sack.lrd, what was sent again and is lost
// again, which RFC 5681 s4.3 takes for a second sign of congestion. Without it such a loss waits
// for the timeout.
void TcpConnection::look_for_losses() {
  scoreboard().mark_lost(window_.mss);
  if (recovery_ != Recovery::fast || !tcp_.settings().sack_lrd) return;
  const std::optional<Seq> sent_before = scoreboard().lose_again(window_.mss);
  if (sent_before && *sent_before >= recover_) begin_reduction();
}

void TcpConnection::begin_reduction() {
  // RFC 3168 s6.1.2: once in a window, whatever tells of it.
  if (std::exchange(marked_, false) && snd_una_ < recover_)
    congestion().lost_after_mark(window_, tcp_.settings().congestion);
  else
    congestion().congested(window_, CongestionEvent::loss, sample(0));
  TcpHistory& history = history_.change();
  history.recover_flight = uint32_t(snd_nxt_ - snd_una_);
  history.prr_delivered = history.prr_out = 0;
  recover_ = snd_nxt_;
  send_first_hole_ = true;
}

// RFC 6675 s5 (4), RFC 6937 s3; without SACK RFC 5681 s3.2.
void TcpConnection::enter_recovery() {
  const uint32_t limited =
      (history_->prr_out + window_.mss - 1) / window_.mss;  // segments (RFC 3042)
  tcp_.counters.sack_recovery_episode += sack_;
  begin_reduction();
  recovery_ = Recovery::fast;
  if (!rack()) {
    scoreboard().first_is_lost(sent());
    scoreboard().mark_lost(window_.mss);
  }
  timed_at_ = SimTime::max();
  set_rexmt();
  if (!sack_ && !delivery())
    window_.cwnd = window_.ssthresh + window_.mss * (dupacks_ - std::min(limited, 2u));
}

// Proportional rate reduction (RFC 6937 s3.1): cwnd falls to ssthresh as data leave the network.
void TcpConnection::reduce_rate(uint32_t delivered, bool advanced) {
  if (delivery()) return;  // that control sets cwnd itself
  history_.change().prr_delivered += delivered;
  if (!tcp_.settings().do_prr) {
    window_.cwnd = std::max(window_.ssthresh, window_.mss);
    return;
  }
  const uint32_t pipe = in_flight();
  uint64_t send = 0;
  if (pipe > window_.ssthresh) {
    const uint64_t share =
        (uint64_t(history_->prr_delivered) * window_.ssthresh + history_->recover_flight - 1) /
        std::max<uint32_t>(history_->recover_flight, 1);
    send = share > history_->prr_out ? share - history_->prr_out : 0;
  } else {
    const uint32_t unspent = history_->prr_delivered > history_->prr_out
                                 ? history_->prr_delivered - history_->prr_out
                                 : 0;
    const uint32_t limit = tcp_.settings().do_prr_conservative ? unspent
                           : advanced ? std::max(unspent, delivered) + window_.mss
                                      : std::max(unspent, delivered);
    send = std::min(window_.ssthresh - pipe, limit);
  }
  window_.cwnd = std::max(pipe + uint32_t(send), window_.mss);
}

// RFC 6582 s3.2 (3), full: no burst when little is on its way.
void TcpConnection::leave_recovery() {
  if (delivery()) {
    delivery()->control.recovered(window_);
  } else if (recovery_ == Recovery::fast) {
    const uint32_t flight = std::max(uint32_t(snd_nxt_ - snd_una_), window_.mss);
    window_.cwnd = std::max(std::min(window_.ssthresh, flight + window_.mss), window_.mss);
  }
  if (rack()) rack()->recovery_over();
  recovery_ = Recovery::none;
  send_first_hole_ = false;
  dupacks_ = 0;
}

// The answer is to the original: nothing was lost (RFC 4015, RFC 3522 by timestamps).
void TcpConnection::undo_timeout(const TcpSegment& segment) {
  const SimTime resent = std::exchange(history_.change().spurious_until, SimTime());
  if (!segment.options.timestamps || !timestamps_ || recovery_ != Recovery::loss) return;
  const uint32_t echoed = segment.options.timestamps->echo - ts_offset_;
  if (int32_t(echoed - uint32_t(resent.ms())) >= 0) return;
  ++tcp_.counters.sndrexmitbad;
  window_.cwnd = history_->cwnd_before;
  window_.ssthresh = history_->ssthresh_before;
  scoreboard_.reset();
  if (rack()) rack()->forgive();
  leave_recovery();
}

// --- new data ----------------------------------------------------------------------------------

void TcpConnection::measure_rtt(const TcpSegment& segment) {
  const SimTime now = tcp_.site().now();
  last_rtt_ = SimTime();
  if (timed_at_ != SimTime::max() && segment.ack > timed_) {
    last_rtt_ = now - timed_at_;
    timed_at_ = SimTime::max();
  } else if (timestamps_ && segment.options.timestamps && segment.options.timestamps->echo != 0) {
    // RFC 7323 s4.1: even of what was sent again; in milliseconds only, so that it counts for the
    // timeout only when there is nothing better.
    const uint32_t echoed = segment.options.timestamps->echo - ts_offset_;
    const int32_t ms = int32_t(tcp_.timestamp_now() - echoed);
    if (ms < 0 || ms > 64'000) return;
    last_rtt_ = Tcp::milliseconds(ms + 1);
    if (!scoreboard_) return;
  } else {
    return;
  }
  ++tcp_.counters.rttupdated;
  if (rtt_samples_ < host_cache_samples) ++rtt_samples_;
  rtt_.sample(last_rtt_);
}

void TcpConnection::new_data_acked(const TcpSegment& segment, uint32_t acked, uint32_t) {
  // What the congestion control is told: before anything moves.
  const bool was_syn = std::exchange(syn_unacked_, false);
  CongestionSample about = sample(acked);
  const uint32_t sacked_before = scoreboard_ ? scoreboard_->sacked() : 0;
  const bool fin_covered = fin_sent_ && segment.ack > fin_seq();
  uint32_t of_buffer = acked - (was_syn ? 1 : 0);
  of_buffer = std::min(of_buffer, uint32_t(sending_.size()));
  sending_.drop_front(of_buffer);
  snd_una_ = segment.ack;
  acked_at_ = tcp_.site().now();
  if (snd_nxt_ < snd_una_) snd_nxt_ = snd_una_;
  if (scoreboard_) scoreboard_->take_ack(snd_una_, sent());
  if (rack()) rack()->acked(snd_una_, rack_heard(segment));
  if (delivery()) delivery()->acked(snd_una_);
  take_sack(segment);
  const uint32_t sacked_after = scoreboard_ ? scoreboard_->sacked() : 0;
  const int64_t delivered = int64_t(acked) + sacked_after - sacked_before;
  if (!sack_ || sacked_after <= sacked_before) dupacks_ = 0;

  rxtshift_ = 0;
  soft_error_ = Errno::ok;
  rxtcur_ = retransmission_timeout();
  if (snd_una_ == snd_max_) {
    stop_timer(rexmt);  // RFC 6298 s5.2
  } else if (!timer_set(persist)) {
    set_rexmt();  // s5.3
  }

  if (recovery_ != Recovery::none && snd_una_ >= recover_)
    leave_recovery();
  else if (rack()) {
  } else if (recovery_ == Recovery::fast) {
    if (sack_) {
      look_for_losses();
      reduce_rate(uint32_t(std::max<int64_t>(delivered, 0)), true);
    } else {  // RFC 6582 s3.2 (3), partial
      scoreboard().first_is_lost(sent());
      send_first_hole_ = true;
      if (!delivery()) window_.cwnd = window_.mss + window_.cwnd - std::min(window_.cwnd, acked);
    }
  } else if (recovery_ == Recovery::loss && scoreboard_) {
    scoreboard_->mark_lost(window_.mss);
  } else if (scoreboard_ && sacked_after > sacked_before && scoreboard_->mark_lost(window_.mss)) {
    enter_recovery();
  }
  if (rack()) rack_ack(segment, uint32_t(std::max<int64_t>(delivered, 0)), true);
  take_echo(segment, acked);
  if (!delivery() && recovery_ != Recovery::fast && of_buffer > 0 &&
      state_ >= TcpState::established) {
    congestion().acked(window_, about);
    window_.cwnd = std::min(window_.cwnd, uint32_t(65535) << snd_scale_);
  }
  if (scoreboard_ && recovery_ == Recovery::none && scoreboard_->clean()) scoreboard_.reset();
  if (fin_covered) fin_acked();
  if (of_buffer > 0 && state_ != TcpState::closed) changed();
}

// RFC 9293 s3.10.7.4, fifth, by state.
void TcpConnection::fin_acked() {
  switch (state_) {
    case TcpState::fin_wait_1:
      become(TcpState::fin_wait_2, "our FIN is acknowledged");
      if (!socket_ || shut_read_) set_finwait2();
      break;
    case TcpState::closing:
      enter_time_wait();
      break;
    case TcpState::last_ack:
      end("our FIN is acknowledged");
      break;
    default:
      break;
  }
}

// RFC 9293 s3.10.7.4: SND.WL1 and SND.WL2 keep old segments from changing the window.
void TcpConnection::take_window(const TcpSegment& segment, uint32_t window) {
  const bool newer = snd_wl1_ < segment.seq ||
                     (snd_wl1_ == segment.seq &&
                      (snd_wl2_ < segment.ack || (snd_wl2_ == segment.ack && window > snd_wnd_)));
  if (!newer) return;
  if (segment.length == 0 && snd_wl2_ == segment.ack && window > snd_wnd_)
    ++tcp_.counters.rcvwinupd;
  snd_wnd_ = window;
  snd_wl1_ = segment.seq;
  snd_wl2_ = segment.ack;
  max_sndwnd_ = std::max(max_sndwnd_, window);
  if (window > 0 && timer_set(persist)) {
    stop_timer(persist);
    rxtshift_ = 0;
  }
}

}  // namespace stackyard
