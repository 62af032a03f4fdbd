// stack/ipfw/record.cpp - the firewall as a module: hooks, sysctls, tables, requests.
#include "core/base/text.h"
#include "stack/ipfw/api/names.h"
#include "stack/ipfw/api/rule_text.h"
#include "stack/ipfw/detail/log_interface.h"
#include "stack/ipfw/ipfw.h"

namespace stackyard {

namespace ipfw {

Ipfw::Ipfw(Vnet& vnet, const IpfwSettings& defaults)
    : StateWithSettings(defaults),
      vnet_(vnet),
      net_(vnet.state<NetStack>(net_module)),
      ip_(vnet.state<IpStack>(ip_module)),
      random_(vnet.random("ipfw")),
      hook4_(*this, "ipfw:default"),
      hook6_(*this, "ipfw:default6"),
      hook_ether_(*this, "ipfw:default-link"),
      states_(net_.site(), *this, random_.next()) {
  auto last = std::make_unique<StoredRule>();
  last->rule.number = default_rule;
  last->rule.set = default_set;
  last->rule.actions.push_back({.op = Op::deny});
  last->id = rules_.next_id();
  rules_.add(std::move(last));
  default_changed();
  net_.add_listener(this);
}

Ipfw::~Ipfw() {
  net_.remove_listener(this);
  net_.hooks().unlink(hook4_);
  net_.hooks().unlink(hook6_);
  net_.hooks().unlink(hook_ether_);
  ip_.divert().set_filter(nullptr);
}

void Ipfw::activate() {
  if (std::exchange(active_, true)) return;
  hooks_changed();
}

void Ipfw::hooks_changed() {
  if (!active_) return;
  PacketHooks& hooks = net_.hooks();
  const auto set = [&](Hook& hook, HookPoint in, HookPoint out, bool on) {
    for (const HookPoint point : {in, out}) {
      if (on)
        hooks.link(point, hook);
      else
        hooks.unlink(point, hook);
    }
  };
  set(hook4_, HookPoint::inet_in, HookPoint::inet_out, settings().enable);
  set(hook6_, HookPoint::inet6_in, HookPoint::inet6_out, settings().enable6);
  set(hook_ether_, HookPoint::ether_in, HookPoint::ether_out, settings().enable_ether);
  ip_.divert().set_filter(settings().enable ? &hook4_ : nullptr);
}

// 65535, of the tunable: as it was when the firewall was made.
void Ipfw::default_changed() {
  StoredRule& last = rules_.last();
  last.rule.actions[0].op = settings().default_to_accept ? Op::accept : Op::deny;
  last.text = numbered_text(last.rule);
  rules_.compile(net_);
}

namespace {

Ipfw& self(ModuleState& state) { return static_cast<Ipfw&>(state); }
const Ipfw& self(const ModuleState& state) { return static_cast<const Ipfw&>(state); }

constexpr IpfwSettings defaults;
constexpr const IpfwSettings& of(const void* s) { return *static_cast<const IpfwSettings*>(s); }

void enable_changed(ModuleState& state) {
  self(state).activate();
  self(state).hooks_changed();
}
void states_changed(ModuleState& state) { self(state).states_changed(); }
void default_changed(ModuleState& state) { self(state).default_changed(); }

#define NUMBER(NAME, SUMMARY, MEMBER) \
  .name = NAME, .summary = SUMMARY,   \
  .number = [](const void* s) -> const int64_t& { return of(s).MEMBER; }

constexpr SysctlRecord sysctls[] = {
    {NUMBER("net.inet.ip.fw.enable", "Enable ipfw", enable), .most = 1, .changed = enable_changed},
    {NUMBER("net.inet6.ip6.fw.enable", "Enable ipfw+6", enable6), .most = 1,
     .changed = enable_changed},
    {NUMBER("net.link.ether.ipfw", "Pass ether pkts through firewall", enable_ether), .most = 1,
     .changed = enable_changed},
    {NUMBER("net.inet.ip.fw.one_pass", "Only do a single pass through ipfw when using dummynet(4)",
            one_pass),
     .most = 1},
    {NUMBER("net.inet.ip.fw.autoinc_step", "Rule number auto-increment step", autoinc_step),
     .least = 1, .most = 1000},
    {NUMBER("net.inet.ip.fw.verbose", "Log matches to ipfw rules", verbose), .most = 1},
    {NUMBER("net.inet.ip.fw.verbose_limit", "Set upper limit of matches of ipfw rules logged",
            verbose_limit)},
    {NUMBER("net.inet.ip.fw.debug", "Enable printing of debug ip_fw statements", debug), .most = 1},
    {NUMBER("net.inet.ip.fw.tables_max", "Maximum number of concurrently used tables", tables_max),
     .least = 1, .most = 65535},
    {NUMBER("net.inet.ip.fw.tables_sets", "Use per-set namespace for tables", tables_sets),
     .most = 0},
    {NUMBER("net.inet.ip.fw.skipto_cache",
            "Status of linear skipto cache: 1 - enabled, 0 - disabled.", skipto_cache),
     .most = 1},
    {NUMBER("net.inet.ip.fw.default_to_accept", "Make the default rule accept all packets.",
            default_to_accept),
     .most = 1, .changed = default_changed},
    {NUMBER("net.inet.ip.fw.dyn_max", "Max number of dyn. rules", states.max), .least = 1},
    {NUMBER("net.inet.ip.fw.dyn_parent_max", "Max number of dynamic parent states",
            states.parent_max),
     .least = 1},
    {NUMBER("net.inet.ip.fw.dyn_buckets", "Max number of buckets for dynamic states hash table.",
            states.buckets),
     .least = 1},
    {NUMBER("net.inet.ip.fw.dyn_ack_lifetime", "Lifetime of dyn. rules for acks",
            states.ack_lifetime),
     .least = 1, .most = 86400},
    {NUMBER("net.inet.ip.fw.dyn_syn_lifetime", "Lifetime of dyn. rules for syn",
            states.syn_lifetime),
     .least = 1, .most = 86400},
    {NUMBER("net.inet.ip.fw.dyn_fin_lifetime", "Lifetime of dyn. rules for fin",
            states.fin_lifetime),
     .least = 1, .most = 86400},
    {NUMBER("net.inet.ip.fw.dyn_rst_lifetime", "Lifetime of dyn. rules for rst",
            states.rst_lifetime),
     .least = 1, .most = 86400},
    {NUMBER("net.inet.ip.fw.dyn_udp_lifetime", "Lifetime of dyn. rules for UDP",
            states.udp_lifetime),
     .least = 1, .most = 86400},
    {NUMBER("net.inet.ip.fw.dyn_short_lifetime", "Lifetime of dyn. rules for other situations",
            states.short_lifetime),
     .least = 1, .most = 86400},
    {NUMBER("net.inet.ip.fw.dyn_keepalive", "Enable keepalives for dyn. rules", states.keepalive),
     .most = 1, .changed = states_changed},
    {NUMBER("net.inet.ip.fw.dyn_keep_states", "Do not flush dynamic states on rule deletion",
            states.keep_states),
     .most = 1},
    {NUMBER("net.inet6.ip6.fw.deny_unknown_exthdrs",
            "Deny packets with unknown IPv6 Extension Headers", deny_unknown_extensions),
     .most = 1},
    {NUMBER("net.inet6.ip6.fw.permit_single_frag6", "Permit single packet IPv6 fragments",
            permit_lone_fragment),
     .most = 1},
    {.name = "net.inet.ip.fw.static_count",
     .summary = "Number of static rules",
     .writable = false,
     .show =
         [](const ModuleState* s) { return text("{}", s ? self(*s).rules().all().size() : 0); }},
    {.name = "net.inet.ip.fw.dyn_count",
     .summary = "Current number of dynamic states.",
     .writable = false,
     .show = [](const ModuleState* s) { return text("{}", s ? self(*s).states().count() : 0); }},
    {.name = "net.inet.ip.fw.dyn_parent_count",
     .summary = "Current number of dynamic parent states.",
     .writable = false,
     .show = [](const ModuleState* s) { return text("{}", s ? self(*s).states().parents() : 0); }},
    {.name = "net.inet.ip.fw.curr_dyn_buckets",
     .summary = "Current Number of dyn. buckets",
     .writable = false,
     .show = [](const ModuleState* s) { return text("{}", s ? self(*s).states().buckets() : 0); }},
    {.name = "net.inet.ip.fw.default_rule",
     .summary = "The default/max possible rule number.",
     .writable = false,
     .show = [](const ModuleState*) { return text("{}", default_rule); }},
};

#undef NUMBER

// --- tables --------------------------------------------------------------------------------------

stackyard::Table rules_table(const ModuleState* state) {
  stackyard::Table table;
  table.columns = {{"number", "Rule", ColumnType::number},
                   {"set", "Set", ColumnType::number},
                   {"enabled", "Enabled", ColumnType::number},
                   {"packets", "Packets", ColumnType::number},
                   {"octets", "Octets", ColumnType::number},
                   {"last", "Last match", ColumnType::duration},
                   {"rule", "Text"}};
  if (!state) return table;
  const RuleSet& rules = self(*state).rules();
  for (const auto& stored : rules.all()) {
    const Rule& rule = stored->rule;
    table.rows.push_back({int64_t(rule.number), int64_t(rule.set),
                          int64_t(rules.enabled_sets() >> rule.set & 1), int64_t(stored->packets),
                          int64_t(stored->octets),
                          stored->matched ? Cell(stored->last.ns()) : Cell(), to_text(rule)});
  }
  return table;
}

stackyard::Table states_table(const ModuleState* state) {
  stackyard::Table table;
  table.columns = {{"rule", "Rule", ColumnType::number},
                   {"kind", "Kind"},
                   {"protocol", "Protocol"},
                   {"source", "Source"},
                   {"source_port", "Port", ColumnType::number},
                   {"dest", "Destination"},
                   {"dest_port", "Port", ColumnType::number},
                   {"name", "Name"},
                   {"packets", "Packets", ColumnType::number},
                   {"octets", "Octets", ColumnType::number},
                   {"expires", "Expires", ColumnType::duration},
                   {"children", "Children", ColumnType::number}};
  if (!state) return table;
  GetRules get;
  get.states = true;
  if (!self(*state).get_rules(get)) return table;
  static constexpr const char* kinds[] = {"state", "limit", "parent"};
  for (const StateInfo& s : get.dynamic)
    table.rows.push_back({int64_t(s.rule), std::string(kinds[size_t(s.kind)]),
                          protocol_text(s.protocol), to_text(s.source), int64_t(s.source_port),
                          to_text(s.dest), int64_t(s.dest_port), s.name, int64_t(s.packets),
                          int64_t(s.octets), s.expires_s * 1'000'000'000, int64_t(s.count)});
  return table;
}

stackyard::Table tables_table(const ModuleState* state) {
  stackyard::Table table;
  table.columns = {{"name", "Table"},
                   {"type", "Type"},
                   {"items", "Items", ColumnType::number},
                   {"references", "References", ColumnType::number},
                   {"octets", "Octets", ColumnType::number}};
  if (!state) return table;
  static constexpr const char* types[] = {"", "addr", "iface", "number", "flow", "mac"};
  self(*state).tables().for_each([&](const Table& each) {
    const TableInfo info = each.described();
    table.rows.push_back({info.name, std::string(types[size_t(info.type)]), int64_t(info.items),
                          int64_t(info.references), int64_t(info.octets)});
  });
  return table;
}

constexpr TableRecord tables[] = {
    {"ipfw_rules", rules_table}, {"ipfw_states", states_table}, {"ipfw_tables", tables_table}};

// --- requests ------------------------------------------------------------------------------------

template <class Kind, auto Method>
Result<> handle(ModuleState& state, Request& request) {
  auto& wanted = static_cast<Kind&>(request);
  if (!Kind::kind_of.asks) self(state).activate();
  if constexpr (std::is_void_v<decltype((self(state).*Method)(wanted))>) {
    (self(state).*Method)(wanted);
    return {};
  } else {
    return (self(state).*Method)(wanted);
  }
}
template <class Kind, auto Method>
constexpr RequestRecord record_of(Errno absent = Errno::ok) {
  return {&Kind::kind_of, handle<Kind, Method>, absent};
}

constexpr RequestRecord requests[] = {
    record_of<AddRules, &Ipfw::add_rules>(),
    record_of<DeleteRules, &Ipfw::delete_rules>(),
    record_of<ZeroRules, &Ipfw::zero_rules>(),
    record_of<MoveRules, &Ipfw::move_rules>(),
    record_of<EnableSets, &Ipfw::enable_sets>(),
    record_of<GetRules, &Ipfw::get_rules>(Errno::enoprotoopt),
    record_of<CreateTable, &Ipfw::create_table>(),
    record_of<DestroyTable, &Ipfw::destroy_table>(),
    record_of<FlushTable, &Ipfw::flush_table>(),
    record_of<ModifyTable, &Ipfw::modify_table>(),
    record_of<SwapTables, &Ipfw::swap_tables>(),
    record_of<ChangeTable, &Ipfw::change_table>(),
    record_of<ListTables, &Ipfw::list_tables>(Errno::enoprotoopt),
    record_of<GetTable, &Ipfw::get_table>(Errno::esrch),
    record_of<LookupTable, &Ipfw::lookup_table>(Errno::esrch),
};

}  // namespace
}  // namespace ipfw

const ModuleRecord ipfw_module{.name = "ipfw",
                               .summary = "the firewall: rules, tables, dynamic states",
                               .needs = {"net", "ip"},
                               .create = [](Vnet& v) -> std::unique_ptr<ModuleState> {
                                 return std::make_unique<ipfw::Ipfw>(v, ipfw::defaults);
                               },
                               .settings = &ipfw::defaults,
                               .sysctls = ipfw::sysctls,
                               .tables = ipfw::tables,
                               .requests = ipfw::requests,
                               .cloners = ipfw::log_cloners};

}  // namespace stackyard
