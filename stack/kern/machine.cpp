#include "stack/kern/machine.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/kern/hosts_file.h"

namespace stackyard {

Machine::Machine(Site& site, std::string hostname, const MachineParts& parts)
    : site_(site),
      hostname_(std::move(hostname)),
      parts_(parts),
      random_(site.random("kernel")),
      undertaker_(site.node(), Timer::call<&Machine::bury>, this) {
  power_on();
}

Machine::~Machine() {
  if (powered()) power_off();
}

void Machine::power_on() {
  booted_ = site_.now();
  vnets_made_ = 0;
  last_jid_ = 0;
  base_ = std::make_unique<Jail>(*this);
  base_->set_hostname(hostname_);
}

void Machine::power_off() {
  processes_.clear();
  files_.sockets().clear();
  to_reap_.clear();
  undertaker_.cancel();
  abandoned_.clear();
  while (!base_->children().empty()) remove_jail(*base_->children().begin()->second);
  undertaker_.cancel();
  base_.reset();
}

void Machine::log(const std::string& line) {
  constexpr const char* messages = "/var/log/messages";
  // As newsyslog(8) does at 1000 KiB, but one old file is kept.
  if (const auto full = files_.find(messages); full && (*full)->content.size() > 1'024'000) {
    (void)files_.remove(std::string(messages) + ".0");
    (void)files_.rename(messages, std::string(messages) + ".0");
  }
  const auto node = files_.create(messages, false);
  const std::string entry =
      text("[{}.{:06}] {}\n", site_.now().s(), site_.now().us() % 1'000'000, line);
  if (node) (void)files_.write(**node, (*node)->content.size(), bytes_of(entry));
  site_.log(line);
}

// Locally administered, unlike hardware's never 02: a count (13 bits and 7), and the node (21
// bits), disguised by the seed.
std::pair<MacAddress, MacAddress> Machine::new_mac_pair() {
  const uint32_t count = macs_made_++;
  const uint32_t node = uint32_t(site_.id()) << 11 | (count >> 7 & 0x7ff);
  const uint32_t middle = node ^ uint32_t(mix(site_.simulation().seed()));
  MacAddress mac;
  mac.octets[0] = uint8_t((count >> 18) % 63 * 4 + 6);
  for (size_t i = 1; i < 5; ++i) mac.octets[i] = uint8_t(middle >> (8 * (4 - i)));
  mac.octets[5] = uint8_t(count << 1);
  MacAddress second = mac;
  second.octets[5] |= 1;
  return {mac, second};
}

std::string Machine::log_text() const {
  const auto node = files_.find("/var/log/messages");
  return node ? (*node)->content.str() : "";
}

// --- processes ---------------------------------------------------------------------------------

Pid Machine::free_pid(Pid wanted) {
  if (wanted && !processes_.contains(wanted)) return wanted;
  while (processes_.contains(next_pid_)) ++next_pid_;
  return next_pid_++;
}

Process& Machine::add_process(Pid parent, Args args, Jail& jail, Pid wanted) {
  const Pid pid = free_pid(wanted);
  auto& slot = processes_[pid];
  slot = std::make_unique<Process>(*this, pid, next_ident_++, parent, std::move(args), jail);
  return *slot;
}

Process& Machine::run(RunRequest request) {
  Jail& jail = request.jail ? *request.jail : *base_;
  Process& process = add_process(1, request.args, jail, request.pid);
  (void)process.set_fib(request.fib);
  if (!request.input) {
    const auto empty = std::make_shared<SourceFile>();
    empty->end();
    request.input = empty;
  }
  const auto or_nowhere = [](std::shared_ptr<OpenFile>& file) {
    return file ? std::move(file) : SinkFile::to([](Bytes) {});
  };
  process.set_descriptor(fd_in, request.input);
  process.set_descriptor(fd_out, or_nowhere(request.output));
  process.set_descriptor(fd_err, or_nowhere(request.errors));
  process.environment() = {{"HOME", "/root"}, {"PATH", "/sbin:/bin:/usr/sbin:/usr/bin"}};
  process.set_client(std::move(request.client), request.folder);
  process.on_exit = std::move(request.on_exit);
  if (!request.program) {
    const Command* command = find_command(request.args[0]);
    check(command != nullptr, "a command that is in the list");
    request.program = command->run;
  }
  process.start(request.program, request.delay);
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
    parent->signal(Signal::chld);
    parent->wake();
  } else {
    reap_later(process.pid());
  }
}

void Machine::detach(Process& process, Pid wanted) {
  const Pid pid = process.pid();
  const Pid fresh = free_pid(wanted);
  auto entry = processes_.extract(pid);
  entry.key() = fresh;
  auto& old = processes_[pid];
  old = std::make_unique<Process>(*this, pid, next_ident_++, process.parent(),
                                  Args{process.program_name()}, process.jail());
  old->on_exit = std::exchange(process.on_exit, {});
  process.give_watchers_to(*old);
  process.become_daemon(entry.key());
  processes_.insert(std::move(entry));
  old->finish(0);
}

void Machine::reap_later(Pid pid) {
  to_reap_.push_back(pid);
  if (!undertaker_.armed()) undertaker_.arm_soft(SimTime());
}

void Machine::bury() {
  for (Pid pid : std::exchange(to_reap_, {})) reap(pid);
  remove_abandoned();
}

void Machine::reap(Pid pid) { processes_.erase(pid); }

std::vector<ProcessInfo> Machine::processes(const Jail& viewer) const {
  std::vector<ProcessInfo> all;
  for (const auto& [pid, process] : processes_)
    if (!process->finished() && process->jail().within(viewer))
      all.push_back({pid, process->parent(), process->command_line(), process->jail().id(),
                     process->process_group(), process->stopped()});
  return all;
}

std::vector<SocketInfo> Machine::sockets(const Jail& viewer) const {
  std::vector<SocketInfo> all;
  for (const auto& [pid, process] : processes_) {
    if (!process->jail().within(viewer)) continue;
    const auto& descriptors = process->descriptors();
    for (size_t fd = 0; fd < descriptors.size(); ++fd) {
      SocketOps* socket = descriptors[fd] ? descriptors[fd]->socket() : nullptr;
      if (!socket || socket->protocol_name() == "bpf" || socket->protocol_name() == "route")
        continue;
      SocketBuffers buffers;
      for (const auto& [option, octets] :
           {std::pair(SocketOption::so_rcvbuf, &buffers.receive_limit),
            {SocketOption::so_sndbuf, &buffers.send_limit},
            {SocketOption::so_rcvlowat, &buffers.receive_low},
            {SocketOption::so_sndlowat, &buffers.send_low}})
        if (const auto value = socket->get_option(option)) *octets = value->number;
      all.push_back({.pid = pid,
                     .command = process->program_name(),
                     .fd = int(fd),
                     .protocol = socket->protocol_name(),
                     .local = socket->local_name(),
                     .foreign = socket->peer_name(),
                     .receive_queue = socket->receive_queue(),
                     .send_queue = socket->send_queue(),
                     .buffers = buffers,
                     .jid = process->jail().id(),
                     .state = socket->state_name()});
      if (const LocalSocketOps* local = socket->local()) {
        all.back().serial = local->serial();
        all.back().peer = local->peer_serial();
        all.back().pending = local->pending();
        all.back().backlog = local->backlog();
      }
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

namespace {

// What the machine or the jail answers itself; the rest is the stack's.
struct KernelSysctl {
  const char* name;
  const char* summary;
  std::string (*show)(const Jail&);
};
constexpr KernelSysctl kernel_sysctls[] = {
    {"kern.boottime", "Estimated system boottime",
     [](const Jail& j) { return text("{}", j.machine().booted().s()); }},
    {"kern.features.inet", "Internet Protocol version 4",
     [](const Jail&) { return std::string("1"); }},
    {"kern.features.vimage", "VIMAGE kernel virtualization",
     [](const Jail&) { return std::string("1"); }},
    {"kern.hostname", "Hostname", [](const Jail& j) { return j.hostname(); }},
    {"kern.osrelease", "Operating system release",
     [](const Jail&) { return std::string("14.0-RELEASE"); }},
    {"kern.ostype", "Operating system type", [](const Jail&) { return std::string("FreeBSD"); }},
    {"security.jail.children.cur", "Current number of child jails",
     [](const Jail& j) { return text("{}", j.count_below()); }},
    {"security.jail.children.max", "Maximum number of child jails",
     [](const Jail& j) { return text("{}", j.settings().children_max); }},
    {"security.jail.jailed", "Process in jail?",
     [](const Jail& j) { return std::string(j.parent() ? "1" : "0"); }},
    {"security.jail.vnet", "Jail owns vnet?",
     [](const Jail& j) { return std::string(j.parent() && j.has_own_vnet() ? "1" : "0"); }},
};
const KernelSysctl* find_kernel_sysctl(const std::string& name) {
  for (const KernelSysctl& record : kernel_sysctls)
    if (name == record.name) return &record;
  return nullptr;
}

}  // namespace

Result<std::string> Machine::sysctl(const std::string& name, const Jail& jail) const {
  if (const KernelSysctl* found = find_kernel_sysctl(name)) return found->show(jail);
  return jail.vnet().sysctl(name);
}

Result<> Machine::set_sysctl(const std::string& name, const std::string& value, Jail& jail) {
  if (name == "kern.hostname") {
    if (!jail.may(jail_allow::set_hostname)) return Errno::eperm;
    jail.set_hostname(value);
    return {};
  }
  if (find_kernel_sysctl(name)) return Errno::eperm;
  if (!jail.may_configure_network()) return Errno::eperm;
  return jail.vnet().set_sysctl(name, value);
}

std::vector<SysctlInfo> Machine::sysctls(const std::string& prefix, const Jail& jail) const {
  std::vector<SysctlInfo> all = jail.vnet().sysctls(prefix);
  for (const KernelSysctl& record : kernel_sysctls) {
    const std::string n = record.name;
    if (prefix.empty() || n == prefix || n.starts_with(prefix + "."))
      all.push_back({n, record.summary, record.show(jail), n == "kern.hostname"});
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

// getaddrinfo(3) with /etc/hosts: IPv6 before IPv4, as RFC 6724 would mostly have it.
std::vector<SockAddr> Machine::resolve(const std::string& name, Af family, const Jail& jail) const {
  const auto numeric = [&](const std::string& word) -> std::optional<SockAddr> {
    SockAddr at;
    if (const auto v4 = parse_ipv4(word)) {
      at.address = *v4;
    } else if (const auto v6 = parse_zoned(word)) {
      at.address = v6->address;
      if (!v6->zone.empty()) {
        at.scope = uint32_t(parse_int(v6->zone).value_or(0));
        InterfaceIndex ask;
        ask.name = v6->zone;
        if (at.scope == 0 && jail.vnet().request(ask)) at.scope = ask.index;
        if (at.scope == 0) return std::nullopt;
      }
    } else {
      return std::nullopt;
    }
    return at;
  };
  std::vector<SockAddr> found;
  const auto add = [&](const SockAddr& at) {
    if (family == Af::unspecified || family == at.family()) found.push_back(at);
  };
  if (const auto at = numeric(name)) {
    add(*at);
    return found;
  }
  const auto hosts = files_.find(jail.settings().root + "/etc/hosts");
  if (!hosts) return found;
  for (const auto& words : hosts_lines((*hosts)->content.str()))
    if (std::find(words.begin() + 1, words.end(), name) != words.end())
      if (const auto at = numeric(words[0])) add(*at);
  if (found.size() < 2) return found;
  OrderDestinations order;
  order.names = found;
  if (jail.vnet().request(order) && order.ordered) return order.names;
  // Without IPv6 its addresses cannot be reached.
  std::stable_partition(found.begin(), found.end(),
                        [](const SockAddr& a) { return a.family() == Af::inet; });
  return found;
}

std::vector<std::string> Machine::table_names() const {
  std::vector<std::string> names{"jails", "processes", "sockets"};
  for (std::string& name : vnet().table_names()) names.push_back(std::move(name));
  return names;
}

Table Machine::table(std::string_view name, const Jail& jail) const {
  if (!powered()) return {};
  if (name == "jails") {
    Table table{{{"jid", "JID", ColumnType::number},
                 {"name", "Name"},
                 {"hostname", "Hostname"},
                 {"path", "Path"},
                 {"vnet", "Vnet"},
                 {"parent", "Parent", ColumnType::number}},
                {}};
    for (const auto& [id, each] : jails_) {
      if (each == &jail || !each->within(jail)) continue;
      const std::string& root = each->settings().root;
      table.rows.push_back(
          {int64_t(id), each->name_seen_by(jail), each->hostname(), root.empty() ? "/" : root,
           std::string(each->has_own_vnet() ? "new" : "inherit"), int64_t(each->parent()->id())});
    }
    return table;
  }
  if (name == "processes") {
    Table table{{{"pid", "PID", ColumnType::number},
                 {"ppid", "PPID", ColumnType::number},
                 {"jid", "JID", ColumnType::number},
                 {"command", "COMMAND"}},
                {}};
    for (const ProcessInfo& p : processes(jail))
      table.rows.push_back({int64_t(p.pid), int64_t(p.parent), int64_t(p.jid), p.command});
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
    for (const SocketInfo& s : sockets(jail))
      table.rows.push_back({s.command, int64_t(s.pid), int64_t(s.fd), s.protocol, to_text(s.local),
                            to_text(s.foreign), int64_t(s.receive_queue)});
    return table;
  }
  return jail.vnet().table(name);
}

}  // namespace stackyard
