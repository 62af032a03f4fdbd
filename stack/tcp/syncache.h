// stack/tcp/syncache.h - connections that have seen a SYN and no more (syncache(4), RFC 4987 s3.5).
//
// Half open, a connection is a few words here and not a TcpConnection: a flood of SYNs costs little
// and pushes out the oldest entries first.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <unordered_map>

#include "stack/tcp/connection.h"

namespace stackyard {

struct TcpHalfOpen {
  TcpEnds ends;
  TcpConnection* listener = nullptr;
  Seq iss, irs;
  uint32_t ts_recent = 0, ts_offset = 0;
  uint32_t window = 0;          // theirs, of the SYN or of the ACK
  uint32_t receive_window = 0;  // what ours said
  SimTime answered;             // when our SYN-ACK went out first; 0: nobody kept it
  uint16_t encaps_port = 0;
  uint16_t mss = 0;  // theirs; 0: not said
  uint8_t snd_scale = 0, rcv_scale = 0;
  uint8_t retransmitted = 0;
  bool scaling = false, timestamps = false, sack = false;
  bool fast = false;         // a SYN whose cookie is right
  TcpCookie cookie;          // for the client to keep, in our first answer
  uint8_t ecn = 0;           // AE, CWR, ECE of our SYN-ACK (ecn.h)
  bool unreachable = false;  // ICMP has said so
};

struct TcpEndsHash {
  size_t operator()(const TcpEnds& e) const {
    return mix(e.local.address.hash() * 31 + e.foreign.address.hash() +
               mix(uint64_t(e.local.port) << 16 | e.foreign.port));
  }
};

class TcpSyncache {
 public:
  explicit TcpSyncache(Tcp& tcp) : tcp_(tcp) {}
  ~TcpSyncache();

  // Segments for a listening socket.
  void segment_arrives(TcpConnection& listener, TcpSegment& segment);
  void path_event(const TcpEnds& ends, const PathEvent& event, Seq quoted);
  void forget(const TcpConnection& listener);
  size_t count() const { return entries_.size(); }
  size_t count_of(const TcpConnection& listener) const;
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Entry& entry : order_) visit(entry.half);
  }

 private:
  struct Entry {
    Entry(TcpSyncache& cache, Node& node, const TcpHalfOpen& h)
        : half(h), owner(cache), timer(node, Timer::call<&Entry::due>, this) {}
    void due() { owner.retransmit(*this); }
    TcpHalfOpen half;
    TcpSyncache& owner;
    Timer timer;
    std::list<Entry>::iterator place;
  };

  Entry* find(const TcpEnds& ends);
  void remove(Entry& entry);
  void syn_arrives(TcpConnection& listener, TcpSegment& segment);
  void ack_arrives(TcpConnection& listener, TcpSegment& segment);
  void reset_arrives(const TcpSegment& segment);
  void retransmit(Entry& entry);
  void respond(const TcpHalfOpen& half);
  void challenge(const TcpHalfOpen& half);
  uint8_t ecn_answer(const TcpSegment& syn) const;
  bool opens_fast(TcpConnection& listener, TcpHalfOpen& half, TcpSegment& segment);
  void complete(TcpConnection& listener, const TcpHalfOpen& half, TcpSegment& segment);
  // --- syncookies.cpp ---
  void bake_cookie(TcpHalfOpen& half) const;
  std::optional<TcpHalfOpen> taste_cookie(TcpConnection& listener, const TcpSegment& segment) const;
  uint32_t cookie_hash(const TcpEnds& ends, Seq irs, uint8_t bits, int64_t epoch) const;
  void arm(Entry& entry);

  Tcp& tcp_;
  SimTime last_overflow_ = SimTime(-1);  // negative: never
  std::list<Entry> order_;               // the oldest first
  std::unordered_map<TcpEnds, Entry*, TcpEndsHash> entries_;
};

}  // namespace stackyard
