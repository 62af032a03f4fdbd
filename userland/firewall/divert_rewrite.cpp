// userland/firewall/divert_rewrite.cpp - a sample of what divert(4) is for: a program in the way of
// packets, which changes words in UDP datagrams.
#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/ipv4.h"
#include "core/wire/transport/udp.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

// Replaces every `from` by `to`, which is as long. RFC 768: a checksum of zero is none.
void rewrite(std::vector<uint8_t>& packet, const std::string& from, const std::string& to) {
  if (packet.size() < sizeof(Ipv4Header) || packet[0] >> 4 != 4) return;
  const auto ip = load<Ipv4Header>(packet);
  const size_t at = ip.header_size();
  if (ip.protocol != ip_protocol::udp || packet.size() < at + sizeof(UdpHeader)) return;
  auto place = packet.begin() + std::ptrdiff_t(at + sizeof(UdpHeader));
  for (;;) {
    place = std::search(place, packet.end(), from.begin(), from.end());
    if (place == packet.end()) break;
    place = std::copy(to.begin(), to.end(), place);
  }
  store(be16(0), MutableBytes(packet).subspan(at + offsetof(UdpHeader, checksum)));
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
