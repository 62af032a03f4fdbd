// userland/ifconfig/bridge.cpp - keywords and status lines of bridge(4).
#include "core/base/text.h"
#include "stack/interfaces/api/bridge_requests.h"
#include "userland/ifconfig/ifconfig.h"

namespace stackyard {

namespace {

// In ifconfig's order, which is not that of the bits.
constexpr std::pair<uint32_t, const char*> member_flags[] = {
    {bridge_flag::learning, "LEARNING"}, {bridge_flag::discover, "DISCOVER"},
    {bridge_flag::stp, "STP"},           {bridge_flag::span, "SPAN"},
    {bridge_flag::sticky, "STICKY"},     {bridge_flag::is_private, "PRIVATE"},
    {bridge_flag::edge, "EDGE"},         {bridge_flag::auto_edge, "AUTOEDGE"},
    {bridge_flag::ptp, "PTP"},           {bridge_flag::auto_ptp, "AUTOPTP"}};
constexpr std::pair<uint32_t, const char*> address_flags[] = {{1, "STATIC"}, {2, "STICKY"}};

Complaint change(IfconfigRun& run, ChangeBridge& request, const std::string& what) {
  request.name = run.name;
  const auto done = run.sys.request(request);
  return done ? "" : complaint(what, done.error());
}

// "addm em0": `what` is the ioctl that ifconfig complains with.
template <BridgeAction action>
Complaint on_interface(IfconfigRun& run, const Words& words) {
  static constexpr const char* names[] = {"BRDGADD", "BRDGDEL", "BRDGADDS", "BRDGDELS"};
  ChangeBridge request;
  request.action = action;
  request.interface = words[1];
  return change(run, request, text("{} {}", names[int(action)], words[1]));
}

template <uint32_t flag>
Complaint set_flag(IfconfigRun& run, const Words& words) {
  ChangeBridge request;
  request.action = words[0][0] == '-' ? BridgeAction::clear_flags : BridgeAction::set_flags;
  request.interface = words[1];
  request.value = flag;
  return change(run, request, "unable to get bridge flags");
}

template <BridgeAction action>
Complaint flush(IfconfigRun& run, const Words&) {
  ChangeBridge request;
  request.action = action;
  return change(run, request, "BRDGFLUSH");
}

Complaint set_static(IfconfigRun& run, const Words& words) {
  const auto mac = parse_mac(words[2]);
  if (!mac) return text("{}: invalid address: {}", words[1], words[2]);
  ChangeBridge request;
  request.action = BridgeAction::set_address;
  request.interface = words[1];
  request.address = *mac;
  return change(run, request, text("BRDGSADDR {}", words[1]));
}

Complaint delete_address(IfconfigRun& run, const Words& words) {
  const auto mac = parse_mac(words[1]);
  if (!mac) return text("invalid address: {}", words[1]);
  ChangeBridge request;
  request.action = BridgeAction::delete_address;
  request.address = *mac;
  return change(run, request, text("BRDGDADDR {}", words[1]));
}

Complaint set_number(IfconfigRun& run, BridgeAction action, const std::string& interface,
                     const std::string& word, const char* what) {
  const auto number = number_of(word, UINT32_MAX);
  if (!number) return text("invalid value: {}", word);
  ChangeBridge request;
  request.action = action;
  request.interface = interface;
  request.value = uint32_t(*number);
  return change(run, request, text("{} {}", what, word));
}

Complaint set_addresses_max(IfconfigRun& run, const Words& words) {
  return set_number(run, BridgeAction::addresses_max, "", words[1], "BRDGSCACHE");
}
Complaint set_timeout(IfconfigRun& run, const Words& words) {
  return set_number(run, BridgeAction::timeout, "", words[1], "BRDGSTO");
}
Complaint set_member_max(IfconfigRun& run, const Words& words) {
  return set_number(run, BridgeAction::member_addresses_max, words[1], words[2], "BRDGSIFAMAX");
}

Complaint show_addresses(IfconfigRun& run, const Words&) {
  ListBridgeAddresses list;
  list.name = run.name;
  if (const auto done = run.sys.request(list); !done)
    return complaint("unable to get address cache", done.error());
  for (const BridgeAddressInfo& a : list.addresses)
    run.output += text("{} Vlan{} {} {} flags={}\n", to_text(a.address), a.vlan, a.interface,
                       a.expires, bits_text(a.flags, address_flags));
  return "";
}

// Of the spanning tree: `code` is the ioctl's name, which ifconfig complains with.
struct TreeNumber {
  const char* keyword;
  BridgeAction action;
  const char* code;
};
constexpr TreeNumber tree_numbers[] = {
    {"maxage", BridgeAction::max_age, "BRDGSMA"},
    {"hellotime", BridgeAction::hello_time, "BRDGSHT"},
    {"fwddelay", BridgeAction::forward_delay, "BRDGSFD"},
    {"holdcnt", BridgeAction::hold_count, "BRDGSTXHC"},
    {"priority", BridgeAction::priority, "BRDGSPRI"},
    {"ifpriority", BridgeAction::member_priority, "BRDGSIFPRIO"},
    {"ifpathcost", BridgeAction::member_path_cost, "BRDGSIFCOST"}};

Complaint set_tree_number(IfconfigRun& run, const Words& words) {
  for (const TreeNumber& n : tree_numbers)
    if (words[0] == n.keyword)
      return set_number(run, n.action, words.size() > 2 ? words[1] : "", words.back(), n.code);
  return "";
}

Complaint set_protocol(IfconfigRun& run, const Words& words) {
  for (const StpVersion version : {StpVersion::stp, StpVersion::rstp})
    if (words[1] == name_of(version))
      return set_number(run, BridgeAction::version, "", text("{}", int(version)), "BRDGSPROTO");
  return "unknown stp protocol";
}

constexpr Keyword keywords[] = {
    {"addm", 1, on_interface<BridgeAction::add>},
    {"deletem", 1, on_interface<BridgeAction::remove>},
    {"span", 1, on_interface<BridgeAction::add_span>},
    {"-span", 1, on_interface<BridgeAction::remove_span>},
    {"learn", 1, set_flag<bridge_flag::learning>},
    {"-learn", 1, set_flag<bridge_flag::learning>},
    {"discover", 1, set_flag<bridge_flag::discover>},
    {"-discover", 1, set_flag<bridge_flag::discover>},
    {"sticky", 1, set_flag<bridge_flag::sticky>},
    {"-sticky", 1, set_flag<bridge_flag::sticky>},
    {"private", 1, set_flag<bridge_flag::is_private>},
    {"-private", 1, set_flag<bridge_flag::is_private>},
    {"flush", 0, flush<BridgeAction::flush>},
    {"flushall", 0, flush<BridgeAction::flush_all>},
    {"static", 2, set_static},
    {"deladdr", 1, delete_address},
    {"addr", 0, show_addresses},
    {"maxaddr", 1, set_addresses_max},
    {"timeout", 1, set_timeout},
    {"ifmaxaddr", 2, set_member_max},
    {"stp", 1, set_flag<bridge_flag::stp>},
    {"-stp", 1, set_flag<bridge_flag::stp>},
    {"edge", 1, set_flag<bridge_flag::edge>},
    {"-edge", 1, set_flag<bridge_flag::edge>},
    {"autoedge", 1, set_flag<bridge_flag::auto_edge>},
    {"-autoedge", 1, set_flag<bridge_flag::auto_edge>},
    {"ptp", 1, set_flag<bridge_flag::ptp>},
    {"-ptp", 1, set_flag<bridge_flag::ptp>},
    {"autoptp", 1, set_flag<bridge_flag::auto_ptp>},
    {"-autoptp", 1, set_flag<bridge_flag::auto_ptp>},
    {"maxage", 1, set_tree_number},
    {"hellotime", 1, set_tree_number},
    {"fwddelay", 1, set_tree_number},
    {"holdcnt", 1, set_tree_number},
    {"priority", 1, set_tree_number},
    {"proto", 1, set_protocol},
    {"ifpriority", 2, set_tree_number},
    {"ifpathcost", 2, set_tree_number},
};

std::string status(Sys& sys, const InterfaceInfo& i, const ShowOptions&) {
  GetBridge bridge;
  bridge.name = i.name;
  if (!sys.request(bridge)) return "";
  const StpBridgeConfig& stp = bridge.stp;
  std::string out = text(
      "\tid {} priority {} hellotime {} fwddelay {}\n"
      "\tmaxage {} holdcnt {} proto {} maxaddr {} timeout {}\n"
      "\troot id {} priority {} ifcost {} port {}\n",
      to_text(stp.mac), stp.priority, stp.hello_time.s(), stp.forward_delay.s(), stp.max_age.s(),
      stp.hold_count, name_of(stp.version), bridge.addresses_max, bridge.timeout,
      to_text(bridge.root.mac), bridge.root.priority, bridge.root_cost, bridge.root_port);
  for (const BridgeMemberInfo& m : bridge.members) {
    out += text("\tmember: {} flags={}\n", m.name, bits_text(m.flags, member_flags));
    out += text("\t        ifmaxaddr {} port {} priority {} path cost {}", m.addresses_max, m.port,
                m.priority, m.path_cost);
    if (m.stp)
      out += text(" proto {}\n\t        role {} state {}", name_of(m.stp->version),
                  name_of(m.stp->role), name_of(m.stp->state));
    out += '\n';
  }
  return out;
}

}  // namespace

const IfconfigKind bridge_kind{.keywords = keywords, .status = status};

}  // namespace stackyard
