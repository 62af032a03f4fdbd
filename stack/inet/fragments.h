// stack/inet/fragments.h - IPv4 reassembly (RFC 791 s3.2, RFC 815, RFC 8900's cautions).
//
// Overlaps that are not exact duplicates kill the whole datagram. Memory is bounded by the number
// of datagrams, of fragments in each, and of octets.
#pragma once

#include <map>
#include <memory>

#include "core/event/timer.h"
#include "core/packet/packet.h"
#include "core/wire/net/ipv4.h"
#include "stack/ip/fragment_list.h"

namespace stackyard {

class Inet;

struct FragmentSettings {
  int64_t max_packets = 256;    // net.inet.ip.maxfragpackets
  int64_t max_per_packet = 16;  // net.inet.ip.maxfragsperpacket
  int64_t ttl = 30;             // net.inet.ip.fragttl, seconds
  static constexpr size_t octets_max = 4 << 20;
};

class Fragments {
 public:
  explicit Fragments(Inet& inet) : inet_(inet) {}
  // Takes a fragment, with its IP header, and gives back the whole datagram (header of the first
  // fragment, fields mended) when this was the last one missing.
  Packet add(Packet fragment, const Ipv4Header& header);

 private:
  const FragmentSettings& settings() const;
  struct Key {
    Ipv4Address source, dest;
    uint16_t id;
    uint8_t protocol;
    auto operator<=>(const Key&) const = default;
  };
  struct Datagram {
    Datagram(Fragments& owner, const Key& k);
    void timed_out() { fragments.time_out(key); }
    Fragments& fragments;
    Key key;
    FragmentList parts;
    Timer timer;
  };

  void time_out(const Key key);
  void discard(const Key& key, const DropReason& why);
  Packet drop(Packet& fragment, const DropReason& why);
  Packet assemble(Datagram& datagram);

  Inet& inet_;
  std::map<Key, std::unique_ptr<Datagram>> datagrams_;
  size_t octets_ = 0;
};

}  // namespace stackyard
