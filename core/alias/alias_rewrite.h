// core/alias/alias_rewrite.h - changes addresses and ports of an IPv4 packet and keeps its
// checksums right, computed or still deferred (RFC 1624, RFC 3022 s4.2).
#pragma once

#include "core/packet/packet.h"
#include "core/wire/checksum.h"
#include "core/wire/net/ipv4.h"

namespace stackyard {

constexpr bool has_ports(uint8_t protocol) {
  return protocol == ip_protocol::tcp || protocol == ip_protocol::udp ||
         protocol == ip_protocol::sctp;
}
// Where the checksum lies in the transport header of a protocol; 0: it has none, or one that covers
// no addresses and ports.
constexpr size_t transport_checksum_at(uint8_t protocol) {
  return protocol == ip_protocol::tcp ? 16 : protocol == ip_protocol::udp ? 6 : 0;
}

class Rewriter {
 public:
  enum class With : bool { address_only, transport };
  // Precondition: the packet's front holds the header, and the transport header if there is one.
  Rewriter(Packet& packet, const Ipv4Header& ip, With with)
      : octets_(packet.writable_front()),
        transport_(ip.header_size()),
        deferred_(packet.deferred_checksum() != DeferredChecksum::none) {
    const size_t at = transport_checksum_at(ip.protocol);
    if (with == With::address_only || at == 0) return;
    const bool none_sent = ip.protocol == ip_protocol::udp && get(transport_ + at) == 0;
    if (!none_sent || deferred_) checksum_ = transport_ + at;
    udp_ = ip.protocol == ip_protocol::udp;
  }

  void set_source(Ipv4Address to) { set_address(12, to); }
  void set_dest(Ipv4Address to) { set_address(16, to); }
  void set_source_port(uint16_t to) { set_port(transport_, to); }
  void set_dest_port(uint16_t to) { set_port(transport_ + 2, to); }

 private:
  static constexpr size_t ip_checksum = 10;

  uint16_t get(size_t at) const { return load<be16>(octets_.subspan(at)); }
  void put(size_t at, uint16_t value) { store(be16(value), octets_.subspan(at)); }

  void set_address(size_t at, Ipv4Address to) {
    for (const auto& [where, half] :
         {std::pair{at, uint16_t(to.value >> 16)}, {at + 2, uint16_t(to.value)}}) {
      const uint16_t before = get(where);
      put(where, half);
      put(ip_checksum, checksum_update(get(ip_checksum), before, half));
      if (!checksum_) continue;
      // A deferred one holds the pseudo header's sum, not its complement.
      if (deferred_)
        put(checksum_, checksum_fold(uint64_t(get(checksum_)) + uint16_t(~before) + half));
      else
        update(before, half);
    }
  }
  void set_port(size_t at, uint16_t to) {
    const uint16_t before = get(at);
    put(at, to);
    if (checksum_ && !deferred_) update(before, to);
  }
  void update(uint16_t before, uint16_t after) {
    const uint16_t sum = checksum_update(get(checksum_), before, after);
    put(checksum_, sum == 0 && udp_ ? 0xffff : sum);  // RFC 768: zero would mean "none"
  }

  MutableBytes octets_;
  size_t transport_;
  size_t checksum_ = 0;  // 0: nothing to keep right
  bool deferred_;
  bool udp_ = false;
};

}  // namespace stackyard
