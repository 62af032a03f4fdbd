// lab/spec/networks.h - networks: what a broadcast reaches by links, hubs, switch VLANs, bridges,
// epairs and vlan interfaces of the file. Private to lab/spec.
#pragma once

#include <optional>
#include <vector>

#include "lab/spec/lab_spec.h"

namespace stackyard {

struct NetworkMember {
  size_t node;
  size_t interface;
};

struct Network {
  std::vector<size_t> links;           // those whose untagged frames are its own
  std::vector<NetworkMember> members;  // in node order, then interface order
  std::optional<Ipv4Prefix> subnet;
  std::optional<Ipv6Prefix> subnet6;
};

// In the order of their first links, then of their first members. Sets InterfaceSpec::network.
std::vector<Network> find_networks(LabSpec& lab);

// IPv6 subnets, and an automatic IPv6 address beside each automatic one where there is a subnet.
void assign_addresses6(LabSpec& lab, std::vector<Network>& networks, Problems& problems);

}  // namespace stackyard
