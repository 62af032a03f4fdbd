#include "stack/net/net_stack.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/net/bpf.h"
#include "stack/net/drops.h"

namespace stackyard {

namespace {
constexpr SimTime loop_time = 1_us;
constexpr size_t loop_queue_max = 256;  // net.isr's default queue length
}  // namespace

NetStack::NetStack(Vnet& vnet)
    : vnet_(vnet),
      routes_(size_t(fibs_)),
      loop_timer_(vnet.site().node(), Timer::call<&NetStack::loop_due>, this) {}

NetStack::~NetStack() = default;

Ifnet& NetStack::attach(std::unique_ptr<Ifnet> interface) {
  size_t at = 0;
  while (at < interfaces_.size() && interfaces_[at].interface) ++at;
  if (at == interfaces_.size()) interfaces_.emplace_back();
  Slot& slot = interfaces_[at];
  slot.interface = std::move(interface);
  Ifnet& attached = *slot.interface;
  attached.index_ = uint32_t(at + 1);
  attached.generation_ = ++slot.generation;
  tell([&](InterfaceListener& l) { l.interface_arrived(attached); });
  return attached;
}

void NetStack::detach(Ifnet& interface) {
  tell([&](InterfaceListener& l) { l.interface_departing(interface); });
  for (RouteTable& table : routes_)
    table.remove_if(
        [&](const Route& r) { return r.interface == &interface || r.link == &interface; });
  interfaces_[interface.index() - 1].interface.reset();
}

Ifnet* NetStack::find(const std::string& name) const {
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
  if (looping_.size() >= loop_queue_max) {
    site().note_drop(packet.id(), drops::loopback_queue_full, from.name());
    return Errno::enobufs;
  }
  packet.set_interface(from.ref().value);
  looping_.push_back({site().now() + loop_time, ether_type, std::move(packet)});
  if (!loop_timer_.armed()) loop_timer_.arm(loop_time);
  return {};
}

void NetStack::loop_due() {
  Looping first = std::move(looping_.front());
  looping_.pop_front();
  if (!looping_.empty()) loop_timer_.arm(std::max(looping_.front().due - site().now(), 1_ns));
  Ifnet* from = resolve({first.packet.interface()});
  if (!from) return site().note_drop(first.packet.id(), drops::interface_gone, "loop");
  deliver(std::move(first.packet), first.ether_type, *from);
}

void NetStack::drop_unknown(Packet& packet, Ifnet& from) {
  site().note_drop(packet.id(), drops::unknown_ether_type, from.name());
}

namespace {

NetStack& self(ModuleState& state) { return static_cast<NetStack&>(state); }
const NetStack& self(const ModuleState& state) { return static_cast<const NetStack&>(state); }

constexpr SysctlRecord sysctls[] = {
    {.name = "net.fibs",
     .summary = "number of routing tables",
     .number = [](ModuleState& m) -> int64_t& { return self(m).fibs(); },
     .least = 1,
     .most = 4096,
     .changed = [](ModuleState& m) { self(m).fibs_changed(); }},
};

Table interfaces_table(const ModuleState& state) {
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
  self(state).for_each([&](const Ifnet& i) {
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

Result<> set_interface(ModuleState& state, Request& request) {
  const auto& wanted = static_cast<SetInterface&>(request);
  Ifnet* interface = self(state).find(wanted.name);
  if (!interface) return Errno::enxio;
  return interface->change(wanted);
}

constexpr RequestRecord requests[] = {{&ListInterfaces::kind_of, list_interfaces},
                                      {&SetInterface::kind_of, set_interface}};

constexpr SocketRecord sockets[] = {
    {Af::link, SocketType::raw, -1,
     [](ModuleState& m, int) -> Result<std::unique_ptr<SocketOps>> { return make_bpf(self(m)); }}};

}  // namespace

constexpr ModuleRecord net_module{
    .name = "net",
    .summary = "interfaces, routing tables, captures",
    .needs = {},
    .create = [](Vnet& v) -> std::unique_ptr<ModuleState> { return std::make_unique<NetStack>(v); },
    .sysctls = sysctls,
    .tables = tables,
    .requests = requests,
    .sockets = sockets};

}  // namespace stackyard
