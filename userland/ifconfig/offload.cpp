// userland/ifconfig/offload.cpp - what the hardware does for the stack: "options=", -txcsum.
#include "core/base/text.h"
#include "userland/ifconfig/ifconfig.h"

namespace stackyard {

namespace {

constexpr std::pair<uint32_t, const char*> option_names[] = {
    {if_option::rxcsum, "RXCSUM"},
    {if_option::txcsum, "TXCSUM"},
    {if_option::vlan_mtu, "VLAN_MTU"},
    {if_option::vlan_hwtag, "VLAN_HWTAGGING"},
    {if_option::vlan_hwcsum, "VLAN_HWCSUM"},
    {if_option::tso4, "TSO4"},
    {if_option::tso6, "TSO6"},
    {if_option::lro, "LRO"},
    {if_option::link_state, "LINKSTATE"},
    {if_option::rxcsum6, "RXCSUM_IPV6"},
    {if_option::txcsum6, "TXCSUM_IPV6"}};

template <uint32_t option>
Complaint set_option(IfconfigRun& run, const Words& words) {
  SetInterface change;
  change.name = run.name;
  (words[0][0] == '-' ? change.clear_options : change.set_options) = option;
  const auto done = run.sys.request(change);
  return done ? "" : short_complaint(words[0], done.error());
}

constexpr Keyword keywords[] = {
    {"rxcsum", 0, set_option<if_option::rxcsum>},
    {"-rxcsum", 0, set_option<if_option::rxcsum>},
    {"txcsum", 0, set_option<if_option::txcsum>},
    {"-txcsum", 0, set_option<if_option::txcsum>},
    {"rxcsum6", 0, set_option<if_option::rxcsum6>},
    {"-rxcsum6", 0, set_option<if_option::rxcsum6>},
    {"txcsum6", 0, set_option<if_option::txcsum6>},
    {"-txcsum6", 0, set_option<if_option::txcsum6>},
    {"tso", 0, set_option<if_option::tso4 | if_option::tso6>},
    {"-tso", 0, set_option<if_option::tso4 | if_option::tso6>},
    {"tso4", 0, set_option<if_option::tso4>},
    {"-tso4", 0, set_option<if_option::tso4>},
    {"tso6", 0, set_option<if_option::tso6>},
    {"-tso6", 0, set_option<if_option::tso6>},
    {"lro", 0, set_option<if_option::lro>},
    {"-lro", 0, set_option<if_option::lro>},
    {"vlanmtu", 0, set_option<if_option::vlan_mtu>},
    {"-vlanmtu", 0, set_option<if_option::vlan_mtu>},
    {"vlanhwtag", 0, set_option<if_option::vlan_hwtag>},
    {"-vlanhwtag", 0, set_option<if_option::vlan_hwtag>},
    {"vlanhwcsum", 0, set_option<if_option::vlan_hwcsum>},
    {"-vlanhwcsum", 0, set_option<if_option::vlan_hwcsum>},
    // No interface here can do these: they are left alone, as FreeBSD leaves them.
    {"vlanhwfilter", 0, set_option<0>},
    {"-vlanhwfilter", 0, set_option<0>},
    {"vlanhwtso", 0, set_option<0>},
    {"-vlanhwtso", 0, set_option<0>},
    {"wol", 0, set_option<0>},
    {"-wol", 0, set_option<0>},
};

std::string status(Sys&, const InterfaceInfo& i, const ShowOptions& show) {
  std::string out;
  if (i.options) out += text("\toptions={}\n", bits_text(i.options, option_names));
  if (show.media && i.capabilities)
    out += text("\tcapabilities={}\n", bits_text(i.capabilities, option_names));
  return out;
}

}  // namespace

const IfconfigKind options_kind{.keywords = keywords, .status = status};

}  // namespace stackyard
