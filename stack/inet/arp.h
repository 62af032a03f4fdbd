// stack/inet/arp.h - address resolution for IPv4 (RFC 826, RFC 5227; arp(4)).
//
// As FreeBSD does it: requests go out when packets need them, at most one a second; after
// `maxtries` the entry is negative until `wait` seconds after the last request.
#pragma once

#include <memory>
#include <vector>

#include "core/event/timer.h"
#include "core/wire/link/arp.h"
#include "core/wire/link/ethernet.h"
#include "stack/inet/api/inet_requests.h"
#include "stack/net/net_stack.h"

namespace stackyard {

class Inet;

struct ArpCounters {
  uint64_t requests_sent = 0, replies_sent = 0, requests_received = 0, replies_received = 0;
  uint64_t received = 0, dropped = 0, timeouts = 0, duplicates = 0;
  uint64_t limited = 0;
};

struct ArpSettings {
  int64_t max_age = 1200, maxtries = 5, wait = 20, maxhold = 16;
  int64_t max_entries = 4096;  // net.link.ether.inet.max_entries: ours
  int64_t garp_rexmit_count = 0, proxyall = 0, rfc5227 = 0;
  int64_t log_arp_wrong_iface = 1, log_arp_movements = 1, log_arp_permanent_modify = 1;
};

class Arp final : public EtherProtocol {
 public:
  explicit Arp(Inet& inet);
  ~Arp() override;

  // Sends `packet` to `next_hop` on a broadcast link, now or when the address is known. Errors are
  // those of FreeBSD's arpresolve: EHOSTDOWN (EHOSTUNREACH for a gateway) while the entry is
  // negative, and leave the packet with the caller.
  Result<> output(Packet&& packet, Ifnet& interface, Ipv4Address next_hop, Route& route);

  void ether_receive(Packet packet, Ifnet& from) override;

  // One gratuitous request (RFC 5227 s3), more if garp_rexmit_count says so; or a probe first, if
  // rfc5227 does.
  void announce(Ifnet& interface, Ipv4Address address);
  void forget(const Ifnet& interface);
  void forget_address(Ipv4Address address);

  std::vector<ArpInfo> entries() const;
  Result<> set(const SetArp& wanted);
  Result<> remove(Ipv4Address address);

  ArpCounters counters;

 private:
  const ArpSettings& settings() const;
  struct Entry {
    Entry(Arp& owner, Ifnet& i, Ipv4Address a);
    void expired() { arp.entry_expired(*this); }
    Arp& arp;
    Ifnet* interface;
    Ipv4Address address;
    EthernetHeader header;  // ready to be put before a packet, when valid
    bool valid = false, permanent = false, published = false;
    int64_t asked = 0;
    int64_t preempt = 0;  // refreshing requests left, before it expires
    SimTime last_asked{-1};
    SimTime expires;
    PacketQueue held;
    Timer timer;
  };
  // A gratuitous announcement that is repeated, or a probe that waits for objections.
  struct Announcement {
    Announcement(Arp& owner, Ifnet& i, Ipv4Address a);
    void next() { arp.announce_again(*this); }
    Arp& arp;
    IfRef interface;
    Ipv4Address address;
    int64_t probes_left = 0, left = 0;
    SimTime interval = 1_s;
    Timer timer;
  };

  static uint64_t key(const Ifnet& interface, Ipv4Address address) {
    return uint64_t(interface.index()) << 32 | address.value;
  }
  size_t place(uint64_t key) const;
  Entry* find(const Ifnet& interface, Ipv4Address address) const;
  Entry& make(Ifnet& interface, Ipv4Address address);
  bool full(bool resolved);
  void erase(Entry& entry);
  Result<> hold(Packet&& packet, Entry& entry, bool gateway);
  void ask(Entry& entry);
  void refresh(Entry& entry);
  void learn(Entry& entry, MacAddress mac);
  void entry_expired(Entry& entry);
  void announce_again(Announcement& announcement);
  void send(Ifnet& interface, uint16_t operation, MacAddress sender_mac, Ipv4Address sender,
            MacAddress target_mac, Ipv4Address target, MacAddress dest);
  void update_from(const ArpHeader& arp, Ifnet& from, bool create);
  bool conflict(const ArpHeader& arp, Ifnet& from);
  bool is_ours(const Ifnet& from, Ipv4Address address) const;
  void reply(const ArpHeader& arp, Ifnet& from);
  SimTime now() const;

  Inet& inet_;
  std::vector<std::pair<uint64_t, std::unique_ptr<Entry>>> entries_;  // sorted by key
  std::vector<std::unique_ptr<Announcement>> announcements_;
  size_t unresolved_ = 0;  // of the entries
  uint32_t stamp_ = 1;     // changes whenever an entry is freed: routes remember entries under it
};

}  // namespace stackyard
