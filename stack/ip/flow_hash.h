// stack/ip/flow_hash.h - which packets belong together, where several paths lead to a destination.
#pragma once

#include "core/base/bytes.h"
#include "core/base/ip_address.h"
#include "core/base/random.h"
#include "core/wire/net/ipv4.h"

namespace stackyard {

// `payload` begins with the transport's header; without it, as for fragments, ports do not count.
inline uint32_t flow_hash(uint64_t seed, const IpAddress& source, const IpAddress& dest,
                          uint8_t protocol, Bytes payload) {
  const bool ports =
      (protocol == ip_protocol::tcp || protocol == ip_protocol::udp) && payload.size() >= 4;
  const uint32_t both = ports ? uint32_t(load<be32>(payload)) : 0;
  return uint32_t(mix(seed + mix(source.hash()) + 3 * mix(dest.hash() + protocol) + both) >> 32);
}

}  // namespace stackyard
