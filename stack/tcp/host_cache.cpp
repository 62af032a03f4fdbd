#include "stack/tcp/host_cache.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

const TcpHostCache::Entry* TcpHostCache::find(const IpAddress& host, SimTime now) {
  const auto found = entries_.find(host);
  if (found == entries_.end()) return nullptr;
  if (found->second.expires <= now) {
    entries_.erase(found);
    return nullptr;
  }
  ++found->second.hits;
  return &found->second;
}

void TcpHostCache::learn(const IpAddress& host, const Entry& news, SimTime now,
                         const Limits& limits) {
  if (!entries_.contains(host) && entries_.size() >= limits.entries) {
    // The one that ends first makes room.
    const auto oldest = std::min_element(
        entries_.begin(), entries_.end(),
        [](const auto& a, const auto& b) { return a.second.expires < b.second.expires; });
    if (oldest == entries_.end()) return;
    entries_.erase(oldest);
  }
  Entry& known = entries_[host];
  const auto average = [](SimTime& old, SimTime fresh) {
    if (fresh > SimTime()) old = old == SimTime() ? fresh : (old + fresh) / 2;
  };
  average(known.rtt, news.rtt);
  average(known.variation, news.variation);
  if (news.ssthresh)
    known.ssthresh =
        known.ssthresh ? uint32_t((uint64_t(known.ssthresh) + news.ssthresh) / 2) : news.ssthresh;
  known.expires = now + limits.lifetime;
  ++known.updates;
}

std::string TcpHostCache::list(SimTime now) const {
  std::string out =
      "\nIP address                                        SSTRESH    RTT   RTTVAR   HITS  UPD  "
      "EXP\n";
  for (const auto& [host, e] : entries_)
    out += text("{:<48} {:>8} {:>4}ms {:>6}ms {:>6} {:>4} {:>4}\n", to_text(host), e.ssthresh,
                e.rtt.ms(), e.variation.ms(), e.hits, e.updates, (e.expires - now).s());
  return out;
}

}  // namespace stackyard
