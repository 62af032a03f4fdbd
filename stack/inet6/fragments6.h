// stack/inet6/fragments6.h - IPv6 reassembly (RFC 8200 s4.5, RFC 5722, RFC 6946).
//
// An overlap drops the whole datagram, silently. Memory is bounded by the number of datagrams, of
// fragments in each, and of octets.
#pragma once

#include <map>
#include <memory>

#include "core/event/timer.h"
#include "core/packet/packet.h"
#include "core/wire/net/ipv6.h"
#include "stack/ip/fragment_list.h"

namespace stackyard {

class Inet6;

struct FragmentSettings6 {
  int64_t max_packets = 256;    // net.inet6.ip6.maxfragpackets
  int64_t max_per_packet = 64;  // net.inet6.ip6.maxfragsperpacket
  int64_t ttl_ms = 60'000;      // net.inet6.ip6.fraglifetime_ms
  static constexpr size_t octets_max = 4 << 20;
};

class Fragments6 {
 public:
  explicit Fragments6(Inet6& inet) : inet_(inet) {}
  // A fragment, whose fragment header is at `at`, and the place of the number before it at
  // `protocol_at`. Gives back the whole datagram, without fragment header, when it was the last one
  // missing. Addresses carry their zones.
  struct Key {
    Ipv6Address source, dest;
    uint32_t id;
    auto operator<=>(const Key&) const = default;
  };
  Packet add(Packet fragment, const Key& key, size_t at, size_t protocol_at);

 private:
  struct Datagram {
    Datagram(Fragments6& owner, const Key& k);
    void timed_out() { fragments.time_out(key); }
    Fragments6& fragments;
    Key key;
    FragmentList parts;
    size_t protocol_at = 0;  // of the first fragment
    Timer timer;
  };

  void time_out(const Key key);
  void discard(const Key& key, const DropReason& why);
  Packet drop(const Packet& fragment, const DropReason& why);
  Packet assemble(Datagram& datagram);

  Inet6& inet_;
  std::map<Key, std::unique_ptr<Datagram>> datagrams_;
  size_t octets_ = 0;
};

}  // namespace stackyard
