// stack/kern/module.h - a module of a stack is a record: what it is called, needs, shows and makes.
//
// The list of records is explicit (lab/catalog/modules.cpp): order is visible, and every vnet gets
// its own state of each.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/table/table.h"
#include "stack/kern/socket_ops.h"
#include "stack/sys/request.h"

namespace stackyard {

class Vnet;

// A module's state in one vnet. Destroying it stops every timer and frees everything.
class ModuleState {
 public:
  virtual ~ModuleState() = default;
};

// A setting. Numbers are checked against the range; a text has no accessor for a number.
struct SysctlRecord {
  const char* name;
  const char* summary;
  int64_t& (*number)(ModuleState&) = nullptr;
  int64_t least = 0, most = INT32_MAX;
  bool writable = true;
  std::string (*show)(const ModuleState&) = nullptr;  // read-only texts
  void (*changed)(ModuleState&) = nullptr;            // after a number was set
};

struct CounterRecord {
  const char* group;
  const char* name;
  const char* text;  // see CounterLine
  uint64_t (*value)(const ModuleState&);
};

struct TableRecord {
  const char* name;
  Table (*rows)(const ModuleState&);
};

struct RequestRecord {
  const RequestKind* kind;
  Result<> (*handle)(ModuleState&, Request&);
};

struct SocketRecord {
  Af family;
  SocketType type;
  int protocol;  // -1: any
  Result<std::unique_ptr<SocketOps>> (*create)(ModuleState&, int protocol);
};

struct ModuleRecord {
  const char* name;
  const char* summary;
  const char* needs[4];  // modules that come earlier in the list; null: no more
  std::unique_ptr<ModuleState> (*create)(Vnet&);
  std::span<const SysctlRecord> sysctls = {};
  std::span<const CounterRecord> counters = {};
  std::span<const TableRecord> tables = {};
  std::span<const RequestRecord> requests = {};
  std::span<const SocketRecord> sockets = {};
};

}  // namespace stackyard
