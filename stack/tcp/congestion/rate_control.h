// stack/tcp/congestion/rate_control.h - a congestion control that goes by the rate at which data
// arrive, and says how fast they may be sent. It sets the window itself, in recovery too.
#pragma once

#include "stack/tcp/congestion/congestion.h"

namespace stackyard {

// What an acknowledgment tells of the path (draft-cheng-iccrg-delivery-rate-estimation s3).
struct RateSample {
  uint32_t acked = 0;      // octets that it tells of
  uint32_t lost = 0;       // octets that are found to be lost since the last one
  uint32_t flight = 0;     // octets that were on their way before it
  uint64_t delivered = 0;  // C.delivered: of the whole connection
  // Of the segment that was sent last of those it tells of.
  uint64_t delivered_before = 0;  // P.delivered: of the connection when it was sent
  bool has_sample = false;        // there is such a segment
  bool limited = false;           // the program had no more to send
  uint64_t rate = 0;              // octets per second
  SimTime rtt;                    // 0: none
};

class RateControl : public CongestionControl {
 public:
  RateControl* by_rate() final { return this; }
  // Outside recovery only; measured() comes with every acknowledgment.
  void acked(CongestionWindow&, const CongestionSample&) final {}

  // The connection is open.
  virtual void begin(const CongestionWindow& window, const CongestionSample& sample) = 0;
  virtual void measured(CongestionWindow& window, const CongestionSample& sample,
                        const RateSample& rate) = 0;
  // Everything that was outstanding when a loss was found is acknowledged.
  virtual void recovered(CongestionWindow& window) = 0;
  // Octets per second.
  virtual uint64_t pacing_rate() const = 0;
};

}  // namespace stackyard
