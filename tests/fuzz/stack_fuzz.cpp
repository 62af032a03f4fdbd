// tests/fuzz/stack_fuzz.cpp - a whole stack: a router is given any frames, and time passes.
//
// Input: frames, each behind a length octet (times 8). The first 14 octets are mended so that most
// frames pass the NIC's filter; checksums are mended half of the time.
#include "core/wire/link/ethernet.h"
#include "core/wire/net/ip_pseudo.h"
#include "core/wire/transport/tcp.h"
#include "stack/net/net_stack.h"
#include "tests/support/lab_fixture.h"

// TCP segments are for the port where somebody listens, and their checksum is right.
static void mend_tcp(stackyard::MutableBytes ip) {
  using namespace stackyard;
  const auto header = load<Ipv4Header>(ip);
  const size_t at = header.header_size();
  if (header.protocol != ip_protocol::tcp || header.is_fragment() ||
      ip.size() < at + sizeof(TcpHeader))
    return;
  const MutableBytes segment = ip.subspan(at);
  store(be16(80), segment.subspan(offsetof(TcpHeader, dest_port)));
  store(be16(0), segment.subspan(offsetof(TcpHeader, checksum)));
  const uint64_t pseudo = ipv4_pseudo_sum(header.source_address(), header.dest_address(),
                                          ip_protocol::tcp, segment.size());
  store(be16(internet_checksum(segment, pseudo)), segment.subspan(offsetof(TcpHeader, checksum)));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace stackyard;
  LabFixture lab(
      "nodes: {a: {}, r: {kind: router}, b: {}}\nlinks: [a -- r, r -- b]\nhosts: false\n");
  Lab& l = lab.lab;
  lab.run("r", "nc -u -l -k 53 > /dev/null &");
  lab.run("r", "nc -l -k 80 > /dev/null &");
  Bytes rest(data, size);
  while (rest.size() > 2) {
    const size_t length = std::min<size_t>(rest[0] * size_t(8) + 14, rest.size() - 1);
    std::vector<uint8_t> frame(rest.begin() + 1, rest.begin() + 1 + long(length));
    rest = rest.subspan(1 + length);
    if (frame.size() < 14) break;
    const bool mend = frame[0] & 2;
    const bool broadcast = frame[0] & 1;
    const MacAddress mac = l.machine("r").vnet().state<NetStack>(net_module).find("em0")->mac();
    store(broadcast ? MacAddress::broadcast() : mac, frame);
    if (mend && frame.size() >= 34) {
      store(be16(0x0800), MutableBytes(frame).subspan(12));
      const MutableBytes ip = MutableBytes(frame).subspan(14);
      ip[0] = uint8_t(0x40 | std::clamp<int>(ip[0] & 15, 5, 8));
      store(be16(uint16_t(ip.size())), ip.subspan(2));
      if ((size_t(ip[0] & 15) * 4) <= ip.size()) {
        finish_ipv4_header(ip);
        mend_tcp(ip);
      }
    }
    Link& link = l.link(0);
    Packet packet = link.end(0).site().pool().make(link.end(0).site().next_packet_id(), frame);
    link.end(0).transmit(std::move(packet));
    lab.pass(1_ms);
  }
  lab.pass(40_s);
  return 0;
}
