// stack/kern/process_stack.cpp - system calls about the machine, its settings and its stack.
#include "stack/kern/process.h"

#include "core/base/text.h"
#include "stack/kern/machine.h"

namespace stackyard {

// --- jails -------------------------------------------------------------------------------------

Result<int> Process::jail_set(const JailParams& params, unsigned flags, std::string* message) {
  std::string words;
  const Result<Jail*> jail = machine_.set_jail(params, flags, *jail_, words);
  if (message) *message = words;
  if (!jail) return jail.error();
  const int id = (*jail)->id();
  if (flags & jail_flag::attach) TRY(jail_attach(id));
  return id;
}

Result<JailParams> Process::jail_get(const JailParams& which) const {
  const Jail* found = nullptr;
  if (const std::string* last = jail_param(which, "lastjid"))
    found = machine_.next_jail(int(parse_int(*last).value_or(0)), *jail_);
  else if (const std::string* id = jail_param(which, "jid"))
    found = machine_.find_jail(*id, *jail_);
  else if (const std::string* name = jail_param(which, "name"))
    found = machine_.find_jail(*name, *jail_);
  if (!found) return Errno::enoent;
  return found->params(*jail_);
}

Result<> Process::jail_attach(int jid) {
  Jail* jail = machine_.find_jail(text("{}", jid), *jail_);
  if (!jail) return Errno::enoent;
  jail->process_entered();
  std::exchange(jail_, jail)->process_left();
  folder_ = "/";
  return {};
}

Result<> Process::jail_remove(int jid) {
  Jail* jail = machine_.find_jail(text("{}", jid), *jail_);
  if (!jail) return Errno::enoent;
  machine_.remove_jail(*jail);
  return {};
}

int Process::jail_id() const { return jail_->id(); }

// --- the stack ---------------------------------------------------------------------------------

Result<> Process::request(Request& request) {
  if (!request.kind->asks && !jail_->may_configure_network()) return Errno::eperm;
  return jail_->vnet().request(request);
}
Result<std::string> Process::sysctl(const std::string& name) const {
  return machine_.sysctl(name, *jail_);
}
Result<> Process::set_sysctl(const std::string& name, const std::string& value) {
  return machine_.set_sysctl(name, value, *jail_);
}
std::vector<SysctlInfo> Process::sysctls(const std::string& prefix) const {
  return machine_.sysctls(prefix, *jail_);
}
std::vector<CounterLine> Process::counters() const { return jail_->vnet().counters(); }
Table Process::table(const std::string& name) const { return machine_.table(name, *jail_); }
std::string Process::hostname() const { return jail_->hostname(); }
void Process::set_hostname(const std::string& name) {
  if (jail_->may(jail_allow::set_hostname)) jail_->set_hostname(name);
}
std::vector<SockAddr> Process::resolve(const std::string& name, Af family) const {
  return machine_.resolve(name, family, *jail_);
}
std::string Process::log_text() const { return machine_.log_text(); }

}  // namespace stackyard
