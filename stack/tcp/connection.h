// stack/tcp/connection.h - one TCP connection (RFC 9293), from its first call to its last timer.
//
// Sans-I/O: segments, calls and timers come in; segments, timers and wake-ups go out through Tcp.
// The files follow the RFC's concerns: connection.cpp (states, calls), input.cpp (segments arrive),
// acks.cpp (acknowledgments, recovery), output.cpp, timers.cpp. Names are FreeBSD's tcpcb's.
#pragma once

#include <memory>

#include "core/event/timer.h"
#include "core/wire/transport/tcp.h"
#include "stack/ip/ip_protocol.h"
#include "stack/ip/pcb.h"
#include "stack/sys/types.h"
#include "stack/tcp/congestion/congestion.h"
#include "stack/tcp/delivery.h"
#include "stack/tcp/fast_open.h"
#include "stack/tcp/pacer.h"
#include "stack/tcp/rack.h"
#include "stack/tcp/reassembly.h"
#include "stack/tcp/rtt.h"
#include "stack/tcp/scoreboard.h"
#include "stack/tcp/seldom.h"
#include "stack/tcp/send_buffer.h"

namespace stackyard {

class Tcp;
class TcpListener;
class TcpSocket;
struct TcpConnectionInfo;
struct TcpTimers;
struct TcpInfo;
struct TcpHalfOpen;

enum class TcpState : uint8_t {  // FreeBSD's order: later states are compared
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  close_wait,
  fin_wait_1,
  closing,
  last_ack,
  fin_wait_2,
  time_wait,
};
const char* tcp_state_name(TcpState state);  // "SYN_SENT", as netstat has it

struct TcpEnds {
  Endpoint local, foreign;
  bool operator==(const TcpEnds&) const = default;
};

// A segment that arrived, its header taken off and understood.
struct TcpSegment {
  TcpEnds ends;
  Seq seq, ack;
  uint32_t window = 0;  // as it is in the header
  uint32_t length = 0;  // octets of data
  uint16_t urgent = 0;
  uint16_t encaps_port = 0;  // of the UDP datagram that it came in; 0: none
  uint8_t flags = 0;
  uint8_t ecn = 0;            // the IP header's two bits (RFC 3168 s5)
  bool accurate_bit = false;  // AE (RFC 9768)
  bool signed_right = false;  // RFC 2385
  bool more_marks = false;    // ... says that more of ours arrived marked
  TcpOptions options;
  Packet payload;
  bool has(uint8_t flag) const { return flags & flag; }
  // Data, and what SYN and FIN count.
  uint32_t sequence_length() const {
    return length + (has(tcp_flag::syn) ? 1 : 0) + (has(tcp_flag::fin) ? 1 : 0);
  }
};

// Of a connection that has seen urgent data.
struct TcpUrgent {
  Seq snd_up, rcv_up;      // behind the urgent octet
  bool sending = false;    // ours is not yet acknowledged
  bool announced = false;  // theirs is not yet passed by the reader
  bool has_octet = false;  // the reader has passed it and may still ask for it
  uint8_t octet = 0;
};

// Of a connection that is being opened by RFC 7413.
struct TcpFastStart {
  TcpCookie cookie;  // ours to send; a client's without length asks for one
  uint16_t mss = 0;  // what the server said when it gave the cookie
  bool served = false;
};

enum class TcpAcceptFilter : uint8_t { none, data, http };

// What setsockopt(2) sets, and what accepted connections inherit.
struct TcpPatience {  // ... that few programs set
  int64_t receive_timeout = 0, send_timeout = 0;
  uint32_t keep_idle_ms = 0, keep_interval_ms = 0, keep_init_ms = 0;  // 0: the sysctl's
  uint32_t keep_count = 0;
  uint32_t receive_low_water = 1, send_low_water = 2048;
  uint32_t max_unacked_ms = 0;  // 0: the sysctl's
  int32_t linger_s = -1;        // -1: off
};

struct TcpSocketOptions {
  Seldom<TcpPatience> patience;
  uint16_t max_segment = 0, fib = 0;
  uint16_t encaps_port = 0;  // the peer's UDP port, if segments go in UDP
  uint8_t ttl = 0, tos = 0, min_ttl = 0;
  uint8_t functions = 0;  // of tcp_function_blocks()
  TcpAcceptFilter accept_filter = TcpAcceptFilter::none;
  bool keep_alive : 1 = false, no_signal : 1 = false;
  bool no_delay : 1 = false, no_push : 1 = false, no_options : 1 = false;
  bool dont_fragment : 1 = false, dont_route : 1 = false;
  bool sign : 1 = false;  // RFC 2385
  bool fast_open : 1 = false;
  bool urgent_inline : 1 = false, no_delayed_ack : 1 = false;
};

// Of a connection to which something has happened that does not happen to most.
struct TcpHistory {
  // Proportional rate reduction (RFC 6937), in the present recovery.
  uint32_t prr_delivered = 0, prr_out = 0, recover_flight = 0;
  // The first timeout, if it was spurious.
  uint32_t cwnd_before = 0, ssthresh_before = 0;
  SimTime spurious_until;
  // Black-hole detection has reduced the segments' size, and lets routers make fragments.
  uint16_t mss_before = 0;
  bool may_fragment = false;
  // Challenge ACKs in the present window of time (RFC 5961 s7).
  SimTime challenge_window_end;
  uint32_t challenges = 0;
  // For TCP_INFO.
  uint32_t retransmitted = 0, out_of_order = 0, zero_windows = 0;
};

// What few connections have.
struct TcpParts {
  std::unique_ptr<TcpListener> listener;
  std::unique_ptr<TcpUrgent> urgent;
  std::unique_ptr<TcpFastStart> fast_start;
  std::unique_ptr<SipKey> fast_secret;    // that the server shares
  std::unique_ptr<TcpRack> rack;          // of the stacks "rack" and "bbr"
  std::unique_ptr<TcpDelivery> delivery;  // of a RateControl: there while that is the control
  std::unique_ptr<TcpPacer> pacer;
};

class TcpConnection : public Pcb {
 public:
  explicit TcpConnection(Tcp& tcp);
  ~TcpConnection();
  TcpConnection(const TcpConnection&) = delete;

  TcpState state() const { return state_; }
  TcpEnds ends() const { return {local_, foreign_}; }
  // Nobody can reach it any more: Tcp frees it.
  bool done() const { return state_ == TcpState::closed && !socket_ && !queued_by_; }

  // --- calls (connection.cpp) ---
  Result<> connect(const Endpoint& foreign);
  // ok, EINPROGRESS's end, or why it failed; EAGAIN: under way.
  Result<> connect_result();
  Result<size_t> send(Bytes octets);
  // sendto(2) of a socket that is not connected yet (fast_start.cpp).
  Result<size_t> connect_and_send(const Endpoint& foreign, Bytes octets);
  Result<Received> receive(size_t max, bool peek);
  // One octet, out of band (urgent.cpp).
  Result<size_t> send_urgent(Bytes octets);
  Result<Received> receive_urgent(bool peek);
  bool at_mark() const;
  Result<> shutdown(ShutdownHow how);
  // The program has no descriptor any more.
  void socket_closed();
  // Ends it at once, with a reset where the peer knows of it.
  void abort(Errno error);
  Readiness readiness() const;
  Errno take_error() { return std::exchange(error_, Errno::ok); }
  // A connection that the handshake has made; `from`: what was half open.
  void open_from(const TcpHalfOpen& from, const TcpConnection& listener);
  // ... by a SYN whose cookie is right (fast_start.cpp); `fresh`: the one to answer with.
  void open_fast(const TcpHalfOpen& from, const TcpConnection& listener, TcpSegment& syn,
                 const TcpCookie& fresh);
  void set_buffers(int64_t receive, int64_t send);
  size_t receive_space() const { return receive_limit_; }
  size_t send_space() const { return send_limit_; }
  size_t received_octets() const { return received_.octets(); }
  size_t unsent_octets() const { return sending_.size(); }

  TcpConnectionInfo describe() const;
  TcpInfo info() const;
  // For tests: what must hold between any two events; empty, or what does not.
  const char* inconsistency() const;

  // --- what arrives (input.cpp) ---
  void segment_arrives(TcpSegment& segment);
  // ICMP about a segment of ours.
  void path_event(const PathEvent& event);

  // --- sending (output.cpp) ---
  void output();

  TcpSocketOptions options;
  uint32_t max_segment() const { return window_.mss; }

 private:
  friend class Tcp;
  friend class TcpListener;
  friend class TcpSocket;
  friend class TcpSyncache;

  static constexpr uint8_t host_cache_samples = 4;
  enum TimerKind : uint8_t { rexmt, persist, keep, two_msl, delack, timer_kinds };
  enum class Recovery : uint8_t { none, fast, loss };

  struct Piece {  // what to put into a segment
    Seq seq;
    uint32_t length = 0;
    uint8_t flags = 0;
    bool again = false, probe = false;
  };

  // --- connection.cpp ---
  void become(TcpState next, const char* why);
  void close_by_user();
  void set_error(Errno error);
  // The socket hears of it when the segment, the timer or the call is dealt with (Tcp::settle).
  void changed() { changed_ = true; }
  void established();
  void teach_host_cache();
  bool filter_lets_in() const;  // accept_filter.cpp
  void enter_time_wait();
  // To CLOSED, without a word to the peer.
  void end(const char* why);
  void start_sequence();
  void agree_on_options(const TcpOptions& theirs);
  // Octets of options that every segment has.
  uint32_t options_always() const {
    return (timestamps_ ? uint32_t(tcp_option::timestamps_size) : 0) +
           (options.sign ? uint32_t(tcp_option::signature_size) : 0);
  }
  void set_segment_size(uint32_t offered);
  bool synchronized() const { return state_ >= TcpState::syn_received; }
  bool fin_received() const {
    return state_ == TcpState::time_wait || state_ == TcpState::close_wait ||
           state_ == TcpState::closing || state_ == TcpState::last_ack;
  }
  bool may_receive() const { return !fin_received() && !shut_read_; }
  bool may_send() const {
    return state_ == TcpState::established || state_ == TcpState::close_wait || starts_fast();
  }

  // --- fast_start.cpp (RFC 7413) ---
  void begin_fast_start();
  uint32_t syn_data(size_t options_size) const;
  void end_fast_start(const TcpSegment& answer);
  void forget_fast_start();
  // A connection of the server's side that may send before its handshake is over.
  bool starts_fast() const { return fast_start() && fast_start()->served; }

  // --- input.cpp ---
  void count_predicted(const TcpSegment& segment) const;
  bool in_syn_sent(TcpSegment& segment);
  bool acceptable(TcpSegment& segment);
  bool reset_arrives(const TcpSegment& segment);
  bool timestamps_fit(const TcpSegment& segment);
  bool trim(TcpSegment& segment);
  bool trim_front(TcpSegment& segment);
  void note_duplicate(Seq begin, Seq end);
  bool trim_end(TcpSegment& segment);
  void note_timestamp(const TcpSegment& segment);
  void take_data(TcpSegment& segment);
  void take_in_order(TcpSegment& segment);
  void take_out_of_order(TcpSegment& segment);
  void take_fin();
  void tune_receive_buffer(const TcpSegment& segment);
  void challenge_ack(const TcpSegment& segment, const DropReason& why);
  void answer(const TcpSegment& segment, const DropReason& why);
  void drop(const TcpSegment& segment, const DropReason& why);

  // --- acks.cpp ---
  bool accept_ack(TcpSegment& segment);
  bool take_ack(const TcpSegment& segment, uint32_t window);
  void take_any_ack(const TcpSegment& segment, uint32_t window);
  void take_old_ack(const TcpSegment& segment, uint32_t window);
  void new_data_acked(const TcpSegment& segment, uint32_t acked, uint32_t newly_sacked);
  void fin_acked();
  void take_window(const TcpSegment& segment, uint32_t window);
  uint32_t take_sack(const TcpSegment& segment);
  void measure_rtt(const TcpSegment& segment);
  void look_for_losses();
  void begin_reduction();
  void enter_recovery();
  void leave_recovery();
  void reduce_rate(uint32_t delivered, bool advanced);
  void undo_timeout(const TcpSegment& segment);
  TcpScoreboard& scoreboard();
  // Made when something is acknowledged, or lost.
  CongestionControl& congestion();
  const CongestionRecord& congestion_record() const;
  void begin_congestion();
  void switch_congestion();
  void reduce(CongestionEvent event, const CongestionSample& about);
  TcpScoreboard::Sent sent() const { return {snd_una_, snd_nxt_, window_.mss}; }
  CongestionSample sample(uint32_t acked) const;
  uint32_t growth_max() const;
  uint32_t pipe() const;
  uint32_t in_flight() const { return scoreboard_ ? pipe() : uint32_t(snd_nxt_ - snd_una_); }

  // --- rack_acks.cpp (RFC 8985) ---
  void begin_functions();
  void end_functions();
  bool reports_duplicate(const TcpSegment& segment) const;
  TcpRack::Heard rack_heard(const TcpSegment& segment) const;
  void rack_ack(const TcpSegment& segment, uint32_t delivered, bool advanced);
  SimTime reordering_window() const;
  void lose_range(SackBlock part, uint32_t& lost);
  bool detect_losses();
  void rack_timeout();
  void schedule_probe();
  void send_tail_probe();
  void end_probe(const TcpSegment& segment, bool advanced);
  void arm_rack();
  void rack_due();

  // --- pacing.cpp ---
  TcpPacer& make_pacer();
  void limit_pace(uint32_t octets_per_second);
  bool must_wait();
  void pace_due();
  struct Progress {  // before an acknowledgment
    Seq una;
    uint32_t sacked, flight;
  };
  Progress progress() const;
  void take_rate_sample(const Progress& before);
  void note_end_of_work();

  // --- watch.cpp ---
  void note(const char* before, const char* why) const;

  // --- urgent.cpp ---
  void point_out_urgent(const Piece& piece, uint8_t& flags, uint16_t& pointer);
  void take_urgent(const TcpSegment& segment);
  size_t readable_before_mark(size_t most);
  Seq unread_seq() const;

  // --- ecn.cpp (RFC 3168, RFC 9768) ---
  uint8_t ecn_syn() const;
  void begin_accurate_ecn(bool arrived_marked);
  bool take_accurate_echo(const TcpSegment& segment);
  void agree_on_ecn(const TcpSegment& answer);
  void take_mark(const TcpSegment& segment);
  void take_echo(const TcpSegment& segment, uint32_t acked);
  void mark_segment(const Piece& piece, uint8_t& flags, bool& accurate_bit, uint8_t& codepoint);

  // --- output.cpp ---
  bool output_once(bool was_idle);
  bool send_again();
  bool send_new(bool was_idle);
  bool wants_ack() const;
  uint32_t payload_max() const;
  bool worth_sending(uint32_t length, uint32_t left, bool was_idle) const;
  void send_syn();
  void suspect_black_hole();
  void transmit(const Piece& piece);
  void count_sent(const Piece& piece);
  void note_sent(const Piece& piece);
  TcpOptions segment_options(uint8_t flags);
  uint32_t receive_window();
  // What the first octet of the send buffer is called: a SYN counts before it.
  Seq first_unacked() const { return snd_una_ + (syn_unacked_ ? 1 : 0); }
  Seq fin_seq() const { return first_unacked() + uint32_t(sending_.size()); }
  bool fin_wanted() const;
  void send_probe(Seq seq);
  void output_failed(Errno error);
  void grow_send_buffer();
  void restart_after_idle();

  // --- timers.cpp ---
  void set_timer(TimerKind kind, SimTime delay);
  void stop_timer(TimerKind kind) { deadline_[kind] = SimTime::max(); }
  TcpTimers timers() const;
  bool timer_set(TimerKind kind) const { return deadline_[kind] != SimTime::max(); }
  void stop_timers();
  void timer_fired();
  void timer_due(TimerKind kind);
  void rexmt_due();
  void persist_due();
  void keep_due();
  void two_msl_due();
  void set_finwait2();
  bool unanswered_too_long() const;
  void set_rexmt();
  void set_persist();
  void set_keep_init();
  void set_keep_idle();
  SimTime retransmission_timeout() const;

  TcpParts& parts();  // made now, if there are none
  TcpListener* listener() const { return parts_ ? parts_->listener.get() : nullptr; }
  TcpUrgent* urgent() const { return parts_ ? parts_->urgent.get() : nullptr; }
  TcpFastStart* fast_start() const { return parts_ ? parts_->fast_start.get() : nullptr; }
  const SipKey* fast_secret() const { return parts_ ? parts_->fast_secret.get() : nullptr; }
  TcpRack* rack() const { return parts_ ? parts_->rack.get() : nullptr; }
  TcpDelivery* delivery() const { return parts_ ? parts_->delivery.get() : nullptr; }
  TcpPacer* pacer() const { return parts_ ? parts_->pacer.get() : nullptr; }

  Tcp& tcp_;
  TcpSocket* socket_ = nullptr;       // null: the program closed it, or has not accepted it
  TcpListener* queued_by_ = nullptr;  // waits to be accepted
  TcpConnection *next_ = nullptr, *previous_ = nullptr;  // of all

  TcpState state_ = TcpState::closed;
  Recovery recovery_ = Recovery::none;
  Errno error_ = Errno::ok, soft_error_ = Errno::ok;
  uint8_t snd_scale_ = 0, rcv_scale_ = 0;
  uint8_t congestion_index_ = 0;  // of congestion_controls()
  uint8_t rxtshift_ = 0, dupacks_ = 0;
  uint8_t rtt_samples_ = 0;  // up to host_cache_samples
  bool ace_third_ = false;   // the segment that ends the handshake is yet to come
  bool marked_ = false;      // recover_ is where the window was reduced for a mark
  bool syn_unacked_ = false;
  bool changed_ = false;           // the socket is to be told
  bool ecn_ : 1 = false;           // agreed on
  bool accurate_ecn_ : 1 = false;  // ... with counters instead of one echo
  bool echo_mark_ : 1 = false;     // ECE, until the sender says CWR
  bool tell_reduced_ : 1 = false;  // CWR, on the next new data
  bool ack_now_ : 1 = false, delayed_ack_ : 1 = false, window_was_zero_ : 1 = false;
  bool wants_fin_ : 1 = false;  // the program has sent everything
  bool shut_read_ : 1 = false, fin_sent_ : 1 = false;
  bool late_fin_ : 1 = false;  // the peer's FIN is known: it is at rcv_fin_
  bool timestamps_ : 1 = false, sack_ : 1 = false, scaling_ : 1 = false;
  bool send_first_hole_ : 1 = false;  // whatever the window says (RFC 6675 s5, step 4.3)
  bool held_ : 1 = false;             // by an accept filter: accept(2) does not see it yet
  bool own_receive_limit_ : 1 = false, own_send_limit_ : 1 = false;  // set by the program
  bool connecting_ : 1 = false;               // connect(2) has not been told yet
  uint8_t ace_answer_ = 0;                    // the handshake's, on the next segment
  uint32_t ace_counted_ = 0, ace_heard_ = 0;  // marked: by us, by the peer

  // The send sequence (RFC 9293 s3.3.1). snd_max_: the highest ever sent, by a probe perhaps.
  Seq iss_, snd_una_, snd_nxt_, snd_max_, snd_wl1_, snd_wl2_;
  uint32_t snd_wnd_ = 0, max_sndwnd_ = 0;
  TcpSendBuffer sending_;
  uint32_t send_limit_;

  // The receive sequence. rcv_adv_: the right edge that was told to the peer.
  Seq irs_, rcv_nxt_, rcv_adv_, last_ack_sent_, rcv_fin_;
  uint32_t rcv_wnd_ = 0;
  PacketQueue received_;
  uint32_t receive_limit_;
  std::unique_ptr<TcpReassembly> reassembly_;
  std::unique_ptr<TcpParts> parts_;
  Seldom<TcpHistory> history_;

  // Timestamps (RFC 7323).
  uint32_t ts_recent_ = 0, ts_offset_ = 0;
  SimTime ts_recent_age_;

  // Round-trip time: one segment is timed at a time.
  TcpRtt rtt_;
  Seq timed_;
  SimTime timed_at_ = SimTime::max(), last_rtt_;
  SimTime rxtcur_, received_at_, acked_at_;  // ... when something last was, or began to wait for it

  // Congestion and recovery.
  CongestionWindow window_;
  std::unique_ptr<CongestionControl> congestion_;
  std::unique_ptr<TcpScoreboard> scoreboard_;
  Seq recover_;

  // Automatic receive buffer: octets since the round began.
  uint32_t round_octets_ = 0, round_stamp_ = 0;
  SimTime round_began_;

  std::array<SimTime, timer_kinds> deadline_;
  Timer timer_;
};

}  // namespace stackyard
