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
constexpr uint32_t up = 0x1, broadcast = 0x2, loopback = 0x8, point_to_point = 0x10, running = 0x40,
                   noarp = 0x80, promiscuous = 0x100, simplex = 0x800, multicast = 0x8000;
}

struct InterfaceCounters {
  uint64_t packets_in = 0, octets_in = 0, errors_in = 0, drops_in = 0;
  uint64_t packets_out = 0, octets_out = 0, errors_out = 0, drops_out = 0;
};

struct InterfaceInfo {
  std::string name;
  uint32_t index = 0;
  uint32_t flags = 0;
  uint32_t mtu = 0;
  int fib = 0;
  std::optional<MacAddress> mac;
  std::string media;   // "Ethernet autoselect (1000baseT <full-duplex>)", or ""
  std::string status;  // "active", "no carrier", or ""
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
  std::optional<uint32_t> mtu;
  std::optional<MacAddress> mac;
  std::optional<std::string> description;
  std::optional<int> fib;
  std::vector<std::string> add_groups, remove_groups;
};

struct ListCloners : RequestOf<ListCloners> {
  static constexpr RequestKind kind_of{"net", "list cloners", true};
  std::vector<std::string> names;  // sorted
};

// ifconfig(8)'s create: "epair" or "epair3"; `name` becomes what was made ("epair3a"). EINVAL: no
// such kind, EEXIST.
struct CreateInterface : RequestOf<CreateInterface> {
  static constexpr RequestKind kind_of{"net", "create interface"};
  std::string name;
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
