// stack/inet/options.cpp - IPv4 options of packets that arrive (RFC 791 s3.1, RFC 1122 s3.2.1.8).
#include <algorithm>

#include "stack/inet/drops.h"
#include "stack/inet/inet.h"

namespace stackyard {

namespace {

// Room for one address at the option's pointer, which moves on; an empty span when it is full.
MutableBytes next_address(MutableBytes option) {
  const size_t at = size_t(option[2]) - 1;
  if (at < 3 || at + 4 > option.size()) return {};
  option[2] = uint8_t(option[2] + 4);
  return option.subspan(at, 4);
}

// RFC 791: overflow (4 bits) and a flag: 0 stamps only, 1 addresses too, 3 prescribed addresses.
bool stamp(MutableBytes option, Ipv4Address own, bool own_is_prescribed, uint32_t now_ms) {
  const uint8_t flag = option[3] & 15;
  const size_t at = size_t(option[2]) - 1;
  const size_t size = flag == 0 ? 4 : 8;
  if (at < 4 || at % 4 != 0) return false;
  if (at + size > option.size()) {
    const uint8_t overflow = uint8_t((option[3] >> 4) + 1);
    if (overflow > 15) return false;
    option[3] = uint8_t(overflow << 4 | flag);
    return true;
  }
  if (flag == 3 && !own_is_prescribed) return true;
  size_t stamp_at = at;
  if (flag != 0) {
    store(be32(own.value), option.subspan(at));
    stamp_at += 4;
  }
  store(be32(now_ms), option.subspan(stamp_at));
  option[2] = uint8_t(option[2] + size);
  return true;
}

}  // namespace

// False: the packet was dropped (and answered, where that is due).
bool Inet::process_options(Packet& packet, Ipv4Header& header, Ifnet& from) {
  if (settings().process_options == 0) return true;
  if (settings().process_options == 2) {
    drop(packet, drops::options_refused);
    send_unreachable(std::move(packet), Unreachable::prohibited);
    return false;
  }
  const size_t size = header.header_size();
  const MutableBytes octets = packet.writable_front().first(size);
  const bool ours = is_local(header.dest_address());
  const Route* route = routes(packet.fib()).lookup(header.dest_address());
  const Ipv4Address own = ours || !route ? source_on(from, header.source_address())
                                         : primary_address(*route->interface);
  size_t wrong = 0;
  bool source_route = false;
  const size_t malformed = for_each_option(octets, [&](const Ipv4Option& option) {
    const MutableBytes bytes = octets.subspan(option.offset, option.length);
    switch (option.type) {
      case ipv4_option::record_route:
        if (bytes.size() < 3 || bytes[2] < 4)
          wrong = option.offset + 2;
        else if (const MutableBytes place = next_address(bytes); !place.empty())
          store(be32(own.value), place);
        break;
      case ipv4_option::timestamp: {
        const bool long_enough = bytes.size() >= 4;
        const size_t at = long_enough ? size_t(bytes[2]) - 1 : 0;
        const bool prescribed =
            long_enough && at + 4 <= bytes.size() &&
            is_local(Ipv4Address{load<be32>(Bytes(bytes).subspan(std::min(at, bytes.size() - 4)))});
        const uint32_t now_ms = uint32_t(site_.now().ms() % 86'400'000);
        if (!long_enough || !stamp(bytes, own, prescribed, now_ms)) wrong = option.offset + 2;
        break;
      }
      case ipv4_option::loose_source_route:
      case ipv4_option::strict_source_route:
        // At its end the route is history; before it, it wants something of us.
        if (bytes.size() < 3 || bytes[2] < 4)
          wrong = option.offset + 2;
        else if (!ours || size_t(bytes[2]) <= bytes.size() || !settings().accept_sourceroute)
          source_route = true;
        break;
      default:
        break;
    }
  });
  if (malformed) wrong = malformed;
  if (wrong) {
    ++counters.bad_options;
    drop(packet, drops::bad_option);
    icmp_.send_error(std::move(packet), icmp_type::parameter_problem, 0, uint32_t(wrong) << 24);
    return false;
  }
  if (source_route) {
    // net.inet.ip.sourceroute is off, and FreeBSD refuses by this error; nobody should turn it on.
    ++counters.not_forwardable;
    drop(packet, drops::source_routed);
    icmp_.send_error(std::move(packet), icmp_type::unreachable, icmp_code::source_route_failed);
    return false;
  }
  finish_ipv4_header(octets);
  header = load<Ipv4Header>(octets);
  return true;
}

std::vector<uint8_t> Inet::reversed_options(Bytes header) const {
  std::vector<uint8_t> options;
  for_each_option(header, [&](const Ipv4Option& option) {
    const bool kept =
        option.type == ipv4_option::record_route || option.type == ipv4_option::timestamp;
    const Bytes octets = header.subspan(option.offset, option.length);
    if (kept) options.insert(options.end(), octets.begin(), octets.end());
  });
  options.resize((options.size() + 3) / 4 * 4, ipv4_option::end);
  return options;
}

}  // namespace stackyard
