// stack/tcp/input.cpp - segments arrive (RFC 9293 s3.10.7, in its order; RFC 7323 s5, RFC 5961).
#include <algorithm>

#include "stack/tcp/drops.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

void TcpConnection::drop(const TcpSegment& segment, const DropReason& why) {
  tcp_.drop(segment, why);
}

// RFC 9293 s3.10.7.4, first: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, but never to a reset.
void TcpConnection::answer(const TcpSegment& segment, const DropReason& why) {
  drop(segment, why);
  if (segment.has(tcp_flag::rst)) return;
  ack_now_ = true;
  output();
}

// RFC 5961 s7: at most net.inet.tcp.ack_war_cnt in a window of time, counted by connection, so that
// nobody can measure another's (CVE-2016-5696).
void TcpConnection::challenge_ack(const TcpSegment& segment, const DropReason& why) {
  drop(segment, why);
  const auto& s = tcp_.settings();
  const SimTime now = tcp_.site().now();
  if (now >= history_->challenge_window_end) {
    history_.change().challenge_window_end = now + Tcp::milliseconds(s.ack_war_timewindow_ms);
    history_.change().challenges = 0;
  }
  if (s.ack_war_cnt > 0 && history_->challenges >= s.ack_war_cnt) return;
  ++history_.change().challenges;
  ack_now_ = true;
  transmit({.seq = snd_nxt_, .flags = tcp_flag::ack});
}

void TcpConnection::segment_arrives(TcpSegment& segment) {
  received_at_ = tcp_.site().now();
  if (state_ == TcpState::syn_sent) {
    if (in_syn_sent(segment)) output();
    return;
  }
  if (state_ == TcpState::established) count_predicted(segment);
  if (!acceptable(segment)) return;
  if (accurate_ecn_) {
    segment.more_marks = take_accurate_echo(segment);
    if (segment.more_marks && segment.ack <= snd_una_) take_echo(segment, 0);
  }
  if (!accept_ack(segment)) return;
  take_window(segment, segment.window << snd_scale_);
  if (segment.has(tcp_flag::urg)) take_urgent(segment);
  if (ecn_ && segment.length > 0) take_mark(segment);
  if (segment.length > 0 || segment.has(tcp_flag::fin)) take_data(segment);
  if (state_ != TcpState::closed) output();
}

// Van Jacobson's header prediction: here it is only a figure that netstat shows, since the checks
// of an expected segment cost little.
void TcpConnection::count_predicted(const TcpSegment& segment) const {
  const bool plain = (segment.flags & ~tcp_flag::push) == tcp_flag::ack &&
                     segment.seq == rcv_nxt_ && segment.window << snd_scale_ == snd_wnd_ &&
                     snd_nxt_ == snd_max_;
  if (!plain) return;
  const bool ack = segment.length == 0 && segment.ack > snd_una_ && segment.ack <= snd_max_;
  tcp_.counters.predack += ack && recovery_ == Recovery::none && segment.options.sack_count == 0;
  tcp_.counters.preddat += segment.length > 0 && segment.ack == snd_una_ && !reassembly_;
}

// --- opening (RFC 9293 s3.10.7.3) --------------------------------------------------------------

// True: something may be sent.
bool TcpConnection::in_syn_sent(TcpSegment& segment) {
  const bool acks = segment.has(tcp_flag::ack);
  if (acks && (segment.ack <= iss_ || segment.ack > snd_max_)) {
    tcp_.send_reset(segment);
    drop(segment, drops::bad_ack);
    return false;
  }
  if (segment.has(tcp_flag::rst)) {
    if (!acks) {
      drop(segment, drops::bad_reset);
      return false;
    }
    ++tcp_.counters.conndrops;
    set_error(Errno::econnrefused);
    end("the peer refuses");
    return false;
  }
  if (!segment.has(tcp_flag::syn)) {
    drop(segment, drops::unexpected_segment);
    return false;
  }
  irs_ = segment.seq;
  rcv_nxt_ = irs_ + 1;
  rcv_adv_ = rcv_nxt_ + std::min<uint32_t>(receive_window(), 65535);
  agree_on_options(segment.options);
  agree_on_ecn(segment);
  set_segment_size(segment.options.mss.value_or(0));
  snd_wnd_ = max_sndwnd_ = segment.window;  // a SYN's is never scaled (RFC 7323 s2.2)
  snd_wl1_ = segment.seq;
  snd_wl2_ = segment.ack;
  ack_now_ = true;
  if (!acks) {  // both ends opened at once (s3.5, figure 7)
    become(TcpState::syn_received, "both ends opened at once");
    snd_nxt_ = iss_;
    forget_fast_start();
    stop_timer(rexmt);
    return true;
  }
  measure_rtt(segment);
  end_fast_start(segment);
  rxtshift_ = 0;
  rxtcur_ = retransmission_timeout();
  stop_timer(rexmt);
  become(TcpState::established, "the peer accepts");
  established();
  // Data with the SYN, in its place behind it.
  segment.seq += 1;
  segment.flags &= uint8_t(~tcp_flag::syn);
  if (segment.length > 0 || segment.has(tcp_flag::fin)) take_data(segment);
  return true;
}

// --- the first four checks ---------------------------------------------------------------------

bool TcpConnection::acceptable(TcpSegment& segment) {
  rcv_wnd_ = receive_window();
  if (segment.has(tcp_flag::rst)) return reset_arrives(segment);
  // RFC 7323 s3.2: who has agreed on timestamps sends them.
  if (timestamps_ && !segment.options.timestamps && !tcp_.settings().tolerate_missing_ts) {
    drop(segment, drops::no_timestamp);
    return false;
  }
  if (segment.has(tcp_flag::syn) && state_ != TcpState::syn_received &&
      state_ != TcpState::time_wait && !tcp_.settings().insecure_syn) {
    challenge_ack(segment, drops::bad_syn);  // RFC 5961 s4.2
    return false;
  }
  if (state_ == TcpState::syn_received && segment.has(tcp_flag::ack) &&
      (segment.ack <= snd_una_ || segment.ack > snd_max_)) {
    tcp_.send_reset(segment);
    drop(segment, drops::bad_ack);
    return false;
  }
  // Of an earlier connection: not before this one's first number (RFC 9293 s3.10.7.4).
  if (state_ == TcpState::syn_received && segment.seq < irs_) {
    tcp_.send_reset(segment);
    drop(segment, drops::unexpected_segment);
    return false;
  }
  if (!timestamps_fit(segment)) return false;
  const uint32_t whole = segment.sequence_length();
  const Seq first = segment.seq;
  if (!trim(segment)) return false;
  // RFC 7323 s4.3 (2): only what holds the last octet that was acknowledged moves TS.Recent.
  if (timestamps_ && segment.options.timestamps && first <= last_ack_sent_ &&
      last_ack_sent_ <= first + whole)
    note_timestamp(segment);
  return true;
}

void TcpConnection::note_timestamp(const TcpSegment& segment) {
  ts_recent_ = segment.options.timestamps->value;
  ts_recent_age_ = tcp_.site().now();
}

// RFC 5961 s3.2: only the exact number resets, which is what the peer was told last; what is within
// the window is challenged.
bool TcpConnection::reset_arrives(const TcpSegment& segment) {
  const bool exact = segment.seq == last_ack_sent_;
  const bool within = segment.seq >= last_ack_sent_ && segment.seq < last_ack_sent_ + rcv_wnd_;
  if (!exact && !(within && tcp_.settings().insecure_rst)) {
    if (!within || state_ == TcpState::time_wait) {
      drop(segment, drops::bad_reset);
      return false;
    }
    ++tcp_.counters.badrst;
    challenge_ack(segment, drops::bad_reset);
    return false;
  }
  switch (state_) {
    case TcpState::syn_received:
      set_error(Errno::econnrefused);
      break;
    case TcpState::time_wait:
      // RFC 1337: a reset does not end TIME_WAIT early.
      drop(segment, drops::bad_reset);
      return false;
    default:
      ++tcp_.counters.drops;
      set_error(Errno::econnreset);
  }
  end("the peer resets");
  return false;
}

// RFC 7323 s5.3, PAWS.
bool TcpConnection::timestamps_fit(const TcpSegment& segment) {
  if (!timestamps_ || !segment.options.timestamps) return true;
  if (int32_t(segment.options.timestamps->value - ts_recent_) >= 0) return true;
  constexpr SimTime outdated = 24_s * 86400;  // s5.5: 24 days
  if (tcp_.site().now() - ts_recent_age_ > outdated) {
    ts_recent_ = 0;
    return true;
  }
  ++tcp_.counters.rcvduppack;
  tcp_.counters.rcvdupbyte += segment.length;
  ++tcp_.counters.pawsdrop;
  if (segment.length > 0)
    answer(segment, drops::old_timestamp);
  else
    drop(segment, drops::old_timestamp);
  return false;
}

// Cuts off what was received before and what the window has no room for. False: nothing is left
// that could matter.
bool TcpConnection::trim(TcpSegment& segment) {
  if (segment.has(tcp_flag::syn)) {
    segment.flags &= uint8_t(~tcp_flag::syn);
    segment.seq += 1;
  }
  if (!trim_front(segment)) return false;
  // RFC 9293 s3.10.7.4: nobody is there to take it (RFC 1122 s4.2.2.13).
  if (!socket_ && !queued_by_ && state_ > TcpState::close_wait && state_ != TcpState::time_wait &&
      segment.length > 0) {
    ++tcp_.counters.rcvafterclose;
    tcp_.send_reset(segment);
    drop(segment, drops::after_close);
    end("data after the program closed");
    return false;
  }
  return trim_end(segment);
}

bool TcpConnection::trim_front(TcpSegment& segment) {
  const int32_t known = rcv_nxt_ - segment.seq;
  if (known <= 0) return true;
  TcpCounters& c = tcp_.counters;
  const Seq first = segment.seq;
  const bool whole = uint32_t(known) > segment.length ||
                     (uint32_t(known) == segment.length && !segment.has(tcp_flag::fin));
  if (whole) {
    ++c.rcvduppack;
    c.rcvdupbyte += segment.length;
    segment.flags &= uint8_t(~tcp_flag::urg);
    note_duplicate(first, first + segment.length);
    if (segment.length > 0) drop(segment, drops::duplicate_data);
    // A FIN again: the acknowledgment was lost; TIME_WAIT begins anew (RFC 9293 s3.10.7.4).
    if (segment.has(tcp_flag::fin) && state_ == TcpState::time_wait)
      set_timer(two_msl, Tcp::milliseconds(2 * tcp_.settings().msl_ms));
    ack_now_ |= segment.length > 0 || segment.has(tcp_flag::fin) || known > 0;
    segment.payload = {};
    segment.seq = rcv_nxt_;
    segment.length = 0;
    segment.flags &= uint8_t(~tcp_flag::fin);
    return true;  // its acknowledgment counts
  }
  ++c.rcvpartduppack;
  c.rcvpartdupbyte += uint32_t(known);
  note_duplicate(first, rcv_nxt_);
  segment.payload.trim_front(size_t(known));
  segment.length -= uint32_t(known);
  segment.seq = rcv_nxt_;
  if (segment.urgent > known)
    segment.urgent = uint16_t(segment.urgent - known);
  else
    segment.flags &= uint8_t(~tcp_flag::urg);
  return true;
}

// RFC 2883 s4: the sender is told what came twice, at once, since the next segment may come in its
// turn and leave no place for it.
void TcpConnection::note_duplicate(Seq begin, Seq end) {
  if (!sack_ || begin == end) return;
  if (!reassembly_) reassembly_ = std::make_unique<TcpReassembly>();
  if (!reassembly_->has_duplicate()) reassembly_->note_duplicate(begin, end);  // the first of it
  ack_now_ = true;
}

bool TcpConnection::trim_end(TcpSegment& segment) {
  const Seq edge = rcv_nxt_ + rcv_wnd_;
  const int32_t beyond = (segment.seq + segment.length) - edge;
  if (beyond <= 0) return true;
  TcpCounters& c = tcp_.counters;
  ++c.rcvpackafterwin;
  if (uint32_t(beyond) >= segment.length) {
    c.rcvbyteafterwin += segment.length;
    // A probe of a closed window is acknowledged, and its acknowledgment taken.
    if (rcv_wnd_ == 0 && segment.seq == rcv_nxt_) {
      ack_now_ = true;
      ++c.rcvwinprobe;
    } else {
      answer(segment, drops::beyond_window);
      return false;
    }
  } else {
    c.rcvbyteafterwin += uint32_t(beyond);
  }
  segment.length -= std::min(uint32_t(beyond), segment.length);
  if (segment.payload) segment.payload.trim_to(segment.length);
  segment.flags &= uint8_t(~(tcp_flag::push | tcp_flag::fin));
  return true;
}

// --- data (the seventh check) ------------------------------------------------------------------

void TcpConnection::take_data(TcpSegment& segment) {
  if (fin_received() || state_ == TcpState::closed) {  // after a FIN there is nothing
    ack_now_ |= state_ == TcpState::time_wait;         // FreeBSD's tcp_twcheck
    return;
  }
  const bool fin = segment.has(tcp_flag::fin);
  const Seq end = segment.seq + segment.length;
  if (segment.length > 0) {
    if (segment.seq == rcv_nxt_ && (!reassembly_ || reassembly_->empty()))
      take_in_order(segment);
    else
      take_out_of_order(segment);
  }
  // A FIN that came before its turn is kept in mind: SACK has no word for it.
  if (fin) rcv_fin_ = end;
  late_fin_ |= fin;
  if (late_fin_ && rcv_nxt_ == rcv_fin_) return take_fin();
  ack_now_ |= fin;
}

void TcpConnection::take_in_order(TcpSegment& segment) {
  TcpCounters& c = tcp_.counters;
  ++c.rcvpack;
  c.rcvbyte += segment.length;
  rcv_nxt_ += segment.length;
  tune_receive_buffer(segment);
  // RFC 9293 s3.8.6.3: every second segment at once, a single one a little later.
  const bool delay = tcp_.settings().delayed_ack && !options.no_delayed_ack && !timer_set(delack) &&
                     !window_was_zero_ && segment.length <= window_.mss && !ack_now_;
  if (delay) {
    delayed_ack_ = true;
    set_timer(delack, Tcp::milliseconds(tcp_.settings().delacktime_ms));
  } else {
    ack_now_ = true;
  }
  if (shut_read_) return;  // nobody will read it
  received_.push(std::move(segment.payload));
  changed();
}

void TcpConnection::take_out_of_order(TcpSegment& segment) {
  TcpCounters& c = tcp_.counters;
  if (!reassembly_) reassembly_ = std::make_unique<TcpReassembly>();
  ack_now_ = true;  // RFC 5681 s4.2: at once, whether it makes a gap or fills one
  const PacketId id = segment.payload.id();
  const Seq begin = segment.seq;
  const uint32_t length = segment.length;
  ++c.rcvoopack;
  ++history_.change().out_of_order;
  c.rcvoobyte += length;
  // What is next always has room, or the connection would stop.
  const size_t most = begin == rcv_nxt_ ? SIZE_MAX : size_t(tcp_.settings().reass_maxqueuelen);
  const TcpReassembly::Added added = reassembly_->add(begin, std::move(segment.payload), most);
  if (added.outcome == TcpReassembly::Outcome::full) {
    ++c.rcvreassfull;
    tcp_.site().note_drop(id, drops::reassembly_full, "tcp");
  } else if (added.outcome == TcpReassembly::Outcome::duplicate) {
    ++c.rcvduppack;
    c.rcvdupbyte += length;
  }
  note_duplicate(added.twice.begin, added.twice.end);
  PacketQueue ready;
  rcv_nxt_ = reassembly_->take_from(rcv_nxt_, ready);
  if (!ready.empty() && !shut_read_) {
    received_.append(std::move(ready));
    changed();
  }
  if (reassembly_->empty() && !reassembly_->has_duplicate()) reassembly_.reset();
}

// The eighth check.
void TcpConnection::take_fin() {
  rcv_nxt_ += 1;
  ack_now_ = true;
  switch (state_) {
    case TcpState::syn_received:
    case TcpState::established:
      become(TcpState::close_wait, "the peer has sent everything");
      break;
    case TcpState::fin_wait_1:
      become(TcpState::closing, "both sides close at once");
      break;
    case TcpState::fin_wait_2:
      enter_time_wait();
      break;
    default:
      break;
  }
  changed();
}

// Once in a round trip: if most of the buffer was filled, it may be what limits the sender
// (FreeBSD's tcp_autorcvbuf). Whoever set SO_RCVBUF keeps it.
void TcpConnection::tune_receive_buffer(const TcpSegment& segment) {
  const auto& s = tcp_.settings();
  if (!s.recvbuf_auto || own_receive_limit_) return;
  round_octets_ += segment.length;
  const SimTime now = tcp_.site().now();
  // A timestamp that we sent since the round began has come back; without timestamps, what the
  // handshake took.
  const bool over = timestamps_ && segment.options.timestamps
                        ? int32_t(segment.options.timestamps->echo - round_stamp_) > 0
                        : now - round_began_ >= rtt_.smoothed();
  if (!over) return;
  const bool stream = now - round_began_ < 1_s;  // and not what trickled in over a long time
  if (stream && round_octets_ > receive_limit_ / 8 * 3 && receive_limit_ < s.recvbuf_max) {
    const int64_t more = int64_t(receive_limit_) + receive_limit_ / 2;
    receive_limit_ = uint32_t(std::min(more, s.recvbuf_max));
  }
  round_octets_ = 0;
  round_began_ = now;
  round_stamp_ = tcp_.timestamp_now() + ts_offset_;
}

// --- ICMP --------------------------------------------------------------------------------------

// RFC 5927 s4: believed only when it quotes something that is on its way; RFC 1122 s4.2.3.9: never
// ends a connection that is established.
void TcpConnection::path_event(const PathEvent& event) {
  const auto quoted = load<be32>(event.transport.subspan(4));
  const Seq seq{quoted};
  const bool under_way = seq >= snd_una_ && seq < seq_max(snd_max_, snd_una_ + 1);
  if (!under_way || state_ <= TcpState::listen) return;
  if (event.kind == PathEventKind::too_big) {
    if (!tcp_.settings().path_mtu_discovery || state_ < TcpState::established) return;
    const uint32_t fits = tcp_.segment_size_to(foreign_.address, options);
    const uint32_t size = fits - options_always();
    if (size >= window_.mss) return;
    ++tcp_.counters.mturesent;
    window_.mss = std::max(size, uint32_t(tcp_.settings().minmss));
    window_.cwnd = std::max(window_.cwnd, window_.mss);
    // RFC 1191 s6.4: what was too large is sent again at once; that is no congestion.
    timed_at_ = SimTime::max();
    scoreboard().all_lost(sent());
    if (rack()) rack()->lose_all();
    if (recovery_ == Recovery::none) recovery_ = Recovery::loss;
    recover_ = snd_nxt_;
    marked_ = false;
    send_first_hole_ = true;
    return output();
  }
  const Errno error = path_event_errno(event.kind);
  if (error == Errno::ok) return;
  const bool refused = error == Errno::econnrefused && tcp_.settings().icmp_may_rst;
  if (state_ == TcpState::syn_sent && refused) {
    ++tcp_.counters.conndrops;
    set_error(error);
    return end("ICMP: the peer cannot be reached");
  }
  // tcp_notify: in the beginning, the third such message ends the attempt.
  if (state_ < TcpState::established && rxtshift_ > 3 && soft_error_ != Errno::ok) {
    set_error(error);
    return end("ICMP: the peer cannot be reached");
  }
  soft_error_ = error;
}

}  // namespace stackyard
