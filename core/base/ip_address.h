// core/base/ip_address.h - an address of either family of IP.
#pragma once

#include "core/base/address6.h"
#include "core/base/check.h"

namespace stackyard {

enum class IpFamily : uint8_t { v4, v6 };

// Compares by family, then numerically. By default 0.0.0.0; "any" of either family is "none given".
class IpAddress {
 public:
  constexpr IpAddress() = default;
  constexpr IpAddress(Ipv4Address a)
      : octets_{uint8_t(a.value >> 24), uint8_t(a.value >> 16), uint8_t(a.value >> 8),
                uint8_t(a.value)} {}
  constexpr IpAddress(const Ipv6Address& a) : family_(IpFamily::v6), octets_(a.octets) {}
  static constexpr IpAddress any(IpFamily family) {
    return family == IpFamily::v4 ? IpAddress() : IpAddress(Ipv6Address{});
  }

  constexpr bool operator==(const IpAddress& other) const {
    return family_ == other.family_ && v6() == other.v6();
  }
  constexpr std::strong_ordering operator<=>(const IpAddress& other) const {
    return family_ != other.family_ ? family_ <=> other.family_ : v6() <=> other.v6();
  }
  constexpr IpFamily family() const { return family_; }
  constexpr bool is_v4() const { return family_ == IpFamily::v4; }
  constexpr bool is_v6() const { return family_ == IpFamily::v6; }
  // Precondition: it is of that family.
  constexpr Ipv4Address v4() const { return {load_word()}; }
  constexpr Ipv6Address v6() const { return {octets_}; }

  constexpr bool is_any() const { return v6().is_any(); }
  constexpr bool is_multicast() const {
    return is_v4() ? v4().is_multicast() : v6().is_multicast();
  }
  constexpr bool is_loopback() const { return is_v4() ? v4().is_loopback() : v6().is_loopback(); }
  constexpr bool is_link_local() const {
    return is_v4() ? v4().is_link_local() : v6().is_link_local();
  }
  constexpr bool is_broadcast() const { return is_v4() && v4().is_broadcast(); }
  constexpr unsigned bits() const { return is_v4() ? 32 : 128; }
  // For hash tables, whose order nothing may depend on. "Any" of both families hash alike.
  constexpr uint64_t hash() const {
    uint64_t h = 0;
    for (const uint64_t word : {v6().high(), v6().low()}) {
      h = (h ^ word) * 0x9e3779b97f4a7c15u;
      h ^= h >> 29;
    }
    return h;
  }

 private:
  constexpr uint32_t load_word() const {
    return uint32_t(octets_[0]) << 24 | uint32_t(octets_[1]) << 16 | uint32_t(octets_[2]) << 8 |
           octets_[3];
  }

  IpFamily family_ = IpFamily::v4;
  std::array<uint8_t, 16> octets_{};
};
static_assert(sizeof(IpAddress) == 17);

struct IpPrefix {
  IpAddress address;
  uint8_t length = 0;
  constexpr IpPrefix() = default;
  constexpr IpPrefix(const Ipv4Prefix& p) : address(p.address), length(p.length) {}
  constexpr IpPrefix(const Ipv6Prefix& p) : address(p.address), length(p.length) {}
  auto operator<=>(const IpPrefix&) const = default;
  constexpr Ipv4Prefix v4() const { return {address.v4(), length}; }
  constexpr Ipv6Prefix v6() const { return {address.v6(), length}; }
  constexpr IpPrefix canonical() const {
    return address.is_v4() ? IpPrefix(v4().canonical()) : IpPrefix(v6().canonical());
  }
  constexpr bool contains(const IpAddress& other) const {
    if (address.family() != other.family()) return false;
    return address.is_v4() ? v4().contains(other.v4()) : v6().contains(other.v6());
  }
};

inline std::string to_text(const IpAddress& a) {
  return a.is_v4() ? to_text(a.v4()) : to_text(a.v6());
}
inline std::string to_text(const IpPrefix& p) {
  return p.address.is_v4() ? to_text(p.v4()) : to_text(p.v6());
}
// Of either family, without zone.
std::optional<IpAddress> parse_ip(std::string_view s);
std::optional<IpPrefix> parse_ip_prefix(std::string_view s);

}  // namespace stackyard
