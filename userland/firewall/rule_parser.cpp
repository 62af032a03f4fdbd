#include "userland/firewall/rule_parser.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"

namespace stackyard::ipfw {

using namespace exit_status;

std::optional<uint64_t> whole_number(std::string_view digits) {
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    digits.remove_prefix(2);
    base = 16;
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

bool RuleParser::fail(int status, std::string message) {
  failure_ = {status, std::move(message)};
  return false;
}

bool RuleParser::take(std::string_view what) {
  if (!is(what)) return false;
  ++at_;
  return true;
}

bool RuleParser::need(const char* message) { return more() || fail(usage, message); }

uint32_t RuleParser::name(const std::string& name) {
  const auto found = std::find(rule_.names.begin(), rule_.names.end(), name);
  if (found != rule_.names.end()) return uint32_t(found - rule_.names.begin());
  rule_.names.push_back(name);
  return uint32_t(rule_.names.size() - 1);
}

bool RuleParser::parse(Rule& into) {
  if (!head() || !action() || !modifiers()) return false;
  if (check_state_) {
    if (is("//")) {
      ++at_;
      if (!comment()) return false;
    }
  } else if (!body()) {
    return false;
  }
  into = finished();
  return true;
}

// In the order in which the stack executes them: whether a state is there, what is compared, what
// makes a state; then what is noted, and what is done.
Rule RuleParser::finished() {
  // "!ip4" may begin options: but it is listed as "not ip4", which may only begin a protocol.
  if (!match_.empty() && (match_[0].op == Op::ip4 || match_[0].op == Op::ip6))
    rule_.only_options = false;
  std::vector<Insn> match;
  if (probability_ != 0x7fffffff) match.push_back({.op = Op::prob, .arg = probability_});
  if (state_ && !state_only_) match.push_back({.op = Op::probe_state, .arg = state_->arg});
  match.insert(match.end(), match_.begin(), match_.end());
  if (state_) match.push_back(*state_);
  if (skips_action_) {
    match.push_back({.op = Op::skip_action});
    if (!state_)
      warnings_.push_back(
          "Rule contains \"defer-immediate-action\" and doesn't contain any "
          "state-related options.");
  }
  rule_.match = std::move(match);
  rule_.actions = modifiers_;
  rule_.actions.insert(rule_.actions.end(), actions_.begin(), actions_.end());
  return std::move(rule_);
}

// [number] [set N] [prob P]
bool RuleParser::head() {
  const auto starts_with_digit = [&] {
    return more() && !word().empty() && word()[0] >= '0' && word()[0] <= '9';
  };
  if (starts_with_digit()) {
    const auto number = parse_int(word());
    if (!number || *number < 0 || *number > 65535)
      return fail(bad_data, text("invalid rule number: {}", word()));
    rule_.number = uint32_t(*number);
    ++at_;
  }
  if (is("set") && at_ + 1 < words_.size()) {
    ++at_;
    const auto set = parse_int(word());
    if (!set || *set < 0 || *set > default_set)
      return fail(bad_data, text("illegal set {}", word()));
    rule_.set = uint8_t(*set);
    ++at_;
  }
  if (is("prob") && at_ + 1 < words_.size()) {
    ++at_;
    const auto share = parse_decimal_nano(word());
    if (!share || *share <= 0 || *share > 1'000'000'000)
      return fail(bad_data, text("illegal match prob. {}", word()));
    const auto wide = static_cast<unsigned __int128>(*share) * 0x7fffffff;
    probability_ = uint32_t(wide / 1'000'000'000);
    ++at_;
  }
  return true;
}

// --- actions -------------------------------------------------------------------------------------

bool RuleParser::action() {
  if (!need("missing action")) return false;
  const std::string which = word();
  ++at_;
  return action_of(which);
}

bool RuleParser::action_of(std::string_view w) {
  const auto one = [&](Op op, uint32_t arg = 0) {
    act({.op = op, .arg = arg});
    return true;
  };
  const std::string which(w);
  if (w == "accept" || w == "pass" || w == "allow" || w == "permit") return one(Op::accept);
  if (w == "deny" || w == "drop") return one(Op::deny);
  if (w == "count") return one(Op::count);
  if (w == "reject") return one(Op::reject, 1);
  if (w == "reset") return one(Op::reject, reject_reset);
  if (w == "abort") return one(Op::reject, reject_abort);
  if (w == "reset6") return one(Op::unreach6, reject_reset);
  if (w == "abort6") return one(Op::unreach6, reject_abort);
  if (w == "unreach") return reject_code(Op::reject);
  if (w == "unreach6") return reject_code(Op::unreach6);
  if (w == "check-state") return check_state();
  if (w == "skipto") return numbered(Op::skipto, which);
  if (w == "call") return numbered(Op::call, which);
  if (w == "return") return one(Op::return_);
  if (w == "pipe") return numbered(Op::pipe, which);
  if (w == "queue") return numbered(Op::queue, which);
  if (w == "divert") return numbered(Op::divert, which);
  if (w == "tee") return numbered(Op::tee, which);
  if (w == "netgraph") return numbered(Op::netgraph, which);
  if (w == "ngtee") return numbered(Op::ngtee, which);
  if (w == "nat") return take("global") ? one(Op::nat, nat_global) : numbered(Op::nat, which);
  if (w == "fwd" || w == "forward") return forward();
  if (w == "reass") return one(Op::reass);
  if (w == "setfib") return setfib();
  if (w == "setdscp") return setdscp();
  if (w == "tcp-setmss") return tcp_setmss();
  if (w == "//") {  // a comment counts what it is about
    --at_;
    return one(Op::count);
  }
  if (w == "eaction") {
    if (!need("Missing eaction name")) return false;
    const std::string action = word();
    ++at_;
    return external(action);
  }
  if (std::find(std::begin(external_actions), std::end(external_actions), w) !=
      std::end(external_actions))
    return external(which);
  return fail(bad_data, text("invalid action {}", w));
}

bool RuleParser::numbered(Op op, const std::string& action) {
  if (!more()) return fail(usage, text("missing argument for {}", action));
  const std::string which = word();
  ++at_;
  if (which == "tablearg") {
    act({.op = op, .arg = tablearg});
    return true;
  }
  if (which[0] >= '0' && which[0] <= '9') {
    const auto number = parse_int(which);
    if (!number || *number <= 0 || *number >= 65535)
      return fail(bad_data, text("illegal argument for {}", action));
    act({.op = op, .arg = uint32_t(*number)});
    return true;
  }
  if (op != Op::divert && op != Op::tee)
    return fail(bad_data, text("illegal argument for {}", action));
  const auto port = which == "natd" ? std::optional<uint16_t>(8668) : names_.port(which, 0);
  if (!port) return fail(bad_data, "illegal divert/tee port");
  act({.op = op, .arg = *port});
  return true;
}

bool RuleParser::reject_code(Op op) {
  if (!need(op == Op::reject ? "missing reject code" : "missing unreach code")) return false;
  const std::string which = word();
  ++at_;
  const auto number = whole_number(which);
  const int64_t named =
      value_named(op == Op::reject ? NamedValues(icmp_code_names) : icmp6_code_names, which);
  const int64_t code = number && *number < 256 ? int64_t(*number) : named;
  if (code < 0)
    return fail(bad_data, text("unknown ICMP{} unreachable code ``{}''",
                               op == Op::reject ? "" : "v6", which));
  act({.op = op, .arg = uint32_t(code)});
  return true;
}

bool RuleParser::check_state() {
  check_state_ = true;
  Insn insn{.op = Op::check_state};
  if (!more() || word() == "//") {
    insn.arg = name(std::string(default_state_name));
  } else {
    const std::string which = word();
    if (which == ":any")
      insn.arg = any_state;
    else if (which[0] == ':' && is_state_name(which.substr(1)))
      insn.arg = name(which.substr(1));
    else
      return fail(bad_data, text("Invalid state name {}", which));
    ++at_;
  }
  act(insn);
  return true;
}

// "host[,port]", "host:port", "v6[,port]", "tablearg[,port]".
bool RuleParser::forward() {
  if (!need("missing forward address[:port]")) return false;
  std::string host = word();
  ++at_;
  size_t at = host.find(',');
  if (at == host.npos) {
    at = host.find(':');
    if (at != host.npos && host.find(':', at + 1) != host.npos) at = host.npos;
  }
  uint16_t port = 0;
  if (at != host.npos) {
    const std::string digits = host.substr(at + 1);
    host.resize(at);
    std::string_view rest = digits;
    const auto number = port_number(rest, 0, false);
    if (!number || !rest.empty())
      return fail(bad_data, text("illegal forwarding port ``{}''", digits));
    port = uint16_t(*number);
  }
  if (host == "tablearg") {
    act({.op = Op::forward4, .arg = tablearg, .data = port});
    return true;
  }
  const size_t percent = host.find('%');
  auto address = parse_ip(host.substr(0, percent));
  if (!address) address = names_.host(host);
  if (!address) return fail(bad_data, text("hostname ``{}'' unknown", host));
  if (address->is_v4()) {
    act({.op = Op::forward4, .arg = address->v4().value, .data = port});
    return true;
  }
  Insn insn{.op = Op::forward6, .words = 2, .data = port};
  if (percent != host.npos) {
    insn.sub = 1;
    insn.data |= uint64_t(name(host.substr(percent + 1))) << 32;
  }
  act(insn);
  Insn behind;
  const Ipv6Address to = address->v6();
  std::memcpy(static_cast<void*>(&behind), &to, sizeof to);
  act(behind);
  return true;
}

bool RuleParser::external(const std::string& action) {
  if (!is_object_name(action)) return fail(bad_data, text("Invalid eaction name {}", action));
  if (!need("Missing eaction instance name")) return false;
  const std::string instance = word();
  ++at_;
  if (!is_object_name(instance))
    return fail(bad_data, text("Invalid eaction instance name {}", instance));
  const uint32_t index = name(action);
  act({.op = Op::external, .sub = 1, .arg = index, .data = name(instance)});
  return true;
}

bool RuleParser::tcp_setmss() {
  if (!need("Missing MSS value")) return false;
  const auto mss = parse_int(word());
  if (!mss || *mss <= 0 || *mss > 65535) return fail(usage, text("invalid MSS value {}", word()));
  ++at_;
  act({.op = Op::external, .sub = 2, .arg = name("tcp-setmss"), .data = uint64_t(*mss)});
  return true;
}

bool RuleParser::setfib() {
  if (!need("missing fib number")) return false;
  const std::string which = word();
  ++at_;
  if (which == "tablearg") {
    act({.op = Op::setfib, .arg = tablearg});
    return true;
  }
  const auto fib = parse_int(which);
  if (!fib || *fib < 0 || *fib >= names_.fibs()) return fail(bad_data, "fib too large.");
  act({.op = Op::setfib, .arg = uint32_t(*fib)});
  return true;
}

bool RuleParser::setdscp() {
  if (!need("missing DSCP code")) return false;
  const std::string which = word();
  ++at_;
  if (which == "tablearg") {
    act({.op = Op::setdscp, .arg = tablearg});
    return true;
  }
  const int64_t named = value_named(dscp_names, which);
  const auto number = parse_int(which);
  if (named < 0 && !number) return fail(bad_data, "Unknown DSCP code");
  const int64_t code = named >= 0 ? named : *number;
  if (code < 0 || code > 63) return fail(bad_data, "Invalid DSCP value");
  act({.op = Op::setdscp, .arg = uint32_t(code)});
  return true;
}

// --- log, tag, untag, altq -----------------------------------------------------------------------

bool RuleParser::modifiers() {
  for (;;) {
    if (take("log")) {
      if (!log()) return false;
    } else if (take("tag")) {
      if (!tag(false)) return false;
    } else if (take("untag")) {
      if (!tag(true)) return false;
    } else if (is("altq")) {
      return fail(unavailable, "altq is not supported by this kernel");
    } else {
      return true;
    }
  }
}

bool RuleParser::log() {
  if (has_log_) return fail(bad_data, "log cannot be specified more than once");
  has_log_ = true;
  uint32_t amount = 0;
  if (take("logamount")) {
    if (!need("logamount requires argument")) return false;
    const auto number = parse_int(word());
    if (!number || *number < 0 || *number > INT32_MAX)
      return fail(bad_data, "logamount must be positive");
    amount = uint32_t(*number);
    ++at_;
  } else {
    amount = names_.verbose_limit();
  }
  modifiers_.insert(modifiers_.begin(), {.op = Op::log, .arg = amount});
  return true;
}

bool RuleParser::tag(bool untag) {
  const char* const which = untag ? "untag" : "tag";
  if (has_tag_) return fail(usage, "tag and untag cannot be specified more than once");
  has_tag_ = true;
  if (!more()) return fail(usage, text("missing argument for {}", which));
  Insn insn{.op = Op::tag, .flags = untag ? insn_flag::negated : uint8_t(0)};
  const auto number = parse_int(word());
  if (word() == "tablearg")
    insn.arg = tablearg;
  else if (number && *number >= 1 && *number < 65535)
    insn.arg = uint32_t(*number);
  else
    return fail(bad_data, text("illegal argument for {}", which));
  ++at_;
  modifiers_.push_back(insn);
  return true;
}

}  // namespace stackyard::ipfw
