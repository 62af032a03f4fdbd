// lab/run/doors.h - the doors of a running lab, joined with the real world.
#pragma once

#include <poll.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "hw/attach/host_device.h"
#include "lab/build/lab.h"

namespace stackyard {

// A frame that came from outside. Its octets are the journal's as well.
struct DoorFrame {
  size_t node;
  std::vector<uint8_t> octets;
};

class Doors {
 public:
  // Opens what the lab's doors name. What went wrong, or empty.
  std::string open(Lab& lab);
  ~Doors();
  bool any() const { return !open_.empty(); }
  // Waits until a frame has come, one of `others` is ready or the time is over.
  void wait(std::vector<pollfd> others, std::chrono::nanoseconds at_most);
  // What has come since, in the order of the doors; at most 64 of each, so that time goes on.
  std::vector<DoorFrame> take();

 private:
  struct Open {
    size_t node;
    Door* door;
    std::unique_ptr<HostDevice> device;
  };
  std::vector<Open> open_;
};

// Lets the frames in, in their order. At a barrier.
void enter(Lab& lab, const std::vector<DoorFrame>& frames);

}  // namespace stackyard
