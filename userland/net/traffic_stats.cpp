#include "userland/net/traffic_stats.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "core/base/text.h"
#include "userland/net/iperf3_report.h"

namespace stackyard {

namespace {

constexpr int step_bits = 7;

// Values below 128 are their own steps; above, the seven bits behind the first one count.
size_t step_of(uint64_t value) {
  if (value < 1 << step_bits) return size_t(value);
  const int shift = int(std::bit_width(value)) - 1 - step_bits;
  return size_t(shift) * (1 << step_bits) + size_t(value >> shift);
}

// The greatest value of a step.
uint64_t greatest(size_t step) {
  if (step < 1 << step_bits) return step;
  const size_t shift = step / (1 << step_bits) - 1;
  const uint64_t value = step - shift * (1 << step_bits);
  return ((value + 1) << shift) - 1;
}

std::string ms(SimTime time) { return text("{:.3f}", double(time.ns()) / 1e6); }

}  // namespace

void DelayHistogram::add(SimTime delay) {
  const size_t step = step_of(uint64_t(std::max<int64_t>(delay.ns(), 0)));
  if (step >= counts_.size()) counts_.resize(step + 1);
  ++counts_[step];
  least_ = count_ ? std::min(least_, delay) : delay;
  most_ = count_ ? std::max(most_, delay) : delay;
  ++count_;
  sum_ += delay.ns();
}

SimTime DelayHistogram::mean() const {
  return count_ ? SimTime(int64_t(sum_ / __int128(count_))) : SimTime();
}

SimTime DelayHistogram::quantile(uint64_t per_mille) const {
  const uint64_t wanted = (count_ * per_mille + 999) / 1000;
  uint64_t seen = 0;
  for (size_t step = 0; step < counts_.size(); ++step) {
    seen += counts_[step];
    if (counts_[step] && seen >= wanted)
      return std::clamp(SimTime(int64_t(greatest(step))), least_, most_);
  }
  return SimTime();
}

DelaySummary DelaySummary::of(const DelayHistogram& h) {
  return {.least = h.least(),
          .half = h.quantile(500),
          .most_of_them = h.quantile(900),
          .nearly_all = h.quantile(990),
          .all_but_few = h.quantile(999),
          .most = h.most(),
          .mean = h.mean()};
}

std::string DelaySummary::text() const {
  return stackyard::text("min {}, 50% {}, 90% {}, 99% {}, 99.9% {}, max {}, mean {} ms", ms(least),
                         ms(half), ms(most_of_them), ms(nearly_all), ms(all_but_few), ms(most),
                         ms(mean));
}

void TrafficAccount::take(uint64_t number, uint64_t size, SimTime sent, SimTime now) {
  if (messages == 0) first = now;
  last = now;
  ++messages;
  octets += size;
  if (number < highest) ++out_of_order;
  highest = std::max(highest, number);
  const SimTime delay = now - sent;
  delays.add(delay);
  // RFC 3550 appendix A.8.
  if (last_delay) {
    const int64_t change = std::abs((delay - *last_delay).ns());
    jitter_sixteenths += change - (jitter_sixteenths + 8) / 16;
  }
  last_delay = delay;
}

TrafficReport TrafficReport::of(const TrafficAccount& a) {
  TrafficReport report;
  report.messages = a.messages;
  report.octets = a.octets;
  report.out_of_order = a.out_of_order;
  report.highest = a.highest;
  report.first = a.first;
  report.last = a.last;
  report.jitter = SimTime(a.jitter_sixteenths / 16);
  report.delay = DelaySummary::of(a.delays);
  return report;
}

std::string TrafficReport::encode() const {
  std::string words = text("{} {} {} {}", messages, octets, out_of_order, highest);
  for (const SimTime time : {first, last, jitter, delay.least, delay.half, delay.most_of_them,
                             delay.nearly_all, delay.all_but_few, delay.most, delay.mean})
    words += text(" {}", time.ns());
  return words;
}

std::optional<TrafficReport> TrafficReport::decode(const std::string& words) {
  TrafficReport r;
  const std::vector<std::string> parts = split_words(words);
  uint64_t* const counts[] = {&r.messages, &r.octets, &r.out_of_order, &r.highest};
  SimTime* const times[] = {&r.first,
                            &r.last,
                            &r.jitter,
                            &r.delay.least,
                            &r.delay.half,
                            &r.delay.most_of_them,
                            &r.delay.nearly_all,
                            &r.delay.all_but_few,
                            &r.delay.most,
                            &r.delay.mean};
  if (parts.size() != std::size(counts) + std::size(times)) return std::nullopt;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto number = parse_int(parts[i]);
    if (!number || (i < std::size(counts) && *number < 0)) return std::nullopt;
    if (i < std::size(counts))
      *counts[i] = uint64_t(*number);
    else
      *times[i - std::size(counts)] = SimTime(*number);
  }
  return r;
}

std::string traffic_rate(uint64_t octets, SimTime time) {
  const double seconds = double(time.ns()) / 1e9;
  return iperf_bits(seconds > 0 ? double(octets) * 8 / seconds : 0) + "s/sec";
}

}  // namespace stackyard
