// userland/net/iperf3_report.h - what iperf3 prints of its streams, in its own words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "stack/sys/types.h"
#include "userland/net/iperf3_udp.h"

namespace stackyard {

struct IperfStream {
  Fd fd{};
  int id = 0;           // as printed: "[  5]"
  uint64_t octets = 0;  // in all
  uint64_t last_octets = 0;
  uint32_t retransmits = 0, last_retransmits = 0;
  uint32_t cwnd = 0;
  SimTime not_before;  // there was no room in a queue: the next try
  IperfDatagrams datagrams, last_datagrams;
  // Of the end: what the other side says.
  uint64_t peer_octets = 0;
  uint32_t peer_retransmits = 0;
  IperfDatagrams peer_datagrams;
};

// "1.09 GByte": of octets; "938 Mbit": of bits, a thousand to the next unit.
std::string iperf_octets(double octets);
std::string iperf_bits(double bits);

enum class IperfProtocol : uint8_t { tcp, udp };

class IperfReport {
 public:
  // `sends`: this side does, so it knows of TCP's retransmissions, and nothing of UDP's losses.
  IperfReport(IperfProtocol protocol, bool sends)
      : udp_(protocol == IperfProtocol::udp), sends_(sends) {}
  std::string title() const;
  // An interval of all streams, with their sum if there are several; begins the next one.
  std::string interval(std::vector<IperfStream>& streams, SimTime begin, SimTime end) const;
  // The end: what was sent and what has arrived, each by the clock of who says so.
  struct Durations {
    SimTime own, peer;
  };
  std::string summary(const std::vector<IperfStream>& streams, Durations durations) const;

 private:
  std::string interval_rest(const IperfStream& stream) const;

  bool udp_, sends_;
};

}  // namespace stackyard
