// stack/inet6/router_discovery.h - what router advertisements say: default routers, prefixes, and
// addresses made from them (RFC 4861 s6.3, RFC 4862 s5.5, RFC 4191's preferences).
#pragma once

#include <memory>
#include <vector>

#include "core/event/timer.h"
#include "core/wire/net/icmpv6.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/ip/ip_protocol.h"

namespace stackyard {

class Inet6;

// Of one interface: nobody fills memory with advertisements.
struct RouterSettings {
  int64_t routers_max = 16, prefixes_max = 16;
};

class RouterDiscovery {
 public:
  explicit RouterDiscovery(Inet6& inet);
  ~RouterDiscovery();

  void advert_received(Bytes message, const NdOptions& options, const IpContext& context);
  // A neighbour says that it is no router any more, or does not answer.
  void router_gone(const Ifnet& interface, const Ipv6Address& address);
  void reachability_changed() {
    select();
    check_attachment();
  }
  void forget(const Ifnet& interface);
  void flush_routers();
  void flush_prefixes();
  void list(ListRouters6& list) const;
  void list(ListPrefixes6& list) const;
  // Routers and prefixes beyond what an interface may have.
  uint64_t refused() const { return refused_; }
  bool is_router(const Ifnet& interface, const Ipv6Address& address) const;

 private:
  struct Router {
    Ifnet* interface;
    Ipv6Address address;
    uint8_t flags;
    int preference;
    SimTime expires;
  };
  struct Prefix {
    Ifnet* interface;
    Ipv6Prefix prefix;
    bool on_link = false, autonomous = false;  // as advertised
    bool routed = false, detached = false;
    uint32_t valid_s = 0, preferred_s = 0;
    SimTime expires = SimTime::max();
    std::vector<Ipv6Address> advertisers;
  };
  static constexpr size_t advertisers_max = 16;  // of one prefix

  void take_prefix(const NdPrefix& option, const IpContext& context);
  void on_link_changed(Prefix& prefix, bool on_link);
  void remove_prefix(size_t at);
  void select();
  // As pfxlist_onlink_check: a prefix whose routers have all gone silent is detached, and so are
  // its addresses, as long as some other prefix has a router that answers.
  void check_attachment();
  void attach_addresses(const Prefix& prefix);
  void forget_advertiser(const Ifnet& interface, const Ipv6Address& router);
  void expire();
  void arm();

  Inet6& inet_;
  std::vector<Router> routers_;
  std::vector<Prefix> prefixes_;
  // The router whose address is in the default route.
  Ifnet* installed_interface_ = nullptr;
  Ipv6Address installed_;
  uint64_t refused_ = 0;
  Timer timer_;
};

}  // namespace stackyard
