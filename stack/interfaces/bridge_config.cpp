// stack/interfaces/bridge_config.cpp - a bridge's members, its settings, and the module's record.
#include <algorithm>

#include "core/base/text.h"
#include "stack/interfaces/detail/bridge_interface.h"
#include "stack/kern/machine.h"

namespace stackyard {

namespace {

extern const ClonerRecord cloners[1];

// What members must be able to do alike; receiving together (LRO) none may.
constexpr uint32_t shared_options =
    if_option::txcsum | if_option::txcsum6 | if_option::tso4 | if_option::tso6;
constexpr uint32_t forbidden_options = if_option::lro;

}  // namespace

Bridge::Bridge(NetStack& net, std::string name, MacAddress mac)
    : EtherIfnet(net, std::move(name), mac),
      first_mac_(mac),
      fdb_(timeout, addresses_max),
      tree_(*this, {}),
      tree_timer_(site_.node(), tree_) {
  attach_to_stack();
}

Bridge::~Bridge() { net_->remove_listener(this); }

void Bridge::attach_to_stack() {
  module_ = &net_->vnet().state<BridgeModule>(bridge_module);
  net_->add_listener(this);
}

void Bridge::moved() { attach_to_stack(); }

Bridge* Bridge::from(Ifnet* interface) {
  const bool is = interface && interface->origin().cloner == &cloners[0];
  return is ? static_cast<Bridge*>(interface) : nullptr;
}

// --- members -------------------------------------------------------------------------------------

BridgePort* Bridge::member(const std::string& name) const {
  for (const auto& port : members_)
    if (port->interface.name() == name) return port.get();
  return nullptr;
}

// What may become a member or a span port.
Result<EtherIfnet*> Bridge::candidate(const std::string& name) const {
  Ifnet* found = net_->find(name);
  if (!found) return Errno::enoent;
  if (!found->is_ethernet() || found->origin().cloner == &cloners[0]) return Errno::einval;
  return static_cast<EtherIfnet*>(found);
}

Result<> Bridge::add(const std::string& name) {
  EtherIfnet* interface = TRY(candidate(name));
  if (std::find(spans_.begin(), spans_.end(), interface) != spans_.end()) return Errno::ebusy;
  if (member(name)) return Errno::eexist;
  if (interface->master()) return Errno::ebusy;
  // The first member decides the MTU, the others follow.
  if (members_.empty()) {
    TRY(Ifnet::set_mtu(interface->mtu()));
  } else if (interface->mtu() != mtu() && !interface->set_mtu(mtu())) {
    net_->vnet().machine().log(
        text("{}: invalid MTU: {} for new member {}", this->name(), mtu(), name));
    return Errno::einval;
  }
  const size_t slot = size_t(std::find(slots_.begin(), slots_.end(), nullptr) - slots_.begin());
  if (slot == slots_.size()) slots_.push_back(nullptr);
  members_.insert(members_.begin(),
                  std::make_unique<BridgePort>(*this, *interface, uint32_t(slot)));
  BridgePort& port = *members_.front();
  slots_[slot] = &port;
  port.saved_options = interface->info().options;
  interface->set_master(&port);
  interface->set_promiscuous(true);
  if (module_->settings().inherit_mac && members_.size() == 1 && mac() == first_mac_) {
    mac_of_ = interface;
    (void)set_mac(interface->mac());
    net_->tell([this](InterfaceListener& l) { l.mac_changed(*this); });
  }
  lower_options();
  index_addresses();
  check_link();
  return {};
}

void Bridge::remove(BridgePort& port, bool departing) {
  EtherIfnet& interface = port.interface;
  const uint32_t saved = port.saved_options;
  interface.set_master(nullptr);
  tree_.remove_port(port.slot, site_.now());
  fdb_.forget_port(port.slot);
  if (snooper_) snooper_->forget_port(port.slot);
  slots_[port.slot] = nullptr;
  std::erase_if(members_, [&](const auto& each) { return each.get() == &port; });
  if (mac_of_ == &interface) {
    mac_of_ = members_.empty() ? nullptr : &members_.front()->interface;
    (void)set_mac(mac_of_ ? mac_of_->mac() : first_mac_);
    net_->tell([this](InterfaceListener& l) { l.mac_changed(*this); });
  }
  set_options(interface, saved);
  lower_options();
  index_addresses();
  check_link();
  // One that departs has left promiscuous mode by itself.
  if (!departing) interface.set_promiscuous(false);
}

Result<> Bridge::add_span(const std::string& name) {
  EtherIfnet* interface = TRY(candidate(name));
  const bool there = std::find(spans_.begin(), spans_.end(), interface) != spans_.end();
  if (there || interface->master()) return Errno::ebusy;
  spans_.insert(spans_.begin(), interface);
  return {};
}

Result<> Bridge::remove_span(const std::string& name) {
  const size_t gone = std::erase_if(spans_, [&](Ifnet* i) { return i->name() == name; });
  if (gone == 0) return Errno::enoent;
  return {};
}

// Setting `wanted` as it is, but for options that the interface cannot have.
void Bridge::set_options(EtherIfnet& member, uint32_t wanted) {
  SetInterface set;
  set.set_options = wanted;
  set.clear_options = ~wanted;
  (void)member.change(set);
}

void Bridge::lower_options() {
  uint32_t all = shared_options;
  for (const auto& port : members_) all &= port->saved_options;
  for (const auto& port : members_) {
    const uint32_t others = port->interface.info().options & ~shared_options & ~forbidden_options;
    set_options(port->interface, others | all);
  }
}

// Two members may have one address, as a vlan and its parent do: the latest is asked.
void Bridge::index_addresses() {
  own_.clear();
  for (const auto& port : members_) own_.emplace(port->interface.mac().number(), &port->interface);
}

void Bridge::check_link() {
  refresh_tree();
  const bool linked = std::any_of(members_.begin(), members_.end(),
                                  [](const auto& port) { return port->interface.link_up(); });
  if (std::exchange(linked_, linked) == linked) return;
  net_->vnet().machine().log(text("{}: link state changed to {}", name(), linked ? "UP" : "DOWN"));
  net_->tell([this](InterfaceListener& l) { l.link_changed(*this); });
}

void Bridge::interface_departing(Ifnet& interface) {
  if (&interface == this) {
    while (!members_.empty()) remove(*members_.front(), false);
    spans_.clear();
    fdb_.clear();
    net_->remove_listener(this);
    return;
  }
  std::erase(spans_, &interface);
  for (const auto& port : members_)
    if (&port->interface == &interface) return remove(*port, true);
}

void Bridge::link_changed(Ifnet& interface) {
  if (&interface == this) return;
  for (const auto& port : members_)
    if (&port->interface == &interface && port->has(bridge_flag::auto_ptp))
      port->point_to_point = true;  // all our links are full duplex
  check_link();
}

void Bridge::mac_changed(Ifnet& interface) {
  if (&interface == this) return;
  index_addresses();
  refresh_tree();
  if (&interface != mac_of_) return;
  (void)set_mac(mac_of_->mac());
  net_->tell([this](InterfaceListener& l) { l.mac_changed(*this); });
}

// All members or none.
Result<> Bridge::set_mtu(uint32_t mtu) {
  if (mtu < 576) return Errno::einval;
  const uint32_t before = this->mtu();
  for (const auto& port : members_) {
    if (port->interface.set_mtu(mtu)) continue;
    for (const auto& again : members_) (void)again->interface.set_mtu(before);
    net_->vnet().machine().log(
        text("{}: invalid MTU: {} for member {}", name(), mtu, port->interface.name()));
    return Errno::einval;
  }
  return Ifnet::set_mtu(mtu);
}

// --- requests ------------------------------------------------------------------------------------

// `edge` and `ptp` are what is so now, so that setting them is another thing than having them.
void Bridge::set_flags(BridgePort& port, uint32_t set, uint32_t clear) {
  if (set & bridge_flag::edge) set |= bridge_flag::admin_edge;
  if (clear & bridge_flag::edge) clear |= bridge_flag::admin_edge;
  if (set & (bridge_flag::ptp | bridge_flag::auto_ptp)) port.point_to_point = true;
  if (clear & bridge_flag::ptp) port.point_to_point = false;
  constexpr uint32_t found = bridge_flag::edge | bridge_flag::ptp;
  port.flags = (port.flags | (set & ~found)) & ~clear;
  refresh_tree();
}

Result<> Bridge::apply(const ChangeBridge& change) {
  const auto on_member = [&](auto act) -> Result<> {
    BridgePort* port = member(change.interface);
    if (!port) return Errno::enoent;
    act(*port);
    return {};
  };
  switch (change.action) {
    case BridgeAction::add:
      return add(change.interface);
    case BridgeAction::remove:
      return on_member([&](BridgePort& p) { remove(p, false); });
    case BridgeAction::add_span:
      return add_span(change.interface);
    case BridgeAction::remove_span:
      return remove_span(change.interface);
    case BridgeAction::set_flags:
      return on_member([&](BridgePort& p) { set_flags(p, change.value, 0); });
    case BridgeAction::clear_flags:
      return on_member([&](BridgePort& p) { set_flags(p, 0, change.value); });
    case BridgeAction::set_address: {
      BridgePort* port = member(change.interface);
      if (!port) return Errno::enoent;
      if (change.address.is_group()) return Errno::einval;
      const bool done = fdb_.set(change.address, 1, port->slot, site_.now(), FdbKind::fixed);
      return done ? Result<>() : Errno::enospc;
    }
    case BridgeAction::delete_address:
      return fdb_.forget(change.address) ? Result<>() : Errno::enoent;
    case BridgeAction::flush:
      fdb_.forget_dynamic();
      return {};
    case BridgeAction::flush_all:
      fdb_.clear();
      return {};
    case BridgeAction::addresses_max:
      fdb_.set_entries_max(change.value, site_.now());
      return {};
    case BridgeAction::timeout:
      fdb_.set_ageing(1_s * change.value, site_.now());
      return {};
    case BridgeAction::member_addresses_max:
      return on_member([&](BridgePort& p) { p.addresses_max = change.value; });
    case BridgeAction::member_priority:
    case BridgeAction::member_path_cost: {
      BridgePort* port = member(change.interface);
      if (!port) return Errno::enoent;
      return set_member_tree(*port, change.action, change.value);
    }
    default:
      return set_tree(change.action, change.value);
  }
}

void Bridge::describe(GetBridge& into) const {
  into.addresses_max = uint32_t(fdb_.entries_max());
  into.timeout = uint32_t(fdb_.ageing().s());
  describe_tree(into);
  for (const auto& port : members_) {
    into.members.push_back({port->interface.name(), shown_flags(*port), port->addresses_max,
                            port->interface.index() & 0xfff, path_cost(*port), port->priority});
    if (tree_.speaks(port->slot)) into.members.back().stp = tree_.info(port->slot);
  }
  for (const EtherIfnet* span : spans_)
    into.members.push_back({span->name(), bridge_flag::span, 0, span->index() & 0xfff, 0, 0});
}

std::vector<BridgeAddressInfo> Bridge::addresses() const {
  std::vector<BridgeAddressInfo> all;
  for (const FdbEntry& e : fdb_.entries(site_.now())) {
    const bool ages = e.kind == FdbKind::dynamic && fdb_.ageing() > SimTime();
    const SimTime left = e.seen + fdb_.ageing() - site_.now();
    all.push_back({e.address, e.vlan, slots_[e.port]->interface.name(),
                   ages ? uint32_t((left + 1_s - 1_ns).s()) : 0, uint32_t(e.kind)});
  }
  return all;
}

// --- the module ----------------------------------------------------------------------------------

namespace {

Result<std::string> create(const CloneRequest& request) {
  const MacAddress mac = request.net.vnet().machine().new_mac_pair().first;
  request.net.attach_clone(std::make_unique<Bridge>(request.net, request.name, mac), cloners[0],
                           request.unit);
  return request.name;
}

const ClonerRecord cloners[1] = {
    {.name = "bridge", .summary = "Ethernet bridge", .create = create}};

Result<Bridge*> bridge_named(ModuleState& state, const std::string& name) {
  Bridge* bridge = Bridge::from(static_cast<BridgeModule&>(state).net.find(name));
  if (!bridge) return Errno::einval;
  return bridge;
}

Result<> get_bridge(ModuleState& state, Request& request) {
  auto& get = static_cast<GetBridge&>(request);
  const Bridge* bridge = TRY(bridge_named(state, get.name));
  bridge->describe(get);
  return {};
}

Result<> list_addresses(ModuleState& state, Request& request) {
  auto& list = static_cast<ListBridgeAddresses&>(request);
  const Bridge* bridge = TRY(bridge_named(state, list.name));
  list.addresses = bridge->addresses();
  return {};
}

Result<> change_bridge(ModuleState& state, Request& request) {
  const auto& change = static_cast<const ChangeBridge&>(request);
  Bridge* bridge = TRY(bridge_named(state, change.name));
  return bridge->apply(change);
}

constexpr RequestRecord requests[] = {
    {&GetBridge::kind_of, get_bridge, Errno::einval},
    {&ListBridgeAddresses::kind_of, list_addresses, Errno::einval},
    {&ChangeBridge::kind_of, change_bridge}};

constexpr BridgeSettings defaults;

#define NUMBER(name, words, member)                             \
  {                                                             \
    "net.link.bridge." name, words,                             \
        [](const void* s) -> const int64_t& {                   \
          return static_cast<const BridgeSettings*>(s)->member; \
        },                                                      \
        0, 1                                                    \
  }
constexpr SysctlRecord sysctls[] = {
    NUMBER("inherit_mac", "Inherit MAC address from the first bridge member", inherit_mac),
    NUMBER("log_mac_flap", "Log MAC address port flapping", log_mac_flap),
    NUMBER("pfil_onlyip", "Only pass IP packets when pfil is enabled", pfil_onlyip),
    NUMBER("pfil_bridge", "Packet filter on the bridge interface", pfil_bridge),
    NUMBER("pfil_member", "Packet filter on the member interface", pfil_member),
    NUMBER("pfil_local_phys", "Packet filter on the physical interface for local packets",
           pfil_local_phys),
    NUMBER("ipfw", "Layer2 filter with IPFW", ipfw),
    NUMBER("ipfw_arp", "Filter ARP packets through IPFW layer2", ipfw_arp),
    NUMBER("allow_llz_overlap", "Allow overlap of link-local scope zones", allow_llz_overlap),
    NUMBER("log_stp", "Log STP state changes", log_stp),
    NUMBER("mcast_snooping", "Send frames for groups to members only (IGMP and MLD snooping)",
           mcast_snooping),
};
#undef NUMBER

Table fdb_table(const ModuleState* state) {
  Table table{{{"bridge", "Bridge"},
               {"vlan", "VLAN", ColumnType::number},
               {"address", "Address"},
               {"port", "Port"},
               {"expires", "Expires", ColumnType::duration},
               {"kind", "Kind"}},
              {}};
  static constexpr const char* kinds[] = {"dynamic", "static", "sticky"};
  if (!state) return table;
  static_cast<const BridgeModule*>(state)->net.for_each([&](Ifnet& i) {
    const Bridge* bridge = Bridge::from(&i);
    if (!bridge) return;
    for (const BridgeAddressInfo& a : bridge->addresses())
      table.rows.push_back({bridge->name(), int64_t(a.vlan), to_text(a.address), a.interface,
                            (1_s * a.expires).ns(), std::string(kinds[a.flags])});
  });
  return table;
}

Table stp_table(const ModuleState* state) {
  Table table = spanning_tree_table();
  if (!state) return table;
  static_cast<const BridgeModule*>(state)->net.for_each([&](Ifnet& i) {
    if (const Bridge* bridge = Bridge::from(&i)) bridge->add_to(table);
  });
  return table;
}

constexpr TableRecord tables[] = {{"fdb", fdb_table}, {"stp", stp_table}};

}  // namespace

const ModuleRecord bridge_module{.name = "bridge",
                                 .summary = "Ethernet bridges",
                                 .needs = {"net"},
                                 .create = [](Vnet& vnet) -> std::unique_ptr<ModuleState> {
                                   return std::make_unique<BridgeModule>(
                                       vnet.state<NetStack>(net_module), defaults);
                                 },
                                 .settings = &defaults,
                                 .sysctls = sysctls,
                                 .tables = tables,
                                 .requests = requests,
                                 .cloners = cloners};

}  // namespace stackyard
