// userland/ifconfig/generic.cpp - keywords of every interface: flags, name, mtu, jails, groups.
#include "core/base/text.h"
#include "userland/ifconfig/ifconfig.h"

namespace stackyard {

Complaint set_interface(IfconfigRun& run, SetInterface change, const std::string& what) {
  change.name = run.name;
  const auto done = run.sys.request(change);
  return done ? "" : complaint(what, done.error());
}

std::optional<int64_t> number_of(const std::string& word, int64_t most) {
  const auto number = parse_int(word);
  if (!number || *number < 0 || *number > most) return std::nullopt;
  return number;
}

std::string bits_text(uint32_t bits, std::span<const std::pair<uint32_t, const char*>> names) {
  Words set;
  for (const auto& [bit, name] : names)
    if (bits & bit) set.push_back(name);
  return text("{:x}<{}>", bits, join(set, ","));
}

namespace {

// --- flags -------------------------------------------------------------------------------------

constexpr std::pair<uint32_t, const char*> flag_names[] = {
    {if_flag::up, "UP"},
    {if_flag::broadcast, "BROADCAST"},
    {if_flag::debug, "DEBUG"},
    {if_flag::loopback, "LOOPBACK"},
    {if_flag::point_to_point, "POINTOPOINT"},
    {if_flag::running, "RUNNING"},
    {if_flag::noarp, "NOARP"},
    {if_flag::promiscuous, "PROMISC"},
    {if_flag::simplex, "SIMPLEX"},
    {if_flag::link0, "LINK0"},
    {if_flag::link1, "LINK1"},
    {if_flag::link2, "LINK2"},
    {if_flag::multicast, "MULTICAST"},
    {if_flag::always_promiscuous, "PPROMISC"},
    {if_flag::monitor, "MONITOR"},
    {if_flag::static_arp, "STATICARP"}};

Complaint change_flags(IfconfigRun& run, SetInterface change, const std::string& word) {
  change.name = run.name;
  const auto done = run.sys.request(change);
  return done ? "" : short_complaint(word, done.error());
}

Complaint set_up(IfconfigRun& run, const Words& words) {
  SetInterface change;
  change.up = words[0] == "up";
  return change_flags(run, change, words[0]);
}

Complaint set_promiscuous(IfconfigRun& run, const Words& words) {
  SetInterface change;
  change.promiscuous = words[0] == "promisc";
  return change_flags(run, change, words[0]);
}

// "link0" sets a flag, "-link0" clears it; "arp" is the absence of one.
template <uint32_t flag, bool inverted = false>
Complaint set_flag(IfconfigRun& run, const Words& words) {
  SetInterface change;
  const bool set = (words[0][0] != '-') != inverted;
  (set ? change.set_flags : change.clear_flags) = flag;
  return change_flags(run, change, words[0]);
}

// --- numbers and texts -------------------------------------------------------------------------

Complaint set_mtu(IfconfigRun& run, const Words& words) {
  SetInterface change;
  change.mtu = uint32_t(number_of(words[1], 1 << 24).value_or(0));
  return set_interface(run, change, "ioctl SIOCSIFMTU (set mtu)");
}

Complaint set_metric(IfconfigRun& run, const Words& words) {
  SetInterface change;
  change.metric = int(number_of(words[1], INT32_MAX).value_or(0));
  return set_interface(run, change, "ioctl SIOCSIFMETRIC (set metric)");
}

Complaint set_fib(IfconfigRun& run, const Words& words) {
  const auto fib = number_of(words[1], UINT16_MAX);
  if (!fib) return text("fib {} not valid", words[1]);
  SetInterface change;
  change.fib = int(*fib);
  return set_interface(run, change, "ioctl (SIOCSIFFIB)");
}

Complaint set_description(IfconfigRun& run, const Words& words) {
  SetInterface change;
  change.description = words.size() > 1 ? words[1] : "";
  return set_interface(run, change, "ioctl SIOCSIFDESCR (set descr)");
}

// --- existence and place -----------------------------------------------------------------------

Complaint create(IfconfigRun&, const Words&) { return ""; }  // is done by and by

Complaint destroy(IfconfigRun& run, const Words&) {
  DestroyInterface request;
  request.name = run.name;
  const auto done = run.sys.request(request);
  return done ? "" : complaint("SIOCIFDESTROY", done.error());
}

Complaint rename(IfconfigRun& run, const Words& words) {
  RenameInterface request;
  request.name = run.name;
  request.new_name = words[1];
  if (const auto done = run.sys.request(request); !done)
    return complaint("ioctl SIOCSIFNAME (set name)", done.error());
  run.name = words[1];
  run.announce = true;
  return "";
}

Complaint move(IfconfigRun& run, const Words& words) {
  MoveInterface request;
  request.name = run.name;
  request.jail = words[1];
  const bool reclaim = words[0] == "-vnet";
  if (reclaim) request.direction = MoveInterface::Direction::from_jail;
  // A number is not looked up, as jail_getid(3) has it: the kernel says ENXIO.
  const JailParams by_name{{"name", words[1]}};
  const auto found = run.sys.jail_get(by_name);
  if (!found && !parse_int(words[1])) return text("jail \"{}\" not found", words[1]);
  const auto done = run.sys.request(request);
  if (done) return "";
  if (!reclaim) return complaint("SIOCSIFVNET", done.error());
  const std::string jid = found ? *jail_param(*found, "jid") : words[1];
  return complaint(text("SIOCSIFRVNET({}, {})", jid, run.name), done.error());
}

// --- groups ------------------------------------------------------------------------------------

Complaint set_group(IfconfigRun& run, const Words& words) {
  const bool add = words[0] == "group";
  const std::string who = add ? "setifgroup" : "unsetifgroup";
  const std::string& group = words[1];
  if (!group.empty() && group.back() >= '0' && group.back() <= '9')
    return who + ": group names may not end in a digit";
  if (group.size() > 15) return who + ": group name too long";
  SetInterface change;
  (add ? change.add_groups : change.remove_groups).push_back(group);
  return set_interface(run, change, add ? " SIOCAIFGROUP" : "SIOCDIFGROUP");
}

Complaint set_pcp(IfconfigRun& run, const Words& words) {
  SetInterface change;
  change.pcp = 255;
  if (words.size() > 1) {
    const auto pcp = number_of(words[1], UINT16_MAX);
    if (!pcp) return "invalid value for pcp";
    if (*pcp > 7) return "value for pcp out of range";
    change.pcp = int(*pcp);
  }
  return set_interface(run, change, "SIOCSLANPCP");
}

constexpr Keyword generic_keywords[] = {
    {"create", 0, create, true},
    {"plumb", 0, create, true},
    {"destroy", 0, destroy},
    {"unplumb", 0, destroy},
    {"name", 1, rename},
    {"vnet", 1, move},
    {"-vnet", 1, move},
    {"up", 0, set_up},
    {"down", 0, set_up},
    {"promisc", 0, set_promiscuous},
    {"-promisc", 0, set_promiscuous},
    {"arp", 0, set_flag<if_flag::noarp, true>},
    {"-arp", 0, set_flag<if_flag::noarp, true>},
    {"debug", 0, set_flag<if_flag::debug>},
    {"-debug", 0, set_flag<if_flag::debug>},
    {"monitor", 0, set_flag<if_flag::monitor>},
    {"-monitor", 0, set_flag<if_flag::monitor>},
    {"link0", 0, set_flag<if_flag::link0>},
    {"-link0", 0, set_flag<if_flag::link0>},
    {"link1", 0, set_flag<if_flag::link1>},
    {"-link1", 0, set_flag<if_flag::link1>},
    {"link2", 0, set_flag<if_flag::link2>},
    {"-link2", 0, set_flag<if_flag::link2>},
    {"mtu", 1, set_mtu},
    {"metric", 1, set_metric},
    {"fib", 1, set_fib},
    {"pcp", 1, set_pcp},
    {"-pcp", 0, set_pcp},
    {"description", 1, set_description},
    {"descr", 1, set_description},
    {"-description", 0, set_description},
    {"-descr", 0, set_description},
};

constexpr Keyword group_keywords[] = {{"group", 1, set_group}, {"-group", 1, set_group}};

std::string generic_status(Sys&, const InterfaceInfo& i, const ShowOptions&) {
  std::string out = text("{}: flags={} metric {} mtu {}\n", i.name, bits_text(i.flags, flag_names),
                         i.metric, i.mtu);
  if (!i.description.empty()) out += text("\tdescription: {}\n", i.description);
  return out;
}

std::string groups_status(Sys&, const InterfaceInfo& i, const ShowOptions&) {
  std::string out;
  if (!i.groups.empty()) out += text("\tgroups: {}\n", join(i.groups, " "));
  if (i.fib) out += text("\tfib: {}\n", i.fib);
  if (i.pcp >= 0) out += text("\tlan-pcp: {}\n", i.pcp);
  return out;
}

std::string media_status(Sys&, const InterfaceInfo& i, const ShowOptions& show) {
  std::string out;
  if (!i.media.empty()) out += text("\tmedia: {}\n", i.media);
  if (!i.status.empty()) out += text("\tstatus: {}\n", i.status);
  if (show.media && !i.media.empty()) out += "\tsupported media:\n\t\tmedia autoselect\n";
  if (show.driver) out += text("\tdrivername: {}\n", i.driver);
  if (i.opened_by) out += text("\tOpened by PID {}\n", i.opened_by);
  return out;
}

}  // namespace

const IfconfigKind generic_kind{.keywords = generic_keywords, .status = generic_status};
const IfconfigKind groups_kind{.keywords = group_keywords, .status = groups_status};
const IfconfigKind media_kind{.keywords = {}, .status = media_status};

}  // namespace stackyard
