// core/event/timer.h - one deadline of one object: arm, re-arm, cancel.
#pragma once

#include "core/event/simulation.h"

namespace stackyard {

namespace detail {
template <class Owner>
Owner* owner_of(void (Owner::*)());
}

// `Timer retry_{node, Timer::call<&Arp::retry>, this};` Destroying it cancels it. A timer that
// fires is idle again before its action runs, so the action may re-arm it.
class Timer {
 public:
  using Action = void (*)(void* owner);
  template <auto Method>
  static void call(void* owner) {
    (static_cast<decltype(detail::owner_of(Method))>(owner)->*Method)();
  }

  Timer(Node& node, Action action, void* owner) : node_(node), action_(action), owner_(owner) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;

  // Fires once, `delay` from now; replaces an earlier deadline. Above 0.
  void arm(SimTime delay) { start(EventKind::timer, delay); }
  // A wake-up: after everything else of its instant; the delay may be 0.
  void arm_soft(SimTime delay) { start(EventKind::soft, delay); }
  void cancel() {
    if (slot_ != no_event) node_.cancel(slot_);
    slot_ = no_event;
  }
  bool armed() const { return slot_ != no_event; }
  // The instant at which it fires; meaningful while armed.
  SimTime deadline() const { return deadline_; }

 private:
  static void fire(void* object, EventLoad) {
    Timer& timer = *static_cast<Timer*>(object);
    timer.slot_ = no_event;
    timer.action_(timer.owner_);
  }
  static constexpr EventClass event_class{.run = fire};
  void start(EventKind kind, SimTime delay) {
    cancel();
    deadline_ = node_.now() + delay;
    slot_ = node_.schedule(kind, delay, event_class, this);
  }

  Node& node_;
  Action action_;
  void* owner_;
  SimTime deadline_;
  EventSlot slot_ = no_event;
};

}  // namespace stackyard
