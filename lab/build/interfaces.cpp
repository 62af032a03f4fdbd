// lab/build/interfaces.cpp - Start's step "interfaces": hardware and clones where they are listed,
// joined, and configured.
#include <algorithm>

#include "core/base/text.h"
#include "lab/build/lab.h"
#include "stack/drivers/ether.h"
#include "stack/inet/inet.h"
#include "stack/inet6/inet6.h"
#include "stack/interfaces/api/bridge_requests.h"
#include "stack/interfaces/api/vlan_requests.h"
#include "stack/net/net_stack.h"

namespace stackyard {

// All of a machine: hardware, then what software makes, each moved to where it is listed.
void Lab::attach_interfaces(size_t index) {
  if (spec_.nodes[index].is_jail()) return;
  NetStack& base = stack_of(machine(index)->base());
  const size_t behind = spec_.behind(index);
  // Jails' hardware first: every name is free in the base system then.
  for (size_t i = index + 1; i < behind; ++i)
    for (Nic& nic : nodes_[i].nics) {
      Ifnet& interface = base.attach(std::make_unique<EtherInterface>(base, nic.name, *nic.nic));
      if (Jail* jail = this->jail(i)) (void)base.move(interface, stack_of(*jail));
    }
  for (Nic& nic : nodes_[index].nics)
    base.attach(std::make_unique<EtherInterface>(base, nic.name, *nic.nic));
  (void)base.create_clone("lo0");
  create_epairs(index);
  for (size_t i = index; i < behind; ++i) create_clones(i);
  for (size_t i = index; i < behind; ++i) apply_taps(i);
}

void Lab::create_epairs(size_t index) {
  const auto machine_of = [this](const EpairSpec& e) { return spec_.nodes[e.nodes[0]].machine; };
  auto epair = std::lower_bound(spec_.epairs.begin(), spec_.epairs.end(), index,
                                [&](const EpairSpec& e, size_t i) { return machine_of(e) < i; });
  for (; epair != spec_.epairs.end() && machine_of(*epair) == index; ++epair) {
    Jail* home = jail(epair->home);
    if (!home || !stack_of(*home).create_clone(text("epair{}", epair->number))) continue;
    for (size_t end = 0; end < 2; ++end) {
      Ifnet* interface =
          stack_of(*home).find(text("epair{}{}", epair->number, end == 0 ? 'a' : 'b'));
      Jail* there = jail(epair->nodes[end]);
      if (interface && there && there != home)
        (void)stack_of(*home).move(*interface, stack_of(*there));
    }
  }
}

// The rest of what software makes, in the stack that lists it.
void Lab::create_clones(size_t index) {
  Jail* jail = this->jail(index);
  if (!jail) return;
  NetStack& net = stack_of(*jail);
  const auto create = [&](const InterfaceSpec& i) {
    const bool own_name = interface_type_by_name(i.name) != i.type;
    const auto made = net.create_clone(own_name ? interface_type_name(i.type) : i.name);
    if (made && *made != i.name) (void)net.rename(*net.find(*made), i.name);
  };
  const std::vector<InterfaceSpec>& interfaces = spec_.nodes[index].interfaces;
  const auto missing = [&](const InterfaceSpec& i) {
    return i.type != InterfaceType::nic && i.type != InterfaceType::epair && !net.find(i.name);
  };
  for (const InterfaceSpec& i : interfaces)
    if (i.type != InterfaceType::vlan && missing(i)) create(i);
  // A vlan comes after its parent, which may be a vlan; four deep at most.
  for (int depth = 0; depth < 4; ++depth)
    for (const InterfaceSpec& i : interfaces) {
      const std::string& parent = spec_.more(i).parent.name;
      if (missing(i) && (parent.empty() || net.find(parent))) create(i);
    }
}

// Lower ones first: a vlan takes its parent's link address and MTU, a bridge its first member's.
std::vector<const InterfaceSpec*> Lab::from_below(const NodeSpec& node) const {
  std::vector<const InterfaceSpec*> order, waiting;
  for (const InterfaceSpec& i : node.interfaces) {
    const bool plain = i.type != InterfaceType::vlan && i.type != InterfaceType::bridge;
    (plain ? order : waiting).push_back(&i);
  }
  const auto waits_for = [&](const std::string& name) {
    return std::any_of(waiting.begin(), waiting.end(),
                       [&](const InterfaceSpec* i) { return i->name == name; });
  };
  const auto ready = [&](const InterfaceSpec* i) {
    const InterfaceMore& more = spec_.more(*i);
    if (waits_for(more.parent.name)) return false;
    return std::none_of(more.members.begin(), more.members.end(),
                        [&](const Named& member) { return waits_for(member.name); });
  };
  while (!waiting.empty()) {
    const auto next = std::find_if(waiting.begin(), waiting.end(), ready);
    if (next == waiting.end()) break;  // in a circle, which the reader refuses
    order.push_back(*next);
    waiting.erase(next);
  }
  return order;
}

void Lab::configure(size_t index) {
  const NodeSpec& spec = spec_.nodes[index];
  Jail* jail = this->jail(index);
  if (!jail || !spec.vnet) return;
  Vnet& vnet = jail->vnet();
  const bool v6 = std::any_of(spec.interfaces.begin(), spec.interfaces.end(), [](const auto& i) {
    return std::any_of(i.addresses.begin(), i.addresses.end(),
                       [](const AddressItem& a) { return a.wants_v6(); });
  });
  if (spec_.settled) vnet.state<Inet>(inet_module).set_settled_start(true);
  if (spec_.settled && v6) vnet.state<Inet6>(inet6_module).set_settled_start(true);
  // A machine's lo0 is up; a jail's is down, as on FreeBSD, but if it is listed.
  const bool listed_lo0 = std::any_of(spec.interfaces.begin(), spec.interfaces.end(),
                                      [](const InterfaceSpec& i) { return i.name == "lo0"; });
  if (!spec.is_jail() || listed_lo0) add_address(vnet, "lo0", {{0x7f000001}, 8});
  for (const InterfaceSpec* i : from_below(spec)) prepare_interface(index, vnet, *i);
  for (const InterfaceSpec& i : spec.interfaces) configure_interface(index, vnet, i);
  if (spec_.settled && v6) vnet.state<Inet6>(inet6_module).set_settled_start(false);
  if (spec_.settled) vnet.state<Inet>(inet_module).set_settled_start(false);
}

// Any item of IPv6 turns it on; link-local addresses come by themselves.
void Lab::add_address6(Vnet& vnet, const std::string& interface, const AddressItem& item) {
  if (item.has_v6()) {
    AddAddress6 request;
    request.interface = interface;
    request.address = item.prefix.v6();
    (void)vnet.request(request);
    return;
  }
  SetNdFlags request;
  request.interface = interface;
  request.clear = nd6_flag::disabled;
  if (item.kind == AddressItem::Kind::slaac) request.set = nd6_flag::accept_rtadv;
  (void)vnet.request(request);
}

void Lab::add_address(Vnet& vnet, const std::string& interface, Ipv4Prefix address) {
  AddAddress request;
  request.interface = interface;
  request.address = address;
  (void)vnet.request(request);
}

// All but being up, addresses and ifconfig's own words: those come when everything is joined.
void Lab::prepare_interface(size_t index, Vnet& vnet, const InterfaceSpec& i) {
  const LinkSpec* link = i.link >= 0 ? &spec_.links[size_t(i.link)] : nullptr;
  const InterfaceMore& more = spec_.more(i);
  const auto ask = [&](auto& request, const std::string& what) {
    const Result<> done = vnet.request(request);
    if (!done)
      machine(index)->log(text("ifconfig: {}: {}: {}", i.name, what, errno_text(done.error())));
  };
  if (!more.parent.name.empty()) {
    SetVlan set;
    set.name = i.name;
    ask(set, "-vlandev");  // one that its name made knows the parent's MTU of then
    set.parent = more.parent.name;
    set.tag = more.vlan;
    if (more.provider_tag) set.protocol = 0x88a8;
    ask(set, text("vlan {} vlandev {}", set.tag, set.parent));
  }
  if (more.pcp) {
    SetVlanPcp set;
    set.name = i.name;
    set.pcp = *more.pcp;
    ask(set, text("vlanpcp {}", set.pcp));
  }
  for (const Named& member : more.members) {
    ChangeBridge add;
    add.name = i.name;
    add.interface = member.name;
    ask(add, "addm " + member.name);
    if (more.stp == StpSpec::off) continue;
    add.action = BridgeAction::set_flags;
    add.value = bridge_flag::stp;
    ask(add, "stp " + member.name);
  }
  if (more.stp == StpSpec::stp) {
    ChangeBridge change;
    change.name = i.name;
    change.action = BridgeAction::version;
    change.value = uint32_t(StpVersion::stp);
    ask(change, "proto stp");
  }
  SetInterface set;
  set.name = i.name;
  if (const uint32_t mtu = i.mtu ? i.mtu : link ? link->mtu : 0) set.mtu = mtu;
  if (i.fib) set.fib = i.fib;
  if (i.type != InterfaceType::nic) set.mac = more.mac;
  if (!more.description.empty()) set.description = more.description;
  set.add_groups = more.groups;
  ask(set, "settings");
}

void Lab::configure_interface(size_t index, Vnet& vnet, const InterfaceSpec& i) {
  SetInterface set;
  set.name = i.name;
  set.up = i.up;
  (void)vnet.request(set);
  for (const AddressItem& a : i.addresses)
    if (a.is_v4())
      add_address(vnet, i.name, a.prefix.v4());
    else if (a.wants_v6())
      add_address6(vnet, i.name, a);
  if (!i.up) (void)vnet.request(set);  // an address has brought it up
  for (const std::string& words : spec_.more(i).ifconfig)
    run_shell(index, text("ifconfig {} {}", i.name, words), nullptr);
}

}  // namespace stackyard
