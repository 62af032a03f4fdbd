// stack/net/api/route_message.h - messages of routing sockets (route(4)), octet for octet those of
// FreeBSD 14 on amd64: numbers in the machine's byte order, socket addresses rounded up to eight.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ip_address.h"
#include "stack/net/api/route_requests.h"

namespace stackyard {

constexpr uint8_t rtm_version = 5;

enum class RtmType : uint8_t {
  add = 0x1,
  remove = 0x2,
  change = 0x3,
  get = 0x4,
  losing = 0x5,
  redirect = 0x6,
  miss = 0x7,
  lock = 0x8,
  new_address = 0xc,
  delete_address = 0xd,
  interface_info = 0xe,
  new_group = 0xf,
  delete_group = 0x10,
  interface_announce = 0x11,
};

// Bits of rtm_addrs, and their order.
enum RtAddress : uint8_t {
  rta_dst,
  rta_gateway,
  rta_netmask,
  rta_genmask,
  rta_ifp,
  rta_ifa,
  rta_author,
  rta_brd,
  rta_max
};
constexpr uint32_t rta_bit(RtAddress which) { return 1u << which; }

// Bits of rtm_inits and rmx_locks.
namespace rtv {
constexpr uint64_t mtu = 0x1, hopcount = 0x2, expire = 0x4, recvpipe = 0x8, sendpipe = 0x10,
                   ssthresh = 0x20, rtt = 0x40, rttvar = 0x80, weight = 0x100;
}

struct RtMetrics {
  uint64_t locks = 0, mtu = 0, hopcount = 0, expire = 0, recvpipe = 0, sendpipe = 0, ssthresh = 0;
  uint64_t rtt = 0, rttvar = 0, pksent = 0, weight = 0, nhidx = 0, filler[2] = {};
};
struct RtMsghdr {
  uint16_t msglen = 0;
  uint8_t version = rtm_version;
  uint8_t type = 0;
  uint16_t index = 0;
  uint16_t spare = 0;
  uint32_t flags = 0;
  uint32_t addrs = 0;
  int32_t pid = 0, seq = 0, error = 0;
  uint32_t fmask = 0;
  uint64_t inits = 0;
  RtMetrics metrics;
};
static_assert(sizeof(RtMetrics) == 112 && sizeof(RtMsghdr) == 152);

struct IfData {
  uint8_t type = 0, physical = 0, addrlen = 0, hdrlen = 0, link_state = 0, vhid = 0;
  uint16_t datalen = 152;
  uint32_t mtu = 0, metric = 0;
  uint64_t baudrate = 0, ipackets = 0, ierrors = 0, opackets = 0, oerrors = 0, collisions = 0;
  uint64_t ibytes = 0, obytes = 0, imcasts = 0, omcasts = 0, iqdrops = 0, oqdrops = 0;
  uint64_t noproto = 0, hwassist = 0, epoch = 0, lastchange[2] = {};
};
struct IfMsghdr {
  uint16_t msglen = 0;
  uint8_t version = rtm_version;
  uint8_t type = 0;
  uint32_t addrs = 0, flags = 0;
  uint16_t index = 0, spare = 0;
  IfData data;
};
static_assert(sizeof(IfData) == 152 && sizeof(IfMsghdr) == 168);
namespace link_state {
constexpr uint8_t unknown = 0, down = 1, up = 2;
}

struct IfaMsghdr {
  uint16_t msglen = 0;
  uint8_t version = rtm_version;
  uint8_t type = 0;
  uint32_t addrs = 0, flags = 0;
  uint16_t index = 0, spare = 0;
  int32_t metric = 0;
};
struct IfmaMsghdr {
  uint16_t msglen = 0;
  uint8_t version = rtm_version;
  uint8_t type = 0;
  uint32_t addrs = 0, flags = 0;
  uint16_t index = 0, spare = 0;
};
struct IfAnnounceMsghdr {
  uint16_t msglen = 24;
  uint8_t version = rtm_version;
  uint8_t type = uint8_t(RtmType::interface_announce);
  uint16_t index = 0;
  char name[16] = {};
  uint16_t what = 0;
};
static_assert(sizeof(IfaMsghdr) == 20 && sizeof(IfmaMsghdr) == 16 &&
              sizeof(IfAnnounceMsghdr) == 24);
constexpr uint16_t ifan_arrival = 0, ifan_departure = 1;

// sockaddr_dl: an interface by index or name, with its link-layer address.
struct LinkName {
  uint16_t index = 0;
  uint8_t type = 0;  // IFT_ETHER 6, IFT_LOOP 24, ...
  std::string name;
  std::vector<uint8_t> address;
  bool operator==(const LinkName&) const = default;
};
// link_ntoa(3)'s: "em0:2.0.0.0.0.1", "link#1".
std::string to_text(const LinkName& link);

// One of a message's socket addresses. Which of the three is set says its family; none: length 0.
struct RtSockaddr {
  std::optional<IpAddress> ip;
  uint32_t scope = 0;  // of a link-local address: the interface
  std::optional<LinkName> link;
  bool operator==(const RtSockaddr&) const = default;
};

// The socket addresses behind a message's header.
class RtSockaddrs {
 public:
  const std::optional<RtSockaddr>& operator[](RtAddress which) const { return all_[which]; }
  void set(RtAddress which, const IpAddress& ip, uint32_t scope = 0) {
    all_[which] = RtSockaddr{ip, scope, std::nullopt};
  }
  void set(RtAddress which, LinkName link) {
    all_[which] = RtSockaddr{std::nullopt, 0, std::move(link)};
  }
  void set_mask(IpFamily family, unsigned length);
  bool has(RtAddress which) const { return all_[which].has_value(); }
  uint32_t bits() const;
  // Those that `addrs` announces. False: cut off, or one that lies about its length or family.
  bool parse(Bytes octets, uint32_t addrs);
  void append_to(std::vector<uint8_t>& message) const;
  // Of the netmask; none: not contiguous.
  std::optional<unsigned> mask_length(IpFamily family) const;

 private:
  std::array<std::optional<RtSockaddr>, rta_max> all_;
};

// A header and what follows it; sets msglen and addrs.
template <class Header>
std::vector<uint8_t> rt_message(Header header, const RtSockaddrs& addresses) {
  std::vector<uint8_t> message(sizeof header);
  addresses.append_to(message);
  header.msglen = uint16_t(message.size());
  if constexpr (requires { header.addrs; }) header.addrs = addresses.bits();
  store(header, message);
  return message;
}

}  // namespace stackyard
