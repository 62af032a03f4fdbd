// userland/services/smcroute.cpp - smcrouted(8) and smcroutectl(8): static multicast routes by
// MRT_* and MRT6_*, and the querier of its links (RFC 3376 s6, RFC 3810 s7).
//
// A route with a source is set at once; one without is made for each source that is heard of. On
// an interface with a querier a group leaves only while somebody there wants it.
#include <algorithm>
#include <cstring>
#include <map>

#include "core/base/text.h"
#include "core/l2/group_members.h"
#include "core/wire/net/icmpv6.h"
#include "core/wire/net/igmp.h"
#include "core/wire/net/ipv4.h"
#include "stack/inet/api/inet_requests.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/ip/api/mroute.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
#include "userland/services/control_socket.h"
#include "userland/services/smcroute.h"

namespace stackyard {

namespace {

constexpr const char* control_path = "/var/run/smcroute.sock";
constexpr Ipv4Address all_systems{0xe0000001};
constexpr Ipv6Address all_nodes = Ipv6Address::of({0xff02, 0, 0, 0, 0, 0, 0, 1});

// The querier of one link and family.
struct Querier {
  explicit Querier(const GroupTiming& timing) : members(timing) {}
  GroupMembers members;
  IpAddress own;        // any: there is no address to ask from
  SimTime other_until;  // while somebody with a lower address asks
  SimTime next;
  unsigned startup_left = 2;
};

struct Interface {
  Interface(SmcInterface c, uint32_t i, uint32_t n, const GroupTiming& timing)
      : conf(std::move(c)), index(i), number(n), queriers{Querier(timing), Querier(timing)} {}
  SmcInterface conf;
  uint32_t index, number;
  Querier queriers[2];  // by family
};

template <class Value>
OptionValue octets_of(const Value& value) {
  OptionValue option;
  option.octets.resize(sizeof value);
  std::memcpy(option.octets.data(), &value, sizeof value);
  return option;
}
Ipv6Address mapped(const IpAddress& a) { return a.is_v6() ? a.v6() : Ipv6Address::mapped(a.v4()); }
IpAddress unmapped(const Ipv6Address& a) {
  return a.is_v4_mapped() ? IpAddress(a.embedded_v4()) : IpAddress(a);
}

class Smcrouted {
 public:
  Smcrouted(Sys& sys, std::string conf) : sys_(sys), conf_path_(std::move(conf)) {}
  Task<int> run();

 private:
  using Flow = std::pair<IpAddress, IpAddress>;  // group and source
  Task<bool> open();
  Task<bool> open_family(IpFamily family);
  Task<void> add_interface(SmcInterface conf);
  Task<std::string> add_group(SmcGroup group, bool join);
  Task<void> install(IpAddress source, IpAddress group, uint32_t parent);
  Task<void> reinstall();
  Task<void> take(IpFamily family, Received got);
  Task<void> take_upcall(MulticastUpcall message);
  void take_igmp(const Received& got, Interface& on);
  void take_mld(const Received& got, Interface& on);
  void heard_query(Querier& querier, const IpAddress& from, const IpAddress& group,
                   const std::vector<IpAddress>& sources);
  Task<void> ask(Interface& on, IpFamily family);
  Task<void> send_query(Interface& on, IpFamily family, IpAddress group,
                        std::vector<IpAddress> sources);
  Task<void> controlled();
  Task<std::string> control(std::vector<std::string> words);
  std::string shown();
  void find_addresses();
  Interface* by_name(const std::string& name);
  Interface* by_index(uint32_t index);
  SimTime next_deadline() const;

  Sys& sys_;
  std::string conf_path_;
  SmcConf conf_;
  GroupTiming timing_;
  Fd sockets_[2]{};
  ControlSocket control_socket_{sys_};
  bool open_[2] = {false, false};
  bool stop_ = false, changed_ = false;
  std::vector<Interface> interfaces_;
  std::map<Flow, uint32_t> flows_;  // those in the kernel, and by which interface they come
};

Interface* Smcrouted::by_name(const std::string& name) {
  for (Interface& i : interfaces_)
    if (i.conf.name == name) return &i;
  return nullptr;
}
Interface* Smcrouted::by_index(uint32_t index) {
  for (Interface& i : interfaces_)
    if (i.index == index) return &i;
  return nullptr;
}

// --- the kernel's tables -------------------------------------------------------------------------

Task<bool> Smcrouted::open_family(IpFamily family) {
  const bool v4 = family == IpFamily::v4;
  const Result<Fd> fd = co_await sys_.socket(v4 ? Af::inet : Af::inet6, SocketType::raw,
                                             v4 ? ip_protocol::igmp : ip_protocol::icmpv6);
  if (!fd) co_return false;
  const Result<> begun = co_await sys_.set_option(*fd, SocketOption::mrt_init, 1);
  if (!begun) {
    co_await sys_.complain(text("MRT{}_INIT: {}", v4 ? "" : "6", errno_text(begun.error())));
    co_return false;
  }
  OptionValue alert;  // RFC 2113, RFC 2711
  if (v4)
    alert.octets = {148, 4, 0, 0};
  else
    alert.octets = {0, 0, 5, 2, 0, 0, 1, 0};
  co_await sys_.set_option(*fd, v4 ? SocketOption::ip_options : SocketOption::ipv6_hopopts, alert)
      .or_warn("router alert");
  co_await sys_.set_option(*fd, v4 ? SocketOption::ip_recvif : SocketOption::ipv6_recvpktinfo, 1)
      .or_warn("receiving interface");
  co_await sys_.set_option(*fd, v4 ? SocketOption::ip_recvttl : SocketOption::ipv6_recvhoplimit, 1)
      .or_warn("hop limit");
  co_await sys_.set_option(*fd, SocketOption::so_rcvbuf, 256 * 1024).or_warn("SO_RCVBUF");
  sockets_[size_t(family)] = *fd;
  open_[size_t(family)] = true;
  co_return true;
}

Task<void> Smcrouted::add_interface(SmcInterface conf) {
  InterfaceIndex ask;
  ask.name = conf.name;
  if (!sys_.request(ask) || interfaces_.size() >= multicast_interfaces_max) {
    co_await sys_.complain(text("phyint {}: no such interface", conf.name));
    co_return;
  }
  const uint32_t number = uint32_t(interfaces_.size());
  interfaces_.emplace_back(conf, ask.index, number, timing_);
  for (Querier& q : interfaces_.back().queriers) q.next = sys_.now();
  MulticastInterface wanted;
  wanted.number = number;
  wanted.interface_index = ask.index;
  wanted.threshold = uint8_t(conf.threshold);
  const OptionValue value = octets_of(wanted);
  for (size_t f = 0; f < 2; ++f)
    if (open_[f])
      co_await sys_.set_option(sockets_[f], SocketOption::mrt_add_vif, value)
          .or_warn("MRT_ADD_VIF");
}

// What the static routes and the members say about a flow.
Task<void> Smcrouted::install(IpAddress source, IpAddress group, uint32_t parent) {
  MulticastEntry entry;
  entry.source = mapped(source);
  entry.group = mapped(group);
  entry.parent = parent;
  const Interface& from = interfaces_[parent];
  for (const SmcRoute& r : conf_.routes) {
    if (r.from != from.conf.name || r.group != group) continue;
    if (r.source && *r.source != source) continue;
    for (const std::string& name : r.to) {
      const Interface* to = by_name(name);
      if (!to || to == &from) continue;
      const GroupMembers& members = to->queriers[size_t(group.family())].members;
      if (to->conf.querier && !members.wants(group, source, sys_.now())) continue;
      entry.ttls[to->number] = uint8_t(to->conf.threshold);
    }
  }
  flows_[{group, source}] = parent;
  const OptionValue value = octets_of(entry);
  co_await sys_.set_option(sockets_[size_t(group.family())], SocketOption::mrt_add_mfc, value)
      .or_warn("MRT_ADD_MFC");
}

Task<void> Smcrouted::reinstall() {
  changed_ = false;
  std::vector<std::pair<Flow, uint32_t>> all(flows_.begin(), flows_.end());
  for (const SmcRoute& r : conf_.routes) {
    Interface* from = by_name(r.from);
    if (r.source && from && open_[size_t(r.group.family())])
      all.push_back({{r.group, *r.source}, from->number});
  }
  for (const auto& [flow, parent] : all) co_await install(flow.second, flow.first, parent);
}

Task<std::string> Smcrouted::add_group(SmcGroup group, bool join) {
  InterfaceIndex ask;
  ask.name = group.interface;
  const size_t f = size_t(group.group.family());
  if (!sys_.request(ask)) co_return text("{}: no such interface\n", group.interface);
  if (!open_[f]) co_return "no multicast routing of that family\n";
  OptionValue value;
  value.group = group.group;
  value.interface_index = ask.index;
  if (group.source) value.source = *group.source;
  SocketOption option = join ? SocketOption::ip_add_membership : SocketOption::ip_drop_membership;
  if (group.source)
    option =
        join ? SocketOption::ip_add_source_membership : SocketOption::ip_drop_source_membership;
  const Result<> done = co_await sys_.set_option(sockets_[f], option, value);
  if (done) co_return "";
  co_return text("{}: {}\n", to_text(group.group), errno_text(done.error()));
}

Task<bool> Smcrouted::open() {
  const std::string content = (co_await sys_.read_file(conf_path_)).value_or("");
  conf_ = parse_smcroute_conf(content);
  if (!conf_.error.empty()) {
    co_await sys_.complain(text("{}: {}", conf_path_, conf_.error));
    co_return false;
  }
  const bool v4 = co_await open_family(IpFamily::v4);
  const bool v6 = co_await open_family(IpFamily::v6);
  if (!v4 && !v6) co_return false;
  for (const SmcInterface& i : conf_.interfaces) co_await add_interface(i);
  for (const SmcGroup& g : conf_.groups) {
    const std::string wrong = co_await add_group(g, true);
    if (!wrong.empty()) co_await sys_.print_error(wrong);
  }
  co_await reinstall();
  const bool controllable = co_await control_socket_.open(control_path);
  if (!controllable) co_await sys_.complain(text("{}: cannot listen", control_path));
  co_return true;
}

// --- what is heard -------------------------------------------------------------------------------

void Smcrouted::heard_query(Querier& querier, const IpAddress& from, const IpAddress& group,
                            const std::vector<IpAddress>& sources) {
  // RFC 3376 s6.6.2: the lowest address asks. A proxy with 0.0.0.0 is nobody.
  if (!from.is_any() && !querier.own.is_any() && from < querier.own)
    querier.other_until = sys_.now() + timing_.other_querier();
  const bool ours = from == querier.own;
  if (!ours && group.is_multicast()) querier.members.asked(group, sources, sys_.now());
}

void Smcrouted::take_igmp(const Received& got, Interface& on) {
  const auto ip = parse_ipv4_header(got.octets, got.octets.size());
  if (!ip || ip->ttl != 1) return;
  const auto message = parse_igmp(Bytes(got.octets).subspan(ip->header_size()));
  if (!message) return;
  Querier& q = on.queriers[0];
  const SimTime now = sys_.now();
  switch (message->type) {
    case igmp_type::query: {
      std::vector<IpAddress> sources(message->sources.begin(), message->sources.end());
      return heard_query(q, ip->source_address(), message->group, sources);
    }
    case igmp_type::v1_report:
    case igmp_type::v2_report:
      q.members.record(igmp_record::is_exclude, message->group, {}, now);
      break;
    case igmp_type::v2_leave:
      q.members.record(igmp_record::to_include, message->group, {}, now);
      break;
    case igmp_type::v3_report:
      for (const IgmpRecord& r : message->records)
        q.members.record(r.type, r.group, {r.sources.begin(), r.sources.end()}, now);
      break;
    default:
      return;
  }
  changed_ = true;
}

void Smcrouted::take_mld(const Received& got, Interface& on) {
  const bool link_local = got.from.address.is_link_local() || got.from.address.is_any();
  if (got.ttl != 1 || !link_local) return;
  const auto message = parse_mld(got.octets);
  if (!message) return;
  Querier& q = on.queriers[1];
  const SimTime now = sys_.now();
  switch (message->type) {
    case icmpv6_type::mld_query: {
      std::vector<IpAddress> sources(message->sources.begin(), message->sources.end());
      return heard_query(q, got.from.address, message->group, sources);
    }
    case icmpv6_type::mld_report:
      q.members.record(mld_record::is_exclude, message->group, {}, now);
      break;
    case icmpv6_type::mld_done:
      q.members.record(mld_record::to_include, message->group, {}, now);
      break;
    case icmpv6_type::mld2_report:
      for (const MldRecord& r : message->records)
        q.members.record(r.type, r.group, {r.sources.begin(), r.sources.end()}, now);
      break;
    default:
      return;
  }
  changed_ = true;
}

Task<void> Smcrouted::take_upcall(MulticastUpcall message) {
  if (message.type != MulticastUpcall::no_cache || message.interface >= interfaces_.size())
    co_return;
  co_await install(unmapped(message.source), unmapped(message.group), message.interface);
}

Task<void> Smcrouted::take(IpFamily family, Received got) {
  if (got.octets.empty()) co_return;
  if (got.octets[0] == 0) {
    MulticastUpcall message;
    if (got.octets.size() < sizeof message) co_return;
    std::memcpy(&message, got.octets.data(), sizeof message);
    co_await take_upcall(message);
    co_return;
  }
  Interface* on = by_index(got.interface_index);
  if (!on || !on->conf.querier) co_return;
  if (family == IpFamily::v4)
    take_igmp(got, *on);
  else
    take_mld(got, *on);
}

// --- what is asked -------------------------------------------------------------------------------

void Smcrouted::find_addresses() {
  for (Interface& i : interfaces_)
    for (Querier& q : i.queriers) q.own = {};
  ListAddresses v4;
  (void)sys_.request(v4);
  for (const InterfaceAddress& a : v4.addresses)
    if (Interface* i = by_name(a.interface); i && i->queriers[0].own.is_any())
      i->queriers[0].own = a.address.address;
  ListAddresses6 v6;
  (void)sys_.request(v6);
  for (const InterfaceAddress6& a : v6.addresses)
    if (Interface* i = by_name(a.interface);
        i && a.address.address.is_link_local() && !(a.flags & in6_flag::tentative))
      i->queriers[1].own = a.address.address;
}

Task<void> Smcrouted::send_query(Interface& on, IpFamily family, IpAddress group,
                                 std::vector<IpAddress> sources) {
  const bool general = group.is_any();
  const SimTime response = general ? timing_.response : timing_.last_member;
  const Fd fd = sockets_[size_t(family)];
  SendOptions to;
  to.to = SockAddr{};
  std::vector<uint8_t> octets;
  OptionValue by;
  by.interface_index = on.index;
  if (family == IpFamily::v4) {
    IgmpMessage query{.type = igmp_type::query,
                      .version = 3,
                      .max_response_ms = uint32_t(response.ms()),
                      .group = general ? Ipv4Address{} : group.v4(),
                      .sources = {},
                      .records = {}};
    for (const IpAddress& s : sources) query.sources.push_back(s.v4());
    octets = emit_igmp(query);
    to.to->address = general ? all_systems : group.v4();
    co_await sys_.set_option(fd, SocketOption::ip_multicast_if, by).or_warn("IP_MULTICAST_IF");
  } else {
    MldMessage query;
    query.max_response_ms = uint32_t(response.ms());
    if (!general) query.group = group.v6();
    for (const IpAddress& s : sources) query.sources.push_back(s.v6());
    octets = emit_mld(query);
    to.to->address = general ? all_nodes : group.v6();
    if (to.to->address.v6().has_zone()) to.to->scope = on.index;
    co_await sys_.set_option(fd, SocketOption::ipv6_multicast_if, by).or_warn("IPV6_MULTICAST_IF");
  }
  co_await sys_.send(fd, octets, to).or_warn("query");
}

// RFC 3376 s6.6, s8.6: general queries, sooner in the beginning, and those about who left.
Task<void> Smcrouted::ask(Interface& on, IpFamily family) {
  Querier& q = on.queriers[size_t(family)];
  const SimTime now = sys_.now();
  const std::vector<GroupMembers::Query> specific = q.members.due(now);
  const bool quiet = q.other_until > now || q.own.is_any();
  if (q.next <= now) {
    const bool startup = q.startup_left > 0;
    if (startup && !quiet) --q.startup_left;
    q.next = now + (startup ? timing_.query_interval / 4 : timing_.query_interval);
    if (q.own.is_any()) q.next = now + 1_s;
    if (!quiet) co_await send_query(on, family, IpAddress::any(family), {});
    changed_ = true;  // members may have gone
  }
  if (quiet) co_return;
  for (const GroupMembers::Query& s : specific) {
    co_await send_query(on, family, s.group, s.sources);
    changed_ = true;
  }
}

SimTime Smcrouted::next_deadline() const {
  SimTime next = SimTime::max();
  for (const Interface& i : interfaces_) {
    if (!i.conf.querier) continue;
    for (size_t f = 0; f < 2; ++f)
      if (open_[f]) next = std::min({next, i.queriers[f].next, i.queriers[f].members.next_due()});
  }
  return next;
}

// --- smcroutectl ---------------------------------------------------------------------------------

std::string Smcrouted::shown() {
  std::string out =
      text("{:<16} {:<40} {:<24} {:>10}\n", "INTERFACE", "GROUP", "SOURCES", "EXPIRES");
  for (const Interface& i : interfaces_)
    for (const Querier& q : i.queriers)
      for (const GroupMembers::Info& g : q.members.groups(sys_.now())) {
        std::string sources = g.include ? "" : "not ";
        for (const IpAddress& s : g.sources) sources += to_text(s) + " ";
        if (!g.include && g.sources.empty()) sources = "any";
        out += text("{:<16} {:<40} {:<24} {:>9}s\n", i.conf.name, to_text(g.group), trim(sources),
                    (g.until - sys_.now()).s());
      }
  for (const Interface& i : interfaces_)
    for (size_t f = 0; f < 2; ++f) {
      if (!i.conf.querier || !open_[f]) continue;
      const bool other = i.queriers[f].other_until > sys_.now();
      out += text("{}: {} querier is {}\n", i.conf.name, f == 0 ? "IGMP" : "MLD",
                  other ? "another router" : "this router");
    }
  return out;
}

Task<std::string> Smcrouted::control(std::vector<std::string> words) {
  const std::string what = words.empty() ? "" : words[0];
  if (what == "show") co_return shown();
  if (what == "kill") stop_ = true;
  if (what == "kill") co_return "";
  // "add IF [SOURCE] GROUP IF ...", "remove", "join IF [SOURCE] GROUP", "leave".
  SmcRoute route;
  for (size_t i = 1; i < words.size(); ++i) {
    const auto address = parse_ip(words[i]);
    if (address && address->is_multicast())
      route.group = *address;
    else if (address)
      route.source = *address;
    else if (route.from.empty())
      route.from = words[i];
    else
      route.to.push_back(words[i]);
  }
  if (route.from.empty() || !route.group.is_multicast()) co_return "bad arguments\n";
  if (what == "join" || what == "leave") {
    const SmcGroup group{route.from, route.group, route.source};
    const bool join = what == "join";
    co_return co_await add_group(group, join);
  }
  if (what == "add") {
    conf_.routes.push_back(route);
  } else {
    const auto gone = std::erase_if(conf_.routes, [&](const SmcRoute& r) {
      return r.from == route.from && r.group == route.group && r.source == route.source;
    });
    if (gone == 0) co_return "no such route\n";
  }
  co_await reinstall();
  co_return "";
}

Task<void> Smcrouted::controlled() {
  const auto words = co_await control_socket_.take();
  if (!words) co_return;
  const std::string answer = co_await control(*words);
  co_await control_socket_.answer(answer);
}

Task<int> Smcrouted::run() {
  const bool ready = co_await open();
  if (!ready) co_return 1;
  sys_.catch_signals();
  while (!sys_.interrupted() && !stop_) {
    find_addresses();
    for (Interface& i : interfaces_)
      for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
        if (i.conf.querier && open_[size_t(family)]) co_await ask(i, family);
    if (changed_) co_await reinstall();
    std::vector<PollItem> items{{.fd = control_socket_.fd(), .ready = {}}};
    std::vector<IpFamily> families;
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
      if (!open_[size_t(family)]) continue;
      items.push_back({.fd = sockets_[size_t(family)], .ready = {}});
      families.push_back(family);
    }
    const SimTime next = next_deadline();
    const SimTime wait = next == SimTime::max() ? SimTime(-1) : std::max(next - sys_.now(), 1_us);
    const auto polled = co_await sys_.poll(items, wait);
    if (!polled) continue;
    if ((*polled)[0].ready.readable) co_await controlled();
    for (size_t i = 0; i < families.size(); ++i) {
      if (!(*polled)[i + 1].ready.readable) continue;
      Result<Received> got = co_await sys_.receive(sockets_[size_t(families[i])], 65535);
      if (got) co_await take(families[i], std::move(*got));
    }
  }
  control_socket_.remove();
  co_return 0;
}

Task<int> smcrouted(Sys& sys, Args args) {
  const Options options(args, "f:n");
  if (!options.error().empty() || !options.rest().empty())
    co_return co_await bad_usage(sys, smcrouted_command, options.error(), 64);
  std::string conf = options.value('f', "/etc/smcroute.conf");
  if (!conf.starts_with('/')) conf = sys.folder() + "/" + conf;
  if (!options.has('n')) co_await sys.daemon().or_err(1, "daemon");
  Smcrouted run(sys, conf);
  co_return co_await run.run();
}

Task<int> smcroutectl(Sys& sys, Args args) {
  const Options options(args, "");
  std::vector<std::string> words = options.rest();
  if (words.empty()) words.push_back("show");
  constexpr std::string_view known[] = {"show", "add", "remove", "join", "leave", "kill"};
  const bool right = std::find(std::begin(known), std::end(known), words[0]) != std::end(known);
  if (!options.error().empty() || !right)
    co_return co_await bad_usage(sys, smcroutectl_command, options.error(), 64);
  const Result<std::string> answer = co_await ask_daemon(sys, control_path, words);
  if (!answer) {
    co_await sys.complain("daemon is not running");
    co_return 69;
  }
  co_await sys.print(*answer);
  co_return words[0] == "show" || answer->empty() ? 0 : 1;
}

}  // namespace

const Command smcrouted_command{
    .name = "smcrouted", .synopsis = "smcrouted [-n] [-f configfile]", .run = smcrouted};

const Command smcroutectl_command{.name = "smcroutectl",
                                  .synopsis =
                                      "smcroutectl [show]\n"
                                      "smcroutectl add interface [source] group interface ...\n"
                                      "smcroutectl remove interface [source] group\n"
                                      "smcroutectl join interface [source] group\n"
                                      "smcroutectl leave interface [source] group\n"
                                      "smcroutectl kill",
                                  .run = smcroutectl};

}  // namespace stackyard
