#include "stack/ipfw/api/rule_text.h"

#include "core/base/text.h"
#include "stack/ipfw/api/names.h"

namespace stackyard::ipfw {

namespace {

// Writes a rule. What has been said of protocol and ends decides how later instructions are
// introduced: "80" behind an address, "dst-port 80" among the options.
class Writer {
 public:
  Writer(const Rule& rule, const RuleTextOptions& options) : rule_(rule), options_(options) {}
  std::string write();

 private:
  void add(std::string_view words) { out_ += words; }
  std::string argument(uint32_t arg) const {
    return arg == tablearg ? "tablearg" : text("{}", arg);
  }
  std::string name(uint32_t index) const {
    return index < rule_.names.size() ? rule_.names[index] : std::string();
  }
  bool is_done(const Insn& insn) const {
    const size_t at = size_t(&insn - rule_.match.data());
    return at < done_.size() && done_[at];
  }

  bool action();
  void action_words(const Insn& insn);
  void reject(const Insn& insn);
  void forward(const Insn& insn);
  void external(const Insn& insn);
  void modifiers();
  template <class Is>
  bool first_block(Is is_one);
  void protocol();
  void ends(bool source);
  bool print(const Insn& insn);
  void words_of(const Insn& insn);
  void words_of_place(const Insn& insn);
  void words_of_header(const Insn& insn);
  void words_of_rest(const Insn& insn);
  void interface(std::string_view word, const Insn& insn);
  void ports(std::string_view word, const Insn& insn, bool types = false);
  void pairs4(const Insn& insn);
  void pairs6(const Insn& insn);
  void address_set(const Insn& insn);
  void table(const Insn& insn);
  void flags(std::string_view word, NamedValues names, uint32_t set, uint32_t clear);
  void mac(const Insn& insn);
  void limit(const Insn& insn);
  void bits(std::string_view word, const uint8_t* map, size_t count, NamedValues names = {});
  void address(const IpAddress& a, int length, const std::string& mask);

  const Rule& rule_;
  const RuleTextOptions& options_;
  std::string out_;
  std::vector<bool> done_;  // by the instruction's first word
  bool have_protocol_ = false, have_source_ = false, have_dest_ = false;
  bool in_block_ = false, probes_ = false;
  uint8_t protocol_ = 0;
};

bool is_source(Op op) {
  return op == Op::src4 || op == Op::src4_set || op == Op::src6 || op == Op::src_me ||
         op == Op::src_me6 || op == Op::src_table;
}
bool is_dest(Op op) {
  return op == Op::dst4 || op == Op::dst4_set || op == Op::dst6 || op == Op::dst_me ||
         op == Op::dst_me6 || op == Op::dst_table;
}

// --- actions -------------------------------------------------------------------------------------

void Writer::reject(const Insn& insn) {
  if (insn.op == Op::unreach6) {
    if (insn.arg == reject_reset) return add("reset6");
    if (insn.arg == reject_abort) return add("abort6");
    const std::string_view known = name_of(icmp6_code_names, insn.arg);
    return add(known.empty() ? text("unreach6 {}", insn.arg) : text("unreach6 {}", known));
  }
  if (insn.arg == reject_reset) return add("reset");
  if (insn.arg == reject_abort) return add("abort");
  if (insn.arg == 1) return add("reject");
  const std::string_view known = name_of(icmp_code_names, insn.arg);
  add(known.empty() ? text("unreach {}", insn.arg) : text("unreach {}", known));
}

void Writer::forward(const Insn& insn) {
  const uint16_t port = uint16_t(insn.data);
  if (insn.op == Op::forward6)
    add("fwd " + to_text(operand<Ipv6Address>(insn.behind(), 0)) +
        (insn.sub ? "%" + name(uint32_t(insn.data >> 32)) : ""));
  else
    add("fwd " + (insn.arg == tablearg ? "tablearg" : to_text(Ipv4Address{insn.arg})));
  if (port != 0) add(text(",{}", port));
}

void Writer::external(const Insn& insn) {
  const std::string action = name(insn.arg);
  bool known = false;
  for (const std::string_view each : external_actions) known |= each == action;
  add((known ? "" : "eaction ") + action);
  if (insn.sub == 1) add(" " + name(uint32_t(insn.data)));
  if (insn.sub == 2) add(text(" {}", insn.data));
}

void Writer::action_words(const Insn& insn) {
  switch (insn.op) {
    case Op::accept:
      return add("allow");
    case Op::deny:
      return add("deny");
    case Op::count:
      return add("count");
    case Op::reject:
    case Op::unreach6:
      return reject(insn);
    case Op::skipto:
      return add("skipto " + argument(insn.arg));
    case Op::call:
      return add("call " + argument(insn.arg));
    case Op::return_:
      return add("return");
    case Op::check_state:
      return add("check-state :" + (insn.arg == any_state ? "any" : name(insn.arg)));
    case Op::pipe:
      return add("pipe " + argument(insn.arg));
    case Op::queue:
      return add("queue " + argument(insn.arg));
    case Op::divert:
      return add("divert " + argument(insn.arg));
    case Op::tee:
      return add("tee " + argument(insn.arg));
    case Op::netgraph:
      return add("netgraph " + argument(insn.arg));
    case Op::ngtee:
      return add("ngtee " + argument(insn.arg));
    case Op::forward4:
    case Op::forward6:
      return forward(insn);
    case Op::nat:
      return add(insn.arg == nat_global ? "nat global" : "nat " + argument(insn.arg));
    case Op::reass:
      return add("reass");
    case Op::setfib:
      return add("setfib " + argument(insn.arg));
    case Op::setdscp: {
      const std::string_view known = name_of(dscp_names, insn.arg);
      return add("setdscp " + (known.empty() ? argument(insn.arg) : std::string(known)));
    }
    case Op::external:
      return external(insn);
    default:
      return;
  }
}

// False: nothing follows it.
bool Writer::action() {
  bool body = true;
  for_each_insn(rule_.actions, [&](const Insn& insn) {
    action_words(insn);
    if (insn.op == Op::check_state) body = false;
  });
  return body;
}

void Writer::modifiers() {
  for_each_insn(rule_.actions, [&](const Insn& insn) {
    if (insn.op == Op::log) add(insn.arg ? text(" log logamount {}", insn.arg) : " log");
    if (insn.op == Op::tag) add((insn.negated() ? " untag " : " tag ") + argument(insn.arg));
  });
}

// --- operands ------------------------------------------------------------------------------------

void Writer::address(const IpAddress& a, int length, const std::string& mask) {
  if (length == 0) return add("any");
  const bool whole = length == int(a.bits());
  const std::string known = whole && options_.host_name ? options_.host_name(a) : "";
  if (!known.empty()) return add(known);
  add(to_text(a));
  if (length < 0)
    add(mask);
  else if (!whole)
    add(text("/{}", length));
}

void Writer::pairs4(const Insn& insn) {
  for (size_t i = 0; i < insn.sub; ++i) {
    const auto pair = operand<Pair4>(insn.operands(), i);
    add(i ? "," : " ");
    address(Ipv4Address{pair.address}, prefix_length(pair.mask),
            ":" + to_text(Ipv4Address{pair.mask}));
  }
}

void Writer::pairs6(const Insn& insn) {
  for (size_t i = 0; i < insn.sub; ++i) {
    const auto pair = operand<Pair6>(insn.behind(), i);
    add(i ? "," : " ");
    address(pair.address, prefix_length(pair.mask.octets), "/" + to_text(pair.mask));
  }
}

// "10.0.0.0/24{1,5-9}": runs of three and more as ranges.
void Writer::address_set(const Insn& insn) {
  const unsigned count = 1u << insn.sub;
  const unsigned base = insn.arg & 0xff;
  const auto in_set = [&](unsigned i) { return insn.behind()[i / 8] >> (i % 8) & 1; };
  add(text(" {}/{}", to_text(Ipv4Address{insn.arg}), 32 - insn.sub));
  char separator = '{';
  for (unsigned i = 0; i < count; ++i) {
    if (!in_set(i)) continue;
    unsigned end = i + 1;
    while (end < count && in_set(end)) ++end;
    add(text("{}{}", separator, i + base));
    if (end > i + 2) {
      add(text("-{}", end - 1 + base));
      i = end - 1;
    }
    separator = ',';
  }
  add("}");
}

void Writer::table(const Insn& insn) {
  add(text("table({}", name(insn.arg)));
  if (insn.sub) add(text(",{}", insn.data));
  add(")");
}

void Writer::ports(std::string_view word, const Insn& insn, bool types) {
  if (!word.empty()) add(text(" {}", word));
  const auto one = [&](uint16_t port) {
    if (types) {
      const std::string_view known =
          options_.resolve ? name_of(ether_type_names, port) : std::string_view();
      return known.empty() ? text("0x{:04x}", port) : std::string(known);
    }
    const std::string known =
        options_.port_name && (insn.op == Op::src_port || insn.op == Op::dst_port)
            ? options_.port_name(protocol_, port)
            : "";
    return known.empty() ? text("{}", port) : known;
  };
  for (size_t i = 0; i < insn.sub; ++i) {
    const auto range = operand<Range16>(insn.operands(), i);
    add(i ? "," : " ");
    add(insn.op == Op::tagged && range.first == 0 ? "tablearg" : one(range.first));
    if (range.last != range.first) add("-" + one(range.last));
  }
}

void Writer::flags(std::string_view word, NamedValues names, uint32_t set, uint32_t clear) {
  add(text(" {} ", word));
  std::string_view comma = "";
  for (const NamedValue& v : names) {
    if (set & v.value) add(text("{}{}", comma, v.name)), comma = ",";
    if (clear & v.value) add(text("{}!{}", comma, v.name)), comma = ",";
    set &= ~v.value;
    clear &= ~v.value;
  }
}

void Writer::bits(std::string_view word, const uint8_t* map, size_t count, NamedValues names) {
  add(text(" {}", word));
  char separator = ' ';
  for (size_t i = 0; i < count; ++i) {
    if (!(map[i / 8] >> (i % 8) & 1)) continue;
    const std::string_view known = name_of(names, uint32_t(i));
    add(separator + (known.empty() ? text("{}", i) : std::string(known)));
    separator = ',';
  }
}

void Writer::interface(std::string_view word, const Insn& insn) {
  add(text(" {} ", word));
  const auto kind = InterfaceKind(insn.sub);
  if (kind == InterfaceKind::address) return add(to_text(Ipv4Address{insn.arg}));
  if (kind == InterfaceKind::table) return add(text("table({})", name(insn.arg)));
  const char* octets = reinterpret_cast<const char*>(insn.behind());
  add(std::string_view(octets, strnlen(octets, interface_name)));
}

void Writer::mac(const Insn& insn) {
  const auto pattern = operand<MacPattern>(insn.behind(), 0);
  add(" MAC");
  const auto one = [&](const std::array<uint8_t, 6>& a, const std::array<uint8_t, 6>& mask) {
    const int length = prefix_length(mask);
    if (length == 0) return add(" any");
    add(" " + to_text(MacAddress{a}));
    if (length < 0) add("&" + to_text(MacAddress{mask}));
    if (length > 0 && length < 48) add(text("/{}", length));
  };
  one(pattern.dest, pattern.dest_mask);
  one(pattern.source, pattern.source_mask);
}

void Writer::limit(const Insn& insn) {
  add(probes_ ? " limit" : " set-limit");
  uint32_t left = insn.sub;
  char separator = ' ';
  for (const NamedValue& v : limit_names) {
    if ((left & v.value) != v.value) continue;
    left &= ~v.value;
    add(text("{}{}", separator, v.name));
    separator = ' ';
  }
  add(" " + argument(uint32_t(insn.data)) + " :" + name(insn.arg));
}

// --- instructions --------------------------------------------------------------------------------

void Writer::words_of(const Insn& insn) {
  const auto end = [&](bool have, std::string_view word) {
    if (have) add(text(" {}", word));
  };
  const bool both = have_source_ && have_dest_;
  switch (insn.op) {
    case Op::prob: {
      const uint64_t millionths = (uint64_t(insn.arg) * 1'000'000 + 0x3fffffff) / 0x7fffffff;
      return add(text("prob {}.{:06} ", millionths / 1'000'000, millionths % 1'000'000));
    }
    case Op::probe_state:
      probes_ = true;
      return;
    case Op::proto:
      end(have_protocol_, "proto");
      protocol_ = uint8_t(insn.arg);
      return add(" " + protocol_text(uint8_t(insn.arg)));
    case Op::ip4:
      return add(" ip4");
    case Op::ip6:
      if (!have_protocol_ && protocol_ == 0) protocol_ = 41;
      return add(" ip6");
    case Op::src4:
      return end(have_source_, "src-ip"), pairs4(insn);
    case Op::dst4:
      return end(have_dest_, "dst-ip"), pairs4(insn);
    case Op::src4_set:
      return end(have_source_, "src-ip"), address_set(insn);
    case Op::dst4_set:
      return end(have_dest_, "dst-ip"), address_set(insn);
    case Op::src6:
      return end(have_source_, "src-ip6"), pairs6(insn);
    case Op::dst6:
      return end(have_dest_, "dst-ip6"), pairs6(insn);
    case Op::src_me:
      return end(have_source_, "src-ip"), add(" me");
    case Op::dst_me:
      return end(have_dest_, "dst-ip"), add(" me");
    case Op::src_me6:
      return end(have_source_, "src-ip6"), add(" me6");
    case Op::dst_me6:
      return end(have_dest_, "dst-ip6"), add(" me6");
    case Op::src_table:
      return end(have_source_, "src-ip"), add(" "), table(insn);
    case Op::dst_table:
      return end(have_dest_, "dst-ip"), add(" "), table(insn);
    case Op::lookup:
      return add(text(" lookup {} {}", name_of(lookup_names, insn.sub), name(insn.arg)));
    case Op::flow_table:
      return add(" flow "), table(insn);
    case Op::src_port:
      return ports(both ? "src-port" : "", insn);
    case Op::dst_port:
      return ports(both ? "dst-port" : "", insn);
    default:
      return words_of_place(insn);
  }
}

// Where the packet is.
void Writer::words_of_place(const Insn& insn) {
  switch (insn.op) {
    case Op::in:
      return add(insn.negated() ? " out" : " in");
    case Op::layer2:
      return add(" layer2");
    case Op::via:
      return interface("via", insn);
    case Op::recv:
      return interface("recv", insn);
    case Op::xmit:
      return interface("xmit", insn);
    case Op::mac:
      return mac(insn);
    case Op::mac_type:
      return ports("mac-type", insn, true);
    default:
      return words_of_header(insn);
  }
}

// What its headers say.
void Writer::words_of_header(const Insn& insn) {
  const uint8_t* const map = insn.operands();
  switch (insn.op) {
    case Op::frag:
      if (insn.arg == frag_bit::offset && insn.data == 0) return add(" frag");
      return flags("frag", frag_names, insn.arg, uint32_t(insn.data));
    case Op::established:
      return add(" established");
    case Op::tcp_flags:
      if (insn.arg == 2 && insn.data == 16) return add(" setup");
      return flags("tcpflags", tcp_flag_names, insn.arg, uint32_t(insn.data));
    case Op::tcp_options:
      return flags("tcpoptions", tcp_option_names, insn.arg, uint32_t(insn.data));
    case Op::tcp_seq:
      return add(text(" tcpseq {}", insn.arg));
    case Op::tcp_ack:
      return add(text(" tcpack {}", insn.arg));
    case Op::tcp_win:
      return ports("tcpwin", insn);
    case Op::tcp_mss:
      return ports("tcpmss", insn);
    case Op::tcp_data_len:
      return ports("tcpdatalen", insn);
    case Op::icmp_types:
      return bits("icmptypes", map, 32);
    case Op::icmp6_types:
      return bits("icmp6types", insn.behind(), 256);
    case Op::ext6_header:
      return flags("ext6hdr", ext6_names, insn.arg, 0);
    case Op::flow6_id:
      add(" flow-id");
      for (size_t i = 0; i < insn.sub; ++i)
        add(text("{}{}", i ? "," : " ", operand<uint32_t>(map, i)));
      return;
    case Op::ip_len:
      return ports("iplen", insn);
    case Op::ip_id:
      return ports("ipid", insn);
    case Op::ip_ttl:
      return ports("ipttl", insn);
    case Op::ip_ver:
      return add(text(" ipver {}", insn.arg));
    case Op::ip_tos:
      return flags("iptos", ip_tos_names, insn.arg, uint32_t(insn.data));
    case Op::ip_precedence:
      return add(text(" ipprecedence {}", insn.arg));
    case Op::dscp:
      return bits("dscp", map, 64, dscp_names);
    case Op::ip_options:
      return flags("ipoptions", ip_option_names, insn.arg, uint32_t(insn.data));
    default:
      return words_of_rest(insn);
  }
}

void Writer::words_of_rest(const Insn& insn) {
  switch (insn.op) {
    case Op::verrevpath:
      return add(" verrevpath");
    case Op::versrcreach:
      return add(" versrcreach");
    case Op::antispoof:
      return add(" antispoof");
    case Op::ipsec:
      return add(" ipsec");
    case Op::jail:
      return add(text(" jail {}", insn.arg));
    case Op::uid:
    case Op::gid: {
      const bool user = insn.op == Op::uid;
      const std::string_view known =
          name_of(user ? NamedValues(user_names) : group_names, insn.arg);
      const std::string who = known.empty() ? text("{}", insn.arg) : std::string(known);
      return add(text(" {} {}", user ? "uid" : "gid", who));
    }
    case Op::tagged:
      return ports("tagged", insn);
    case Op::fib:
      return add(text(" fib {}", insn.arg));
    case Op::sockarg:
      return add(" sockarg");
    case Op::diverted:
      return add(insn.arg == 3   ? " diverted"
                 : insn.arg == 2 ? " diverted-output"
                                 : " diverted-loopback");
    case Op::keep_state:
      return add(text(" {} :{}", probes_ ? "keep-state" : "record-state", name(insn.arg)));
    case Op::limit:
      return limit(insn);
    case Op::skip_action:
      return add(" defer-immediate-action");
    default:
      return;
  }
}

bool Writer::print(const Insn& insn) {
  const size_t at = size_t(&insn - rule_.match.data());
  if (done_[at]) return false;
  done_[at] = true;
  if (insn.alternative() && !in_block_) add(" {");
  if (insn.negated() && insn.op != Op::in) add(" not");
  words_of(insn);
  if (insn.alternative()) {
    add(" or");
    in_block_ = true;
  } else if (in_block_) {
    add(" }");
    in_block_ = false;
  }
  return true;
}

// Prints the first block of which all are such; false: there is none.
template <class Is>
bool Writer::first_block(Is is_one) {
  std::vector<const Insn*> block;
  bool pure = true, found = false;
  for_each_insn(rule_.match, [&](const Insn& insn) {
    if (found) return;
    block.push_back(&insn);
    pure &= is_one(insn.op);
    if (insn.alternative()) return;
    if (pure)
      for (const Insn* each : block) print(*each);
    found = pure;
    block.clear();
    pure = true;
  });
  return found;
}

// More protocols than those of the first block are options.
void Writer::protocol() {
  const bool any =
      first_block([&](Op op) { return op == Op::proto || op == Op::ip4 || op == Op::ip6; });
  if (!any) add(" ip");
  have_protocol_ = true;
}

// The first block of addresses, and the ports if they are given once and on their own.
void Writer::ends(bool source) {
  add(source ? " from" : " to");
  const auto is_end = source ? is_source : is_dest;
  const Op port_op = source ? Op::src_port : Op::dst_port;
  if (!first_block(is_end)) add(" any");
  size_t ports_there = 0;
  for_each_insn(rule_.match, [&](const Insn& insn) { ports_there += insn.op == port_op; });
  bool behind_or = false;
  if (ports_there == 1)
    for_each_insn(rule_.match, [&](const Insn& insn) {
      if (insn.op == port_op && !behind_or && !insn.alternative()) print(insn);
      behind_or = insn.alternative();
    });
  (source ? have_source_ : have_dest_) = true;
}

std::string Writer::write() {
  done_.resize(rule_.match.size());
  for_each_insn(rule_.match, [&](const Insn& insn) {
    if (insn.op == Op::prob || insn.op == Op::probe_state) print(insn);
  });
  const bool body = action();
  modifiers();
  bool bare = rule_.only_options;
  if (body && !options_.comment_only) {
    if (rule_.only_options) {
      have_protocol_ = have_source_ = have_dest_ = true;
    } else {
      protocol();
      ends(true);
      ends(false);
    }
    for_each_insn(rule_.match, [&](const Insn& insn) {
      bare &= insn.op == Op::prob || insn.op == Op::probe_state;
      print(insn);
    });
  }
  if (!rule_.comment.empty())
    add(" // " + rule_.comment);
  else if (bare && body && !options_.comment_only)
    add(" //");  // nothing else says that there is no protocol to come
  else if (options_.comment_only)
    add(" // ...");
  return out_;
}

}  // namespace

std::string to_text(const Rule& rule, const RuleTextOptions& options) {
  return Writer(rule, options).write();
}

std::string numbered_text(const Rule& rule) { return text("{} {}", rule.number, to_text(rule)); }

std::string protocol_text(uint8_t protocol) {
  const std::string_view known = name_of(protocol_names, protocol);
  return known.empty() ? text("{}", protocol) : std::string(known);
}

}  // namespace stackyard::ipfw
