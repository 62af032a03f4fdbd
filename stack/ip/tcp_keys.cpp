#include "stack/ip/tcp_keys.h"

namespace stackyard {

Result<> TcpKeys::add(const TcpKey& key) {
  if (key.key.empty() || key.source.family() != key.dest.family()) return Errno::einval;
  if (!keys_.try_emplace({key.source, key.dest}, key).second) return Errno::eexist;
  return {};
}

Result<> TcpKeys::remove(const DeleteTcpKey& which) {
  const auto found = keys_.find({which.source, which.dest});
  const bool there = found != keys_.end() && (which.any_spi || found->second.spi == which.spi);
  if (!there) return Errno::enoent;
  keys_.erase(found);
  return {};
}

std::vector<TcpKey> TcpKeys::list() const {
  std::vector<TcpKey> all;
  for (const auto& [ends, key] : keys_) all.push_back(key);
  return all;
}

}  // namespace stackyard
