#include "stack/tcp/tcp.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/ip_pseudo.h"
#include "stack/inet/inet.h"
#include "stack/kern/machine.h"
#include "stack/tcp/drops.h"
#include "stack/tcp/listener.h"

namespace stackyard {

Tcp::Tcp(Vnet& vnet, const TcpSettings& defaults)
    : StateWithSettings(defaults),
      ip_(vnet.state<IpStack>(ip_module)),
      pcbs_(ip_, "tcp ports"),
      syncache_(*this),
      fast_open_(vnet.random("tcp fast open")),
      udp_tunnel_(*this) {
  RandomStream random = vnet.random("tcp");
  secret_.low = random.next();
  secret_.high = random.next();
  ip_.add_protocol(ip_protocol::tcp, this);
}

Tcp::~Tcp() {
  while (connections_) {
    TcpConnection* first = connections_;
    connections_ = first->next_;
    pcbs_.remove(*first);
    delete first;
  }
}

void Tcp::drop(const TcpSegment& segment, const DropReason& why) {
  // What was already taken over has no packet left to name.
  const PacketId id = segment.payload ? segment.payload.id() : PacketId{};
  site().note_drop(id, why, "tcp", text("port {}", segment.ends.local.port));
}

void Tcp::fast_drop(const Packet& packet, const DropReason& why) {
  site().note_drop(packet.id(), why, "tcp");
}

// --- secrets and clocks ------------------------------------------------------------------------

uint64_t Tcp::keyed_hash(const TcpEnds& ends, uint64_t what, uint64_t purpose) const {
  std::array<uint8_t, 56> octets{};
  const MutableBytes to(octets);
  store(ends.local.address, to);
  store(ends.foreign.address, to.subspan(17));
  store(be16(ends.local.port), to.subspan(34));
  store(be16(ends.foreign.port), to.subspan(36));
  store(be64(what), to.subspan(38));
  store(be64(purpose), to.subspan(46));
  return siphash(secret_, octets);
}

namespace {
constexpr uint64_t for_sequences = 1ull << 62, for_timestamps = 1ull << 63;
}

// RFC 6528 s3: M + F(ends, secret), M a clock of 4 microseconds.
Seq Tcp::initial_sequence(const TcpEnds& ends) {
  return {uint32_t(site().now().us() / 4) + uint32_t(keyed_hash(ends, 0, for_sequences))};
}

// RFC 7323 s5.4: a random offset for each pair of ends.
uint32_t Tcp::timestamp_offset(const TcpEnds& ends) const {
  return uint32_t(keyed_hash(ends, 0, for_timestamps));
}

RtoBounds Tcp::rto_bounds() const {
  const auto& s = settings();
  return {milliseconds(s.rexmit_initial_ms), milliseconds(s.rexmit_min_ms),
          milliseconds(s.rexmit_slop_ms)};
}

// The shift that lets the window reach the largest socket buffer (kern.ipc.maxsockbuf).
uint8_t Tcp::window_scale_offer() const {
  uint8_t shift = 0;
  while (shift < 14 && int64_t(65535) << shift < settings().maxsockbuf) ++shift;
  return shift;
}

uint32_t Tcp::segment_size_to(const IpAddress& dest, const TcpSocketOptions& options) const {
  const uint32_t headers = (dest.is_v4() ? 20 : 40) + uint32_t(sizeof(TcpHeader)) +
                           (options.encaps_port ? uint32_t(settings().udp_overhead) : 0);
  const uint32_t mtu = ip_.of(dest).mtu_towards(dest, options.fib);
  const uint32_t size = mtu > headers ? mtu - headers : segment_size_unsaid(dest);
  return options.max_segment ? std::min<uint32_t>(size, options.max_segment) : size;
}

TcpHostCache::Limits Tcp::host_cache_limits() const {
  return {size_t(settings().hostcache_limit), SimTime(settings().hostcache_expire * 1'000'000'000)};
}

void Tcp::set_congestion_default(size_t index) {
  static_cast<TcpSettings*>(own_settings())->cc = int64_t(index);
}

void Tcp::set_congestion_settings(const CongestionSettings& settings) {
  static_cast<TcpSettings*>(own_settings())->congestion = settings;
}

void Tcp::set_functions_default(uint8_t index) {
  static_cast<TcpSettings*>(own_settings())->functions = index;
}

size_t Tcp::count_functions(uint8_t index) const {
  size_t count = 0;
  for_each([&](const TcpConnection& c) { count += c.options.functions == index; });
  return count;
}

// --- output ------------------------------------------------------------------------------------

Packet Tcp::make_segment(const Segment& segment, const TcpOptions& options) {
  std::array<uint8_t, tcp_option::space_max> space;
  const size_t options_size = emit_tcp_options(options, space);
  const size_t size = sizeof(TcpHeader) + options_size;
  Packet packet = site().make_packet(size);
  const MutableBytes octets = packet.writable_front();
  store(TcpHeader{.source_port = segment.ends.local.port,
                  .dest_port = segment.ends.foreign.port,
                  .sequence = segment.seq.value,
                  .acknowledgment = (segment.flags & tcp_flag::ack) ? segment.ack.value : 0,
                  .offset_flags = uint8_t(size / 4 << 4 | (segment.accurate_bit ? 1 : 0)),
                  .flags = segment.flags,
                  .window = segment.window,
                  .checksum = 0,
                  .urgent = segment.urgent},
        octets);
  std::copy_n(space.begin(), options_size, octets.begin() + sizeof(TcpHeader));
  return packet;
}

Result<> Tcp::send(Packet packet, const TcpEnds& ends, const TcpSocketOptions& options,
                   TcpManner manner) {
  if (manner.signed_by_key && !sign(packet, ends)) return Errno::einval;
  if (options.encaps_port) {
    wrap_in_udp(packet, ends, options.encaps_port);
  } else {
    const uint64_t pseudo =
        ip_pseudo_sum(ends.local.address, ends.foreign.address, ip_protocol::tcp, packet.size());
    store(be16(checksum_fold(pseudo)),
          packet.writable_front().subspan(offsetof(TcpHeader, checksum)));
    packet.defer_checksum(DeferredChecksum::internet, 0, offsetof(TcpHeader, checksum));
  }
  const IpSend send{.source = ends.local.address,
                    .dest = ends.foreign.address,
                    .protocol = options.encaps_port ? ip_protocol::udp : ip_protocol::tcp,
                    .ttl = options.ttl,
                    .tos = uint8_t((options.tos & 0xfc) | manner.codepoint),
                    .fib = options.fib,
                    .dont_fragment = (settings().path_mtu_discovery && !manner.may_fragment) ||
                                     options.dont_fragment,
                    .dont_route = options.dont_route};
  return ip_.of(send.dest).output(std::move(packet), send);
}

void Tcp::send_reset(const TcpSegment& to) {
  if (to.has(tcp_flag::rst)) return;
  Segment reset{.ends = to.ends, .flags = tcp_flag::rst};
  if (to.has(tcp_flag::ack)) {
    reset.seq = to.ack;
  } else {
    reset.ack = to.seq + to.sequence_length();
    reset.flags |= tcp_flag::ack;
  }
  ++counters.sndctrl;
  ++counters.sndtotal;
  TcpSocketOptions manner;
  manner.encaps_port = to.encaps_port;
  (void)send(make_segment(reset, {}), to.ends, manner);
}

void Tcp::refuse(TcpSegment& segment) {
  if (settings().log_in_vain && (settings().log_in_vain > 1 || segment.has(tcp_flag::syn)))
    ip_.machine().log(text(
        "TCP: [{}]:{} to [{}]:{} tcpflags 0x{:x}; tcp_input: Connection attempt to closed port",
        to_text(segment.ends.foreign.address), segment.ends.foreign.port,
        to_text(segment.ends.local.address), segment.ends.local.port, segment.flags));
  drop(segment, drops::no_listener);
  const int64_t blackhole = settings().blackhole;
  if (blackhole >= 2 || (blackhole == 1 && segment.has(tcp_flag::syn))) return;
  // net.inet.icmp.icmplim limits these resets, too (badport_bandlim).
  Inet* inet = ip_.net().vnet().state_if_there<Inet>(inet_module);
  const bool limited = inet && !inet->icmp().within_limit(reset_limit_);
  if (!limited) send_reset(segment);
}

// --- input -------------------------------------------------------------------------------------

bool Tcp::checksum_right(Packet& packet, const IpContext& context) {
  if (packet.deferred_checksum() != DeferredChecksum::none) return true;  // still to be computed
  const uint64_t pseudo =
      ip_pseudo_sum(context.source, context.dest, ip_protocol::tcp, packet.size());
  return internet_checksum(packet.octets(), pseudo) == 0;
}

// False: dropped.
bool Tcp::parse(Packet packet, const IpContext& context, TcpSegment& segment) {
  const size_t most = std::min<size_t>(packet.size(), sizeof(TcpHeader) + tcp_option::space_max);
  if (packet.front().size() < sizeof(TcpHeader) ||
      packet.front().size() < std::min(most, load<TcpHeader>(packet.front()).header_size()))
    (void)packet.pull_up(most);
  const auto parsed = parse_tcp(packet.front());
  if (!parsed) {
    ++(&parsed.why() == &drops::truncated ? counters.rcvshort : counters.rcvbadoff);
    fast_drop(packet, parsed.why());
    return false;
  }
  // In a tunnel it is the datagram's that counts.
  if (segment.encaps_port == 0 && !checksum_right(packet, context)) {
    ++counters.rcvbadsum;
    fast_drop(packet, drops::bad_checksum);
    return false;
  }
  const TcpHeader& header = parsed->header;
  segment.ends = {{context.dest, header.dest_port}, {context.source, header.source_port}};
  segment.seq = {header.sequence};
  segment.ack = {header.acknowledgment};
  segment.window = header.window;
  segment.urgent = header.urgent;
  segment.flags = header.flags;
  segment.ecn = context.tos & 3;
  segment.accurate_bit = header.offset_flags & 1;
  segment.options = parsed->options;
  if (segment.options.has_signature && ip_.tcp_keys()) [[unlikely]]
    segment.signed_right = signature_right(packet, segment);
  packet.clear_deferred();
  packet.trim_front(header.header_size());
  segment.length = uint32_t(packet.size());
  segment.payload = std::move(packet);
  return true;
}

void Tcp::receive(Packet packet, const IpContext& context) {
  ++counters.rcvtotal;
  TcpSegment segment;
  if (parse(std::move(packet), context, segment)) accept_segment(segment, context);
}

void Tcp::accept_segment(TcpSegment& segment, const IpContext& context) {
  // RFC 9293 s3.9.2.3: neither end can be a group, and nobody talks to himself ("land").
  const bool group = context.dest_is_group || context.source.is_multicast() ||
                     context.source.is_any() || ip_.of(context.source).is_broadcast(context.source);
  const bool own = segment.ends.local == segment.ends.foreign;
  if (group || (own && segment.has(tcp_flag::syn) && !segment.has(tcp_flag::ack))) {
    ++counters.badsyn;
    return drop(segment, drops::bad_ends);
  }
  if (site().decisions_wanted()) [[unlikely]]
    site().note_decision(
        {.node = 0,
         .packet = segment.payload.id(),
         .kind = DecisionKind::socket,
         .address = context.source,
         .network = {},
         .by = segment.ends.foreign.port,
         .by_length = segment.ends.local.port,
         .interface = context.interface ? uint16_t(context.interface->index()) : uint16_t(0)});
  deliver(segment, context);
}

void Tcp::deliver(TcpSegment& segment, const IpContext& context) {
  TcpConnection* connection = find(segment.ends);
  // RFC 6191, RFC 9293 s3.6.1: a newer SYN may reuse what is in TIME_WAIT.
  const bool opens = segment.has(tcp_flag::syn) && !segment.has(tcp_flag::ack | tcp_flag::rst);
  if (connection && connection->state() == TcpState::time_wait && opens &&
      segment.seq > connection->rcv_nxt_) {
    connection->end("a newer connection takes its place");
    settle(*connection);
    connection = nullptr;
  }
  if (connection) {
    // Segments come the way the others came.
    if (connection->options.encaps_port != segment.encaps_port)
      return drop(segment, drops::unexpected_segment);
    if (context.ttl < connection->options.min_ttl) return drop(segment, drops::unexpected_segment);
    if (connection->options.sign && !signature_fits(segment)) return;
    connection->segment_arrives(segment);
    return settle(*connection);
  }
  // ipfw's fwd: who listens there takes connections to addresses that are not ours.
  TcpEnds ends = segment.ends;
  if (context.forwarded) {
    ends.local.address = context.forwarded_to;
    if (context.forwarded_port) ends.local.port = context.forwarded_port;
  }
  TcpConnection* listener = find_listener(ends);
  if (!listener) return refuse(segment);
  if (context.ttl < listener->options.min_ttl) return drop(segment, drops::unexpected_segment);
  if (listener->options.sign && !signature_fits(segment)) return;
  syncache_.segment_arrives(*listener, segment);
  settle(*listener);
}

void Tcp::path_event(const PathEvent& event) {
  if (event.transport.size() < 8) return;
  const TcpEnds ends{{event.source, load<be16>(event.transport)},
                     {event.dest, load<be16>(event.transport.subspan(2))}};
  if (TcpConnection* connection = find(ends)) {
    connection->path_event(event);
    return settle(*connection);
  }
  syncache_.path_event(ends, event, {load<be32>(event.transport.subspan(4))});
}

}  // namespace stackyard
