// core/wire/transport/sequence.h - TCP's sequence numbers: 32 bits that wrap (RFC 9293 s3.4).
#pragma once

#include <cstdint>

namespace stackyard {

// Comparisons are right for numbers less than 2^31 apart.
struct Seq {
  uint32_t value = 0;

  friend constexpr bool operator==(Seq a, Seq b) = default;
  friend constexpr bool operator<(Seq a, Seq b) { return int32_t(a.value - b.value) < 0; }
  friend constexpr bool operator>(Seq a, Seq b) { return b < a; }
  friend constexpr bool operator<=(Seq a, Seq b) { return !(b < a); }
  friend constexpr bool operator>=(Seq a, Seq b) { return !(a < b); }
  friend constexpr Seq operator+(Seq a, uint32_t n) { return {a.value + n}; }
  friend constexpr Seq operator-(Seq a, uint32_t n) { return {a.value - n}; }
  // How far a is behind b; negative when it is before it.
  friend constexpr int32_t operator-(Seq a, Seq b) { return int32_t(a.value - b.value); }
  constexpr Seq& operator+=(uint32_t n) { return *this = *this + n; }
};

constexpr Seq seq_max(Seq a, Seq b) { return a < b ? b : a; }
constexpr Seq seq_min(Seq a, Seq b) { return a < b ? a : b; }

}  // namespace stackyard
