#include "lab/catalog/catalog.h"
#include "stack/inet/inet.h"
#include "stack/inet6/inet6.h"
#include "stack/interfaces/epair.h"
#include "stack/interfaces/lo.h"
#include "stack/ip/ip_stack.h"
#include "stack/local/local.h"
#include "stack/net/net_stack.h"
#include "stack/udp/udp.h"

namespace stackyard {

std::vector<const ModuleRecord*> stack_modules() {
  return {&net_module,  &lo_module,    &epair_module, &ip_module,
          &inet_module, &inet6_module, &udp_module,   &local_module};
}

}  // namespace stackyard
