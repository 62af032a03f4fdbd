// hw/attach/door.h - an attachment to the real world: one port of the lab whose other side is a
// device or a socket of the machine that runs it.
//
// The door is the simulated half and as deterministic as any node: frames come in by enter() at an
// instant that the caller chose (and journalled), and leave by its DoorOutside.
#pragma once

#include "core/jack/jack.h"

namespace stackyard {

// The real half. Without one, frames that leave are counted and gone, as in a replay.
class DoorOutside {
 public:
  virtual ~DoorOutside() = default;
  // A whole frame, without FCS, its checksums computed.
  virtual void frame_leaves(Bytes frame) = 0;
  virtual void carrier_changed(bool up) = 0;
};

struct DoorCounters {
  uint64_t frames_in = 0, octets_in = 0, dropped_in = 0;
  uint64_t frames_out = 0, octets_out = 0;
};

class Door final : public Jack {
 public:
  static constexpr size_t frame_max = 65'535;

  explicit Door(Site& site) : site_(site) {}

  void attach(DoorOutside* outside) { outside_ = outside; }
  // A frame from outside; call it at a barrier or from an event of the node. What is no frame
  // (shorter than an Ethernet header, longer than frame_max) or meets no carrier is dropped.
  void enter(Bytes frame);
  const DoorCounters& counters() const { return counters_; }

  void receive(Packet frame) override;
  void carrier_changed(bool up) override;

 private:
  Site& site_;
  DoorOutside* outside_ = nullptr;
  DoorCounters counters_;
};

}  // namespace stackyard
