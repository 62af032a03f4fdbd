// stack/tcp/timers.cpp - a connection's timers (RFC 6298; RFC 9293 s3.8; FreeBSD's tcp_timer.c).
//
// One event serves all of them: it stands at the earliest deadline that was set since, so that
// moving a deadline later costs nothing.
#include <algorithm>

#include "stack/tcp/tcp.h"

namespace stackyard {

namespace {

// What the program has set, or what the sysctl says, in milliseconds.
SimTime own_or(uint32_t own, int64_t otherwise) {
  return Tcp::milliseconds(own ? int64_t(own) : otherwise);
}

}  // namespace

void TcpConnection::set_timer(TimerKind kind, SimTime delay) {
  deadline_[kind] = tcp_.site().now() + delay;
  if (!timer_.armed() || timer_.deadline() > deadline_[kind]) timer_.arm(delay);
}

void TcpConnection::stop_timers() {
  deadline_.fill(SimTime::max());
  timer_.cancel();
  if (pacer()) pacer()->timer.cancel();
}

void TcpConnection::timer_fired() {
  const SimTime now = tcp_.site().now();
  for (uint8_t kind = 0; kind < timer_kinds; ++kind) {
    if (deadline_[kind] > now) continue;
    stop_timer(TimerKind(kind));
    timer_due(TimerKind(kind));
    if (state_ == TcpState::closed) return tcp_.settle(*this);
  }
  const SimTime next = *std::min_element(deadline_.begin(), deadline_.end());
  const bool late = !timer_.armed() || timer_.deadline() > next;
  if (next != SimTime::max() && late) timer_.arm(next - now);
  tcp_.settle(*this);
}

void TcpConnection::timer_due(TimerKind kind) {
  switch (kind) {
    case rexmt:
      return rexmt_due();
    case persist:
      return persist_due();
    case keep:
      return keep_due();
    case two_msl:
      return two_msl_due();
    case delack:
      delayed_ack_ = false;
      ack_now_ = true;
      ++tcp_.counters.delack;
      return output();
    case timer_kinds:
      break;
  }
}

SimTime TcpConnection::retransmission_timeout() const {
  return rtt_.timeout(tcp_.rto_bounds(), rxtshift_);
}

void TcpConnection::set_rexmt() { set_timer(rexmt, rxtcur_); }

// RFC 6298 s5.4 to s5.7.
void TcpConnection::rexmt_due() {
  ++tcp_.counters.rexmttimeo;
  if (unanswered_too_long()) return abort(Errno::etimedout);
  if (++rxtshift_ > tcp_.settings().retries) {
    ++tcp_.counters.timeoutdrop;
    rxtshift_ = uint8_t(tcp_.settings().retries);
    return abort(Errno::etimedout);
  }
  rxtcur_ = retransmission_timeout();
  timed_at_ = SimTime::max();  // Karn: what is sent twice is not timed
  if (state_ == TcpState::syn_sent || state_ == TcpState::syn_received) {
    snd_nxt_ = iss_;
    return output();
  }
  if (snd_wnd_ == 0) {
    // The peer took its window back: probe it, as long as it answers (RFC 9293 s3.8.6.1).
    scoreboard_.reset();
    if (rack()) rack()->clear();
    if (delivery()) delivery()->clear();
    recovery_ = Recovery::none;
    snd_nxt_ = snd_una_;
    fin_sent_ = false;
    rxtshift_ = 0;
    return set_persist();
  }
  if (rxtshift_ == 1) {
    // Before it is known whether anything was lost, keep what an answer to the original would
    // give back (RFC 4015; FreeBSD's TF_PREVVALID).
    history_.change().cwnd_before = window_.cwnd;
    history_.change().ssthresh_before = window_.ssthresh;
    history_.change().spurious_until = tcp_.site().now();
    congestion().congested(window_, CongestionEvent::timeout, sample(0));
  }
  suspect_black_hole();
  window_.cwnd = window_.mss;  // RFC 5681 s3.1: the loss window
  recover_ = snd_nxt_;
  marked_ = false;
  recovery_ = Recovery::loss;
  dupacks_ = 0;
  if (rack())
    rack_timeout();
  else
    scoreboard().all_lost(sent());
  send_first_hole_ = true;
  output();
}

// RFC 2923 s2.1, net.inet.tcp.pmtud_blackhole_detection: routers that tell nobody why they drop. At
// the second and fourth timeout smaller segments are tried, at the sixth it was not that.
void TcpConnection::suspect_black_hole() {
  const auto& s = tcp_.settings();
  if (!s.blackhole_detection || !s.path_mtu_discovery || rxtshift_ % 2 != 0 || rxtshift_ > 6)
    return;
  if (rxtshift_ == 6) {
    if (history_->mss_before == 0) return;
    window_.mss = std::exchange(history_.change().mss_before, uint16_t(0));
    history_.change().may_fragment = false;
    ++tcp_.counters.blackhole_failed;
    return;
  }
  const int64_t first = foreign_.address.is_v4() ? s.blackhole_mss : s.v6blackhole_mss;
  const uint32_t smaller = rxtshift_ == 2 && window_.mss > first
                               ? uint32_t(first)
                               : tcp_.segment_size_unsaid(foreign_.address);
  if (smaller >= window_.mss) return;
  if (history_->mss_before == 0) history_.change().mss_before = uint16_t(window_.mss);
  ++(smaller == first ? tcp_.counters.blackhole_activated : tcp_.counters.blackhole_min_activated);
  window_.mss = smaller;
  history_.change().may_fragment = true;
}

// tcp_setpersist: doubled each time, within net.inet.tcp.persmin and persmax.
void TcpConnection::set_persist() {
  // Not known yet, it is a mean deviation of a quarter of rexmit_initial.
  const SimTime initial = Tcp::milliseconds(tcp_.settings().rexmit_initial_ms);
  const SimTime first = rtt_.known() ? rtt_.smoothed() * 4 + rtt_.variation() * 8 : initial * 2;
  const SimTime least = Tcp::milliseconds(tcp_.settings().persmin_ms);
  const SimTime most = Tcp::milliseconds(tcp_.settings().persmax_ms);
  const SimTime slop = Tcp::milliseconds(tcp_.settings().rexmit_slop_ms);
  const SimTime delay = first * (int64_t(1) << std::min<unsigned>(rxtshift_, 9)) + slop;
  set_timer(persist, std::clamp(delay, least, std::max(least, most)));
  if (rxtshift_ < 12) ++rxtshift_;
}

void TcpConnection::persist_due() {
  ++tcp_.counters.persisttimeo;
  if (unanswered_too_long()) {
    ++tcp_.counters.persistdrop;
    return abort(Errno::etimedout);
  }
  // RFC 9293 s3.8.6.1: for ever, while the peer answers; but not when it is gone.
  const SimTime idle = tcp_.site().now() - received_at_;
  // tcp_totbackoff: as long as all timeouts of a segment would take together.
  const auto& s = tcp_.settings();
  const SimTime once = rtt_.known() ? rtt_.smoothed() + rtt_.variation() * 4
                                    : Tcp::milliseconds(s.rexmit_initial_ms);
  const SimTime patience = std::min(once * 2559, Tcp::milliseconds(s.keepidle_ms));
  if (rxtshift_ >= s.retries && idle >= patience) {
    ++tcp_.counters.persistdrop;
    return abort(Errno::etimedout);
  }
  const uint32_t outstanding = uint32_t(snd_nxt_ - snd_una_);
  const uint32_t left = uint32_t(sending_.size()) - outstanding;
  if (left == 0) return;
  if (snd_wnd_ > outstanding) {
    // A window too small to be worth it, but open: RFC 9293 s3.8.6.2.1, the override timeout.
    rxtshift_ = 0;
    const uint32_t length = std::min({left, snd_wnd_ - outstanding, payload_max()});
    return transmit({.seq = snd_nxt_, .length = length, .flags = tcp_flag::ack});
  }
  set_persist();
  transmit({.seq = snd_nxt_, .length = 1, .flags = tcp_flag::ack, .probe = true});
}

// The time that a connection may take to be made.
void TcpConnection::set_keep_init() {
  set_timer(keep, own_or(options.patience->keep_init_ms, tcp_.settings().keepinit_ms));
}

void TcpConnection::set_keep_idle() {
  set_timer(keep, own_or(options.patience->keep_idle_ms, tcp_.settings().keepidle_ms));
}

// RFC 9293 s3.8.3: the program's patience (TCP_MAXUNACKTIME, net.inet.tcp.maxunacktime).
bool TcpConnection::unanswered_too_long() const {
  const SimTime most = own_or(options.patience->max_unacked_ms, tcp_.settings().maxunacktime_ms);
  return most > SimTime() && state_ >= TcpState::established &&
         tcp_.site().now() - acked_at_ >= most;
}

// RFC 9293 s3.8.4.
void TcpConnection::keep_due() {
  const auto& s = tcp_.settings();
  if (state_ < TcpState::established) {
    ++tcp_.counters.keepdrops;  // the time for a connection to be made is over
    return abort(Errno::etimedout);
  }
  ++tcp_.counters.keeptimeo;
  if (state_ == TcpState::fin_wait_2 || state_ == TcpState::time_wait) return;
  const SimTime interval = own_or(options.patience->keep_interval_ms, s.keepintvl_ms);
  const SimTime idle_allowed = own_or(options.patience->keep_idle_ms, s.keepidle_ms);
  if (!s.always_keepalive && !options.keep_alive) return set_keep_idle();
  const int64_t count = options.patience->keep_count ? options.patience->keep_count : s.keepcnt;
  const SimTime idle = tcp_.site().now() - received_at_;
  if (idle < idle_allowed) return set_timer(keep, idle_allowed - idle);
  if (idle >= idle_allowed + interval * count) {
    ++tcp_.counters.keepdrops;
    return abort(Errno::etimedout);
  }
  ++tcp_.counters.keepprobe;
  send_probe(snd_una_ - 1);
  set_timer(keep, interval);
}

// Its FIN is acknowledged and nobody reads: the peer's is not waited for for ever.
void TcpConnection::set_finwait2() {
  const auto& s = tcp_.settings();
  const int64_t ms = s.fast_finwait2_recycle ? s.finwait2_timeout_ms : s.keepcnt * s.keepintvl_ms;
  set_timer(two_msl, Tcp::milliseconds(ms));
}

void TcpConnection::two_msl_due() {
  if (state_ == TcpState::fin_wait_2) ++tcp_.counters.finwait2_drops;
  end(state_ == TcpState::time_wait ? "2 MSL are over" : "the peer never closed");
}

}  // namespace stackyard
