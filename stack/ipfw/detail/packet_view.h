// stack/ipfw/detail/packet_view.h - what rules look at in a packet, read once.
#pragma once

#include "core/packet/packet.h"
#include "core/wire/link/ethernet.h"
#include "core/wire/net/ipv4.h"
#include "core/wire/net/ipv6.h"

namespace stackyard::ipfw {

// Ports and flags are those of the first fragment; of others there are none.
struct PacketView {
  uint8_t version = 0;  // 4, 6; 0: a frame that is neither
  uint8_t protocol = 0;
  uint8_t ttl = 0, tos = 0;
  bool transport = false;       // its header is there
  bool more_fragments = false;  //
  bool dont_fragment = false, reserved_bit = false;
  uint8_t tcp_flags = 0;
  uint8_t icmp_type = 0, icmp_code = 0;
  uint8_t extensions = 0;  // ext6_bit
  uint16_t source_port = 0, dest_port = 0;
  uint16_t id = 0;
  uint16_t tcp_window = 0;
  uint32_t fragment_offset = 0;     // in octets
  uint32_t link_size = 0;           // octets before the IP header
  uint32_t transport_at = 0;        // from the IP header on
  uint32_t tcp_size = 0;            // of its header
  uint32_t length = 0;              // of the whole packet, from the IP header on
  uint32_t seq = 0, ack = 0;        //
  uint32_t flow = 0;                // IPv6
  uint32_t source4 = 0, dest4 = 0;  //
  Ipv6Address source6, dest6;       // without zones
  EthernetHeader link;              // of frames

  IpAddress source() const {
    return version == 6 ? IpAddress(source6) : IpAddress(Ipv4Address{source4});
  }
  IpAddress dest() const { return version == 6 ? IpAddress(dest6) : IpAddress(Ipv4Address{dest4}); }
  bool fragment() const { return fragment_offset != 0; }
};

enum class ViewProblem : uint8_t { none, truncated, unknown_extension, lone_fragment };
struct ViewOptions {
  bool deny_unknown_extensions = true;  // net.inet6.ip6.fw.deny_unknown_exthdrs
  bool permit_lone_fragment = true;     // net.inet6.ip6.fw.permit_single_frag6
};

// `ethernet`: the packet begins with a frame's header.
ViewProblem look_at(Packet& packet, bool ethernet, const ViewOptions& options, PacketView& view);

// TCP's options, as bits (tcp_option_bit), and its MSS; 0: none.
uint8_t tcp_options_of(Packet& packet, const PacketView& view, uint16_t* mss = nullptr);
// IPv4's options, as ip_option_bit.
uint8_t ip_options_of(Packet& packet, const PacketView& view);

}  // namespace stackyard::ipfw
