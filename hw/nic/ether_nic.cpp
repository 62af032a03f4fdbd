#include "hw/nic/ether_nic.h"

#include <algorithm>

#include "core/wire/link/ethernet.h"
#include "hw/link/link.h"

namespace stackyard {

void EtherNic::transmit(Packet frame) {
  if (!enabled_ || !Jack::carrier()) {
    ++counters_.dropped_out;
    site_.note_drop(frame.id(), enabled_ ? drops::no_carrier : drops::nic_disabled, name_);
    return;
  }
  if (frame.size() < frame_min) {
    static constexpr uint8_t zeroes[frame_min] = {};
    frame.append(Bytes(zeroes).first(frame_min - frame.size()));
  }
  ++counters_.frames_out;
  counters_.octets_out += frame.size();
  wire()->transmit(std::move(frame));
}

bool EtherNic::accepts(Bytes frame) const {
  if (promiscuous_) return true;
  MacAddress dest;
  std::memcpy(dest.octets.data(), frame.data(), 6);
  if (!dest.is_group()) return dest == address_;
  return dest.is_broadcast() || std::find(groups_.begin(), groups_.end(), dest) != groups_.end();
}

void EtherNic::receive(Packet frame) {
  const bool sound = frame.pull_up(sizeof(EthernetHeader)) && frame.size() <= frame_max;
  if (!enabled_ || !sound) {
    ++counters_.bad_in;
    const DropReason& why = !enabled_                  ? drops::nic_disabled
                            : frame.size() > frame_max ? drops::frame_too_long
                                                       : drops::truncated;
    site_.note_drop(frame.id(), why, name_);
    return;
  }
  if (!accepts(frame.front())) {
    // Not an accident, and on a hub it is most frames: counted, not noted.
    ++counters_.filtered_in;
    return;
  }
  ++counters_.frames_in;
  counters_.octets_in += frame.size();
  client_->nic_received(std::move(frame));
}

void EtherNic::carrier_changed(bool up) {
  if (client_) client_->nic_carrier_changed(up);
}

}  // namespace stackyard
