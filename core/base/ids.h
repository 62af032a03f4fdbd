// core/base/ids.h - identities that order events and name packets, and the order itself.
#pragma once

#include <compare>
#include <cstdint>

#include "core/base/time.h"

namespace stackyard {

// A node of the lab: a machine with all its jails, a switch, a hub or a door. 0 is the world.
// Ids come from lab order, are never reused, and fit in 24 bits.
using NodeId = uint32_t;
constexpr NodeId world_node = 0;
constexpr NodeId node_id_max = (1u << 24) - 1;

// Origin node (24 bits) | that node's packet counter (40 bits). 0: no packet.
using PacketId = uint64_t;
constexpr PacketId make_packet_id(NodeId origin, uint64_t counter) {
  return uint64_t(origin) << 40 | counter;
}
constexpr NodeId packet_origin(PacketId id) { return NodeId(id >> 40); }
constexpr uint64_t packet_number(PacketId id) { return id & ((uint64_t(1) << 40) - 1); }

// At one instant: what comes from outside, then arrivals, timers, soft events, observations.
enum class EventKind : uint8_t { outside, arrival, timer, soft, observation };

// The total order of events. Nothing else ever decides what happens first.
struct EventKey {
  SimTime time;
  EventKind kind = EventKind::outside;
  NodeId target = world_node;
  NodeId source = world_node;
  uint64_t sequence = 0;
  auto operator<=>(const EventKey&) const = default;
};

}  // namespace stackyard
