// stack/interfaces/lo.h - lo(4), the software loopback interface.
#pragma once

#include "stack/net/net_stack.h"

namespace stackyard {

// Packets come back as events, 1 us later, through a bounded queue: never as a call.
std::unique_ptr<Ifnet> make_loopback(NetStack& net, std::string name);

}  // namespace stackyard
