// stack/tcp/congestion/newreno.cpp - cc_newreno(4): RFC 5681; and the list of all.
#include <algorithm>

#include "stack/tcp/congestion/hystart.h"

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
    if (hystart_wanted_ && s.limited && w.slow_start())
      w.cwnd += hystart_.growth(w, s);
    else
      grow_as_reno(w, s, counted_);
  }
  // RFC 5681 (4), and as much of it as cc_newreno(4) says; RFC 8511 s3: a mark comes sooner than a
  // loss and weighs less.
  void congested(CongestionWindow& w, CongestionEvent event, const CongestionSample& s) override {
    const CongestionSettings& c = *s.settings;
    const bool marked = event == CongestionEvent::ecn && c.abe;
    const int64_t part = event == CongestionEvent::timeout ? 50 : marked ? of_mark(c) : of_loss(c);
    w.ssthresh = reduced(std::min(w.cwnd, s.flight), uint32_t(part), 100, w.mss);
    if (event == CongestionEvent::timeout) hystart_.restart();
    counted_ = 0;
  }
  // net.inet.tcp.cc.abe_frlossreduce (mod_cc(4)): then it should have been the loss's factor.
  void lost_after_mark(CongestionWindow& w, const CongestionSettings& c) override {
    if (!c.abe || !c.abe_frlossreduce || of_mark(c) <= of_loss(c)) return;
    w.ssthresh = reduced(w.ssthresh, uint32_t(of_loss(c)), uint32_t(of_mark(c)), w.mss);
  }

  Result<> set_option(std::string_view option, int64_t value,
                      const CongestionSettings& c) override {
    if (option == option_beta) {
      beta_ = uint32_t(value);
    } else if (option == option_beta_ecn) {
      if (!c.abe) return Errno::eacces;
      beta_ecn_ = uint32_t(value);
    } else if (option == option_hystart) {
      hystart_wanted_ = value != 0;
    } else {
      return Errno::enoprotoopt;
    }
    return {};
  }
  std::vector<CongestionOption> options(const CongestionSettings& c) const override {
    return {{option_beta, of_loss(c)},
            {option_beta_ecn, of_mark(c)},
            {option_hystart, hystart_wanted_ ? 1 : 0}};
  }

 private:
  static constexpr std::string_view option_beta = "CC_NEWRENO_BETA",
                                    option_beta_ecn = "CC_NEWRENO_BETA_ECN",
                                    option_hystart = "CC_NEWRENO_ENABLE_HYSTART";
  int64_t of_loss(const CongestionSettings& c) const { return beta_ ? beta_ : c.newreno_beta; }
  int64_t of_mark(const CongestionSettings& c) const {
    return beta_ecn_ ? beta_ecn_ : c.newreno_beta_ecn;
  }

  Hystart hystart_;
  uint32_t counted_ = 0;
  uint32_t beta_ = 0, beta_ecn_ = 0;  // percent; 0: the sysctl's
  bool hystart_wanted_ = false;
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
