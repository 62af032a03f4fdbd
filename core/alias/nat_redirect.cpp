#include "core/alias/nat_redirect.h"

namespace stackyard {

bool add_redirect(Alias& alias, const NatRedirect& r, SimTime now) {
  if (r.what == NatRedirect::What::protocol)
    return alias.redirect_protocol(r.protocol, r.local, r.alias, r.remote, now) != 0;
  if (r.what == NatRedirect::What::address) {
    const uint32_t id = alias.redirect_address(r.local, r.alias, now);
    for (const AliasServer& server : r.servers) alias.add_server(id, server);
    return id != 0;
  }
  for (uint16_t i = 0; i < r.ports; ++i) {
    const auto behind = [&](uint16_t first) { return first == 0 ? first : uint16_t(first + i); };
    const uint16_t remote = r.remote_ports > 1 ? behind(r.remote_port) : r.remote_port;
    const uint32_t id = alias.redirect_port({.protocol = r.protocol,
                                             .local = r.local,
                                             .alias = r.alias,
                                             .remote = r.remote,
                                             .local_port = behind(r.local_port),
                                             .alias_port = behind(r.alias_port),
                                             .remote_port = remote},
                                            now);
    if (id == 0) return false;
    for (const AliasServer& server : r.servers) alias.add_server(id, server);
  }
  return true;
}

}  // namespace stackyard
