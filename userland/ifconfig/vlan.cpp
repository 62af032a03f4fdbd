// userland/ifconfig/vlan.cpp - keywords and the status line of vlan(4).
#include "core/base/text.h"
#include "stack/interfaces/api/vlan_requests.h"
#include "userland/ifconfig/ifconfig.h"

namespace stackyard {

namespace {

constexpr uint16_t customer = 0x8100, provider = 0x88a8;  // 802.1Q, 802.1ad

// Sets the vlan, once both its tag and its parent are known.
Complaint apply(IfconfigRun& run) {
  if (!run.clone.tag || run.clone.parent.empty()) return "";
  SetVlan set;
  set.name = run.name;
  set.parent = run.clone.parent;
  set.tag = uint16_t(*run.clone.tag);
  set.protocol = run.clone.protocol;
  const auto done = run.sys.request(set);
  return done ? "" : complaint("SIOCSETVLAN", done.error());
}

Complaint check_both(IfconfigRun& run) {
  const bool tag = run.clone.tag.has_value();
  return tag == run.clone.parent.empty() ? "both vlan and vlandev must be specified" : "";
}

// What the words leave open is as it was, if it is a vlan that may be asked.
bool fill_in(IfconfigRun& run, bool tag, bool protocol) {
  run.at_end.push_back(check_both);
  GetVlan get;
  get.name = run.name;
  if (!run.sys.request(get)) return false;
  if (run.clone.parent.empty()) run.clone.parent = get.parent;
  if (tag && !get.parent.empty()) run.clone.tag = get.tag;
  if (protocol) run.clone.protocol = get.protocol;
  return true;
}

template <bool creating>
Complaint set_tag(IfconfigRun& run, const Words& words) {
  const auto tag = number_of(words[1], INT32_MAX);
  if (!tag) return "invalid value for vlan";
  if (*tag > UINT16_MAX) return "value for vlan out of range";
  run.clone.tag = uint32_t(*tag);
  if (creating) return "";
  return fill_in(run, false, true) ? apply(run) : "";
}

template <bool creating>
Complaint set_parent(IfconfigRun& run, const Words& words) {
  run.clone.parent = words[1];
  if (creating) return "";
  run.at_end.push_back(check_both);
  GetVlan get;
  get.name = run.name;
  return run.sys.request(get) ? apply(run) : "";
}

template <bool creating>
Complaint set_protocol(IfconfigRun& run, const Words& words) {
  if (words[1] == "802.1q" || words[1] == "802.1Q")
    run.clone.protocol = customer;
  else if (words[1] == "802.1ad" || words[1] == "802.1AD" || words[1] == "qinq")
    run.clone.protocol = provider;
  else
    return "invalid value for vlanproto";
  if (creating) return "";
  return fill_in(run, true, false) ? apply(run) : "";
}

Complaint set_priority(IfconfigRun& run, const Words& words) {
  const auto pcp = number_of(words[1], INT32_MAX);
  if (!pcp) return "invalid value for vlanpcp";
  if (*pcp > 7) return "value for vlanpcp out of range";
  SetVlanPcp set;
  set.name = run.name;
  set.pcp = uint8_t(*pcp);
  const auto done = run.sys.request(set);
  return done ? "" : complaint("SIOCSVLANPCP", done.error());
}

Complaint remove_parent(IfconfigRun& run, const Words&) {
  SetVlan set;
  set.name = run.name;
  const auto done = run.sys.request(set);
  return done ? "" : complaint("SIOCGETVLAN", done.error());
}

constexpr Keyword keywords[] = {
    {"vlan", 1, set_tag<true>, true},
    {"vlandev", 1, set_parent<true>, true},
    {"vlanproto", 1, set_protocol<true>, true},
    {"vlan", 1, set_tag<false>},
    {"vlandev", 1, set_parent<false>},
    {"vlanproto", 1, set_protocol<false>},
    {"vlanpcp", 1, set_priority},
    {"-vlandev", 0, remove_parent},
};

// Nothing of a vlan that another stack made: FreeBSD's ioctl fails with EPERM.
std::string status(Sys& sys, const InterfaceInfo& i, const ShowOptions&) {
  GetVlan get;
  get.name = i.name;
  if (!sys.request(get)) return "";
  return text("\tvlan: {} vlanproto: {} vlanpcp: {} parent interface: {}\n", get.tag,
              get.protocol == customer ? "802.1q" : "802.1ad", get.pcp,
              get.parent.empty() ? "<none>" : get.parent);
}

}  // namespace

Complaint check_vlan_name(IfconfigRun& run) {
  CloneParams& clone = run.clone;
  const size_t dot = run.name.rfind('.');
  if (dot != run.name.npos) {
    const std::string digits = run.name.substr(dot + 1);
    const auto tag = parse_int(digits);
    const bool sound = !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos &&
                       digits[0] != '0' && tag && *tag < 0xfff;
    if (!sound) return "invalid vlan tag";
    const std::string parent = run.name.substr(0, dot);
    if (clone.tag && int64_t(*clone.tag) != *tag) return "ambiguous vlan specification";
    if (!clone.parent.empty() && clone.parent != parent) return "ambiguous vlan specification";
    return "";
  }
  if (!run.name.starts_with("vlan")) return "";
  if (!clone.parent.empty() && !clone.tag) return "must specify a tag for vlan create";
  if (clone.tag && clone.parent.empty()) return "must specify a parent device for vlan create";
  return "";
}

const IfconfigKind vlan_kind{.keywords = keywords, .status = status};

}  // namespace stackyard
