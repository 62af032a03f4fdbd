// userland/net/netstat_fields.h - how netstat(1) calls counters in libxo's output.
#pragma once

#include "core/table/table.h"
#include "stack/sys/sys.h"

namespace stackyard {

// "received-packets" for ips_total; the kernel's own name for a counter that is not in the list.
std::string netstat_field(const CounterLine& line);

// netstat -g, of the families named.
Task<int> show_multicast_routes(Sys& sys, bool inet, bool inet6);

}  // namespace stackyard
