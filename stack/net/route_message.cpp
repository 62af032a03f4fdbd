#include "stack/net/api/route_message.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

namespace {

constexpr uint8_t af_inet = 2, af_link = 18, af_inet6 = 28;
constexpr size_t sin_size = 16, sin6_size = 28, sdl_size = 54, sdl_data = 8;

constexpr size_t rounded(size_t length) { return length == 0 ? 8 : (length + 7) & ~size_t(7); }

uint16_t number16(Bytes octets, size_t at) { return load<uint16_t>(octets.subspan(at)); }

// Octets behind `sa_len` are zeroes: masks are often sent without theirs.
bool parse_one(Bytes octets, RtSockaddr& to) {
  const uint8_t family = octets.size() > 1 ? octets[1] : 0;
  const auto copy = [&](size_t at, MutableBytes into) {
    if (octets.size() > at)
      std::copy_n(octets.begin() + long(at), std::min(into.size(), octets.size() - at),
                  into.begin());
  };
  if (family == af_inet) {
    be32 address{};
    uint8_t raw[4] = {};
    copy(4, raw);
    address = load<be32>(Bytes(raw));
    to.ip = Ipv4Address{address};
    return true;
  }
  if (family == af_inet6) {
    Ipv6Address address;
    copy(8, address.octets);
    uint8_t scope[4] = {};
    copy(24, scope);
    to.scope = load<uint32_t>(Bytes(scope));
    to.ip = address;
    return true;
  }
  if (family != af_link || octets.size() < sdl_data) return false;
  LinkName link{number16(octets, 2), octets[4], {}, {}};
  const size_t name = octets[5], address = octets[6];
  if (name > 15 || sdl_data + name + address > octets.size()) return false;
  const auto data = octets.begin() + long(sdl_data);
  link.name.assign(data, data + long(name));
  link.address.assign(data + long(name), data + long(name + address));
  to.link = std::move(link);
  return true;
}

void append_one(const RtSockaddr& address, std::vector<uint8_t>& message) {
  const size_t at = message.size();
  if (address.link) {
    message.resize(at + rounded(sdl_size));
    const MutableBytes to = MutableBytes(message).subspan(at);
    to[0] = sdl_size;
    to[1] = af_link;
    store(address.link->index, to.subspan(2));
    to[4] = address.link->type;
    to[5] = uint8_t(address.link->name.size());
    to[6] = uint8_t(address.link->address.size());
    std::copy(address.link->name.begin(), address.link->name.end(), to.begin() + sdl_data);
    std::copy(address.link->address.begin(), address.link->address.end(),
              to.begin() + long(sdl_data + address.link->name.size()));
  } else if (address.ip && address.ip->is_v4()) {
    message.resize(at + sin_size);
    const MutableBytes to = MutableBytes(message).subspan(at);
    to[0] = sin_size;
    to[1] = af_inet;
    store(be32(address.ip->v4().value), to.subspan(4));
  } else if (address.ip) {
    message.resize(at + rounded(sin6_size));
    const MutableBytes to = MutableBytes(message).subspan(at);
    to[0] = sin6_size;
    to[1] = af_inet6;
    store(address.ip->v6(), to.subspan(8));
    store(address.scope, to.subspan(24));
  } else {
    message.resize(at + 8);
  }
}

}  // namespace

std::string to_text(const LinkName& link) {
  if (link.name.empty() && link.address.empty()) return text("link#{}", link.index);
  std::string out = link.name;
  for (size_t i = 0; i < link.address.size(); ++i)
    out += text("{}{:x}", i == 0 ? (out.empty() ? "" : ":") : ".", link.address[i]);
  return out;
}

void RtSockaddrs::set_mask(IpFamily family, unsigned length) {
  if (family == IpFamily::v4)
    set(rta_netmask, Ipv4Address{ipv4_mask(length)});
  else
    set(rta_netmask, address_of(ipv6_mask(length)));
}

uint32_t RtSockaddrs::bits() const {
  uint32_t bits = 0;
  for (unsigned i = 0; i < rta_max; ++i)
    if (all_[i]) bits |= 1u << i;
  return bits;
}

bool RtSockaddrs::parse(Bytes octets, uint32_t addrs) {
  all_ = {};
  for (unsigned i = 0; i < rta_max && !octets.empty(); ++i) {
    if (!(addrs >> i & 1)) continue;
    const size_t length = octets[0];
    if (length > octets.size()) return false;
    RtSockaddr address;
    // A mask's family may be left out, and its trailing zeroes: then it is the destination's.
    const bool mask = i == rta_netmask || i == rta_genmask;
    if (length > 0) {
      std::vector<uint8_t> own(octets.begin(), octets.begin() + long(length));
      const auto& dest = all_[rta_dst];
      if (mask && dest && dest->ip) {
        own.resize(std::max<size_t>(own.size(), 2));
        own[1] = dest->ip->is_v4() ? af_inet : af_inet6;
      }
      if (!parse_one(own, address)) return false;
    } else if (mask && all_[rta_dst] && all_[rta_dst]->ip) {
      address.ip = IpAddress::any(all_[rta_dst]->ip->family());
    }
    all_[i] = std::move(address);
    octets = octets.subspan(std::min(rounded(length), octets.size()));
  }
  return true;
}

void RtSockaddrs::append_to(std::vector<uint8_t>& message) const {
  for (const auto& address : all_)
    if (address) append_one(*address, message);
}

std::optional<unsigned> RtSockaddrs::mask_length(IpFamily family) const {
  const auto& mask = all_[rta_netmask];
  if (!mask || !mask->ip || mask->ip->family() != family) return std::nullopt;
  if (family == IpFamily::v4) return prefix_length_of(mask->ip->v4());
  const uint128 number = number_of(mask->ip->v6());
  for (unsigned length = 0; length <= 128; ++length)
    if (ipv6_mask(length) == number) return length;
  return std::nullopt;
}

}  // namespace stackyard
