#include "core/alias/family_translation.h"

#include <algorithm>

#include "core/alias/alias_rewrite.h"
#include "core/wire/net/icmp.h"

namespace stackyard {

// --- addresses -----------------------------------------------------------------------------------

bool is_embedding_prefix(const Ipv6Prefix& prefix) {
  const unsigned n = prefix.length;
  return n == 32 || n == 40 || n == 48 || n == 56 || n == 64 || n == 96;
}

namespace {

// Where the four octets lie: octet 8 stays zero.
template <class Visit>
void for_each_embedded(const Ipv6Prefix& prefix, Visit visit) {
  size_t at = prefix.length / 8;
  for (int i = 0; i < 4; ++i) {
    if (at == 8 && prefix.length != 96) ++at;
    visit(at++, 24 - 8 * i);
  }
}

}  // namespace

Ipv6Address embed(const Ipv6Prefix& prefix, Ipv4Address address) {
  Ipv6Address out = prefix.address;
  for (size_t i = prefix.length / 8; i < 16; ++i) out.octets[i] = 0;
  for_each_embedded(
      prefix, [&](size_t at, int shift) { out.octets[at] = uint8_t(address.value >> shift); });
  return out;
}

Ipv4Address extract(const Ipv6Prefix& prefix, const Ipv6Address& address) {
  Ipv4Address out;
  for_each_embedded(
      prefix, [&](size_t at, int shift) { out.value |= uint32_t(address.octets[at]) << shift; });
  return out;
}

// --- what both directions share ------------------------------------------------------------------

namespace {

template <class Address>
uint64_t sum_of(const Address& source, const Address& dest) {
  return ip_pseudo_sum(source, dest, 0, 0);
}

// Ports, and the transport's checksum for other pseudo headers.
template <class From, class To>
void translate_transport(MutableBytes transport, uint8_t protocol, const FamilyFlow<From>& from,
                         const FamilyFlow<To>& to) {
  if (!has_ports(protocol) || transport.size() < 4) return;
  store(be16(to.source_port), transport);
  store(be16(to.dest_port), transport.subspan(2));
  const size_t at = transport_checksum_at(protocol);
  if (at == 0 || transport.size() < at + 2) return;
  const uint16_t sum = load<be16>(transport.subspan(at));
  if (protocol == 17 && sum == 0) return;
  const uint16_t before =
      checksum_fold(sum_of(from.source, from.dest) + from.source_port + from.dest_port);
  const uint16_t after = checksum_fold(sum_of(to.source, to.dest) + to.source_port + to.dest_port);
  uint16_t now = checksum_update(sum, before, after);
  if (protocol == 17 && now == 0) now = 0xffff;
  store(be16(now), transport.subspan(at));
}

template <class Flow>
Flow flow_of(Bytes transport, decltype(Flow::source) source, decltype(Flow::source) dest,
             uint8_t protocol) {
  Flow flow{source, dest, 0, 0, protocol};
  if (has_ports(protocol) && transport.size() >= 4) {
    flow.source_port = load<be16>(transport);
    flow.dest_port = load<be16>(transport.subspan(2));
  }
  return flow;
}

Flow4 flow_of(const Ipv4Header& ip, Bytes transport) {
  Flow4 flow = flow_of<Flow4>(transport, ip.source_address(), ip.dest_address(), ip.protocol);
  const bool query = ip.protocol == 1 && transport.size() >= 8 && !icmp_is_error(transport[0]);
  if (query) flow.source_port = flow.dest_port = load<be16>(transport.subspan(4));
  return flow;
}

Flow6 flow_of(const Ipv6Header& ip, uint8_t protocol, Bytes transport) {
  Flow6 flow = flow_of<Flow6>(transport, ip.source, ip.dest, protocol);
  if (protocol != ip_protocol::icmpv6) return flow;
  flow.protocol = ip_protocol::icmp;
  const bool query = transport.size() >= 8 && !icmpv6_is_error(transport[0]);
  if (query) flow.source_port = flow.dest_port = load<be16>(transport.subspan(4));
  return flow;
}

// The identifier of an ICMP query lies where it is sent from on the way there, and to on the way
// back.
void set_icmp_id(MutableBytes message, uint16_t id) { store(be16(id), message.subspan(4)); }

// RFC 7915 s4.2, figure 3: octets of the IPv4 header that a parameter problem points at.
std::optional<uint32_t> pointer_6(uint8_t pointer) {
  switch (pointer) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
    case 3:
      return 4;
    case 8:
      return 7;
    case 9:
      return 6;
    default:
      if (pointer >= 12 && pointer < 16) return 8;
      if (pointer >= 16 && pointer < 20) return 24;
      return std::nullopt;
  }
}

// s5.2, figure 6.
std::optional<uint8_t> pointer_4(uint32_t pointer) {
  if (pointer < 2) return uint8_t(pointer);
  if (pointer == 4 || pointer == 5) return uint8_t(2);
  if (pointer == 6) return uint8_t(9);
  if (pointer == 7) return uint8_t(8);
  if (pointer >= 8 && pointer < 24) return uint8_t(12);
  if (pointer >= 24 && pointer < 40) return uint8_t(16);
  return std::nullopt;
}

// s4.2; false: it has no counterpart.
bool error_to_6(IcmpHeader& icmp) {
  const uint8_t code = icmp.code;
  if (icmp.type == icmp_type::time_exceeded) {
    icmp.type = 3;
    return true;
  }
  if (icmp.type == icmp_type::parameter_problem) {
    const auto pointer = pointer_6(uint8_t(icmp.rest >> 24));
    if (code == 1 || !pointer) return false;
    icmp = {4, 0, 0, *pointer};
    return true;
  }
  if (icmp.type != icmp_type::unreachable) return false;
  switch (code) {
    case icmp_code::protocol_unreachable:
      icmp = {4, 1, 0, 6};  // at the next header's field
      return true;
    case icmp_code::port_unreachable:
      icmp = {1, 4, 0, 0};
      return true;
    case icmp_code::need_fragment: {
      const uint32_t mtu = icmp.rest & 0xffff;
      icmp = {2, 0, 0, std::max(mtu + 20, ipv6_mtu_least)};
      return true;
    }
    case icmp_code::net_prohibited:
    case icmp_code::host_prohibited:
    case icmp_code::admin_prohibited:
    case 15:
      icmp = {1, 1, 0, 0};
      return true;
    case 14:
      return false;
    default:
      icmp = {1, 0, 0, 0};
      return code <= 12;
  }
}

// s5.2
bool error_to_4(IcmpHeader& icmp) {
  const uint8_t code = icmp.code;
  switch (icmp.type) {
    case 1:
      icmp = {3, uint8_t(code == 1 ? 10 : code == 4 ? 3 : 1), 0, 0};
      return code <= 6;
    case 2:
      icmp = {3, 4, 0, std::max<uint32_t>(icmp.rest, ipv6_mtu_least) - 20};
      if (icmp.rest > 0xffff) icmp.rest = 0xffff;
      return true;
    case 3:
      icmp = {11, code, 0, 0};
      return code <= 1;
    case 4: {
      if (code == 1) {
        icmp = {3, 2, 0, 0};
        return true;
      }
      const auto pointer = pointer_4(icmp.rest);
      if (code != 0 || !pointer) return false;
      icmp = {12, 0, 0, uint32_t(*pointer) << 24};
      return true;
    }
    default:
      return false;
  }
}

Ipv6Header header_6(const Ipv4Header& ip, size_t payload, const Flow6& flow) {
  Ipv6Header out;
  out.version_class_flow = Ipv6Header::first_word(ip.tos, 0);
  out.payload_length = uint16_t(payload);
  out.next_header = ip.protocol == ip_protocol::icmp ? uint8_t(ip_protocol::icmpv6) : ip.protocol;
  out.hop_limit = ip.ttl;
  out.source = flow.source;
  out.dest = flow.dest;
  return out;
}

Ipv4Header header_4(const Ipv6Header& ip, uint8_t protocol, size_t payload, const Flow4& flow) {
  Ipv4Header out;
  out.tos = ip.traffic_class();
  out.total_length = uint16_t(sizeof out + payload);
  out.ttl = ip.hop_limit;
  out.protocol = protocol == ip_protocol::icmpv6 ? uint8_t(ip_protocol::icmp) : protocol;
  out.source = flow.source.value;
  out.dest = flow.dest.value;
  return out;
}

std::vector<uint8_t> joined(Bytes a, Bytes b, Bytes c) {
  std::vector<uint8_t> out(a.begin(), a.end());
  out.insert(out.end(), b.begin(), b.end());
  out.insert(out.end(), c.begin(), c.end());
  return out;
}
template <class Header>
Bytes octets_of(const Header& header) {
  return {reinterpret_cast<const uint8_t*>(&header), sizeof header};
}

void replace(Packet& packet, Bytes octets) {
  packet.trim_to(0);
  packet.append(octets);
}

}  // namespace

// --- IPv4 to IPv6 --------------------------------------------------------------------------------

namespace {

// The error whose octets are `message`, with the packet that it quotes in the other family.
const DropReason* error_4_to_6(Packet& packet, const Ipv4Header& ip, FamilyMapper& mapper) {
  const Bytes message = packet.octets().subspan(ip.header_size());
  auto icmp = load<IcmpHeader>(message);
  const auto quote = parse_icmp_quote(message);
  if (!quote || !error_to_6(icmp)) return &drops::not_translatable;
  std::vector<uint8_t> transport(quote->transport.begin(), quote->transport.end());
  const Flow4 inner = flow_of(quote->ip, transport);
  const auto mapped = mapper.to_6(inner, true);
  if (!mapped) return &drops::not_mapped;
  translate_transport(MutableBytes(transport), inner.protocol, inner, *mapped);
  if (inner.protocol == ip_protocol::icmp && transport.size() >= 8) {
    transport[0] = transport[0] == icmp_type::echo ? icmpv6_type::echo : icmpv6_type::echo_reply;
    set_icmp_id(transport, mapped->source_port);
  }
  const size_t was = quote->ip.total_length > quote->ip.header_size()
                         ? quote->ip.total_length - quote->ip.header_size()
                         : 0;
  const Ipv6Header inner_header = header_6(quote->ip, was, *mapped);
  const Flow6 outer{mapper.author_6(ip.source_address()), mapped->source, 0, 0, 1};
  std::vector<uint8_t> body = joined(octets_of(icmp), octets_of(inner_header), transport);
  if (body.size() > ipv6_mtu_least - sizeof(Ipv6Header))
    body.resize(ipv6_mtu_least - sizeof(Ipv6Header));
  const Ipv6Header header = header_6(ip, body.size(), outer);
  finish_icmpv6(body, outer.source, outer.dest);
  replace(packet, joined(octets_of(header), body, {}));
  return nullptr;
}

}  // namespace

const DropReason* translate_to_6(Packet& packet, FamilyMapper& mapper) {
  const auto ip = load<Ipv4Header>(packet.front());
  const bool icmp = ip.protocol == ip_protocol::icmp;
  const size_t needed = ip.fragment_offset() == 0 && (icmp || has_ports(ip.protocol)) ? 8 : 0;
  if (!packet.pull_up(ip.header_size() + needed)) return &drops::truncated;
  const Bytes transport = packet.front().subspan(ip.header_size());
  if (icmp && ip.is_fragment()) return &drops::not_translatable;
  if (icmp && icmp_is_error(transport[0])) return error_4_to_6(packet, ip, mapper);
  if (icmp && transport[0] != icmp_type::echo && transport[0] != icmp_type::echo_reply)
    return &drops::not_translatable;

  const Flow4 flow = ip.fragment_offset() == 0
                         ? flow_of(ip, transport)
                         : Flow4{ip.source_address(), ip.dest_address(), 0, 0, ip.protocol};
  const auto mapped = mapper.to_6(flow, false);
  if (!mapped) return &drops::not_mapped;
  if (needed > 0) {
    const size_t size = packet.size() - ip.header_size();
    if (icmp) {
      const MutableBytes message = packet.writable().subspan(ip.header_size());
      message[0] = message[0] == icmp_type::echo ? icmpv6_type::echo : icmpv6_type::echo_reply;
      set_icmp_id(message, mapped->source_port);
      finish_icmpv6(message, mapped->source, mapped->dest);
    } else {
      // IPv6 has no datagrams without a checksum, and a fragment does not have all of one.
      const bool none = ip.protocol == 17 && load<be16>(transport.subspan(6)) == 0;
      if (none && ip.is_fragment()) return &drops::not_translatable;
      packet.pull_up(ip.header_size() + std::min<size_t>(size, 20));
      translate_transport(packet.writable_front().subspan(ip.header_size()), ip.protocol, flow,
                          *mapped);
      if (none) {
        const MutableBytes datagram = packet.writable().subspan(ip.header_size());
        const uint16_t sum = internet_checksum(
            datagram, ip_pseudo_sum(mapped->source, mapped->dest, 17, datagram.size()));
        store(be16(sum == 0 ? uint16_t(0xffff) : sum), datagram.subspan(6));
      }
    }
  }
  packet.trim_front(ip.header_size());
  Ipv6Header header = header_6(ip, packet.size(), *mapped);
  if (ip.is_fragment()) {
    Ipv6FragmentHeader fragment;
    fragment.next_header = header.next_header;
    fragment.offset_and_flags = uint16_t(ip.fragment_offset() | (ip.more_fragments() ? 1 : 0));
    fragment.id = uint32_t(ip.id);
    packet.prepend_header(fragment);
    header.next_header = ipv6_next::fragment;
    header.payload_length = uint16_t(packet.size());
  }
  packet.prepend_header(header);
  return nullptr;
}

// --- IPv6 to IPv4 --------------------------------------------------------------------------------

namespace {

const DropReason* error_6_to_4(Packet& packet, const Ipv6Header& ip, size_t offset,
                               FamilyMapper& mapper) {
  const Bytes message = packet.octets().subspan(offset);
  auto icmp = load<IcmpHeader>(message);
  const auto quote = parse_icmpv6_quote(message);
  if (!quote || !error_to_4(icmp)) return &drops::not_translatable;
  std::vector<uint8_t> transport(quote->transport.begin(), quote->transport.end());
  const Flow6 inner = flow_of(quote->ip, quote->protocol, transport);
  const auto mapped = mapper.to_4(inner, true);
  if (!mapped) return &drops::not_mapped;
  translate_transport(MutableBytes(transport), inner.protocol, inner, *mapped);
  if (inner.protocol == ip_protocol::icmp && transport.size() >= 8) {
    transport[0] = transport[0] == icmpv6_type::echo ? icmp_type::echo : icmp_type::echo_reply;
    set_icmp_id(transport, mapped->source_port);
  }
  const Bytes quoted = message.subspan(sizeof(IcmpHeader));
  const size_t extensions =
      quote->transport.empty()
          ? 0
          : size_t(quote->transport.data() - quoted.data()) - sizeof(Ipv6Header);
  const size_t was =
      quote->ip.payload_length > extensions ? quote->ip.payload_length - extensions : 0;
  Ipv4Header inner_header = header_4(quote->ip, quote->protocol, was, *mapped);
  finish_ipv4_header({reinterpret_cast<uint8_t*>(&inner_header), sizeof inner_header});
  const Flow4 outer{mapper.author_4(ip.source, mapped->dest), mapped->source, 0, 0, 1};
  std::vector<uint8_t> body = joined(octets_of(icmp), octets_of(inner_header), transport);
  finish_icmp(body);
  Ipv4Header header = header_4(ip, ip_protocol::icmpv6, body.size(), outer);
  finish_ipv4_header({reinterpret_cast<uint8_t*>(&header), sizeof header});
  replace(packet, joined(octets_of(header), body, {}));
  return nullptr;
}

}  // namespace

const DropReason* translate_to_4(Packet& packet, FamilyMapper& mapper, uint16_t id) {
  const auto ip = load<Ipv6Header>(packet.front());
  const Ipv6Chain chain = walk_ipv6_chain(packet.octets());
  if (!chain.complete) return &drops::truncated;
  const bool icmp = chain.protocol == ip_protocol::icmpv6;
  const bool first = !chain.fragment || chain.fragment->offset() == 0;
  const bool whole = !chain.fragment || (first && !chain.fragment->more());
  const Bytes transport = packet.octets().subspan(chain.offset);
  const bool headed = first && (icmp || has_ports(chain.protocol));
  if (headed && transport.size() < 8) return &drops::truncated;
  if (icmp && !whole) return &drops::not_translatable;
  if (icmp && icmpv6_is_error(transport[0])) return error_6_to_4(packet, ip, chain.offset, mapper);
  if (icmp && transport[0] != icmpv6_type::echo && transport[0] != icmpv6_type::echo_reply)
    return &drops::not_translatable;

  const Flow6 flow = flow_of(ip, chain.protocol, headed ? transport : Bytes());
  const auto mapped = mapper.to_4(flow, false);
  if (!mapped) return &drops::not_mapped;
  const MutableBytes octets = packet.writable().subspan(chain.offset);
  if (icmp) {
    octets[0] = octets[0] == icmpv6_type::echo ? icmp_type::echo : icmp_type::echo_reply;
    set_icmp_id(octets, mapped->source_port);
    finish_icmp(octets);
  } else if (headed) {
    translate_transport(octets, chain.protocol, flow, *mapped);
  }
  packet.trim_front(chain.offset);
  Ipv4Header header = header_4(ip, chain.protocol, packet.size(), *mapped);
  if (chain.fragment) {
    header.id = uint16_t(chain.fragment->id);
    header.fragment =
        uint16_t(chain.fragment->offset() / 8 | (chain.fragment->more() ? ipv4_more_fragments : 0));
  } else if (packet.size() + sizeof header > ipv6_mtu_least - 20) {
    header.fragment = ipv4_dont_fragment;  // s5.1
  } else {
    header.id = id;
  }
  finish_ipv4_header({reinterpret_cast<uint8_t*>(&header), sizeof header});
  packet.prepend_header(header);
  return nullptr;
}

// --- prefixes ------------------------------------------------------------------------------------

namespace {

uint16_t sum_of(const Ipv6Prefix& prefix) {
  return checksum_fold(checksum_add(0, prefix.canonical().address.octets));
}

}  // namespace

PrefixTranslation::PrefixTranslation(const Ipv6Prefix& internal, const Ipv6Prefix& external)
    : internal_(internal.canonical()),
      external_(external.canonical()),
      adjustment_(checksum_fold(uint64_t(sum_of(internal)) + uint16_t(~sum_of(external)))) {}

bool PrefixTranslation::replace(Ipv6Address& address, const Ipv6Prefix& to,
                                uint16_t adjustment) const {
  // s3.4 and s3.5: the subnet's word where there is one, else the first of the host's that can.
  size_t word = 3;
  if (to.length > 48)
    for (word = 4; word < 8 && address.group(word) == 0xffff;) ++word;
  if (word == 8 || address.group(word) == 0xffff) return false;
  for (size_t bit = 0; bit < to.length; ++bit) {
    const uint8_t mask = uint8_t(0x80 >> bit % 8);
    address.octets[bit / 8] =
        uint8_t((address.octets[bit / 8] & ~mask) | (to.address.octets[bit / 8] & mask));
  }
  const uint16_t now = checksum_fold(uint64_t(address.group(word)) + adjustment);
  address.set_group(word, now == 0xffff ? uint16_t(0) : now);
  return true;
}

bool PrefixTranslation::rewrite(Packet& packet, bool out) const {
  const Ipv6Prefix &from = out ? internal_ : external_, &to = out ? external_ : internal_;
  const uint16_t adjustment = out ? adjustment_ : uint16_t(~adjustment_);
  auto ip = load<Ipv6Header>(packet.front());
  Ipv6Address& changed = out ? ip.source : ip.dest;
  if (!from.contains(changed) || !replace(changed, to, adjustment)) return false;
  store(ip, packet.writable_front());
  const Ipv6Chain chain = walk_ipv6_chain(packet.octets());
  if (!chain.complete || chain.protocol != ip_protocol::icmpv6) return true;
  const MutableBytes message = packet.writable().subspan(chain.offset);
  if (message.size() < 8 + sizeof(Ipv6Header) || !icmpv6_is_error(message[0])) return true;
  // The quoted packet went the other way. Its sum does not change either.
  auto quoted = load<Ipv6Header>(message.subspan(8));
  Ipv6Address& inner = out ? quoted.dest : quoted.source;
  if (from.contains(inner) && replace(inner, to, adjustment)) store(quoted, message.subspan(8));
  return true;
}

bool PrefixTranslation::out(Packet& packet) const { return rewrite(packet, true); }
bool PrefixTranslation::in(Packet& packet) const { return rewrite(packet, false); }

}  // namespace stackyard
