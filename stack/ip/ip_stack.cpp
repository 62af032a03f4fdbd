#include "stack/ip/ip_stack.h"

#include <algorithm>

#include "core/wire/link/ethernet.h"
#include "stack/ip/tcp_keys.h"
#include "stack/kern/jail.h"
#include "stack/kern/machine.h"

namespace stackyard {

Errno path_event_errno(PathEventKind kind) {
  switch (kind) {
    case PathEventKind::net_unreachable:
    case PathEventKind::host_unreachable:
      return Errno::ehostunreach;
    case PathEventKind::protocol_unreachable:
    case PathEventKind::port_unreachable:
    case PathEventKind::prohibited:
      return Errno::econnrefused;
    case PathEventKind::too_big:
      return Errno::emsgsize;
    case PathEventKind::parameter_problem:
      return Errno::enoprotoopt;
    case PathEventKind::ttl_exceeded:
      return Errno::ok;
  }
  return Errno::ok;
}

IpStack::IpStack(Vnet& vnet, const IpSettings& defaults)
    : StateWithSettings(defaults),
      net_(vnet.state<NetStack>(net_module)),
      flow_seed_(vnet.random("flows").next()),
      raw_(*this),
      divert_(*this) {}

IpStack::~IpStack() = default;

TcpKeys& IpStack::make_tcp_keys() {
  if (!tcp_keys_) tcp_keys_ = std::make_unique<TcpKeys>();
  return *tcp_keys_;
}

IpOutput* IpStack::make(IpFamily family) {
  (void)net_.vnet().need_ether_type(family == IpFamily::v4 ? ether_type::ipv4 : ether_type::ipv6);
  return outputs_[size_t(family)];
}

void IpStack::add_protocol(uint8_t number, IpProtocol* protocol) {
  protocols_.emplace_back(number, protocol);
}

IpProtocol* IpStack::make_protocol(uint8_t number) {
  if (!net_.vnet().need_ip_protocol(number)) return nullptr;
  for (const auto& [own, protocol] : protocols_)
    if (own == number) return protocol;
  return nullptr;
}

void IpStack::path_event(uint8_t number, const PathEvent& event) {
  for (const auto& [own, protocol] : protocols_)
    if (own == number) protocol->path_event(event);
}

// --- jails -------------------------------------------------------------------------------------

namespace {

// What a jail may use of a family: it itself decides, or the nearest above it that does not
// inherit.
class Allowed {
 public:
  Allowed(const NetStack& net, int jail, IpFamily family) : family_(family) {
    if (jail == 0) return;
    restricted_ = true;
    const Jail* found = net.vnet().machine().jail_by_id(jail);
    for (; found; found = found->parent()) {
      const JailSettings& s = found->settings();
      const JailSystem system = family == IpFamily::v4 ? s.ip4 : s.ip6;
      if (found->has_own_vnet()) {
        restricted_ = false;
        return;
      }
      if (system == JailSystem::inherit) continue;
      if (system == JailSystem::new_) settings_ = &s;
      return;
    }
  }
  bool restricted() const { return restricted_; }
  size_t count() const {
    if (!settings_) return 0;
    return family_ == IpFamily::v4 ? settings_->addresses4.size() : settings_->addresses6.size();
  }
  IpAddress first() const {
    return family_ == IpFamily::v4 ? IpAddress(settings_->addresses4[0])
                                   : IpAddress(settings_->addresses6[0]);
  }
  bool holds(const IpAddress& address) const {
    if (!restricted_) return true;
    if (!settings_) return false;
    const auto listed = [](const auto& all, const auto& a) {
      return std::find(all.begin(), all.end(), a) != all.end();
    };
    return family_ == IpFamily::v4 ? listed(settings_->addresses4, address.v4())
                                   : listed(settings_->addresses6, address.v6().without_zone());
  }

 private:
  IpFamily family_;
  bool restricted_ = false;
  const JailSettings* settings_ = nullptr;  // null: none of the family
};

}  // namespace

Result<> IpStack::confine(int jail, IpAddress& address) const {
  const Allowed allowed(net_, jail, address.family());
  if (!allowed.restricted() || address.is_multicast()) return {};
  if (allowed.count() == 0) return Errno::eafnosupport;
  if (address.is_any()) {
    if (allowed.count() == 1) address = allowed.first();
    return {};
  }
  if (allowed.holds(address)) return {};
  if (!address.is_loopback()) return Errno::eaddrnotavail;
  address = allowed.first();
  return {};
}

bool IpStack::allows(int jail, const IpAddress& address) const {
  return Allowed(net_, jail, address.family()).holds(address);
}

Result<IpAddress> IpStack::source_for(int jail, const IpSend& send) {
  const IpAddress chosen = TRY(of(send.dest).source_for(send));
  const Allowed allowed(net_, jail, send.dest.family());
  if (allowed.holds(chosen)) return chosen;
  if (allowed.count() == 0) return Errno::eaddrnotavail;
  return allowed.first();
}

// --- the record --------------------------------------------------------------------------------

namespace {

constexpr IpSettings defaults;

constexpr const IpSettings& of(const void* s) { return *static_cast<const IpSettings*>(s); }

constexpr SysctlRecord sysctls[] = {
    {.name = "net.inet.ip.portrange.first",
     .summary = "First automatic port",
     .number = [](const void* s) -> const int64_t& { return of(s).portrange_first; },
     .least = 1,
     .most = 65535},
    {.name = "net.inet.ip.portrange.last",
     .summary = "Last automatic port",
     .number = [](const void* s) -> const int64_t& { return of(s).portrange_last; },
     .least = 1,
     .most = 65535},
    {.name = "net.inet.ip.portrange.randomized",
     .summary = "Random port allocation",
     .number = [](const void* s) -> const int64_t& { return of(s).portrange_randomized; },
     .most = 1},
    {.name = "net.inet.ip.mcast.maxsocksrc",
     .summary = "Max source filters per socket",
     .number = [](const void* s) -> const int64_t& { return of(s).socket_sources_max; },
     .least = 0,
     .most = 65536},
    {.name = "net.inet6.ip6.v6only",
     .summary = "Restrict AF_INET6 sockets to IPv6 addresses only",
     .number = [](const void* s) -> const int64_t& { return of(s).v6only; },
     .most = 1},
};

IpStack& self(ModuleState& state) { return static_cast<IpStack&>(state); }

Result<std::unique_ptr<SocketOps>> create_divert(ModuleState& m, int) {
  return self(m).divert().create();
}

// The older way to a divert socket comes first: any other protocol is a raw socket's.
constexpr int protocol_divert = 258;  // IPPROTO_DIVERT
constexpr SocketRecord sockets[] = {
    {Af::divert, SocketType::raw, -1, create_divert},
    {Af::inet, SocketType::raw, protocol_divert, create_divert},
    {Af::inet, SocketType::raw, -1,
     [](ModuleState& m, int protocol) -> Result<std::unique_ptr<SocketOps>> {
       return self(m).raw().create(IpFamily::v4, protocol);
     }},
    {Af::inet6, SocketType::raw, -1,
     [](ModuleState& m, int protocol) -> Result<std::unique_ptr<SocketOps>> {
       return self(m).raw().create(IpFamily::v6, protocol);
     }}};

constexpr RequestRecord requests[] = {
    {&AddTcpKey::kind_of,
     [](ModuleState& m, Request& r) -> Result<> {
       TcpKey key = static_cast<AddTcpKey&>(r).key;
       key.created = self(m).site().now();
       return self(m).make_tcp_keys().add(key);
     }},
    {&DeleteTcpKey::kind_of,
     [](ModuleState& m, Request& r) -> Result<> {
       return self(m).make_tcp_keys().remove(static_cast<DeleteTcpKey&>(r));
     }},
    {&FlushTcpKeys::kind_of,
     [](ModuleState& m, Request&) -> Result<> {
       self(m).make_tcp_keys().clear();
       return {};
     }},
    {&ListTcpKeys::kind_of,
     [](ModuleState& m, Request& r) -> Result<> {
       if (const TcpKeys* keys = self(m).tcp_keys())
         static_cast<ListTcpKeys&>(r).keys = keys->list();
       return {};
     }},
};

}  // namespace

constexpr ModuleRecord ip_module{
    .name = "ip",
    .summary = "what IPv4 and IPv6 share: protocols, ports, raw sockets",
    .needs = {"net"},
    .create = [](Vnet& v) -> std::unique_ptr<ModuleState> {
      return std::make_unique<IpStack>(v, defaults);
    },
    .settings = &defaults,
    .sysctls = sysctls,
    .requests = requests,
    .sockets = sockets};

}  // namespace stackyard
