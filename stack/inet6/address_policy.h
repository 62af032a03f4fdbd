// stack/inet6/address_policy.h - the policy table of address selection (RFC 6724 s2.1,
// ip6addrctl(8)).
#pragma once

#include <memory>
#include <vector>

#include "core/base/result.h"
#include "stack/inet6/api/inet6_requests.h"

namespace stackyard {

// RFC 6724's table until somebody changes it, and then the vnet's own.
class AddressPolicy {
 public:
  static constexpr size_t entries_max = 256;

  // IPv4 addresses are asked for as mapped ones. Without a policy that fits: label and precedence
  // of their own, as FreeBSD has it.
  int label(const Ipv6Address& address) const;
  int precedence(const Ipv6Address& address) const;
  // Counts a use, as ip6addrctl shows it.
  void used(const Ipv6Address& address);

  std::vector<PolicyInfo6> entries() const;
  Result<> add(const PolicyInfo6& entry);     // EEXIST, ENOBUFS, EINVAL
  Result<> remove(const Ipv6Prefix& prefix);  // ESRCH
  void flush();

 private:
  const PolicyInfo6* find(const Ipv6Address& address) const;
  std::vector<PolicyInfo6>& own();

  std::unique_ptr<std::vector<PolicyInfo6>> own_;
};

}  // namespace stackyard
