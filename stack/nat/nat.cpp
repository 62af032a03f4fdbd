#include "stack/nat/nat.h"

#include "core/base/text.h"
#include "stack/kern/jail.h"
#include "stack/kern/machine.h"

namespace stackyard {

Nat::Nat(Vnet& vnet)
    : ip_(vnet.state<IpStack>(ip_module)), net_(ip_.net()), inet_(vnet.state<Inet>(inet_module)) {
  ip_.services.translator = this;
  net_.add_listener(this);
}

Nat::~Nat() {
  net_.remove_listener(this);
  ip_.services.translator = nullptr;
}

// --- packets -------------------------------------------------------------------------------------

AliasResult Nat::translate_by(NatInstance& instance, Packet& packet, const HookContext& at,
                              Alias::Create create) {
  if (!instance.config.interface.empty()) {
    const Ifnet* interface = net_.resolve(instance.interface);
    instance.alias.set_address(interface ? inet_.primary_address(*interface) : Ipv4Address());
  }
  return at.outbound() ? instance.alias.out(packet, now(), create)
                       : instance.alias.in(packet, now(), create);
}

TranslatorHook::Outcome Nat::translate(Packet& packet, uint32_t number, bool global,
                                       const HookContext& at) {
  if (global) {
    for (const auto& [own, instance] : instances_) {
      if (instance->config.skip_global) continue;
      if (translate_by(*instance, packet, at, Alias::Create::no) == AliasResult::ok)
        return Outcome::translated;
    }
    return Outcome::unchanged;
  }
  const auto found = instances_.find(number);
  if (found == instances_.end()) return Outcome::refused;
  switch (translate_by(*found->second, packet, at, Alias::Create::yes)) {
    case AliasResult::ok:
    case AliasResult::header_fragment:
      return Outcome::translated;
    case AliasResult::ignored:
      return !at.outbound() && found->second->config.mode.deny_incoming ? Outcome::refused
                                                                        : Outcome::unchanged;
    case AliasResult::unresolved_fragment:
    case AliasResult::error:
      break;
  }
  return Outcome::refused;
}

// --- configuration -------------------------------------------------------------------------------

Result<> Nat::configure(const NatConfig& config) {
  const RandomStream random(net_.vnet().random("nat").next(), streams_++, "alias");
  auto instance = std::make_unique<NatInstance>(random);
  instance->config = config;
  Alias& alias = instance->alias;
  alias.set_mode(config.mode);
  alias.set_address(config.address);
  if (config.port_first != 0) alias.set_port_range(config.port_first, config.port_last);
  for (const NatRedirect& redirect : config.redirects)
    if (!add_redirect(alias, redirect, now())) return Errno::enospc;
  instances_[config.number] = std::move(instance);
  find_interfaces();
  return {};
}

Result<> Nat::remove(uint32_t number) {
  if (instances_.erase(number) == 0) return Errno::einval;
  return {};
}

void Nat::find_interfaces() {
  for (const auto& [number, instance] : instances_) {
    const Ifnet* interface = net_.find(instance->config.interface);
    instance->interface = interface ? interface->ref() : IfRef();
  }
}

void Nat::list(ListNat& request) const {
  for (const auto& [number, instance] : instances_) {
    NatInfo info{instance->config, {}};
    NatCounts& counts = info.counts;
    instance->alias.links().for_each([&](const AliasLink& link) {
      ++counts.total;
      switch (link.ends.kind) {
        case ip_protocol::icmp:
          return void(++counts.icmp);
        case ip_protocol::udp:
          return void(++counts.udp);
        case ip_protocol::tcp:
          return void(++counts.tcp);
        case ip_protocol::sctp:
          return void(++counts.sctp);
        case alias_kind::fragment:
          return void(++counts.fragments);
        default:
          return void(++counts.protocols);
      }
    });
    request.instances.push_back(info);
  }
}

// --- the record ----------------------------------------------------------------------------------

namespace {

Nat& self(ModuleState& state) { return static_cast<Nat&>(state); }
const Nat* self(const ModuleState* state) { return static_cast<const Nat*>(state); }

constexpr RequestRecord requests[] = {
    {&ConfigureNat::kind_of,
     [](ModuleState& m, Request& r) {
       return self(m).configure(static_cast<const ConfigureNat&>(r).config);
     }},
    {&DeleteNat::kind_of,
     [](ModuleState& m, Request& r) {
       return self(m).remove(static_cast<const DeleteNat&>(r).number);
     }},
    {&ListNat::kind_of,
     [](ModuleState& m, Request& r) -> Result<> {
       self(m).list(static_cast<ListNat&>(r));
       return {};
     }},
};

std::string kind_text(uint16_t kind) {
  if (kind == alias_kind::address) return "address";
  if (kind == alias_kind::fragment) return "fragment";
  return ip_protocol_name(uint8_t(kind));
}

std::string end_text(Ipv4Address address, uint16_t port, uint16_t kind) {
  const std::string host = address.is_any() ? "*" : to_text(address);
  if (kind == alias_kind::address || kind == alias_kind::fragment) return host;
  return port == 0 ? host + ":*" : text("{}:{}", host, port);
}

Table translations(const ModuleState* state) {
  Table table{{{"nat", "NAT", ColumnType::number},
               {"protocol", "Protocol"},
               {"local", "Local"},
               {"alias", "Alias"},
               {"remote", "Remote"},
               {"expires", "Expires", ColumnType::duration}},
              {}};
  if (!state) return table;
  const SimTime now = self(state)->now();
  self(state)->for_each([&](const NatInstance& instance) {
    instance.alias.links().for_each([&](const AliasLink& link) {
      const LinkEnds& e = link.ends;
      const SimTime left = instance.alias.links().left(link, now);
      if (left < SimTime()) return;
      table.rows.push_back(
          {int64_t(instance.config.number), kind_text(e.kind),
           link.servers ? std::string("servers") : end_text(e.local, e.local_port, e.kind),
           end_text(e.alias, e.alias_port, e.kind), end_text(e.remote, e.remote_port, e.kind),
           left == SimTime::max() ? Cell() : Cell(left.ns())});
    });
  });
  return table;
}

constexpr TableRecord tables[] = {{"translations", translations}};

}  // namespace

constexpr ModuleRecord nat_module{
    .name = "nat",
    .summary = "address translation for packet filters",
    .needs = {"net", "ip", "inet"},
    .create = [](Vnet& v) -> std::unique_ptr<ModuleState> { return std::make_unique<Nat>(v); },
    .tables = tables,
    .requests = requests};

}  // namespace stackyard
