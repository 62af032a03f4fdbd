// userland/services/smcroute.h - smcroute.conf's lines: which interfaces take part in multicast
// routing, what is joined, and where groups go. The words are SMCRoute's; `querier` is ours.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/ip_address.h"

namespace stackyard {

// phyint IF enable [ttl-threshold N] [querier]
struct SmcInterface {
  std::string name;
  unsigned threshold = 1;
  bool querier = false;
};
// mgroup from IF group G [source S]
struct SmcGroup {
  std::string interface;
  IpAddress group;
  std::optional<IpAddress> source;
  bool operator==(const SmcGroup&) const = default;
};
// mroute from IF group G [source S] to IF ...
struct SmcRoute {
  std::string from;
  IpAddress group;
  std::optional<IpAddress> source;
  std::vector<std::string> to;
  bool operator==(const SmcRoute&) const = default;
};
struct SmcConf {
  std::vector<SmcInterface> interfaces;
  std::vector<SmcGroup> groups;
  std::vector<SmcRoute> routes;
  std::string error;  // "line 3: ..."; empty: none
};

SmcConf parse_smcroute_conf(const std::string& content);
// One line; a text is what is wrong with it.
std::string parse_smcroute_line(const std::vector<std::string>& words, SmcConf& into);

}  // namespace stackyard
