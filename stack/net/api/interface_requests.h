// stack/net/api/interface_requests.h - what ifconfig(8) and netstat(1) ask about interfaces.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "stack/sys/request.h"

namespace stackyard {

// Bits of if_flags (ifnet(9)).
namespace if_flag {
constexpr uint32_t up = 0x1, broadcast = 0x2, debug = 0x4, loopback = 0x8, point_to_point = 0x10,
                   running = 0x40, noarp = 0x80, promiscuous = 0x100, simplex = 0x800,
                   link0 = 0x1000, link1 = 0x2000, link2 = 0x4000, multicast = 0x8000,
                   always_promiscuous = 0x20000, monitor = 0x40000, static_arp = 0x80000;
// What ifconfig(8) may set and clear without any further effect on the interface.
constexpr uint32_t plain = debug | noarp | link0 | link1 | link2 | monitor | static_arp;
}  // namespace if_flag

// Bits of if_capabilities and if_capenable.
namespace if_option {
constexpr uint32_t rxcsum = 0x1, txcsum = 0x2, vlan_mtu = 0x8, vlan_hwtag = 0x10,
                   vlan_hwcsum = 0x80, tso4 = 0x100, tso6 = 0x200, lro = 0x400,
                   link_state = 0x80000, rxcsum6 = 0x200000, txcsum6 = 0x400000;
constexpr uint32_t checksums = rxcsum | txcsum | rxcsum6 | txcsum6;
}  // namespace if_option

struct InterfaceCounters {
  uint64_t packets_in = 0, octets_in = 0, errors_in = 0, drops_in = 0;
  uint64_t packets_out = 0, octets_out = 0, errors_out = 0, drops_out = 0;
};

struct InterfaceInfo {
  std::string name;
  uint32_t index = 0;
  uint32_t flags = 0;
  uint32_t mtu = 0;
  int metric = 0;
  int fib = 0;
  uint32_t options = 0;       // if_option: enabled
  uint32_t capabilities = 0;  // if_option: could be
  int pcp = -1;               // of priority tags on all frames; -1: no tags
  std::string driver;         // its first name: "epair0a"
  std::optional<MacAddress> mac;
  std::string media;   // "Ethernet autoselect (1000baseT <full-duplex>)", or ""
  std::string status;  // "active", "no carrier", or ""
  int opened_by = 0;   // a pid: who has the device of a tap or tun open
  std::string description;
  std::vector<std::string> groups;
  InterfaceCounters counters;
};

struct ListInterfaces : RequestOf<ListInterfaces> {
  static constexpr RequestKind kind_of{"net", "list interfaces", true};
  std::vector<InterfaceInfo> interfaces;  // by index
};

// Changes what is set. ENXIO: no such interface.
struct SetInterface : RequestOf<SetInterface> {
  static constexpr RequestKind kind_of{"net", "set interface"};
  std::string name;
  std::optional<bool> up, arp, promiscuous;
  uint32_t set_flags = 0, clear_flags = 0;      // of if_flag::plain
  uint32_t set_options = 0, clear_options = 0;  // if_option; what it cannot do is left alone
  std::optional<uint32_t> mtu;
  std::optional<MacAddress> mac;
  std::optional<std::string> description;
  std::optional<int> fib, metric;
  std::optional<int> pcp;  // 0 to 7, 255: none
  std::vector<std::string> add_groups, remove_groups;
};

struct ListCloners : RequestOf<ListCloners> {
  static constexpr RequestKind kind_of{"net", "list cloners", true};
  std::vector<std::string> names;  // sorted
};

// What a new vlan(4) is told at once; other kinds ignore it.
struct CloneParams {
  std::string parent;
  std::optional<uint32_t> tag;
  uint16_t protocol = 0x8100;
};

// ifconfig(8)'s create: "epair" or "epair3"; `name` becomes what was made ("epair3a"). EINVAL: no
// such kind, EEXIST; ENXIO: no such parent.
struct CreateInterface : RequestOf<CreateInterface> {
  static constexpr RequestKind kind_of{"net", "create interface"};
  std::string name;
  CloneParams params;
};
// ENXIO, EINVAL: cannot be destroyed.
struct DestroyInterface : RequestOf<DestroyInterface> {
  static constexpr RequestKind kind_of{"net", "destroy interface"};
  std::string name;
};
// ENXIO, EEXIST, EINVAL.
struct RenameInterface : RequestOf<RenameInterface> {
  static constexpr RequestKind kind_of{"net", "rename interface"};
  std::string name, new_name;
};
// Into a jail of the caller (by name or jid), or from it. ENXIO: no such interface or jail; EEXIST:
// it is there, or its name is.
struct MoveInterface : RequestOf<MoveInterface> {
  static constexpr RequestKind kind_of{"net", "move interface"};
  enum class Direction { to_jail, from_jail };
  std::string name, jail;
  Direction direction = Direction::to_jail;
};

}  // namespace stackyard
