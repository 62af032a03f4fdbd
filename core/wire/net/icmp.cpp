#include "core/wire/net/icmp.h"

#include "core/base/text.h"
#include "core/wire/checksum.h"
#include "core/wire/transport/udp.h"

namespace stackyard {

Parsed<IcmpHeader> parse_icmp(Bytes message) {
  if (message.size() < sizeof(IcmpHeader)) return drops::truncated;
  if (internet_checksum(message) != 0) return drops::bad_checksum;
  return load<IcmpHeader>(message);
}

Parsed<IcmpQuote> parse_icmp_quote(Bytes message) {
  const Bytes quoted = message.subspan(sizeof(IcmpHeader));
  if (quoted.size() < sizeof(Ipv4Header)) return drops::truncated;
  const auto ip = load<Ipv4Header>(quoted);
  if (ip.version_length >> 4 != 4 || ip.header_size() < sizeof(Ipv4Header))
    return drops::bad_length;
  if (quoted.size() < ip.header_size()) return drops::truncated;
  return IcmpQuote{ip, quoted.subspan(ip.header_size())};
}

void finish_icmp(MutableBytes message) {
  auto header = load<IcmpHeader>(message);
  header.checksum = 0;
  store(header, message);
  header.checksum = internet_checksum(message);
  store(header, message);
}

namespace {

std::string describe_unreachable(const IcmpHeader& icmp, const IcmpQuote& quote) {
  const std::string dest = to_text(quote.ip.dest_address());
  switch (icmp.code) {
    case icmp_code::net_unreachable:
      return text("net {} unreachable", dest);
    case icmp_code::host_unreachable:
      return text("host {} unreachable", dest);
    case icmp_code::protocol_unreachable:
      return text("{} protocol {} unreachable", dest, quote.ip.protocol);
    case icmp_code::port_unreachable: {
      if (quote.transport.size() < 4) return text("{} port unreachable", dest);
      const uint16_t port = load<be16>(quote.transport.subspan(2));
      const std::string protocol = quote.ip.protocol == ip_protocol::udp ? "udp"
                                   : quote.ip.protocol == ip_protocol::tcp
                                       ? "tcp"
                                       : text("protocol {}", quote.ip.protocol);
      return text("{} {} port {} unreachable", dest, protocol, port);
    }
    case icmp_code::need_fragment: {
      const unsigned mtu = icmp.rest & 0xffff;
      return mtu ? text("{} unreachable - need to frag (mtu {})", dest, mtu)
                 : text("{} unreachable - need to frag", dest);
    }
    case icmp_code::source_route_failed:
      return text("{} unreachable - source route failed", dest);
    case icmp_code::net_prohibited:
      return text("net {} unreachable - admin prohibited", dest);
    case icmp_code::host_prohibited:
      return text("host {} unreachable - admin prohibited", dest);
    case icmp_code::admin_prohibited:
      return text("host {} unreachable - admin prohibited filter", dest);
    default:
      return text("{} unreachable - #{}", dest, icmp.code);
  }
}

std::string describe_error(const IcmpHeader& icmp, Bytes message) {
  const auto quote = parse_icmp_quote(message);
  if (!quote) return text("type-#{} [|icmp]", icmp.type);
  const std::string dest = to_text(quote->ip.dest_address());
  switch (icmp.type) {
    case icmp_type::unreachable:
      return describe_unreachable(icmp, *quote);
    case icmp_type::redirect:
      return text("redirect {} to {} {}", dest,
                  icmp.code == icmp_code::redirect_net ? "to net" : "to host",
                  to_text(Ipv4Address{icmp.rest}));
    case icmp_type::time_exceeded:
      return icmp.code == icmp_code::ttl_in_transit ? "time exceeded in-transit"
                                                    : "ip reassembly time exceeded";
    case icmp_type::parameter_problem:
      return text("parameter problem - octet {}", uint32_t(icmp.rest) >> 24);
    default:
      return text("source quench {}", dest);
  }
}

}  // namespace

std::string describe_icmp(Bytes message) {
  if (message.size() < sizeof(IcmpHeader)) return "[|icmp]";
  const auto icmp = load<IcmpHeader>(message);
  const unsigned id = icmp.rest >> 16, sequence = icmp.rest & 0xffff;
  switch (icmp.type) {
    case icmp_type::echo:
      return text("echo request, id {}, seq {}", id, sequence);
    case icmp_type::echo_reply:
      return text("echo reply, id {}, seq {}", id, sequence);
    case icmp_type::timestamp:
      return text("time stamp query id {} seq {}", id, sequence);
    case icmp_type::timestamp_reply:
      return text("time stamp reply id {} seq {}", id, sequence);
    case icmp_type::mask_request:
      return "address mask request";
    case icmp_type::mask_reply:
      return "address mask reply";
    case icmp_type::router_advert:
      return "router advertisement";
    case icmp_type::router_solicit:
      return "router solicitation";
    default:
      break;
  }
  if (icmp_is_error(icmp.type)) return describe_error(icmp, message);
  return text("type-#{}", icmp.type);
}

}  // namespace stackyard
