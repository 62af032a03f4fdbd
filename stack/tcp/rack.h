// stack/tcp/rack.h - RACK-TLP: losses found by time (RFC 8985). The stack "rack" of
// TCP_FUNCTION_BLK; without SACK on a connection it counts duplicates as "freebsd" does.
//
// Here is what RFC 8985 s5 and s6 keep: when each segment was sent last, in the order of those
// times, and what the latest one that arrived tells of the others. What follows from it (recovery,
// probes) is in rack_acks.cpp. Nothing walks the window: each segment is looked at when it is sent,
// when it is acknowledged and when it is found lost.
#pragma once

#include "core/event/timer.h"
#include "stack/tcp/sent_ring.h"

namespace stackyard {

class TcpRack {
 public:
  TcpRack(Node& node, Timer::Action due, void* owner) : timer(node, due, owner) {}

  // A segment, or one again: it is now the last in the order of time.
  void sent(SackBlock part, SimTime now);
  void sent_again(SackBlock part, SimTime now);

  // What an acknowledgment says, with what decides whether it is about the first copy or the
  // second one (s6.2, step 2).
  struct Heard {
    SimTime now;
    SimTime least_rtt;
    bool has_echo = false;
    uint32_t echo_ms = 0;  // our clock's
  };
  void acked(Seq una, const Heard& heard);
  void sacked(SackBlock part, const Heard& heard);

  // s6.2, step 4.
  struct Rtt {
    SimTime least, smoothed;
    unsigned shift;  // a quarter of the least is 2
  };
  void adapt(bool duplicate_reported, Seq una, Seq nxt);
  void recovery_over();
  SimTime reordering_window(const Rtt& rtt, bool recovering) const;

  // Step 5: what was sent long enough before the latest that arrived. `lose` is told of each.
  // Returns in how long the next one will be, 0: none.
  template <class Lose>
  SimTime detect(SimTime now, SimTime window, Lose lose) {
    while (oldest_ != none) {
      Sent& s = at(oldest_);
      if (!before(s.time, s.end, latest_time_, latest_end_)) return SimTime();
      const SimTime left = s.time + latest_rtt_ + window - now;
      if (left > SimTime()) return left;
      const SackBlock part{s.begin, s.end};
      take_out(oldest_);
      lose(part);
    }
    return SimTime();
  }
  // s6.3: after a timeout, what has been out for longer than a round trip.
  template <class Lose>
  void lose_old(SimTime now, SimTime window, Lose lose) {
    while (oldest_ != none && at(oldest_).time + latest_rtt_ + window <= now) {
      const SackBlock part{at(oldest_).begin, at(oldest_).end};
      take_out(oldest_);
      lose(part);
    }
  }
  void lose_first() {
    if (!ring_.empty()) take_out(ring_.head());
  }
  void lose_all() {
    while (oldest_ != none) take_out(oldest_);
  }
  // Nothing is known to be lost after all.
  void forgive();
  void clear();

  // The last segment that was sent, for a probe; empty: none.
  SackBlock last() const {
    if (ring_.empty()) return {};
    const Sent& s = at(ring_.tail() - 1);
    return {s.begin, s.end};
  }
  bool reordering_seen() const { return reordering_seen_; }

  // Deadlines of the reordering window and of the probe: one event serves both.
  SimTime reorder_due = SimTime::max(), probe_due = SimTime::max();
  Timer timer;
  // Tail loss probe (s7). probe_end: SND.NXT when it was sent.
  bool probing = false, probe_again = false, restart_probe = false;
  Seq probe_end;
  uint32_t probes_sent = 0;
  uint64_t probe_octets_sent = 0;
  // Blocks that are news of the present acknowledgment.
  std::vector<SackBlock> news;

 private:
  struct Sent {
    SimTime time;
    Seq begin, end;
    uint32_t earlier, later;  // in the order of time
    bool again, done, listed;
  };
  // RACK_sent_after, the other way round: at the same instant the sequence decides (s6.2).
  static bool before(SimTime a, Seq a_end, SimTime b, Seq b_end) {
    return a < b || (a == b && a_end < b_end);
  }
  static constexpr uint32_t none = SentRing<Sent>::none;
  Sent& at(uint32_t index) { return ring_.at(index); }
  const Sent& at(uint32_t index) const { return ring_.at(index); }
  void put_last(uint32_t index);
  void take_out(uint32_t index);
  void delivered(Sent& s, const Heard& heard);

  SentRing<Sent> ring_;
  uint32_t oldest_ = none, newest_ = none;
  uint32_t done_count_ = 0;  // SACKed

  // RACK.xmit_ts, RACK.end_seq, RACK.rtt, RACK.fack of s5.2.
  SimTime latest_time_ = SimTime(-1), latest_rtt_;
  Seq latest_end_, furthest_;
  bool furthest_known_ = false, reordering_seen_ = false;
  bool round_has_duplicate_ = false;
  Seq duplicate_round_;
  uint32_t window_factor_ = 1, window_persist_ = 16;
};

}  // namespace stackyard
