// core/wire/link/bpdu.h - what bridges tell each other about the tree: Configuration, Topology
// Change Notification and Rapid Spanning Tree BPDUs (IEEE 802.1D-2004 clause 9).
#pragma once

#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/time.h"
#include "core/wire/drops.h"

namespace stackyard {

// 802.1D s9.2.5: the smaller, the better.
struct BridgeId {
  uint16_t priority = 0;
  MacAddress mac;
  auto operator<=>(const BridgeId&) const = default;
};

enum class BpduKind : uint8_t { config, topology_change, rapid };
enum class BpduRole : uint8_t { unknown, alternate, root, designated };  // alternate: or backup

struct Bpdu {
  BpduKind kind = BpduKind::rapid;
  bool topology_change = false, topology_change_ack = false;
  // A rapid one's only.
  bool proposal = false, learning = false, forwarding = false, agreement = false;
  BpduRole role = BpduRole::unknown;
  // Not in a topology change notification.
  BridgeId root;
  uint32_t root_cost = 0;
  BridgeId bridge;
  uint16_t port = 0;
  SimTime message_age, max_age, hello_time, forward_delay;  // on the wire: 1/256 s
  bool operator==(const Bpdu&) const = default;
};

// 802.1D table 7-10: the Bridge Group Address; and LLC's (802.2) of these frames.
constexpr MacAddress bridge_group{{0x01, 0x80, 0xc2, 0, 0, 0}};
constexpr uint8_t llc_spanning_tree = 0x42;

// Octets after LLC; what follows a BPDU is ignored (802.1D s9.3.4).
Parsed<Bpdu> parse_bpdu(Bytes octets);
// Of a whole frame, without a tag, for the bridge group.
Parsed<Bpdu> parse_bpdu_frame(Bytes frame);
std::vector<uint8_t> emit_bpdu(const Bpdu& bpdu);
// Padded to the smallest frame.
std::vector<uint8_t> bpdu_frame(MacAddress from, const Bpdu& bpdu);
// "STP 802.1w, Rapid STP, Flags [Learn, Forward], bridge-id 8000.02:00:00:00:00:01.8001"
std::string describe(const Bpdu& bpdu);

}  // namespace stackyard
