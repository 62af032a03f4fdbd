// core/alias/alias.cpp - what happens to a packet's octets.
#include "core/alias/alias.h"

#include "core/alias/alias_rewrite.h"
#include "core/wire/net/icmp.h"
#include "core/wire/transport/tcp.h"

namespace stackyard {

namespace {

struct Ports {
  uint16_t source = alias_no_port, dest = alias_no_port;
};

size_t transport_size(uint8_t protocol) {
  if (protocol == ip_protocol::tcp) return sizeof(TcpHeader);
  if (protocol == ip_protocol::sctp) return 12;
  return protocol == ip_protocol::udp || protocol == ip_protocol::icmp ? 8 : 0;
}

Ports ports_of(Bytes transport, uint8_t protocol) {
  if (!has_ports(protocol) || transport.size() < 4) return {};
  return {load<be16>(transport), load<be16>(transport.subspan(2))};
}

bool is_query(uint8_t type) {
  switch (type) {
    case icmp_type::echo:
    case icmp_type::echo_reply:
    case icmp_type::timestamp:
    case icmp_type::timestamp_reply:
    case icmp_type::mask_request:
    case icmp_type::mask_reply:
      return true;
    default:
      return false;
  }
}

uint8_t tcp_flags_of(Bytes transport) { return load<TcpHeader>(transport).flags; }

// The checksum of an ICMP query after its identifier changed.
void set_icmp_id(Packet& packet, size_t at, uint16_t id) {
  const MutableBytes message = packet.writable_front().subspan(at);
  const uint16_t before = load<be16>(message.subspan(4)), sum = load<be16>(message.subspan(2));
  store(be16(id), message.subspan(4));
  store(be16(checksum_update(sum, before, id)), message.subspan(2));
}

// Changes an address and a port of the packet that an ICMP error quotes, and the checksums that lie
// within the quotation (RFC 5508 REQ-4); then the error's own.
struct QuoteChange {
  size_t address_at;  // 12 or 16
  size_t port_at;     // 0 or 2 in the transport header, 4 for an ICMP identifier
  Ipv4Address address;
  uint16_t port;
};

void change_quote(MutableBytes message, const QuoteChange& change) {
  const MutableBytes ip = message.subspan(sizeof(IcmpHeader));
  const auto header = load<Ipv4Header>(ip);
  const MutableBytes transport = ip.subspan(header.header_size());
  const auto old_address = load<be32>(ip.subspan(change.address_at));
  const uint32_t old = old_address, now = change.address.value;
  store(be32(now), ip.subspan(change.address_at));
  const auto address_changed = [&](uint16_t sum) {
    sum = checksum_update(sum, uint16_t(old >> 16), uint16_t(now >> 16));
    return checksum_update(sum, uint16_t(old), uint16_t(now));
  };
  store(be16(address_changed(header.checksum)), ip.subspan(10));

  const bool icmp = header.protocol == ip_protocol::icmp;
  if ((!icmp && !has_ports(header.protocol)) || transport.size() < change.port_at + 2) return;
  const uint16_t old_port = load<be16>(transport.subspan(change.port_at));
  store(be16(change.port), transport.subspan(change.port_at));
  const size_t at = icmp ? 2 : transport_checksum_at(header.protocol);
  if (at == 0 || transport.size() < at + 2) return;
  uint16_t sum = load<be16>(transport.subspan(at));
  if (sum == 0 && header.protocol == ip_protocol::udp) return;
  if (!icmp) sum = address_changed(sum);
  store(be16(checksum_update(sum, old_port, change.port)), transport.subspan(at));
}

}  // namespace

Alias::Alias(RandomStream random) : random_(random), links_(random_.next()) {}

void Alias::set_address(Ipv4Address address) {
  if (address != address_ && mode_.reset_on_address_change) links_.clear_dynamic();
  address_ = address;
}

void Alias::set_port_range(uint16_t first, uint16_t last) {
  port_first_ = first;
  port_last_ = last;
}

AliasResult Alias::out(Packet& packet, SimTime now, Create create) {
  now_ = now;
  links_.expire(now);
  return mode_.reverse ? translate_in(packet, create) : translate_out(packet, create);
}

AliasResult Alias::in(Packet& packet, SimTime now, Create create) {
  now_ = now;
  links_.expire(now);
  return mode_.reverse ? translate_out(packet, create) : translate_in(packet, create);
}

AliasResult Alias::translate_out(Packet& packet, Create create) {
  const auto ip = load<Ipv4Header>(packet.front());
  if (ip.fragment_offset() != 0) return fragment_out(packet, ip);
  if (!packet.pull_up(ip.header_size() + transport_size(ip.protocol))) return AliasResult::error;
  if (ip.protocol == ip_protocol::icmp) return icmp_out(packet, ip, create);

  const Bytes transport = packet.front().subspan(ip.header_size());
  const Ports ports = ports_of(transport, ip.protocol);
  AliasLink* link = link_out(
      {ip.source_address(), ip.dest_address(), {}, ports.source, ports.dest, 0, ip.protocol},
      create);
  if (!link) return create == Create::no ? AliasResult::ignored : AliasResult::error;
  if (ip.protocol == ip_protocol::tcp)
    links_.watch_tcp(*link, AliasLinks::Way::out, tcp_flags_of(transport), now_);
  Rewriter rewrite(packet, ip, Rewriter::With::transport);
  rewrite.set_source(alias_address(*link));
  if (has_ports(ip.protocol)) rewrite.set_source_port(link->ends.alias_port);
  if (ip.protocol == ip_protocol::tcp) help_out(packet, *link);
  return AliasResult::ok;
}

AliasResult Alias::translate_in(Packet& packet, Create create) {
  const auto ip = load<Ipv4Header>(packet.front());
  if (ip.fragment_offset() != 0) return fragment_in(packet, ip);
  if (!packet.pull_up(ip.header_size() + transport_size(ip.protocol))) return AliasResult::error;
  Ipv4Address local;
  if (ip.protocol == ip_protocol::icmp) {
    const AliasResult result = icmp_in(packet, ip, create);
    if (result != AliasResult::ok) return result;
    local = load<Ipv4Header>(packet.front()).dest_address();
  } else {
    const Bytes transport = packet.front().subspan(ip.header_size());
    const Ports ports = ports_of(transport, ip.protocol);
    AliasLink* link = link_in(
        {{}, ip.source_address(), ip.dest_address(), 0, ports.source, ports.dest, ip.protocol},
        create);
    if (!link) return AliasResult::ignored;
    if (ip.protocol == ip_protocol::tcp)
      links_.watch_tcp(*link, AliasLinks::Way::in, tcp_flags_of(transport), now_);
    local = link->ends.local;
    Rewriter rewrite(packet, ip, Rewriter::With::transport);
    rewrite.set_dest(local);
    if (has_ports(ip.protocol)) rewrite.set_dest_port(link->ends.local_port);
    if (link->shifts) help_in(packet, *link);
  }
  if (!ip.more_fragments()) return AliasResult::ok;
  remember_fragments(ip, local);
  return AliasResult::header_fragment;
}

// --- ICMP (RFC 5508) -----------------------------------------------------------------------------

AliasResult Alias::icmp_out(Packet& packet, const Ipv4Header& ip, Create create) {
  const auto icmp = load<IcmpHeader>(packet.front().subspan(ip.header_size()));
  if (icmp_is_error(icmp.type)) return translate_error(packet, ip, Way::out);
  if (!is_query(icmp.type)) return AliasResult::ignored;
  const uint16_t id = uint16_t(icmp.rest >> 16);
  AliasLink* link = link_out(
      {ip.source_address(), ip.dest_address(), {}, id, alias_no_port, 0, ip_protocol::icmp},
      create);
  if (!link) return AliasResult::ignored;
  Rewriter(packet, ip, Rewriter::With::address_only).set_source(alias_address(*link));
  set_icmp_id(packet, ip.header_size(), link->ends.alias_port);
  return AliasResult::ok;
}

AliasResult Alias::icmp_in(Packet& packet, const Ipv4Header& ip, Create create) {
  const auto icmp = load<IcmpHeader>(packet.front().subspan(ip.header_size()));
  if (icmp_is_error(icmp.type)) return translate_error(packet, ip, Way::in);
  if (!is_query(icmp.type)) return AliasResult::ignored;
  const uint16_t id = uint16_t(icmp.rest >> 16);
  AliasLink* link =
      link_in({{}, ip.source_address(), ip.dest_address(), 0, alias_no_port, id, ip_protocol::icmp},
              create);
  if (!link) return AliasResult::ignored;
  Rewriter(packet, ip, Rewriter::With::address_only).set_dest(link->ends.local);
  set_icmp_id(packet, ip.header_size(), link->ends.local_port);
  return AliasResult::ok;
}

// Outwards an inside host, or a router on the way to it, complains about a packet that came in;
// inwards somebody complains about one that we let out.
AliasResult Alias::translate_error(Packet& packet, const Ipv4Header& ip, Way way) {
  const MutableBytes message = packet.writable().subspan(ip.header_size());
  if (!parse_icmp(message)) return AliasResult::error;
  const auto quote = parse_icmp_quote(message);
  if (!quote) return AliasResult::ignored;
  const uint8_t protocol = quote->ip.protocol;
  const bool query = protocol == ip_protocol::icmp, out = way == Way::out;
  if (query && quote->transport.size() < 8) return AliasResult::ignored;
  Ports ports = ports_of(quote->transport, protocol);
  if (query) (out ? ports.dest : ports.source) = load<be16>(quote->transport.subspan(4));
  const Ipv4Address source = quote->ip.source_address(), dest = quote->ip.dest_address();
  const AliasLink* link = out ? known_out({dest, source, {}, ports.dest, ports.source, 0, protocol})
                              : known_in({{}, dest, source, 0, ports.dest, ports.source, protocol});
  if (!link) return AliasResult::ignored;

  QuoteChange change{
      .address_at = 12, .port_at = 0, .address = link->ends.local, .port = link->ends.local_port};
  if (out) change = {16, 2, alias_address(*link), link->ends.alias_port};
  if (query) change.port_at = 4;
  change_quote(message, change);
  finish_icmp(message);
  Rewriter rewrite(packet, ip, Rewriter::With::address_only);
  out ? rewrite.set_source(change.address) : rewrite.set_dest(change.address);
  return AliasResult::ok;
}

// --- fragments behind the first ------------------------------------------------------------------

void Alias::remember_fragments(const Ipv4Header& before, Ipv4Address local) {
  AliasLink* link = links_.find_in(before.dest_address(), before.id, before.source_address(),
                                   alias_no_port, alias_kind::fragment);
  if (link) links_.remove(*link);
  links_.add({local, before.source_address(), before.dest_address(), alias_no_port, alias_no_port,
              before.id, alias_kind::fragment},
             LinkLife::fragment, now_);
}

AliasResult Alias::fragment_out(Packet& packet, const Ipv4Header& ip) {
  const Ipv4Address alias = alias_of(ip.source_address());
  Rewriter(packet, ip, Rewriter::With::address_only).set_source(alias);
  return AliasResult::ok;
}

AliasResult Alias::fragment_in(Packet& packet, const Ipv4Header& ip) {
  const AliasLink* link = links_.find_in(ip.dest_address(), ip.id, ip.source_address(),
                                         alias_no_port, alias_kind::fragment);
  if (!link) return AliasResult::unresolved_fragment;
  Rewriter(packet, ip, Rewriter::With::address_only).set_dest(link->ends.local);
  return AliasResult::ok;
}

}  // namespace stackyard
