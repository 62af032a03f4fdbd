// stack/ip/tcp_keys.h - the keys that TCP's segments are signed with, of one vnet (RFC 2385).
#pragma once

#include <map>

#include "core/base/result.h"
#include "stack/ip/api/tcp_keys.h"

namespace stackyard {

class TcpKeys {
 public:
  // For segments from `source` to `dest`; null: they are not signed.
  const TcpKey* find(const IpAddress& source, const IpAddress& dest) const {
    const auto found = keys_.find({source, dest});
    return found == keys_.end() ? nullptr : &found->second;
  }
  Result<> add(const TcpKey& key);
  Result<> remove(const DeleteTcpKey& which);
  void clear() { keys_.clear(); }
  std::vector<TcpKey> list() const;

 private:
  std::map<std::pair<IpAddress, IpAddress>, TcpKey> keys_;
};

}  // namespace stackyard
