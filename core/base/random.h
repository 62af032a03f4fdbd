// core/base/random.h - named streams of random numbers: equal on every machine, in every build.
#pragma once

#include <cstdint>
#include <string_view>

namespace stackyard {

// 64-bit FNV-1a: for names and seeds, not for hash tables that an attacker can fill.
constexpr uint64_t hash_text(std::string_view text, uint64_t start = 0xcbf29ce484222325) {
  for (char c : text) start = (start ^ uint8_t(c)) * 0x100000001b3;
  return start;
}
// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
constexpr uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// A counter-based stream, named by (lab seed, owner, purpose): no stream disturbs another.
class RandomStream {
 public:
  RandomStream(uint64_t seed, uint64_t owner, std::string_view purpose)
      : key_(mix(seed + mix(owner + mix(hash_text(purpose))))) {}

  uint64_t next() { return mix(key_ + ++counter_ * 0x9e3779b97f4a7c15); }
  // Uniform in [0, bound), bound > 0 (Lemire's multiplication; the bias is below 2^-32 for
  // bounds of up to 32 bits).
  uint64_t below(uint64_t bound) {
    return uint64_t((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  // True with probability share / 2^32.
  bool chance(uint64_t share) { return (next() >> 32) < share; }

 private:
  uint64_t key_;
  uint64_t counter_ = 0;
};

}  // namespace stackyard
