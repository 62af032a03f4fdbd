// stack/ip/memberships.h - the groups that a socket listens to (ip(4), ip6(4), RFC 3376 s3,
// RFC 3678).
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

  // One of the membership options; `value` has a group, perhaps sources, and an interface.
  // EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOMEM, ENOBUFS.
  Result<> change(SocketOption option, const OptionValue& value, int fib);
  // Whether a datagram for a group may be delivered: joined where it came in, source not filtered.
  bool hears(const IpContext& context) const;
  // The interface that an option means: by index, by address, else where the group is routed, else
  // the first that can; null: none.
  static Ifnet* interface_for(IpStack& ip, const OptionValue& value, int fib);

 private:
  struct Membership {
    IfRef interface;
    IpAddress group;
    SourceFilter filter;
  };
  static constexpr size_t most = 4095;  // IP_MAX_MEMBERSHIPS

  Result<> change_source(SocketOption option, Membership* found, Ifnet& interface,
                         const IpAddress& group, const IpAddress& source);
  Result<> set_filter(Membership* found, Ifnet& interface, const IpAddress& group,
                      SourceFilter filter);
  Result<> leave(Membership& membership);
  size_t sources_max() const;

  IpStack& ip_;
  std::vector<Membership> all_;
};

}  // namespace stackyard
