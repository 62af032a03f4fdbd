// userland/lib/services.h - names of ports (services(5)) and of hosts, as getaddrinfo(3) has them.
#pragma once

#include "stack/sys/sys.h"

namespace stackyard {

// A port by number or by name: of /etc/services where there is one, else of the usual ones.
Task<std::optional<uint16_t>> service_port(Sys& sys, std::string name, std::string protocol);
// The same, by what /etc/services says, for parsers that cannot wait; an empty protocol is any.
std::optional<uint16_t> find_port(const std::string& file, const std::string& name,
                                  const std::string& protocol);
// The usual name of a port; empty: it has none.
std::string service_name(uint16_t port);

}  // namespace stackyard
