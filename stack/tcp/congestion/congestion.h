// stack/tcp/congestion/congestion.h - the interface of a congestion control, and the list of them
// (mod_cc(4)). Each is a file; a connection owns an instance.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/wire/transport/sequence.h"

namespace stackyard {

// What a congestion control changes. In octets.
struct CongestionWindow {
  uint32_t cwnd = 0, ssthresh = 0, mss = 0;
  bool slow_start() const { return cwnd < ssthresh; }
};

// net.inet.tcp.cc.*, with FreeBSD's defaults: percent, and milliseconds of queueing delay.
struct CongestionSettings {
  int64_t abe = 0, abe_frlossreduce = 0, newreno_beta = 50, newreno_beta_ecn = 80;
  int64_t hystart_minrtt_us = 4000, hystart_maxrtt_us = 16'000, hystart_samples = 8;
  int64_t hystart_growth_div = 4, hystart_rounds = 5;
  int64_t dctcp_alpha = 1024, dctcp_shift_g = 4, dctcp_slowstart = 0;
  int64_t htcp_adaptive_backoff = 0, htcp_rtt_scaling = 0;
  int64_t vegas_alpha = 1, vegas_beta = 3;
  int64_t hd_qmin = 5, hd_qthresh = 20, hd_pmax = 5;
  int64_t chd_qmin = 5, chd_qthresh = 20, chd_pmax = 50, chd_loss_fair = 1, chd_use_max = 1;
  int64_t cdg_beta_delay = 70, cdg_beta_loss = 50, cdg_exp_backoff_scale = 2;
  int64_t cdg_smoothing_factor = 8, cdg_loss_compete_consec_cong = 5;
  int64_t cdg_loss_compete_hold_backoff = 5, cdg_alpha_inc = 0;
};

inline constexpr CongestionSettings congestion_defaults;

// What the connection knows when it asks.
struct CongestionSample {
  SimTime now;
  SimTime smoothed_rtt;              // 0: none yet
  SimTime rtt;                       // of this acknowledgment; 0: none
  uint32_t acked = 0;                // octets
  uint32_t flight = 0;               // octets outstanding before this acknowledgment
  uint32_t pipe = 0;                 // ... those that are on their way (RFC 6675), after it
  bool limited = false;              // the window is what keeps the sender from sending (RFC 7661)
  uint32_t growth_max = UINT32_MAX;  // of one acknowledgment in slow start
  bool marked = false;               // the acknowledgment carries ECN-Echo
  Seq una, nxt;
  const CongestionSettings* settings = &congestion_defaults;
};

class RateControl;

struct CongestionOption {
  std::string_view name;
  int64_t value;
};

enum class CongestionEvent : uint8_t { loss, timeout, ecn };

class CongestionControl {
 public:
  virtual ~CongestionControl() = default;
  virtual std::string_view name() const = 0;
  // New data were acknowledged, outside fast recovery.
  virtual void acked(CongestionWindow& window, const CongestionSample& sample) = 0;
  // Sets ssthresh. The caller then sets cwnd: one segment after a timeout, by PRR in recovery.
  virtual void congested(CongestionWindow& window, CongestionEvent event,
                         const CongestionSample& sample) = 0;
  // Every acknowledgment of new data, in recovery too.
  virtual void heard(const CongestionSample&) {}
  // RFC 8257 s3.2: the receiver's echoes say which segments were marked, not just that one was.
  virtual bool echoes_marks_exactly() const { return false; }
  // A loss in a window that was already reduced for a mark.
  virtual void lost_after_mark(CongestionWindow&, const CongestionSettings&) {}
  // TCP_CCALGOOPT. ENOENT: it has no options; ENOPROTOOPT: not this one.
  virtual Result<> set_option(std::string_view, int64_t, const CongestionSettings&) {
    return Errno::enoent;
  }
  // All of them with their values.
  virtual std::vector<CongestionOption> options(const CongestionSettings&) const { return {}; }
  // Nothing was sent for longer than a timeout.
  virtual void idle(CongestionWindow&, const CongestionSample&) {}
  // Those that say how fast to send (rate_control.h).
  virtual RateControl* by_rate() { return nullptr; }
};

struct CongestionRecord {
  const char* name;
  // `seed`: for those that decide by chance.
  std::unique_ptr<CongestionControl> (*create)(uint64_t seed);
  bool by_rate = false;  // a RateControl
};
extern const CongestionRecord newreno_record, cubic_record, dctcp_record, vegas_record, htcp_record,
    hd_record, chd_record, cdg_record, bbr_record;

// All in the build; the first is the default (cubic).
std::span<const CongestionRecord* const> congestion_controls();
// Null: no such.
const CongestionRecord* find_congestion_control(std::string_view name);

// RFC 5681 (3): slow start, then a segment for each window (RFC 3465 with L = 2).
void grow_as_reno(CongestionWindow& window, const CongestionSample& sample, uint32_t& counted);
// RFC 5681 (2), no byte more than two segments less than (4) allows.
uint32_t reduced(uint32_t octets, uint32_t numerator, uint32_t denominator, uint32_t mss);

}  // namespace stackyard
