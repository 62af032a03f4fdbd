#include "stack/kern/machine.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

Machine::Machine(Site& site, std::string hostname, const MachineParts& parts)
    : site_(site),
      hostname_(std::move(hostname)),
      parts_(parts),
      random_(site.random("kernel")),
      reaper_(site.node(), Timer::call<&Machine::reap_orphans>, this) {
  power_on();
}

Machine::~Machine() { processes_.clear(); }

void Machine::power_on() {
  booted_ = site_.now();
  vnet_ = std::make_unique<Vnet>(*this, parts_.modules);
}

void Machine::power_off() {
  processes_.clear();
  to_reap_.clear();
  reaper_.cancel();
  vnet_.reset();
}

void Machine::log(const std::string& line) {
  const auto node = files_.create("/var/log/messages", false);
  const std::string entry =
      text("[{}.{:06}] {}\n", site_.now().s(), site_.now().us() % 1'000'000, line);
  if (node) (void)files_.write(**node, (*node)->content.size(), bytes_of(entry));
  site_.log(line);
}

std::string Machine::log_text() const {
  const auto node = files_.find("/var/log/messages");
  return node ? (*node)->content : "";
}

// --- processes ---------------------------------------------------------------------------------

Process& Machine::add_process(Pid parent, Args args) {
  const Pid pid = next_pid_++;
  auto& slot = processes_[pid];
  slot = std::make_unique<Process>(*this, pid, parent, std::move(args));
  return *slot;
}

Process& Machine::run(RunRequest request) {
  Process& process = add_process(1, request.args);
  auto input = request.input;
  if (!input) {
    input = std::make_shared<SourceFile>();
    input->end();
  }
  const auto sink = [](SinkFile::Sink to) {
    return std::make_shared<SinkFile>(to ? std::move(to) : [](Bytes) {});
  };
  process.set_descriptor(fd_in, input);
  process.set_descriptor(fd_out, sink(std::move(request.output)));
  process.set_descriptor(fd_err, sink(std::move(request.errors)));
  process.environment() = {{"HOME", "/root"}, {"PATH", "/sbin:/bin:/usr/sbin:/usr/bin"}};
  process.on_exit = std::move(request.on_exit);
  if (!request.program) {
    const Command* command = find_command(request.args[0]);
    check(command != nullptr, "a command that is in the list");
    request.program = command->run;
  }
  process.start(request.program);
  return process;
}

Process* Machine::process(Pid pid) {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : found->second.get();
}

std::vector<Process*> Machine::children_of(Pid pid) {
  std::vector<Process*> children;
  for (auto& [id, process] : processes_)
    if (process->parent() == pid) children.push_back(process.get());
  return children;
}

void Machine::process_ended(Process& process) {
  for (Process* child : children_of(process.pid())) {
    child->orphan();
    if (child->finished()) reap_later(child->pid());
  }
  if (process.on_exit) std::exchange(process.on_exit, {})(process.status());
  if (Process* parent = this->process(process.parent())) {
    parent->wake();
  } else {
    reap_later(process.pid());
  }
}

void Machine::reap_later(Pid pid) {
  to_reap_.push_back(pid);
  if (!reaper_.armed()) reaper_.arm_soft(SimTime());
}

void Machine::reap_orphans() {
  for (Pid pid : std::exchange(to_reap_, {})) reap(pid);
}

void Machine::reap(Pid pid) { processes_.erase(pid); }

std::vector<ProcessInfo> Machine::processes() const {
  std::vector<ProcessInfo> all;
  for (const auto& [pid, process] : processes_)
    if (!process->finished()) all.push_back({pid, process->parent(), process->command_line()});
  return all;
}

std::vector<SocketInfo> Machine::sockets() const {
  std::vector<SocketInfo> all;
  for (const auto& [pid, process] : processes_) {
    const auto& descriptors = process->descriptors();
    for (size_t fd = 0; fd < descriptors.size(); ++fd) {
      SocketOps* socket = descriptors[fd] ? descriptors[fd]->socket() : nullptr;
      if (!socket || socket->protocol_name() == "bpf") continue;
      all.push_back({pid, process->program_name(), int(fd), socket->protocol_name(),
                     socket->local_name(), socket->peer_name(), socket->receive_queue(), 0});
    }
  }
  return all;
}

const Command* Machine::find_command(const std::string& name) const {
  const std::string base = name.substr(name.rfind('/') + 1);
  for (const Command* command : parts_.commands)
    if (base == command->name) return command;
  return nullptr;
}

// --- settings and tables -----------------------------------------------------------------------

Result<std::string> Machine::sysctl(const std::string& name) const {
  if (name == "kern.hostname") return hostname_;
  if (name == "kern.ostype") return std::string("FreeBSD");
  if (name == "kern.boottime") return text("{}", booted_.s());
  return vnet_->sysctl(name);
}

Result<> Machine::set_sysctl(const std::string& name, const std::string& value) {
  if (name == "kern.hostname") {
    hostname_ = value;
    return {};
  }
  if (name == "kern.ostype" || name == "kern.boottime") return Errno::eperm;
  return vnet_->set_sysctl(name, value);
}

std::vector<SysctlInfo> Machine::sysctls(const std::string& prefix) const {
  std::vector<SysctlInfo> all = vnet_->sysctls(prefix);
  for (const char* name : {"kern.boottime", "kern.hostname", "kern.ostype"}) {
    const std::string n = name;
    if (prefix.empty() || n == prefix || n.starts_with(prefix + "."))
      all.push_back({n, "", *sysctl(n), n == "kern.hostname"});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

std::optional<Ipv4Address> Machine::resolve(const std::string& name) const {
  if (const auto address = parse_ipv4(name)) return address;
  const auto hosts = files_.find("/etc/hosts");
  if (!hosts) return std::nullopt;
  for (const std::string& line : split((*hosts)->content, '\n')) {
    const auto words = split_words(line.substr(0, line.find('#')));
    for (size_t i = 1; i < words.size(); ++i)
      if (words[i] == name)
        if (const auto address = parse_ipv4(words[0])) return address;
  }
  return std::nullopt;
}

std::vector<std::string> Machine::table_names() const {
  std::vector<std::string> names{"processes", "sockets"};
  for (std::string& name : vnet_->table_names()) names.push_back(std::move(name));
  return names;
}

Table Machine::table(std::string_view name) const {
  if (!vnet_) return {};
  if (name == "processes") {
    Table table{{{"pid", "PID", ColumnType::number},
                 {"ppid", "PPID", ColumnType::number},
                 {"command", "COMMAND"}},
                {}};
    for (const ProcessInfo& p : processes())
      table.rows.push_back({int64_t(p.pid), int64_t(p.parent), p.command});
    return table;
  }
  if (name == "sockets") {
    Table table{{{"command", "COMMAND"},
                 {"pid", "PID", ColumnType::number},
                 {"fd", "FD", ColumnType::number},
                 {"proto", "PROTO"},
                 {"local", "LOCAL ADDRESS"},
                 {"foreign", "FOREIGN ADDRESS"},
                 {"receive_queue", "Recv-Q", ColumnType::number}},
                {}};
    for (const SocketInfo& s : sockets())
      table.rows.push_back({s.command, int64_t(s.pid), int64_t(s.fd), s.protocol, to_text(s.local),
                            to_text(s.foreign), int64_t(s.receive_queue)});
    return table;
  }
  return vnet_->table(name);
}

}  // namespace stackyard
