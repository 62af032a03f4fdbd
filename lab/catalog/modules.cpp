#include "lab/catalog/catalog.h"
#include "stack/dummynet/dummynet.h"
#include "stack/inet/inet.h"
#include "stack/inet6/inet6.h"
#include "stack/interfaces/bridge.h"
#include "stack/interfaces/epair.h"
#include "stack/interfaces/lo.h"
#include "stack/interfaces/tuntap.h"
#include "stack/interfaces/vlan.h"
#include "stack/ip/ip_stack.h"
#include "stack/ipfw/ipfw.h"
#include "stack/local/local.h"
#include "stack/nat/nat.h"
#include "stack/nat64/nat64.h"
#include "stack/net/net_stack.h"
#include "stack/tcp/tcp.h"
#include "stack/udp/udp.h"

namespace stackyard {

std::vector<const ModuleRecord*> stack_modules() {
  return {&net_module,   &lo_module,       &epair_module, &bridge_module,
          &vlan_module,  &tuntap_module,   &ip_module,    &inet_module,
          &inet6_module, &udp_module,      &tcp_module,   &local_module,
          &ipfw_module,  &dummynet_module, &nat_module,   &nat64_module};
}

}  // namespace stackyard
