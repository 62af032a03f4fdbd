// core/jack/jack.h - where a frame enters or leaves a NIC, a switch port or a door.
#pragma once

#include "core/jack/site.h"

namespace stackyard {

// The link's end, as the device at a jack sees it.
class Wire {
 public:
  virtual ~Wire() = default;
  // Takes a whole frame, without FCS, for transmission: queues it, sends it, or drops and counts.
  virtual void transmit(Packet frame) = 0;
  virtual bool carrier() const = 0;
};

// The device's end, as the link sees it.
class Jack {
 public:
  virtual ~Jack() = default;
  virtual void receive(Packet frame) = 0;
  virtual void carrier_changed(bool up) = 0;

  // Joins this jack to a link's end, which must outlive it or be unplugged with null.
  void plug(Wire* wire) { wire_ = wire; }
  Wire* wire() const { return wire_; }
  bool carrier() const { return wire_ && wire_->carrier(); }

 private:
  Wire* wire_ = nullptr;
};

// A frame's octets that a link counts besides those of the packet: preamble, FCS, gap (802.3 s4.2).
constexpr uint32_t frame_fcs = 4;
constexpr uint32_t frame_overhead = 8 + frame_fcs + 12;
constexpr uint32_t frame_min = 60;  // without FCS

}  // namespace stackyard
