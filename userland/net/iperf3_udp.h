// userland/net/iperf3_udp.h - iperf3's datagrams: their header, and what their receiver counts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/base/time.h"

namespace stackyard {

// What a stream's first datagram says, and the answer to it, in the octets of a little-endian
// machine: versions before 3.11 answer with another number.
inline constexpr uint32_t iperf_udp_hello = 0x36373839, iperf_udp_reply = 0x39383736,
                          iperf_udp_old_reply = 987654321;

// How many octets count the datagrams: 8 if both sides agree on it.
enum class IperfCounters : uint8_t { narrow, wide };

constexpr size_t iperf_datagram_least = 16, iperf_datagram_most = 65507;

// One side's account of a stream of datagrams.
struct IperfDatagrams {
  uint64_t packets = 0;  // the highest number that was sent or seen
  int64_t lost = 0;
  uint64_t out_of_order = 0;
  int64_t jitter_sixteenths = 0;  // of a nanosecond: RFC 3550 appendix A.8
  std::optional<int64_t> transit;

  int64_t jitter_ns() const { return jitter_sixteenths / 16; }

  // Counts one more, and writes its header into the first octets of a datagram.
  void write_next(std::span<uint8_t> datagram, SimTime now, IperfCounters counters);
  // One has come.
  void take(std::span<const uint8_t> datagram, SimTime now, IperfCounters counters);
};

}  // namespace stackyard
