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

class OpenFile;
class Vnet;

// A module's state in one vnet, created by the first packet, call or setting that needs it.
// Destroying it stops every timer and frees everything.
class ModuleState {
 public:
  virtual ~ModuleState() = default;
  // A plain struct of int64_t: the module's shared defaults until one is set.
  const void* settings_data() const { return settings_; }
  // The same, the vnet's own from now on.
  virtual void* own_settings() { return nullptr; }

 protected:
  const void* settings_ = nullptr;
};

template <class Settings>
class StateWithSettings : public ModuleState {
 public:
  explicit StateWithSettings(const Settings& defaults) { settings_ = &defaults; }
  const Settings& settings() const { return *static_cast<const Settings*>(settings_); }
  void* own_settings() final {
    if (!own_) own_ = std::make_unique<Settings>(settings());
    settings_ = own_.get();
    return own_.get();
  }

 private:
  std::unique_ptr<Settings> own_;
};

// A setting. Numbers are checked against the range; a text has no accessor for a number.
struct SysctlRecord {
  const char* name;
  const char* summary;
  const int64_t& (*number)(const void* settings) = nullptr;  // a member of the settings' struct
  int64_t least = 0, most = INT32_MAX;
  bool writable = true;
  std::string (*show)(const ModuleState*) = nullptr;                 // texts; null: no state yet
  void (*changed)(ModuleState&) = nullptr;                           // after a number was set
  Result<> (*set_text)(ModuleState&, const std::string&) = nullptr;  // null: texts are read-only
};

struct CounterRecord {
  const char* group;
  const char* name;
  const char* text;  // see CounterLine
  uint64_t (*value)(const ModuleState&);
  uint64_t (*second)(const ModuleState&) = nullptr;
};

struct TableRecord {
  const char* name;
  Table (*rows)(const ModuleState*);  // null: no state yet, so the columns alone
};

struct RequestRecord {
  const RequestKind* kind;
  Result<> (*handle)(ModuleState&, Request&);
  Errno absent = Errno::ok;  // the answer to a question while the module has no state
};

struct SocketRecord {
  Af family;
  SocketType type;
  int protocol;  // -1: any
  Result<std::unique_ptr<SocketOps>> (*create)(ModuleState&, int protocol);
};

// A kind of interface that `ifconfig NAME create` makes (if_clone(9)); see stack/net/cloner.h.
struct ClonerRecord;

// A kind of device: "/dev/NAME" and "/dev/NAME" with a number. Each vnet has its own.
struct DeviceRecord {
  const char* name;
  Result<std::shared_ptr<OpenFile>> (*open)(ModuleState&, const std::string& name, Pid opener);
  std::vector<std::string> (*list)(const ModuleState&);
};

struct ModuleRecord {
  const char* name;
  const char* summary;
  const char* needs[4];  // modules that come earlier in the list; null: no more
  std::unique_ptr<ModuleState> (*create)(Vnet&);
  const void* settings = nullptr;              // the defaults
  std::span<const uint16_t> ether_types = {};  // frames that the module must be there for
  std::span<const uint8_t> ip_protocols = {};  // and packets
  std::span<const SysctlRecord> sysctls = {};
  std::span<const CounterRecord> counters = {};
  std::span<const TableRecord> tables = {};
  std::span<const RequestRecord> requests = {};
  std::span<const SocketRecord> sockets = {};
  std::span<const ClonerRecord> cloners = {};
  std::span<const DeviceRecord> devices = {};
};

}  // namespace stackyard
