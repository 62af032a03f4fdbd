#include "stack/net/net_stack.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/wire/link/ethernet.h"
#include "stack/kern/machine.h"
#include "stack/net/bpf.h"
#include "stack/net/drops.h"
#include "stack/net/route_socket.h"

namespace stackyard {

namespace {
constexpr SimTime loop_time = 1_us;
constexpr size_t loop_queue_max = 256;  // net.isr's default queue length
constexpr size_t names_worthwhile = 16;
}  // namespace

NetStack::NetStack(Vnet& vnet, const NetSettings& defaults)
    : StateWithSettings(defaults),
      vnet_(vnet),
      loop_timer_(vnet.site().node(), Timer::call<&NetStack::loop_due>, this) {
  // A machine's comes behind its hardware.
  if (vnet.jail().parent()) (void)create_clone("lo0");
}

NetStack::~NetStack() { give_everything_back(); }

void NetStack::fibs_changed() {
  for (RouteFamily* family : families_)
    if (family) family->fibs_changed();
}

RouteFamily* NetStack::route_family(IpFamily family) {
  if (!families_[size_t(family)])
    (void)vnet_.need_ether_type(family == IpFamily::v4 ? ether_type::ipv4 : ether_type::ipv6);
  return families_[size_t(family)];
}

Ifnet& NetStack::attach(std::unique_ptr<Ifnet> interface) {
  size_t at = first_free_;
  while (at < interfaces_.size() && interfaces_[at].interface) ++at;
  if (at == interfaces_.size()) interfaces_.emplace_back();
  first_free_ = at + 1;
  Slot& slot = interfaces_[at];
  slot.interface = std::move(interface);
  Ifnet& attached = *slot.interface;
  attached.index_ = uint32_t(at + 1);
  attached.generation_ = ++slot.generation;
  if (names_)
    names_->emplace(attached.name(), &attached);
  else if (interfaces_.size() > names_worthwhile)
    index_names();
  if (watcher_) watcher_->announced(attached, RouteWatcher::Presence::arrival);
  tell([&](InterfaceListener& l) { l.interface_arrived(attached); });
  return attached;
}

std::unique_ptr<Ifnet> NetStack::detach(Ifnet& interface) {
  interface.leave_captures();
  tell([&](InterfaceListener& l) { l.interface_departing(interface); });
  if (watcher_) watcher_->announced(interface, RouteWatcher::Presence::departure);
  const size_t at = interface.index() - 1;
  if (names_) names_->erase(interface.name());
  first_free_ = std::min(first_free_, at);
  if (!interface.is_home()) interface.home().forget_lent(interface);
  return std::move(interfaces_[at].interface);
}

void NetStack::index_names() {
  names_ = std::make_unique<std::unordered_map<std::string, Ifnet*>>();
  for_each([this](Ifnet& i) { names_->emplace(i.name(), &i); });
}

Ifnet* NetStack::find(const std::string& name) const {
  if (names_) {
    const auto found = names_->find(name);
    return found == names_->end() ? nullptr : found->second;
  }
  for (const Slot& slot : interfaces_)
    if (slot.interface && slot.interface->name() == name) return slot.interface.get();
  return nullptr;
}

Ifnet* NetStack::by_index(uint32_t index) const {
  if (index == 0 || index > interfaces_.size()) return nullptr;
  return interfaces_[index - 1].interface.get();
}

Ifnet* NetStack::resolve(IfRef ref) const {
  Ifnet* found = by_index(ref.index());
  return found && found->ref() == ref ? found : nullptr;
}

void NetStack::set_ether_protocol(uint16_t type, EtherProtocol* protocol) {
  ether_protocols_.emplace_back(type, protocol);
}

Result<> NetStack::loop(Packet packet, uint16_t ether_type, Ifnet& from) {
  if (!looping_) looping_ = std::make_unique<std::deque<Looping>>();
  if (looping_->size() >= loop_queue_max) {
    site().note_drop(packet.id(), drops::loopback_queue_full, from.name());
    return Errno::enobufs;
  }
  packet.set_interface(from.ref().value);
  looping_->push_back({site().now() + loop_time, ether_type, std::move(packet)});
  if (!loop_timer_.armed()) loop_timer_.arm(loop_time);
  return {};
}

void NetStack::loop_due() {
  Looping first = std::move(looping_->front());
  looping_->pop_front();
  if (!looping_->empty()) loop_timer_.arm(std::max(looping_->front().due - site().now(), 1_ns));
  Ifnet* from = resolve({first.packet.interface()});
  if (!from) return site().note_drop(first.packet.id(), drops::interface_gone, "loop");
  deliver(std::move(first.packet), first.ether_type, *from);
}

void NetStack::deliver_first(Packet packet, uint16_t ether_type, Ifnet& from) {
  if (vnet_.need_ether_type(ether_type)) return deliver(std::move(packet), ether_type, from);
  site().note_drop(packet.id(), drops::unknown_ether_type, from.name());
}

namespace {

NetStack& self(ModuleState& state) { return static_cast<NetStack&>(state); }
const NetStack& self(const ModuleState& state) { return static_cast<const NetStack&>(state); }

constexpr NetSettings defaults;

template <auto Member>
const int64_t& setting(const void* s) {
  return static_cast<const NetSettings*>(s)->*Member;
}

constexpr SysctlRecord sysctls[] = {
    {.name = "net.fibs",
     .summary = "set number of fibs",
     .number = setting<&NetSettings::fibs>,
     .least = 1,
     .most = 65536,  // RT_MAXFIBS
     .changed = [](ModuleState& m) { self(m).fibs_changed(); }},
    {.name = "net.add_addr_allfibs",
     .summary = "Add addresses of all interfaces to all fibs",
     .number = setting<&NetSettings::add_addr_allfibs>,
     .most = 1},
    {.name = "net.route.multipath",
     .summary = "Enable route multipath",
     .number = setting<&NetSettings::multipath>,
     .most = 1},
    {.name = "net.route.routes_max",
     .summary = "Maximum number of routes in each fib of a family",
     .number = setting<&NetSettings::routes_max>,
     .least = 1},
    {.name = "net.rtsock.recvspace",
     .summary = "Default routing socket receive space",
     .number = setting<&NetSettings::recvspace>,
     .least = 1024},
};

#define ROUTE_COUNTER(name, words, member)                                                 \
  {                                                                                        \
    "rtsock", name, words, [](const ModuleState& m) {                                      \
      return self(m).counted([](const RouteCounters& c) -> uint64_t { return c.member; }); \
    }                                                                                      \
  }
constexpr CounterRecord counters[] = {
    ROUTE_COUNTER("rts_fullsock", "{} message{s} dropped due to full socket buffers", socket_full),
    ROUTE_COUNTER("rts_redirects", "{} route{s} made by redirects", redirects),
    ROUTE_COUNTER("rts_misses", "{} packet{s} for which no route was found", misses),
    ROUTE_COUNTER("rts_routes_refused", "{} route{s} refused because the table is full", refused),
};
#undef ROUTE_COUNTER

Table interfaces_table(const ModuleState* state) {
  Table table{{{"name", "Name"},
               {"index", "Index", ColumnType::number},
               {"mtu", "Mtu", ColumnType::number},
               {"mac", "Address"},
               {"up", "Up"},
               {"status", "Status"},
               {"ipackets", "Ipkts", ColumnType::number},
               {"ierrors", "Ierrs", ColumnType::number},
               {"idrops", "Idrop", ColumnType::number},
               {"ibytes", "Ibytes", ColumnType::number},
               {"opackets", "Opkts", ColumnType::number},
               {"oerrors", "Oerrs", ColumnType::number},
               {"obytes", "Obytes", ColumnType::number}},
              {}};
  self(*state).for_each([&](const Ifnet& i) {
    const InterfaceCounters& c = i.counters();
    table.rows.push_back({i.name(), int64_t(i.index()), int64_t(i.mtu()),
                          i.has_link_addresses() ? Cell(to_text(i.mac())) : Cell(),
                          std::string(i.up() ? "yes" : "no"), i.status(), int64_t(c.packets_in),
                          int64_t(c.errors_in), int64_t(c.drops_in), int64_t(c.octets_in),
                          int64_t(c.packets_out), int64_t(c.errors_out), int64_t(c.octets_out)});
  });
  return table;
}

constexpr TableRecord tables[] = {{"interfaces", interfaces_table}};

Result<> list_interfaces(ModuleState& state, Request& request) {
  auto& list = static_cast<ListInterfaces&>(request);
  self(state).for_each([&](const Ifnet& i) { list.interfaces.push_back(i.info()); });
  return {};
}

Result<> interface_index(ModuleState& state, Request& request) {
  auto& ask = static_cast<InterfaceIndex&>(request);
  const Ifnet* found =
      ask.name.empty() ? self(state).by_index(ask.index) : self(state).find(ask.name);
  if (!found) return Errno::enxio;
  ask.name = found->name();
  ask.index = found->index();
  return {};
}

Result<> set_interface(ModuleState& state, Request& request) {
  const auto& wanted = static_cast<SetInterface&>(request);
  Ifnet* interface = self(state).find(wanted.name);
  if (!interface) return Errno::enxio;
  return interface->change(wanted);
}

Result<> list_cloners(ModuleState& state, Request& request) {
  static_cast<ListCloners&>(request).names = self(state).cloner_names();
  return {};
}

Result<> create_interface(ModuleState& state, Request& request) {
  auto& wanted = static_cast<CreateInterface&>(request);
  wanted.name = TRY(self(state).create_clone(wanted.name, wanted.params));
  return {};
}

Result<> destroy_interface(ModuleState& state, Request& request) {
  Ifnet* interface = self(state).find(static_cast<DestroyInterface&>(request).name);
  if (!interface) return Errno::enxio;
  return self(state).destroy_clone(*interface);
}

Result<> rename_interface(ModuleState& state, Request& request) {
  const auto& wanted = static_cast<RenameInterface&>(request);
  Ifnet* interface = self(state).find(wanted.name);
  if (!interface) return Errno::enxio;
  return self(state).rename(*interface, wanted.new_name);
}

// SIOCSIFVNET and SIOCSIFRVNET.
Result<> move_interface(ModuleState& state, Request& request) {
  const auto& wanted = static_cast<MoveInterface&>(request);
  NetStack& here = self(state);
  const bool reclaim = wanted.direction == MoveInterface::Direction::from_jail;
  Ifnet* interface = reclaim ? nullptr : here.find(wanted.name);
  if (!reclaim && !interface) return Errno::enxio;
  Jail& caller = here.vnet().jail();
  Jail* jail = caller.machine().find_jail(wanted.jail, caller);
  if (!jail) return Errno::enxio;
  NetStack& there = jail->vnet().state<NetStack>(net_module);
  if (!reclaim) return here.move(*interface, there);
  if (&there == &here) return Errno::eexist;
  interface = there.find(wanted.name);
  if (!interface) return Errno::enxio;
  return there.move(*interface, here);
}

Result<> list_routes(ModuleState& state, Request& request) {
  auto& list = static_cast<ListRoutes&>(request);
  if (list.fib < 0 || list.fib >= self(state).fib_count()) return Errno::einval;
  if (const RouteFamily* family = self(state).route_family_if_there(list.family))
    family->list_routes(list);
  return {};
}

Result<> list_path_groups(ModuleState& state, Request& request) {
  auto& list = static_cast<ListPathGroups&>(request);
  if (list.fib < 0 || list.fib >= self(state).fib_count()) return Errno::einval;
  if (const RouteFamily* family = self(state).route_family_if_there(list.family))
    family->list_groups(list);
  return {};
}

constexpr RequestRecord requests[] = {
    {&ListRoutes::kind_of, list_routes},           {&ListPathGroups::kind_of, list_path_groups},
    {&InterfaceIndex::kind_of, interface_index},   {&ListInterfaces::kind_of, list_interfaces},
    {&ListCloners::kind_of, list_cloners},         {&SetInterface::kind_of, set_interface},
    {&CreateInterface::kind_of, create_interface}, {&DestroyInterface::kind_of, destroy_interface},
    {&RenameInterface::kind_of, rename_interface}, {&MoveInterface::kind_of, move_interface}};

constexpr SocketRecord sockets[] = {
    {Af::link, SocketType::raw, -1,
     [](ModuleState& m, int) -> Result<std::unique_ptr<SocketOps>> { return make_bpf(self(m)); }},
    {Af::route, SocketType::raw, -1,
     [](ModuleState& m, int family) -> Result<std::unique_ptr<SocketOps>> {
       return make_route_socket(self(m), family);
     }}};

}  // namespace

constexpr ModuleRecord net_module{.name = "net",
                                  .summary = "interfaces, routing tables, captures",
                                  .needs = {},
                                  .create = [](Vnet& v) -> std::unique_ptr<ModuleState> {
                                    return std::make_unique<NetStack>(v, defaults);
                                  },
                                  .settings = &defaults,
                                  .sysctls = sysctls,
                                  .counters = counters,
                                  .tables = tables,
                                  .requests = requests,
                                  .sockets = sockets};

}  // namespace stackyard
