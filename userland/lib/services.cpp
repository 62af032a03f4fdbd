#include "userland/lib/services.h"

#include "core/base/text.h"

namespace stackyard {

namespace {

struct Service {
  const char* name;
  uint16_t port;
};
constexpr Service services[] = {{"echo", 7},     {"discard", 9}, {"daytime", 13}, {"chargen", 19},
                                {"ftp", 21},     {"ssh", 22},    {"telnet", 23},  {"smtp", 25},
                                {"time", 37},    {"domain", 53}, {"tftp", 69},    {"http", 80},
                                {"sunrpc", 111}, {"ntp", 123},   {"snmp", 161},   {"bgp", 179},
                                {"imap", 143},   {"https", 443}, {"isakmp", 500}, {"syslog", 514},
                                {"router", 520}, {"iperf", 5001}};

}  // namespace

std::optional<uint16_t> find_port(const std::string& file, const std::string& name,
                                  const std::string& protocol) {
  if (const auto number = parse_int(name)) {
    if (*number < 1 || *number > 65535) return std::nullopt;
    return uint16_t(*number);
  }
  for (const std::string& line : split(file, '\n')) {
    const auto words = split_words(line.substr(0, line.find('#')));
    if (words.size() < 2) continue;
    bool named = words[0] == name;
    for (size_t i = 2; i < words.size(); ++i) named |= words[i] == name;
    const size_t slash = words[1].find('/');
    if (!named || slash == std::string::npos) continue;
    if (!protocol.empty() && words[1].substr(slash + 1) != protocol) continue;
    const auto port = parse_int(words[1].substr(0, slash));
    if (port && *port > 0 && *port < 65536) return uint16_t(*port);
  }
  for (const Service& s : services)
    if (name == s.name) return s.port;
  return std::nullopt;
}

Task<std::optional<uint16_t>> service_port(Sys& sys, std::string name, std::string protocol) {
  const std::string file = (co_await sys.read_file("/etc/services")).value_or("");
  co_return find_port(file, name, protocol);
}

std::string service_name(uint16_t port) {
  for (const Service& s : services)
    if (port == s.port) return s.name;
  return "";
}

}  // namespace stackyard
