// stack/inet/api/inet_requests.h - what ifconfig, route, arp and netstat ask about IPv4.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/time.h"
#include "stack/sys/request.h"

namespace stackyard {

struct InterfaceAddress {
  std::string interface;
  Ipv4Prefix address;
  Ipv4Address broadcast;  // 0: none
  Ipv4Address peer;       // of a point-to-point link
};

struct ListAddresses : RequestOf<ListAddresses> {
  static constexpr RequestKind kind_of{"inet", "list addresses", true};
  std::vector<InterfaceAddress> addresses;  // by interface, the first is its primary
};
// EEXIST: the address is there already.
struct AddAddress : RequestOf<AddAddress> {
  static constexpr RequestKind kind_of{"inet", "add address"};
  std::string interface;
  Ipv4Prefix address;
  std::optional<Ipv4Address> second;  // the broadcast address, or the peer of a point-to-point link
  bool replace = false;               // instead of the interface's primary address
};
// EADDRNOTAVAIL: it is not there.
struct DeleteAddress : RequestOf<DeleteAddress> {
  static constexpr RequestKind kind_of{"inet", "delete address"};
  std::string interface;
  std::optional<Ipv4Address> address;  // none: the primary
};

struct ArpInfo {
  Ipv4Address address;
  std::optional<MacAddress> mac;  // none: incomplete
  std::string interface;
  bool permanent = false;
  bool published = false;
  int64_t expires_s = 0;  // rounded up; negative: expired
};
struct ListArp : RequestOf<ListArp> {
  static constexpr RequestKind kind_of{"inet", "list arp", true};
  std::vector<ArpInfo> entries;
};
// ENETUNREACH: the address is on no connected Ethernet.
struct SetArp : RequestOf<SetArp> {
  static constexpr RequestKind kind_of{"inet", "set arp"};
  Ipv4Address address;
  MacAddress mac;
  bool temporary = false;
  bool published = false;
};
// ENOENT.
struct DeleteArp : RequestOf<DeleteArp> {
  static constexpr RequestKind kind_of{"inet", "delete arp"};
  Ipv4Address address;
};

struct GroupInfo {
  std::string interface;
  Ipv4Address group;
};
struct ListGroups : RequestOf<ListGroups> {
  static constexpr RequestKind kind_of{"inet", "list groups", true};
  std::vector<GroupInfo> groups;
};

}  // namespace stackyard
