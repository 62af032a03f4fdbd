// stack/ipfw/api/rule.h - a rule of ipfw(8) as a value: instructions, never text.
//
// A rule is a list of instructions that a packet must satisfy, and of actions. An instruction is a
// word of 16 octets; operands that do not fit follow it in further words. Names (of tables, states,
// external actions) stand beside the instructions, which refer to them by index. The command makes
// rules of words, and texts of rules (rule_text.h); the stack checks them before it takes them.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/address6.h"
#include "core/base/bytes.h"

namespace stackyard::ipfw {

enum class Op : uint8_t {
  nothing,
  // What a packet is compared with; `arg`, `sub` and `data` as said.
  proto,          // arg
  ip4,            //
  ip6,            //
  src4,           // sub pairs of address and mask
  dst4,           //
  src4_set,       // arg: the first address, sub: log2 of how many, a bitmap behind
  dst4_set,       //
  src6,           // sub pairs behind
  dst6,           //
  src_me,         // an address of this host, of either family
  dst_me,         //
  src_me6,        //
  dst_me6,        //
  src_table,      // arg: name; sub 1: with the value data
  dst_table,      //
  lookup,         // sub: a LookupKey; arg: name
  flow_table,     // arg: name; sub 1: with the value data
  src_port,       // sub ranges
  dst_port,       //
  in,             //
  layer2,         //
  via,            // sub: an InterfaceKind; arg: address or name; the name's octets behind
  recv,           //
  xmit,           //
  mac,            // destination, its mask, source, its mask: behind
  mac_type,       // sub ranges
  frag,           // arg: FragBit set, data: those that must not be
  established,    //
  tcp_flags,      // arg: set, data: clear
  tcp_options,    // the same, of TcpOptionBit
  tcp_seq,        // arg
  tcp_ack,        //
  tcp_win,        // sub ranges
  tcp_mss,        //
  tcp_data_len,   //
  icmp_types,     // data: a bitmap
  icmp6_types,    // a bitmap of 256 behind
  ext6_header,    // arg: Ext6Bit
  flow6_id,       // sub numbers of 32 bits
  ip_len,         // sub ranges
  ip_id,          //
  ip_ttl,         //
  ip_ver,         // arg
  ip_tos,         // arg: set, data: clear
  ip_precedence,  // arg: 0 to 7
  dscp,           // data: a bitmap
  ip_options,     // arg: set, data: clear, of IpOptionBit
  verrevpath,     //
  versrcreach,    //
  antispoof,      //
  ipsec,          //
  jail,           // arg
  uid,            //
  gid,            //
  tagged,         // sub ranges; 0: tablearg
  fib,            // arg
  sockarg,        //
  diverted,       // arg: 1 loopback, 2 output, 3 either
  prob,           // arg: of 0x7fffffff
  probe_state,    // arg: name
  keep_state,     // arg: name
  limit,          // arg: name; sub: LimitBit; data: how many, or tablearg
  skip_action,    // defer-action
  // Modifiers, then actions; arg of many: a number, or tablearg.
  log,          // arg: how many at most; 0: no limit
  tag,          // arg; negated: untag
  accept,       //
  deny,         //
  reject,       // arg: an ICMP code, or reject_reset, reject_abort
  unreach6,     // the same, of ICMPv6
  count,        //
  skipto,       // arg
  call,         // arg
  return_,      //
  check_state,  // arg: name, or any_state
  pipe,         // arg, as of the five that follow
  queue,        //
  divert,       //
  tee,          //
  netgraph,     //
  ngtee,        //
  forward4,     // arg: address, or tablearg; data: port
  forward6,     // sub: zone given; data: port | zone << 32; the address behind
  nat,          // arg; nat_global
  reass,        //
  setfib,       // arg
  setdscp,      // arg
  external,     // arg: name; sub: 0 nothing, 1 data is the instance's name, 2 a number
};
constexpr bool is_action(Op op) { return op >= Op::log; }

constexpr uint32_t tablearg = UINT32_MAX;
constexpr uint32_t nat_global = UINT32_MAX - 1;
constexpr uint32_t any_state = UINT32_MAX;
constexpr uint32_t reject_reset = 0x100, reject_abort = 0x101;
constexpr uint32_t default_rule = 65535;
constexpr uint8_t sets = 32, default_set = 31;

namespace insn_flag {
constexpr uint8_t negated = 1, alternative = 2;  // the second: "or" what follows
}
namespace limit_bit {
constexpr uint8_t src_addr = 1, src_port = 2, dst_addr = 4, dst_port = 8;
}
namespace frag_bit {
constexpr uint8_t offset = 1, more = 2, dont = 4, reserved = 8;
}
namespace ext6_bit {
constexpr uint8_t fragment = 1, hop_options = 2, routing = 4, ah = 8, esp = 16, dest_options = 32,
                  routing0 = 64, routing2 = 128;
}
namespace tcp_option_bit {
constexpr uint8_t mss = 1, window = 2, sack = 4, timestamps = 8, cc = 16;
}
namespace ip_option_bit {
constexpr uint8_t ssrr = 1, lsrr = 2, rr = 4, ts = 8;
}
enum class LookupKey : uint8_t {
  dst_ip,
  src_ip,
  dst_port,
  src_port,
  uid,
  jail,
  dscp,
  dst_mac,
  src_mac
};
enum class InterfaceKind : uint8_t { name, pattern, address, table };

struct Insn {
  Op op = Op::nothing;
  uint8_t flags = 0;
  uint8_t words = 1;  // with the operands behind
  uint8_t sub = 0;
  uint32_t arg = 0;
  uint64_t data = 0;

  bool negated() const { return flags & insn_flag::negated; }
  bool alternative() const { return flags & insn_flag::alternative; }
  // What follows `data` in memory; of words - 1 words.
  const uint8_t* behind() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  uint8_t* behind() { return reinterpret_cast<uint8_t*>(this + 1); }
  // Operands that begin in `data` and go on behind it, as lists of pairs and ranges do.
  const uint8_t* operands() const { return reinterpret_cast<const uint8_t*>(this) + 8; }
  uint8_t* operands() { return reinterpret_cast<uint8_t*>(this) + 8; }
};
static_assert(sizeof(Insn) == 16);

// Lists: how many words they take, and their parts.
struct Pair4 {
  uint32_t address, mask;
};
struct Range16 {
  uint16_t first, last;
};
struct Pair6 {
  Ipv6Address address, mask;
};
struct MacPattern {
  std::array<uint8_t, 6> dest, dest_mask, source, source_mask;
};
template <class Part>
constexpr uint8_t words_for_list(size_t count) {
  const size_t octets = sizeof(Part) * count;
  return uint8_t(octets <= 8 ? 1 : 1 + (octets - 8 + sizeof(Insn) - 1) / sizeof(Insn));
}
template <class Part>
Part operand(const uint8_t* from, size_t index) {
  Part part;
  std::memcpy(&part, from + index * sizeof part, sizeof part);
  return part;
}
template <class Part>
void set_operand(uint8_t* to, size_t index, const Part& part) {
  std::memcpy(to + index * sizeof part, &part, sizeof part);
}
constexpr size_t list_max = 30;        // parts of one instruction
constexpr size_t interface_name = 16;  // octets, with the zero at their end

struct Rule {
  uint32_t number = 0;  // 0: the next free one
  uint8_t set = 0;
  bool only_options = false;  // given without "PROTO from SRC to DST"
  std::vector<Insn> match, actions;
  std::vector<std::string> names;
  std::string comment;
};

// Calls visit(insn) for each instruction of a list. Precondition: it is whole.
template <class Words, class Visit>
void for_each_insn(Words& words, Visit visit) {
  for (size_t at = 0; at < words.size(); at += words[at].words) visit(words[at]);
}

}  // namespace stackyard::ipfw
