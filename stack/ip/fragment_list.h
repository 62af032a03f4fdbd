// stack/ip/fragment_list.h - the fragments of one datagram, as both families put them together
// (RFC 815, RFC 5722).
#pragma once

#include <vector>

#include "core/packet/packet.h"

namespace stackyard {

struct Fragment {
  uint32_t begin, end;  // octets of the datagram's payload
  bool last;
  size_t header_size;  // up to those octets
  Packet packet;       // with its headers
};

class FragmentList {
 public:
  enum class Fit : uint8_t { fits, duplicate, overlaps };
  // Whether a fragment goes with the others; one behind the end, or another end, overlaps.
  Fit fit(const Fragment& fragment) const;
  // One that fits. True: the datagram is whole.
  bool insert(Fragment fragment);
  // Of a whole one: the first fragment, with its headers, tags and identity, and the others'
  // octets.
  Packet join();

  size_t count() const { return parts_.size(); }
  uint32_t length() const { return length_; }  // of the payload; 0: not known yet
  size_t octets() const;                       // of the packets, with their headers
  // Null: the first fragment is not there.
  const Fragment* first() const {
    return parts_.empty() || parts_[0].begin != 0 ? nullptr : &parts_[0];
  }
  template <class Visit>
  void for_each(Visit visit) {
    for (Fragment& part : parts_) visit(part);
  }

 private:
  std::vector<Fragment> parts_;  // by begin
  uint32_t length_ = 0;
};

}  // namespace stackyard
