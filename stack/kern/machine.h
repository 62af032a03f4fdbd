// stack/kern/machine.h - one simulated computer: files, processes, its log, and its base stack.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/jack/nic_device.h"
#include "core/jack/site.h"
#include "stack/kern/file_system.h"
#include "stack/kern/jail.h"
#include "stack/kern/process.h"
#include "stack/kern/vnet.h"

namespace stackyard {

// What a machine is made of: the lists of lab/catalog, which outlive it.
struct MachineParts {
  const std::vector<const ModuleRecord*>& modules;
  const std::vector<const Command*>& commands;
};

struct RunRequest {
  Args args;                                 // {"sh", "-c", "ping -c 1 b"}
  Program program;                           // empty: args[0] names a command
  std::shared_ptr<OpenFile> output, errors;  // null: thrown away
  std::shared_ptr<OpenFile> input;           // null: empty
  std::function<void(int status)> on_exit;   // null: nobody waits
  Jail* jail = nullptr;                      // null: the machine's base system
  int fib = 0;
  std::shared_ptr<ProcessClient> client;  // whom it acts for; null: nobody
  Pid pid = 0;                            // of the client; 0, or taken: the next free one
  std::string folder;                     // "": root's home
  SimTime delay = Process::wake_delay;    // until it begins
};

class Machine : public TableSource {
 public:
  Machine(Site& site, std::string hostname, const MachineParts& parts);
  ~Machine() override;
  Machine(const Machine&) = delete;

  Site& site() const { return site_; }
  // The base system's.
  Vnet& vnet() { return base_->vnet(); }
  const Vnet& vnet() const { return base_->vnet(); }
  Jail& base() { return *base_; }
  const Jail& base() const { return *base_; }
  const std::vector<const ModuleRecord*>& modules() const { return parts_.modules; }
  // Link addresses for two interfaces that software makes; no other interface of the lab has them.
  std::pair<MacAddress, MacAddress> new_mac_pair();
  uint32_t next_vnet_serial() { return vnets_made_++; }
  FileSystem& files() { return files_; }
  const std::string& hostname() const { return base_->hostname(); }
  // kenv(1): settings that every vnet made from now on begins with.
  const std::map<std::string, std::string>& tunables() const { return tunables_; }
  void set_tunable(const std::string& name, const std::string& value) { tunables_[name] = value; }

  // --- jails: names and ids are those that a process in `viewer` may use (jail.cpp) ---
  Jail* find_jail(const std::string& name, const Jail& viewer);
  // Whatever the viewer; null: it is gone.
  const Jail* jail_by_id(int jid) const {
    const auto found = jails_.find(jid);
    return found == jails_.end() ? nullptr : found->second;
  }
  // The one with the next higher jid; null: none.
  Jail* next_jail(int after, const Jail& viewer);
  Result<Jail*> set_jail(const JailParams& params, unsigned flags, Jail& caller,
                         std::string& message);
  // With the jails below it, its processes, and its stack. Not from inside it.
  void remove_jail(Jail& jail);
  void remove_later(const Jail& jail);

  SimTime booted() const { return booted_; }

  // Appends to /var/log/messages and tells the observers.
  void log(const std::string& line);
  std::string log_text() const;
  uint64_t random() { return random_.next(); }

  // Starts a process from outside any process: the lab's exec lines, the console, checks.
  Process& run(RunRequest request);
  Process& add_process(Pid parent, Args args, Jail& jail, Pid pid = 0);
  Process* process(Pid pid);
  std::vector<Process*> children_of(Pid pid);
  void reap(Pid pid);
  void process_ended(Process& process);
  // Gives a process a new pid, this one if it is free; its old one ends with status 0 (daemon(3)).
  void detach(Process& process, Pid pid = 0);
  // Pids of processes that act for nobody outside begin here.
  void set_first_pid(Pid pid) { next_pid_ = pid; }
  // Those in a jail and the jails below it.
  std::vector<ProcessInfo> processes(const Jail& viewer) const;
  std::vector<SocketInfo> sockets(const Jail& viewer) const;
  const Command* find_command(const std::string& name) const;
  const std::vector<const Command*>& commands() const { return parts_.commands; }

  // As a process in `jail` has them.
  Result<std::string> sysctl(const std::string& name, const Jail& jail) const;
  Result<> set_sysctl(const std::string& name, const std::string& value, Jail& jail);
  std::vector<SysctlInfo> sysctls(const std::string& prefix, const Jail& jail) const;
  std::vector<SockAddr> resolve(const std::string& name, Af family, const Jail& jail) const;

  // The base system's; of a jail: table(name, jail).
  std::vector<std::string> table_names() const override;
  Table table(std::string_view name) const override { return table(name, *base_); }
  Table table(std::string_view name, const Jail& jail) const;

  // Power off: processes, stack and sockets are gone, files stay. Power on: a fresh stack.
  void power_off();
  void power_on();
  bool powered() const { return base_ != nullptr; }

 private:
  Pid free_pid(Pid wanted);
  void reap_later(Pid pid);
  void bury();
  void remove_abandoned();
  Result<std::pair<Jail*, std::string>> place_for(const JailParams& params, Jail& caller,
                                                  std::string& message);
  Result<Jail*> create_jail(const JailParams& params, Jail& caller, std::string& message);
  Result<> rename_jail(Jail& jail, const JailParams& params, Jail& caller, std::string& message);

  Site& site_;
  std::string hostname_;
  MachineParts parts_;
  FileSystem files_;
  RandomStream random_;
  SimTime booted_;
  std::map<std::string, std::string> tunables_;
  uint32_t vnets_made_ = 0;
  uint32_t macs_made_ = 0;
  std::unique_ptr<Jail> base_;
  std::map<int, Jail*> jails_;  // by jid, without the base system
  int last_jid_ = 0;
  std::vector<int> abandoned_;
  std::map<Pid, std::unique_ptr<Process>> processes_;
  std::vector<Pid> to_reap_;
  Timer undertaker_;  // of orphans, and of jails that nobody is in
  Pid next_pid_ = 100;
  uint16_t next_ident_ = 100;
};

}  // namespace stackyard
