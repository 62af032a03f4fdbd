// When the messages of a pattern are due.
#include "userland/net/traffic.h"

namespace stackyard {

namespace {

constexpr int64_t second = 1'000'000'000;

}  // namespace

// Each purpose has its own stream: another size changes no time.
TrafficSchedule::TrafficSchedule(const TrafficSettings& settings, uint64_t seed)
    : s_(settings),
      sizes_(seed, 0, "traffic sizes"),
      gaps_(seed, 0, "traffic gaps"),
      periods_(seed, 0, "traffic periods") {
  if (s_.pattern == TrafficPattern::onoff) talk_end_ = SimTime(s_.on.sample(periods_));
}

// Until the message after one of such a size: what the rate has it take, or at random around that.
int64_t TrafficSchedule::gap_after(int64_t size) {
  const __int128 share = s_.per_second ? __int128(second) : __int128(size) * 8 * second;
  const int64_t per_second = s_.per_second ? s_.per_second : s_.rate;
  if (s_.pattern == TrafficPattern::poisson || s_.pattern == TrafficPattern::flows) {
    Distribution gap{.kind = Distribution::Kind::exponential};
    gap.mean = int64_t(share / per_second);
    return gap.sample(gaps_);
  }
  // From the sum, so that no remainder is ever lost.
  const auto before = int64_t(owed_ / per_second);
  owed_ += share;
  return int64_t(owed_ / per_second) - before;
}

TrafficSchedule::Message TrafficSchedule::next() {
  Message message;
  const bool flows = s_.pattern == TrafficPattern::flows;
  message.size = std::max(s_.size.sample(sizes_), traffic_least);
  if (s_.udp) message.size = std::min(message.size, traffic_datagram_most);
  // The first flow begins at random, too.
  const int64_t gap = gap_after(flows && s_.size.kind != Distribution::Kind::uniform
                                    ? std::max(s_.size.mean, traffic_least)
                                    : message.size);
  if (flows) talked_ += SimTime(gap);
  while (s_.pattern == TrafficPattern::onoff && talked_ >= talk_end_) {
    silent_ += SimTime(s_.off.sample(periods_));
    talk_end_ += SimTime(s_.on.sample(periods_));
  }
  message.due = talked_ + silent_;
  if (!flows) talked_ += SimTime(gap);
  return message;
}

}  // namespace stackyard
