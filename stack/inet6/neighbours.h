// stack/inet6/neighbours.h - neighbours' link addresses and whether they are reachable (RFC 4861
// s5, s7; RFC 7048; ndp(8)).
#pragma once

#include <memory>
#include <vector>

#include "core/event/timer.h"
#include "core/wire/link/ethernet.h"
#include "core/wire/net/icmpv6.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/ip/ip_protocol.h"
#include "stack/net/net_stack.h"

namespace stackyard {

class Inet6;

struct NeighbourCounters {
  uint64_t solicits_sent = 0, adverts_sent = 0, solicits_received = 0, adverts_received = 0;
  uint64_t dropped = 0, timeouts = 0, duplicates = 0, refused = 0;
};

struct NeighbourSettings {
  int64_t delay = 5, mmaxtries = 3, umaxtries = 3, gctimer = 86400, maxqueuelen = 16;
  int64_t max_entries = 4096;  // net.inet6.icmp6.nd6_maxentries: ours
};

class Neighbours {
 public:
  explicit Neighbours(Inet6& inet);
  ~Neighbours();

  // Sends `packet` to `next_hop`, now or when its address is known. Errors leave the packet with
  // the caller.
  Result<> output(Packet&& packet, Ifnet& interface, const Ipv6Address& next_hop, Route6* route);
  void solicit_received(Bytes message, const NdOptions& options, const IpContext& context);
  void advert_received(Bytes message, const NdOptions& options, const IpContext& context);
  // What RS, RA and redirects say of a sender or target; without `mac` only whether it is a router.
  enum class Role : uint8_t { unknown, host, router };
  void learn(Ifnet& interface, const Ipv6Address& address, const std::optional<MacAddress>& mac,
             Role role);
  // The transport says that it answers (RFC 4861 s7.3.1).
  void confirm(const Ifnet& interface, const Ipv6Address& address);
  bool probably_reachable(const Ifnet& interface, const Ipv6Address& address) const;
  void announce(Ifnet& interface, const Ipv6Address& address);  // an unsolicited advertisement
  void mac_changed(Ifnet& interface);
  void forget(const Ifnet& interface);

  std::vector<NeighbourInfo6> entries() const;
  Result<> set(const SetNeighbour6& wanted);
  Result<> remove(const DeleteNeighbour6& wanted);

  NeighbourCounters counters;

 private:
  struct Entry {
    Entry(Neighbours& owner, Ifnet& i, const Ipv6Address& a);
    void expired() { owner.timed(*this); }
    Neighbours& owner;
    Ifnet* interface;
    Ipv6Address address;
    EthernetHeader header;  // ready to be put before a packet
    NudState state = NudState::incomplete;
    bool permanent = false, router = false, proxy = false;
    int64_t asked = 0;  // solicitations in this state
    SimTime expires;
    Ipv6Address asker;  // the source of the packet that began it
    Timer timer;
    PacketQueue held;
    bool usable() const { return state != NudState::incomplete; }
  };

  // RFC 4861 s7.2.7, s7.2.8: who is one of several waits a little with the answer.
  struct Delayed {
    Delayed(Neighbours& owner, Ifnet& i);
    void due() { owner.answer_delayed(*this); }
    Neighbours& owner;
    IfRef interface;
    Ipv6Address target, to;
    MacAddress mac;
    Timer timer;
  };
  static constexpr size_t delayed_max = 64;

  Entry* find(const Ifnet& interface, const Ipv6Address& address) const;
  Entry* make(Ifnet& interface, const Ipv6Address& address);
  void erase(Entry& entry);
  Result<> hold(Packet&& packet, Entry& entry);
  void timed(Entry& entry);
  void fail(Entry& entry);
  void become(Entry& entry, NudState state);
  void set_mac(Entry& entry, MacAddress mac);
  void release(Entry& entry);
  void ask(Entry& entry, bool multicast);
  void answer(Ifnet& from, const Ipv6Address& target, const Ipv6Address& to, MacAddress mac,
              bool override_mac);
  void answer_later(Ifnet& from, const Ipv6Address& target, const Ipv6Address& to, MacAddress mac);
  void answer_delayed(Delayed& delayed);
  std::vector<uint8_t> advert(const Ipv6Address& target, MacAddress mac, uint32_t flags) const;
  const NeighbourSettings& settings() const;
  SimTime now() const;
  size_t place(const Ifnet& interface, const Ipv6Address& address) const;

  Inet6& inet_;
  uint32_t stamp_ = 1;  // of what routes remember
  size_t incomplete_ = 0;
  std::vector<std::unique_ptr<Delayed>> delayed_;
  std::vector<std::unique_ptr<Entry>> entries_;  // by interface's index and address
};

}  // namespace stackyard
