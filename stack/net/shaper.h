// stack/net/shaper.h - how a filter hands packets to the vnet's traffic shaper (dummynet(4)).
#pragma once

#include "stack/net/api/shaped_flow.h"
#include "stack/net/packet_hook.h"

namespace stackyard {

class Shaper {
 public:
  // Takes a packet for pipe or queue `number`; it comes back later by `resume`, or dies with a
  // reason. ENOBUFS: it died at once, and a local sender may hear of it.
  virtual Errno take(Packet packet, const Resume& resume, const ShapedFlow& flow, ShapedKind what,
                     uint32_t number) = 0;

 protected:
  ~Shaper() = default;
};

}  // namespace stackyard
