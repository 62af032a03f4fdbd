// stack/ipfw/answers.cpp - what the firewall itself sends: resets, ICMP errors, keepalives.
#include "core/offload/checksum_offload.h"
#include "core/wire/net/icmp.h"
#include "core/wire/net/icmpv6.h"
#include "core/wire/net/ip_pseudo.h"
#include "core/wire/transport/tcp.h"
#include "stack/ipfw/detail/run_state.h"

namespace stackyard::ipfw {

namespace {

// RFC 1122 s3.2.2: an error may answer a question, but never another error.
bool may_be_answered(const PacketView& v) {
  if (v.version == 4 && v.protocol == ip_protocol::icmp)
    return v.icmp_type == icmp_type::echo || v.icmp_type == icmp_type::router_solicit ||
           v.icmp_type == icmp_type::timestamp || v.icmp_type == 15 ||
           v.icmp_type == icmp_type::mask_request;
  if (v.version == 6 && v.protocol == ip_protocol::icmpv6)
    return v.icmp_type == icmpv6_type::echo || v.icmp_type == icmpv6_type::mld_query ||
           v.icmp_type == 139;
  return true;
}

// The ICMPv6 code for what a rule says in ICMP's codes.
uint32_t for_ipv6(uint32_t code) {
  switch (code) {
    case reject_reset:
    case reject_abort:
      return code;
    case icmp_code::net_unreachable:
    case icmp_code::host_unreachable:
    case icmp_code::source_route_failed:
    case icmp_code::net_unknown:
    case icmp_code::host_unknown:
    case 8:
    case 11:
    case 12:
      return icmpv6_code::no_route;
    case icmp_code::port_unreachable:
      return icmpv6_code::port_unreachable;
    default:
      return icmpv6_code::prohibited;
  }
}

// RFC 9260 appendix A.
uint32_t crc32c(Bytes octets) {
  uint32_t sum = ~0u;
  for (const uint8_t octet : octets) {
    sum ^= octet;
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78u : 0);
  }
  return ~sum;
}

}  // namespace

Ipfw::Step Ipfw::reject(RunState& r, const Insn& insn) {
  const PacketView& v = r.view;
  hit(r);
  const bool applies = v.version == 6 || (v.version == 4 && insn.op == Op::reject);
  const bool group = r.packet.link_group() || (v.version != 0 && v.dest().is_multicast());
  net_.site().note_drop(r.packet.id(), drops::rejected, "ipfw", r.rule->text);
  r.verdict = HookVerdict::took(Errno::eacces);
  if (!applies || group || v.fragment() || !may_be_answered(v)) return Step::end;
  const uint32_t code = v.version == 6 && insn.op == Op::reject ? for_ipv6(insn.arg) : insn.arg;
  answering_ = true;
  if (code == reject_reset) {
    if (v.protocol == ip_protocol::tcp && v.transport && !(v.tcp_flags & tcp_flag::rst))
      send_reset(r);
  } else if (code == reject_abort) {
    send_abort(r);
  } else {
    Packet quoted = std::move(r.packet);
    if (r.at.ethernet()) quoted.trim_front(sizeof(EthernetHeader));
    if (IpOutput* output = ip_.output(v.dest().family()))
      output->send_icmp_error(std::move(quoted),
                              v.version == 6 ? icmpv6_type::unreachable : icmp_type::unreachable,
                              uint8_t(code), 0);
  }
  answering_ = false;
  return Step::end;
}

// RFC 9293 s3.5.2: a reset that the sender believes.
void Ipfw::send_reset(const RunState& r) {
  const PacketView& v = r.view;
  const bool acknowledged = v.tcp_flags & tcp_flag::ack;
  const uint32_t headers = v.transport_at + v.tcp_size;
  uint32_t length = v.length > headers ? v.length - headers : 0;
  if (v.tcp_flags & tcp_flag::syn) ++length;
  if (v.tcp_flags & tcp_flag::fin) ++length;
  std::array<uint8_t, sizeof(TcpHeader)> segment;
  store(TcpHeader{.source_port = v.dest_port,
                  .dest_port = v.source_port,
                  .sequence = acknowledged ? v.ack : 0,
                  .acknowledgment = acknowledged ? 0 : v.seq + length,
                  .flags = uint8_t(tcp_flag::rst | (acknowledged ? 0 : tcp_flag::ack)),
                  .window = 0,
                  .checksum = 0,
                  .urgent = 0},
        segment);
  send_tcp(r.dest(), r.source(), segment, r.packet.fib());
}

void Ipfw::send_tcp(const IpAddress& source, const IpAddress& dest, MutableBytes segment,
                    uint16_t fib) {
  const uint64_t pseudo = ip_pseudo_sum(source, dest, ip_protocol::tcp, segment.size());
  store(be16(internet_checksum(segment, pseudo)), segment.subspan(offsetof(TcpHeader, checksum)));
  send(source, dest, ip_protocol::tcp, segment, fib);
}

void Ipfw::send(const IpAddress& source, const IpAddress& dest, uint8_t protocol, Bytes octets,
                uint16_t fib) {
  IpOutput* output = ip_.output(dest.family());
  if (!output) return;
  Packet packet = net_.site().make_packet(octets.size());
  std::copy(octets.begin(), octets.end(), packet.writable_front().begin());
  IpSend send;
  send.source = source;
  send.dest = dest;
  send.protocol = protocol;
  send.fib = fib;
  (void)output->output(std::move(packet), send);
}

// RFC 9260 s8.4: an ABORT as if nobody knew the association. Of an INIT it has the tag that the
// sender wants; else the packet's own, and says so (T).
void Ipfw::send_abort(RunState& r) {
  const PacketView& v = r.view;
  const size_t at = v.link_size + v.transport_at;
  if (v.protocol != ip_protocol::sctp || !r.packet.pull_up(at + 20)) return;
  const Bytes sctp = r.packet.front().subspan(at);
  constexpr uint8_t init = 1, abort = 6;
  if (sctp[12] == abort) return;
  const bool opening = sctp[12] == init;
  std::array<uint8_t, 16> answer{};
  store(be16(v.dest_port), answer);
  store(be16(v.source_port), MutableBytes(answer).subspan(2));
  std::copy_n(sctp.begin() + (opening ? 16 : 4), 4, answer.begin() + 4);
  answer[12] = abort;
  answer[13] = opening ? 0 : 1;
  answer[15] = 4;  // the chunk's length
  // RFC 9260 appendix A: the sum's octets go least significant first.
  const uint32_t sum = crc32c(answer);
  for (size_t i = 0; i < 4; ++i) answer[8 + i] = uint8_t(sum >> (8 * i));
  send(r.dest(), r.source(), ip_protocol::sctp, answer, r.packet.fib());
}

// A segment that each end must answer: its number is just before what was acknowledged last.
void Ipfw::send_keepalive(const State& state) {
  if (!state.seen_forward || !state.seen_reverse) return;
  const auto narrow = [&](const Ipv6Address& a) {
    return state.version == 6 ? IpAddress(a) : IpAddress(a.embedded_v4());
  };
  const auto probe = [&](bool forward) {
    std::array<uint8_t, sizeof(TcpHeader)> segment;
    store(TcpHeader{.source_port = forward ? state.source_port : state.dest_port,
                    .dest_port = forward ? state.dest_port : state.source_port,
                    .sequence = (forward ? state.ack_reverse : state.ack_forward) - 1,
                    .acknowledgment = forward ? state.ack_forward : state.ack_reverse,
                    .flags = tcp_flag::ack,
                    .window = 0,
                    .checksum = 0,
                    .urgent = 0},
          segment);
    send_tcp(narrow(forward ? state.source : state.dest),
             narrow(forward ? state.dest : state.source), segment, 0);
  };
  answering_ = true;
  probe(true);
  probe(false);
  answering_ = false;
}

}  // namespace stackyard::ipfw
