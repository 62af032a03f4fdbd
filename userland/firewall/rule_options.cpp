// userland/firewall/rule_options.cpp - what follows a rule's body: "in via em0 setup keep-state".
#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "userland/firewall/rule_parser.h"

namespace stackyard::ipfw {

using namespace exit_status;

bool RuleParser::options() {
  previous_.reset();
  while (more()) {
    std::string w = word();
    ++at_;
    if (w.size() > 1 && w[0] == '!') {
      if (pending_flags_) return fail(usage, "double \"not\" not allowed");
      pending_flags_ = insn_flag::negated;
      w.erase(0, 1);
    }
    if (w == "not" || w == "!") {
      if (pending_flags_) return fail(usage, "double \"not\" not allowed");
      pending_flags_ = insn_flag::negated;
    } else if (w == "or" || w == "|") {
      if (!open_ || !previous_) return fail(usage, "invalid \"or\" block");
      match_[*previous_].flags |= insn_flag::alternative;
    } else if (w == "{" || w == "(") {
      if (open_) return fail(usage, "+nested \"(\" not allowed");
      open_ = true;
      previous_.reset();
    } else if (w == "}" || w == ")") {
      if (!open_) return fail(usage, "+missing \")\"");
      if (previous_ && match_[*previous_].alternative()) return fail(usage, "invalid \"or\" block");
      open_ = false;
      previous_.reset();
    } else if (!option(w)) {
      return false;
    }
  }
  if (open_) return fail(usage, "missing \")\"");
  if (pending_flags_) return fail(usage, "missing option behind \"not\"");
  if (!match_.empty() && previous_ && match_[*previous_].alternative())
    return fail(usage, "invalid \"or\" block");
  return true;
}

bool RuleParser::simple(Op op, uint32_t arg) {
  put({.op = op, .arg = arg});
  return true;
}

bool RuleParser::option(const std::string& w) {
  if (w == "in") return simple(Op::in);
  if (w == "out") {
    pending_flags_ ^= insn_flag::negated;
    return simple(Op::in);
  }
  if (w == "via") return interface(Op::via);
  if (w == "recv") return interface(Op::recv);
  if (w == "xmit") return interface(Op::xmit);
  if (w == "layer2" || w == "bridged") return simple(Op::layer2);
  if (w == "diverted") return simple(Op::diverted, 3);
  if (w == "diverted-loopback") return simple(Op::diverted, 1);
  if (w == "diverted-output") return simple(Op::diverted, 2);
  if (w == "verrevpath") return simple(Op::verrevpath);
  if (w == "versrcreach") return simple(Op::versrcreach);
  if (w == "antispoof") return simple(Op::antispoof);
  if (w == "ipsec") return simple(Op::ipsec);
  if (w == "ip4" || w == "ipv4") return simple(Op::ip4);
  if (w == "ip6" || w == "ipv6") return simple(Op::ip6);
  if (w == "sockarg") return simple(Op::sockarg);
  if (w == "//") return comment();
  return option_of_state(w);
}

// --- states --------------------------------------------------------------------------------------

bool RuleParser::option_of_state(const std::string& w) {
  if (w == "keep-state") return keep_state(false);
  if (w == "record-state") return keep_state(true);
  if (w == "limit") return limit(false);
  if (w == "set-limit") return limit(true);
  if (w == "defer-action" || w == "defer-immediate-action") {
    if (skips_action_) return fail(usage, "only one defer-action is allowed");
    skips_action_ = true;
    return true;
  }
  return option_of_end(w);
}

bool RuleParser::state_name(Insn& insn) {
  if (!more() || word()[0] != ':') {
    insn.arg = name(std::string(default_state_name));
    return true;
  }
  if (!is_state_name(std::string_view(word()).substr(1)))
    return fail(bad_data, text("Invalid state name {}", word()));
  insn.arg = name(word().substr(1));
  ++at_;
  return true;
}

bool RuleParser::keep_state(bool set_only) {
  if (open_) return fail(usage, "keep-state or record-state cannot be part of an or block");
  if (state_)
    return fail(usage, "only one of keep-state, record-state,  limit and set-limit is allowed");
  Insn insn{.op = Op::keep_state, .flags = std::exchange(pending_flags_, uint8_t(0))};
  if (!state_name(insn)) return false;
  state_ = insn;
  state_only_ = set_only;
  return true;
}

bool RuleParser::limit(bool set_only) {
  if (open_) return fail(usage, "limit or set-limit cannot be part of an or block");
  if (state_)
    return fail(usage, "only one of keep-state, record-state,  limit and set-limit is allowed");
  Insn insn{.op = Op::limit, .flags = std::exchange(pending_flags_, uint8_t(0))};
  while (more()) {
    const int64_t bit = value_named(limit_names, word());
    if (bit <= 0) break;
    insn.sub |= uint8_t(bit);
    ++at_;
  }
  if (insn.sub == 0) return fail(usage, "limit: missing limit mask");
  if (!more()) return fail(usage, "missing argument for limit");
  const auto number = parse_int(word());
  if (word() == "tablearg")
    insn.data = tablearg;
  else if (number && *number >= 1 && *number < 65535)
    insn.data = uint64_t(*number);
  else
    return fail(bad_data, "illegal argument for limit");
  ++at_;
  if (!state_name(insn)) return false;
  state_ = insn;
  state_only_ = set_only;
  return true;
}

// --- ends ----------------------------------------------------------------------------------------

bool RuleParser::option_of_end(const std::string& w) {
  const auto with_address = [&](bool source, const char* missing) {
    if (!need(missing)) return false;
    const std::string which = word();
    ++at_;
    return address(source, which, true);
  };
  const auto with_ports = [&](Op op, const char* missing) {
    if (!need(missing)) return false;
    if (take("any")) {
      pending_flags_ = 0;
      return true;
    }
    return ports(op, word(), true);
  };
  if (w == "src-ip") return with_address(true, "missing source IP");
  if (w == "dst-ip") return with_address(false, "missing destination IP");
  if (w == "src-ip6" || w == "src-ipv6") return with_address(true, "missing source IP6");
  if (w == "dst-ip6" || w == "dst-ipv6") return with_address(false, "missing destination IP6");
  if (w == "src-port") return with_ports(Op::src_port, "missing source port");
  if (w == "dst-port") return with_ports(Op::dst_port, "missing destination port");
  if (w == "proto") {
    if (!need("missing protocol")) return false;
    if (!add_protocol(word(), true)) return fail(bad_data, text("invalid protocol ``{}''", word()));
    ++at_;
    return true;
  }
  if (w == "lookup") return lookup();
  if (w == "flow") {
    if (!need("missing table name")) return false;
    if (!word().starts_with("table(")) return fail(bad_data, "enclose table name into \"table()\"");
    const std::string which = word();
    ++at_;
    return table(Op::flow_table, which);
  }
  if (w == "mac" || w == "MAC") return mac();
  if (w == "mac-type") {
    if (!need("missing mac type")) return false;
    if (take("any")) return true;
    Making m{{.op = Op::mac_type}, {}};
    if (ranges(word(), m, 0, true) != Ranges::done)
      return fail(bad_data, text("invalid mac type {}", word()));
    ++at_;
    put(std::move(m));
    return true;
  }
  return option_of_packet(w);
}

bool RuleParser::lookup() {
  if (at_ + 1 >= words_.size()) return fail(usage, "format: lookup argument tablenum");
  const int64_t key = value_named(lookup_names, word());
  if (key < 0) return fail(usage, text("format: cannot lookup on {}", word()));
  ++at_;
  if (!is_table_name(word())) return fail(bad_data, text("Invalid table name: {}", word()));
  put({.op = Op::lookup, .sub = uint8_t(key), .arg = name(word())});
  ++at_;
  return true;
}

// "any", "00:01:02:03:04:05", with "/bits" or "&mask".
bool RuleParser::mac() {
  if (at_ + 1 >= words_.size()) return fail(bad_data, "MAC dst src");
  const auto one = [&](std::array<uint8_t, 6>& a, std::array<uint8_t, 6>& mask) {
    const std::string w = word();
    ++at_;
    a.fill(0);
    mask.fill(w == "any" ? 0 : 0xff);
    if (w == "any") return true;
    const size_t end = w.find_first_of("&/");
    const auto given = parse_mac(w.substr(0, end));
    if (!given) return fail(bad_data, "Incorrect MAC address");
    if (end != w.npos && w[end] == '/') {
      const auto bits = parse_int(w.substr(end + 1));
      if (!bits || *bits < 0 || *bits > 48) return fail(bad_data, "Incorrect mask length");
      for (int i = 0; i < 6; ++i)
        mask[size_t(i)] = uint8_t(0xff00 >> std::clamp(int(*bits) - 8 * i, 0, 8));
    } else if (end != w.npos) {
      const auto given_mask = parse_mac(w.substr(end + 1));
      if (!given_mask) return fail(bad_data, "Incorrect mask");
      mask = given_mask->octets;
    }
    for (size_t i = 0; i < 6; ++i) a[i] = given->octets[i] & mask[i];
    return true;
  };
  MacPattern pattern;
  if (!one(pattern.dest, pattern.dest_mask) || !one(pattern.source, pattern.source_mask))
    return false;
  Making m{{.op = Op::mac}, std::vector<Insn>(2)};
  std::memcpy(static_cast<void*>(m.behind.data()), &pattern, sizeof pattern);
  put(std::move(m));
  return true;
}

bool RuleParser::interface(Op op) {
  if (!need("recv, xmit, via require interface name or address")) return false;
  const std::string w = word();
  ++at_;
  if (w == "any") {
    pending_flags_ = 0;
    return true;
  }
  Making m{{.op = op}, {}};
  if (w.starts_with("table(")) {
    const size_t close = w.find(')');
    if (close == w.npos) return fail(bad_data, text("forgotten parenthesis: '{}'", w));
    const std::string which = w.substr(6, close - 6);
    if (!is_table_name(which)) return fail(bad_data, text("Invalid table name: {}", which));
    m.insn.sub = uint8_t(InterfaceKind::table);
    m.insn.arg = name(which);
  } else if (w[0] >= '0' && w[0] <= '9') {
    const auto a = parse_ip(w);
    if (!a || a->is_v6()) return fail(bad_data, text("bad ip address ``{}''", w));
    m.insn.sub = uint8_t(InterfaceKind::address);
    m.insn.arg = a->v4().value;
  } else {
    const bool pattern = w.find_first_of("*?[") != w.npos;
    m.insn.sub = uint8_t(pattern ? InterfaceKind::pattern : InterfaceKind::name);
    m.behind.resize(1);
    std::array<char, interface_name> octets{};
    std::copy_n(w.begin(), std::min(w.size(), octets.size() - 1), octets.begin());
    std::memcpy(static_cast<void*>(m.behind.data()), octets.data(), octets.size());
  }
  put(std::move(m));
  return true;
}

// --- the packet's headers ------------------------------------------------------------------------

bool RuleParser::option_with_list(const std::string& w, Op op) {
  if (!more())
    return fail(usage, text("{} requires {}", w,
                            w == "ipttl"  ? "TTL"
                            : w == "ipid" ? "id"
                                          : "length"));
  Making m{{.op = op}, {}};
  if (ranges(word(), m, 0) != Ranges::done) return fail(bad_data, text("invalid {} {}", w, word()));
  ++at_;
  put(std::move(m));
  return true;
}

bool RuleParser::flags(Op op, NamedValues names, const char* missing) {
  if (!need(missing)) return false;
  uint32_t set = 0, clear = 0;
  for (const std::string& part : split(word(), ',')) {
    const bool inverted = part.starts_with('!');
    const int64_t value = value_named(names, std::string_view(part).substr(inverted));
    if (value <= 0) return fail(bad_data, text("invalid flag {}", part.substr(inverted)));
    (inverted ? clear : set) |= uint32_t(value);
  }
  ++at_;
  put({.op = op, .arg = set, .data = clear});
  return true;
}

bool RuleParser::dscp() {
  if (!need("missing DSCP code")) return false;
  Insn insn{.op = Op::dscp};
  for (const std::string& part : split(word(), ',')) {
    const int64_t named = value_named(dscp_names, part);
    const auto number = parse_int(part);
    if (named < 0 && !number) return fail(bad_data, "Unknown DSCP code");
    const int64_t code = named >= 0 ? named : *number;
    if (code < 0 || code > 63) return fail(bad_data, "Invalid DSCP value");
    insn.data |= uint64_t(1) << code;
  }
  ++at_;
  put(insn);
  return true;
}

bool RuleParser::icmp_types() {
  if (!need("icmptypes requires list of types")) return false;
  Insn insn{.op = Op::icmp_types};
  for (const std::string& part : split(word(), ',')) {
    const auto type = whole_number(part);
    if (!type) return fail(bad_data, "invalid ICMP type");
    if (*type > 31) return fail(bad_data, "ICMP type out of range");
    insn.data |= uint64_t(1) << *type;
  }
  ++at_;
  put(insn);
  return true;
}

bool RuleParser::icmp6_types() {
  if (!need("icmptypes requires list of types")) return false;
  Making m{{.op = Op::icmp6_types}, std::vector<Insn>(2)};
  std::array<uint8_t, 32> map{};
  for (const std::string& part : split(word(), ',')) {
    const auto type = whole_number(part);
    if (!type) return fail(bad_data, "invalid ICMP6 type");
    if (*type > 255) return fail(bad_data, "ICMP6 type out of range");
    map[*type / 8] |= uint8_t(1u << (*type % 8));
  }
  ++at_;
  std::memcpy(static_cast<void*>(m.behind.data()), map.data(), map.size());
  put(std::move(m));
  return true;
}

bool RuleParser::option_of_packet(const std::string& w) {
  const auto number = [&](Op op, const char* missing, uint64_t most) {
    if (!need(missing)) return false;
    const auto value = whole_number(word());
    if (!value || *value > most) return fail(bad_data, text("invalid {} {}", w, word()));
    ++at_;
    return simple(op, uint32_t(*value));
  };
  if (w == "frag" || w == "fragment") {
    const bool spec = more() && [&] {
      const std::vector<std::string> parts = split(word(), ',');
      return std::all_of(parts.begin(), parts.end(), [](const std::string& p) {
        return value_named(frag_names, std::string_view(p).substr(p.starts_with('!'))) >= 0;
      });
    }();
    return spec ? flags(Op::frag, frag_names, "") : simple(Op::frag, frag_bit::offset);
  }
  if (w == "icmptypes" || w == "icmptype") return icmp_types();
  if (w == "icmp6types" || w == "icmp6type") return icmp6_types();
  if (w == "ipttl") return option_with_list(w, Op::ip_ttl);
  if (w == "ipid") return option_with_list(w, Op::ip_id);
  if (w == "iplen") return option_with_list(w, Op::ip_len);
  if (w == "ipver" || w == "ipversion") return number(Op::ip_ver, "ipver requires version", 15);
  if (w == "ipprecedence") return number(Op::ip_precedence, "ipprecedence requires value", 7);
  if (w == "dscp") return dscp();
  if (w == "ipoptions" || w == "ipopts")
    return flags(Op::ip_options, ip_option_names, "missing argument for ipoptions");
  if (w == "iptos") return flags(Op::ip_tos, ip_tos_names, "missing argument for iptos");
  if (w == "ext6hdr") return flags(Op::ext6_header, ext6_names, "missing argument for ext6hdr");
  if (w == "flow-id") {
    if (protocol_ != 41) return fail(usage, "flow-id filter is active only for ipv6 protocol");
    if (!need("missing argument for flow-id")) return false;
    std::vector<uint32_t> labels;
    for (const std::string& part : split(word(), ',')) {
      const auto label = whole_number(part);
      if (!label || *label > 0xfffff)
        return fail(bad_data, text("invalid ipv6 flow number {}", part));
      labels.push_back(uint32_t(*label));
    }
    ++at_;
    if (labels.size() > list_max) return fail(bad_data, "flow list too long");
    Making m{{.op = Op::flow6_id, .sub = uint8_t(labels.size())}, {}};
    m.behind.resize(words_for_list<uint32_t>(labels.size()) - 1u);
    const size_t here = std::min<size_t>(labels.size(), 2);
    std::memcpy(&m.insn.data, labels.data(), 4 * here);
    if (labels.size() > here)
      std::memcpy(static_cast<void*>(m.behind.data()), labels.data() + here,
                  4 * (labels.size() - here));
    put(std::move(m));
    return true;
  }
  return option_of_tcp(w);
}

bool RuleParser::option_of_tcp(const std::string& w) {
  if (w == "setup") {
    put({.op = Op::tcp_flags, .arg = 2, .data = 16});
    return true;
  }
  if (w == "established" || w == "estab") return simple(Op::established);
  if (w == "tcpflags" || w == "tcpflgs")
    return flags(Op::tcp_flags, tcp_flag_names, "missing argument for tcpflags");
  if (w == "tcpoptions" || w == "tcpopts")
    return flags(Op::tcp_options, tcp_option_names, "missing argument for tcpoptions");
  if (w == "tcpwin") return option_with_list(w, Op::tcp_win);
  if (w == "tcpmss") return option_with_list(w, Op::tcp_mss);
  if (w == "tcpdatalen") return option_with_list(w, Op::tcp_data_len);
  if (w == "tcpseq" || w == "tcpack") {
    if (!need("tcpseq/tcpack requires argument")) return false;
    const auto value = whole_number(word());
    if (!value || *value > UINT32_MAX) return fail(bad_data, text("invalid {} {}", w, word()));
    ++at_;
    return simple(w == "tcpseq" ? Op::tcp_seq : Op::tcp_ack, uint32_t(*value));
  }
  return option_of_socket(w);
}

// --- sockets, tags -------------------------------------------------------------------------------

bool RuleParser::option_of_socket(const std::string& w) {
  if (w == "uid" || w == "gid") {
    const bool user = w == "uid";
    if (!need(user ? "uid requires argument" : "gid requires argument")) return false;
    const auto number = whole_number(word());
    const NamedValues names = user ? NamedValues(user_names) : group_names;
    const int64_t named = value_named(names, word());
    const bool known = number ? !name_of(names, uint32_t(*number)).empty() : named >= 0;
    if (!known) return fail(bad_data, text("{} \"{}\" nonexistent", w, word()));
    ++at_;
    return simple(user ? Op::uid : Op::gid, number ? uint32_t(*number) : uint32_t(named));
  }
  if (w == "jail") {
    if (!need("jail requires argument")) return false;
    const auto jail = names_.jail(word());
    if (!jail) return fail(bad_data, text("jail \"{}\" not found", word()));
    ++at_;
    return simple(Op::jail, uint32_t(*jail));
  }
  if (w == "tagged") return tagged();
  if (w == "fib") {
    if (!need("fib requires fib number")) return false;
    const auto fib = whole_number(word());
    if (!fib || *fib > 65535) return fail(bad_data, text("invalid fib {}", word()));
    ++at_;
    return simple(Op::fib, uint32_t(*fib));
  }
  return fail(usage, text("unrecognised option [-1] {}", w));
}

bool RuleParser::tagged() {
  if (!more()) return fail(usage, "missing argument for tagged");
  Making m{{.op = Op::tagged}, {}};
  if (word() == "tablearg") {
    m.insn.sub = 1;
  } else if (ranges(word(), m, 0) != Ranges::done) {
    return fail(bad_data, text("tagged: invalid tag list: {}", word()));
  } else {
    for (size_t i = 0; i < m.insn.sub && i < 2; ++i)
      if (operand<Range16>(m.insn.operands(), i).first == 0)
        return fail(bad_data, "illegal argument for tagged");
  }
  ++at_;
  put(std::move(m));
  return true;
}

bool RuleParser::comment() {
  std::vector<std::string> rest(words_.begin() + std::ptrdiff_t(at_), words_.end());
  at_ = words_.size();
  rule_.comment = join(rest, " ");
  return rule_.comment.size() <= 80 || fail(bad_data, "comment too long (max 80 chars)");
}

}  // namespace stackyard::ipfw
