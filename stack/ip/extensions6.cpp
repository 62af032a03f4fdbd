#include "stack/ip/extensions6.h"

#include "core/wire/net/ipv6.h"

namespace stackyard {

Result<> set_extension_header(std::vector<uint8_t>& header, Bytes octets) {
  if (!octets.empty() && (octets.size() < sizeof(Ipv6Extension) ||
                          load<Ipv6Extension>(octets).size() != octets.size()))
    return Errno::einval;
  header.assign(octets.begin(), octets.end());
  return {};
}

Result<> check_routing_header(Bytes octets) {
  if (octets.empty()) return {};
  if (octets.size() < sizeof(Ipv6RoutingHeader)) return Errno::einval;
  // RFC 5095 s4: it is not sent, either.
  if (load<Ipv6RoutingHeader>(octets).type == 0) return Errno::einval;
  return {};
}

Result<> compose_extensions(const Extensions6* sticky, const PacketOptions* own,
                            std::vector<uint8_t>& chain, uint8_t& first) {
  if (!sticky && !own) return {};
  const std::vector<uint8_t> none;
  const auto choose =
      [&](std::vector<uint8_t> Extensions6::*of_socket,
          std::vector<uint8_t> PacketOptions::*of_packet) -> const std::vector<uint8_t>& {
    if (own && !(own->*of_packet).empty()) return own->*of_packet;
    return sticky ? sticky->*of_socket : none;
  };
  const std::vector<uint8_t>& routing = choose(&Extensions6::routing, &PacketOptions::routing);
  if (own) TRY(check_routing_header(own->routing));
  size_t last = 0;  // where the previous header begins
  const auto add = [&](uint8_t type, const std::vector<uint8_t>& header) -> Result<> {
    if (header.empty()) return {};
    std::vector<uint8_t> sound;
    TRY(set_extension_header(sound, header));
    (chain.empty() ? first : chain[last]) = type;
    last = chain.size();
    chain.insert(chain.end(), sound.begin(), sound.end());
    return {};
  };
  TRY(add(ipv6_next::hop_by_hop, choose(&Extensions6::hop_options, &PacketOptions::hop_options)));
  if (!routing.empty()) {  // RFC 3542 s9: these only go before a routing header
    TRY(add(ipv6_next::dest_options,
            choose(&Extensions6::routing_dest_options, &PacketOptions::routing_dest_options)));
    TRY(add(ipv6_next::routing, routing));
  }
  return add(ipv6_next::dest_options,
             choose(&Extensions6::dest_options, &PacketOptions::dest_options));
}

void copy_extensions(const Extensions6& want, Bytes headers, Ancillary& control) {
  uint8_t type = load<Ipv6Header>(headers).next_header;
  for (Bytes rest = headers.subspan(sizeof(Ipv6Header)); rest.size() >= 8;) {
    const auto header = load<Ipv6Extension>(rest);
    const size_t size = type == ipv6_next::fragment ? sizeof(Ipv6FragmentHeader) : header.size();
    if (size > rest.size()) return;
    const std::vector<uint8_t> octets(rest.begin(), rest.begin() + std::ptrdiff_t(size));
    if (type == ipv6_next::hop_by_hop && want.want_hop_options) control.hop_options = octets;
    if (type == ipv6_next::dest_options && want.want_dest_options)
      control.dest_options.push_back(octets);
    if (type == ipv6_next::routing && want.want_routing) control.routing = octets;
    type = header.next_header;
    rest = rest.subspan(size);
  }
}

}  // namespace stackyard
