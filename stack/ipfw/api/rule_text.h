// stack/ipfw/api/rule_text.h - rules as ipfw(8) prints them, which it reads again.
#pragma once

#include <functional>
#include <string>

#include "core/base/ip_address.h"
#include "stack/ipfw/api/rule.h"

namespace stackyard::ipfw {

struct RuleTextOptions {
  bool comment_only = false;  // -c: the action, and the comment instead of the body
  // -N: names for ports and hosts; empty texts: there is none.
  std::function<std::string(uint8_t protocol, uint16_t port)> port_name = {};
  std::function<std::string(const IpAddress&)> host_name = {};
  bool resolve = false;  // names of Ethernet types
};

// From the action on: "allow tcp from any to me dst-port 22 setup keep-state :default".
std::string to_text(const Rule& rule, const RuleTextOptions& options = {});
// "100 deny ip from any to any", as drops and tables show it.
std::string numbered_text(const Rule& rule);
std::string protocol_text(uint8_t protocol);  // "tcp", or the number

}  // namespace stackyard::ipfw
