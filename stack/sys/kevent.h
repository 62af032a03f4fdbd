// stack/sys/kevent.h - kqueue(2)'s events as plain values.
#pragma once

#include <cstdint>

namespace stackyard {

enum class EventFilter : uint8_t {
  read,     // ident: a descriptor; data: octets that can be read, or connections to accept
  write,    // ident: a descriptor
  process,  // ident: a pid; fflags: note::exit; data: its exit status
  signal,   // ident: a signal's number; data: how often it came since the last time
  timer,    // ident: any; data: its period, in milliseconds unless fflags say otherwise
  user      // ident: any; fires by note::trigger
};

// EV_*: what to do with an event, and what is known about one that is delivered.
namespace kevent_flag {
constexpr uint16_t add = 0x1, remove = 0x2, enable = 0x4, disable = 0x8, one_shot = 0x10,
                   clear = 0x20, receipt = 0x40, dispatch = 0x80, error = 0x4000, eof = 0x8000;
}  // namespace kevent_flag

// NOTE_*: by filter.
namespace note {
constexpr uint32_t exit = 0x80000000;
constexpr uint32_t seconds = 1, milliseconds = 2, microseconds = 4, nanoseconds = 8;
constexpr uint32_t ff_and = 0x40000000, ff_or = 0x80000000, ff_copy = 0xc0000000,
                   ff_control = 0xc0000000, ff_flags = 0x00ffffff, trigger = 0x01000000;
}  // namespace note

struct KernelEvent {
  int64_t ident = 0;
  EventFilter filter = EventFilter::read;
  uint16_t flags = 0;
  uint32_t fflags = 0;
  int64_t data = 0;
  uint64_t udata = 0;  // comes back as it was given
};

}  // namespace stackyard
