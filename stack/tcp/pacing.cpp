// stack/tcp/pacing.cpp - a connection that sends at a rate (pacer.h), and one whose congestion
// control goes by rates (delivery.h, congestion/rate_control.h).
#include <algorithm>

#include "stack/tcp/tcp.h"

namespace stackyard {

TcpPacer& TcpConnection::make_pacer() {
  if (!pacer())
    parts().pacer =
        std::make_unique<TcpPacer>(tcp_.site().node(), Timer::call<&TcpConnection::pace_due>, this);
  return *pacer();
}

// SO_MAX_PACING_RATE. FreeBSD leaves it to interface cards that can; here TCP itself keeps to it.
void TcpConnection::limit_pace(uint32_t octets_per_second) {
  if (pacer() || octets_per_second != 0) make_pacer().limit = octets_per_second;
}

// True: what could be sent has to wait for its turn, and a timer says when that is.
bool TcpConnection::must_wait() {
  if (!pacer()) return false;
  const SimTime now = tcp_.site().now();
  if (pacer()->ready(now)) return false;
  pacer()->wait(now);
  return true;
}

void TcpConnection::pace_due() {
  output();
  tcp_.settle(*this);
}

// --- rates --------------------------------------------------------------------------------------

TcpConnection::Progress TcpConnection::progress() const {
  return {snd_una_, scoreboard_ ? scoreboard_->sacked() : 0, in_flight()};
}

// An acknowledgment is dealt with; losses may also have been found since the one before.
void TcpConnection::take_rate_sample(const Progress& before) {
  TcpDelivery& delivery = *parts_->delivery;
  const uint32_t sacked = scoreboard_ ? scoreboard_->sacked() : 0;
  const int64_t more = int64_t(uint32_t(snd_una_ - before.una)) + sacked - before.sacked;
  const uint32_t arrived = uint32_t(std::max<int64_t>(more, 0));
  RateSample rate = delivery.sample(tcp_.site().now(), arrived);
  rate.flight = before.flight;
  const uint64_t lost = scoreboard_ ? scoreboard_->lost_ever() : 0;
  if (lost < delivery.lost_counted) delivery.lost_counted = 0;  // another scoreboard
  rate.lost = uint32_t(lost - std::exchange(delivery.lost_counted, lost));
  delivery.control.measured(window_, sample(arrived), rate);
  window_.cwnd = std::min(window_.cwnd, uint32_t(65535) << snd_scale_);
  pacer()->rate = delivery.control.pacing_rate();
}

// CheckIfApplicationLimited of draft-cheng-iccrg-delivery-rate-estimation: nothing waits, neither
// for the pacer nor to be sent again, and more could be on its way.
void TcpConnection::note_end_of_work() {
  const uint32_t outstanding = uint32_t(snd_nxt_ - first_unacked());
  const uint32_t queued = uint32_t(sending_.size());
  const uint32_t left = queued > outstanding ? queued - outstanding : 0;
  const uint32_t flight = in_flight();
  const bool waits = pacer()->timer.armed() || (scoreboard_ && scoreboard_->lost_waiting() > 0);
  if (left < window_.mss && flight < window_.cwnd && !waits) delivery()->limited(flight);
}

}  // namespace stackyard
