// stack/kern/vnet.h - one complete network stack: the state of every module, owned in one tree.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/jack/site.h"
#include "stack/kern/module.h"
#include "stack/sys/sys.h"

namespace stackyard {

class Jail;
class Machine;
class SocketFile;

class Vnet : public TableSource {
 public:
  // Creates the state of the first module, which has the interfaces; the others' come when they
  // are needed.
  Vnet(Machine& machine, const std::vector<const ModuleRecord*>& modules, Jail& jail);
  // In reverse order. Descriptors of its sockets that live on elsewhere fail with ENETDOWN.
  ~Vnet() override;
  Vnet(const Vnet&) = delete;

  Machine& machine() const { return machine_; }
  Site& site() const { return site_; }
  Jail& jail() const { return jail_; }
  // Different for each vnet that the machine ever had; 0: the base system's after a boot.
  uint32_t serial() const { return serial_; }
  RandomStream random(std::string_view purpose) const;

  // The state of a module that is in the list, e.g. `vnet.state<Inet>(inet_module)`, with those of
  // the modules that it needs. Not for a packet's path: modules keep references.
  template <class State>
  State& state(const ModuleRecord& record) const {
    return static_cast<State&>(find(record));
  }
  // Null while nothing needed it.
  template <class State>
  State* state_if_there(const ModuleRecord& record) const {
    return static_cast<State*>(states_[index_of(record)].get());
  }
  const std::vector<const ModuleRecord*>& modules() const { return modules_; }
  // Creates the module that takes such frames or packets; false: none does, or it is there already.
  bool need_ether_type(uint16_t type);
  bool need_ip_protocol(uint8_t protocol);

  Result<std::string> sysctl(const std::string& name) const;
  Result<> set_sysctl(const std::string& name, const std::string& value);
  std::vector<SysctlInfo> sysctls(const std::string& prefix) const;
  std::vector<CounterLine> counters() const;
  std::vector<std::string> table_names() const override;
  Table table(std::string_view name) const override;
  Result<> request(Request& request);
  Result<std::unique_ptr<SocketOps>> socket(Af family, SocketType type, int protocol);

  // Opens "/dev/NAME". ENOENT: no module has such a device.
  Result<std::shared_ptr<OpenFile>> open_device(const std::string& name, Pid opener);
  std::vector<std::string> devices() const;  // those that exist

  // Descriptors of its sockets, so that none outlives it.
  void add_socket(SocketFile& file);
  void remove_socket(SocketFile& file);

 private:
  struct FoundSysctl {
    const SysctlRecord* record = nullptr;
    size_t module = 0;
  };
  size_t index_of(const ModuleRecord& record) const;
  ModuleState& find(const ModuleRecord& record) const;
  ModuleState& at(size_t module) const;
  FoundSysctl find_sysctl(const std::string& name) const;
  std::string show(const FoundSysctl& found) const;
  template <class Matches>
  bool need(Matches matches);

  Machine& machine_;
  Site& site_;
  Jail& jail_;
  const std::vector<const ModuleRecord*>& modules_;
  uint32_t serial_;
  bool dying_ = false;
  // One for each module; null: not needed yet. Created on demand by calls that only look up, too.
  mutable std::unique_ptr<std::unique_ptr<ModuleState>[]> states_;
  SocketFile* sockets_ = nullptr;  // a list through the files
};

}  // namespace stackyard
