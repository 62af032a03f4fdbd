// stack/interfaces/detail/crossing.h - the way of frames into another stack: never a call, but an
// event 1 us later, through a bounded queue.
#pragma once

#include "core/event/timer.h"
#include "core/jack/site.h"
#include "stack/net/drops.h"

namespace stackyard {

class Crossing {
 public:
  static constexpr SimTime time = 1_us;
  static constexpr size_t queue_max = 1000;  // frames

  using Arrive = void (*)(void* owner, Packet frame);
  Crossing(Site& site, Arrive arrive, void* owner)
      : site_(site),
        arrive_(arrive),
        owner_(owner),
        timer_(site.node(), Timer::call<&Crossing::cross>, this) {}

  bool full() const { return queue_.count() >= queue_max; }
  // Precondition: not full. Nothing that a stack noted on its packets comes along.
  void push(Packet frame) {
    frame.drop_tags();
    queue_.push(std::move(frame));
    if (timer_.armed()) return;
    crossing_ = queue_.count();
    timer_.arm(time);
  }
  // Drops what is on the way.
  void clear(std::string_view place) {
    while (Packet frame = queue_.pop()) site_.note_drop(frame.id(), drops::interface_gone, place);
  }

 private:
  // What waited when the timer was armed arrives; what came since waits a whole crossing.
  void cross() {
    for (size_t left = crossing_; left > 0; --left)
      if (Packet frame = queue_.pop()) arrive_(owner_, std::move(frame));
    crossing_ = queue_.count();
    if (crossing_ > 0) timer_.arm(time);
  }

  Site& site_;
  Arrive arrive_;
  void* owner_;
  PacketQueue queue_;
  size_t crossing_ = 0;  // of the queue's, from its front
  Timer timer_;
};

}  // namespace stackyard
