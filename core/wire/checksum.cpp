#include "core/wire/checksum.h"

namespace stackyard {

uint64_t checksum_add(uint64_t sum, Bytes octets) {
  // One's complement sums are independent of byte order (RFC 1071 s2B): add 32-bit words as they
  // lie in memory, and swap the folded result once.
  uint64_t native = 0;
  size_t at = 0;
  for (; at + 8 <= octets.size(); at += 8) {
    uint64_t words;
    std::memcpy(&words, octets.data() + at, 8);
    native += (words & 0xffffffff) + (words >> 32);
  }
  for (; at + 2 <= octets.size(); at += 2) {
    uint16_t word;
    std::memcpy(&word, octets.data() + at, 2);
    native += word;
  }
  if (at < octets.size()) native += octets[at];  // the high half of a word padded with zero
  return sum + __builtin_bswap16(checksum_fold(native));
}

}  // namespace stackyard
