// hw/attach/host_device.h - the real half of a door: a TAP device or a UDP tunnel of the machine
// that runs the lab. With its clock, the only thing here whose behaviour is not deterministic.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hw/attach/door.h"

namespace stackyard {

class HostDevice final : public DoorOutside {
 public:
  // Each gives null, and what went wrong, when it cannot be had.
  // A TAP device (tun(4) of Linux, IFF_NO_PI): the one of that name, or a new one that is gone
  // with this object. Needs CAP_NET_ADMIN, or a persistent device that is the user's.
  static std::unique_ptr<HostDevice> open_tap(const std::string& name, std::string& error);
  // One datagram is one frame, as QEMU, GNS3, VPCS and VirtualBox have it. "HOST:PORT" both.
  static std::unique_ptr<HostDevice> open_udp(const std::string& local, const std::string& remote,
                                              std::string& error);
  ~HostDevice() override;
  HostDevice(const HostDevice&) = delete;

  int fd() const { return fd_; }
  // The next frame that waits, in a buffer that stays until the next call; empty: none.
  Bytes next_frame();

  void frame_leaves(Bytes frame) override;
  void carrier_changed(bool up) override;

 private:
  HostDevice(int fd, bool tap) : fd_(fd), tap_(tap) {}
  int fd_;
  bool tap_;
  std::vector<uint8_t> buffer_;
};

}  // namespace stackyard
