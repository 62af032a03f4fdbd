#include "userland/firewall/nat64_command.h"

#include <variant>

#include "core/base/text.h"
#include "userland/firewall/shaper_words.h"

namespace stackyard {

namespace {

constexpr int ex_usage = 64, ex_dataerr = 65, ex_oserr = 71;

Task<int> fail(Sys& sys, CommandError error) {
  co_await sys.complain(error.words);
  co_return error.status;
}

struct AgeWord {
  const char* word;
  uint32_t Nat64Config::*member;
};
// In the order in which they are shown.
constexpr AgeWord ages[] = {
    {"host_del_age", &Nat64Config::host_age},   {"pg_del_age", &Nat64Config::ports_age},
    {"tcp_syn_age", &Nat64Config::tcp_syn_age}, {"tcp_close_age", &Nat64Config::tcp_close_age},
    {"tcp_est_age", &Nat64Config::tcp_est_age}, {"udp_age", &Nat64Config::udp_age},
    {"icmp_age", &Nat64Config::icmp_age}};

// Reads what follows "create" or "config" into `config`; nothing: all is well.
class Nat64Parser {
 public:
  Nat64Parser(Nat64Config& config, const std::vector<std::string>& words)
      : config_(config), words_(words) {}

  std::optional<CommandError> run() {
    while (!failed_ && at_ < words_.size()) option(words_[at_++]);
    return failed_;
  }

 private:
  void fail(int status, std::string words) {
    if (!failed_) failed_ = CommandError{status, std::move(words)};
  }
  std::string next(const std::string& complaint) {
    if (at_ < words_.size()) return words_[at_++];
    fail(ex_usage, complaint);
    return {};
  }
  void prefix(Ipv6Prefix& to, const std::string& word) {
    const std::string value = next("IPv6 prefix required");
    const auto prefix = parse_ipv6_prefix(value);
    if (prefix && value.find('/') != value.npos)
      to = prefix->canonical();
    else
      fail(ex_usage, text("Bad prefix: {}", failed_ ? word : value));
  }
  // Its length may also stand behind "prefixlen".
  void nptv6_prefix(Ipv6Prefix& to) {
    const std::string value = next("IPv6 prefix required");
    const auto prefix = parse_ipv6_prefix(value);
    if (failed_) return;
    if (!prefix) return fail(ex_usage, text("Bad prefix: {}", value));
    to.address = prefix->address;
    if (value.find('/') != value.npos)
      config_.internal.length = config_.external.length = prefix->length;
  }
  bool is_for(Nat64Kind kind) const { return config_.kind == kind; }

  void option(const std::string& word) {
    if (word == "log" || word == "-log") {
      config_.log = word == "log";
    } else if (word == "allow_private" || word == "-allow_private") {
      config_.allow_private = word[0] != '-';
    } else if (word == "prefix6" && !is_for(Nat64Kind::prefix) && !is_for(Nat64Kind::customer)) {
      prefix(config_.prefix6, word);
    } else if (is_for(Nat64Kind::stateful)) {
      stateful(word);
    } else if (is_for(Nat64Kind::stateless) && (word == "table4" || word == "table6")) {
      (word == "table4" ? config_.table4 : config_.table6) = next("table name required");
    } else if (is_for(Nat64Kind::customer) && (word == "clat_prefix" || word == "plat_prefix")) {
      prefix(word == "clat_prefix" ? config_.clat_prefix : config_.prefix6, word);
    } else if (is_for(Nat64Kind::prefix) && word == "int_prefix") {
      nptv6_prefix(config_.internal);
    } else if (is_for(Nat64Kind::prefix) && word == "ext_prefix") {
      nptv6_prefix(config_.external);
    } else if (is_for(Nat64Kind::prefix) && word == "ext_if") {
      config_.external_interface = next("Interface name required");
    } else if (is_for(Nat64Kind::prefix) && word == "prefixlen") {
      const auto n = parse_int(next("IPv6 prefix length required"));
      if (!failed_ && (!n || *n < 8 || *n > 64)) return fail(ex_usage, "Wrong prefix length");
      if (!failed_) config_.internal.length = config_.external.length = uint8_t(*n);
    } else {
      fail(ex_usage, text("unknown option: {}", word));
    }
  }

  void stateful(const std::string& word) {
    if (word == "prefix4") {
      const std::string value = next("IPv4 prefix required");
      const auto prefix = parse_ipv4_prefix(value);
      if (!prefix || value.find('/') == value.npos)
        return fail(ex_usage, text("Bad prefix: {}", value));
      config_.prefix4 = prefix->canonical();
      return;
    }
    for (const AgeWord& age : ages) {
      if (word != age.word) continue;
      const auto n = parse_int(next(text("{} required", word)));
      if (!failed_ && (!n || *n < 1 || *n > 0xffffffff))
        return fail(ex_usage, text("{} is out of range", word));
      if (!failed_) config_.*age.member = uint32_t(*n);
      return;
    }
    // Of FreeBSD's memory and queues; here nothing depends on them.
    constexpr std::string_view tuning[] = {"jmaxlen", "states_chunks", "max_ports"};
    for (std::string_view own : tuning)
      if (word == own) return void(next(text("{} required", word)));
    fail(ex_usage, text("unknown option: {}", word));
  }

  Nat64Config& config_;
  const std::vector<std::string>& words_;
  size_t at_ = 0;
  std::optional<CommandError> failed_;
};

// What an instance cannot do without.
std::optional<std::string> missing(const Nat64Config& c) {
  switch (c.kind) {
    case Nat64Kind::stateful:
      if (c.prefix4.length == 32 && c.prefix4.address.is_any()) return "prefix4 required";
      break;
    case Nat64Kind::stateless:
      if (c.table4.empty()) return "table4 required";
      if (c.table6.empty()) return "table6 required";
      break;
    case Nat64Kind::customer:
      if (c.clat_prefix.address.is_any()) return "clat_prefix required";
      break;
    case Nat64Kind::prefix:
      if (c.internal.address.is_any()) return "int_prefix required";
      if (c.external.address.is_any() && c.external_interface.empty())
        return "ext_prefix or ext_if required";
      if (c.internal.length == 0) return "prefixlen required";
      break;
  }
  return std::nullopt;
}

std::string show(const Nat64Config& c) {
  std::string out = text("{} {}", nat64_names[size_t(c.kind)], c.name);
  switch (c.kind) {
    case Nat64Kind::stateful: {
      out += text(" prefix4 {} prefix6 {}", to_text(c.prefix4), to_text(c.prefix6));
      const Nat64Config usual;
      for (const AgeWord& age : ages)
        if (c.*age.member != usual.*age.member) out += text(" {} {}", age.word, c.*age.member);
      break;
    }
    case Nat64Kind::stateless:
      out += text(" table4 {} table6 {} prefix6 {}", c.table4, c.table6, to_text(c.prefix6));
      break;
    case Nat64Kind::customer:
      out += text(" clat_prefix {} plat_prefix {}", to_text(c.clat_prefix), to_text(c.prefix6));
      break;
    case Nat64Kind::prefix:
      out += text(" int_prefix {}", to_text(c.internal.address));
      out += c.external_interface.empty() ? text(" ext_prefix {}", to_text(c.external.address))
                                          : text(" ext_if {}", c.external_interface);
      out += text(" prefixlen {}", c.internal.length);
      break;
  }
  if (c.log) out += " log";
  if (c.allow_private) out += " allow_private";
  return out + "\n";
}

std::string show_stats(const Nat64Info& info) {
  const Nat64Stats& s = info.stats;
  std::string out = text("{} {}\n", nat64_names[size_t(info.config.kind)], info.config.name);
  if (info.config.kind == Nat64Kind::prefix)
    return out + text(
                     "\t{} packets translated (internal to external)\n"
                     "\t{} packets translated (external to internal)\n"
                     "\t{} packets dropped due to some error\n",
                     s.to_4, s.to_6, s.dropped);
  out += text(
      "\t{} packets translated from IPv6 to IPv4\n"
      "\t{} packets translated from IPv4 to IPv6\n",
      s.to_4, s.to_6);
  if (info.config.kind == Nat64Kind::stateful)
    out +=
        text("\t{} IPv6 hosts\n\t{} states\n\t{} ports groups\n", s.hosts, s.states, s.port_groups);
  return out + text("\t{} packets dropped due to some error\n", s.dropped);
}

std::string failed_words(const std::string& what, Errno error) {
  return text("{}: {}", what, errno_text(error));
}

Task<int> list(Sys& sys, Nat64Kind kind, std::string name, bool stats) {
  ListNat64 request;
  request.kind = kind;
  (void)sys.request(request);
  std::string out;
  bool found = name == "all";
  for (const Nat64Info& info : request.instances) {
    if (name != "all" && name != info.config.name) continue;
    found = true;
    out += stats ? show_stats(info) : show(info.config);
  }
  co_await sys.print(out);
  if (found) co_return 0;
  CommandError why{ex_oserr, text("{} instance {} not found", nat64_names[size_t(kind)], name)};
  co_return co_await fail(sys, why);
}

Task<int> create(Sys& sys, Nat64Kind kind, std::string name, std::vector<std::string> words) {
  CreateNat64 request;
  request.config.kind = kind;
  request.config.name = name;
  request.config.internal.length = request.config.external.length = 0;  // not said yet
  auto error = Nat64Parser(request.config, words).run();
  if (!error)
    if (const auto what = missing(request.config)) error = CommandError{ex_usage, *what};
  if (error) {
    CommandError why = *error;
    co_return co_await fail(sys, why);
  }
  const auto done = sys.request(request);
  if (done) co_return 0;
  CommandError why{
      ex_oserr,
      failed_words(text("{} instance creation failed", nat64_names[size_t(kind)]), done.error())};
  co_return co_await fail(sys, why);
}

Task<int> configure(Sys& sys, Nat64Kind kind, std::string name, std::vector<std::string> words) {
  ListNat64 known;
  known.kind = kind;
  (void)sys.request(known);
  for (const Nat64Info& info : known.instances) {
    if (info.config.name != name) continue;
    ConfigureNat64 request;
    request.config = info.config;
    const auto error = Nat64Parser(request.config, words).run();
    if (error) {
      CommandError why = *error;
      co_return co_await fail(sys, why);
    }
    (void)sys.request(request);
    co_return 0;
  }
  CommandError why{ex_oserr, text("{} instance {} not found", nat64_names[size_t(kind)], name)};
  co_return co_await fail(sys, why);
}

}  // namespace

std::optional<Nat64Kind> nat64_kind(std::string_view word) {
  for (size_t i = 0; i < std::size(nat64_names); ++i)
    if (word == nat64_names[i]) return Nat64Kind(i);
  return std::nullopt;
}

Task<int> run_nat64(Sys& sys, Nat64Kind kind, std::vector<std::string> words) {
  const std::string kind_name(nat64_names[size_t(kind)]);
  const std::string name = words.empty() ? "" : words[0];
  const std::string verb = words.size() < 2 ? "" : words[1];
  std::vector<std::string> rest;
  if (words.size() > 2) rest.assign(words.begin() + 2, words.end());
  if (name.empty() || verb.empty()) {
    CommandError why{ex_usage, text("{}: instance name and command required", kind_name)};
    co_return co_await fail(sys, why);
  }
  const bool all = name == "all";
  if (verb == "list" || verb == "show") co_return co_await list(sys, kind, name, false);
  if (verb == "create" && !all) co_return co_await create(sys, kind, name, rest);
  if (verb == "config" && !all) co_return co_await configure(sys, kind, name, rest);
  if (verb == "stats" && rest.empty()) co_return co_await list(sys, kind, name, true);
  if (verb == "destroy" || (verb == "stats" && rest[0] == "reset")) {
    DestroyNat64 destroy;
    ResetNat64 reset;
    destroy.kind = reset.kind = kind;
    destroy.name = all ? "" : name;
    reset.name = name;
    const auto done = verb == "destroy" ? sys.request(destroy) : sys.request(reset);
    if (done) co_return 0;
    CommandError why{ex_oserr, failed_words(text("{} {} failed", kind_name, verb), done.error())};
    co_return co_await fail(sys, why);
  }
  CommandError why{ex_usage, text("Unsupported {} command: {}", kind_name, verb)};
  co_return co_await fail(sys, why);
}

}  // namespace stackyard
