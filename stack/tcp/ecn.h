// stack/tcp/ecn.h - the three ECN bits of a TCP header as one number (RFC 9768 s3).
#pragma once

#include "core/wire/transport/tcp.h"

namespace stackyard::ace {

// AE, CWR, ECE, from the highest bit on.
constexpr uint8_t ece = 1, cwr = 2, ae = 4, all = 7;
constexpr uint8_t start = 5;  // of both counters
constexpr uint8_t of(uint8_t flags, bool ae_set) {
  return uint8_t((flags & tcp_flag::ece ? ece : 0) | (flags & tcp_flag::cwr ? cwr : 0) |
                 (ae_set ? ae : 0));
}
constexpr uint8_t flags(uint8_t number) {
  return uint8_t((number & ece ? tcp_flag::ece : 0) | (number & cwr ? tcp_flag::cwr : 0));
}
// During the handshake each end tells how the other's SYN arrived: not ECN-capable, ECT(1), ECT(0),
// CE (table 2).
constexpr uint8_t of_codepoint(uint8_t ip_bits) {
  constexpr uint8_t numbers[] = {2, 3, 4, 6};
  return numbers[ip_bits & 3];
}
constexpr uint8_t arrived_marked = 6;

}  // namespace stackyard::ace
