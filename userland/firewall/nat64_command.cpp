#include "userland/firewall/nat64_command.h"

#include "core/base/text.h"
#include "stack/nat64/api/nat64_requests.h"

namespace stackyard::ipfw {

namespace {

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

  std::optional<ParseFailure> run() {
    while (!failed_ && at_ < words_.size()) option(words_[at_++]);
    return failed_;
  }

 private:
  void fail(int status, std::string words) {
    if (!failed_) failed_ = ParseFailure{status, std::move(words)};
  }
  std::string next(const std::string& complaint) {
    if (at_ < words_.size()) return words_[at_++];
    fail(exit_status::usage, complaint);
    return {};
  }
  void prefix(Ipv6Prefix& to, const std::string& word) {
    const std::string value = next("IPv6 prefix required");
    const auto prefix = parse_ipv6_prefix(value);
    if (prefix && value.find('/') != value.npos)
      to = prefix->canonical();
    else
      fail(exit_status::usage, text("Bad prefix: {}", failed_ ? word : value));
  }
  // Its length may also stand behind "prefixlen".
  void nptv6_prefix(Ipv6Prefix& to) {
    const std::string value = next("IPv6 prefix required");
    if (failed_) return;
    const auto prefix = parse_ipv6_prefix(value);
    const auto address = prefix ? std::optional(prefix->address) : parse_ipv6(value);
    if (!address) return fail(exit_status::usage, text("Bad prefix: {}", value));
    to.address = *address;
    if (prefix) config_.internal.length = config_.external.length = prefix->length;
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
      if (!failed_ && (!n || *n < 8 || *n > 64))
        return fail(exit_status::usage, "Wrong prefix length");
      if (!failed_) config_.internal.length = config_.external.length = uint8_t(*n);
    } else {
      fail(exit_status::usage, text("unknown option: {}", word));
    }
  }

  void stateful(const std::string& word) {
    if (word == "prefix4") {
      const std::string value = next("IPv4 prefix required");
      const auto prefix = parse_ipv4_prefix(value);
      if (!prefix || value.find('/') == value.npos)
        return fail(exit_status::usage, text("Bad prefix: {}", value));
      config_.prefix4 = prefix->canonical();
      return;
    }
    for (const AgeWord& age : ages) {
      if (word != age.word) continue;
      const auto n = parse_int(next(text("{} required", word)));
      if (!failed_ && (!n || *n < 1 || *n > 0xffffffff))
        return fail(exit_status::usage, text("{} is out of range", word));
      if (!failed_) config_.*age.member = uint32_t(*n);
      return;
    }
    // Of FreeBSD's memory and queues; here nothing depends on them.
    constexpr std::string_view tuning[] = {"jmaxlen", "states_chunks", "max_ports"};
    for (std::string_view own : tuning)
      if (word == own) return void(next(text("{} required", word)));
    fail(exit_status::usage, text("unknown option: {}", word));
  }

  Nat64Config& config_;
  const std::vector<std::string>& words_;
  size_t at_ = 0;
  std::optional<ParseFailure> failed_;
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

int list(Run& run, Nat64Kind kind, const std::string& name, bool stats) {
  ListNat64 request;
  request.kind = kind;
  (void)run.sys.request(request);
  bool found = name == "all";
  for (const Nat64Info& info : request.instances) {
    if (name != "all" && name != info.config.name) continue;
    found = true;
    run.out += stats ? show_stats(info) : show(info.config);
  }
  if (found) return 0;
  return run.fail(exit_status::os_error,
                  text("{} instance {} not found", nat64_names[size_t(kind)], name));
}

int create(Run& run, Nat64Kind kind, const std::string& name, const Words& words) {
  CreateNat64 request;
  request.config.kind = kind;
  request.config.name = name;
  request.config.internal.length = request.config.external.length = 0;  // not said yet
  auto failed = Nat64Parser(request.config, words).run();
  if (!failed)
    if (const auto what = missing(request.config)) failed = ParseFailure{exit_status::usage, *what};
  if (failed) return run.fail(*failed);
  if (run.options.check_only) return 0;
  const auto done = run.sys.request(request);
  if (done) return 0;
  return run.fail(exit_status::os_error,
                  text("{} instance creation failed", nat64_names[size_t(kind)]), done.error());
}

int configure(Run& run, Nat64Kind kind, const std::string& name, const Words& words) {
  ListNat64 known;
  known.kind = kind;
  (void)run.sys.request(known);
  for (const Nat64Info& info : known.instances) {
    if (info.config.name != name) continue;
    ConfigureNat64 request;
    request.config = info.config;
    const auto failed = Nat64Parser(request.config, words).run();
    if (failed) return run.fail(*failed);
    if (!run.options.check_only) (void)run.sys.request(request);
    return 0;
  }
  return run.fail(exit_status::os_error,
                  text("{} instance {} not found", nat64_names[size_t(kind)], name));
}

// "destroy", or "stats reset".
int destroy(Run& run, Nat64Kind kind, const std::string& name, const std::string& verb) {
  DestroyNat64 destroy;
  ResetNat64 reset;
  destroy.kind = reset.kind = kind;
  destroy.name = name == "all" ? "" : name;
  reset.name = name;
  if (run.options.check_only) return 0;
  const auto done = verb == "destroy" ? run.sys.request(destroy) : run.sys.request(reset);
  if (done) return 0;
  return run.fail(exit_status::os_error, text("{} {} failed", nat64_names[size_t(kind)], verb),
                  done.error());
}

}  // namespace

int nat64(Run& run, const Words& words) {
  size_t index = 0;
  while (words[0] != nat64_names[index]) ++index;
  const auto kind = Nat64Kind(index);
  if (words.size() < 3)
    return run.fail(exit_status::usage, text("{}: instance name and command required", words[0]));
  const std::string &name = words[1], &verb = words[2];
  const Words rest(words.begin() + 3, words.end());
  const bool all = name == "all";
  if (verb == "list" || verb == "show") return list(run, kind, name, false);
  if (verb == "create" && !all) return create(run, kind, name, rest);
  if (verb == "config" && !all) return configure(run, kind, name, rest);
  if (verb == "stats" && rest.empty()) return list(run, kind, name, true);
  if (verb == "destroy" || (verb == "stats" && rest[0] == "reset"))
    return destroy(run, kind, name, verb);
  return run.fail(exit_status::usage, text("Unsupported {} command: {}", words[0], verb));
}

}  // namespace stackyard::ipfw
