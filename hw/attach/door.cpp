#include "hw/attach/door.h"

#include <algorithm>
#include <cstring>

#include "core/base/drop.h"
#include "core/offload/checksum_offload.h"
#include "core/wire/link/ethernet.h"

namespace stackyard {

namespace drops {
namespace {
constexpr DropReason not_a_frame{"not_a_frame", "what came in by the door is no Ethernet frame"};
constexpr DropReason door_closed{"door_closed", "the door has no link that is up"};
}  // namespace
}  // namespace drops

void Door::enter(Bytes frame) {
  const bool sound = frame.size() >= sizeof(EthernetHeader) && frame.size() <= frame_max;
  if (!sound || !carrier()) {
    ++counters_.dropped_in;
    return site_.note_drop(site_.next_packet_id(), sound ? drops::door_closed : drops::not_a_frame,
                           "door");
  }
  ++counters_.frames_in;
  counters_.octets_in += frame.size();
  // Virtual devices do not pad; what a link carries is padded.
  Packet packet = site_.make_packet(std::max<size_t>(frame.size(), frame_min));
  const auto room = packet.writable();
  std::memcpy(room.data(), frame.data(), frame.size());
  std::memset(room.data() + frame.size(), 0, room.size() - frame.size());
  wire()->transmit(std::move(packet));
}

void Door::receive(Packet frame) {
  ++counters_.frames_out;
  counters_.octets_out += frame.size();
  if (!outside_) return;
  finish_checksum(frame);
  outside_->frame_leaves(frame.octets());
}

void Door::carrier_changed(bool up) {
  if (outside_) outside_->carrier_changed(up);
}

}  // namespace stackyard
