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

// A transport's connection: a change of its state, or how it stands after something happened.
struct ConnectionNote {
  NodeId node = 0;
  uint32_t stack = 0;  // of the machine's vnets: 0, the base system's
  IpAddress local, foreign;
  uint16_t local_port = 0, foreign_port = 0;
  const char* state = "";
  const char* before = nullptr;                 // the state before; null: it did not change
  const char* why = "";                         // it changed
  uint32_t cwnd = 0, ssthresh = 0, flight = 0;  // octets
  uint32_t send_window = 0, receive_window = 0, send_queue = 0;
  uint32_t retransmitted = 0;  // segments
  SimTime smoothed_rtt, rtt_variation, timeout;
  uint64_t missed = 0;  // notes before this one that nobody fetched in time
};

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
  virtual void connection(const TraceStamp&, const ConnectionNote&) {}
  virtual void log(const TraceStamp&, const LogNote&) {}
  virtual void frame(const TraceStamp&, const FrameNote&) {}
};

}  // namespace stackyard
