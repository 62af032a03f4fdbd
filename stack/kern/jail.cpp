#include "stack/kern/jail.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/kern/machine.h"

namespace stackyard {

namespace {

// The rest of the names stands for rights that nothing here needs: they are kept and shown.
constexpr std::pair<const char*, uint32_t> allow_names[] = {
    {"set_hostname", jail_allow::set_hostname},
    {"raw_sockets", jail_allow::raw_sockets},
    {"socket_af", jail_allow::socket_af},
    {"reserved_ports", jail_allow::reserved_ports},
    {"sysvipc", 1 << 4},
    {"chflags", 1 << 5},
    {"mount", 1 << 6},
    {"mount.devfs", 1 << 7},
    {"mount.fdescfs", 1 << 8},
    {"mount.nullfs", 1 << 9},
    {"mount.procfs", 1 << 10},
    {"mount.tmpfs", 1 << 11},
    {"mount.zfs", 1 << 12},
    {"quotas", 1 << 13},
    {"read_msgbuf", 1 << 14},
    {"mlock", 1 << 15},
    {"nfsd", 1 << 16},
    {"settime", 1 << 17},
    {"routing", 1 << 18},
    {"setaudit", 1 << 19},
    {"extattr", 1 << 20},
    {"adjtime", 1 << 21},
    {"suser", 1 << 22},
    {"unprivileged_proc_debug", 1 << 23},
};

constexpr const char* system_names[] = {"disable", "new", "inherit"};

Result<JailSystem> parse_system(const std::string& value) {
  if (value == "true") return JailSystem::new_;
  if (value == "false") return JailSystem::inherit;
  for (int i = 0; i < 3; ++i)
    if (value == system_names[i]) return JailSystem(i);
  return Errno::einval;
}

Result<bool> parse_bool(const std::string& value) {
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return Errno::einval;
}

template <class Number>
Result<> parse_number(const std::string& value, int64_t least, int64_t most, Number& to) {
  const auto number = parse_int(value);
  if (!number || *number < least || *number > most) return Errno::einval;
  to = Number(*number);
  return {};
}

template <class Address, class Parse>
Result<std::vector<Address>> parse_addresses(const std::string& list, Parse parse) {
  std::vector<Address> addresses;
  for (const std::string& item : split(list, ',')) {
    if (item.empty()) continue;
    const auto address = parse(item.substr(0, item.find('/')));
    if (!address) return Errno::einval;
    addresses.push_back(*address);
  }
  return addresses;
}

template <class Address>
std::string join_addresses(const std::vector<Address>& addresses) {
  std::vector<std::string> texts;
  for (const Address& a : addresses) texts.push_back(to_text(a));
  return join(texts, ",");
}

// Whether a jail that the other contains asks for more than that one has.
template <class Address>
bool exceeds(const std::vector<Address>& wanted, const std::vector<Address>& allowed) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const Address& a) {
    return std::find(allowed.begin(), allowed.end(), a) == allowed.end();
  });
}

constexpr int children_most = 999999;  // JAIL_MAX

// One parameter that is a plain value. ENOENT: no such parameter.
Result<> read_value(JailSettings& s, const std::string& key, const std::string& value) {
  if (key == "host.hostname") {
    if (value.size() >= 256) return Errno::enametoolong;
    s.hostname = value;
    s.host_inherited = false;
  } else if (key == "host.domainname" || key == "host.hostuuid" || key == "host.hostid") {
    if (key == "host.hostid" && !parse_int(value)) return Errno::einval;
    std::erase_if(s.host, [&](const auto& p) { return p.first == key; });
    s.host.emplace_back(key, value);
  } else if (key == "host") {
    s.host_inherited = TRY(parse_system(value)) == JailSystem::inherit;
  } else if (key == "ip4") {
    s.ip4 = TRY(parse_system(value));
  } else if (key == "ip6") {
    s.ip6 = TRY(parse_system(value));
  } else if (key == "ip4.addr") {
    s.addresses4 = TRY(parse_addresses<Ipv4Address>(value, parse_ipv4));
    s.ip4 = JailSystem::new_;
  } else if (key == "ip6.addr") {
    s.addresses6 = TRY(parse_addresses<Ipv6Address>(value, parse_ipv6));
    s.ip6 = JailSystem::new_;
  } else if (key == "ip4.saddrsel") {
    s.source_select4 = TRY(parse_bool(value));
  } else if (key == "ip6.saddrsel") {
    s.source_select6 = TRY(parse_bool(value));
  } else if (key == "persist") {
    s.persist = TRY(parse_bool(value));
  } else if (key == "children.max") {
    TRY(parse_number(value, 0, children_most, s.children_max));
  } else if (key == "securelevel") {
    TRY(parse_number(value, -1, 3, s.securelevel));
  } else if (key == "enforce_statfs") {
    TRY(parse_number(value, 0, 2, s.enforce_statfs));
  } else if (key == "devfs_ruleset") {
    TRY(parse_number(value, 0, 65535, s.devfs_ruleset));
  } else if (key.starts_with("allow.")) {
    const std::string right = key.substr(6);
    for (const auto& [name, bit] : allow_names) {
      if (right != name) continue;
      s.allow = TRY(parse_bool(value)) ? s.allow | bit : s.allow & ~bit;
      return {};
    }
    return Errno::enoent;
  } else if (key == "osrelease" || key == "osreldate" || key == "cpuset.id" || key == "sysvmsg" ||
             key == "sysvsem" || key == "sysvshm") {
    // Accepted: there is nothing here that they would change.
  } else {
    return Errno::enoent;
  }
  return {};
}

}  // namespace

Jail::Jail(Machine& machine) : machine_(machine) {
  settings_.allow = ~uint32_t(0);
  settings_.children_max = children_most;
  settings_.persist = true;
  own_vnet_ = std::make_unique<Vnet>(machine, machine.modules(), *this);
  vnet_ = own_vnet_.get();
}

Jail::Jail(Jail& parent, int id)
    : machine_(parent.machine_), parent_(&parent), id_(id), vnet_(parent.vnet_) {
  name_ = text("{}", id);
  settings_.root = parent.settings_.root;
  settings_.ip4 = parent.settings_.ip4;
  settings_.ip6 = parent.settings_.ip6;
  settings_.addresses4 = parent.settings_.addresses4;
  settings_.addresses6 = parent.settings_.addresses6;
  settings_.securelevel = parent.settings_.securelevel;
  settings_.allow = jail_allow::defaults & parent.settings_.allow;
}

Jail::~Jail() { children_.clear(); }

bool Jail::within(const Jail& other) const {
  for (const Jail* j = this; j; j = j->parent_)
    if (j == &other) return true;
  return false;
}

std::string Jail::name_seen_by(const Jail& viewer) const {
  if (this == &viewer) return "0";
  std::string name = name_;
  for (const Jail* j = parent_; j && j != &viewer; j = j->parent_) {
    if (!j->parent_) break;
    name = j->name_ + "." + name;
  }
  return name;
}

void Jail::set_hostname(const std::string& name) {
  if (settings_.host_inherited)
    parent_->set_hostname(name);
  else
    settings_.hostname = name;
}

void Jail::process_left() {
  --processes_;
  if (abandoned()) machine_.remove_later(*this);
}

bool Jail::abandoned() const {
  return parent_ && !settings_.persist && processes_ == 0 && children_.empty();
}

void Jail::count_below(int more) {
  for (Jail* above = parent_; above; above = above->parent_) above->below_ += more;
}

Result<> Jail::set(const JailParams& params, const Jail& caller, bool creating,
                   std::string& message) {
  JailSettings draft = settings_;
  bool wants_vnet = has_own_vnet();
  for (const auto& [key, value] : params) {
    Result<> read;
    if (key == "vnet") {
      const auto system = parse_system(value);
      if (!system || *system == JailSystem::disable) {
        read = Errno::einval;
      } else {
        wants_vnet = *system == JailSystem::new_;
        if (!creating && wants_vnet != has_own_vnet()) {
          message = "vnet cannot be changed after creation";
          return Errno::einval;
        }
      }
    } else if (key == "path") {
      const std::string whole =
          FileSystem::resolve("/", caller.settings_.root + FileSystem::resolve("/", value));
      const auto folder = machine_.files().find(whole);
      if (!folder) return folder.error();
      if (!(*folder)->is_folder) return Errno::enotdir;
      if (!creating && whole != FileSystem::resolve("/", settings_.root)) {
        message = "path cannot be changed after creation";
        return Errno::einval;
      }
      draft.root = whole == "/" ? "" : whole;
    } else if (key != "name" && key != "jid" && key != "lastjid") {
      read = read_value(draft, key, value);
    }
    if (!read) {
      message = read.error() == Errno::enoent ? text("unknown parameter: {}", key)
                                              : text("{}: invalid value \"{}\"", key, value);
      return Errno::einval;
    }
  }
  if (wants_vnet && (jail_param(params, "ip4.addr") || jail_param(params, "ip6.addr"))) {
    message = "vnet jails cannot have IP address restrictions";
    return Errno::einval;
  }
  if (wants_vnet) {
    draft.ip4 = draft.ip6 = JailSystem::inherit;
    draft.addresses4.clear();
    draft.addresses6.clear();
  }
  // Rights never grow on the way down.
  if (parent_) {
    const JailSettings& above = parent_->settings_;
    if (draft.allow & ~above.allow) return Errno::eperm;
    if (draft.securelevel < above.securelevel) return Errno::eperm;
    if (parent_->parent_ && draft.children_max >= above.children_max && draft.children_max > 0)
      return Errno::eperm;
    if (!wants_vnet && above.ip4 == JailSystem::new_ && draft.ip4 == JailSystem::new_ &&
        exceeds(draft.addresses4, above.addresses4))
      return Errno::eperm;
    if (!wants_vnet && above.ip6 == JailSystem::new_ && draft.ip6 == JailSystem::new_ &&
        exceeds(draft.addresses6, above.addresses6))
      return Errno::eperm;
  }
  settings_ = std::move(draft);
  if (creating && wants_vnet) {
    own_vnet_ = std::make_unique<Vnet>(machine_, machine_.modules(), *this);
    vnet_ = own_vnet_.get();
  }
  if (!creating && abandoned()) machine_.remove_later(*this);
  return {};
}

JailParams Jail::params(const Jail& viewer) const {
  const JailSettings& s = settings_;
  const auto flag = [](bool on) { return std::string(on ? "true" : "false"); };
  const std::string& base = viewer.settings_.root;
  std::string path = s.root.starts_with(base) ? s.root.substr(base.size()) : s.root;
  if (path.empty()) path = "/";
  const auto system = [](JailSystem value) { return std::string(system_names[int(value)]); };
  JailParams all{{"devfs_ruleset", text("{}", s.devfs_ruleset)},
                 {"dying", "false"},
                 {"enforce_statfs", text("{}", s.enforce_statfs)},
                 {"host", s.host_inherited ? "inherit" : "new"},
                 {"ip4", system(s.ip4)},
                 {"ip6", system(s.ip6)},
                 {"jid", text("{}", id_)},
                 {"name", name_seen_by(viewer)},
                 {"osreldate", "1400097"},
                 {"osrelease", "14.0-RELEASE"},
                 {"parent", text("{}", parent_ && parent_ != &viewer ? parent_->id_ : 0)},
                 {"path", path},
                 {"persist", flag(s.persist)},
                 {"securelevel", text("{}", s.securelevel)},
                 {"sysvmsg", "disable"},
                 {"sysvsem", "disable"},
                 {"sysvshm", "disable"},
                 {"vnet", has_own_vnet() ? "new" : "inherit"}};
  for (const auto& [name, bit] : allow_names)
    all.emplace_back(std::string("allow.") + name, flag(s.allow & bit));
  all.emplace_back("children.cur", text("{}", below_));
  all.emplace_back("children.max", text("{}", s.children_max));
  all.emplace_back("cpuset.id", text("{}", id_ + 1));
  const auto host = [&](const char* name, const char* otherwise) {
    const std::string* value = jail_param(s.host, name);
    all.emplace_back(name, value ? *value : otherwise);
  };
  host("host.domainname", "");
  host("host.hostid", "0");
  all.emplace_back("host.hostname", hostname());
  host("host.hostuuid", "");
  all.emplace_back("ip4.addr", join_addresses(s.addresses4));
  all.emplace_back("ip4.saddrsel", flag(s.source_select4));
  all.emplace_back("ip6.addr", join_addresses(s.addresses6));
  all.emplace_back("ip6.saddrsel", flag(s.source_select6));
  return all;
}

// --- the machine's side --------------------------------------------------------------------------

Jail* Machine::find_jail(const std::string& name, const Jail& viewer) {
  if (const auto number = parse_int(name)) {
    const auto found = jails_.find(int(*number));
    const bool seen =
        found != jails_.end() && found->second != &viewer && found->second->within(viewer);
    return seen ? found->second : nullptr;
  }
  Jail* at = const_cast<Jail*>(&viewer);
  for (const std::string& part : split(name, '.')) {
    const auto child = at->children().find(part);
    if (child == at->children().end()) return nullptr;
    at = child->second.get();
  }
  return at;
}

Jail* Machine::next_jail(int after, const Jail& viewer) {
  for (auto next = jails_.upper_bound(after); next != jails_.end(); ++next)
    if (next->second != &viewer && next->second->within(viewer)) return next->second;
  return nullptr;
}

// Where a new jail goes, and what it is called there.
Result<std::pair<Jail*, std::string>> Machine::place_for(const JailParams& params, Jail& caller,
                                                         std::string& message) {
  const std::string* name = jail_param(params, "name");
  const std::string* id = jail_param(params, "jid");
  if (!name || name->empty() || (id && *name == *id)) return std::pair{&caller, std::string()};
  const size_t dot = name->rfind('.');
  Jail* parent = &caller;
  if (dot != name->npos) {
    parent = find_jail(name->substr(0, dot), caller);
    if (!parent) {
      message = text("jail \"{}\" not found", name->substr(0, dot));
      return Errno::enoent;
    }
  }
  const std::string leaf = dot == name->npos ? *name : name->substr(dot + 1);
  if (leaf.empty() || leaf.size() >= 256) return Errno::einval;
  if (parse_int(leaf)) {
    message = "name cannot be numeric (unless it is the jid)";
    return Errno::einval;
  }
  return std::pair{parent, leaf};
}

Result<Jail*> Machine::create_jail(const JailParams& params, Jail& caller, std::string& message) {
  const auto [parent, leaf] = TRY(place_for(params, caller, message));
  for (Jail* above = parent; above; above = above->parent_) {
    if (above->below_ < above->settings_.children_max) continue;
    message = "prison limit exceeded";
    return Errno::eperm;
  }
  int id = 0;
  if (const std::string* wanted = jail_param(params, "jid"); wanted && *wanted != "0") {
    const auto number = parse_int(*wanted);
    if (!number || *number < 1 || *number > children_most) return Errno::einval;
    id = int(*number);
  } else {
    do last_jid_ = last_jid_ % children_most + 1;
    while (jails_.contains(last_jid_));
    id = last_jid_;
  }
  auto made = std::make_unique<Jail>(*parent, id);
  Jail& jail = *made;
  if (!leaf.empty()) jail.name_ = leaf;
  parent->children_.emplace(jail.name_, std::move(made));
  jail.count_below(1);
  jails_[id] = &jail;
  const Result<> set = jail.set(params, caller, true, message);
  if (!set) {
    jails_.erase(id);
    jail.count_below(-1);
    parent->children_.erase(jail.name_);
    if (id == last_jid_) --last_jid_;
    return set.error();
  }
  return &jail;
}

Result<> Machine::rename_jail(Jail& jail, const JailParams& params, Jail& caller,
                              std::string& message) {
  const std::string* name = jail_param(params, "name");
  if (!jail_param(params, "jid") || !name || name->empty()) return {};
  if (*name == text("{}", jail.id()) || *name == jail.name_seen_by(caller)) return {};
  const auto [parent, leaf] = TRY(place_for({{"name", *name}}, caller, message));
  if (parent != jail.parent_) {
    message = text("cannot change jail's parent");
    return Errno::einval;
  }
  if (find_jail(*name, caller)) {
    message = text("jail \"{}\" already exists", *name);
    return Errno::eexist;
  }
  auto self = parent->children_.extract(jail.name_);
  jail.name_ = leaf;
  self.key() = jail.name_;
  parent->children_.insert(std::move(self));
  return {};
}

Result<Jail*> Machine::set_jail(const JailParams& params, unsigned flags, Jail& caller,
                                std::string& message) {
  if (caller.settings().children_max == 0) return Errno::eperm;
  if (!(flags & (jail_flag::create | jail_flag::update))) return Errno::einval;
  const std::string* id = jail_param(params, "jid");
  const std::string* name = jail_param(params, "name");
  const bool by_id = id && *id != "0";
  Jail* jail = nullptr;
  if (by_id)
    jail = find_jail(*id, caller);
  else if (name && !name->empty())
    jail = find_jail(*name, caller);
  if (!jail && by_id && jails_.contains(int(parse_int(*id).value_or(0)))) return Errno::eperm;
  const std::string shown = by_id ? *id : name ? text("\"{}\"", *name) : "";
  if (jail && !(flags & jail_flag::update)) {
    message = text("jail {} already exists", shown);
    return Errno::eexist;
  }
  if (!jail && !(flags & jail_flag::create)) {
    message = text("jail {} not found", shown);
    return Errno::enoent;
  }
  if (!jail) {
    const std::string* persist = jail_param(params, "persist");
    if (!(flags & jail_flag::attach) && (!persist || *persist == "false")) {
      message = "new jail must persist or attach";
      return Errno::einval;
    }
    return create_jail(params, caller, message);
  }
  TRY(rename_jail(*jail, params, caller, message));
  TRY(jail->set(params, caller, false, message));
  return jail;
}

void Machine::remove_jail(Jail& jail) {
  while (!jail.children_.empty()) remove_jail(*jail.children_.begin()->second);
  std::vector<Pid> doomed;
  for (auto& [pid, process] : processes_)
    if (!process->finished() && &process->jail() == &jail) doomed.push_back(pid);
  for (Pid pid : doomed)
    if (Process* process = this->process(pid)) process->end_at_once(Signal::kill);
  for (auto& [pid, process] : processes_)  // the dead that nobody has waited for yet
    if (&process->jail() == &jail) process->set_dead_jail(*base_);
  jails_.erase(jail.id());
  jail.count_below(-1);
  // Destroyed when its parent's list no longer has it.
  const auto self = jail.parent_->children_.extract(jail.name_);
  Jail* parent = jail.parent_;
  if (parent->abandoned()) remove_later(*parent);
}

void Machine::remove_later(const Jail& jail) {
  abandoned_.push_back(jail.id());
  if (!undertaker_.armed()) undertaker_.arm_soft(SimTime());
}

void Machine::remove_abandoned() {
  for (int id : std::exchange(abandoned_, {})) {
    const auto found = jails_.find(id);
    if (found != jails_.end() && found->second->abandoned()) remove_jail(*found->second);
  }
}

}  // namespace stackyard
