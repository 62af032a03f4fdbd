// userland/ifconfig/addresses.cpp - link and IPv4 addresses.
#include "core/base/text.h"
#include "stack/inet/api/inet_requests.h"
#include "userland/ifconfig/ifconfig.h"

namespace stackyard {

namespace {

// The prefix length that an address without one has: that of its old class.
uint8_t class_length(Ipv4Address a) {
  return a.value >> 31 == 0 ? 8 : a.value >> 30 == 2 ? 16 : 24;
}

// inet_aton(3)'s addresses, which may be hexadecimal, or a host's name.
std::optional<Ipv4Address> address_of(IfconfigRun& run, const std::string& word) {
  if (word.starts_with("0x"))
    if (const auto number = number_of(word, UINT32_MAX)) return Ipv4Address{uint32_t(*number)};
  return run.sys.resolve_ipv4(word);
}

Complaint alias(IfconfigRun& run, const Words&) {
  run.inet.alias = true;
  return "";
}

Complaint remove(IfconfigRun& run, const Words&) {
  run.inet.remove = true;
  return "";
}

Complaint netmask(IfconfigRun& run, const Words& words) {
  if (run.family == "inet6") return "netmask: invalid option for inet6";
  const auto mask = address_of(run, words[1]);
  if (!mask) return text("{}: bad value", words[1]);
  run.inet.mask_length = prefix_length_of(*mask);
  // Masks with holes have no prefix length, and our routing tables no place for them.
  return run.inet.mask_length ? "" : complaint("ioctl (SIOCAIFADDR)", Errno::einval);
}

Complaint broadcast(IfconfigRun& run, const Words& words) {
  if (run.family == "inet6") return "broadcast: invalid option for inet6";
  run.inet.second = address_of(run, words[1]);
  return run.inet.second ? "" : text("{}: bad value", words[1]);
}

Complaint apply_inet_address(IfconfigRun& run, const std::string& word) {
  IfconfigRun::InetWords& inet = run.inet;
  if (inet.address) {
    inet.second = address_of(run, word);
    return inet.second ? "" : text("{}: bad value", word);
  }
  const size_t slash = word.rfind('/');
  const std::string host = word.substr(0, slash);
  const auto address = address_of(run, host);
  if (slash != word.npos) {
    const std::string digits = word.substr(slash + 1);
    const auto length = parse_int(digits);
    const bool numeric = !digits.empty() && digits[0] >= '0' && digits[0] <= '9';
    if (!numeric || !length) return text("{}: bad value (width invalid)", word);
    if (*length < 0 || *length > 32)
      return text("{}: bad value (width too {})", word, *length < 0 ? "small" : "large");
    inet.mask_length = uint8_t(*length);
  }
  if (!address) return text("{}: bad value", host);
  inet.address = Ipv4Prefix{*address, class_length(*address)};
  return "";
}

// FreeBSD's formats: "colon", "dash", "dotted".
std::string mac_text(MacAddress mac, const std::string& format) {
  std::string out = to_text(mac);
  if (format == "dash")
    for (char& c : out)
      if (c == ':') c = '-';
  if (format == "dotted") {
    const auto& o = mac.octets;
    out = text("{:02x}{:02x}.{:02x}{:02x}.{:02x}{:02x}", o[0], o[1], o[2], o[3], o[4], o[5]);
  }
  return out;
}

std::string link_status(Sys&, const InterfaceInfo& i, const ShowOptions& show) {
  return i.mac ? text("\tether {}\n", mac_text(*i.mac, show.ether_format)) : "";
}

std::string inet_status(Sys& sys, const InterfaceInfo& i, const ShowOptions& show) {
  ListAddresses list;
  if (!sys.request(list)) return "";
  std::string out;
  for (const InterfaceAddress& a : list.addresses) {
    if (a.interface != i.name) continue;
    out += text("\tinet {}", to_text(a.address.address));
    if (i.flags & if_flag::point_to_point) out += text(" --> {}", to_text(a.peer));
    if (show.inet_format == "cidr")
      out += text("/{}", a.address.length);
    else if (show.inet_format == "dotted")
      out += text(" netmask {}", to_text(Ipv4Address{a.address.mask()}));
    else
      out += text(" netmask 0x{:x}", a.address.mask());
    if (!a.broadcast.is_any()) out += text(" broadcast {}", to_text(a.broadcast));
    out += "\n";
  }
  return out;
}

constexpr Keyword inet_keywords[] = {{"alias", 0, alias},        {"add", 0, alias},
                                     {"-alias", 0, remove},      {"delete", 0, remove},
                                     {"remove", 0, remove},      {"netmask", 1, netmask},
                                     {"broadcast", 1, broadcast}};

}  // namespace

Complaint apply_link_address(IfconfigRun& run, const std::string& word) {
  SetInterface change;
  change.name = run.name;
  if (word == "random") {
    MacAddress mac;
    const uint64_t bits = run.sys.random();
    for (size_t i = 0; i < 6; ++i) mac.octets[i] = uint8_t(bits >> (8 * i));
    mac.octets[0] = uint8_t((mac.octets[0] & 0xfc) | 2);
    change.mac = mac;
  } else {
    change.mac = parse_mac(word);
  }
  if (!change.mac) return "malformed link-level address";
  const auto done = run.sys.request(change);
  return done ? "" : short_complaint("ioctl (SIOCAIFADDR)", done.error());
}

Complaint apply_address(IfconfigRun& run, const std::string& word) {
  if (run.family == "inet6") return apply_inet6_address(run, word);
  return run.family == "link" ? apply_link_address(run, word) : apply_inet_address(run, word);
}

Complaint finish_inet(IfconfigRun& run) {
  IfconfigRun::InetWords& inet = run.inet;
  if (inet.address && inet.mask_length) inet.address->length = *inet.mask_length;
  if (run.family == "inet6") return finish_inet6(run);
  if (inet.remove) {
    DeleteAddress request;
    request.interface = run.name;
    if (inet.address) request.address = inet.address->address;
    const auto done = run.sys.request(request);
    return done ? "" : short_complaint("ioctl (SIOCDIFADDR)", done.error());
  }
  if (!inet.address) return "";
  AddAddress request;
  request.interface = run.name;
  request.address = *inet.address;
  request.second = inet.second;
  request.replace = !inet.alias;
  const auto done = run.sys.request(request);
  return done ? "" : short_complaint("ioctl (SIOCAIFADDR)", done.error());
}

const IfconfigKind link_kind{.keywords = {}, .status = link_status};
const IfconfigKind inet_kind{.keywords = inet_keywords, .status = inet_status};

}  // namespace stackyard
