// userland/net/netstat_report.h - what the parts of netstat(1) share.
#pragma once

#include <optional>
#include <string>

#include "userland/lib/options.h"
#include "userland/lib/xo.h"

namespace stackyard {

// What is printed: text, or JSON below "statistics".
class Report {
 public:
  explicit Report(XoStyle style) {
    if (style == XoStyle::text) return;
    xo.emplace(style, "1");
    xo->open_container("statistics");
  }
  std::string finish() { return xo ? xo->finish() : words; }
  std::optional<Xo> xo;
  std::string words;
};

// netstat -r: the routes of a FIB (netstat_routes.cpp).
Task<int> netstat_routes(Sys& sys, const Options& options, Report report);
// netstat -o and -O: next hops, and the groups of multipath routes.
Task<int> netstat_nexthops(Sys& sys, const Options& options);
Task<int> netstat_nexthop_groups(Sys& sys, const Options& options);

}  // namespace stackyard
