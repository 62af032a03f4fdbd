#include "core/base/address.h"

#include <bit>

#include "core/base/text.h"

namespace stackyard {

uint64_t MacAddress::number() const {
  uint64_t n = 0;
  for (uint8_t octet : octets) n = n << 8 | octet;
  return n;
}

MacAddress ethernet_group(Ipv4Address group) {
  return {{0x01, 0x00, 0x5e, uint8_t(group.value >> 16 & 0x7f), uint8_t(group.value >> 8),
           uint8_t(group.value)}};
}

std::string to_text(MacAddress a) {
  const auto& o = a.octets;
  return text("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", o[0], o[1], o[2], o[3], o[4], o[5]);
}

std::string to_text(Ipv4Address a) {
  return text("{}.{}.{}.{}", a.value >> 24, a.value >> 16 & 255, a.value >> 8 & 255, a.value & 255);
}

std::string to_text(const Ipv4Prefix& prefix) {
  return text("{}/{}", to_text(prefix.address), prefix.length);
}

std::optional<MacAddress> parse_mac(std::string_view s) {
  const auto parts = split(s, ':');
  if (parts.size() != 6) return std::nullopt;
  MacAddress address;
  for (size_t i = 0; i < 6; ++i) {
    if (parts[i].empty() || parts[i].size() > 2) return std::nullopt;
    const auto octet = parse_int("0x" + parts[i]);
    if (!octet || *octet > 255) return std::nullopt;
    address.octets[i] = uint8_t(*octet);
  }
  return address;
}

std::optional<Ipv4Address> parse_ipv4(std::string_view s) {
  uint32_t value = 0;
  unsigned parts = 0;
  size_t at = 0;
  while (parts < 4) {
    unsigned part = 0;
    size_t digits = 0;
    while (at < s.size() && s[at] >= '0' && s[at] <= '9' && digits < 4) {
      part = part * 10 + unsigned(s[at++] - '0');
      ++digits;
    }
    if (digits == 0 || digits > 3 || part > 255) return std::nullopt;
    value = value << 8 | part;
    if (++parts < 4 && (at >= s.size() || s[at++] != '.')) return std::nullopt;
  }
  if (at != s.size()) return std::nullopt;
  return Ipv4Address{value};
}

std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view s) {
  const size_t slash = s.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_ipv4(s.substr(0, slash));
  const auto length = parse_int(s.substr(slash + 1));
  if (!address || !length || *length < 0 || *length > 32) return std::nullopt;
  return Ipv4Prefix{*address, uint8_t(*length)};
}

std::optional<uint8_t> prefix_length_of(Ipv4Address mask) {
  const int length = std::countl_one(mask.value);
  if (mask.value != ipv4_mask(unsigned(length))) return std::nullopt;
  return uint8_t(length);
}

}  // namespace stackyard
