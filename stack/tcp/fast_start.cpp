// stack/tcp/fast_start.cpp - a connection whose data come with its SYN (RFC 7413 s4).
#include <algorithm>

#include "stack/tcp/ecn.h"
#include "stack/tcp/fast_open.h"
#include "stack/tcp/listener.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

// --- the client (s4.2.1) -----------------------------------------------------------------------

// sendto(2) without connect(2) before: with TCP_FASTOPEN the SYN takes along what fits, otherwise
// it waits for the handshake.
Result<size_t> TcpConnection::connect_and_send(const Endpoint& foreign, Bytes octets) {
  const size_t taken = std::min<size_t>(send_limit_, octets.size());
  sending_.append(tcp_.pool(), octets.first(taken));
  const Result<> done = connect(foreign);
  if (!done && done.error() != Errno::einprogress) {
    sending_.clear();
    return done.error();
  }
  return taken;
}

void TcpConnection::begin_fast_start() {
  if (!options.fast_open || !tcp_.settings().fastopen_client) return;
  TcpFastStart start;
  const SimTime now = tcp_.site().now();
  if (tcp_.fast_open().begin(ends(), tcp_.settings(), now, fast_secret(), start.cookie, start.mss))
    parts().fast_start = std::make_unique<TcpFastStart>(start);
}

// Data only with a cookie, and only in the first SYN: a path that eats such a one gets a plain one
// (s4.1.3.1).
uint32_t TcpConnection::syn_data(size_t options_size) const {
  if (!fast_start() || rxtshift_ > 0 || state_ != TcpState::syn_sent) return 0;
  if (fast_start()->cookie.length == 0) return 0;
  const uint32_t offered =
      fast_start()->mss ? fast_start()->mss : tcp_.segment_size_unsaid(foreign_.address);
  const uint32_t size = std::min(offered, tcp_.segment_size_to(foreign_.address, options));
  return std::min(uint32_t(sending_.size()), size - std::min(size, uint32_t(options_size)));
}

// s4.1.3: what the SYN-ACK says about the path.
void TcpConnection::end_fast_start(const TcpSegment& answer) {
  const uint32_t with_syn = uint32_t(snd_max_ - iss_) - 1;
  const uint32_t acked = uint32_t(answer.ack - iss_) - 1;
  const uint32_t of_buffer = std::min(acked, uint32_t(sending_.size()));
  sending_.drop_front(of_buffer);
  snd_una_ = snd_nxt_ = answer.ack;
  syn_unacked_ = false;
  if (of_buffer > 0) changed();
  if (!fast_start()) return;
  parts_->fast_start.reset();
  TcpFastOpen::Path* path = tcp_.fast_open().path(ends(), tcp_.settings());
  if (!path) return;
  if (answer.options.has_fast_open) {
    path->cookie.length = answer.options.cookie_length;
    path->cookie.octets = answer.options.cookie;
    if (answer.options.mss) path->mss = *answer.options.mss;
    return;
  }
  // Neither a cookie nor our data taken: not for a while (RFC 7413 s4.1.3.1). FreeBSD gives up even
  // on a server that took the data and has no new cookie.
  if (with_syn > 0 && acked > 0) return;
  path->disabled_at = tcp_.site().now();
}

// --- the server (s4.2.2) -----------------------------------------------------------------------

// The SYN of one who is known: a connection at once, and its data are delivered.
void TcpConnection::open_fast(const TcpHalfOpen& from, const TcpConnection& listener,
                              TcpSegment& syn, const TcpCookie& fresh) {
  open_from(from, listener);
  options.fast_open = true;
  parts().fast_start = std::make_unique<TcpFastStart>();
  fast_start()->cookie = fresh;
  fast_start()->served = true;
  ++tcp_.fast_open().pending(local_.port);
  set_keep_init();
  syn.seq += 1;
  syn.flags &= uint8_t(~(tcp_flag::syn | tcp_flag::fin));
  rcv_wnd_ = receive_window();
  if (trim_end(syn) && syn.length > 0) take_data(syn);
  ack_now_ = true;
  output();
}

// The handshake is over, or the connection is.
void TcpConnection::forget_fast_start() {
  if (fast_start() && fast_start()->served) --tcp_.fast_open().pending(local_.port);
  if (parts_) parts_->fast_start.reset();
}

}  // namespace stackyard
