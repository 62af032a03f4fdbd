// stack/tcp/delivery.h - how fast what is sent arrives
// (draft-cheng-iccrg-delivery-rate-estimation): a sample for each acknowledgment, for congestion
// controls that go by rates.
//
// Each segment remembers how much had arrived when it was sent, and when; what has arrived since
// then, and the time that took, is the rate. Other connections have none of this.
#pragma once

#include <algorithm>
#include <utility>

#include "core/base/time.h"
#include "stack/tcp/congestion/rate_control.h"
#include "stack/tcp/sent_ring.h"

namespace stackyard {

class TcpDelivery {
 public:
  explicit TcpDelivery(RateControl& control) : control(control) {}

  // A segment; `idle`: nothing else is on its way.
  void sent(SackBlock part, SimTime now, bool idle);
  void sent_again(SackBlock part, SimTime now);
  void acked(Seq una) {
    segments_.acked(una, [&](uint32_t i) {
      if (!segments_.at(i).done) arrived(segments_.at(i));
    });
  }
  void sacked(SackBlock part) {
    segments_.sacked(part, [&](uint32_t i) { arrived(segments_.at(i)); });
  }
  // Of the present acknowledgment, which says that `octets` more have arrived; `flight` are on
  // their way still.
  RateSample sample(SimTime now, uint32_t octets);
  // The program has nothing more to send though it could: what is sent before all of `flight` has
  // arrived says nothing about the path (CheckIfApplicationLimited).
  void limited(uint32_t flight) { limited_until_ = std::max<uint64_t>(delivered_ + flight, 1); }
  bool is_limited() const { return limited_until_ != 0; }
  // Nothing is on its way after all.
  void clear() { segments_.clear(); }

  RateControl& control;
  // Blocks that are news of the present acknowledgment.
  std::vector<SackBlock> news;
  uint64_t lost_counted = 0;  // of the scoreboard's losses, those that samples have told of

 private:
  struct Sent {
    Seq begin, end;
    SimTime time, first_sent, delivered_at;  // P.sent_time, P.first_sent_time, P.delivered_time
    uint64_t delivered;                      // P.delivered
    bool limited, again, done;
  };
  void arrived(const Sent& s);
  void stamp(Sent& s, SimTime now) const;

  SentRing<Sent> segments_;
  // C.delivered, C.delivered_time, C.first_sent_time, C.app_limited, and the least round trip.
  uint64_t delivered_ = 0, limited_until_ = 0;
  SimTime delivered_at_, first_sent_, least_rtt_ = SimTime::max();
  Sent newest_{};  // of those that this acknowledgment tells of, the one that was sent last
  bool any_ = false;
};

}  // namespace stackyard
