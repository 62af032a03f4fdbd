// userland/net/ping.h - what ping(8) is for both families.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stack/sys/sys.h"

namespace stackyard {

struct PingOptions {
  SockAddr target;
  std::string target_name;
  std::optional<IpAddress> source;
  int64_t count = 0;                             // 0: until interrupted
  std::optional<size_t> data;                    // -s; by default 56 octets, over IPv6 8
  SimTime interval = 1_s, wait = 10_s, timeout;  // timeout 0: none
  int64_t ttl = 0;
  int64_t tos = 0;
  bool dont_fragment = false, quiet = false, flood = false, once = false, record_route = false;
  bool dont_route = false, no_loop = false;
  bool bell = false, bell_missed = false;  // -a, -A
  int64_t multicast_ttl = 0;
  std::string interface;         // -I: for groups; over IPv6 for all
  std::string gateway;           // -e: the neighbour to send by
  size_t whole = 0;              // -u: 0 fragments of 1280 octets, 1 only those of groups, 2 none
  std::vector<uint8_t> pattern;  // -p: fills the packet
};

struct PingStats {
  int64_t sent = 0, received = 0, duplicates = 0;
  SimTime least = SimTime::max(), most, sum;
  double squares = 0;  // of milliseconds
  std::vector<bool> seen;

  void note(SimTime rtt) {
    least = std::min(least, rtt);
    most = std::max(most, rtt);
    sum += rtt;
    squares += double(rtt.ns()) / 1e6 * (double(rtt.ns()) / 1e6);
  }
  std::string summary(const std::string& name) const;
};

// Until the count, the time or the user ends it; its exit status.
Task<int> run_ping4(Sys& sys, PingOptions want);
Task<int> run_ping6(Sys& sys, PingOptions want);

}  // namespace stackyard
