// stack/net/bpf.h - bpf(4): a program's view of the frames of an interface.
#pragma once

#include <memory>

#include "stack/kern/socket_ops.h"

namespace stackyard {

class NetStack;

std::unique_ptr<SocketOps> make_bpf(NetStack& net);

}  // namespace stackyard
