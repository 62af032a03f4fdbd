// userland/ifconfig/inet6.cpp - IPv6 addresses and the flags of neighbour discovery.
#include <algorithm>

#include "core/base/text.h"
#include "stack/inet6/api/inet6_requests.h"
#include "userland/ifconfig/ifconfig.h"

namespace stackyard {

namespace {

constexpr const char* add_call = "ioctl (SIOCAIFADDR)";

Complaint prefix_length(IfconfigRun& run, const Words& words) {
  const auto length = parse_int(words[1]);
  if (!length || *length < 0 || *length > 128) return text("{}: bad value", words[1]);
  run.inet6.length = uint8_t(*length);
  return "";
}

template <uint32_t flag>
Complaint set_address_flag(IfconfigRun& run, const Words&) {
  run.inet6.flags |= flag;
  return "";
}
template <uint32_t flag>
Complaint clear_address_flag(IfconfigRun& run, const Words&) {
  run.inet6.flags &= ~flag;
  return "";
}

Complaint set_nd(IfconfigRun& run, uint32_t set, uint32_t clear) {
  SetNdFlags request;
  request.interface = run.name;
  request.set = set;
  request.clear = clear;
  const auto done = run.sys.request(request);
  return done ? "" : short_complaint("ioctl (SIOCSIFINFO_IN6)", done.error());
}
template <uint32_t flag>
Complaint set_nd_flag(IfconfigRun& run, const Words&) {
  return set_nd(run, flag, 0);
}
template <uint32_t flag>
Complaint clear_nd_flag(IfconfigRun& run, const Words&) {
  return set_nd(run, 0, flag);
}

// "infty" or seconds.
Complaint lifetime(const std::string& word, uint32_t& to) {
  const auto seconds = word == "infty" || word == "infinity"
                           ? std::optional<int64_t>(lifetime_infinite)
                           : parse_int(word);
  if (!seconds || *seconds < 0 || *seconds > lifetime_infinite)
    return text("invalid time value: {}", word);
  to = uint32_t(*seconds);
  return "";
}
Complaint preferred(IfconfigRun& run, const Words& words) {
  return lifetime(words[1], run.inet6.preferred_s);
}
Complaint valid(IfconfigRun& run, const Words& words) {
  return lifetime(words[1], run.inet6.valid_s);
}

// The identifier of the interface's link-local address, behind the prefix given.
Complaint eui64(IfconfigRun& run, const Words&) {
  if (!run.inet6.address) return "eui64: no address";
  ListAddresses6 addresses;
  (void)run.sys.request(addresses);
  for (const InterfaceAddress6& a : addresses.addresses)
    if (a.interface == run.name && a.address.address.is_link_local()) {
      const auto& own = a.address.address.octets;
      std::copy(own.begin() + 8, own.end(), run.inet6.address->octets.begin() + 8);
      return "";
    }
  // IPv6 is off until the address comes: then the identifier is the one that there will be.
  ListInterfaces list;
  (void)run.sys.request(list);
  for (const InterfaceInfo& i : list.interfaces)
    if (i.name == run.name && i.mac) {
      run.inet6.address = with_eui64(*run.inet6.address, *i.mac);
      return "";
    }
  return "Could not determine link local address";
}

constexpr std::pair<uint32_t, const char*> address_flags[] = {
    {in6_flag::anycast, "anycast"},       {in6_flag::tentative, "tentative"},
    {in6_flag::duplicated, "duplicated"}, {in6_flag::detached, "detached"},
    {in6_flag::deprecated, "deprecated"}, {in6_flag::autoconf, "autoconf"},
    {in6_flag::temporary, "temporary"},   {in6_flag::prefer_source, "prefer_source"}};

constexpr std::pair<uint32_t, const char*> nd_flags[] = {
    {nd6_flag::perform_nud, "PERFORMNUD"},
    {nd6_flag::accept_rtadv, "ACCEPT_RTADV"},
    {nd6_flag::prefer_source, "PREFER_SOURCE"},
    {nd6_flag::disabled, "IFDISABLED"},
    {nd6_flag::dont_set_ifroute, "DONT_SET_IFROUTE"},
    {nd6_flag::auto_linklocal, "AUTO_LINKLOCAL"},
    {nd6_flag::no_radr, "NO_RADR"},
    {nd6_flag::no_prefer_iface, "NO_PREFER_IFACE"},
    {nd6_flag::no_dad, "NO_DAD"},
    {nd6_flag::stableaddr, "STABLEADDR"}};

std::string inet6_status(Sys& sys, const InterfaceInfo& i, const ShowOptions& show) {
  ListAddresses6 list;
  if (!sys.request(list)) return "";
  const auto seconds = [](uint32_t s) {
    return s == lifetime_infinite ? std::string("infty") : text("{}", s);
  };
  std::string out;
  for (const InterfaceAddress6& a : list.addresses) {
    if (a.interface != i.name) continue;
    out += "\tinet6 " + to_text(a.address.address);
    if (a.address.address.has_zone()) out += "%" + i.name;
    out += show.inet6_format == "cidr" ? text("/{}", a.address.length)
                                       : text(" prefixlen {}", a.address.length);
    for (const auto& [bit, name] : address_flags)
      if (a.flags & bit) out += text(" {}", name);
    if (a.address.address.has_zone()) out += text(" scopeid 0x{:x}", a.index);
    if (show.lifetimes)
      out += text(" pltime {} vltime {}", seconds(a.preferred_s), seconds(a.valid_s));
    out += "\n";
  }
  return out;
}

std::string nd_status(Sys& sys, const InterfaceInfo& i, const ShowOptions&) {
  ListNdInterfaces list;
  if (!sys.request(list)) return "";
  for (const NdInterface& nd : list.interfaces)
    if (nd.name == i.name) return text("\tnd6 options={}\n", bits_text(nd.flags, nd_flags));
  return "";
}

constexpr Keyword inet6_keywords[] = {
    {"prefixlen", 1, prefix_length},
    {"anycast", 0, set_address_flag<in6_flag::anycast>},
    {"-anycast", 0, clear_address_flag<in6_flag::anycast>},
    {"deprecated", 0, set_address_flag<in6_flag::deprecated>},
    {"-deprecated", 0, clear_address_flag<in6_flag::deprecated>},
    {"autoconf", 0, set_address_flag<in6_flag::autoconf>},
    {"-autoconf", 0, clear_address_flag<in6_flag::autoconf>},
    {"prefer_source", 0, set_address_flag<in6_flag::prefer_source>},
    {"-prefer_source", 0, clear_address_flag<in6_flag::prefer_source>},
    {"no_dad", 0, set_address_flag<in6_flag::no_dad>},
    {"-no_dad", 0, clear_address_flag<in6_flag::no_dad>},
    {"pltime", 1, preferred},
    {"vltime", 1, valid},
    {"eui64", 0, eui64},
    {"nud", 0, set_nd_flag<nd6_flag::perform_nud>},
    {"-nud", 0, clear_nd_flag<nd6_flag::perform_nud>},
    {"accept_rtadv", 0, set_nd_flag<nd6_flag::accept_rtadv>},
    {"-accept_rtadv", 0, clear_nd_flag<nd6_flag::accept_rtadv>},
    {"ifdisabled", 0, set_nd_flag<nd6_flag::disabled>},
    {"-ifdisabled", 0, clear_nd_flag<nd6_flag::disabled>},
    {"auto_linklocal", 0, set_nd_flag<nd6_flag::auto_linklocal>},
    {"-auto_linklocal", 0, clear_nd_flag<nd6_flag::auto_linklocal>},
    {"no_radr", 0, set_nd_flag<nd6_flag::no_radr>},
    {"-no_radr", 0, clear_nd_flag<nd6_flag::no_radr>},
    {"stableaddr", 0, set_nd_flag<nd6_flag::stableaddr>},
    {"-stableaddr", 0, clear_nd_flag<nd6_flag::stableaddr>},
    {"no_prefer_iface", 0, set_nd_flag<nd6_flag::no_prefer_iface>},
    {"-no_prefer_iface", 0, clear_nd_flag<nd6_flag::no_prefer_iface>}};

}  // namespace

Complaint apply_inet6_address(IfconfigRun& run, const std::string& word) {
  const size_t slash = word.rfind('/');
  const std::string host = word.substr(0, slash);
  if (slash != word.npos)
    if (Complaint wrong = prefix_length(run, {"prefixlen", word.substr(slash + 1)}); !wrong.empty())
      return wrong;
  const auto zoned = parse_zoned(host);
  if (zoned) {
    run.inet6.address = zoned->address;
    return "";
  }
  const std::vector<SockAddr> found = run.sys.resolve(host, Af::inet6);
  if (found.empty()) return text("{}: bad value", host);
  run.inet6.address = found[0].address.v6();
  return "";
}

Complaint finish_inet6(IfconfigRun& run) {
  const IfconfigRun::Inet6Words& inet6 = run.inet6;
  if (!inet6.address) return "";
  if (run.inet.remove) {
    DeleteAddress6 request;
    request.interface = run.name;
    request.address = *inet6.address;
    const auto done = run.sys.request(request);
    return done ? "" : short_complaint("ioctl (SIOCDIFADDR)", done.error());
  }
  AddAddress6 request;
  request.interface = run.name;
  request.address = {*inet6.address, inet6.length.value_or(64)};
  request.flags = inet6.flags;
  request.preferred_s = std::min(inet6.preferred_s, inet6.valid_s);
  request.valid_s = inet6.valid_s;
  const auto done = run.sys.request(request);
  return done ? "" : short_complaint(add_call, done.error());
}

const IfconfigKind inet6_kind{.keywords = inet6_keywords, .status = inet6_status};
const IfconfigKind nd_kind{.keywords = {}, .status = nd_status};

}  // namespace stackyard
