// stack/net/route_socket.h - routing sockets (route(4)): requests in, changes out to all listeners.
#pragma once

#include <memory>

#include "stack/kern/socket_ops.h"

namespace stackyard {

class NetStack;

// Hears of one address family (Af's number), or of all: 0.
std::unique_ptr<SocketOps> make_route_socket(NetStack& net, int family);

}  // namespace stackyard
