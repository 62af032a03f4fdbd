// core/base/bytes.h - octets, spans of them, and integers in network byte order.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace stackyard {

using Bytes = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

// An unsigned integer stored as big-endian octets, with alignment 1, that converts itself.
template <class Integer>
class BigEndian {
 public:
  constexpr BigEndian() = default;
  constexpr BigEndian(Integer value) {
    for (size_t i = 0; i < sizeof(Integer); ++i)
      octets_[i] = uint8_t(value >> (8 * (sizeof(Integer) - 1 - i)));
  }
  constexpr operator Integer() const {
    if (!std::is_constant_evaluated()) {
      Integer raw;
      std::memcpy(&raw, octets_, sizeof raw);
      if constexpr (sizeof raw == 2) return __builtin_bswap16(raw);
      if constexpr (sizeof raw == 4) return __builtin_bswap32(raw);
      if constexpr (sizeof raw == 8) return __builtin_bswap64(raw);
    }
    Integer value = 0;
    for (uint8_t octet : octets_) value = Integer(value << 8 | octet);
    return value;
  }

 private:
  uint8_t octets_[sizeof(Integer)] = {};
};
static_assert(std::endian::native == std::endian::little, "the engine is built for little-endian");

using be16 = BigEndian<uint16_t>;
using be32 = BigEndian<uint32_t>;
using be64 = BigEndian<uint64_t>;

// Copies a wire struct out of octets (or into them): no aliasing, no alignment to worry about.
// Precondition: the span holds at least sizeof(Header) octets.
template <class Header>
Header load(Bytes from) {
  Header header;
  std::memcpy(&header, from.data(), sizeof header);
  return header;
}
template <class Header>
void store(const Header& header, MutableBytes to) {
  std::memcpy(to.data(), &header, sizeof header);
}

}  // namespace stackyard
