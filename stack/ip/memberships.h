// stack/ip/memberships.h - the groups that a socket listens to (ip(4), ip6(4), RFC 3376 s3).
#pragma once

#include <vector>

#include "stack/ip/ip_output.h"
#include "stack/net/net_stack.h"
#include "stack/sys/types.h"

namespace stackyard {

class IpStack;

class Memberships {
 public:
  explicit Memberships(IpStack& ip) : ip_(ip) {}
  ~Memberships();
  Memberships(const Memberships&) = delete;

  // One of the membership options; `value` has a group, perhaps a source, and an interface.
  // EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOMEM.
  Result<> change(SocketOption option, const OptionValue& value, int fib);
  // Whether a datagram for a group may be delivered: joined where it came in, source not filtered.
  bool hears(const IpContext& context) const;
  // The interface that an option names by index or address, else that which the group leaves by.
  static Ifnet* interface_for(IpStack& ip, const OptionValue& value, int fib);

 private:
  struct Membership {
    IfRef interface;
    IpAddress group;
    std::vector<IpAddress> sources;  // listed with include: these only; else: all but these
    bool include = false;
  };
  static constexpr size_t most = 4095;  // IP_MAX_MEMBERSHIPS

  Result<> join(Ifnet& interface, const IpAddress& group, const IpAddress* only_source);
  Result<> leave(Membership& membership);

  IpStack& ip_;
  std::vector<Membership> all_;
};

}  // namespace stackyard
