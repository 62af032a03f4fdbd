// core/base/siphash.h - SipHash-2-4 (Aumasson and Bernstein 2012): a keyed hash of short messages.
//
// For what an outsider must not predict: initial sequence numbers, cookies, hash tables.
#pragma once

#include "core/base/bytes.h"

namespace stackyard {

struct SipKey {
  uint64_t low = 0, high = 0;
};

uint64_t siphash(const SipKey& key, Bytes message);

}  // namespace stackyard
