#include "stack/nat64/nat64.h"

#include "core/offload/checksum_offload.h"
#include "core/wire/link/ethernet.h"
#include "stack/inet6/inet6.h"

namespace stackyard {

bool may_translate(const Nat64Config& config, Ipv4Address address) {
  // Never: this network, loopback, link-local, multicast and what is above.
  if (address.value >> 24 == 0 || address.is_loopback() || address.is_link_local() ||
      address.value >> 29 == 7)
    return false;
  if (config.allow_private) return true;
  constexpr Ipv4Prefix spaces[] = {
      {{0x0a000000}, 8}, {{0xac100000}, 12}, {{0xc0a80000}, 16}, {{0x64400000}, 10}};
  for (const Ipv4Prefix& space : spaces)
    if (space.contains(address)) return false;
  return true;
}

namespace {

// RFC 6296: addresses only; nothing of another family comes of it.
class PrefixInstance final : public Nat64Instance {
 public:
  using Nat64Instance::Nat64Instance;
  FamilyMapper* mapper(const Packet&, SimTime) override { return nullptr; }
};

// RFC 7915 s4.1 and s5.1: a translator is a router. What has no hop left is answered by the family
// that it came in.
bool ends_here(const Packet& packet) {
  const bool v4 = packet.front()[0] >> 4 == 4;
  return (v4 ? load<Ipv4Header>(packet.front()).ttl : load<Ipv6Header>(packet.front()).hop_limit) <=
         1;
}

// Cuts a packet whose sender did not forbid it into fragments that every link takes (RFC 7915
// s4): calls emit(Packet) for each.
template <class Emit>
void cut_for_least_mtu(Packet packet, Site& site, Emit emit) {
  if (packet.size() <= ipv6_mtu_least) return emit(std::move(packet));
  auto header = load<Ipv6Header>(packet.octets());
  Ipv6FragmentHeader fragment;
  size_t at = sizeof header;
  if (header.next_header == ipv6_next::fragment) {
    fragment = load<Ipv6FragmentHeader>(packet.octets().subspan(at));
    at += sizeof fragment;
  } else {
    fragment.next_header = header.next_header;
    fragment.id = uint32_t(packet.id());
  }
  const uint32_t first = fragment.offset();
  const bool more_follow = fragment.more();
  constexpr size_t piece_most =
      (ipv6_mtu_least - sizeof(Ipv6Header) - sizeof(Ipv6FragmentHeader)) / 8 * 8;
  header.next_header = ipv6_next::fragment;
  const size_t begin = at, end = packet.size();
  while (at < end) {
    const size_t size = std::min(piece_most, end - at);
    fragment.offset_and_flags =
        uint16_t((first + (at - begin)) | (more_follow || at + size < end ? 1 : 0));
    header.payload_length = uint16_t(sizeof fragment + size);
    Packet piece = site.make_packet(0);
    piece.set_cause(packet.id());
    piece.share_tail(packet, at, size);
    piece.prepend_header(fragment);
    piece.prepend_header(header);
    emit(std::move(piece));
    at += size;
  }
}

}  // namespace

Nat64::Nat64(Vnet& vnet)
    : ip_(vnet.state<IpStack>(ip_module)),
      net_(ip_.net()),
      actions_{{*this, Nat64Kind::stateful},
               {*this, Nat64Kind::stateless},
               {*this, Nat64Kind::customer},
               {*this, Nat64Kind::prefix}} {
  for (size_t i = 0; i < std::size(actions_); ++i)
    ip_.services.external.emplace_back(nat64_names[i], &actions_[i]);
}

Nat64::~Nat64() {
  std::erase_if(ip_.services.external, [this](const auto& entry) {
    return entry.second >= actions_ && entry.second < actions_ + std::size(actions_);
  });
}

Nat64Instance* Nat64::find(Nat64Kind kind, const std::string& name) const {
  const auto found = instances_.find({kind, name});
  return found == instances_.end() ? nullptr : found->second.get();
}

// --- packets -------------------------------------------------------------------------------------

Nat64::Outcome Nat64::act(Packet& packet, Nat64Kind kind, const std::string& name,
                          const HookContext& at) {
  Nat64Instance* instance = find(kind, name);
  if (!instance || at.ethernet() || ends_here(packet)) return Outcome::next_rule;
  if (kind == Nat64Kind::prefix) return translate_prefix(packet, *instance);
  FamilyMapper* mapper = instance->mapper(packet, now());
  if (!mapper) return Outcome::next_rule;
  return translate(packet, *instance, *mapper, at);
}

Nat64::Outcome Nat64::translate(Packet& packet, Nat64Instance& instance, FamilyMapper& mapper,
                                const HookContext& at) {
  finish_checksum(packet);
  const bool from_4 = packet.front()[0] >> 4 == 4;
  const bool cuttable = from_4 && !load<Ipv4Header>(packet.front()).dont_fragment();
  const DropReason* why =
      from_4 ? translate_to_6(packet, mapper) : translate_to_4(packet, mapper, ++ids_);
  if (why) {
    ++instance.stats.dropped;
    net_.site().note_drop(packet.id(), *why, instance.config.name);
    packet = {};
    return Outcome::taken;
  }
  ++(from_4 ? instance.stats.to_6 : instance.stats.to_4);
  const uint16_t type = from_4 ? ether_type::ipv6 : ether_type::ipv4;
  if (cuttable)
    cut_for_least_mtu(std::move(packet), net_.site(),
                      [&](Packet piece) { send_on(std::move(piece), type, at); });
  else
    send_on(std::move(packet), type, at);
  return Outcome::taken;
}

// By the interface that it came in by, or, of this machine's own, lo0: like netisr(9) in FreeBSD.
void Nat64::send_on(Packet packet, uint16_t ether_type, const HookContext& at) {
  Ifnet* from = at.in ? at.in : net_.find("lo0");
  if (from) (void)net_.loop(std::move(packet), ether_type, *from);
}

std::optional<Ipv6Address> Nat64::global_address(const std::string& interface) const {
  const Inet6* inet6 = net_.vnet().state_if_there<Inet6>(inet6_module);
  if (!inet6) return std::nullopt;
  for (const auto& own : inet6->addresses()) {
    const bool global = !own->address.is_link_local() && own->usable();
    if (global && own->interface->name() == interface) return own->address;
  }
  return std::nullopt;
}

Nat64::Outcome Nat64::translate_prefix(Packet& packet, Nat64Instance& instance) {
  if (packet.front()[0] >> 4 != 6) return Outcome::next_rule;
  const Nat64Config& config = instance.config;
  Ipv6Prefix external = config.external;
  if (!config.external_interface.empty()) {
    const auto address = global_address(config.external_interface);
    if (!address) return Outcome::next_rule;
    external = Ipv6Prefix{*address, config.internal.length}.canonical();
  }
  const PrefixTranslation translation(config.internal, external);
  const auto ip = load<Ipv6Header>(packet.front());
  const bool out = config.internal.contains(ip.source) && !config.internal.contains(ip.dest);
  const bool in = !out && external.contains(ip.dest);
  if (!out && !in) return Outcome::next_rule;
  if (out ? translation.out(packet) : translation.in(packet)) {
    ++(out ? instance.stats.to_4 : instance.stats.to_6);
    return Outcome::translated;
  }
  ++instance.stats.dropped;
  net_.site().note_drop(packet.id(), drops::not_translatable, config.name);
  packet = {};
  return Outcome::taken;
}

// --- configuration -------------------------------------------------------------------------------

Result<> Nat64::create(const Nat64Config& config) {
  if (find(config.kind, config.name)) return Errno::eexist;
  std::unique_ptr<Nat64Instance> instance;
  const RandomStream random(net_.vnet().random("nat64").next(), streams_++, "nat64");
  switch (config.kind) {
    case Nat64Kind::stateful:
      if (!is_embedding_prefix(config.prefix6) || config.prefix4.length < 8) return Errno::einval;
      instance = make_stateful(config, random);
      break;
    case Nat64Kind::stateless:
      if (!is_embedding_prefix(config.prefix6)) return Errno::einval;
      instance = make_stateless(config, ip_);
      break;
    case Nat64Kind::customer:
      if (!is_embedding_prefix(config.prefix6) || !is_embedding_prefix(config.clat_prefix))
        return Errno::einval;
      instance = make_customer(config);
      break;
    case Nat64Kind::prefix:
      if (config.internal.length < 8 || config.internal.length > 64) return Errno::einval;
      instance = std::make_unique<PrefixInstance>(config);
      break;
  }
  instances_[{config.kind, config.name}] = std::move(instance);
  return {};
}

Result<> Nat64::configure(const Nat64Config& config) {
  Nat64Instance* instance = find(config.kind, config.name);
  if (!instance) return Errno::esrch;
  instance->reconfigure(config);
  return {};
}

Result<> Nat64::destroy(Nat64Kind kind, const std::string& name) {
  if (name.empty()) {
    std::erase_if(instances_, [&](const auto& entry) { return entry.first.first == kind; });
    return {};
  }
  if (instances_.erase({kind, name}) == 0) return Errno::esrch;
  return {};
}

Result<> Nat64::reset(Nat64Kind kind, const std::string& name) {
  Nat64Instance* instance = find(kind, name);
  if (!instance) return Errno::esrch;
  instance->stats = {};
  return {};
}

void Nat64::list(ListNat64& request) const {
  for (const auto& [key, instance] : instances_) {
    if (key.first != request.kind) continue;
    Nat64Info info{instance->config, instance->stats};
    instance->count(info.stats, now());
    request.instances.push_back(info);
  }
}

// --- the record ----------------------------------------------------------------------------------

namespace {

Nat64& self(ModuleState& state) { return static_cast<Nat64&>(state); }
const Nat64* self(const ModuleState* state) { return static_cast<const Nat64*>(state); }

constexpr RequestRecord requests[] = {
    {&CreateNat64::kind_of,
     [](ModuleState& m, Request& r) {
       return self(m).create(static_cast<const CreateNat64&>(r).config);
     }},
    {&ConfigureNat64::kind_of,
     [](ModuleState& m, Request& r) {
       return self(m).configure(static_cast<const ConfigureNat64&>(r).config);
     }},
    {&DestroyNat64::kind_of,
     [](ModuleState& m, Request& r) {
       const auto& request = static_cast<const DestroyNat64&>(r);
       return self(m).destroy(request.kind, request.name);
     }},
    {&ResetNat64::kind_of,
     [](ModuleState& m, Request& r) {
       const auto& request = static_cast<const ResetNat64&>(r);
       return self(m).reset(request.kind, request.name);
     }},
    {&ListNat64::kind_of,
     [](ModuleState& m, Request& r) -> Result<> {
       self(m).list(static_cast<ListNat64&>(r));
       return {};
     }},
};

Table nat64(const ModuleState* state) {
  Table table{{{"kind", "Kind"},
               {"name", "Name"},
               {"to_6", "To IPv6", ColumnType::number},
               {"to_4", "To IPv4", ColumnType::number},
               {"dropped", "Dropped", ColumnType::number},
               {"hosts", "Hosts", ColumnType::number},
               {"states", "States", ColumnType::number}},
              {}};
  if (!state) return table;
  for (size_t kind = 0; kind < std::size(nat64_names); ++kind) {
    ListNat64 list;
    list.kind = Nat64Kind(kind);
    self(state)->list(list);
    for (const Nat64Info& info : list.instances)
      table.rows.push_back({std::string(nat64_names[kind]), info.config.name,
                            int64_t(info.stats.to_6), int64_t(info.stats.to_4),
                            int64_t(info.stats.dropped), int64_t(info.stats.hosts),
                            int64_t(info.stats.states)});
  }
  return table;
}

constexpr TableRecord tables[] = {{"nat64", nat64}};

}  // namespace

constexpr ModuleRecord nat64_module{
    .name = "nat64",
    .summary = "translation between IPv6 and IPv4",
    .needs = {"net", "ip"},
    .create = [](Vnet& v) -> std::unique_ptr<ModuleState> { return std::make_unique<Nat64>(v); },
    .tables = tables,
    .requests = requests};

}  // namespace stackyard
