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
#include "stack/kern/process.h"
#include "stack/kern/vnet.h"

namespace stackyard {

// What a machine is made of: the lists of lab/catalog, which outlive it.
struct MachineParts {
  const std::vector<const ModuleRecord*>& modules;
  const std::vector<const Command*>& commands;
};

struct RunRequest {
  Args args;                                // {"sh", "-c", "ping -c 1 b"}
  Program program;                          // empty: args[0] names a command
  SinkFile::Sink output, errors;            // null: thrown away
  std::shared_ptr<SourceFile> input;        // null: empty
  std::function<void(int status)> on_exit;  // null: nobody waits
};

class Machine : public TableSource {
 public:
  Machine(Site& site, std::string hostname, const MachineParts& parts);
  ~Machine() override;
  Machine(const Machine&) = delete;

  Site& site() const { return site_; }
  Vnet& vnet() { return *vnet_; }
  const Vnet& vnet() const { return *vnet_; }
  FileSystem& files() { return files_; }
  const std::string& hostname() const { return hostname_; }
  void set_hostname(const std::string& name) { hostname_ = name; }

  // Appends to /var/log/messages and tells the observers.
  void log(const std::string& line);
  std::string log_text() const;
  uint64_t random() { return random_.next(); }

  // Starts a process from outside any process: the lab's exec lines, the console, checks.
  Process& run(RunRequest request);
  Process& add_process(Pid parent, Args args);
  Process* process(Pid pid);
  std::vector<Process*> children_of(Pid pid);
  void reap(Pid pid);
  void process_ended(Process& process);
  std::vector<ProcessInfo> processes() const;
  std::vector<SocketInfo> sockets() const;
  const Command* find_command(const std::string& name) const;
  const std::vector<const Command*>& commands() const { return parts_.commands; }

  Result<std::string> sysctl(const std::string& name) const;
  Result<> set_sysctl(const std::string& name, const std::string& value);
  std::vector<SysctlInfo> sysctls(const std::string& prefix) const;
  std::optional<Ipv4Address> resolve(const std::string& name) const;

  std::vector<std::string> table_names() const override;
  Table table(std::string_view name) const override;

  // Power off: processes, stack and sockets are gone, files stay. Power on: a fresh stack.
  void power_off();
  void power_on();
  bool powered() const { return vnet_ != nullptr; }

 private:
  void reap_later(Pid pid);
  void reap_orphans();

  Site& site_;
  std::string hostname_;
  MachineParts parts_;
  FileSystem files_;
  RandomStream random_;
  SimTime booted_;
  std::unique_ptr<Vnet> vnet_;
  std::map<Pid, std::unique_ptr<Process>> processes_;
  std::vector<Pid> to_reap_;
  Timer reaper_;
  Pid next_pid_ = 100;
};

}  // namespace stackyard
