// stack/kern/jail.h - jails: containers of processes, with a network stack of their own or their
// parent's (jail(8), jail(2)). Ours never linger: a removed jail is gone at once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/address6.h"
#include "stack/kern/vnet.h"
#include "stack/sys/jail.h"

namespace stackyard {

// Whether a jail has a subsystem of its own, its parent's, or none: jail(8)'s "ip4" and the like.
enum class JailSystem : uint8_t { disable, new_, inherit };

// Bits of the allow.* parameters that matter here.
namespace jail_allow {
constexpr uint32_t set_hostname = 1, raw_sockets = 2, socket_af = 4, reserved_ports = 8,
                   defaults = set_hostname | reserved_ports;
}

// What jail_set(2) sets, as values.
struct JailSettings {
  std::string root;  // of its files: a path of the machine, "" for "/"
  std::string hostname;
  // What few jails have: "host.domainname", "host.hostuuid", "host.hostid", by name.
  JailParams host;
  std::vector<Ipv4Address> addresses4;  // with ip4 `new_`
  std::vector<Ipv6Address> addresses6;  // with ip6 `new_`
  uint32_t allow = jail_allow::defaults;
  int children_max = 0;
  int securelevel = -1;
  int enforce_statfs = 2;
  int devfs_ruleset = 0;
  JailSystem ip4 = JailSystem::inherit, ip6 = JailSystem::inherit;
  bool source_select4 = true, source_select6 = true;
  bool host_inherited = false;
  bool persist = false;
};

class Jail {
 public:
  // The base system: jail 0, with vnet 0.
  explicit Jail(Machine& machine);
  Jail(Jail& parent, int id);
  ~Jail();
  Jail(const Jail&) = delete;

  Machine& machine() const { return machine_; }
  int id() const { return id_; }
  Jail* parent() const { return parent_; }
  const JailSettings& settings() const { return settings_; }
  const std::string& name() const { return name_; }  // without its parents'
  // Below `other`, or `other` itself.
  bool within(const Jail& other) const;
  // "b.c" for jail c in jail b in `viewer`; "0" for the viewer itself.
  std::string name_seen_by(const Jail& viewer) const;
  const std::string& hostname() const {
    return settings_.host_inherited ? parent_->hostname() : settings_.hostname;
  }
  void set_hostname(const std::string& name);
  Vnet& vnet() const { return *vnet_; }
  bool has_own_vnet() const { return own_vnet_ != nullptr; }
  // What only root of a stack may do: always in the stack's own jail, never in one that shares it.
  bool may_configure_network() const { return has_own_vnet(); }
  bool may(uint32_t allow) const { return !parent_ || (settings_.allow & allow); }

  using Children = std::map<std::string_view, std::unique_ptr<Jail>>;  // by their own names
  const Children& children() const { return children_; }
  int count_below() const { return below_; }
  // Parents first, without itself.
  template <class Visit>
  void for_each_below(Visit visit) const {
    for (const auto& [name, child] : children_) {
      visit(*child);
      child->for_each_below(visit);
    }
  }

  // Processes that run in it: the last one takes a jail without `persist` along.
  void process_entered() { ++processes_; }
  void process_left();
  bool abandoned() const;

  // Sets `params` on behalf of a process in `caller`; all or nothing. EPERM, EINVAL, with what
  // jail(8) prints in `message` where the errno is not all that is known.
  Result<> set(const JailParams& params, const Jail& caller, bool creating, std::string& message);
  // All parameters, as jls(8) shows them.
  JailParams params(const Jail& viewer) const;

 private:
  friend class Machine;
  void count_below(int more);

  Machine& machine_;
  Jail* parent_ = nullptr;
  int id_ = 0;
  int processes_ = 0;
  int below_ = 0;     // jails in it, and in those
  std::string name_;  // its parent's list points into it
  JailSettings settings_;
  std::unique_ptr<Vnet> own_vnet_;
  Vnet* vnet_ = nullptr;
  Children children_;  // end before the vnet does
};

}  // namespace stackyard
