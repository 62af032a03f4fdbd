// tests/support/ipv6_fuzz_case.h - a whole stack is given packets of IPv6, ND, MLD and IGMP that
// are nearly right: skeletons of which some octets are changed (EmNetTest: one or two fields of one
// packet are enough). libFuzzer and a test with random octets both use it.
#pragma once

#include "core/wire/net/igmp.h"
#include "core/wire/net/ipv4.h"
#include "stack/inet/inet.h"
#include "tests/support/ipv6_host.h"

namespace stackyard {

// Packets from their IP header on, as sound as can be.
inline std::vector<std::vector<uint8_t>> ipv6_skeletons() {
  std::vector<std::vector<uint8_t>> all;
  const auto packet = [&](uint8_t next, const std::vector<uint8_t>& payload, const char* source,
                          const char* dest, uint8_t hop_limit) {
    std::vector<uint8_t> octets(sizeof(Ipv6Header));
    store(Ipv6Header{.payload_length = uint16_t(payload.size()),
                     .next_header = next,
                     .hop_limit = hop_limit,
                     .source = v6(source),
                     .dest = v6(dest)},
          octets);
    octets.insert(octets.end(), payload.begin(), payload.end());
    all.push_back(octets);
  };
  const auto icmp = [&](std::vector<uint8_t> message, const char* source, const char* dest,
                        uint8_t hop_limit = 255, std::vector<uint8_t> before = {}) {
    finish_icmpv6(message, v6(source), v6(dest));
    const uint8_t next = before.empty() ? ip_protocol::icmpv6 : uint8_t(ipv6_next::hop_by_hop);
    before.insert(before.end(), message.begin(), message.end());
    packet(next, before, source, dest, hop_limit);
  };
  const MacAddress mac = *parse_mac("02:00:00:00:00:66");
  std::vector<uint8_t> solicit(sizeof(NeighbourSolicit)), advert(sizeof(NeighbourAdvert)),
      router(sizeof(RouterAdvert)), redirect(sizeof(Redirect)), asks(sizeof(Icmpv6Header));
  store(NeighbourSolicit{.target = v6("2001:db8::1")}, solicit);
  add_link_option(solicit, nd_option::source_link, mac);
  icmp(solicit, "fe80::66", "ff02::1:ff00:1");
  NeighbourAdvert na;
  na.icmp.rest = NeighbourAdvert::solicited | NeighbourAdvert::override_;
  na.target = v6("fe80::66");
  store(na, advert);
  add_link_option(advert, nd_option::target_link, mac);
  icmp(advert, "fe80::66", "2001:db8::1");
  RouterAdvert ra;
  ra.icmp.rest = 64u << 24 | 1800;
  store(ra, router);
  add_link_option(router, nd_option::source_link, mac);
  router.resize(router.size() + sizeof(NdPrefix) + sizeof(NdMtu));
  store(
      NdPrefix{.flags = 0xc0, .valid_s = 86400, .preferred_s = 3600, .prefix = v6("2001:db8:7::")},
      MutableBytes(router).subspan(router.size() - sizeof(NdPrefix) - sizeof(NdMtu)));
  store(NdMtu{.mtu = 1400}, MutableBytes(router).subspan(router.size() - sizeof(NdMtu)));
  add_rdnss_option(router, {v6("2001:db8::53")}, 600);
  icmp(router, "fe80::66", "ff02::1");
  store(Icmpv6Header{.type = icmpv6_type::router_solicit}, asks);
  add_link_option(asks, nd_option::source_link, mac);
  icmp(asks, "fe80::66", "ff02::2");
  store(Redirect{.target = v6("fe80::66"), .dest = v6("2001:db8:9::9")}, redirect);
  add_link_option(redirect, nd_option::target_link, mac);
  icmp(redirect, "fe80::66", "2001:db8::1");
  const std::vector<uint8_t> alert{58, 0, 5, 2, 0, 0, 1, 0};
  MldMessage query;
  query.group = v6("ff15::1");
  query.sources = {v6("2001:db8::9")};
  icmp(emit_mld(query), "fe80::66", "ff15::1", 1, alert);
  query = {};
  icmp(emit_mld(query), "fe80::66", "ff02::1", 1, alert);
  MldMessage report{.type = icmpv6_type::mld2_report};
  report.records.push_back({mld_record::to_exclude, v6("ff15::1"), {v6("2001:db8::9")}});
  icmp(emit_mld(report), "fe80::66", "ff02::16", 1, alert);
  // Extension headers: hop-by-hop, destination, routing, fragment; then UDP.
  std::vector<uint8_t> chain{60, 0, 5, 2, 0, 0, 1, 0, 43, 0, 1, 4, 0, 0, 0, 0,
                             44, 0, 4, 0, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 9};
  chain.resize(chain.size() + 48, 'x');
  packet(ipv6_next::hop_by_hop, chain, "fe80::66", "2001:db8::1", 64);
  chain[26] = 0;  // the last fragment of the same datagram
  chain[27] = 48;
  packet(ipv6_next::hop_by_hop, chain, "fe80::66", "2001:db8::1", 64);
  return all;
}

inline std::vector<std::vector<uint8_t>> igmp_skeletons() {
  std::vector<std::vector<uint8_t>> all;
  const auto add = [&](const IgmpMessage& message, uint32_t dest) {
    const std::vector<uint8_t> igmp = emit_igmp(message);
    std::vector<uint8_t> octets(24);
    store(Ipv4Header{.version_length = 0x46,
                     .total_length = uint16_t(24 + igmp.size()),
                     .ttl = 1,
                     .protocol = ip_protocol::igmp,
                     .source = 0x0a000063,
                     .dest = dest},
          octets);
    octets[20] = 148;
    octets[21] = 4;
    finish_ipv4_header(octets);
    octets.insert(octets.end(), igmp.begin(), igmp.end());
    all.push_back(octets);
  };
  const Ipv4Address group{0xef010101};
  for (const uint8_t version : {1, 2, 3})
    add({.type = igmp_type::query,
         .version = version,
         .max_response_ms = 1000,
         .group = {},
         .sources = {},
         .records = {}},
        0xe0000001);
  add({.type = igmp_type::query,
       .version = 3,
       .max_response_ms = 1000,
       .group = group,
       .sources = {{0x0a000002}},
       .records = {}},
      group.value);
  add({.type = igmp_type::v3_report,
       .sources = {},
       .records = {{igmp_record::allow, group, {{0x0a000002}}}}},
      0xe0000016);
  add({.type = igmp_type::v2_report, .group = group, .sources = {}, .records = {}}, group.value);
  return all;
}

// Each packet takes a few octets: which skeleton, how many changes and of what kind, then place and
// value of each. Checksums are mended unless the kind says otherwise.
inline void ipv6_fuzz_case(Ipv6Host& h, Bytes data) {
  static const std::vector<std::vector<uint8_t>> v6_packets = ipv6_skeletons();
  static const std::vector<std::vector<uint8_t>> v4_packets = igmp_skeletons();
  const size_t count = v6_packets.size() + v4_packets.size();
  while (data.size() >= 2) {
    const size_t which = data[0] % count;
    const uint8_t kind = data[1];
    data = data.subspan(2);
    const bool is_v6 = which < v6_packets.size();
    std::vector<uint8_t> packet = is_v6 ? v6_packets[which] : v4_packets[which - v6_packets.size()];
    for (unsigned i = 0; i < kind % 4u && data.size() >= 2; ++i) {
      packet[data[0] % packet.size()] = data[1];
      data = data.subspan(2);
    }
    if ((kind & 0x30) == 0x30) packet.resize(packet.size() - packet.size() / 4);
    if (is_v6) {
      store(be16(uint16_t(packet.size() - 40)), MutableBytes(packet).subspan(4));
      const Ipv6Chain walked = walk_ipv6_chain(packet);
      const bool icmp = walked.complete && walked.protocol == ip_protocol::icmpv6 &&
                        walked.offset + 4 <= packet.size();
      if (icmp && !(kind & 0x40)) {
        const auto header = load<Ipv6Header>(packet);
        finish_icmpv6(MutableBytes(packet).subspan(walked.offset), header.source, header.dest);
      }
      h.give(Bytes(packet));
      continue;
    }
    const size_t size = size_t(packet[0] & 15) * 4;
    if (!(kind & 0x40) && size >= 20 && size + 8 <= packet.size()) {
      store(be16(uint16_t(packet.size())), MutableBytes(packet).subspan(2));
      finish_ipv4_header(MutableBytes(packet).first(size));
      const MutableBytes igmp = MutableBytes(packet).subspan(size);
      store(be16(0), igmp.subspan(2));
      store(be16(internet_checksum(igmp)), igmp.subspan(2));
    }
    Machine& machine = h.machine();
    Inet& inet = machine.vnet().state<Inet>(inet_module);
    inet.ether_receive(machine.site().pool().make(machine.site().next_packet_id(), packet),
                       *machine.vnet().state<NetStack>(net_module).find("em0"));
  }
}

}  // namespace stackyard
