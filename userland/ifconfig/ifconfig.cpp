// userland/ifconfig/ifconfig.cpp - ifconfig(8): a table of keywords, and the status lines.
#include "core/base/text.h"
#include "stack/inet/api/inet_requests.h"
#include "stack/net/api/interface_requests.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

// What the words of one command line ask for, collected before anything is done.
struct Wanted {
  SetInterface set;
  bool any_setting = false;
  std::optional<Ipv4Prefix> address;
  std::optional<Ipv4Address> broadcast;
  std::optional<uint8_t> netmask_length;
  bool alias = false, remove = false;
  std::string error;  // "netmask: bad value"
  Errno code = Errno::ok;
};

using Words = std::vector<std::string>;

struct Keyword {
  const char* name;
  bool argument;
  void (*apply)(Wanted& wanted, const std::string& value);
};

constexpr Keyword keywords[] = {
    {"up", false, [](Wanted& w, const std::string&) { w.set.up = true; }},
    {"down", false, [](Wanted& w, const std::string&) { w.set.up = false; }},
    {"arp", false, [](Wanted& w, const std::string&) { w.set.arp = true; }},
    {"-arp", false, [](Wanted& w, const std::string&) { w.set.arp = false; }},
    {"promisc", false, [](Wanted& w, const std::string&) { w.set.promiscuous = true; }},
    {"-promisc", false, [](Wanted& w, const std::string&) { w.set.promiscuous = false; }},
    {"mtu", true,
     [](Wanted& w, const std::string& v) {
       const auto mtu = parse_int(v);
       if (!mtu || *mtu < 0)
         w.error = "mtu: bad value";
       else
         w.set.mtu = uint32_t(*mtu);
     }},
    {"ether", true,
     [](Wanted& w, const std::string& v) {
       w.set.mac = parse_mac(v);
       if (!w.set.mac) w.error = text("ether: bad address {}", v);
     }},
    {"description", true, [](Wanted& w, const std::string& v) { w.set.description = v; }},
    {"-description", false, [](Wanted& w, const std::string&) { w.set.description = ""; }},
    {"group", true, [](Wanted& w, const std::string& v) { w.set.add_groups.push_back(v); }},
    {"-group", true, [](Wanted& w, const std::string& v) { w.set.remove_groups.push_back(v); }},
    {"fib", true,
     [](Wanted& w, const std::string& v) {
       const auto fib = parse_int(v);
       if (!fib)
         w.error = "fib: bad value";
       else
         w.set.fib = int(*fib);
     }},
    {"metric", true, [](Wanted&, const std::string&) {}},
    {"alias", false, [](Wanted& w, const std::string&) { w.alias = true; }},
    {"add", false, [](Wanted& w, const std::string&) { w.alias = true; }},
    {"-alias", false, [](Wanted& w, const std::string&) { w.remove = true; }},
    {"delete", false, [](Wanted& w, const std::string&) { w.remove = true; }},
    {"remove", false, [](Wanted& w, const std::string&) { w.remove = true; }},
    {"netmask", true,
     [](Wanted& w, const std::string& v) {
       const auto number = v.starts_with("0x") ? parse_int(v) : std::nullopt;
       const auto mask =
           number ? Ipv4Address{uint32_t(*number)} : parse_ipv4(v).value_or(Ipv4Address{1});
       w.netmask_length = prefix_length_of(mask);
       if (!w.netmask_length) w.error = text("netmask: bad value {}", v);
     }},
    {"broadcast", true,
     [](Wanted& w, const std::string& v) {
       w.broadcast = parse_ipv4(v);
       if (!w.broadcast) w.error = text("broadcast: bad value {}", v);
     }},
};

const Keyword* find_keyword(const std::string& name) {
  for (const Keyword& k : keywords)
    if (name == k.name) return &k;
  if (name == "lladdr") return find_keyword("ether");
  if (name == "descr") return find_keyword("description");
  return nullptr;
}

// The prefix length that an address without one has: that of its old class.
uint8_t class_length(Ipv4Address a) {
  return a.value >> 31 == 0 ? 8 : a.value >> 30 == 2 ? 16 : 24;
}

Wanted parse(Sys& sys, const Words& words, size_t at) {
  Wanted w;
  for (; at < words.size() && w.error.empty(); ++at) {
    const std::string& word = words[at];
    if (word == "inet") continue;
    if (word == "inet6") {
      w.error = "inet6: IPv6 is not in this build yet";
      return w;
    }
    if (const Keyword* keyword = find_keyword(word)) {
      if (keyword->argument && at + 1 >= words.size()) {
        w.error = text("'{}' requires argument", word);
        return w;
      }
      w.any_setting = true;
      keyword->apply(w, keyword->argument ? words[++at] : "");
      continue;
    }
    if (auto prefix = parse_ipv4_prefix(word)) {
      w.address = prefix;
      w.netmask_length = prefix->length;
    } else if (auto address = sys.resolve(word)) {
      w.address = Ipv4Prefix{*address, class_length(*address)};
    } else {
      w.error = text("{}: bad value", word);
    }
  }
  if (w.address && w.netmask_length) w.address->length = *w.netmask_length;
  return w;
}

Task<int> configure(Sys& sys, Words words) {
  Wanted w = parse(sys, words, 2);
  w.set.name = words[1];
  if (!w.error.empty()) {
    co_await sys.complain(w.error);
    co_return 1;
  }
  const auto fail = [&](const char* what, Errno error) {
    return sys.complain(text("{}: {}", what, errno_text(error)));
  };
  if (w.remove) {
    DeleteAddress request;
    request.interface = words[1];
    if (w.address) request.address = w.address->address;
    if (const auto done = sys.request(request); !done) {
      co_await fail("ioctl (SIOCDIFADDR)", done.error());
      co_return 1;
    }
  } else if (w.address) {
    AddAddress request;
    request.interface = words[1];
    request.address = *w.address;
    request.broadcast = w.broadcast;
    request.replace = !w.alias;
    if (const auto done = sys.request(request); !done) {
      co_await fail("ioctl (SIOCAIFADDR)", done.error());
      co_return 1;
    }
  }
  if (!w.any_setting) co_return 0;
  if (const auto done = sys.request(w.set); !done) {
    const char* what = w.set.mtu   ? "ioctl SIOCSIFMTU (set mtu)"
                       : w.set.mac ? "ioctl (set lladdr)"
                       : w.set.fib ? "ioctl (SIOCSIFFIB)"
                                   : "ioctl (SIOCSIFFLAGS)";
    co_await fail(what, done.error());
    co_return 1;
  }
  co_return 0;
}

std::string flags_text(uint32_t flags) {
  struct Bit {
    uint32_t flag;
    const char* name;
  };
  constexpr Bit bits[] = {{if_flag::up, "UP"},
                          {if_flag::broadcast, "BROADCAST"},
                          {if_flag::loopback, "LOOPBACK"},
                          {if_flag::point_to_point, "POINTOPOINT"},
                          {if_flag::running, "RUNNING"},
                          {if_flag::noarp, "NOARP"},
                          {if_flag::promiscuous, "PROMISC"},
                          {if_flag::simplex, "SIMPLEX"},
                          {if_flag::multicast, "MULTICAST"}};
  Words names;
  for (const Bit& b : bits)
    if (flags & b.flag) names.push_back(b.name);
  return text("flags={:x}<{}>", flags, join(names, ","));
}

std::string status(const InterfaceInfo& i, const std::vector<InterfaceAddress>& addresses) {
  std::string out = text("{}: {} metric 0 mtu {}\n", i.name, flags_text(i.flags), i.mtu);
  if (!i.description.empty()) out += text("\tdescription: {}\n", i.description);
  out += i.mac ? "\toptions=7<RXCSUM,TXCSUM,VLAN_MTU>\n" : "\toptions=3<RXCSUM,TXCSUM>\n";
  if (i.mac) out += text("\tether {}\n", to_text(*i.mac));
  for (const InterfaceAddress& a : addresses) {
    if (a.interface != i.name) continue;
    out += text("\tinet {} netmask 0x{:08x}", to_text(a.address.address), a.address.mask());
    if (!a.broadcast.is_any()) out += text(" broadcast {}", to_text(a.broadcast));
    out += "\n";
  }
  if (!i.groups.empty()) out += text("\tgroups: {}\n", join(i.groups, " "));
  if (i.fib) out += text("\tfib: {}\n", i.fib);
  if (!i.media.empty()) out += text("\tmedia: {}\n", i.media);
  if (!i.status.empty()) out += text("\tstatus: {}\n", i.status);
  return out;
}

Task<int> show(Sys& sys, const Options& options, std::string only) {
  ListInterfaces list;
  ListAddresses addresses;
  if (!sys.request(list) || !sys.request(addresses)) co_return 1;
  Words names;
  bool found = false;
  for (const InterfaceInfo& i : list.interfaces) {
    const bool up = i.flags & if_flag::up;
    if (!only.empty() && i.name != only) continue;
    if ((options.has('u') && !up) || (options.has('d') && up)) continue;
    found = true;
    names.push_back(i.name);
    if (!options.has('l')) co_await sys.print(status(i, addresses.addresses));
  }
  if (options.has('l')) co_await sys.print(join(names, " ") + "\n");
  if (!only.empty() && !found) {
    co_await sys.complain(text("interface {} does not exist", only));
    co_return 1;
  }
  co_return 0;
}

Task<int> ifconfig(Sys& sys, Args args) {
  const Options options(args, "adlmuv");
  if (!options.error().empty())
    co_return co_await bad_usage(sys, ifconfig_command, options.error(), 1);
  const auto& rest = options.rest();
  if (rest.empty()) co_return co_await show(sys, options, "");
  if (rest.size() == 1 || (rest.size() == 2 && rest[1] == "inet"))
    co_return co_await show(sys, options, rest[0]);
  ListInterfaces list;
  if (!sys.request(list)) co_return 1;
  bool known = false;
  for (const InterfaceInfo& i : list.interfaces) known |= i.name == rest[0];
  if (!known) {
    co_await sys.complain(text("interface {} does not exist", rest[0]));
    co_return 1;
  }
  Words words{args[0]};
  words.insert(words.end(), rest.begin(), rest.end());
  co_return co_await configure(sys, words);
}

}  // namespace

const Command ifconfig_command{
    .name = "ifconfig",
    .synopsis =
        "ifconfig [-adlu] [interface]\n"
        "ifconfig interface [inet] [address[/prefixlen]] [netmask mask] [broadcast addr]\n"
        "[alias | -alias] [up | down] [mtu n] [ether mac] [arp | -arp] [fib n]\n"
        "[description text] [group name | -group name] [promisc | -promisc]",
    .run = ifconfig};

}  // namespace stackyard
