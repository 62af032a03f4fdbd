// lab/drill/wire.h - packets of a script as octets, and octets as packets of a script.
//
// A script's sequence numbers are relative to each side's SYN, its timestamps to the first one that
// was seen; a Connection knows what they are on the wire.
#pragma once

#include <map>

#include "core/base/bytes.h"
#include "lab/drill/settings.h"

namespace stackyard::drill {

// The one conversation that a script is about.
struct Connection {
  enum class State : uint8_t {
    none,
    listening,
    connecting,  // connect(2) was called; its SYN is not seen yet
    syn_sent,
    received,  // a packet for a listening socket was injected
    open
  };
  State state = State::none;
  uint8_t protocol = 6;
  IpAddress local, remote;
  uint16_t local_port = 0, remote_port = 0;
  // On the wire the peer's initial sequence number is the script's.
  uint32_t script_isn = 0, live_isn = 0, remote_isn = 0;
  std::map<uint32_t, uint32_t> stamps;  // of the script, on the wire
  bool stamp_known = false;
  uint32_t first_script_stamp = 0, first_live_stamp = 0;
  uint32_t script_label = 0, live_label = 0;  // IPv6's flow label, once it was seen
};

struct Sniffed {
  SimTime time;
  std::vector<uint8_t> octets;
};

// A packet that the stack sent, as far as scripts speak of it; sequence numbers are the wire's.
struct Heard {
  PacketSpec packet;
  IpAddress source, dest;
  uint8_t icmp_type = 0, icmp_code = 0;
  std::optional<PacketSpec> segment;  // what a datagram holds, if that looks like TCP
};
// Nothing: it is no packet that scripts know.
std::optional<Heard> parse_packet(Bytes octets);

// As the stack will receive it. Throws Failure.
std::vector<uint8_t> build_packet(const PacketSpec& packet, const Connection& connection,
                                  const Settings& settings, int line);
// Brings what was heard into the script's numbers; learns from it what they mean.
PacketSpec translate(const Heard& heard, const PacketSpec& expected, Connection& connection);
// Why it is not what the script expects, or "".
std::string difference(const PacketSpec& expected, const PacketSpec& actual, Connection& connection,
                       const Settings& settings, int line);
// In the script's language, without its time.
std::string to_text(const PacketSpec& packet);

// 32 bits of an option's value; 0 beyond its end.
inline uint32_t number_of(const std::vector<uint8_t>& octets, size_t at) {
  return at + 4 <= octets.size() ? uint32_t(load<be32>(Bytes(octets).subspan(at))) : 0;
}

// "unreachable", "port_unreachable": type and code. Throws Failure.
std::pair<uint8_t, uint8_t> icmp_numbers(const IcmpSpec& icmp, bool v6, int line);

}  // namespace stackyard::drill
