// stack/interfaces/api/bridge_requests.h - what ifconfig(8) asks of bridge(4).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/l2/spanning_tree.h"
#include "stack/sys/request.h"

namespace stackyard {

// Bits of ifbr_ifsflags. A span port has that alone.
namespace bridge_flag {
constexpr uint32_t learning = 0x1, discover = 0x2, stp = 0x4, span = 0x8, sticky = 0x10,
                   edge = 0x20, auto_edge = 0x40, ptp = 0x80, auto_ptp = 0x100, admin_edge = 0x200,
                   admin_cost = 0x400, is_private = 0x800;
constexpr uint32_t defaults = learning | discover | auto_edge | auto_ptp;
}  // namespace bridge_flag

struct BridgeMemberInfo {
  std::string name;
  uint32_t flags;
  uint32_t addresses_max;  // 0: no limit
  uint32_t port;           // the interface's index
  uint32_t path_cost;
  uint32_t priority;
  std::optional<SpanningTree::PortInfo> stp = {};  // none: it does not take part
};

// EINVAL: not a bridge.
struct GetBridge : RequestOf<GetBridge> {
  static constexpr RequestKind kind_of{"bridge", "get bridge", true};
  std::string name;
  uint32_t addresses_max = 0, timeout = 0;  // timeout in seconds
  StpBridgeConfig stp;                      // its address is 0 while no member takes part
  BridgeId root;
  uint32_t root_cost = 0, root_port = 0;  // the port: its interface's index
  std::vector<BridgeMemberInfo> members;  // the latest first; span ports last
};

struct BridgeAddressInfo {
  MacAddress address;
  uint16_t vlan;
  std::string interface;
  uint32_t expires;  // seconds; 0: never
  uint32_t flags;    // 1: static, 2: sticky
};
struct ListBridgeAddresses : RequestOf<ListBridgeAddresses> {
  static constexpr RequestKind kind_of{"bridge", "list addresses", true};
  std::string name;
  std::vector<BridgeAddressInfo> addresses;  // by VLAN and address
};

enum class BridgeAction : uint8_t {
  add,             // interface. ENOENT: no such interface; EEXIST: it is one already; EBUSY: of
                   // another bridge, or a span port; EINVAL: cannot be one, or has another MTU
  remove,          // interface. ENOENT
  add_span,        // the same errors
  remove_span,     // ENOENT
  set_flags,       // interface, value: bits. ENOENT
  clear_flags,     // the same
  set_address,     // interface, address: a static entry. ENOENT, ENOSPC
  delete_address,  // address. ENOENT
  flush,           // what was learnt
  flush_all,
  addresses_max,         // value
  timeout,               // value: seconds
  member_addresses_max,  // interface, value. ENOENT
  // Of the spanning tree, each with a value. EINVAL: out of range. EPERM: the hello time of RSTP.
  priority,
  max_age,  // seconds, as the next two
  hello_time,
  forward_delay,
  hold_count,
  version,           // an StpVersion
  member_priority,   // interface. ENOENT
  member_path_cost,  // interface; 0: by its rate. ENOENT
};

// EINVAL: not a bridge.
struct ChangeBridge : RequestOf<ChangeBridge> {
  static constexpr RequestKind kind_of{"bridge", "change bridge"};
  std::string name;
  BridgeAction action = BridgeAction::add;
  std::string interface;
  MacAddress address;
  uint32_t value = 0;
};

}  // namespace stackyard
