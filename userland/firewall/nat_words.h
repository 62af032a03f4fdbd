// userland/firewall/nat_words.h - the grammar of "ipfw nat N config", also natd(8)'s redirections,
// and how instances are listed.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "stack/nat/api/nat_requests.h"
#include "userland/firewall/rule_parser.h"

namespace stackyard::ipfw {

// Words behind "nat N config".
std::variant<NatConfig, ParseFailure> parse_nat(uint32_t number,
                                                const std::vector<std::string>& words,
                                                Names& names);

// One redirection from `words[at]` on, which moves behind it: "tcp 10.0.0.2:80 8080".
std::variant<NatRedirect, ParseFailure> parse_redirect(NatRedirect::What what,
                                                       const std::vector<std::string>& words,
                                                       size_t& at, Names& names);

// "ipfw nat 1 config if em0 same_ports redirect_port tcp 10.0.0.2:80 8080"
std::string show_nat(const NatConfig& config);

}  // namespace stackyard::ipfw
