// stack/net/cloner.h - kinds of interfaces that are made and destroyed by name (if_clone(9)).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "stack/kern/module.h"
#include "stack/net/ifnet.h"

namespace stackyard {

// What a cloner is asked to make: `name` is free in the stack, and so are those of further
// interfaces that `companions` names.
struct CloneRequest {
  NetStack& net;
  std::string name;
  uint32_t unit;
  const CloneParams& params;
};

struct ClonerRecord {
  const char* name;     // "epair": ifconfig -C shows it
  const char* summary;  // one line
  // Makes the interfaces and attaches them; gives the name to print ("epair0a").
  Result<std::string> (*create)(const CloneRequest& request);
  // Takes it away, with what belongs to it. Null: it is detached, and that is all.
  void (*destroy)(Ifnet& interface) = nullptr;
  // Names of unit `N` beside NAME + N itself: epair's "epair0a" and "epair0b". Null: just that.
  std::vector<std::string> (*names)(const std::string& name_and_unit) = nullptr;
  // The unit that the stack itself made and that cannot be destroyed (lo0); -1: none.
  int permanent_unit = -1;
  // Accepts names that are not NAME + number ("em0.5") and have no unit. Null: none.
  bool (*accepts)(NetStack& net, const std::string& name) = nullptr;
};

}  // namespace stackyard
