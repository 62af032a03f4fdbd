#include "stack/inet/icmp.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/offload/checksum_offload.h"
#include "core/wire/checksum.h"
#include "stack/inet/drops.h"
#include "stack/inet/inet.h"
#include "stack/kern/machine.h"

namespace stackyard {

const IcmpSettings& Icmp::settings() const { return inet_.settings().icmp; }

Icmp::Icmp(Inet& inet) : inet_(inet), random_(inet.net().vnet().random("icmp limits")) {}

void Icmp::drop(const Packet& packet, const DropReason& why) {
  inet_.site().note_drop(packet.id(), why, "icmp");
}

// FreeBSD's badport_bandlim: so many in a second of uptime, and one line for those left out. How
// many exactly nobody can tell from outside, or he could count ports with it (CVE-2020-25705).
bool Icmp::within_limit(Limit& limit) {
  if (settings().icmplim <= 0) return true;
  const int64_t second = inet_.site().now().s();
  const auto most = [&] { return std::max<int64_t>(settings().icmplim + limit.jitter, 0); };
  if (second != limit.second) {
    const bool first = limit.second<0, over = limit.count> most();
    if (over)
      inet_.machine().log(
          text("Limiting {} response from {} to {} packets/sec", limit.name, limit.count, most()));
    const int64_t jitter = settings().icmplim_jitter;
    if (first || over)
      limit.jitter = jitter > 0 ? int64_t(random_.below(uint64_t(jitter) * 2 + 1)) - jitter : 0;
    limit.second = second;
    limit.count = 0;
  }
  if (++limit.count <= most()) return true;
  ++counters().limited;
  return false;
}

// --- errors that we send -----------------------------------------------------------------------

// RFC 1122 s3.2.2: no error about errors, broadcasts, later fragments, or from nobody in
// particular.
bool Icmp::answerable(Packet& packet, const Ipv4Header& header) {
  const Ipv4Address source = header.source_address();
  const bool group = packet.link_group() || header.dest_address().is_multicast() ||
                     inet_.is_broadcast(header.dest_address());
  const bool nobody = source.is_any() || source.is_multicast() || source.is_experimental() ||
                      source.is_loopback() || inet_.is_broadcast(source);
  if (group || header.fragment_offset() > 0 || (nobody && !inet_.is_local(source))) return false;
  if (header.protocol == ip_protocol::icmp && packet.size() > header.header_size()) {
    const uint8_t type = packet.octets()[header.header_size()];
    if (icmp_is_error(type)) {
      ++counters().old_icmp;
      return false;
    }
  }
  return true;
}

Ipv4Address Icmp::error_source(const Packet& packet, const Ipv4Header& header) const {
  if (inet_.is_local(header.dest_address())) return header.dest_address();
  if (settings().reply_from_interface)
    if (const Ifnet* from = inet_.net().resolve({packet.interface()}))
      if (const Ipv4Address address = inet_.primary_address(*from); !address.is_any())
        return address;
  return {};  // that of the interface towards the sender
}

void Icmp::send_error(Packet packet, uint8_t type, uint8_t code, uint32_t rest) {
  ++counters().errors_called;
  finish_checksum(packet);
  const Bytes octets = packet.octets();
  const auto header = load<Ipv4Header>(octets);
  if (!answerable(packet, header)) return;
  if (!within_limit(error_limit_)) return drop(packet, drops::icmp_limited);
  const size_t quoted =
      std::min<size_t>(octets.size(), header.header_size() +
                                          size_t(std::clamp<int64_t>(settings().quotelen, 8, 548)));
  Packet error = inet_.site().make_packet(sizeof(IcmpHeader) + quoted);
  const MutableBytes message = error.writable_front();
  store(IcmpHeader{.type = type, .code = code, .rest = rest}, message);
  std::copy_n(octets.begin(), quoted, message.begin() + sizeof(IcmpHeader));
  finish_icmp(message);
  error.set_cause(packet.id());
  counters().out.add(uint8_t(std::min<size_t>(type, 40)));
  const IpSend send{.source = error_source(packet, header),
                    .dest = header.source_address(),
                    .protocol = ip_protocol::icmp,
                    .tos = 0xc0,  // RFC 1812 s4.3.2.5: internetwork control
                    .fib = packet.fib()};
  if (!inet_.output(std::move(error), send)) ++counters().no_return_route;
}

// --- what we receive ---------------------------------------------------------------------------

void Icmp::to_raw(Packet packet, const IpContext& context) {
  inet_.ip().raw().receive(std::move(packet), context);
}

void Icmp::receive(Packet packet, const IpContext& context) {
  finish_checksum(packet);
  const Bytes message = packet.octets();
  const auto icmp = parse_icmp(message);
  if (!icmp) {
    ++(&icmp.why() == &drops::truncated ? counters().too_short : counters().bad_checksum);
    return drop(packet, icmp.why());
  }
  counters().in.add(uint8_t(std::min<size_t>(icmp->type, 40)));
  switch (icmp->type) {
    case icmp_type::echo:
      return answer_echo(std::move(packet), context);
    case icmp_type::timestamp:
      return answer_timestamp(std::move(packet), context);
    case icmp_type::mask_request:
      return drop(packet, drops::icmp_ignored);
    case icmp_type::redirect:
      redirected(*icmp, message, context);
      break;
    case icmp_type::unreachable:
    case icmp_type::time_exceeded:
    case icmp_type::parameter_problem:
      notify(*icmp, message);
      break;
    default:
      break;
  }
  to_raw(std::move(packet), context);
}

void Icmp::answer_echo(Packet packet, const IpContext& context) {
  if (context.dest_is_group && !settings().bmcastecho) {
    ++counters().group_echo_ignored;
    return drop(packet, drops::icmp_ignored);
  }
  if (!within_limit(echo_limit_)) return drop(packet, drops::icmp_limited);
  packet.writable_front()[0] = icmp_type::echo_reply;
  reflect(std::move(packet), context);
}

void Icmp::answer_timestamp(Packet packet, const IpContext& context) {
  if (!settings().tstamprepl || packet.size() < sizeof(IcmpHeader) + 12)
    return drop(packet, drops::icmp_ignored);
  if (context.dest_is_group && !settings().bmcastecho) {
    ++counters().group_timestamp_ignored;
    return drop(packet, drops::icmp_ignored);
  }
  const MutableBytes message = packet.writable();
  message[0] = icmp_type::timestamp_reply;
  const be32 now = uint32_t(inet_.site().now().ms() % 86'400'000);  // milliseconds since midnight
  store(now, message.subspan(sizeof(IcmpHeader) + 4));
  store(now, message.subspan(sizeof(IcmpHeader) + 8));
  reflect(std::move(packet), context);
}

// Sends a request back as its own answer, with its options (RFC 1122 s3.2.2.6).
void Icmp::reflect(Packet packet, const IpContext& context) {
  if (context.source.is_any() || context.source.is_multicast() ||
      inet_.is_broadcast(context.source)) {
    ++counters().bad_return;
    return drop(packet, drops::bad_address);
  }
  Packet answer = inet_.site().make_packet(packet.size());
  std::copy(packet.octets().begin(), packet.octets().end(), answer.writable_front().begin());
  finish_icmp(answer.writable_front());
  answer.set_cause(packet.id());
  ++counters().reflected;
  counters().out.add(answer.front()[0]);
  const std::vector<uint8_t> options = inet_.reversed_options(context.header);
  const IpSend send{.source = inet_.is_local(context.dest) ? context.dest : IpAddress(),
                    .dest = context.source,
                    .protocol = ip_protocol::icmp,
                    .tos = context.tos,
                    .fib = packet.fib(),
                    .options = options};
  if (!inet_.output(std::move(answer), send)) ++counters().no_return_route;
}

// Tells the protocol whose packet was quoted.
void Icmp::notify(const IcmpHeader& icmp, Bytes message) {
  const auto quote = parse_icmp_quote(message);
  if (!quote || quote->transport.size() < 8) {
    ++counters().bad_length;
    return;
  }
  PathEvent event{.kind = PathEventKind::host_unreachable,
                  .source = quote->ip.source_address(),
                  .dest = quote->ip.dest_address(),
                  .transport = quote->transport};
  if (icmp.type == icmp_type::time_exceeded) {
    event.kind = PathEventKind::ttl_exceeded;
  } else if (icmp.type == icmp_type::parameter_problem) {
    event.kind = PathEventKind::parameter_problem;
  } else {
    switch (icmp.code) {
      case icmp_code::net_unreachable:
      case icmp_code::net_unknown:
        event.kind = PathEventKind::net_unreachable;
        break;
      case icmp_code::protocol_unreachable:
        event.kind = PathEventKind::protocol_unreachable;
        break;
      case icmp_code::port_unreachable:
        event.kind = PathEventKind::port_unreachable;
        break;
      case icmp_code::need_fragment:
        event.kind = PathEventKind::too_big;
        event.mtu = inet_.note_path_mtu(quote->ip, icmp.rest & 0xffff);
        break;
      case icmp_code::net_prohibited:
      case icmp_code::host_prohibited:
      case icmp_code::admin_prohibited:
        event.kind = PathEventKind::prohibited;
        break;
      default:
        break;
    }
  }
  if (inet_.is_local(event.source)) inet_.ip().path_event(quote->ip.protocol, event);
}

// RFC 1122 s3.2.2.2: believed only from the present first hop, about a neighbour of ours.
void Icmp::redirected(const IcmpHeader& icmp, Bytes message, const IpContext& context) {
  const auto quote = parse_icmp_quote(message);
  if (!quote || icmp.code > 3) {
    ++counters().bad_code;
    return;
  }
  const Ipv4Address gateway{icmp.rest};
  const Ipv4Address dest = quote->ip.dest_address();
  if (settings().log_redirect)
    inet_.machine().log(text("icmp_redirect: from {}: {} => {}", to_text(context.source),
                             to_text(dest), to_text(gateway)));
  if (settings().drop_redirect || inet_.forwarding()) return;
  inet_.add_redirect(dest, gateway, context);
}

}  // namespace stackyard
