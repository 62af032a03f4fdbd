// stack/ipfw/log.cpp - what rules with "log" write: lines in the machine's log (verbose=1), or the
// packets to ipfw0.
#include "core/base/text.h"
#include "stack/ipfw/detail/log_interface.h"
#include "stack/ipfw/detail/run_state.h"
#include "stack/kern/machine.h"

namespace stackyard::ipfw {

namespace {

// "Deny", "SkipTo 500": what the rule does.
std::string action_words(const StoredRule& rule) {
  std::string words = "UNKNOWN";
  const auto number = [](const char* word, uint32_t arg) {
    return arg == tablearg ? std::string(word) + " tablearg" : text("{} {}", word, arg);
  };
  for_each_insn(rule.rule.actions, [&](const Insn& insn) {
    switch (insn.op) {
      case Op::accept:
        words = "Accept";
        break;
      case Op::deny:
        words = "Deny";
        break;
      case Op::count:
        words = "Count";
        break;
      case Op::reject:
      case Op::unreach6:
        words = insn.arg == reject_reset                 ? "Reset"
                : insn.arg == reject_abort               ? "Abort"
                : insn.arg == 1 && insn.op == Op::reject ? "Reject"
                                                         : text("Unreach {}", insn.arg);
        break;
      case Op::skipto:
        words = number("SkipTo", insn.arg);
        break;
      case Op::call:
        words = number("Call", insn.arg);
        break;
      case Op::return_:
        words = "Return";
        break;
      case Op::pipe:
        words = number("Pipe", insn.arg);
        break;
      case Op::queue:
        words = number("Queue", insn.arg);
        break;
      case Op::divert:
        words = number("Divert", insn.arg);
        break;
      case Op::tee:
        words = number("Tee", insn.arg);
        break;
      case Op::netgraph:
        words = number("Netgraph", insn.arg);
        break;
      case Op::ngtee:
        words = number("Ngtee", insn.arg);
        break;
      case Op::nat:
        words = "Nat";
        break;
      case Op::reass:
        words = "Reass";
        break;
      case Op::setfib:
        words = number("SetFib", insn.arg);
        break;
      case Op::setdscp:
        words = number("SetDscp", insn.arg);
        break;
      case Op::forward4:
        words = "Forward to " + to_text(Ipv4Address{insn.arg});
        break;
      case Op::forward6:
        words = "Forward to [" + to_text(operand<Ipv6Address>(insn.behind(), 0)) + "]";
        break;
      default:
        break;
    }
    if ((insn.op == Op::forward4 || insn.op == Op::forward6) && insn.data & 0xffff)
      words += text(":{}", uint16_t(insn.data));
  });
  return words;
}

// "TCP 10.0.0.1:80 10.0.0.2:1234".
std::string packet_words(const PacketView& v) {
  if (v.version == 0) return text("MAC type 0x{:04x}", uint16_t(v.link.type));
  const auto host = [&](bool source) {
    const std::string a = to_text(source ? v.source() : v.dest());
    return v.version == 6 ? "[" + a + "]" : a;
  };
  std::string words;
  const bool tcp = v.protocol == ip_protocol::tcp;
  if (v.protocol == ip_protocol::icmp || v.protocol == ip_protocol::icmpv6) {
    words = v.protocol == ip_protocol::icmp ? "ICMP" : "ICMPv6";
    words += v.transport ? text(":{}.{} ", v.icmp_type, v.icmp_code) : " ";
    words += host(true) + " " + host(false);
  } else if (tcp || v.protocol == ip_protocol::udp) {
    words = tcp ? "TCP " : "UDP ";
    words += v.transport ? text("{}:{} {}:{}", host(true), v.source_port, host(false), v.dest_port)
                         : host(true) + " " + host(false);
  } else {
    words = text("P:{} {} {}", v.protocol, host(true), host(false));
  }
  if (v.fragment() || v.more_fragments)
    words += text(" (frag {}:{}@{}{})", v.id, v.length - v.transport_at, v.fragment_offset,
                  v.more_fragments ? "+" : "");
  return words;
}

}  // namespace

void Ipfw::log(RunState& r, const Insn& insn) {
  if (settings().verbose == 0) return show_to_log_interface(r);
  if (insn.arg != 0 && r.rule->logged >= insn.arg) return;
  ++r.rule->logged;
  const Ifnet* via = r.outgoing() ? r.outgoing() : r.incoming();
  Machine& machine = vnet_.machine();
  machine.log(text("ipfw: {} {} {} {} via {}", r.rule->rule.number, action_words(*r.rule),
                   packet_words(r.view), r.at.outbound() ? "out" : "in", via ? via->name() : "??"));
  if (insn.arg != 0 && r.rule->logged == insn.arg)
    machine.log(text("ipfw: limit {} reached on entry {}", insn.arg, r.rule->rule.number));
}

// Once a second at most.
void Ipfw::log_limits(const char* what, const RunState& r) {
  ++refused_states_;
  if (std::exchange(warned_s_, states_.seconds()) == states_.seconds()) return;
  vnet_.machine().log(text("ipfw: {} {} {}, {}", r.rule->rule.number, what, packet_words(r.view),
                           "state not made"));
}

void Ipfw::show_to_log_interface(const RunState& r) {
  auto* shown = dynamic_cast<LogInterface*>(net_.resolve(log_interface_));
  if (shown) shown->show(r.packet, r.view, r.at.ethernet());
}

}  // namespace stackyard::ipfw
