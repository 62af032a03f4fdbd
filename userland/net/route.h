// userland/net/route.h - what the parts of route(8) share: its words, and how messages are shown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stack/net/api/route_message.h"
#include "stack/sys/sys.h"

namespace stackyard {

// Options before the command.
struct RouteMode {
  bool numeric = false, quiet = false, verbose = false, debug_only = false;
  std::optional<IpFamily> family;  // -4, -6
  std::string hosts;               // /etc/hosts
};

// The words behind add, change, delete, get and show, as a request.
struct RouteWords {
  std::string command;
  RtSockaddrs addresses;
  uint32_t flags = 0;
  uint32_t fmask = 0;  // of a change: the flags that were given
  uint64_t inits = 0;
  RtMetrics metrics;
  std::string dest, gateway;  // as they were written
  std::string fibs;           // -fib's
  bool is_host = false;
};

// A word that is wrong: what route(8) says, and its exit status.
struct RouteProblem {
  std::string text;
  int status = 64;
};
// Reads the words; `mode.family` too may be among them.
std::optional<RouteProblem> read_route_words(Sys& sys, const Args& words, RouteMode& mode,
                                             RouteWords& to);
// "0-3,7", "all", "default"; nothing: not a list of FIBs there are.
std::optional<std::vector<int>> read_fibs(const std::string& words, int own, int count);

// "10.0.0.1", "default", a host's name, "em0:2.0.0.0.0.1".
std::string route_name(Sys& sys, const RouteMode& mode, const RtSockaddr& address);
// route monitor's lines about a message (print_rtmsg).
std::string message_text(Sys& sys, const RouteMode& mode, Bytes message);
// route get's block.
std::string route_block(Sys& sys, const RouteMode& mode, const RouteWords& asked, int fib,
                        Bytes message);
// Of -v: "u: inet 10.0.0.1; ".
std::string dump_text(Sys& sys, const RouteMode& mode, const RtSockaddrs& addresses);

}  // namespace stackyard
