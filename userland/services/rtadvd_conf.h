// userland/services/rtadvd_conf.h - rtadvd.conf(5): what a router advertises on an interface.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address6.h"

namespace stackyard {

struct RtadvdPrefix {
  Ipv6Prefix prefix;
  bool on_link = true, autonomous = true;
  uint32_t valid_s = 2592000, preferred_s = 604800;
};

struct RtadvdInterface {
  uint8_t hop_limit = 64;
  uint8_t flags = 0;  // of the advertisement: managed, other, preference
  uint32_t lifetime_s = 1800;
  uint32_t reachable_ms = 0, retrans_ms = 0;
  uint32_t interval_max_s = 600, interval_min_s = 200;
  std::optional<uint32_t> mtu;  // none: the option is not sent
  bool mtu_of_link = false;     // mtu="auto"
  bool no_prefixes = false;     // noifprefix: not those of the interface's addresses
  std::vector<RtadvdPrefix> prefixes;
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
