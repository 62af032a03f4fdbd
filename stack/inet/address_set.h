// stack/inet/address_set.h - a few addresses that the destination of every packet is looked up
// among.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/base/address.h"

namespace stackyard {

// An address may be in it more than once, and is then removed as often.
class AddressSet {
 public:
  void add(Ipv4Address address) {
    sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), address.value), address.value);
    mark(address.value);
  }
  // Precondition: it is there.
  void remove(Ipv4Address address) {
    sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), address.value));
    filter_ = {};
    for (const uint32_t value : sorted_) mark(value);
  }
  bool contains(Ipv4Address address) const {
    const uint32_t at = place(address.value);
    if (!(filter_[at / 64] >> at % 64 & 1)) [[likely]]
      return false;
    return std::binary_search(sorted_.begin(), sorted_.end(), address.value);
  }

 private:
  static uint32_t place(uint32_t value) { return value * 2654435769u >> 24; }
  void mark(uint32_t value) { filter_[place(value) / 64] |= uint64_t(1) << place(value) % 64; }

  // Most packets are for somebody else, or the set is small: one bit of 256 tells.
  std::array<uint64_t, 4> filter_{};
  std::vector<uint32_t> sorted_;
};

}  // namespace stackyard
