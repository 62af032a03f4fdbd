// stack/kern/vnet.h - one complete network stack: the state of every module, owned in one tree.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/jack/site.h"
#include "stack/kern/module.h"
#include "stack/sys/sys.h"

namespace stackyard {

class Machine;

class Vnet : public TableSource {
 public:
  // Creates the state of each module in the list's order.
  Vnet(Machine& machine, const std::vector<const ModuleRecord*>& modules);
  ~Vnet() override;  // in reverse order
  Vnet(const Vnet&) = delete;

  Machine& machine() const { return machine_; }
  Site& site() const { return site_; }

  // The state of a module that is in the list, e.g. `vnet.state<Inet>(inet_module)`. Not for a
  // packet's path: modules keep references.
  template <class State>
  State& state(const ModuleRecord& record) const {
    return static_cast<State&>(find(record));
  }

  Result<std::string> sysctl(const std::string& name) const;
  Result<> set_sysctl(const std::string& name, const std::string& value);
  std::vector<SysctlInfo> sysctls(const std::string& prefix) const;
  std::vector<CounterLine> counters() const;
  std::vector<std::string> table_names() const override;
  Table table(std::string_view name) const override;
  Result<> request(Request& request);
  Result<std::unique_ptr<SocketOps>> socket(Af family, SocketType type, int protocol);

 private:
  struct Slot {
    const ModuleRecord* record;
    std::unique_ptr<ModuleState> state;
  };
  struct FoundSysctl {
    const SysctlRecord* record;
    ModuleState* state;
  };
  ModuleState& find(const ModuleRecord& record) const;
  FoundSysctl find_sysctl(const std::string& name) const;

  Machine& machine_;
  Site& site_;
  std::vector<Slot> slots_;
};

}  // namespace stackyard
