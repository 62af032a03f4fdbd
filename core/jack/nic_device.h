// core/jack/nic_device.h - the upper edge of an ideal NIC: frames, filters, offloads, carrier.
#pragma once

#include <vector>

#include "core/base/address.h"
#include "core/packet/packet.h"

namespace stackyard {

// What a driver hears from its NIC.
class NicClient {
 public:
  virtual ~NicClient() = default;
  virtual void nic_received(Packet frame) = 0;
  virtual void nic_carrier_changed(bool up) = 0;
};

struct NicCounters {
  uint64_t frames_in = 0, octets_in = 0, filtered_in = 0, bad_in = 0;
  uint64_t frames_out = 0, octets_out = 0, dropped_out = 0;
};

class NicDevice {
 public:
  virtual ~NicDevice() = default;
  virtual void attach(NicClient* client) = 0;
  virtual void transmit(Packet frame) = 0;
  virtual bool carrier() const = 0;
  virtual MacAddress permanent_address() const = 0;

  // The receive filter: frames to `address`, to broadcast and to these groups; all if promiscuous.
  virtual void set_address(MacAddress address) = 0;
  virtual void set_promiscuous(bool on) = 0;
  virtual void set_groups(std::vector<MacAddress> groups) = 0;
  // Off: nothing is received or sent.
  virtual void set_enabled(bool on) = 0;

  virtual const NicCounters& counters() const = 0;
  // The link's rate in bits per second; 0: unlimited or no link.
  virtual uint64_t rate() const = 0;
};

}  // namespace stackyard
