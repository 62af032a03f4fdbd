// stack/tcp/ecn.cpp - explicit congestion notification (RFC 3168 s6.1, RFC 9768; for DCTCP RFC 8257
// s3.2).
#include "stack/tcp/ecn.h"

#include "stack/tcp/tcp.h"

namespace stackyard {

namespace {
constexpr uint8_t ect0 = 2, ce = 3;
}

// net.inet.tcp.ecn.enable: 1 asks for it, 2 only agrees when asked, 3 asks for accurate feedback, 4
// only agrees to that.
uint8_t TcpConnection::ecn_syn() const {
  if (state_ == TcpState::syn_received) return ecn_ ? ace::ece : uint8_t(0);
  // After net.inet.tcp.ecn.maxretries the path may be one that eats such SYNs.
  const auto& s = tcp_.settings();
  if (rxtshift_ > s.ecn_maxretries) return 0;
  return s.ecn == 3 ? ace::all : s.ecn == 1 ? ace::ece | ace::cwr : uint8_t(0);
}

// RFC 3168 s6.1.1: a SYN-ACK has ECE and not CWR; a SYN has both. RFC 9768 s3.1.1: the SYN-ACK of
// who understands more says how the SYN arrived.
void TcpConnection::agree_on_ecn(const TcpSegment& answer) {
  const uint8_t bits = ace::of(answer.flags, answer.accurate_bit);
  const int64_t mode = tcp_.settings().ecn;
  if (!answer.has(tcp_flag::ack)) {
    ecn_ = mode != 0 && (bits & ~ace::ae) == (ace::ece | ace::cwr);
  } else if (mode == 1) {
    ecn_ = (bits & ~ace::ae) == ace::ece;
  } else if (mode == 3 && bits != 0 && bits != ace::all) {
    ecn_ = true;
    if (bits != ace::ece) {
      begin_accurate_ecn(answer.ecn == ce);
      ace_answer_ = ace::of_codepoint(answer.ecn);
      if (bits == ace::arrived_marked) ++ace_heard_;
    }
  }
  tcp_.counters.ecn_shs += ecn_;
}

void TcpConnection::begin_accurate_ecn(bool arrived_marked) {
  accurate_ecn_ = true;
  ace_heard_ = ace::start;
  ace_counted_ = uint8_t(ace::start + arrived_marked);
}

// RFC 9768 s3.2.2: every segment tells how many marked ones its sender has counted; true: more than
// before.
bool TcpConnection::take_accurate_echo(const TcpSegment& segment) {
  ace_counted_ += segment.ecn == ce;
  const uint8_t bits = ace::of(segment.flags, segment.accurate_bit);
  if (std::exchange(ace_third_, false)) {  // the end of the handshake
    ace_heard_ += bits == ace::arrived_marked;
    return bits == ace::arrived_marked;
  }
  const uint8_t more = (bits - ace_heard_) & ace::all;
  ace_heard_ += more;
  return more > 0;
}

// What routers said about data that arrived.
void TcpConnection::take_mark(const TcpSegment& segment) {
  if (!ecn_) return;
  const bool marked = segment.ecn == ce;
  tcp_.counters.ecn_ce += marked;
  tcp_.counters.ecn_ect0 += segment.ecn == ect0;
  if (accurate_ecn_) return;
  if (congestion().echoes_marks_exactly()) {
    // RFC 8257 s3.2: what was acknowledged so far goes out with the old word.
    if (marked != echo_mark_ && delayed_ack_) {
      ack_now_ = true;
      transmit({.seq = snd_nxt_, .flags = tcp_flag::ack});
    }
    echo_mark_ = marked;
    return;
  }
  if (segment.has(tcp_flag::cwr)) {
    echo_mark_ = false;
    ack_now_ = true;
  }
  echo_mark_ |= marked;
}

// What the receiver echoes about data that we sent: once in a window it counts as a loss does.
void TcpConnection::take_echo(const TcpSegment& segment, uint32_t acked) {
  if (!ecn_ || state_ < TcpState::established) return;
  CongestionSample about = sample(acked);
  about.marked = accurate_ecn_ ? segment.more_marks : segment.has(tcp_flag::ece);
  congestion().heard(about);
  if (!about.marked || recovery_ != Recovery::none || segment.ack <= recover_) return;
  ++tcp_.counters.ecn_rcwnd;
  reduce(CongestionEvent::ecn, about);
  recover_ = snd_nxt_;
  marked_ = true;
  tell_reduced_ = !accurate_ecn_;
}

// RFC 3168 s6.1.4, s6.1.5, s6.1.6: neither pure acknowledgments, nor what is sent again, nor window
// probes are ECN-capable; CWR comes with new data.
void TcpConnection::mark_segment(const Piece& piece, uint8_t& flags, bool& accurate_bit,
                                 uint8_t& codepoint) {
  if (!ecn_ || state_ < TcpState::established) return;
  if (accurate_ecn_) {
    const uint8_t counted = uint8_t(ace_counted_ & ace::all);
    const uint8_t bits = ace_answer_ ? std::exchange(ace_answer_, uint8_t(0)) : counted;
    flags |= ace::flags(bits);
    accurate_bit = bits & ace::ae;
    if (piece.length > 0 && !piece.again && !piece.probe) codepoint = ect0;
    return;
  }
  if (echo_mark_ && (flags & tcp_flag::ack)) flags |= tcp_flag::ece;
  if (piece.length == 0 || piece.again || piece.probe) return;
  codepoint = ect0;
  if (!tell_reduced_) return;
  flags |= tcp_flag::cwr;
  tell_reduced_ = false;
}

}  // namespace stackyard
