// stack/inet6/dad.h - one address that is being tried (RFC 4862 s5.4).
#pragma once

#include <array>

#include "stack/inet6/inet6.h"

namespace stackyard {

struct Inet6::Dad {
  Dad(Inet6& owner, Address& a)
      : inet(owner), address(a), timer(owner.site().node(), Timer::call<&Dad::due>, this) {}
  void due() { inet.dad_step(*this); }
  Inet6& inet;
  Address& address;
  int64_t left = 0;   // solicitations still to be sent
  int64_t extra = 0;  // more of them, because ours came back
  unsigned heard_ns = 0, heard_na = 0, looped = 0, sent = 0;
  std::vector<std::array<uint8_t, 6>> nonces;  // of those sent
  Timer timer;
};

}  // namespace stackyard
