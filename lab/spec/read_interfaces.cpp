// lab/spec/read_interfaces.cpp - interfaces of hosts, routers and jails, and their addresses.
#include <algorithm>

#include "core/base/text.h"
#include "lab/spec/lab_reader.h"

namespace stackyard {

namespace {

constexpr const char* interface_types[] = {"nic", "lo", "epair", "bridge", "vlan", "tap", "tun"};
constexpr const char* later_types[] = {"lagg", "gif",   "gre",   "vxlan",  "enc", "stf",
                                       "wg",   "ipsec", "pflog", "pfsync", "ovpn"};

// "bridge" of "bridge0"; nothing for a name without a number.
std::string cloner_of(const std::string& name) {
  const size_t digits = name.find_first_of("0123456789");
  return digits == name.npos ? "" : name.substr(0, digits);
}

bool is_interface_name(const std::string& name) {
  return !name.empty() && name.size() <= 15 && std::isalpha(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
         });
}

}  // namespace

std::string interface_type_name(InterfaceType type) { return interface_types[size_t(type)]; }

InterfaceType interface_type_by_name(const std::string& name) {
  if (name.find('.') != name.npos) return InterfaceType::vlan;
  const std::string cloner = cloner_of(name);
  for (size_t t = 1; t < std::size(interface_types); ++t)
    if (cloner == interface_types[t]) return InterfaceType(t);
  return InterfaceType::nic;
}

std::optional<std::pair<uint32_t, bool>> epair_end(const std::string& name) {
  if (!name.starts_with("epair") || (!name.ends_with('a') && !name.ends_with('b')))
    return std::nullopt;
  const std::string digits = name.substr(5, name.size() - 6);
  const auto number = parse_int(digits);
  if (!number || *number < 0 || *number > 32767 || text("{}", *number) != digits)
    return std::nullopt;
  return std::pair{uint32_t(*number), name.ends_with('b')};
}

void LabReader::read_interfaces(const Yaml* value, NodeSpec& node) {
  if (!value || !r_.is_map(*value, "interfaces")) return;
  for (const Yaml::Entry& entry : value->entries) {
    if (!is_interface_name(entry.key)) {
      r_.problems.error(entry.place, text("\"{}\" is not an interface name", entry.key),
                        "begin with a letter; 15 characters at most");
      continue;
    }
    const auto type = type_of(entry);
    if (!type) continue;
    InterfaceSpec interface;
    interface.name = entry.key;
    interface.place = entry.place;
    interface.listed = true;
    interface.type = *type;
    Yaml merged{.kind = Yaml::Kind::map,
                .place = entry.value.place,
                .text = {},
                .items = {},
                .entries = {}};
    const Yaml* common = defaults_ ? defaults_->find("interface") : nullptr;
    if (common && *type == InterfaceType::nic) merge_into(merged, *common);
    if (!entry.value.is_null()) merge_into(merged, entry.value);
    read_interface(merged, interface);
    node.interfaces.push_back(std::move(interface));
  }
}

std::optional<InterfaceType> LabReader::type_of(const Yaml::Entry& entry) {
  const std::vector<std::string> types(std::begin(interface_types), std::end(interface_types));
  const Yaml* given = entry.value.find("type");
  InterfaceType type = interface_type_by_name(entry.key);
  if (const auto name = r_.word(given, "the type")) {
    if (std::find(std::begin(later_types), std::end(later_types), *name) != std::end(later_types)) {
      r_.not_yet(given->place, *name);
      return std::nullopt;
    }
    const auto known = r_.one_of(given, "type", types);
    if (!known) return std::nullopt;
    type = InterfaceType(std::find(types.begin(), types.end(), *known) - types.begin());
  } else {
    for (const char* later : later_types)
      if (cloner_of(entry.key) == later) {
        r_.not_yet(entry.place, entry.key);
        return std::nullopt;
      }
  }
  if (type == InterfaceType::epair && !epair_end(entry.key)) {
    r_.problems.error(entry.place, text("\"{}\" is not an end of an epair", entry.key),
                      "write epair0a or epair0b");
    return std::nullopt;
  }
  return type;
}

void LabReader::read_interface(const Yaml& value, InterfaceSpec& interface) {
  const std::string what = text("interface \"{}\"", interface.name);
  const bool sound =
      r_.map(value, what,
             {.known = {"addresses", "mtu", "mac", "up", "fib", "description", "groups", "nic",
                        "type", "ifconfig", "parent", "vlan", "proto", "pcp", "members", "stp"},
              .later = {"local", "remote", "key", "vni", "group"},
              .reserved = {"peer", "carp", "wg", "offload"},
              .hints = {{"dhcp4", "write addresses: [dhcp]"},
                        {"dhcp6", "write addresses: [dhcp6]"},
                        {"ip", "write addresses: [10.0.0.1/24]"},
                        {"address", "write addresses: [10.0.0.1/24]"},
                        {"ether", "write mac"},
                        {"gateway", "write routes: [{to: default, via: ...}]"}}});
  if (!sound) return;
  const std::pair<const char*, InterfaceType> owned[] = {
      {"nic", InterfaceType::nic},   {"parent", InterfaceType::vlan},
      {"vlan", InterfaceType::vlan}, {"proto", InterfaceType::vlan},
      {"pcp", InterfaceType::vlan},  {"members", InterfaceType::bridge},
      {"stp", InterfaceType::bridge}};
  for (const Yaml::Entry& entry : value.entries)
    for (const auto& [key, type] : owned)
      if (entry.key == key && type != interface.type)
        r_.problems.error(
            entry.place,
            text("\"{}\" is a {}'s key, and \"{}\" is a {}", key, interface_type_name(type),
                 interface.name, interface_type_name(interface.type)),
            "remove it, or give a type");
  InterfaceMore more;
  read_addresses(value.find("addresses"), interface);
  interface.mtu = uint32_t(r_.integer(value.find("mtu"), 72, 65535).value_or(0));
  interface.up = r_.boolean(value.find("up")).value_or(true);
  interface.fib = uint16_t(r_.integer(value.find("fib"), 0, 65535).value_or(0));
  more.mac = r_.mac(value.find("mac"));
  more.description = r_.word(value.find("description"), "the description").value_or("");
  more.groups = r_.words(value.find("groups"), "groups");
  more.ifconfig = r_.words(value.find("ifconfig"), "ifconfig");
  if (const Yaml* nic = value.find("nic")) {
    const auto model = r_.one_of(nic, "nic", {"ideal", "e1000", "virtio"});
    if (model && *model != "ideal") r_.not_yet(nic->place, *model);
  }
  if (interface.type == InterfaceType::bridge) read_bridge(value, more);
  if (interface.type == InterfaceType::vlan) read_vlan(value, interface, more);
  interface.more = share(lab_.interface_more, std::move(more));
}

void LabReader::read_bridge(const Yaml& value, InterfaceMore& more) {
  for (const Yaml* member : r_.list(value.find("members"), "members"))
    if (const auto name = r_.word(member, "a member"))
      more.members.push_back({*name, member->place});
  more.stp = read_stp(value);
}

// "em0.10" says its parent and tag; any other name needs both keys, or has no parent yet.
void LabReader::read_vlan(const Yaml& value, const InterfaceSpec& interface, InterfaceMore& more) {
  const Yaml* parent = value.find("parent");
  const Yaml* vlan = value.find("vlan");
  const size_t dot = interface.name.rfind('.');
  if (dot != interface.name.npos) {
    const auto tag = parse_int(interface.name.substr(dot + 1));
    more.parent = {interface.name.substr(0, dot), interface.place};
    if (!tag || *tag < 1 || *tag > 4094)
      r_.problems.error(interface.place.right(dot + 1),
                        text("\"{}\" is not a VLAN", interface.name.substr(dot + 1)),
                        "use 1 to 4094");
    else
      more.vlan = uint16_t(*tag);
    for (const Yaml* extra : {parent, vlan})
      if (extra && !extra->is_null())
        r_.problems.error(extra->place, text("\"{}\" says this already", interface.name),
                          "remove it, or use another name");
  } else if (parent || vlan) {
    if (const auto name = r_.word(parent, "the parent")) more.parent = {*name, parent->place};
    if (const auto tag = r_.integer(vlan, 1, 4094)) more.vlan = uint16_t(*tag);
    if (!parent || !vlan)
      r_.problems.error((parent ? parent : vlan)->place, "a vlan needs \"parent\" and \"vlan\"",
                        "write both");
  }
  more.provider_tag = r_.one_of(value.find("proto"), "proto", {"802.1q", "802.1ad"}) == "802.1ad";
  if (const auto pcp = r_.integer(value.find("pcp"), 0, 7)) more.pcp = uint8_t(*pcp);
}

// A nic that only a link names.
InterfaceSpec LabReader::unlisted_nic(const std::string& name, Place place) {
  if (!unlisted_) {
    unlisted_.emplace();
    unlisted_->name = name;
    const Yaml* common = defaults_ ? defaults_->find("interface") : nullptr;
    if (common) read_interface(*common, *unlisted_);
  }
  InterfaceSpec interface = *unlisted_;
  interface.name = name;
  interface.place = place;
  return interface;
}

void LabReader::read_addresses(const Yaml* value, InterfaceSpec& interface) {
  interface.addresses_given = value && !value->is_null();
  const Yaml* automatic = nullptr;
  const auto items = r_.list(value, "addresses");
  for (const Yaml* item : items) {
    if (!item->is_scalar()) {
      r_.problems.error(item->place, "an address must be a text", "write 10.0.0.1/24");
      continue;
    }
    const std::string& word = item->text;
    const bool dynamic = word == "dhcp" || word == "auto";
    if (dynamic && automatic && automatic->text != word) {
      r_.problems.error(
          item->place,
          text("\"{}\" contradicts \"{}\" ({})", word, automatic->text, to_text(automatic->place)),
          "keep one");
      continue;
    }
    if (dynamic) automatic = item;
    if (word == "auto") {
      interface.addresses.push_back({AddressItem::Kind::automatic, {}, item->place});
    } else if (word == "none") {
      if (items.size() > 1)
        r_.problems.error(item->place, "\"none\" must stand alone", "remove the others");
      interface.addresses.push_back({AddressItem::Kind::none, {}, item->place});
    } else if (word == "slaac" || word == "link-local") {
      interface.addresses.push_back(
          {word == "slaac" ? AddressItem::Kind::slaac : AddressItem::Kind::link_local,
           {},
           item->place});
    } else if (word == "dhcp" || word == "dhcp6") {
      r_.not_yet(item->place, word);
    } else if (const auto prefix = r_.cidr(*item)) {
      const bool v4 = prefix->address.is_v4();
      if (v4 && prefix->length < 31 && *prefix == prefix->canonical())
        r_.problems.warning(item->place, text("{} is the network's own address", word));
      interface.addresses.push_back(
          {v4 ? AddressItem::Kind::fixed : AddressItem::Kind::fixed6, *prefix, item->place});
    }
  }
}

}  // namespace stackyard
