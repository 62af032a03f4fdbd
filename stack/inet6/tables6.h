// stack/inet6/tables6.h - the tables that the module shows.
#pragma once

#include "stack/kern/module.h"

namespace stackyard {

extern const TableRecord tables6[4];

}  // namespace stackyard
