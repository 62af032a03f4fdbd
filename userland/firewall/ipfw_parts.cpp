// userland/firewall/ipfw_parts.cpp - what ipfw(8) leaves to others: the list of their words.
#include "userland/firewall/nat64_command.h"
#include "userland/firewall/nat_command.h"
#include "userland/firewall/shaper_command.h"

namespace stackyard::ipfw {

namespace {

constexpr Part all[] = {{"pipe", shaper},     {"queue", shaper},   {"sched", shaper},
                        {"nat", nat},         {"nat64lsn", nat64}, {"nat64stl", nat64},
                        {"nat64clat", nat64}, {"nptv6", nat64}};

}  // namespace

std::span<const Part> parts() { return all; }

}  // namespace stackyard::ipfw
