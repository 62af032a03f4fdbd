// stack/dummynet/api/dummynet_requests.h - pipes, queues and schedulers as dnctl(8) and ipfw(8)
// configure and show them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "stack/sys/request.h"

namespace stackyard {

// What dummynet tells packets apart by. IPv4 addresses lie in the first four octets.
struct ShapedFlow {
  uint8_t family = 4;  // 4 or 6
  uint8_t protocol = 0;
  uint16_t source_port = 0, dest_port = 0;
  uint32_t flow_label = 0;
  uint32_t flowset = 0;  // the queue's number, where masks tell queues apart
  std::array<uint8_t, 16> source{}, dest{};
  auto operator<=>(const ShapedFlow&) const = default;
};

// Which bits of a flow make another queue (or another instance of a scheduler).
struct ShapedMask {
  uint8_t protocol = 0;
  uint16_t source_port = 0, dest_port = 0;
  uint32_t flow_label = 0;
  bool queue = false;
  uint32_t source4 = 0, dest4 = 0;
  std::array<uint8_t, 16> source6{}, dest6{};
  bool for_v6 = false;  // what the mask was last given for: how it is shown
  bool operator==(const ShapedMask&) const = default;
  bool is_none() const;
  ShapedFlow apply(const ShapedFlow& flow) const;
};

enum class AqmKind : uint8_t { none, red, gred, codel, pie };

struct RedSettings {  // Floyd and Jacobson 1993; fractions in 1/65536
  uint32_t w_q = 0, max_p = 0;
  uint32_t min_th = 0, max_th = 0;  // packets, or octets if the queue's size is in octets
};
struct CodelSettings {  // RFC 8289
  SimTime target{5'000'000}, interval{100'000'000};
  bool ecn = false;
};
struct PieSettings {  // RFC 8033; alpha and beta in 1/1000
  SimTime target{15'000'000}, tupdate{15'000'000}, max_burst{150'000'000};
  uint32_t alpha = 125, beta = 1250;
  uint32_t max_ecnth = 99;  // above this probability, in 1/1000, nothing is marked
  bool ecn = false, capdrop = true, derandomize = true, onoff = false, departure_rate = false;
};
struct AqmSettings {
  AqmKind kind = AqmKind::none;
  bool ecn = false;  // RED marks
  RedSettings red;
  CodelSettings codel;
  PieSettings pie;
};

// How long a packet keeps the link busy beside its own bits, as a distribution.
struct DelayProfile {
  std::string name;
  uint64_t bandwidth = 0;         // of the file's own, bits/s; 0: none given
  uint32_t loss_level = 0;        // samples from this index on are lost; samples.size(): none
  std::vector<uint32_t> samples;  // ms
};

constexpr uint32_t dummynet_numbers = 65536;  // below: what users number
constexpr uint32_t plr_one = 0x7fffffff;

struct PipeConfig {
  uint64_t bandwidth = 0;  // bits/s; 0: unlimited
  std::string device;      // whose rate the pipe has instead
  uint32_t delay_ms = 0;   // to 10000
  uint64_t burst = 0;      // octets
  std::optional<DelayProfile> profile;
};

struct FlowsetConfig {
  uint32_t scheduler = 0;  // 0: as it was
  uint32_t queue_size = 50;
  bool size_in_octets = false;
  uint32_t plr = 0;  // of plr_one
  bool noerror = false;
  uint32_t buckets = 0;
  std::optional<uint32_t> weight, lmax, priority;  // not given: as they were
  ShapedMask mask;
  AqmSettings aqm;
};

struct SchedulerConfig {
  std::string type;  // empty: as it was
  uint32_t buckets = 0;
  ShapedMask mask;
  // fq_codel and fq_pie
  CodelSettings codel{.ecn = true};
  PieSettings pie;
  uint32_t quantum = 1514, limit = 10240, flows = 1024;
};

enum class ShapedKind : uint8_t { pipe, queue, scheduler };

// EINVAL: out of range, no such type, or a queue without a scheduler.
struct ConfigureDummynet : RequestOf<ConfigureDummynet> {
  static constexpr RequestKind kind_of{"dummynet", "configure"};
  ShapedKind what{};
  uint32_t number = 0;        // 1 to dummynet_numbers - 1
  PipeConfig pipe;            // of a pipe
  FlowsetConfig flowset;      // of a queue; of a pipe's or a scheduler's own one
  SchedulerConfig scheduler;  // of a scheduler, and a pipe's mask
};

struct DeleteDummynet : RequestOf<DeleteDummynet> {
  static constexpr RequestKind kind_of{"dummynet", "delete"};
  ShapedKind what{};
  uint32_t number = 0;  // EINVAL: there is none
  bool everything = false;
};

struct ShapedFlowInfo {
  ShapedFlow flow;
  uint32_t bucket = 0;
  uint64_t packets = 0, octets = 0, drops = 0;
  uint32_t length = 0, length_octets = 0;  // what waits now
};
struct FlowsetInfo {
  uint32_t number = 0;
  FlowsetConfig config;
  std::vector<ShapedFlowInfo> flows;
};
struct SchedulerInfo {
  uint32_t number = 0;
  SchedulerConfig config;
  std::optional<FlowsetInfo> own;      // of a scheduler with one queue
  std::vector<ShapedFlowInfo> active;  // instances
  std::vector<uint32_t> children;      // flowsets
};
struct PipeInfo {
  uint32_t number = 0;
  PipeConfig config;
  SchedulerInfo scheduler;
};

// Sorted by number.
struct ListDummynet : RequestOf<ListDummynet> {
  static constexpr RequestKind kind_of{"dummynet", "list", true};
  ShapedKind what{};
  std::vector<PipeInfo> pipes;  // of pipes and schedulers
  std::vector<FlowsetInfo> flowsets;
};

}  // namespace stackyard
