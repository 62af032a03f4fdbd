// userland/firewall/nat64_command.h - "ipfw nat64lsn NAME create ...", and its like.
#pragma once

#include "stack/nat64/api/nat64_requests.h"
#include "stack/sys/sys.h"

namespace stackyard {

// "nat64lsn", "nat64stl", "nat64clat", "nptv6"; nothing: it is another word.
std::optional<Nat64Kind> nat64_kind(std::string_view word);
// `words` behind the kind: "NAME create ...", "NAME list", "all destroy", "NAME stats reset".
Task<int> run_nat64(Sys& sys, Nat64Kind kind, std::vector<std::string> words);

}  // namespace stackyard
