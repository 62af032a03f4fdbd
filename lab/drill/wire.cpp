#include "lab/drill/wire.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/icmp.h"
#include "core/wire/net/icmpv6.h"
#include "core/wire/transport/tcp.h"
#include "core/wire/transport/udp.h"

namespace stackyard::drill {

namespace {

void set_number(std::vector<uint8_t>& octets, size_t at, uint32_t value) {
  if (at + 4 <= octets.size()) store(be32(value), MutableBytes(octets).subspan(at));
}

// --- reading -----------------------------------------------------------------------------------

std::vector<OptionSpec> read_options(Bytes octets) {
  std::vector<OptionSpec> all;
  for (size_t at = 0; at < octets.size();) {
    OptionSpec o{.kind = octets[at]};
    size_t length = 1;
    if (o.kind > tcp_option::nop) {
      if (at + 1 >= octets.size() || octets[at + 1] < 2 || at + octets[at + 1] > octets.size())
        break;
      length = octets[at + 1];
      o.value.assign(octets.begin() + long(at) + 2, octets.begin() + long(at + length));
    }
    at += length;
    all.push_back(std::move(o));
  }
  return all;
}

bool read_tcp(Bytes segment, PacketSpec& packet) {
  const auto parsed = parse_tcp(segment);
  if (!parsed) return false;
  const TcpHeader& h = parsed->header;
  packet.source_port = h.source_port;
  packet.dest_port = h.dest_port;
  TcpSpec& tcp = packet.tcp;
  tcp.flags = uint16_t(h.flags | (h.offset_flags & 1 ? TcpSpec::ae : 0));
  tcp.sequence = h.sequence;
  tcp.ack = h.acknowledgment;
  tcp.window = uint16_t(h.window);
  tcp.urgent = h.urgent;
  tcp.length = uint32_t(segment.size() - h.header_size());
  tcp.options = read_options(segment.subspan(20, h.header_size() - 20));
  return true;
}

}  // namespace

std::optional<Heard> parse_packet(Bytes octets) {
  Heard heard;
  heard.packet.outbound = true;
  IpSpec& ip = heard.packet.ip;
  ip.check = IpSpec::Check::tos;
  uint8_t protocol = 0;
  Bytes inside;
  if (octets.size() >= sizeof(Ipv4Header) && octets[0] >> 4 == 4) {
    const auto header = parse_ipv4_header(octets);
    if (!header) return std::nullopt;
    heard.source = header->source_address();
    heard.dest = header->dest_address();
    ip.tos = header->tos;
    ip.ttl = header->ttl;
    protocol = header->protocol;
    inside = octets.first(header->total_length).subspan(header->header_size());
  } else if (octets.size() >= sizeof(Ipv6Header) && octets[0] >> 4 == 6) {
    const auto header = load<Ipv6Header>(octets);
    heard.source = header.source;
    heard.dest = header.dest;
    ip.tos = header.traffic_class();
    ip.ttl = header.hop_limit;
    ip.flow_label = header.flow_label();
    protocol = header.next_header;
    inside = octets.subspan(sizeof(Ipv6Header));
  } else {
    return std::nullopt;
  }
  if (protocol == ip_protocol::tcp)
    return read_tcp(inside, heard.packet) ? std::optional(heard) : std::nullopt;
  if (protocol == ip_protocol::udp && inside.size() >= sizeof(UdpHeader)) {
    const auto udp = load<UdpHeader>(inside);
    heard.packet.protocol = PacketSpec::Protocol::udp;
    heard.packet.source_port = udp.source_port;
    heard.packet.dest_port = udp.dest_port;
    heard.packet.length = uint32_t(inside.size() - sizeof(UdpHeader));
    PacketSpec segment{.outbound = true, .ip = ip};
    segment.in_udp = true;
    segment.udp_source = udp.source_port;
    segment.udp_dest = udp.dest_port;
    if (read_tcp(inside.subspan(sizeof(UdpHeader)), segment)) heard.segment = segment;
    return heard;
  }
  if ((protocol == ip_protocol::icmp || protocol == ip_protocol::icmpv6) && inside.size() >= 8) {
    heard.packet.protocol = PacketSpec::Protocol::icmp;
    heard.icmp_type = inside[0];
    heard.icmp_code = inside[1];
    heard.packet.icmp.type = text("type_{}", inside[0]);
    heard.packet.icmp.code = text("code_{}", inside[1]);
    return heard;
  }
  return std::nullopt;
}

// --- translating -------------------------------------------------------------------------------

PacketSpec translate(const Heard& heard, const PacketSpec& expected, Connection& c) {
  PacketSpec packet = heard.packet;
  if (packet.protocol != PacketSpec::Protocol::tcp) return packet;
  TcpSpec& tcp = packet.tcp;
  const bool syn = tcp.flags & tcp_flag::syn;
  // A SYN's number is the script's own; all others count from it.
  if (!expected.tcp.absolute) tcp.sequence -= syn ? c.live_isn - c.script_isn : c.live_isn;
  const uint32_t before = syn ? 0 : c.remote_isn;
  if (tcp.flags & tcp_flag::ack) tcp.ack -= before;
  for (OptionSpec& o : *tcp.options) {
    if (o.kind == tcp_option::sack)
      for (size_t at = 0; at < o.value.size(); at += 4)
        set_number(o.value, at, number_of(o.value, at) - before);
    if (o.kind != tcp_option::timestamps || !expected.tcp.options) continue;
    const auto said = std::find_if(expected.tcp.options->begin(), expected.tcp.options->end(),
                                   [](const auto& e) { return e.kind == tcp_option::timestamps; });
    if (said == expected.tcp.options->end() || o.value.size() < 8) continue;
    const uint32_t live = number_of(o.value, 0), script = number_of(said->value, 0);
    if (!said->any_stamp) {
      c.stamps[script] = live;
      if (!c.stamp_known) {
        c.first_script_stamp = script;
        c.first_live_stamp = live;
        c.stamp_known = true;
      }
    }
    if (c.stamp_known) set_number(o.value, 0, live - c.first_live_stamp + c.first_script_stamp);
  }
  return packet;
}

// --- building ----------------------------------------------------------------------------------

namespace {

void translate_options(std::vector<OptionSpec>& options, const Connection& c, bool syn, bool ack,
                       const Settings& settings, int line) {
  for (OptionSpec& o : options) {
    if (o.kind == tcp_option::sack)
      for (size_t at = 0; at < o.value.size(); at += 4)
        set_number(o.value, at,
                   number_of(o.value, at) + (syn ? c.live_isn - c.script_isn : c.live_isn));
    if (o.kind != tcp_option::timestamps || !ack || o.absolute_echo) continue;
    const uint32_t echo = number_of(o.value, 4);
    const auto found = c.stamps.find(echo);
    if (found != c.stamps.end())
      set_number(o.value, 4, found->second);
    else if (settings.stamp_echo_scaled && c.stamp_known)
      set_number(o.value, 4, echo - c.first_script_stamp + c.first_live_stamp);
    else
      throw Failure{line, text("unable to infer live TS ecr for script TS ecr {}", echo)};
  }
}

std::vector<uint8_t> build_tcp(const PacketSpec& packet, const Connection& c,
                               const Settings& settings, int line) {
  const TcpSpec& tcp = packet.tcp;
  const bool syn = tcp.flags & tcp_flag::syn, ack = tcp.flags & tcp_flag::ack;
  std::vector<OptionSpec> options = *tcp.options;
  translate_options(options, c, syn, ack, settings, line);
  std::vector<uint8_t> octets(sizeof(TcpHeader));
  for (const OptionSpec& o : options) {
    octets.push_back(o.kind);
    if (o.kind > tcp_option::nop) octets.push_back(uint8_t(o.value.size() + 2));
    octets.insert(octets.end(), o.value.begin(), o.value.end());
  }
  const size_t header = octets.size();
  octets.resize(header + tcp.length);
  store(TcpHeader{.source_port = packet.source_port ? packet.source_port : c.remote_port,
                  .dest_port = packet.dest_port ? packet.dest_port : c.local_port,
                  .sequence = tcp.sequence + (syn || tcp.absolute ? 0 : c.remote_isn),
                  .acknowledgment =
                      ack ? tcp.ack + (syn ? c.live_isn - c.script_isn : c.live_isn) : tcp.ack,
                  .offset_flags = uint8_t(header / 4 << 4 | (tcp.flags & TcpSpec::ae ? 1 : 0)),
                  .flags = uint8_t(tcp.flags),
                  .window = *tcp.window,
                  .checksum = 0,
                  .urgent = tcp.urgent},
        octets);
  return octets;
}

std::vector<uint8_t> build_udp(const PacketSpec& packet, const Connection& c) {
  std::vector<uint8_t> octets(sizeof(UdpHeader) + packet.length);
  store(UdpHeader{.source_port = packet.source_port ? packet.source_port : c.remote_port,
                  .dest_port = packet.dest_port ? packet.dest_port : c.local_port,
                  .length = uint16_t(octets.size()),
                  .checksum = 0},
        octets);
  return octets;
}

// The IP header before `inside`.
std::vector<uint8_t> with_ip(const IpSpec& ip, const IpAddress& source, const IpAddress& dest,
                             uint8_t protocol, const std::vector<uint8_t>& inside) {
  std::vector<uint8_t> octets;
  const uint8_t ttl = ip.ttl ? ip.ttl : 255;
  if (source.is_v4()) {
    octets.resize(sizeof(Ipv4Header));
    store(Ipv4Header{.tos = ip.tos,
                     .total_length = uint16_t(sizeof(Ipv4Header) + inside.size()),
                     .ttl = ttl,
                     .protocol = protocol,
                     .source = source.v4().value,
                     .dest = dest.v4().value},
          octets);
    finish_ipv4_header(octets);
  } else {
    octets.resize(sizeof(Ipv6Header));
    store(Ipv6Header{.version_class_flow = Ipv6Header::first_word(ip.tos, ip.flow_label),
                     .payload_length = uint16_t(inside.size()),
                     .next_header = protocol,
                     .hop_limit = ttl,
                     .source = source.v6(),
                     .dest = dest.v6()},
          octets);
  }
  octets.insert(octets.end(), inside.begin(), inside.end());
  return octets;
}

// RFC 792: the header of the packet that an error is about, and its first octets.
std::vector<uint8_t> quotation(const QuoteSpec& quote, const Connection& c) {
  constexpr size_t quoted = 8;
  std::vector<uint8_t> transport(quoted);
  store(be16(c.local_port), transport);
  store(be16(c.remote_port), MutableBytes(transport).subspan(2));
  const size_t header = quote.protocol == ip_protocol::udp ? sizeof(UdpHeader) : sizeof(TcpHeader);
  if (quote.protocol == ip_protocol::udp)
    store(be16(uint16_t(header + quote.length)), MutableBytes(transport).subspan(4));
  else
    store(be32(quote.sequence + c.live_isn), MutableBytes(transport).subspan(4));
  transport.resize(header + quote.length);
  std::vector<uint8_t> all = with_ip({}, c.local, c.remote, quote.protocol, transport);
  all.resize(std::min(all.size(), all.size() - transport.size() + quoted));
  return all;
}

std::vector<uint8_t> build_icmp(const PacketSpec& packet, const Connection& c, int line) {
  const IcmpSpec& icmp = packet.icmp;
  const bool v6 = c.local.is_v6();
  const auto [type, code] = icmp_numbers(icmp, v6, line);
  std::vector<uint8_t> octets(sizeof(IcmpHeader));
  const uint32_t rest = icmp.mtu ? *icmp.mtu : uint32_t(icmp.id) << 16;
  store(IcmpHeader{.type = type, .code = code, .checksum = 0, .rest = rest}, octets);
  if (icmp.raw) {
    octets.resize(std::max<size_t>(*icmp.raw, octets.size()));
  } else if (v6 ? icmpv6_is_error(type) : icmp_is_error(type)) {
    const std::vector<uint8_t> quote = quotation(icmp.quote, c);
    octets.insert(octets.end(), quote.begin(), quote.end());
  }
  if (v6)
    finish_icmpv6(octets, c.remote.v6(), c.local.v6());
  else
    finish_icmp(octets);
  return octets;
}

void finish_transport(std::vector<uint8_t>& octets, size_t at, uint8_t protocol,
                      const Connection& c) {
  const uint16_t sum =
      internet_checksum(octets, ip_pseudo_sum(c.remote, c.local, protocol, octets.size()));
  // RFC 768: a sum of zero is sent as ones.
  const bool ones = sum == 0 && protocol == ip_protocol::udp;
  store(be16(ones ? uint16_t(0xffff) : sum), MutableBytes(octets).subspan(at));
}

}  // namespace

std::vector<uint8_t> build_packet(const PacketSpec& packet, const Connection& c,
                                  const Settings& settings, int line) {
  std::vector<uint8_t> inside;
  uint8_t protocol = ip_protocol::tcp;
  switch (packet.protocol) {
    case PacketSpec::Protocol::tcp:
      inside = build_tcp(packet, c, settings, line);
      if (!packet.in_udp) {
        finish_transport(inside, offsetof(TcpHeader, checksum), protocol, c);
        break;
      }
      protocol = ip_protocol::udp;
      inside.insert(inside.begin(), sizeof(UdpHeader), 0);
      store(UdpHeader{.source_port = packet.udp_source,
                      .dest_port = packet.udp_dest,
                      .length = uint16_t(inside.size()),
                      .checksum = 0},
            inside);
      finish_transport(inside, offsetof(UdpHeader, checksum), protocol, c);
      break;
    case PacketSpec::Protocol::udp:
      protocol = ip_protocol::udp;
      inside = build_udp(packet, c);
      finish_transport(inside, offsetof(UdpHeader, checksum), protocol, c);
      break;
    case PacketSpec::Protocol::icmp:
      protocol = c.local.is_v6() ? ip_protocol::icmpv6 : ip_protocol::icmp;
      inside = build_icmp(packet, c, line);
      break;
  }
  return with_ip(packet.ip, c.remote, c.local, protocol, inside);
}

}  // namespace stackyard::drill
