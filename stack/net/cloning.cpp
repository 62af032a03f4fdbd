// stack/net/cloning.cpp - interfaces that are made, renamed, lent to other stacks and given back
// (if_clone(9), ifconfig(8), if_vmove).
#include <algorithm>

#include "core/base/text.h"
#include "stack/kern/machine.h"
#include "stack/net/cloner.h"
#include "stack/net/net_stack.h"

namespace stackyard {

namespace {

constexpr size_t name_max = 15;  // IFNAMSIZ with its zero
constexpr uint32_t unit_max = 0x7fff;

template <class Visit>
void for_each_cloner(const Vnet& vnet, Visit visit) {
  for (const ModuleRecord* module : vnet.modules())
    for (const ClonerRecord& cloner : module->cloners) visit(cloner);
}

std::vector<std::string> names_of(const ClonerRecord& cloner, const std::string& name) {
  if (cloner.names) return cloner.names(name);
  return {name};
}

// "epair12" of cloner "epair" is 12.
std::optional<uint32_t> unit_in(const std::string& cloner, const std::string& name) {
  if (!name.starts_with(cloner) || name.size() == cloner.size()) return std::nullopt;
  const std::string digits = name.substr(cloner.size());
  const auto number = parse_int(digits);
  if (!number || *number < 0 || *number > unit_max || text("{}", *number) != digits)
    return std::nullopt;
  return uint32_t(*number);
}

}  // namespace

std::vector<std::string> NetStack::cloner_names() const {
  std::vector<std::string> names;
  for_each_cloner(vnet_, [&](const ClonerRecord& c) { names.push_back(c.name); });
  std::sort(names.begin(), names.end());
  return names;
}

NetStack::Units& NetStack::units_of(const ClonerRecord& cloner) {
  for (Units& units : units_)
    if (units.cloner == &cloner) return units;
  units_.push_back({&cloner, 0, nullptr, 0});
  return units_.back();
}

bool NetStack::Units::in_use(uint32_t unit) const {
  if (unit < 64) return used >> unit & 1;
  return further && unit - 64 < further->size() && (*further)[unit - 64];
}

void NetStack::Units::mark(uint32_t unit, bool in_use) {
  if (unit < 64) {
    used = (used & ~(uint64_t(1) << unit)) | uint64_t(in_use) << unit;
  } else {
    if (!further) further = std::make_unique<std::vector<bool>>();
    if (unit - 64 >= further->size()) further->resize(unit - 63);
    (*further)[unit - 64] = in_use;
  }
  if (in_use && unit == first_free) ++first_free;
  if (!in_use) first_free = std::min(first_free, unit);
}

Result<> NetStack::check_free(const ClonerRecord& cloner, const std::string& name) const {
  for (const std::string& each : names_of(cloner, name))
    if (find(each)) return Errno::eexist;
  return {};
}

// Free among its own clones, lent ones too, and every name of it is.
bool NetStack::unit_is_free(const ClonerRecord& cloner, uint32_t unit) {
  if (units_of(cloner).in_use(unit)) return false;
  return bool(check_free(cloner, text("{}{}", cloner.name, unit)));
}

Result<std::string> NetStack::create_clone(const std::string& name, const CloneParams& params) {
  if (name.size() > name_max) return Errno::einval;
  const ClonerRecord* cloner = nullptr;
  std::optional<uint32_t> unit;
  bool whole_name = false;
  for_each_cloner(vnet_, [&](const ClonerRecord& c) {
    if (cloner) return;
    unit = unit_in(c.name, name);
    whole_name = c.accepts && c.accepts(*this, name);
    if (unit || whole_name || name == c.name) cloner = &c;
  });
  if (!cloner) return Errno::einval;
  if (whole_name && !unit) {
    TRY(check_free(*cloner, name));
    return cloner->create({*this, name, CloneOrigin::no_unit, params});
  }
  if (!unit) {
    unit = units_of(*cloner).first_free;
    while (*unit <= unit_max && !unit_is_free(*cloner, *unit)) ++*unit;
    if (*unit > unit_max) return Errno::enospc;
  } else if (!unit_is_free(*cloner, *unit)) {
    return Errno::eexist;
  }
  return cloner->create({*this, text("{}{}", cloner->name, *unit), *unit, params});
}

Ifnet& NetStack::attach_clone(std::unique_ptr<Ifnet> interface, const ClonerRecord& cloner,
                              uint32_t unit) {
  if (unit != CloneOrigin::no_unit) units_of(cloner).mark(unit, true);
  interface->origin_ = {&cloner, unit};
  return attach(std::move(interface));
}

void NetStack::forget_unit(const CloneOrigin& origin) {
  if (!origin.cloner || origin.unit == CloneOrigin::no_unit) return;
  units_of(*origin.cloner).mark(origin.unit, false);
}

Result<> NetStack::destroy_clone(Ifnet& interface) {
  const CloneOrigin origin = interface.origin();
  if (!origin.cloner) return Errno::einval;
  const int permanent = origin.cloner->permanent_unit;
  if (permanent >= 0 && origin.unit == uint32_t(permanent)) return Errno::einval;
  NetStack& home = interface.home();
  if (origin.cloner->destroy) {
    origin.cloner->destroy(interface);
  } else {
    const std::unique_ptr<Ifnet> gone = detach(interface);
  }
  home.forget_unit(origin);
  return {};
}

Result<> NetStack::rename(Ifnet& interface, const std::string& name) {
  if (name.empty() || name.size() > name_max) return Errno::einval;
  if (interface.name() == name) return {};
  if (find(name)) return Errno::eexist;
  vnet_.machine().log(text("{}: changing name to '{}'", interface.name(), name));
  if (names_) names_->erase(interface.name());
  if (interface.extra().driver.empty()) interface.extra_->driver = interface.name_;
  if (watcher_) watcher_->announced(interface, RouteWatcher::Presence::departure);
  interface.name_ = name;
  if (watcher_) watcher_->announced(interface, RouteWatcher::Presence::arrival);
  if (names_) names_->emplace(name, &interface);
  tell([&](InterfaceListener& l) { l.interface_renamed(interface); });
  return {};
}

// --- moves ---------------------------------------------------------------------------------------

// detach() has taken it out of its home's list, if it was there.
void NetStack::lend(Ifnet& interface) {
  interface.lent_at_ = uint32_t(lent_.size());
  lent_.push_back(&interface);
}

void NetStack::forget_lent(Ifnet& interface) {
  lent_[interface.lent_at_] = lent_.back();
  lent_[interface.lent_at_]->lent_at_ = interface.lent_at_;
  lent_.pop_back();
}

Result<> NetStack::move(Ifnet& interface, NetStack& to) {
  if (&to == this || to.find(interface.name())) return Errno::eexist;
  interface.set_up(false);
  std::unique_ptr<Ifnet> moving = detach(interface);
  if (moving->home_ != &to) moving->home_->lend(*moving);
  to.adopt(std::move(moving));
  return {};
}

// Groups but the cloner's, and the FIB, stay behind (if_delgroups, if_clone_restoregroup).
void NetStack::adopt(std::unique_ptr<Ifnet> interface) {
  interface->net_ = this;
  interface->fib_ = 0;
  if (interface->extra_) interface->extra_->own_groups = false;
  attach(std::move(interface)).moved();
}

// A lent interface whose stack has ended: under its own name, or the next free unit's.
void NetStack::take_home(std::unique_ptr<Ifnet> interface) {
  const std::string name = interface->name();
  const std::string stem = name.substr(0, name.find_last_not_of("0123456789") + 1);
  if (find(name) && interface->extra().driver.empty()) interface->extra_->driver = name;
  for (uint32_t unit = 0; find(interface->name()); ++unit)
    interface->name_ = text("{}{}", stem, unit);
  adopt(std::move(interface));
}

void NetStack::give_everything_back() {
  for (size_t i = 0; i < interfaces_.size(); ++i) {
    Ifnet* interface = interfaces_[i].interface.get();
    if (!interface || interface->is_home()) continue;
    NetStack& home = interface->home();
    interface->set_up(false);
    home.take_home(detach(*interface));
  }
  // What was made here ends, here or where it was lent to.
  while (!lent_.empty()) {
    Ifnet& interface = *lent_.back();
    if (!interface.net().destroy_clone(interface))
      const auto gone = interface.net().detach(interface);
  }
  for (size_t i = interfaces_.size(); i-- > 0;) {
    Ifnet* interface = i < interfaces_.size() ? interfaces_[i].interface.get() : nullptr;
    if (interface && !destroy_clone(*interface)) const auto gone = detach(*interface);
  }
}

}  // namespace stackyard
