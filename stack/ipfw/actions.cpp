// stack/ipfw/actions.cpp - what rules do with packets that match.
#include "core/base/text.h"
#include "core/offload/checksum_offload.h"
#include "core/wire/checksum.h"
#include "core/wire/transport/tcp.h"
#include "stack/ipfw/detail/run_state.h"
#include "stack/kern/machine.h"

namespace stackyard::ipfw {

// A number of an instruction, or of the table's entry that matched last; 0: there was none.
uint32_t Ipfw::argument(const RunState& r, uint32_t arg, ValueKind kind) const {
  if (arg != tablearg) return arg;
  return r.value ? r.value->numbers[size_t(kind)] : 0;
}

void Ipfw::hit(RunState& r) {
  ++r.rule->packets;
  r.rule->octets += r.view.length;
  r.rule->last = net_.site().now();
  r.rule->matched = true;
}

Ipfw::Step Ipfw::end(RunState& r, HookVerdict verdict) {
  r.verdict = verdict;
  return Step::end;
}

Ipfw::Step Ipfw::deny(RunState& r, const DropReason& why) {
  return end(r, drop(r.packet, why, r.rule));
}

// Where a packet that leaves for a while comes back: behind this rule.
Resume Ipfw::resume_here(const RunState& r, uint64_t kind) const {
  return r.at.resume(kind | uint64_t(r.rule->rule.number) << 32 | r.rule->id);
}

Ipfw::Step Ipfw::act(RunState& r, const Insn& insn) {
  switch (insn.op) {
    case Op::probe_state:
    case Op::check_state:
      return find_state(r, insn);
    case Op::keep_state:
    case Op::limit:
      return install_state(r, insn) ? Step::next_instruction : Step::end;
    case Op::skip_action:
      return Step::next_rule;
    case Op::log:
      log(r, insn);
      return Step::next_instruction;
    case Op::tag: {
      const uint32_t tag = argument(r, insn.arg, ValueKind::tag);
      if (insn.negated())
        r.packet.clear_tag(tag_type(tag));
      else
        r.packet.set_tag(tag_type(tag), tag);
      return Step::next_instruction;
    }
    case Op::accept:
      hit(r);
      if (net_.site().decisions_wanted()) [[unlikely]]
        net_.site().note_decision({.node = 0,
                                   .packet = r.packet.id(),
                                   .kind = DecisionKind::rule,
                                   .address = r.view.dest(),
                                   .network = {},
                                   .by = r.rule->rule.number,
                                   .by_length = 0,
                                   .interface = uint16_t(r.outgoing()   ? r.outgoing()->index()
                                                         : r.incoming() ? r.incoming()->index()
                                                                        : 0)});
      return end(r, HookVerdict::pass());
    case Op::deny:
      hit(r);
      return deny(r, drops::denied);
    case Op::count:
      hit(r);
      return Step::next_rule;
    default:
      return act_on_rule(r, insn);
  }
}

Ipfw::Step Ipfw::act_on_rule(RunState& r, const Insn& insn) {
  switch (insn.op) {
    case Op::skipto:
      hit(r);
      return jump(r, argument(r, insn.arg, ValueKind::skipto), false);
    case Op::call:
      // A call that finds no room is no call.
      if (r.calls == calls_max) return Step::next_rule;
      hit(r);
      r.call_stack[r.calls++] = r.rule->rule.number;
      return jump(r, argument(r, insn.arg, ValueKind::skipto), true);
    case Op::return_:
      if (r.calls == 0) return Step::next_rule;
      hit(r);
      return jump(r, r.call_stack[--r.calls] + 1, true);
    case Op::setfib: {
      const uint32_t fib = argument(r, insn.arg, ValueKind::fib);
      hit(r);
      r.packet.set_fib(uint16_t(int64_t(fib) < net_.fib_count() ? fib : 0));
      return Step::next_rule;
    }
    case Op::setdscp:
      hit(r);
      if (r.view.version) set_dscp(r, argument(r, insn.arg, ValueKind::dscp) & 0x3f);
      return Step::next_rule;
    default:
      return act_elsewhere(r, insn);
  }
}

Ipfw::Step Ipfw::act_elsewhere(RunState& r, const Insn& insn) {
  switch (insn.op) {
    case Op::reject:
    case Op::unreach6:
      return reject(r, insn);
    case Op::pipe:
    case Op::queue:
      return shape(r, insn);
    case Op::divert:
    case Op::tee:
      return divert(r, insn);
    case Op::netgraph:
    case Op::ngtee:
      return to_netgraph(r, insn);
    case Op::forward4:
    case Op::forward6:
      return forward_to(r, insn);
    case Op::nat:
      return translate(r, insn);
    case Op::reass:
      return reassemble(r);
    case Op::external:
      return external(r, insn);
    default:
      return Step::next_rule;
  }
}

Ipfw::Step Ipfw::jump(RunState& r, uint32_t number, bool backwards) {
  // Without "call" nobody goes in circles.
  if (!backwards && number <= r.rule->rule.number) number = r.rule->rule.number + 1;
  r.next = rules_.from_number(number);
  return Step::jump;
}

// --- states --------------------------------------------------------------------------------------

Ipfw::Step Ipfw::find_state(RunState& r, const Insn& insn) {
  const bool probe = insn.op == Op::probe_state;
  const Step otherwise = probe ? Step::next_instruction : Step::next_rule;
  // Once for a name: the rule that a state leads to may look for the same one.
  if (states_.empty() || r.looked == insn.arg || r.looked == 0) return otherwise;
  r.looked = insn.arg;
  if (++r.states_found > states_found_max) return otherwise;
  r.state = states_.find(r.view, uint16_t(insn.arg));
  if (!r.state.state) return otherwise;
  states_.note(r.state, r.view, settings().states);
  return Step::enter;
}

bool Ipfw::install_state(RunState& r, const Insn& insn) {
  if (r.view.version == 0) return true;
  States::Limit limit;
  if (insn.op == Op::limit) limit = {insn.sub, argument(r, uint32_t(insn.data), ValueKind::limit)};
  switch (states_.install(r.view, *r.rule, uint16_t(insn.arg), limit, settings().states)) {
    case Install::done:
      return true;
    case Install::full:
      log_limits("too many states", r);
      (void)deny(r, drops::states_full);
      return false;
    case Install::limit_reached:
      log_limits("drop session", r);
      (void)deny(r, drops::limit_reached);
      return false;
  }
  return true;
}

// --- other modules -------------------------------------------------------------------------------

Ipfw::Step Ipfw::forward_to(RunState& r, const Insn& insn) {
  // On layer 2 there is no way to change; of a conversation only one direction goes elsewhere.
  if (r.at.ethernet()) return Step::next_rule;
  const uint8_t version = insn.op == Op::forward6 ? 6 : 4;
  const bool by_table = insn.op == Op::forward4 && insn.arg == tablearg;
  if (!by_table && r.view.version != version) return Step::next_rule;
  hit(r);
  if (r.state.state && !r.state.forward) return end(r, HookVerdict::pass());
  Forwarding to;
  to.port = uint16_t(insn.data);
  if (insn.op == Op::forward6) {
    to.to = operand<Ipv6Address>(insn.behind(), 0);
    const Ifnet* link = insn.sub ? net_.find(r.rule->rule.names[insn.data >> 32]) : nullptr;
    if (link) to.to = to.to.v6().with_zone(link->index());
  } else if (!by_table) {
    to.to = Ipv4Address{insn.arg};
  } else if (r.view.version == 6) {
    to.to = r.value ? r.value->next_hop6 : Ipv6Address{};
  } else {
    to.to = Ipv4Address{argument(r, tablearg, ValueKind::ipv4)};
  }
  set_forwarding(r.packet, to);
  return end(r, HookVerdict::pass());
}

Ipfw::Step Ipfw::shape(RunState& r, const Insn& insn) {
  hit(r);
  if (!ip_.services.shaper) return deny(r, drops::no_shaper);
  ShaperHook::Order order;
  order.number = argument(r, insn.arg, ValueKind::pipe);
  order.queue = insn.op == Op::queue;
  order.flow = {r.view.source(), r.view.dest(), r.view.source_port, r.view.dest_port,
                r.view.protocol, r.view.flow,   r.packet.fib()};
  order.resume = resume_here(r, cookie_shaped);
  return end(r, ip_.services.shaper->shape(std::move(r.packet), order));
}

Ipfw::Step Ipfw::divert(RunState& r, const Insn& insn) {
  if (r.at.ethernet()) return Step::next_rule;
  const uint16_t port = uint16_t(argument(r, insn.arg, ValueKind::divert));
  const uint32_t number = r.rule->rule.number;
  hit(r);
  if (insn.op == Op::tee) {
    Packet copy = r.packet.clone();
    (void)ip_.divert().deliver(std::move(copy), port, number, r.at);
    return Step::next_rule;
  }
  const PacketId id = r.packet.id();
  if (ip_.divert().deliver(std::move(r.packet), port, number, r.at))
    return end(r, HookVerdict::took());
  net_.site().note_drop(id, drops::no_divert, "ipfw", r.rule->text);
  return end(r, HookVerdict::took());
}

Ipfw::Step Ipfw::to_netgraph(RunState& r, const Insn& insn) {
  const uint32_t number = argument(r, insn.arg, ValueKind::netgraph);
  NetgraphHook* const netgraph = ip_.services.netgraph;
  hit(r);
  if (insn.op == Op::ngtee) {
    if (netgraph && netgraph->connected(number))
      (void)netgraph->send(r.packet.clone(), number, resume_here(r, cookie_shaped));
    return Step::next_rule;
  }
  if (!netgraph || !netgraph->connected(number)) return deny(r, drops::no_netgraph);
  (void)netgraph->send(std::move(r.packet), number, resume_here(r, cookie_shaped));
  return end(r, HookVerdict::took());
}

Ipfw::Step Ipfw::translate(RunState& r, const Insn& insn) {
  if (r.view.version != 4) return Step::next_rule;
  hit(r);
  TranslatorHook* const translator = ip_.services.translator;
  if (!translator) return deny(r, drops::no_nat);
  const bool global = insn.arg == nat_global;
  const uint32_t number = global ? 0 : argument(r, insn.arg, ValueKind::nat);
  const bool stripped = r.at.ethernet();
  if (stripped) r.packet.trim_front(sizeof(EthernetHeader));
  const auto outcome = translator->translate(r.packet, number, global, r.at);
  if (stripped && r.packet) r.packet.prepend_header(r.view.link);
  if (outcome == TranslatorHook::Outcome::refused) return deny(r, drops::nat_refused);
  if (settings().one_pass) return end(r, HookVerdict::pass());
  look_again(r);
  return Step::next_rule;
}

Ipfw::Step Ipfw::reassemble(RunState& r) {
  if (r.view.version != 4 || r.at.ethernet() || (!r.view.fragment() && !r.view.more_fragments))
    return Step::next_rule;
  hit(r);
  r.packet = ip_.output(IpFamily::v4)->reassemble(std::move(r.packet));
  if (!r.packet) return end(r, HookVerdict::took());
  look_again(r);
  return Step::next_rule;
}

// The packet is another one now.
void Ipfw::look_again(RunState& r) {
  r.view = {};
  r.looked = UINT32_MAX;
  r.socket_known = false;
  r.socket = nullptr;
  (void)look_at(r.packet, r.at.ethernet(), {}, r.view);
}

Ipfw::Step Ipfw::external(RunState& r, const Insn& insn) {
  const std::string& name = r.rule->rule.names[insn.arg];
  if (name == "tcp-setmss") {
    hit(r);
    set_mss(r, uint32_t(insn.data));
    return Step::next_rule;
  }
  ExternalAction* const action = ip_.services.action(name);
  if (!action) return Step::next_rule;
  hit(r);
  const std::string instance = insn.sub == 1 ? r.rule->rule.names[insn.data] : "";
  switch (action->act(r.packet, instance, r.at)) {
    case ExternalAction::Outcome::next_rule:
      if (!r.packet) return end(r, HookVerdict::took());
      look_again(r);
      return Step::next_rule;
    case ExternalAction::Outcome::translated:
      if (settings().one_pass) return end(r, HookVerdict::pass());
      look_again(r);
      return Step::next_rule;
    case ExternalAction::Outcome::pass:
      return end(r, HookVerdict::pass());
    case ExternalAction::Outcome::drop:
      return deny(r, drops::denied);
    case ExternalAction::Outcome::taken:
      return end(r, HookVerdict::took());
  }
  return Step::next_rule;
}

// --- changes -------------------------------------------------------------------------------------

// RFC 2474 s3: six bits; the other two are ECN's.
void Ipfw::set_dscp(RunState& r, uint32_t code) {
  const MutableBytes ip = r.packet.writable_front().subspan(r.view.link_size);
  r.view.tos = uint8_t(code << 2 | (r.view.tos & 3));
  if (r.view.version == 4) {
    ip[1] = r.view.tos;
    finish_ipv4_header(ip.first(r.view.transport_at));
    return;
  }
  ip[0] = uint8_t((ip[0] & 0xf0) | r.view.tos >> 4);
  ip[1] = uint8_t((ip[1] & 0x0f) | r.view.tos << 4);
}

// Lowers the MSS that a SYN offers. RFC 1624: the checksum changes by the difference.
void Ipfw::set_mss(RunState& r, uint32_t most) {
  const PacketView& v = r.view;
  uint16_t mss = 0;
  if (v.protocol != ip_protocol::tcp || !v.transport || !(v.tcp_flags & tcp_flag::syn)) return;
  (void)tcp_options_of(r.packet, v, &mss);
  if (mss <= most) return;
  const MutableBytes tcp = r.packet.writable_front().subspan(v.link_size + v.transport_at);
  for (size_t at = sizeof(TcpHeader); at + 4 <= v.tcp_size;) {
    if (tcp[at] == tcp_option::nop) {
      ++at;
      continue;
    }
    if (tcp[at] == tcp_option::end || tcp[at + 1] < 2) return;
    if (tcp[at] != tcp_option::mss) {
      at += tcp[at + 1];
      continue;
    }
    if (r.packet.deferred_checksum() == DeferredChecksum::none) {
      const MutableBytes sum = tcp.subspan(16);
      // The field may be at an odd place, where its octets change sides.
      const bool odd = at % 2 != 0;
      const auto side = [&](uint16_t x) { return odd ? uint16_t(x << 8 | x >> 8) : x; };
      store(be16(checksum_update(load<be16>(sum), side(mss), side(uint16_t(most)))), sum);
    }
    store(be16(uint16_t(most)), tcp.subspan(at + 2));
    return;
  }
}

}  // namespace stackyard::ipfw
