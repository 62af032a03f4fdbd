// userland/services/rtadvd_conf.h - rtadvd.conf(5): what a router advertises on an interface.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address6.h"
#include "core/base/time.h"

namespace stackyard {

struct RtadvdPrefix {
  Ipv6Prefix prefix;
  bool on_link = true, autonomous = true;
  uint32_t valid_s = 2592000, preferred_s = 604800;
  bool valid_decrements = false, preferred_decrements = false;  // vltimedecr, pltimedecr
};
// RFC 4191's route information, RFC 8106's servers and search list, RFC 8781's NAT64 prefix.
struct RtadvdRoute {
  Ipv6Prefix prefix;
  uint8_t flags = 0;  // preference, as in an advertisement's flags
  uint32_t lifetime_s = 0;
};
struct RtadvdServers {
  std::vector<Ipv6Address> addresses;
  uint32_t lifetime_s = 0;
};
struct RtadvdSearch {
  std::vector<std::string> names;
  uint32_t lifetime_s = 0;
};
struct RtadvdPref64 {
  Ipv6Prefix prefix;
  uint32_t lifetime_s = 0;
};

struct RtadvdInterface {
  uint8_t hop_limit = 64;
  uint8_t flags = 0;  // of the advertisement: managed, other, preference
  uint32_t lifetime_s = 1800;
  uint32_t reachable_ms = 0, retrans_ms = 0;
  uint32_t interval_max_s = 600, interval_min_s = 200;
  std::optional<uint32_t> mtu;   // none: the option is not sent
  bool mtu_of_link = false;      // mtu="auto"
  bool no_prefixes = false;      // noifprefix: not those of the interface's addresses
  bool no_link_address = false;  // nolladdr
  std::vector<RtadvdPrefix> prefixes;
  std::vector<RtadvdRoute> routes;
  std::vector<RtadvdServers> servers;
  std::vector<RtadvdSearch> searches;
  std::vector<RtadvdPref64> pref64s;
};

// Entries of termcap(5)'s form; "default" is what the others begin with, tc=NAME takes another's
// in.
class RtadvdConf {
 public:
  explicit RtadvdConf(const std::string& content);
  // What is wrong with a line; empty: nothing.
  const std::string& error() const { return error_; }
  RtadvdInterface interface(const std::string& name) const;

 private:
  using Entry = std::map<std::string, std::string>;
  Entry resolve(const std::string& name, int depth) const;
  std::map<std::string, Entry> entries_;
  std::string error_;
};

}  // namespace stackyard
