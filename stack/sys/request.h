// stack/sys/request.h - typed requests: what ioctl(2) and sysctl(3)'s structures are elsewhere.
//
// A module declares plain structs in its api/ folder; each has a RequestKind that names the module.
// Commands fill one in and pass it to Sys::request; the kernel hands it to the module's state.
#pragma once

#include <string>
#include <vector>

#include "stack/sys/types.h"

namespace stackyard {

struct RequestKind {
  const char* module;
  const char* name;
  bool asks = false;  // changes nothing: allowed to everybody, and creates no state
};

struct Request {
  explicit Request(const RequestKind& k) : kind(&k) {}
  const RequestKind* kind;
};

// `struct AddRoute : RequestOf<AddRoute> { static constexpr RequestKind kind_of{"inet", "add"};
// ...`
template <class Derived>
struct RequestOf : Request {
  RequestOf() : Request(Derived::kind_of) {}
};

// if_nametoindex(3) and if_indextoname(3): whichever is given gives the other. ENXIO.
struct InterfaceIndex : RequestOf<InterfaceIndex> {
  static constexpr RequestKind kind_of{"net", "interface index", true};
  std::string name;
  uint32_t index = 0;
};

// RFC 6724 s6: puts a host's addresses into the order in which they are to be tried. Not `ordered`:
// there is nobody who knows.
struct OrderDestinations : RequestOf<OrderDestinations> {
  static constexpr RequestKind kind_of{"inet6", "order destinations", true};
  std::vector<SockAddr> names;
  bool ordered = false;
};

}  // namespace stackyard
