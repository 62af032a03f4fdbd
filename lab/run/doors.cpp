#include "lab/run/doors.h"

#include "core/base/text.h"

namespace stackyard {

namespace {

constexpr size_t frames_at_once = 64;

}  // namespace

std::string Doors::open(Lab& lab) {
  const LabSpec& spec = lab.spec();
  for (size_t n = 0; n < spec.nodes.size(); ++n) {
    if (spec.nodes[n].kind != NodeKind::door) continue;
    const DoorSpec& what = spec.settings(spec.nodes[n]).door;
    std::string error;
    auto device = what.tap.empty() ? HostDevice::open_udp(what.udp_local, what.udp_remote, error)
                                   : HostDevice::open_tap(what.tap, error);
    if (!device) return text("door {}: {}", spec.nodes[n].name, error);
    Door& door = *lab.door(n);
    door.attach(device.get());
    open_.push_back({n, &door, std::move(device)});
  }
  return "";
}

Doors::~Doors() {
  for (const Open& open : open_) open.door->attach(nullptr);
}

void Doors::wait(std::vector<pollfd> others, std::chrono::nanoseconds at_most) {
  for (const Open& open : open_) others.push_back({open.device->fd(), POLLIN, 0});
  const timespec time{at_most.count() / 1'000'000'000, at_most.count() % 1'000'000'000};
  ppoll(others.data(), others.size(), &time, nullptr);
}

std::vector<DoorFrame> Doors::take() {
  std::vector<DoorFrame> frames;
  for (const Open& open : open_) {
    for (size_t n = 0; n < frames_at_once; ++n) {
      const Bytes frame = open.device->next_frame();
      if (frame.empty()) break;
      frames.push_back({open.node, {frame.begin(), frame.end()}});
    }
  }
  return frames;
}

void enter(Lab& lab, const std::vector<DoorFrame>& frames) {
  for (const DoorFrame& frame : frames)
    if (lab.has_node(frame.node)) lab.door(frame.node)->enter(frame.octets);
}

}  // namespace stackyard
