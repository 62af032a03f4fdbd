// core/wire/checksum.h - the Internet checksum (RFC 1071) and its incremental update (RFC 1624).
#pragma once

#include "core/base/bytes.h"

namespace stackyard {

// Adds octets to a sum of 16-bit words in network order; the first octet is a word's high half.
uint64_t checksum_add(uint64_t sum, Bytes octets);
// Folds to 16 bits, not complemented.
constexpr uint16_t checksum_fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return uint16_t(sum);
}
// The value for a header's field; 0 over octets that hold a right checksum.
inline uint16_t internet_checksum(Bytes octets, uint64_t initial = 0) {
  return uint16_t(~checksum_fold(checksum_add(initial, octets)));
}
// RFC 1624 eqn 3: the new field after a 16-bit word changed.
constexpr uint16_t checksum_update(uint16_t field, uint16_t before, uint16_t after) {
  return uint16_t(~checksum_fold(uint64_t(uint16_t(~field)) + uint16_t(~before) + after));
}

}  // namespace stackyard
