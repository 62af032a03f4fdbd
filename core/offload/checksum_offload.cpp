#include "core/offload/checksum_offload.h"

#include "core/wire/checksum.h"

namespace stackyard {

void finish_checksum(Packet& packet) {
  if (packet.deferred_checksum() == DeferredChecksum::none) return;
  const bool udp = packet.deferred_checksum() == DeferredChecksum::internet_of_udp;
  check(udp || packet.deferred_checksum() == DeferredChecksum::internet,
        "a kind that is in the build");
  const size_t start = packet.checksum_start();
  const MutableBytes octets = packet.writable();
  // The field holds the pseudo header's sum, so it is summed up with everything else.
  uint16_t sum = internet_checksum(octets.subspan(start));
  if (udp && sum == 0) sum = 0xffff;  // RFC 768: zero means that there is none
  store(be16(sum), octets.subspan(start + packet.checksum_offset()));
  packet.clear_deferred();
}

}  // namespace stackyard
