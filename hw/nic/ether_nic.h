// hw/nic/ether_nic.h - the ideal Ethernet NIC: no descriptors, no delay of its own, all offloads.
#pragma once

#include "core/base/drop.h"
#include "core/jack/jack.h"
#include "core/jack/nic_device.h"

namespace stackyard {

namespace drops {
inline constexpr DropReason nic_disabled{"nic_disabled", "the interface is down"};
inline constexpr DropReason nic_filtered{"nic_filtered", "the frame is for another address"};
inline constexpr DropReason frame_too_long{"frame_too_long", "the frame exceeds what a NIC takes"};
}  // namespace drops

// Pads what it sends to 60 octets, filters what it receives, leaves checksums deferred. Its
// transmit queue is that of the link's end it is plugged into.
class alignas(64) EtherNic final : public NicDevice, public Jack {
 public:
  static constexpr size_t frame_max = 65'550;

  EtherNic(Site& site, std::string name, MacAddress address)
      : address_(address), site_(site), name_(std::move(name)), permanent_(address) {}

  void attach(NicClient* client) override { client_ = client; }
  const NicClient* client() const { return client_; }  // its driver; null: none runs it now
  void transmit(Packet frame) override;
  bool carrier() const override { return Jack::carrier(); }
  MacAddress permanent_address() const override { return permanent_; }
  void set_address(MacAddress address) override { address_ = address; }
  void set_promiscuous(bool on) override { promiscuous_ = on; }
  void set_groups(std::vector<MacAddress> groups) override { groups_ = std::move(groups); }
  void set_enabled(bool on) override { enabled_ = on; }
  const NicCounters& counters() const override { return counters_; }
  uint64_t rate() const override { return rate_; }
  void set_rate(uint64_t bits_per_second) { rate_ = bits_per_second; }

  void receive(Packet frame) override;
  void carrier_changed(bool up) override;

 private:
  bool accepts(Bytes frame) const;

  // What every frame meets comes first.
  NicClient* client_ = nullptr;
  MacAddress address_;
  bool promiscuous_ = false;
  bool enabled_ = false;
  NicCounters counters_;
  Site& site_;
  std::string name_;
  MacAddress permanent_;
  std::vector<MacAddress> groups_;
  uint64_t rate_ = 0;
};

}  // namespace stackyard
