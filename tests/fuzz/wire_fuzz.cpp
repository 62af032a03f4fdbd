// tests/fuzz/wire_fuzz.cpp - every parser of a wire format, and the dissector, on any octets.
#include "core/dissect/dissect.h"
#include "core/wire/link/arp.h"
#include "core/wire/link/bpdu.h"
#include "core/wire/link/ethernet.h"
#include "core/wire/net/icmp.h"
#include "core/wire/net/igmp.h"
#include "core/wire/transport/tcp.h"
#include "core/wire/transport/udp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace stackyard;
  const Bytes octets(data, size);
  (void)one_line(octets, {.link_header = true, .verbose = true});
  (void)one_line_ip(octets);
  (void)layers(octets);
  if (const auto igmp = parse_igmp(octets)) {
    (void)describe(*igmp);
    (void)emit_igmp(*igmp);
  }
  (void)parse_arp(octets);
  if (const auto bpdu = parse_bpdu(octets)) (void)parse_bpdu(emit_bpdu(*bpdu));
  (void)parse_udp(octets);
  (void)tcp_options_text(octets.first(std::min<size_t>(octets.size(), 40)));
  if (const auto tcp = parse_tcp(octets)) {
    std::array<uint8_t, tcp_option::space_max> space;
    (void)emit_tcp_options(tcp->options, space);
  }
  (void)describe_icmp(octets);
  if (const auto ip = parse_ipv4_header(octets))
    for_each_option(octets.first(ip->header_size()), [](const Ipv4Option&) {});
  if (octets.size() >= sizeof(IcmpHeader)) (void)parse_icmp_quote(octets);
  return 0;
}
