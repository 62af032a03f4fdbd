#include "userland/net/iperf3_udp.h"

#include <cstdlib>

#include "core/base/bytes.h"

namespace stackyard {

namespace {

// Seconds and microseconds of the sender's clock, then the datagram's number.
struct Head {
  be32 seconds, microseconds;
};

}  // namespace

void IperfDatagrams::write_next(std::span<uint8_t> datagram, SimTime now, IperfCounters counters) {
  ++packets;
  Head head;
  head.seconds = uint32_t(now.ns() / 1'000'000'000);
  head.microseconds = uint32_t(now.ns() % 1'000'000'000 / 1000);
  store(head, datagram);
  if (counters == IperfCounters::wide)
    store(be64(packets), datagram.subspan(sizeof(Head)));
  else
    store(be32(uint32_t(packets)), datagram.subspan(sizeof(Head)));
}

void IperfDatagrams::take(std::span<const uint8_t> datagram, SimTime now, IperfCounters counters) {
  if (datagram.size() < iperf_datagram_least) return;
  const auto head = load<Head>(datagram);
  const auto rest = datagram.subspan(sizeof(Head));
  const uint64_t number =
      counters == IperfCounters::wide ? uint64_t(load<be64>(rest)) : uint64_t(load<be32>(rest));
  if (number > packets) {
    lost += int64_t(number - packets - 1);
    packets = number;
  } else {
    // It was counted as lost when a later one came.
    ++out_of_order;
    if (lost > 0) --lost;
  }
  const int64_t sent =
      int64_t(uint32_t(head.seconds)) * 1'000'000'000 + int64_t(uint32_t(head.microseconds)) * 1000;
  const int64_t transit_now = now.ns() - sent;
  if (transit) {
    const int64_t change = std::abs(transit_now - *transit);
    jitter_sixteenths += change - (jitter_sixteenths + 8) / 16;
  }
  transit = transit_now;
}

}  // namespace stackyard
