// stack/ipfw/match.cpp - whether a packet is as an instruction says.
#include <algorithm>

#include "stack/ip/pcb.h"
#include "stack/ipfw/detail/run_state.h"
#include "stack/kern/jail.h"

namespace stackyard::ipfw {

namespace {

bool in_pairs(const Insn& insn, uint32_t address) {
  const uint8_t* const operands = insn.operands();
  for (size_t i = 0; i < insn.sub; ++i) {
    const auto pair = operand<Pair4>(operands, i);
    if ((address & pair.mask) == pair.address) return true;
  }
  return false;
}

bool in_pairs(const Insn& insn, const Ipv6Address& address) {
  for (size_t i = 0; i < insn.sub; ++i) {
    const auto pair = operand<Pair6>(insn.behind(), i);
    if ((address.high() & pair.mask.high()) == pair.address.high() &&
        (address.low() & pair.mask.low()) == pair.address.low())
      return true;
  }
  return false;
}

bool in_ranges(const Insn& insn, uint32_t value) {
  const uint8_t* const operands = insn.operands();
  for (size_t i = 0; i < insn.sub; ++i) {
    const auto range = operand<Range16>(operands, i);
    if (range.first <= value && value <= range.last) return true;
  }
  return false;
}

bool in_set(const Insn& insn, uint32_t address) {
  const uint32_t offset = address - insn.arg;
  return offset < 1u << insn.sub && insn.behind()[offset / 8] >> (offset % 8) & 1;
}

bool flags_match(const Insn& insn, uint32_t flags) {
  return (flags & insn.arg) == insn.arg && (flags & uint32_t(insn.data)) == 0;
}

// fnmatch(3) of the "C" locale, without classes of characters: the host's goes by its locale.
bool fits(const char* pattern, const char* name) {
  for (; *pattern; ++pattern, ++name) {
    if (*pattern == '*') {
      while (*pattern == '*') ++pattern;
      for (;; ++name) {
        if (fits(pattern, name)) return true;
        if (*name == 0) return false;
      }
    }
    if (*name == 0) return false;
    if (*pattern == '[') {
      const bool inverted = pattern[1] == '!' || pattern[1] == '^';
      bool found = false;
      const char* p = pattern + 1 + inverted;
      for (; *p && *p != ']'; ++p) {
        if (p[1] == '-' && p[2] && p[2] != ']') {
          found |= *p <= *name && *name <= p[2];
          p += 2;
        } else {
          found |= *p == *name;
        }
      }
      if (*p == 0 || found == inverted) return false;
      pattern = p;
    } else if (*pattern != '?' && *pattern != *name) {
      return false;
    }
  }
  return *name == 0;
}

constexpr char tags_begin[65536] = {};  // each address of it is the type of a packet's tag

}  // namespace

const void* tag_type(uint32_t tag) { return &tags_begin[tag & 0xffff]; }

// --- the common ones -----------------------------------------------------------------------------

bool Ipfw::matches(RunState& r, const Insn& insn) {
  const PacketView& v = r.view;
  switch (insn.op) {
    case Op::proto:
      return v.version != 0 && v.protocol == insn.arg;
    case Op::ip4:
      return v.version == 4;
    case Op::ip6:
      return v.version == 6;
    case Op::src4:
      return v.version == 4 && in_pairs(insn, v.source4);
    case Op::dst4:
      return v.version == 4 && in_pairs(insn, v.dest4);
    case Op::src6:
      return v.version == 6 && in_pairs(insn, v.source6);
    case Op::dst6:
      return v.version == 6 && in_pairs(insn, v.dest6);
    case Op::src_port:
      return v.transport && v.protocol != ip_protocol::icmp && v.protocol != ip_protocol::icmpv6 &&
             in_ranges(insn, v.source_port);
    case Op::dst_port:
      return v.transport && v.protocol != ip_protocol::icmp && v.protocol != ip_protocol::icmpv6 &&
             in_ranges(insn, v.dest_port);
    case Op::src_table:
      return matches_table(r, insn,
                           v.version ? tables_.at(insn.arg - 1)->find(v.source()) : nullptr);
    case Op::dst_table:
      return matches_table(r, insn, v.version ? tables_.at(insn.arg - 1)->find(v.dest()) : nullptr);
    case Op::in:
      return !r.at.outbound();
    case Op::via:
      return matches_interface(r, insn, r.at.outbound() ? r.at.out : r.at.in);
    case Op::recv:
      return matches_interface(r, insn, r.incoming());
    case Op::xmit:
      return matches_interface(r, insn, r.outgoing());
    case Op::src_me:
      return v.version != 0 && is_ours(r.source());
    case Op::dst_me:
      return v.version != 0 && is_ours(r.dest());
    case Op::src_me6:
      return v.version == 6 && is_ours(r.source());
    case Op::dst_me6:
      return v.version == 6 && is_ours(r.dest());
    case Op::tcp_flags:
      return v.protocol == ip_protocol::tcp && v.transport && flags_match(insn, v.tcp_flags);
    case Op::established:  // RST or ACK
      return v.protocol == ip_protocol::tcp && v.transport && (v.tcp_flags & 0x14) != 0;
    case Op::icmp_types:
      return v.protocol == ip_protocol::icmp && v.transport && v.icmp_type < 64 &&
             (insn.data >> v.icmp_type & 1);
    case Op::icmp6_types:
      return v.protocol == ip_protocol::icmpv6 && v.version == 6 && v.transport &&
             (insn.behind()[v.icmp_type / 8] >> (v.icmp_type % 8) & 1);
    default:
      return matches_rare(r, insn);
  }
}

bool Ipfw::matches_rare(RunState& r, const Insn& insn) {
  const PacketView& v = r.view;
  switch (insn.op) {
    case Op::src4_set:
      return v.version == 4 && in_set(insn, v.source4);
    case Op::dst4_set:
      return v.version == 4 && in_set(insn, v.dest4);
    case Op::lookup:
      return matches_lookup(r, insn);
    case Op::flow_table: {
      const FlowKey key{v.source(), v.dest(), v.protocol, v.source_port, v.dest_port};
      return matches_table(r, insn, v.version ? tables_.at(insn.arg - 1)->find_flow(key) : nullptr);
    }
    case Op::layer2:
      return r.at.ethernet();
    case Op::mac: {
      if (!r.at.ethernet()) return false;
      const auto p = operand<MacPattern>(insn.behind(), 0);
      for (size_t i = 0; i < 6; ++i)
        if ((v.link.dest.octets[i] & p.dest_mask[i]) != p.dest[i] ||
            (v.link.source.octets[i] & p.source_mask[i]) != p.source[i])
          return false;
      return true;
    }
    case Op::mac_type:
      return r.at.ethernet() && in_ranges(insn, v.link.type);
    case Op::verrevpath:
      return r.at.outbound() || comes_right(r, true);
    case Op::versrcreach:
      return r.at.outbound() || comes_right(r, false);
    case Op::antispoof: {
      if (r.at.outbound() || v.version == 0) return true;
      IpOutput* output = ip_.output(v.source().family());
      if (!output) return true;
      const WayTo way = output->way_to(r.source(), r.packet.fib());
      return !way.interface || !way.direct || comes_right(r, true);
    }
    case Op::jail:
    case Op::uid:
    case Op::gid:
      return matches_socket(r, insn);
    case Op::tagged:
      for (size_t i = 0; i < insn.sub; ++i) {
        const auto range = operand<Range16>(insn.operands(), i);
        const bool by_table = range.first == 0;
        const uint32_t first = by_table ? argument(r, tablearg, ValueKind::tag) : range.first;
        const uint32_t last = by_table ? first : range.last;
        for (uint32_t tag = first; tag <= last && tag <= 65535; ++tag)
          if (r.packet.tag(tag_type(tag))) return true;
      }
      return false;
    case Op::fib:
      return r.packet.fib() == insn.arg;
    case Op::diverted: {
      const bool diverted = (r.cookie & cookie_kinds) == DivertCookie::kind;
      return diverted && (insn.arg & (r.at.outbound() ? 2 : 1));
    }
    case Op::prob:
      return (random_.next() >> 33) < insn.arg;
    // No packet of this stack has been decrypted yet, and no socket has a cookie (SO_USER_COOKIE).
    case Op::ipsec:
    case Op::sockarg:
      return false;
    default:
      return matches_header(r, insn);
  }
}

// What headers say that few rules ask for.
bool Ipfw::matches_header(RunState& r, const Insn& insn) {
  const PacketView& v = r.view;
  const bool tcp = v.protocol == ip_protocol::tcp && v.transport;
  switch (insn.op) {
    case Op::frag: {
      const uint32_t bits =
          (v.fragment() ? frag_bit::offset : 0) | (v.more_fragments ? frag_bit::more : 0) |
          (v.dont_fragment ? frag_bit::dont : 0) | (v.reserved_bit ? frag_bit::reserved : 0);
      // IPv6's fragments are all that have the header, but for the first.
      return v.version != 0 && flags_match(insn, bits);
    }
    case Op::tcp_options:
      return tcp && flags_match(insn, tcp_options_of(r.packet, v));
    case Op::tcp_mss: {
      uint16_t mss = 0;
      if (!tcp || !(v.tcp_flags & 2)) return false;
      (void)tcp_options_of(r.packet, v, &mss);
      return mss != 0 && in_ranges(insn, mss);
    }
    case Op::tcp_seq:
      return tcp && v.seq == insn.arg;
    case Op::tcp_ack:
      return tcp && v.ack == insn.arg;
    case Op::tcp_win:
      return tcp && in_ranges(insn, v.tcp_window);
    case Op::tcp_data_len: {
      const uint32_t headers = v.transport_at + v.tcp_size;
      return tcp && v.length >= headers && in_ranges(insn, v.length - headers);
    }
    case Op::ext6_header:
      return v.version == 6 && (v.extensions & insn.arg) != 0;
    case Op::flow6_id:
      for (size_t i = 0; v.version == 6 && i < insn.sub; ++i)
        if (operand<uint32_t>(insn.operands(), i) == v.flow) return true;
      return false;
    case Op::ip_len:
      return v.version != 0 && in_ranges(insn, v.length);
    case Op::ip_id:
      return v.version == 4 && in_ranges(insn, v.id);
    case Op::ip_ttl:
      return v.version != 0 && in_ranges(insn, v.ttl);
    case Op::ip_ver:
      return v.version != 0 && v.version == insn.arg;
    case Op::ip_tos:
      return v.version == 4 && flags_match(insn, v.tos);
    case Op::ip_precedence:
      return v.version == 4 && v.tos >> 5 == insn.arg;
    case Op::dscp:
      return v.version != 0 && (insn.data >> (v.tos >> 2) & 1);
    case Op::ip_options:
      return v.version == 4 && flags_match(insn, ip_options_of(r.packet, v));
    default:
      return false;
  }
}

// --- tables, interfaces --------------------------------------------------------------------------

bool Ipfw::matches_table(RunState& r, const Insn& insn, const TableValue* found) {
  if (!found) return false;
  if (insn.sub && found->numbers[size_t(ValueKind::tag)] != uint32_t(insn.data)) return false;
  r.value = found;
  return true;
}

bool Ipfw::matches_lookup(RunState& r, const Insn& insn) {
  const PacketView& v = r.view;
  const Table& table = *tables_.at(insn.arg - 1);
  Insn plain = insn;
  plain.sub = 0;
  const auto number = [&](uint32_t n) { return matches_table(r, plain, table.find_number(n)); };
  switch (LookupKey(insn.sub)) {
    case LookupKey::dst_ip:
      return v.version && matches_table(r, plain, table.find(v.dest()));
    case LookupKey::src_ip:
      return v.version && matches_table(r, plain, table.find(v.source()));
    case LookupKey::dst_port:
      return v.transport && number(v.dest_port);
    case LookupKey::src_port:
      return v.transport && number(v.source_port);
    case LookupKey::uid:
      return socket_of(r) && number(0);
    case LookupKey::jail:
      return socket_of(r) && number(jail_of(r));
    case LookupKey::dscp:
      return v.version && number(v.tos >> 2);
    case LookupKey::dst_mac:
      return r.at.ethernet() && matches_table(r, plain, table.find_mac(v.link.dest));
    case LookupKey::src_mac:
      return r.at.ethernet() && matches_table(r, plain, table.find_mac(v.link.source));
  }
  return false;
}

bool Ipfw::matches_interface(RunState& r, const Insn& insn, const Ifnet* interface) {
  if (!interface) return false;
  switch (InterfaceKind(insn.sub)) {
    case InterfaceKind::name:
      return insn.arg == interface->index();
    case InterfaceKind::pattern:
      return fits(reinterpret_cast<const char*>(insn.behind()), interface->name().c_str());
    case InterfaceKind::address: {
      const IpOutput* output = ip_.present(IpFamily::v4);
      return output && output->interface_of(Ipv4Address{insn.arg}) == interface;
    }
    case InterfaceKind::table: {
      Insn plain = insn;
      plain.sub = 0;
      return matches_table(r, plain, tables_.at(insn.arg - 1)->find_interface(interface->name()));
    }
  }
  return false;
}

// --- addresses, sockets --------------------------------------------------------------------------

bool Ipfw::is_ours(const IpAddress& address) const {
  const IpOutput* output = ip_.present(address.family());
  return output && output->is_local(address);
}

// RFC 3704 s2.2: by the interface that packets to its source leave by; or the source is reachable
// at all, and not by the default route.
bool Ipfw::comes_right(const RunState& r, bool by_interface) const {
  if (r.view.version == 0) return false;
  const IpAddress source = r.source();
  IpOutput* output = ip_.output(source.family());
  if (!output) return false;
  const WayTo way = output->way_to(source, r.packet.fib());
  if (!way.interface) return false;
  if (by_interface) return way.interface == r.at.in;
  return !way.by_default && !way.refused;
}

const Pcb* Ipfw::socket_of(RunState& r) {
  if (r.socket_known) return r.socket;
  r.socket_known = true;
  const PacketView& v = r.view;
  const bool known = v.protocol == ip_protocol::tcp || v.protocol == ip_protocol::udp;
  if (!known || !v.transport) return nullptr;
  const Endpoint source{r.source(), v.source_port}, dest{r.dest(), v.dest_port};
  IpProtocol* protocol = ip_.protocol(v.protocol);
  if (protocol)
    r.socket =
        r.at.outbound() ? protocol->socket_of(source, dest) : protocol->socket_of(dest, source);
  return r.socket;
}

// A socket of a jail without a stack of its own says whose it is; of others it is the stack's jail.
uint32_t Ipfw::jail_of(RunState& r) {
  const Pcb* pcb = socket_of(r);
  return uint32_t(pcb && pcb->jail != 0 ? pcb->jail : vnet_.jail().id());
}

// All processes of a simulated machine are root's.
bool Ipfw::matches_socket(RunState& r, const Insn& insn) {
  if (!socket_of(r)) return false;
  return insn.op == Op::jail ? jail_of(r) == insn.arg : insn.arg == 0;
}

}  // namespace stackyard::ipfw
