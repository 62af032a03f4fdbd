// core/base/address.h - link-layer and network addresses as values.
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace stackyard {

// An IEEE 802 MAC-48 address.
struct MacAddress {
  std::array<uint8_t, 6> octets{};
  auto operator<=>(const MacAddress&) const = default;
  bool is_group() const { return octets[0] & 1; }
  bool is_broadcast() const { return *this == broadcast(); }
  static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  uint64_t number() const;
};

// An IPv4 address, kept as a number in host order so that comparison is numerical.
struct Ipv4Address {
  uint32_t value = 0;
  auto operator<=>(const Ipv4Address&) const = default;
  constexpr bool is_any() const { return value == 0; }
  constexpr bool is_broadcast() const { return value == 0xffffffff; }
  constexpr bool is_multicast() const { return value >> 28 == 0xe; }
  constexpr bool is_loopback() const { return value >> 24 == 127; }
  constexpr bool is_link_local() const { return value >> 16 == 0xa9fe; }
  constexpr bool is_experimental() const { return value >> 28 == 0xf; }  // class E, RFC 1112 s4
};

constexpr uint32_t ipv4_mask(unsigned prefix_length) {
  return prefix_length == 0 ? 0 : 0xffffffffu << (32 - prefix_length);
}

// A network or an interface address: "10.0.0.1/24". Host bits are kept.
struct Ipv4Prefix {
  Ipv4Address address;
  uint8_t length = 32;
  auto operator<=>(const Ipv4Prefix&) const = default;
  constexpr uint32_t mask() const { return ipv4_mask(length); }
  constexpr Ipv4Address network() const { return {address.value & mask()}; }
  constexpr Ipv4Address broadcast() const { return {address.value | ~mask()}; }
  constexpr Ipv4Prefix canonical() const { return {network(), length}; }
  constexpr bool contains(Ipv4Address other) const {
    return (other.value & mask()) == (address.value & mask());
  }
  constexpr bool overlaps(const Ipv4Prefix& other) const {
    return length < other.length ? contains(other.address) : other.contains(address);
  }
};

// RFC 1112 s6.4: 01:00:5e and the group's low 23 bits.
MacAddress ethernet_group(Ipv4Address group);

std::string to_text(MacAddress address);
std::string to_text(Ipv4Address address);
std::string to_text(const Ipv4Prefix& prefix);

// Whole strings only. "02:00:00:00:00:01", "10.0.0.1", "10.0.0.1/24".
std::optional<MacAddress> parse_mac(std::string_view s);
std::optional<Ipv4Address> parse_ipv4(std::string_view s);
std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view s);
// Contiguous masks only: 255.255.255.0 is 24.
std::optional<uint8_t> prefix_length_of(Ipv4Address mask);

}  // namespace stackyard
