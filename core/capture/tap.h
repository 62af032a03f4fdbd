// core/capture/tap.h - shows a passing frame to the observers, as it would look on the wire.
#pragma once

#include <algorithm>

#include "core/jack/site.h"
#include "core/offload/checksum_offload.h"

namespace stackyard {

// Notes a frame for the observers: as it would look on the wire, checksums included.
inline void note_frame(Site& site, uint32_t tap, Packet& frame, bool outbound, uint32_t snaplen) {
  Packet copy;  // a computed checksum is written into octets of its own
  Packet* shown = &frame;
  if (frame.deferred_checksum() != DeferredChecksum::none) {
    copy = frame.clone();
    finish_checksum(copy);
    shown = &copy;
  }
  const Bytes octets = shown->octets();
  site.locale().tracer.frame(site.current_key(),
                             {tap, site.id(), frame.id(), uint32_t(octets.size()), outbound,
                              octets.first(std::min<size_t>(octets.size(), snaplen))});
}

}  // namespace stackyard
