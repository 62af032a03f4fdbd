// stack/inet6/autoconf.h - addresses that a host makes of advertised prefixes (RFC 4862 s5.5): by
// its MAC address, stable without it (RFC 7217), and temporary ones beside them (RFC 8981).
#pragma once

#include "core/base/address6.h"
#include "core/base/siphash.h"
#include "core/event/timer.h"
#include "core/wire/net/icmpv6.h"

namespace stackyard {

class Ifnet;
class Inet6;

struct AutoconfSettings {
  int64_t use_stable = 0, stable_retries = 3;
  int64_t stable_source = 0;  // of Net_Iface: one of stable_sources
  int64_t use_temporary = 0;
  int64_t temporary_preferred_s = 86400, temporary_valid_s = 604800;
};
constexpr const char* stable_sources[] = {"name", "id", "mac"};

class Autoconf {
 public:
  explicit Autoconf(Inet6& inet);

  // RFC 4862 s5.5.3: an address of the prefix, or new lifetimes for those that are there.
  void take(const NdPrefix& option, Ifnet& interface);
  // The interface's own address in a network of /64: RFC 7217's if its flag says so, else EUI-64's.
  // `failures` counts those that others had.
  Ipv6Address address_in(const Ipv6Address& network, Ifnet& interface, unsigned failures = 0);
  // DAD found that another node has an address of ours. True: it was random, so that this says
  // nothing of the interface; a different one is tried.
  bool duplicate(Ifnet& interface, const Ipv6Address& address);
  // A temporary address will soon be deprecated: its successor (RFC 8981 s3.5).
  void succeed_temporary(Ifnet& interface, const Ipv6Address& old);
  // temppltime was set.
  void preferred_changed();
  int64_t desync_most_s() const;

 private:
  void make_temporary(Ifnet& interface, const Ipv6Prefix& prefix, unsigned tries_left);
  bool has_live_temporary(const Ifnet& interface, const Ipv6Prefix& prefix) const;
  uint64_t stable_identifier(const Ipv6Address& network, const Ifnet& interface,
                             unsigned failures) const;
  SimTime regenerate_before(Ifnet& interface) const;

  Inet6& inet_;
  SipKey secret_;
  SimTime desync_;
};

}  // namespace stackyard
