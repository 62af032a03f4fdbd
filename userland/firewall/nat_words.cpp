#include "userland/firewall/nat_words.h"

#include "core/base/text.h"
#include "stack/ipfw/api/names.h"
#include "stack/ipfw/api/rule_text.h"

namespace stackyard::ipfw {

namespace {

struct Flag {
  const char* word;
  bool AliasMode::*member;
};
// In the order in which they are shown.
constexpr Flag flags[] = {
    {"deny_in", &AliasMode::deny_incoming},         {"same_ports", &AliasMode::same_ports},
    {"unreg_only", &AliasMode::unregistered_only},  {"unreg_cgn", &AliasMode::unregistered_cgn},
    {"reset", &AliasMode::reset_on_address_change}, {"reverse", &AliasMode::reverse},
    {"proxy_only", &AliasMode::proxy_only},         {"udp_eim", &AliasMode::endpoint_independent}};

struct PortRange {
  uint16_t first = 0, count = 0;
};

class RedirectParser {
 public:
  RedirectParser(const std::vector<std::string>& words, size_t& at, Names& names)
      : words_(words), at_(at), names_(names) {}

  std::variant<NatRedirect, ParseFailure> run(NatRedirect::What what) {
    redirect_.what = what;
    switch (what) {
      case NatRedirect::What::port:
        port();
        break;
      case NatRedirect::What::address:
        address();
        break;
      case NatRedirect::What::protocol:
        protocol();
        break;
    }
    if (failed_) return *failed_;
    return redirect_;
  }

 private:
  void fail(int status, std::string words) {
    if (!failed_) failed_ = ParseFailure{status, std::move(words)};
  }
  std::string next(const char* complaint) {
    if (at_ < words_.size()) return words_[at_++];
    fail(exit_status::usage, complaint);
    return {};
  }
  Ipv4Address host(const std::string& word) {
    if (const auto address = parse_ipv4(word)) return *address;
    const auto found = names_.host(word);
    if (found && found->is_v4()) return found->v4();
    fail(exit_status::no_host, text("unknown host {}", word));
    return {};
  }
  // "80", "2300-2399", "http".
  PortRange ports(const std::string& word) {
    const size_t dash = word.find('-');
    const auto number = [&](const std::string& part) -> std::optional<uint16_t> {
      const auto n = parse_int(part);
      if (n) return *n >= 0 && *n <= 65535 ? std::optional(uint16_t(*n)) : std::nullopt;
      return names_.port(part, redirect_.protocol);
    };
    const auto whole = number(word);  // names may have a dash
    if (whole) return {*whole, 1};
    const auto first = number(word.substr(0, dash));
    const auto last = dash == word.npos ? first : number(word.substr(dash + 1));
    if (first && last && *first <= *last) return {*first, uint16_t(*last - *first + 1)};
    fail(exit_status::bad_data, text("unknown port range {}", word));
    return {};
  }
  // "10.0.0.2:80" to its parts; false: there is no colon.
  static bool split_end(const std::string& word, std::string& address, std::string& port) {
    const size_t colon = word.find(':');
    if (colon == word.npos) return false;
    address = word.substr(0, colon);
    port = word.substr(colon + 1);
    return true;
  }
  // What may follow begins with a digit; keywords do not.
  bool more() const {
    return at_ < words_.size() && !words_[at_].empty() && std::isdigit(uint8_t(words_[at_][0]));
  }

  void port() {
    const std::string name = next("redirect_port: missing protocol");
    if (name == "tcp" || name == "udp" || name == "sctp")
      redirect_.protocol = name == "tcp" ? 6 : name == "udp" ? 17 : 132;
    else
      fail(exit_status::bad_data, text("unknown protocol {}. Expected sctp, tcp or udp", name));
    const std::string target = next("redirect_port: missing targetIP:targetPORT");
    if (failed_) return;
    PortRange local{};
    if (target.find(',') != target.npos) {
      servers(target, true);
      local.count = 1;
    } else {
      std::string address, range;
      if (!split_end(target, address, range))
        return fail(exit_status::bad_data, text("redirect_port: {} has no port", target));
      redirect_.local = host(address);
      local = ports(range);
      redirect_.local_port = local.first;
    }
    std::string alias = next("redirect_port: missing aliasPORT");
    if (failed_) return;
    std::string address, range = alias;
    if (split_end(alias, address, range)) redirect_.alias = host(address);
    const PortRange outside = ports(range);
    redirect_.alias_port = outside.first;
    redirect_.ports = outside.count;
    if (!failed_ && redirect_.servers.empty() && local.count != outside.count)
      return fail(exit_status::bad_data, "redirect_port: port ranges must be equal in size");
    if (failed_ || !more()) return;
    const std::string remote = words_[at_++];
    range.clear();
    if (!split_end(remote, address, range)) address = remote;
    redirect_.remote = host(address);
    if (range.empty() || failed_) return;
    const PortRange far = ports(range);
    redirect_.remote_port = far.first;
    redirect_.remote_ports = far.first == 0 ? 0 : far.count;
    if (redirect_.remote_ports > 1 && far.count != outside.count)
      fail(exit_status::bad_data, "redirect_port: remote port range must match local port range");
  }

  void address() {
    const std::string local = next("redirect_addr: missing localIP");
    const std::string alias = next("redirect_addr: missing publicIP");
    if (failed_) return;
    if (local.find(',') != local.npos)
      servers(local, false);
    else
      redirect_.local = host(local);
    redirect_.alias = host(alias);
  }

  void protocol() {
    const std::string name = next("redirect_proto: missing protocol");
    const auto number = parse_int(name);
    const int64_t protocol = number ? *number : value_named(protocol_names, name);
    if (protocol > 0 && protocol < 256)
      redirect_.protocol = uint8_t(protocol);
    else if (!failed_)
      fail(exit_status::bad_data, text("redirect_proto: cannot get proto from '{}'", name));
    const std::string local = next("redirect_proto: missing localIP");
    if (failed_) return;
    redirect_.local = host(local);
    if (more()) redirect_.alias = host(words_[at_++]);
    if (!failed_ && more()) redirect_.remote = host(words_[at_++]);
  }

  void servers(const std::string& list, bool with_ports) {
    for (const std::string& word : split(list, ',')) {
      std::string address = word, range;
      if (with_ports && !split_end(word, address, range))
        return fail(exit_status::bad_data, text("redirect_port: {} has no port", word));
      const Ipv4Address server = host(address);
      const PortRange port = with_ports ? ports(range) : PortRange{};
      redirect_.servers.push_back({server, port.first});
    }
  }

  const std::vector<std::string>& words_;
  size_t& at_;
  Names& names_;
  NatRedirect redirect_;
  std::optional<ParseFailure> failed_;
};

std::optional<NatRedirect::What> redirect_word(std::string_view word) {
  if (word == "redirect_port") return NatRedirect::What::port;
  if (word == "redirect_addr" || word == "redirect_address") return NatRedirect::What::address;
  if (word == "redirect_proto") return NatRedirect::What::protocol;
  return std::nullopt;
}

}  // namespace

std::variant<NatRedirect, ParseFailure> parse_redirect(NatRedirect::What what,
                                                       const std::vector<std::string>& words,
                                                       size_t& at, Names& names) {
  return RedirectParser(words, at, names).run(what);
}

std::variant<NatConfig, ParseFailure> parse_nat(uint32_t number,
                                                const std::vector<std::string>& words,
                                                Names& names) {
  NatConfig config;
  config.number = number;
  bool has_address = false;
  for (size_t at = 0; at < words.size();) {
    const std::string& word = words[at++];
    if (const auto what = redirect_word(word)) {
      auto redirect = parse_redirect(*what, words, at, names);
      if (const auto* error = std::get_if<ParseFailure>(&redirect)) return *error;
      config.redirects.push_back(std::get<NatRedirect>(redirect));
      continue;
    }
    bool known = false;
    for (const Flag& flag : flags)
      if (word == flag.word) config.mode.*flag.member = known = true;
    if (known) continue;
    if (word == "log" || word == "skip_global") {
      (word == "log" ? config.log : config.skip_global) = true;
      continue;
    }
    if (word != "ip" && word != "if" && word != "port_range")
      return ParseFailure{exit_status::bad_data, text("unrecognised option ``{}''", word)};
    if (at == words.size()) return ParseFailure{exit_status::bad_data, "missing option"};
    const std::string& value = words[at++];
    if (word == "if") {
      config.interface = value;
    } else if (word == "ip") {
      const auto address = parse_ipv4(value);
      if (!address)
        return ParseFailure{exit_status::bad_data, text("bad ip address ``{}''", value)};
      config.address = *address;
    } else {
      const size_t dash = value.find('-');
      const auto first = parse_int(value.substr(0, dash));
      const auto last = dash == value.npos ? first : parse_int(value.substr(dash + 1));
      // As FreeBSD's: no well-known ports, and room for some.
      if (!first || !last || *first < 1024 || *last > 65535 || *first >= *last)
        return ParseFailure{exit_status::bad_data, "incorrect value for port range"};
      config.port_first = uint16_t(*first);
      config.port_last = uint16_t(*last);
      continue;
    }
    if (has_address)
      return ParseFailure{exit_status::bad_data,
                          "need to specify either an interface or an ip address"};
    has_address = true;
  }
  return config;
}

// --- how it is shown -----------------------------------------------------------------------------

namespace {

std::string range_word(uint16_t first, uint16_t count) {
  return count > 1 ? text("{}-{}", first, first + count - 1) : std::to_string(first);
}

std::string servers_word(const std::vector<AliasServer>& servers, bool ports) {
  std::vector<std::string> words;
  for (const AliasServer& server : servers)
    words.push_back(ports ? text("{}:{}", to_text(server.address), server.port)
                          : to_text(server.address));
  return join(words, ",");
}

std::string show_redirect(const NatRedirect& r) {
  switch (r.what) {
    case NatRedirect::What::address:
      return text(" redirect_addr {} {}",
                  r.servers.empty() ? to_text(r.local) : servers_word(r.servers, false),
                  to_text(r.alias));
    case NatRedirect::What::protocol: {
      std::string out = text(" redirect_proto {} {}", protocol_text(r.protocol), to_text(r.local));
      if (!r.alias.is_any()) out += " " + to_text(r.alias);
      if (!r.remote.is_any()) out += " " + to_text(r.remote);
      return out;
    }
    case NatRedirect::What::port:
      break;
  }
  std::string out = text(" redirect_port {} ", protocol_text(r.protocol));
  out += r.servers.empty() ? text("{}:{}", to_text(r.local), range_word(r.local_port, r.ports))
                           : servers_word(r.servers, true);
  out += ' ';
  if (!r.alias.is_any()) out += to_text(r.alias) + ":";
  out += range_word(r.alias_port, r.ports);
  if (r.remote.is_any()) return out;
  out += " " + to_text(r.remote);
  if (r.remote_port != 0) out += ":" + range_word(r.remote_port, r.remote_ports);
  return out;
}

}  // namespace

std::string show_nat(const NatConfig& config) {
  std::string out = text("ipfw nat {} config", config.number);
  if (!config.interface.empty())
    out += " if " + config.interface;
  else if (!config.address.is_any())
    out += " ip " + to_text(config.address);
  if (config.log) out += " log";
  for (const Flag& flag : flags) {
    if (config.mode.*flag.member) out += text(" {}", flag.word);
    if (flag.member == &AliasMode::same_ports && config.skip_global) out += " skip_global";
  }
  if (config.port_first != 0) out += text(" port_range {}-{}", config.port_first, config.port_last);
  for (const NatRedirect& redirect : config.redirects) out += show_redirect(redirect);
  return out;
}

}  // namespace stackyard::ipfw
