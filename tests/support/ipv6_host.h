// tests/support/ipv6_host.h - a host with IPv6, and packets that seem to come from its link.
#pragma once

#include "stack/inet6/inet6.h"
#include "tests/support/lab_fixture.h"

namespace stackyard {

inline Ipv6Address v6(const char* s) { return *parse_ipv6(s); }

// A host with one interface, to which packets are given as if they had come from its link.
struct Ipv6Host {
  LabFixture lab{"nodes: [a, b]\nlinks: [a -- b]\n"};
  Ipv6Host() {
    lab.run("a", "ifconfig em0 inet6 2001:db8::1/64 no_dad; ifconfig em0 inet6 accept_rtadv");
    lab.pass(3_s);
  }
  Machine& machine() { return lab.lab.machine("a"); }
  Inet6& inet() { return machine().vnet().state<Inet6>(inet6_module); }
  void give(Bytes octets) {
    Packet packet = machine().site().pool().make(machine().site().next_packet_id(), octets);
    inet().ether_receive(std::move(packet), *inet().net().find("em0"));
    lab.lab.drain();
  }
  // An IPv6 packet whose first header has the type `next`.
  void give(uint8_t next, const std::vector<uint8_t>& payload, const char* source,
            const char* dest = "2001:db8::1", uint8_t hop_limit = 255) {
    std::vector<uint8_t> octets(sizeof(Ipv6Header));
    store(Ipv6Header{.payload_length = uint16_t(payload.size()),
                     .next_header = next,
                     .hop_limit = hop_limit,
                     .source = v6(source),
                     .dest = v6(dest)},
          octets);
    octets.insert(octets.end(), payload.begin(), payload.end());
    give(Bytes(octets));
  }
  void give_icmp(std::vector<uint8_t> message, const char* source, const char* dest,
                 uint8_t hop_limit = 255) {
    finish_icmpv6(message, v6(source), v6(dest));
    give(ip_protocol::icmpv6, message, source, dest, hop_limit);
  }
  void advertise(uint32_t valid_s, uint32_t preferred_s, uint16_t lifetime_s = 1800) {
    RouterAdvert advert;
    advert.icmp.rest = uint32_t(64) << 24 | lifetime_s;
    std::vector<uint8_t> message(sizeof advert + sizeof(NdPrefix));
    store(advert, message);
    store(NdPrefix{.flags = NdPrefix::on_link | NdPrefix::autonomous,
                   .valid_s = valid_s,
                   .preferred_s = preferred_s,
                   .prefix = v6("2001:db8:7::")},
          MutableBytes(message).subspan(sizeof advert));
    give_icmp(message, "fe80::99", "ff02::1");
  }
  // Seconds left of the address made from the advertised prefix; -1: there is none.
  int64_t valid_left() {
    for (const auto& a : inet().addresses())
      if (a->flags & in6_flag::autoconf) return (a->valid_until - inet().now()).s();
    return -1;
  }
};

}  // namespace stackyard
