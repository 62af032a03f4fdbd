// stack/ipfw/detail/run_state.h - one packet on its way through the rules.
#pragma once

#include "stack/ipfw/ipfw.h"

namespace stackyard::ipfw {

inline constexpr size_t calls_max = 16;  // IPFW_CALLSTACK_SIZE
// States of several names whose rules lead to each other end here.
inline constexpr uint8_t states_found_max = 64;

struct RunState {
  RunState(Packet& p, HookContext& context) : packet(p), at(context) {}
  Packet& packet;
  HookContext& at;
  PacketView view;
  StoredRule* rule = nullptr;         // the one that is being executed
  const Insn* next = nullptr;         // where a jump leads: a header
  const TableValue* value = nullptr;  // of the table that matched last
  HookVerdict verdict;
  uint64_t cookie = 0;           // what it came back with
  States::Hit state;             // that it belongs to
  uint32_t looked = UINT32_MAX;  // the name under which a state was looked for last
  uint8_t states_found = 0;
  const Pcb* socket = nullptr;
  bool socket_known = false;
  uint8_t calls = 0;
  uint32_t call_stack[calls_max];

  // With their zones, as the stack has them.
  IpAddress source() const { return zoned(view.source()); }
  IpAddress dest() const { return zoned(view.dest()); }
  IpAddress zoned(const IpAddress& address) const {
    const Ifnet* link = at.outbound() ? at.out : at.in;
    return address.is_v6() && link ? IpAddress(address.v6().with_zone(link->index())) : address;
  }
  const Ifnet* incoming() const { return at.in; }
  const Ifnet* outgoing() const { return at.outbound() ? at.out : nullptr; }
};

// Cookies say why a packet left: to be shaped, or diverted (stack/ip/divert_socket.h).
inline constexpr uint64_t cookie_shaped = uint64_t(1) << 60;
inline constexpr uint64_t cookie_kinds = uint64_t(15) << 60;

// The type of the tag that `ipfw add ... tag N` hangs on a packet.
const void* tag_type(uint32_t tag);

namespace drops {
inline constexpr DropReason denied{"ipfw_deny", "a rule of ipfw denies it"};
inline constexpr DropReason rejected{"ipfw_reject", "a rule of ipfw rejects it"};
inline constexpr DropReason truncated{"ipfw_truncated",
                                      "ipfw could not read a header that should be there"};
inline constexpr DropReason unknown_extension{"ipfw_unknown_extension",
                                              "ipfw does not know a header of the packet"};
inline constexpr DropReason lone_fragment{"ipfw_lone_fragment",
                                          "a fragment that is a whole packet"};
inline constexpr DropReason states_full{"ipfw_states_full", "ipfw has as many states as it may"};
inline constexpr DropReason limit_reached{"ipfw_limit", "a rule's limit of conversations"};
inline constexpr DropReason no_divert{"ipfw_no_divert", "no divert socket listens at that port"};
inline constexpr DropReason no_shaper{"ipfw_no_dummynet", "there is no such pipe or queue"};
inline constexpr DropReason no_netgraph{"ipfw_no_netgraph", "no netgraph hook takes it"};
inline constexpr DropReason no_nat{"ipfw_no_nat", "there is no such nat instance"};
inline constexpr DropReason nat_refused{"ipfw_nat_refused", "the translation refuses it"};
}  // namespace drops

}  // namespace stackyard::ipfw
