// userland/firewall/ipfw_parts.cpp - what ipfw(8) leaves to others: the list of their words.
#include "userland/firewall/ipfw_run.h"

namespace stackyard::ipfw {

namespace {

// Of a module that this kernel has not: as FreeBSD, where it is not loaded.
int not_loaded(Run& run, const Words& words) {
  if (words.size() < 2) return run.fail(exit_status::usage, "need some arguments");
  if (run.options.check_only) return 0;
  return run.fail(exit_status::unavailable, "setsockopt(IP_FW_NAT_CFG)", Errno::enoprotoopt);
}

constexpr Part all[] = {{"nat", not_loaded},
                        {"nat64lsn", not_loaded},
                        {"nat64stl", not_loaded},
                        {"nat64clat", not_loaded},
                        {"nptv6", not_loaded}};

}  // namespace

std::span<const Part> parts() { return all; }

}  // namespace stackyard::ipfw
