// stack/tcp/output.cpp - what is sent, and when (RFC 9293 s3.8; RFC 6675; FreeBSD's tcp_output).
#include <algorithm>

#include "stack/tcp/ecn.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

namespace {
constexpr uint32_t window_max = 65535;  // without scaling
}

void TcpConnection::output() {
  switch (state_) {
    case TcpState::closed:
    case TcpState::listen:
      return;
    case TcpState::syn_sent:
    case TcpState::syn_received:
      if (snd_nxt_ == iss_ || ack_now_) send_syn();
      if (starts_fast() && rxtshift_ == 0)
        while (send_new(false)) {
        }
      return;
    default:
      break;
  }
  restart_after_idle();
  grow_send_buffer();
  // As FreeBSD's tcp_output: who was idle sends all that was written, its small end included.
  const bool idle = snd_nxt_ == snd_una_;
  while (output_once(idle)) {
  }
  if (state_ != TcpState::closed && wants_ack())
    transmit({.seq = snd_nxt_, .flags = tcp_flag::ack});
  if (rack()) schedule_probe();
  if (delivery()) note_end_of_work();
  if (tcp_.site().connections_wanted() && state_ != TcpState::closed) [[unlikely]]
    note(nullptr, "");
}

bool TcpConnection::output_once(bool was_idle) {
  if (state_ == TcpState::closed || state_ == TcpState::time_wait) return false;
  return send_again() || send_new(was_idle);
}

// RFC 5681 s4.1: after an idle timeout the window may be too large for the path.
void TcpConnection::restart_after_idle() {
  if (snd_nxt_ != snd_una_ || received_at_ == SimTime()) return;
  if (sending_.size() == 0) return;
  if (delivery()) {
    if (delivery()->is_limited()) congestion_->idle(window_, sample(0));
    pacer()->rate = delivery()->control.pacing_rate();
    return;
  }
  if (tcp_.site().now() - received_at_ < rxtcur_) return;
  if (congestion_) congestion_->idle(window_, sample(0));
  const uint32_t segments = uint32_t(std::max<int64_t>(tcp_.settings().initcwnd_segments, 2));
  window_.cwnd = std::min(window_.cwnd, segments * window_.mss);  // RFC 6928 s2
}

// sbreserve(9) by tcp_sndbuf: twice the buffer is no use while the window does not ask for it.
void TcpConnection::grow_send_buffer() {
  const auto& s = tcp_.settings();
  if (!s.sendbuf_auto || own_send_limit_ || send_limit_ >= s.sendbuf_max) return;
  const uint32_t window = std::min(snd_wnd_, window_.cwnd);
  const size_t queued = sending_.size(), limit = send_limit_;
  const uint32_t outstanding = uint32_t(snd_nxt_ - snd_una_);
  const bool used = uint64_t(snd_wnd_) * 5 / 4 >= limit && queued >= limit / 8 * 7;
  if (!used || window < queued - std::min<size_t>(queued, outstanding)) return;
  send_limit_ = uint32_t(std::min<int64_t>(send_limit_ + s.sendbuf_inc, s.sendbuf_max));
}

// --- what to send ------------------------------------------------------------------------------

bool TcpConnection::fin_wanted() const {
  return state_ == TcpState::fin_wait_1 || state_ == TcpState::closing ||
         state_ == TcpState::last_ack;
}

// What a segment holds: SACK blocks take their room from the data (RFC 6691 s3).
uint32_t TcpConnection::payload_max() const {
  if (!sack_ || !reassembly_) return window_.mss;
  TcpOptions blocks;
  reassembly_->report(blocks, rcv_nxt_);
  if (timestamps_) blocks.timestamps = TcpTimestamps();
  blocks.has_signature = options.sign;
  return window_.mss - (uint32_t(tcp_options_size(blocks)) - options_always());
}

// RFC 6675 s5, NextSeg (1): what is lost comes before what is new.
bool TcpConnection::send_again() {
  if (!scoreboard_ || recovery_ == Recovery::none) return false;
  const SackBlock hole = scoreboard_->next_hole(payload_max(), true);
  if (hole.begin == hole.end) {
    send_first_hole_ = false;
    return false;
  }
  const uint32_t size = uint32_t(hole.end - hole.begin);
  if (!send_first_hole_ && in_flight() + size > window_.cwnd) return false;
  if (must_wait()) return false;
  send_first_hole_ = false;
  Piece piece{.seq = hole.begin, .flags = tcp_flag::ack, .again = true};
  const Seq data_end = seq_min(hole.end, fin_seq());
  piece.length = data_end > hole.begin ? uint32_t(data_end - hole.begin) : 0;
  if (hole.end > fin_seq()) piece.flags |= tcp_flag::fin;
  scoreboard_->sent_again(hole, snd_nxt_);
  history_.change().prr_out += size;
  transmit(piece);
  return true;
}

// Sender's silly window avoidance (RFC 9293 s3.8.6.2.1) and Nagle's algorithm (s3.7.4).
bool TcpConnection::worth_sending(uint32_t length, uint32_t left, bool was_idle) const {
  if (length == 0) return false;
  if (length == payload_max()) return true;
  const bool is_urgent = urgent() && urgent()->sending && urgent()->snd_up > snd_nxt_;
  if ((was_idle || options.no_delay || is_urgent) && length == left && !options.no_push)
    return true;
  return max_sndwnd_ > 0 && length >= max_sndwnd_ / 2;
}

bool TcpConnection::send_new(bool was_idle) {
  const uint32_t outstanding = uint32_t(snd_nxt_ - first_unacked());
  const uint32_t queued = uint32_t(sending_.size());
  const uint32_t left = queued > outstanding ? queued - outstanding : 0;
  const bool may_end = fin_wanted() && !fin_sent_;
  if (left == 0 && !may_end) return false;
  const uint32_t flight = in_flight();
  const uint32_t window_room = snd_wnd_ > outstanding ? snd_wnd_ - outstanding : 0;
  const uint32_t cwnd_room = window_.cwnd > flight ? window_.cwnd - flight : 0;
  const uint32_t length = std::min({left, window_room, cwnd_room, payload_max()});
  const bool last = may_end && length == left;
  if (!last && !worth_sending(length, left, was_idle)) {
    // Nothing on its way would bring an answer that opens the window.
    if (left > 0 && !timer_set(rexmt) && !timer_set(persist)) {
      rxtshift_ = 0;
      set_persist();
    }
    return false;
  }
  if (length > 0 && must_wait()) return false;
  Piece piece{.seq = snd_nxt_, .length = length, .flags = tcp_flag::ack};
  if (last) piece.flags |= tcp_flag::fin;
  if (recovery_ == Recovery::fast || dupacks_ > 0) history_.change().prr_out += length;
  transmit(piece);
  return true;
}

bool TcpConnection::wants_ack() const {
  if (ack_now_) return true;
  if (delayed_ack_ || fin_received() || state_ < TcpState::established) return false;
  // RFC 9293 s3.8.6.2.2: the window's edge moves by two segments, or half of the buffer.
  const size_t used = received_.octets();
  const uint32_t space = receive_limit_ > used ? uint32_t(receive_limit_ - used) : 0;
  const uint32_t window = std::min(space, window_max << rcv_scale_);
  const uint32_t told = rcv_adv_ > rcv_nxt_ ? uint32_t(rcv_adv_ - rcv_nxt_) : 0;
  if (window <= told || told >> rcv_scale_ >= window >> rcv_scale_) return false;
  const uint32_t more = window - told;
  if (more >= 2 * window_.mss &&
      (more >= receive_limit_ / 4 || window <= receive_limit_ / 8 ||
       receive_limit_ <= 8 * window_.mss || more >= window_max << rcv_scale_))
    return true;
  return 2 * uint64_t(more) >= receive_limit_;
}

// --- segments ----------------------------------------------------------------------------------

void TcpConnection::send_syn() {
  Piece piece{.seq = iss_, .flags = tcp_flag::syn, .again = rxtshift_ > 0};
  if (state_ == TcpState::syn_received) piece.flags |= tcp_flag::ack;
  if (fast_start()) piece.length = syn_data(tcp_options_size(segment_options(piece.flags)));
  transmit(piece);
}

// RFC 9293 s3.8.6.2.2 and RFC 7323 s2.4: never shrinks, and not by less than is worth it.
uint32_t TcpConnection::receive_window() {
  const size_t used = received_.octets();
  uint32_t window = receive_limit_ > used ? uint32_t(receive_limit_ - used) : 0;
  if (window < receive_limit_ / 4 && window < window_.mss) window = 0;
  const uint32_t told = rcv_adv_ > rcv_nxt_ ? uint32_t(rcv_adv_ - rcv_nxt_) : 0;
  if (state_ > TcpState::syn_sent) window = std::max(window, told);
  return std::min(window, window_max << rcv_scale_);
}

TcpOptions TcpConnection::segment_options(uint8_t flags) {
  TcpOptions o;
  o.has_signature = options.sign;
  if (options.no_options) return o;
  const bool syn = flags & tcp_flag::syn;
  const bool answers = flags & tcp_flag::ack;
  if (syn) {
    o.mss = uint16_t(tcp_.segment_size_to(foreign_.address, options));
    // Who eats such SYNs gets a plain one (net.inet.tcp.rexmit_drop_options).
    if (!answers && tcp_.settings().rexmit_drop_options && rxtshift_ >= 3) return o;
    if (answers ? scaling_ : tcp_.offers_scaling()) o.window_scale = rcv_scale_;
    o.sack_permitted = answers ? sack_ : tcp_.settings().sack != 0;
    if (answers ? timestamps_ : tcp_.offers_timestamps())
      o.timestamps = {tcp_.timestamp_now() + ts_offset_, 0};
    if (o.timestamps && answers) o.timestamps->echo = ts_recent_;
    if (fast_start() && rxtshift_ == 0) {
      o.has_fast_open = true;
      o.cookie = fast_start()->cookie.octets;
      o.cookie_length = fast_start()->cookie.length;
    }
    return o;
  }
  if (timestamps_) o.timestamps = {tcp_.timestamp_now() + ts_offset_, ts_recent_};
  if (sack_ && reassembly_) {
    reassembly_->report(o, rcv_nxt_);
    reassembly_->duplicate_reported();
    tcp_.counters.sack_send_blocks += o.sack_count > 0;
    if (reassembly_->empty()) reassembly_.reset();
  }
  return o;
}

void TcpConnection::transmit(const Piece& piece) {
  const bool syn = piece.flags & tcp_flag::syn;
  const uint32_t window = receive_window();
  Tcp::Segment segment{.ends = ends(), .seq = piece.seq, .ack = rcv_nxt_, .flags = piece.flags};
  segment.window = syn ? uint16_t(std::min(window, window_max)) : uint16_t(window >> rcv_scale_);
  const Seq data = piece.seq + (syn ? 1 : 0), end = data + piece.length;
  if (piece.length > 0 && end == fin_seq() && !syn) segment.flags |= tcp_flag::push;
  uint8_t codepoint = 0;
  if (syn) {
    const uint8_t bits = ecn_syn();
    segment.flags |= ace::flags(bits);
    segment.accurate_bit = bits & ace::ae;
  }
  mark_segment(piece, segment.flags, segment.accurate_bit, codepoint);
  point_out_urgent(piece, segment.flags, segment.urgent);
  const TcpOptions segment_opts = segment_options(piece.flags);
  Packet packet = tcp_.make_segment(segment, segment_opts);
  if (piece.length > 0) {
    sending_.attach(packet, size_t(data - first_unacked()), piece.length);
    if (pacer()) pacer()->sent(piece.length, tcp_.site().now(), window_.mss);
  }
  count_sent(piece);
  note_sent(piece);
  // What the peer has been told by this segment.
  if (piece.flags & tcp_flag::ack) {
    const uint32_t told = syn ? std::min(window, window_max) : window >> rcv_scale_ << rcv_scale_;
    window_was_zero_ = told == 0;
    if (told == 0) ++history_.change().zero_windows;
    rcv_wnd_ = window;
    rcv_adv_ = seq_max(rcv_adv_, rcv_nxt_ + told);
    last_ack_sent_ = rcv_nxt_;
    ack_now_ = delayed_ack_ = false;
    stop_timer(delack);
  }
  const Result<> sent = tcp_.send(std::move(packet), ends(), options,
                                  {.codepoint = codepoint,
                                   .signed_by_key = options.sign,
                                   .may_fragment = history_->may_fragment});
  if (!sent) output_failed(sent.error());
}

void TcpConnection::count_sent(const Piece& piece) {
  TcpCounters& c = tcp_.counters;
  ++c.sndtotal;
  if (piece.probe) {
    ++c.sndprobe;
  } else if (piece.length > 0 && piece.again) {
    ++c.sndrexmitpack;
    ++history_.change().retransmitted;
    c.sndrexmitbyte += piece.length;
    c.sack_rexmits += sack_ && recovery_ == Recovery::fast;
    if (sack_ && recovery_ == Recovery::fast) c.sack_rexmit_bytes += piece.length;
  } else if (piece.length > 0) {
    ++c.sndpack;
    c.sndbyte += piece.length;
  } else if (piece.flags & (tcp_flag::syn | tcp_flag::fin | tcp_flag::rst)) {
    ++c.sndctrl;
  } else if (ack_now_) {
    ++c.sndacks;
  } else {
    ++c.sndwinup;
  }
}

// Advances the send sequence, and times the segment.
void TcpConnection::note_sent(const Piece& piece) {
  const uint32_t counted = piece.length + ((piece.flags & tcp_flag::syn) ? 1 : 0) +
                           ((piece.flags & tcp_flag::fin) ? 1 : 0);
  if (counted == 0) return;
  const Seq end = piece.seq + counted;
  if (piece.flags & tcp_flag::fin) fin_sent_ = true;
  snd_max_ = seq_max(snd_max_, end);
  if (piece.probe) return;
  const bool is_new = end > snd_nxt_;
  if (rack()) {
    if (is_new)
      rack()->sent({piece.seq, end}, tcp_.site().now());
    else
      rack()->sent_again({piece.seq, end}, tcp_.site().now());
    rack()->restart_probe |= is_new;
  }
  if (delivery()) {
    if (is_new)
      delivery()->sent({piece.seq, end}, tcp_.site().now(), snd_nxt_ == snd_una_);
    else
      delivery()->sent_again({piece.seq, end}, tcp_.site().now());
  }
  if (snd_nxt_ == snd_una_) acked_at_ = tcp_.site().now();
  snd_nxt_ = seq_max(snd_nxt_, end);
  if (is_new && !piece.again && timed_at_ == SimTime::max()) {
    timed_ = piece.seq;
    timed_at_ = tcp_.site().now();
    ++tcp_.counters.segstimed;
  }
  stop_timer(persist);
  if (timer_set(rexmt)) return;
  if (rxtcur_ == SimTime()) rxtcur_ = retransmission_timeout();
  set_rexmt();
}

// tcp_output's end: what the path says at once.
void TcpConnection::output_failed(Errno error) {
  switch (error) {
    case Errno::enobufs:
      window_.cwnd = window_.mss;  // quench: local queues are full
      return;
    case Errno::emsgsize:
      return;  // path_event will say how large a segment may be
    case Errno::ehostunreach:
    case Errno::enetunreach:
    case Errno::ehostdown:
    case Errno::enetdown:
    case Errno::eacces:
    case Errno::eaddrnotavail:
      soft_error_ = error;
      if (state_ != TcpState::syn_sent || rxtshift_ > 0 || error == Errno::ehostdown) return;
      // connect(2) fails at once when there is no way.
      set_error(error);
      return end("no way to the peer");
    default:
      soft_error_ = error;
  }
}

// An acknowledgment that demands an answer: keepalive.
void TcpConnection::send_probe(Seq seq) {
  ack_now_ = true;
  transmit({.seq = seq, .flags = tcp_flag::ack});
}

}  // namespace stackyard
