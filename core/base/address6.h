// core/base/address6.h - IPv6 addresses and prefixes as values (RFC 4291, RFC 4007, RFC 5952).
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/address.h"

namespace stackyard {

// 16 octets in network order. Inside a stack, addresses of a zone (link-local ones, and groups of
// interface and link scope) carry the index of their interface in the third and fourth octet, as
// FreeBSD's kernel has it; on the wire and in programs they never do.
struct Ipv6Address {
  std::array<uint8_t, 16> octets{};
  // As two words: a call of memcmp for each comparison costs a router a fifth of its time.
  constexpr bool operator==(const Ipv6Address& other) const {
    return high() == other.high() && low() == other.low();
  }
  constexpr std::strong_ordering operator<=>(const Ipv6Address& other) const {
    return high() != other.high() ? high() <=> other.high() : low() <=> other.low();
  }
  constexpr uint64_t high() const { return load_word(octets, 0); }
  constexpr uint64_t low() const { return load_word(octets, 8); }

  // From eight groups of 16 bits.
  static constexpr Ipv6Address of(const std::array<uint16_t, 8>& groups) {
    Ipv6Address a;
    for (size_t i = 0; i < 8; ++i) a.set_group(i, groups[i]);
    return a;
  }
  static constexpr Ipv6Address loopback() { return of({0, 0, 0, 0, 0, 0, 0, 1}); }
  // ::ffff:a.b.c.d (RFC 4291 s2.5.5.2).
  static constexpr Ipv6Address mapped(Ipv4Address v4) {
    return of({0, 0, 0, 0, 0, 0xffff, uint16_t(v4.value >> 16), uint16_t(v4.value)});
  }

  constexpr uint16_t group(size_t i) const {
    return uint16_t(octets[2 * i] << 8 | octets[2 * i + 1]);
  }
  constexpr void set_group(size_t i, uint16_t value) {
    octets[2 * i] = uint8_t(value >> 8);
    octets[2 * i + 1] = uint8_t(value);
  }
  constexpr bool is_any() const { return (high() | low()) == 0; }
  constexpr bool is_loopback() const { return high() == 0 && low() == 1; }
  constexpr bool is_multicast() const { return octets[0] == 0xff; }
  constexpr bool is_link_local() const { return octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80; }
  constexpr bool is_site_local() const { return octets[0] == 0xfe && (octets[1] & 0xc0) == 0xc0; }
  constexpr bool is_unique_local() const { return (octets[0] & 0xfe) == 0xfc; }  // RFC 4193
  constexpr bool is_v4_mapped() const { return high() == 0 && low() >> 32 == 0xffff; }
  constexpr Ipv4Address embedded_v4() const {  // the last four octets
    return {uint32_t(group(6)) << 16 | group(7)};
  }
  // ff02::1:ff00:0/104 (RFC 4291 s2.7.1).
  constexpr bool is_solicited_node() const {
    return group(0) == 0xff02 && group(2) == 0 && group(3) == 0 && group(4) == 0 && group(5) == 1 &&
           octets[12] == 0xff;
  }
  constexpr Ipv6Address solicited_node() const {
    Ipv6Address a = of({0xff02, 0, 0, 0, 0, 1, uint16_t(0xff00 | octets[13]), group(7)});
    a.set_group(1, zone());
    return a;
  }
  // RFC 4291 s2.7, RFC 7346: of groups the field, of others the same numbers.
  constexpr uint8_t scope() const {
    if (is_multicast()) return octets[1] & 15;
    if (is_loopback() || is_link_local()) return 2;
    return is_site_local() ? 5 : 14;
  }
  // Whether it means something on one link or interface only.
  constexpr bool has_zone() const {
    return is_link_local() || (is_multicast() && (scope() == 1 || scope() == 2));
  }
  constexpr uint16_t zone() const { return has_zone() ? group(1) : uint16_t(0); }
  constexpr Ipv6Address with_zone(uint32_t interface_index) const {
    Ipv6Address a = *this;
    if (has_zone()) a.set_group(1, uint16_t(interface_index));
    return a;
  }
  constexpr Ipv6Address without_zone() const { return with_zone(0); }

  // Eight octets as a number, the first the most significant.
  static constexpr uint64_t load_word(const std::array<uint8_t, 16>& from, size_t at) {
    if (!std::is_constant_evaluated()) {
      uint64_t raw;
      std::memcpy(&raw, from.data() + at, sizeof raw);
      return __builtin_bswap64(raw);
    }
    uint64_t n = 0;
    for (size_t i = at; i < at + 8; ++i) n = n << 8 | from[i];
    return n;
  }
};
static_assert(sizeof(Ipv6Address) == 16 && alignof(Ipv6Address) == 1);

// For tries and arithmetic on prefixes: most significant bit first.
__extension__ using uint128 = unsigned __int128;
constexpr uint128 number_of(const Ipv6Address& a) { return uint128(a.high()) << 64 | a.low(); }
constexpr Ipv6Address address_of(uint128 n) {
  Ipv6Address a;
  for (size_t i = 16; i-- > 0; n >>= 8) a.octets[i] = uint8_t(n);
  return a;
}
constexpr uint128 ipv6_mask(unsigned prefix_length) {
  return prefix_length == 0 ? uint128(0) : ~uint128(0) << (128 - prefix_length);
}

// A network or an interface address: "2001:db8::1/64". Host bits are kept.
struct Ipv6Prefix {
  Ipv6Address address;
  uint8_t length = 128;
  auto operator<=>(const Ipv6Prefix&) const = default;
  constexpr Ipv6Address network() const {
    return address_of(number_of(address) & ipv6_mask(length));
  }
  constexpr Ipv6Prefix canonical() const { return {network(), length}; }
  constexpr bool contains(const Ipv6Address& other) const {
    return ((number_of(other) ^ number_of(address)) & ipv6_mask(length)) == 0;
  }
  constexpr bool overlaps(const Ipv6Prefix& other) const {
    return length < other.length ? contains(other.address) : other.contains(address);
  }
};

// RFC 2464 s7: 33:33 and the last four octets.
MacAddress ethernet_group(const Ipv6Address& group);
// RFC 4291 appendix A: the modified EUI-64 identifier of a MAC address, in the last 8 octets.
Ipv6Address with_eui64(const Ipv6Address& prefix, MacAddress mac);

// RFC 5952: lower case, the longest run of zeroes cut, ::ffff:10.0.0.1. Zones are not shown.
std::string to_text(const Ipv6Address& address);
std::string to_text(const Ipv6Prefix& prefix);

// Whole strings only, every form of RFC 4291 s2.2; no zone.
std::optional<Ipv6Address> parse_ipv6(std::string_view s);
std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view s);
// "fe80::1%em0": the address, and what stands behind the percent sign ("" without one).
struct ZonedAddress {
  Ipv6Address address;
  std::string zone;
};
std::optional<ZonedAddress> parse_zoned(std::string_view s);

}  // namespace stackyard
