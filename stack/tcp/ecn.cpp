// stack/tcp/ecn.cpp - explicit congestion notification (RFC 3168 s6.1; for DCTCP RFC 8257 s3.2).
#include "stack/tcp/tcp.h"

namespace stackyard {

namespace {
constexpr uint8_t ect0 = 2, ce = 3;
}

// net.inet.tcp.ecn.enable: 1 asks for it, 2 only agrees when asked.
uint8_t TcpConnection::ecn_syn_flags() const {
  if (state_ == TcpState::syn_received) return ecn_ ? tcp_flag::ece : uint8_t(0);
  // After net.inet.tcp.ecn.maxretries the path may be one that eats such SYNs.
  const bool asks = tcp_.settings().ecn == 1 && rxtshift_ <= tcp_.settings().ecn_maxretries;
  return asks ? tcp_flag::ece | tcp_flag::cwr : uint8_t(0);
}

// RFC 3168 s6.1.1: a SYN-ACK has ECE and not CWR; a SYN has both.
void TcpConnection::agree_on_ecn(const TcpSegment& answer) {
  const uint8_t flags = answer.flags & (tcp_flag::ece | tcp_flag::cwr);
  if (answer.has(tcp_flag::ack))
    ecn_ = tcp_.settings().ecn == 1 && flags == tcp_flag::ece;
  else
    ecn_ = tcp_.settings().ecn != 0 && flags == (tcp_flag::ece | tcp_flag::cwr);
  tcp_.counters.ecn_shs += ecn_;
}

// What routers said about data that arrived.
void TcpConnection::take_mark(const TcpSegment& segment) {
  if (!ecn_) return;
  const bool marked = segment.ecn == ce;
  tcp_.counters.ecn_ce += marked;
  tcp_.counters.ecn_ect0 += segment.ecn == ect0;
  if (congestion_ && congestion_->echoes_marks_exactly()) {
    // RFC 8257 s3.2: what was acknowledged so far goes out with the old word.
    if (marked != echo_mark_ && delayed_ack_) {
      ack_now_ = true;
      transmit({.seq = snd_nxt_, .flags = tcp_flag::ack});
    }
    echo_mark_ = marked;
    return;
  }
  if (segment.has(tcp_flag::cwr)) echo_mark_ = false;
  if (marked) {
    echo_mark_ = true;
    ack_now_ = true;
  }
}

// What the receiver echoes about data that we sent: once in a window it counts as a loss does.
void TcpConnection::take_echo(const TcpSegment& segment, uint32_t acked) {
  if (!ecn_ || !congestion_) return;
  CongestionSample about = sample(acked);
  about.marked = segment.has(tcp_flag::ece);
  congestion_->heard(about);
  if (!about.marked || recovery_ != Recovery::none || segment.ack <= recover_) return;
  ++tcp_.counters.ecn_rcwnd;
  congestion_->congested(window_, CongestionEvent::ecn, about);
  window_.cwnd = window_.ssthresh;
  recover_ = snd_nxt_;
  tell_reduced_ = true;
}

// RFC 3168 s6.1.4, s6.1.5, s6.1.6: neither pure acknowledgments, nor what is sent again, nor window
// probes are ECN-capable; CWR comes with new data.
void TcpConnection::mark_segment(const Piece& piece, uint8_t& flags, uint8_t& codepoint) {
  if (!ecn_ || state_ < TcpState::established) return;
  if (echo_mark_ && (flags & tcp_flag::ack)) flags |= tcp_flag::ece;
  if (piece.length == 0 || piece.again || piece.probe) return;
  codepoint = ect0;
  if (!tell_reduced_) return;
  flags |= tcp_flag::cwr;
  tell_reduced_ = false;
}

}  // namespace stackyard
