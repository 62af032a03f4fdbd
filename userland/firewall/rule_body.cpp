// userland/firewall/rule_body.cpp - "PROTO from SRC [ports] to DST [ports]".
#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "userland/firewall/rule_parser.h"

namespace stackyard::ipfw {

using namespace exit_status;

// --- what all parts share ------------------------------------------------------------------------

void RuleParser::put(Making m) {
  m.insn.flags |= std::exchange(pending_flags_, uint8_t(0));
  m.insn.words = uint8_t(1 + m.behind.size());
  previous_ = match_.size();
  match_.push_back(m.insn);
  match_.insert(match_.end(), m.behind.begin(), m.behind.end());
}

void RuleParser::begin_block() {
  if (!more() || (word()[0] != '{' && word()[0] != '(')) return;
  previous_.reset();
  open_ = true;
  if (word().size() == 1)
    ++at_;
  else
    words_[at_].erase(0, 1);
}

bool RuleParser::not_block() {
  if (!take("not") && !take("!")) return true;
  if (pending_flags_) return fail(usage, "double \"not\" not allowed");
  pending_flags_ = insn_flag::negated;
  return true;
}

bool RuleParser::or_block(bool& again) {
  again = false;
  if (is("or") || is("|")) {
    if (!previous_ || !open_) return fail(bad_data, "invalid OR block");
    match_[*previous_].flags |= insn_flag::alternative;
    ++at_;
    again = true;
    return true;
  }
  if (!open_) return true;
  if (!take("}") && !take(")")) return fail(usage, "missing \")\"");
  previous_.reset();
  open_ = false;
  return true;
}

// --- the body ------------------------------------------------------------------------------------

bool RuleParser::body() {
  begin_block();
  const size_t start = at_;
  bool again = false;
  do {
    if (!not_block()) return false;
    if (!need("missing protocol")) return false;
    if (add_protocol(word(), false)) {
      ++at_;
    } else if (at_ != start || pending_flags_) {
      // "not" may begin an option, too.
      if (at_ == start + 1 && pending_flags_ && match_.empty()) {
        rule_.only_options = true;
        return options();
      }
      return fail(bad_data, text("invalid protocol ``{}''", word()));
    } else {
      rule_.only_options = true;
      return options();
    }
    if (!or_block(again)) return false;
  } while (again);
  if (!take("from")) return fail(usage, "missing ``from''");
  if (!end(true)) return false;
  if (!take("to")) return fail(usage, "missing ``to''");
  if (!end(false)) return false;
  return options();
}

bool RuleParser::add_protocol(const std::string& w, bool option) {
  if (w == "all" || w == "ip") {
    protocol_ = 0;
    pending_flags_ = 0;
    return true;
  }
  if (w == "ip4" || (w == "ipv4" && !option)) {
    protocol_ = 0;
    put({.op = Op::ip4});
    return true;
  }
  if (w == "ip6" || (w == "ipv6" && !option)) {
    protocol_ = 41;
    put({.op = Op::ip6});
    return true;
  }
  const auto number = parse_int(w);
  const int64_t named = value_named(protocol_names, w);
  const int64_t found = number ? *number : named;
  if (found <= 0 || found > 255) return false;
  protocol_ = uint8_t(found);
  put({.op = Op::proto, .arg = uint32_t(found)});
  return true;
}

// A block of addresses, and ports.
bool RuleParser::end(bool source) {
  begin_block();
  bool again = false;
  do {
    if (!not_block()) return false;
    if (!need(source ? "missing source address" : "missing dst address")) return false;
    const std::string which = word();
    ++at_;
    if (!address(source, which)) return false;
    if (!or_block(again)) return false;
  } while (again);
  // Ports: but "not" may begin the options.
  const size_t before = at_;
  if (!not_block()) return false;
  if (more()) {
    if (take("any")) {
      pending_flags_ = 0;
      return true;
    }
    if (!ports(source ? Op::src_port : Op::dst_port, word(), false)) return failure_.status == 0;
  }
  if (pending_flags_) {
    pending_flags_ = 0;
    at_ = before;
  }
  return true;
}

// --- addresses -----------------------------------------------------------------------------------

bool RuleParser::table(Op op, const std::string& word) {
  const size_t close = word.find(')');
  if (close == word.npos) return fail(bad_data, text("forgotten parenthesis: '{}'", word));
  std::string table_name = word.substr(6, close - 6);
  Insn insn{.op = op};
  const size_t comma = table_name.find(',');
  if (comma != table_name.npos) {
    const auto value = whole_number(std::string_view(table_name).substr(comma + 1));
    if (!value || *value > UINT32_MAX) return fail(bad_data, text("Invalid value: {}", word));
    insn.sub = 1;
    insn.data = *value;
    table_name.resize(comma);
  }
  if (!is_table_name(table_name)) return fail(bad_data, text("Invalid table name: {}", table_name));
  insn.arg = name(table_name);
  put(insn);
  return true;
}

bool RuleParser::address(bool source, const std::string& w, bool option) {
  if (w == "any") {
    if (pending_flags_) return fail(bad_data, "not any never matches");
    return true;
  }
  if (w == "me") {
    put({.op = source ? Op::src_me : Op::dst_me});
    return true;
  }
  if (w == "me6") {
    put({.op = source ? Op::src_me6 : Op::dst_me6});
    return true;
  }
  if (w.starts_with("table(")) return table(source ? Op::src_table : Op::dst_table, w);
  const std::string first = w.substr(0, w.find_first_of("/,"));
  const auto parsed = parse_ip(first);
  const bool six = (parsed && parsed->is_v6()) || (protocol_ == 41 && !option && !parsed);
  return six ? address6(source, w) : address4(source, w);
}

// "1.2.3.4", "1.2.3.0/24", "1.2.3.4:255.0.255.0", a list of them, or a set in braces.
bool RuleParser::address4(bool source, const std::string& word) {
  std::vector<Pair4> pairs;
  for (std::string_view rest = word; !rest.empty();) {
    const size_t end = rest.find_first_of("/:,{");
    const std::string base(rest.substr(0, end));
    char kind = end == rest.npos ? '\0' : rest[end];
    auto a = parse_ip(base);
    if (!a) a = names_.host(base);
    if (!a || a->is_v6()) return fail(no_host, text("hostname ``{}'' unknown", base));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + (kind != ',' && kind != '{'));
    uint32_t mask = ~0u;
    int length = 32;
    if (kind == '/' || kind == ':') {
      const size_t stop = rest.find_first_of(",{");
      const std::string digits(rest.substr(0, stop));
      rest.remove_prefix(stop == rest.npos ? rest.size() : stop);
      if (kind == ':') {
        const auto given = parse_ip(digits);
        if (!given || given->is_v6()) return fail(bad_data, text("bad netmask ``{}''", digits));
        mask = given->v4().value;
      } else {
        const auto number = parse_int(digits);
        if (!number || *number < 0 || *number > 32)
          return fail(bad_data, text("bad width ``{}''", digits));
        length = int(*number);
        mask = ipv4_mask(unsigned(length));
      }
      kind = rest.empty() ? '\0' : rest[0];
    } else if (kind == '{') {
      length = 24;
      mask = ipv4_mask(24);
    }
    if (kind == '{') {
      if (!pairs.empty()) return fail(bad_data, "address set cannot be in a list");
      return address_set(source, to_text(Ipv4Address{a->v4().value & mask}), prefix_length(mask),
                         rest);
    }
    if (!rest.empty()) rest.remove_prefix(1);  // the comma
    if (mask == 0) {
      // Any address makes the whole list needless.
      if (pending_flags_ && rest.empty() && pairs.empty())
        return fail(bad_data, "not any never matches");
      pending_flags_ = 0;
      return true;
    }
    pairs.push_back({a->v4().value & mask, mask});
  }
  if (pairs.empty()) return fail(no_host, text("hostname ``{}'' unknown", word));
  if (pairs.size() > list_max) return fail(bad_data, "address list too long");
  Making m{{.op = source ? Op::src4 : Op::dst4, .sub = uint8_t(pairs.size())}, {}};
  m.behind.resize(words_for_list<Pair4>(pairs.size()) - 1u);
  std::memcpy(&m.insn.data, pairs.data(), sizeof(Pair4));
  if (pairs.size() > 1)
    std::memcpy(static_cast<void*>(m.behind.data()), pairs.data() + 1,
                sizeof(Pair4) * (pairs.size() - 1));
  put(std::move(m));
  return true;
}

// "{1,5-9}", behind a network of 24 to 31 bits.
bool RuleParser::address_set(bool source, const std::string& base, int length,
                             std::string_view list) {
  if (length < 24 || length > 31) return fail(bad_data, text("invalid set with mask {}", length));
  const uint32_t first = parse_ip(base)->v4().value;
  const unsigned low = first & 0xff, high = low + (1u << (32 - length)) - 1;
  if (list.back() != '}') return fail(bad_data, "set not closed");
  Making m{{.op = source ? Op::src4_set : Op::dst4_set, .sub = uint8_t(32 - length), .arg = first},
           std::vector<Insn>(2)};
  std::array<uint8_t, 32> map{};
  list = list.substr(1, list.size() - 2);
  for (const std::string& part : split(list, ',')) {
    if (part.empty()) continue;
    const size_t dash = part.find('-');
    const auto from = whole_number(part.substr(0, dash));
    const auto to = dash == part.npos ? from : whole_number(part.substr(dash + 1));
    if (!from || !to) return fail(bad_data, text("incomplete range {}", part));
    for (const uint64_t each : {*from, *to})
      if (each < low || each > high)
        return fail(bad_data, text("addr {} out of range [{}-{}]", each, low, high));
    if (*from > *to) return fail(bad_data, text("invalid range {}-{}", *from, *to));
    for (uint64_t i = *from - low; i <= *to - low; ++i) map[i / 8] |= uint8_t(1u << (i % 8));
  }
  std::memcpy(static_cast<void*>(m.behind.data()), map.data(), map.size());
  put(std::move(m));
  return true;
}

bool RuleParser::address6(bool source, const std::string& word) {
  std::vector<Pair6> pairs;
  for (const std::string& part : split(word, ',')) {
    const size_t slash = part.find('/');
    const std::string base = part.substr(0, slash);
    auto a = parse_ip(base);
    if (!a) a = names_.host(base);
    if (!a || a->is_v4()) return fail(bad_data, text("bad address ``{}''", base));
    Ipv6Address mask;
    mask.octets.fill(0xff);
    if (slash != part.npos) {
      const std::string digits = part.substr(slash + 1);
      const auto given = parse_ip(digits);
      const auto number = parse_int(digits);
      if (given && given->is_v6()) {
        mask = given->v6();
      } else if (number && *number >= 0 && *number <= 128) {
        for (int i = 0; i < 16; ++i) {
          const int bits = std::clamp(int(*number) - 8 * i, 0, 8);
          mask.octets[size_t(i)] = uint8_t(0xff00 >> bits);
        }
      } else {
        return fail(bad_data, text("bad mask ``{}''", digits));
      }
    }
    if (mask.is_any()) {
      if (pending_flags_) return fail(bad_data, "not any never matches");
      return true;
    }
    Pair6 pair{a->v6(), mask};
    for (size_t i = 0; i < 16; ++i) pair.address.octets[i] &= mask.octets[i];
    pairs.push_back(pair);
  }
  if (pairs.empty() || pairs.size() > list_max) return fail(bad_data, "address list too long");
  Making m{{.op = source ? Op::src6 : Op::dst6, .sub = uint8_t(pairs.size())},
           std::vector<Insn>(2 * pairs.size())};
  std::memcpy(static_cast<void*>(m.behind.data()), pairs.data(), sizeof(Pair6) * pairs.size());
  put(std::move(m));
  return true;
}

// --- ports, and other lists of ranges ------------------------------------------------------------

// Takes a number, or a name whose "-" are behind backslashes, off the front.
std::optional<uint32_t> RuleParser::port_number(std::string_view& rest, uint8_t protocol,
                                                bool types) {
  if (rest.empty()) return std::nullopt;
  if (rest[0] >= '0' && rest[0] <= '9') {
    size_t end = rest.find_first_not_of("0123456789abcdefABCDEFxX");
    if (end == rest.npos) end = rest.size();
    const auto number = whole_number(rest.substr(0, end));
    if (!number || *number > 65535) return std::nullopt;
    rest.remove_prefix(end);
    return uint32_t(*number);
  }
  std::string which;
  size_t at = 0;
  for (; at < rest.size(); ++at) {
    const char c = rest[at];
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '.' || c == '\\';
    if (!fits) break;
    if (c == '\\' && at + 1 < rest.size()) ++at;
    which += rest[at];
  }
  if (which.empty()) return std::nullopt;
  if (types) {
    const int64_t type = value_named(ether_type_names, which);
    if (type < 0) return std::nullopt;
    rest.remove_prefix(at);
    return uint32_t(type);
  }
  const auto port = names_.port(which, protocol);
  if (!port) return std::nullopt;
  rest.remove_prefix(at);
  return *port;
}

RuleParser::Ranges RuleParser::ranges(const std::string& word, Making& m, uint8_t protocol,
                                      bool types) {
  std::vector<Range16> all;
  for (std::string_view rest = word;;) {
    const auto first = port_number(rest, protocol, types);
    if (!first) return all.empty() ? Ranges::none : Ranges::bad;
    auto last = first;
    if (rest.starts_with('-')) {
      rest.remove_prefix(1);
      last = port_number(rest, protocol, types);
      if (!last) return Ranges::bad;
    }
    all.push_back({uint16_t(*first), uint16_t(*last)});
    if (rest.empty()) break;
    if (rest[0] != ',') return Ranges::bad;
    rest.remove_prefix(1);
  }
  if (all.size() > list_max) {
    (void)fail(bad_data, "too many ports/ranges");
    return Ranges::bad;
  }
  m.insn.sub = uint8_t(all.size());
  m.behind.resize(words_for_list<Range16>(all.size()) - 1u);
  const size_t here = std::min<size_t>(all.size(), 2);
  std::memcpy(&m.insn.data, all.data(), sizeof(Range16) * here);
  if (all.size() > here)
    std::memcpy(static_cast<void*>(m.behind.data()), all.data() + here,
                sizeof(Range16) * (all.size() - here));
  return Ranges::done;
}

// False without a failure: the word is something else.
bool RuleParser::ports(Op op, const std::string& w, bool must) {
  static constexpr std::string_view reserved[] = {
      "altq", "//",        "diverted", "dst-port", "src-port", "established", "keep-state", "frag",
      "in",   "icmptypes", "out",      "ip6",      "any",      "to",          "via",        "{"};
  const char* const which = op == Op::src_port ? "source" : "destination";
  Making m{{.op = op}, {}};
  const bool other = std::find(std::begin(reserved), std::end(reserved), w) != std::end(reserved);
  const Ranges result = other ? Ranges::none : ranges(w, m, protocol_);
  if (result == Ranges::done) {
    ++at_;
    put(std::move(m));
    return true;
  }
  if (must) return failure_.status ? false : fail(bad_data, text("invalid {} port {}", which, w));
  return false;
}

}  // namespace stackyard::ipfw
