#include "stack/tcp/delivery.h"

namespace stackyard {

void TcpDelivery::stamp(Sent& s, SimTime now) const {
  s.time = now;
  s.first_sent = first_sent_;
  s.delivered_at = delivered_at_;
  s.delivered = delivered_;
  s.limited = limited_until_ != 0;
}

// SendPacket. After a pause the time without anything to send does not count.
void TcpDelivery::sent(SackBlock part, SimTime now, bool idle) {
  if (idle) first_sent_ = delivered_at_ = now;
  Sent s{};
  s.begin = part.begin;
  s.end = part.end;
  stamp(s, now);
  segments_.push(s);
}

void TcpDelivery::sent_again(SackBlock part, SimTime now) {
  segments_.again(part, [&](uint32_t i) {
    stamp(segments_.at(i), now);
    segments_.at(i).again = true;
  });
}

void TcpDelivery::arrived(const Sent& s) {
  const bool newer = s.time > newest_.time || (s.time == newest_.time && s.end > newest_.end);
  if (any_ && !newer) return;
  newest_ = s;
  any_ = true;
}

// GenerateRateSample. The slower of two rates, how fast it was sent and how fast it was
// acknowledged: neither acknowledgments that were held up nor segments that were make the path
// faster than it is.
RateSample TcpDelivery::sample(SimTime now, uint32_t octets) {
  delivered_ += octets;
  if (octets > 0) delivered_at_ = now;
  if (limited_until_ != 0 && delivered_ > limited_until_) limited_until_ = 0;
  RateSample sample{.acked = octets, .delivered = delivered_};
  if (!std::exchange(any_, false)) return sample;
  first_sent_ = newest_.time;
  sample.has_sample = true;
  sample.delivered_before = newest_.delivered;
  sample.limited = newest_.limited;
  if (!newest_.again) {  // Karn
    sample.rtt = std::max(now - newest_.time, 1_ns);
    least_rtt_ = std::min(least_rtt_, sample.rtt);
  }
  const SimTime interval = std::max(newest_.time - newest_.first_sent, now - newest_.delivered_at);
  // Less than a round trip: something was acknowledged that had not arrived yet.
  if (interval <= SimTime() || interval < least_rtt_) return sample;
  sample.rate = uint64_t((unsigned __int128)(delivered_ - newest_.delivered) * 1'000'000'000 /
                         uint64_t(interval.ns()));
  return sample;
}

}  // namespace stackyard
