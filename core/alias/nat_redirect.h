// core/alias/nat_redirect.h - what ipfw(8) and natd(8) call a redirection: ranges of ports, pools
// of servers.
#pragma once

#include "core/alias/alias.h"

namespace stackyard {

struct NatRedirect {
  enum class What : uint8_t { port, address, protocol };
  What what{};
  uint8_t protocol = 0;
  Ipv4Address local, alias, remote;  // any: the instance's address; the remote one: anybody
  uint16_t local_port = 0, alias_port = 0, remote_port = 0;  // the first ones of ranges
  uint16_t ports = 1, remote_ports = 0;
  std::vector<AliasServer> servers;  // instead of `local`, in turn
};

// False: the table is full.
bool add_redirect(Alias& alias, const NatRedirect& redirect, SimTime now);

}  // namespace stackyard
