// stack/kern/process_stack.cpp - system calls about the machine, its settings and its stack.
#include "stack/kern/process.h"

#include "core/base/text.h"
#include "stack/kern/machine.h"

namespace stackyard {

Result<> Process::request(Request& request) { return machine_.vnet().request(request); }
Result<std::string> Process::sysctl(const std::string& name) const { return machine_.sysctl(name); }
Result<> Process::set_sysctl(const std::string& name, const std::string& value) {
  return machine_.set_sysctl(name, value);
}
std::vector<SysctlInfo> Process::sysctls(const std::string& prefix) const {
  return machine_.sysctls(prefix);
}
std::vector<CounterLine> Process::counters() const { return machine_.vnet().counters(); }
Table Process::table(const std::string& name) const { return machine_.table(name); }
std::string Process::hostname() const { return machine_.hostname(); }
void Process::set_hostname(const std::string& name) { machine_.set_hostname(name); }
std::optional<Ipv4Address> Process::resolve(const std::string& name) const {
  return machine_.resolve(name);
}
std::string Process::log_text() const { return machine_.log_text(); }

}  // namespace stackyard
