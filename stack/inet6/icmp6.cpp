#include "stack/inet6/icmp6.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/offload/checksum_offload.h"
#include "stack/inet6/drops.h"
#include "stack/inet6/inet6.h"
#include "stack/kern/machine.h"

namespace stackyard {

void Icmp6::drop(const Packet& packet, const DropReason& why) {
  inet_.site().note_drop(packet.id(), why, "icmp6");
}

// --- what we send --------------------------------------------------------------------------------

// RFC 4443 s2.4f: FreeBSD counts errors of each second.
bool Icmp6::within_limit() {
  const int64_t most = inet_.settings().icmp.errppslimit;
  if (most < 0) return true;
  const int64_t second = inet_.now().s();
  if (second != second_) {
    second_ = second;
    in_second_ = 0;
  }
  if (++in_second_ <= most) return true;
  ++counters().limited;
  return false;
}

// RFC 4443 s2.4e: no error about errors and redirects, nor to nobody in particular; about groups
// only what path MTU discovery and options of type 10 need, which the callers know.
bool Icmp6::answerable(Packet& packet) {
  const Bytes octets = packet.octets();
  if (octets.size() < sizeof(Ipv6Header)) return false;
  const auto header = load<Ipv6Header>(octets);
  if (header.source.is_any() || header.source.is_multicast()) return false;
  const Ipv6Chain chain = walk_ipv6_chain(octets);
  if (chain.fragment && chain.fragment->offset() > 0) return false;
  if (!chain.complete || chain.protocol != ip_protocol::icmpv6) return true;
  if (chain.offset >= octets.size()) return true;
  const uint8_t type = octets[chain.offset];
  return !icmpv6_is_error(type) && type != icmpv6_type::redirect;
}

void Icmp6::send_error(Packet packet, uint8_t type, uint8_t code, uint32_t rest) {
  ++counters().errors_called;
  finish_checksum(packet);
  const bool despite_group =
      type == icmpv6_type::too_big ||
      (type == icmpv6_type::parameter_problem && code == icmpv6_code::unknown_option);
  const auto ip =
      packet.size() >= sizeof(Ipv6Header) ? load<Ipv6Header>(packet.front()) : Ipv6Header{};
  const bool group = packet.link_group() || ip.dest.is_multicast();
  if ((group && !despite_group) || !answerable(packet)) {
    ++counters().cant_error;
    return;
  }
  if (!within_limit()) return drop(packet, drops6::icmp_limited);
  const Bytes octets = packet.octets();
  const Ifnet* from = inet_.net().resolve({packet.interface()});
  const uint32_t zone = from ? from->index() : 0;
  const Ipv6Address dest = ip.source.with_zone(zone);
  // s2.4c: as much as fits into the least MTU.
  const size_t quoted =
      std::min<size_t>(octets.size(), ipv6_mtu_least - sizeof(Ipv6Header) - sizeof(Icmpv6Header));
  std::vector<uint8_t> message(sizeof(Icmpv6Header) + quoted);
  store(Icmpv6Header{.type = type, .code = code, .rest = rest}, message);
  std::copy_n(octets.begin(), quoted, message.begin() + sizeof(Icmpv6Header));
  // s2.2b: from the address that was spoken to, if it is ours.
  const Ipv6Address spoken_to = ip.dest.with_zone(zone);
  const Ipv6Address source = inet_.is_local(spoken_to) ? spoken_to : Ipv6Address{};
  send(std::move(message), source, dest, nullptr, 0);
}

void Icmp6::send(std::vector<uint8_t> message, const Ipv6Address& source, const Ipv6Address& dest,
                 Ifnet* interface, uint8_t hop_limit, Bytes options) {
  IpSend out{.source = source,
             .dest = dest,
             .protocol = ip_protocol::icmpv6,
             .ttl = hop_limit,
             .multicast_loop = false,
             .minimum_mtu = true,
             .interface = interface,
             .options = options,
             .options_type = ipv6_next::hop_by_hop};
  const bool nobody = interface && source.is_any() && hop_limit != 0;  // DAD, first reports: ::
  if (source.is_any() && !nobody) {
    const Result<IpAddress> chosen = inet_.source_for(out);
    if (!chosen) return;
    out.source = *chosen;
  }
  finish_icmpv6(message, out.source.v6(), dest);
  counters().out.add(message[0]);
  Packet packet = inet_.site().make_packet(message.size());
  std::copy(message.begin(), message.end(), packet.writable_front().begin());
  out.unspecified_source = nobody;
  (void)inet_.output(std::move(packet), out);
}

// --- what we receive -----------------------------------------------------------------------------

void Icmp6::receive(Packet packet, const IpContext& context) {
  finish_checksum(packet);
  const Bytes message = packet.octets();
  const auto icmp = parse_icmpv6(message, context.source.v6(), context.dest.v6());
  if (!icmp) {
    ++(&icmp.why() == &drops::truncated ? counters().too_short : counters().bad_checksum);
    return drop(packet, icmp.why());
  }
  counters().in.add(icmp->type);
  switch (icmp->type) {
    case icmpv6_type::echo:
      answer_echo(packet.clone(), context);
      break;
    case icmpv6_type::unreachable:
    case icmpv6_type::too_big:
    case icmpv6_type::time_exceeded:
    case icmpv6_type::parameter_problem:
      notify(*icmp, message, context);
      break;
    case icmpv6_type::mld_query:
    case icmpv6_type::mld_report:
    case icmpv6_type::mld_done:
    case icmpv6_type::mld2_report:
      inet_.mld().receive(message, context);
      break;
    case icmpv6_type::router_solicit:
    case icmpv6_type::router_advert:
    case icmpv6_type::neighbour_solicit:
    case icmpv6_type::neighbour_advert:
    case icmpv6_type::redirect:
      if (!neighbour_discovery(*icmp, message, context)) return drop(packet, drops6::nd_ignored);
      break;
    default:
      break;
  }
  inet_.ip().raw().receive(std::move(packet), context);
}

void Icmp6::answer_echo(Packet packet, const IpContext& context) {
  const Ipv6Address dest = context.dest.v6();
  Packet answer = inet_.site().make_packet(packet.size());
  std::copy(packet.octets().begin(), packet.octets().end(), answer.writable_front().begin());
  answer.set_cause(packet.id());
  const MutableBytes octets = answer.writable_front();
  octets[0] = icmpv6_type::echo_reply;
  IpSend send{.dest = context.source,
              .protocol = ip_protocol::icmpv6,
              .tos = context.tos,
              .fib = packet.fib()};
  // RFC 4443 s4.2: from the address that was asked, unless it is a group or anycast.
  const Inet6::Address* own = inet_.find(dest);
  if (own && !(own->flags & in6_flag::anycast)) {
    send.source = dest;
  } else {
    const Result<IpAddress> chosen = inet_.source_for(send);
    if (!chosen) return;
    send.source = *chosen;
  }
  finish_icmpv6(octets, send.source.v6(), context.source.v6());
  ++counters().reflected;
  counters().out.add(octets[0]);
  (void)inet_.output(std::move(answer), send);
}

// Tells the protocol whose packet was quoted.
void Icmp6::notify(const Icmpv6Header& icmp, Bytes message, const IpContext& context) {
  const auto quote = parse_icmpv6_quote(message);
  if (!quote) {
    ++counters().bad_length;
    return;
  }
  const uint32_t zone = context.interface->index();
  PathEvent event{.kind = PathEventKind::host_unreachable,
                  .source = quote->ip.source.with_zone(zone),
                  .dest = quote->ip.dest.with_zone(zone),
                  .transport = quote->transport};
  if (!inet_.is_local(event.source)) return;
  switch (icmp.type) {
    case icmpv6_type::too_big:
      event.kind = PathEventKind::too_big;
      if (icmp.rest < ipv6_mtu_least) return;  // RFC 8201 s4
      inet_.note_path_mtu(event.dest.v6(), icmp.rest);
      event.mtu = icmp.rest;
      break;
    case icmpv6_type::time_exceeded:
      event.kind = PathEventKind::ttl_exceeded;
      break;
    case icmpv6_type::parameter_problem:
      event.kind = icmp.code == icmpv6_code::unknown_next_header
                       ? PathEventKind::protocol_unreachable
                       : PathEventKind::parameter_problem;
      break;
    default:
      if (icmp.code == icmpv6_code::no_route) event.kind = PathEventKind::net_unreachable;
      if (icmp.code == icmpv6_code::prohibited) event.kind = PathEventKind::prohibited;
      if (icmp.code == icmpv6_code::port_unreachable) event.kind = PathEventKind::port_unreachable;
      if (icmp.code > icmpv6_code::port_unreachable) ++counters().bad_code;
      break;
  }
  if (event.transport.size() >= 8) inet_.ip().path_event(quote->protocol, event);
}

// RFC 4861 s6.1, s7.1, s8.1: what makes a message valid. False: it is not.
bool Icmp6::neighbour_discovery(const Icmpv6Header& icmp, Bytes message, const IpContext& context) {
  const Ipv6Address source = context.source.v6(), dest = context.dest.v6();
  // RFC 6980 s5: never in fragments.
  if (context.ttl != 255 || icmp.code != 0 || context.reassembled) return false;
  const auto options_behind = [&](size_t fixed) { return message.subspan(fixed); };
  const auto target_sound = [&] { return !load<Ipv6Address>(message.subspan(8)).is_multicast(); };
  const auto parse = [&](size_t fixed, uint64_t& bad) -> std::optional<NdOptions> {
    if (message.size() < fixed) {
      ++bad;
      return std::nullopt;
    }
    const auto options = parse_nd_options(options_behind(fixed));
    if (!options) {
      ++bad;
      return std::nullopt;
    }
    return *options;
  };
  Icmp6Counters& c = counters();
  switch (icmp.type) {
    case icmpv6_type::neighbour_solicit: {
      const auto options = parse(sizeof(NeighbourSolicit), c.bad_ns);
      if (!options || !target_sound()) return false;
      if (source.is_any() && (!dest.is_solicited_node() || options->source_link)) {
        ++c.bad_ns;
        return false;
      }
      inet_.neighbours().solicit_received(message, *options, context);
      return true;
    }
    case icmpv6_type::neighbour_advert: {
      const auto options = parse(sizeof(NeighbourAdvert), c.bad_na);
      if (!options || !target_sound()) return false;
      const uint32_t flags = icmp.rest;
      if (dest.is_multicast() && (flags & NeighbourAdvert::solicited)) {
        ++c.bad_na;
        return false;
      }
      inet_.neighbours().advert_received(message, *options, context);
      return true;
    }
    case icmpv6_type::router_solicit: {
      const auto options = parse(sizeof(Icmpv6Header), c.bad_rs);
      if (!options || (source.is_any() && options->source_link)) return false;
      if (!source.is_any())
        inet_.neighbours().learn(*context.interface, source, options->source_link,
                                 Neighbours::Role::host);
      return true;
    }
    case icmpv6_type::router_advert: {
      const auto options = parse(sizeof(RouterAdvert), c.bad_ra);
      if (!options || !source.is_link_local()) return false;
      inet_.routers().advert_received(message, *options, context);
      return true;
    }
    default: {
      const auto options = parse(sizeof(Redirect), c.bad_redirect);
      if (!options || !source.is_link_local()) return false;
      redirected(message, *options, context);
      return true;
    }
  }
}

// RFC 4861 s8.1, s8.3: believed only from the present first hop.
void Icmp6::redirected(Bytes message, const NdOptions& options, const IpContext& context) {
  const auto redirect = load<Redirect>(message);
  Ifnet& from = *context.interface;
  const Ipv6Address dest = redirect.dest.with_zone(from.index());
  const Ipv6Address target = redirect.target.with_zone(from.index());
  if (inet_.settings().icmp.log_redirect)
    inet_.machine().log(text("icmp6_redirect_input: from {}: {} => {}", to_text(context.source),
                             to_text(dest), to_text(target)));
  if (!inet_.settings().icmp.rediraccept || inet_.forwarding()) return;
  const bool sound = !dest.is_multicast() && (target.is_link_local() || target == dest);
  const Route6* present = inet_.routes(from.fib()).lookup(dest);
  const bool from_first_hop = present && present->has(route_flag::gateway) &&
                              present->gateway == context.source.v6() &&
                              present->interface == &from;
  if (!sound || !from_first_hop || inet_.is_local(target)) {
    ++counters().bad_redirect;
    return;
  }
  inet_.neighbours().learn(from, target, options.target_link,
                           target == dest ? Neighbours::Role::unknown : Neighbours::Role::router);
  inet_.add_redirect(dest, target, from, context.source.v6());
}

}  // namespace stackyard
