// stack/tcp/host_cache.h - what connections learnt about a host, for the next one (RFC 9040;
// FreeBSD's hostcache). The path MTU is IP's.
#pragma once

#include <map>
#include <string>

#include "core/base/ip_address.h"
#include "core/base/time.h"

namespace stackyard {

class TcpHostCache {
 public:
  struct Entry {
    SimTime rtt, variation;
    uint32_t ssthresh = 0;
    SimTime expires;
    uint64_t hits = 0, updates = 0;
  };
  struct Limits {
    size_t entries;
    SimTime lifetime;
  };

  // Null: nothing is known, or it is too old.
  const Entry* find(const IpAddress& host, SimTime now);
  // Averages with what was known (tcp_hc_update). A zero is nothing learnt.
  void learn(const IpAddress& host, const Entry& news, SimTime now, const Limits& limits);
  // net.inet.tcp.hostcache.list.
  std::string list(SimTime now) const;
  void clear() { entries_.clear(); }
  size_t count() const { return entries_.size(); }

 private:
  std::map<IpAddress, Entry> entries_;
};

}  // namespace stackyard
