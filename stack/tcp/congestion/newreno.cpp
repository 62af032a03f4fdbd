// stack/tcp/congestion/newreno.cpp - cc_newreno(4): RFC 5681; and the list of all.
#include <algorithm>

#include "stack/tcp/congestion/congestion.h"

namespace stackyard {

void grow_as_reno(CongestionWindow& w, const CongestionSample& s, uint32_t& counted) {
  if (!s.limited) return;
  if (w.slow_start()) {
    w.cwnd += std::min(s.acked, s.growth_max);
    return;
  }
  counted += s.acked;  // RFC 3465 s2.1
  if (counted < w.cwnd) return;
  counted -= w.cwnd;
  w.cwnd += w.mss;
}

uint32_t reduced(uint32_t octets, uint32_t numerator, uint32_t denominator, uint32_t mss) {
  const uint64_t part = uint64_t(octets) * numerator / denominator;
  return uint32_t(std::max<uint64_t>(part, uint64_t(2) * mss));
}

namespace {

class NewReno final : public CongestionControl {
 public:
  std::string_view name() const override { return "newreno"; }
  void acked(CongestionWindow& w, const CongestionSample& s) override {
    grow_as_reno(w, s, counted_);
  }
  void congested(CongestionWindow& w, CongestionEvent event, const CongestionSample& s) override {
    // RFC 5681 (4); RFC 8511 s3: a mark comes sooner than a loss and weighs less. As in FreeBSD the
    // factors count only where net.inet.tcp.cc.abe allows it.
    const bool marked = event == CongestionEvent::ecn && s.settings->abe;
    const int64_t factor = marked            ? s.settings->newreno_beta_ecn
                           : s.settings->abe ? s.settings->newreno_beta
                                             : 50;
    w.ssthresh = reduced(std::min(w.cwnd, s.flight), uint32_t(factor), 100, w.mss);
    counted_ = 0;
  }

 private:
  uint32_t counted_ = 0;
};

constexpr const CongestionRecord* all[] = {&cubic_record, &newreno_record, &dctcp_record,
                                           &vegas_record, &htcp_record,    &cdg_record,
                                           &chd_record,   &hd_record,      &bbr_record};

}  // namespace

constexpr CongestionRecord newreno_record{
    .name = "newreno", .create = [](uint64_t) -> std::unique_ptr<CongestionControl> {
      return std::make_unique<NewReno>();
    }};

std::span<const CongestionRecord* const> congestion_controls() { return all; }

const CongestionRecord* find_congestion_control(std::string_view name) {
  for (const CongestionRecord* record : all)
    if (name == record->name) return record;
  return nullptr;
}

}  // namespace stackyard
