// stack/tcp/connection.cpp - a connection's states and the calls of its socket (RFC 9293 s3.3.2,
// s3.10).
#include "stack/tcp/connection.h"

#include <algorithm>

#include "stack/tcp/ecn.h"
#include "stack/tcp/listener.h"
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_socket.h"

namespace stackyard {

const char* tcp_state_name(TcpState state) {
  constexpr const char* names[] = {"CLOSED",      "LISTEN",     "SYN_SENT",   "SYN_RCVD",
                                   "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT_1", "CLOSING",
                                   "LAST_ACK",    "FIN_WAIT_2", "TIME_WAIT"};
  return names[size_t(state)];
}

TcpConnection::TcpConnection(Tcp& tcp)
    : tcp_(tcp),
      send_limit_(uint32_t(tcp.settings().sendspace)),
      receive_limit_(uint32_t(tcp.settings().recvspace)),
      timer_(tcp.site().node(), Timer::call<&TcpConnection::timer_fired>, this) {
  deadline_.fill(SimTime::max());
  window_.ssthresh = UINT32_MAX / 2;
  window_.mss = uint32_t(tcp.settings().mssdflt);
  options.functions = uint8_t(tcp.settings().functions);
  congestion_index_ = uint8_t(tcp.settings().cc);
}

TcpConnection::~TcpConnection() = default;

TcpParts& TcpConnection::parts() {
  if (!parts_) parts_ = std::make_unique<TcpParts>();
  return *parts_;
}

namespace {

// RFC 9293 figure 5, and what ends every state: a reset, a timeout, the program.
bool transition_allowed(TcpState from, TcpState to) {
  using S = TcpState;
  switch (to) {
    case S::closed:
      return true;
    case S::listen:
      return from == S::closed;
    case S::syn_sent:
      return from == S::closed;
    case S::syn_received:
      return from == S::syn_sent || from == S::closed;  // by RFC 7413
    case S::established:
      return from == S::syn_sent || from == S::syn_received || from == S::closed;
    case S::close_wait:
      return from == S::established || from == S::syn_received;
    case S::fin_wait_1:
      return from == S::established || from == S::syn_received;
    case S::closing:
      return from == S::fin_wait_1;
    case S::last_ack:
      return from == S::close_wait;
    case S::fin_wait_2:
      return from == S::fin_wait_1;
    case S::time_wait:
      return from == S::fin_wait_1 || from == S::fin_wait_2 || from == S::closing;
  }
  return false;
}

}  // namespace

void TcpConnection::become(TcpState next, const char* why) {
  check(transition_allowed(state_, next), why);
  const char* const before = tcp_state_name(state_);
  state_ = next;
  if (tcp_.site().connections_wanted()) [[unlikely]]
    note(before, why);
}

void TcpConnection::set_error(Errno error) { error_ = error; }

void TcpConnection::end(const char* why) {
  if (state_ == TcpState::closed) return;
  if (state_ >= TcpState::established) teach_host_cache();
  forget_fast_start();
  become(TcpState::closed, why);
  stop_timers();
  sending_.clear();
  scoreboard_.reset();
  reassembly_.reset();
  end_functions();
  recovery_ = Recovery::none;
  ++tcp_.counters.closed;
  tcp_.pcbs().remove(*this);
  changed();
}

// tcp_discardcb: what long connections found out is worth keeping.
void TcpConnection::teach_host_cache() {
  if (!tcp_.settings().hostcache_enable || rtt_samples_ < host_cache_samples) return;
  TcpHostCache::Entry news{.rtt = rtt_.smoothed(), .variation = rtt_.variation(), .expires = {}};
  if (window_.ssthresh < send_limit_) news.ssthresh = std::max(window_.ssthresh, 2 * window_.mss);
  ++tcp_.counters.cachedrtt;
  tcp_.counters.cachedssthresh += news.ssthresh != 0;
  tcp_.host_cache().learn(foreign_.address, news, tcp_.site().now(), tcp_.host_cache_limits());
}

void TcpConnection::abort(Errno error) {
  if (state_ == TcpState::closed || state_ == TcpState::listen) return end("aborted");
  ++(state_ >= TcpState::established ? tcp_.counters.drops : tcp_.counters.conndrops);
  if (synchronized() && state_ != TcpState::time_wait) {
    // RFC 9293 s3.10.5: <SEQ=SND.NXT><CTL=RST>; FreeBSD acknowledges along.
    const Tcp::Segment reset{.ends = ends(),
                             .seq = snd_nxt_,
                             .ack = rcv_nxt_,
                             .flags = uint8_t(tcp_flag::rst | tcp_flag::ack)};
    ++tcp_.counters.sndctrl;
    ++tcp_.counters.sndtotal;
    TcpOptions o;
    o.has_signature = options.sign;
    (void)tcp_.send(tcp_.make_segment(reset, o), ends(), options, {.signed_by_key = options.sign});
  }
  if (error == Errno::etimedout && soft_error_ != Errno::ok) error = soft_error_;
  if (error != Errno::ok) set_error(error);
  end("aborted");
}

const char* TcpConnection::inconsistency() const {
  if (state_ == TcpState::closed || state_ == TcpState::listen) return "";
  if (snd_nxt_ < snd_una_ || snd_max_ < snd_nxt_) return "una <= nxt <= max";
  if (snd_nxt_ > fin_seq() + 1 && state_ >= TcpState::established && !fin_sent_)
    return "nothing is sent that was not written";
  if (rcv_adv_ < rcv_nxt_ && state_ >= TcpState::established && !fin_received())
    return "the told edge is not behind what was received";
  if (scoreboard_ && scoreboard_->pipe(sent()) > uint32_t(snd_nxt_ - snd_una_))
    return "no more is on its way than was sent";
  if (state_ >= TcpState::established && state_ < TcpState::time_wait) {
    if (window_.cwnd < window_.mss) return "a segment may always be sent";
    const bool waits = timer_set(rexmt) || timer_set(persist);
    if (snd_una_ != snd_nxt_ && !waits) return "what is outstanding has a timer";
    const bool paced = pacer() && pacer()->timer.armed();
    if (sending_.size() > 0 && !waits && !paced) return "what waits to be sent has a timer";
  }
  if (state_ == TcpState::time_wait && !timer_set(two_msl)) return "TIME_WAIT ends";
  if (timer_.armed() != (*std::min_element(deadline_.begin(), deadline_.end()) != SimTime::max()) &&
      !timer_.armed())
    return "a deadline has an event";
  return "";
}

// --- opening -----------------------------------------------------------------------------------

void TcpConnection::set_buffers(int64_t receive, int64_t send) {
  own_receive_limit_ |= receive > 0;
  own_send_limit_ |= send > 0;
  if (receive > 0) receive_limit_ = uint32_t(receive);
  if (send > 0) send_limit_ = uint32_t(send);
}

void TcpConnection::start_sequence() {
  iss_ = tcp_.initial_sequence(ends());
  ts_offset_ = tcp_.timestamp_offset(ends());
  snd_una_ = snd_nxt_ = snd_max_ = recover_ = iss_;
  syn_unacked_ = true;
}

Result<> TcpConnection::connect(const Endpoint& foreign) {
  TRY(tcp_.connect(*this, foreign));
  ++tcp_.counters.connattempt;
  start_sequence();
  rcv_scale_ = tcp_.offers_scaling() ? tcp_.window_scale_offer() : 0;
  become(TcpState::syn_sent, "the program connects");
  connecting_ = true;
  begin_fast_start();
  set_keep_init();
  output();
  if (state_ == TcpState::closed) return take_error();
  return Errno::einprogress;
}

Result<> TcpConnection::connect_result() {
  if (state_ == TcpState::syn_sent || state_ == TcpState::syn_received) return Errno::eagain;
  connecting_ = false;
  const Errno error = take_error();
  if (error != Errno::ok) return error;
  return {};
}

// RFC 6691, and net.inet.tcp.minmss: nobody makes us send tiny segments.
void TcpConnection::set_segment_size(uint32_t offered) {
  const auto& s = tcp_.settings();
  if (offered == 0) offered = tcp_.segment_size_unsaid(foreign_.address);
  offered = std::max(offered, uint32_t(s.minmss));
  uint32_t size = std::min(offered, tcp_.segment_size_to(foreign_.address, options));
  size -= options_always();
  window_.mss = size;
  if (const auto* known = s.hostcache_enable
                              ? tcp_.host_cache().find(foreign_.address, tcp_.site().now())
                              : nullptr) {
    if (!rtt_.known() && known->rtt > SimTime()) {
      rtt_.assume(known->rtt, known->variation);
      ++tcp_.counters.usedrtt;
    }
    if (known->ssthresh) {
      window_.ssthresh = std::max(known->ssthresh, 2 * size);
      ++tcp_.counters.usedssthresh;
    }
  }
  // RFC 6928: ten segments, but no more than 14600 octets unless two segments are that.
  const uint32_t segments = uint32_t(s.initcwnd_segments);
  window_.cwnd = segments > 0 ? std::min(segments * size, std::max(2 * size, segments * 1460))
                              : std::min(4 * size, std::max(2 * size, uint32_t(4380)));
  // A SYN that had to be repeated: RFC 6298 s5, RFC 5681 s3.1.
  if (rxtshift_ > 0) window_.cwnd = size;
  // Bursts fit the socket's buffers in whole segments.
  send_limit_ = std::max(send_limit_, size);
  receive_limit_ = std::max(receive_limit_, size);
}

void TcpConnection::agree_on_options(const TcpOptions& theirs) {
  const auto& s = tcp_.settings();
  scaling_ = tcp_.offers_scaling() && !options.no_options && theirs.window_scale.has_value();
  snd_scale_ = scaling_ ? *theirs.window_scale : 0;
  if (!scaling_) rcv_scale_ = 0;
  timestamps_ = tcp_.offers_timestamps() && !options.no_options && theirs.timestamps.has_value();
  if (timestamps_) {
    ts_recent_ = theirs.timestamps->value;
    ts_recent_age_ = tcp_.site().now();
  }
  sack_ = s.sack && !options.no_options && theirs.sack_permitted;
}

void TcpConnection::established() {
  ++tcp_.counters.connects;
  forget_fast_start();
  received_at_ = round_began_ = acked_at_ = tcp_.site().now();
  round_stamp_ = tcp_.timestamp_now() + ts_offset_;
  set_keep_idle();
  begin_functions();
  begin_congestion();
  changed();
}

void TcpConnection::open_from(const TcpHalfOpen& from, const TcpConnection& listener) {
  options = listener.options;
  options.fast_open = false;
  options.encaps_port = from.encaps_port;
  if (!tcp_.settings().functions_inherit) options.functions = uint8_t(tcp_.settings().functions);
  receive_limit_ = listener.receive_limit_;
  send_limit_ = listener.send_limit_;
  own_receive_limit_ = listener.own_receive_limit_;
  own_send_limit_ = listener.own_send_limit_;
  family = listener.family;
  jail = listener.jail;
  if (listener.pacer()) limit_pace(listener.pacer()->limit);
  congestion_index_ = listener.congestion_index_;
  reuse_address = listener.reuse_address;
  reuse_port = listener.reuse_port;
  check(tcp_.pcbs().insert_connected(*this, from.ends.local, from.ends.foreign).has_value(),
        "what was half open is nobody else's");
  iss_ = from.iss;
  snd_una_ = snd_nxt_ = snd_max_ = recover_ = iss_ + 1;
  irs_ = from.irs;
  rcv_nxt_ = irs_ + 1;
  rcv_adv_ = rcv_nxt_ + from.receive_window;
  last_ack_sent_ = rcv_nxt_;
  ts_offset_ = from.ts_offset;
  ts_recent_ = from.ts_recent;
  ts_recent_age_ = tcp_.site().now();
  scaling_ = from.scaling;
  timestamps_ = from.timestamps;
  sack_ = from.sack;
  ecn_ = from.ecn != 0;
  if (from.ecn > ace::ece) begin_accurate_ecn(from.ecn == ace::arrived_marked);
  ace_third_ = accurate_ecn_;
  tcp_.counters.ecn_shs += ecn_;
  snd_scale_ = from.snd_scale;
  rcv_scale_ = from.rcv_scale;
  rxtshift_ = from.retransmitted;
  set_segment_size(from.mss);
  rxtshift_ = 0;
  // The handshake was a round trip. As in FreeBSD only timestamps tell how long it took, and of
  // what was sent twice it is not known which one (Karn).
  if (from.answered > SimTime() && from.retransmitted == 0 && timestamps_)
    rtt_.sample(tcp_.site().now() - from.answered);
  rxtcur_ = retransmission_timeout();
  snd_wnd_ = max_sndwnd_ = from.window;
  snd_wl1_ = irs_;
  snd_wl2_ = iss_;
  if (from.fast) {
    snd_una_ = snd_nxt_ = snd_max_ = recover_ = iss_;
    syn_unacked_ = true;
    return become(TcpState::syn_received, "a SYN with a cookie");
  }
  become(TcpState::established, "the handshake is complete");
  ++tcp_.counters.accepts;
  established();
}

// --- data --------------------------------------------------------------------------------------

Result<size_t> TcpConnection::send(Bytes octets) {
  // As sosend(9): who can send no more hears that, and his error from what he reads.
  if (wants_fin_) return Errno::epipe;
  if (state_ == TcpState::closed && (connecting_ || bound())) return Errno::epipe;
  if (error_ != Errno::ok) return take_error();
  if (state_ == TcpState::closed) return Errno::enotconn;
  if (state_ == TcpState::listen) return Errno::enotconn;
  if (!may_send()) {
    // It is still being opened: what is written waits in the buffer, unless it has to block.
    if (state_ == TcpState::syn_sent || state_ == TcpState::syn_received) return Errno::eagain;
    return Errno::epipe;
  }
  const size_t room = send_limit_ > sending_.size() ? send_limit_ - sending_.size() : 0;
  if (room == 0 && !octets.empty()) return Errno::eagain;
  const size_t taken = std::min(room, octets.size());
  sending_.append(tcp_.pool(), octets.first(taken));
  output();
  return taken;
}

Result<Received> TcpConnection::receive(size_t max, bool peek) {
  Received result;
  const size_t there = received_.octets();
  if (there == 0) {
    if (error_ != Errno::ok) return take_error();
    if (state_ == TcpState::listen || (state_ == TcpState::closed && !bound()))
      return Errno::enotconn;
    if (may_receive() && state_ != TcpState::closed) return Errno::eagain;
    return result;  // the end
  }
  const size_t count = std::min(max, readable_before_mark(there));
  if (count == 0 && max > 0) return receive(max, peek);  // the urgent octet was all
  result.octets.reserve(count);
  const auto take = [&](Bytes part) {
    result.octets.insert(result.octets.end(), part.begin(), part.end());
  };
  if (peek)
    received_.look(count, take);
  else
    received_.consume(count, take);
  result.length = count;
  result.from = name_of(foreign_, family);
  // A window that has opened enough is told to the peer.
  if (!peek && state_ >= TcpState::established) output();
  return result;
}

Readiness TcpConnection::readiness() const {
  // sowriteable(9), soreadable(9): as much room, and as many octets, as the low-water marks ask
  // for.
  const size_t room = send_limit_ > sending_.size() ? send_limit_ - sending_.size() : 0;
  const bool ended = state_ == TcpState::closed && (bound() || error_ != Errno::ok);
  const bool opening = state_ == TcpState::syn_sent || state_ == TcpState::syn_received;
  Readiness ready;
  ready.readable =
      received_.octets() >= std::min(options.patience->receive_low_water, receive_limit_) ||
      error_ != Errno::ok || ended || (state_ >= TcpState::established && !may_receive());
  ready.writable =
      error_ != Errno::ok || ended || wants_fin_ ||
      (!opening && may_send() && room >= std::min(options.patience->send_low_water, send_limit_));
  ready.hang_up = ended || (state_ > TcpState::established && wants_fin_ && !may_receive());
  return ready;
}

// --- closing -----------------------------------------------------------------------------------

// RFC 9293 s3.10.4; FreeBSD's tcp_usrclosed.
void TcpConnection::close_by_user() {
  wants_fin_ = true;
  switch (state_) {
    case TcpState::listen:
    case TcpState::syn_sent:
      return end("closed before it was open");
    case TcpState::established:
      become(TcpState::fin_wait_1, "the program has sent everything");
      break;
    case TcpState::close_wait:
      become(TcpState::last_ack, "the program closes, too");
      break;
    default:
      break;
  }
  // Its FIN is acknowledged and nobody reads: do not wait for the peer's for ever.
  if (state_ == TcpState::fin_wait_2 && !socket_) set_finwait2();
}

Result<> TcpConnection::shutdown(ShutdownHow how) {
  if (state_ < TcpState::syn_received || state_ == TcpState::time_wait) return Errno::enotconn;
  if (how != ShutdownHow::write) {
    shut_read_ = true;
    received_.clear();
  }
  if (how != ShutdownHow::read && !wants_fin_) {
    close_by_user();
    if (state_ != TcpState::closed) output();
  }
  changed();
  return {};
}

void TcpConnection::socket_closed() {
  socket_ = nullptr;
  if (state_ == TcpState::closed) return;
  if (options.patience->linger_s == 0 && state_ > TcpState::listen) return abort(Errno::ok);
  received_.clear();
  close_by_user();
  if (state_ != TcpState::closed) output();
}

void TcpConnection::enter_time_wait() {
  if (tcp_.settings().nolocaltimewait && tcp_.ip().of(foreign_.address).is_local(foreign_.address))
    return end("both sides have closed, and both are here");
  become(TcpState::time_wait, "both sides have closed");
  lingers = true;
  stop_timers();
  scoreboard_.reset();
  reassembly_.reset();
  end_functions();
  set_timer(two_msl, Tcp::milliseconds(2 * tcp_.settings().msl_ms));
  changed();
}

}  // namespace stackyard
