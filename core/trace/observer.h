// core/trace/observer.h - what a run tells those who watch it.
//
// Observers never schedule, draw, allocate ids or create state: a run with and without them is the
// same run.
#pragma once

#include <string_view>

#include "core/base/drop.h"
#include "core/base/ids.h"
#include "core/base/ip_address.h"

namespace stackyard {

// Where in the total order something was noted: the key of the event, and a count within it.
struct TraceStamp {
  EventKey key;
  uint32_t number = 0;
  auto operator<=>(const TraceStamp&) const = default;
};

// A packet died at `node`; `place` is "em0", "arp", "link1"...; `detail` what decided, or "".
struct DropNote {
  NodeId node;
  PacketId packet;
  const DropReason* reason;
  std::string_view place;
  std::string_view detail;
};

// What a stack decided about a packet, and by what.
enum class DecisionKind : uint8_t { local, route, neighbour, socket, rule };
struct DecisionNote {
  NodeId node;
  PacketId packet;
  DecisionKind kind;
  IpAddress address;   // route: destination; neighbour: next hop; socket: source
  IpAddress network;   // route: the entry's
  uint32_t by;         // socket: the foreign port; rule: its number
  uint16_t by_length;  // route: the entry's prefix length; socket: the local port
  uint16_t interface;  // index of the interface chosen
};
std::string_view decision_name(DecisionKind kind);

// A line of a machine's log.
struct LogNote {
  NodeId node;
  std::string_view line;
};

// A frame that passed a tap. `octets` may be cut to the tap's snapshot length.
struct FrameNote {
  uint32_t tap;
  NodeId node;
  PacketId packet;
  uint32_t length;  // on the wire
  bool outbound;
  Bytes octets;
};

// Notes come in the total order of their stamps.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void drop(const TraceStamp&, const DropNote&) {}
  virtual void decision(const TraceStamp&, const DecisionNote&) {}
  virtual void log(const TraceStamp&, const LogNote&) {}
  virtual void frame(const TraceStamp&, const FrameNote&) {}
};

}  // namespace stackyard
