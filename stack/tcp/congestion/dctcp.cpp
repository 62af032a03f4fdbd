// stack/tcp/congestion/dctcp.cpp - cc_dctcp(4): RFC 8257. The window falls by how much of it was
// marked, not by half.
#include <algorithm>
#include <utility>

#include "stack/tcp/congestion/congestion.h"

namespace stackyard {

namespace {

class Dctcp final : public CongestionControl {
 public:
  std::string_view name() const override { return "dctcp"; }
  bool echoes_marks_exactly() const override { return true; }

  void acked(CongestionWindow& w, const CongestionSample& s) override {
    grow_as_reno(w, s, counted_);
  }

  // s3.3: once in a window, alpha follows the share of octets that were marked.
  void heard(const CongestionSample& s) override {
    begin(*s.settings);
    octets_ += s.acked;
    if (s.marked) marked_ += s.acked;
    if (!window_known_) {
      window_known_ = true;
      window_end_ = s.nxt;
    }
    if (s.una < window_end_) return;
    const uint64_t share = octets_ ? (marked_ << alpha_shift) / octets_ : 0;
    alpha_ = alpha_ - (alpha_ >> s.settings->dctcp_shift_g) + (share >> s.settings->dctcp_shift_g);
    octets_ = marked_ = 0;
    window_end_ = s.nxt;
  }

  void congested(CongestionWindow& w, CongestionEvent event, const CongestionSample& s) override {
    counted_ = 0;
    begin(*s.settings);
    if (event == CongestionEvent::ecn) {
      // net.inet.tcp.cc.dctcp.slowstart: the first is no measure yet.
      if (s.settings->dctcp_slowstart && w.slow_start()) alpha_ = alpha_max;
      // cwnd x (1 - alpha / 2)
      const uint64_t cut = (uint64_t(w.cwnd) * alpha_) >> (alpha_shift + 1);
      w.ssthresh = uint32_t(std::max<uint64_t>(w.cwnd - cut, uint64_t(2) * w.mss));
    } else {
      w.ssthresh = reduced(std::min(w.cwnd, s.flight), 1, 2, w.mss);  // s3.5: as ever
    }
  }

 private:
  static constexpr unsigned alpha_shift = 10;
  static constexpr uint64_t alpha_max = uint64_t(1) << alpha_shift;
  // s4.2: by default 1, to be careful at first.
  void begin(const CongestionSettings& c) {
    if (!std::exchange(begun_, true)) alpha_ = uint64_t(c.dctcp_alpha);
  }

  uint64_t alpha_ = alpha_max;
  uint64_t octets_ = 0, marked_ = 0;
  Seq window_end_;
  uint32_t counted_ = 0;
  bool begun_ = false, window_known_ = false;
};

}  // namespace

constexpr CongestionRecord dctcp_record{
    .name = "dctcp", .create = [](uint64_t) -> std::unique_ptr<CongestionControl> {
      return std::make_unique<Dctcp>();
    }};

}  // namespace stackyard
