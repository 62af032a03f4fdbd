// userland/firewall/divert_rewrite.cpp - a sample of what divert(4) is for: a program in the way of
// packets, which changes words in UDP datagrams.
#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/ipv6.h"
#include "core/wire/transport/udp.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

// Replaces every `from` by `to`, which is as long.
void rewrite(std::vector<uint8_t>& packet, const std::string& from, const std::string& to) {
  const bool v6 = packet.size() >= sizeof(Ipv6Header) && packet[0] >> 4 == 6;
  if (!v6 && (packet.size() < sizeof(Ipv4Header) || packet[0] >> 4 != 4)) return;
  const auto ip4 = load<Ipv4Header>(packet);
  const auto ip6 = v6 ? load<Ipv6Header>(packet) : Ipv6Header();
  const size_t at = v6 ? sizeof(Ipv6Header) : ip4.header_size();
  const uint8_t protocol = v6 ? ip6.next_header : ip4.protocol;
  if (protocol != ip_protocol::udp || packet.size() < at + sizeof(UdpHeader)) return;
  auto place = packet.begin() + std::ptrdiff_t(at + sizeof(UdpHeader));
  for (;;) {
    place = std::search(place, packet.end(), from.begin(), from.end());
    if (place == packet.end()) break;
    place = std::copy(to.begin(), to.end(), place);
  }
  // RFC 768: a checksum of zero is none; RFC 8200 s8.1: IPv6 has no such datagrams.
  const MutableBytes datagram = MutableBytes(packet).subspan(at);
  const MutableBytes checksum = datagram.subspan(offsetof(UdpHeader, checksum));
  store(be16(0), checksum);
  if (!v6) return;
  const uint64_t pseudo = ip_pseudo_sum(ip6.source, ip6.dest, protocol, datagram.size());
  const uint16_t sum = internet_checksum(datagram, pseudo);
  store(be16(sum == 0 ? uint16_t(0xffff) : sum), checksum);
}

Task<int> divert_rewrite(Sys& sys, Args args) {
  const auto port = args.size() == 4 ? parse_int(args[1]) : std::nullopt;
  if (!port || *port < 1 || *port > 65535 || args[2].empty() || args[2].size() != args[3].size())
    co_return co_await sys.usage(divert_rewrite_command);
  const Fd socket = co_await sys.socket(Af::divert, SocketType::raw).or_err(71, "socket");
  SockAddr own;
  own.port = uint16_t(*port);
  co_await sys.bind(socket, own).or_err(71, "bind");
  for (;;) {
    Received packet = co_await sys.receive(socket, 65535).or_err(71, "recvfrom");
    rewrite(packet.octets, args[2], args[3]);
    // Back to where it was: the address says behind which rule, and by which interface it came.
    SendOptions back;
    back.to = packet.from;
    const auto sent = co_await sys.send(socket, std::move(packet.octets), back);
    if (!sent) co_await sys.complain(text("sendto: {}", errno_text(sent.error())));
  }
}

}  // namespace

const Command divert_rewrite_command{.name = "divert-rewrite",
                                     .synopsis = "divert-rewrite port word replacement",
                                     .run = divert_rewrite};

}  // namespace stackyard
