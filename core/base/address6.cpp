#include "core/base/address6.h"

#include "core/base/text.h"

namespace stackyard {

MacAddress ethernet_group(const Ipv6Address& group) {
  const auto& o = group.octets;
  return {{0x33, 0x33, o[12], o[13], o[14], o[15]}};
}

Ipv6Address with_eui64(const Ipv6Address& prefix, MacAddress mac) {
  Ipv6Address a = prefix;
  const auto& m = mac.octets;
  const std::array<uint8_t, 8> id{uint8_t(m[0] ^ 2), m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
  for (size_t i = 0; i < 8; ++i) a.octets[8 + i] = id[i];
  return a;
}

std::string to_text(const Ipv6Address& address) {
  const Ipv6Address a = address.without_zone();
  if (a.is_v4_mapped()) return "::ffff:" + to_text(a.embedded_v4());
  // RFC 5952 s4.2: the longest run of at least two zero groups, the first of equals.
  size_t best = 8, best_length = 1;
  for (size_t i = 0; i < 8; ++i) {
    size_t length = 0;
    while (i + length < 8 && a.group(i + length) == 0) ++length;
    if (length > best_length) {
      best = i;
      best_length = length;
    }
  }
  std::string out;
  for (size_t i = 0; i < 8;) {
    if (i == best) {
      out += "::";
      i += best_length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    out += text("{:x}", a.group(i++));
  }
  return out;
}

std::string to_text(const Ipv6Prefix& prefix) {
  return text("{}/{}", to_text(prefix.address), prefix.length);
}

namespace {

std::optional<uint16_t> parse_group(std::string_view s) {
  if (s.empty() || s.size() > 4) return std::nullopt;
  uint32_t value = 0;
  for (char c : s) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return std::nullopt;
    value = value << 4 | uint32_t(digit);
  }
  return uint16_t(value);
}

// Groups between colons, the last perhaps dotted IPv4. An empty text has none.
bool parse_groups(std::string_view s, bool v4_may_end_it, std::vector<uint16_t>& groups) {
  if (s.empty()) return true;
  const auto parts = split(s, ':');
  for (size_t i = 0; i < parts.size(); ++i) {
    if (v4_may_end_it && i + 1 == parts.size() && parts[i].find('.') != std::string::npos) {
      const auto v4 = parse_ipv4(parts[i]);
      if (!v4) return false;
      groups.push_back(uint16_t(v4->value >> 16));
      groups.push_back(uint16_t(v4->value));
      continue;
    }
    const auto group = parse_group(parts[i]);
    if (!group) return false;
    groups.push_back(*group);
  }
  return groups.size() <= 8;
}

}  // namespace

std::optional<Ipv6Address> parse_ipv6(std::string_view s) {
  if (s.size() > 45) return std::nullopt;
  std::vector<uint16_t> head, tail;
  const size_t gap = s.find("::");
  const bool cut = gap != s.npos;
  if (!parse_groups(s.substr(0, gap), !cut, head)) return std::nullopt;
  if (cut && !parse_groups(s.substr(gap + 2), true, tail)) return std::nullopt;
  const size_t count = head.size() + tail.size();
  if (cut ? count > 7 : count != 8) return std::nullopt;
  Ipv6Address a;
  for (size_t i = 0; i < head.size(); ++i) a.set_group(i, head[i]);
  for (size_t i = 0; i < tail.size(); ++i) a.set_group(8 - tail.size() + i, tail[i]);
  return a;
}

std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view s) {
  const size_t slash = s.find('/');
  if (slash == s.npos) return std::nullopt;
  const auto address = parse_ipv6(s.substr(0, slash));
  const std::string_view digits = s.substr(slash + 1);
  const bool plain = !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
  const auto length = plain ? parse_int(digits) : std::nullopt;
  if (!address || !length || *length > 128) return std::nullopt;
  return Ipv6Prefix{*address, uint8_t(*length)};
}

std::optional<ZonedAddress> parse_zoned(std::string_view s) {
  const size_t percent = s.find('%');
  const auto address = parse_ipv6(s.substr(0, percent));
  if (!address) return std::nullopt;
  if (percent == s.npos) return ZonedAddress{*address, ""};
  if (percent + 1 == s.size() || !address->has_zone()) return std::nullopt;
  return ZonedAddress{*address, std::string(s.substr(percent + 1))};
}

}  // namespace stackyard
